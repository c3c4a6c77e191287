#!/usr/bin/env bats
# localcloud's Data Transfer Service: transfer configurations and their runs, whose states follow the clock.

load helper/common
load helper/localcloud

setup() {
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_TEST_TMPDIR/cloud
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	localcloud_stop
}

# start [OPTION]...: runs end at once unless a fault holds them
start() {
	localcloud_start --transfer-pending 0 --transfer-running 0 "$@"
	bq_dataset ds
}

# call METHOD PATH [BODY]: leaves answer and code; PATH below /v1/
call() {
	code=$(localcloud_curl -o answer -w '%{http_code}' -X "$1" ${3:+--data-binary "$3"} "$LOCALCLOUD_URL/v1/$2")
}

# good METHOD PATH [BODY]
good() {
	call "$@"
	[[ $code == 200 ]] || _fail "$1 $2 answered $code: $(<answer)"
}

# refused CODE STATUS MESSAGE METHOD PATH [BODY]
refused() {
	call "${@:4}"
	assert_equal "$(jq -c '[.error.code,.error.status,.error.message,(.error|has("errors"))]' answer)" \
		"$(jq -nc --arg s "$2" --arg m "$3" "[$1,\$s,\$m,false]")"
	assert_equal "$code" "$1"
}

# config [NAME [FIELDS]]: makes one; prints its name
config() {
	good POST "${3:-projects/testp/locations/us}/transferConfigs" "$(jq -nc --arg n "${1:-ds_transfert}" \
		'{displayName:$n, dataSourceId:"cross_region_copy", destinationDatasetId:"ds", params:{source_dataset_id:"src"},
		scheduleOptionsV2:{manualSchedule:{}}} + '"${2:-{\}}")"
	jq -r .name answer
}

# run_of CONFIG [RUN TIME]: starts one run; prints its name
run_of() {
	good POST "$1:startManualRuns" "{\"requestedRunTime\":\"${2:-2024-01-02T00:00:00Z}\"}"
	jq -r '.runs[0].name' answer
}

# said FILTER: of the last answer
said() {
	jq -cr "$1" answer
}

state_of() {
	good GET "$1"
	said .state
}

is_in_state() {
	[[ $(state_of "$1") == "$2" ]]
}

@test "a transfer config is created, found, listed and deleted, under its project's number" {
	start
	name=$(config)
	[[ $name =~ ^projects/[0-9]{12}/locations/us/transferConfigs/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]]
	good GET "$name"
	assert_equal "$(said '[.name,.displayName,.dataSourceId,.params,.datasetRegion,.ownerInfo.email]')" \
		"[\"$name\",\"ds_transfert\",\"cross_region_copy\",{\"source_dataset_id\":\"src\"},\"us\",\"localcloud@example.com\"]"
	[[ $(said .updateTime) =~ ^20[0-9-]{8}T[0-9:]{8}(\.[0-9]{3,6})?Z$ ]]
	id=${name##*/}
	good GET "projects/testp/locations/us/transferConfigs/$id"
	good GET "projects/testp/transferConfigs/$id"
	good GET projects/testp/transferConfigs
	assert_equal "$(said '[.transferConfigs[]|.name,has("ownerInfo")]')" "[\"$name\",false]"
	good GET projects/testp/locations/US/transferConfigs
	assert_equal "$(said '.transferConfigs|length')" 1
	good GET projects/testp/locations/eu/transferConfigs
	assert_equal "$(said .)" '{}'
	good GET projects/other/locations/us/transferConfigs
	assert_equal "$(said .)" '{}'
	good DELETE "$name"
	assert_equal "$(said .)" '{}'
	for path in "GET $name" "DELETE $name" "GET $name/runs" "PATCH $name?updateMask=disabled"; do
		# shellcheck disable=SC2086 # method and path
		refused 404 NOT_FOUND "Requested entity was not found." $path
	done
}

@test "the location comes from the dataset, or must be its own" {
	start
	bq_api POST datasets '{"datasetReference":{"datasetId":"eu"},"location":"EU"}' >/dev/null
	assert_equal "$(config a '{destinationDatasetId:"eu"}' projects/testp/locations/- | cut -d/ -f4)" eu
	assert_equal "$(config b '{destinationDatasetId:"ds"}' projects/testp/locations/- | cut -d/ -f4)" us
	refused 400 INVALID_ARGUMENT "Dataset testp:eu is in location EU, not in us." POST projects/testp/transferConfigs \
		'{"dataSourceId":"cross_region_copy","destinationDatasetId":"eu","params":{"source_dataset_id":"x"}}'
	refused 404 NOT_FOUND "Not found: Dataset testp:none" POST projects/testp/transferConfigs \
		'{"dataSourceId":"cross_region_copy","destinationDatasetId":"none","params":{"source_dataset_id":"x"}}'
	good GET projects/testp/locations/-/transferConfigs
	assert_equal "$(said '[.transferConfigs[].displayName]')" '["a","b"]'
}

@test "what a transfer config may not have" {
	start
	refused 400 INVALID_ARGUMENT "data_source_id is required." POST projects/testp/transferConfigs '{"displayName":"x"}'
	refused 404 NOT_FOUND "Requested entity was not found." POST projects/testp/transferConfigs '{"dataSourceId":"nothing"}'
	refused 400 INVALID_ARGUMENT "Required parameter query of data source scheduled_query is missing." \
		POST projects/testp/transferConfigs '{"dataSourceId":"scheduled_query","params":{}}'
	refused 400 INVALID_ARGUMENT \
		"Invalid JSON payload received. Unknown name \"display\" at 'transfer_config': Cannot find field." \
		POST projects/testp/transferConfigs '{"display":"x"}'
	refused 400 INVALID_ARGUMENT "Invalid value at 'transfer_config.disabled'" POST projects/testp/transferConfigs '{"disabled":"no"}'
	refused 400 INVALID_ARGUMENT "schedule_options_v2 cannot be used together with schedule and schedule_options." \
		POST projects/testp/transferConfigs \
		'{"dataSourceId":"scheduled_query","params":{"query":"SELECT 1"},"schedule":"every day 05:00","scheduleOptionsV2":{"manualSchedule":{}}}'
	call POST projects/testp/transferConfigs '{'
	assert_equal "$code" 400
}

@test "both forms of a schedule are kept alike" {
	start
	config old '{scheduleOptionsV2:null,schedule:"every day 05:00"}' >/dev/null
	assert_equal "$(said '[.schedule,.scheduleOptionsV2]')" \
		'["every day 05:00",{"timeBasedSchedule":{"schedule":"every day 05:00"}}]'
	config manual '{scheduleOptionsV2:null,scheduleOptions:{disableAutoScheduling:true}}' >/dev/null
	assert_equal "$(said '[.schedule,.scheduleOptionsV2]')" '[null,{"manualSchedule":{}}]'
	config new '{scheduleOptionsV2:{timeBasedSchedule:{schedule:"every 6 hours"}}}' >/dev/null
	assert_equal "$(said .schedule)" 'every 6 hours'
	config default '{scheduleOptionsV2:null}' >/dev/null
	assert_equal "$(said .schedule)" 'every 24 hours'
}

@test "lists come in pages, and of the data sources that are asked for" {
	start
	for name in a b c; do
		config "$name" >/dev/null
	done
	config query '{dataSourceId:"scheduled_query",params:{query:"SELECT 1"}}' >/dev/null
	good GET 'projects/testp/transferConfigs?pageSize=2'
	assert_equal "$(said '[.transferConfigs[].displayName]')" '["a","b"]'
	token=$(said .nextPageToken)
	config later >/dev/null
	good GET "projects/testp/transferConfigs?pageSize=3&pageToken=$token"
	assert_equal "$(said '[[.transferConfigs[].displayName],has("nextPageToken")]')" '[["c","query","later"],false]'
	good GET 'projects/testp/transferConfigs?dataSourceIds=scheduled_query'
	assert_equal "$(said '[.transferConfigs[].displayName]')" '["query"]'
	good GET 'projects/testp/transferConfigs?dataSourceIds=scheduled_query&dataSourceIds=cross_region_copy'
	assert_equal "$(said '.transferConfigs|length')" 5
	refused 400 INVALID_ARGUMENT "Invalid page_token." GET 'projects/testp/transferConfigs?pageToken=x'
	refused 400 INVALID_ARGUMENT "page_size is negative." GET 'projects/testp/transferConfigs?pageSize=-1'
}

@test "an update changes what its mask names, and nothing else" {
	start
	name=$(config)
	good PATCH "$name?updateMask=transfer_config.display_name,transfer_config.params" \
		'{"dataSourceId":"cross_region_copy","display_name":"new","params":{"source_dataset_id":"y"},"disabled":true}'
	good GET "$name"
	assert_equal "$(said '[.displayName,.params.source_dataset_id,.disabled,.destinationDatasetId]')" '["new","y",null,"ds"]'
	good PATCH "$name?updateMask=disabled,notificationPubsubTopic" '{"disabled":true,"notificationPubsubTopic":"projects/testp/topics/told"}'
	assert_equal "$(said '[.disabled,.notificationPubsubTopic]')" '[true,"projects/testp/topics/told"]'
	good PATCH "$name?updateMask=disabled" '{}'
	assert_equal "$(said .disabled)" null
	good PATCH "$name?updateMask=transfer_config.scheduleOptionsV2" '{"scheduleOptionsV2":{"timeBasedSchedule":{"schedule":"every 12 hours"}}}'
	assert_equal "$(said '[.schedule,.scheduleOptionsV2]')" '["every 12 hours",{"timeBasedSchedule":{"schedule":"every 12 hours"}}]'
	good PATCH "$name?updateMask=service_account_name&serviceAccountName=sa@testp.iam.gserviceaccount.com" '{}'
	good GET "$name"
	assert_equal "$(said .ownerInfo.email)" sa@testp.iam.gserviceaccount.com
	refused 400 INVALID_ARGUMENT "Required parameter source_dataset_id of data source cross_region_copy is missing." \
		PATCH "$name?updateMask=params" '{"params":{"overwrite_destination_table":true}}'
	refused 400 INVALID_ARGUMENT "update_mask is required." PATCH "$name" '{"displayName":"x"}'
	for path in data_source_id state colour; do
		refused 400 INVALID_ARGUMENT "Invalid value for update_mask: '$path' cannot be updated." PATCH "$name?updateMask=$path" '{}'
	done
	refused 404 NOT_FOUND "Not found: Dataset testp:none" PATCH "$name?updateMask=destinationDatasetId" '{"destinationDatasetId":"none"}'
}

@test "a run goes from PENDING through RUNNING to SUCCEEDED, each after its time" {
	localcloud_start --transfer-pending 300 --transfer-running 300
	bq_dataset ds
	name=$(config)
	good GET "$name"
	assert_equal "$(said .state)" null
	run=$(run_of "$name" 2024-01-02T03:04:05.000006+02:00)
	[[ $run == "$name"/runs/*-*-*-*-* ]]
	assert_equal "$(said '.runs[0]|[.state,.runTime,.dataSourceId,.destinationDatasetId,.params.source_dataset_id,.errorStatus,.startTime,.endTime]')" \
		'["PENDING","2024-01-02T01:04:05.000006Z","cross_region_copy","ds","src",{},null,null]'
	wait_until 20 is_in_state "$run" SUCCEEDED
	# shellcheck disable=SC2016
	times='def us: (.[0:19] + "Z" | fromdateiso8601) * 1000000 + ((.[20:-1] + "000000")[0:6] | tonumber);'
	assert_equal "$(said "$times"' [(.startTime|us) - (.scheduleTime|us), (.endTime|us) - (.startTime|us), .endTime == .updateTime]')" \
		'[300000,300000,true]'
	good GET "$name"
	assert_equal "$(said .state)" SUCCEEDED
	good GET "$run/transferLogs"
	assert_equal "$(said '[.transferMessages[]|.severity]')" '["INFO","INFO"]'
}

@test "every request to start makes a run of its own, also for the same run time" {
	start
	name=$(config)
	for _ in 1 2 3; do
		run_of "$name" >>runs
	done
	assert_equal "$(sort -u runs | wc -l)" 3
	good GET "$name/runs"
	assert_equal "$(said '[.transferRuns[].name]')" "$(tac runs | jq -Rsc 'split("\n")[:-1]')"
	good GET "$name/runs?runAttempt=LATEST"
	assert_equal "$(said '[.transferRuns[].name]')" "$(tail -n 1 runs | jq -Rsc 'split("\n")[:-1]')"
	run_of "$name" 2024-01-03T00:00:00Z >/dev/null
	good GET "$name/runs?runAttempt=LATEST"
	assert_equal "$(said '[.transferRuns[].runTime]')" '["2024-01-03T00:00:00Z","2024-01-02T00:00:00Z"]'
}

@test "parallel requests to start are all kept" {
	start
	name=$(config)
	export -f localcloud_curl
	seq 20 | xargs -P 20 -I {} bash -c \
		"localcloud_curl -o started.{} -d '{\"requestedRunTime\":\"2024-01-02T00:00:00Z\"}' '$LOCALCLOUD_URL/v1/$name:startManualRuns'"
	assert_equal "$(cat started.* | jq -r '.runs[].name' | sort -u | wc -l)" 20
	good GET "$name/runs"
	assert_equal "$(said '.transferRuns|length')" 20
}

@test "what cannot be started" {
	start
	name=$(config)
	refused 400 INVALID_ARGUMENT "requested_run_time must be a past time and cannot include future time values." \
		POST "$name:startManualRuns" '{"requestedRunTime":"2999-01-01T00:00:00Z"}'
	refused 400 INVALID_ARGUMENT "requested_run_time is required." POST "$name:startManualRuns" '{}'
	for time in yesterday 2024-01-02 2024-13-02T00:00:00Z 2024-01-02T00:00:00 2024-01-02T00:00:00.Z 2024-01-02T00:00:00+02 2024-01-02T00:00:00.1234567890Z '2024-01-02 00:00:00Z'; do
		call POST "$name:startManualRuns" "{\"requestedRunTime\":\"$time\"}"
		assert_equal "$code" 400 "$time"
	done
	refused 400 INVALID_ARGUMENT \
		"Starting transfer run with on-demand schedule requires 'requested_run_time' to be specified." \
		POST "$name:startManualRuns" '{"requestedTimeRange":{"startTime":"2024-01-01T00:00:00Z","endTime":"2024-01-03T00:00:00Z"}}'
	good PATCH "$name?updateMask=disabled" '{"disabled":true}'
	refused 400 FAILED_PRECONDITION "Cannot start runs of a disabled transfer config." \
		POST "$name:startManualRuns" '{"requestedRunTime":"2024-01-01T00:00:00Z"}'
	good GET "$name/runs"
	assert_equal "$(said .)" '{}'
	refused 404 NOT_FOUND "Requested entity was not found." POST "${name%/*}/none:startManualRuns" '{"requestedRunTime":"2024-01-01T00:00:00Z"}'
	call POST "$name:stop" '{}'
	assert_equal "$code" 404
}

@test "a range of time makes a run for each time of the schedule, one behind the other" {
	start --transfer-spacing 15000
	range='{"requestedTimeRange":{"startTime":"2024-01-01T00:00:00Z","endTime":"2024-01-03T00:00:00Z"}}'
	name=$(config daily '{scheduleOptionsV2:{timeBasedSchedule:{schedule:"every 24 hours"}}}')
	good POST "$name:startManualRuns" "$range"
	assert_equal "$(said '[.runs[].runTime]')" '["2024-01-01T00:00:00Z","2024-01-02T00:00:00Z"]'
	# shellcheck disable=SC2016
	assert_equal "$(said '[.runs[].scheduleTime[0:19] + "Z" | fromdateiso8601] | .[1] - .[0] | . >= 14 and . <= 16')" true
	second=$(said '.runs[1].name')
	wait_until 20 is_in_state "$(said '.runs[0].name')" SUCCEEDED
	assert_equal "$(state_of "$second")" PENDING
	name=$(config at-five '{scheduleOptionsV2:{timeBasedSchedule:{schedule:"every day 05:30"}}}')
	good POST "$name:startManualRuns" "$range"
	assert_equal "$(said '[.runs[].runTime]')" '["2024-01-01T05:30:00Z","2024-01-02T05:30:00Z"]'
	name=$(config hourly '{scheduleOptionsV2:{timeBasedSchedule:{schedule:"every 6 hours"}}}')
	good POST "$name:startManualRuns" "$range"
	assert_equal "$(said '.runs|length')" 8
	good POST "$name:scheduleRuns" '{"startTime":"2024-01-01T00:00:00Z","endTime":"2024-01-01T06:00:00Z"}'
	assert_equal "$(said '[.runs[].runTime]')" '["2024-01-01T00:00:00Z","2024-01-01T06:00:00Z"]'
	name=$(config cron '{scheduleOptionsV2:{timeBasedSchedule:{schedule:"first sunday of quarter 00:00"}}}')
	refused 501 UNIMPLEMENTED 'localcloud cannot tell the times of the schedule "first sunday of quarter 00:00"' \
		POST "$name:startManualRuns" "$range"
}

@test "faults make runs fail, be cancelled, or stay until they are patched" {
	start
	name=$(config)
	other=$(config other)
	fault "{\"match\":{\"path\":\"${name##*/}\"},\"fault\":{\"run\":{\"outcome\":\"FAILED\",\"code\":3,\"message\":\"no such table\"}}}"
	assert_equal "$(state_of "$(run_of "$other")")" SUCCEEDED
	run=$(run_of "$name")
	assert_equal "$(state_of "$run")" FAILED
	assert_equal "$(said .errorStatus)" '{"code":3,"message":"no such table"}'
	good GET "$run/transferLogs?messageTypes=ERROR"
	assert_equal "$(said '[.transferMessages[].messageText]')" '["no such table"]'
	fault "{\"match\":{\"path\":\"startManualRuns\"},\"fault\":{\"run\":{\"outcome\":\"CANCELLED\"}}}"
	assert_equal "$(state_of "$(run_of "$name")")" CANCELLED
	assert_equal "$(state_of "$(run_of "$name")")" SUCCEEDED
	for hold in PENDING RUNNING; do
		fault "{\"fault\":{\"run\":{\"hold\":\"$hold\"}}}"
		run=$(run_of "$name")
		assert_equal "$(state_of "$run")" "$hold"
		good PATCH "$run?updateMask=state,errorStatus" '{"state":"FAILED","errorStatus":{"code":13,"message":"gone"}}'
		assert_equal "$(said '[.state,.errorStatus.message,has("startTime"),has("endTime")]')" '["FAILED","gone",true,true]'
		refused 400 FAILED_PRECONDITION "The transfer run has ended: FAILED." PATCH "$run?updateMask=state" '{"state":"SUCCEEDED"}'
	done
	run ! fault '{"fault":{"run":{"outcome":"DONE"}}}'
	run ! fault '{"fault":{"run":{"hold":"SUCCEEDED"}}}'
	run ! fault '{"fault":{"run":{"speed":1}}}'
}

@test "a patched run no longer follows the clock, and never goes back" {
	localcloud_start --transfer-pending 600000
	bq_dataset ds
	name=$(config)
	run=$(run_of "$name")
	good PATCH "$run?updateMask=state" '{"state":"RUNNING"}'
	assert_equal "$(said .state)" RUNNING
	refused 400 FAILED_PRECONDITION "The transfer run cannot go from RUNNING to PENDING." PATCH "$run?updateMask=state" '{"state":"PENDING"}'
	refused 400 INVALID_ARGUMENT "Only state and error_status of a transfer run can be updated." PATCH "$run?updateMask=runTime" '{}'
	refused 400 INVALID_ARGUMENT "update_mask is required." PATCH "$run" '{"state":"RUNNING"}'
	good PATCH "$run?updateMask=state" '{"state":4}'
	assert_equal "$(state_of "$run")" SUCCEEDED
}

@test "runs are listed by state, in pages, and deleted" {
	start
	name=$(config)
	run_of "$name" >/dev/null
	fault '{"times":2,"fault":{"run":{"hold":"RUNNING"}}}'
	first=$(run_of "$name")
	second=$(run_of "$name")
	good GET "$name/runs?states=RUNNING"
	assert_equal "$(said '[.transferRuns[].name]')" "[\"$second\",\"$first\"]"
	good GET "$name/runs?states=3&states=SUCCEEDED"
	assert_equal "$(said '.transferRuns|length')" 3
	good GET "$name/runs?states=FAILED"
	assert_equal "$(said .)" '{}'
	refused 400 INVALID_ARGUMENT \
		"Invalid value at 'states' (type.googleapis.com/google.cloud.bigquery.datatransfer.v1.TransferState), \"DONE\"" \
		GET "$name/runs?states=DONE"
	good GET "$name/runs?pageSize=2"
	token=$(said .nextPageToken)
	run_of "$name" >/dev/null
	good GET "$name/runs?pageSize=2&pageToken=$token"
	assert_equal "$(said '[(.transferRuns|length),has("nextPageToken")]')" '[1,false]'
	good DELETE "$first"
	refused 404 NOT_FOUND "Requested entity was not found." GET "$first"
	refused 404 NOT_FOUND "Requested entity was not found." GET "$first/transferLogs"
	good DELETE "$name"
	refused 404 NOT_FOUND "Requested entity was not found." GET "$second"
}

@test "configs and runs are there after a kill, and runs have gone on" {
	localcloud_start --transfer-pending 100 --transfer-running 100
	bq_dataset ds
	name=$(config)
	fault '{"fault":{"run":{"hold":"RUNNING"}}}'
	held=$(run_of "$name")
	run=$(run_of "$name")
	kill -KILL "$LOCALCLOUD_PID"
	wait "$LOCALCLOUD_PID" || true
	localcloud_start --transfer-pending 600000
	wait_until 20 is_in_state "$run" SUCCEEDED
	assert_equal "$(state_of "$held")" RUNNING
	good GET "$name/runs"
	assert_equal "$(said '[.transferRuns[].name]')" "[\"$run\",\"$held\"]"
}

# pulled: the data of the subscription's next message, which is acknowledged
pulled() {
	good POST projects/testp/subscriptions/ends:pull '{"maxMessages":1}'
	assert_equal "$(said '.receivedMessages[0].message.attributes')" \
		'{"eventType":"TRANSFER_RUN_FINISHED","payloadFormat":"JSON_API_V1"}'
	said '.receivedMessages[0].message.data|@base64d' >run.json
	good POST projects/testp/subscriptions/ends:acknowledge "$(said '{ackIds:[.receivedMessages[0].ackId]}')"
}

@test "a topic is told of each run that ends, by the clock or by a patch, also after a kill" {
	localcloud_start --transfer-pending 0 --transfer-running 100
	bq_dataset ds
	refused 400 INVALID_ARGUMENT 'Invalid [topics] name: (name=tell)' POST projects/testp/transferConfigs '{"notificationPubsubTopic":"tell"}'
	name=$(config told '{notificationPubsubTopic:"projects/testp/topics/ends"}')
	good PUT projects/testp/topics/ends '{}'
	good PUT projects/testp/subscriptions/ends '{"topic":"projects/testp/topics/ends"}'
	run=$(run_of "$name")
	pulled
	assert_equal "$(jq -c '[.name,.state,.runTime]' run.json)" "[\"$run\",\"SUCCEEDED\",\"2024-01-02T00:00:00Z\"]"
	fault '{"fault":{"run":{"hold":"RUNNING"}}}'
	run=$(run_of "$name")
	good PATCH "$run?updateMask=state" '{"state":"CANCELLED"}'
	pulled
	assert_equal "$(jq -c '[.name,.state]' run.json)" "[\"$run\",\"CANCELLED\"]"
	fault '{"fault":{"run":{"hold":"RUNNING"}}}'
	run=$(run_of "$name")
	kill -KILL "$LOCALCLOUD_PID"
	wait "$LOCALCLOUD_PID" || true
	localcloud_start
	good PUT projects/testp/topics/ends '{}'
	good PUT projects/testp/subscriptions/ends '{"topic":"projects/testp/topics/ends"}'
	good PATCH "$run?updateMask=state" '{"state":"FAILED"}'
	pulled
	assert_equal "$(jq -c '[.name,.state]' run.json)" "[\"$run\",\"FAILED\"]"
}

@test "with its configuration a run is gone, and nobody is told of its end" {
	localcloud_start --transfer-pending 0 --transfer-running 100
	bq_dataset ds
	good PUT projects/testp/topics/ends '{}'
	good PUT projects/testp/subscriptions/ends '{"topic":"projects/testp/topics/ends"}'
	gone=$(config gone '{notificationPubsubTopic:"projects/testp/topics/ends"}')
	kept=$(config kept '{notificationPubsubTopic:"projects/testp/topics/ends"}')
	fault '{"fault":{"run":{"runningMs":3000}}}'
	run_of "$gone" >/dev/null
	good DELETE "$gone"
	fault '{"fault":{"run":{"runningMs":3500}}}'
	run=$(run_of "$kept")
	pulled
	assert_equal "$(jq -r .name run.json)" "$run"
}

@test "data sources are listed, and have valid credentials" {
	start
	good GET projects/testp/locations/us/dataSources
	assert_equal "$(said '[.dataSources[].dataSourceId]')" '["scheduled_query","cross_region_copy","google_cloud_storage"]'
	good GET 'projects/testp/dataSources?pageSize=2'
	good GET "projects/testp/dataSources?pageSize=2&pageToken=$(said .nextPageToken)"
	assert_equal "$(said '[[.dataSources[].dataSourceId],has("nextPageToken")]')" '[["google_cloud_storage"],false]'
	good GET projects/testp/locations/us/dataSources/scheduled_query
	assert_equal "$(said '.parameters[0]')" '{"paramId":"query","type":"STRING","required":true}'
	good POST projects/testp/locations/us/dataSources/scheduled_query:checkValidCreds '{}'
	assert_equal "$(said .)" '{"hasValidCreds":true}'
	refused 404 NOT_FOUND "Requested entity was not found." GET projects/testp/dataSources/none
	refused 404 NOT_FOUND "Requested entity was not found." POST projects/testp/dataSources/none:checkValidCreds '{}'
}

@test "discovery has a document of the Data Transfer Service" {
	start
	localcloud_curl -o answer "$LOCALCLOUD_URL/\$discovery/rest?version=v1"
	assert_equal "$(said '[.id,.rootUrl]')" "[\"bigquerydatatransfer:v1\",\"$LOCALCLOUD_URL/\"]"
	assert_equal "$(said '.resources.projects.resources.locations.resources.transferConfigs.methods.startManualRuns.path')" \
		'v1/{+parent}:startManualRuns'
	localcloud_curl -o answer "$LOCALCLOUD_URL/\$discovery/rest?version=v2"
	assert_equal "$(said .id)" bigquery:v2
}

@test "tokens are asked for where they are asked for everywhere" {
	localcloud_start --require-auth
	call GET projects/testp/transferConfigs
	assert_equal "$code" 401
}
