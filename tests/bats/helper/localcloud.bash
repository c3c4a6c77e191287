# The local cloud for a suite: `load helper/localcloud` after helper/common.
#
#   localcloud_start [OPTION]...  start it with a fresh --data directory (or with
#                    $LOCALCLOUD_DATA where set), wait until it listens, and
#                    export LOCALCLOUD_URL and the emulator variables
#   localcloud_stop  SIGTERM and wait; the data directory stays
#   bq_sql SQL       run it; rows as JSON lines, {"column": "value"}
#   bq_api METHOD PATH [BODY]   any call under bigquery/v2/projects/$PROJECT
#   bq_dataset ID    create a dataset
#   gcs_bucket NAME  create a bucket
#   gcs_api METHOD PATH [BODY]  any call under storage/v1
#   gcs_put BUCKET NAME FILE [CURL OPTION]...  store an object; prints its resource
#   gcs_get BUCKET NAME [CURL OPTION]...  its data
#   gcs_names BUCKET [PREFIX]  the names of its objects, a line each (at most 1000)
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
	export DATATRANSFER_EMULATOR_HOST=$LOCALCLOUD_URL
	export GOOGLE_CLOUD_PROJECT=$PROJECT
}

localcloud_stop() {
	[[ -n ${LOCALCLOUD_PID:-} ]] || return 0
	if kill -TERM "$LOCALCLOUD_PID" 2>/dev/null; then
		tail --pid="$LOCALCLOUD_PID" -s 0.05 -f /dev/null
	fi
	unset LOCALCLOUD_PID LOCALCLOUD_URL BIGQUERY_EMULATOR_HOST STORAGE_EMULATOR_HOST DATATRANSFER_EMULATOR_HOST
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

gcs_api() {
	local method=$1 path=$2 body=${3:-}

	localcloud_curl --fail-with-body -X "$method" ${body:+--data-binary "$body"} "$LOCALCLOUD_URL/storage/v1/$path"
}

gcs_bucket() {
	gcs_api POST "b?project=$PROJECT" "$(jq -nc --arg n "$1" '{name:$n}')" >/dev/null
}

gcs_put() {
	local bucket=$1 name=$2 file=$3

	shift 3
	curl -sS --max-time 60 --noproxy '*' --fail-with-body -X POST -H 'Content-Type: application/octet-stream' -T "$file" "$@" \
		"$LOCALCLOUD_URL/upload/storage/v1/b/$bucket/o?uploadType=media&name=$(jq -rn --arg n "$name" '$n|@uri')"
}

gcs_get() {
	local bucket=$1 name=$2

	shift 2
	localcloud_curl --fail-with-body "$@" "$LOCALCLOUD_URL/storage/v1/b/$bucket/o/$(jq -rn --arg n "$name" '$n|@uri')?alt=media"
}

gcs_names() {
	gcs_api GET "b/$1/o?prefix=$(jq -rn --arg n "${2:-}" '$n|@uri')" | jq -r '.items[]?.name'
}

fault() {
	localcloud_curl --fail-with-body -X POST --data-binary "$1" "$LOCALCLOUD_URL/faults" >/dev/null
}
