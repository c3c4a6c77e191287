#!/usr/bin/env bats
# From the message of an on-premise job to the closed entry, over an Airflow that is none of ours; run by
# tests/interop/airflow/run, which says which (INTEROP_VERSION, INTEROP_PROGRAM).

load ../bats/helper/common
load ../bats/helper/server
load ../bats/helper/postgres
load ../bats/helper/localcloud
load ../bats/helper/airflow

major() {
	echo "${INTEROP_VERSION%%.*}"
}

# airflow WORD...: the program of that version, with its settings.
airflow() {
	"$INTEROP_PROGRAM" "$@" 2>>"$INTEROP_HOME/airflow.log"
}

# One process group each, with all that it starts.
start() {
	setsid "$INTEROP_PROGRAM" "$@" >>"$INTEROP_HOME/$1.log" 2>&1 </dev/null 3>&- &
	echo "$!" >>"$INTEROP_HOME/pids"
}

settings() {
	local port

	port=$(server_free_port)
	# Airflow 2 finds itself by PATH.
	export PATH=${INTEROP_PROGRAM%/*}:$PATH
	export AIRFLOW_HOME=$INTEROP_HOME AIRFLOW_URL=http://127.0.0.1:$port AIRFLOW_USER=sluice AIRFLOW_PASSWORD=secret
	export AIRFLOW__CORE__DAGS_FOLDER=$INTEROP_HOME/dags AIRFLOW__CORE__LOAD_EXAMPLES=False
	export AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL=5 AIRFLOW__CORE__UNIT_TEST_MODE=False
	if (($(major) == 2)); then
		export AIRFLOW__CORE__EXECUTOR=SequentialExecutor
		export AIRFLOW__API__AUTH_BACKENDS=airflow.api.auth.backend.basic_auth
		export AIRFLOW__WEBSERVER__WEB_SERVER_PORT=$port AIRFLOW__WEBSERVER__WEB_SERVER_HOST=127.0.0.1 AIRFLOW__WEBSERVER__WORKERS=1
	else
		export AIRFLOW__CORE__EXECUTOR=LocalExecutor AIRFLOW__CORE__PARALLELISM=2
		export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=sluice:op,looker:viewer
		export AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE=$INTEROP_HOME/passwords.json
		export AIRFLOW__CORE__EXECUTION_API_SERVER_URL=$AIRFLOW_URL/execution/
		export AIRFLOW__API__PORT=$port AIRFLOW__API__HOST=127.0.0.1 AIRFLOW__API__WORKERS=1
		export AIRFLOW__API_AUTH__JWT_SECRET=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
		echo '{"sluice":"secret","looker":"secret"}' >"$INTEROP_HOME/passwords.json"
	fi
}

start_airflow() {
	airflow db migrate >/dev/null
	if (($(major) == 2)); then
		airflow sync-perm >/dev/null
		airflow users create -u sluice -p secret -r Op -e s@example.com -f s -l s >/dev/null
		airflow users create -u looker -p secret -r Viewer -e l@example.com -f l -l l >/dev/null
		start webserver
		start scheduler
	else
		start api-server
		start scheduler
		start dag-processor
	fi
}

setup_file() {
	# common.bash has unset AIRFLOW_*.
	INTEROP_HOME=$(mktemp -d)
	export INTEROP_HOME
	mkdir "$INTEROP_HOME/dags"
	: >"$INTEROP_HOME/pids"
	cp "$SLUICE_ROOT/pipelines/airflow/run_replicator.py" "$INTEROP_HOME/dags/"
	postgres_start
	psql_do "CREATE TABLE im_brand_list AS SELECT i AS id, 'brand ' || i AS name FROM generate_series(1, 100) i"
	localcloud_start
	export PUBSUB_EMULATOR_HOST=${LOCALCLOUD_URL#http://}
	bq_dataset groupon
	pubsub PUT topics/replicator '{}'
	pubsub PUT subscriptions/replicator "{\"topic\":\"projects/$PROJECT/topics/replicator\",\"ackDeadlineSeconds\":10}"
	settings
	start_airflow
	airflow variables set replicator "$(variable)"
	wait_until 180 dag_is_there || {
		tail -n 30 "$INTEROP_HOME"/*.log >&2
		return 1
	}
}

teardown_file() {
	local pid

	while read -r pid; do
		kill -TERM -- "-$pid" 2>/dev/null || true
	done <"$INTEROP_HOME/pids"
	while read -r pid; do
		timeout 20 tail --pid="$pid" -s 0.2 -f /dev/null || kill -KILL -- "-$pid"
	done <"$INTEROP_HOME/pids"
	localcloud_stop
	postgres_stop
	rm -rf "$INTEROP_HOME"
}

variable() {
	jq -nc --arg l "$LEDGER" --arg s "$PG_URI" --arg p "$SLUICE_BIN:$SLUICE_ROOT/pipelines" --arg u "$LOCALCLOUD_URL" \
		--arg project "$PROJECT" --arg home "$INTEROP_HOME" \
		'{ledger: $l, path: $p,
			environment: {BIGQUERY_EMULATOR_HOST: $u, GOOGLE_CLOUD_PROJECT: $project, SLUICE_STATE_DIR: ($home + "/state")},
			databases: {groupon_production: {source: $s, dataset: "groupon", options: ["--ledger", "ops.loads"]}}}'
}

pubsub() {
	localcloud_curl --fail-with-body -o /dev/null -X "$1" --data-binary "$3" "$LOCALCLOUD_URL/v1/projects/$PROJECT/$2"
}

publish() {
	pubsub POST topics/replicator:publish "$(printf '%s' "$1" | base64 -w 0 | jq -Rc '{messages: [{data: .}]}')"
}

# api METHOD PATH [BODY]: of the real Airflow. (helper/airflow's is localcloud's.)
api() {
	local header token version=v1

	if (($(major) == 2)); then
		header="Basic $(printf 'sluice:secret' | base64)"
	else
		version=v2
		token=$(localcloud_curl "$AIRFLOW_URL/auth/token" --data-binary '{"username":"sluice","password":"secret"}' | jq -r .access_token)
		header="Bearer $token"
	fi
	localcloud_curl --fail-with-body -X "$1" -H "Authorization: $header" ${3:+--data-binary "$3"} "$AIRFLOW_URL/api/$version/$2"
}

dag_is_there() {
	api GET dags/run_replicator 2>/dev/null | jq -e '.is_paused == false' >/dev/null
}

follow() {
	run_split replicate --ledger "$LEDGER" --idle-exit 3s replicator
}

status_is() {
	[[ $(latest "status, \`table\`" | jq -r "select(.table == \"$1\") | .status") == "$2" ]]
}

runs() {
	api GET dags/run_replicator/dagRuns | jq -c '.dag_runs[]'
}

trigger() {
	run_split dagtrigger --dag run_replicator --ledger "$LEDGER" --retry-initial 100ms --timeout 4m "$@"
}

@test "a message becomes a copied table and a closed entry" {
	publish 'sh /opt/etl/cerebro/run_replicator.sh groupon_production im_brand_list'
	follow
	assert_status 0
	wait_until 240 status_is im_brand_list success || _fail "$(runs; tail -n 20 "$INTEROP_HOME"/scheduler.log)"
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n, COUNT(DISTINCT name) AS d FROM groupon.im_brand_list')" '{"n":"100","d":"100"}'
	assert_equal "$(executions status | jq -r .status | paste -sd ' ')" 'received triggered success' statuses
	assert_equal "$(latest run_id | jq -r .run_id)" "$(runs | jq -r .dag_run_id)" 'the run'
}

@test "a table that is not there is a failed run and a failed entry; --wait says so" {
	trigger --wait --every 1s < <(message 2 'run_replicator.sh groupon_production nothing')
	assert_status 69
	[[ $errors == *"run_replicator has failed"* ]]
	assert_json '.[1]["@run"].state == "failed"'
	status_is nothing failed
}

@test "a message that comes again finds its run" {
	trigger --wait --every 1s < <(message 2 'run_replicator.sh groupon_production nothing')
	assert_json '.[1]["@run"] | .state == "failed" and .reason == "triggered before"'
	assert_equal "$(runs | wc -l)" 2 runs
}

@test "messages at one moment are runs of their own" {
	local i pids=()
	api PATCH dags/run_replicator '{"is_paused":true}' >/dev/null
	for i in 11 12 13 14; do
		message "$i" "run_replicator.sh groupon_production t$i" | dagtrigger --dag run_replicator --ledger "$LEDGER" \
			>"$BATS_TEST_TMPDIR/out.$i" 2>"$BATS_TEST_TMPDIR/err.$i" 3>&- &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || _fail "$(cat "$BATS_TEST_TMPDIR"/err.*)"
	done
	assert_equal "$(runs | jq -r .conf.table | grep -c '^t1[1-4]$')" 4 runs
}

@test "a paused DAG is said, and its runs wait" {
	trigger --timeout 5s --wait --every 1s < <(message 11 'run_replicator.sh groupon_production t11')
	assert_status 75
	[[ $errors == *"run_replicator is paused"* ]]
	runs | jq -se 'map(select(.conf.table == "t11")) | length == 1 and .[0].state == "queued"'
}

@test "what Airflow refuses is said in its words" {
	AIRFLOW_PASSWORD=wrong trigger < <(message 21 'run_replicator.sh groupon_production t')
	assert_status 77
	AIRFLOW_USER=looker trigger < <(message 21 'run_replicator.sh groupon_production t')
	assert_status 77
	[[ $errors == *Forbidden* ]]
	trigger --dag nothing < <(message 21 'run_replicator.sh groupon_production t')
	assert_status 69
	[[ $errors == *"no such DAG"* ]]
}
