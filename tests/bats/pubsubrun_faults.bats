#!/usr/bin/env bats
# pubsubrun where the server, or the way to it, fails: no message is lost.

load helper/common
load helper/server
load helper/localcloud
load helper/pubsub
load helper/pubsubrun

setup_file() {
	:
}

teardown_file() {
	:
}

setup() {
	pubsub_start
	NAME=sub SEEN=$BATS_TEST_TMPDIR/seen
	export SEEN
	: >"$SEEN"
	pubsub_topic sub
	subscribe '"enableMessageOrdering":true'
}

teardown() {
	[[ -z ${RUN:-} ]] || kill -KILL "$RUN" 2>/dev/null || true
	[[ -z ${OTHER:-} ]] || kill -KILL "$OTHER" 2>/dev/null || true
	pubsub_stop
}

# publish TEXT: all of one ordering key, so that the server gives the next one only when one is acknowledged.
publish() {
	with_key k "$1"
}

# What fault number N has met.
hits() {
	curl -fsS --noproxy '*' "$LOCALCLOUD_URL/faults" | jq ".faults[$1].hits"
}

@test "pulls that fail, and connections that are lost, are repeated" {
	fault '{"match":{"path":":pull"},"times":3,"fault":{"status":503,"reason":"backendError"}}'
	fault '{"match":{"path":":pull"},"times":2,"fault":{"drop":"before"}}'
	publish one
	serve --retry-initial 100ms -- tee -a "$SEEN"
	finish_after 1
	assert_equal "$(hits 0) $(hits 1)" "3 2" faults
}

@test "messages of an answer that was lost come again when the server's time for them is over" {
	fault '{"match":{"path":":pull"},"fault":{"drop":"after-effect"}}'
	publish one
	serve --retry-initial 100ms -- tee -a "$SEEN"
	finish_after 1
	assert_equal "$(hits 0)" 1 faults
	assert_equal "$(seen)" one seen
}

@test "an acknowledgement that fails is repeated, and COMMAND is not" {
	fault '{"match":{"path":":acknowledge"},"times":2,"fault":{"status":503,"reason":"backendError"}}'
	fault '{"match":{"path":":acknowledge"},"fault":{"drop":"before"}}'
	publish one
	publish two
	serve --retry-initial 100ms -- tee -a "$SEEN"
	# The second message is there only when the first is acknowledged.
	finish_after 2
	assert_equal "$(hits 0) $(hits 1)" "2 1" faults
	assert_equal "$(seen)" "one two" seen
}

@test "a lease that cannot be extended is lost, not the message: another does it, too" {
	fault '{"match":{"path":":modifyAckDeadline"},"times":100000,"fault":{"status":503,"reason":"backendError"}}'
	publish one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --retry-initial 100ms -- bash -c 'cat >>"$SEEN"; until [[ -e $SEEN.go ]]; do sleep 0.1; done'
	wait_until 10 has_seen 1
	pubsubrun -s sub -- tee -a "$SEEN" >/dev/null 2>&1 3>&- &
	OTHER=$!
	wait_until 30 has_seen 2
	touch "$SEEN.go"
	finish_after 2
	[[ $errors == *'is ours no longer and will come again'* ]] || _fail told
	assert_equal "$(seen)" "one one" seen
}

@test "messages that cannot be given back come again" {
	fault '{"match":{"path":":modifyAckDeadline"},"times":100000,"fault":{"status":503,"reason":"backendError"}}'
	publish one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --retry-initial 100ms -- bash -c 'cat >>"$SEEN"; (($(wc -l <"$SEEN") > 1))'
	finish_after 2
	assert_equal "$(seen)" "one one" seen
}

@test "messages that are too large for one answer come in several" {
	for i in 1 2 3; do
		{
			printf '{"messages":[{"data":"'
			head -c 7000000 /dev/zero | tr '\0' $i | base64 -w 0
			printf '"}]}'
		} >"$BATS_TEST_TMPDIR/message"
		pubsub_post topics/sub:publish "@$BATS_TEST_TMPDIR/message" >/dev/null
	done
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --batch 4 -- bash -c 'jq -r ".[\"@message\"] | [.id, (.data | length)] | @csv" >>"$SEEN"'
	finish_after 3
	assert_equal "$(sort -u "$SEEN" | cut -d , -f 2 | sort | uniq -c | xargs)" "3 9333336" messages
	[[ $errors == *'the answer is larger than'*'1 messages are pulled at once'* ]] || _fail told
}

@test "a message that the server refuses to take back keeps none of the others" {
	publish one
	publish two
	fault '{"match":{"path":":acknowledge"},"fault":{"status":400,"reason":"INVALID_ARGUMENT"}}'
	serve --retry-initial 100ms -- tee -a "$SEEN"
	# The first is given up, so it comes again when its time is over; then both are done.
	finish_after 3
	assert_equal "$(seen)" "one one two" seen
	[[ $errors == *'may come again'* ]] || _fail told
}

@test "who may not look at the subscription may pull" {
	fault '{"match":{"method":"GET","path":"/subscriptions/sub"},"fault":{"status":403,"reason":"PERMISSION_DENIED"}}'
	publish one
	serve --retry-initial 100ms -- tee -a "$SEEN"
	finish_after 1
	[[ $errors == *'cannot be looked at (pubsub.subscriptions.get)'* ]] || _fail told
}

@test "a pull that is forbidden is 77, a subscription that has gone 69, a server that has gone 75" {
	fault '{"match":{"path":":pull"},"fault":{"status":403,"reason":"PERMISSION_DENIED"}}'
	run pubsubrun -s sub -- cat
	assert_status 77
	serve --retry-initial 100ms --retry-for 1s -- cat
	pulls() { [[ $(curl -fsS --noproxy '*' "$LOCALCLOUD_URL/requests") == *:pull* ]]; }
	wait_until 10 pulls
	pubsub_call DELETE subscriptions/sub '' >/dev/null
	status=0
	wait "$RUN" || status=$?
	assert_status 69
	subscribe
	serve --retry-initial 100ms --retry-for 1s -- cat
	publish one
	localcloud_stop
	status=0
	wait "$RUN" || status=$?
	RUN=
	assert_status 75
}

@test "a push subscription cannot be pulled" {
	# Neither localcloud's: a stand-in for one request.
	python3 -c '
import http.server, json
class Subscription(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"name": self.path[4:], "ackDeadlineSeconds": 10, "pushConfig": {"pushEndpoint": "https://example.com/x"}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = http.server.HTTPServer(("127.0.0.1", 0), Subscription)
server.timeout = 20
print(server.server_port, flush=True)
server.handle_request()' >"$BATS_TEST_TMPDIR/port" 2>/dev/null 3>&- &
	OTHER=$!
	wait_until 10 test -s "$BATS_TEST_TMPDIR/port"
	PUBSUB_EMULATOR_HOST=127.0.0.1:$(<"$BATS_TEST_TMPDIR/port") run pubsubrun -s sub -- cat
	assert_status 78
	assert_output_contains 'pushes its messages to https://example.com/x'
}
