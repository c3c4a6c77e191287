# For suites of dtsserve: `load helper/dtsserve` after helper/localcloud.
#
#   dtsserve_setup_file, dtsserve_setup   a bucket "stage"; for each test a source $ID and a dataset $DATASET
#   connector LINE [TEMPLATE [SCHEMA]]    a connector's file $CONFIG whose table t (TEMPLATE) gets what LINE
#                 prints, with the column a (or SCHEMA, a YAML list; none: without); made known to the service
#   source_of FILE ID   the same of an existing file
#   new_run PARAMS [RUN_TIME]   ask the service for a run: $RUN is its name
#   requests      the messages that wait, as pubsubrun gives them to its command
#   serve [OPTION]...   run dtsserve on them; as run_split
#   await_state STATE   until $RUN is in it
#   run_now       $RUN as the service has it
#   patch_run JSON
#   assert_log SEVERITY TEXT   the run's log has a line with the text
#   rows_of TABLE, refute_table TABLE

dtsserve_setup_file() {
	export PUBSUB_EMULATOR_HOST=$LOCALCLOUD_URL
	gcs_bucket stage
}

dtsserve_setup() {
	ID=source_$BATS_TEST_NUMBER
	DATASET=ds_$BATS_TEST_NUMBER
	CONFIG=$BATS_TEST_TMPDIR/connector.yaml
	TRANSFER=
	export ID DATASET CONFIG
	bq_dataset "$DATASET"
}

connector() {
	local schema=${3:-'[{field_name: a, type: INTEGER}]'}

	{
		cat <<-END
			data_source_definition:
			  supported_location_ids: [us]
			  data_source:
			    data_source_id: $ID
			    parameters:
			      - {param_id: n, type: INTEGER, min_value: 0}
			      - {param_id: code, type: STRING, validation_regex: '[a-z]+'}
			imported_data_info:
			  t:
			    destination_table_id_template: $(jq -nc --arg t "${2:-t}" '$t')
			    command: $(jq -nc --arg c "$1" '$c')
		END
		[[ $schema == none ]] || cat <<-END
			    table_defs:
			      - schema:
			          fields: $schema
		END
	} >"$CONFIG"
	source_of "$CONFIG" "$ID"
}

source_of() {
	CONFIG=$1 ID=$2
	dtsserve source create "$CONFIG" >/dev/null
}

dts_call() {
	localcloud_curl --fail-with-body -X "$1" ${3:+--data-binary "$3"} "$LOCALCLOUD_URL/v1/$2"
}

new_run() {
	if [[ -z $TRANSFER || $1 != "$TRANSFER_PARAMS" ]]; then
		TRANSFER_PARAMS=$1
		TRANSFER=$(dts_call POST "projects/$PROJECT/locations/us/transferConfigs" \
			"$(jq -nc --arg id "$ID" --arg d "$DATASET" --argjson p "$1" \
				'{dataSourceId:$id,displayName:$id,destinationDatasetId:$d,params:$p}')" | jq -r .name)
	fi
	RUN=$(dts_call POST "$TRANSFER:startManualRuns" "$(jq -nc --arg t "${2:-2018-04-30T00:00:00Z}" '{requestedRunTime:$t}')" |
		jq -r '.runs[0].name')
	[[ $RUN == projects/*/runs/* ]]
}

requests() {
	local subscription=projects/$PROJECT/subscriptions/bigquerydatatransfer.$ID.us.run answer

	answer=$(dts_call POST "$subscription:pull" '{"maxMessages":100,"returnImmediately":true}')
	jq -c '.receivedMessages[]?.message | {"@message": {id: .messageId, data}}' <<<"$answer" |
		tee "$BATS_TEST_TMPDIR/requests"
	jq -c '{ackIds: [.receivedMessages[]?.ackId]}' <<<"$answer" >"$BATS_TEST_TMPDIR/acks"
	dts_call POST "$subscription:acknowledge" "$(<"$BATS_TEST_TMPDIR/acks")" >/dev/null
}
export -f requests dts_call localcloud_curl

serve() {
	requests >/dev/null
	run_split dtsserve run "$CONFIG" --stage gs://stage/tmp "$@" <"$BATS_TEST_TMPDIR/requests"
}

run_now() {
	dts_call GET "$RUN"
}

await_state() {
	local i state

	for ((i = 0; i < 300; i++)); do
		state=$(run_now | jq -r .state)
		[[ $state != "$1" ]] || return 0
		[[ $state == PENDING || $state == RUNNING ]] || break
		read -rt 0.1 <> <(:) || true
	done
	_fail "the run is $state, not $1: $(run_now)"
}

patch_run() {
	dts_call PATCH "$RUN?updateMask=state,errorStatus" "$1" >/dev/null
}

assert_log() {
	dts_call GET "$RUN/transferLogs?pageSize=1000" |
		jq -e --arg s "$1" --arg t "$2" 'any(.transferMessages[]; .severity == $s and .messageText == $t)' >/dev/null ||
		_fail "the log has no $1 '$2': $(dts_call GET "$RUN/transferLogs")"
}

rows_of() {
	bq_sql "SELECT count(*) AS n FROM $DATASET.$1" | jq -r .n
}

refute_table() {
	! bq_api GET "datasets/$DATASET/tables/$1" >/dev/null 2>&1 || _fail "there is a table $1"
}

# Nothing is left running that has WORD in its command line.
no_process_of() {
	! pgrep -f -- "$1" >/dev/null || _fail "something is left running"
}
