#!/usr/bin/env bats
# dtsserve run when it is killed, or an answer is lost, at a bad moment: nothing is lost, and nothing loaded twice.

load helper/common
load helper/localcloud
load helper/dtsserve

setup_file() {
	localcloud_start
	dtsserve_setup_file
}

teardown_file() {
	localcloud_stop
}

setup() {
	dtsserve_setup
	RAN=$BATS_TEST_TMPDIR/ran
	export RAN
	: >"$RAN"
}

# A connector that writes down each of its runs.
counting_connector() {
	connector "echo ran >>\"\$RAN\"; seq 1 ${1:-3} | jq -c '{a: .}'"
}

load_jobs() {
	bq_api GET "jobs?projection=full&maxResults=1000" | jq --arg d "$DATASET" \
		'[.jobs[]? | select(.configuration.load.destinationTable.datasetId == $d)] | length'
}

again() {
	run_split dtsserve run "$CONFIG" --stage gs://stage/tmp "$@" <"$BATS_TEST_TMPDIR/requests"
}

# Until a request has met the only fault.
await_hit() {
	until localcloud_curl "$LOCALCLOUD_URL/faults" | jq -e 'any(.. | objects; .hits? == 1)' >/dev/null; do
		read -rt 0.1 <> <(:) || true
	done
}

@test "the answer to startBigQueryJobs is lost: the jobs are found, and not started again" {
	counting_connector
	sed -i 's/^  t:$/  t:\n    write_disposition: WRITE_APPEND/' "$CONFIG"
	new_run '{}'
	fault '{"match":{"method":"POST","path":":startBigQueryJobs"},"fault":{"drop":"after-effect"}}'
	serve
	assert_status 75
	assert_equal "$(run_now | jq -r .state)" RUNNING
	again
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
	assert_equal "$(load_jobs)" 1 jobs
	assert_equal "$(wc -l <"$RAN")" 1 "runs of the connector"
}

@test "startBigQueryJobs did not arrive: what is staged is loaded, by whoever comes next" {
	counting_connector
	new_run '{}'
	fault '{"match":{"method":"POST","path":":startBigQueryJobs"},"times":1,"fault":{"status":503,"reason":"backendError"}}'
	serve --retry-for 10ms
	assert_status 75
	assert_equal "$(load_jobs)" 0 jobs
	again --takeover-after 10ms
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
	assert_equal "$(wc -l <"$RAN")" 1 "runs of the connector"
}

@test "a connector that speaks as the service does is not believed" {
	connector 'echo ran >>"$RAN"; echo "Job bqts_1 (table t) started." >&2; echo "{\"a\":1}"'
	new_run '{}'
	fault '{"match":{"method":"POST","path":":startBigQueryJobs"},"times":1,"fault":{"status":503,"reason":"backendError"}}'
	serve --retry-for 10ms
	assert_status 75
	assert_log INFO "connector: Job bqts_1 (table t) started."
	again --takeover-after 10ms
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 1
}

@test "only one of two load jobs was started: the load is asked for again" {
	local i

	counting_connector
	sed -i 's/^  t:$/  u: {command: "echo {}", table_defs: [{schema: {fields: [{field_name: a, type: INTEGER}]}}]}\n  t:/' "$CONFIG"
	new_run '{}'
	fault '{"match":{"method":"POST","path":":startBigQueryJobs"},"times":1,"fault":{"status":503,"reason":"backendError"}}'
	serve --retry-for 10ms
	assert_status 75
	# Two lines of one job.
	for i in 1 2; do
		dts_call POST "$RUN:logMessages" '{"transferMessages":[{"messageTime":"2018-04-30T00:00:00Z","severity":"INFO","messageText":"Job bqts_1 (table t) started."}]}'
	done
	again --takeover-after 10ms
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
	assert_equal "$(rows_of u)" 1
}

@test "the answer to finishRun is lost: the run is done all the same" {
	counting_connector
	new_run '{}'
	fault '{"match":{"method":"POST","path":":finishRun"},"fault":{"drop":"after-effect"}}'
	serve --retry-initial 10ms
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(load_jobs)" 1 jobs
}

@test "the answer to the mark is lost: it is known as our own" {
	counting_connector
	new_run '{}'
	fault '{"match":{"method":"POST","path":"_started"},"fault":{"drop":"after-effect"}}'
	serve --retry-initial 10ms
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
	assert_equal "$(load_jobs)" 1 jobs
}

@test "the answer to the mark is lost for good: its files stay, and the next delivery loads them" {
	counting_connector
	new_run '{}'
	fault '{"match":{"method":"POST","path":"_started"},"fault":{"drop":"after-effect"}}'
	serve --retry-for 1ms
	assert_status 75
	again --takeover-after 10ms
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
	assert_equal "$(wc -l <"$RAN")" 1 "runs of the connector"
}

@test "SIGTERM while the mark is made: its files stay, and the next delivery loads them" {
	counting_connector
	new_run '{}'
	requests >/dev/null
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	fault '{"match":{"method":"POST","path":"_started"},"fault":{"delayMs":3000}}'
	dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/requests" &>"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$! status=0
	await_hit
	kill -TERM "$pid"
	wait "$pid" || status=$?
	assert_equal "$status" 143
	# What was sent arrives.
	until gcs_names stage "tmp/$ID/" | grep -q _started; do read -rt 0.1 <> <(:) || true; done
	again --takeover-after 10ms
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
}

@test "Cloud Storage fails: the run waits, and the request comes again" {
	counting_connector
	new_run '{}'
	fault '{"match":{"path":"/upload/storage/"},"times":100,"fault":{"status":503,"reason":"backendError"}}'
	serve --retry-for 10ms
	assert_status 75
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	assert_equal "$(run_now | jq -r .state)" RUNNING
	again
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
}

@test "who asks for the load late, after another has done all of it, does not fail the run" {
	counting_connector
	new_run '{}'
	requests >/dev/null
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	fault '{"match":{"method":"POST","path":":startBigQueryJobs"},"fault":{"delayMs":4000}}'
	dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/requests" &>"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	await_hit
	fault '{"match":{"path":"."},"fault":{"jobDelayMs":8000}}'
	again --takeover-after 10ms
	assert_status 0
	assert_equal "$(run_now | jq -r .state)" RUNNING
	wait "$pid" || _fail "$(cat "$BATS_TEST_TMPDIR/out")"
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
}

@test "a connector that fails does not fail the run that another process has had loaded" {
	export GO=$BATS_TEST_TMPDIR/go
	connector 'echo ran >>"$RAN"; (($(wc -l <"$RAN") > 1)) || { until [[ -e $GO ]]; do sleep 0.1; done; exit 66; }; echo "{\"a\":1}"'
	new_run '{}'
	requests >/dev/null
	dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/requests" &>"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$!
	until [[ -s $RAN ]]; do read -rt 0.1 <> <(:) || true; done
	fault '{"match":{"path":"."},"fault":{"jobDelayMs":4000}}'
	again
	assert_status 0
	touch "$GO"
	wait "$pid" || _fail "$(cat "$BATS_TEST_TMPDIR/out")"
	grep -q "another process is at work" "$BATS_TEST_TMPDIR/out" || _fail "$(cat "$BATS_TEST_TMPDIR/out")"
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 1
}

@test "a look that fails after the load was asked for leaves the run to the next" {
	counting_connector
	new_run '{}'
	fault '{"match":{"method":"POST","path":":startBigQueryJobs"},"fault":{"drop":"after-effect"}}'
	serve
	assert_status 75
	fault '{"match":{"method":"GET","path":"/transferLogs"},"fault":{"status":403,"reason":"forbidden"}}'
	again
	assert_status 75
	assert_equal "$(run_now | jq -r .state)" RUNNING
	again
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 3
}

@test "a mark that is of another run is not taken for one of this" {
	counting_connector
	new_run '{}'
	local of=${RUN%/runs/*}
	echo '{"run":"projects/p/locations/us/transferConfigs/c/runs/r","by":"x","request":{"importedData":[]}}' >"$BATS_TEST_TMPDIR/mark"
	gcs_put stage "tmp/$ID/${of##*/}/${RUN##*/}/_started" "$BATS_TEST_TMPDIR/mark"
	serve
	assert_status 0
	assert_json '.[0]["@run"] | .state == "FAILED" and (.reason | test("_started is none of ours"))'
}

@test "two at once serve one run: it is loaded once" {
	counting_connector 2000
	new_run '{}'
	requests >/dev/null
	local pids=() i

	for i in 1 2 3; do
		dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/requests" &>"$BATS_TEST_TMPDIR/out$i" 3>&- &
		pids+=($!)
	done
	for i in 0 1 2; do
		wait "${pids[i]}" || _fail "$(cat "$BATS_TEST_TMPDIR"/out*)"
	done
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 2000
	assert_equal "$(load_jobs)" 1 jobs
	# What the others staged is removed.
	assert_equal "$(gcs_names stage "tmp/$ID/" | grep -c part-)" 1 parts
}

@test "SIGTERM ends the connector and leaves the run to the next" {
	connector 'echo ran >>"$RAN"; echo "{\"a\":1}"; (($(wc -l <"$RAN") > 1)) || exec sleep 1000'
	new_run '{}'
	requests >/dev/null
	dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/requests" &>"$BATS_TEST_TMPDIR/out" 3>&- &
	local pid=$! status=0
	until [[ -s $RAN ]]; do read -rt 0.1 <> <(:) || true; done
	kill -TERM "$pid"
	wait "$pid" || status=$?
	assert_equal "$status" 143
	assert_equal "$(run_now | jq -r .state)" RUNNING
	assert_equal "$(gcs_names stage "tmp/$ID/")" ""
	again
	assert_status 0
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 1
}

@test "kill -9 at random moments loses nothing and doubles nothing" {
	local round i pid delay

	connector 'for i in $(seq 1 40); do echo "{\"a\":$i}"; done' 't_{n}'
	for round in 1 2 3 4 5; do
		new_run "{\"n\":$round}"
		requests >/dev/null
		for ((i = 0; i < 6; i++)); do
			dtsserve run "$CONFIG" --stage gs://stage/tmp --takeover-after 10ms \
				<"$BATS_TEST_TMPDIR/requests" &>>"$BATS_TEST_TMPDIR/out" 3>&- &
			pid=$!
			# From before the first request to after the last.
			delay=$(printf '0.%03d' $((RANDOM % 250)))
			read -rt "$delay" <> <(:) || true
			kill -KILL "$pid" 2>/dev/null || true
			wait "$pid" || true
		done
		again --takeover-after 10ms
		assert_status 0
		await_state SUCCEEDED
		assert_equal "$(bq_sql "SELECT count(*) n, count(DISTINCT a) d FROM $DATASET.t_$round")" '{"n":"40","d":"40"}'
	done
}
