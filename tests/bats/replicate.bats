#!/usr/bin/env bats
# pipelines/replicate and its DAG: from the message of an on-premise job to the copied table and the closed entry.

load helper/common
load helper/postgres
load helper/localcloud
load helper/airflow

setup_file() {
	postgres_start
	psql_do "CREATE TABLE im_brand_list AS SELECT i AS id, 'brand ' || i AS name FROM generate_series(1, 100) i"
}

teardown_file() {
	postgres_stop
}

setup() {
	localcloud_start
	airflow_start
	export PUBSUB_EMULATOR_HOST=${LOCALCLOUD_URL#http://}
	bq_dataset groupon
	pubsub PUT topics/replicator '{}'
	pubsub PUT subscriptions/replicator "{\"topic\":\"projects/$PROJECT/topics/replicator\",\"ackDeadlineSeconds\":10}"
	VARIABLE=$(jq -nc --arg l "$LEDGER" --arg s "$PG_URI" --arg p "$SLUICE_BIN:$SLUICE_ROOT/pipelines" \
		'{ledger: $l, path: $p, environment: {LOG_LEVEL: "info"},
			databases: {groupon_production: {source: $s, dataset: "groupon", options: ["--ledger", "ops.loads"]}}}')
}

teardown() {
	localcloud_stop
}

pubsub() {
	localcloud_curl --fail-with-body -o /dev/null -X "$1" --data-binary "$3" "$LOCALCLOUD_URL/v1/projects/$PROJECT/$2"
}

# publish TEXT...: as the on-premise job does.
publish() {
	local text
	for text; do
		printf '%s' "$text" | base64 -w 0 | jq -Rc '{data: .}'
	done | jq -sc '{messages: .}' >"$BATS_TEST_TMPDIR/messages"
	pubsub POST topics/replicator:publish "@$BATS_TEST_TMPDIR/messages"
}

follow() {
	run_split replicate --ledger "$LEDGER" --idle-exit 2s --trigger=--retry-initial=10ms "$@" replicator
}

# run_dag CONF: the DAG's tasks. tests/bats/helper/run_dag.py
run_dag() {
	run python3 "$SLUICE_ROOT/tests/bats/helper/run_dag.py" "$SLUICE_ROOT/pipelines/airflow/run_replicator.py" "$VARIABLE" "$1"
}

conf_of_run() {
	airflow_runs | jq -c .conf
}

@test "a message becomes a copied table and a closed entry" {
	publish 'sh /opt/etl/cerebro/run_replicator.sh groupon_production im_brand_list'
	follow
	assert_status 0
	assert_equal "$(latest status)" '{"status":"triggered"}'
	run_dag "$(conf_of_run)"
	assert_status 0
	assert_line 'task: complete success'
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n, COUNT(DISTINCT name) AS d FROM groupon.im_brand_list')" '{"n":"100","d":"100"}'
	assert_equal "$(latest 'status, `database`, `table`')" \
		'{"status":"success","database":"groupon_production","table":"im_brand_list"}'
	assert_equal "$(executions status | jq -r .status | paste -sd ' ')" 'received triggered success' statuses
	# The load is the run's: a task that Airflow repeats loads nothing twice.
	run_dag "$(conf_of_run)"
	assert_status 0
	assert_equal "$(bq_sql "SELECT run, COUNT(*) AS n FROM ops.loads WHERE state = 'done' GROUP BY run")" \
		"{\"run\":\"$(conf_of_run | jq -r .run_id)\",\"n\":\"1\"}"
	assert_equal "$(executions status | wc -l)" 3 'rows of the ledger'
}

@test "a table that cannot be copied is a failed run and a failed entry; once mended, the entry is success" {
	publish 'run_replicator.sh groupon_production nothing'
	follow
	assert_status 0
	run_dag "$(conf_of_run)"
	assert_status 1
	assert_output_contains 'task: replicate failed AirflowFailException: sync-table ended with 66'
	assert_output_contains 'task: complete failed AirflowFailException: the table was not copied'
	assert_equal "$(latest status)" '{"status":"failed"}'
	psql_do 'CREATE TABLE nothing (id int)'
	run_dag "$(conf_of_run)"
	assert_status 0
	assert_equal "$(latest status)" '{"status":"success"}'
}

@test "what is temporary is tried again by Airflow; what is not, is not" {
	VARIABLE=$(jq -c '.databases.groupon_production.command = ["sh", "-c", "exit 75"]' <<<"$VARIABLE")
	run_dag '{"database":"groupon_production","table":"t"}'
	assert_status 1
	assert_output_contains 'task: replicate failed AirflowException: sh ended with 75'
	VARIABLE=$(jq -c '.databases.groupon_production.command = ["sh", "-c", "exit 77"]' <<<"$VARIABLE")
	run_dag '{"database":"groupon_production","table":"t"}'
	assert_output_contains 'task: replicate failed AirflowFailException'
}

@test "an entry that cannot be closed fails the last task, so that it is tried again" {
	VARIABLE=$(jq -c '.databases.groupon_production.command = ["true"]' <<<"$VARIABLE")
	run_dag '{"database":"groupon_production","table":"t","run_id":"replicate_x"}'
	assert_status 1
	assert_line 'task: replicate success'
	assert_output_contains 'task: complete failed AirflowException: dagtrigger ended with 66: the entry of replicate_x is not closed'
}

@test "only what is new is copied, run by run, when the options have --cursor" {
	psql_do 'CREATE TABLE news AS SELECT i AS id FROM generate_series(1, 3) i'
	VARIABLE=$(jq -c '.databases.groupon_production.options += ["--cursor", "id", "--write", "append"]' <<<"$VARIABLE")
	trigger_news() {
		publish 'run_replicator.sh groupon_production news'
		follow
		run_dag "$(airflow_runs | jq -c .conf | tail -n 1)"
		assert_status 0
	}
	trigger_news
	psql_do 'INSERT INTO news SELECT i FROM generate_series(4, 5) i'
	trigger_news
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n, MAX(id) AS last FROM groupon.news')" '{"n":"5","last":"5"}'
	assert_equal "$(latest status)" $'{"status":"success"}\n{"status":"success"}'
}

@test "a run that somebody triggers by hand needs no entry, and gets no word past the DAG" {
	VARIABLE=$(jq -c '.databases.groupon_production.command = ["echo", "copied:"]' <<<"$VARIABLE")
	run_dag '{"database":"groupon_production","table":"s.t"}'
	assert_status 0
	assert_line "log: copied: --ledger ops.loads $PG_URI s.t groupon.s__t"
	local conf
	for conf in '{}' 'null' '{"database":"groupon_production"}' '{"database":"other","table":"t"}' \
		'{"database":"groupon_production","table":"t; reboot"}' '{"database":"groupon_production","table":"--help"}' \
		'{"database":"groupon_production","table":["t"]}' '{"database":"groupon_production","table":"t\n"}' \
		'{"database":"groupon_production","table":"t","run_id":"-x"}'; do
		run_dag "$conf"
		assert_status 1
		refute_output_contains 'copied:'
	done
}

@test "messages that come again because an answer was lost: one run and one entry for each table" {
	local i texts=()
	for i in {1..4}; do
		texts+=("sh run_replicator.sh groupon_production table_$i")
	done
	publish "${texts[@]}"
	# What is not acknowledged comes again.
	fault '{"match":{"method":"POST","path":"/dagRuns"},"times":2,"fault":{"drop":"after-effect"}}'
	fault '{"match":{"method":"POST","path":":acknowledge"},"times":2,"fault":{"status":503}}'
	follow --batch 2 --parallel 2
	assert_status 0
	assert_equal "$(airflow_runs | jq -r .conf.table | sort | paste -sd ' ')" 'table_1 table_2 table_3 table_4' runs
	assert_equal "$(executions status | sort | uniq -c | tr -s ' ')" \
		' 4 {"status":"received"}
 4 {"status":"triggered"}'
}

@test "a message that is no command does not keep the others, and is not acknowledged" {
	publish 'run_replicator.sh groupon_production a; reboot' 'run_replicator.sh groupon_production b' \
		'run_replicator.sh other c'
	follow --allow 'groupon_production\..*'
	assert_status 0
	assert_equal "$(airflow_runs | jq -r .conf.table)" b
	assert_equal "$(latest '`table`')" '{"table":"b"}'
	[[ $errors == *"';' at byte"* && $errors == *"other.c is not allowed"* ]]
	[[ $errors == *': 1 messages acknowledged, '* ]] || _fail acknowledged
}

@test "--wait closes the entry without a last task" {
	publish 'run_replicator.sh groupon_production im_brand_list'
	follow --trigger=--wait --trigger=--every=50ms
	assert_status 0
	assert_equal "$(latest status)" '{"status":"success"}'
}

# --- the set-up ---

ROLES=(--publisher serviceAccount:on@p.iam.gserviceaccount.com --runner serviceAccount:run@p.iam.gserviceaccount.com
	--worker serviceAccount:dag@p.iam.gserviceaccount.com --dataset groupon --composer eu/etl)

@test "--setup prints the commands and runs nothing" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho ran >>"%s/ran"\n' "$BATS_TEST_TMPDIR" | tee "$BATS_TEST_TMPDIR/bin/gcloud" >"$BATS_TEST_TMPDIR/bin/bq"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run_split replicate --setup --project my-project --location EU "${ROLES[@]}" replicator
	assert_status 0
	[[ ! -e $BATS_TEST_TMPDIR/ran ]]
	bash -n <<<"$output"
	assert_output_contains 'gcloud pubsub subscriptions create replicator --project=my-project --topic=replicator --ack-deadline=60 --dead-letter-topic=replicator-dead'
	assert_line "bq --project_id=my-project query --use_legacy_sql=false 'GRANT \`roles/bigquery.dataEditor\` ON SCHEMA \`my-project.groupon\` TO \"serviceAccount:dag@p.iam.gserviceaccount.com\"'"
}

@test "nobody gets more than is needed" {
	run_split replicate --setup --project my-project "${ROLES[@]}" replicator
	roles_of() { grep -o "roles/[A-Za-z.]*.*$1@\|$1@.*--role=[^ ]*" <<<"$output" | grep -o 'roles/[A-Za-z.]*' | sort | uniq -c | tr -s ' ' | paste -sd,; }
	assert_equal "$(roles_of on)" ' 1 roles/pubsub.publisher' publisher
	assert_equal "$(roles_of run)" ' 1 roles/bigquery.dataEditor, 1 roles/bigquery.jobUser, 1 roles/composer.user, 1 roles/pubsub.subscriber, 1 roles/pubsub.viewer' runner
	assert_equal "$(roles_of dag)" ' 2 roles/bigquery.dataEditor, 1 roles/bigquery.jobUser' worker
	refute_output_contains admin
	refute_output_contains owner
}

@test "--apply runs them, what is there stays, and a failure is told" {
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/gcloud" <<-'SH'
		#!/bin/sh
		echo "gcloud $*" >>"$LOG"
		case "$*" in
		*"topics describe replicator "*) exit 0 ;;
		*describe*projectNumber*) echo 42 ;;
		*describe*) exit 1 ;;
		*composer.user*) exit "${FAIL:-0}" ;;
		esac
	SH
	printf '#!/bin/sh\necho "bq $*" >>"$LOG"\n' >"$BATS_TEST_TMPDIR/bin/bq"
	chmod +x "$BATS_TEST_TMPDIR"/bin/*
	export LOG=$BATS_TEST_TMPDIR/log PATH=$BATS_TEST_TMPDIR/bin:$PATH
	run replicate --setup --apply --project my-project "${ROLES[@]}" replicator
	assert_status 0
	output=$(<"$LOG")
	refute_output_contains 'topics create replicator '
	assert_line 'gcloud pubsub topics create replicator-dead --project=my-project'
	assert_line 'gcloud pubsub topics add-iam-policy-binding replicator-dead --project=my-project --member=serviceAccount:service-42@gcp-sa-pubsub.iam.gserviceaccount.com --role=roles/pubsub.publisher --format=none'
	assert_line 'bq --project_id=my-project query --use_legacy_sql=false GRANT `roles/bigquery.dataEditor` ON SCHEMA `my-project.groupon` TO "serviceAccount:dag@p.iam.gserviceaccount.com"'
	FAIL=1 run replicate --setup --apply --project my-project "${ROLES[@]}" replicator
	assert_status 69
}

@test "gcloud itself makes topics and subscriptions of it" {
	command -v gcloud >/dev/null || skip 'gcloud is not installed'
	echo token >"$BATS_TEST_TMPDIR/token"
	export CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB=$LOCALCLOUD_URL/ CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=$BATS_TEST_TMPDIR/token \
		CLOUDSDK_CONFIG=$BATS_TEST_TMPDIR/gcloud CLOUDSDK_CORE_DISABLE_PROMPTS=1
	replicate --setup --project "$PROJECT" orders | sed -n '/^gcloud pubsub \(topics\|subscriptions\) describe/,/create/p' >"$BATS_TEST_TMPDIR/commands"
	assert_equal "$(grep -c create "$BATS_TEST_TMPDIR/commands")" 4 'commands that create'
	run bash -eu "$BATS_TEST_TMPDIR/commands"
	assert_status 0
	localcloud_curl "$LOCALCLOUD_URL/v1/projects/$PROJECT/subscriptions/orders" | jq -e '.deadLetterPolicy.maxDeliveryAttempts == 20'
	run bash -eu "$BATS_TEST_TMPDIR/commands"
	assert_status 0
}

@test "names that could be anything else are refused" {
	local words
	for words in "--project|my-project|a b" "--project|my project|replicator" "--project|p|--runner|root|replicator" \
		'--project|p|--worker|user:a"b|replicator' '--project|p|--dataset|a`b|replicator' '--ledger|a;b.c|--project|p|replicator'; do
		IFS='|' read -ra words <<<"$words"
		run_split replicate --setup "${words[@]}"
		assert_status 64
		assert_equal "$output" ''
	done
	unset GOOGLE_CLOUD_PROJECT
	run_split replicate --setup replicator
	assert_status 64
	[[ $errors == *"--project is needed"* ]]
	run_split replicate --apply replicator
	assert_status 64
	unset AIRFLOW_URL
	run_split replicate replicator
	assert_status 64
	[[ $errors == *"one of --airflow and --composer"* ]]
}
