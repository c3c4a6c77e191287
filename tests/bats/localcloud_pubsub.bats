#!/usr/bin/env bats
# localcloud's Pub/Sub: topics, subscriptions, and messages that are leased until somebody has seen to them.

load helper/common
load helper/localcloud

setup() {
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_TEST_TMPDIR/cloud
	localcloud_start
	cd "$BATS_TEST_TMPDIR" || return 1
	call PUT topics/jobs '{}'
	call PUT subscriptions/sub '{"topic":"projects/testp/topics/jobs"}'
}

teardown() {
	localcloud_stop
}

# call METHOD PATH [BODY]: leaves answer and code
call() {
	code=$(curl -sS --max-time 100 --noproxy '*' -o answer -w '%{http_code}' -X "$1" ${3:+--data-binary "$3"} \
		"$LOCALCLOUD_URL/v1/projects/testp/$2")
}

# refused CODE STATUS MESSAGE METHOD PATH [BODY]
refused() {
	call "${@:4}"
	assert_equal "$(jq -c '[.error.code,.error.status,.error.message]' answer)" "[$1,\"$2\",\"$3\"]"
	assert_equal "$code" "$1"
}

# publish TEXT [KEY]...: one request a message
publish() {
	local text=$1 key=${2:-}

	call POST topics/jobs:publish "$(jq -nc --arg t "$text" --arg k "$key" \
		'{messages:[{data:($t|@base64)} + (if $k == "" then {} else {orderingKey:$k} end)]}')"
	assert_equal "$code" 200
}

# pull [SUBSCRIPTION [MAX]]: what is there now; prints the data
pull() {
	call POST "subscriptions/${1:-sub}:pull" "{\"maxMessages\":${2:-10},\"returnImmediately\":true}"
	assert_equal "$code" 200
	texts
}

texts() {
	jq -r '[.receivedMessages[]?.message.data | @base64d] | join(" ")' answer
}

# ids [FILTER]: the ackIds of the last answer
ids() {
	jq -c '[.receivedMessages[].ackId]'"${1:-}" answer
}

# acknowledge IDS [SUBSCRIPTION]
acknowledge() {
	call POST "subscriptions/${2:-sub}:acknowledge" "{\"ackIds\":$1}"
	assert_equal "$code" 200
}

# deadline IDS SECONDS [SUBSCRIPTION]
deadline() {
	call POST "subscriptions/${3:-sub}:modifyAckDeadline" "{\"ackIds\":$1,\"ackDeadlineSeconds\":$2}"
	assert_equal "$code" 200
}

@test "topics are made once, shown, listed by pages and deleted" {
	refused 409 ALREADY_EXISTS "Topic already exists" PUT topics/jobs '{}'
	call PUT topics/abc '{"labels":{"a":"b"}}'
	assert_equal "$(jq -c . answer)" '{"labels":{"a":"b"},"name":"projects/testp/topics/abc"}'
	call GET topics/abc
	assert_equal "$(jq -r .labels.a answer)" b
	call GET 'topics?pageSize=1'
	assert_equal "$(jq -c '[.topics[].name]' answer)" '["projects/testp/topics/abc"]'
	call GET "topics?pageSize=1&pageToken=$(jq -r .nextPageToken answer)"
	assert_equal "$(jq -c '[[.topics[].name],.nextPageToken]' answer)" '[["projects/testp/topics/jobs"],null]'
	call GET topics/jobs/subscriptions
	assert_equal "$(jq -c . answer)" '{"subscriptions":["projects/testp/subscriptions/sub"]}'
	call DELETE topics/jobs
	assert_equal "$code" 200
	refused 404 NOT_FOUND "Topic not found" GET topics/jobs
	call GET subscriptions/sub
	assert_equal "$(jq -r .topic answer)" _deleted-topic_
	for name in ab 1abc goog-x; do
		refused 400 INVALID_ARGUMENT "Invalid [topics] name: (name=projects/testp/topics/$name)" PUT "topics/$name" '{}'
	done
	refused 400 INVALID_ARGUMENT "Payload isn't valid for request." PUT topics/abcd '{"x":1}'
}

@test "a subscription has defaults, and is refused where it asks for what is not done" {
	call GET subscriptions/sub
	assert_equal "$(jq -cS . answer)" '{"ackDeadlineSeconds":10,"messageRetentionDuration":"604800s","name":"projects/testp/subscriptions/sub","pushConfig":{},"topic":"projects/testp/topics/jobs"}'
	new() { refused "$1" "$2" "$3" PUT subscriptions/new "{\"topic\":\"projects/testp/topics/jobs\"$4}"; }
	new 400 INVALID_ARGUMENT "ack_deadline_secs out of bounds" ',"ackDeadlineSeconds":9'
	new 400 INVALID_ARGUMENT "ack_deadline_secs out of bounds" ',"ackDeadlineSeconds":601'
	new 400 OUT_OF_RANGE "The value for max_delivery_attempts is too small. You passed 3 in the request, but the minimum value is 5." \
		',"deadLetterPolicy":{"deadLetterTopic":"projects/testp/topics/jobs","maxDeliveryAttempts":3}'
	new 501 UNIMPLEMENTED "localcloud does not do filter." ',"filter":"attributes:a"'
	new 501 UNIMPLEMENTED "localcloud does not push messages." ',"pushConfig":{"pushEndpoint":"http://x"}'
	new 501 UNIMPLEMENTED "localcloud does not do enableExactlyOnceDelivery." ',"enableExactlyOnceDelivery":true'
	refused 404 NOT_FOUND "Subscription topic does not exist" PUT subscriptions/new '{"topic":"projects/testp/topics/none"}'
	refused 409 ALREADY_EXISTS "Subscription already exists" PUT subscriptions/sub '{"topic":"projects/testp/topics/jobs"}'
	call GET subscriptions
	assert_equal "$(jq -c '[.subscriptions[].name]' answer)" '["projects/testp/subscriptions/sub"]'
	call DELETE subscriptions/sub
	assert_equal "$code $(<answer)" "200 {}"
	refused 404 NOT_FOUND "Subscription does not exist" POST subscriptions/sub:pull '{"maxMessages":1}'
}

@test "every subscription gets a message once, until it is acknowledged" {
	call PUT subscriptions/second '{"topic":"projects/testp/topics/jobs"}'
	call POST topics/jobs:publish '{"messages":[{"data":"b25l","attributes":{"k":"v"}},{"attributes":{"only":"this"}}]}'
	first=$(jq -r '.messageIds[0]' answer)
	assert_equal "$(jq '.messageIds | length' answer)" 2
	pull >/dev/null
	assert_equal "$(jq -c '.receivedMessages[0].message | [.data,.attributes,.messageId,.orderingKey]' answer)" "[\"b25l\",{\"k\":\"v\"},\"$first\",null]"
	jq -e '.receivedMessages[0] | (.message.publishTime | fromdateiso8601? // test("^20..-.*Z$")) and (has("deliveryAttempt") | not)' answer
	acknowledge "$(ids)"
	acknowledge '["projects/testp/subscriptions/sub:999-999","garbage"]'
	assert_equal "$(pull)" ""
	assert_equal "$(<answer)" "{}"
	pull second >/dev/null
	assert_equal "$(jq '.receivedMessages | length' answer)" 2
}

@test "what is published is checked" {
	no() { refused 400 INVALID_ARGUMENT "$1" POST topics/jobs:publish "$2"; }
	no "No messages to publish" '{"messages":[]}'
	no "Some messages are empty" '{"messages":[{"data":""}]}'
	no "Payload isn't valid for request." '{"messages":[{"data":"Q@"}]}'
	no "Payload isn't valid for request." '{"messages":[{"data":"QQ==","x":1}]}'
	no "Payload isn't valid for request." 'nojson'
	no "In a single publish request, all messages must have no ordering key or they must all have the same ordering key." \
		'{"messages":[{"data":"QQ==","orderingKey":"a"},{"data":"QQ=="}]}'
	no "The value for message_count is too large: at most 1000." "$(jq -nc '{messages:[range(1001)|{data:"QQ=="}]}')"
	printf '{"messages":[{"data":"%s"}]}' "$(head -c 10000001 /dev/zero | base64 -w 0)" >large
	no "The value for request_size is too large: at most 10000000 bytes." @large
	refused 404 NOT_FOUND "Topic not found" POST topics/none:publish '{"messages":[{"data":"QQ=="}]}'
	call POST topics/jobs:nothing '{}'
	assert_equal "$code" 404
	assert_equal "$(pull)" ""
}

@test "a pull is checked, and takes as many as it is allowed" {
	no() { refused 400 INVALID_ARGUMENT "$1" POST "$2" "$3"; }
	no "No max_messages specified" subscriptions/sub:pull '{}'
	no "Payload isn't valid for request." subscriptions/sub:pull '{"maxMessages":1,"x":1}'
	no "No ack ids specified." subscriptions/sub:acknowledge '{"ackIds":[]}'
	no "Ack deadline cannot be negative" subscriptions/sub:modifyAckDeadline '{"ackIds":["a"],"ackDeadlineSeconds":-1}'
	no "ack_deadline_secs out of bounds" subscriptions/sub:modifyAckDeadline '{"ackIds":["a"],"ackDeadlineSeconds":601}'
	for text in 1 2 3; do
		publish "$text"
	done
	assert_equal "$(pull sub 2)" "1 2"
	assert_equal "$(pull sub 2)" 3
}

@test "a pull waits for the next message" {
	curl -sS --max-time 60 -o waited -X POST -d '{"maxMessages":10}' "$LOCALCLOUD_URL/v1/projects/testp/subscriptions/sub:pull" 3>&- &
	client=$!
	publish late
	wait "$client"
	assert_equal "$(jq -r '.receivedMessages[].message.data|@base64d' waited)" late
}

@test "a client that has gone gets nothing" {
	run curl -sS --max-time 0.5 -X POST -d '{"maxMessages":10}' "$LOCALCLOUD_URL/v1/projects/testp/subscriptions/sub:pull"
	assert_status 28
	publish text
	assert_equal "$(pull)" text
}

@test "a stop of the server ends the pulls that wait" {
	curl -sS --max-time 60 -o waited -X POST -d '{"maxMessages":10}' "$LOCALCLOUD_URL/v1/projects/testp/subscriptions/sub:pull" 2>/dev/null 3>&- &
	client=$!
	wait_until 10 request_is_open
	SECONDS=0
	localcloud_stop
	((SECONDS < 20))
	wait "$client" || true
}

request_is_open() {
	[[ -n $(ss -Htn state established "( dport = :${LOCALCLOUD_URL##*:} )") ]]
}

@test "what is given back comes again; a lease that runs out as well, and then extends no more" {
	publish text
	assert_equal "$(pull)" text
	first=$(ids)
	assert_equal "$(pull)" ""
	deadline "$first" 0
	assert_equal "$(pull)" text
	second=$(ids)
	deadline "$second" 1
	wait_until 10 comes_again
	third=$(ids)
	[[ $second != "$third" ]]
	# The second lease is over: it cannot take the message from the third.
	deadline "$second" 0
	assert_equal "$(pull)" ""
	# Late is as good as in time.
	acknowledge "$second"
	deadline "$third" 0
	assert_equal "$(pull)" ""
}

comes_again() {
	[[ $(pull "$@") == text ]]
}

@test "a lease is extended" {
	publish text
	pull >/dev/null
	id=$(ids)
	deadline "$id" 1
	deadline "$id" 600
	run wait_until 2 comes_again
	[[ $status -ne 0 ]]
}

@test "messages of one key come in order, one at a time; without ordering at once" {
	call PUT subscriptions/ordered '{"topic":"projects/testp/topics/jobs","enableMessageOrdering":true}'
	for text in 1 2 3; do
		publish "$text" k
	done
	publish other l
	publish free
	assert_equal "$(pull ordered)" "1 other free"
	one=$(ids '[:1]')
	assert_equal "$(pull ordered)" ""
	deadline "$one" 0 ordered
	assert_equal "$(pull ordered)" 1
	acknowledge "$(ids)" ordered
	assert_equal "$(pull ordered)" 2
	assert_equal "$(pull sub)" "1 2 3 other free"
}

@test "a message that nobody can use goes to the dead letters after five attempts, and waits in between" {
	call PUT topics/dead '{}'
	call PUT subscriptions/graves '{"topic":"projects/testp/topics/dead"}'
	call PUT subscriptions/work '{"topic":"projects/testp/topics/jobs","deadLetterPolicy":{"deadLetterTopic":"projects/testp/topics/dead"},"retryPolicy":{"minimumBackoff":"0.5s","maximumBackoff":"1s"}}'
	publish text
	for attempt in 1 2 3 4 5; do
		wait_until 20 comes_again work
		assert_equal "$(jq '.receivedMessages[0].deliveryAttempt' answer)" "$attempt"
		((attempt == 1 || ${EPOCHREALTIME//./} - given_back > (attempt == 2 ? 500000 : 1000000)))
		given_back=${EPOCHREALTIME//./}
		deadline "$(ids)" 0 work
	done
	wait_until 10 comes_again graves
	assert_equal "$(jq -c '.receivedMessages[0].message.attributes | del(.CloudPubSubDeadLetterSourceTopicPublishTime)' answer)" \
		'{"CloudPubSubDeadLetterSourceDeliveryCount":"5","CloudPubSubDeadLetterSourceSubscription":"work","CloudPubSubDeadLetterSourceSubscriptionProject":"testp"}'
	run wait_until 2 comes_again work
	[[ $status -ne 0 ]]
}

@test "tokens and faults are for Pub/Sub too" {
	fault '{"match":{"path":":publish"},"fault":{"status":503,"reason":"backendError"}}'
	call POST topics/jobs:publish '{"messages":[{"data":"QQ=="}]}'
	assert_equal "$code $(jq -r '.error.status + (.error | has("errors") | tostring)' answer)" "503 UNAVAILABLEfalse"
	fault '{"match":{"path":":publish"},"fault":{"drop":"after-effect"}}'
	call POST topics/jobs:publish '{"messages":[{"data":"QQ=="}]}' || true
	assert_equal "$(pull)" A
	localcloud_stop
	localcloud_start --require-auth
	call GET topics
	assert_equal "$code $(jq -r .error.status answer)" "401 UNAUTHENTICATED"
}

@test "gcloud pubsub publishes, pulls and acknowledges" {
	command -v gcloud >/dev/null || skip "gcloud is not installed"
	echo token >token
	export CLOUDSDK_CONFIG=$PWD/config CLOUDSDK_CORE_DISABLE_PROMPTS=1 CLOUDSDK_CORE_PROJECT=testp CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true
	export CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=$PWD/token CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB=$LOCALCLOUD_URL/
	export CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1
	run gcloud pubsub topics create made
	assert_status 0
	run gcloud pubsub subscriptions create gsub --topic=made --ack-deadline=20 --enable-message-ordering
	assert_status 0
	run gcloud pubsub topics publish made --message=hello --attribute=a=b
	assert_status 0
	run --separate-stderr gcloud pubsub subscriptions pull gsub --auto-ack --format=json
	assert_status 0
	assert_equal "$(jq -r '.[0].message.data|@base64d' <<<"$output")" hello
	assert_equal "$(pull gsub)" ""
}
