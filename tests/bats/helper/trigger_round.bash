# Many changes, each delivered one to five times and shuffled, through pubsubrun into dtstrigger, which is killed at
# random; and what must be true of the runs then. After helper/localcloud and helper/transfers, for the tests and
# tests/bench/trigger; a directory $ROUND has what was seen.
#
#   round_begin DATASETS KILLS configs, datasets, topic and subscription, all named by $ROUND_NAME
#   round_deliver CHANGES      publish entries of the log
#   round_deliver_loads CHANGES  publish what is to be loaded
#   round_run OPTION... -- COMMAND...  pubsubrun until all has been acknowledged; COMMAND's dtstrigger is a victim
#   round_runs                 all runs of the configs into $ROUND/runs, {"dataset","schedule","start","end","state"} a line
#   round_changes              {"dataset","at"} a line, of what was published or loaded
#   round_verdict              counts as JSON: changes, deliveries, kills, runs, uncovered, overlapping

# shellcheck shell=bash

round_pubsub() {
	localcloud_curl --fail-with-body -o /dev/null -X "$1" --data-binary "$3" "$LOCALCLOUD_URL/v1/projects/$PROJECT/$2"
}

round_begin() {
	local i

	ROUND_DATASETS=$1
	mkdir -p "$ROUND/bin"
	: >"$ROUND/configs"
	for ((i = 0; i < ROUND_DATASETS; i++)); do
		bq_dataset "${ROUND_NAME}_$i"
		printf '%s %s\n' "${ROUND_NAME}_$i" "$(transfer_config "${ROUND_NAME}_${i}_transfert")" >>"$ROUND/configs"
	done
	round_pubsub PUT "topics/$ROUND_NAME" '{}'
	round_pubsub PUT "subscriptions/$ROUND_NAME" \
		"{\"topic\":\"projects/$PROJECT/topics/$ROUND_NAME\",\"ackDeadlineSeconds\":10}"
	# One of four is killed within its first 300 ms, up to a number: what always fails comes ever more rarely.
	cat >"$ROUND/bin/dtstrigger" <<-EOF
		#!/bin/bash
		if ((RANDOM % 4 == 0 && \$(wc -l <"$ROUND/kills") < $2)); then
			echo >>"$ROUND/kills"
			printf -v within '0.%03d' \$((RANDOM % 300))
			exec timeout -s KILL "\$within" "$SLUICE_BIN/dtstrigger" "\$@"
		fi
		exec "$SLUICE_BIN/dtstrigger" "\$@"
	EOF
	chmod +x "$ROUND/bin/dtstrigger"
	: >"$ROUND/kills"
	: >"$ROUND/published"
	: >"$ROUND/later"
}

# round_publish FILE: a message a line; in another order, and each copy that is for later put back.
round_publish() {
	shuf "$1" | tee -a "$ROUND/published" | jq -Rc '{data: @base64}' | jq -sc '{messages: .}' >"$ROUND/request"
	[[ ! -s $1 ]] || round_pubsub POST "topics/$ROUND_NAME:publish" "@$ROUND/request"
}

# round_spread CHANGES FUNCTION: FUNCTION NUMBER prints one change; ten at a time, their copies among later ones.
round_spread() {
	local i j

	for ((i = 1; i <= $1; i++)); do
		"$2" "$i" >"$ROUND/one"
		cat "$ROUND/one" >>"$ROUND/now"
		for ((j = RANDOM % 5; j > 0; j--)); do
			cat "$ROUND/one" >>"$ROUND/later"
		done
		if ((i % 10 == 0 || i == $1)); then
			# Half of the copies now, the others later, or at the end.
			shuf "$ROUND/later" >"$ROUND/shuffled"
			split -n l/2 "$ROUND/shuffled" "$ROUND/half."
			cat "$ROUND/half.aa" >>"$ROUND/now"
			mv "$ROUND/half.ab" "$ROUND/later"
			round_publish "$ROUND/now"
			: >"$ROUND/now"
		fi
	done
	round_publish "$ROUND/later"
}

round_entry() {
	entry "${ROUND_NAME}_$((RANDOM % ROUND_DATASETS))" "change-$1"
}

round_deliver() {
	round_spread "$1" round_entry
}

round_load() {
	printf '{"dataset":"%s","id":"load-%s"}\n' "${ROUND_NAME}_$((RANDOM % ROUND_DATASETS))" "$1"
}

round_deliver_loads() {
	round_spread "$1" round_load
}

round_run() {
	PATH=$ROUND/bin:$PATH PUBSUB_EMULATOR_HOST=${LOCALCLOUD_URL#http://} \
		pubsubrun -s "$ROUND_NAME" "$@" >"$ROUND/out" 2>"$ROUND/err"
}

round_runs() {
	local dataset config

	while read -r dataset config; do
		transfer_runs "$config" | jq -c --arg d "$dataset" \
			'.[] | {dataset: $d, schedule: .scheduleTime, start: .startTime, end: .endTime, state: .state}'
	done <"$ROUND/configs" >"$ROUND/runs"
	! jq -e 'select(.state != "SUCCEEDED")' "$ROUND/runs" >/dev/null
}

round_changes() {
	if [[ -e $ROUND/loaded ]]; then
		jq -c '.["@loaded"] // empty | {dataset: .table | split(".")[1], at: .at, id: .run}' "$ROUND/loaded"
	else
		jq -c '{dataset: .resource.labels.dataset_id, at: .timestamp, id: .insertId}' "$ROUND/published"
	fi | sort -u
}

# Times are RFC 3339 in UTC with the same number of digits, so their texts are in their order.
round_verdict() {
	round_changes | jq -s --slurpfile runs "$ROUND/runs" --argjson deliveries "$(wc -l <"$ROUND/published")" \
		--argjson kills "$(wc -l <"$ROUND/kills")" '
		def long: if test("\\.") then . else sub("Z"; ".000000Z") end;
		(group_by(.dataset) | map({key: .[0].dataset, value: (map(.at | long) | max)}) | from_entries) as $last
		| ($runs | group_by(.dataset) | map(sort_by(.start | long))) as $by
		| {
			changes: (map(.id) | unique | length), deliveries: $deliveries, kills: $kills, runs: ($runs | length),
			uncovered: [$last | to_entries[] | . as $l
				| select([$runs[] | select(.dataset == $l.key and (.start | long) > $l.value)] == [])] | length,
			overlapping: [$by[] | . as $r | range(1; length) | select(($r[. - 1].end | long) > ($r[.].start | long))] | length
		}' -c
}
