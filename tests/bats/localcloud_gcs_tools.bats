#!/usr/bin/env bats
# Google's own gcloud storage, gsutil and bq work against localcloud's Cloud Storage: that is its test. A call takes
# seconds, so they are few.

load helper/common
load helper/localcloud

setup_file() {
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_FILE_TMPDIR/cloud
	localcloud_start
	gcs_bucket bkt
	export CLOUDSDK_CONFIG=$BATS_FILE_TMPDIR/config CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_CORE_PROJECT=testp
	export CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1
	export CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE=$LOCALCLOUD_URL/storage/v1/
	export CLOUDSDK_API_ENDPOINT_OVERRIDES_BIGQUERY=$LOCALCLOUD_URL/
	export CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=$BATS_FILE_TMPDIR/token
	echo token >"$CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"
	head -c 12000000 /dev/urandom >"$BATS_FILE_TMPDIR/big"
	if command -v gsutil socat >/dev/null; then
		start_tls
	fi
}

teardown_file() {
	[[ -z ${TLS_PID:-} ]] || kill "$TLS_PID" || true
	localcloud_stop
}

setup() {
	PROJECT=testp
	cd "$BATS_TEST_TMPDIR" || return 1
}

# gsutil speaks nothing but TLS.
start_tls() {
	local port=${LOCALCLOUD_URL##*:}

	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localcloud -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$BATS_FILE_TMPDIR/key" -out "$BATS_FILE_TMPDIR/certificate" 2>/dev/null
	for TLS_PORT in {20443..20499}; do
		socat "openssl-listen:$TLS_PORT,bind=127.0.0.1,fork,cert=$BATS_FILE_TMPDIR/certificate,key=$BATS_FILE_TMPDIR/key,verify=0" \
			"tcp:127.0.0.1:$port" 2>/dev/null 3>&- &
		TLS_PID=$!
		wait_until 10 tls_answers_or_ended && kill -0 "$TLS_PID" 2>/dev/null && break
	done
	export TLS_PID TLS_PORT
}

tls_answers_or_ended() {
	curl -sS --cacert "$BATS_FILE_TMPDIR/certificate" -o /dev/null "https://127.0.0.1:$TLS_PORT/" 2>/dev/null || ! kill -0 "$TLS_PID" 2>/dev/null
}

need() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

gsutilx() {
	gsutil -q -o "Credentials:gs_json_host=127.0.0.1" -o "Credentials:gs_json_port=$TLS_PORT" \
		-o "Boto:ca_certificates_file=$BATS_FILE_TMPDIR/certificate" -o Boto:num_retries=2 \
		-o "GSUtil:state_dir=$BATS_FILE_TMPDIR/gsutil" "$@"
}

@test "gcloud storage copies a small file up, and knows that it is there" {
	need gcloud
	echo small >small
	run gcloud storage cp small gs://bkt/dir/small
	assert_status 0
	assert_equal "$(gcs_get bkt dir/small)" small
	run gcloud storage cp --if-generation-match=0 small gs://bkt/dir/small
	assert_status 1
	assert_output_contains "HTTPError 412: At least one of the pre-conditions you specified did not hold."
	run gcloud storage cat gs://bkt/dir/small
	assert_line small
}

@test "gcloud storage copies 12 MB up and down, though the server fails in between" {
	need gcloud
	fault '{"match":{"method":"PUT","path":"/resumable/upload/"},"fault":{"status":503,"reason":"backendError"}}'
	run gcloud storage cp "$BATS_FILE_TMPDIR/big" gs://bkt/big12
	assert_status 0
	gcs_get bkt big12 | cmp - "$BATS_FILE_TMPDIR/big"
	run gcloud storage cp gs://bkt/big12 back
	assert_status 0
	cmp back "$BATS_FILE_TMPDIR/big"
}

@test "gcloud storage streams standard input in chunks" {
	need gcloud
	head -c 700000 "$BATS_FILE_TMPDIR/big" >data
	CLOUDSDK_STORAGE_UPLOAD_CHUNK_SIZE=262144 run gcloud storage cp - gs://bkt/stream <data
	assert_status 0
	gcs_get bkt stream | cmp - data
}

@test "gcloud storage copies, lists, moves and removes trees" {
	need gcloud
	mkdir -p tree/sub
	echo 1 >tree/1
	echo 2 >tree/sub/2
	run gcloud storage cp -r tree gs://bkt/up/
	assert_status 0
	run gcloud storage ls -r 'gs://bkt/up/**'
	assert_line gs://bkt/up/tree/1
	assert_line gs://bkt/up/tree/sub/2
	run gcloud storage ls gs://bkt/up/tree
	assert_line gs://bkt/up/tree/sub/
	refute_output_contains sub/2
	run gcloud storage mv gs://bkt/up/tree/1 gs://bkt/up/moved
	assert_status 0
	assert_equal "$(gcs_names bkt up/ | paste -sd ' ')" "up/moved up/tree/sub/2"
	run gcloud storage rm -r gs://bkt/up
	assert_status 0
	assert_equal "$(gcs_names bkt up/)" ""
}

@test "gcloud storage makes and removes buckets" {
	need gcloud
	run gcloud storage buckets create gs://made --location=eu
	assert_status 0
	echo x >x
	gcs_put made x x >/dev/null
	run gcloud storage rm -r gs://made
	assert_status 0
	run gcs_api GET b/made
	assert_output_contains notFound
}

@test "gsutil copies, lists, shows and removes" {
	need gsutil
	need socat
	echo small >small
	run gsutilx cp small "$BATS_FILE_TMPDIR/big" gs://bkt/gsutil/
	assert_status 0
	run gsutilx ls gs://bkt/gsutil
	assert_line gs://bkt/gsutil/small
	run gsutilx cat gs://bkt/gsutil/small
	assert_line small
	run gsutilx cp gs://bkt/gsutil/big back
	assert_status 0
	cmp back "$BATS_FILE_TMPDIR/big"
	run gsutilx cp - gs://bkt/gsutil/stream <small
	assert_status 0
	run gsutilx rm -r gs://bkt/gsutil
	assert_status 0
	assert_equal "$(gcs_names bkt gsutil/)" ""
}

@test "bq load reads objects, and shows which one is bad" {
	need bq
	bq_dataset ds
	printf '{"id":1}\n' >one
	printf '{"id":2}\n' | gzip >two
	printf '{"id":"x"}\n' >bad
	for name in one two bad; do
		gcs_put bkt "bq/$name" "$name" >/dev/null
	done
	run bq load --source_format=NEWLINE_DELIMITED_JSON ds.t gs://bkt/bq/one id:INTEGER
	assert_status 0
	run bq load --source_format=NEWLINE_DELIMITED_JSON ds.t 'gs://bkt/bq/t*'
	assert_status 0
	assert_equal "$(bq_sql 'SELECT id FROM ds.t ORDER BY id' | jq -r .id | paste -sd ' ')" "1 2"
	run bq load --source_format=NEWLINE_DELIMITED_JSON ds.t gs://bkt/bq/one,gs://bkt/bq/bad
	assert_status 1
	assert_output_contains "gs://bkt/bq/bad"
	run bq load --source_format=NEWLINE_DELIMITED_JSON ds.t gs://bkt/bq/none
	assert_status 2
	assert_output_contains "Not found: URI"
	assert_output_contains "gs://bkt/bq/none"
}

@test "localcloud -- COMMAND points gcloud and bq at itself, also where tokens are asked for" {
	need gcloud
	need bq
	run env -u CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE -u CLOUDSDK_API_ENDPOINT_OVERRIDES_BIGQUERY \
		-u CLOUDSDK_AUTH_ACCESS_TOKEN_FILE -u CLOUDSDK_CORE_PROJECT -u GOOGLE_CLOUD_PROJECT \
		localcloud --data other --project own --require-auth -- bash -c \
		'cd / && gcloud storage buckets create gs://its-own && gcloud storage ls && bq mk made && bq ls'
	assert_status 0
	assert_line gs://its-own/
	assert_output_contains "Dataset 'own:made' successfully created"
	assert_equal "$(stat -c %a other/token)" 600
}
