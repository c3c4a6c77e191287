#!/usr/bin/env bats
# Incremental reads, sqlextract --cursor: which rows an increment has, of every type, in both databases.
# What transactions that commit late do to it is in sqlextract_cursor_commits.bats, what orders and indexes do in
# sqlextract_cursor_order.bats.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # SQL has quotes; each test is a subshell; run_split sets errors

load helper/common
load helper/postgres
load helper/mariadb
load helper/cursor

setup_file() {
	postgres_start
	mariadb_start
	psql_do "CREATE TYPE mood AS ENUM ('zero', 'low', 'high', 'alpha')" \
		'CREATE DOMAIN short_stamp AS timestamptz(3)' 'CREATE DOMAIN "odd "" name" AS numeric(20,3)'
}

teardown_file() {
	postgres_stop
	mariadb_stop
}

# steps TYPE VALUE...: rows with ascending values arrive one by one; each increment, begun from what the last
# one said, has exactly that row; one more has none, and says the same.
steps() {
	# As text, which BigQuery has for every value.
	local type=$1 value i=0 last='' after=()

	shift
	sql 'DROP TABLE IF EXISTS steps' "CREATE TABLE steps (seq int, c $type)"
	for value; do
		sql "INSERT INTO steps VALUES ($((++i)), $value)"
		increment steps --type c=STRING "${after[@]}"
		assert_equal "$(seqs)" "$i" "rows of $type at $value"
		assert_json '(.[0]["@begin"].cursor | .column == "c" and .bound == "exclusive" and (.lag | not))
			and .[0]["@begin"].cursor.upto == .[-1]["@end"].cursor.last'
		[[ $i == 1 ]] || assert_equal "$(jq -r '.["@begin"] // empty | .cursor.after' <<<"$output")" "$last" after
		last=$(last)
		after=(--after "$last")
	done
	increment steps --type c=STRING "${after[@]}"
	assert_equal "$(seqs)" '' "rows of $type after $last"
	assert_equal "$(last)" "$last" "the last of $type"
}

@test "PostgreSQL: each increment has the rows above the last one, of every type" {
	database postgres
	steps smallint -32768 0 32767
	steps integer -2147483648 7 2147483647
	steps bigint -9223372036854775808 -1 9007199254740993 9223372036854775807
	steps numeric "'-1e30'" 0.1 0.10000000000000000000000000000000000001 1e38
	steps 'numeric(20,3)' -1 0.001 12.5 99999999999999999.999
	steps '"odd "" name"' 0.5 0.501
	steps real "'-3.4028235e38'" 0.1 0.70000001 16777216
	steps 'double precision' "'-1.7976931348623157e308'" -0.5 '0.1::float8 + 0.2' 1e300
	steps date "'0044-03-15 BC'" "'2026-01-31'" "'5874897-12-31'"
	steps 'timestamp' "'0044-03-15 10:00 BC'" "'2026-01-31 10:00:00.123456'" "'2026-01-31 10:00:00.123457'"
	steps timestamptz "'1999-12-31 23:59:59.999999+14'" "'2026-01-31 10:00:00.000001+00'" "'2026-01-31 10:00:00.000002-12'"
	steps short_stamp "'2026-01-31 10:00:00.001+00'" "'2026-01-31 10:00:00.002+00'"
	steps time "'00:00'" "'10:00:00.000001'" "'24:00:00'"
	steps text "''" "'it''s'" "'x\\\\y'" "U&'z\\00e9 \\d83d\\de00'"
	steps 'varchar(10)' "'a'" "'b\"'" "'c '"
	steps 'char(5)' "'a'" "'b'"
	steps 'text COLLATE "C"' "'B'" "'a'"
	steps uuid "'00000000-0000-0000-0000-000000000001'" "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
	steps bytea "''" "'\\x00'" "'\\x00ff'"
	steps mood "'zero'" "'low'" "'high'" "'alpha'"
	steps inet "'10.0.0.1'" "'10.0.0.2/31'" "'::1'"
	steps cidr "'10.0.0.0/8'" "'10.1.0.0/16'"
	steps macaddr "'08:00:2b:01:02:03'" "'08:00:2b:01:02:04'"
	steps pg_lsn "'0/1'" "'1/0'"
	steps xid8 "'5'" "'18446744073709551615'"
}

@test "MariaDB: each increment has the rows above the last one, of every type" {
	database mariadb
	steps tinyint -128 0 127
	steps 'smallint unsigned' 0 65535
	steps mediumint -5 8388607
	steps int -2147483648 2147483647
	steps bigint -9223372036854775808 -1 9007199254740993 9223372036854775807
	steps 'bigint unsigned' 0 9223372036854775807 9223372036854775808 18446744073709551615
	steps 'int unsigned zerofill' 7 4294967295
	steps year 1901 2026
	steps 'decimal(10,2)' -1.5 0 12.34
	steps 'decimal(65,30)' 0.000000000000000000000000000001 99999999999999999999999999999999999.999999999999999999999999999999
	steps float -3.4028e38 0.1 0.7 16777216
	steps double -1.7976931348623157e308 -0.5 '0.1e0 + 0.2e0' 1e300
	steps 'double(10,2)' -0.01 0.1 99999999.99
	steps date "'1000-01-01'" "'2026-01-31'" "'9999-12-31'"
	steps datetime "'2026-01-31 10:00:00'" "'2026-01-31 10:00:01'"
	steps 'datetime(6)' "'0001-01-01 00:00:00'" "'2026-01-31 10:00:00.123456'" "'2026-01-31 10:00:00.123457'"
	steps 'timestamp(6) NULL' "'2026-01-31 10:00:00.123456'" "'2026-01-31 10:00:00.123457'"
	steps 'timestamp(3) NULL' "'2026-10-25 00:59:59.999'" "'2026-10-25 01:00:00'"
	steps 'time(6)' "'-838:59:59'" "'00:00:00.000001'" "'838:59:59'"
	steps 'varchar(20)' "''" "'it''s'" "'x\\\\y'" "'z\"'"
	steps 'varchar(20) CHARACTER SET latin1' "'a'" "'z'" "'z€'"
	steps 'text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' "'B'" "'a'" "'😀'"
	steps 'char(5)' "'a'" "'b'"
	steps 'binary(4)' "x'00000001'" "x'0000007f'"
	steps 'varbinary(20)' "''" "x'00'" "x'007f'"
	steps uuid "'00000000-0000-1000-8000-000000000001'" "'00000001-0000-1000-8000-000000000001'" "'00000000-0001-1000-8000-000000000001'"
	steps inet6 "'::1'" "'2001:db8::1'"
	steps inet4 "'10.0.0.1'" "'10.0.0.2'"
}

@test "a type without an order, or with another one as text, is no cursor" {
	local type

	database postgres
	for type in boolean interval money json jsonb 'int[]' point int4range bit tsvector timetz; do
		sql 'DROP TABLE IF EXISTS unordered' "CREATE TABLE unordered (c $type)"
		run_split sqlextract -q "$uri" unordered --cursor c
		assert_status 64
		[[ $errors == *'column "c" is of type '* ]] || _fail "$type: $errors"
	done
	database mariadb
	for type in 'bit(3)' json "enum('b', 'a')" "set('b', 'a')" point; do
		sql 'DROP TABLE IF EXISTS unordered' "CREATE TABLE unordered (c $type)"
		run_split sqlextract -q "$uri" unordered --cursor c
		assert_status 64
		[[ $errors == *'column "c" is of type '* ]] || _fail "$type: $errors"
	done
	run_split sqlextract -q "$uri" --query 'SELECT c FROM unordered' --cursor c
	assert_status 64
}

# refuse_after TYPE VALUE...
refuse_after() {
	local type=$1 value

	shift
	sql 'DROP TABLE IF EXISTS typed' "CREATE TABLE typed (c $type)"
	for value; do
		run_split sqlextract -q "$uri" typed --cursor c --after "$value"
		assert_status 64
		[[ $errors == *"--after: '$value'"*'"c"'* ]] || _fail "$type: $errors"
		assert_json '.[-1]["@abort"].exit == 64'
	done
}

@test "an --after that is no value of the column's type is 64 and named" {
	database postgres
	refuse_after int x '' 1.5 2147483648 "1) OR (TRUE" "1'"
	refuse_after numeric x NaN Infinity -Infinity
	refuse_after real x NaN -Infinity 1e39
	refuse_after 'double precision' '' NaN Infinity 1e309
	refuse_after date 2026-02-30 yesterdayish infinity -infinity
	refuse_after timestamp x infinity
	refuse_after timestamptz 2026-01-31T25:00:00Z infinity
	refuse_after uuid 1
	refuse_after mood nothing
	refuse_after bytea '\xg'
	database mariadb
	refuse_after int x '' 1.5 '1 OR 1=1' "1'" 0x10 1e3 +1
	refuse_after 'decimal(10,2)' x 1. .5 1e3
	refuse_after double x '' 1. .5 1e 1e5.5 1e309 0x1 NaN 1e0x1
	refuse_after date 2026-02-30 x 0000-00-00 2026-00-01 '2026-01-31 10:00:00'
	refuse_after datetime x '' 2026-01-31T10:00:00Z '2026-01-31 10:00:00+02:00' '2026-01-31 10:00:00.1234567' 0000-00-00
	refuse_after 'timestamp NULL' '2026-01-31 10:00:00+02:00' '2026-13-01'
	refuse_after uuid 1
	refuse_after 'binary(2)' abcd 0xabc "0x'"
}

@test "a value is never taken for SQL" {
	local name value="x' OR ''='' -- \\' /*"

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE quoted (c varchar(50))' "INSERT INTO quoted VALUES ('a'), ('z')"
		increment quoted --after "$value"
		assert_equal "$(last)" z
		assert_json '[.[] | select(.c)] == [{c: "z"}]'
	done
	# Where a backslash is a plain character, too.
	database mariadb
	sql "SET GLOBAL sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"
	increment quoted --after "$value"
	sql 'SET GLOBAL sql_mode = DEFAULT'
	assert_json '[.[] | select(.c)] == [{c: "z"}]'
}

@test "a time is taken in any form the server reads, and said in one" {
	database postgres
	sql 'CREATE TABLE zoned (c timestamptz)'
	increment zoned --after 2026-01-31T12:00:00.5+02:00
	assert_equal "$(last)" '2026-01-31 10:00:00.5+00'
	increment zoned --after '2026-01-31 10:00'
	assert_equal "$(last)" '2026-01-31 10:00:00+00'
	# Whatever the session's defaults are.
	PGTZ=America/New_York PGDATESTYLE='SQL, DMY' increment zoned --after '2026-01-31 10:00'
	assert_equal "$(last)" '2026-01-31 10:00:00+00'
	database mariadb
	sql 'CREATE TABLE zoned (c timestamp(6) NULL)'
	increment zoned --after 2026-01-31T10:00:00.500000Z
	assert_equal "$(last)" '2026-01-31 10:00:00.500000'
}

@test "a largest value from which no later run could go on is 65" {
	database postgres
	sql 'CREATE TABLE endless (d date, t timestamp, z timestamptz, n numeric, f float4, g float8)' \
		"INSERT INTO endless VALUES ('infinity', 'infinity', 'infinity', 'NaN', 'NaN', 'Infinity'), ('2026-01-01', '2026-01-01', '2026-01-01', 1, 1, 1)"
	for column in d t z n f g; do
		run_split sqlextract -q "$uri" endless --cursor "$column"
		assert_status 65
		[[ $errors == *"largest value of cursor column \"$column\" is "[iNI]*--where* ]] || _fail "$errors"
	done
	sql "UPDATE endless SET n = 'Infinity' WHERE n = 'NaN'"
	run_split sqlextract -q "$uri" endless --cursor n
	assert_status 65
	for column in d t z; do
		run_split sqlextract -q "$uri" endless --cursor "$column" --where "$column < 'infinity'"
		assert_status 0
		assert_json '.[-1]["@end"] | .rows == 1 and (.cursor.last | startswith("2026-01-01"))'
	done
	database mariadb
	sql "SET sql_mode = ''; CREATE TABLE endless (d date, t datetime); INSERT INTO endless VALUES (0, 0)"
	for column in d t; do
		run_split sqlextract -q "$uri" endless --cursor "$column"
		assert_status 65
		[[ $errors == *"is 0000-00-00"* ]]
	done
	sql "SET sql_mode = ''; INSERT INTO endless VALUES ('2026-01-00', '2026-00-01')"
	run_split sqlextract -q "$uri" endless --cursor d
	assert_status 65
	[[ $errors == *"is 2026-01-00"* ]]
	sql "INSERT INTO endless VALUES ('2026-01-01', '2026-01-01')"
	# Zero dates lie below: those rows are no different from others.
	run_split sqlextract -q "$uri" endless --cursor d --zero-dates null
	assert_json '.[-1]["@end"] | .rows == 3 and .cursor.last == "2026-01-01"'
	run_split sqlextract -q "$uri" endless --cursor d --after 2025-12-31 --lag 0s --zero-dates null
	assert_json '.[-1]["@end"].rows == 2'
}

@test "nothing new, an empty table, and a cursor that never goes back" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE shrinking (seq int, c int)'
		increment shrinking
		assert_json '(.[0]["@begin"].cursor | .after == null and .upto == null) and (.[-1]["@end"] | .rows == 0 and .cursor.last == null)'
		increment shrinking --after 5
		assert_json '(.[0]["@begin"].cursor | .after == "5" and .upto == null) and (.[-1]["@end"] | .rows == 0 and .cursor.last == "5")'
		sql 'INSERT INTO shrinking VALUES (1, 1), (2, 2), (3, NULL)'
		increment shrinking --after 5
		assert_json '(.[0]["@begin"].cursor.upto == "2") and (.[-1]["@end"] | .rows == 0 and .cursor.last == "5")'
		# Under a lag, what is left of the rows in it comes again.
		increment shrinking --after 5 --lag 3 --cursor-nulls skip
		assert_equal "$(seqs)" 2
		assert_equal "$(last)" 5
		assert_json '.[0]["@begin"] | .scope == "partial" and .cursor.bound == "inclusive" and .cursor.lag == "3"'
	done
}

@test "rows without a value are counted and said, and read, left out or refused as asked" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE gaps (seq int, c int)' 'INSERT INTO gaps VALUES (1, 1), (2, NULL), (3, 3), (4, NULL)'
		increment gaps
		assert_equal "$(seqs)" 1,2,3,4
		assert_json '.[0]["@begin"].scope == "full" and .[-1]["@end"].cursor.nulls == 2'
		# An increment to append would have them each time.
		increment gaps --after 1
		assert_equal "$(seqs)" 3
		assert_json '.[-1]["@end"].cursor.nulls == 2'
		[[ $errors == *'2 rows have no "c", and are left out'* ]]
		increment gaps --after 1 --lag 0
		assert_equal "$(seqs)" 1,2,3,4
		increment gaps --after 3 --cursor-nulls include
		assert_equal "$(seqs)" 2,4
		increment gaps --cursor-nulls skip
		assert_equal "$(seqs)" 1,3
		assert_json '.[0]["@begin"].scope == "partial"'
		increment gaps --cursor-nulls skip --where 'seq <> 2 OR seq = 4'
		assert_json '.[-1]["@end"].cursor.nulls == 1'
		run_split sqlextract -q "$uri" gaps --cursor c --cursor-nulls fail
		assert_status 65
		[[ $errors == *'2 rows have no "c"'* ]]
		increment gaps --cursor-nulls fail --where 'c IS NOT NULL'
		assert_equal "$(seqs)" 1,3
		sql 'UPDATE gaps SET c = NULL'
		increment gaps
		assert_json '(.[0]["@begin"].cursor.upto == null) and (.[-1]["@end"] | .rows == 4 and .cursor.last == null and .cursor.nulls == 4)'
		increment gaps --after 1
		assert_json '.[-1]["@end"] | .rows == 0 and .cursor.last == "1" and .cursor.nulls == 4'
	done
}

@test "--lag begins earlier, its bound included, in the column's own unit" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE lagging (seq int, c timestamp NULL, d date, i bigint, n decimal(10,2))' \
			"INSERT INTO lagging VALUES (1, '2026-01-31 09:59:59', '2026-01-28', 1, 0.75), (2, '2026-01-31 10:00:00', '2026-01-29', 2, 1.5), (3, '2026-01-31 10:05:00', '2026-01-31', 3, 2.5)"
		increment lagging --after '2026-01-31 10:05:00' --lag 5m
		assert_equal "$(seqs)" 2,3
		assert_json '.[0]["@begin"].cursor | .bound == "inclusive" and .lag == "5m"'
		[[ $errors != *'without --lag'* ]]
		increment lagging --after '2026-01-31 10:05:00' --lag 0s
		assert_equal "$(seqs)" 3
		# Days are rounded up.
		run_split sqlextract -q "$uri" lagging --cursor d --after 2026-01-31 --lag 36h
		assert_equal "$(seqs)" 2,3
		run_split sqlextract -q "$uri" lagging --cursor i --after 3 --lag 1
		assert_equal "$(seqs)" 2,3
		run_split sqlextract -q "$uri" lagging --cursor i --after 3 --lag 1000000
		assert_equal "$(seqs)" 1,2,3
		run_split sqlextract -q "$uri" lagging --cursor n --after 2.5 --lag 1.0
		assert_equal "$(seqs)" 2,3
		for lag in x 5 -1s; do
			[[ $lag == 5 ]] && continue
			run_split sqlextract -q "$uri" lagging --cursor c --lag "$lag"
			assert_status 64
			[[ $errors == *--lag* ]]
		done
		for lag in 5m -1 1.5 99999999999999999999 1-1; do
			run_split sqlextract -q "$uri" lagging --cursor i --lag "$lag"
			assert_status 64
			[[ $errors == *--lag* ]]
		done
		sql 'CREATE TABLE worded (c varchar(5))'
		run_split sqlextract -q "$uri" worded --cursor c --lag 1
		assert_status 64
		[[ $errors == *'neither a date or time nor a number'* || $errors == *'read as STRING'* ]]
	done
	# Below zero, and below the first day.
	sql 'CREATE TABLE positive (seq int, c bigint unsigned)' 'INSERT INTO positive VALUES (1, 0), (2, 18446744073709551615)'
	increment positive --after 5 --lag 10
	assert_equal "$(seqs)" 1,2
	run_split sqlextract -q "$uri" lagging --cursor c --after '2026-01-31 10:05:00' --lag 100000000h
	assert_status 64
	[[ $errors == *--lag* ]]
}

@test "which column is read, and how, must let it be a cursor" {
	local name

	head -c 32 /dev/zero | tr '\0' k >"$BATS_TEST_TMPDIR/key"
	chmod 600 "$BATS_TEST_TMPDIR/key"
	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE chosen (seq int, c int, "d e" int)' 2>/dev/null || sql 'CREATE TABLE chosen (seq int, c int, `d e` int)'
		sql 'INSERT INTO chosen VALUES (1, 1000, 5)'
		for option in '--mask c' "--hash c --hash-key $BATS_TEST_TMPDIR/key" '--columns seq' '--exclude c' '--limit 5'; do
			# shellcheck disable=SC2086 # options of several words
			run_split sqlextract -q "$uri" chosen --cursor c $option
			assert_status 64
			[[ $errors$output != *1000* ]]
		done
		run_split sqlextract -q "$uri" chosen --cursor C
		assert_status 66
		[[ $errors == *'no column "C"'* ]]
		for option in '--after 1' '--lag 1' '--cursor-nulls skip'; do
			# shellcheck disable=SC2086
			run_split sqlextract -q "$uri" chosen $option
			assert_status 64
			[[ $errors == *'needs --cursor'* ]]
		done
		run_split sqlextract -q "$uri" --list --cursor c
		assert_status 64
		# The order of BigQuery would be another one.
		increment chosen --type c=STRING
		run_split sqlextract -q "$uri" chosen --cursor c --type c=STRING --lag 1
		assert_status 64
		[[ $errors == *'--lag'*STRING* ]]
		increment chosen --type c=NUMERIC --lag 1
		# It is named as the stream names it.
		run_split sqlextract -q "$uri" chosen --cursor 'd e' --schema-only
		assert_status 0
		run_split sqlextract -q "$uri" chosen --cursor 'd e'
		assert_json '.[0]["@begin"].cursor.column == "d_e" and .[-1]["@end"].cursor == {column: "d_e", last: "5", nulls: 0}'
	done
}

@test "the scope is partial with --after, whatever else is said" {
	database postgres
	sql 'CREATE TABLE scoped (seq int, c int)' 'INSERT INTO scoped VALUES (1, 1), (2, 2)'
	increment scoped
	assert_json '.[0]["@begin"].scope == "full"'
	increment scoped --after 0 --full
	assert_json '.[0]["@begin"].scope == "partial"'
	increment scoped --where 'seq > 0' --full
	assert_json '.[0]["@begin"].scope == "full"'
}

@test "a cursor goes with --where, --query, views and partitions" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE base (seq int, c int, kind varchar(5))' \
			"INSERT INTO base VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'a'), (4, 4, 'b'), (5, 5, 'a')"
		# The largest of the rows that are read, not of all.
		increment base --after 1 --where "kind = 'b' OR kind = 'c' -- both"
		assert_equal "$(seqs)" 2,4
		assert_equal "$(last)" 4
		run_split sqlextract -q "$uri" --query "SELECT seq, c + 10 AS c FROM base WHERE kind = 'a' -- some" --cursor c --after 11
		assert_equal "$(seqs)" 3,5
		assert_equal "$(last)" 15
		run_split sqlextract -q "$uri" --query "SELECT seq, c FROM base;" --cursor c --after 3 --where 'seq < 5'
		assert_equal "$(seqs)" 4
		sql "CREATE VIEW viewed AS SELECT seq, c FROM base WHERE kind = 'b'"
		increment viewed --after 2
		assert_equal "$(seqs)" 4
	done
	sql 'CREATE TABLE parts (seq int, c int) PARTITION BY RANGE (c) (PARTITION p0 VALUES LESS THAN (3), PARTITION p1 VALUES LESS THAN MAXVALUE)' \
		'INSERT INTO parts SELECT seq, c FROM base'
	increment parts --after 1
	assert_equal "$(seqs)" 2,3,4,5
	database postgres
	sql 'CREATE TABLE parts (seq int, c int) PARTITION BY RANGE (c)' 'CREATE TABLE p0 PARTITION OF parts FOR VALUES FROM (0) TO (3)' \
		'CREATE TABLE p1 PARTITION OF parts DEFAULT' 'INSERT INTO parts SELECT seq, c FROM base' \
		'CREATE MATERIALIZED VIEW stored AS SELECT seq, c FROM base'
	increment parts --after 1
	assert_equal "$(seqs)" 2,3,4,5
	increment stored --after 4
	assert_equal "$(seqs)" 5
}

# An output column of the same name, but another type, must not be what is sorted by.
@test "the largest value is the column's, not that of its text" {
	local name

	for name in postgres mariadb; do
		database "$name"
		sql 'CREATE TABLE digits (seq int, c int, v int)' 'INSERT INTO digits VALUES (1, 9, 9), (2, 10, 10), (3, 100, 100)'
		increment digits --after 9
		assert_equal "$(seqs)" 2,3
		assert_equal "$(last)" 100
		run_split sqlextract -q "$uri" digits --cursor v --after 9
		assert_equal "$(last)" 100
	done
}

@test "text that cannot be said again is 65" {
	database postgres
	sql 'CREATE TABLE huge (c text)' "INSERT INTO huge VALUES (repeat('x', 8193))"
	run_split sqlextract -q "$uri" huge --cursor c
	assert_status 65
	[[ $errors == *'8 KiB'* ]]
	database mariadb
	sql 'CREATE TABLE huge (c varchar(20))' "INSERT INTO huge VALUES (CONCAT('x', CHAR(0)))"
	run_split sqlextract -q "$uri" huge --cursor c
	assert_status 65
	[[ $errors == *NUL* ]]
	sql 'CREATE TABLE strange (c varchar(5) CHARACTER SET gbk)' "INSERT INTO strange VALUES (x'A2AB')"
	run_split sqlextract -q "$uri" strange --cursor c
	assert_status 65
}
