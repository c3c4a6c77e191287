#!/usr/bin/env bats
# schemainfer in exact mode: types that hold every value, and rows made to fit them.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
	bq_dataset raw
	bq_dataset inferred
}

teardown_file() {
	localcloud_stop
}

# types ROW...: [name, type, mode] of each column that exact mode gives plain NDJSON, on one line.
types() {
	printf '%s\n' "$@" | schemainfer --schema-only --mode exact --quiet |
		jq -c '[.[] | [.name, .type] + (if .mode == "NULLABLE" then [] else [.mode] end) | join(" ")] | join(", ")' -r
}

# rows ROW...: what becomes of the rows of plain NDJSON.
rows() {
	printf '%s\n' "$@" | schemainfer --bare --quiet | sed '1d;$d'
}

@test "numbers: INTEGER, FLOAT where it keeps them, NUMERIC, BIGNUMERIC, STRING" {
	assert_equal "$(types '{"a":1}' '{"a":-9223372036854775808}')" "a INTEGER"
	assert_equal "$(types '{"a":1}' '{"a":0.1}' '{"a":1e300}')" "a FLOAT"
	assert_equal "$(types '{"a":9007199254740993}' '{"a":0.5}')" "a NUMERIC"
	assert_equal "$(types '{"a":18446744073709551615}')" "a NUMERIC"
	assert_equal "$(types '{"a":1234567890.123456789}')" "a NUMERIC"
	assert_equal "$(types '{"a":0.12345678901234567890}')" "a BIGNUMERIC"
	assert_equal "$(types '{"a":0.1234567890123456}' '{"a":1e200}')" "a FLOAT"
	assert_equal "$(types '{"a":0.123456789012345678}' '{"a":1e200}')" "a STRING"
	assert_equal "$(types '{"a":NaN}' '{"a":1.5}')" "a FLOAT"
}

@test "every digit arrives, in the notation of the type" {
	assert_equal "$(rows '{"a":9007199254740993}' '{"a":1}')" $'{"a":"9007199254740993"}\n{"a":1}'
	assert_equal "$(rows '{"a":9007199254740991}')" '{"a":9007199254740991}'
	assert_equal "$(rows '{"a":18446744073709551615}' '{"a":-1}')" $'{"a":"18446744073709551615"}\n{"a":"-1"}'
	assert_equal "$(rows '{"a":0.123456789012345678901}' '{"a":1.5e3}' '{"a":-25e-4}')" \
		$'{"a":"0.123456789012345678901"}\n{"a":"1500"}\n{"a":"-0.0025"}'
	assert_equal "$(rows '{"a":NaN}' '{"a":-Infinity}' '{"a":1E5}')" $'{"a":"NaN"}\n{"a":"-Infinity"}\n{"a":1E5}'
}

@test "dates are those of the calendar, times those of the clock" {
	assert_equal "$(types '{"a":"2024-02-29"}')" "a DATE"
	assert_equal "$(types '{"a":"2023-02-29"}')" "a STRING"
	assert_equal "$(types '{"a":"1900-02-29"}')" "a STRING"
	assert_equal "$(types '{"a":"23:59:59.5"}')" "a TIME"
	assert_equal "$(types '{"a":"24:00:00"}')" "a STRING"
	assert_equal "$(types '{"a":"2024-01-01 10:00:00"}')" "a DATETIME"
	assert_equal "$(types '{"a":"2024-01-01T10:00:00Z"}')" "a TIMESTAMP"
	assert_equal "$(types '{"a":"2024-01-01T10:00:00.1234567Z"}')" "a STRING"
	assert_equal "$(types '{"a":"0001-01-01T00:00:00+01:00"}')" "a STRING"
	assert_equal "$(types '{"a":"2024-01-01"}' '{"a":"2024-01-01T10:00:00Z"}')" "a STRING"
}

@test "timestamps are written in UTC, with microseconds" {
	assert_equal "$(rows '{"a":"2024-02-29T23:30:00-01:00"}' '{"a":"2024-01-01 00:15:00.5+0030"}' '{"a":"2024-01-01T10:00:00.1000000 UTC"}')" \
		$'{"a":"2024-03-01T00:30:00.000000Z"}\n{"a":"2023-12-31T23:45:00.500000Z"}\n{"a":"2024-01-01T10:00:00.100000Z"}'
}

@test "texts that a number would change stay texts" {
	assert_equal "$(types '{"a":"007","b":"+5","c":"1e5","d":"12","e":"-1.50","f":"true","g":"-0"}')" \
		"a STRING, b STRING, c STRING, d INTEGER, e FLOAT, f BOOLEAN, g STRING"
	assert_equal "$(rows '{"d":"12","e":"-1.50","f":"True"}')" '{"d":12,"e":-1.50,"f":true}'
	run_split schemainfer --schema-only --mode exact --quoted-values-are-strings <<<'{"d":"12","f":"true"}'
	assert_json '.[0] | map(.type) == ["STRING", "STRING"]'
}

@test "scalars that disagree become STRING, structures JSON, and no column is lost" {
	local given=('{"a":1,"b":true,"c":{"x":1},"d":[1],"e":[1,null],"f":[[1]],"g":"x"}'
		'{"a":"text","b":2.50,"c":"y","d":2,"e":[],"f":[],"g":"2024-01-01"}')

	assert_equal "$(types "${given[@]}")" "a STRING, b STRING, c JSON, d JSON, e JSON, f JSON, g STRING"
	assert_equal "$(rows "${given[@]}")" \
		$'{"a":"1","b":"true","c":{"x":1},"d":[1],"e":[1,null],"f":[[1]],"g":"x"}\n{"a":"text","b":"2.50","c":"y","d":2,"e":[],"f":[],"g":"2024-01-01"}'
}

@test "JSON that BigQuery would change becomes STRING" {
	assert_equal "$(types '{"a":{"x":0.12345678901234567890}}' '{"a":1}')" "a STRING"
	assert_equal "$(rows '{"a":{"x":0.12345678901234567890,"y":"\u00e9"}}' '{"a":1}')" \
		$'{"a":"{\\"x\\":0.12345678901234567890,\\"y\\":\\"\\\\u00e9\\"}"}\n{"a":"1"}'
}

@test "null arrays are left out, and what is null everywhere unless it is to be kept" {
	assert_equal "$(rows '{"a":null,"n":null,"r":{"x":null}}' '{"a":[1],"n":null}')" $'{}\n{"a":[1]}'
	run_split schemainfer --bare --keep-nulls <<<'{"n":null,"o":{},"a":[]}'
	assert_json '.[0]["@begin"].schema.fields | map(.type + .mode) == ["STRINGREPEATED", "STRINGNULLABLE", "JSONNULLABLE"]'
	assert_json '.[1] == {"n":null,"o":{},"a":[]}'
}

@test "records merge, at every depth, up to the 15 that BigQuery has" {
	assert_equal "$(rows '{"r":{"a":1,"s":{"t":"2024-01-01T00:00:00Z"}}}' '{"r":{"b":[{"c":"1"},{"d":0.5}]}}')" \
		$'{"r":{"a":1,"s":{"t":"2024-01-01T00:00:00.000000Z"}}}\n{"r":{"b":[{"c":1},{"d":0.5}]}}'
	run_split schemainfer --bare < <(printf '{"a":%.0s' {1..20}; printf 1; printf '}%.0s' {1..20})
	assert_status 0
	assert_json '[.[0] | .. | objects | select(.type == "RECORD")] | length == 14'
	assert_json '[.[0] | .. | objects | select(.type == "JSON")] | length == 1'
}

@test "names that BigQuery does not take are changed, with a warning; two that make one are an error" {
	run_split schemainfer --bare <<<'{"user id":1,"2nd":2,"_TABLE_x":3,"Ok":4,"q\"":5}'
	assert_status 0
	assert_json '.[1] == {"user_id":1,"_2nd":2,"__TABLE_x":3,"Ok":4,"q_":5}'
	[[ $errors == *"user id"* ]]
	run schemainfer --bare <<<$'{"a":1}\n{"a-b":1,"A_B":2}'
	assert_status 65
	assert_output_contains "line 2: column a_b stands there twice"
}

@test "names that differ in case alone are one column in different rows" {
	assert_equal "$(rows '{"Id":1}' '{"id":2}')" $'{"Id":1}\n{"Id":2}'
}

@test "a row stream keeps what its @begin and @end say; its key is renamed with its column" {
	run_split schemainfer <<<$'{"@begin":{"version":1,"table":"t","scope":"full","key":["user id"],"at":"x"}}\n{"user id":1}\n{"@end":{"rows":1,"rejected":2,"more":true}}'
	assert_status 0
	assert_json '.[0]["@begin"] | [.table, .scope, .key, .at] == ["t", "full", ["user_id"], "x"]'
	assert_json '.[2]["@end"] == {"rows":1,"rejected":2,"more":true}'
}

@test "plain NDJSON proves nothing, and says so" {
	run_split schemainfer --bare <<<'{"a":1}'
	assert_json '.[2]["@end"] == {"rows":1,"rejected":0,"whole":false}'
	run_split schemainfer <<<'{"a":1}'
	assert_status 65
	[[ $errors == *"--bare"* && $output == '{"@abort":{"exit":65,'* ]]
}

@test "no rows: a stream without schema" {
	run_split schemainfer <<<$'{"@begin":{"version":1}}\n{"@end":{"rows":0}}'
	assert_status 0
	assert_json '.[0]["@begin"] | has("schema") | not'
	assert_json '.[1]["@end"].rows == 0'
}

@test "a pipe, a redirected file and a FILE give the same stream; lines left out are counted" {
	local file=$BATS_TEST_TMPDIR/given.json piped

	printf '{"a":1}\n{"a":"x"\n{"b":2}\n[]\n{"b":"y"}\n' >"$file"
	piped=$(bash -c 'cat "$1" | schemainfer --bare --ignore-invalid-lines --quiet 2>"$2"' - "$file" "$file.errors")
	assert_equal "$piped" "$(schemainfer --bare --ignore-invalid-lines --quiet <"$file" 2>/dev/null)"
	assert_equal "$piped" "$(schemainfer --bare --ignore-invalid-lines --quiet "$file" 2>/dev/null)"
	output=$piped
	assert_json '.[4]["@end"] == {"rows":3,"rejected":2,"whole":false}'
	assert_equal "$(grep -c 'line 2 \|line 2:\|line 4 ' "$file.errors")" 2
}

@test "TMPDIR that cannot be written is said" {
	TMPDIR=$BATS_TEST_TMPDIR/none run schemainfer --bare < <(echo '{"a":1}')
	assert_status 74
	assert_output_contains "$BATS_TEST_TMPDIR/none"
}

@test "CSV: empty is null, an empty text in quotes is one in a STRING column" {
	run_split schemainfer --input-format csv <<<$'id,name,when,score\n1,"",2024-01-01,1e-3\n2,"a, ""b""\nc",,\n3'
	assert_status 0
	assert_json '.[0]["@begin"].schema.fields | map(.name + " " + .type) == ["id INTEGER", "name STRING", "when DATE", "score FLOAT"]'
	assert_json '.[1] == {"id":1,"name":"","when":"2024-01-01","score":0.001}'
	assert_json '.[2] == {"id":2,"name":"a, \"b\"\nc","when":null,"score":null}'
	assert_json '.[3] == {"id":3} and .[4]["@end"].rows == 3'
	run schemainfer --input-format csv <<<$'a,A\n1,2'
	assert_status 65
	assert_output_contains "columns 1 and 2"
}

@test "CSV: quotes that do not match are named by line and column" {
	run schemainfer --input-format csv <<<$'a,b\n1,"x\ny"\n2,"x"y\n'
	assert_status 65
	assert_output_contains "line 4 column 2: more stands behind its closing quote"
	run schemainfer --input-format csv <<<$'a,b\n1,2\n"3,4\n5,6'
	assert_status 65
	assert_output_contains "line 3 column 1: its quote is not closed"
	run schemainfer --input-format csv <<<$'a,"b\n1,2'
	assert_status 65
	assert_output_contains "line 1 column 2"
	run_split schemainfer --input-format csv --ignore-invalid-lines <<<$'a,b\n2,"x"y\n3,z'
	assert_status 0
	assert_json '.[1] == {"a":3,"b":"z"} and .[2]["@end"].rejected == 1'
}

@test "CSV of other systems: byte order mark, CRLF, line feeds in quotes, odd names, short rows" {
	local text=$'\xef\xbb\xbf"user id",2nd,"two\r\nlines",,Größe\r\n1,2024-01-01,"a\r\nb",,4,\r\n2\r\n'

	printf '%s' "${text//,4,/,4}" >"$BATS_TEST_TMPDIR/given.csv"
	run_split schemainfer --input-format csv "$BATS_TEST_TMPDIR/given.csv"
	assert_status 0
	assert_json '.[0]["@begin"].schema.fields | map(.name) == ["user_id", "_2nd", "two__lines", "_", "Gr__e"]'
	assert_json '.[1] == {"user_id":1,"_2nd":"2024-01-01","two__lines":"a\r\nb","_":null,"Gr__e":4} and .[2] == {"user_id":2}'
	printf '%s' "$text" >"$BATS_TEST_TMPDIR/given.csv"
	run schemainfer --input-format csv "$BATS_TEST_TMPDIR/given.csv"
	assert_status 65
	assert_output_contains "line 3: 6 values, but 5 columns"
}

@test "a byte order mark before NDJSON is passed over, from a file and from a pipe" {
	printf '\xef\xbb\xbf{"a":1}\n{"a":2}\n' >"$BATS_TEST_TMPDIR/given"
	run_split schemainfer --bare "$BATS_TEST_TMPDIR/given"
	assert_status 0
	assert_json '.[1] == {"a":1} and .[2] == {"a":2}'
	run_split schemainfer --bare < <(cat "$BATS_TEST_TMPDIR/given")
	assert_json '.[1] == {"a":1} and .[3]["@end"].rows == 2'
}

@test "random rows, by file, pipe and row stream: every value is in the table as it was" {
	run python3 -B "$SLUICE_ROOT/tests/infer/values.py" "$SLUICE_BIN" "${INFER_TABLES:-30}" "${INFER_SEED:-1}"
	assert_status 0
	assert_output_contains "tables are as they were"
}

@test "--existing keeps types, widens numbers, and names what does not fit" {
	local existing=$BATS_TEST_TMPDIR/existing

	cat >"$existing" <<-'END'
		[{"name":"id","type":"INTEGER","mode":"REQUIRED","description":"the key"},{"name":"price","type":"NUMERIC","precision":"10","scale":"2"},
		 {"name":"n","type":"INTEGER"},{"name":"s","type":"STRING"},{"name":"x-y","type":"DATE"},{"name":"gone","type":"BYTES","mode":"REPEATED"}]
	END
	run_split schemainfer --bare --existing "$existing" <<<'{"id":1,"price":12.5,"n":1.5,"s":5,"x-y":"2024-01-01","new":true}'
	assert_status 0
	assert_json '.[0]["@begin"].schema.fields | map([.name, .type, .mode]) ==
		[["gone","BYTES","REPEATED"],["id","INTEGER","REQUIRED"],["n","FLOAT","NULLABLE"],["new","BOOLEAN","NULLABLE"],
		 ["price","NUMERIC","NULLABLE"],["s","STRING","NULLABLE"],["x-y","DATE","NULLABLE"]]'
	assert_json '.[0]["@begin"].schema.fields[1].description == "the key"'
	assert_json '.[0]["@begin"].schema.fields[4] | [.precision, .scale] == ["10", "2"]'
	assert_json '.[1] == {"id":1,"price":"12.5","n":1.5,"s":"5","x-y":"2024-01-01","new":true}'
	run schemainfer --bare --existing "$existing" <<<$'{"id":1}\n{"id":"one"}'
	assert_status 65
	assert_output_contains 'line 2: column id: "one" is no INTEGER'
	run schemainfer --bare --existing "$existing" <<<'{"id":null}'
	assert_status 65
	assert_output_contains 'line 1: column id: null is no INTEGER'
}

@test "compatible rows: what the schema leaves out is left out of the rows" {
	run_split schemainfer --bare --mode compatible <<<$'{"a":1,"b":"007","r":[{"x":1}],"t":"2024-1-2 3:4:5"}\n{"a":"x","b":"8","r":{"x":2}}'
	assert_status 0
	assert_json '.[1] == {"b":7,"r":[{"x":1}],"t":"2024-1-2 3:4:5"} and .[2] == {"b":8,"r":[{"x":2}]}'
	[[ $errors == *"line 2: column a: STRING, it was INTEGER"* ]]
}

@test "from a command to a table: every value arrives" {
	run bash -o pipefail -c "rowwrap -- cat '$BATS_TEST_DIRNAME/../infer/end_to_end.json' | schemainfer | bqload raw.items"
	assert_status 0
	output=$(bq_sql "SELECT id, price, exact, big, d, t, dt, ts, ok, mix, u FROM raw.items ORDER BY id")
	assert_json '.[0] == {"id":"1","price":"12.5","exact":"0.12345678901234567891","big":"9007199254740993","d":"2024-02-29",
		"t":"10:00:00.500000","dt":"2024-01-01T10:00:00","ts":.[0].ts,"ok":"true","mix":"1","u":"18446744073709551615"}'
	assert_json '.[1].mix == "text" and .[1].price == "3.0" and .[1].ok == "false"'
	output=$(bq_sql "SELECT COUNT(*) AS n FROM raw.items WHERE ts = TIMESTAMP '2024-01-02 04:30:00.25+00' AND r.a = 1 AND JSON_VALUE(doc, '$.k') = 'v'")
	assert_json '.[0].n == "1"'
	assert_equal "$(bq_api GET datasets/raw/tables/items | jq -c '[.schema.fields[] | .name + " " + .type]')" \
		'["big INTEGER","d DATE","doc JSON","dt DATETIME","exact BIGNUMERIC","id INTEGER","mix STRING","ok BOOLEAN","price FLOAT","r RECORD","t TIME","tags STRING","ts TIMESTAMP","u NUMERIC"]'
}
