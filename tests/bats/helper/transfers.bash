# Transfer configs of localcloud, their runs, and entries of the audit log: load after helper/localcloud.
#
#   transfer_dataset           the dataset that all configs write to; once
#   transfer_config NAME [MEMBERS]  a config of that display name; prints its name. MEMBERS: more of its JSON
#   transfer_api METHOD PATH [BODY]  any call under v1/
#   transfer_runs CONFIG       its runs, an array, the oldest first
#   transfer_count CONFIG [FILTER]  how many there are
#   transfer_start CONFIG      start one, as somebody else would; prints its name
#   transfer_patch RUN STATE   of a run that is held (see fault)
#   transfer_state RUN
#   entry DATASET [ID [TIME]]  an entry of the log, a line

# shellcheck shell=bash

transfer_api() {
	localcloud_curl --fail-with-body -X "$1" ${3:+--data-binary "$3"} "$LOCALCLOUD_URL/v1/$2"
}

transfer_dataset() {
	bq_dataset transferred
}

transfer_config() {
	transfer_api POST "projects/$PROJECT/locations/us/transferConfigs" \
		"{\"displayName\":\"$1\",\"destinationDatasetId\":\"transferred\",\"dataSourceId\":\"scheduled_query\",\"params\":{\"query\":\"SELECT 1\"},\"schedule\":\"every 24 hours\"${2:+,$2}}" |
		jq -r .name
}

transfer_runs() {
	transfer_api GET "$1/runs" | jq -c '[.transferRuns // [] | reverse[]]'
}

transfer_count() {
	transfer_runs "$1" | jq "map(select(${2:-true})) | length"
}

transfer_start() {
	transfer_api POST "$1:startManualRuns" "{\"requestedRunTime\":\"${2:-$(date -u +%Y-%m-%dT%H:%M:%SZ)}\"}" | jq -r '.runs[0].name'
}

transfer_patch() {
	transfer_api PATCH "$1?updateMask=state" "{\"state\":\"$2\"}" >/dev/null
}

transfer_state() {
	transfer_api GET "$1" | jq -r .state
}

entry() {
	printf '{"insertId":"%s","timestamp":"%s","severity":"INFO","logName":"projects/source/logs/cloudaudit.googleapis.com%%2Fdata_access","resource":{"type":"bigquery_dataset","labels":{"project_id":"source","dataset_id":"%s"}},"protoPayload":{"serviceName":"bigquery.googleapis.com","methodName":"google.cloud.bigquery.v2.JobService.InsertJob","authorizationInfo":[{"granted":true,"permission":"bigquery.tables.updateData"}],"resourceName":"projects/source/datasets/%s/tables/t"}}\n' \
		"${2:-i$RANDOM}" "${3:-$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)}" "$1" "$1"
}
