#!/usr/bin/env bats
# bqload --stage: rows by way of Cloud Storage, what is left there, and what must never be loaded.

load helper/common
load helper/localcloud

schema='{"fields":[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"name","type":"STRING"}]}'

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	# A dataset and a bucket for each test: they share one server.
	dataset=d$BATS_TEST_NUMBER
	bucket=bucket-$BATS_TEST_NUMBER
	bq_dataset "$dataset"
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# stage OPTION...: run bqload on stdin, into $dataset.t by way of $bucket.
stage() {
	run bqload --retry-initial 10ms --retry-for 5s --stage "gs://$bucket/in" "$@" "$dataset.t"
}

@test "what --stage cannot mean is 64, and says so" {
	run bqload d.t --gzip </dev/null
	assert_status 64
	assert_output_contains '--gzip needs --stage'
	run bqload d.t --parallel 2 </dev/null
	assert_output_contains '--parallel needs --stage'
	run bqload d.t --stage s3://bucket/x </dev/null
	assert_status 64
	assert_output_contains "--stage: 's3://bucket/x' is not gs://BUCKET/NAME"
	run bqload d.t --stage 'gs://bucket/a*' </dev/null
	assert_status 64
	assert_output_contains 'asterisk'
	run bqload d.t --stage gs://bucket/x --part-size 4GiB </dev/null
	assert_status 64
	assert_output_contains 'more than 3200MiB'
	run bqload d.t --stage gs://bucket/x --part-size 1k </dev/null
	assert_status 64
	assert_output_contains "--part-size: '1k' is not a size"
}
