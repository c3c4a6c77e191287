# The Airflow of localcloud for a suite: `load helper/airflow` after helper/localcloud.
#
#   airflow_start [VERSION]  after localcloud_start: user sluice with password secret, and the DAG run_replicator,
#                  whose runs take no time; exports AIRFLOW_URL, AIRFLOW_USER and AIRFLOW_PASSWORD
#   airflow_set JSON    version, users, dags, environments: see tests/localcloud/README.md
#   airflow_dag JSON    what run_replicator is like
#   airflow_api METHOD PATH [BODY]   any call below /api/v1 or v2, as that user
#   airflow_runs        its runs, a JSON object a line
#   message ID TEXT     the line that pubsubrun makes of such a message
#   executions [COLUMNS]   the rows of the ledger, oldest first; a JSON object a line
#   latest [COLUMNS]    those of its view

LEDGER=ops.executions

airflow_set() {
	localcloud_curl --fail-with-body -X PUT --data-binary "$1" "$LOCALCLOUD_URL/airflow" >/dev/null
}

airflow_dag() {
	airflow_set "{\"dags\":{\"run_replicator\":$1}}"
}

airflow_start() {
	export AIRFLOW_URL=$LOCALCLOUD_URL/airflow AIRFLOW_USER=sluice AIRFLOW_PASSWORD=secret
	airflow_set "{\"version\":\"${1:-2.10.5}\",\"users\":{\"sluice\":{\"password\":\"secret\",\"role\":\"Op\"}}}"
	airflow_dag '{}'
}

airflow_api() {
	local method=$1 path=$2 body=${3:-} version=v1 header

	if [[ $(localcloud_curl "$LOCALCLOUD_URL/airflow" | jq -r .version) == 3.* ]]; then
		version=v2
		header="Bearer $(localcloud_curl "$AIRFLOW_URL/auth/token" \
			--data-binary '{"username":"sluice","password":"secret"}' | jq -r .access_token)"
	else
		header="Basic $(printf 'sluice:secret' | base64)"
	fi
	localcloud_curl --fail-with-body -X "$method" -H "Authorization: $header" ${body:+--data-binary "$body"} \
		"$AIRFLOW_URL/api/$version/$path"
}

airflow_runs() {
	airflow_api GET dags/run_replicator/dagRuns | jq -c '.dag_runs[]'
}

message() {
	jq -nc --arg id "$1" --arg data "$(printf '%s' "$2" | base64 -w 0)" \
		'{"@message": {id: $id, data: $data, publishTime: "2026-11-21T18:00:00.123Z"}}'
}

executions() {
	bq_sql "SELECT ${1:-*} FROM $LEDGER ORDER BY updated"
}

latest() {
	bq_sql "SELECT ${1:-*} FROM ${LEDGER}_latest ORDER BY id"
}
