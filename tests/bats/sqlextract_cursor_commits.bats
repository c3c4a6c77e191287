#!/usr/bin/env bats
# Incremental reads while transactions commit late: which rows wait for a later run, what is said where that
# cannot be known, and that nothing is lost under writers that take their time between now() and COMMIT.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # SQL has quotes; each test is a subshell; run_split sets errors

load helper/common
load helper/postgres
load helper/mariadb

setup_file() {
	postgres_start -c max_prepared_transactions=5 -c wal_level=replica -c max_wal_senders=4
	mariadb_start
	psql_do 'CREATE ROLE plain LOGIN' 'CREATE ROLE watcher LOGIN IN ROLE pg_monitor' 'GRANT pg_read_all_data TO plain, watcher' \
		'CREATE TABLE stamped (seq serial PRIMARY KEY, c timestamptz DEFAULT now(), t timestamp DEFAULT now(), s timestamptz(0) DEFAULT now(), d date DEFAULT now())'
}

teardown_file() {
	postgres_stop
	mariadb_stop
}

setup() {
	BACKGROUND=()
	psql_do 'TRUNCATE stamped'
	last=()
}

teardown() {
	local pid

	exec 8>&-
	psql_do "ROLLBACK PREPARED 'pending'" 2>/dev/null || true
	psql_do 'ALTER ROLE plain RESET TimeZone'
	for pid in "${BACKGROUND[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# writer [NAME=VALUE]...: a session, with these variables, that is given SQL by `tell` and ends with `leave`.
writer() {
	mkfifo "$BATS_TEST_TMPDIR/writer"
	env PGAPPNAME=writer "$@" psql -qX -v ON_ERROR_STOP=1 <"$BATS_TEST_TMPDIR/writer" >"$BATS_TEST_TMPDIR/writer.out" 3>&- 8>&- &
	WRITER=$!
	BACKGROUND+=("$WRITER")
	exec 8>"$BATS_TEST_TMPDIR/writer"
}

# It has run when tell returns.
tell() {
	printf '%s\n\\echo done %s\n' "$*" "$((++TOLD))" >&8
	wait_until 20 grep -qx "done $TOLD" "$BATS_TEST_TMPDIR/writer.out"
}

leave() {
	exec 8>&-
	wait "$WRITER"
}

seqs() {
	jq -r 'select(.seq) | .seq' <<<"$output" | sort -n | paste -sd,
}

# increment COLUMN [OPTION]...: the next one, from what the last one said
increment() {
	local column=$1

	shift
	run_split sqlextract "$PG_URI" stamped --cursor "$column" "${last[@]}" "$@"
	assert_status 0
	last=(--after "$(jq -r '.["@end"] // empty | .cursor.last' <<<"$output")")
	# Only where there was none to begin with.
	[[ ${last[1]} != null ]] || last=()
}

@test "PostgreSQL: a row that is committed late comes with the next run" {
	local column

	for column in c t s; do
		psql_do 'TRUNCATE stamped'
		last=()
		psql_do "INSERT INTO stamped (seq, c, t, s) SELECT 1, m, m, m FROM (SELECT now() - interval '1 hour' AS m) x"
		writer
		tell 'BEGIN; INSERT INTO stamped (seq) VALUES (2);'
		# Later in time, and visible.
		psql_do 'INSERT INTO stamped (seq) VALUES (3)'
		increment "$column"
		assert_equal "$(seqs)" 1 "the rows of the first run by $column"
		assert_json '.[0]["@begin"].scope == "partial"'
		[[ $errors == *'are left to a later run'* && $errors != *'without --lag'* ]] || _fail "$errors"
		tell 'COMMIT;'
		leave
		# A column of whole seconds may be rounded up, into a time to come: one more run may be needed for row 3.
		: >"$BATS_TEST_TMPDIR/seen"
		all_came() { increment "$column" && seqs >>"$BATS_TEST_TMPDIR/seen" && grep -q 3 "$BATS_TEST_TMPDIR/seen"; }
		wait_until 10 all_came
		assert_equal "$(tr , '\n' <"$BATS_TEST_TMPDIR/seen" | grep . | paste -sd,)" 2,3 "the rows of the later runs by $column"
		increment "$column"
		assert_equal "$(seqs)" '' "the rows of the last run by $column"
		rm "$BATS_TEST_TMPDIR/writer" "$BATS_TEST_TMPDIR/writer.out"
		TOLD=0
	done
}

@test "PostgreSQL: an open transaction that has not written yet counts, too" {
	psql_do "INSERT INTO stamped (seq, c) VALUES (1, now() - interval '1 hour')"
	writer
	tell 'BEGIN; SELECT now();'
	psql_do 'INSERT INTO stamped (seq) VALUES (3)'
	increment c
	assert_equal "$(seqs)" 1
	tell 'INSERT INTO stamped (seq) VALUES (2); COMMIT;'
	increment c
	assert_equal "$(seqs)" 2,3
	leave
}

@test "PostgreSQL: reads that take long hold no other one up" {
	mkfifo "$BATS_TEST_TMPDIR/out"
	exec 8<>"$BATS_TEST_TMPDIR/out"
	sqlextract -q "$PG_URI" --query "SELECT repeat('x', 1000) AS x FROM generate_series(1, 100000)" >"$BATS_TEST_TMPDIR/out" 3>&- 8>&- &
	BACKGROUND+=("$!")
	reads() { [[ $(psql_value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sqlextract' AND query LIKE 'COPY%'") == 1 ]]; }
	wait_until 20 reads
	psql_do 'INSERT INTO stamped (seq) VALUES (1)'
	increment c
	assert_equal "$(seqs)" 1
}

@test "PostgreSQL: only transactions of the same database count" {
	psql_do 'DROP DATABASE IF EXISTS other' 'CREATE DATABASE other'
	writer PGDATABASE=other
	tell 'BEGIN; SELECT now();'
	psql_do 'INSERT INTO stamped (seq) VALUES (1)'
	increment c
	assert_equal "$(seqs)" 1
	leave
}

@test "PostgreSQL: a row of the future waits until its time has come, and no row is lost behind it" {
	psql_do "INSERT INTO stamped (seq, c) VALUES (1, now() - interval '1 minute'), (2, now() + interval '1 hour')"
	increment c
	assert_equal "$(seqs)" 1
	psql_do 'INSERT INTO stamped (seq) VALUES (3)'
	increment c
	assert_equal "$(seqs)" 3
	# Where no transaction can be seen, the value leaps ahead, and that is said.
	psql_do "UPDATE stamped SET c = now() + interval '10 years' WHERE seq = 2"
	PGUSER=plain run_split sqlextract "${PG_URI/postgres@/plain@}" stamped --cursor c --lag 1h
	assert_status 0
	[[ $errors == *'lies in the future'* ]]
}

@test "PostgreSQL: a pending prepared transaction holds the cursor back, and is named" {
	psql_do "INSERT INTO stamped (seq, c) VALUES (1, now() - interval '1 hour')" \
		"BEGIN; INSERT INTO stamped (seq) VALUES (2); PREPARE TRANSACTION 'pending'"
	psql_do 'INSERT INTO stamped (seq) VALUES (3)'
	increment c
	assert_equal "$(seqs)" 1
	[[ $errors == *"prepared transaction 'pending'"* ]]
	run_split sqlextract "$PG_URI" stamped --cursor c --lag 1h
	[[ $errors != *"prepared transaction"* ]]
}

@test "PostgreSQL: a time without zone is that of the zone furthest behind" {
	psql_do "ALTER ROLE plain SET TimeZone = 'America/New_York'" 'GRANT INSERT ON stamped TO plain'
	psql_do "INSERT INTO stamped (seq, t) VALUES (1, now() - interval '1 day')"
	writer PGUSER=plain
	tell 'BEGIN; INSERT INTO stamped (seq) VALUES (2);'
	# Written in UTC by others: above what the open transaction wrote, hours ahead of it.
	psql_do 'INSERT INTO stamped (seq) VALUES (3)'
	psql -qX "${PG_URI/postgres@/plain@}" -c 'INSERT INTO stamped (seq) VALUES (4)'
	increment t
	assert_equal "$(seqs)" 1
	tell 'COMMIT;'
	leave
	increment t
	assert_equal "$(seqs)" 2,4
}

@test "what cannot be known of other transactions is said, unless there is a lag" {
	psql_do 'INSERT INTO stamped (seq) VALUES (1)'
	run_split sqlextract "${PG_URI/postgres@/plain@}" stamped --cursor c
	assert_status 0
	[[ $errors == *'without --lag'*pg_monitor* ]] || _fail "$errors"
	assert_equal "$(seqs)" 1
	run_split sqlextract "${PG_URI/postgres@/plain@}" stamped --cursor c --lag 1m
	[[ $errors != *'without --lag'* ]] || _fail "$errors"
	run_split sqlextract "${PG_URI/postgres@/watcher@}" stamped --cursor c
	assert_status 0
	[[ $errors != *'without --lag'* ]] || _fail "$errors"
	# Days and numbers are nobody's clock.
	for column in d seq; do
		run_split sqlextract "$PG_URI" stamped --cursor "$column"
		assert_status 0
		[[ $errors == *'without --lag'*'order of commits'* ]] || _fail "$errors"
	done
	mariadb_do 'CREATE TABLE stamped (seq int, c timestamp(6) NULL)' 'INSERT INTO stamped VALUES (1, NOW())'
	run_split sqlextract "$MARIADB_URI" stamped --cursor c
	[[ $errors == *'without --lag'* ]] || _fail "$errors"
	run_split sqlextract "$MARIADB_URI" stamped --cursor c --lag 0
	[[ $errors != *'without --lag'* ]] || _fail "$errors"
	# What was exported may be older than any look at it.
	exec 8> >(psql -qXAt -o "$BATS_TEST_TMPDIR/snapshot")
	echo 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_export_snapshot();' >&8
	wait_until 20 test -s "$BATS_TEST_TMPDIR/snapshot"
	psql_do 'INSERT INTO stamped (seq) VALUES (2)'
	run_split sqlextract "$PG_URI" stamped --cursor c --snapshot "$(<"$BATS_TEST_TMPDIR/snapshot")"
	assert_status 0
	assert_equal "$(seqs)" 1
	[[ $errors == *'without --lag'*'snapshot was exported'* ]] || _fail "$errors"
	exec 8>&-
}

@test "PostgreSQL: sessions that do not show their transactions are said" {
	psql_do 'INSERT INTO stamped (seq) VALUES (1)'
	writer PGOPTIONS='-c track_activities=off'
	tell 'BEGIN; SELECT now();'
	increment c
	[[ $errors == *'without --lag'*track_activities* ]] || _fail "$errors"
	leave
}

@test "PostgreSQL: rows that come from elsewhere are said: those stamps are not of this server's transactions" {
	local table

	psql_do 'INSERT INTO stamped (seq) VALUES (1)' 'DROP DATABASE IF EXISTS origin' 'CREATE DATABASE origin' \
		'CREATE EXTENSION postgres_fdw' "CREATE SERVER self FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$PG_DIR', port '$PG_PORT', dbname 'postgres')" \
		'CREATE USER MAPPING FOR postgres SERVER self' \
		"CREATE FOREIGN TABLE remote (seq int, c timestamptz) SERVER self OPTIONS (table_name 'stamped')" \
		'CREATE MATERIALIZED VIEW refreshed AS SELECT * FROM stamped' 'CREATE VIEW above AS SELECT * FROM refreshed' \
		'CREATE TABLE followed (seq int, c timestamptz)'
	PGDATABASE=origin psql_do 'CREATE TABLE followed (seq int, c timestamptz)' 'CREATE PUBLICATION p FOR TABLE followed'
	psql_do "CREATE SUBSCRIPTION s CONNECTION 'host=$PG_DIR port=$PG_PORT user=postgres dbname=origin' PUBLICATION p
		WITH (create_slot = false, copy_data = false, enabled = false, slot_name = NONE)" 'INSERT INTO followed VALUES (1, now())'
	for table in 'foreign table remote' 'materialized view refreshed' "subscription's table followed"; do
		last=()
		run_split sqlextract "$PG_URI" "${table##* }" --cursor c
		assert_status 0
		assert_equal "$(seqs)" 1
		[[ $errors == *'without --lag'*"rows of $table come from elsewhere"* ]] || _fail "$errors"
		run_split sqlextract "$PG_URI" "${table##* }" --cursor c --lag 1h
		[[ $errors != *'without --lag'* ]] || _fail "$errors"
	done
	run_split sqlextract "$PG_URI" above --cursor c
	[[ $errors == *'without --lag'*'materialized view refreshed'* ]] || _fail "$errors"
	psql_do 'DROP SUBSCRIPTION s' 'DROP SERVER self CASCADE' 'DROP MATERIALIZED VIEW refreshed CASCADE'
}

# standby_start: of the server that runs; its socket is in its directory.
standby_start() {
	STANDBY=$(mktemp -d /tmp/sluice-pg.XXXXXX)
	chmod 755 "$STANDBY"
	((EUID != 0)) || chown "$(server_as_owner postgres id -u)" "$STANDBY"
	cd "$STANDBY" || return 1
	server_as_owner postgres "$(postgres_find_binary pg_basebackup)" -h "$PG_DIR" -p "$PG_PORT" -U postgres -D data -R -c fast >backup.log 2>&1
	server_as_owner postgres "$(postgres_find_binary pg_ctl)" -D data -l server.log -w -t 60 -o "-k $STANDBY" start >start.log 2>&1 3>&-
	cd "$OLDPWD" || return 1
}

standby_stop() {
	local pid

	pid=$(head -n 1 "$STANDBY/data/postmaster.pid") || return 0
	kill -INT "$pid"
	tail --pid="$pid" -s 0.05 -f /dev/null
	rm -rf "$STANDBY"
}

@test "PostgreSQL: a standby says that it does not see the primary's transactions" {
	local on_primary

	psql_do 'INSERT INTO stamped (seq) VALUES (1)'
	standby_start
	on_primary=$PG_DIR
	run_split sqlextract "${PG_URI/"$on_primary"/$STANDBY}" stamped --cursor c
	standby_stop
	assert_status 0
	assert_equal "$(seqs)" 1
	[[ $errors == *'without --lag'*standby* ]] || _fail "$errors"
}

# --- many writers ------------------------------------------------------------------------

# postgres_writer FIRST: fifty rows, each some time after its transaction began.
postgres_writer() {
	local i

	for ((i = $1; i < $1 + 50; i++)); do
		printf 'BEGIN; SELECT now(); SELECT pg_sleep(random() * 0.15); INSERT INTO raced (seq) VALUES (%d); SELECT pg_sleep(random() * 0.15); COMMIT;\n' "$i"
	done | psql -qX >/dev/null
}

@test "PostgreSQL: no increment loses or repeats a row under writers that commit late" {
	local after=() i total=0 upto

	psql_do 'CREATE TABLE raced (seq int, c timestamptz DEFAULT now())' 'CREATE INDEX ON raced (c)'
	for i in 1000 2000 3000 4000; do
		postgres_writer "$i" 3>&- 8>&- &
		BACKGROUND+=("$!")
	done
	: >"$BATS_TEST_TMPDIR/rows"
	for ((i = 0; i < 200 && total < 200; i++)); do
		sqlextract -q "$PG_URI" raced --cursor c "${after[@]}" >"$BATS_TEST_TMPDIR/out"
		jq -r 'select(.seq) | .seq' "$BATS_TEST_TMPDIR/out" >>"$BATS_TEST_TMPDIR/rows"
		upto=$(tail -n 1 "$BATS_TEST_TMPDIR/out" | jq -r '.["@end"].cursor.last')
		[[ $upto == null ]] || after=(--after "$upto")
		total=$(wc -l <"$BATS_TEST_TMPDIR/rows")
	done
	wait "${BACKGROUND[@]}"
	((i > 3)) # slow machines come by less often
	sqlextract -q "$PG_URI" raced --cursor c "${after[@]}" | jq -r 'select(.seq) | .seq' >>"$BATS_TEST_TMPDIR/rows"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/rows") $(sort -u "$BATS_TEST_TMPDIR/rows" | wc -l)" '200 200' 'rows, different rows'
}

mariadb_writer() {
	local i

	for ((i = $1; i < $1 + 50; i++)); do
		printf 'BEGIN; SET @at = NOW(6); SELECT SLEEP(RAND() * 0.15); INSERT INTO raced VALUES (%d, @at); SELECT SLEEP(RAND() * 0.15); COMMIT;\n' "$i"
	done | mariadb_client --database=test >/dev/null
}

@test "MariaDB: 200 quick increments with a lag, merged, lose no row" {
	local after=() i running=1 upto

	mariadb_do 'CREATE TABLE raced (seq int PRIMARY KEY, c timestamp(6) NOT NULL, KEY (c))'
	for i in 1000 2000 3000 4000; do
		mariadb_writer "$i" 3>&- 8>&- &
		BACKGROUND+=("$!")
	done
	: >"$BATS_TEST_TMPDIR/rows"
	for ((i = 0; i < 200 || running > 0; i++)); do
		# One more after the last writer has ended.
		running=$(jobs -r | wc -l)
		sqlextract -q "$MARIADB_URI" raced --cursor c "${after[@]}" --lag 2s >"$BATS_TEST_TMPDIR/out"
		jq -r 'select(.seq) | .seq' "$BATS_TEST_TMPDIR/out" >>"$BATS_TEST_TMPDIR/rows"
		upto=$(tail -n 1 "$BATS_TEST_TMPDIR/out" | jq -r '.["@end"].cursor.last')
		[[ $upto == null ]] || after=(--after "$upto")
	done
	assert_equal "$(sort -u "$BATS_TEST_TMPDIR/rows" | wc -l)" 200 'different rows'
	(($(wc -l <"$BATS_TEST_TMPDIR/rows") > 200))
}
