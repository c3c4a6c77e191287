#!/usr/bin/env bats
# pubsubrun against a Pub/Sub server: what is acknowledged, and what comes again.
#
# Under this name with localcloud's. pubsubrun_emulator.bats, a link to this file, is the same with the official
# emulator.

load helper/common
load helper/server
load helper/localcloud
load helper/pubsub
load helper/pubsubrun

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
	serve -- bash -c 'date +%s%3N >>"$SEEN.times"; cat >>"$SEEN"; (($(wc -l <"$SEEN") > 3))'
	finish_after 4
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
	serve -- bash -c '[[ ! -e $SEEN.first ]] && { touch "$SEEN.first"; exit 0; }; cat >>"$SEEN"'
	finish_after 1
	assert_equal "$(seen)" one seen
	[[ $errors == *'has not read all of its input'* ]] || _fail told
}

@test "a large batch that is not read does not hang" {
	subscribe
	pubsub_publish "$NAME" "$(head -c 300000 /dev/zero | tr '\0' x)"
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve -- bash -c '[[ ! -e $SEEN.first ]] && { touch "$SEEN.first"; exec <&-; exit 0; }; cat >>"$SEEN"'
	finish_after 1
	assert_equal "$(wc -l <"$SEEN")" 1 lines
}

@test "what is acknowledged is done with: the next of its ordering key comes" {
	subscribe '"enableMessageOrdering":true'
	with_key k one
	serve -- tee -a "$SEEN"
	finish_after 1
	with_key k two
	# The server keeps it back for as long as the first is only lent, and then would send that again.
	serve -- tee -a "$SEEN"
	finish_after 2
	assert_equal "$(seen)" "one two" seen
}

@test "of an ordering key nothing is done behind a failure, and then all in order" {
	# Both where the server hands them out one by one and where it hands them out together.
	for ordering in true false; do
		: >"$SEEN"
		rm -f "$SEEN.first"
		pubsub_subscription "$NAME-$ordering" "$NAME" "\"enableMessageOrdering\":$ordering"
		with_key k k1 k2 k3 k4
		with_key other o1
		# shellcheck disable=SC2016 # for COMMAND's shell
		serve -s "$NAME-$ordering" -- bash -c '
			x=$(cat); [[ $x == *'"$(printf k2 | base64)"'* && ! -e $SEEN.first ]] && { ((${#x} < 300)) && touch "$SEEN.first"; exit 75; }; echo "$x" >>"$SEEN"'
		finish_after 5
		assert_equal "$(seen | tr ' ' '\n' | grep k | paste -sd ' ')" "k1 k2 k3 k4" "seen ($ordering)"
	done
	[[ $errors == *'tried one by one'* ]] || _fail "they came one by one"
}

@test "no dead-letter policy is warned about at start" {
	subscribe
	run_split pubsubrun -s "$NAME" --idle-exit 100ms -- cat
	[ "$status" -eq 0 ]
	[[ $errors == *"subscriptions/$NAME has no dead-letter policy"* ]] || _fail told
}

@test "SIGTERM: COMMAND may finish, and its messages are acknowledged" {
	subscribe '"enableMessageOrdering":true'
	with_key k one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --grace 30s -- bash -c 'cat >>"$SEEN"; until [[ -e $SEEN.go ]]; do sleep 0.1; done; echo end >"$SEEN.end"'
	wait_until 10 has_seen 1
	with_key k two
	kill -TERM "$RUN"
	wait_until 10 grep -q 'no more is pulled' "$BATS_TEST_TMPDIR/errors"
	touch "$SEEN.go"
	status=0
	wait "$RUN" || status=$?
	assert_status 143
	[ -s "$SEEN.end" ]
	# Nothing more was pulled, and the server has let go of the first.
	assert_equal "$(seen)" one seen
	serve -- tee -a "$SEEN"
	finish_after 2
	assert_equal "$(seen)" "one two" seen
}

@test "SIGTERM: COMMAND that goes on is ended, and its messages come again at once" {
	subscribe
	pubsub_publish "$NAME" one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --grace 100ms -- bash -c 'echo $$ >"$SEEN.pid"; cat >>"$SEEN"; sleep 100; sleep 100'
	finish_after 1
	run ! kill -0 "$(<"$SEEN.pid")"
	assert_equal "$(pubsub_left "$NAME")" 1 left
}

@test "a second signal does not wait for COMMAND" {
	subscribe
	pubsub_publish "$NAME" one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --grace 10m -- bash -c 'echo $$ >"$SEEN.pid"; cat >>"$SEEN"; sleep 1000'
	wait_until 10 has_seen 1
	kill -TERM "$RUN"
	wait_until 10 grep -q 'no more is pulled' "$BATS_TEST_TMPDIR/errors"
	kill -0 "$(<"$SEEN.pid")"
	finish_after 1
	run ! kill -0 "$(<"$SEEN.pid")"
	assert_equal "$(pubsub_left "$NAME")" 1 left
}

@test "--max-lease ends COMMAND, whose messages come again" {
	subscribe
	pubsub_publish "$NAME" one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --max-lease 500ms -- bash -c 'cat >>"$SEEN"; (($(wc -l <"$SEEN") > 1)) || sleep 100'
	finish_after 2
	assert_equal "$(seen)" "one one" seen
	[[ $errors == *'--max-lease is over'* ]] || _fail told
}

@test "a signal that ends COMMAND is a failure: its messages come again" {
	subscribe
	pubsub_publish "$NAME" one
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve -- bash -c 'cat >>"$SEEN"; (($(wc -l <"$SEEN") > 1)) || kill -KILL $$'
	finish_after 2
	assert_equal "$(seen)" "one one" seen
	[[ $errors == *'killed by signal 9'* ]] || _fail told
}

@test "--batch: no COMMAND gets more messages" {
	subscribe
	pubsub_publish "$NAME" 1 2 3 4 5
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --batch 2 -- bash -c 'x=$(cat); wc -l <<<"$x" >>"$SEEN.sizes"; echo "$x" >>"$SEEN"'
	finish_after 5
	assert_equal "$(sort -n "$SEEN.sizes" | tail -n 1)" 2 "largest batch"
	assert_equal "$(seen | tr ' ' '\n' | sort | paste -sd ' ')" "1 2 3 4 5" seen
}

@test "--parallel: so many COMMANDs at once" {
	subscribe
	pubsub_publish "$NAME" 1 2 3 4
	# Each waits until there are three; the fourth message until one of them is done.
	# shellcheck disable=SC2016 # for COMMAND's shell
	serve --batch 1 --parallel 3 -- bash -c 'x=$(cat); echo x >>"$SEEN.running"; until [[ -e $SEEN.go ]]; do sleep 0.1; done; echo "$x" >>"$SEEN"'
	three() { [[ $(wc -l 2>/dev/null <"$SEEN.running") == 3 ]]; }
	wait_until 20 three
	run ! wait_until 1 eval '! three'
	touch "$SEEN.go"
	finish_after 4
	assert_equal "$(seen | tr ' ' '\n' | sort | paste -sd ' ')" "1 2 3 4" seen
}

@test "nobody reads stdout any more: 141, and the messages come again" {
	subscribe
	pubsub_publish "$NAME" one
	run bash -o pipefail -c "pubsubrun -s $NAME --grace 100ms -- bash -c 'cat >\"\$SEEN\"; cat \"\$SEEN\"; sleep 1000' | head -n 1"
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
	PUBSUB_EMULATOR_HOST=127.0.0.1:1 run pubsubrun -s "$NAME" --retry-for 100ms -- cat
	assert_status 75
}

@test "the whole name of a subscription, and a project beside a short one" {
	subscribe
	for names in "-s projects/$PROJECT/subscriptions/$NAME" "-s $NAME --project $PROJECT"; do
		# shellcheck disable=SC2086 # words
		GOOGLE_CLOUD_PROJECT=another run pubsubrun $names --idle-exit 100ms -- cat
		assert_status 0
	done
	run pubsubrun -s "$NAME" --project another --idle-exit 100ms -- cat
	assert_status 69
}
