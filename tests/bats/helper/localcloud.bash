# The local cloud for a suite: `load helper/localcloud` after helper/common.
#
#   localcloud_start [OPTION]...  start it with a fresh --data directory (or with
#                    $LOCALCLOUD_DATA where set), wait until it listens, and
#                    export LOCALCLOUD_URL and the emulator variables
#   localcloud_stop  SIGTERM and wait; the data directory stays
#   bq_sql SQL       run it; rows as JSON lines, {"column": "value"}
#   bq_api METHOD PATH [BODY]   any call under bigquery/v2/projects/$PROJECT
#   bq_dataset ID    create a dataset
#   fault JSON       make the next matching answer fail; see localcloud(1)

PROJECT=${PROJECT:-test-project}
export PROJECT

localcloud_start() {
	local fifo=$BATS_RUN_TMPDIR/localcloud.$BASHPID.fifo line=

	export LOCALCLOUD_DATA=${LOCALCLOUD_DATA:-$(mktemp -d "$BATS_RUN_TMPDIR/localcloud.XXXXXX")}
	mkfifo "$fifo"
	# Its stdout is the FIFO, so opening that waits for it; 3>&-: bats waits for all that hold 3.
	localcloud --data "$LOCALCLOUD_DATA" "$@" >"$fifo" 2>>"$LOCALCLOUD_DATA.log" 3>&- &
	export LOCALCLOUD_PID=$!
	read -rt 30 line <"$fifo" || true
	rm -f "$fifo"
	# jq 1.6 has no answer and exit status 0 for empty input.
	LOCALCLOUD_URL=$(jq -r '.["@listening"].url' <<<"$line" || true)
	[[ $LOCALCLOUD_URL == http* ]] || {
		_fail "localcloud does not listen; it said '$line' and: $(<"$LOCALCLOUD_DATA.log")"
		return 1
	}
	export LOCALCLOUD_URL
	export BIGQUERY_EMULATOR_HOST=$LOCALCLOUD_URL STORAGE_EMULATOR_HOST=$LOCALCLOUD_URL
	export GOOGLE_CLOUD_PROJECT=$PROJECT
}

localcloud_stop() {
	[[ -n ${LOCALCLOUD_PID:-} ]] || return 0
	if kill -TERM "$LOCALCLOUD_PID" 2>/dev/null; then
		tail --pid="$LOCALCLOUD_PID" -s 0.05 -f /dev/null
	fi
	unset LOCALCLOUD_PID LOCALCLOUD_URL BIGQUERY_EMULATOR_HOST STORAGE_EMULATOR_HOST
}

localcloud_curl() {
	curl -sS --max-time 60 --noproxy '*' -H 'Content-Type: application/json' "$@"
}

bq_api() {
	local method=$1 path=$2 body=${3:-}

	localcloud_curl --fail-with-body -X "$method" ${body:+--data-binary "$body"} \
		"$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/$path"
}

bq_dataset() {
	bq_api POST datasets "$(jq -nc --arg p "$PROJECT" --arg d "$1" \
		'{datasetReference:{projectId:$p,datasetId:$d}}')" >/dev/null
}

bq_sql() {
	local answer

	answer=$(bq_api POST queries "$(jq -nc --arg q "$1" '{query:$q,useLegacySql:false}')") || {
		printf '%s\n' "$answer" >&2
		return 1
	}
	jq -c '[.schema.fields[]?.name] as $names
		| .rows[]? | [.f[].v] | [$names, .] | transpose | map({(.[0]): .[1]}) | add' <<<"$answer"
}

fault() {
	localcloud_curl --fail-with-body -X POST --data-binary "$1" "$LOCALCLOUD_URL/faults" >/dev/null
}
