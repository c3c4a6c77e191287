#!/usr/bin/env bats
# pubsubrun against a Pub/Sub server: what is acknowledged, and what comes again.

load helper/common
load helper/server
load helper/pubsub

setup_file() {
	pubsub_emulator >/dev/null || skip "the Pub/Sub emulator is not installed"
	pubsub_start
}

teardown_file() {
	pubsub_stop
}

# A topic and a subscription of this test's own, both called $NAME.
setup() {
	NAME=t-$BATS_TEST_NUMBER-$RANDOM
	SEEN=$BATS_TEST_TMPDIR/seen
	export SEEN
	: >"$SEEN"
	pubsub_topic "$NAME"
}

subscribe() {
	pubsub_subscription "$NAME" "$NAME" "${1:-}"
}

# The data of all messages that COMMAND saw, in order.
seen() {
	jq -r '.["@message"].data | @base64d' "$SEEN" | paste -sd ' '
}

@test "a message is a line with all that it has" {
	subscribe
	pubsub_post "topics/$NAME:publish" '{"messages":[{"data":"eyJhIjoxLjEwLAogImIiOiAiw6kifQ==","attributes":{"k":"v\n"}}]}' >/dev/null
	run_split pubsubrun -s "$NAME" --idle-exit 1s -- tee -a "$SEEN"
	[ "$status" -eq 0 ]
	# Not through jq, which reads 1.10 as 1.1.
	assert_output_contains '"data":"eyJhIjoxLjEwLAogImIiOiAiw6kifQ=="'
	assert_output_contains $'"json":{"a":1.10,\t "b": "é"}'
	assert_output_contains '"attributes":{"k":"v\n"}'
	jq -e '.["@message"] | (.id | test("^[0-9]+$")) and (.publishTime | test("^20.*Z$"))' "$SEEN"
	assert_equal "$(pubsub_left "$NAME")" 0 left
}

@test "data that is no JSON, and none at all, have no json" {
	subscribe
	pubsub_publish "$NAME" 'plain text' $'{"a":"line\nend"}' $'{"a":"\xff"}' '{"a":1} x'
	pubsub_post "topics/$NAME:publish" '{"messages":[{"attributes":{"only":"this"}}]}' >/dev/null
	run_split pubsubrun -s "$NAME" --idle-exit 1s -- tee -a "$SEEN"
	[ "$status" -eq 0 ]
	assert_equal "$(wc -l <"$SEEN")" 5 lines
	refute_output_contains '"json"'
	assert_equal "$(grep -c '"data"' "$SEEN")" 4 data
}

@test "what COMMAND exits with decides; a failure comes again after 1, 2, 4 seconds" {
	subscribe
	pubsub_publish "$NAME" one
	run_split pubsubrun -s "$NAME" --idle-exit 5s -- bash -c 'cat >>"$SEEN"; date +%s%3N >>"$SEEN.times"; (($(wc -l <"$SEEN") > 3))'
	[ "$status" -eq 0 ]
	assert_equal "$(seen)" "one one one one" seen
	assert_equal "$(pubsub_left "$NAME")" 0 left
	mapfile -t at <"$SEEN.times"
	((at[1] - at[0] >= 900 && at[2] - at[1] >= 1900 && at[3] - at[2] >= 3900)) || _fail "${at[*]}"
}

@test "a poison message does not hold up the others of its batch" {
	subscribe
	pubsub_publish "$NAME" a b poison c d
	run_split pubsubrun -s "$NAME" --idle-exit 500ms -- bash -c 'x=$(cat); [[ $x != *'"$(printf poison | base64)"'* ]] || exit 65; echo "$x" >>"$SEEN"'
	[ "$status" -eq 0 ]
	assert_equal "$(seen | tr ' ' '\n' | sort | paste -sd ' ')" "a b c d" seen
	[[ $errors == *'the 5 messages of the batch are tried one by one'* && $errors == *'exit status 65'* ]] || _fail told
}

@test "exit status 0 without all of the input read is no success" {
	subscribe
	pubsub_publish "$NAME" one
	# shellcheck disable=SC2016 # for COMMAND's shell
	run_split pubsubrun -s "$NAME" --idle-exit 3s -- bash -c '[[ ! -e $SEEN.first ]] && { touch "$SEEN.first"; exit 0; }; cat >>"$SEEN"'
	[ "$status" -eq 0 ]
	assert_equal "$(seen)" one seen
	[[ $errors == *'has not read all of its input'* ]] || _fail told
}

@test "a large batch that is not read does not hang" {
	subscribe
	pubsub_publish "$NAME" "$(head -c 300000 /dev/zero | tr '\0' x)"
	# shellcheck disable=SC2016 # for COMMAND's shell
	run_split pubsubrun -s "$NAME" --idle-exit 3s -- bash -c '[[ ! -e $SEEN.first ]] && { touch "$SEEN.first"; exec <&-; exit 0; }; cat >>"$SEEN"'
	[ "$status" -eq 0 ]
	assert_equal "$(wc -l <"$SEEN")" 1 lines
}

@test "messages are ours while COMMAND runs, longer than the server lends them" {
	subscribe
	pubsub_publish "$NAME" slow
	# shellcheck disable=SC2016 # for COMMAND's shell
	pubsubrun -s "$NAME" --idle-exit 1s -- bash -c 'cat >>"$SEEN"; sleep 13' 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	wait_until 10 test -s "$SEEN"
	# Another subscriber gets nothing, now and after the ten seconds of the subscription.
	run_split pubsubrun -s "$NAME" --idle-exit 12s -- tee -a "$SEEN.other"
	[ "$status" -eq 0 ]
	wait
	[ ! -s "$SEEN.other" ]
	assert_equal "$(seen)" slow seen
	assert_equal "$(pubsub_left "$NAME")" 0 left
}

@test "of an ordering key nothing is done behind a failure, and then all in order" {
	subscribe '"enableMessageOrdering":true'
	for i in 1 2 3 4; do
		pubsub_post "topics/$NAME:publish" "{\"messages\":[{\"data\":\"$(printf 'k%s' $i | base64)\",\"orderingKey\":\"k\"}]}" >/dev/null
	done
	# shellcheck disable=SC2016 # for COMMAND's shell
	run_split pubsubrun -s "$NAME" --parallel 3 --idle-exit 3s -- bash -c '
		x=$(cat); [[ $x == *'"$(printf k2 | base64)"'* && ! -e $SEEN.first ]] && { touch "$SEEN.first"; exit 75; }; echo "$x" >>"$SEEN"'
	[ "$status" -eq 0 ]
	assert_equal "$(seen)" "k1 k2 k3 k4" seen
}

@test "a dead-letter policy moves away what always fails; the server counts" {
	pubsub_topic "$NAME-dead"
	pubsub_subscription "$NAME-dead" "$NAME-dead"
	subscribe "\"deadLetterPolicy\":{\"deadLetterTopic\":\"projects/$PROJECT/topics/$NAME-dead\",\"maxDeliveryAttempts\":5}"
	pubsub_publish "$NAME" bad
	run_split pubsubrun -s "$NAME" --idle-exit 17s -- bash -c 'cat >>"$SEEN"; exit 1'
	[ "$status" -eq 0 ]
	[[ $errors != *'dead-letter policy'* ]] || _fail warned
	assert_equal "$(jq -c '.["@message"].deliveryAttempt' "$SEEN" | paste -sd ' ')" "1 2 3 4 5" attempts
	run_split pubsubrun -s "$NAME-dead" --idle-exit 1s -- cat
	assert_output_contains "$(printf bad | base64)"
}

@test "no dead-letter policy is warned about at start" {
	subscribe
	run_split pubsubrun -s "$NAME" --idle-exit 100ms -- cat
	[ "$status" -eq 0 ]
	[[ $errors == *"subscriptions/$NAME has no dead-letter policy"* ]] || _fail told
}

# start COMMAND...: pubsubrun in the background, as $RUN; waits until COMMAND has its input.
start() {
	pubsubrun -s "$NAME" "${OPTIONS[@]}" -- "$@" >/dev/null 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	RUN=$!
	wait_until 10 test -s "$SEEN"
}

@test "SIGTERM: COMMAND may finish, and its messages are acknowledged" {
	subscribe
	pubsub_publish "$NAME" one
	OPTIONS=(--grace 10s)
	# shellcheck disable=SC2016 # for COMMAND's shell
	start bash -c 'cat >>"$SEEN"; sleep 1; echo end >"$SEEN.end"'
	kill -TERM "$RUN"
	status=0
	wait "$RUN" || status=$?
	assert_status 143
	[ -s "$SEEN.end" ]
	assert_equal "$(pubsub_left "$NAME")" 0 left
}

@test "SIGTERM: COMMAND that goes on is ended, and its messages come again at once" {
	subscribe
	pubsub_publish "$NAME" one
	OPTIONS=(--grace 100ms)
	# shellcheck disable=SC2016 # for COMMAND's shell
	start bash -c 'echo $$ >"$SEEN.pid"; cat >>"$SEEN"; sleep 100; sleep 100'
	kill -TERM "$RUN"
	status=0
	wait "$RUN" || status=$?
	assert_status 143
	run ! kill -0 "$(<"$SEEN.pid")"
	assert_equal "$(pubsub_left "$NAME")" 1 left
}

@test "--max-lease ends COMMAND, whose messages come again" {
	subscribe
	pubsub_publish "$NAME" one
	# shellcheck disable=SC2016 # for COMMAND's shell
	run_split pubsubrun -s "$NAME" --max-lease 500ms --idle-exit 3s -- bash -c '
		cat >>"$SEEN"; (($(wc -l <"$SEEN") > 1)) || sleep 100'
	[ "$status" -eq 0 ]
	assert_equal "$(seen)" "one one" seen
	[[ $errors == *'--max-lease is over'* ]] || _fail told
}

@test "kill -9 ends COMMAND too, and loses nothing" {
	subscribe
	pubsub_publish "$NAME" one
	OPTIONS=()
	# shellcheck disable=SC2016 # for COMMAND's shell
	start bash -c 'echo $$ >"$SEEN.pid"; cat >>"$SEEN"; exec sleep 100'
	kill -KILL "$RUN"
	wait "$RUN" || true
	gone() { ! kill -0 "$(<"$SEEN.pid")" 2>/dev/null; }
	wait_until 5 gone
	run_split pubsubrun -s "$NAME" --idle-exit 15s -- tee -a "$SEEN"
	assert_equal "$(seen)" "one one" seen
}

@test "nobody reads stdout: 141, and the messages come again" {
	subscribe
	pubsub_publish "$NAME" one
	run bash -o pipefail -c "pubsubrun -s $NAME --idle-exit 20s -- bash -c 'cat >\"\$SEEN\"; sleep 0.3; cat \"\$SEEN\"' | true"
	assert_status 141
	assert_equal "$(pubsub_left "$NAME")" 1 left
}

@test "mistakes are said, and have their status" {
	run pubsubrun -- cat
	assert_status 64
	run pubsubrun -s x
	assert_status 64
	run pubsubrun -s projects/p/topics/x -- cat
	assert_status 64
	assert_output_contains 'projects/P/subscriptions/S'
	run pubsubrun -s "none-$NAME" -- cat
	assert_status 69
	assert_output_contains "none-$NAME"
	subscribe
	pubsub_publish "$NAME" one
	run pubsubrun -s "$NAME" -- "no-such-command-$NAME"
	assert_status 66
	assert_output_contains "no-such-command-$NAME"
	assert_equal "$(pubsub_left "$NAME")" 1 left
	pubsub_subscription "$NAME-push" "$NAME" '"pushConfig":{"pushEndpoint":"http://127.0.0.1:1/x"}'
	run pubsubrun -s "$NAME-push" -- cat
	assert_status 78
	assert_output_contains 'pushEndpoint'
	PUBSUB_EMULATOR_HOST=127.0.0.1:1 run pubsubrun -s "$NAME" --retry-for 100ms -- cat
	assert_status 75
}
