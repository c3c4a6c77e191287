#!/usr/bin/env bats
# dtstrigger's locks in Google's emulators.
#
# Under this name in Firestore in native mode. The links to this file are the same in Firestore in Datastore mode, and in
# Datastore.

load helper/common
load helper/server
load helper/localcloud
load helper/transfers
load helper/databases

case ${BATS_TEST_FILENAME##*/} in
*_datastore_mode.bats)
	PLACE=datastore:Lock
	EMULATOR=(DATASTORE_EMULATOR_HOST cloud-firestore-emulator/cloud_firestore_emulator --database-mode=datastore-mode)
	;;
*_datastore.bats)
	PLACE=datastore:Lock
	EMULATOR=(DATASTORE_EMULATOR_HOST cloud-datastore-emulator/cloud_datastore_emulator start --testing)
	;;
*)
	PLACE=firestore:locks
	EMULATOR=(FIRESTORE_EMULATOR_HOST cloud-firestore-emulator/cloud_firestore_emulator)
	;;
esac

setup_file() {
	local program
	program=$(emulator_program "${EMULATOR[1]}") || skip "the emulator is not installed"
	emulator_start "${EMULATOR[0]}" "$program" "${EMULATOR[@]:2}"
	localcloud_start --transfer-pending 20 --transfer-running 50
	transfer_dataset
}

teardown_file() {
	localcloud_stop
	emulator_stop
}

# The contract of trigger/lock.h: 40 claimers, take-over, renewal, release.
@test "the locks keep their contract" {
	run "$SLUICE_ROOT/build/${BUILD:-release}/unit/trigger_lock_test" "$PLACE"
	assert_status 0
	refute_output_contains 'not ok'
	assert_output_contains 'ok 1 - of 40 who claim it at once one has it'
}

@test "of 40 at once that see a change one starts a run" {
	local config line pid pids=()
	config=$(transfer_config shop_transfert)
	line=$(entry shop)
	for i in {1..40}; do
		dtstrigger --every 100ms --lock "$PLACE" <<<"$line" >"$BATS_TEST_TMPDIR/out.$i" 2>"$BATS_TEST_TMPDIR/err.$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || _fail "$(tail -n 2 "$BATS_TEST_TMPDIR"/err.*)"
	done
	output=$(cat "$BATS_TEST_TMPDIR"/out.*)
	assert_equal "$(jq -r '.["@run"].reason // empty' <<<"$output" | sort | uniq -c | tr -s ' ' | paste -sd ,)" ' 39 covered, 1 started' reasons
	assert_equal "$(transfer_count "$config")" 1 runs
}

@test "a lock whose owner was killed is taken over when its lease is over" {
	local config before pid
	config=$(transfer_config killed_transfert)
	fault "{\"match\":{\"path\":\"${config##*/}\"},\"fault\":{\"run\":{\"hold\":\"RUNNING\"}}}"
	before=$(transfer_start "$config")
	wait_until 20 bash -c "[[ \$(curl -s --noproxy '*' $LOCALCLOUD_URL/v1/$before | jq -r .state) == RUNNING ]]"
	entry killed >"$BATS_TEST_TMPDIR/line"
	dtstrigger --lease 2s --lock "$PLACE" <"$BATS_TEST_TMPDIR/line" 2>"$BATS_TEST_TMPDIR/err" >/dev/null 3>&- &
	pid=$!
	wait_until 20 grep -q 'waiting for the end' "$BATS_TEST_TMPDIR/err"
	kill -KILL "$pid"
	wait "$pid" || true
	transfer_patch "$before" SUCCEEDED
	run_split dtstrigger --lease 2s --lock "$PLACE" <"$BATS_TEST_TMPDIR/line"
	assert_status 0
	[[ $errors == *'was not renewed: taken over'* ]] || _fail told
	assert_equal "$(transfer_count "$config")" 2 runs
}
