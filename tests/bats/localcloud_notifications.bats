#!/usr/bin/env bats
# localcloud tells Pub/Sub topics of what happens to objects, as the buckets' notification configurations say.

load helper/common
load helper/localcloud

setup() {
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_TEST_TMPDIR/cloud
	unset PUBSUB_EMULATOR_HOST
	localcloud_start
	gcs_bucket bkt
	cd "$BATS_TEST_TMPDIR" || return 1
	pubsub PUT topics/jobs '{}'
	pubsub PUT subscriptions/sub '{"topic":"projects/testp/topics/jobs"}'
	echo text >file
}

teardown() {
	localcloud_stop
}

pubsub() {
	localcloud_curl --fail-with-body -X "$1" --data-binary "$3" "$LOCALCLOUD_URL/v1/projects/testp/$2" >/dev/null
}

# configure [MEMBERS]: notifications of bkt to the topic; prints the configuration
configure() {
	gcs_api POST b/bkt/notificationConfigs '{"topic":"projects/testp/topics/jobs","payload_format":"JSON_API_V1"'"${1:-}"'}'
}

# next: waits for the next message and acknowledges it; leaves message
next() {
	localcloud_curl --fail-with-body -o pulled -X POST -d '{"maxMessages":1}' "$LOCALCLOUD_URL/v1/projects/testp/subscriptions/sub:pull"
	pubsub POST subscriptions/sub:acknowledge "$(jq -c '{ackIds:[.receivedMessages[].ackId]}' pulled)"
	jq '.receivedMessages[0].message' pulled >message
}

attribute() {
	jq -r ".attributes.$1" message
}

@test "configurations are made, shown, listed and deleted, and end with the bucket" {
	configure ',"event_types":["OBJECT_FINALIZE"],"object_name_prefix":"in/","custom_attributes":{"k":"v"}' >made
	id=$(jq -r .id made)
	assert_equal "$(jq -cS 'del(.etag,.id,.selfLink)' made)" \
		'{"custom_attributes":{"k":"v"},"event_types":["OBJECT_FINALIZE"],"kind":"storage#notification","object_name_prefix":"in/","payload_format":"JSON_API_V1","topic":"//pubsub.googleapis.com/projects/testp/topics/jobs"}'
	assert_equal "$(gcs_api GET "b/bkt/notificationConfigs/$id" | jq -S .)" "$(jq -S . made)"
	assert_equal "$(gcs_api GET b/bkt/notificationConfigs | jq -c '[.kind,(.items|length)]')" '["storage#notifications",1]'
	gcs_api DELETE "b/bkt/notificationConfigs/$id"
	assert_equal "$(gcs_api GET b/bkt/notificationConfigs)" '{"kind":"storage#notifications"}'
	run gcs_api GET "b/bkt/notificationConfigs/$id"
	assert_output_contains '"reason":"notFound"'
	run gcs_api GET b/none/notificationConfigs
	assert_output_contains "The specified bucket does not exist."
	configure >/dev/null
	gcs_api DELETE b/bkt
	gcs_bucket bkt
	assert_equal "$(gcs_api GET b/bkt/notificationConfigs)" '{"kind":"storage#notifications"}'
}

@test "what is no configuration is refused, and more than ten for an event" {
	no() {
		run gcs_api POST b/bkt/notificationConfigs "$1"
		assert_output_contains "$2"
	}
	no '{"topic":"jobs","payload_format":"NONE"}' "Invalid Google Cloud Pub/Sub topic: 'jobs'"
	no '{"topic":"projects/testp/topics/jobs"}' '"reason":"required"'
	no '{"topic":"projects/testp/topics/jobs","payload_format":"XML"}' "Invalid payload_format: 'XML'"
	no '{"topic":"projects/testp/topics/jobs","payload_format":"NONE","event_types":["OBJECT"]}' "Invalid event type: 'OBJECT'"
	no '{"topic":"projects/testp/topics/jobs","payload_format":"NONE","custom_attributes":{"k":1}}' "custom_attributes.k"
	for ((i = 0; i < 10; i++)); do
		configure ',"event_types":["OBJECT_DELETE"]' >/dev/null
	done
	no '{"topic":"projects/testp/topics/jobs","payload_format":"NONE"}' "at most 10 notification configurations for OBJECT_DELETE"
	configure ',"event_types":["OBJECT_FINALIZE"]' >/dev/null
}

@test "a new object, its replacement, its update and its end are told, with the documented attributes" {
	id=$(configure ',"custom_attributes":{"k":"v"}' | jq -r .id)
	one=$(gcs_put bkt dir/a file | jq -r .generation)
	next
	assert_equal "$(jq -cS '.attributes | del(.eventTime)' message)" "$(jq -ncS --arg id "$id" --arg g "$one" '{k:"v",
		notificationConfig:("projects/_/buckets/bkt/notificationConfigs/" + $id),eventType:"OBJECT_FINALIZE",
		payloadFormat:"JSON_API_V1",bucketId:"bkt",objectId:"dir/a",objectGeneration:$g}')"
	[[ $(attribute eventTime) =~ ^20..-..-..T..:..:..\.[0-9]{6}Z$ ]]
	assert_equal "$(jq -r '.data|@base64d|fromjson' message | jq -S .)" "$(gcs_api GET b/bkt/o/dir%2Fa | jq -S .)"
	two=$(gcs_put bkt dir/a file | jq -r .generation)
	next
	assert_equal "$(attribute eventType) $(attribute objectGeneration) $(attribute overwrittenByGeneration)" "OBJECT_DELETE $one $two"
	next
	assert_equal "$(attribute eventType) $(attribute objectGeneration) $(attribute overwroteGeneration)" "OBJECT_FINALIZE $two $one"
	gcs_api PATCH b/bkt/o/dir%2Fa '{"metadata":{"x":"y"}}' >/dev/null
	next
	assert_equal "$(attribute eventType) $(jq -r '.data|@base64d|fromjson.metadata.x' message)" "OBJECT_METADATA_UPDATE y"
	gcs_api DELETE b/bkt/o/dir%2Fa
	next
	assert_equal "$(attribute eventType) $(attribute objectGeneration) $(attribute overwrittenByGeneration)" "OBJECT_DELETE $two null"
}

@test "only the events and names that were asked for are told, without data where asked" {
	gcs_api POST b/bkt/notificationConfigs '{"topic":"//pubsub.googleapis.com/projects/testp/topics/jobs","payload_format":"NONE","event_types":["OBJECT_FINALIZE"],"object_name_prefix":"in/"}' >/dev/null
	gcs_put bkt out/a file >/dev/null
	gcs_put bkt in/a file >/dev/null
	gcs_api DELETE b/bkt/o/in%2Fa
	gcs_put bkt in/b file -H 'x-goog-hash: crc32c=AAAAAA==' >/dev/null || true
	gcs_api POST b/bkt/o/in%2Fc/compose '{"sourceObjects":[{"name":"out/a"}]}' >/dev/null
	gcs_api POST b/bkt/o/out%2Fa/rewriteTo/b/bkt/o/in%2Fd '{}' >/dev/null
	for name in a c d; do
		next
		assert_equal "$(attribute eventType) $(attribute objectId) $(attribute payloadFormat) $(jq -r .data message)" "OBJECT_FINALIZE in/$name NONE null"
	done
}

# elsewhere HOST COMMAND: a second localcloud, whose notifications go to HOST
elsewhere() {
	PUBSUB_EMULATOR_HOST=$1 localcloud --data second -- bash -c "$2"
}

@test "another Pub/Sub is told, though nobody answered there at first and the server ended" {
	elsewhere 127.0.0.1:9 'curl -sSf -X POST -d "{\"name\":\"far\"}" "$STORAGE_EMULATOR_HOST/storage/v1/b?project=p" &&
		curl -sSf -X POST -d "{\"topic\":\"projects/testp/topics/jobs\",\"payload_format\":\"NONE\"}" "$STORAGE_EMULATOR_HOST/storage/v1/b/far/notificationConfigs" &&
		curl -sSf -X POST -d text "$STORAGE_EMULATOR_HOST/upload/storage/v1/b/far/o?uploadType=media&name=early"'
	fault '{"match":{"path":":publish"},"fault":{"status":503,"reason":"backendError"}}'
	elsewhere "${LOCALCLOUD_URL#http://}" "curl -sSf --max-time 60 -X POST -d '{\"maxMessages\":1}' $LOCALCLOUD_URL/v1/projects/testp/subscriptions/sub:pull" >pulled
	assert_equal "$(jq -r '.receivedMessages[0].message.attributes | .bucketId + " " + .objectId' pulled)" "far early"
}

@test "an event for a topic that is not there is dropped with a warning, and holds up no other" {
	gcs_api POST b/bkt/notificationConfigs '{"topic":"projects/testp/topics/none","payload_format":"NONE"}' >/dev/null
	configure >/dev/null
	gcs_put bkt a file >/dev/null
	next
	assert_equal "$(attribute objectId)" a
	run cat "$LOCALCLOUD_DATA.log"
	assert_output_contains "OBJECT_FINALIZE of bkt/a: projects/testp/topics/none answered 404, so nobody is told"
}
