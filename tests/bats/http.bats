#!/usr/bin/env bats
# TLS and proxies, as bqload meets them. The server is OpenSSL's own: it answers with a page that is no API's.

# shellcheck disable=SC2030,SC2031 # each test has its own SSL_CERT_FILE

load helper/common

setup_file() {
	local directory=$BATS_FILE_TMPDIR
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$directory/key.pem" -out "$directory/cert.pem" 2>/dev/null
	# The server opens its log when it comes to run, which may be later than tail does.
	: >"$directory/server.log"
	openssl s_server -accept 127.0.0.1:0 -www -key "$directory/key.pem" -cert "$directory/cert.pem" \
		>>"$directory/server.log" 2>&1 3>&- &
	echo $! >"$directory/server.pid"
	# It says on which port once it listens.
	timeout 10 tail -n +1 -f --pid=$! "$directory/server.log" 2>/dev/null | grep -m1 -o 'ACCEPT .*:[0-9]*' >"$directory/port"
	PORT=$(grep -o '[0-9]*$' "$directory/port")
	export PORT GOOGLE_CLOUD_PROJECT=test-project
}

teardown_file() {
	kill "$(<"$BATS_FILE_TMPDIR/server.pid")"
}

# load_at URL: a load into the API there, without authentication.
load_at() {
	printf '{"@begin":{"version":1,"schema":{"fields":[{"name":"id","type":"INTEGER"}]}}}\n{"id":1}\n{"@end":{"rows":1}}\n' \
		>"$BATS_TEST_TMPDIR/stream"
	BIGQUERY_EMULATOR_HOST=$1 run bqload --retry-initial 10ms --retry-for 100ms d.t <"$BATS_TEST_TMPDIR/stream"
}

@test "a certificate that nobody vouches for is refused" {
	load_at "https://localhost:$PORT"
	assert_status 69
	assert_output_contains 'localhost: its certificate is not accepted'
}

@test "SSL_CERT_FILE names who vouches" {
	export SSL_CERT_FILE=$BATS_FILE_TMPDIR/cert.pem
	load_at "https://localhost:$PORT"
	assert_status 76
	assert_output_contains 'not JSON'
}

@test "a certificate for another name is refused" {
	export SSL_CERT_FILE=$BATS_FILE_TMPDIR/cert.pem
	load_at "https://127.0.0.1:$PORT"
	assert_status 69
}

@test "an SSL_CERT_FILE that cannot be read is a matter of configuration" {
	export SSL_CERT_FILE=/nonexistent.pem
	load_at "https://localhost:$PORT"
	assert_status 78
}

@test "HTTPS_PROXY is used, but not for loopback" {
	export HTTPS_PROXY=http://127.0.0.1:1
	load_at https://bigquery.invalid
	assert_status 75
	assert_output_contains 'cannot connect to bigquery.invalid through the proxy'
	load_at "https://localhost:$PORT"
	assert_status 69
}
