#!/usr/bin/env bats
# pipelines/mirror-dataset: what it sets up, and from a message of the audit log to the run of a config.

load helper/common
load helper/localcloud
load helper/transfers

setup_file() {
	localcloud_start --transfer-pending 20 --transfer-running 50
	transfer_dataset
	export PUBSUB_EMULATOR_HOST=${LOCALCLOUD_URL#http://}
}

teardown_file() {
	localcloud_stop
}

setup() {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	unset DATASETS_TO_TRANSFERT DESTINATION_PROJECT_ID LOCATION_ID REALTIME_DB_MODE
}

pubsub() {
	localcloud_curl --fail-with-body -o /dev/null -X "$1" --data-binary "$3" "$LOCALCLOUD_URL/v1/projects/$PROJECT/$2"
}

# publish: lines of stdin, a message each.
publish() {
	jq -Rc '{data: @base64}' | jq -sc '{messages: .}' >"$BATS_TEST_TMPDIR/messages"
	pubsub POST topics/changes:publish "@$BATS_TEST_TMPDIR/messages"
}

@test "an entry of the log in a message starts the run of its dataset's config" {
	local shop crm
	shop=$(transfer_config shop_transfert)
	crm=$(transfer_config crm_transfert)
	pubsub PUT topics/changes '{}'
	pubsub PUT subscriptions/changes "{\"topic\":\"projects/$PROJECT/topics/changes\",\"ackDeadlineSeconds\":10}"
	publish < <(entry shop && entry shop && entry crm && entry other)
	run_split mirror-dataset --dataset shop --dataset crm --idle-exit 2s --run=--batch=1 --trigger=--wait changes
	assert_status 0
	[[ $errors == *'4 messages acknowledged, 0 failures'* ]] || _fail acknowledged
	assert_json 'map(.["@run"] // empty) | all(.state == "SUCCEEDED") and (map(.dataset) | unique) == ["crm", "shop"]'
	(($(transfer_count "$shop") >= 1 && $(transfer_count "$shop") <= 2))
	assert_equal "$(transfer_count "$crm")" 1 runs
}

@test "--setup says the commands, and runs none" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\nexit 70\n' | tee "$BATS_TEST_TMPDIR/bin/gcloud" >"$BATS_TEST_TMPDIR/bin/bq"
	chmod +x "$BATS_TEST_TMPDIR/bin/"*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run_split mirror-dataset --setup --project dst --source src --dataset shop --dataset src.crm \
		--lock firestore:locks --runner serviceAccount:m@dst.iam.gserviceaccount.com changes
	assert_status 0
	bash -n <<<"$output"
	for words in 'gcloud pubsub topics create changes --project=dst' \
		'gcloud pubsub subscriptions create changes --project=dst --topic=changes' \
		'gcloud logging sinks create changes pubsub.googleapis.com/projects/dst/topics/changes --project=src' \
		'resource.labels.dataset_id=("shop" OR "crm")' \
		'--member="$writer" --role=roles/pubsub.publisher' \
		'--permissions=bigquery.transfers.get,bigquery.transfers.update' \
		'--role=projects/dst/roles/sluiceTransferStarter' \
		'--role=roles/datastore.user'; do
		assert_output_contains "$words"
	done
	refute_output_contains bigquery.admin
	run_split mirror-dataset --setup --project dst --source src changes
	refute_output_contains dataset_id=
	refute_output_contains 'iam roles'
}

# A gcloud that notes its words; nothing is there yet.
fake_gcloud() {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/gcloud" <<-EOF
		#!/bin/bash
		printf '%s\n' "\$*" >>"$BATS_TEST_TMPDIR/words"
		case "\$*" in
		*writerIdentity*) echo serviceAccount:sink@example.com ;;
		*projectNumber*) echo 7 ;;
		*sinks\ describe*) [[ -n \${SINK_IS_THERE:-} ]] || exit 1 ;;
		*describe*) exit 1 ;;
		$1) exit 1 ;;
		esac
	EOF
	chmod +x "$BATS_TEST_TMPDIR/bin/gcloud"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

@test "--setup --apply runs them" {
	fake_gcloud nothing
	run_split mirror-dataset --setup --apply --project dst --source src --runner user:a@example.com changes
	assert_status 0
	for words in 'logging sinks create changes *--log-filter=resource.type="bigquery_dataset" severity!=ERROR (*' \
		'pubsub topics add-iam-policy-binding changes *--member=serviceAccount:sink@example.com --role=roles/pubsub.publisher*' \
		'pubsub subscriptions add-iam-policy-binding changes *--member=serviceAccount:service-7@gcp-sa-pubsub.iam.gserviceaccount.com*' \
		'projects add-iam-policy-binding dst --member=user:a@example.com --role=projects/dst/roles/sluiceTransferStarter*'; do
		found=no
		while read -r line; do
			# shellcheck disable=SC2053 # a pattern
			[[ $line != $words ]] || found=yes
		done <"$BATS_TEST_TMPDIR/words"
		[[ $found == yes ]] || _fail "not run: $words" "$(<"$BATS_TEST_TMPDIR/words")"
	done
}

@test "a sink that is there gets the filter that is meant now" {
	fake_gcloud nothing
	SINK_IS_THERE=yes run_split mirror-dataset --setup --apply --project dst --source src --dataset shop --dataset crm changes
	assert_status 0
	grep -q '^logging sinks update changes pubsub.googleapis.com/projects/dst/topics/changes .*--log-filter=.*dataset_id=("shop" OR "crm")' \
		"$BATS_TEST_TMPDIR/words"
	run ! grep -q 'sinks create' "$BATS_TEST_TMPDIR/words"
}

@test "whose locks are in a database may use it, also by REALTIME_DB_MODE" {
	local role=--role=roles/datastore.user words=(--setup --project dst --source src --runner user:a@example.com)
	REALTIME_DB_MODE=DATASTORE run_split mirror-dataset "${words[@]}" changes
	assert_output_contains "$role"
	REALTIME_DB_MODE=firestore run_split mirror-dataset "${words[@]}" changes
	assert_output_contains "$role"
	REALTIME_DB_MODE=FIRESTORE run_split mirror-dataset "${words[@]}" --lock file:/locks changes
	refute_output_contains "$role"
	run_split mirror-dataset "${words[@]}" changes
	refute_output_contains "$role"
}

@test "a command of the set-up that fails ends it with 69" {
	fake_gcloud '*sinks\ create*'
	run_split mirror-dataset --setup --apply --project dst --source src changes
	assert_status 69
	[[ $errors == *'may be run again'* ]] || _fail told
	run ! grep -q writerIdentity "$BATS_TEST_TMPDIR/words"
}

@test "mistakes are said" {
	for words in '' 'a b' '--nonsense x changes' '--apply changes' '--source p changes' '--setup changes' '--setup --source p;x changes' \
		'--setup --source p --runner me changes' '--setup --source p --dataset a"b changes' '--setup --source p x'; do
		# shellcheck disable=SC2086 # several words
		run mirror-dataset $words
		[ "$status" -eq 64 ] || _fail "$words"
	done
}
