#!/usr/bin/env bats
# Runs of one table under different ids, as two hosts start them that share nothing but the ledger.

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
	begin='"key":["id"],"cursor":{"column":"id","after":null,"upto":"9"}'
	declare -gA pid=() rows_of=()
}

teardown() {
	local run
	for run in "${!pid[@]}"; do
		kill -9 "${pid[$run]}" 2>/dev/null || true
	done
	clear_faults
}

# begin_load RUN OPTION...: in the background, up to where it waits for rows.
begin_load() {
	local run=$1 fifo=$BATS_TEST_TMPDIR/$1.fifo

	shift
	mkfifo "$fifo"
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
	(
		# Nor do others see their end while this one has their pipes open.
		for fd in "${rows_of[@]}"; do
			exec {fd}>&-
		done
		exec bqload --retry-initial 10ms --retry-for 30s --ledger "$ledger" --run-id "$run" "$@" "$dataset.t" <"$fifo" \
			>"$BATS_TEST_TMPDIR/$run.out" 2>"$BATS_TEST_TMPDIR/$run.err" 3>&-
	) &
	pid[$run]=$!
	exec {REPLY}>"$fifo"
	rows_of[$run]=$REPLY
	# The first line of a stream makes it look at destination and ledger.
	printf '{"@begin":{"version":1,%s"schema":{"fields":%s}}}\n' "${begin:+$begin,}" "$schema" >&"$REPLY"
	wait_until 20 has_begun
}

# It asks for its job once it has read the ledger.
has_begun() {
	localcloud_curl "$LOCALCLOUD_URL/requests" | jq -e 'any(.requests[]; .path | test("/jobs/sluice_"))' >/dev/null
}

# feed RUN LAST ROW...: the rest of its stream.
feed() {
	local fd=${rows_of[$1]} last=$2

	unset "rows_of[$1]"
	shift 2
	{
		(($# == 0)) || printf '%s\n' "$@"
		printf '{"@end":{"rows":%d,"cursor":{"column":"id","last":"%s"}}}\n' $# "$last"
	} >&"$fd"
	exec {fd}>&-
}

# end_of RUN: wait for it; its status in $status, all that it has said in $output.
end_of() {
	status=0
	wait "${pid[$1]}" || status=$?
	unset "pid[$1]"
	output=$(<"$BATS_TEST_TMPDIR/$1.out")$'\n'$(<"$BATS_TEST_TMPDIR/$1.err")
}

# exactly_one_of A B: has loaded the table, which holds its rows, and the ledger says so; the other gave way.
exactly_one_of() {
	local status_a winner

	end_of "$1"
	status_a=$status
	end_of "$2"
	case "$status_a $status" in
	'0 75') winner=$1 ;;
	'75 0') winner=$2 ;;
	*) _fail "$1 ended with $status_a, $2 with $status" "$(cat "$BATS_TEST_TMPDIR"/*.err)" ;;
	esac
	assert_equal "$(table_rows)" "$([[ $winner == "$1" ]] && echo '["1","a"]' || echo '["2","b"]')" "$winner has won"
	assert_equal "$(entries "select((.run == \"$1\" or .run == \"$2\") and .state == \"done\") | .run")" "\"$winner\""
	assert_equal "$(entries "select((.run == \"$1\" or .run == \"$2\") and .state == \"failed\") | .exit | tonumber")" 75
	state
	assert_equal "$(said '[.run, .unfinished]')" "[\"$winner\",null]"
}

@test "two at the same moment: one loads, the other gives way" {
	local i mode kind
	for kind in table file; do
		[[ $kind == table ]] || use_file
		load_rows 0 '{"id":0}' -- --run-id "${kind}0" --write truncate
		for i in 1 2; do
			for mode in append truncate merge; do
				bq_sql "TRUNCATE TABLE $dataset.t"
				# Whoever does not begin an increment begins a table.
				begin_load "$kind$mode${i}a" --write "$mode"
				begin_load "$kind$mode${i}b" --write "$mode"
				feed "$kind$mode${i}a" 7 '{"id":1,"name":"a"}'
				feed "$kind$mode${i}b" 9 '{"id":2,"name":"b"}'
				exactly_one_of "$kind$mode${i}a" "$kind$mode${i}b"
			done
		done
	done
}

@test "one that is overtaken gives way: what it has read is older" {
	local mode
	for mode in append truncate merge; do
		bq_api DELETE "datasets/$dataset/tables/t" >/dev/null 2>&1 || true
		begin_load "slow$mode" --write "$mode"
		load_rows 9 '{"id":2,"name":"b"}' -- --run-id "fast$mode" --write "$mode"
		assert_status 0
		feed "slow$mode" 7 '{"id":1,"name":"a"}'
		end_of "slow$mode"
		assert_status 75
		assert_output_contains "run fast$mode was loaded meanwhile; nothing was loaded"
		assert_equal "$(table_rows)" '["2","b"]'
		# Repeated with rows as they are now, it goes on.
		load_rows 9 '{"id":2,"name":"c"}' -- --run-id "slow$mode" --write "$mode"
		assert_status 0
		assert_equal "$(loaded .adopted)" false
	done
}

@test "who waits for a rival that has died goes on once its job is given up" {
	load_rows 0 '{"id":0}' -- --run-id r0 --write truncate
	local i runs
	for i in 1 2 3; do
		begin_load "dead$i" --write truncate
		begin_load "live$i" --write truncate
		# It is killed when it has announced its job.
		stall PUT /upload/ 1
		feed "dead$i" 7 '{"id":1,"name":"a"}'
		wait_until 20 fault_was_hit
		kill -9 "${pid[dead$i]}"
		end_of "dead$i"
		clear_faults
		feed "live$i" 9 '{"id":2,"name":"b"}'
		end_of "live$i"
		# Or its entry came first: then the next attempt settles it.
		[[ $status == 0 ]] || {
			assert_status 75
			load_rows 9 '{"id":2,"name":"b"}' -- --run-id "live$i" --write truncate
			assert_status 0
		}
		assert_equal "$(table_rows)" '["2","b"]'
		runs=$(entries "select(.run == \"dead$i\") | .state")
		assert_equal "$runs" $'"submitted"\n"failed"'
		load_rows 0 '{"id":0}' -- --run-id "again$i" --write truncate
	done
}

@test "rows without a cursor are only added: nobody gives way" {
	local i line
	load_rows 0 '{"id":0}' -- --run-id r0
	for i in 1 2; do
		begin='' begin_load "plain$i"
	done
	for i in 1 2; do
		line=${rows_of[plain$i]}
		unset "rows_of[plain$i]"
		printf '{"id":%d}\n{"@end":{"rows":1}}\n' "$i" >&"$line"
		exec {line}>&-
	done
	for i in 1 2; do
		end_of "plain$i"
		assert_status 0
	done
	assert_equal "$(table_rows)" $'["0",null]\n["1",null]\n["2",null]'
}

@test "an increment that does not begin where the table ends is refused in append: 65" {
	local kind
	for kind in table file; do
		[[ $kind == table ]] || use_file
		load_rows 9 '{"id":9}' -- --run-id "$kind.1" --write truncate
		begin='"cursor":{"column":"id","after":"7","upto":"12"}' load_rows 12 '{"id":8}' '{"id":12}' -- --run-id "$kind.2"
		assert_status 65
		assert_output_contains "begin after id '7', but run $kind.1 has loaded up to '9'"
		begin='"cursor":{"column":"id","after":"9","upto":"12"}' load_rows 12 '{"id":12}' -- --run-id "$kind.3"
		assert_status 0
		# The run that has brought the table there may be repeated, and changes nothing.
		begin='"cursor":{"column":"id","after":"9","upto":"12"}' load_rows 12 '{"id":12}' -- --run-id "$kind.3"
		assert_status 0
		assert_equal "$(loaded .adopted)" true
		begin='"cursor":{"column":"other","after":"1","upto":"2"}' load_rows 2 '{"id":13}' -- --run-id "$kind.4"
		assert_status 0
		assert_equal "$(table_rows)" $'["9",null]\n["12",null]\n["13",null]'
	done
}

@test "a run without rows that is overtaken does not take the cursor back" {
	local kind
	for kind in table file; do
		[[ $kind == table ]] || use_file
		load_rows 5 '{"id":5}' -- --run-id "${kind}0" --write truncate
		begin_load "${kind}empty"
		load_rows 9 '{"id":9}' -- --run-id "${kind}fast"
		assert_status 0
		feed "${kind}empty" 7
		end_of "${kind}empty"
		assert_status 0
		state
		assert_equal "$(said '[.run, .cursor.last]')" "[\"${kind}fast\",\"9\"]"
		# One that is not overtaken does move it.
		load_rows 11 -- --run-id "${kind}last"
		state
		assert_equal "$(said '[.run, .cursor.last]')" "[\"${kind}last\",\"11\"]"
	done
}
