#!/usr/bin/env bats
# What a merge may delete, add and widen, together with the ledger, staging and every layout of the table.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
	gcs_bucket rows
}

teardown_file() {
	localcloud_stop
}

setup() {
	dataset=o$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	bq_sql "CREATE TABLE $dataset.other (x INT64)"
	name='"v"'
}

# stream TYPE FIELDS ROW...: a whole one by the key (id, k), of those two, a column of $name and TYPE, and FIELDS.
stream() {
	local type=$1 more=$2 fields

	shift 2
	fields="{\"name\":\"id\",\"type\":\"INTEGER\"},{\"name\":\"k\",\"type\":\"STRING\"},{\"name\":$name,\"type\":\"$type\"}${more:+,$more}"
	printf '{"@begin":{"version":1,"table":"t","scope":"full","key":["id","k"],"schema":{"fields":[%s]}}}\n' "$fields"
	(($# == 0)) || printf '%s\n' "$@"
	printf '{"@end":{"rows":%d,"rejected":0}}\n' $#
}

rows_of() {
	bq_sql "SELECT $1 FROM $dataset.t ORDER BY id, k" | jq -c '[.[]]'
}

# merge RUN OPTION... <STREAM
merge() {
	run bqload --retry-initial 10ms --retry-for 5s --write merge --run-id "$1" "${@:2}" "$dataset.t"
}

loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

jobs_done() {
	bq_api GET 'jobs?maxResults=1000&projection=full' | jq --arg d "$dataset" '[.jobs[]? | select(tostring | contains($d)) |
		select(.configuration.load or (.configuration.query.query // "" | test("^(MERGE|ALTER|DELETE|UPDATE|BEGIN)")))] | length'
}

# What all of bqload's own query jobs on this test's dataset were billed for, the ledger's left out.
billed() {
	bq_api GET 'jobs?maxResults=1000&projection=full' | jq --arg d "$dataset" '[.jobs[]? | select(.jobReference.jobId | startswith("sluice_"))
		| select(.configuration.query.query // "" | contains($d) and (contains("ledger") | not)) | .statistics.query.totalBytesBilled // "0" | tonumber] | add // 0'
}

# goes_through_it_all OPTION...: rows come, change, get wider and new columns, and go, each run twice. The second one
# of a run brings other rows, and changes nothing.
goes_through_it_all() {
	local column=${name//\"/} before billed count more='{"name":"fresh","type":"DATE"}'
	local old="{\"id\":9,\"k\":\"a\",$name:9}"

	merge first --add-column run_id "$@" < <(stream INTEGER '' "{\"id\":1,\"k\":\"a\",$name:1}" "{\"id\":1,\"k\":\"b\",$name:2}" "{\"id\":2,\"k\":\"a\",$name:3}")
	assert_status 0
	assert_equal "$(rows_of "id, k, \`$column\`, _run_id")" $'["1","a","1","first"]\n["1","b","2","first"]\n["2","a","3","first"]'

	billed=$(billed)
	merge second --add-column run_id --delete-missing --evolve add,relax,widen "$@" < <(stream NUMERIC "$more" \
		"{\"id\":1,\"k\":\"b\",$name:\"2.5\",\"fresh\":\"2026-01-31\"}" "{\"id\":2,\"k\":\"a\",$name:null,\"fresh\":null}" \
		"{\"id\":3,\"k\":\"c\",$name:\"4.25\",\"fresh\":null}")
	assert_status 0
	assert_equal "$(loaded '.rows, .changes')" $'3\n{"inserted":1,"updated":2,"deleted":1}'
	before=$'["1","b","2.5","2026-01-31","second"]\n["2","a",null,null,"second"]\n["3","c","4.25",null,"second"]'
	assert_equal "$(rows_of "id, k, \`$column\`, fresh, _run_id")" "$before"
	assert_equal "$(loaded .bytesBilled)" "$(($(billed) - billed))" "what it was billed for"

	count=$(jobs_done)
	merge second --add-column run_id --delete-missing --evolve add,relax,widen "$@" < <(stream INTEGER '' "$old")
	assert_status 0
	assert_equal "$(loaded .adopted)" true
	assert_equal "$(rows_of "id, k, \`$column\`, fresh, _run_id")" "$before" "the table after a rerun"
	assert_equal "$(jobs_done)" "$count" "jobs after a rerun"
}

# and_what_is_gone OPTION...: marked, taken back, and deleted by the keys alone.
and_what_is_gone() {
	local keys='{"@begin":{"version":1,"scope":"full","key":["id","k"],"schema":{"fields":[{"name":"id","type":"INTEGER"},{"name":"k","type":"STRING"}]}}}'

	merge third --soft-delete gone "$@" < <(stream NUMERIC '' "{\"id\":1,\"k\":\"b\",$name:\"2.5\"}")
	assert_status 0
	assert_equal "$(rows_of 'id, gone')" $'["1","false"]\n["2","true"]\n["3","true"]'

	merge fourth --undelete gone "$@" < <(stream NUMERIC '' "{\"id\":3,\"k\":\"c\",$name:\"7\"}")
	assert_status 0
	assert_equal "$(rows_of 'id, gone')" $'["1","false"]\n["2","true"]\n["3","false"]'

	merge fifth --delete-missing --keys-only "$@" < <(printf '%s\n' "$keys" '{"id":3,"k":"c"}' '{"id":4,"k":"c"}' '{"@end":{"rows":2,"rejected":0}}')
	assert_status 0
	assert_equal "$(rows_of id)" '["3"]'
	merge fifth --delete-missing --keys-only "$@" < <(printf '%s\n' "$keys" '{"@end":{"rows":0,"rejected":0}}')
	assert_status 0
	assert_equal "$(rows_of id)" '["3"]' "the table after a rerun"
}

@test "with a ledger in a table" {
	goes_through_it_all --ledger "$dataset.ledger"
	and_what_is_gone --ledger "$dataset.ledger"
	assert_equal "$(bq_sql "SELECT run, COUNTIF(state = 'done') AS n FROM $dataset.ledger GROUP BY run ORDER BY 1" | jq -c '[.[]]')" \
		$'["fifth","1"]\n["first","1"]\n["fourth","1"]\n["second","1"]\n["third","1"]'
}

@test "with a ledger in a file" {
	goes_through_it_all --ledger "file:$BATS_TEST_TMPDIR/ledger"
	and_what_is_gone --ledger "file:$BATS_TEST_TMPDIR/ledger"
}

@test "with rows that are staged, and nothing of them left" {
	goes_through_it_all --stage "gs://rows/$dataset" --ledger "$dataset.ledger"
	and_what_is_gone --stage "gs://rows/$dataset" --ledger "$dataset.ledger"
	assert_equal "$(gcs_names rows "$dataset")" ""
}

@test "in a table partitioned by a column of the key" {
	goes_through_it_all --partition-by id:0:100:10
	and_what_is_gone
}

@test "in a table clustered by the key" {
	goes_through_it_all --cluster-by k,id
	and_what_is_gone
}

@test "in a table partitioned and clustered by a column that is not of the key" {
	bq_sql "CREATE TABLE $dataset.t (id INT64, k STRING, v INT64, _run_id STRING, d DATE) PARTITION BY d CLUSTER BY _run_id"
	goes_through_it_all
	and_what_is_gone
}

@test "with a column named like its table" {
	name='"t"'
	goes_through_it_all --ledger "$dataset.ledger"
	and_what_is_gone --ledger "$dataset.ledger"
}

@test "with a column named by a reserved word" {
	name='"SELECT"'
	goes_through_it_all
	and_what_is_gone
}

@test "with a flexible name" {
	name='"größe in m"'
	goes_through_it_all --stage "gs://rows/$dataset"
	and_what_is_gone
}
