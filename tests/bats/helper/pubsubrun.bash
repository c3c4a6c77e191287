# What the suites of pubsubrun share; after helper/pubsub. Each has a server for all its tests: localcloud, or, where
# the suite is called ..._emulator, the official emulator.
#
#   subscribe [MEMBERS]   subscription $NAME of topic $NAME, both this test's own
#   serve [OPTION]... -- COMMAND...   pubsubrun in the background, as $RUN; its log goes to $BATS_TEST_TMPDIR/errors
#   finish_after N        wait until COMMAND has written N lines into $SEEN, then end pubsubrun in order
#   seen                  the data of the messages in $SEEN, in order
#   with_key KEY TEXT...  publish a message each, in this order

setup_file() {
	if [[ $BATS_TEST_FILENAME == *_emulator.bats ]]; then
		pubsub_emulator >/dev/null || skip "the official Pub/Sub emulator is not installed"
		pubsub_start emulator
	else
		pubsub_start
	fi
}

teardown_file() {
	pubsub_stop
}

setup() {
	NAME=t-$BATS_TEST_NUMBER-$RANDOM
	SEEN=$BATS_TEST_TMPDIR/seen
	export SEEN
	: >"$SEEN"
	pubsub_topic "$NAME"
}

teardown() {
	[[ -z ${RUN:-} ]] || kill -KILL "$RUN" 2>/dev/null || true
}

subscribe() {
	pubsub_subscription "$NAME" "$NAME" "${1:-}"
}

serve() {
	pubsubrun -s "$NAME" "$@" >/dev/null 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	RUN=$!
}

has_seen() {
	(($(wc -l <"$SEEN") >= $1))
}

finish_after() {
	wait_until 20 has_seen "$1"
	kill -TERM "$RUN"
	# shellcheck disable=SC2034 # both are for the tests
	{
		status=0
		wait "$RUN" || status=$?
		RUN=
		errors=$(<"$BATS_TEST_TMPDIR/errors")
	}
	assert_status 143
}

seen() {
	jq -r '.["@message"].data | @base64d' "$SEEN" | paste -sd ' '
}

with_key() {
	local text

	for text in "${@:2}"; do
		pubsub_post "topics/$NAME:publish" "{\"messages\":[{\"data\":\"$(printf %s "$text" | base64)\",\"orderingKey\":\"$1\"}]}" >/dev/null
	done
}
