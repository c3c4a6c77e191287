#!/usr/bin/env bats
# pipelines/sync from PostgreSQL to localcloud: what arrives, what failures, signals and the end of time leave behind,
# and that no overlap of two syncs leaves older rows over newer ones.

load helper/common
load helper/postgres
load helper/localcloud
load helper/sync

setup_file() {
	postgres_start
	localcloud_start
	bq_dataset shop
	psql_do "CREATE VIEW slow AS SELECT i AS id, pg_sleep(0.01)::text AS z FROM generate_series(1, 100000) i"
}

teardown_file() {
	localcloud_stop
	postgres_stop
}

setup() {
	sync_directory
	sync_postgres SHOP
	export TRUNCATE_ON_SYNC=true
	localcloud_curl --fail -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

count() {
	bq_sql "SELECT COUNT(*) AS n FROM shop.$1" | jq -r .n
}

slow_query_runs() {
	[[ $(psql_value "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^COPY.*slow'") != 0 ]]
}

@test "a .env is all that it takes: every table, replaced on every run" {
	psql_do "CREATE SCHEMA sales" "CREATE TABLE sales.orders AS SELECT i AS id, timestamp '2026-01-31 10:00' AS at FROM generate_series(1, 500) i" \
		"CREATE TABLE customers AS SELECT i AS id, 'c' || i AS name FROM generate_series(1, 20) i"
	unset TRUNCATE_ON_SYNC SYNC_DATABASES GCP_PROJECT_ID BQ_DATASET_ID
	unset_matching 'SHOP_*'
	cat >.env <<-END
		# The shop.
		GCP_PROJECT_ID=$PROJECT
		export BQ_DATASET_ID="shop"
		SYNC_DATABASES=shop
		TRUNCATE_ON_SYNC=yes # every run is the whole truth
		SHOP_DB_TYPE=postgres
		SHOP_DB_HOST='$PGHOST'
		SHOP_DB_PORT=$PGPORT
		SHOP_DB_NAME=postgres
		SHOP_DB_USER=postgres
		SHOP_TABLES=sales.orders,customers
	END
	run_sync
	assert_status 0
	assert_equal "$(count sales__orders)" 500
	assert_equal "$(count customers)" 20
	[[ $errors =~ shop\ customers\ +customers\ +20\ +[0-9.]+\ +$PROJECT:US\.sluice_[0-9a-f]+_1\ +loaded ]]
	[[ ${errors##*$'\n'} == 'sync: 2 succeeded, 0 failed' ]]
	# A new table has a DATETIME column as TIMESTAMP.
	assert_equal "$(bq_api GET datasets/shop/tables/sales__orders | jq -r '.schema.fields[] | select(.name == "at").type')" TIMESTAMP
	psql_do "DELETE FROM customers WHERE id > 5"
	run_sync
	assert_status 0
	assert_equal "$(count customers)" 5
}

@test "an environment variable goes before .env, and other variables of .env reach the programs" {
	psql_do "CREATE TABLE fromenv AS SELECT 1 AS id"
	printf 'SHOP_TABLES=not_this\nBIGQUERY_EMULATOR_HOST=%s\n' "$BIGQUERY_EMULATOR_HOST" >.env
	unset BIGQUERY_EMULATOR_HOST
	SHOP_TABLES=fromenv run_sync
	assert_status 0
	assert_equal "$(count fromenv)" 1
	# An empty one is unset: then .env says it.
	SHOP_TABLES='' run_sync
	assert_status 66
	[[ $errors == *not_this* ]]
}

@test "without a key every run appends; with PRIMARY_KEY it merges" {
	psql_do "CREATE TABLE growing AS SELECT i AS id, 'old' AS v FROM generate_series(1, 3) i"
	export TRUNCATE_ON_SYNC=false SHOP_TABLES=growing
	run_sync
	run_sync
	assert_status 0
	assert_equal "$(count growing)" 6
	psql_do "CREATE TABLE merged AS SELECT i AS id, 'old' AS v, timestamptz '2026-01-01' AS at FROM generate_series(1, 3) i"
	export SHOP_TABLES=merged SHOP_MERGED_PRIMARY_KEY=id
	run_sync
	assert_status 0
	psql_do "UPDATE merged SET v = 'new' WHERE id = 2" "INSERT INTO merged VALUES (4, 'new', '2026-01-01')"
	run_sync
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, v FROM shop.merged ORDER BY id" | jq -r '.id + .v' | paste -sd ' ')" "1old 2new 3old 4new"
	# By the time, an older row does not go over a newer one.
	psql_do "UPDATE merged SET v = 'older', at = '2025-01-01' WHERE id = 3" "UPDATE merged SET v = 'newer', at = '2026-02-01' WHERE id = 4"
	SHOP_MERGED_TIMESTAMP_COLUMN='at' run_sync
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, v FROM shop.merged ORDER BY id" | jq -r '.id + .v' | paste -sd ' ')" "1old 2new 3old 4newer"
}

@test "TIMESTAMP_COLUMN: what is new is merged or appended; RECONCILE_EVERY deletes what is gone" {
	psql_do "CREATE TABLE inc (id int PRIMARY KEY, v text, at timestamptz DEFAULT clock_timestamp() - interval '1 hour')" \
		"INSERT INTO inc SELECT i, 'old' FROM generate_series(1, 4) i" "CREATE TABLE log AS TABLE inc"
	export TRUNCATE_ON_SYNC=false SHOP_TABLES=inc,log SHOP_INC_PRIMARY_KEY=id SHOP_INC_TIMESTAMP_COLUMN='at' \
		SHOP_LOG_TIMESTAMP_COLUMN='at' RECONCILE_EVERY=0s
	run_sync
	assert_status 0
	psql_do "INSERT INTO log VALUES (5, 'new', clock_timestamp())" "INSERT INTO inc VALUES (5, 'new', clock_timestamp())" \
		"DELETE FROM inc WHERE id = 1" "UPDATE inc SET v = 'unseen', at = at - interval '1 hour' WHERE id = 2"
	run_sync
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, v FROM shop.inc ORDER BY id" | jq -r '.id + .v' | paste -sd ' ')" "2old 3old 4old 5new"
	assert_equal "$(count log)" 5
	[[ $errors =~ shop\ log\ +log\ +1\  ]]
	assert_equal "$(jq -r '.["@loaded"].table // empty' <<<"$output" | sort | uniq -c | tr -s ' \n' ' ')" " 2 $PROJECT.shop.inc 1 $PROJECT.shop.log "
	assert_json '.[-1]["@end"].records == 3'
}

@test "DRY_RUN reads and checks every row, and writes nothing anywhere" {
	psql_do "CREATE TABLE dry AS SELECT i AS id, date '2026-01-31' AS at FROM generate_series(1, 1000) i"
	SHOP_TABLES=dry DRY_RUN=true run_sync
	assert_status 0
	[[ $errors =~ shop\ dry\ +dry\ +1000\ +[0-9.]+\ +-\ +checked ]]
	run ! bq_api GET datasets/shop/tables/dry
	[ ! -e "$SLUICE_STATE_DIR" ]
	# A row that BigQuery cannot hold is found, and so is a missing table where none may be made.
	psql_do "UPDATE dry SET at = 'infinity' WHERE id = 1000"
	SHOP_TABLES=dry DRY_RUN=true run_sync
	assert_status 65
	SHOP_TABLES=dry DRY_RUN=true MAX_ROW_PARSE_FAILURES=1 run_sync
	assert_status 0
	SHOP_TABLES=dry DRY_RUN=true MAX_ROW_PARSE_FAILURES=1 AUTO_CREATE_TABLES=false run_sync
	assert_status 69
}

@test "a failed table does not stop the others: AUTO_CREATE_TABLES, rejects, and tables that are not there" {
	psql_do "CREATE TABLE good AS SELECT 1 AS id" "CREATE TABLE bad AS SELECT date 'infinity' AS at UNION SELECT '2026-01-01'"
	SHOP_TABLES=missing,bad,good run_sync
	assert_status 65
	assert_equal "$(count good)" 1
	[[ $errors == *'1 succeeded, 2 failed'* ]]
	[[ $errors =~ shop\ missing\ .*failed\ \(66\):\ there\ is\ no\ table ]]
	SHOP_TABLES=bad,good MAX_ROW_PARSE_FAILURES=1 run_sync
	assert_status 0
	assert_equal "$(count bad)" 1
	SHOP_TABLES=good,bad SHOP_BAD_TARGET_TABLE=new SHOP_BAD_COLUMNS=at AUTO_CREATE_TABLES=no MAX_ROW_PARSE_FAILURES=-1 run_sync
	assert_status 69
	run ! bq_api GET datasets/shop/tables/new
}

@test "a temporary failure is tried again under the same run id" {
	psql_do "CREATE TABLE again AS SELECT 1 AS id"
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"again"}}}'
	SHOP_TABLES=again run_sync
	assert_status 0
	[[ $errors == *'shop again: sync-table: warning: '*'attempt 2 in 1 s, same run id'* ]]
	assert_equal "$(count again)" 1
}

@test "SYNC_TIMEOUT ends the whole run in order: 75, queries cancelled, no process left" {
	psql_do "CREATE TABLE quick AS SELECT 1 AS id"
	SYNC_TIMEOUT=5s SHOP_TABLES=quick,slow,never DB_MAX_OPEN_CONNECTIONS=1 run_sync
	assert_status 75
	[[ $errors =~ shop\ quick\ .*\ loaded ]]
	[[ $errors =~ shop\ slow\ .*\ stopped:\ SYNC_TIMEOUT\ is\ over ]]
	[[ $errors =~ shop\ never\ .*\ not\ begun:\ SYNC_TIMEOUT\ is\ over ]]
	run ! slow_query_runs
	assert_equal "$(sync_processes)" "" "what still runs"
	# Waiting for another attempt is no shelter.
	run_split env SYNC_TIMEOUT=1s SHOP_TABLES=quick SHOP_DB_HOST=/nonexistent sync
	assert_status 75
	((SECONDS < 60))
	assert_equal "$(sync_processes)" "" "what still runs"
}

# signalled NAME: a sync that reads a slow table gets that signal.
signalled() {
	# By `&` alone SIGINT would be ignored.
	env --default-signal=INT -u PGHOST SHOP_TABLES=slow sync >out 2>err 3>&- &
	local pid=$!

	wait_until 10 slow_query_runs
	kill -s "$1" "$pid"
	status=0
	wait "$pid" || status=$?
}

@test "a signal ends all of it: 128+n, a summary, queries cancelled, no process left" {
	local signal
	for signal in TERM:143 INT:130 HUP:129; do
		signalled "${signal%:*}"
		assert_status "${signal#*:}"
		run ! slow_query_runs
		assert_equal "$(sync_processes)" "" "what still runs"
		grep -q 'stopped: signal' err
	done
}

@test "killed with SIGKILL, its tables go on and nobody gets in between; the clock goes with it" {
	psql_do "CREATE TABLE held AS SELECT 1 AS id"
	hold_table held
	env -u PGHOST SHOP_TABLES=held sync >out 2>err 3>&- &
	wait_until 10 waits_for held
	kill -KILL "$!"
	wait "$!" 2>/dev/null || true
	SYNC_TIMEOUT=10s SHOP_TABLES=held run_sync
	assert_status 75
	[[ $errors == *'another sync of it is running'* ]]
	let_go
	wait_until 20 nothing_runs
	assert_equal "$(count held)" 1
}

nothing_runs() {
	[[ -z $(sync_processes) ]]
}

# hold_table NAME: nobody else gets at it until let_go.
hold_table() {
	mkfifo "$BATS_TEST_TMPDIR/hold"
	psql -Xqt <"$BATS_TEST_TMPDIR/hold" >/dev/null 2>&1 3>&- &
	exec {holding}>"$BATS_TEST_TMPDIR/hold"
	echo "BEGIN; LOCK TABLE $1 IN ACCESS EXCLUSIVE MODE;" >&"$holding"
	wait_until 10 is_locked "$1"
}

let_go() {
	echo 'COMMIT;' >&"$holding"
	exec {holding}>&-
	rm "$BATS_TEST_TMPDIR/hold"
}

is_locked() {
	[[ $(psql_value "SELECT COUNT(*) FROM pg_locks WHERE relation = '$1'::regclass AND mode = 'AccessExclusiveLock' AND granted") == 1 ]]
}

waits_for() {
	[[ $(psql_value "SELECT COUNT(*) FROM pg_locks WHERE relation = '$1'::regclass AND NOT granted") == 1 ]]
}

@test "two overlapping syncs of one table: the later one gives way, and the newest rows are what stays" {
	psql_do "CREATE TABLE overlap AS SELECT 1 AS v"
	export SHOP_TABLES=overlap
	hold_table overlap
	env -u PGHOST sync >out 2>err 3>&- &
	local first=$!
	wait_until 10 waits_for overlap
	SYNC_TIMEOUT=10s run_sync
	assert_status 75
	[[ $errors == *'another sync of it is running'* ]]
	echo "UPDATE overlap SET v = 2;" >&"$holding"
	let_go
	wait "$first"
	assert_equal "$(bq_sql 'SELECT v FROM shop.overlap')" '{"v":"2"}'
	psql_do "UPDATE overlap SET v = 3"
	run_sync
	assert_status 0
	assert_equal "$(bq_sql 'SELECT v FROM shop.overlap')" '{"v":"3"}'
}

job_was_sent() {
	grep -q 'rows sent' err
}

@test "a sync that was killed while its job runs cannot come in late: the next one waits, then loads the newer rows" {
	psql_do "CREATE TABLE late AS SELECT 1 AS v"
	export SHOP_TABLES=late
	# Its entries are no jobs, which the fault could take for the load.
	export BQ_LOAD_STATE_TABLE=file:$BATS_TEST_TMPDIR/ledger
	fault '{"times":1,"fault":{"jobDelayMs":8000}}'
	env -u PGHOST setsid sync >out 2>err 3>&- &
	wait_until 10 job_was_sent
	# All of it, at once: the groups of sync and of its pipelines.
	kill_all
	assert_equal "$(cat "$SLUICE_STATE_DIR"/*.run | wc -l)" 1 "unfinished runs"
	psql_do "UPDATE late SET v = 2"
	run_sync
	assert_status 0
	[[ $errors == *'an earlier run was finished; now the new one'* ]] || _fail 'nothing was finished'
	assert_equal "$(bq_sql 'SELECT v FROM shop.late')" '{"v":"2"}'
	assert_equal "$(bq_api GET 'jobs?maxResults=1000&projection=full' | jq '[.jobs[] | select(.configuration.load.destinationTable.tableId == "late")] | length')" 2
}

# Processes whose directory is ours, except of the test's own.
kill_all() {
	# shellcheck disable=SC2046 # numbers
	kill -KILL $(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$SYNC_DIRECTORY" | tr -dc '0-9\n' |
		grep -vxe "$BASHPID" -e "$$") 2>/dev/null || true
}

@test "what appends after another run died loads its own rows, and does not take that run for its own" {
	psql_do "CREATE TABLE one AS SELECT 1 AS v" "CREATE TABLE two AS SELECT 2 AS v"
	export TRUNCATE_ON_SYNC=false
	# Its entries are no jobs, which the fault could take for the load.
	export BQ_LOAD_STATE_TABLE=file:$BATS_TEST_TMPDIR/ledger
	fault '{"times":1,"fault":{"jobDelayMs":8000}}'
	env -u PGHOST SHOP_TABLES=one SHOP_ONE_TARGET_TABLE=both setsid sync >out 2>err 3>&- &
	wait_until 10 job_was_sent
	kill_all
	SHOP_TABLES=two SHOP_TWO_TARGET_TABLE=both run_sync
	assert_status 0
	[[ $errors == *'an earlier run of other rows is settled first'* ]]
	assert_equal "$(bq_sql 'SELECT v FROM shop.both ORDER BY v' | jq -r .v | paste -sd ' ')" "1 2"
}
