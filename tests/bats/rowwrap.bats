#!/usr/bin/env bats
# rowwrap as a source and as a filter.

load helper/common

begin='{"@begin":{"version":1,"table":"t","key":["a"]}}'

# stream ROW...: a whole stream of them.
stream() {
	printf '%s\n' "$begin"
	(($# == 0)) || printf '%s\n' "$@"
	printf '{"@end":{"rows":%d,"rejected":2}}\n' $#
}

# run_pipe COMMAND: a pipeline, under pipefail, whose parts are visible to it.
run_pipe() {
	export begin
	export -f stream
	run bash -o pipefail -c "$1"
}

@test "a command that exits 0 becomes a whole stream" {
	run rowwrap -- printf '{"a":1}\n{"a":2}\n' </dev/null
	[ "$status" -eq 0 ]
	[ "${lines[1]}" = '{"a":1}' ]
	[ "${lines[3]}" = '{"@end":{"rows":2,"rejected":0}}' ]
}

@test "a last line without line feed is a row like the others" {
	run rowwrap -- printf '{"a":1}\n{"a":2}' </dev/null
	[ "$status" -eq 0 ]
	[ "${lines[2]}" = '{"a":2}' ]
}

@test "a command that fails aborts the stream with its documented status" {
	run rowwrap -- sh -c 'echo "{\"a\":1}"; exit 75' </dev/null
	[ "$status" -eq 75 ]
	[[ ${lines[2]} == '{"@abort":{"exit":75,"reason":'* ]]
	[[ $output != *'"@end"'* ]]
}

@test "a status that says nothing about retrying becomes 65" {
	run rowwrap -- sh -c 'exit 3' </dev/null
	[ "$status" -eq 65 ]
	[[ $output == *'exit status 3'* ]]
}

@test "a killed command aborts with 128 plus the signal" {
	run rowwrap -- sh -c 'kill -9 $$' </dev/null
	[ "$status" -eq 137 ]
}

@test "a command that does not exist is 66 and named" {
	run rowwrap -- no-such-command-here </dev/null
	[ "$status" -eq 66 ]
	[[ $output == *no-such-command-here* ]]
}

@test "lines that are no JSON object are refused with their number" {
	run rowwrap -- printf '{"a":1}\n{\n' </dev/null
	[ "$status" -eq 65 ]
	[[ $output == *'line 2 of COMMAND'* ]]
}

@test "a line that looks like a control record is refused" {
	run rowwrap -- echo '{"@timestamp":1}' </dev/null
	[ "$status" -eq 65 ]
	[[ $output == *'control records'* ]]
}

@test "schema, table and key go into @begin" {
	echo '[{"name":"a","type":"INT64"}]' >"$BATS_TEST_TMPDIR/schema"
	run rowwrap --schema "$BATS_TEST_TMPDIR/schema" --table x --key a,b -- true </dev/null
	[ "$status" -eq 0 ]
	jq -e '.["@begin"] | .table == "x" and .key == ["a","b"] and .schema.fields == [{"name":"a","type":"INTEGER","mode":"NULLABLE"}]' <<<"${lines[0]}"
}

@test "a bad schema file is named with its fault" {
	echo '[{"name":"a","type":"WHAT"}]' >"$BATS_TEST_TMPDIR/schema"
	run rowwrap --schema "$BATS_TEST_TMPDIR/schema" -- true </dev/null
	[ "$status" -eq 65 ]
	[[ $output == *"$BATS_TEST_TMPDIR/schema: column a: type WHAT"* ]]
}

@test "a source does not eat the input of the loop it stands in" {
	run bash -c 'printf "1\n2\n" | while read -r n; do rowwrap --source -- echo "{\"n\":$n}"; done | grep -c "\"n\""'
	[ "$output" = 2 ]
}

@test "a filter gets bare rows, and the frame is made anew" {
	run_pipe "stream '{\"a\":1}' '{\"a\":2}' | rowwrap -- sed 's/\"a\"/\"b\"/'"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$begin" ]
	[ "${lines[2]}" = '{"b":2}' ]
	[ "${lines[3]}" = '{"@end":{"rows":2,"rejected":2}}' ]
}

@test "a filter that drops rows fails, unless it may" {
	run_pipe "stream '{\"a\":1}' '{\"a\":2}' | rowwrap -- head -n 1"
	[ "$status" -eq 65 ]
	[[ $output == *'dropped 1 of 2 rows'* ]]
	run_pipe "stream '{\"a\":1}' '{\"a\":2}' | rowwrap --rows-dropped 1 -- head -n 1"
	[ "$status" -eq 0 ]
	run_pipe "stream '{\"a\":1}' '{\"a\":2}' | rowwrap --rows-dropped any -- true"
	[ "$status" -eq 0 ]
}

@test "a filter that adds rows fails, unless it may" {
	run_pipe "stream '{\"a\":1}' | rowwrap -- jq -c '.,.'"
	[ "$status" -eq 65 ]
	[[ $output == *'added 1 of 2 rows; --rows-added allows 0'* ]]
	run_pipe "stream '{\"a\":1}' | rowwrap --rows-added any -- jq -c '.,.'"
	[ "$status" -eq 0 ]
	run rowwrap --rows-added x -- true </dev/null
	[ "$status" -eq 64 ]
}

@test "jq skipping a row on which it fails is found out" {
	run_pipe "stream '{\"a\":1}' '{\"a\":\"x\"}' | rowwrap -- jq -c '{a: (.a + 1)}'"
	[ "$status" -ne 0 ]
	[[ $output == *'@abort'* ]]
	[[ $output != *'"@end"'* ]]
}

@test "a truncated stream fails through a filter that does not care" {
	run_pipe "stream '{\"a\":1}' | head -n 2 | rowwrap -- cat"
	[ "$status" -eq 65 ]
	[[ $output == *'truncated'* ]]
	[[ $output != *'"@end"'* ]]
}

@test "the producer's abort passes through with its status" {
	run bash -o pipefail -c 'rowwrap --source -- sh -c "exit 77" | rowwrap -- cat'
	[ "$status" -eq 77 ]
}

@test "an empty pipe is an error, not an empty table" {
	run bash -o pipefail -c ': | rowwrap -- cat'
	[ "$status" -eq 65 ]
	[[ $output == *'empty input'* ]]
}

@test "a reader that goes away ends the command, with 141" {
	run bash -c 'rowwrap --source -- yes "{\"a\":1}" | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"'
	[ "${lines[-1]}" = 141 ]
}

@test "SIGTERM ends the whole command and is passed on as 143" {
	mkfifo "$BATS_TEST_TMPDIR/out"
	rowwrap --source -- sh -c 'echo "{\"pid\":$$}"; sleep 1000 & wait' >"$BATS_TEST_TMPDIR/out" 2>/dev/null &
	local wrapper=$! pid status=0
	exec 7<"$BATS_TEST_TMPDIR/out"
	read -r _ <&7
	kill -TERM "$wrapper"
	wait "$wrapper" || status=$?
	[ "$status" -eq 143 ]
	exec 7<&-
	run ! pgrep -f 'sleep 1000'
}

@test "SIGTERM still ends it after the command has closed its stdout" {
	rowwrap --source -- sh -c 'echo "{\"a\":1}"; exec >&-; exec sleep 1001' >"$BATS_TEST_TMPDIR/out" 2>/dev/null &
	local wrapper=$! status=0
	wait_until 10 pgrep -f 'sleep 1001' >/dev/null
	kill -TERM "$wrapper"
	wait "$wrapper" || status=$?
	[ "$status" -eq 143 ]
	run ! grep -q '"@end"' "$BATS_TEST_TMPDIR/out"
	run ! pgrep -f 'sleep 1001'
}

@test "nothing of a failed command's group goes on running, whatever it ignores" {
	run timeout 20 rowwrap --source -- sh -c '(trap "" TERM; exec sleep 1002) & sleep 0.2; echo bad; wait'
	[ "$status" -eq 65 ]
	run ! pgrep -f 'sleep 1002'
}

@test "a stdout that somebody made non-blocking is no error" {
	run bash -c 'perl -e "use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK); exec @ARGV" rowwrap --source -- seq -f "{\"n\":%.0f}" 300000 | { sleep 0.3; tail -n 1; }'
	[ "$output" = '{"@end":{"rows":300000,"rejected":0}}' ]
}

@test "a million rows pass a filter both ways without standing still" {
	run_pipe 'rowwrap --source -- seq -f "{\"n\":%.0f}" 1000000 | rowwrap -- cat | tail -n 1'
	[ "$output" = '{"@end":{"rows":1000000,"rejected":0}}' ]
}
