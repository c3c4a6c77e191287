#!/usr/bin/env bats
# dtstrigger against localcloud: which changes start runs, and which do not.

load helper/common
load helper/localcloud
load helper/transfers

setup_file() {
	localcloud_start --transfer-pending 20 --transfer-running 50
	transfer_dataset
}

teardown_file() {
	localcloud_stop
}

# A dataset of this test's own, and its config.
setup() {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	DS=d${BATS_TEST_NUMBER}_$RANDOM
	CONFIG=$(transfer_config "${DS}_transfert")
	unset DATASETS_TO_TRANSFERT DESTINATION_PROJECT_ID LOCATION_ID REALTIME_DB_MODE
}

# trigger [OPTION]... < CHANGES
trigger() {
	cat >"$BATS_TEST_TMPDIR/changes"
	run_split dtstrigger --every 50ms --retry-initial 10ms "$@" <"$BATS_TEST_TMPDIR/changes"
}

# runs FILTER: of what was written.
runs() {
	jq -c '.["@run"] | select(. != null) | '"$1" <<<"$output"
}

# hold STATE: the next run of CONFIG stays in that state.
hold() {
	fault "{\"match\":{\"path\":\"${CONFIG##*/}\"},\"fault\":{\"run\":{\"hold\":\"$1\"}}}"
}

# The next runs of CONFIG end like this.
outcome() {
	fault "{\"match\":{\"path\":\"${CONFIG##*/}\"},\"times\":${2:-1},\"fault\":{\"run\":{\"outcome\":\"$1\",\"code\":3,\"message\":\"no such bucket\"}}}"
}

# starting JSON: the next request to start a run of CONFIG goes wrong like this.
starting() {
	fault "{\"match\":{\"method\":\"POST\",\"path\":\"${CONFIG##*/}:start\"},\"fault\":$1}"
}

is_in() {
	[[ $(transfer_state "$1") == "$2" ]]
}

@test "a change starts a run of the config that is called as its dataset" {
	trigger < <(entry "$DS" i1)
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.name,.dataset,.reason,.change,.changes]')" "[\"${DS}_transfert\",\"$DS\",\"started\",\"i1\",1]" run
	assert_equal "$(runs .config)" "\"$CONFIG\"" config
	assert_equal "$(runs .run)" "$(transfer_runs "$CONFIG" | jq '.[0].name')" run
	assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"records":1}}' end
	# The run time is that of the start.
	transfer_runs "$CONFIG" | jq -e --argjson now "$EPOCHSECONDS" '.[0].runTime[:19] + "Z" | fromdate | . <= $now and . > $now - 600'
}

@test "in a message of Pub/Sub it is the same; other entries start nothing" {
	trigger < <(
		entry "$DS" i1 | jq -c '{"@message": {id: "1", json: .}}'
		entry "$DS" i2 | jq -c '.severity = "ERROR"'
		entry "$DS" i3 | jq -c '.resource.type = "bigquery_project"'
		entry "$DS" i4 | jq -c '.protoPayload.authorizationInfo[0].permission = "bigquery.tables.getData"'
		entry "$DS" i5 | jq -c '.protoPayload.methodName = "google.cloud.bigquery.v2.TableService.DeleteTable"'
	)
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.change,.changes]')" '["i1",1]' change
	trigger < <(entry "$DS" i2 | jq -c '.severity = "ERROR"')
	[ "$status" -eq 0 ]
	assert_equal "$output" $'{"@begin":{"version":1}}\n{"@end":{"records":0}}' output
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "of many changes of a dataset the last one counts" {
	trigger < <(
		entry "$DS" i1 2026-01-01T00:00:00Z
		entry "$DS" i3 2026-01-01T00:00:02Z
		entry "$DS" i2 2026-01-01T00:00:01Z
	)
	assert_equal "$(runs '[.change,.changed,.changes]')" '["i3","2026-01-01T00:00:02Z",3]' change
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "a run that is PENDING covers a change, whenever that was" {
	hold PENDING
	trigger < <(entry "$DS" i1)
	trigger < <(entry "$DS" i2)
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.state,.reason,.change]')" '["PENDING","covered","i2"]' run
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "a run that started after the change covers it, also when it has ended" {
	local line
	line=$(entry "$DS" i1)
	trigger --wait <<<"$line"
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.state,.reason]')" '["SUCCEEDED","started"]' run
	trigger <<<"$line"
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.state,.reason]')" '["SUCCEEDED","covered"]' run
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
	# The next change is another matter.
	trigger < <(entry "$DS" i2)
	assert_equal "$(runs .reason)" '"started"' run
}

@test "a run that has FAILED or was CANCELLED covers nothing" {
	local line
	line=$(entry "$DS")
	outcome FAILED
	trigger --wait <<<"$line"
	[ "$status" -eq 69 ]
	outcome CANCELLED
	trigger --wait <<<"$line"
	[ "$status" -eq 69 ]
	assert_equal "$(runs '[.state,.reason]')" '["CANCELLED","started"]' run
	trigger --wait <<<"$line"
	[ "$status" -eq 0 ]
	assert_equal "$(transfer_runs "$CONFIG" | jq -c 'map(.state)')" '["FAILED","CANCELLED","SUCCEEDED"]' runs
}

@test "a run that began before is waited for, then one is started" {
	local before
	hold RUNNING
	before=$(transfer_start "$CONFIG")
	wait_until 20 is_in "$before" RUNNING
	entry "$DS" >"$BATS_TEST_TMPDIR/line"
	dtstrigger --every 50ms <"$BATS_TEST_TMPDIR/line" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local pid=$!
	wait_until 20 grep -q "waiting for the end of $before" "$BATS_TEST_TMPDIR/err"
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
	transfer_patch "$before" SUCCEEDED
	wait "$pid"
	output=$(<"$BATS_TEST_TMPDIR/out")
	assert_equal "$(runs .reason)" '"started"' run
	transfer_runs "$CONFIG" | jq -e 'length == 2 and .[0].endTime < .[1].scheduleTime'
}

@test "when --timeout is over while one waits it is 75, and the lock is free" {
	local before
	hold RUNNING
	before=$(transfer_start "$CONFIG")
	wait_until 20 is_in "$before" RUNNING
	trigger --timeout 500ms < <(entry "$DS")
	[ "$status" -eq 75 ]
	[[ $errors == *"$DS: waiting for the end of $before: the time of --timeout is over"* ]] || _fail told
	assert_json '.[-1]["@abort"].exit == 75'
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
	transfer_patch "$before" FAILED
	trigger < <(entry "$DS")
	[ "$status" -eq 0 ]
	[[ $errors != *lock* ]] || _fail "the lock was held"
}

@test "no config of that name, several, or a disabled one is 78 and named; other datasets go on" {
	transfer_config "${DS}two_transfert" >/dev/null
	transfer_config "${DS}two_transfert" >/dev/null
	transfer_config "${DS}off_transfert" '"disabled":true' >/dev/null
	trigger < <(entry "${DS}none" && entry "${DS}two" && entry "${DS}off" && entry "$DS")
	[ "$status" -eq 78 ]
	[[ $errors == *"${DS}none: projects/$PROJECT/locations/us has no transfer config called '${DS}none_transfert'"* ]] || _fail none
	[[ $errors == *"${DS}two: projects/$PROJECT/locations/us has 2 transfer configs called '${DS}two_transfert'"* ]] || _fail several
	[[ $errors == *"${DS}off: the transfer config '${DS}off_transfert'"*" is disabled"* ]] || _fail disabled
	assert_equal "$(runs .dataset)" "\"$DS\"" runs
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "--wait tells how a run has ended" {
	outcome FAILED
	trigger --wait < <(entry "$DS")
	[ "$status" -eq 69 ]
	assert_equal "$(runs '[.state,.error]')" '["FAILED","no such bucket"]' run
	[[ $errors == *"$DS: "*" is FAILED: no such bucket"* ]] || _fail told
	hold PENDING
	trigger --wait --timeout 500ms < <(entry "$DS")
	[ "$status" -eq 75 ]
	[[ $errors == *'waiting for the end of'*'--timeout is over'* ]] || _fail told
}

@test "a start whose answer is lost is found among the runs" {
	starting '{"drop":"after-effect"}'
	trigger < <(entry "$DS")
	[ "$status" -eq 0 ]
	assert_equal "$(runs .reason)" '"covered"' run
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "a start that never arrived is made again, after a lease" {
	starting '{"drop":"before"}'
	trigger --lease 1s < <(entry "$DS")
	[ "$status" -eq 0 ]
	[[ $errors == *'waiting for the run of a start without an answer'* ]] || _fail waited
	assert_equal "$(runs .reason)" '"started"' run
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "a server that fails at a start may have begun with it: another one is made after a lease" {
	starting '{"status":503,"reason":"UNAVAILABLE"}'
	trigger --lease 1s < <(entry "$DS")
	[ "$status" -eq 0 ]
	[[ $errors == *'waiting for the run of a start without an answer'* ]] || _fail waited
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
	# Of a backfill nobody knows then.
	starting '{"status":503,"reason":"UNAVAILABLE"}'
	run_split dtstrigger --config "$CONFIG" --range 2026-01-01,2026-01-03
	[ "$status" -eq 75 ]
	[[ $errors == *'runs may have been started'* ]] || _fail told
}

@test "a start that is one request too many is made again at once; what is refused is not" {
	starting '{"status":429,"reason":"RESOURCE_EXHAUSTED"}'
	trigger < <(entry "$DS")
	[ "$status" -eq 0 ]
	[[ $errors == *'trying again'* && $errors != *'without an answer'* ]] || _fail told
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
	starting '{"status":403,"reason":"PERMISSION_DENIED"}'
	trigger < <(entry "$DS" && entry "$DS")
	[ "$status" -eq 77 ]
	[[ $errors == *"$DS: "* ]] || _fail named
	starting '{"status":400,"reason":"INVALID_ARGUMENT"}'
	trigger < <(entry "$DS")
	[ "$status" -eq 69 ]
	starting '{"status":429,"reason":"RESOURCE_EXHAUSTED"}'
	trigger --retry-for 1ms < <(entry "$DS")
	[ "$status" -eq 75 ]
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

# A dtstrigger that was killed when it had announced a start, whose request the server answers after so many milliseconds.
killed_while_starting() {
	local seen

	starting "{\"delayMs\":$1}"
	seen() { localcloud_curl "$LOCALCLOUD_URL/faults" | jq -e --arg c "${CONFIG##*/}:start" 'any(.. | objects | select(.match? and (.match.path | contains($c))); .hits > 0)' >/dev/null; }
	dtstrigger <"$BATS_TEST_TMPDIR/line" >/dev/null 2>&1 3>&- &
	wait_until 20 seen
	kill -KILL $!
	wait $! || true
}

@test "one that is killed between start and answer is followed by one that sees the run" {
	entry "$DS" >"$BATS_TEST_TMPDIR/line"
	killed_while_starting 300
	trigger <"$BATS_TEST_TMPDIR/line"
	[ "$status" -eq 0 ]
	assert_equal "$(runs .reason)" '"covered"' run
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "of 40 at once that see a change one starts a run" {
	local pid pids=()
	entry "$DS" >"$BATS_TEST_TMPDIR/line"
	for i in {1..40}; do
		dtstrigger --every 100ms -q <"$BATS_TEST_TMPDIR/line" >"$BATS_TEST_TMPDIR/out.$i" 2>"$BATS_TEST_TMPDIR/err.$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	output=$(cat "$BATS_TEST_TMPDIR"/out.*)
	assert_equal "$(runs .reason | sort | uniq -c | tr -s ' ' | paste -sd ,)" ' 39 "covered", 1 "started"' reasons
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "SIGTERM while waiting is 143, and the lock is free at once" {
	local before pid
	hold RUNNING
	before=$(transfer_start "$CONFIG")
	wait_until 20 is_in "$before" RUNNING
	entry "$DS" >"$BATS_TEST_TMPDIR/line"
	dtstrigger <"$BATS_TEST_TMPDIR/line" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	wait_until 20 grep -q 'waiting for the end' "$BATS_TEST_TMPDIR/err"
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	assert_status 143
	transfer_patch "$before" SUCCEEDED
	trigger <"$BATS_TEST_TMPDIR/line"
	[ "$status" -eq 0 ]
	[[ $errors != *lock* ]] || _fail "the lock was held"
}

@test "what is loaded is a change, in one pipe" {
	bq_dataset "$DS"
	run_split bash -o pipefail -c "printf '%s\n' '{\"@begin\":{\"version\":1,\"schema\":{\"fields\":[{\"name\":\"a\",\"type\":\"INTEGER\"}]}}}' '{\"a\":1}' '{\"@end\":{\"rows\":1}}' |
		bqload $DS.t --run-id r1 2>/dev/null | dtstrigger"
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.dataset,.reason]')" "[\"$DS\",\"started\"]" run
	[[ $(runs .change) == "\"$PROJECT:US.sluice_"* ]] || _fail "the load job is the change"
	# Again: the load was done, and the run covers it.
	run_split bash -o pipefail -c "printf '%s\n' '{\"@begin\":{\"version\":1,\"schema\":{\"fields\":[{\"name\":\"a\",\"type\":\"INTEGER\"}]}}}' '{\"a\":1}' '{\"@end\":{\"rows\":1}}' |
		bqload $DS.t --run-id r1 2>/dev/null | dtstrigger"
	[ "$status" -eq 0 ]
	assert_equal "$(runs .reason)" '"covered"' run
	# A producer that fails starts nothing, and its status is handed on.
	run_split bash -o pipefail -c "echo '{\"@abort\":{\"exit\":75,\"reason\":\"gone\"}}' | bqload $DS.t 2>/dev/null | dtstrigger"
	[ "$status" -eq 75 ]
	assert_json '.[-1]["@abort"].exit == 75'
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "what was loaded before a producer failed is dealt with" {
	trigger < <(printf '%s\n' '{"@begin":{"version":1}}' \
		"{\"@loaded\":{\"table\":\"p.$DS.t\",\"job\":\"j\",\"at\":\"2026-01-01T00:00:00Z\"}}" \
		'{"@abort":{"exit":69,"reason":"no such table"}}')
	[ "$status" -eq 69 ]
	[[ $errors == *'no such table'* ]] || _fail told
	assert_equal "$(runs '[.dataset,.reason]')" "[\"$DS\",\"started\"]" run
	assert_json '.[-1]["@abort"].exit == 69'
}

@test "lines that are not understood are 65; the others are dealt with" {
	trigger < <(echo '{"no":1}' && entry "$DS" && echo '{"@message":{"id":"9","data":"aGk="}}')
	[ "$status" -eq 65 ]
	[[ $errors == *'line 1: neither'* && $errors == *'line 3: message 9: it is no entry'* ]] || _fail lines
	assert_equal "$(runs .dataset)" "\"$DS\"" run
}

@test "--config takes a name, an id or a display name, for whatever dataset" {
	local name
	for name in "$CONFIG" "${CONFIG##*/}" "${DS}_transfert"; do
		trigger --wait --config "$name" < <(entry other && entry another)
		[ "$status" -eq 0 ]
		assert_equal "$(runs '[.config,.changes]')" "[\"$CONFIG\",2]" "$name"
	done
	assert_equal "$(transfer_count "$CONFIG")" 3 runs
	trigger --config "$CONFIG-" < <(entry other)
	[ "$status" -eq 78 ]
	trigger --config none < <(entry other)
	[ "$status" -eq 78 ]
}

@test "the variables of a realtime data transfer mean the same" {
	export DATASETS_TO_TRANSFERT="[\"x\", \"$DS\"]" DESTINATION_PROJECT_ID=$PROJECT LOCATION_ID=US
	GOOGLE_CLOUD_PROJECT=elsewhere trigger < <(entry y && entry "$DS")
	[ "$status" -eq 0 ]
	assert_equal "$(runs .dataset)" "\"$DS\"" run
	LOCATION_ID=eu trigger < <(entry "$DS")
	[ "$status" -eq 78 ]
	[[ $errors == *"projects/$PROJECT/locations/eu has no"* ]] || _fail location
	DATASETS_TO_TRANSFERT='[1]' trigger < <(entry "$DS")
	[ "$status" -eq 64 ]
	[[ $errors == *DATASETS_TO_TRANSFERT* ]] || _fail named
	REALTIME_DB_MODE=MONGO trigger < <(entry "$DS")
	[ "$status" -eq 78 ]
	[[ $errors == *REALTIME_DB_MODE* ]] || _fail named
	# Nobody is there: it asks the database that the variable names.
	REALTIME_DB_MODE=FIRESTORE FIRESTORE_EMULATOR_HOST=127.0.0.1:1 trigger --retry-for 1ms < <(entry "$DS" && sleep 0.1 && entry "$DS")
	[ "$status" -eq 75 ]
	[[ $errors == *'lock dtstrigger/'* ]] || _fail firestore
	REALTIME_DB_MODE=datastore DATASTORE_EMULATOR_HOST=127.0.0.1:1 trigger --retry-for 1ms < <(entry "$DS")
	[ "$status" -eq 75 ]
}

@test "--suffix and --datasets say which" {
	transfer_config "$DS-copy" >/dev/null
	trigger --suffix=-copy --datasets "other,source.$DS" < <(entry "$DS" && entry no)
	[ "$status" -eq 0 ]
	assert_equal "$(runs .name)" "\"$DS-copy\"" name
	trigger --datasets "elsewhere.$DS" < <(entry "$DS")
	[ "$status" -eq 0 ]
	assert_equal "$(runs .)" '' runs
}

@test "--run-time starts a run for that time, or takes the one in flight" {
	hold PENDING
	run_split dtstrigger --config "$CONFIG" --run-time 2026-01-02
	[ "$status" -eq 0 ]
	assert_equal "$(runs .reason)" '"started"' run
	assert_equal "$(transfer_runs "$CONFIG" | jq -r '.[0].runTime')" 2026-01-02T00:00:00Z time
	run_split dtstrigger --config "$CONFIG" --run-time 2026-01-02T01:00:00+01:00
	assert_equal "$(runs .reason)" '"covered"' run
	run_split dtstrigger --datasets "example.com:project.$DS" --run-time 2026-01-03 --wait
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.dataset,.state]')" "[\"$DS\",\"SUCCEEDED\"]" run
	run_split dtstrigger --config "$CONFIG" --run-time now
	assert_equal "$(runs '[.reason,.state]')" '["covered","PENDING"]' run
	assert_equal "$(transfer_count "$CONFIG")" 2 runs
	run_split dtstrigger --config "$CONFIG" --run-time 2126-01-01
	[ "$status" -eq 69 ]
}

@test "--range starts the runs of that time, and none while some of it are under way" {
	run_split dtstrigger --config "$CONFIG" --range 2026-01-01,2026-01-04
	[ "$status" -eq 0 ]
	assert_equal "$(runs .reason | wc -l)" 3 runs
	assert_equal "$(transfer_runs "$CONFIG" | jq -c 'map(.runTime[:10])')" '["2026-01-01","2026-01-02","2026-01-03"]' times
	run_split dtstrigger --config "$CONFIG" --range 2026-01-03,2026-01-05
	[ "$status" -eq 75 ]
	[[ $errors == *'nothing was started'* ]] || _fail told
	assert_equal "$(transfer_count "$CONFIG")" 3 runs
}

@test "--dry-run starts nothing" {
	trigger --dry-run < <(entry "$DS")
	[ "$status" -eq 0 ]
	assert_equal "$(runs '[.run,.reason]')" '[null,"dry run"]' run
	assert_equal "$(transfer_count "$CONFIG")" 0 runs
	trigger < <(entry "$DS")
	trigger --dry-run < <(entry "$DS" i1 2026-01-01T00:00:00Z)
	assert_equal "$(runs .reason)" '"covered"' run
}

@test "a stdout that cannot be written is 74, and says which run was started" {
	entry "$DS" >"$BATS_TEST_TMPDIR/line"
	# Room for @begin, and no more than a part of @run.
	head -c 900 /dev/zero >"$BATS_TEST_TMPDIR/out"
	run bash -c 'ulimit -f 1; trap "" XFSZ; exec dtstrigger <"$0/line" >>"$0/out"' "$BATS_TEST_TMPDIR"
	assert_status 74
	assert_output_contains "$(transfer_runs "$CONFIG" | jq -r '.[0].name') was started"
	trigger <"$BATS_TEST_TMPDIR/line"
	[ "$status" -eq 0 ]
	assert_equal "$(transfer_count "$CONFIG")" 1 runs
}

@test "mistakes are said" {
	for words in 'x' '--config a --suffix b' '--run-time now' '--run-time 1 --config a' '--range 2026-01-01 --config a' \
		'--range 2026-01-02,2026-01-01 --config a' '--run-time now --range 1,2 --config a' '--lock nowhere:x' '--lease 1ms' '--every 0'; do
		# shellcheck disable=SC2086 # several words
		run dtstrigger $words </dev/null
		[ "$status" -eq 64 ] || _fail "$words"
	done
	run dtstrigger </dev/null
	assert_status 65
	assert_output_contains 'empty input'
}
