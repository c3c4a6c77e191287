#!/usr/bin/env bats
# sqlextract when things go wrong: connections, permissions, a table that
# changes under it, signals, a reader that leaves or stalls, full disks.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # SQL has dollars; each test is a subshell; run_split sets errors

load helper/common
load helper/postgres

setup_file() {
	postgres_start -c 'log_statement=none'
	# Wide enough that no pipe and no socket buffer holds all of it.
	psql_do "CREATE TABLE many AS SELECT i AS id, repeat('x', 200) AS filler FROM generate_series(1, 200000) i"
}

teardown_file() {
	postgres_stop
}

setup() {
	BACKGROUND=()
}

teardown() {
	local pid

	for pid in "${BACKGROUND[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
	done
	exec 7<&- 8>&-
}

sessions() {
	psql_value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sqlextract'"
}

nothing_runs() {
	(($(sessions) == 0))
}

copy_runs() {
	[[ $(psql_value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sqlextract' AND query LIKE 'COPY%' AND state = 'active'") == 1 ]]
}

waits_for_lock() {
	[[ $(psql_value "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sqlextract' AND wait_event_type = 'Lock'") == 1 ]]
}

# start ARGUMENT...: in the background, PID, its stdout a FIFO whose reader (7) does not read.
start_stalled() {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	exec 7<>"$BATS_TEST_TMPDIR/fifo"
	sqlextract -q "$@" >"$BATS_TEST_TMPDIR/fifo" 2>"$BATS_TEST_TMPDIR/errors" 3>&- 7<&- &
	PID=$!
	BACKGROUND+=("$PID")
}

# start_background FILE ARGUMENT...: stdout to FILE.
start_background() {
	local file=$1

	shift
	sqlextract -q "$@" >"$file" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	PID=$!
	BACKGROUND+=("$PID")
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# assert_exit N: of what was started last.
assert_exit() {
	status=0
	wait_until 20 ended "$PID"
	wait "$PID" || status=$?
	assert_equal "$status" "$1" "exit status ($(cat "$BATS_TEST_TMPDIR/errors" 2>/dev/null))"
}

# hold SQL: a session that ran SQL in a transaction and keeps it open until `release SQL`.
hold() {
	mkfifo "$BATS_TEST_TMPDIR/session"
	psql -qXAt -v ON_ERROR_STOP=1 <"$BATS_TEST_TMPDIR/session" >"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	BACKGROUND+=("$!")
	exec 8>"$BATS_TEST_TMPDIR/session"
	printf 'BEGIN; %s; SELECT $$holding$$;\n' "$1" >&8
	wait_until 10 grep -q holding "$BATS_TEST_TMPDIR/said"
}

release() {
	printf '%s;\n' "$1" >&8
	exec 8>&-
}

# --- what cannot be reached or read ------------------------------------------------

@test "a wrong password is 77, an unknown database 66, each with the server's words" {
	psql_do "CREATE ROLE guest LOGIN PASSWORD 'right'"
	sed -i '1i local all guest scram-sha-256' "$PG_DIR/data/pg_hba.conf"
	psql_do 'SELECT pg_reload_conf()'
	local uri="postgresql://guest@/postgres?host=$PGHOST"

	PGPASSWORD=wrong run_split sqlextract "$uri" many
	assert_status 77
	[[ $errors == *'password authentication failed for user "guest"'* && $errors != *LOCATION* ]]
	assert_json '.[0]["@abort"].exit == 77'
	run_split sqlextract "$uri" many
	assert_status 77
	run_split sqlextract "postgresql://postgres@/nowhere?host=$PGHOST" many
	assert_status 66
	[[ $errors == *'database "nowhere" does not exist'* ]]
	run_split sqlextract "postgresql://nobody_here@/postgres?host=$PGHOST" many
	assert_status 77
}

@test "the password comes from PGPASSWORD or PGPASSFILE" {
	psql_do "CREATE ROLE keeper LOGIN PASSWORD 'right'" 'CREATE TABLE for_keeper (a int)' 'GRANT SELECT ON for_keeper TO keeper'
	sed -i '1i local all keeper scram-sha-256' "$PG_DIR/data/pg_hba.conf"
	psql_do 'SELECT pg_reload_conf()'
	local uri="postgresql://keeper@/postgres?host=$PGHOST"

	PGPASSWORD=right run_split sqlextract -q "$uri" for_keeper
	assert_status 0
	echo '*:*:*:keeper:right' >"$BATS_TEST_TMPDIR/pass"
	chmod 600 "$BATS_TEST_TMPDIR/pass"
	PGPASSFILE=$BATS_TEST_TMPDIR/pass run_split sqlextract -q "$uri" for_keeper
	assert_status 0
}

@test "an unknown host, a refused connection and a silent server are temporary" {
	run_split sqlextract postgresql://host.invalid/db t
	assert_status 75
	run_split sqlextract postgresql://127.0.0.1:1/db t
	assert_status 75
	# Stopped, it lets clients connect and never answers.
	postmaster=$(head -n 1 "$PG_DIR/data/postmaster.pid")
	kill -STOP "$postmaster"
	run_split sqlextract "$PG_URI" t --connect-timeout 300ms
	kill -CONT "$postmaster"
	assert_status 75
	[[ $errors == *--connect-timeout* ]]
}

@test "an unknown table, schema or column is 66" {
	for arguments in nope nope.nope 'many --columns nope' 'many --exclude nope' 'many --key nope' 'many --where nope=1'; do
		# shellcheck disable=SC2086 # words
		run_split sqlextract -q "$PG_URI" $arguments
		assert_status 66
		[[ $errors == *nope* ]]
	done
	psql_do 'CREATE SEQUENCE counter'
	run_split sqlextract "$PG_URI" counter
	assert_status 66
}

@test "an unknown table is told how names are read" {
	for name in nope public.nope Many public.MANY; do
		run_split sqlextract -q "$PG_URI" "$name"
		assert_status 66
		[[ $errors == *"there is no table \"$name\""*'taken literally'* ]]
		assert_json '.[0]["@abort"].exit == 66'
	done
}

@test "what is not a table is 66, and its kind is said" {
	psql_do 'CREATE TABLE o (id int PRIMARY KEY)' 'CREATE TYPE pair AS (a int, b int)'
	for arguments in public.o_pkey 'o_pkey --where id=1'; do
		# shellcheck disable=SC2086 # words
		run_split sqlextract -q "$PG_URI" $arguments
		assert_status 66
		[[ $errors == *'"o_pkey" is not a table; its kind: index'* ]]
	done
	run_split sqlextract -q "$PG_URI" pair
	assert_status 66
	[[ $errors == *'its kind: composite type'* ]]
}

@test "a view that fails with an unknown table is not said to be unknown itself" {
	psql_do 'SET check_function_bodies = off; CREATE FUNCTION broken() RETURNS int LANGUAGE sql STABLE AS $$SELECT 1 FROM gone$$' \
		'CREATE VIEW over_gone AS SELECT broken() AS a'
	run_split sqlextract -q "$PG_URI" over_gone
	((status != 0))
	[[ $errors == *'"gone" does not exist'* ]]
}

@test "a snapshot that is too old is temporary" {
	psql_do "CREATE FUNCTION too_old() RETURNS int LANGUAGE plpgsql AS \$\$BEGIN RAISE 'snapshot too old' USING ERRCODE = '72000'; END\$\$"
	run_split sqlextract -q "$PG_URI" --query 'SELECT too_old() AS a'
	assert_status 75
}

@test "a syntax error in --where or --query is 64" {
	run_split sqlextract -q "$PG_URI" many --where 'id >'
	assert_status 64
	run_split sqlextract -q "$PG_URI" --query 'SELEC 1'
	assert_status 64
}

@test "permission denied is 77" {
	psql_do 'CREATE ROLE stranger LOGIN' 'CREATE TABLE secret (a int)'
	run_split sqlextract "postgresql://stranger@/postgres?host=$PGHOST" secret
	assert_status 77
}

@test "a grant on some columns is enough to read those" {
	psql_do 'CREATE ROLE partner LOGIN' 'CREATE TABLE mixed (a int, hidden int)' 'INSERT INTO mixed VALUES (1, 2)' \
		'GRANT SELECT (a) ON mixed TO partner'
	run_split sqlextract -q "postgresql://partner@/postgres?host=$PGHOST" mixed --columns a
	assert_status 0
	assert_line '{"a":1}'
	run_split sqlextract -q "postgresql://partner@/postgres?host=$PGHOST" mixed
	assert_status 77
}

@test "row-level security that hides rows is 77, never a part that passes for the whole" {
	psql_do 'CREATE ROLE tenant LOGIN' 'CREATE TABLE tenants (id int PRIMARY KEY, owner text)' \
		"INSERT INTO tenants VALUES (1, 'tenant'), (2, 'other')" 'ALTER TABLE tenants ENABLE ROW LEVEL SECURITY' \
		'CREATE POLICY own ON tenants USING (owner = current_user)' 'GRANT SELECT ON tenants TO tenant' \
		'CREATE VIEW tenants_view WITH (security_invoker) AS SELECT * FROM tenants' 'GRANT SELECT ON tenants_view TO tenant'
	local uri="postgresql://tenant@/postgres?host=$PGHOST"

	for arguments in tenants 'tenants --full' 'tenants --where id=1' tenants_view '--query TABLE\ tenants'; do
		eval "run_split sqlextract -q '$uri' $arguments"
		assert_status 77
		[[ $errors == *'row-level security'*--row-security* ]]
		run ! grep -q '"@end"\|"id":' <<<"$output"
	done
	run_split sqlextract -q "$uri" tenants --row-security
	assert_status 0
	assert_json '.[0]["@begin"].scope == "partial" and .[1].id == 1 and .[2]["@end"].rows == 1'
	run_split sqlextract -q "$uri" tenants --row-security --full
	assert_status 0
	assert_json '.[0]["@begin"].scope == "full"'
	run_split sqlextract -q "$uri" tenants --schema-only
	assert_status 0
	# Whom no policy concerns reads all of it.
	run_split sqlextract -q "$PG_URI" tenants
	assert_status 0
	assert_json '.[0]["@begin"].scope == "full" and .[3]["@end"].rows == 2'
	run_split sqlextract "$PG_URI" --list --row-security
	assert_status 64
}

# --- what breaks in the middle -------------------------------------------------------

# The rows before the failure do not look like a whole table.
assert_aborted() {
	assert_equal "$(head -c 10 "$1")" '{"@begin":' 'first line'
	assert_equal "$(tail -n 1 "$1" | jq '.["@abort"].exit')" "$2" 'exit in @abort'
	run ! grep -q '^{"@end"' "$1"
}

@test "a connection terminated after some rows is 75 and no @end" {
	start_stalled "$PG_URI" many
	wait_until 10 copy_runs
	head -n 100 <&7 >/dev/null
	psql_do "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sqlextract'"
	cat <&7 >"$BATS_TEST_TMPDIR/rest" 3>&- &
	BACKGROUND+=("$!")
	assert_exit 75
	wait_until 10 grep -q '^{"@abort":{"exit":75' "$BATS_TEST_TMPDIR/rest"
	run ! grep -q '^{"@end"' "$BATS_TEST_TMPDIR/rest"
}

@test "a query cancelled after some rows is 75 and no @end" {
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" --query "SELECT i, CASE WHEN i > 5000 THEN pg_sleep(60)::text END AS s FROM generate_series(1, 6000) i"
	wait_until 10 copy_runs
	wait_until 10 test -s "$BATS_TEST_TMPDIR/out"
	psql_do "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'sqlextract'"
	assert_exit 75
	assert_aborted "$BATS_TEST_TMPDIR/out" 75
}

@test "an error of the query after N rows is an error, never an end" {
	run_split sqlextract -q "$PG_URI" --query 'SELECT 1 / (5000 - i) AS a FROM generate_series(1, 6000) i'
	assert_status 65
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/out"
	assert_aborted "$BATS_TEST_TMPDIR/out" 65
}

@test "--timeout ends a query that computes, and nothing is left running" {
	run_split sqlextract -q "$PG_URI" --query 'SELECT pg_sleep(60)::text AS a' --timeout 500ms
	assert_status 75
	wait_until 10 nothing_runs
}

@test "--timeout ends a read whose reader stalls" {
	start_stalled "$PG_URI" many --timeout 1s
	assert_exit 75
	wait_until 10 nothing_runs
}

@test "the server's own statement_timeout does not cut a long read" {
	psql_do 'CREATE ROLE hurried LOGIN' "ALTER ROLE hurried SET statement_timeout = '200ms'"
	run_split sqlextract -q "postgresql://hurried@/postgres?host=$PGHOST" --query 'SELECT pg_sleep(0.5)::text AS a'
	assert_status 0
}

@test "a crash of the server is 75" {
	(
		# A server of its own: the others need theirs.
		postgres_start
		trap postgres_stop EXIT
		BACKGROUND=()
		start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" --query 'SELECT pg_sleep(60)::text AS a'
		wait_until 10 copy_runs
		postgres_crash
		assert_exit 75
	)
}

# --- a table that changes -----------------------------------------------------------------

@test "truncate-and-refill during the read: the rows of one state, never none" {
	psql_do 'CREATE TABLE refilled AS SELECT i FROM generate_series(1, 1000) i'
	hold 'TRUNCATE refilled; INSERT INTO refilled SELECT i FROM generate_series(1, 500) i'
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" refilled
	wait_until 10 waits_for_lock
	release COMMIT
	assert_exit 0
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" '{"@end":{"rows":500,"rejected":0}}' end
}

@test "the same through --query, which cannot lock first" {
	psql_do 'CREATE TABLE requeried AS SELECT i FROM generate_series(1, 1000) i'
	hold 'TRUNCATE requeried; INSERT INTO requeried SELECT i FROM generate_series(1, 500) i'
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" --query 'SELECT i FROM requeried'
	wait_until 10 waits_for_lock
	release COMMIT
	assert_exit 0
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" '{"@end":{"rows":500,"rejected":0}}' end
}

@test "a materialized view that is refreshed at this moment" {
	psql_do 'CREATE TABLE under AS SELECT i FROM generate_series(1, 10) i' 'CREATE MATERIALIZED VIEW refreshed AS SELECT i FROM under'
	hold 'REFRESH MATERIALIZED VIEW refreshed'
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" refreshed
	wait_until 10 waits_for_lock
	release COMMIT
	assert_exit 0
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" '{"@end":{"rows":10,"rejected":0}}' end
}

@test "a table swapped for another of its name" {
	psql_do 'CREATE TABLE swapped AS SELECT 1 AS a' 'CREATE TABLE next AS SELECT 1 AS a'
	hold 'DROP TABLE swapped; CREATE TABLE swapped AS SELECT i AS a FROM generate_series(1, 7) i'
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" --query 'SELECT a FROM swapped'
	wait_until 10 waits_for_lock
	release COMMIT
	assert_exit 0
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" '{"@end":{"rows":7,"rejected":0}}' end
}

@test "a truncate behind a function, found only after the rows, is 75" {
	psql_do 'CREATE TABLE hidden AS SELECT i FROM generate_series(1, 10) i' \
		"CREATE FUNCTION peek() RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT i FROM hidden; END'"
	hold 'TRUNCATE hidden; INSERT INTO hidden VALUES (1)'
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" --query 'SELECT * FROM peek() AS p(i)'
	wait_until 10 waits_for_lock
	release COMMIT
	assert_exit 75
	assert_aborted "$BATS_TEST_TMPDIR/out" 75
}

@test "an ALTER during the read waits until the read is over" {
	start_stalled "$PG_URI" many
	wait_until 10 copy_runs
	run psql -qXAt -c "SET lock_timeout = '100ms'; ALTER TABLE many ADD COLUMN late int"
	assert_output_contains 'lock timeout'
	cat <&7 >"$BATS_TEST_TMPDIR/rest" 3>&- &
	BACKGROUND+=("$!")
	assert_exit 0
	wait_until 10 grep -q '^{"@end":{"rows":200000,' "$BATS_TEST_TMPDIR/rest"
}

@test "an ALTER just before the read gives the new columns" {
	psql_do 'CREATE TABLE widened AS SELECT 1 AS a'
	hold 'ALTER TABLE widened ADD COLUMN b int DEFAULT 2'
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" widened
	wait_until 10 waits_for_lock
	release COMMIT
	assert_exit 0
	grep -Fxq '{"a":1,"b":2}' "$BATS_TEST_TMPDIR/out"
}

@test "rows committed after the read began are not in it" {
	start_stalled "$PG_URI" --query 'SELECT id, filler FROM many'
	wait_until 10 copy_runs
	psql_do 'BEGIN; INSERT INTO many SELECT i FROM generate_series(200001, 200100) i; COMMIT'
	cat <&7 >"$BATS_TEST_TMPDIR/rest" 3>&- &
	BACKGROUND+=("$!")
	assert_exit 0
	wait_until 10 grep -q '^{"@end":{"rows":200000,' "$BATS_TEST_TMPDIR/rest"
	psql_do 'DELETE FROM many WHERE id > 200000'
}

# --- signals and outputs ---------------------------------------------------------------------

@test "SIGTERM while the server computes: 143, an @abort, and the query is gone" {
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" --query "SELECT count(*) AS n FROM generate_series(1, 1000000000000) i"
	wait_until 10 copy_runs
	kill -TERM "$PID"
	assert_exit 143
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out" | jq '.["@abort"].exit')" 143 'exit in @abort'
	wait_until 10 nothing_runs
}

@test "SIGINT is 130, SIGHUP 129" {
	local signal

	for signal in INT:130 HUP:129; do
		# A shell's background jobs ignore SIGINT; env gives it back.
		env --default-signal=INT sqlextract -q "$PG_URI" --query "SELECT pg_sleep(60)::text AS a" >/dev/null 2>&1 3>&- &
		PID=$!
		BACKGROUND+=("$PID")
		wait_until 10 copy_runs
		kill "-${signal%:*}" "$PID"
		assert_exit "${signal#*:}"
		wait_until 10 nothing_runs
	done
}

@test "SIGTERM while stdout's reader stalls ends within a second or two" {
	start_stalled "$PG_URI" many
	wait_until 10 copy_runs
	# Blocked in write(2), as /proc tells by the call's number.
	wait_until 10 grep -q '^1 ' "/proc/$PID/syscall"
	local before=$SECONDS
	kill -TERM "$PID"
	assert_exit 143
	((SECONDS - before <= 2))
	wait_until 10 nothing_runs
}

@test "SIGTERM while it waits for a lock" {
	psql_do 'CREATE TABLE locked (a int)'
	hold 'LOCK TABLE locked'
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" locked
	wait_until 10 waits_for_lock
	kill -TERM "$PID"
	assert_exit 143
	wait_until 10 nothing_runs
	release ROLLBACK
}

@test "a reader that leaves: 141, and the query is gone" {
	run bash -c 'sqlextract -q "$0" many 2>/dev/null | head -n 1 >/dev/null; echo "${PIPESTATUS[0]}"' "$PG_URI"
	assert_equal "$output" 141 status
	wait_until 10 nothing_runs
}

@test "a reader that leaves while the server computes is noticed" {
	run bash -c 'sqlextract -q "$0" --timeout 10s --query "SELECT pg_sleep(60)::text AS a" 2>/dev/null | true; echo "${PIPESTATUS[0]}"' "$PG_URI"
	assert_equal "$output" 141 status
	wait_until 10 nothing_runs
}

@test "rows of a slow query reach the reader while it goes on" {
	mkfifo "$BATS_TEST_TMPDIR/rows"
	# The server itself sends 8 KiB at a time.
	sqlextract -q "$PG_URI" --query "SELECT i, CASE WHEN i = 2000 THEN pg_sleep(60)::text END AS s FROM generate_series(1, 2000) i" >"$BATS_TEST_TMPDIR/rows" 2>/dev/null 3>&- &
	PID=$!
	BACKGROUND+=("$PID")
	exec 7<"$BATS_TEST_TMPDIR/rows"
	read -r -u 7 -t 10 line
	[[ $line == '{"@begin":'* ]]
	read -r -u 7 -t 10 line
	assert_equal "$line" '{"i":1,"s":null}' row
	kill -TERM "$PID"
	assert_exit 143
}

@test "rows that keep coming, but slowly, do not wait for a full buffer" {
	# Never silent for 200 ms; the buffer would be full after some 4 s.
	start_background "$BATS_TEST_TMPDIR/out" "$PG_URI" \
		--query "SELECT i, repeat('x', 9000) AS filler, pg_sleep(0.15)::text AS s FROM generate_series(1, 60) i"
	wait_until 2 grep -q '^{"i":1,' "$BATS_TEST_TMPDIR/out"
	kill -TERM "$PID"
	assert_exit 143
}

@test "/dev/full as stdout is 74, a closed stdout too" {
	run bash -c 'sqlextract -q "$0" many >/dev/full' "$PG_URI"
	assert_status 74
	run bash -c 'sqlextract -q "$0" --list >/dev/full' "$PG_URI"
	assert_status 74
	run bash -c 'sqlextract -q "$0" many >&-' "$PG_URI"
	assert_status 74
	wait_until 10 nothing_runs
}

@test "closed stdin and stderr do not make the connection one of them" {
	run bash -c 'sqlextract -q "$0" --query "SELECT 1 AS a" <&- 2>&-' "$PG_URI"
	assert_status 0
	assert_line '{"a":1}'
	run bash -c 'sqlextract "$0" nope <&- 2>&-' "$PG_URI"
	assert_status 66
}

@test "a full disk under --rejects is 74 and no @end" {
	run_split sqlextract -q "$PG_URI" --query "SELECT 'infinity'::date AS d" --max-rejects -1 --rejects /dev/full
	assert_status 74
	assert_json '.[-1]["@abort"].exit == 74'
	run_split sqlextract -q "$PG_URI" --query "SELECT 1 AS a" --rejects /nonexistent/file
	assert_status 74
}

@test "TLS is libpq's: sslmode=require on a server without it is refused" {
	run_split sqlextract "postgresql://postgres@127.0.0.1:1/db?sslmode=nonsense" t
	assert_status 64
	(
		postgres_start --tls
		trap postgres_stop EXIT
		local tls="postgresql://postgres@localhost:$PG_PORT/postgres?sslmode=verify-full"
		PGHOST=127.0.0.1 run_split sqlextract -q "$tls&sslrootcert=$PG_CA" --query 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
		assert_status 0
		assert_line '{"ssl":true}'
		# An authority that did not sign it.
		run_split sqlextract -q "$tls&sslrootcert=/etc/ssl/certs/ca-certificates.crt" --query 'SELECT 1 AS a'
		assert_status 77
	)
}

@test "memory stays small whatever the number of rows" {
	[[ ${BUILD:-release} != asan ]] || skip "the sanitizer keeps freed memory"
	command -v /usr/bin/time >/dev/null || skip "needs GNU time"
	run /usr/bin/time -f %M bash -c 'exec sqlextract -q "$0" --query "SELECT i, repeat(chr(120), 500) AS t FROM generate_series(1, 300000) i" >/dev/null' "$PG_URI"
	assert_status 0
	((${lines[-1]} < 48 * 1024))
}
