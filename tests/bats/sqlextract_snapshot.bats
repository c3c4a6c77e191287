#!/usr/bin/env bats
# One state for several reads of PostgreSQL: --hold-snapshot, --snapshot, --snapshot-ready; and --read-timeout.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # SQL has dollars; each test is a subshell; run_split sets errors

load helper/common
load helper/postgres
load helper/values

setup_file() {
	postgres_start
	psql_do 'CREATE TABLE giro (id int PRIMARY KEY, money int)' 'CREATE TABLE savings (id int PRIMARY KEY, money int)' \
		'INSERT INTO giro SELECT i, 100 FROM generate_series(1, 100) i' 'INSERT INTO savings SELECT i, 100 FROM generate_series(1, 100) i'
}

teardown_file() {
	postgres_stop
}

setup() {
	BACKGROUND=()
}

teardown() {
	local pid

	exec 7>&-
	psql_do "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN ('mover', 'truncater')"
	for pid in "${BACKGROUND[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# hold TABLE...: a session that holds them until `release`; sets SNAPSHOT, HOLDER.
hold() {
	mkfifo "$BATS_TEST_TMPDIR/stdin"
	sqlextract --hold-snapshot "$PG_URI" "$@" <"$BATS_TEST_TMPDIR/stdin" >"$BATS_TEST_TMPDIR/held" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	HOLDER=$!
	BACKGROUND+=("$HOLDER")
	exec 7>"$BATS_TEST_TMPDIR/stdin"
	wait_until 20 test -s "$BATS_TEST_TMPDIR/held"
	SNAPSHOT=$(jq -r .snapshot "$BATS_TEST_TMPDIR/held")
}

release() {
	exec 7>&-
	wait "$HOLDER"
}

waits_for_lock() {
	[[ $(psql_value "SELECT count(*) FROM pg_stat_activity WHERE application_name = '$1' AND wait_event_type = 'Lock'") == 1 ]]
}

sum_of() {
	sqlextract -q "$PG_URI" "$1" --snapshot "$SNAPSHOT" | jq -s 'map(.money // 0) | add'
}

@test "money that moves between two tables is all there in one snapshot" {
	local before total

	hold giro savings
	psql -qX -c 'CREATE PROCEDURE move() LANGUAGE plpgsql AS $$BEGIN LOOP
		UPDATE giro SET money = money - 1; UPDATE savings SET money = money + 1; COMMIT; END LOOP; END$$'
	PGAPPNAME=mover psql -qX -c 'CALL move()' 2>/dev/null 3>&- 7>&- &
	BACKGROUND+=("$!")
	before=$(psql_value 'SELECT sum(money) FROM giro')
	moved() { (($(psql_value 'SELECT sum(money) FROM giro') < before)); }
	for _ in 1 2 3; do
		before=$(psql_value 'SELECT sum(money) FROM giro')
		total=$(($(sum_of giro)))
		wait_until 20 moved
		total=$((total + $(sum_of savings)))
		assert_equal "$total" 20000 'the sum over both tables'
	done
	release
}

@test "a held table cannot be truncated before it is read" {
	psql_do 'CREATE TABLE guarded AS SELECT i FROM generate_series(1, 1000) i'
	hold guarded
	PGAPPNAME=truncater psql -qX -c 'TRUNCATE guarded' 3>&- 7>&- &
	BACKGROUND+=("$!")
	wait_until 20 waits_for_lock truncater
	# A reader queues behind the TRUNCATE; its turn comes when that gives up.
	run psql -qXAt -c "SET lock_timeout = '100ms'" -c 'LOCK TABLE guarded IN ACCESS SHARE MODE'
	psql_do "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'truncater'"
	assert_equal "$(sqlextract -q "$PG_URI" guarded --snapshot "$SNAPSHOT" | tail -n 1)" '{"@end":{"rows":1000,"rejected":0}}' end
	psql_do 'INSERT INTO guarded VALUES (0)'
	assert_equal "$(sqlextract -q "$PG_URI" guarded --snapshot "$SNAPSHOT" | tail -n 1)" '{"@end":{"rows":1000,"rejected":0}}' 'the same end'
	release
	psql_do 'TRUNCATE guarded'
}

@test "a table truncated since its snapshot was made is 75, never empty" {
	psql_do 'CREATE TABLE unguarded AS SELECT i FROM generate_series(1, 1000) i'
	hold giro
	psql_do 'TRUNCATE unguarded' 'INSERT INTO unguarded VALUES (1)'
	for arguments in unguarded '--query TABLE\ unguarded'; do
		eval "run_split sqlextract -q '$PG_URI' $arguments --snapshot '$SNAPSHOT'"
		assert_status 75
		[[ $errors == *"unguarded was made, truncated or replaced since snapshot $SNAPSHOT"* ]]
	done
	release
}

@test "a query and a view read in the snapshot too" {
	psql_do 'CREATE TABLE watched AS SELECT 1 AS i' 'CREATE VIEW watching AS SELECT i FROM watched'
	hold watching
	psql_do 'INSERT INTO watched VALUES (2)'
	assert_equal "$(rows watching --snapshot "$SNAPSHOT")" '{"i":1}' view
	assert_equal "$(rows --query 'SELECT count(*) AS n FROM watched' --snapshot "$SNAPSHOT")" '{"n":1}' query
	# The lock goes through the view.
	run psql -qXAt -c "SET lock_timeout = '100ms'" -c 'TRUNCATE watched'
	assert_output_contains 'lock timeout'
	release
}

@test "what cannot be locked is said, the others are locked all the same" {
	psql_do 'CREATE MATERIALIZED VIEW refreshable AS SELECT 1 AS i' 'CREATE TABLE beside AS SELECT 1 AS i'
	hold refreshable beside
	grep -q 'refreshable cannot be locked' "$BATS_TEST_TMPDIR/errors"
	run psql -qXAt -c "SET lock_timeout = '100ms'" -c 'TRUNCATE beside'
	assert_output_contains 'lock timeout'
	assert_equal "$(rows refreshable --snapshot "$SNAPSHOT")" '{"i":1}'
	psql_do 'REFRESH MATERIALIZED VIEW refreshable'
	run_split sqlextract -q "$PG_URI" refreshable --snapshot "$SNAPSHOT"
	assert_status 75
	release
}

@test "without tables there is a snapshot, and a warning that nothing is locked" {
	hold
	[[ $SNAPSHOT == [0-9A-F]*-* ]]
	grep -q 'no table is named' "$BATS_TEST_TMPDIR/errors"
	psql_do 'CREATE TABLE born_later (i int)'
	run_split sqlextract -q "$PG_URI" born_later --snapshot "$SNAPSHOT"
	assert_status 75
	[[ $errors == *'born_later was made, truncated or replaced since snapshot'* ]]
	release
}

@test "a snapshot that is gone, of another database, or none at all" {
	hold giro
	psql_do 'CREATE DATABASE other'
	PGDATABASE=other psql_do 'CREATE TABLE giro (id int)'
	run_split sqlextract -q "postgresql://postgres@/other?host=$PG_DIR" giro --snapshot "$SNAPSHOT"
	assert_status 66
	[[ $errors == *'another database'* ]]
	release
	run_split sqlextract -q "$PG_URI" giro --snapshot "$SNAPSHOT"
	assert_status 66
	[[ $errors == *'the session that exported it is gone'* ]]
	assert_json '.[0]["@abort"].exit == 66'
	for id in nonsense "1'; DROP TABLE giro; --" ''; do
		run_split sqlextract -q "$PG_URI" giro --snapshot "$id"
		assert_status 64
	done
}

@test "an unknown table is not held" {
	run_split sqlextract --hold-snapshot "$PG_URI" giro nowhere
	assert_status 66
	[[ $errors == *'there is no table "nowhere"'* ]]
	assert_equal "$output" '' stdout
}

@test "--hold-snapshot ends with its connection's locks when killed" {
	hold giro
	kill -TERM "$HOLDER"
	status=0
	wait "$HOLDER" || status=$?
	assert_equal "$status" 143 status
	psql_do "SET lock_timeout = '20s'; BEGIN; LOCK TABLE giro; ROLLBACK"
}

@test "--snapshot-ready is there once the state is fixed, before the first row" {
	psql_do 'CREATE TABLE steady AS SELECT i FROM generate_series(1, 200000) i'
	mkfifo "$BATS_TEST_TMPDIR/out"
	exec 7<>"$BATS_TEST_TMPDIR/out"
	sqlextract -q "$PG_URI" steady --snapshot-ready "$BATS_TEST_TMPDIR/ready" >"$BATS_TEST_TMPDIR/out" 3>&- 7<&- &
	BACKGROUND+=("$!")
	wait_until 20 test -e "$BATS_TEST_TMPDIR/ready"
	psql_do 'INSERT INTO steady VALUES (0)'
	cat <&7 >"$BATS_TEST_TMPDIR/rest" 3>&- &
	BACKGROUND+=("$!")
	wait_until 20 grep -q '^{"@end":{"rows":200000,' "$BATS_TEST_TMPDIR/rest"
	run_split sqlextract -q "$PG_URI" steady --snapshot-ready /nowhere/ready
	assert_status 74
	[[ $errors == *'--snapshot-ready: /nowhere/ready'* ]]
}

# --- a server that says nothing ---------------------------------------------------------

@test "--read-timeout ends a read whose server says nothing, with 75" {
	run_split sqlextract -q "$PG_URI" --query 'SELECT pg_sleep(60)::text AS a' --read-timeout 300ms
	assert_status 75
	[[ $errors == *--read-timeout* ]]
	# Also between rows.
	run_split sqlextract -q "$PG_URI" --read-timeout 300ms \
		--query 'SELECT i, CASE WHEN i > 5000 THEN pg_sleep(60)::text END AS s FROM generate_series(1, 6000) i'
	assert_status 75
	[[ $output == *'"i":1,'*'@abort'* ]]
	gone() { [[ $(psql_value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sqlextract'") == 0 ]]; }
	wait_until 20 gone
}

@test "--read-timeout does not count what the reader of stdout takes" {
	run_split bash -o pipefail -c 'sqlextract -q "$0" --read-timeout 300ms --query "SELECT repeat(chr(120), 1000) AS t FROM generate_series(1, 5000)" |
		{ head -c 100000 >/dev/null; sleep 1; tail -n 1; }' "$PG_URI"
	assert_status 0
	assert_equal "$output" '{"@end":{"rows":5000,"rejected":0}}' end
	# Nor a server that drips.
	run_split sqlextract -q "$PG_URI" --read-timeout 1s --query 'SELECT pg_sleep(0.05)::text || repeat($$x$$, 9000) AS a FROM generate_series(1, 30)'
	assert_status 0
}
