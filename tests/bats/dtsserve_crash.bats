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
