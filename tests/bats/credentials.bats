#!/usr/bin/env bats
# Who bqload says it is: against a localcloud that wants a live token for every call.

load helper/common
load helper/localcloud

# write_key FILE: a service account's key file, with a key made for it.
write_key() {
	openssl genrsa -out "$1.pem" 2048 2>/dev/null
	jq -n --rawfile key "$1.pem" --arg uri "${2:-}" '{type: "service_account", project_id: "test-project",
		private_key_id: "k1", private_key: $key, client_email: "loader@test-project.iam.gserviceaccount.com",
		token_uri: $uri}' >"$1"
}

setup_file() {
	export KEYS=$BATS_FILE_TMPDIR
	write_key "$KEYS/account.json"
	localcloud_start --require-auth --service-account "$KEYS/account.json"
	for file in account stranger; do
		[ -e "$KEYS/$file.json" ] || write_key "$KEYS/$file.json"
		jq --arg uri "$LOCALCLOUD_URL/token" '.token_uri = $uri' "$KEYS/$file.json" >"$KEYS/$file.new"
		mv "$KEYS/$file.new" "$KEYS/$file.json"
	done
	jq -n --arg uri "$LOCALCLOUD_URL/token" '{type: "authorized_user", client_id: "id", client_secret: "s3cr3t",
		refresh_token: "1//refresh", token_uri: $uri}' >"$KEYS/user.json"
	unset BIGQUERY_EMULATOR_HOST
	export GCE_METADATA_HOST=127.0.0.1:1
	local token
	token=$(curl -fsS -d 'grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=r' "$LOCALCLOUD_URL/token" |
		jq -r .access_token)
	curl -fsS -X POST -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
		"$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/datasets" -d '{"datasetReference":{"datasetId":"d"}}' >/dev/null
}

teardown_file() {
	localcloud_stop
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

stream() {
	printf '{"@begin":{"version":1,"schema":{"fields":[{"name":"id","type":"INTEGER"}]}}}\n{"id":1}\n{"@end":{"rows":1}}\n'
}

# bqload_as FILE [OPTION...]: with that key file, on the real server's path: authentication stays on.
bqload_as() {
	stream >"$BATS_TEST_TMPDIR/stream"
	run bqload --credentials "$KEYS/$1.json" --endpoint "bigquery=$LOCALCLOUD_URL" --retry-initial 10ms --retry-for 1s \
		"${@:2}" "d.t$BATS_TEST_NUMBER" <"$BATS_TEST_TMPDIR/stream"
	refute_output_contains s3cr3t
	refute_output_contains '1//refresh'
	refute_output_contains 'PRIVATE KEY'
	refute_output_contains ya29
}

@test "a service account's key signs its way in" {
	bqload_as account
	assert_status 0
}

@test "an authorized user's refresh token is exchanged" {
	bqload_as user
	assert_status 0
}

@test "GOOGLE_APPLICATION_CREDENTIALS keeps authentication on at an emulator too" {
	stream >"$BATS_TEST_TMPDIR/stream"
	GOOGLE_APPLICATION_CREDENTIALS=$KEYS/account.json BIGQUERY_EMULATOR_HOST=$LOCALCLOUD_URL run bqload d.emu <"$BATS_TEST_TMPDIR/stream"
	assert_status 0
	BIGQUERY_EMULATOR_HOST=$LOCALCLOUD_URL run bqload d.emu2 <"$BATS_TEST_TMPDIR/stream"
	assert_status 77
}

@test "the metadata server of a VM is the last resort" {
	stream >"$BATS_TEST_TMPDIR/stream"
	GCE_METADATA_HOST=${LOCALCLOUD_URL#http://} run bqload --endpoint "bigquery=$LOCALCLOUD_URL" d.meta <"$BATS_TEST_TMPDIR/stream"
	assert_status 0
}

@test "no credentials anywhere is 77 and says where it looked" {
	stream >"$BATS_TEST_TMPDIR/stream"
	run bqload --endpoint "bigquery=$LOCALCLOUD_URL" d.none <"$BATS_TEST_TMPDIR/stream"
	assert_status 77
	assert_output_contains GOOGLE_APPLICATION_CREDENTIALS
}

@test "tokens that expire under way are fetched anew, once each" {
	fault '{"match":{"method":"PUT"},"times":1,"fault":{"expireTokens":true}}'
	bqload_as account
	assert_status 0
}

@test "a revoked refresh token is 77" {
	fault '{"match":{"path":"^/token"},"times":9,"fault":{"revokeGrant":true}}'
	bqload_as user
	assert_status 77
	assert_output_contains 'revoked'
}

@test "a key that does not belong to the account is 77" {
	bqload_as stranger
	assert_status 77
}

@test "a server that refuses every token is 77, after one new token" {
	fault '{"match":{"path":"/bigquery"},"times":100,"fault":{"status":401,"reason":"authError"}}'
	bqload_as account
	assert_status 77
}

@test "accessDenied is 77 and not repeated" {
	fault '{"match":{"path":"/bigquery"},"times":1,"fault":{"status":403,"reason":"accessDenied"}}'
	bqload_as account
	assert_status 77
}

@test "a key file that is missing, no JSON, of another type or without a field is named, and never shown" {
	bqload_as absent
	assert_status 78
	assert_output_contains "$KEYS/absent.json"
	echo 'PRIVATE KEY' >"$KEYS/broken.json"
	bqload_as broken
	assert_status 78
	assert_output_contains "$KEYS/broken.json"
	echo '{"type":"external_account"}' >"$KEYS/external.json"
	bqload_as external
	assert_status 78
	assert_output_contains external_account
	jq 'del(.client_email)' "$KEYS/account.json" >"$KEYS/part.json"
	bqload_as part
	assert_status 78
	assert_output_contains client_email
}

@test "credentials do not travel in clear text" {
	stream >"$BATS_TEST_TMPDIR/stream"
	run bqload --credentials "$KEYS/account.json" --endpoint bigquery=http://bigquery.example.com d.t <"$BATS_TEST_TMPDIR/stream"
	assert_status 78
}
