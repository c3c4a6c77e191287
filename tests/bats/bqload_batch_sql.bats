#!/usr/bin/env bats
# bqload's @batch records with external and sql: statements over the objects, each run once.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	# A dataset and a bucket for each test: they share one server.
	dataset=d$BATS_TEST_NUMBER
	bucket=bucket-$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	gcs_bucket "$bucket"
	cd "$BATS_TEST_TMPDIR" || return 1
	bq_sql "CREATE TABLE $dataset.t (id INT64, n INT64)"
	bq_sql "CREATE TABLE $dataset.log (ids INT64, rows_of_t INT64)"
	curl -fsS -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	[[ -z ${child:-} ]] || kill -KILL "$child" 2>/dev/null || true
}

external='{"sourceFormat":"NEWLINE_DELIMITED_JSON","schema":{"fields":[{"name":"id","type":"INTEGER"}]}}'
# What the first statement sees of the table shows whether the second had run before it.
log='INSERT INTO {dest_dataset}.log SELECT (SELECT count(*) FROM temp_ext), (SELECT count(*) FROM {dest_dataset}.{dest_table})'
insert='INSERT INTO {dest_dataset}.{dest_table} SELECT id, 1 FROM temp_ext'

# put NAME ID...: an object with a row for each id.
put() {
	printf '{"id":%d}\n' "${@:2}" >object
	gcs_put "$bucket" "$1" object >/dev/null
}

# batch ID URIS STATEMENT...: one @batch record of the objects, named in a JSON array, into t.
batch() {
	printf '%s' "$2" >uris
	jq -nc --arg id "$1" --arg table "$dataset.${table:-t}" --arg bucket "$bucket" --slurpfile uris uris --argjson external "$external" \
		'{"@batch": {id: $id, table: $table, external: $external, sql: $ARGS.positional,
			uris: [$uris[0][] | "gs://\($bucket)/\(.)"]}}' --args "${@:3}"
}

# write_batches: the records on stdin, as a stream in the file batches.
write_batches() {
	local records

	records=$(cat)
	{
		echo '{"@begin":{"version":1}}'
		printf '%s\n' "$records"
		printf '{"@end":{"records":%d}}\n' "$(grep -c . <<<"$records")"
	} >batches
}

# load_batches OPTION...: run bqload on the records on stdin.
load_batches() {
	write_batches
	run bqload --retry-initial 10ms --retry-for 2s "$@" <batches
}

# loaded FILTER: of all @loaded records in $output, a line each.
loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

# t TABLE: its rows, sorted, as arrays.
t() {
	bq_sql "SELECT * FROM $dataset.$1" | jq -c '[.[] | tonumber]' | sort | paste -sd ' '
}

@test "statements are run in order, each once, and the last one counts" {
	put a 1 2
	put b 3
	load_batches < <(batch one '["a","b"]' "$log" 'INSERT INTO {dest_dataset}.log SELECT sum(rows_of_t), -1 FROM {dest_dataset}.log' "$insert")
	assert_status 0
	assert_equal "$(loaded '[.table, .rows, .bad, .run, .write, .adopted]')" "[\"$PROJECT.$dataset.t\",3,0,\"one\",\"append\",false]"
	assert_equal "$(loaded .changes)" '{"inserted":3,"updated":0,"deleted":0}'
	# The log was written when t was empty.
	assert_equal "$(t log)" '[0,-1] [3,0]'
	assert_equal "$(t t)" '[1,1] [2,1] [3,1]'
	# 10 MiB a table: the objects and t for the first statement, the log, the objects for the last.
	assert_equal "$(loaded .bytesBilled)" 41943040
	job=$(loaded .job | jq -r 'split(".")[1]')
	bq_api GET "jobs/$job?location=US" >job.json
	assert_equal "$(jq -c .configuration.query.tableDefinitions.temp_ext.sourceUris job.json)" "[\"gs://$bucket/a\",\"gs://$bucket/b\"]"
	assert_equal "$(jq -r .configuration.query.query job.json)" "INSERT INTO \`$PROJECT\`.$dataset.t SELECT id, 1 FROM temp_ext"
}

@test "the same batch again is adopted, though its objects are gone" {
	put a 1 2
	batch one '["a"]' "$log" "$insert" >record
	load_batches <record
	assert_status 0
	gcs_api DELETE "b/$bucket/o/a"
	load_batches <record
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted, .bytesBilled]')" '[2,true,0]'
	assert_equal "$(t log)" '[2,0]'
	assert_equal "$(t t)" '[1,1] [2,1]'
	# Another id is another batch.
	put a 1
	load_batches < <(batch two '["a"]' "$log" "$insert")
	assert_status 0
	assert_equal "$(t log)" '[1,2] [2,0]'
}

@test "MERGE, a wildcard, CSV, and a table whose name must be quoted" {
	external='{"sourceFormat":"CSV","csvOptions":{"skipLeadingRows":"1"},"schema":{"fields":[{"name":"id","type":"INTEGER"},{"name":"n","type":"INTEGER"}]}}'
	printf 'id,n\n1,10\n2,20\n' >object
	gcs_put "$bucket" x/1.csv object >/dev/null
	printf 'id,n\n3,30\n' >object
	gcs_put "$bucket" x/2.csv object >/dev/null
	bq_sql "CREATE TABLE \`$dataset.my-table\` (id INT64, n INT64)"
	bq_sql "INSERT INTO \`$dataset.my-table\` VALUES (1, 1), (9, 9)"
	load_batches < <(table=my-table batch one '["x/*.csv"]' 'MERGE {dest_dataset}.{dest_table} t USING temp_ext s ON t.id = s.id
		WHEN MATCHED THEN UPDATE SET n = s.n WHEN NOT MATCHED THEN INSERT (id, n) VALUES (s.id, s.n)')
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, n FROM \`$dataset.my-table\` ORDER BY id" | jq -r '.id + ":" + .n' | paste -sd ' ')" '1:10 2:20 3:30 9:9'
	assert_equal "$(loaded '[.rows, .changes]')" '[3,{"inserted":2,"updated":1,"deleted":0}]'
}

@test "placeholders make other names, and other braces stay" {
	put a 1
	bq_sql "CREATE TABLE $dataset.t_history (id INT64, s STRING)"
	load_batches < <(batch one '["a"]' "INSERT INTO {dest_dataset}.{dest_table}_history SELECT id, '{\"x\":{dest}}' FROM temp_ext")
	assert_status 0
	assert_equal "$(bq_sql "SELECT s FROM $dataset.t_history" | jq -r .s)" '{"x":{dest}}'
	# The partition is no part of the table's name.
	load_batches < <(table="t\$20260102" batch two '["a"]' "$insert")
	assert_status 0
	assert_equal "$(t t)" '[1,1]'
}

# The first fault has been met.
job_is_refused() {
	[[ $(curl -fsS "$LOCALCLOUD_URL/faults" | jq '[.. | .hits? // 0] | add') -gt 0 ]]
}

@test "kill -9 between the statements: the first is not run again" {
	put a 1 2
	batch one '["a"]' "$log" "$insert" | write_batches
	# The second job cannot begin, which bqload tries until it is killed.
	fault "{\"match\":{\"method\":\"POST\",\"path\":\"/projects/$PROJECT/jobs\",\"n\":2},\"times\":9999,\"fault\":{\"status\":503,\"reason\":\"backendError\"}}"
	bqload --retry-initial 10ms --retry-for 60s <batches >out 2>err 3>&- &
	child=$!
	wait_until 30 job_is_refused
	kill -KILL "$child"
	wait "$child" || true
	child=
	assert_equal "$(t log)" '[2,0]'
	assert_equal "$(t t)" ''
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	run bqload <batches
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted]')" '[2,false]'
	assert_equal "$(t log)" '[2,0]'
	assert_equal "$(t t)" '[1,1] [2,1]'
}

@test "a second statement that fails leaves the first done, and only it is repeated" {
	put a 1 2
	ledger="file:$PWD/ledger"
	batch one '["a"]' "$log" "INSERT INTO {dest_dataset}.missing SELECT id FROM temp_ext" >record
	load_batches --ledger "$ledger" <record
	assert_status 69
	assert_output_contains 'batch one: '
	assert_output_contains "$dataset.missing"
	assert_equal "$(t log)" '[2,0]'
	run cat ledger
	assert_json 'map([.run, .state]) == [["one","submitted"],["one","failed"]] and (.[1].job | startswith("'"$PROJECT"':US.sluice_"))'
	bq_sql "CREATE TABLE $dataset.missing (id INT64)"
	load_batches --ledger "$ledger" <record
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted]')" '[2,false]'
	assert_equal "$(t log)" '[2,0]'
	assert_equal "$(t missing)" '[1] [2]'
	run cat ledger
	assert_json 'map(.state) == ["submitted","failed","submitted","done"] and .[3].rows == 2'
}

@test "a first statement that fails: the second is not run" {
	put a 1
	load_batches --ledger "file:$PWD/ledger" < <(
		batch one '["a"]' 'SELECT nonsense FROM temp_ext' "$insert"
		batch two '["a"]' "$insert"
	)
	assert_status 69
	assert_output_contains 'batch one: statement 1: '
	assert_output_contains nonsense
	assert_equal "$(loaded .run)" '"two"'
	assert_equal "$(t t)" '[1,1]'
	run cat ledger
	assert_json 'map([.run, .state]) == [["one","failed"],["two","submitted"],["two","done"]]'
	# One whose end was not seen has not failed.
	fault "{\"match\":{\"method\":\"POST\",\"path\":\"/projects/$PROJECT/jobs\"},\"times\":9999,\"fault\":{\"status\":503,\"reason\":\"backendError\"}}"
	load_batches --ledger "file:$PWD/ledger" < <(batch three '["a"]' "$log" "$insert")
	assert_status 75
	run ! grep three ledger
}

@test "the ledger knows a batch that is done, also without its job" {
	put a 1 2
	ledger=$PROJECT.$dataset.ledger
	batch one '["a"]' "$log" "$insert" | jq -c '.["@batch"].table = "'"$PROJECT.$dataset.t"'"' >record
	load_batches --ledger "$ledger" <record
	assert_status 0
	run bqload --state "$dataset.t" --ledger "$ledger"
	assert_status 0
	assert_json 'map(.["@state"] // empty) | last | .run == "one" and .state == "done" and .rows == 2'
	# Where jobs are forgotten: another place to run them does not know them.
	load_batches --ledger "$ledger" --project another-project <record
	assert_status 0
	assert_equal "$(loaded '[.run, .rows, .adopted]')" '["one",2,true]'
	assert_equal "$(t log)" '[2,0]'
}

@test "a limit of what a statement costs" {
	put a 1
	batch one '["a"]' "$log" "$insert" >record
	load_batches --maximum-bytes-billed 15000000 <record
	assert_status 69
	assert_output_contains 'statement 1'
	assert_output_contains 'bytes billed'
	assert_equal "$(t log)" ''
	load_batches --maximum-bytes-billed 21000000 <record
	assert_status 0
	assert_equal "$(t t)" '[1,1]'
}

@test "nothing is run where there is too much or too little" {
	put a 1
	load_batches < <(batch one "$(jq -nc '[range(10001) | "\(.)*"]')" "$insert")
	assert_status 69
	assert_output_contains '10001 URIs with wildcards among them: one job takes 10000'
	load_batches < <(batch one '["a","none"]' "$log" "$insert")
	assert_status 69
	assert_output_contains "no such object: gs://$bucket/none"
	load_batches --dry-run < <(batch one '["a"]' "$log" "$insert")
	assert_status 0
	assert_equal "$(loaded .)" ''
	for wrong in '{"sql":[]}' '{"sql":[1]}' '{"external":{"sourceUris":[]}}' '{"external":null}'; do
		load_batches < <(batch one '["a"]' "$insert" | jq -c --argjson w "$wrong" '.["@batch"] += $w')
		assert_status 65
		assert_output_contains '@batch: '
	done
	assert_equal "$(t t)$(t log)" ''
}

@test "more than 10,000 objects that no wildcard names are refused" {
	seq -f '%05g' 0 10000 | while read -r i; do
		printf 'url = "%s/upload/storage/v1/b/%s/o?uploadType=media&name=p%s"\ndata-binary = "{\\"id\\":1}"\noutput = /dev/null\nnext\n' \
			"$LOCALCLOUD_URL" "$bucket" "$i"
	done | sed '$d' | curl -sS --noproxy '*' -K -
	put p00000x 1
	batch one "$(jq -nc '[range(10001) | "p" + ("0000\(.)"[-5:])]')" "$log" "$insert" >record
	for option in --dry-run --verbose; do
		load_batches "$option" <record
		assert_status 65
		assert_output_contains 'an external table takes 10000 URIs, and these are more'
	done
	assert_equal "$(t t)$(t log)" ''
	# Where one wildcard names them it is one URI.
	gcs_api DELETE "b/$bucket/o/p00000x"
	load_batches <record
	assert_status 0
	assert_equal "$(loaded .rows)" 10001
	assert_equal "$(t log)" '[10001,0]'
}

@test "files, _config/external.json and *.sql, from gcswatch to the table" {
	config() {
		printf '%s' "$2" >object
		gcs_put "$bucket" "$dataset/$1" object >/dev/null
	}
	config t/_config/external.json '{"sourceFormat":"CSV","schema":{"fields":[{"name":"id","type":"INTEGER"},{"name":"n","type":"INTEGER"}]}}'
	config t/_config/1-log.sql "$log"
	config t/_config/2-insert.sql "INSERT INTO {dest_dataset}.{dest_table} SELECT id, n FROM temp_ext WHERE n > 0"
	config t/2026/01/02/a.csv $'1,1\n2,0\n'
	config t/2026/01/02/b.csv $'3,3\n'
	config t/2026/01/02/_SUCCESS ''
	for adopted in false true; do
		run bash -o pipefail -c "gcswatch --backfill gs://$bucket/ | bqload"
		assert_status 0
		assert_equal "$(loaded '[.rows, .adopted]')" "[2,$adopted]"
	done
	assert_equal "$(t t)" '[1,1] [3,3]'
	assert_equal "$(t log)" '[3,0]'
}
