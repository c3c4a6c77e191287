# A localcloud of the suite's own, on a free loopback port.

# localcloud_start [OPTION...]: exports LOCALCLOUD_URL, BIGQUERY_EMULATOR_HOST; LOCALCLOUD_DIR and LOCALCLOUD_PID.
localcloud_start() {
	local line
	LOCALCLOUD_DIR=$(scratch_directory)
	mkfifo "$LOCALCLOUD_DIR/listening"
	# Not fd 3: bats waits for everybody who holds it.
	"$SLUICE_BIN/localcloud" --data "$LOCALCLOUD_DIR/data" "$@" >"$LOCALCLOUD_DIR/listening" \
		2>"$LOCALCLOUD_DIR/log" 3>&- &
	LOCALCLOUD_PID=$!
	# Opening waits for localcloud, reading for its line.
	read -r line <"$LOCALCLOUD_DIR/listening" || {
		cat "$LOCALCLOUD_DIR/log" >&2
		return 1
	}
	LOCALCLOUD_URL=$(jq -r '.["@listening"].url' <<<"$line")
	export LOCALCLOUD_DIR LOCALCLOUD_PID LOCALCLOUD_URL BIGQUERY_EMULATOR_HOST=$LOCALCLOUD_URL
	export GOOGLE_CLOUD_PROJECT=${GOOGLE_CLOUD_PROJECT:-testp}
}

localcloud_stop() {
	[[ -n ${LOCALCLOUD_PID:-} ]] || return 0
	kill "$LOCALCLOUD_PID" 2>/dev/null || true
	wait_gone "$LOCALCLOUD_PID"
	rm -rf "$LOCALCLOUD_DIR"
	unset LOCALCLOUD_PID
}

# bq_sql STATEMENT: its rows, a JSON object a line, every value as the string that BigQuery sends.
bq_sql() {
	local answer
	answer=$(jq -n --arg sql "$1" '{query: $sql, useLegacySql: false, maxResults: 100000}' |
		curl -sS -H 'Content-Type: application/json' --data-binary @- \
			"$LOCALCLOUD_URL/bigquery/v2/projects/$GOOGLE_CLOUD_PROJECT/queries")
	jq -e '.jobComplete' >/dev/null <<<"$answer" || {
		jq -r '.error.message // .' <<<"$answer" >&2
		return 1
	}
	jq -c '[.schema.fields[]?.name] as $names | .rows[]? |
		[[$names, [.f[].v]] | transpose[] | {key: .[0], value: .[1]}] | from_entries' <<<"$answer"
}

# fault JSON: what goes wrong next, see localcloud(1).
fault() {
	curl -fsS -H 'Content-Type: application/json' --data-binary "$1" "$LOCALCLOUD_URL/faults" >/dev/null
}
