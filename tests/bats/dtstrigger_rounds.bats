#!/usr/bin/env bats
# Every change is covered once, whoever is killed: a small round of tests/bench/trigger.

load helper/common
load helper/localcloud
load helper/transfers
load helper/trigger_round

setup_file() {
	localcloud_start --transfer-pending 20 --transfer-running 200
	transfer_dataset
}

teardown_file() {
	localcloud_stop
}

setup() {
	export ROUND=$BATS_TEST_TMPDIR ROUND_NAME=round$BATS_TEST_NUMBER SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
}

assert_once() {
	round_runs || _fail "a run has not ended"
	output=$(round_verdict)
	echo "# $output"
	assert_json ".[0] | .changes == $1 and .uncovered == 0 and .overlapping == 0 and .runs <= .changes and .runs >= $2 and .kills > 0"
}

@test "60 changes of 5 datasets, each delivered one to five times, with random kills" {
	round_begin 5 15
	round_deliver 60 &
	local publisher=$!
	round_run --parallel 4 --batch 20 --idle-exit 6s -- dtstrigger --lease 2s --every 100ms
	wait "$publisher"
	assert_once 60 5
}

@test "20 loads into 3 datasets, through bqload | dtstrigger in one pipe, with random kills" {
	export ROUND
	round_begin 3 8
	round_deliver_loads 20
	# shellcheck disable=SC2016 # for COMMAND's shell
	round_run --parallel 3 --batch 1 --idle-exit 6s -- bash -o pipefail -c '
		read -r dataset id < <(jq -r ".[\"@message\"].json | \"\(.dataset) \(.id)\"")
		printf "%s\n" "{\"@begin\":{\"version\":1,\"schema\":{\"fields\":[{\"name\":\"a\",\"type\":\"STRING\"}]}}}" \
			"{\"a\":\"$id\"}" "{\"@end\":{\"rows\":1}}" |
			bqload "$dataset.t" --run-id "$id" | tee -a "$ROUND/loaded" | dtstrigger --lease 2s --every 100ms'
	assert_once 20 3
	assert_equal "$(for d in 0 1 2; do bq_sql "SELECT COUNT(*) AS n FROM ${ROUND_NAME}_$d.t"; done | jq -s 'map(.n | tonumber) | add')" 20 rows
}
