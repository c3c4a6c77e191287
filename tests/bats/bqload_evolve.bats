#!/usr/bin/env bats
# bqload --evolve against localcloud: which changes of the source a table follows, and that it refuses the others whole.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	dataset=e$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	schema='[{"name":"id","type":"INTEGER"},{"name":"v","type":"INTEGER"}]'
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# load_rows ROW... -- OPTION...: bqload of a whole stream of $schema into $dataset.t.
load_rows() {
	local rows=()
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	{
		printf '{"@begin":{"version":1,"key":["id"],"schema":{"fields":%s}}}\n' "$schema"
		((${#rows[@]} == 0)) || printf '%s\n' "${rows[@]}"
		printf '{"@end":{"rows":%d}}\n' ${#rows[@]}
	} >"$BATS_TEST_TMPDIR/stream"
	run bqload --retry-initial 10ms --retry-for 300ms "${@:2}" "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
}

table_rows() {
	bq_sql "SELECT * FROM $dataset.t ORDER BY 1" | jq -c '[.[]]'
}

table_get() {
	bq_api GET "datasets/$dataset/tables/t" | jq -c "$1"
}

# type_of COLUMN: "NUMERIC(12,2)"
type_of() {
	table_get ".schema.fields[] | select(.name == \"$1\")" |
		jq -r '.type + (if .precision then "(\(.precision),\(.scale // 0))" elif .maxLength then "(\(.maxLength))" else "" end)'
}

# The statements that changed this test's table, newest first.
alterations() {
	bq_api GET 'jobs?maxResults=1000&projection=full' | jq -r --arg d "$dataset" \
		'.jobs[]? | .configuration.query.query // empty | select(startswith("ALTER") and contains($d))'
}

# field JSON: that column beside id.
field() {
	schema="[{\"name\":\"id\",\"type\":\"INTEGER\"},{\"name\":\"v\",$1}]"
}

@test "a column becomes as wide as the stream's, and keeps its values" {
	local table type value want parameters
	while IFS='|' read -r table first type parameters value want; do
		bq_sql "CREATE OR REPLACE TABLE $dataset.t (id INT64, v $table)"
		bq_sql "INSERT INTO $dataset.t (id, v) VALUES (1, $first)"
		field "\"type\":\"$type\"${parameters:+,$parameters}"
		load_rows "{\"id\":2,\"v\":$value}" -- --evolve widen
		assert_status 0
		assert_equal "$(type_of v)" "$want" "type of $table after $type"
		assert_equal "$(bq_sql "SELECT COUNT(v) AS n FROM $dataset.t")" '{"n":"2"}'
	done <<-'END'
		INT64|9007199254740993|NUMERIC||"1.5"|NUMERIC
		INT64|5|NUMERIC|"precision":"10","scale":"2"|"1.5"|NUMERIC
		INT64|5|BIGNUMERIC||"1e-38"|BIGNUMERIC
		INT64|5|FLOAT||0.1|FLOAT
		NUMERIC|1|BIGNUMERIC|"precision":"40","scale":"20"|"1e-20"|BIGNUMERIC
		NUMERIC|NUMERIC '1.5'|FLOAT||1e300|FLOAT
		BIGNUMERIC|BIGNUMERIC '1.5'|FLOAT||1e300|FLOAT
		NUMERIC(5,2)|NUMERIC '1.25'|NUMERIC|"precision":"6","scale":"3"|"123.456"|NUMERIC(6,3)
		NUMERIC(5,2)|NUMERIC '1.25'|NUMERIC|"precision":"4","scale":"3"|"1.234"|NUMERIC(6,3)
		NUMERIC(5,2)|NUMERIC '1.25'|NUMERIC||"0.000000001"|NUMERIC
		BIGNUMERIC(5,2)|BIGNUMERIC '1.25'|NUMERIC|"precision":"8","scale":"1"|"1234567.8"|BIGNUMERIC(9,2)
		STRING(3)|'abc'|STRING|"maxLength":"5"|"abcde"|STRING(5)
		STRING(3)|'abc'|STRING||"abcdefgh"|STRING
		BYTES(2)|b'ab'|BYTES|"maxLength":"4"|"YWJjZA=="|BYTES(4)
	END
}

@test "a narrower type of the stream changes nothing" {
	local table type parameters value
	while IFS='|' read -r table type parameters value; do
		bq_sql "CREATE OR REPLACE TABLE $dataset.t (id INT64, v $table)"
		field "\"type\":\"$type\"${parameters:+,$parameters}"
		load_rows "{\"id\":2,\"v\":$value}" -- --evolve add,relax,widen
		assert_status 0
	done <<-'END'
		NUMERIC|INTEGER||1
		FLOAT64|INTEGER||1
		BIGNUMERIC|NUMERIC||"1"
		NUMERIC(9,4)|NUMERIC|"precision":"8","scale":"3"|"1"
		STRING|STRING|"maxLength":"5"|"a"
		STRING(9)|STRING|"maxLength":"5"|"a"
		TIMESTAMP|DATETIME||"2026-01-31T10:00:00"
	END
	assert_equal "$(alterations)" ''
}

@test "widening is off unless it is asked for" {
	load_rows '{"id":1,"v":1}' --
	field '"type":"NUMERIC"'
	for evolve in '' --evolve=none --evolve=add,relax; do
		load_rows '{"id":2,"v":"1.5"}' -- ${evolve:+"$evolve"}
		assert_status 65
		assert_output_contains '  v       INTEGER  NUMERIC  --evolve widen'
	done
	load_rows '{"id":2,"v":"1.5"}' -- --evolve narrow
	assert_status 64
	assert_equal "$(table_rows)" '["1","1"]'
}

@test "what BigQuery cannot widen is 65, in one table of what differs, and nothing is changed" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"v","type":"INTEGER"},{"name":"list","type":"INTEGER","mode":"REPEATED"},{"name":"record","type":"RECORD","fields":[{"name":"inner_column","type":"INTEGER"}]},{"name":"日","type":"DATE"}]'
	load_rows '{"id":1}' --
	local before
	before=$(table_get '[.schema, .numRows]')
	schema='[{"name":"id","type":"NUMERIC"},{"name":"v","type":"INTEGER","mode":"REPEATED"},{"name":"list","type":"NUMERIC","mode":"REPEATED"},{"name":"record","type":"RECORD","fields":[{"name":"inner_column","type":"STRING"}]},{"name":"日","type":"DATETIME"},{"name":"new","type":"STRING"}]'
	load_rows '{"id":"1"}' -- --evolve widen
	assert_status 65
	assert_output_contains 'column               table             stream            needed
  v                    INTEGER           INTEGER REPEATED  another table: BigQuery cannot change this mode
  list                 INTEGER REPEATED  NUMERIC REPEATED  another type at the source, or another table
  record.inner_column  INTEGER           STRING            another type at the source, or another table
  日                    DATE              DATETIME          another type at the source, or another table
  new                  -                 STRING            --evolve add'
	assert_equal "$(table_get '[.schema, .numRows]')" "$before"
	assert_equal "$(alterations)" ''
}

@test "columns that partition or cluster the table are not widened where that cannot be" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"v","type":"INTEGER"}]'
	load_rows '{"id":1,"v":1}' -- --partition-by id:0:100:10 --cluster-by v
	schema='[{"name":"id","type":"NUMERIC"},{"name":"v","type":"INTEGER"}]'
	load_rows '{"id":"1","v":1}' -- --evolve widen
	assert_status 65
	assert_output_contains 'column id would have to become NUMERIC, but partitions the table'
	schema='[{"name":"id","type":"INTEGER"},{"name":"v","type":"FLOAT"}]'
	load_rows '{"id":1,"v":1.5}' -- --evolve widen
	assert_status 65
	assert_output_contains 'column v would have to become FLOAT64'
	assert_equal "$(table_rows)" '["1","1"]'
}

@test "several columns are widened, relaxed and added by one load, by one job before it" {
	bq_sql "CREATE TABLE $dataset.t (id INT64, a INT64 NOT NULL, b STRING(2) NOT NULL, gone DATE NOT NULL)"
	bq_sql "INSERT INTO $dataset.t (id, a, b, gone) VALUES (1, 1, 'x', DATE '2026-01-31')"
	schema='[{"name":"id","type":"INTEGER"},{"name":"A","type":"FLOAT","mode":"REQUIRED"},{"name":"b","type":"STRING"},{"name":"r","type":"RECORD","mode":"REPEATED","fields":[{"name":"x","type":"JSON"}]}]'
	load_rows '{"id":2,"A":0.5,"b":null,"r":[{"x":1}]}' -- --evolve add,relax,widen
	assert_status 0
	assert_equal "$(table_get '[.schema.fields[] | [.name, .type, .mode]]')" \
		'[["id","INTEGER","NULLABLE"],["a","FLOAT","REQUIRED"],["b","STRING","NULLABLE"],["gone","DATE","NULLABLE"],["r","RECORD","REPEATED"]]'
	assert_equal "$(bq_sql "SELECT id, a, b, gone, ARRAY_LENGTH(r) AS n FROM $dataset.t ORDER BY id" | jq -c '[.[]]')" \
		$'["1","1.0","x","2026-01-31","0"]\n["2","0.5",null,null,"1"]'
	assert_equal "$(alterations | grep -c '^ALTER')" 2
	assert_equal "$(bq_api GET 'jobs?maxResults=1000&projection=full' | jq -r --arg d "$dataset" \
		'[.jobs[]? | select(.configuration.query.query // "" | startswith("ALTER") and contains($d))] | length')" 1
}

@test "it works with truncate, merge and a table emptied by no rows" {
	load_rows '{"id":1,"v":1}' --
	field '"type":"NUMERIC"'
	load_rows '{"id":1,"v":"0.5"}' -- --write truncate --evolve widen
	assert_status 0
	assert_equal "$(table_rows)" '["1","0.5"]'
	field '"type":"BIGNUMERIC"'
	load_rows '{"id":1,"v":"1e-20"}' '{"id":2,"v":"1"}' -- --write merge --evolve widen
	assert_status 0
	assert_equal "$(table_rows)" $'["1","0.00000000000000000001"]\n["2","1"]'
	field '"type":"FLOAT"'
	load_rows -- --write truncate --evolve widen
	assert_status 0
	assert_equal "$(type_of v)" FLOAT
	assert_equal "$(table_rows)" ''
}

@test "a merge by a key that becomes wider" {
	load_rows '{"id":1,"v":1}' --
	schema='[{"name":"id","type":"NUMERIC"},{"name":"v","type":"INTEGER"}]'
	load_rows '{"id":"1","v":2}' '{"id":"1.5","v":3}' -- --write merge --evolve widen
	assert_status 0
	assert_equal "$(table_rows)" $'["1","2"]\n["1.5","3"]'
	schema='[{"name":"id","type":"FLOAT"},{"name":"v","type":"INTEGER"}]'
	load_rows '{"id":1,"v":4}' -- --write merge --evolve widen
	assert_status 65
	assert_output_contains 'key column id is FLOAT'
	assert_equal "$(type_of id)" NUMERIC
}

@test "rows that do not come, or are broken, widen nothing" {
	load_rows '{"id":1,"v":1}' --
	field '"type":"NUMERIC"'
	load_rows '{"id":2,"v":"1.5","w":1}' -- --evolve widen
	assert_status 65
	load_rows '{"id":2,"v":"1.5","w":1}' -- --write merge --evolve widen
	assert_status 65
	load_rows '{"id":2,"v":"1.5"}' '{"id":2,"v":"1.5"}' -- --write merge --evolve widen
	assert_status 65
	load_rows -- --evolve widen
	assert_status 0
	head -n 2 "$BATS_TEST_TMPDIR/stream" >"$BATS_TEST_TMPDIR/cut"
	load_rows '{"id":2,"v":"1.5"}' -- --evolve widen --dry-run
	assert_status 0
	head -n 2 "$BATS_TEST_TMPDIR/stream" >"$BATS_TEST_TMPDIR/cut"
	run bqload --evolve widen "$dataset.t" <"$BATS_TEST_TMPDIR/cut"
	assert_status 65
	assert_equal "$(type_of v)" INTEGER
	assert_equal "$(alterations)" ''
}

@test "a run that dies between widening and loading goes on under its id" {
	load_rows '{"id":1,"v":1}' --
	field '"type":"NUMERIC"'
	# The upload's session is the first request to /upload/, its last chunk the second.
	fault '{"match":{"method":"PUT","path":"/upload/"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	load_rows '{"id":2,"v":"1.5"}' -- --evolve widen --run-id r
	assert_status 75
	assert_equal "$(type_of v)" NUMERIC
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	load_rows '{"id":2,"v":"1.5"}' -- --evolve widen --run-id r
	assert_status 0
	load_rows '{"id":2,"v":"1.5"}' -- --evolve widen --run-id r
	assert_status 0
	assert_equal "$(table_rows)" $'["1","1"]\n["2","1.5"]'
	assert_equal "$(alterations | wc -l)" 1
}

@test "a lost answer to the widening does no harm" {
	load_rows '{"id":1,"v":1}' --
	field '"type":"NUMERIC"'
	fault '{"match":{"method":"POST","path":"/jobs$"},"times":1,"fault":{"drop":"after-effect"}}'
	load_rows '{"id":2,"v":"1.5"}' -- --evolve widen
	assert_status 0
	assert_equal "$(table_rows)" $'["1","1"]\n["2","1.5"]'
	assert_equal "$(alterations | wc -l)" 1
}

@test "a column named like its table, and flexible names, are widened" {
	schema='[{"name":"t","type":"INTEGER"},{"name":"価格 %","type":"INTEGER"}]'
	load_rows '{"t":1,"価格 %":1}' --
	schema='[{"name":"t","type":"NUMERIC"},{"name":"価格 %","type":"FLOAT"}]'
	load_rows '{"t":"1.5","価格 %":0.5}' -- --evolve widen
	assert_status 0
	assert_equal "$(table_rows)" $'["1","1.0"]\n["1.5","0.5"]'
}
