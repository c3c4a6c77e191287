#!/usr/bin/env bats
# sqlextract of MariaDB when things go wrong: connections, TLS, permissions, a table that
# changes under it, a server that dies, signals, a reader that leaves or stalls.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # SQL has quotes; each test is a subshell; run_split sets errors

load helper/common
load helper/mariadb

setup_file() {
	mariadb_start --tls --bind-address=127.0.0.1,127.0.0.2
	# Wide enough that no pipe and no socket buffer holds all of it.
	mariadb_do "CREATE TABLE many (id int PRIMARY KEY, filler varchar(200)) AS SELECT seq AS id, repeat('x', 200) AS filler FROM seq_1_to_200000" \
		"CREATE USER reader" "GRANT SELECT ON test.* TO reader"
	export READER="mysql://reader@/test?socket=$MARIADB_SOCKET"
}

teardown_file() {
	mariadb_stop
}

setup() {
	BACKGROUND=()
}

teardown() {
	local pid

	for pid in "${BACKGROUND[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
	done
	# A test that failed may have left it stopped.
	kill -CONT "$MARIADB_PID" 2>/dev/null || true
	exec 7<&- 8>&-
}

# What sqlextract does is seen by its user, whom nothing else uses.
sessions() {
	mariadb_value "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = 'reader'"
}

nothing_runs() {
	(($(sessions) == 0))
}

session_id() {
	mariadb_value "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'reader'"
}

select_runs() {
	[[ $(mariadb_value "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = 'reader' AND COMMAND = 'Execute'") == 1 ]]
}

waits_for_lock() {
	[[ $(mariadb_value "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = 'reader' AND STATE LIKE 'Waiting for table metadata lock'") == 1 ]]
}

# start_stalled ARGUMENT...: in the background, PID, its stdout a FIFO whose reader (7) does not read.
start_stalled() {
	mkfifo "$BATS_TEST_TMPDIR/fifo"
	exec 7<>"$BATS_TEST_TMPDIR/fifo"
	sqlextract -q "$@" >"$BATS_TEST_TMPDIR/fifo" 2>"$BATS_TEST_TMPDIR/errors" 3>&- 7<&- 8>&- &
	PID=$!
	BACKGROUND+=("$PID")
}

# start_background FILE ARGUMENT...: stdout to FILE.
start_background() {
	local file=$1

	shift
	sqlextract -q "$@" >"$file" 2>"$BATS_TEST_TMPDIR/errors" 3>&- 8>&- &
	PID=$!
	BACKGROUND+=("$PID")
}

# The reader reads on, into FILE.
drain() {
	cat <&7 >"$1" 3>&- &
	BACKGROUND+=("$!")
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

# The rows before the failure do not look like a whole table.
assert_aborted() {
	wait_until 10 grep -q '^{"@abort":' "$1"
	assert_equal "$(tail -n 1 "$1" | jq '.["@abort"].exit')" "$2" 'exit in @abort'
	run ! grep -q '^{"@end"' "$1"
}

# hold SQL: a session that ran SQL and stays open until `release SQL`.
hold() {
	mkfifo "$BATS_TEST_TMPDIR/session"
	mariadb_client --database=test --unbuffered --skip-column-names --batch <"$BATS_TEST_TMPDIR/session" \
		>"$BATS_TEST_TMPDIR/said" 2>&1 3>&- &
	BACKGROUND+=("$!")
	exec 8>"$BATS_TEST_TMPDIR/session"
	printf "%s; SELECT 'holding';\n" "$1" >&8
	wait_until 10 grep -q holding "$BATS_TEST_TMPDIR/said"
}

release() {
	printf '%s; UNLOCK TABLES;\n' "$1" >&8
	exec 8>&-
}

# --- what cannot be reached or read ------------------------------------------------

@test "a wrong password is 77, an unknown database 66, each with the server's words" {
	mariadb_do "CREATE USER guest IDENTIFIED BY 'right'"
	local uri="mysql://guest@/test?socket=$MARIADB_SOCKET"

	MYSQL_PWD=wrong run_split sqlextract "$uri" many
	assert_status 77
	[[ $errors == *"Access denied for user 'guest'"*1045* && $errors != *wrong* ]]
	assert_json '.[0]["@abort"].exit == 77'
	run_split sqlextract "$uri" many
	assert_status 77
	run_split sqlextract "mysql://root@/nowhere?socket=$MARIADB_SOCKET" many
	assert_status 66
	[[ $errors == *"Unknown database 'nowhere'"* ]]
	run_split sqlextract "mysql://reader@/mysql?socket=$MARIADB_SOCKET" user
	assert_status 77
}

@test "the password comes from MYSQL_PWD or an option file" {
	mariadb_do "CREATE USER keeper IDENTIFIED BY 'right'" "GRANT SELECT ON test.many TO keeper"
	local uri="mysql://keeper@/test?socket=$MARIADB_SOCKET"

	MYSQL_PWD=right run_split sqlextract -q "$uri" many --limit 1
	assert_status 0
	printf '[sqlextract]\npassword=right\n' >"$BATS_TEST_TMPDIR/.my.cnf"
	chmod 600 "$BATS_TEST_TMPDIR/.my.cnf"
	HOME=$BATS_TEST_TMPDIR run_split sqlextract -q "$uri" many --limit 1
	assert_status 0
}

@test "an option file gives user, host and socket, and SOURCE goes before it" {
	local uri group

	for group in client client-mariadb sqlextract; do
		printf '[%s]\nuser=reader\nsocket=%s\n' "$group" "$MARIADB_SOCKET" >"$BATS_TEST_TMPDIR/.my.cnf"
		HOME=$BATS_TEST_TMPDIR run_split sqlextract -q mysql:///test many --limit 1
		assert_status 0
	done
	# What a file says of the protocol, reconnecting and TLS changes nothing of what SOURCE says.
	printf '[client]\nuser=nobody_here\nprotocol=tcp\nhost=127.0.0.1\nport=%s\nssl-ca=%s\nreconnect\n' "$MARIADB_PORT" "$MARIADB_CA" \
		>"$BATS_TEST_TMPDIR/.my.cnf"
	for uri in "$READER" "$READER&sslmode=disable" "mysql://reader@localhost:$MARIADB_PORT/test?sslmode=verify-full&sslrootcert=$MARIADB_CA"; do
		HOME=$BATS_TEST_TMPDIR run_split sqlextract -q "$uri" many --limit 1
		assert_status 0
	done
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=other \
		-keyout "$BATS_TEST_TMPDIR/other.key" -out "$BATS_TEST_TMPDIR/other.crt" 2>/dev/null
	printf '[client]\nssl-ca=%s\nskip-ssl\nssl-verify-server-cert=0\n' "$MARIADB_CA" >"$BATS_TEST_TMPDIR/.my.cnf"
	HOME=$BATS_TEST_TMPDIR run_split sqlextract -q \
		"mysql://reader@localhost:$MARIADB_PORT/test?sslmode=verify-full&sslrootcert=$BATS_TEST_TMPDIR/other.crt" many --limit 1
	assert_status 77
}

@test "MYSQL_UNIX_PORT, MYSQL_HOST and MYSQL_TCP_PORT say where, when SOURCE does not" {
	MYSQL_UNIX_PORT=$MARIADB_SOCKET run_split sqlextract -q mysql://reader@/test many --limit 1
	assert_status 0
	MYSQL_HOST=127.0.0.1 MYSQL_TCP_PORT=$MARIADB_PORT run_split sqlextract -q mysql://reader@/test many --limit 1
	assert_status 0
	MYSQL_HOST=host.invalid run_split sqlextract -q "mysql://reader@127.0.0.1:$MARIADB_PORT/test" many --limit 1
	assert_status 0
	MYSQL_HOST=host.invalid run_split sqlextract -q mysql://reader@/test many --limit 1
	assert_status 75
}

@test "an unknown host, a refused connection and a silent server are temporary" {
	run_split sqlextract mysql://host.invalid/db t
	assert_status 75
	run_split sqlextract mysql://127.0.0.1:1/db t
	assert_status 75
	# Stopped, it lets clients connect and never answers.
	kill -STOP "$MARIADB_PID"
	run_split sqlextract "$READER" many --connect-timeout 300ms
	kill -CONT "$MARIADB_PID"
	assert_status 75
	[[ $errors == *--connect-timeout* ]]
}

has_socket() {
	[[ $(readlink "/proc/$PID/fd/"*) == *socket:* ]]
}

@test "SIGTERM while it connects" {
	kill -STOP "$MARIADB_PID"
	start_background "$BATS_TEST_TMPDIR/out" "$READER" many
	wait_until 10 has_socket
	kill -TERM "$PID"
	wait_until 2 ended "$PID"
	kill -CONT "$MARIADB_PID"
	assert_exit 143
}

@test "an unknown table, schema or column is 66" {
	local arguments

	for arguments in nope nope.nope 'many --columns nope' 'many --exclude nope' 'many --key nope' 'many --where nope=1'; do
		# shellcheck disable=SC2086 # words
		run_split sqlextract -q "$MARIADB_URI" $arguments
		assert_status 66
		[[ $errors == *nope* ]]
	done
	for name in nope test.nope Many; do
		run_split sqlextract -q "$MARIADB_URI" "$name"
		assert_status 66
		[[ $errors == *"there is no table \"$name\""*'taken literally'* ]]
	done
}

@test "a sequence is no table" {
	mariadb_do 'CREATE SEQUENCE counter'
	run_split sqlextract -q "$READER" counter
	assert_status 66
	[[ $errors == *'"counter" is not a table; its kind: sequence'* ]]
}

@test "a view over a table that is gone is not said to be unknown itself" {
	mariadb_do 'CREATE TABLE gone (a int)' 'CREATE VIEW over_gone AS SELECT a FROM gone' 'DROP TABLE gone'
	run_split sqlextract -q "$READER" over_gone
	((status != 0))
	[[ $errors == *"over_gone' references invalid table"* ]]
}

@test "a syntax error in --where or --query is 64, and so is SQL that writes" {
	local arguments

	for arguments in "many --where 'id >'" "--query 'SELEC 1'" "--query 'SELECT ?'" "many --where 'id = ?'" "--query 'DELETE FROM many'" \
		"--query 'SELECT 1; SELECT 2'" "many --where '1=1); DELETE FROM many; --'" "--query 'DO 1'"; do
		eval "run_split sqlextract -q '$MARIADB_URI' $arguments"
		assert_status 64
	done
	assert_equal "$(mariadb_value 'SELECT count(*) FROM test.many')" 200000
}

@test "permission denied is 77" {
	mariadb_do 'CREATE USER stranger' 'CREATE TABLE secret (a int)' 'CREATE TABLE seen (a int)' 'GRANT SELECT ON seen TO stranger'
	run_split sqlextract "mysql://stranger@/test?socket=$MARIADB_SOCKET" secret
	assert_status 77
	[[ $errors == *1142* ]]
}

@test "a grant on some columns is enough to read those, and those alone" {
	mariadb_do 'CREATE USER partner' 'CREATE TABLE mixed (a int PRIMARY KEY, b int, hidden int)' 'INSERT INTO mixed VALUES (1, 2, 3)' \
		'GRANT SELECT (a, b) ON mixed TO partner'
	local uri="mysql://partner@/test?socket=$MARIADB_SOCKET"

	run_split sqlextract -q "$uri" mixed --columns b,a
	assert_status 0
	assert_line '{"b":2,"a":1}'
	run_split sqlextract -q "$uri" mixed
	assert_status 77
	run_split sqlextract -q "$uri" mixed --columns hidden
	assert_status 66
}

@test "--snapshot is PostgreSQL's alone" {
	run_split sqlextract -q "$MARIADB_URI" many --snapshot 00000003-1
	assert_status 64
	[[ $errors == *--hold-snapshot* ]]
}

# --- TLS ------------------------------------------------------------------------------

# tls HOST PARAMETERS: reads one row over TCP.
tls() {
	run_split sqlextract -q "mysql://reader@$1:$MARIADB_PORT/test${2:+?$2}" \
		--query "SELECT VARIABLE_VALUE <> '' AS tls FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'"
}

@test "TLS is used unless disabled" {
	local mode

	for mode in allow prefer require; do
		tls localhost "sslmode=$mode"
		assert_status 0
		assert_json '.[1].tls == 1'
	done
	tls localhost ''
	assert_json '.[1].tls == 1'
	tls localhost sslmode=disable
	assert_status 0
	assert_json '.[1].tls == 0'
}

@test "verify-ca looks at the authority, verify-full at the host's name too" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=other \
		-keyout "$BATS_TEST_TMPDIR/other.key" -out "$BATS_TEST_TMPDIR/other.crt" 2>/dev/null
	local host mode

	for host in localhost 127.0.0.1; do
		for mode in verify-ca verify-full; do
			tls "$host" "sslmode=$mode&sslrootcert=$MARIADB_CA"
			assert_status 0
			assert_json '.[1].tls == 1'
			tls "$host" "sslmode=$mode&sslrootcert=$BATS_TEST_TMPDIR/other.crt"
			assert_status 77
			[[ $errors == *certificate* ]]
		done
	done
	# The certificate does not name this one.
	tls 127.0.0.2 "sslmode=verify-ca&sslrootcert=$MARIADB_CA"
	assert_status 0
	tls 127.0.0.2 "sslmode=verify-full&sslrootcert=$MARIADB_CA"
	assert_status 77
	[[ $errors == *certificate* ]]
}

@test "TLS options that cannot work are said before anything is sent" {
	tls localhost sslmode=verify-full
	assert_status 64
	[[ $errors == *sslrootcert* ]]
	tls localhost sslmode=on
	assert_status 64
	tls localhost "sslmode=verify-ca&sslrootcert=/nonexistent/ca.crt"
	assert_status 66
	[[ $errors == */nonexistent/ca.crt* ]]
}

# relay PORT FILE: from there to the server's socket, slowly at first, with what a client says kept in FILE.
relay() {
	socat "TCP-LISTEN:$1,bind=127.0.0.1,reuseaddr" "SYSTEM:sleep 0.3; exec socat -r $2 - UNIX-CONNECT\:$MARIADB_SOCKET" 3>&- &
	BACKGROUND+=("$!")
	# Not a connection, which would be the one that it takes.
	wait_until 10 grep -q "$(printf ':%04X 00000000:0000 0A' "$1")" /proc/net/tcp
}

@test "from sslmode=require on, a server without TLS hears nothing at all" {
	(
		mariadb_start
		trap mariadb_stop EXIT
		mariadb_do "CREATE USER reader"
		BACKGROUND=()
		for mode in prefer require verify-ca; do
			port=$(server_free_port)
			relay "$port" "$BATS_TEST_TMPDIR/said-$mode"
			run_split sqlextract -q "mysql://reader@127.0.0.1:$port/?sslmode=$mode&sslrootcert=$BATS_TEST_FILENAME" --list
			[[ $mode == prefer ]] || assert_status 77
		done
		grep -q reader "$BATS_TEST_TMPDIR/said-prefer"
		[[ ! -s $BATS_TEST_TMPDIR/said-require && ! -s $BATS_TEST_TMPDIR/said-verify-ca ]]
	)
}

@test "a greeting that is cut ends the wait for the rest of it" {
	local port

	port=$(server_free_port)
	socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr" "SYSTEM:printf J" 3>&- &
	BACKGROUND+=("$!")
	wait_until 10 grep -q "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp
	run_split timeout 20 sqlextract -q --connect-timeout 60s "mysql://reader@127.0.0.1:$port/?sslmode=require" --list
	assert_status 75
	[[ $errors == *'in its greeting'* ]]
}

@test "a server without TLS is refused from sslmode=require on" {
	(
		mariadb_start --tcp
		trap mariadb_stop EXIT
		mariadb_do "CREATE USER reader" "CREATE TABLE t (a int)" "GRANT SELECT ON test.* TO reader"
		for mode in require "verify-ca&sslrootcert=$BATS_TEST_FILENAME" "verify-full&sslrootcert=$BATS_TEST_FILENAME"; do
			run_split sqlextract -q "mysql://reader@127.0.0.1:$MARIADB_PORT/test?sslmode=$mode" t
			assert_status 77
			[[ $errors == *'not support'* ]]
		done
		for mode in disable allow prefer; do
			run_split sqlextract -q "mysql://reader@127.0.0.1:$MARIADB_PORT/test?sslmode=$mode" t
			assert_status 0
		done
	)
}

@test "a client certificate is sent" {
	local dir=$BATS_TEST_TMPDIR

	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=client -keyout "$dir/client.key" -out "$dir/client.csr" 2>/dev/null
	openssl x509 -req -in "$dir/client.csr" -CA "$MARIADB_CA" -CAkey "$MARIADB_DIR/ca.key" -CAcreateserial -days 2 -out "$dir/client.crt" 2>/dev/null
	mariadb_do "CREATE USER holder REQUIRE X509" "GRANT SELECT ON test.many TO holder"
	run_split sqlextract -q "mysql://holder@localhost:$MARIADB_PORT/test?sslmode=require" many --limit 1
	assert_status 77
	run_split sqlextract -q "mysql://holder@localhost:$MARIADB_PORT/test?sslmode=require&sslcert=$dir/client.crt&sslkey=$dir/client.key" many --limit 1
	assert_status 0
}

# --- what breaks in the middle -------------------------------------------------------

# Start a read, let it send some rows and stall, then do what breaks it, and read on.
break_in_the_middle() {
	start_stalled "${URI:-$READER}" many
	wait_until 10 select_runs
	head -n 100 <&7 >/dev/null
	"$@"
	drain "$BATS_TEST_TMPDIR/rest"
	assert_exit 75
	assert_aborted "$BATS_TEST_TMPDIR/rest" 75
}

kill_session() {
	mariadb_do "KILL $1 $(session_id)"
}

@test "KILL QUERY in mid-table is 75 and no @end" {
	break_in_the_middle kill_session QUERY
	wait_until 10 nothing_runs
}

@test "KILL in mid-table is 75 and no @end" {
	break_in_the_middle kill_session CONNECTION
	wait_until 10 nothing_runs
}

@test "KILL in mid-table over TLS is 75 and no @end" {
	URI="mysql://reader@localhost:$MARIADB_PORT/test?sslmode=require" break_in_the_middle kill_session CONNECTION
	wait_until 10 nothing_runs
}

@test "a server that dies in mid-table is 75 and no @end" {
	(
		# A server of its own: the others need theirs.
		mariadb_start
		trap mariadb_stop EXIT
		mariadb_do "CREATE TABLE many (id int, filler varchar(200)) AS SELECT seq AS id, repeat('x', 200) AS filler FROM seq_1_to_200000" \
			"CREATE USER reader" "GRANT SELECT ON test.* TO reader"
		BACKGROUND=()
		URI="mysql://reader@/test?socket=$MARIADB_SOCKET" break_in_the_middle mariadb_crash
	)
}

@test "a server that shuts down in mid-table is 75 and no @end" {
	(
		mariadb_start
		trap mariadb_stop EXIT
		mariadb_do "CREATE TABLE many (id int, filler varchar(200)) AS SELECT seq AS id, repeat('x', 200) AS filler FROM seq_1_to_200000" \
			"CREATE USER reader" "GRANT SELECT ON test.* TO reader"
		BACKGROUND=()
		URI="mysql://reader@/test?socket=$MARIADB_SOCKET" break_in_the_middle kill -TERM "$MARIADB_PID"
	)
}

@test "a network that is cut in mid-table is 75 and no @end" {
	local port

	port=$(server_free_port)
	socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr" "UNIX-CONNECT:$MARIADB_SOCKET" 3>&- &
	SOCAT=$!
	BACKGROUND+=("$SOCAT")
	# Not a connection, which would be the one that it takes.
	wait_until 10 grep -q "$(printf ':%04X 00000000:0000 0A' "$port")" /proc/net/tcp
	URI="mysql://reader@127.0.0.1:$port/test" break_in_the_middle kill -KILL "$SOCAT"
}

@test "the server's time limit for statements is 75 and no @end" {
	# The account's own limit does not count, so the limit is set under it.
	start_background "$BATS_TEST_TMPDIR/out" "$READER" \
		--query "SET STATEMENT max_statement_time = 0.3 FOR SELECT 1"
	assert_exit 64
	mariadb_do "CREATE FUNCTION slow(i int) RETURNS int NO SQL RETURN IF(i > 5000, SLEEP(1), i)" "GRANT EXECUTE ON test.* TO reader"
	start_background "$BATS_TEST_TMPDIR/out" "$READER" --query 'SELECT slow(seq) AS a FROM seq_1_to_6000' --timeout 1500ms
	assert_exit 75
	assert_aborted "$BATS_TEST_TMPDIR/out" 75
	wait_until 10 nothing_runs
}

@test "a query with two columns of one name is 65" {
	run_split sqlextract -q "$READER" --query 'SELECT 1 AS twice, 2 AS twice'
	assert_status 65
	[[ $errors == *twice* ]]
}

@test "an error of the query after N rows is an error, never an end" {
	run_split sqlextract -q "$READER" --query 'SELECT CAST(seq AS unsigned) - 18446744073709551615 * (seq > 5000) AS a FROM seq_1_to_6000'
	assert_status 65
	printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/out"
	assert_aborted "$BATS_TEST_TMPDIR/out" 65
}

@test "an error of the server's over a view shows nothing of what is masked" {
	local secret=31.12.1999-secret

	mariadb_do "CREATE TABLE told (id int PRIMARY KEY, note text)" "INSERT INTO told VALUES (1, '$secret')"
	mariadb_client --database=test --delimiter=// --execute="CREATE FUNCTION tell(t text) RETURNS text DETERMINISTIC
		BEGIN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = t; RETURN t; END"
	mariadb_do "CREATE VIEW teller AS SELECT id, tell(note) AS note FROM told"
	run_split sqlextract "$MARIADB_URI" teller
	[[ $errors == *"$secret"* ]] || _fail "the server does not quote the value: $errors"
	run_split sqlextract -v "$MARIADB_URI" teller --mask note
	assert_status 69
	[[ $errors == *"(error 1644)"* && $output$errors != *"$secret"* ]] || _fail "$errors"
}

@test "a value that the server cuts with a mere warning is an error" {
	mariadb_do "SET GLOBAL max_allowed_packet = 1048576"
	run_split sqlextract -q "$READER" --query "SELECT REPEAT('x', 2000000) AS a"
	mariadb_do "SET GLOBAL max_allowed_packet = DEFAULT"
	assert_status 65
	[[ $errors == *1301* ]]
	run ! grep -q '^{"@end"' <<<"$output"
	run_split sqlextract -q "$READER" --query "SELECT GROUP_CONCAT(filler) AS a FROM (SELECT filler FROM many LIMIT 10000) AS x"
	assert_status 0
	assert_json '.[1].a | length == 2009999'
}

@test "more warnings than the server lists are an error, since one of them could be of a loss" {
	local warns="CONCAT(seq, 'x') + 0"

	# All of them are listed, and harmless.
	run_split sqlextract -q "$READER" --query "SELECT $warns AS a FROM seq_1_to_65535"
	assert_status 0
	assert_json '.[-1]["@end"].rows == 65535'
	# The warning of the loss is the last one, which is not listed.
	run_split sqlextract -q "$READER" --query "SELECT IF(seq < 65537, $warns, REPEAT('x', 20000000)) AS a FROM seq_1_to_65537"
	assert_status 65
	[[ $errors == *'65537 warnings'*'--where, --query'* ]] || _fail "$errors"
	run ! grep -q '^{"@end"' <<<"$output"
	mariadb_do "CREATE VIEW warner AS SELECT seq, $warns AS a FROM seq_1_to_65536"
	run_split sqlextract -q "$READER" warner
	assert_status 65
	run_split sqlextract -q "$READER" warner --columns seq
	assert_status 0
}

# --- limits -----------------------------------------------------------------------------

@test "--timeout ends a query that computes, and nothing is left running" {
	run_split sqlextract -q "$READER" --query 'SELECT SLEEP(60) AS a' --timeout 500ms
	assert_status 75
	wait_until 10 nothing_runs
}

@test "--timeout ends a read whose reader stalls" {
	start_stalled "$READER" many --timeout 1s
	assert_exit 75
	wait_until 10 nothing_runs
}

@test "--read-timeout ends a read from a server that is silent, and not one from a slow one" {
	run_split sqlextract -q "$READER" --query 'SELECT SLEEP(60) AS a' --read-timeout 300ms
	assert_status 75
	[[ $errors == *--read-timeout* ]]
	wait_until 10 nothing_runs
	start_stalled "$READER" many --read-timeout 2s
	wait_until 10 select_runs
	drain "$BATS_TEST_TMPDIR/rest"
	assert_exit 0
}

@test "limits that the server or the account sets do not cut a read short" {
	mariadb_do "SET GLOBAL max_statement_time = 0.2, sql_select_limit = 10, net_write_timeout = 1, wait_timeout = 1,
		idle_transaction_timeout = 1, max_join_size = 100, sql_big_selects = 0, completion_type = 2, sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,ANSI_QUOTES,NO_BACKSLASH_ESCAPES'"
	mariadb_do "CREATE OR REPLACE TABLE padded (\`say \"hi\" \\\\\` char(5)) AS SELECT 'ab' AS \`say \"hi\" \\\\\`"
	start_stalled "$READER" many
	wait_until 10 select_runs
	# Longer than the limits above: this is the one thing that only time can show.
	sleep 1.5
	drain "$BATS_TEST_TMPDIR/rest"
	assert_exit 0
	run_split sqlextract -q "$READER" padded
	mariadb_do "SET GLOBAL max_statement_time = 0, sql_select_limit = DEFAULT, net_write_timeout = 60, wait_timeout = 28800, idle_transaction_timeout = 0,
		max_join_size = DEFAULT, sql_big_selects = 1, completion_type = 0, sql_mode = DEFAULT"
	wait_until 10 grep -q '^{"@end":{"rows":200000,' "$BATS_TEST_TMPDIR/rest"
	assert_status 0
	assert_json '.[1] | to_entries[0].value == "ab"'
}

# --- a table that changes -----------------------------------------------------------------

@test "truncate-and-refill during the read: the rows of one state, never none" {
	mariadb_do 'CREATE TABLE refilled AS SELECT seq FROM seq_1_to_1000'
	hold 'LOCK TABLES refilled WRITE'
	start_background "$BATS_TEST_TMPDIR/out" "$READER" refilled
	wait_until 10 waits_for_lock
	release 'TRUNCATE refilled; INSERT INTO refilled WITH RECURSIVE s AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 500) SELECT i FROM s'
	assert_exit 0
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" '{"@end":{"rows":500,"rejected":0}}' end
}

@test "the same through --query and through a view" {
	local arguments

	mariadb_do 'CREATE TABLE requeried AS SELECT seq FROM seq_1_to_1000' 'CREATE VIEW through AS SELECT * FROM requeried'
	for arguments in "--query 'SELECT seq FROM requeried'" through; do
		rm -f "$BATS_TEST_TMPDIR/session"
		hold 'LOCK TABLES requeried WRITE'
		eval "start_background '$BATS_TEST_TMPDIR/out' '$READER' $arguments"
		wait_until 10 waits_for_lock
		release 'TRUNCATE requeried; INSERT INTO requeried WITH RECURSIVE s AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 500) SELECT i FROM s'
		assert_exit 0
		assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" '{"@end":{"rows":500,"rejected":0}}' end
	done
}

@test "a table that is newer than the snapshot is 75" {
	mariadb_do 'CREATE TABLE renewed AS SELECT seq FROM seq_1_to_1000'
	hold 'LOCK TABLES renewed WRITE'
	start_background "$BATS_TEST_TMPDIR/out" "$READER" renewed --snapshot-ready "$BATS_TEST_TMPDIR/ready"
	wait_until 10 waits_for_lock
	[[ ! -e $BATS_TEST_TMPDIR/ready ]]
	release 'TRUNCATE renewed; INSERT INTO renewed VALUES (1)'
	assert_exit 75
	[[ $(<"$BATS_TEST_TMPDIR/errors") == *'definition changed'*1412* ]]
	assert_aborted "$BATS_TEST_TMPDIR/out" 75
}

@test "a file of --snapshot-ready that cannot be made is 74" {
	run_split sqlextract -q "$READER" many --limit 1 --snapshot-ready /nowhere/ready
	assert_status 74
	[[ $errors == *'--snapshot-ready: /nowhere/ready'* ]]
}

@test "TRUNCATE and ALTER during the read wait until it is over" {
	start_stalled "$READER" many
	wait_until 10 select_runs
	run mariadb_do "SET lock_wait_timeout = 1; TRUNCATE many"
	assert_output_contains 'Lock wait timeout'
	run mariadb_do "SET lock_wait_timeout = 1; ALTER TABLE many ADD COLUMN late int"
	assert_output_contains 'Lock wait timeout'
	drain "$BATS_TEST_TMPDIR/rest"
	assert_exit 0
	wait_until 10 grep -q '^{"@end":{"rows":200000,' "$BATS_TEST_TMPDIR/rest"
}

@test "an ALTER just before the read gives the new columns" {
	mariadb_do 'CREATE TABLE widened AS SELECT 1 AS a'
	hold 'LOCK TABLES widened WRITE'
	start_background "$BATS_TEST_TMPDIR/out" "$READER" widened
	wait_until 10 waits_for_lock
	release 'ALTER TABLE widened ADD COLUMN b int DEFAULT 2'
	assert_exit 0
	grep -Fxq '{"a":1,"b":2}' "$BATS_TEST_TMPDIR/out"
}

@test "rows committed after the read began are not in it" {
	start_stalled "$READER" many
	wait_until 10 select_runs
	mariadb_do 'INSERT INTO many SELECT seq, NULL FROM seq_200001_to_200100' 'DELETE FROM many WHERE id BETWEEN 199000 AND 199100'
	drain "$BATS_TEST_TMPDIR/rest"
	assert_exit 0
	wait_until 10 grep -q '^{"@end":{"rows":200000,' "$BATS_TEST_TMPDIR/rest"
	mariadb_do 'DELETE FROM many WHERE id > 200000' "INSERT INTO many SELECT seq, REPEAT('x', 200) FROM seq_199000_to_199100"
}

@test "a table without transactions is read as it was when its rows began" {
	mariadb_do "CREATE TABLE flat (id int PRIMARY KEY, filler varchar(200)) ENGINE=MyISAM AS SELECT seq AS id, repeat('x', 200) AS filler FROM seq_1_to_100000"
	start_stalled "$READER" flat
	wait_until 10 select_runs
	mariadb_client --database=test --execute="UPDATE flat SET filler = 'new'" 3>&- &
	BACKGROUND+=("$!")
	drain "$BATS_TEST_TMPDIR/rest"
	assert_exit 0
	wait_until 10 grep -q '^{"@end":{"rows":100000,' "$BATS_TEST_TMPDIR/rest"
	run ! grep -q '"new"' "$BATS_TEST_TMPDIR/rest"
}

# --- one state of several tables ---------------------------------------------------------------

@test "two tables read under --hold-snapshot are of one state, while a writer runs" {
	local i total

	mariadb_do 'CREATE TABLE account_a AS SELECT 1 AS id, 1000 AS amount' 'CREATE TABLE account_b AS SELECT 1 AS id, 0 AS amount'
	# Each statement keeps the sum of both.
	while :; do
		printf 'START TRANSACTION; UPDATE account_a SET amount = amount - 1; UPDATE account_b SET amount = amount + 1; COMMIT;\n'
	done | mariadb_client --database=test >/dev/null 2>&1 3>&- &
	BACKGROUND+=("$!")
	for i in 1 2 3 4 5; do
		rm -f "$BATS_TEST_TMPDIR"/{hold,a,b}.*
		mkfifo "$BATS_TEST_TMPDIR/hold.in"
		sqlextract -q "$MARIADB_URI" --hold-snapshot <"$BATS_TEST_TMPDIR/hold.in" >"$BATS_TEST_TMPDIR/hold.out" 3>&- &
		PID=$!
		exec 8>"$BATS_TEST_TMPDIR/hold.in"
		wait_until 10 grep -qx '{"snapshot":null}' "$BATS_TEST_TMPDIR/hold.out"
		sqlextract -q "$READER" account_a --snapshot-ready "$BATS_TEST_TMPDIR/a.ready" >"$BATS_TEST_TMPDIR/a.out" 3>&- 8>&- &
		BACKGROUND+=("$!")
		wait_until 10 test -e "$BATS_TEST_TMPDIR/a.ready"
		sqlextract -q "$READER" account_b --snapshot-ready "$BATS_TEST_TMPDIR/b.ready" >"$BATS_TEST_TMPDIR/b.out" 3>&- 8>&- &
		BACKGROUND+=("$!")
		wait_until 10 test -e "$BATS_TEST_TMPDIR/b.ready"
		exec 8>&-
		assert_exit 0
		wait_until 10 grep -q '^{"@end"' "$BATS_TEST_TMPDIR/a.out"
		wait_until 10 grep -q '^{"@end"' "$BATS_TEST_TMPDIR/b.out"
		total=$(jq -s 'map(.amount // 0) | add' "$BATS_TEST_TMPDIR"/{a,b}.out)
		assert_equal "$total" 1000 'sum of both tables'
	done
	(($(jq -s 'map(.amount // 0) | add' "$BATS_TEST_TMPDIR/b.out") > 0))
}

@test "--hold-snapshot without the privilege is 77 and says which" {
	run_split sqlextract -q "$READER" --hold-snapshot </dev/null
	assert_status 77
	[[ $errors == *RELOAD* ]]
}

@test "--hold-snapshot whose connection was lost meanwhile is 75" {
	mariadb_do "CREATE USER holding" "GRANT RELOAD ON *.* TO holding"
	mkfifo "$BATS_TEST_TMPDIR/hold.in"
	sqlextract -q "mysql://holding@/?socket=$MARIADB_SOCKET" --hold-snapshot <"$BATS_TEST_TMPDIR/hold.in" >"$BATS_TEST_TMPDIR/hold.out" 2>&1 3>&- &
	PID=$!
	BACKGROUND+=("$PID")
	exec 8>"$BATS_TEST_TMPDIR/hold.in"
	wait_until 10 grep -qx '{"snapshot":null}' "$BATS_TEST_TMPDIR/hold.out"
	mariadb_do "KILL $(mariadb_value "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'holding'")"
	exec 8>&-
	assert_exit 75
}

# --- signals and outputs ---------------------------------------------------------------------

@test "SIGTERM while the server computes: 143, an @abort, and the query is gone" {
	start_background "$BATS_TEST_TMPDIR/out" "$READER" --query "SELECT count(*) AS n FROM seq_1_to_1000000000 AS a JOIN seq_1_to_1000000000 AS b"
	wait_until 10 select_runs
	kill -TERM "$PID"
	wait_until 2 ended "$PID"
	assert_exit 143
	assert_equal "$(tail -n 1 "$BATS_TEST_TMPDIR/out" | jq '.["@abort"].exit')" 143 'exit in @abort'
	wait_until 10 nothing_runs
}

@test "the same over TLS and TCP" {
	start_background "$BATS_TEST_TMPDIR/out" "mysql://reader@localhost:$MARIADB_PORT/test?sslmode=verify-full&sslrootcert=$MARIADB_CA" \
		--query "SELECT count(*) AS n FROM seq_1_to_1000000000 AS a JOIN seq_1_to_1000000000 AS b"
	wait_until 10 select_runs
	kill -TERM "$PID"
	wait_until 2 ended "$PID"
	assert_exit 143
	wait_until 10 nothing_runs
}

@test "SIGINT is 130, SIGHUP 129" {
	local signal

	for signal in INT:130 HUP:129; do
		# A shell's background jobs ignore SIGINT; env gives it back.
		env --default-signal=INT sqlextract -q "$READER" --query "SELECT SLEEP(60) AS a" >/dev/null 2>&1 3>&- &
		PID=$!
		BACKGROUND+=("$PID")
		wait_until 10 select_runs
		kill "-${signal%:*}" "$PID"
		assert_exit "${signal#*:}"
		wait_until 10 nothing_runs
	done
}

@test "SIGTERM while stdout's reader stalls ends within a second or two" {
	start_stalled "$READER" many
	wait_until 10 select_runs
	kill -TERM "$PID"
	wait_until 3 ended "$PID"
	assert_exit 143
	wait_until 10 nothing_runs
}

@test "SIGTERM while it waits for a lock" {
	mariadb_do 'CREATE TABLE locked (a int)'
	hold 'LOCK TABLES locked WRITE'
	start_background "$BATS_TEST_TMPDIR/out" "$READER" locked
	wait_until 10 waits_for_lock
	kill -TERM "$PID"
	assert_exit 143
	wait_until 10 nothing_runs
	release 'DO 1'
}

@test "a signal in a fast read is heeded at once" {
	sqlextract -q "$READER" --query 'SELECT a.seq FROM seq_1_to_1000000 AS a JOIN seq_1_to_1000000 AS b' >/dev/null 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
	PID=$!
	BACKGROUND+=("$PID")
	wait_until 10 select_runs
	kill -TERM "$PID"
	wait_until 2 ended "$PID"
	assert_exit 143
	wait_until 10 nothing_runs
}

@test "a reader that leaves: 141, and the query is gone" {
	run bash -o pipefail -c 'sqlextract -q "$1" many | head -n 2 >/dev/null' - "$READER"
	assert_status 141
	wait_until 10 nothing_runs
}

@test "a reader that leaves while the server computes is noticed" {
	run bash -o pipefail -c 'sqlextract -q "$1" --query "SELECT SLEEP(60) AS a" | true' - "$READER"
	assert_status 141
	wait_until 10 nothing_runs
}

@test "rows of a slow query reach the reader while it goes on" {
	start_background "$BATS_TEST_TMPDIR/out" "$READER" \
		--query 'SELECT seq FROM seq_1_to_5000 AS a WHERE seq < 4000 OR (SELECT count(*) FROM seq_1_to_1000000000 AS b WHERE b.seq % 7 = a.seq % 7) > 0'
	wait_until 10 grep -qx '{"seq":"1"}' "$BATS_TEST_TMPDIR/out"
	kill -TERM "$PID"
	assert_exit 143
	wait_until 10 nothing_runs
}

@test "memory stays small whatever the number of rows" {
	/usr/bin/time -f %M -o "$BATS_TEST_TMPDIR/memory" sqlextract -q "$READER" many >/dev/null
	(($(tail -n 1 "$BATS_TEST_TMPDIR/memory") < 40960)) || [[ $BUILD == asan ]]
}
