#!/usr/bin/env bats
# The whole path: PostgreSQL, sqlextract, bqload, localcloud; value for value, and under kill -9.

load helper/common
load helper/postgres
load helper/localcloud

setup_file() {
	postgres_start
	localcloud_start
	bq_dataset shop
}

teardown_file() {
	localcloud_stop
	postgres_stop
}

# sync TABLE DESTINATION [BQLOAD OPTION...]
sync() {
	bash -o pipefail -c 'sqlextract postgresql:// "$1" | bqload "${@:3}" -- "$2"' - "$@"
}

@test "the sample tables arrive value for value" {
	psql -Xq -v ON_ERROR_STOP=1 -f "$SLUICE_ROOT/tests/demo/sample.sql"
	local table
	for table in customers orders events; do
		sync "public.$table" "shop.$table"
	done
	# Both sides print every value as a string in one canonical form, NULL as null.
	same "SELECT json_build_object('id', id::text, 'name', name, 'email', email, 'vip', vip::text,
			'credit', trim_scale(credit)::text, 'born', to_char(born, 'YYYY-MM-DD'),
			'preferences', preferences, 'token', token::text) FROM customers" \
		"SELECT id, name, email, vip, credit, born, preferences, token FROM shop.customers" \
		'.preferences |= (. // "null" | fromjson)' 500
	same "SELECT json_build_object('id', id::text, 'customer_id', customer_id::text, 'amount', trim_scale(amount)::text,
			'weight', weight * 1024, 'gift', gift, 'pieces', pieces::text,
			'created', (extract(epoch FROM created_at) * 1000000)::bigint::text,
			'shipped', to_char(shipped_at, 'YYYY-MM-DD HH24:MI:SS.US'), 'slot', slot::text) FROM orders" \
		"SELECT id, customer_id, amount, weight * 1024 AS weight, gift, pieces, UNIX_MICROS(created_at) AS created,
			CAST(shipped_at AS STRING) AS shipped, CAST(slot AS STRING) AS slot FROM shop.orders" \
		'.weight |= (. // "null" | fromjson) | .gift |= fromjson' 5000
	same "SELECT json_build_object('id', id::text, 'us', (extract(epoch FROM happened_at) * 1000000)::bigint::text,
			'kind', kind, 'payload', encode(payload, 'base64'), 'n', n::text) FROM events" \
		"SELECT id, UNIX_MICROS(happened_at) AS us, kind, payload, n FROM shop.events" . 1000
}

# same SOURCE_SQL LOADED_SQL FILTER COUNT: both give the same set of that many rows.
same() {
	psql -XAtqc "$1" | jq -cS . | sort >"$BATS_TEST_TMPDIR/source"
	bq_sql "$2" | jq -cS "$3" | sort >"$BATS_TEST_TMPDIR/loaded"
	diff "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/loaded" | grep -m 1 '<' || true
	diff "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/loaded" | grep -m 1 '>' || true
	cmp -s "$BATS_TEST_TMPDIR/source" "$BATS_TEST_TMPDIR/loaded"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/loaded")" "$4" rows
}

@test "a table that is emptied at the source is emptied, one that fails half-way stays" {
	psql_do "CREATE TABLE small AS SELECT i AS id FROM generate_series(1, 100) i"
	sync small shop.small
	psql_do "DELETE FROM small"
	sync small shop.small --write truncate
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.small')" = '{"n":"0"}' ]
	psql_do "INSERT INTO small SELECT i FROM generate_series(1, 10) i"
	sync small shop.small --write truncate
	# The division fails at the tenth row, after nine good ones.
	run bash -o pipefail -c 'sqlextract postgresql:// --query "SELECT id / (10 - id) AS id FROM small" | bqload --write truncate shop.small'
	[ "$status" -ne 0 ]
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.small')" = '{"n":"10"}' ]
}

# pipeline RUN: in the background; the two process ids are in $extract and $load.
pipeline() {
	rm -f "$BATS_TEST_TMPDIR/pipe"
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	sqlextract --quiet postgresql:// killed >"$BATS_TEST_TMPDIR/pipe" 2>/dev/null &
	extract=$!
	bqload --quiet --write truncate --run-id "$1" --retry-initial 10ms shop.killed \
		<"$BATS_TEST_TMPDIR/pipe" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	load=$!
}

# Number of rows, and the lowest and highest generation among them.
generations() {
	bq_sql 'SELECT COUNT(*) AS n, MIN(generation) AS low, MAX(generation) AS high FROM shop.killed' |
		jq -r '[.n, .low, .high] | join(" ")'
}

@test "kill -9 at 50 random moments: the old or the new whole table; a rerun ends with the new one, once" {
	local round victim old new found moment hits=0
	psql_do "CREATE TABLE killed AS SELECT i AS id, 0 AS generation, repeat('x', 200) AS filler FROM generate_series(1, 20000) i"
	sync killed shop.killed
	RANDOM=20260131
	for round in $(seq 50); do
		psql_do "UPDATE killed SET generation = $round"
		old="20000 $((round - 1)) $((round - 1))" new="20000 $round $round"
		pipeline "kill-$round"
		victim=$extract
		((RANDOM % 2)) || victim=$load
		moment=$(printf '0.%03d' $((RANDOM % 250)))
		sleep "$moment"
		kill -9 "$victim" 2>/dev/null || true
		wait "$extract" "$load" 2>/dev/null || true
		found=$(generations)
		[ "$found" != "$old" ] || hits=$((hits + 1))
		[ "$found" = "$old" ] || [ "$found" = "$new" ] || {
			echo "round $round, killed after $moment s: $found"
			return 1
		}
		sync_killed "kill-$round"
		[ "$(generations)" = "$new" ] || {
			echo "round $round, after the rerun: $(generations)"
			return 1
		}
	done
	# Kills that all come too late would prove nothing.
	echo "$hits of 50 kills came before the load"
	[ "$hits" -ge 10 ]
}

# The same load again, under the same run id, as a user would after a crash.
sync_killed() {
	sqlextract --quiet postgresql:// killed | bqload --quiet --write truncate --run-id "$1" --retry-initial 10ms shop.killed >/dev/null
}

# run_of: the run id in $output's @loaded record.
run_of() {
	grep '^{"@loaded"' <<<"$output" | jq -r '.["@loaded"].run'
}

# leave_unfinished DESTINATION: as if sync-table had died after the load of $output, before it could note that.
leave_unfinished() {
	run_of >"$SLUICE_STATE_DIR/$(printf '%s' "$PROJECT.$1" | sha256sum | cut -c 1-32).run"
}

@test "sync-table syncs, again and again, and finishes what an earlier run began" {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	psql_do "CREATE TABLE synced AS SELECT 1 AS id"
	run sync-table postgresql:// synced shop.synced
	[ "$status" -eq 0 ]
	psql_do "INSERT INTO synced VALUES (2)"
	run sync-table postgresql:// synced shop.synced
	[ "$status" -eq 0 ]
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.synced')" = '{"n":"2"}' ]
	leave_unfinished shop.synced
	psql_do "INSERT INTO synced VALUES (3)"
	run sync-table postgresql:// synced "$PROJECT:shop.synced"
	[ "$status" -eq 0 ]
	[[ $output == *'an earlier run was finished'* ]]
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.synced')" = '{"n":"3"}' ]
	# A state directory that is lost costs nothing.
	rm -r "$SLUICE_STATE_DIR"
	psql_do "INSERT INTO synced VALUES (4)"
	run sync-table postgresql:// synced shop.synced
	[ "$status" -eq 0 ]
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.synced')" = '{"n":"4"}' ]
}

@test "sync-table --write append never doubles what an earlier attempt or run has loaded" {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	psql_do "CREATE TABLE appended AS SELECT 1 AS id"
	run sync-table --write append -- postgresql:// appended shop.appended
	[ "$status" -eq 0 ]
	leave_unfinished shop.appended
	run sync-table --write append -- postgresql:// appended shop.appended
	[ "$status" -eq 0 ]
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.appended')" = '{"n":"1"}' ]
	# The first attempt gives up while its job runs; the second one adopts that.
	fault '{"times":1,"fault":{"jobDelayMs":4000}}'
	run sync-table --write append --load=--timeout=2s -- postgresql:// appended shop.appended
	[ "$status" -eq 0 ]
	[[ $output == *'attempt 2'* ]]
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.appended')" = '{"n":"2"}' ]
}

slow_query_runs() {
	psql -XAtc "SELECT query FROM pg_stat_activity WHERE state = 'active'" | grep -q '^COPY.*slow'
}

@test "SIGTERM ends sync-table with all of its pipeline, and the query on the server" {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	psql_do "CREATE VIEW slow AS SELECT i AS id, pg_sleep(0.01)::text AS z FROM generate_series(1, 100000) i"
	sync-table postgresql:// slow shop.slow >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local pid=$! status=0
	wait_until 10 slow_query_runs
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
	run ! pgrep -f 'bqload.*shop.slow'
	run ! pgrep -f 'sqlextract.*slow'
	run ! slow_query_runs
}

@test "a state directory that cannot be written is 74, before anything is loaded" {
	export SLUICE_STATE_DIR=/dev/full/state
	run sync-table postgresql:// synced shop.unwritten
	[ "$status" -eq 74 ]
}

@test "sync-table hands statuses on, retries 75 under the same run id, and holds a lock" {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	run sync-table postgresql:// no_such_table shop.synced
	[ "$status" -eq 66 ]
	run sync-table postgresql:// synced nowhere.synced
	[ "$status" -eq 69 ]
	run sync-table --wat
	[ "$status" -eq 64 ]
	psql_do "CREATE TABLE retried AS SELECT 1 AS id"
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"again"}}}'
	run sync-table postgresql:// retried shop.retried
	[ "$status" -eq 0 ]
	[[ $output == *'attempt 2 in 1 s, same run id'* ]]
	[ "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.retried')" = '{"n":"1"}' ]
	local key
	key=$(printf '%s' "$PROJECT.shop.retried" | sha256sum | cut -c 1-32)
	exec 9>>"$SLUICE_STATE_DIR/$key.lock"
	flock 9
	run sync-table postgresql:// retried shop.retried
	[ "$status" -eq 75 ]
	[[ $output == *'another sync'* ]]
	exec 9>&-
}
