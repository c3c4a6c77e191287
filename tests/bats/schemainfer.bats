#!/usr/bin/env bats
# schemainfer --schema-only: the schema, as generate-schema prints it, and what it reads.

load helper/common

cases=$SLUICE_ROOT/tests/infer/cases

# case_flags NAME: the options of a case, one a line.
case_flags() {
	if [[ -f $cases/$1.flags ]]; then
		tr ' ' '\n' <"$cases/$1.flags"
	fi
	if [[ -f $cases/$1.existing ]]; then
		printf '%s\n' --existing-schema-path "$cases/$1.existing"
	fi
}

@test "for every case the schema is the one that generate-schema prints, byte for byte" {
	local schema name failed='' count=0 flags

	for schema in "$cases"/*.schema; do
		name=$(basename "$schema" .schema)
		mapfile -t flags < <(case_flags "$name")
		schemainfer --schema-only --quiet "${flags[@]}" <"$(ls "$cases/$name".{json,csv} 2>/dev/null)" 2>/dev/null |
			diff "$schema" - >&2 || failed+=" $name"
		count=$((count + 1))
	done
	((count >= 25)) || _fail "only $count cases"
	[[ -z $failed ]] || _fail "failed:$failed"
}

@test "random rows: the same schema, the same reports, the same refusals as generate-schema" {
	local python

	python=$("$SLUICE_ROOT/tests/infer/venv" 2>"$BATS_TEST_TMPDIR/why") || skip "$(<"$BATS_TEST_TMPDIR/why")"
	run "$python" -B "$SLUICE_ROOT/tests/infer/compare.py" "$SLUICE_BIN/schemainfer" "${INFER_ROUNDS:-300}"
	assert_status 0
}

@test "a column left out is named with its line, and with what disagrees" {
	run schemainfer --schema-only - <<<$'{"r":{"a":1}}\n{"r":{"a":"text"}}'
	assert_status 0
	assert_output_contains "line 2: column r.a: STRING, it was INTEGER: the column is left out"
}

@test "what a line disagrees with is not said when the line turns out to be no row" {
	run schemainfer --schema-only --ignore-invalid-lines <<<$'{"a":1}\n{"a":"text","b":[{"c":1},{"c":true}],}'
	assert_status 0
	assert_output_contains "line 2 byte"
	[[ $output != *"column"* ]]
}

@test "what an invalid line began leaves no trace in a record that is read anew" {
	run_split schemainfer --schema-only --quiet --ignore-invalid-lines \
		<<<$'{"r":{"s":{"x":1}}}\n{"r":[1,"text"]}\n{"r":{"s":{"y":1}}}\n{"r":{"s":{"x":1}},}\n{"r":{"s":{"x":2}}}'
	assert_status 0
	assert_json '.[0][0].fields[0].fields | map(.name) == ["x", "y"]'
}

@test "--existing may be an object with fields" {
	local existing=$BATS_TEST_TMPDIR/existing

	echo '{"fields":[{"name":"a","type":"FLOAT","mode":"REQUIRED"}]}' >"$existing"
	run_split schemainfer --schema-only --existing "$existing" <<<'{"a":1}'
	assert_json '.[0] == [{"mode":"REQUIRED","name":"a","type":"FLOAT"}]'
}

@test "a FILE is read as stdin is" {
	run_split schemainfer --schema-only "$cases/records.json"
	assert_status 0
	assert_equal "$output" "$(<"$cases/records.schema")"
}

@test "a row stream gives its rows, and must be whole" {
	run_split schemainfer --schema-only <<<$'{"@begin":{"version":1}}\n{"a":1}\n{"@end":{"rows":1}}'
	assert_status 0
	assert_json '.[0] == [{"mode":"NULLABLE","name":"a","type":"INTEGER"}]'
	run_split schemainfer --schema-only <<<$'{"@begin":{"version":1}}\n{"a":1}'
	assert_status 65
	assert_equal "$output" ""
	[[ $errors == *truncated* ]]
	run_split schemainfer --schema-only <<<'{"@abort":{"exit":75,"reason":"gone"}}'
	assert_status 75
}

@test "rows may begin as control records do, if they are plain NDJSON" {
	run_split schemainfer --schema-only <<<'{"@timestamp":"2020-01-01T00:00:00Z"}'
	assert_status 0
	assert_json '.[0] == [{"mode":"NULLABLE","name":"@timestamp","type":"TIMESTAMP"}]'
	run_split schemainfer --schema-only --bare <<<'{"@begin":{"version":1}}'
	assert_status 0
	assert_json '.[0][0].name == "@begin"'
}

@test "a line that is no row is named with its byte" {
	run schemainfer --schema-only <<<$'{"a":1}\n{"a":01}'
	assert_status 65
	assert_output_contains "line 2 byte 6: a number with a leading zero"
	run schemainfer --schema-only < <(printf '{"a":"\xff"}\n')
	assert_status 65
	assert_output_contains "line 1 byte 7: not valid UTF-8"
	run schemainfer --schema-only <<<''
	assert_status 65
	assert_output_contains "line 1: the row ends too early: an empty line"
	run schemainfer --schema-only <<<'[1]'
	assert_output_contains "not a JSON object"
}

@test "an invalid line that is ignored changes nothing, not even in its valid part" {
	run_split schemainfer --schema-only --ignore-invalid-lines <<<$'{"a":1}\n{"a":"text","b":1,"c":[{"d":1}],\n{"a":2}'
	assert_status 0
	assert_json '.[0] == [{"mode":"NULLABLE","name":"a","type":"INTEGER"}]'
	[[ $errors == *"line 2"*"left out"* ]]
}

@test "a row of a CSV file with too many values is named" {
	run schemainfer --schema-only --input-format csv <<<$'a,b\n1,2\n\n1,2,3'
	assert_status 65
	assert_output_contains "line 4: 3 values, but 2 columns"
}

@test "wrong usage is 64, a missing file 66" {
	run schemainfer --schema-only one two
	assert_status 64
	run schemainfer --schema-only --mode sloppy
	assert_status 64
	run schemainfer --debugging-map --mode exact
	assert_status 64
	run schemainfer --schema-only "$BATS_TEST_TMPDIR/none"
	assert_status 66
	run schemainfer --schema-only --existing "$BATS_TEST_TMPDIR/none" <<<'{}'
	assert_status 66
}

@test "deep nesting is an error, no crash" {
	run schemainfer --schema-only < <(printf '{"a":%.0s' {1..2000})
	assert_status 65
	assert_output_contains "nested deeper than 500"
	run schemainfer --schema-only < <(printf '{"a":'; printf '[%.0s' {1..2000})
	assert_status 65
}
