#!/usr/bin/env bats
# bqload --write merge against localcloud: what the rows become, and that it happens once whatever dies.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	# A dataset for each test: they share one server.
	dataset=m$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	schema='[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"name","type":"STRING"}]'
	begin='"key":["id"]'
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# stream ROW...: a whole stream, with $schema and what else $begin says.
stream() {
	printf '{"@begin":{"version":1,%s"schema":{"fields":%s}}}\n' "${begin:+$begin,}" "$schema"
	(($# == 0)) || printf '%s\n' "$@"
	printf '{"@end":{"rows":%d,"rejected":0,"cursor":{"column":"c","last":"9"}}}\n' $#
}

# load_rows ROW... [-- OPTION...]: bqload of those rows into $dataset.t.
load_rows() {
	local rows=()
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	[[ ${1:-} != -- ]] || shift
	stream "${rows[@]}" >"$BATS_TEST_TMPDIR/stream"
	run bqload --retry-initial 10ms --retry-for 300ms "$@" "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
}

merge() {
	local rows=()
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	load_rows "${rows[@]}" -- --write merge "${@:2}"
}

# All rows, one a line, the first column in order.
table_rows() {
	bq_sql "SELECT * FROM $dataset.t ORDER BY 1" | jq -c '[.[]]'
}

# loaded FILTER: of the @loaded record in $output.
loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

tables() {
	bq_api GET "datasets/$dataset/tables" | jq -r '.tables[]?.tableReference.tableId' | sort | tr '\n' ' '
}

temporary_table() {
	tables | tr ' ' '\n' | grep '^sluice_'
}

table_get() {
	bq_api GET "datasets/$dataset/tables/t" | jq -c "$1"
}

# jobs FILTER: of the jobs of this test's dataset.
jobs_of() {
	bq_api GET 'jobs?maxResults=1000&projection=full' |
		jq -c --arg d "$dataset" ".jobs[]? | select(tostring | contains(\$d)) | $1"
}

# The text of the last MERGE.
merge_text() {
	jobs_of '.configuration.query.query // empty | select(startswith("MERGE"))' | head -n 1
}

@test "rows of a known key are updated, others inserted, the rest stays" {
	merge '{"id":1,"name":"a"}' '{"id":2,"name":"b"}'
	assert_status 0
	merge '{"id":2,"name":"B"}' '{"id":3,"name":null}' -- --run-id second
	assert_status 0
	assert_equal "$(table_rows)" $'["1","a"]\n["2","B"]\n["3",null]'
	assert_equal "$(loaded '[.table, .rows, .bad, .run, .write, .adopted, .cursor.last]')" \
		"[\"$PROJECT.$dataset.t\",2,0,\"second\",\"merge\",false,\"9\"]"
	[[ $(loaded .job) == *:US.sluice_*_1* ]]
}

@test "the temporary table is in the destination's dataset, expires, and is gone afterwards" {
	fault '{"match":{"method":"POST","path":"/jobs$"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	merge '{"id":1}' -- --run-id r
	assert_status 75
	local temporary
	temporary=$(temporary_table)
	[[ $temporary == sluice_*_1 ]]
	assert_equal "$(bq_api GET "datasets/$dataset/tables/$temporary" |
		jq '(.expirationTime | tonumber) / 1000 - now | . > 500000 and . < 700000')" true
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	merge '{"id":1}' -- --run-id r
	assert_status 0
	assert_equal "$(tables)" 't '
}

@test "--key is stronger than the stream's key; without either it is 64" {
	begin='"key":["name"]'
	merge '{"id":1,"name":"a"}'
	merge '{"id":1,"name":"b"}' -- --key ID
	assert_status 0
	assert_equal "$(table_rows)" '["1","b"]'
	begin=
	merge '{"id":1,"name":"b"}'
	assert_status 64
	assert_output_contains 'give --key'
	merge '{"id":1,"name":"b"}' -- --key id,ID
	assert_status 64
	assert_output_contains 'twice'
	load_rows '{"id":1,"name":"b"}' -- --key id
	assert_status 64
	assert_output_contains '--key needs --write merge'
	run bqload --write merge --key id "$dataset.t\$20260101" <"$BATS_TEST_TMPDIR/stream"
	assert_status 64
}

@test "a key of several columns" {
	schema='[{"name":"a","type":"INTEGER"},{"name":"b","type":"STRING"},{"name":"v","type":"INTEGER"}]'
	begin='"key":["a","b"]'
	merge '{"a":1,"b":"x","v":1}' '{"a":1,"b":"y","v":2}'
	merge '{"a":1,"b":"y","v":3}' '{"a":2,"b":"x","v":4}'
	assert_status 0
	assert_equal "$(bq_sql "SELECT * FROM $dataset.t ORDER BY a, b" | jq -c '[.[]]')" \
		$'["1","x","1"]\n["1","y","3"]\n["2","x","4"]'
}

@test "a table whose columns are all of the key only gains rows" {
	begin='"key":["id","name"]'
	merge '{"id":1,"name":"a"}'
	merge '{"id":1,"name":"a"}' '{"id":1,"name":"b"}'
	assert_status 0
	assert_equal "$(table_rows)" $'["1","a"]\n["1","b"]'
}

@test "a missing table is created with the stream's schema and layout" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"at","type":"DATE","description":"when"}]'
	merge '{"id":1,"at":"2026-01-31"}' -- --partition-by at:MONTH --cluster-by id
	assert_status 0
	assert_equal "$(table_get '[.timePartitioning.type, .clustering.fields, .schema.fields[1].description]')" \
		'["MONTH",["id"],"when"]'
	assert_equal "$(table_get '.schema.fields[0].mode')" '"NULLABLE"'
	assert_equal "$(table_rows)" '["1","2026-01-31"]'
	run bqload --write merge --no-create "$dataset.other" <"$BATS_TEST_TMPDIR/stream"
	assert_status 69
}

@test "with a cursor an older row never replaces a newer one" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"c","type":"TIMESTAMP"},{"name":"v","type":"STRING"}]'
	begin='"key":["id"],"cursor":{"column":"c"}'
	merge '{"id":1,"c":"2026-01-02T00:00:00Z","v":"new"}' '{"id":2,"c":null,"v":"none"}' '{"id":3,"c":"2026-01-02T00:00:00Z","v":"same"}'
	merge '{"id":1,"c":"2026-01-01T00:00:00Z","v":"old"}' '{"id":2,"c":"2026-01-01T00:00:00Z","v":"some"}' \
		'{"id":3,"c":"2026-01-02T00:00:00Z","v":"again"}'
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, v FROM $dataset.t ORDER BY id" | jq -c '[.[]]')" \
		$'["1","new"]\n["2","some"]\n["3","again"]'
	merge '{"id":1,"c":null,"v":"unknown"}'
	assert_status 0
	assert_equal "$(bq_sql "SELECT v FROM $dataset.t WHERE id = 1")" '{"v":"new"}'
}

@test "of one key's rows in a stream the one with the largest cursor counts" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"c","type":"NUMERIC"},{"name":"v","type":"STRING"}]'
	merge '{"id":1,"c":"9","v":"old"}' '{"id":1,"c":"10","v":"new"}' '{"id":1,"c":null,"v":"none"}' -- --cursor c
	assert_status 0
	assert_equal "$(table_rows)" '["1","10","new"]'
	assert_equal "$(loaded .rows)" 3
}

@test "without a cursor two rows of one key are 65, and the key is named" {
	begin='"key":["id","name"]'
	merge '{"id":1,"name":"a"}'
	schema='[{"name":"id","type":"INTEGER"},{"name":"name","type":"STRING"},{"name":"more","type":"DATE"}]'
	merge '{"id":7,"name":"x"}' '{"id":8,"name":"x"}' '{"id":7,"name":"x"}'
	assert_status 65
	assert_output_contains '2 rows of the stream have the key id=7, name=x'
	# Nothing shows of it, the new column neither.
	assert_equal "$(table_get '[.schema.fields[].name]')" '["id","name"]'
	assert_equal "$(table_rows)" '["1","a"]'
	assert_equal "$(tables)" 't '
}

@test "a NULL in the key is 65 with its line" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"name","type":"STRING"}]'
	merge '{"id":1}' '{"id":null}'
	assert_status 65
	assert_output_contains 'line 3: column id is REQUIRED and null'
	merge '{"id":1}' '{"name":"x"}'
	assert_status 65
	assert_output_contains 'line 3: column id is REQUIRED and missing'
	assert_equal "$(tables)" ''
}

@test "key columns that cannot be compared are 65 and named" {
	local type
	for type in FLOAT JSON GEOGRAPHY INTERVAL; do
		schema="[{\"name\":\"id\",\"type\":\"$type\"}]"
		merge '{"id":1}'
		assert_status 65
		assert_output_contains "key column id is $type"
	done
	schema='[{"name":"id","type":"INTEGER","mode":"REPEATED"}]'
	merge '{"id":[1]}'
	assert_status 65
	assert_output_contains 'key column id is REPEATED'
	schema='[{"name":"other","type":"INTEGER"},{"name":"j","type":"JSON"}]'
	merge '{"other":1}'
	assert_status 65
	assert_output_contains 'key column id is not in the stream'
	merge '{"other":1}' -- --key other --cursor j
	assert_status 65
	assert_output_contains 'cursor column j is JSON'
	merge '{"other":1}' -- --key other --immutable nowhere
	assert_status 65
	assert_output_contains 'nowhere'
}

@test "an integer key that the table holds as FLOAT is refused, as NUMERIC it is merged" {
	bq_sql "CREATE TABLE $dataset.t (id FLOAT64, name STRING)"
	merge '{"id":1}'
	assert_status 65
	assert_output_contains 'key column id is FLOAT'
	bq_sql "CREATE OR REPLACE TABLE $dataset.t (id NUMERIC, name STRING)"
	bq_sql "INSERT INTO $dataset.t (id, name) VALUES (NUMERIC '1', 'old')"
	merge '{"id":1,"name":"new"}'
	assert_status 0
	assert_equal "$(table_rows)" '["1","new"]'
}

@test "keys are equal as BigQuery compares them" {
	schema='[{"name":"a","type":"NUMERIC"},{"name":"b","type":"TIMESTAMP"},{"name":"c","type":"STRING"},{"name":"d","type":"BYTES"},{"name":"e","type":"BOOLEAN"},{"name":"f","type":"TIME"},{"name":"v","type":"INTEGER"}]'
	begin='"key":["a","b","c","d","e","f"]'
	merge '{"a":"1.50","b":"2026-01-01T12:00:00+02:00","c":"x","d":"AAE=","e":true,"f":"01:02:03","v":1}'
	assert_status 0
	merge '{"a":"1.5","b":"2026-01-01T10:00:00Z","c":"x","d":"AAE=","e":true,"f":"01:02:03.000","v":2}' \
		'{"a":"1.5","b":"2026-01-01T10:00:00Z","c":"X","d":"AAE=","e":true,"f":"01:02:03","v":3}'
	assert_status 0
	assert_equal "$(bq_sql "SELECT c, v FROM $dataset.t ORDER BY v" | jq -c '[.[]]')" $'["x","2"]\n["X","3"]'
	merge '{"a":"1.5","b":"2026-01-01T10:00:00Z","c":"x","d":"AAE=","e":true,"f":"01:02:03","v":4}' \
		'{"a":"1.50","b":"2026-01-01T11:00:00+01:00","c":"x","d":"AAE=","e":true,"f":"01:02:03.0","v":5}'
	assert_status 65
	assert_output_contains 'd=AAE='
}

@test "any name is quoted: reserved words, the table's own, one-letter ones" {
	schema='[{"name":"select","type":"INTEGER"},{"name":"t","type":"STRING"},{"name":"S","type":"STRING"},{"name":"T_","type":"STRING"},{"name":"order","type":"INTEGER"}]'
	begin='"key":["select","t"]'
	merge '{"select":1,"t":"a","S":"b","T_":"c","order":1}' -- --cursor order
	assert_status 0
	merge '{"select":1,"t":"a","S":"B","T_":"C","order":2}' '{"select":1,"t":"b","S":"B","T_":"C","order":2}' -- --cursor order
	assert_status 0
	assert_equal "$(bq_sql "SELECT * FROM $dataset.t ORDER BY t" | jq -c '[.[]]')" \
		$'["1","a","B","C","2"]\n["1","b","B","C","2"]'
}

@test "flexible names are merged too" {
	schema='[{"name":"n° 1","type":"INTEGER"},{"name":"価格 %","type":"STRING"}]'
	begin='"key":["n° 1"]'
	merge '{"n° 1":1,"価格 %":"a"}'
	merge '{"n° 1":1,"価格 %":"b"}' '{"n° 1":2,"価格 %":"c"}'
	assert_status 0
	assert_equal "$(bq_sql "SELECT * FROM $dataset.t ORDER BY 1" | tr '\n' ' ')" \
		'{"n° 1":"1","価格 %":"b"} {"n° 1":"2","価格 %":"c"} '
}

@test "columns are added and relaxed; what the stream lacks keeps its value" {
	schema='[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"name","type":"STRING","mode":"REQUIRED"}]'
	merge '{"id":1,"name":"a"}'
	schema='[{"name":"id","type":"INTEGER"},{"name":"extra","type":"DATE","mode":"REQUIRED"}]'
	merge '{"id":1,"extra":"2026-01-31"}' -- --evolve none
	assert_status 65
	assert_output_contains 'name    STRING REQUIRED   -              --evolve relax'
	assert_output_contains 'extra   -                 DATE REQUIRED  --evolve add'
	merge '{"id":1,"extra":"2026-01-31"}' '{"id":2,"extra":"2026-02-01"}'
	assert_status 0
	assert_equal "$(table_get '[.schema.fields[] | [.name, .mode]]')" \
		'[["id","REQUIRED"],["name","NULLABLE"],["extra","NULLABLE"]]'
	assert_equal "$(table_rows)" $'["1","a","2026-01-31"]\n["2",null,"2026-02-01"]'
	schema='[{"name":"id","type":"INTEGER"},{"name":"name","type":"DATE"}]'
	merge '{"id":1,"name":"2026-01-31"}'
	assert_status 65
	assert_output_contains 'name    STRING  DATE    another type'
}

@test "somebody else's change of the schema at the same moment is not undone" {
	merge '{"id":1,"name":"a"}'
	schema='[{"name":"id","type":"INTEGER"},{"name":"extra","type":"DATE"}]'
	fault '{"match":{"method":"PATCH"},"times":1,"fault":{"status":412,"reason":"conditionNotMet"}}'
	merge '{"id":1,"extra":"2026-01-31"}'
	assert_status 0
	assert_equal "$(table_rows)" '["1","a","2026-01-31"]'
}

@test "values go into the table's types as they do with append" {
	bq_sql "CREATE TABLE $dataset.t (id INT64, moment TIMESTAMP, n BIGNUMERIC)"
	schema='[{"name":"id","type":"INTEGER"},{"name":"moment","type":"DATETIME"},{"name":"n","type":"INTEGER"}]'
	merge '{"id":1,"moment":"2026-01-31T10:00:00","n":5}'
	assert_status 0
	assert_equal "$(bq_sql "SELECT CAST(moment AS STRING) AS moment, n FROM $dataset.t")" \
		'{"moment":"2026-01-31 10:00:00+00","n":"5"}'
}

@test "arrays and records are merged whole" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"tags","type":"STRING","mode":"REPEATED"},{"name":"r","type":"RECORD","fields":[{"name":"x","type":"INTEGER"}]}]'
	merge '{"id":1,"tags":["a","b"],"r":{"x":1}}'
	merge '{"id":1,"tags":["c"],"r":{"x":2}}' '{"id":2}'
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, ARRAY_LENGTH(tags) AS n, r.x AS x FROM $dataset.t ORDER BY id" | jq -c '[.[]]')" \
		$'["1","1","2"]\n["2","0",null]'
}

@test "zero rows make no job and no temporary table" {
	merge
	assert_status 0
	assert_equal "$(loaded '[.rows, .job]')" '[0,null]'
	assert_equal "$(tables)" 't '
	assert_equal "$(jobs_of .id)" ''
}

@test "a dry run checks everything and writes nothing" {
	merge '{"id":1}' -- --dry-run
	assert_status 0
	assert_equal "$(tables)" ''
	merge '{"name":"x"}' -- --dry-run
	assert_status 65
	merge '{"id":1}' -- --dry-run --key nowhere
	assert_status 65
}

@test "the same run id changes nothing more, whatever rows it brings" {
	merge '{"id":1,"name":"a"}' '{"id":2}' -- --run-id once
	bq_sql "UPDATE $dataset.t SET name = 'mine' WHERE id = 1"
	merge '{"id":1,"name":"b"}' -- --run-id once
	assert_status 0
	assert_equal "$(loaded '[.adopted, .rows, .bad, .cursor]')" '[true,2,0,null]'
	assert_equal "$(table_rows)" $'["1","mine"]\n["2",null]'
	# Not in another mode either.
	load_rows '{"id":1,"name":"c"}' -- --run-id once
	assert_status 0
	assert_equal "$(loaded .adopted)" true
	assert_equal "$(bq_sql "SELECT COUNT(*) AS n FROM $dataset.t")" '{"n":"2"}'
}

# Leaves a run with its rows staged and no MERGE.
stage_only() {
	fault '{"match":{"method":"POST","path":"/jobs$"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	merge "$@"
	assert_status 75
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

@test "a rerun goes on with the rows that are staged, not with its input" {
	stage_only '{"id":1,"name":"a"}' '{"id":2,"name":"b"}' -- --run-id r --cursor name
	# It may even be of another shape by now.
	schema='[{"name":"id","type":"STRING"},{"name":"other","type":"DATE"}]'
	merge '{"id":"x"}' -- --run-id r --cursor name
	assert_status 0
	assert_equal "$(loaded '[.adopted, .rows, .cursor]')" '[true,2,null]'
	assert_equal "$(table_rows)" $'["1","a"]\n["2","b"]'
	assert_equal "$(tables)" 't '
}

@test "staged rows that are gone are loaded again" {
	stage_only '{"id":1,"name":"a"}' -- --run-id r --cursor name
	local temporary
	temporary=$(temporary_table)
	bq_api DELETE "datasets/$dataset/tables/$temporary"
	merge '{"id":5,"name":"e"}' -- --run-id r --cursor name
	assert_status 0
	assert_output_contains 'is gone: its rows are loaded again'
	assert_equal "$(loaded '[.adopted, .rows]')" '[false,1]'
	assert_equal "$(table_rows)" '["5","e"]'
	assert_equal "$(tables)" 't '
}

@test "a temporary table that somebody has changed is not merged" {
	stage_only '{"id":1,"name":"a"}' -- --run-id r --cursor name
	local temporary
	temporary=$(temporary_table)
	bq_sql "DELETE FROM $dataset.$temporary WHERE TRUE"
	merge '{"id":5,"name":"e"}' -- --run-id r --cursor name
	assert_status 0
	assert_equal "$(table_rows)" '["5","e"]'
	assert_equal "$(tables)" 't '
}

@test "a load that BigQuery's own fault has ended is repeated under the same run id" {
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"try again"}}}'
	merge '{"id":1,"name":"a"}' -- --run-id again
	assert_status 75
	merge '{"id":1,"name":"a"}' -- --run-id again
	assert_status 0
	assert_equal "$(loaded .adopted)" false
	assert_equal "$(table_rows)" '["1","a"]'
	assert_equal "$(tables)" 't '
}

@test "an answer to the MERGE that is lost after its effect merges once" {
	merge '{"id":1,"name":"a"}'
	fault '{"match":{"method":"POST","path":"/jobs$","n":2},"times":1,"fault":{"drop":"after-effect"}}'
	merge '{"id":1,"name":"b"}' -- --run-id lost
	assert_status 0
	assert_equal "$(loaded .adopted)" false
	assert_output_contains '0 rows inserted, 1 updated'
	assert_equal "$(table_rows)" '["1","b"]'
	assert_equal "$(jobs_of 'select(.configuration.query.query // "" | startswith("MERGE")) | .id' | wc -l)" 2
}

@test "rows that were staged under another key are loaded again" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"name","type":"STRING"}]'
	stage_only '{"id":1,"name":"a"}' -- --run-id r --cursor name
	merge '{"id":null,"name":"e"}' -- --run-id r --key name
	assert_status 0
	assert_equal "$(table_rows)" '[null,"e"]'
}

@test "an empty temporary table of a dead process is no obstacle" {
	fault '{"match":{"method":"POST","path":"/upload/"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	merge '{"id":1}' -- --run-id r
	assert_status 75
	[[ $(tables) == sluice_* ]]
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	schema='[{"name":"id","type":"STRING"}]'
	merge '{"id":"x"}' -- --run-id r
	assert_status 0
	assert_equal "$(table_rows)" '["x"]'
	assert_equal "$(tables)" 't '
}

@test "a MERGE that BigQuery refuses leaves no temporary table" {
	merge '{"id":1,"name":"a"}'
	fault '{"match":{"method":"POST","path":"/jobs$","n":2},"times":1,"fault":{"status":400,"reason":"invalidQuery","message":"no"}}'
	merge '{"id":1,"name":"b"}'
	assert_status 69
	assert_equal "$(tables)" 't '
	assert_equal "$(table_rows)" '["1","a"]'
}

@test "rows that do not fit leave no temporary table, however many were sent before" {
	{
		stream | head -n 1
		awk 'BEGIN { for (i = 1; i <= 400000; i++) printf "{\"id\":%d,\"name\":\"%080d\"}\n", i, i }'
		echo '{"nam":1}'
	} >"$BATS_TEST_TMPDIR/big"
	run bqload --write merge "$dataset.t" <"$BATS_TEST_TMPDIR/big"
	assert_status 65
	assert_output_contains 'column nam is not in the schema'
	assert_equal "$(tables)" ''
}

@test "a load that counts other rows than were sent is 76, and nothing is merged" {
	fault '{"times":1,"fault":{"miscount":-1}}'
	merge '{"id":1}' '{"id":2}' -- --run-id odd
	assert_status 76
	assert_output_contains '2 rows were sent and it counts 1 loaded'
	assert_equal "$(tables)" ''
}

@test "what guards or fills in a column of the destination is not copied to the temporary table" {
	bq_api POST "datasets/$dataset/tables" "{\"tableReference\":{\"tableId\":\"t\"},\"schema\":{\"fields\":[
		{\"name\":\"id\",\"type\":\"INTEGER\",\"policyTags\":{\"names\":[\"projects/p/x\"]}},
		{\"name\":\"r\",\"type\":\"RECORD\",\"fields\":[{\"name\":\"x\",\"type\":\"DATE\",\"policyTags\":{\"names\":[\"projects/p/x\"]}}]}]}}"
	[[ $(table_get .schema) == *policyTags*policyTags* ]]
	schema='[{"name":"id","type":"INTEGER"},{"name":"r","type":"RECORD","fields":[{"name":"x","type":"DATE"}]}]'
	merge '{"id":1,"r":{"x":"2026-01-31"}}'
	assert_status 0
	[[ $(jobs_of '.configuration.load.schema // empty') == *'"x"'* ]]
	[[ $(jobs_of '.configuration.load.schema // empty') != *policyTags* ]]
	[[ $(table_get .schema) == *policyTags*policyTags* ]]
}

@test "a table that holds a key twice is 76" {
	bq_sql "CREATE TABLE $dataset.t (id INT64, name STRING)"
	bq_sql "INSERT INTO $dataset.t (id, name) VALUES (1, 'a'), (1, 'b')"
	merge '{"id":1,"name":"c"}'
	assert_status 76
	assert_output_contains 'changed 2 rows of the table for 1 that came'
}

@test "bad values up to --max-bad-records are counted, and said again by a rerun" {
	merge '{"id":1}' '{"id":"x"}' -- --max-bad-records 1 --run-id r
	assert_status 0
	assert_equal "$(loaded '[.rows, .bad]')" '[1,1]'
	merge -- --run-id r
	assert_equal "$(loaded '[.rows, .bad, .adopted]')" '[1,1,true]'
}

@test "two processes under one run id merge once" {
	fault '{"match":{"method":"POST","path":"/upload/"},"times":1,"fault":{"delayMs":300}}'
	stream '{"id":1,"name":"a"}' >"$BATS_TEST_TMPDIR/first"
	bqload --write merge --run-id both "$dataset.t" <"$BATS_TEST_TMPDIR/first" >"$BATS_TEST_TMPDIR/out1" 2>&1 &
	local first=$! status_of_first=0
	merge '{"id":1,"name":"a"}' -- --run-id both
	wait "$first" || status_of_first=$?
	# Either may find the other's temporary table in its way, and is then told to come again.
	[[ $status_of_first == 0 || $status_of_first == 75 ]]
	[[ $status == 0 || $status == 75 ]]
	merge '{"id":1,"name":"a"}' -- --run-id both
	assert_status 0
	assert_equal "$(table_rows)" '["1","a"]'
	assert_equal "$(jobs_of 'select(.configuration.query.query // "" | startswith("MERGE")) | .status.errorResult' | sort | uniq -c | grep -c null)" 1
}

@test "a temporary table that has gone meanwhile is a reason to come again" {
	# The second job asks for duplicates in it.
	fault '{"match":{"n":2},"times":1,"fault":{"jobDelayMs":1500}}'
	stream '{"id":1,"name":"a"}' >"$BATS_TEST_TMPDIR/first"
	bqload --write merge --run-id gone "$dataset.t" <"$BATS_TEST_TMPDIR/first" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local pid=$! status=0
	asks() { [[ -n $(jobs_of 'select(.configuration.query) | .id') ]]; }
	wait_until 20 asks
	bq_api DELETE "datasets/$dataset/tables/$(temporary_table)"
	wait "$pid" || status=$?
	output=$(<"$BATS_TEST_TMPDIR/out")
	assert_status 75
	assert_output_contains 'another process of run gone has dropped the temporary table'
	merge '{"id":1,"name":"a"}' -- --run-id gone
	assert_status 0
	assert_equal "$(table_rows)" '["1","a"]'
}

@test "a partitioned table is read only where the rows fall, if the column cannot change" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"day","type":"DATE"},{"name":"v","type":"STRING"}]'
	merge '{"id":1,"day":"2026-01-01","v":"a"}' '{"id":2,"day":"2026-03-01","v":"a"}' '{"id":3,"v":"a"}' -- --partition-by day
	[[ $(merge_text) != *BETWEEN* ]]
	merge '{"id":2,"day":"2026-03-01","v":"b"}' '{"id":4,"day":"2026-02-01","v":"b"}' -- --immutable Day
	assert_status 0
	[[ $(merge_text) == *'`day` BETWEEN DATE '"'2026-02-01' AND DATE '2026-03-01')"* ]]
	merge '{"id":3,"v":"c"}' -- --immutable day
	assert_status 0
	[[ $(merge_text) == *'`day` IS NULL)'* ]]
	merge '{"id":3,"v":"d"}' '{"id":1,"day":"2026-01-01","v":"d"}' -- --immutable day
	[[ $(merge_text) == *"BETWEEN DATE '2026-01-01' AND DATE '2026-01-01' OR "*'`day` IS NULL)'* ]]
	assert_equal "$(table_rows)" \
		$'["1","2026-01-01","d"]\n["2","2026-03-01","b"]\n["3",null,"d"]\n["4","2026-02-01","b"]'
}

@test "partitions by TIMESTAMP, DATETIME and INTEGER of the key are chosen too" {
	local type value unit
	while read -r type value unit; do
		schema="[{\"name\":\"p\",\"type\":\"$type\"},{\"name\":\"v\",\"type\":\"STRING\"}]"
		begin='"key":["p"]'
		stream "{\"p\":\"$value\",\"v\":\"a\"}" >"$BATS_TEST_TMPDIR/stream"
		run bqload --write merge --partition-by "p$unit" "$dataset.$type" <"$BATS_TEST_TMPDIR/stream"
		run bqload --write merge "$dataset.$type" <"$BATS_TEST_TMPDIR/stream"
		assert_status 0
		[[ $(merge_text) == *'`p` BETWEEN '* ]]
		assert_equal "$(bq_sql "SELECT COUNT(*) AS n FROM $dataset.$type")" '{"n":"1"}'
	done <<-END
		TIMESTAMP 2026-01-31T10:00:00.123456Z :HOUR
		DATETIME 2026-01-31T10:00:00.5 :DAY
		INTEGER -5 :-100:100:10
	END
}

@test "a table that wants a filter and gets none is 69, and says what to do" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"day","type":"DATE"}]'
	merge '{"id":1,"day":"2026-01-01"}' -- --partition-by day --require-partition-filter
	assert_status 69
	assert_output_contains 'day must be in the key or declared --immutable'
	merge '{"id":1,"day":"2026-01-01"}' -- --immutable day
	assert_status 0
}

@test "kill -9 at any moment, then the same run id: one MERGE" {
	local round child merges
	stream $(seq -f '{"id":%g,"name":"new"}' 300) >"$BATS_TEST_TMPDIR/rows"
	merge '{"id":1,"name":"old"}'
	for round in 1 2 3 4 5 6 7 8; do
		# Dies again and again, a little later each time, until it lives long enough.
		for delay in 0.01 0.0$((RANDOM % 9 + 1)) 0.$((RANDOM % 20 + 10)) 0.$((RANDOM % 30 + 20)); do
			bqload --write merge --run-id "kill$round" "$dataset.t" <"$BATS_TEST_TMPDIR/rows" >/dev/null 2>&1 &
			child=$!
			sleep "$delay"
			kill -9 "$child" 2>/dev/null || true
			wait "$child" || true
		done
		run bqload --write merge --run-id "kill$round" "$dataset.t" <"$BATS_TEST_TMPDIR/rows"
		assert_status 0
		assert_equal "$(loaded .rows)" 300
		merges=$(jobs_of "select(.id | endswith($(loaded '.job | split(".")[1]'))) | .status.errorResult" | wc -l)
		assert_equal "$merges" 1 "jobs of round $round"
		assert_equal "$(bq_sql "SELECT COUNT(*) AS n, COUNTIF(name = 'new') AS m FROM $dataset.t")" '{"n":"300","m":"300"}'
	done
	# One MERGE for each run id, and one before.
	merges=$(jobs_of 'select(.configuration.query.query // "" | startswith("MERGE")) | select(.status.errorResult | not) | .id' | wc -l)
	assert_equal "$merges" 9 'MERGE jobs'
	assert_equal "$(tables)" 't '
}

@test "@loaded says what the merge was billed for and what it changed" {
	merge '{"id":1,"name":"a"}' '{"id":2,"name":"b"}'
	# The look at the keys reads one table, the MERGE two: 10 MiB each at least.
	assert_equal "$(loaded '[.bytesBilled, .changes]')" '[31457280,{"inserted":2,"updated":0,"deleted":0}]'
	merge '{"id":2,"name":"c"}' '{"id":3,"name":"b"}' -- --run-id r --cursor name
	assert_equal "$(loaded '[.bytesBilled, .changes]')" '[20971520,{"inserted":1,"updated":1,"deleted":0}]'
	merge '{"id":2,"name":"c"}' -- --run-id r --cursor name
	assert_equal "$(loaded '[.adopted, .bytesBilled, .changes]')" '[true,20971520,{"inserted":1,"updated":1,"deleted":0}]'
	load_rows '{"id":4,"name":"d"}' --
	assert_equal "$(loaded '[.bytesBilled, has("changes")]')" '[0,false]'
}

@test "--maximum-bytes-billed fails a MERGE that costs more, which changes nothing" {
	merge '{"id":1,"name":"a"}'
	merge '{"id":1,"name":"b"}' -- --maximum-bytes-billed 20971519
	assert_status 69
	assert_output_contains 'Query exceeded limit for bytes billed: 20971519'
	assert_equal "$(table_rows)" '["1","a"]'
	assert_equal "$(tables)" 't '
	merge '{"id":1,"name":"b"}' -- --maximum-bytes-billed 1000
	assert_status 69
	merge '{"id":1,"name":"b"}' -- --maximum-bytes-billed 20971520
	assert_status 0
	assert_equal "$(table_rows)" '["1","b"]'
	[[ $(jobs_of '.configuration.query.maximumBytesBilled // empty') == *'"20971520"'* ]]
}
