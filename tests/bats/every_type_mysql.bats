#!/usr/bin/env bats
# Every type of MariaDB with its extremes, from the server through sqlextract and bqload into BigQuery's SQL, value for
# value; and what BigQuery cannot hold, refused by name. The data and what it becomes are in tests/types.

load helper/common
load helper/mariadb
load helper/localcloud
load ../types/compare
load ../types/rejects

export TYPES_DATABASE=mysql
TYPES=$SLUICE_ROOT/tests/types
SPEC=$TYPES/mysql.spec
REJECTS=$TYPES/mysql.rejects

setup_file() {
	# No setting of the server's may reach a value.
	mariadb_start --default-time-zone=+05:30 --character-set-server=latin1 --sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT \
		--max-allowed-packet=256M
	localcloud_start
	bq_dataset types
	export TYPES_SOURCE="mysql://root@/types?socket=$MARIADB_SOCKET"
	mariadb_client <"$TYPES/mysql.sql"
	{
		echo "SET sql_mode = 'ALLOW_INVALID_DATES'; SET time_zone = '+00:00';"
		types_reject_sql "$REJECTS"
	} | mariadb_client
}

teardown_file() {
	localcloud_stop
	mariadb_stop
}

# arrive TABLE...
arrive() {
	local table

	for table; do
		types_load "$table"
		types_compare "$SPEC" "$table"
	done
}

@test "integers of every width, bits, floats, decimals" {
	arrive integers bits floats decimals
}

@test "text of every type, enum, set, uuid, inet, and bytes" {
	arrive texts bytes
}

@test "dates, times, datetimes, timestamps" {
	arrive times
}

@test "JSON" {
	arrive documents json_numbers
}

@test "geometries" {
	arrive geometries
}

@test "the data has a column of each type, and each of its tables is compared" {
	local table

	run mariadb_value "SELECT DISTINCT data_type FROM information_schema.columns WHERE table_schema = 'types' ORDER BY 1"
	assert_equal "$output" "$(printf '%s\n' bigint binary bit blob char date datetime decimal double enum float geometry geometrycollection \
		inet4 inet6 int linestring longblob longtext mediumblob mediumint mediumtext multilinestring multipoint multipolygon point \
		polygon set smallint text time timestamp tinyblob tinyint tinytext uuid varbinary varchar year)" types
	assert_equal "$(types_tables "$SPEC" | sort)" "$(mariadb_value "SELECT table_name FROM information_schema.tables
		WHERE table_schema = 'types' AND table_name IN ($(types_tables "$SPEC" | sed "s/.*/'&'/" | paste -sd,)) ORDER BY 1")" tables
	for table in $(types_tables "$SPEC"); do
		grep -q "^	arrive.*\b$table\b" "$BATS_TEST_FILENAME" || _fail "$table is not compared"
	done
}

@test "sync-table moves them too, again over what is there" {
	local table

	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	for table in decimals texts times documents; do
		sync-table "$TYPES_SOURCE" "$table" "types.$table"
		types_compare "$SPEC" "$table"
	done
}

@test "each value that BigQuery cannot hold fails the run with 65, named, and nothing is loaded" {
	types_reject_alone "$REJECTS"
}

@test "with --max-rejects -1 the other rows arrive, and --rejects has each value and reason" {
	types_reject_all "$REJECTS"
}

@test "as STRING those values arrive; --zero-dates null, --time string and --json string let most of them through" {
	bq_sql 'DROP TABLE IF EXISTS types.rejected'
	types_load rejected --type d=STRING --type dt=STRING --type dt0=STRING --type ts=STRING --type ts6=STRING --type t=STRING \
		--type t6=STRING --type j=STRING --type j_required=STRING
	types_compare "$TYPES/mysql_as_text.spec" rejected
	# A date in the year 0 is a date to MySQL, not a zero date.
	mariadb_client --database=types --execute="SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE overridden LIKE rejected;
		INSERT INTO overridden SELECT * FROM rejected WHERE NOT (d <=> '0000-05-12') AND NOT (dt <=> '0000-12-31 23:59:59.999999')"
	types_load overridden --zero-dates null --time string --json string
	types_compare "$TYPES/mysql_overridden.spec" overridden
}

@test "--tinyint1 and --datetime-as choose another type for values that it holds" {
	mariadb_do "CREATE TABLE types.chosen (id int PRIMARY KEY, b bool NOT NULL, u tinyint(1) unsigned, i tinyint(2), ts datetime(6))" \
		"INSERT INTO types.chosen VALUES (1, false, 0, 0, '0001-01-01'), (2, true, 1, 1, '9999-12-31 23:59:59.999999')"
	types_load chosen --tinyint1 bool --datetime-as timestamp
	run types_schema chosen
	assert_equal "$output" "$(printf 'id\tREQUIRED\tINTEGER\t-\nb\tREQUIRED\tBOOLEAN\t-\nu\tNULLABLE\tBOOLEAN\t-\ni\tNULLABLE\tINTEGER\t-\nts\tNULLABLE\tTIMESTAMP\t-')" schema
	run bq_sql 'SELECT b, u, i, UNIX_MICROS(ts) AS ts FROM types.chosen ORDER BY id'
	assert_equal "$output" '{"b":"false","u":"false","i":"0","ts":"-62135596800000000"}'$'\n''{"b":"true","u":"true","i":"1","ts":"253402300799999999"}'
	mariadb_do "INSERT INTO types.chosen VALUES (3, 2, 0, 0, NULL)"
	run types_load chosen --tinyint1 bool
	assert_status 65
	assert_output_contains 'key {"id":3}, column b: '
}

@test "a row over 100 MB is a reject; the rows around it arrive" {
	mariadb_do "CREATE TABLE types.big (id int PRIMARY KEY, a longtext, b longtext) ENGINE = MyISAM" \
		"INSERT INTO types.big VALUES (1, 'first', NULL), (2, REPEAT('x', 60000000), REPEAT('y', 60000000)), (3, 'last', NULL)"
	run types_load big
	assert_status 65
	assert_output_contains 'key {"id":2}'
	types_load big --max-rejects 1
	assert_equal "$(bq_sql 'SELECT STRING_AGG(a ORDER BY id) AS a FROM types.big')" '{"a":"first,last"}'
}
