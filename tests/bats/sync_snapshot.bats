#!/usr/bin/env bats
# pipelines/sync with PostgreSQL and MariaDB in one run, and with SYNC_SNAPSHOT: all tables of a database as of one
# moment, while writers go on.

load helper/common
load helper/postgres
load helper/mariadb
load helper/localcloud
load helper/sync

setup_file() {
	postgres_start -c log_statement=all
	mariadb_start
	localcloud_start
	bq_dataset shop
}

teardown_file() {
	localcloud_stop
	mariadb_stop
	postgres_stop
}

setup() {
	sync_directory
	sync_postgres SHOP
	export CRM_DB_TYPE=mysql CRM_DB_HOST=$MARIADB_SOCKET CRM_DB_NAME=test CRM_DB_USER=root
	export TRUNCATE_ON_SYNC=true
	localcloud_curl --fail -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

values() {
	bq_sql "SELECT v FROM shop.$1" | jq -r .v | sort | paste -sd ' '
}

@test "two databases of different kinds in one sync" {
	psql_do "CREATE TABLE both_a AS SELECT 'PostgreSQL' AS v"
	mariadb_do "CREATE TABLE both_b (id INT PRIMARY KEY, v VARCHAR(20), made DATETIME)" \
		"INSERT INTO both_b VALUES (1, 'MariaDB', '2026-01-31 10:00:00')"
	SYNC_DATABASES=shop,crm SHOP_TABLES=public.both_a CRM_TABLES=both_b run_sync
	assert_status 0
	assert_equal "$(values public__both_a) $(values both_b)" "PostgreSQL MariaDB"
	assert_equal "$(bq_sql 'SELECT CAST(made AS STRING) AS made FROM shop.both_b' | jq -r .made)" "2026-01-31 10:00:00+00"
	# One of them fails: the other arrives.
	SYNC_DATABASES=shop,crm SHOP_TABLES=public.both_a CRM_TABLES=both_b CRM_DB_NAME=nix run_sync
	assert_status 66
	[[ $errors =~ shop\ public.both_a\ .*\ loaded && $errors == *'1 succeeded, 1 failed'* ]]
}

# A writer that changes both tables in one transaction, again and again, until the file "enough" is there.
write_postgres() {
	while [[ ! -e enough ]]; do
		psql -Xqc "BEGIN; UPDATE twin_a SET v = v + 1; UPDATE twin_b SET v = v + 1; COMMIT" || return
	done
}

write_mariadb() {
	while [[ ! -e enough ]]; do
		mariadb --no-defaults --socket="$MARIADB_SOCKET" -u root test \
			-e "BEGIN; UPDATE twin_c SET v = v + 1; UPDATE twin_d SET v = v + 1; COMMIT" || return
	done
}

# is_higher KIND VALUE: the writer goes on.
is_higher() {
	if [[ $1 == postgres ]]; then
		(($(psql_value 'SELECT v FROM twin_a') > $2))
	else
		(($(mariadb_value 'SELECT v FROM test.twin_c') > $2))
	fi
}

@test "SYNC_SNAPSHOT with PostgreSQL: tables that change together arrive together" {
	psql_do "CREATE TABLE twin_a AS SELECT 1 AS v" "CREATE TABLE twin_b AS SELECT 1 AS v"
	write_postgres 3>&- &
	local writer=$! last
	wait_until 10 is_higher postgres 1
	# One after the other, so that much is written in between.
	SYNC_SNAPSHOT=true DB_MAX_OPEN_CONNECTIONS=1 SHOP_TABLES=twin_a,twin_b run_sync
	touch enough
	wait "$writer"
	assert_status 0
	last=$(values twin_a)
	assert_equal "$(values twin_b)" "$last"
	(($(psql_value 'SELECT v FROM twin_a') > last))
	assert_equal "$(psql_value "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name ~ 'sqlextract'")" 0
	assert_equal "$(sync_processes)" "" "what still runs"
}

exported() {
	grep -c pg_export_snapshot < <(postgres_log) || true
}

@test "{ID}_SNAPSHOT=false goes before SYNC_SNAPSHOT" {
	psql_do "CREATE TABLE alone AS SELECT 1 AS v"
	local before between
	before=$(exported)
	SHOP_TABLES=alone SYNC_SNAPSHOT=true run_sync
	assert_status 0
	between=$(exported)
	((between > before))
	SHOP_TABLES=alone SYNC_SNAPSHOT=true SHOP_SNAPSHOT=false run_sync
	assert_status 0
	assert_equal "$(exported)" "$between" "exported snapshots"
}

@test "a snapshot outlives attempts that fail, and a table that is not there fails alone" {
	psql_do "CREATE TABLE steady AS SELECT 1 AS v"
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"again"}}}'
	SYNC_SNAPSHOT=yes SHOP_TABLES=steady,missing run_sync
	assert_status 66
	[[ $errors == *'attempt 2'* && $errors == *'without locks'* && $errors == *'1 succeeded, 1 failed'* ]]
	assert_equal "$(values steady)" 1
}

# The session that holds the snapshot: the only one that has nothing to do.
end_idle_session() {
	[[ $(psql_value "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle in transaction'") == 1 ]]
}

leisurely_is_read() {
	[[ $(psql_value "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^COPY.*leisurely'") == 1 ]]
}

@test "a snapshot that is lost in the middle is temporary, and what was read before stays read" {
	psql_do "CREATE VIEW leisurely AS SELECT i AS v, pg_sleep(0.01)::text AS z FROM generate_series(1, 100) i" \
		"CREATE TABLE afterwards AS SELECT 1 AS v"
	SYNC_SNAPSHOT=true DB_MAX_OPEN_CONNECTIONS=1 SHOP_TABLES=leisurely,afterwards env -u PGHOST sync >out 2>err 3>&- &
	wait_until 10 leisurely_is_read
	wait_until 10 end_idle_session
	status=0
	wait "$!" || status=$?
	errors=$(<err)
	assert_status 75
	[[ $errors == *'1 succeeded, 1 failed'* ]]
}

@test "SYNC_SNAPSHOT with MariaDB: tables that change together arrive together, and writers stand only for a moment" {
	mariadb_do "CREATE TABLE twin_c (v INT) ENGINE=InnoDB" "CREATE TABLE twin_d (v INT) ENGINE=InnoDB" \
		"INSERT INTO twin_c VALUES (1)" "INSERT INTO twin_d VALUES (1)"
	write_mariadb 3>&- &
	local writer=$! last
	wait_until 10 is_higher mysql 1
	SYNC_SNAPSHOT=true DB_MAX_OPEN_CONNECTIONS=1 SYNC_DATABASES=crm CRM_TABLES=twin_c,twin_d run_sync
	last=$(mariadb_value 'SELECT v FROM test.twin_c')
	wait_until 10 is_higher mysql "$last" # the lock is gone
	touch enough
	wait "$writer"
	assert_status 0
	assert_equal "$(values twin_d)" "$(values twin_c)"
	((last > $(values twin_c)))
	assert_equal "$(sync_processes)" "" "what still runs"
}

@test "SYNC_SNAPSHOT with MariaDB: a failed table is not tried again, and the others arrive" {
	mariadb_do "CREATE TABLE IF NOT EXISTS fine (v INT)" "DELETE FROM fine" "INSERT INTO fine VALUES (1)"
	SYNC_SNAPSHOT=true SYNC_DATABASES=crm CRM_TABLES=fine,missing run_sync
	assert_status 66
	[[ $errors == *'1 succeeded, 1 failed'* ]]
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"again"}}}'
	SYNC_SNAPSHOT=true SYNC_DATABASES=crm CRM_TABLES=fine run_sync
	assert_status 75
	[[ $errors != *'attempt 2'* ]]
}

@test "without the privilege for a read lock, no table of the database is read, and the others are" {
	psql_do "CREATE TABLE other AS SELECT 1 AS v"
	mariadb_do "CREATE USER IF NOT EXISTS reader@localhost" "GRANT SELECT ON test.* TO reader@localhost" \
		"CREATE TABLE IF NOT EXISTS fine (v INT)"
	CRM_SNAPSHOT=true CRM_DB_USER=reader SYNC_DATABASES=shop,crm SHOP_TABLES=other CRM_TABLES=fine run_sync
	assert_status 77
	[[ $errors =~ crm\ fine\ .*failed\ \(77\) && $errors == *'1 succeeded, 1 failed'* ]]
}

@test "SYNC_TIMEOUT and signals end what holds a snapshot, too" {
	psql_do "CREATE VIEW slow AS SELECT i AS id, pg_sleep(0.01)::text AS z FROM generate_series(1, 100000) i"
	SYNC_SNAPSHOT=true SYNC_TIMEOUT=2s SHOP_TABLES=slow run_sync
	assert_status 75
	assert_equal "$(sync_processes)" "" "what still runs"
	# The lock for the snapshot is not granted while somebody else has the table.
	mariadb_do "CREATE TABLE IF NOT EXISTS fine (v INT)"
	mariadb --no-defaults --socket="$MARIADB_SOCKET" -u root test -e "LOCK TABLE fine WRITE; SELECT SLEEP(60)" 3>&- >/dev/null 2>&1 &
	local holder=$!
	wait_until 10 holder_sleeps
	SYNC_SNAPSHOT=true SYNC_TIMEOUT=2s SYNC_DATABASES=crm CRM_TABLES=fine run_sync
	kill "$holder"
	assert_status 75
	[[ $errors =~ crm\ fine\ .*SYNC_TIMEOUT ]]
	assert_equal "$(sync_processes)" "" "what still runs"
}

holder_sleeps() {
	[[ $(mariadb_value "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'") == 1 ]]
}
