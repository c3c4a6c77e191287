#!/usr/bin/env bats
# Files that arrive in a bucket become rows of a table, once, whatever is delivered how often and killed when.

load helper/common
load helper/localcloud

setup() {
	localcloud_start
	export PUBSUB_EMULATOR_HOST=${LOCALCLOUD_URL#http://} LEDGER=ops.loads
	bq_dataset shop
	gcs_bucket landing >/dev/null
	pubsub PUT topics/files '{}'
	pubsub PUT subscriptions/files "{\"topic\":\"projects/$PROJECT/topics/files\",\"ackDeadlineSeconds\":10}"
	echo '[{"name":"directory","type":"INTEGER"},{"name":"file","type":"INTEGER"}]' >"$BATS_TEST_TMPDIR/schema"
}

teardown() {
	localcloud_stop
}

pubsub() {
	localcloud_curl --fail-with-body -o /dev/null -X "$1" --data-binary "$3" "$LOCALCLOUD_URL/v1/projects/$PROJECT/$2"
}

notify() {
	gcs_api POST b/landing/notificationConfigs "{\"topic\":\"projects/$PROJECT/topics/files\",\"payload_format\":\"JSON_API_V1\"}" >/dev/null
}

put() {
	gcs_put landing "$1" "$2" >/dev/null
}

# upload TABLE DIRECTORIES FILES: directories 1 to DIRECTORIES, each of so many files with one row each.
upload() {
	local d f

	put "shop/$1/_config/schema.json" "$BATS_TEST_TMPDIR/schema"
	for ((d = 1; d <= $2; d++)); do
		for ((f = 1; f <= $3; f++)); do
			echo "$d,$f" >"$BATS_TEST_TMPDIR/file"
			put "$(printf 'shop/%s/part-%04d/%04d.csv' "$1" $d $f)" "$BATS_TEST_TMPDIR/file"
		done
		: >"$BATS_TEST_TMPDIR/empty"
		put "$(printf 'shop/%s/part-%04d/_SUCCESS' "$1" $d)" "$BATS_TEST_TMPDIR/empty"
	done
}

ingest() {
	run_split ingest-gcs --ledger "$LEDGER" --load=--retry-initial=10ms "$@" files
}

count() {
	bq_sql "SELECT COUNT(*) AS n, COUNT(DISTINCT directory * 1000 + file) AS d FROM shop.$1" | jq -c '[.n, .d]'
}

@test "uploads and a _SUCCESS: the directory is in the table" {
	notify
	upload orders 3 2
	ingest --idle-exit 2s
	[ "$status" -eq 0 ]
	assert_equal "$(count orders)" '["6","6"]' rows
	run status --ledger "$LEDGER"
	assert_status 0
	assert_output_contains shop.orders
}

# All notifications of OBJECT_FINALIZE three times, shuffled.
thrice() {
	gcs_names landing | while read -r name; do
		jq -nc --arg o "$name" '{attributes: {eventType: "OBJECT_FINALIZE", bucketId: "landing", objectId: $o, payloadFormat: "NONE"}}' |
			sed 'p;p'
	done | shuf | jq -sc '{messages: .}' >"$BATS_TEST_TMPDIR/messages"
	pubsub POST topics/files:publish "@$BATS_TEST_TMPDIR/messages"
}

# The processes below that one, itself included.
tree() {
	local child
	echo "$1"
	for child in $(pgrep -P "$1"); do
		tree "$child"
	done
}

@test "every notification three times, shuffled, and kill -9 at random moments: each directory once" {
	local round victims

	upload orders 12 2
	thrice
	for round in 1 2 3 4 5 6 7 8; do
		ingest-gcs --ledger "$LEDGER" --load=--retry-initial=10ms --batch 5 --parallel 2 files \
			>/dev/null 2>>"$BATS_TEST_TMPDIR/errors" 3>&- &
		local pid=$!
		sleep "0.$((RANDOM % 9))$((RANDOM % 10))"
		mapfile -t victims < <(tree "$pid")
		# One of them, or all.
		((round % 2)) || victims=("${victims[RANDOM % ${#victims[@]}]}")
		kill -KILL "${victims[@]}" 2>/dev/null || true
		mapfile -t victims < <(tree "$pid")
		kill -KILL "${victims[@]}" 2>/dev/null || true
		wait "$pid" || true
	done
	ingest --idle-exit 15s --batch 20 --parallel 2
	[ "$status" -eq 0 ]
	assert_equal "$(count orders)" '["24","24"]' rows
	assert_equal "$(bq_sql "SELECT COUNT(*) AS n FROM $LEDGER WHERE state = 'done'" | jq -r .n)" 12 entries
}

@test "ordered: one after the other, by name, although they are told in any order" {
	put shop/orders/_config/ORDERME "$BATS_TEST_TMPDIR/schema"
	upload orders 10 1
	thrice
	ingest --idle-exit 3s --batch 3 --parallel 3
	[ "$status" -eq 0 ]
	assert_equal "$(count orders)" '["10","10"]' rows
	bq_sql "SELECT run FROM $LEDGER WHERE state = 'done' ORDER BY ended, at" | jq -r .run >"$BATS_TEST_TMPDIR/runs"
	LC_ALL=C sort -c "$BATS_TEST_TMPDIR/runs"
	assert_equal "$(gcs_names landing | grep -c _bqlock)" 0 locks
}

@test "a directory that cannot be loaded holds up its ordered table, and no other" {
	put shop/orders/_config/ORDERME "$BATS_TEST_TMPDIR/schema"
	upload orders 3 1
	upload other 2 1
	echo 'x,y' >"$BATS_TEST_TMPDIR/file"
	put shop/orders/part-0002/bad.csv "$BATS_TEST_TMPDIR/file"
	thrice
	ingest --idle-exit 1500ms --run=--max-lease=1m
	assert_equal "$(count other)" '["2","2"]' rows
	assert_equal "$(count orders)" '["1","1"]' rows
	run status --ledger "$LEDGER" --failing
	assert_status 1
	assert_output_contains shop.orders
	gcs_api DELETE b/landing/o/shop%2Forders%2Fpart-0002%2Fbad.csv
	ingest --idle-exit 10s
	assert_equal "$(count orders)" '["3","3"]' rows
}

@test "what is deleted or changed otherwise loads nothing" {
	upload orders 1 1
	notify
	gcs_api PATCH b/landing/o/shop%2Forders%2Fpart-0001%2F_SUCCESS '{"metadata":{"a":"b"}}' >/dev/null
	gcs_api DELETE b/landing/o/shop%2Forders%2Fpart-0001%2F_SUCCESS
	ingest --idle-exit 1s
	[ "$status" -eq 0 ]
	run bq_sql "SELECT COUNT(*) AS n FROM shop.orders"
	[ "$status" -ne 0 ]
}

@test "a bucket that notifies nobody is looked at" {
	upload orders 2 1
	ingest-gcs --ledger "$LEDGER" --every 100ms gs://landing/ >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local pid=$!
	loaded() { [[ $(grep -c '"@loaded"' "$BATS_TEST_TMPDIR/out") == "$1" ]]; }
	wait_until 20 loaded 2
	upload other 1 1
	wait_until 20 loaded 3
	kill -TERM "$pid"
	wait "$pid" || true
	assert_equal "$(count orders)$(count other)" '["2","2"]["1","1"]' rows
}

@test "a signal ends what looks at a bucket, and all that it runs" {
	local pid all

	ingest-gcs --ledger "$LEDGER" --every 100ms gs://landing/ >/dev/null 2>&1 3>&- &
	pid=$!
	runs_three() { mapfile -t all < <(tree "$pid") && ((${#all[@]} >= 3)); }
	wait_until 20 runs_three
	kill -TERM "$pid"
	wait "$pid" && status=0 || status=$?
	[ "$status" -eq 143 ]
	for pid in "${all[@]}"; do
		run ! kill -0 "$pid"
	done
}

@test "BQ_PROJECT runs the jobs of both programs" {
	upload orders 1 1
	gcs_api GET b/landing/o >/dev/null
	GOOGLE_CLOUD_PROJECT='' BQ_PROJECT=$PROJECT run_split bash -o pipefail -c \
		'gcswatch --backfill gs://landing/ --ledger "$LEDGER" | bqload --ledger "$LEDGER"'
	[ "$status" -eq 0 ]
	assert_equal "$(count orders)" '["1","1"]' rows
}

@test "mistakes are said" {
	run ingest-gcs
	assert_status 64
	run ingest-gcs --ledger none files
	assert_status 64
	run ingest-gcs --nonsense x files
	assert_status 64
	run ingest-gcs --ledger "$LEDGER" none
	assert_status 69
}

@test "the systemd unit is one" {
	command -v systemd-analyze >/dev/null || skip "no systemd"
	sed 's,/usr/local/bin/ingest-gcs,/bin/true,' "$SLUICE_ROOT/docs/examples/ingest-gcs.service" >"$BATS_TEST_TMPDIR/ingest-gcs.service"
	run systemd-analyze verify "$BATS_TEST_TMPDIR/ingest-gcs.service"
	assert_status 0
	assert_equal "$output" '' output
}

@test "the Kubernetes manifest is a Deployment" {
	command -v kubectl >/dev/null || skip "no kubectl"
	# Without a cluster --dry-run=client cannot look kinds up; --local decodes by the types that kubectl has itself.
	run kubectl set env --local -f "$SLUICE_ROOT/docs/examples/ingest-gcs.yaml" A=b -o name
	assert_status 0
	assert_equal "$output" deployment.apps/ingest-gcs kind
}
