#!/usr/bin/env bats
# pipelines/backfill from PostgreSQL and MariaDB to localcloud: every row once, whatever the ranges, whoever dies.

load helper/common
load helper/postgres
load helper/mariadb
load helper/localcloud

setup_file() {
	postgres_start
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
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	cd "$BATS_TEST_TMPDIR" || return 1
	localcloud_curl --fail -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# same_ids TABLE [CONDITION]: the table in BigQuery has the ids of the one in PostgreSQL, each once.
same_ids() {
	assert_equal "$(bq_sql "SELECT id FROM shop.$1 ORDER BY id IS NULL, id" | jq -r '.id // ""' | sha256sum)" \
		"$(psql_value "SELECT id FROM $1 WHERE ${2:-true} ORDER BY id" | sha256sum)" "ids of $1"
}

# ranges: what --plan printed, on one line.
ranges() {
	jq -r .range <<<"$output" | paste -sd ' '
}

loaded_into() {
	jq -r '.["@loaded"].table // empty | sub(".*[$.]"; "")' <<<"$output" | sort | paste -sd ' '
}

@test "by days of a timestamptz: each day into its partition, borders at midnight UTC, NULL not forgotten" {
	psql_do "ALTER DATABASE postgres SET timezone = 'America/New_York'" \
		"CREATE TABLE days (id int PRIMARY KEY, at timestamptz)" \
		"INSERT INTO days SELECT i, timestamptz '2026-01-30 22:00+00' + i * interval '1 hour' FROM generate_series(1, 40) i" \
		"INSERT INTO days VALUES (100, '2026-01-31 00:00+00'), (101, '2026-01-30 23:59:59.999999+00'), (102, NULL), (103, NULL)"
	run_split backfill postgresql:// days shop.days --by at
	psql_do "ALTER DATABASE postgres RESET timezone"
	assert_status 0
	same_ids days
	assert_equal "$(loaded_into)" "20260130 20260131 20260201 __NULL__"
	output=$(bq_api GET datasets/shop/tables/days)
	assert_json '.[0].timePartitioning | .type == "DAY" and .field == "at"'
	assert_equal "$(bq_sql "SELECT id FROM shop.days WHERE \`at\` < '2026-01-31' ORDER BY id" | jq -r .id | paste -sd ' ')" "1 101"
	[[ $errors == *'shop.days: 4 ranges loaded, 44 rows'* ]]
}

@test "a rerun does what is not done; --force does all of it again, and each partition is replaced" {
	psql_do "CREATE TABLE again AS SELECT i AS id, date '2026-01-01' + i % 5 AS day FROM generate_series(1, 100) i"
	run_split backfill postgresql:// again shop.again --by day:MONTH
	assert_status 0
	psql_do "DELETE FROM again WHERE id > 50" "INSERT INTO again VALUES (1000, '2026-02-01'), (1001, NULL)"
	run_split backfill postgresql:// again shop.again --by day:MONTH
	assert_status 0
	[[ $errors == *'nothing is left to do'* && ${output##*$'\n'} == '{"@end":{"records":0}}' ]]
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.again')" '{"n":"100"}'
	run_split backfill postgresql:// again shop.again --by day:MONTH --to 2026-02
	assert_status 0
	assert_equal "$(loaded_into)" 202602
	run_split backfill postgresql:// again shop.again --by day:MONTH --force
	assert_status 0
	assert_equal "$(loaded_into)" "202601 202602 __NULL__"
	same_ids again
}

@test "by ranges of an integer: appended, once, whatever the step; more can follow" {
	psql_do "CREATE TABLE ints AS SELECT i AS id FROM generate_series(-120, 300) i" "INSERT INTO ints VALUES (NULL)"
	run_split backfill postgresql:// ints shop.ints --by id:100
	assert_status 0
	assert_equal "$(jq -r '.["@loaded"].run // empty | sub(".*-(?=-?[0-9]|null)"; "")' <<<"$output" | wc -l)" 7
	same_ids ints
	psql_do "INSERT INTO ints SELECT i FROM generate_series(301, 420) i"
	run_split backfill postgresql:// ints shop.ints --by id:100
	[[ $errors == *'nothing is left to do'* ]]
	run_split backfill postgresql:// ints shop.ints --by id:70 --from -200 --to 420
	assert_status 0
	same_ids ints
}

@test "--plan shows what is left, and does nothing" {
	psql_do "CREATE TABLE planned AS SELECT i AS id, timestamp '2023-12-31 22:30' + i * interval '1 hour' AS at FROM generate_series(0, 3) i"
	run_split backfill postgresql:// planned shop.planned --by at:HOUR --plan
	assert_status 0
	assert_equal "$(ranges)" "NULL 2023123122 2023123123 2024010100 2024010101"
	run_split backfill postgresql:// planned shop.planned --by at:YEAR --plan --extract='--where=id > 1 OR true'
	assert_equal "$(ranges)" "NULL 2023 2024"
	assert_json '.[1].where == "\"at\" >= '"'2023-01-01 00:00:00+00'"' AND \"at\" < '"'2024-01-01 00:00:00+00'"' AND (id > 1 OR true)"'
	assert_json '.[1].destination == "shop.planned$2023"'
	run_split backfill postgresql:// planned shop.planned --by at --plan --from 2024-02 --to 2024
	assert_equal "$(ranges | cut -d ' ' -f 2,31)" "20240201 20240301"
	assert_equal "$(ranges | wc -w)" $((1 + 366 - 31))
	run_split backfill postgresql:// planned shop.planned --by id:3 --plan --from -4 --to 4
	assert_equal "$(ranges)" "NULL -4..-4 -3..-1 0..2 3..4"
	psql_do "ALTER TABLE planned ALTER at SET NOT NULL"
	run_split backfill postgresql:// planned shop.planned --by at:MONTH --plan
	assert_equal "$(ranges)" "202312 202401"
	[ ! -e state ]
	run ! bq_api GET datasets/shop/tables/planned
}

@test "MariaDB: DATETIME, TIMESTAMP and DATE by days, months, hours; integers; names in quotes" {
	mariadb_do 'CREATE TABLE `my days` (id INT PRIMARY KEY, `a``t` DATETIME(6), ts TIMESTAMP NULL, d DATE)' \
		"INSERT INTO \`my days\` SELECT seq, TIMESTAMP('2026-01-01 22:00:00') + INTERVAL seq HOUR, FROM_UNIXTIME(1767304800 + seq * 3600), DATE('2026-01-31') + INTERVAL seq DAY FROM seq_1_to_50" \
		"INSERT INTO \`my days\` VALUES (100, '2026-01-01 23:59:59.999999', NULL, NULL), (101, NULL, '2026-01-02 00:00:00', '2026-03-01')"
	run_split env TZ=Asia/Tokyo backfill "$MARIADB_URI" '`my days`' shop.my_at --by 'a`t:DAY'
	assert_status 0
	assert_equal "$(loaded_into)" "20260101 20260102 20260103 20260104 __NULL__"
	assert_equal "$(bq_sql "SELECT id FROM shop.my_at WHERE DATETIME_TRUNC(a_t, DAY) = '2026-01-01' ORDER BY id" | jq -r .id | paste -sd ' ')" "1 100"
	run_split backfill "$MARIADB_URI" 'my days' shop.my_ts --by ts:HOUR --parallel 8
	assert_status 0
	run_split backfill "$MARIADB_URI" 'test.my days' shop.my_d --by d:MONTH
	assert_status 0
	assert_equal "$(loaded_into)" "202602 202603 __NULL__"
	run_split backfill "$MARIADB_URI" 'my days' shop.my_id --by id:7
	assert_status 0
	local table
	for table in my_at my_ts my_d my_id; do
		assert_equal "$(bq_sql "SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d FROM shop.$table")" '{"n":"52","d":"52"}' "$table"
	done
}

@test "a table and a column with names that want quoting" {
	psql_do 'CREATE SCHEMA "We.ird"' 'CREATE TABLE "We.ird"."Ta""ble" ("the:day" date, id int)' \
		"INSERT INTO \"We.ird\".\"Ta\"\"ble\" SELECT date '2026-01-01' + i, i FROM generate_series(1, 5) i"
	run_split backfill postgresql:// '"We.ird".Ta"ble' shop.weird --by the:day:YEAR
	assert_status 0
	assert_equal "$(bq_sql "SELECT COUNT(*) AS n FROM shop.weird WHERE the_day >= '2026-01-01'")" '{"n":"5"}'
}

@test "--write merge and append by time: into a table without partitions" {
	psql_do "CREATE TABLE plain (id int PRIMARY KEY, at timestamptz)" \
		"INSERT INTO plain SELECT i, timestamptz '2026-01-01' + i * interval '6 hours' FROM generate_series(1, 20) i" "INSERT INTO plain VALUES (100, NULL)"
	run_split backfill postgresql:// plain shop.plain --by at --write append
	assert_status 0
	same_ids plain
	# Half a range of another unit is not loaded twice.
	run_split backfill postgresql:// plain shop.plain --by at:MONTH --write append --to 2026-01
	assert_status 0
	same_ids plain
	psql_do "DELETE FROM plain WHERE id = 3" "INSERT INTO plain VALUES (101, '2026-01-02')"
	run_split backfill postgresql:// plain shop.plain --by at --write merge
	assert_status 0
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d FROM shop.plain')" '{"n":"22","d":"22"}'
}

@test "a range that fails does not stop the others; run again, it alone is loaded" {
	psql_do "CREATE TABLE partly AS SELECT i AS id, date '2026-01-01' + i % 6 AS day, date '2026-01-01' AS v FROM generate_series(1, 60) i" \
		"UPDATE partly SET v = 'infinity' WHERE id = 9"
	run_split backfill postgresql:// partly shop.partly --by day
	assert_status 65
	[[ $errors == *'shop.partly 20260104: failed (65)'* && $errors == *'20260104: sqlextract: '*'infinite dates'* ]]
	[[ $errors == *'6 ranges loaded, 50 rows; 1 failed, 0 not begun: run it again'* ]]
	assert_json '.[-1]["@abort"].exit == 65'
	psql_do "UPDATE partly SET v = '2026-01-01'"
	run_split backfill postgresql:// partly shop.partly --by day
	assert_status 0
	assert_equal "$(loaded_into)" 20260104
	same_ids partly
}

@test "what is wrong with the first range is found before others begin" {
	psql_do "CREATE TABLE wrong AS SELECT i AS id, date '2026-01-01' + i AS day FROM generate_series(1, 5) i"
	run_split backfill postgresql:// wrong nowhere.wrong --by day
	assert_status 75
	[[ $errors == *'NULL: failed (69)'* && $errors == *'1 failed, 5 not begun'* ]]
	bq_api POST datasets/shop/tables "{\"tableReference\":{\"projectId\":\"$PROJECT\",\"datasetId\":\"shop\",\"tableId\":\"wrong\"},
		\"schema\":{\"fields\":[{\"name\":\"id\",\"type\":\"INTEGER\"},{\"name\":\"day\",\"type\":\"DATE\"}]}}" >/dev/null
	run_split backfill postgresql:// wrong shop.wrong --by day
	[[ $errors == *'the table exists and is not partitioned that way'* && $errors == *'5 not begun'* ]]
}

@test "a temporary failure is tried again; --dry-run reads and writes nothing" {
	psql_do "CREATE TABLE flaky AS SELECT i AS id FROM generate_series(1, 20) i"
	run_split backfill postgresql:// flaky shop.flaky --by id:5 --dry-run
	assert_status 0
	[[ $errors == *'checked (dry run: nothing was written)'* ]]
	run ! bq_api GET datasets/shop/tables/flaky
	[ -z "$(find state -name '*.backfill' -size +0 2>/dev/null)" ]
	fault '{"times":2,"fault":{"jobError":{"reason":"backendError","message":"again"}}}'
	run_split backfill postgresql:// flaky shop.flaky --by id:5
	assert_status 0
	[[ $errors == *'attempt 2 in 1 s, same run id'* ]]
	same_ids flaky
}

@test "--extract=--where chooses rows within each range; its own choice of rows is refused" {
	psql_do "CREATE TABLE chosen AS SELECT i AS id FROM generate_series(1, 20) i"
	run_split backfill postgresql:// chosen shop.chosen --by id:5 --extract=--where --extract='id % 2 = 0 OR id = 1'
	assert_status 0
	same_ids chosen "id % 2 = 0 OR id = 1"
	local option
	for option in --limit=1 --query=x --cursor=id --after=1 --full; do
		run_split backfill postgresql:// chosen shop.chosen --by id:5 "--extract=$option"
		assert_status 64
	done
	run_split backfill postgresql:// chosen shop.chosen --by id:5 --load=--run-id=x
	assert_status 64
}

@test "an empty table: made, and nothing else" {
	psql_do "CREATE TABLE empty (id int, at timestamptz)"
	run_split backfill postgresql:// empty shop.empty --by at
	assert_status 0
	output=$(bq_api GET datasets/shop/tables/empty)
	assert_json '.[0].timePartitioning.field == "at"'
}

@test "what cannot be is said: columns, units, bounds" {
	psql_do "CREATE TABLE odd (id int, n numeric, d date, at timestamptz)" "INSERT INTO odd VALUES (1, 1, 'infinity', '2026-01-01')"
	local line message
	while IFS='|' read -r line message; do
		eval "run_split backfill $line"
		[[ $status == 6[456] && $errors == *"$message"* ]] || _fail "$line: '$message'"
		[[ $errors != *'unbound variable'* && $output != *@begin* ]] || _fail "$line"
	done <<-'END'
		postgresql:// odd shop.odd|--by is needed
		postgresql:// odd --by id:1|SOURCE, TABLE and DESTINATION
		postgresql:// odd shop.odd --by nix|nix
		postgresql:// odd shop.odd --by n|ranges go by DATE, DATETIME, TIMESTAMP or INTEGER
		postgresql:// odd shop.odd --by id|say how large a range is
		postgresql:// odd shop.odd --by id:0|'0' is not
		postgresql:// odd shop.odd --by id:DAY|say how large
		postgresql:// odd shop.odd --by at:7|its unit is
		postgresql:// odd shop.odd --by at:WEEK|'WEEK' is not
		postgresql:// odd shop.odd --by d:HOUR|has no hours
		postgresql:// odd shop.odd --by id:5 --write truncate|append or merge
		postgresql:// odd shop.odd --by d|'infinity' is not a date
		postgresql:// odd shop.odd --by d --from 2026-02-30 --to 2026-03-01|--from: '2026-02-30'
		postgresql:// odd shop.odd --by d --from 2026-02-01 --to 2026-01-31|--from lies behind --to
		postgresql:// odd shop.odd --by id:5 --from x --to 3|--from: 'x' is not an INTEGER
		postgresql:// odd shop.odd --by id:1 --from 0 --to 9999999999999999999|is not an INTEGER
		postgresql:// odd shop.odd --by id:1 --from 0 --to 99999999|more than a million ranges
		postgresql:// odd shop.odd --by id:1 --from -9223372036854775808 --to 9223372036854775807|more than a million ranges
		postgresql:// odd shop.odd --by at:HOUR --from 0001-01-01 --to 9999-12-31|more than a million ranges
		postgresql:// odd 'shop.odd$20260101' --by at|not one of its partitions
		postgresql:// nix shop.odd --by at|nix
		http://x odd shop.odd --by at|SOURCE is no URI
		postgresql:// odd shop.odd --by at --parallel 0|--parallel
		postgresql:// odd shop.odd --by at --load=--partition-by=d|--by says how
	END
}

# What backfill started, in our directory.
processes() {
	local where=$PWD own=$BASHPID
	(cd / && find /proc/[0-9]*/cwd -maxdepth 0 -lname "$where" 2>/dev/null | tr -dc '0-9\n' | grep -vxe "$own" -e "$$") || true
}

no_process() {
	[[ -z $(processes) ]]
}

job_was_sent() {
	bq_api GET 'jobs?maxResults=1000&projection=full' | jq -e "[.jobs[] | select(.configuration.load.destinationTable.tableId // \"\" | startswith(\"$1\"))] | length > 0" >/dev/null 2>&1
}

@test "a signal ends all of it, and names what is left" {
	psql_do "CREATE VIEW slow AS SELECT i AS id, pg_sleep(0.05)::text AS z FROM generate_series(1, 100000) i" \
		"CREATE TABLE quick AS SELECT i AS id FROM generate_series(1, 100) i"
	backfill postgresql:// slow shop.slow --by id:10 --from 1 --to 50 >out 2>err 3>&- &
	local pid=$!
	wait_until 20 job_was_sent slow
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	assert_status 143
	grep -q 'not begun: run it again' err
	assert_equal "$(processes)" "" "what still runs"
	assert_equal "$(psql_value "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query ~ '^COPY'")" 0
}

@test "one writer for a table: a sync of it waits outside, and another backfill too" {
	psql_do "CREATE TABLE locked AS SELECT i AS id FROM generate_series(1, 10) i"
	export BQ_LOAD_STATE_TABLE=file:$BATS_TEST_TMPDIR/ledger # whose entries are no jobs
	fault '{"times":1,"fault":{"jobDelayMs":6000}}'
	backfill postgresql:// locked shop.locked --by id:5 >out 2>err 3>&- &
	wait_until 20 job_was_sent locked
	run_split sync-table postgresql:// locked "$PROJECT:shop.locked"
	assert_status 75
	run_split backfill postgresql:// locked shop.locked --by id:5
	assert_status 75
	wait "$!"
	same_ids locked
}

@test "kill -9 of backfill alone: its ranges end by themselves, and the rerun does the rest" {
	psql_do "CREATE TABLE orphan AS SELECT i AS id FROM generate_series(1, 100) i"
	export BQ_LOAD_STATE_TABLE=file:$BATS_TEST_TMPDIR/ledger # whose entries are no jobs
	fault '{"times":2,"fault":{"jobDelayMs":700}}'
	backfill postgresql:// orphan shop.orphan --by id:10 >out 2>err 3>&- &
	wait_until 20 job_was_sent orphan
	kill -KILL "$!"
	wait_until 20 no_process
	run_split backfill postgresql:// orphan shop.orphan --by id:10
	assert_status 0
	same_ids orphan
}

# killed_then_done SOURCE TABLE OPTION...: 12 times killed with all that it started, then left alone.
killed_then_done() {
	local round moment
	for round in $(seq 12); do
		setsid backfill "$1" "$2" "shop.$2" "${@:3}" >out 2>>err 3>&- &
		printf -v moment '0.%03d' $((RANDOM % 900))
		sleep "$moment"
		# shellcheck disable=SC2046 # numbers
		kill -KILL $(processes) 2>/dev/null || true
		wait "$!" 2>/dev/null || true
	done
	# One that was just being made has escaped: it ends by itself.
	wait_until 20 no_process
	run_split backfill "$1" "$2" "shop.$2" "${@:3}"
	assert_status 0
}

@test "kill -9 of everything at random moments: every row once, appended" {
	psql_do "CREATE TABLE deadly AS SELECT i AS id FROM generate_series(1, 2000) i" "INSERT INTO deadly VALUES (NULL)"
	RANDOM=20260131
	killed_then_done postgresql:// deadly --by id:100 --parallel 3
	same_ids deadly
}

@test "kill -9 of everything at random moments: every row once, by partitions" {
	psql_do "CREATE TABLE deadly_days AS SELECT i AS id, date '2026-01-01' + i % 20 AS day FROM generate_series(1, 2000) i"
	RANDOM=20260201
	killed_then_done postgresql:// deadly_days --by day --parallel 3
	same_ids deadly_days
}

@test "kill -9 of everything at random moments: every row once, by partitions, from MariaDB" {
	mariadb_do "CREATE TABLE deadly_my (id INT, at DATETIME)" \
		"INSERT INTO deadly_my SELECT seq, IF(seq % 21 = 0, NULL, TIMESTAMP('2026-01-01') + INTERVAL seq % 21 DAY) FROM seq_1_to_2000"
	RANDOM=20260202
	killed_then_done "$MARIADB_URI" deadly_my --by at --parallel 3
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d, COUNTIF(`at` IS NULL) AS z FROM shop.deadly_my')" '{"n":"2000","d":"2000","z":"95"}'
}
