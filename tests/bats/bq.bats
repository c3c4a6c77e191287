#!/usr/bin/env bats
# Google's own bq works against localcloud: that is localcloud's test. About 1.3 s a call, so they are few.

load helper/common
load helper/localcloud

setup_file() {
	command -v bq >/dev/null || return 0
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_FILE_TMPDIR/cloud
	localcloud_start
	export CLOUDSDK_CONFIG=$BATS_FILE_TMPDIR/config
	export CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1
	bq_api POST datasets '{"datasetReference":{"datasetId":"ds"}}' >/dev/null
}

teardown_file() {
	localcloud_stop
}

setup() {
	command -v bq >/dev/null || skip "bq is not installed"
	PROJECT=testp
	cd "$BATS_TEST_TMPDIR" || return 1
}

bqx() {
	bq --api="$LOCALCLOUD_URL" --oauth_access_token=tok --project_id=testp "$@"
}

table() {
	bq_api POST datasets/ds/tables '{"tableReference":{"tableId":"'"$1"'"},"schema":{"fields":[{"name":"id","type":"INTEGER"},
		{"name":"name","type":"STRING"},{"name":"ts","type":"TIMESTAMP"}]}}' >/dev/null
	cat >rows.ndjson <<-'END'
		{"id":1,"name":"a","ts":"2024-01-01T00:00:00Z"}
		{"id":2,"name":"b","ts":"2024-01-02 00:00:00 UTC"}
	END
}

@test "bq mk, ls, show and rm of datasets and tables" {
	run bqx mk --dataset testp:made
	assert_status 0
	run bqx mk --table --time_partitioning_field=ts --clustering_fields=id made.t id:INTEGER,ts:TIMESTAMP
	assert_status 0
	run bqx ls made
	assert_output_contains "DAY (field: ts)"
	run bqx --format=json show made.t
	assert_json '.[0].clustering.fields == ["id"]'
	run bqx rm -f -d made
	assert_status 1
	assert_output_contains "still in use"
	run bqx rm -r -f -d made
	assert_status 0
}

@test "bq load sends NDJSON through a resumable upload, and a job id only once" {
	table t
	run bqx --job_id=once load --source_format=NEWLINE_DELIMITED_JSON ds.t rows.ndjson
	assert_status 0
	run bqx --job_id=once load --source_format=NEWLINE_DELIMITED_JSON ds.t rows.ndjson
	assert_status 2
	assert_output_contains "Already Exists: Job testp:US.once"
	run bqx --format=json head -n 10 ds.t
	assert_json '.[0] | map(.id + .name + .ts) == ["1a2024-01-01 00:00:00","2b2024-01-02 00:00:00"]'
}

@test "bq load sends a multipart body" {
	table multi
	run bqx load --noenable_resumable_uploads --source_format=NEWLINE_DELIMITED_JSON ds.multi rows.ndjson
	assert_status 0
	assert_equal "$(bq_api GET datasets/ds/tables/multi | jq -r .numRows)" 2
}

@test "bq load reads CSV" {
	table csv
	printf 'id,name,ts\n3,"x,y",2024-01-03 00:00:00\n' >rows.csv
	run bqx load --skip_leading_rows=1 ds.csv rows.csv
	assert_status 0
	assert_equal "$(bq_api GET datasets/ds/tables/csv/data | jq -c '[.rows[0].f[].v]')" '["3","x,y","1.70424E9"]'
}

@test "bq load sends again what a 503 refused" {
	table again
	fault '{"match":{"method":"PUT","path":"/upload/"},"fault":{"status":503,"reason":"backendError"}}'
	run bqx load --source_format=NEWLINE_DELIMITED_JSON ds.again rows.ndjson
	assert_status 0
	assert_equal "$(bq_api GET datasets/ds/tables/again | jq -r .numRows)" 2
}

@test "bq load shows why a job failed" {
	table wrong
	echo '{"id":"x"}' >rows.ndjson
	run bqx load --source_format=NEWLINE_DELIMITED_JSON ds.wrong rows.ndjson
	assert_status 1
	assert_output_contains "Could not convert value to integer"
}

@test "bq insert streams rows, bq update changes the table" {
	table live
	run bqx insert ds.live rows.ndjson
	assert_status 0
	run bqx update --description new ds.live
	assert_status 0
	assert_equal "$(bq_api GET datasets/ds/tables/live | jq -r '.numRows + .description')" 2new
}

@test "bq query runs GoogleSQL" {
	run bqx --format=json query --nouse_legacy_sql 'SELECT 1 AS one, "x" AS s'
	assert_status 0
	assert_output_contains '[{"one":"1","s":"x"}]'
}
