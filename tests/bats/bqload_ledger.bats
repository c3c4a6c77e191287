#!/usr/bin/env bats
# bqload --ledger and --state against localcloud: what is written, when, and what it is good for.

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

requests_since() {
	localcloud_curl "$LOCALCLOUD_URL/requests" | jq -r '.requests[] | "\(.method) \(.path) \(.status)"'
}

forget_requests() {
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
}

@test "a load is submitted, then done, with rows, cursor, job and nonce" {
	load_rows 7 '{"id":1}' '{"id":7}' -- --run-id r1
	assert_status 0
	assert_equal "$(entries '[.table, .run, .step, .state, .write, .rows, .cursor.last]')" \
		"[\"$PROJECT.$dataset.t\",\"r1\",\"load\",\"submitted\",\"append\",2,\"7\"]
[\"$PROJECT.$dataset.t\",\"r1\",\"load\",\"done\",\"append\",2,\"7\"]"
	assert_equal "$(entries .job | sort -u)" "$(loaded .job)"
	local job
	job=$(loaded .job | tr -d '"')
	assert_equal "$(entries .nonce | sort -u)" \
		"$(bq_api GET "jobs/${job##*.}?location=US" | jq .configuration.labels.sluice_nonce)"
	assert_equal "$(loaded .cursor.last)" '"7"'
}

@test "the same in a file, one JSON line an entry" {
	use_file
	load_rows 7 '{"id":1}' '{"id":7}' -- --run-id r1
	assert_status 0
	assert_equal "$(entries '[.table, .run, .step, .state, .write, .rows, .bad, .cursor.last]')" \
		"[\"$PROJECT.$dataset.t\",\"r1\",\"load\",\"submitted\",\"append\",2,null,\"7\"]
[\"$PROJECT.$dataset.t\",\"r1\",\"load\",\"done\",\"append\",2,0,\"7\"]"
	assert_equal "$(entries .ended | tail -n 1)" "$(loaded .at)"
	assert_equal "$(jq -s length "$BATS_TEST_TMPDIR/loads")" "$(wc -l <"$BATS_TEST_TMPDIR/loads")"
}

@test "submitted is in the ledger before the last chunk is sent" {
	load_rows 1 '{"id":1}' -- --run-id first
	fault '{"match":{"method":"PUT"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	load_rows 7 '{"id":7}' -- --run-id r1
	assert_status 75
	assert_equal "$(entries 'select(.run == "r1") | [.state, .cursor.last]')" '["submitted","7"]'
}

@test "a run that adopts reports the rows and the cursor that were loaded, not those of its input" {
	load_rows 7 '{"id":1}' '{"id":7}' -- --run-id r1
	load_rows 9 '{"id":8}' '{"id":9}' '{"id":10}' -- --run-id r1
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted, .cursor]')" '[2,true,{"column":"id","last":"7"}]'
	assert_equal "$(table_rows | wc -l)" 2
	assert_equal "$(entries .state)" $'"submitted"\n"done"'
}

@test "a job of a run without a ledger is adopted without a cursor" {
	ledger=''
	load_rows 7 '{"id":1}' -- --run-id r1
	assert_status 0
	ledger=$dataset.loads
	load_rows 9 '{"id":9}' '{"id":10}' -- --run-id r1
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted, .cursor]')" '[1,true,null]'
	assert_equal "$(entries '[.state, .rows, .cursor]')" '["done",1,null]'
}

@test "BQ_LOAD_STATE_TABLE is the default, the option wins, and an empty one switches it off" {
	local input=$BATS_TEST_TMPDIR/in

	stream 1 '{"id":1}' >"$input"
	export BQ_LOAD_STATE_TABLE=$dataset.fromenv
	run bqload --run-id r1 "$dataset.t" <"$input"
	assert_status 0
	run bqload --run-id r2 --ledger "$dataset.other" "$dataset.t" <"$input"
	assert_status 0
	run bqload --run-id r3 --ledger '' "$dataset.t" <"$input"
	assert_status 0
	assert_equal "$(bq_sql "SELECT DISTINCT run FROM $dataset.fromenv")" '{"run":"r1"}'
	assert_equal "$(bq_sql "SELECT DISTINCT run FROM $dataset.other")" '{"run":"r2"}'
}

@test "dataset, table and views are made where they are missing, in the destination's location" {
	bq_api POST datasets "{\"datasetReference\":{\"datasetId\":\"eu_$dataset\"},\"location\":\"EU\"}" >/dev/null
	dataset=eu_$dataset
	ledger=${dataset}_ledger.loads
	load_rows 1 '{"id":1}' -- --run-id r1
	assert_status 0
	assert_equal "$(bq_api GET "datasets/${dataset}_ledger" | jq -r .location)" EU
	assert_equal "$(bq_api GET "datasets/${dataset}_ledger/tables/loads" |
		jq -c '[.timePartitioning.type, .timePartitioning.field, .clustering.fields]')" '["DAY","at",["table"]]'
	assert_equal "$(bq_api GET "datasets/${dataset}_ledger/tables" | jq -r '.tables[].tableReference.tableId' | sort)" \
		$'loads\nloads_runs\nloads_tables'
}

@test "the ledger may be in another project" {
	localcloud_curl --fail-with-body -X POST "$LOCALCLOUD_URL/bigquery/v2/projects/other-project/datasets" \
		-d "{\"datasetReference\":{\"datasetId\":\"$dataset\"}}" >/dev/null
	ledger=other-project.$dataset.loads
	load_rows 1 '{"id":1}' -- --run-id r1
	assert_status 0
	assert_equal "$(entries .state)" $'"submitted"\n"done"'
	state
	assert_equal "$(said .rows)" 1
}

@test "who may not read the ledger loads nothing: 77" {
	fault '{"match":{"method":"POST","path":"/queries$"},"fault":{"status":403,"reason":"accessDenied"}}'
	load_rows 1 '{"id":1}' -- --run-id r1
	assert_status 77
	assert_output_contains "ledger $PROJECT.$ledger"
	run bq_api GET "datasets/$dataset/tables/t"
	[ "$status" -ne 0 ]
}

@test "who may not write into the ledger loads nothing: 77" {
	load_rows 1 '{"id":1}' -- --run-id r1
	fault '{"match":{"method":"POST","path":"/jobs$"},"times":100,"fault":{"status":403,"reason":"accessDenied"}}'
	load_rows 2 '{"id":2}' -- --run-id r2
	assert_status 77
	assert_output_contains 'nothing was loaded'
	assert_equal "$(table_rows)" '["1",null]'
}

@test "a ledger that fails after the load is 75; the same run id writes what is missing" {
	load_rows 1 '{"id":1}' -- --run-id r1
	fault '{"match":{"method":"POST","path":"/jobs$","n":2},"fault":{"status":403,"reason":"accessDenied"}}'
	load_rows 2 '{"id":2}' -- --run-id r2
	assert_status 75
	assert_output_contains 'was loaded by job'
	assert_equal "$(entries 'select(.run == "r2") | .state')" '"submitted"'
	load_rows 3 '{"id":3}' '{"id":4}' -- --run-id r2
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted, .cursor.last]')" '[1,true,"2"]'
	assert_equal "$(entries 'select(.run == "r2") | [.state, .rows, .cursor.last]')" \
		$'["submitted",1,"2"]\n["done",1,"2"]'
	assert_equal "$(table_rows)" $'["1",null]\n["2",null]'
}

@test "a ledger's file that cannot be written: 74, nothing is loaded" {
	ledger=file:$BATS_TEST_TMPDIR/nowhere/loads
	load_rows 1 '{"id":1}' -- --run-id r1
	assert_status 74
	assert_output_contains 'nowhere/loads'
	run bq_api GET "datasets/$dataset/tables/t"
	[ "$status" -ne 0 ]
}

@test "counts that differ are a mismatch: 76 now and at every rerun" {
	for kind in table file; do
		[[ $kind == table ]] || use_file
		fault '{"match":{"method":"POST","path":"/upload/"},"fault":{"miscount":-1}}'
		load_rows 7 '{"id":1}' '{"id":2}' -- --run-id "$kind"
		assert_status 76
		assert_equal "$(entries 'select(.state == "mismatch") | [.rows, (.counted | tonumber), (.exit | tonumber)]')" '[2,1,76]'
		load_rows 7 '{"id":1}' '{"id":2}' -- --run-id "$kind"
		assert_status 76
		assert_output_contains 'is not loaded again'
	done
	assert_equal "$(table_rows | wc -l)" 4
	state
	assert_status 0
	assert_equal "$(said '[.run, .state, .failure.state, .failure.run]')" ''
	load_rows 9 '{"id":9}' -- --run-id "after"
	assert_status 0
}

@test "a mismatch is found by a rerun, too, when the first run died before it looked" {
	load_rows 1 '{"id":1}' -- --run-id r0
	fault '{"match":{"method":"POST","path":"/upload/"},"fault":{"miscount":-1}}'
	fault '{"match":{"method":"POST","path":"/jobs$","n":2},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	load_rows 7 '{"id":1}' '{"id":2}' -- --run-id r1
	assert_status 76
	clear_faults
	assert_equal "$(entries 'select(.run == "r1") | .state')" '"submitted"'
	load_rows 7 '{"id":1}' '{"id":2}' -- --run-id r1
	assert_status 76
	assert_equal "$(entries 'select(.run == "r1") | .state')" $'"submitted"\n"mismatch"'
}

@test "a job that fails is failed, with its reason; the next attempt may be done" {
	fault '{"match":{"path":"/upload/"},"fault":{"jobError":{"reason":"invalid","message":"Bad \"row\"\nwith \\ in it"}}}'
	load_rows 7 '{"id":1}' -- --run-id r1
	assert_status 65
	assert_equal "$(entries '[.state, .exit // null | tostring]')" $'["submitted","null"]\n["failed","65"]'
	[[ $(entries 'select(.state == "failed") | .error') == *'Bad \"row\" with \\ in it'* ]]
	load_rows 8 '{"id":1}' -- --run-id r1
	assert_status 0
	assert_equal "$(entries .state)" $'"submitted"\n"failed"\n"submitted"\n"done"'
	assert_equal "$(entries 'select(.state == "done") | .cursor.last')" '"8"'
}

@test "a run that fails before its job is failed, without one" {
	load_rows 7 '{"id":1}' '{"id":2,"nosuch":1}' -- --run-id r1
	assert_status 65
	assert_equal "$(entries '[.state, .run, .job, (.exit | tonumber)]')" '["failed","r1",null,65]'
	state
	assert_status 0
	assert_output_contains '{"@end":{"records":0}}'
}

@test "no rows: the cursor advances without a job, and the run stays what it was" {
	load_rows 1 '{"id":1}' -- --run-id r0
	load_rows 7 -- --run-id r1
	assert_status 0
	assert_equal "$(loaded '[.rows, .job, .adopted, .cursor.last]')" '[0,null,false,"7"]'
	state
	assert_equal "$(said '[.run, .rows, .job, .cursor.last]')" '["r1",0,null,"7"]'
	load_rows 9 '{"id":9}' -- --run-id r1
	assert_status 0
	assert_equal "$(loaded '[.rows, .job, .adopted, .cursor.last]')" '[0,null,true,"7"]'
	assert_equal "$(table_rows)" '["1",null]'
}

@test "--write truncate of no rows is a job, done once" {
	load_rows 1 '{"id":1}' -- --run-id r0
	load_rows 7 -- --run-id r1 --write truncate
	assert_status 0
	assert_equal "$(table_rows)" ''
	load_rows 9 '{"id":9}' -- --run-id r1 --write truncate
	assert_equal "$(loaded '[.rows, .adopted, .cursor.last]')" '[0,true,"7"]'
	assert_equal "$(entries 'select(.run == "r1") | .state')" $'"submitted"\n"done"'
}

@test "texts go into the ledger as they are" {
	local run=$'it\'s "a\\b" `c`; DROP TABLE x --\t\xc3\xa9'

	load_rows $'1\\n\'\\"\\\\' '{"id":1}' -- --run-id "$run"
	assert_status 0
	assert_equal "$(entries .run | sort -u | jq -r .)" "$run"
	assert_equal "$(entries 'select(.state == "done") | .cursor.last')" $'"1\\n\'\\"\\\\"'
	state
	assert_equal "$(said .cursor.last)" $'"1\\n\'\\"\\\\"'
	assert_equal "$(said .run | jq -r .)" "$run"
	load_rows 2 '{"id":2}' -- --run-id "$run"
	assert_equal "$(loaded .adopted)" true
}

@test "a merge announces the staged rows, too: a run that goes on with them knows their cursor" {
	load_rows 1 '{"id":1,"name":"a"}' -- --run-id r0
	# The MERGE comes behind: INSERT of the stage, the look for duplicates, INSERT of the load.
	fault '{"match":{"method":"POST","path":"/jobs$","n":3},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	load_rows 7 '{"id":1,"name":"b"}' '{"id":7}' -- --run-id r1 --write merge
	assert_status 75
	clear_faults
	assert_equal "$(entries 'select(.run == "r1" and .state == "submitted") | [.step, .cursor.last]')" '["stage","7"]'
	load_rows 9 '{"id":1,"name":"c"}' '{"id":9}' '{"id":10}' -- --run-id r1 --write merge
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted, .cursor.last]')" '[2,true,"7"]'
	assert_equal "$(entries 'select(.run == "r1" and .state == "done") | [.step, .rows, .cursor.last]')" '["load",2,"7"]'
	assert_equal "$(table_rows)" $'["1","b"]\n["7",null]'
	load_rows 9 '{"id":9}' -- --run-id r1 --write merge
	assert_equal "$(loaded '[.rows, .adopted, .cursor.last]')" '[2,true,"7"]'
}

@test "--state of a table that the ledger does not know: no record, and nothing is made" {
	state
	assert_status 0
	assert_equal "$output" $'{"@begin":{"version":1}}\n{"@end":{"records":0}}'
	assert_equal "$(bq_api GET "datasets/$dataset/tables" | jq '.tables // [] | length')" 0
	ledger=no_such_dataset.loads
	state
	assert_status 0
	assert_equal "$output" $'{"@begin":{"version":1}}\n{"@end":{"records":0}}'
	use_file
	state
	assert_status 0
	[ ! -e "$BATS_TEST_TMPDIR/loads" ]
}

@test "--state says the last load that was done, with one query" {
	load_rows 3 '{"id":3}' -- --run-id r1
	load_rows 7 '{"id":7}' -- --run-id r2
	local job
	job=$(loaded .job)
	load_rows 9 '{"nosuch":9}' -- --run-id r3
	assert_status 65
	forget_requests
	state
	assert_status 0
	assert_equal "$(requests_since | cut -d ' ' -f 1)" $'GET\nPOST'
	assert_equal "$(said '[.table, .run, .state, .rows, .cursor.last]')" \
		"[\"$PROJECT.$dataset.t\",\"r2\",\"done\",1,\"7\"]"
	assert_equal "$(said .job)" "$job"
	assert_equal "$(said '.failure | [.run, .state, .exit]')" '["r3","failed",65]'
	[[ $(said .at) == '"20'*'Z"' ]]
}

@test "--state with a file asks Google nothing" {
	use_file
	load_rows 3 '{"id":3}' -- --run-id r1
	forget_requests
	run bqload --ledger "$ledger" --state "$PROJECT.$dataset.t"
	assert_status 0
	assert_equal "$(said '[.run, .cursor.last]')" '["r1","3"]'
	assert_equal "$(requests_since)" ''
}

@test "--state without a table says each of the ledger's" {
	for kind in table file; do
		[[ $kind == table ]] || use_file
		load_rows 3 '{"id":3}' -- --run-id "$kind.1"
		load_rows 5 '{"id":5}' -- --run-id "$kind.2"
		stream 1 '{"nosuch":1}' >"$BATS_TEST_TMPDIR/bad"
		run bqload --ledger "$ledger" --run-id "$kind.3" "$dataset.u" <"$BATS_TEST_TMPDIR/bad"
		assert_status 65
		run bqload --ledger "$ledger" --state
		assert_status 0
		assert_equal "$(said '[.table, .run, .rows, .cursor.last, .failure.exit]' | sort)" \
			"[\"$PROJECT.$dataset.t\",\"$kind.2\",1,\"5\",null]
[\"$PROJECT.$dataset.u\",null,null,null,65]"
		assert_output_contains '{"@end":{"records":2}}'
	done
}

@test "partitions of one table are destinations of their own" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"d","type":"DATE"}]'
	load_rows 1 '{"id":1,"d":"2026-01-01"}' -- --partition-by d
	local input=$BATS_TEST_TMPDIR/in
	stream 2 '{"id":2,"d":"2026-01-02"}' >"$input"
	run bqload --ledger "$ledger" --run-id p "$dataset.t\$20260102" <"$input"
	assert_status 0
	run bqload --ledger "$ledger" --state "$dataset.t\$20260102"
	assert_equal "$(said '[.table, .run, .cursor.last]')" "[\"$PROJECT.$dataset.t\$20260102\",\"p\",\"2\"]"
	state
	assert_equal "$(said .cursor.last)" '"1"'
}

@test "a load of keys alone moves no cursor, and --state says when it was" {
	load_rows 5 '{"id":1}' '{"id":5}' -- --run-id r1 --write merge
	assert_status 0
	state
	assert_equal "$(said '.reconciled')" null
	begin='"key":["id"],"scope":"full","at":"2999-01-01T00:00:00.000000Z"'
	load_rows 1 '{"id":1}' -- --run-id k1 --write merge --delete-missing --keys-only
	assert_status 0
	assert_equal "$(table_rows)" '["1",null]'
	assert_equal "$(entries 'select(.run == "k1" and .state == "done").write')" '"reconcile"'
	state
	assert_equal "$(said '[.run, .cursor.last]')" '["r1","5"]'
	assert_equal "$(said '.reconciled > .at')" true
	assert_equal "$(bq_sql "SELECT run, done_run FROM \`${ledger}_tables\`" | jq -c '[.[]]')" '["k1","r1"]'
	# What fills the table counts as well.
	begin='"key":["id"]'
	load_rows 2 '{"id":2}' -- --run-id r2 --write truncate
	assert_status 0
	state
	assert_equal "$(said '.reconciled == .at')" true
}

@test "the views have the latest state of each run and of each table" {
	load_rows 3 '{"id":3}' -- --run-id r1
	load_rows 5 '{"nosuch":5}' -- --run-id r2
	load_rows 6 '{"nosuch":6}' -- --run-id r1
	assert_equal "$(bq_sql "SELECT run, state, \`rows\` FROM \`${ledger}_runs\` ORDER BY run" | jq -c '[.[]]')" \
		$'["r1","done","1"]\n["r2","failed",null]'
	assert_equal "$(bq_sql "SELECT * FROM \`${ledger}_tables\`" |
		jq -c '[.table, .run, .state, .exit, .done_run, .done_rows, .done_cursor]')" \
		"[\"$PROJECT.$dataset.t\",\"r2\",\"failed\",\"65\",\"r1\",\"1\",\"{\\\"column\\\":\\\"id\\\",\\\"last\\\":\\\"3\\\"}\"]"
}

@test "--dry-run has nothing to do with the ledger" {
	load_rows 3 '{"id":3}' -- --dry-run
	assert_status 0
	assert_equal "$(bq_api GET "datasets/$dataset/tables" | jq '.tables // [] | length')" 0
}

@test "wrong names and combinations are 64" {
	ledger=no-dot
	load_rows 3 '{"id":3}' --
	assert_status 64
	assert_output_contains '--ledger'
	ledger=file:
	state
	assert_status 64
	ledger="$dataset.loads\$20260101"
	state
	assert_status 64
	run bqload --state "$dataset.t"
	assert_status 64
	assert_output_contains '--state needs --ledger'
	run bqload --run-id $'\xff' "$dataset.t" </dev/null
	assert_status 64
}
