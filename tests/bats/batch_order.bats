#!/usr/bin/env bats
# From complete directories to tables: partitions, and batches that are loaded in turn under a lock.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

# A dataset and a bucket for each test: they share one server.
setup() {
	D=d$BATS_TEST_NUMBER
	B=b$BATS_TEST_NUMBER-$RANDOM
	bq_dataset "$D"
	gcs_bucket "$B" >/dev/null
	cd "$BATS_TEST_TMPDIR" || return 1
}

put() {
	printf '%s' "$2" >object
	gcs_put "$B" "$1" object >/dev/null
}

# complete DIRECTORY [DATA]
complete() {
	put "$1/data.csv" "${2:-$'1\n'}"
	put "$1/_SUCCESS" ''
}

schema() {
	put "$D/_config/schema.json" '[{"name":"id","type":"INTEGER"}]'
}

# ingest [OPTION OF GCSWATCH]...: all that is in the bucket.
ingest() {
	run_split bash -o pipefail -c 'gcswatch --backfill "$@" | bqload --lock-wait 100ms' - "gs://$B/" "$@"
}

rows() {
	bq_sql "SELECT id FROM $D.$1 ORDER BY id" 2>/dev/null | jq -r .id | paste -sd ' '
}

partitioning() {
	bq_api GET "datasets/$D/tables/$1" | jq -c .timePartitioning
}

@test "a partition whose table is missing makes it, partitioned by the unit of its name" {
	schema
	while read -r directory table unit; do
		complete "$D/$directory"
		ingest
		[ "$status" -eq 0 ]
		assert_equal "$(partitioning "$table")" "{\"type\":\"$unit\"}" "$directory"
		assert_equal "$(rows "$table")" 1 rows
	done <<-'EOF'
		year/2026 year YEAR
		month/2026/01 month MONTH
		day/2026/01/31 day DAY
		hour/2026/01/31/12 hour HOUR
		sign/$20260131 sign DAY
	EOF
}

@test "load.json says how a missing table is partitioned; one that is there is as it is" {
	put "$D/_config/schema.json" '[{"name":"id","type":"INTEGER"},{"name":"d","type":"DATE"}]'
	put "$D/_config/load.json" '{"timePartitioning":{"type":"DAY","field":"d"}}'
	complete "$D/t/2026/01/31" $'1,2026-01-31\n'
	ingest
	[ "$status" -eq 0 ]
	assert_equal "$(partitioning t)" '{"type":"DAY","field":"d"}' partitioning
	bq_api POST "datasets/$D/tables" "{\"tableReference\":{\"tableId\":\"u\"},\"timePartitioning\":{\"type\":\"DAY\"},\"schema\":{\"fields\":[{\"name\":\"id\",\"type\":\"INTEGER\"},{\"name\":\"d\",\"type\":\"DATE\"}]}}" >/dev/null
	complete "$D/u/2026/01/31" $'2,2026-01-31\n'
	ingest
	[ "$status" -eq 0 ]
	assert_equal "$(partitioning u)" '{"type":"DAY"}' partitioning
	assert_equal "$(rows u)" 2 rows
}

@test "a partition of a table that has none is 65, and both are named" {
	schema
	bq_sql "CREATE TABLE $D.t (id INT64)"
	complete "$D/t/2026/01/31"
	ingest
	[ "$status" -eq 65 ]
	[[ $errors == *"$D.t is not partitioned, so it has no partition \$20260131"* ]] || _fail told
	assert_equal "$(rows t)" '' rows
}

@test "who does not get the lock exits 75, says who has it, and loads nothing" {
	schema
	complete "$D/t/1"
	complete "$D/other/1"
	put "$D/t/_config/ORDERME" ''
	gcswatch --backfill "gs://$B/" >batches
	put "$D/t/_bqlock" '{"host":"elsewhere","pid":77,"owner":"x"}'
	run_split bqload --lock-wait 100ms <batches
	[ "$status" -eq 75 ]
	[[ $errors == *"gs://$B/$D/t/_bqlock is held by process 77 on elsewhere"* ]] || _fail told
	assert_equal "$(rows t)" '' rows
	assert_equal "$(rows other)" 1 rows
	# gcswatch, too, waits for it before it says what there is to do.
	run_split gcswatch --lock-wait 100ms --backfill "gs://$B/"
	[ "$status" -eq 75 ]
	[[ $errors == *"process 77 on elsewhere"* ]] || _fail told
	gcs_api DELETE "b/$B/o/$D%2Ft%2F_bqlock"
	run_split bqload --lock-wait 100ms <batches
	[ "$status" -eq 0 ]
	assert_equal "$(rows t)" 1 rows
	run ! eval 'gcs_names "$B" | grep _bqlock'
}

locked() {
	gcs_names "$B" | grep -q _bqlock
}

@test "kill -9 of who holds the lock: the next takes it over at once, and the job with it" {
	schema
	put "$D/t/_config/ORDERME" ''
	complete "$D/t/1"
	gcswatch --backfill "gs://$B/" >batches
	fault '{"fault":{"jobDelayMs":2000},"match":{"method":"POST","path":"/jobs"}}'
	bqload <batches >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_until 20 locked
	kill -KILL "$pid"
	wait "$pid" || true
	run_split bqload --lock-wait 100ms <batches
	[ "$status" -eq 0 ]
	[[ $errors == *_bqlock*'taken over'* ]] || _fail told
	assert_equal "$(rows t)" 1 rows
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

@test "in order: nothing is begun behind a directory that fails, until that is mended or deleted" {
	schema
	put "$D/t/_config/ORDERME" ''
	complete "$D/t/1" $'1\n'
	complete "$D/t/2" $'nonsense\n'
	complete "$D/t/3" $'3\n'
	complete "$D/u/1" $'1\n'
	complete "$D/v/1" $'nonsense\n'
	complete "$D/v/2" $'2\n'
	ingest --ledger "file:$PWD/ledger"
	[ "$status" -eq 65 ]
	assert_equal "$(rows t)" 1 "rows of the ordered table"
	assert_equal "$(rows u) $(rows v)" '1 2' "rows of the others"
	[[ $errors == *"$D/t/3/_SUCCESS#"*': it waits for the one before, which has failed'* ]] || _fail told
	# The job that failed read what was there then; the batch is the same.
	put "$D/t/2/data.csv" $'2\n'
	gcs_api DELETE "b/$B/o/$D%2Fv%2F1%2F_SUCCESS"
	# The failure stands for some seconds.
	mended() { ingest --ledger "file:$PWD/ledger" && [ "$status" -eq 0 ]; }
	wait_until 60 mended
	assert_equal "$(rows t)" '1 2 3' rows
}

@test "in order: what has just failed fails again without a job; without a lock it is tried" {
	local id

	schema
	put "$D/t/_config/ORDERME" ''
	complete "$D/t/1"
	gcswatch --backfill "gs://$B/" >batches
	id=$(jq -r '.["@batch"].id // empty' batches)
	# Ten times: ten minutes.
	for n in {1..10}; do
		jq -nc --arg t "$PROJECT.$D.t" --arg r "$id" --arg n "$n" --arg at "$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)" \
			'{id: $n, at: $at, table: $t, run: $r, step: "load", state: "failed", job: "p:US.j\($n)", error: "no such column", exit: 69}'
	done >ledger
	run_split bqload --ledger "file:$PWD/ledger" <batches
	[ "$status" -eq 69 ]
	[[ $errors == *'it failed '*' s ago and is not tried again for '*' s: no such column'* ]] || _fail "told: $errors"
	assert_equal "$(wc -l <ledger)" 10 entries
	assert_equal "$(rows t)" '' rows
	run_split bqload --ledger "file:$PWD/ledger" < <(jq -c 'del(.["@batch"]?.lock)' batches)
	[ "$status" -eq 0 ]
	assert_equal "$(rows t)" 1 rows
}

@test "SIGTERM of who holds the lock: it is gone" {
	local pid

	schema
	put "$D/t/_config/ORDERME" ''
	complete "$D/t/1"
	gcswatch --backfill "gs://$B/" >batches
	fault '{"fault":{"jobDelayMs":3000},"match":{"method":"POST","path":"/jobs"}}'
	bqload <batches >/dev/null 2>&1 3>&- &
	pid=$!
	wait_until 20 locked
	kill -TERM "$pid"
	wait "$pid" && status=0 || status=$?
	[ "$status" -eq 143 ]
	run ! locked
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}
