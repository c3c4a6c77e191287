#!/usr/bin/env bats
# bqload --write merge with --delete-missing, --soft-delete, --undelete and --keys-only against localcloud.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	dataset=d$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	schema='[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"v","type":"STRING"}]'
	begin='"scope":"full","key":["id"]'
	end='"rejected":0'
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# stream ROW...: a whole stream, with $schema and what else $begin and $end say.
stream() {
	printf '{"@begin":{"version":1,%s,"schema":{"fields":%s}}}\n' "$begin" "$schema"
	(($# == 0)) || printf '%s\n' "$@"
	printf '{"@end":{"rows":%d%s}}\n' $# "${end:+,$end}"
}

# merge ROW... [-- OPTION...]: bqload --write merge of those rows into $dataset.t.
merge() {
	local rows=()
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	stream "${rows[@]}" >"$BATS_TEST_TMPDIR/stream"
	run bqload --retry-initial 10ms --retry-for 300ms --write merge "${@:2}" "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
}

# keys ID... [-- OPTION...]: the same with rows of nothing but ids.
keys() {
	local rows=() schema='[{"name":"id","type":"INTEGER","mode":"REQUIRED"}]'
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("{\"id\":$1}")
		shift
	done
	merge "${rows[@]}" -- --keys-only "${@:2}"
}

# The rows, one a line, by their first column.
table_rows() {
	bq_sql "SELECT * FROM $dataset.t ORDER BY 1" | jq -c '[.[]]'
}

# The same, with only whether there is a time in the last column.
marked_rows() {
	table_rows | jq -c '.[:-1] + [.[-1] != null]'
}

loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

tables() {
	bq_api GET "datasets/$dataset/tables" | jq -r '.tables[]?.tableReference.tableId' | sort | tr '\n' ' '
}

table_get() {
	bq_api GET "datasets/$dataset/tables/t" | jq -c "$1"
}

# The text of the last DML statement on this dataset.
statement() {
	bq_api GET 'jobs?maxResults=1000&projection=full' |
		jq -r --arg d "$dataset" '.jobs[]?.configuration.query.query // empty
			| select(contains($d) and test("^(MERGE|UPDATE|TRUNCATE)"))' | head -n 6
}


@test "rows that a full stream lacks are deleted, the others updated and inserted" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' '{"id":3,"v":"c"}'
	merge '{"id":2,"v":"B"}' '{"id":4,"v":"d"}' -- --delete-missing
	assert_status 0
	assert_equal "$(table_rows)" $'["2","B"]\n["4","d"]'
	assert_output_contains '1 rows inserted, 1 updated, 2 deleted'
	assert_equal "$(tables)" 't '
}

@test "without --delete-missing nothing is deleted, a full stream or not" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}'
	merge '{"id":2,"v":"B"}'
	assert_equal "$(table_rows)" $'["1","a"]\n["2","B"]'
	merge
	assert_equal "$(table_rows)" $'["1","a"]\n["2","B"]'
}

@test "what does not prove that it is all of its source deletes nothing: 65" {
	local option
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}'
	for option in --delete-missing --soft-delete=gone; do
		begin='"scope":"partial","key":["id"]'
		merge '{"id":1,"v":"x"}' -- "$option"
		assert_status 65
		assert_output_contains 'is a part of its source'
		begin='"key":["id"]'
		merge '{"id":1,"v":"x"}' -- "$option"
		assert_status 65
		assert_output_contains 'does not say that it is all'
		begin='"scope":"full","key":["id"],"cursor":{"column":"v","after":"a"}'
		merge '{"id":1,"v":"x"}' -- "$option"
		assert_status 65
		assert_output_contains 'increment'
		begin='"scope":"full","key":["id"]'
		merge '{"id":1,"v":"x"}' -- "$option" --max-bad-records 1
		assert_status 65
		assert_output_contains '--max-bad-records'
		end='"rejected":1'
		merge '{"id":1,"v":"x"}' -- "$option"
		assert_status 65
		assert_output_contains '1 rows of the source were rejected'
		merge -- "$option"
		assert_status 65
		merge -- "$option" --dry-run
		assert_status 65
		end='"rejected":0'
		run bqload --bare --write merge --key id "$option" "$dataset.t" <<<'{"id":1,"v":"x"}'
		assert_status 65
		assert_output_contains '--bare'
		run bqload --bare --write merge --key id "$option" "$dataset.t" </dev/null
		assert_status 65
	done
	assert_equal "$(table_rows)" $'["1","a"]\n["2","b"]'
	assert_equal "$(table_get '.schema.fields | length')" 2
	assert_equal "$(tables)" 't '
	# A stream that does not end at all.
	stream '{"id":1,"v":"x"}' | head -n 2 >"$BATS_TEST_TMPDIR/cut"
	run bqload --write merge --delete-missing "$dataset.t" <"$BATS_TEST_TMPDIR/cut"
	assert_status 65
	assert_equal "$(table_rows)" $'["1","a"]\n["2","b"]'
}

@test "an empty stream that is whole deletes all rows, once" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}'
	merge -- --delete-missing --run-id empty
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted]')" '[0,false]'
	[[ $(loaded .job) == *sluice_* ]]
	assert_equal "$(table_rows)" ''
	merge '{"id":3,"v":"c"}'
	merge -- --delete-missing --run-id empty
	assert_status 0
	assert_equal "$(loaded .adopted)" true
	assert_equal "$(table_rows)" '["3","c"]'
}

@test "an empty stream makes the table where there is none" {
	merge -- --soft-delete gone
	assert_status 0
	assert_equal "$(table_get '[.schema.fields[].name]')" '["id","v","gone"]'
	assert_equal "$(loaded .job)" null
}

@test "options that do not go together are 64" {
	stream '{"id":1}' >"$BATS_TEST_TMPDIR/stream"
	local options
	while read -ra options; do
		run bqload "${options[@]}" "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
		assert_status 64
	done <<-'END'
		--delete-missing
		--write truncate --soft-delete c
		--write append --undelete c
		--keys-only
		--write merge --keys-only
		--write merge --keys-only --undelete c
		--write merge --delete-missing --undelete c
		--write merge --soft-delete c --undelete c
	END
	assert_equal "$(tables)" ''
}

@test "--soft-delete marks by a BOOL and takes the mark back" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' -- --soft-delete is_deleted
	assert_status 0
	assert_equal "$(table_get '.schema.fields[2] | [.name, .type, .mode]')" '["is_deleted","BOOLEAN","NULLABLE"]'
	merge '{"id":2,"v":"B"}' '{"id":3,"v":"c"}' -- --soft-delete is_deleted
	assert_equal "$(table_rows)" $'["1","a","true"]\n["2","B","false"]\n["3","c","false"]'
	merge '{"id":1,"v":"back"}' -- --soft-delete IS_DELETED
	assert_status 0
	assert_equal "$(table_rows)" $'["1","back","false"]\n["2","B","true"]\n["3","c","true"]'
	merge -- --soft-delete is_deleted --delete-missing
	assert_status 0
	assert_equal "$(table_rows)" $'["1","back","true"]\n["2","B","true"]\n["3","c","true"]'
}

@test "--soft-delete marks by a time, which stays that of the first run that missed the row" {
	local first
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' -- --soft-delete deleted_at
	assert_status 0
	assert_equal "$(table_get '.schema.fields[2].type')" '"TIMESTAMP"'
	merge '{"id":2,"v":"b"}' -- --soft-delete deleted_at
	assert_equal "$(marked_rows)" $'["1","a",true]\n["2","b",false]'
	first=$(table_rows)
	merge '{"id":2,"v":"b"}' -- --soft-delete deleted_at
	assert_equal "$(table_rows)" "$first"
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' -- --soft-delete deleted_at
	assert_equal "$(marked_rows)" $'["1","a",false]\n["2","b",false]'
}

@test "a column that the table has marks by its own type; rows without a mark count as not deleted" {
	bq_sql "CREATE TABLE $dataset.t (id INT64, v STRING, gone_at BOOL)"
	bq_sql "INSERT INTO $dataset.t (id, v, gone_at) VALUES (1, 'a', NULL), (2, 'b', NULL)"
	merge '{"id":2,"v":"b"}' -- --soft-delete gone_at
	assert_status 0
	assert_equal "$(table_rows)" $'["1","a","true"]\n["2","b","false"]'
	merge '{"id":2,"v":"b"}' -- --soft-delete v
	assert_status 65
	assert_output_contains 'column v, which marks deleted rows, is in the stream'
	bq_sql "ALTER TABLE $dataset.t ADD COLUMN d DATE"
	merge '{"id":2,"v":"b"}' -- --soft-delete d
	assert_status 65
	assert_output_contains 'column d is DATE'
	merge '{"id":2,"v":"b"}' -- --soft-delete other --evolve none
	assert_status 65
	assert_output_contains '--evolve add is off'
	merge '{"id":2,"v":"b"}' -- --soft-delete 'no*name'
	assert_status 65
}

@test "an older row that is back is unmarked, and not written over the newer one" {
	begin='"scope":"full","key":["id"],"cursor":{"column":"v"}'
	merge '{"id":1,"v":"9"}' -- --soft-delete gone
	merge -- --soft-delete gone
	merge '{"id":1,"v":"5"}' -- --soft-delete gone
	assert_status 0
	assert_equal "$(table_rows)" '["1","9","false"]'
}

@test "--undelete takes the mark from the rows of an increment, and marks none" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' '{"id":3,"v":"c"}' -- --soft-delete gone
	merge '{"id":3,"v":"c"}' -- --soft-delete gone
	begin='"scope":"partial","key":["id"],"cursor":{"column":"v","after":"a"}'
	merge '{"id":2,"v":"bb"}' '{"id":4,"v":"d"}' -- --undelete gone
	assert_status 0
	assert_equal "$(table_rows)" $'["1","a","true"]\n["2","bb","false"]\n["3","c","false"]\n["4","d","false"]'
}

@test "--keys-only deletes what is gone, and neither inserts nor updates" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' '{"id":3,"v":"c"}'
	keys 2 9 -- --delete-missing
	assert_status 0
	assert_equal "$(table_rows)" '["2","b"]'
	assert_output_contains '0 rows inserted, 0 updated, 2 deleted'
	keys -- --delete-missing
	assert_status 0
	assert_equal "$(table_rows)" ''
	assert_equal "$(tables)" 't '
}

@test "--keys-only changes no schema, and makes no table" {
	bq_sql "CREATE TABLE $dataset.t (id INT64 NOT NULL, v STRING NOT NULL)"
	bq_sql "INSERT INTO $dataset.t (id, v) VALUES (1, 'a'), (2, 'b')"
	schema='[{"name":"id","type":"INTEGER"}]'
	merge '{"id":2}' -- --keys-only --delete-missing
	assert_status 0
	assert_equal "$(table_rows)" '["2","b"]'
	assert_equal "$(table_get '[.schema.fields[].mode]')" '["REQUIRED","REQUIRED"]'
	schema='[{"name":"id","type":"INTEGER"},{"name":"w","type":"DATE"}]'
	merge '{"id":2}' -- --keys-only --delete-missing
	assert_status 65
	assert_output_contains 'a run without --keys-only'
	stream '{"id":1}' >"$BATS_TEST_TMPDIR/stream"
	run bqload --write merge --keys-only --delete-missing "$dataset.other" <"$BATS_TEST_TMPDIR/stream"
	assert_status 69
	assert_equal "$(tables)" 't '
}

@test "--keys-only --soft-delete marks what is gone and unmarks what is back" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' '{"id":3,"v":"c"}'
	keys 2 -- --soft-delete gone_at
	assert_status 0
	assert_equal "$(marked_rows)" $'["1","a",true]\n["2","b",false]\n["3","c",true]'
	keys 2 3 -- --soft-delete gone_at
	assert_equal "$(marked_rows)" $'["1","a",true]\n["2","b",false]\n["3","c",false]'
	keys -- --soft-delete gone_at
	assert_equal "$(marked_rows)" $'["1","a",true]\n["2","b",true]\n["3","c",true]'
}

@test "keys that were read before the table was changed delete nothing: 75, and the next attempt wants fresh ones" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}'
	# Somebody merged row 2 after these keys were read.
	begin="\"scope\":\"full\",\"key\":[\"id\"],\"at\":\"$(date -u -d '1 minute ago' +%FT%T.%6NZ)\""
	keys 1 -- --delete-missing --run-id r
	assert_status 75
	assert_output_contains 'after the keys were read'
	assert_equal "$(tables)" 't '
	keys -- --delete-missing --run-id r
	assert_status 75
	assert_equal "$(table_rows)" $'["1","a"]\n["2","b"]'
	begin="\"scope\":\"full\",\"key\":[\"id\"],\"at\":\"$(date -u +%FT%T.%6NZ)\""
	keys 2 -- --delete-missing --run-id r
	assert_status 0
	assert_equal "$(table_rows)" '["2","b"]'
}

@test "staged keys whose run goes on after others have written delete nothing" {
	merge '{"id":1,"v":"a"}'
	begin="\"scope\":\"full\",\"key\":[\"id\"],\"at\":\"$(date -u +%FT%T.%6NZ)\""
	fault '{"match":{"method":"POST","path":"/jobs$"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	keys 1 -- --delete-missing --run-id r
	assert_status 75
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	merge '{"id":2,"v":"b"}'
	begin="\"scope\":\"full\",\"key\":[\"id\"],\"at\":\"$(date -u +%FT%T.%6NZ)\""
	keys 1 2 -- --delete-missing --run-id r
	assert_status 75
	assert_output_contains 'after the keys were read'
	begin="\"scope\":\"full\",\"key\":[\"id\"],\"at\":\"$(date -u +%FT%T.%6NZ)\""
	keys 1 2 -- --delete-missing --run-id r
	assert_status 0
	assert_equal "$(table_rows)" $'["1","a"]\n["2","b"]'
}

@test "rows that were staged from a part of the source delete nothing under the same run id" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}'
	fault '{"match":{"method":"POST","path":"/jobs$"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	begin='"scope":"partial","key":["id"],"cursor":{"column":"v"}'
	merge '{"id":1,"v":"x"}' -- --run-id r
	assert_status 75
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	begin='"scope":"full","key":["id"],"cursor":{"column":"v"}'
	merge '{"id":1,"v":"y"}' '{"id":2,"v":"z"}' -- --run-id r --delete-missing
	assert_status 0
	assert_equal "$(loaded '[.adopted, .rows]')" '[false,2]'
	assert_equal "$(table_rows)" $'["1","y"]\n["2","z"]'
}

@test "the same run id deletes nothing more" {
	merge '{"id":1,"v":"a"}' '{"id":2,"v":"b"}'
	merge '{"id":1,"v":"a"}' -- --delete-missing --run-id r
	merge '{"id":3,"v":"c"}'
	merge '{"id":1,"v":"a"}' -- --delete-missing --run-id r
	assert_status 0
	assert_equal "$(loaded .adopted)" true
	assert_equal "$(table_rows)" $'["1","a"]\n["3","c"]'
}

@test "a column named like its table, in key and mark" {
	schema='[{"name":"t","type":"INTEGER"},{"name":"S","type":"STRING"}]'
	begin='"scope":"full","key":["t"]'
	merge '{"t":1,"S":"a"}' '{"t":2,"S":"b"}' -- --soft-delete T_
	assert_status 0
	merge '{"t":2,"S":"c"}' -- --soft-delete T_
	assert_status 0
	assert_equal "$(table_rows)" $'["1","a","true"]\n["2","c","false"]'
	schema='[{"name":"t","type":"INTEGER"}]'
	merge '{"t":1}' -- --keys-only --delete-missing
	assert_status 0
	assert_equal "$(table_rows)" '["1","a","true"]'
	schema='[{"name":"id","type":"INTEGER"}]'
	begin='"scope":"full","key":["id"]'
	stream '{"id":1}' >"$BATS_TEST_TMPDIR/one"
	stream >"$BATS_TEST_TMPDIR/none"
	run bqload --write merge --soft-delete id2 "$dataset.id2" <"$BATS_TEST_TMPDIR/one"
	run bqload --write merge --soft-delete id2 "$dataset.id2" <"$BATS_TEST_TMPDIR/none"
	assert_status 0
	assert_equal "$(bq_sql "SELECT * FROM $dataset.id2")" '{"id":"1","id2":"true"}'
}

@test "nested, repeated, JSON and GEOGRAPHY columns are no obstacle to deleting" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"r","type":"RECORD","fields":[{"name":"x","type":"JSON"},{"name":"y","type":"INTEGER","mode":"REPEATED"}]},{"name":"j","type":"JSON"},{"name":"g","type":"GEOGRAPHY"},{"name":"a","type":"RECORD","mode":"REPEATED","fields":[{"name":"z","type":"STRING"}]}]'
	merge '{"id":1,"r":{"x":{"k":1},"y":[1,2]},"j":[1],"g":"POINT(1 2)","a":[{"z":"q"}]}' '{"id":2,"j":null}' -- --soft-delete gone
	assert_status 0
	merge '{"id":1,"r":{"x":{"k":2},"y":[]},"j":"s","g":"POINT(3 4)","a":[]}' -- --soft-delete gone
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, TO_JSON_STRING(r) AS r, TO_JSON_STRING(j) AS j, ST_ASTEXT(g) AS g, ARRAY_LENGTH(a) AS a, gone FROM $dataset.t ORDER BY id" | jq -c '[.[]]')" \
		$'["1","{\\"x\\":{\\"k\\":2},\\"y\\":[]}","\\"s\\"","POINT(3 4)","0","false"]\n["2","null","null",null,"0","true"]'
	merge '{"id":2,"j":1}' -- --delete-missing
	assert_status 0
	assert_equal "$(bq_sql "SELECT id FROM $dataset.t")" '{"id":"2"}'
}

@test "where a filter by partitions is wanted, deleting gives one that is always true" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"day","type":"DATE"}]'
	merge '{"id":1,"day":"2026-01-01"}' '{"id":2,"day":"2026-03-01"}' '{"id":3}' -- --partition-by day --require-partition-filter --immutable day
	assert_status 0
	merge '{"id":2,"day":"2026-03-01"}' -- --immutable day --delete-missing
	assert_status 0
	[[ $(statement) == *'(T.`day` IS NULL OR T.`day` IS NOT NULL)'* ]]
	assert_equal "$(table_rows)" '["2","2026-03-01"]'
	merge -- --soft-delete gone
	assert_status 0
	[[ $(statement) == *'UPDATE '*'IS NOT NULL)'* ]]
	assert_equal "$(table_rows)" '["2","2026-03-01","true"]'
}

@test "a table that holds a key twice is still 76 with --delete-missing" {
	bq_sql "CREATE TABLE $dataset.t (id INT64, v STRING)"
	bq_sql "INSERT INTO $dataset.t (id, v) VALUES (1, 'a'), (1, 'b'), (2, 'c')"
	merge '{"id":1,"v":"x"}' -- --delete-missing
	assert_status 76
	assert_output_contains 'changed 2 rows of the table for 1 that came'
}
