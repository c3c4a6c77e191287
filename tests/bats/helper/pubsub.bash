# A Pub/Sub server for a suite: localcloud's, or the official emulator. After helper/common,
# helper/server and helper/localcloud.
#
#   pubsub_start [emulator]   start localcloud, or the emulator, and export PUBSUB_EMULATOR_HOST
#   pubsub_stop
#   pubsub_topic NAME
#   pubsub_subscription NAME TOPIC [MEMBERS]   MEMBERS: more of its JSON, '"ackDeadlineSeconds":30'
#   pubsub_publish TOPIC TEXT...   a message each
#   pubsub_post PATH BODY   any call under /v1/projects/$PROJECT/

PROJECT=${PROJECT:-test-project}
export PROJECT

# The emulator's program; it needs no gcloud, only java.
pubsub_emulator() {
	local root

	command -v gcloud >/dev/null && command -v java >/dev/null || return 1
	root=$(gcloud info --format='value(installation.sdk_root)' 2>/dev/null) || return 1
	[[ -x $root/platform/pubsub-emulator/bin/cloud-pubsub-emulator ]] || return 1
	echo "$root/platform/pubsub-emulator/bin/cloud-pubsub-emulator"
}

pubsub_start() {
	local program port

	if [[ ${1:-} != emulator ]]; then
		localcloud_start
		export PUBSUB_EMULATOR_HOST=${LOCALCLOUD_URL#http://}
		return
	fi
	program=$(pubsub_emulator)
	port=$(server_free_port)
	JAVA_TOOL_OPTIONS='-Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1' \
		"$program" --host=127.0.0.1 --port="$port" &>"$BATS_RUN_TMPDIR/pubsub.log" </dev/null 3>&- &
	export PUBSUB_PID=$! PUBSUB_EMULATOR_HOST=127.0.0.1:$port GOOGLE_CLOUD_PROJECT=$PROJECT
	curl -s --retry 100 --retry-delay 1 --retry-connrefused --noproxy '*' -o /dev/null "http://$PUBSUB_EMULATOR_HOST/"
}

pubsub_stop() {
	if [[ -n ${PUBSUB_PID:-} ]]; then
		kill -TERM "$PUBSUB_PID" 2>/dev/null && tail --pid="$PUBSUB_PID" -s 0.05 -f /dev/null
		unset PUBSUB_PID
	else
		localcloud_stop
	fi
	unset PUBSUB_EMULATOR_HOST
}

pubsub_call() {
	curl -sS --fail-with-body --noproxy '*' --max-time 30 -H 'Content-Type: application/json' -X "$1" \
		--data-binary "$3" "http://$PUBSUB_EMULATOR_HOST/v1/projects/$PROJECT/$2"
}

pubsub_post() {
	pubsub_call POST "$@"
}

pubsub_topic() {
	pubsub_call PUT "topics/$1" '{}' >/dev/null
}

pubsub_subscription() {
	pubsub_call PUT "subscriptions/$1" \
		"{\"topic\":\"projects/$PROJECT/topics/$2\",\"ackDeadlineSeconds\":10${3:+,$3}}" >/dev/null
}

pubsub_publish() {
	local topic=$1 text
	shift

	for text; do
		printf '%s' "$text" | base64 -w 0 | jq -Rc '{data: .}'
	done | jq -sc '{messages: .}' | pubsub_call POST "topics/$topic:publish" @- >/dev/null
}

# pubsub_left SUBSCRIPTION: how many messages can be pulled now.
pubsub_left() {
	pubsub_post "subscriptions/$1:pull" '{"maxMessages":1000,"returnImmediately":true}' |
		jq '.receivedMessages // [] | length'
}
