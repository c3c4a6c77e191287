#!/usr/bin/env bats
# Load jobs of localcloud that read objects of its Cloud Storage.

load helper/common
load helper/localcloud

setup() {
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_TEST_TMPDIR/cloud
	localcloud_start
	bq_dataset ds
	gcs_bucket bkt
	cd "$BATS_TEST_TMPDIR" || return 1
	bq_api POST datasets/ds/tables '{"tableReference":{"tableId":"t"},"schema":{"fields":[
		{"name":"id","type":"INT64"},{"name":"v","type":"STRING"}]}}' >/dev/null
}

teardown() {
	localcloud_stop
}

# object NAME TEXT
object() {
	printf '%s' "$2" >object
	gcs_put bkt "$1" object >/dev/null
}

job_is_done() {
	bq_api GET "jobs/$1?location=${location:-US}" >job.json && [[ $(jq -r .status.state job.json) == DONE ]]
}

# insert JOB URIS [MORE OPTIONS]: prints the HTTP status, leaves answer
insert() {
	# By a file: 10,000 URIs are too long for an argument.
	printf '%s' "$2" >uris
	jq -nc --arg j "$1" --slurpfile u uris --argjson more "${3:-{\}}" '{jobReference:{jobId:$j},configuration:{load:({sourceUris:$u[0],
		destinationTable:{datasetId:"ds",tableId:"t"},sourceFormat:"NEWLINE_DELIMITED_JSON"} + $more)}}' >body
	localcloud_curl -o answer -w '%{http_code}' -X POST --data-binary @body "$LOCALCLOUD_URL/bigquery/v2/projects/testp/jobs"
}

# load_uris JOB URIS [MORE OPTIONS]: waits for the job; job.json is as it ended
load_uris() {
	[[ $(insert "$@") == 200 ]] || _fail "not inserted: $(<answer)"
	wait_until 30 job_is_done "$1"
}

assert_loaded() {
	[[ $(jq -r '.status.errorResult == null' job.json) == true ]] || _fail "the job failed: $(<job.json)"
}

# assert_failed REASON TEXT
assert_failed() {
	[[ $(jq -r .status.errorResult.reason job.json) == "$1" ]] || _fail "not failed with $1: $(<job.json)"
	jq -e --arg t "$2" '[.status.errors[].message] | any(contains($t))' job.json >/dev/null ||
		_fail "no error says '$2': $(jq -c .status job.json)"
	assert_equal "$(bq_sql 'SELECT count(*) AS n FROM ds.t')" '{"n":"0"}'
}

ids() {
	bq_sql 'SELECT id FROM ds.t ORDER BY id' | jq -r .id | paste -sd ' '
}

@test "a job loads several objects as one, and counts them" {
	object a '{"id":1}
{"id":2}'
	object b '{"id":3}
'
	object empty ''
	load_uris j1 '["gs://bkt/a","gs://bkt/b","gs://bkt/empty"]'
	assert_loaded
	assert_equal "$(ids)" "1 2 3"
	assert_equal "$(jq -c '.statistics.load | [.inputFiles,.inputFileBytes,.outputRows,.badRecords]' job.json)" '["3","26","3","0"]'
	# The objects stay.
	assert_equal "$(gcs_names bkt | paste -sd ' ')" "a b empty"
}

@test "CSV is read file by file: each has its own header" {
	object a.csv 'id,v
1,one
2,"t,wo"'
	object b.csv 'id,v
3,three'
	load_uris j1 '["gs://bkt/*.csv"]' '{"sourceFormat":"CSV","skipLeadingRows":1}'
	assert_loaded
	assert_equal "$(bq_sql 'SELECT v FROM ds.t ORDER BY id' | jq -r .v | paste -sd ' ')" "one t,wo three"
}

@test "one wildcard stands for any characters, slashes included" {
	object d/1.json '{"id":1}'
	object d/sub/2.json '{"id":2}'
	object d/3.txt '{"id":3}'
	object d.json '{"id":4}'
	object dx/5.json '{"id":5}'
	load_uris j1 '["gs://bkt/d/*.json"]'
	assert_loaded
	assert_equal "$(ids)" "1 2"
	assert_equal "$(jq -r .statistics.load.inputFiles job.json)" 2
	load_uris j2 '["gs://bkt/d*"]' '{"writeDisposition":"WRITE_TRUNCATE"}'
	assert_equal "$(ids)" "1 2 3 4 5"
	load_uris j3 '["gs://bkt/*5.json","gs://bkt/d/1*1.json","gs://bkt/d.json"]' '{"writeDisposition":"WRITE_TRUNCATE"}'
	jq -e '.status.errorResult.message == "Not found: URI gs://bkt/d/1*1.json"' job.json
	load_uris j4 '["gs://bkt/*5.json","gs://bkt/d.json"]' '{"writeDisposition":"WRITE_TRUNCATE"}'
	assert_equal "$(ids)" "4 5"
}

@test "gzip is told by its bytes, not by the name" {
	printf '{"id":1}\n' | gzip >one
	printf '{"id":2}\n' | gzip >two
	cat one two >both
	gcs_put bkt plain.json both >/dev/null
	load_uris j1 '["gs://bkt/plain.json"]'
	assert_loaded
	assert_equal "$(ids)" "1 2"
	assert_equal "$(jq -r .statistics.load.inputFileBytes job.json)" "$(stat -c %s both)"
}

@test "gzip that is cut off, or mixed with plain files, fails the job" {
	seq 1 2000 | sed 's/.*/{"id":&}/' | gzip >whole
	head -c 1000 whole >cut
	gcs_put bkt cut cut >/dev/null
	load_uris j1 '["gs://bkt/cut"]'
	assert_failed invalid "gs://bkt/cut"
	gcs_put bkt whole whole >/dev/null
	object plain '{"id":1}'
	load_uris j2 '["gs://bkt/whole","gs://bkt/plain"]'
	assert_failed invalid "gs://bkt/whole is compressed, gs://bkt/plain is not"
}

@test "an object, bucket or wildcard that is not there fails the job" {
	object a '{"id":1}'
	for uri in gs://bkt/none gs://none/a 'gs://bkt/z*'; do
		load_uris "j${uri//[^a-z]/_}" '["gs://bkt/a","'"$uri"'"]'
		assert_failed notFound "Not found: URI $uri"
	done
	# A name that others begin with is not there either.
	object ab '{"id":1}'
	object abc '{"id":1}'
	load_uris longer '["gs://bkt/abcd","gs://bkt/ab"]'
	assert_failed notFound "Not found: URI gs://bkt/abcd"
}

@test "jobs.insert refuses URIs of another form" {
	for uris in '["bkt/a"]' '["http://bkt/a"]' '["gs://bkt"]' '["gs://bkt/"]' '["gs://b*t/a"]' '["gs://bkt/a*b*"]' '["gs://BKT/a"]' '[1]' '"gs://bkt/a"'; do
		assert_equal "$uris $(insert j1 "$uris")" "$uris 400"
	done
	assert_equal "$(insert j1 "$(jq -nc '[range(10001)|"gs://bkt/\(.)"]')")" 400
	jq -e '.error.message | contains("10001")' answer
	assert_equal "$(insert j1 '[]')" 400
	# An upload has its data with it.
	jq -nc '{configuration:{load:{sourceUris:["gs://bkt/a"],destinationTable:{datasetId:"ds",tableId:"t"}}}}' >body
	assert_equal "$(localcloud_curl -o answer -w '%{http_code}' -X POST --data-binary @body \
		"$LOCALCLOUD_URL/upload/bigquery/v2/projects/testp/jobs?uploadType=resumable")" 400
}

@test "a job takes 10,000 URIs" {
	object a '{"id":1}'
	load_uris j1 "$(jq -nc '[range(10000)|"gs://bkt/a"]')"
	assert_loaded
	assert_equal "$(jq -r '.statistics.load | .inputFiles + " " + .outputRows' job.json)" "10000 10000"
}

@test "a bad row names its file, and nothing of any file is loaded" {
	object a '{"id":1}'
	object b '{"id":2}
{"id":"x"}'
	load_uris j1 '["gs://bkt/*"]'
	assert_failed invalid "in row starting at position 9"
	assert_failed invalid " File: gs://bkt/b"
	assert_equal "$(jq -r .status.errorResult.location job.json)" gs://bkt/b
	jq -e '.status.errors | all(.location == "gs://bkt/b")' job.json
}

@test "maxBadRecords counts over all files" {
	object a '{"id":"x"}
{"id":1}'
	object b '{"id":"y"}
{"id":2}'
	load_uris j1 '["gs://bkt/a","gs://bkt/b"]' '{"maxBadRecords":1}'
	assert_failed invalid "too many errors"
	load_uris j2 '["gs://bkt/a","gs://bkt/b"]' '{"maxBadRecords":2}'
	assert_loaded
	assert_equal "$(jq -r .statistics.load.badRecords job.json)" 2
	assert_equal "$(jq -c '[.status.errors[].location]' job.json)" '["gs://bkt/a","gs://bkt/b"]'
	assert_equal "$(ids)" "1 2"
}

@test "a bucket must lie where the dataset can read it" {
	gcs_api POST 'b?project=testp' '{"name":"far","location":"asia-east1"}' >/dev/null
	gcs_api POST 'b?project=testp' '{"name":"near","location":"europe-west1"}' >/dev/null
	bq_api POST datasets '{"datasetReference":{"datasetId":"eu"},"location":"EU"}' >/dev/null
	echo '{"id":1}' >row
	gcs_put far a row >/dev/null
	gcs_put near a row >/dev/null
	eu='{"destinationTable":{"datasetId":"eu","tableId":"t"},"schema":{"fields":[{"name":"id","type":"INT64"}]}}'
	location=EU load_uris j1 '["gs://far/a"]' "$eu"
	assert_failed invalid "Cannot read and write in different locations: source: ASIA-EAST1, destination: EU"
	location=EU load_uris j2 '["gs://near/a"]' "$eu"
	assert_loaded
	load_uris j3 '["gs://far/a"]'
	assert_loaded
}

@test "limits of size: 15 TB a job, 5 TB a file, 4 GB of gzip" {
	echo '{"id":1}' >row
	gzip -c row >zipped
	# big NAME FILE SIZE: nobody uploads 15 TB in a test, so the file is made longer afterwards, with a hole.
	big() {
		gcs_put bkt "$1" "$2" >/dev/null
		truncate -s "$3" "$(find cloud/objects -type f -size -2)"
	}
	big big1 row 4900000000000
	big big2 row 5000000000001
	big zipped zipped 4294967297
	load_uris j1 '["gs://bkt/big1","gs://bkt/big1","gs://bkt/big1","gs://bkt/big1"]'
	assert_failed invalid "exceeds the limit of 15000000000000 bytes"
	load_uris j2 '["gs://bkt/big2"]'
	assert_failed invalid "gs://bkt/big2 is 5000000000001 bytes"
	load_uris j3 '["gs://bkt/zipped"]'
	assert_failed invalid "exceeds the limit of 4294967296 bytes"
}

@test "a job that a killed server had not begun loads its objects after the start, once" {
	object a '{"id":1}'
	fault '{"fault":{"jobDelayMs":60000}}'
	assert_equal "$(insert j1 '["gs://bkt/a"]')" 200
	kill -KILL "$LOCALCLOUD_PID"
	wait "$LOCALCLOUD_PID" || true
	localcloud_start
	wait_until 20 job_is_done j1
	assert_loaded
	assert_equal "$(ids)" 1
}
