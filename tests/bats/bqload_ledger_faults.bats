#!/usr/bin/env bats
# The ledger of bqload where BigQuery does not play along: tables of another shape, quotas, outages.

load helper/common
load helper/localcloud
load helper/ledger

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	ledger_setup
}

teardown() {
	clear_faults
}

# no_table NAME: it is not in the dataset.
no_table() {
	! bq_api GET "datasets/$dataset/tables/$1" >/dev/null 2>&1 || _fail "there is a table $1"
}

@test "a table of another shape in the ledger's place is named and left alone: 78, nothing is loaded" {
	bq_sql "CREATE TABLE \`$ledger\` (batch STRING, state INT64, loaded_at TIMESTAMP NOT NULL)"
	load_rows 1 '{"id":1}' -- --run-id r1
	assert_status 78
	assert_output_contains "ledger $PROJECT.$ledger: it is another table, not a ledger of bqload's (no id, no at, no table"
	assert_output_contains 'state is INTEGER, not STRING'
	assert_output_contains 'loaded_at is REQUIRED'
	assert_output_contains 'BQ_LOAD_STATE_TABLE'
	no_table t
	state
	assert_status 78
	run status --ledger "$ledger"
	assert_status 78
	assert_equal "$(bq_api GET "datasets/$dataset/tables/loads" | jq -c '[.schema.fields[].name]')" '["batch","state","loaded_at"]'
}

@test "a view in the ledger's place: 78" {
	bq_sql "CREATE VIEW \`$ledger\` AS SELECT 1 AS id"
	load_rows 1 '{"id":1}' -- --run-id r1
	assert_status 78
	assert_output_contains 'it is a VIEW, not a table'
	no_table t
}

@test "a ledger with a column that no entry can fill: 78 before anything is loaded" {
	load_rows 1 '{"id":1}' -- --run-id r0
	bq_sql "DROP TABLE \`$ledger\`"
	bq_sql "CREATE TABLE \`$ledger\` (id STRING, \`at\` TIMESTAMP, \`table\` STRING, run STRING, step STRING, state STRING,
		job STRING, nonce STRING, write STRING, \`rows\` INT64, bad INT64, counted INT64, cursor STRING, objects STRING, error STRING,
		\`exit\` INT64, ended TIMESTAMP, owner STRING NOT NULL)"
	load_rows 2 '{"id":2}' -- --run-id r1
	assert_status 78
	assert_output_contains '(owner is REQUIRED)'
	assert_output_contains 'nothing was loaded'
	assert_equal "$(table_rows)" '["1",null]'
}

@test "a ledger of an older version: 78 with the statement that helps, and it helps" {
	load_rows 1 '{"id":1}' -- --run-id r0
	bq_sql "ALTER TABLE \`$ledger\` DROP COLUMN objects, DROP COLUMN counted"
	load_rows 2 '{"id":2}' -- --run-id r1
	assert_status 78
	assert_output_contains 'it was made by an older bqload (no counted, no objects): run ALTER TABLE'
	assert_equal "$(table_rows)" '["1",null]'
	bq_sql "$(grep -o 'ALTER TABLE .*' <<<"$output" | tail -n 1)"
	load_rows 2 '{"id":2}' -- --run-id r1
	assert_status 0
	state
	assert_equal "$(said .run)" '"r1"'
}

@test "rate limits and short outages are waited out, wherever they are" {
	load_rows 1 '{"id":1}' -- --run-id r0
	local at wrong run=0
	for at in 'POST /queries$ 1' 'POST /jobs$ 1' 'POST /jobs$ 2' 'GET /jobs/ 1'; do
		for wrong in '"status":403,"reason":"rateLimitExceeded"' '"status":429,"reason":"rateLimitExceeded"' \
			'"status":503,"reason":"backendError"' '"drop":"before"' '"drop":"after-effect"'; do
			read -r method path n <<<"$at"
			run=$((run + 1))
			fault "{\"match\":{\"method\":\"$method\",\"path\":\"$path\",\"n\":$n},\"times\":2,\"fault\":{$wrong}}"
			load_rows 7 '{"id":7}' -- --run-id "r$run" --retry-for 20s
			assert_status 0
			fault_was_hit || [[ $method == GET ]]
			clear_faults
			assert_equal "$(entries "select(.run == \"r$run\") | .state")" $'"submitted"\n"done"' "$at $wrong"
		done
	done
	assert_equal "$(table_rows | wc -l)" $((run + 1))
}

@test "an INSERT job that fails for a rate limit is tried again under another id" {
	load_rows 1 '{"id":1}' -- --run-id r0
	local reason run=0
	for reason in jobRateLimitExceeded rateLimitExceeded backendError; do
		run=$((run + 1))
		# The first query job reads the ledger.
		fault "{\"match\":{\"n\":2},\"times\":2,\"fault\":{\"jobError\":{\"query\":true,\"reason\":\"$reason\",\"message\":\"x\"}}}"
		load_rows 7 '{"id":7}' -- --run-id "r$run" --retry-for 20s
		assert_status 0
		fault_was_hit
		clear_faults
		assert_equal "$(entries "select(.run == \"r$run\") | .state")" $'"submitted"\n"done"' "$reason"
	done
}

@test "a quota that is used up is 75, and nothing is loaded" {
	load_rows 1 '{"id":1}' -- --run-id r0
	fault '{"match":{"method":"POST","path":"/jobs$"},"times":100,"fault":{"status":403,"reason":"quotaExceeded"}}'
	load_rows 7 '{"id":7}' -- --run-id r1
	assert_status 75
	assert_output_contains 'nothing was loaded'
	clear_faults
	assert_equal "$(table_rows)" '["1",null]'
	load_rows 7 '{"id":7}' -- --run-id r1
	assert_status 0
}

@test "a ledger that cannot be reached before the load: 75, and nothing is loaded" {
	load_rows 1 '{"id":1}' -- --run-id r0
	local at
	for at in 'POST /queries$' 'POST /jobs$' "GET /datasets/$dataset\$"; do
		fault "{\"match\":{\"method\":\"${at% *}\",\"path\":\"${at#* }\"},\"times\":100,\"fault\":{\"status\":503,\"reason\":\"backendError\"}}"
		load_rows 7 '{"id":7}' -- --run-id r1
		assert_status 75
		clear_faults
		assert_equal "$(table_rows)" '["1",null]' "$at"
	done
	load_rows 7 '{"id":7}' -- --run-id r1
	assert_status 0
	assert_equal "$(loaded .adopted)" false
}

@test "a ledger that cannot be reached after the load: 75, it says so, and the same run id ends it" {
	load_rows 1 '{"id":1}' -- --run-id r0
	fault '{"match":{"method":"POST","path":"/jobs$","n":2},"times":100,"fault":{"status":503,"reason":"backendError"}}'
	load_rows 7 '{"id":7}' -- --run-id r1
	assert_status 75
	assert_output_contains 'was loaded by job'
	clear_faults
	load_rows 9 '{"id":9}' -- --run-id r1
	assert_status 0
	assert_equal "$(loaded '[.adopted, .cursor.last]')" '[true,"7"]'
	assert_equal "$(table_rows)" $'["1",null]\n["7",null]'
}

@test "the ledger's table is gone in the middle of a run: 69 before the job, 75 after it" {
	load_rows 1 '{"id":1}' -- --run-id r0
	stall POST '/jobs$' 1
	bqload_with 7 '{"id":7}' -- --run-id r1 --retry-initial 300ms --retry-for 60s >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local child=$! status=0
	wait_until 20 fault_was_hit
	bq_api DELETE "datasets/$dataset/tables/loads" >/dev/null
	clear_faults
	wait "$child" || status=$?
	assert_equal "$status" 69
	assert_equal "$(table_rows)" '["1",null]'
	# The next run makes it anew.
	load_rows 7 '{"id":7}' -- --run-id r1
	assert_status 0
	assert_equal "$(entries .state)" $'"submitted"\n"done"'
}

@test "a missing dataset is made where the destination is, also by two at once" {
	local i where
	for where in EU europe-west9 US; do
		dataset=in_${where//-/_}_$BATS_TEST_NUMBER
		bq_api POST datasets "{\"datasetReference\":{\"datasetId\":\"$dataset\"},\"location\":\"$where\"}" >/dev/null
		ledger=${dataset}_ops.loads
		table=u bqload_with 7 '{"id":7}' -- --run-id r1 --retry-for 20s >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
		i=$!
		load_rows 9 '{"id":9}' -- --run-id r2 --retry-for 20s
		assert_status 0
		wait "$i" || _fail "$(<"$BATS_TEST_TMPDIR/err")"
		assert_equal "$(bq_api GET "datasets/${dataset}_ops" | jq -r .location)" "$where"
	done
}
