#!/usr/bin/env bats
# pubsubrun and time: leases that are extended, that run out, and messages that come until they are dead letters.
#
# With localcloud; pubsubrun_leases_emulator.bats, a link to this file, with the official emulator.

load helper/common
load helper/server
load helper/localcloud
load helper/pubsub
load helper/pubsubrun

@test "messages are ours while COMMAND runs, longer than the server lends them" {
	subscribe
	pubsub_publish "$NAME" slow
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve -- bash -c 'cat >>"$SEEN"; until [[ -e $SEEN.go ]]; do sleep 0.1; done'
	wait_until 10 has_seen 1
	# Another subscriber gets nothing, now and after the ten seconds of the subscription.
	run_split pubsubrun -s "$NAME" --idle-exit 12s -- tee -a "$SEEN.other"
	[ "$status" -eq 0 ]
	touch "$SEEN.go"
	finish_after 1
	[ ! -s "$SEEN.other" ]
	assert_equal "$(seen)" slow seen
	assert_equal "$(pubsub_left "$NAME")" 0 left
}

@test "a dead-letter policy moves away what always fails; the server counts" {
	pubsub_topic "$NAME-dead"
	pubsub_subscription "$NAME-dead" "$NAME-dead"
	subscribe "\"deadLetterPolicy\":{\"deadLetterTopic\":\"projects/$PROJECT/topics/$NAME-dead\",\"maxDeliveryAttempts\":5}"
	pubsub_publish "$NAME" bad
	serve -- bash -c 'cat >>"$SEEN"; exit 1'
	run_split timeout 60 pubsubrun -s "$NAME-dead" -- bash -c 'tee "$SEEN.dead"; kill -TERM $PPID'
	assert_output_contains "$(printf bad | base64)"
	finish_after 5
	[[ $errors != *'dead-letter policy'* ]] || _fail warned
	assert_equal "$(jq -c '.["@message"].deliveryAttempt' "$SEEN" | paste -sd ' ')" "1 2 3 4 5" attempts
}

@test "kill -9 ends COMMAND too, and loses nothing" {
	subscribe
	pubsub_publish "$NAME" one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve -- bash -c 'echo $$ >"$SEEN.pid"; cat >>"$SEEN"; exec sleep 100'
	wait_until 10 has_seen 1
	kill -KILL "$RUN"
	wait "$RUN" || true
	gone() { ! kill -0 "$(<"$SEEN.pid")" 2>/dev/null; }
	wait_until 5 gone
	serve -- tee -a "$SEEN"
	finish_after 2
	assert_equal "$(seen)" "one one" seen
}
