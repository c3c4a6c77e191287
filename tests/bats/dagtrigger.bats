#!/usr/bin/env bats
# A message of an on-premise job is written down, triggers its DAG once, and its entry is closed by the run's end.

load helper/common
load helper/localcloud
load helper/airflow

setup() {
	localcloud_start
	airflow_start
	COMMAND='sh /opt/etl/cerebro/run_replicator.sh groupon_production im_brand_list'
}

teardown() {
	localcloud_stop
}

# dagtrigger with quick retries; stdin has the messages.
trigger() {
	run_split dagtrigger --dag run_replicator --ledger "$LEDGER" --retry-initial 10ms --every 50ms "$@"
}

triggered_run() {
	jq -r '.["@run"]?.run // empty' <<<"$output"
}

statuses() {
	executions status | jq -r .status | paste -sd ' '
}

@test "a message becomes an entry, a DAG run, and the entry's end" {
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_json '.[0]["@begin"].version == 1 and .[2]["@end"].records == 1'
	assert_json '.[1]["@run"] | .config == "run_replicator" and .reason == "triggered" and .change == "17"'
	local run
	run=$(triggered_run)
	assert_equal "$(airflow_runs | jq -c '[.dag_run_id, .conf]')" \
		"[\"$run\",{\"database\":\"groupon_production\",\"table\":\"im_brand_list\",\"run_id\":\"$run\",\"message_id\":\"17\"}]"
	assert_equal "$(statuses)" 'received triggered' statuses

	run_split dagtrigger --complete "$run" --status success --ledger "$LEDGER"
	assert_status 0
	assert_json '.[1]["@run"] | .run == "'"$run"'" and .state == "success" and .reason == "completed"'
	assert_equal "$(latest 'id, command, source, status, run_id, dag_run_id, database, `table`, CAST(timestamp AS STRING) AS asked')" \
		"{\"id\":\"4981918036555779351\",\"command\":\"$COMMAND\",\"source\":\"cloud\",\"status\":\"success\",\"run_id\":\"$run\",\"dag_run_id\":\"$run\",\"database\":\"groupon_production\",\"table\":\"im_brand_list\",\"asked\":\"2026-11-21 18:00:00.123\"}"
}

@test "the id is 63 bits of SHA-256 of the message id; the first row says who asked, and when" {
	trigger < <(message 17 "$COMMAND")
	local hex
	hex=$(printf 17 | sha256sum)
	assert_equal "$(executions 'id, source, status' | head -n 1)" \
		"{\"id\":\"$((0x${hex:0:16} & 0x7fffffffffffffff))\",\"source\":\"on-premise\",\"status\":\"received\"}"
	bq_api GET datasets/ops/tables/executions | jq -e '[.schema.fields[] | .name + " " + .type] |
		contains(["id INTEGER", "command STRING", "timestamp DATETIME", "source STRING", "status STRING"])'
}

@test "Airflow 3: REST v2, with a token for the password" {
	airflow_start 3.0.6
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_equal "$(airflow_runs | jq -c '[.state, .logical_date, .conf.table]')" '["success",null,"im_brand_list"]'
	localcloud_curl "$LOCALCLOUD_URL/requests" | grep -q '/airflow/auth/token'
}

@test "more of a run's conf; another script, another source" {
	trigger --conf dataset=shop --conf 'note=a=b' --script copy.sh --source berlin < <(message 1 '/etl/copy.sh db public.orders')
	assert_status 0
	assert_equal "$(airflow_runs | jq -c '.conf | del(.run_id)')" \
		'{"database":"db","table":"public.orders","message_id":"1","dataset":"shop","note":"a=b"}'
	assert_equal "$(executions source | head -n 1)" '{"source":"berlin"}'
	trigger --conf run_id=x </dev/null
	assert_status 64
	trigger --conf dataset </dev/null
	assert_status 64
}

@test "a push request's body is a message too" {
	message 17 "$COMMAND" | jq -c '{message: {data: .["@message"].data, messageId: "17", message_id: "17"}, subscription: "s"}' \
		>"$BATS_TEST_TMPDIR/body"
	trigger <"$BATS_TEST_TMPDIR/body"
	assert_status 0
	assert_equal "$(latest id)" '{"id":"4981918036555779351"}'
}

@test "--wait follows the run to its end and closes the entry" {
	airflow_dag '{"queuedMs":200,"durationMs":300}'
	trigger --wait < <(message 17 "$COMMAND")
	assert_status 0
	assert_json '.[1]["@run"].state == "success"'
	assert_equal "$(statuses)" 'received triggered success' statuses
}

@test "--wait on a run that fails is 69, and the entry says so" {
	airflow_dag '{"outcome":"failed"}'
	trigger --wait < <(message 17 "$COMMAND")
	assert_status 69
	[[ $errors == *"run_replicator has failed"* ]]
	assert_json '.[1]["@run"].state == "failed"'
	assert_equal "$(latest status)" '{"status":"failed"}'
}

@test "a paused DAG is said; the timeout gives 75, and the next delivery waits on" {
	airflow_dag '{"paused":true}'
	trigger --wait --timeout 2s < <(message 17 "$COMMAND")
	assert_status 75
	[[ $errors == *"is paused"* ]]
	assert_equal "$(statuses)" 'received triggered' statuses
	airflow_api PATCH dags/run_replicator '{"is_paused":false}'
	trigger --wait < <(message 17 "$COMMAND")
	assert_status 0
	assert_json '.[1]["@run"] | .state == "success" and .reason == "triggered before"'
	assert_equal "$(airflow_runs | wc -l)" 1 runs
}

@test "a run that vanishes while it is waited for is an error" {
	fault '{"match":{"method":"GET","path":"/dagRuns/"},"fault":{"status":404}}'
	trigger --wait < <(message 17 "$COMMAND")
	assert_status 69
	[[ $errors == *"is gone"* ]]
}

# --- once ---

@test "a message that comes again triggers nothing" {
	trigger < <(message 17 "$COMMAND")
	trigger < <(
		message 17 "$COMMAND"
		message 17 "$COMMAND"
	)
	assert_status 0
	assert_equal "$(jq -r '.["@run"]?.reason // empty' <<<"$output" | sort -u)" 'triggered before' reason
	assert_equal "$(airflow_runs | wc -l)" 1 runs
	assert_equal "$(statuses)" 'received triggered' statuses
}

@test "five processes with the same message at once make one run and two rows" {
	local i pids=()
	bq_dataset ops
	for i in 1 2 3 4 5; do
		message 17 "$COMMAND" | dagtrigger --dag run_replicator --ledger "$LEDGER" --retry-initial 10ms \
			>"$BATS_TEST_TMPDIR/out.$i" 2>"$BATS_TEST_TMPDIR/err.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || _fail "$(cat "$BATS_TEST_TMPDIR"/err.*)"
	done
	assert_equal "$(airflow_runs | wc -l)" 1 runs
	assert_equal "$(statuses)" 'received triggered' statuses
	assert_equal "$(cat "$BATS_TEST_TMPDIR"/out.* | grep -c '"reason":"triggered"')" 1 'who triggered it'
}

@test "two messages for one table are two runs; one message for two DAGs too" {
	airflow_set '{"dags":{"other":{}}}'
	trigger < <(
		message 17 "$COMMAND"
		message 18 "$COMMAND"
	)
	assert_status 0
	trigger --dag other < <(message 17 "$COMMAND")
	assert_status 0
	assert_equal "$(airflow_runs | wc -l)" 2 runs
	assert_equal "$(latest 'dag_id, status' | sort | uniq -c | tr -s ' ')" \
		' 1 {"dag_id":"other","status":"triggered"}
 2 {"dag_id":"run_replicator","status":"triggered"}'
}

@test "an answer that is lost is asked for again, and makes no second run" {
	fault '{"match":{"method":"POST","path":"/dagRuns"},"fault":{"drop":"after-effect"}}'
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_json '.[1]["@run"].reason == "triggered"'
	assert_equal "$(airflow_runs | wc -l)" 1 runs
}

@test "a conflict with another run's logical date is no run of ours: it is tried again" {
	fault '{"match":{"method":"POST","path":"/dagRuns"},"times":3,"fault":{"status":409,"message":"DAGRun logical date exists"}}'
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_equal "$(airflow_runs | wc -l)" 1 runs
	fault '{"match":{"method":"POST","path":"/dagRuns"},"times":1000,"fault":{"status":409}}'
	trigger < <(message 18 "$COMMAND")
	assert_status 75
	[[ $errors == *"does not have it"* ]]
}

# start_and_kill WHAT: dagtrigger with one message, killed with 9 once the log of requests shows WHAT (a jq test).
start_and_kill() {
	message 17 "$COMMAND" >"$BATS_TEST_TMPDIR/message"
	dagtrigger --dag run_replicator --ledger "$LEDGER" --retry-initial 60s \
		<"$BATS_TEST_TMPDIR/message" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	local pid=$!
	wait_until 60 seen "$1" || {
		kill -9 "$pid"
		return 1
	}
	kill -9 "$pid"
	wait "$pid" || true
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

seen() {
	localcloud_curl "$LOCALCLOUD_URL/requests" | jq -e "[.. | objects | select(.method? and ($1))] | length > 0" >/dev/null
}

@test "killed between the entry and the trigger: the next delivery triggers it" {
	fault '{"match":{"method":"POST","path":"/dagRuns"},"times":1000,"fault":{"status":503}}'
	start_and_kill '(.path | test("/dagRuns")) and .status == 503'
	assert_equal "$(statuses)" 'received' statuses
	assert_equal "$(airflow_runs | wc -l)" 0 runs
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_json '.[1]["@run"].reason == "triggered"'
	assert_equal "$(statuses)" 'received triggered' statuses
	assert_equal "$(airflow_runs | wc -l)" 1 runs
}

@test "killed between the trigger and its answer: the next delivery finds the run" {
	fault '{"match":{"method":"POST","path":"/dagRuns"},"fault":{"drop":"after-effect"}}'
	start_and_kill '(.path | test("/dagRuns")) and .status == 0'
	assert_equal "$(statuses)" 'received' statuses
	assert_equal "$(airflow_runs | wc -l)" 1 runs
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_json '.[1]["@run"].reason == "triggered before"'
	assert_equal "$(statuses)" 'received triggered' statuses
	assert_equal "$(airflow_runs | wc -l)" 1 runs
}

@test "killed between the answer and the entry that it was triggered: the next delivery writes it" {
	trigger </dev/null # makes the ledger
	fault '{"match":{"method":"POST","path":"/jobs","n":2},"times":1000,"fault":{"status":503}}'
	start_and_kill '(.path | test("/jobs")) and .status == 503'
	assert_equal "$(statuses)" 'received' statuses
	assert_equal "$(airflow_runs | wc -l)" 1 runs
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_equal "$(statuses)" 'received triggered' statuses
	assert_equal "$(airflow_runs | wc -l)" 1 runs
}

@test "a run that ends before its trigger is written down stays ended" {
	trigger </dev/null
	fault '{"match":{"method":"POST","path":"/jobs","n":2},"times":1000,"fault":{"status":503}}'
	start_and_kill '(.path | test("/jobs")) and .status == 503'
	run_split dagtrigger --complete "$(airflow_runs | jq -r .dag_run_id)" --status failed --ledger "$LEDGER"
	assert_status 0
	trigger < <(message 17 "$COMMAND")
	assert_status 0
	assert_equal "$(statuses)" 'received failed triggered' statuses
	assert_equal "$(latest status)" '{"status":"failed"}'
}

@test "killed at any moment, again and again: one run and one entry for each message" {
	local i pid
	for i in {1..6}; do
		message "$i" "sh run_replicator.sh shop table_$i"
	done >"$BATS_TEST_TMPDIR/messages"
	for i in {1..8}; do
		shuf "$BATS_TEST_TMPDIR/messages" >"$BATS_TEST_TMPDIR/shuffled"
		dagtrigger --dag run_replicator --ledger "$LEDGER" --retry-initial 10ms \
			<"$BATS_TEST_TMPDIR/shuffled" &>/dev/null 3>&- &
		pid=$!
		sleep "0.$((RANDOM % 9 + 1))"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" || true
	done
	trigger < <(shuf "$BATS_TEST_TMPDIR/messages")
	assert_status 0
	assert_equal "$(airflow_runs | jq -r .conf.table | sort | paste -sd ' ')" 'table_1 table_2 table_3 table_4 table_5 table_6' runs
	assert_equal "$(executions status | sort | uniq -c | tr -s ' ')" \
		' 6 {"status":"received"}
 6 {"status":"triggered"}'
}

@test "SIGTERM behind the last message is told: 143, and no end of the stream" {
	local pid status=0 asked
	trigger < <(message 17 "$COMMAND")
	airflow_dag '{"paused":true}'
	# Nobody reads the log, which is full: there it stands when it has looked at the DAG.
	mkfifo "$BATS_TEST_TMPDIR/log"
	exec 5<>"$BATS_TEST_TMPDIR/log"
	head -c 65536 /dev/zero >&5
	asked() { [[ $(localcloud_curl "$LOCALCLOUD_URL/requests" | grep -o '"path":"/airflow/api/v1/dags/run_replicator"' | wc -l) -ge 2 ]]; }
	dagtrigger --dag run_replicator --ledger "$LEDGER" </dev/null >"$BATS_TEST_TMPDIR/out" 2>&5 3>&- &
	pid=$!
	wait_until 20 asked
	kill -TERM "$pid"
	timeout 20 cat <&5 >/dev/null 3>&- &
	wait "$pid" || status=$?
	kill $! || true
	exec 5>&-
	assert_equal "$status" 143 status
	run ! grep -q '@end' "$BATS_TEST_TMPDIR/out"
	grep -q '"@abort":{"exit":143' "$BATS_TEST_TMPDIR/out"
}

# --- the end ---

@test "--complete closes an entry once; another end is another row; the last one counts" {
	trigger < <(message 17 "$COMMAND")
	local run
	run=$(triggered_run)
	run_split dagtrigger --complete "$run" --status failed --ledger "$LEDGER"
	assert_status 0
	run_split dagtrigger --complete "$run" --status failed --ledger "$LEDGER"
	assert_status 0
	assert_json '.[1]["@run"].reason == "completed before"'
	run_split dagtrigger --complete "$run" --status success --ledger "$LEDGER"
	assert_status 0
	assert_equal "$(statuses)" 'received triggered failed success' statuses
	assert_equal "$(latest status)" '{"status":"success"}'
}

@test "--complete of a run that is not there, or without a ledger, is 66" {
	run_split dagtrigger --complete nothing --status failed --ledger "$LEDGER"
	assert_status 66
	[[ $errors == *"no such table"* ]]
	trigger </dev/null
	run_split dagtrigger --complete nothing --status failed --ledger "$LEDGER"
	assert_status 66
	[[ $errors == *"no run 'nothing'"* ]]
	[[ $output == *'"@abort":{"exit":66'* ]]
}

@test "--complete needs neither a DAG nor Airflow, and a status that is one" {
	run_split dagtrigger --complete x --ledger "$LEDGER"
	assert_status 64
	run_split dagtrigger --complete x --status ended --ledger "$LEDGER"
	assert_status 64
	[[ $errors == *"'ended' is not success or failed"* ]]
	run_split dagtrigger --complete x --status success --dag d --ledger "$LEDGER"
	assert_status 64
	run_split dagtrigger --complete x --status success
	assert_status 64
	[[ $errors == *"--ledger is needed"* ]]
	trigger --status success </dev/null
	assert_status 64
}
