#!/usr/bin/env bats
# Incremental reads where order is not that of bytes: equal values, collations, zones and summer time, negative
# numbers; and that an increment reads a range of an index, whatever the column's type is.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # SQL has quotes; each test is a subshell; run_split sets errors

load helper/common
load helper/postgres
load helper/mariadb
load helper/cursor

setup_file() {
	postgres_start
	mariadb_start
}

teardown_file() {
	postgres_stop
	mariadb_stop
}

@test "rows of the very value of the last run come with an inclusive bound alone" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE twins (seq int, c timestamp(6) NULL)' \
			"INSERT INTO twins VALUES (1, '2026-01-31 10:00:00.123455'), (2, '2026-01-31 10:00:00.123456')"
		increment twins
		assert_equal "$(seqs)" 1,2
		# Two more of the same microsecond, and one of the next.
		sql "INSERT INTO twins VALUES (3, '2026-01-31 10:00:00.123456'), (4, '2026-01-31 10:00:00.123457'), (5, '2026-01-31 10:00:00.123456')"
		last=$(last)
		increment twins --after "$last"
		assert_equal "$(seqs)" 4
		increment twins --after "$last" --lag 0s
		assert_equal "$(seqs)" 2,3,4,5
		increment twins --after "$last" --lag 1ms
		assert_equal "$(seqs)" 1,2,3,4,5
	done
}

@test "an --after above all values reads nothing and stays" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE past (seq int, c timestamp NULL)' "INSERT INTO past VALUES (1, '2026-01-31 10:00:00')"
		increment past --after '2037-12-31 23:59:59'
		assert_equal "$(seqs)" ''
		[[ $(last) == '2037-12-31 23:59:59'* ]] || _fail "$(last)"
		increment past --after '2037-12-31 23:59:59' --lag 1h
		assert_equal "$(seqs)" ''
		[[ $(last) == '2037-12-31 23:59:59'* ]] || _fail "$(last)"
	done
}

@test "values below zero are in their order, and so is a lag across it" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE below (seq int, i bigint, n decimal(10,3), d double precision)' \
			'INSERT INTO below VALUES (1, -10, -10.5, -1e10), (2, -9, -9.25, -0.5), (3, -1, -0.001, 0), (4, 1, 0.001, 0.5)'
		for column in i n d; do
			run_split sqlextract -q "$uri" below --cursor "$column" --where 'seq <= 2'
			assert_equal "$(seqs)" 1,2
			run_split sqlextract -q "$uri" below --cursor "$column" --after "$(last)"
			assert_equal "$(seqs)" 3,4
		done
		run_split sqlextract -q "$uri" below --cursor i --after 1 --lag 10
		assert_equal "$(seqs)" 2,3,4
		run_split sqlextract -q "$uri" below --cursor i --after -9 --lag 1
		assert_equal "$(seqs)" 1,2,3,4 "a negative number less another one"
		run_split sqlextract -q "$uri" below --cursor n --after -0.001 --lag 9.249
		assert_equal "$(seqs)" 2,3,4
		run_split sqlextract -q "$uri" below --cursor d --after -0.5 --lag 0
		assert_equal "$(seqs)" 2,3,4
	done
}

@test "MariaDB: a timestamp is the same moment in every session's zone, twice an hour in autumn too" {
	local zone

	database mariadb
	# 02:30 comes twice in Paris on 2026-10-25, and not at all on 2026-03-29.
	sql 'CREATE TABLE zones (seq int, c timestamp(6) NULL)' \
		"SET time_zone = '+01:00'; INSERT INTO zones VALUES (1, '2026-03-29 01:59:59.999999')" \
		"SET time_zone = '+02:00'; INSERT INTO zones VALUES (2, '2026-03-29 03:00:00')" \
		"SET time_zone = '+02:00'; INSERT INTO zones VALUES (3, '2026-10-25 02:30:00')" \
		"SET time_zone = '+01:00'; INSERT INTO zones VALUES (4, '2026-10-25 02:30:00')" \
		"SET time_zone = '-12:00'; INSERT INTO zones VALUES (5, '2026-10-24 13:30:00.000001')"
	# What sessions begin with is not what decides.
	for zone in +00:00 +05:45 -11:00; do
		sql "SET GLOBAL time_zone = '$zone'"
		last=()
		for seq in 1 2 3 4 5; do
			increment zones --where "seq <= $seq" "${last[@]}"
			assert_equal "$(seqs)" "$seq" "rows in $zone"
			last=(--after "$(last)")
		done
		assert_equal "${last[1]}" '2026-10-25 01:30:00.000001'
		increment zones --after '2026-10-25T00:30:00.000000Z' --lag 0s
		assert_equal "$(seqs)" 3,4,5 "rows of a bound in $zone"
	done
	sql "SET GLOBAL time_zone = '+00:00'"
}

# new_texts TABLE WANT TEXT...: rows with these texts arrive; the next increment has the seqs WANT
new_texts() {
	local table=$1 want=$2 text

	shift 2
	for text; do
		sql "INSERT INTO $table VALUES ($((++SEQ)), '$text')"
	done
	increment "$table" "${last[@]}"
	assert_equal "$(seqs)" "$want" "rows of $table after ${last[*]}"
	last=(--after "$(last)")
}

@test "the largest text and what is above it are told by one order, the column's own" {
	local SEQ last

	database mariadb
	# Case and accents do not count: what equals the largest text is read with it, and is not above it.
	sql 'CREATE TABLE ci (seq int, c varchar(9) COLLATE utf8mb4_general_ci)'
	SEQ=0 last=()
	new_texts ci 1,2,3 a B b
	new_texts ci '' A b B 'b '
	new_texts ci 8,9 c É
	new_texts ci '' e
	new_texts ci 11 F
	# By bytes all capitals come first.
	sql 'CREATE TABLE bin (seq int, c varchar(9) COLLATE utf8mb4_bin)'
	SEQ=0 last=()
	new_texts bin 1,2 B a
	new_texts bin '' C Z
	new_texts bin 5 b
	# Blanks at the end count where the collation says so.
	sql 'CREATE TABLE nopad (seq int, c varchar(9) COLLATE utf8mb4_nopad_bin)'
	SEQ=0 last=()
	new_texts nopad 1,2 a 'a '
	new_texts nopad 3 'a  '
	new_texts nopad '' 'a ' a
	sql 'CREATE TABLE latin (seq int, c varchar(9) CHARACTER SET latin1 COLLATE latin1_german1_ci)'
	SEQ=0 last=()
	new_texts latin 1,2 z ß
	new_texts latin '' ä Ü Z
	database postgres
	sql 'CREATE TABLE icu (seq int, c text COLLATE "en-x-icu")' \
		"CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)" \
		'CREATE TABLE loose (seq int, c text COLLATE nocase)' 'CREATE TABLE byte (seq int, c text COLLATE "C")' \
		'CREATE TABLE padded (seq int, c char(5))'
	SEQ=0 last=()
	new_texts icu 1,2 a B
	# a < A < b < B
	new_texts icu 5 A b é
	SEQ=0 last=()
	new_texts loose 1,2,3 a B b
	new_texts loose '' A B
	new_texts loose 6 C
	SEQ=0 last=()
	new_texts byte 1,2 B a
	new_texts byte '' C
	new_texts byte 4 'a '
	SEQ=0 last=()
	new_texts padded 1 a
	new_texts padded '' 'a '
	new_texts padded 3 'a b'
}

@test "MariaDB: an --after that the column's character set lacks is 64 and named" {
	database mariadb
	sql 'CREATE TABLE narrow (seq int, c varchar(9) CHARACTER SET latin1)' "INSERT INTO narrow VALUES (1, 'a'), (2, 'z')"
	run_split sqlextract -q "$uri" narrow --cursor c --after 'b😀'
	assert_status 64
	[[ $errors == *"--after: 'b😀'"*'"c"'* ]] || _fail "$errors"
}

# --- indexes ----------------------------------------------------------------------------

mariadb_rows_read() {
	mariadb_value "SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS
		WHERE VARIABLE_NAME IN ('HANDLER_READ_NEXT', 'HANDLER_READ_PREV', 'HANDLER_READ_KEY', 'HANDLER_READ_RND_NEXT')"
}

# PostgreSQL counts a session's reads at its end, a moment after the client's.
postgres_is_idle() {
	[[ $(psql_value "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()") == 0 ]]
}

# indexed NUMBER TYPE VALUE [OPTION]...: of 10,000 rows, whose values VALUE makes of i, an increment has the last ten
indexed() {
	local number=$1 type=$2 value=$3 after

	shift 3
	TABLE=indexed_$number
	if [[ $uri == mysql* ]]; then
		sql "SET time_zone = '+00:00'; CREATE TABLE $TABLE (seq int, c $type NULL, KEY (c)) AS
			SELECT i AS seq, $value AS c FROM (SELECT seq AS i FROM seq_1_to_10000) n" "ANALYZE TABLE $TABLE"
	else
		sql "CREATE TABLE $TABLE (seq int, c $type)" "INSERT INTO $TABLE SELECT i, $value FROM generate_series(1, 10000) i" \
			"CREATE INDEX ON $TABLE (c)" "VACUUM ANALYZE $TABLE"
	fi
	increment "$TABLE" --where 'seq <= 9990'
	after=$(last)
	before_increment
	increment "$TABLE" --after "$after" "$@"
	# With a lag, the last one of the run before comes again.
	[[ $(seqs) =~ ^(9990,)?9991,9992,9993,9994,9995,9996,9997,9998,9999,10000$ ]] || _fail "$type: $(seqs)"
}

@test "PostgreSQL: an increment on an indexed column reads its own rows alone, of every type" {
	local i=0

	database postgres
	before_increment() {
		wait_until 20 postgres_is_idle
		psql_do "SELECT pg_stat_reset_single_table_counters('$TABLE'::regclass)"
	}
	indexed $((++i)) integer i --lag 0
	indexed $((++i)) smallint 'i - 5000' --lag 0
	indexed $((++i)) bigint 'i * 1000000000::bigint' --lag 1000000
	indexed $((++i)) 'numeric(10,3)' 'i / 1000.0' --lag 0.0005
	indexed $((++i)) real i --lag 0
	indexed $((++i)) float8 'i / 10.0' --lag 0.01
	indexed $((++i)) date "'2000-01-01'::date + i" --lag 0s
	indexed $((++i)) timestamp "'2000-01-01'::timestamp + i * interval '1 s'" --lag 0s
	indexed $((++i)) 'timestamptz(3)' "'2000-01-01'::timestamp + i * interval '1 s'" --lag 500ms
	indexed $((++i)) timestamptz "'2000-01-01'::timestamp + i * interval '1 s'"
	indexed $((++i)) time "'00:00'::time + i * interval '1 s'"
	indexed $((++i)) text "to_char(i, 'FM00000')"
	indexed $((++i)) 'varchar(9)' "to_char(i, 'FM00000')"
	indexed $((++i)) 'char(9)' "to_char(i, 'FM00000')"
	indexed $((++i)) uuid "to_char(i, 'FM00000000000000000000000000000000')::uuid"
	indexed $((++i)) bytea "decode(to_char(i, 'FM000000'), 'hex')" --type c=BYTES
	indexed $((++i)) inet "'10.0.0.0'::inet + i"
	indexed $((++i)) pg_lsn "'0/0'::pg_lsn + i"
	wait_until 20 postgres_is_idle
	assert_equal "$(psql_value "SELECT count(*) FROM pg_stat_user_tables WHERE relname LIKE 'indexed%' AND idx_scan >= 2")" "$i"
	assert_equal "$(psql_value "SELECT string_agg(relname, ',') FROM pg_stat_user_tables
		WHERE relname LIKE 'indexed%' AND (seq_scan > 0 OR idx_tup_fetch > 100)")" ''
}

@test "MariaDB: an increment on an indexed column reads its own rows alone, of every type" {
	local i=0 count

	database mariadb
	# Rows of the data dictionary are among those that are counted.
	before_increment() { count=$(mariadb_rows_read); }
	check() {
		indexed $((++i)) "$@"
		count=$(($(mariadb_rows_read) - count))
		((count < 1000)) || _fail "$1: $count rows were read"
	}
	check int i --lag 0
	check 'bigint unsigned' '18446744073709541615 + i' --lag 0
	check 'decimal(10,3)' 'i / 1000' --lag 0.0005
	check float i --lag 0
	check double 'i / 10' --lag 0.01
	check date "DATE '2000-01-01' + INTERVAL i DAY" --lag 0s
	check 'datetime(6)' "TIMESTAMP '2000-01-01 00:00:00' + INTERVAL i * 1000 MICROSECOND" --lag 0s
	check timestamp "TIMESTAMP '2000-01-01 00:00:00' + INTERVAL i SECOND" --lag 500ms
	check 'timestamp(3)' "TIMESTAMP '2000-01-01 00:00:00' + INTERVAL i SECOND"
	check 'time(3)' 'SEC_TO_TIME(i)'
	check 'varchar(20)' "LPAD(i, 6, '0')"
	check 'varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci' "CONCAT('é', LPAD(i, 6, '0'))"
	check 'varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' "LPAD(i, 6, '0')"
	check 'binary(4)' "UNHEX(LPAD(HEX(i), 8, '0'))"
	check uuid "CAST(INSERT('00000000-0000-1000-8000-000000000000', 1, 8, LPAD(i, 8, '0')) AS uuid)"
	check inet6 "CAST(CONCAT('::', HEX(i)) AS inet6)"
}

@test "an increment on a million rows reads its own rows alone" {
	local count

	database postgres
	sql 'CREATE TABLE million (seq int, c timestamptz, i int)' \
		"INSERT INTO million SELECT i, '2026-01-01'::timestamptz + i * interval '1 ms', i FROM generate_series(1, 1000000) i" \
		'CREATE INDEX ON million (c)' 'CREATE UNIQUE INDEX ON million (i)' 'VACUUM ANALYZE million'
	wait_until 20 postgres_is_idle
	psql_do 'SELECT pg_stat_reset()'
	increment million --after '2026-01-01 00:16:39.990'
	assert_json '.[-1]["@end"].rows == 10'
	run_split sqlextract -q "$uri" million --cursor i --after 999990 --lag 5
	assert_json '.[-1]["@end"].rows == 16'
	wait_until 20 postgres_is_idle
	assert_equal "$(psql_value "SELECT seq_scan, idx_scan >= 6, idx_tup_fetch < 100 FROM pg_stat_user_tables WHERE relname = 'million'")" '0|t|t'

	database mariadb
	sql 'CREATE TABLE million (seq int, c timestamp(3) NULL, i int NOT NULL, KEY (c), UNIQUE KEY (i))' \
		"SET time_zone = '+00:00'; INSERT INTO million SELECT seq, '2026-01-01' + INTERVAL seq * 1000 MICROSECOND, seq FROM seq_1_to_1000000" \
		'ANALYZE TABLE million'
	count=$(mariadb_rows_read)
	increment million --after '2026-01-01 00:16:39.990'
	assert_json '.[-1]["@end"].rows == 10'
	run_split sqlextract -q "$uri" million --cursor i --after 999990 --lag 5
	assert_json '.[-1]["@end"].rows == 16'
	# Rows of the data dictionary are among them.
	count=$(($(mariadb_rows_read) - count))
	((count < 1000)) || _fail "$count rows were read"
}
