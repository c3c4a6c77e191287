#!/usr/bin/env bats
# The ledger of bqload when processes die, answers get lost, and two hosts are at it at once.

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

first=('{"id":1,"name":"a"}' '{"id":7,"name":"a"}')
second=('{"id":1,"name":"b"}' '{"id":2,"name":"b"}' '{"id":9,"name":"b"}')

# The ledger has one done entry of that run, which says what the table holds; so does the @loaded in $output.
holds_once() {
	local rows done_entries

	rows=$(table_rows)
	done_entries=$(entries "select(.state == \"done\" and .run == \"$1\") | [.rows, .cursor.last]")
	case $rows in
	$'["1","a"]\n["7","a"]') assert_equal "$done_entries" '[2,"7"]' ;;
	$'["1","b"]\n["2","b"]\n["9","b"]') assert_equal "$done_entries" '[3,"9"]' ;;
	*) _fail "the table holds: $rows" ;;
	esac
	# Whoever says a thing, and how often: it is there once.
	assert_equal "$(entries "select(.run == \"$1\") | .id" | sort | uniq -d)" '' 'entries that are there twice'
	assert_equal "$(loaded '[.rows, .cursor.last]')" "$done_entries" @loaded
	state
	assert_equal "$(said '[.rows, .cursor.last]')" "$done_entries" @state
}

# Every point at which a run can die, with what its rerun under the same id then says.
dies_everywhere() {
	local mode=$1 point effect method path n run=0

	shift
	while read -r method path n; do
		for effect in before after; do
			point="$effect $method $path $n"
			run=$((run + 1))
			bq_api DELETE "datasets/$dataset/tables/t" >/dev/null 2>&1 || true
			# Each of them on a fresh ledger: the first load makes it.
			[[ $ledger == file:* ]] && rm -f "${ledger#file:}"
			echo "# $mode: dies $point"
			die_at "$effect" "$method" "$path" "$n" 7 "${first[@]}" -- --run-id "$mode$run" --write "$mode"
			load_rows 9 "${second[@]}" -- --run-id "$mode$run" --write "$mode"
			assert_status 0
			holds_once "$mode$run"
			load_rows 9 "${second[@]}" -- --run-id "$mode$run" --write "$mode"
			assert_status 0
			assert_equal "$(loaded .adopted)" true
			holds_once "$mode$run"
		done
	done
}

@test "append: killed before or after any request, then the same run id: once, and said rightly" {
	load_rows 1 "${first[@]}" -- --run-id r0
	# The entry, the last chunk, the entry.
	dies_everywhere append <<-'TEXT'
		POST /jobs$ 1
		PUT /upload/ 1
		POST /jobs$ 2
	TEXT
}

@test "merge: the same" {
	load_rows 1 "${first[@]}" -- --run-id r0
	# The entry of the stage, its last chunk, the look for duplicates, the entry, the MERGE, the entry.
	dies_everywhere merge <<-'TEXT'
		POST /jobs$ 1
		PUT /upload/ 1
		POST /jobs$ 2
		POST /jobs$ 3
		POST /jobs$ 4
		POST /jobs$ 5
	TEXT
}

@test "a file's: the same" {
	use_file
	dies_everywhere append <<<'PUT /upload/ 1'
	dies_everywhere merge <<-'TEXT'
		PUT /upload/ 1
		POST /jobs$ 1
		POST /jobs$ 2
	TEXT
}

# milliseconds COMMAND...: how long it takes.
milliseconds() {
	local begun=${EPOCHREALTIME/[.,]/}

	"$@" >/dev/null 2>&1
	REPLY=$(((${EPOCHREALTIME/[.,]/} - begun) / 1000))
}

@test "kill -9 at any moment, then the same run id" {
	local i mode child
	local -A longest
	for mode in append merge; do
		milliseconds load_rows 1 "${first[@]}" -- --run-id "$mode.0" --write "$mode"
		longest[$mode]=$REPLY
	done
	for ((i = 1; i <= 24; i++)); do
		((i != 17)) || use_file
		mode=append
		((i % 2)) || mode=merge
		bq_api DELETE "datasets/$dataset/tables/t" >/dev/null || true
		bqload_with 7 "${first[@]}" -- --run-id "k$i" --write "$mode" >/dev/null 2>&1 3>&- &
		child=$!
		sleep "$(printf '%d.%03d' $((REPLY = RANDOM % longest[$mode], REPLY / 1000)) $((REPLY % 1000)))"
		kill -9 "$child" 2>/dev/null || true
		wait "$child" || true
		load_rows 9 "${second[@]}" -- --run-id "k$i" --write "$mode"
		assert_status 0
		holds_once "k$i"
	done
}

@test "an answer that is lost changes nothing: what was done is found, and done once" {
	local i mode jobs kind
	for kind in table file; do
		[[ $kind == table ]] || use_file
		load_rows 1 "${first[@]}" -- --run-id "$kind.0"
		for mode in append merge; do
			# The INSERT jobs; of a merge the look for duplicates and the MERGE as well.
			jobs=$([[ $mode == append ]] && echo 2 || echo 5)
			[[ $kind == table ]] || jobs=$([[ $mode == append ]] && echo 0 || echo 2)
			for ((i = 0; i <= jobs; i++)); do
				bq_api DELETE "datasets/$dataset/tables/t" >/dev/null
				if ((i == 0)); then
					fault '{"match":{"method":"PUT","path":"/upload/"},"fault":{"drop":"after-effect"}}'
				else
					fault "{\"match\":{\"method\":\"POST\",\"path\":\"/jobs$\",\"n\":$i},\"fault\":{\"drop\":\"after-effect\"}}"
				fi
				load_rows 7 "${first[@]}" -- --run-id "$kind.$mode.$i" --write "$mode" --retry-for 20s
				assert_status 0
				fault_was_hit
				clear_faults
				holds_once "$kind.$mode.$i"
			done
		done
	done
}

@test "a run that died when its job was done is settled by --state" {
	for kind in table file; do
		[[ $kind == table ]] || use_file
		load_rows 1 '{"id":1}' -- --run-id "$kind.0"
		die_at after PUT /upload/ 1 7 '{"id":7}' -- --run-id "$kind.1"
		state
		assert_status 0
		assert_equal "$(said '[.run, .rows, .cursor.last]')" "[\"$kind.1\",1,\"7\"]"
		assert_equal "$(entries "select(.run == \"$kind.1\") | .state")" $'"submitted"\n"done"'
		# Nothing is left to be settled.
		state
		assert_equal "$(entries "select(.run == \"$kind.1\") | .state")" $'"submitted"\n"done"'
	done
	assert_equal "$(table_rows | wc -l)" 4
}

@test "a run that died before its job was started is settled as failed, and can be repeated" {
	for kind in table file; do
		[[ $kind == table ]] || use_file
		load_rows 1 '{"id":1}' -- --run-id "$kind.0"
		die_at before PUT /upload/ 1 7 '{"id":7}' -- --run-id "$kind.1"
		state
		assert_status 0
		assert_equal "$(said '[.run, .cursor.last, .failure.run, .failure.exit]')" "[\"$kind.0\",\"1\",\"$kind.1\",75]"
		load_rows 8 '{"id":8}' -- --run-id "$kind.1"
		assert_status 0
		assert_equal "$(loaded '[.adopted, .cursor.last]')" '[false,"8"]'
		assert_equal "$(entries "select(.run == \"$kind.1\") | .state")" $'"submitted"\n"failed"\n"submitted"\n"done"'
	done
	assert_equal "$(table_rows)" $'["1",null]\n["1",null]\n["8",null]\n["8",null]'
}

@test "the next run of the table settles what another has left" {
	load_rows 1 '{"id":1}' -- --run-id r0
	die_at after PUT /upload/ 1 7 '{"id":7}' -- --run-id r1
	load_rows 9 '{"id":9}' -- --run-id r2
	assert_status 0
	assert_equal "$(entries 'select(.run != "r0") | [.run, .state]')" \
		$'["r1","submitted"]\n["r1","done"]\n["r2","submitted"]\n["r2","done"]'
	state
	assert_equal "$(said .run)" '"r2"'
}

@test "a job of another run that is still running is waited for" {
	load_rows 1 '{"id":1}' -- --run-id r0
	# Before it come the query, the INSERT and another query.
	fault '{"match":{"n":4},"fault":{"jobDelayMs":1500}}'
	die_at after PUT /upload/ 1 7 '{"id":7}' -- --run-id r1
	state
	assert_status 0
	assert_output_contains 'has no outcome yet'
	assert_equal "$(said '[.run, .cursor.last]')" '["r1","7"]'
}

@test "a mismatch of a run that died is settled as one, and the next run goes on" {
	load_rows 1 '{"id":1}' -- --run-id r0
	fault '{"match":{"path":"/upload/"},"fault":{"miscount":-1}}'
	die_at after PUT /upload/ 1 7 '{"id":7}' '{"id":8}' -- --run-id r1
	load_rows 9 '{"id":9}' -- --run-id r2
	assert_status 0
	assert_equal "$(entries 'select(.run == "r1") | .state')" $'"submitted"\n"mismatch"'
	load_rows 9 '{"id":9}' -- --run-id r1
	assert_status 76
}

@test "a living process whose announced job was given up cannot start it any more" {
	load_rows 1 '{"id":1}' -- --run-id r0
	stall PUT /upload/ 1
	bqload_with 7 '{"id":7}' -- --run-id r1 --retry-initial 1s --retry-for 60s >"$BATS_TEST_TMPDIR/slow" 2>&1 3>&- &
	local slow=$! status=0
	wait_until 20 fault_was_hit
	# Only the wait for the slow one: its own loading must come through.
	state
	assert_status 0
	clear_faults
	wait "$slow" || status=$?
	assert_equal "$status" 75 'status of the slow one'
	grep -q 'given it up' "$BATS_TEST_TMPDIR/slow"
	assert_equal "$(table_rows)" '["1",null]'
	load_rows 7 '{"id":7}' -- --run-id r1
	assert_status 0
	assert_equal "$(loaded '[.adopted, .cursor.last]')" '[false,"7"]'
	assert_equal "$(table_rows)" $'["1",null]\n["7",null]'
	assert_equal "$(entries 'select(.run == "r1") | .state')" $'"submitted"\n"failed"\n"submitted"\n"done"'
}

@test "a MERGE that was given up cannot be started any more, either" {
	begin='"key":["id"],"cursor":{"column":"id"}'
	load_rows 1 "${first[0]}" -- --run-id r0 --write merge
	# The entry of the stage, the entry, the MERGE.
	stall POST '/jobs$' 3
	bqload_with 7 "${first[@]}" -- --run-id r1 --write merge --retry-initial 1s --retry-for 60s \
		>"$BATS_TEST_TMPDIR/slow" 2>&1 3>&- &
	local slow=$! status=0
	wait_until 20 fault_was_hit
	clear_faults
	state
	assert_status 0
	wait "$slow" || status=$?
	# Either it came first, or it was given up.
	case $status in
	0) assert_equal "$(said .run)" '"r1"' ;;
	75)
		assert_equal "$(said .run)" '"r0"'
		load_rows 9 "${second[@]}" -- --run-id r1 --write merge
		assert_status 0
		assert_equal "$(loaded '[.adopted, .cursor.last]')" '[true,"7"]'
		;;
	*) _fail "status $status" ;;
	esac
	assert_equal "$(table_rows)" $'["1","a"]\n["7","a"]'
}

@test "two hosts under one run id at once: one load, one done, and both say it" {
	local i kind
	for ((i = 1; i <= 8; i++)); do
		bq_api DELETE "datasets/$dataset/tables/t" >/dev/null || true
		kind=append
		((i % 2)) || kind=merge
		bqload_with 7 "${first[@]}" -- --run-id "h$i" --write "$kind" --retry-for 20s >"$BATS_TEST_TMPDIR/one" 2>"$BATS_TEST_TMPDIR/one.err" 3>&- &
		local one=$! status=0
		load_rows 9 "${second[@]}" -- --run-id "h$i" --write "$kind" --retry-for 20s
		wait "$one" || status=$?
		# What either of them could not do is temporary.
		[[ $status == 0 || $status == 75 ]] || _fail "$(<"$BATS_TEST_TMPDIR/one.err")"
		while ((status != 0)); do
			assert_equal "$status" 75
			load_rows 9 "${second[@]}" -- --run-id "h$i" --write "$kind"
		done
		[[ $status == 0 ]]
		load_rows 9 "${second[@]}" -- --run-id "h$i" --write "$kind"
		assert_status 0
		holds_once "h$i"
	done
}

@test "many writers of one file: every line is whole" {
	local i
	use_file
	stream 1 '{"id":1}' >"$BATS_TEST_TMPDIR/in"
	local pids=()
	for ((i = 1; i <= 12; i++)); do
		bqload --ledger "$ledger" --run-id "w$i" "$dataset.w$i" <"$BATS_TEST_TMPDIR/in" >/dev/null 2>&1 3>&- &
		pids+=("$!")
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	assert_equal "$(jq -s 'length' "$BATS_TEST_TMPDIR/loads")" 24
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/loads")" 24
	assert_equal "$(jq -r .id "$BATS_TEST_TMPDIR/loads" | sort -u | wc -l)" 24
}

@test "a torn last line is passed over, said, and never part of the next entry" {
	use_file
	load_rows 1 '{"id":1}' -- --run-id r0
	printf '{"table":"%s.t","run":"torn","st' "$dataset" >>"$BATS_TEST_TMPDIR/loads"
	state
	assert_status 0
	assert_output_contains 'was not finished'
	assert_equal "$(said .run)" '"r0"'
	load_rows 2 '{"id":2}' -- --run-id r1
	assert_status 0
	assert_output_contains 'cut off'
	assert_equal "$(jq -r .run "$BATS_TEST_TMPDIR/loads")" $'r0\nr0\nr1\nr1'
	load_rows 3 '{"id":3}' -- --run-id r2
	refute_output_contains 'not finished'
}

@test "a last entry that lacks only its line end is an entry" {
	use_file
	load_rows 1 '{"id":1}' -- --run-id r0
	truncate -s -1 "$BATS_TEST_TMPDIR/loads"
	load_rows 2 '{"id":2}' -- --run-id r0
	assert_status 0
	assert_equal "$(loaded '[.adopted, .cursor.last]')" '[true,"1"]'
	load_rows 2 '{"id":2}' -- --run-id r1
	assert_equal "$(jq -r .run "$BATS_TEST_TMPDIR/loads")" $'r0\nr0\nr1\nr1'
}

@test "a damaged line in the middle is 65 and names it" {
	use_file
	load_rows 1 '{"id":1}' -- --run-id r0
	sed -i '1s/.$//' "$BATS_TEST_TMPDIR/loads"
	load_rows 2 '{"id":2}' -- --run-id r1
	assert_status 65
	assert_output_contains 'line 1'
	assert_equal "$(table_rows)" '["1",null]'
}

@test "a disk that is full before the job: 74, and the file is as it was" {
	use_file
	load_rows 1 '{"id":1}' -- --run-id r0
	cp "$BATS_TEST_TMPDIR/loads" "$BATS_TEST_TMPDIR/copy"
	# A limit on the size of files stands for it; SIGXFSZ is ignored, so that write(2) fails.
	local blocks=$((($(stat -c %s "$BATS_TEST_TMPDIR/loads") + 1023) / 1024))
	stream 2 '{"id":2}' >"$BATS_TEST_TMPDIR/in"
	run bash -c "trap '' XFSZ; ulimit -f $blocks; exec bqload --ledger '$ledger' --run-id '$(printf '%01000d' 1)' $dataset.t" \
		<"$BATS_TEST_TMPDIR/in"
	assert_status 74
	assert_output_contains 'nothing was loaded'
	cmp "$BATS_TEST_TMPDIR/loads" "$BATS_TEST_TMPDIR/copy"
	assert_equal "$(table_rows)" '["1",null]'
}

@test "two processes that make the ledger at once both load" {
	ledger=both_$dataset.loads
	table=u bqload_with 7 '{"id":7}' -- --run-id r1 --retry-for 20s >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local one=$!
	load_rows 9 '{"id":9}' -- --run-id r2 --retry-for 20s
	assert_status 0
	wait "$one" || _fail "$(<"$BATS_TEST_TMPDIR/err")"
	assert_equal "$(entries 'select(.state == "done") | .run' | sort)" $'"r1"\n"r2"'
}
