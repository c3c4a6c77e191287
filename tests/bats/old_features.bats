#!/usr/bin/env bats
# What tables of both databases have gathered in the course of time: inheritance, generated, dropped, invisible and
# virtual columns, partitions, versions, old engines, character sets and formats. Each is loaded through sqlextract and
# bqload and compared with its source; data and specs are in tests/types.

load helper/common
load helper/postgres
load helper/mariadb
load helper/localcloud
load ../types/compare

TYPES=$SLUICE_ROOT/tests/types

setup_file() {
	postgres_start
	mariadb_start
	localcloud_start
	bq_dataset types
	printf '%s\n' '1,"a ""quoted"" one",1.50' '2,,' >"$PG_DIR/file.csv"
	psql -qX -v "host=$PGHOST" -v "port=$PGPORT" -v "csv=$PG_DIR/file.csv" -f "$TYPES/old_postgresql.sql"
	mariadb_client <"$TYPES/old_mysql.sql"
}

teardown_file() {
	localcloud_stop
	mariadb_stop
	postgres_stop
}

setup() {
	bq_sql "$(bq_sql "SELECT STRING_AGG('DROP TABLE types.' || table_name, ';') AS drops FROM types.INFORMATION_SCHEMA.TABLES" | jq -r '.drops // "SELECT 1"')"
}

in_postgresql() {
	export TYPES_DATABASE=postgresql TYPES_SOURCE=postgresql://
}

in_mysql() {
	export TYPES_DATABASE=mysql TYPES_SOURCE="mysql://root@/types?socket=$MARIADB_SOCKET"
}

# arrive TABLE...
arrive() {
	local table

	for table; do
		types_load "$table"
		types_compare "$TYPES/old_$TYPES_DATABASE.spec" "$table"
	done
}

# --- PostgreSQL -----------------------------------------------------------------

@test "PostgreSQL: columns named oid, and those of type oid and regclass" {
	in_postgresql
	arrive with_oids
}

@test "PostgreSQL: inheritance, with the children's rows and without promises that they may break" {
	in_postgresql
	arrive parent child grandchild
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM types.parent')" '{"n":"4"}'
}

@test "PostgreSQL: dropped columns, added ones that old rows do not store, generated and identity columns" {
	in_postgresql
	arrive altered generated toasted
}

@test "PostgreSQL: partitions with another order of columns, and partitions of their own" {
	in_postgresql
	arrive parted
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM types.parted')" '{"n":"4"}'
}

@test "PostgreSQL: views, recursive and materialized ones, unlogged and typed tables" {
	in_postgresql
	arrive a_view countdown materialized unlogged typed
}

@test "PostgreSQL: foreign tables of another server and of a file" {
	in_postgresql
	arrive remote from_file
}

@test "PostgreSQL: a column named like its table, and names that need quotes" {
	in_postgresql
	arrive same_name
	run bash -o pipefail -c 'sqlextract -q postgresql:// "types.\"Odd \"\"Name\"\" .with; dots\"" | bqload -q types.odd'
	assert_status 0
	assert_output_contains 'column "a.b" is written as "a_b"'
	assert_equal "$(bq_sql 'SELECT * FROM types.odd')" '{"select":"1","Mixed_Case":"b","with_quote":"c","a_b":"d","na__ve_______":"e","_1st":"6","__TABLE_x":"7","___DROP_TABLE_parent____":"8","User":"9","tableoid_":"10"}'
	assert_equal "$(psql_value 'SELECT COUNT(*) FROM types.parent')" 4
}

@test "PostgreSQL: 1,600 columns" {
	local spec=$BATS_TEST_TMPDIR/wide.spec

	in_postgresql
	awk 'BEGIN { split("STRING BOOLEAN DATE INTEGER", type, " "); print "wide.id\tREQUIRED INTEGER"
		for (i = 2; i <= 1600; i++) printf "wide.c%d\t%s\n", i, type[(i - 1) % 4 + 1] }' >"$spec"
	types_load wide
	types_compare "$spec" wide
}

@test "PostgreSQL: a table without rows is made and stays empty; one without columns is refused" {
	in_postgresql
	types_load empty
	run types_schema empty
	assert_equal "$output" "$(printf 'id\tREQUIRED\tINTEGER\t-\nv\tNULLABLE\tSTRING\t-\nlist\tREPEATED\tINTEGER\t-')"
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM types.empty')" '{"n":"0"}'
	run types_load nothing
	assert_status 65
	assert_output_contains 'types.nothing has no columns'
}

# --- MariaDB ------------------------------------------------------------------------

@test "MariaDB: virtual, stored and invisible columns, and columns added and dropped at once" {
	in_mysql
	arrive computed invisible altered
}

@test "MariaDB: old character sets" {
	in_mysql
	arrive charsets
}

@test "MariaDB: enum with index 0, ZEROFILL, YEAR(2), compressed columns, times as before 5.6" {
	in_mysql
	arrive leftovers old_times
}

@test "MariaDB: tables with system versions have the rows of today" {
	in_mysql
	arrive versioned versioned_openly periods
	assert_equal "$(bq_sql 'SELECT id, v FROM types.versioned')" '{"id":"1","v":"second"}'
}

@test "MariaDB: partitions, views, and every engine" {
	in_mysql
	arrive parted a_view in_myisam in_myisam_fixed merged in_aria in_memory in_csv
}

@test "MariaDB: a column named like its table, case of names, and names that need backquotes" {
	in_mysql
	arrive same_name
	# shellcheck disable=SC2016 # MySQL's backquotes
	run bash -o pipefail -c 'sqlextract -q "$1" "\`Odd \`\`Name\`\` .with; dots\`" | bqload -q types.odd' - "$TYPES_SOURCE"
	assert_status 0
	assert_output_contains 'column "a.b" is written as "a_b"'
	assert_equal "$(bq_sql 'SELECT * FROM types.odd')" '{"select":"1","Mixed_Case":"b","with_tick":"c","a_b":"d","na__ve_______":"e","_1st":"6","__TABLE_x":"7","___DROP_TABLE_parted____":"8","User":"9","with_quote":"10"}'
	types_load Mixed
	assert_equal "$(bq_sql 'SELECT * FROM types.Mixed')" '{"Id":"1","lower":"l","UPPER":"U"}'
	run types_load mixed
	assert_status 66
}

@test "MariaDB: char comes without its padding, whatever the server's sql_mode, and binary with it" {
	local want='{"c":"ab","c1":"","u":"é","b":"YWIAAAA=","v":"ab  "}'

	in_mysql
	types_load padded
	assert_equal "$(bq_sql 'SELECT c, c1, u, b, v FROM types.padded WHERE id = 1')" "$want"
	mariadb_do "SET GLOBAL sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'"
	types_load padded
	mariadb_do "SET GLOBAL sql_mode = DEFAULT"
	assert_equal "$(bq_sql 'SELECT c, c1, u, b, v FROM types.padded WHERE id = 1')" "$want"
}

@test "MariaDB: a server whose sql_mode reads quotes and backslashes otherwise" {
	in_mysql
	mariadb_do "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE,NO_UNSIGNED_SUBTRACTION,TIME_ROUND_FRACTIONAL'"
	arrive computed leftovers old_times same_name
	# shellcheck disable=SC2016 # MySQL's backquotes
	run bash -o pipefail -c 'sqlextract -q "$1" "types.\`Odd \`\`Name\`\` .with; dots\`" | bqload -q types.odd' - "$TYPES_SOURCE"
	mariadb_do "SET GLOBAL sql_mode = DEFAULT"
	assert_status 0
	assert_equal "$(bq_sql 'SELECT with_tick, with_quote FROM types.odd')" '{"with_tick":"c","with_quote":"10"}'
}

@test "MariaDB: 1,000 columns" {
	local spec=$BATS_TEST_TMPDIR/wide.spec

	in_mysql
	awk -v spec="$spec" 'BEGIN { split("INTEGER STRING NUMERIC(10,2) DATE", type, " "); split("int tinytext decimal(10,2) date", kind, " ")
		print "wide.id\tREQUIRED INTEGER" >spec
		for (i = 1; i < 1000; i++) {
			k = i % 4 + 1
			printf "wide.c%d\t%s\n", i, type[k] >spec
			columns = columns ", c" i " " kind[k]
			values = values (k == 4 ? ", \047" 2000 + i "-01-31\047" : ", " i)
		}
		print "CREATE TABLE wide (id int PRIMARY KEY" columns ") ENGINE = Aria; INSERT INTO wide (id) VALUES (1); INSERT INTO wide VALUES (2" values ");"
	}' | mariadb_client --database=types
	types_load wide
	types_compare "$spec" wide
}

@test "MariaDB: a table without rows is made and stays empty" {
	in_mysql
	types_load empty
	run bq_api GET datasets/types/tables/empty
	assert_json '.[0] | .numRows == "0" and (.schema.fields | map(.type) == ["INTEGER", "STRING", "NUMERIC"] and .[1].description == "nothing \"here\" \\ é漢")'
}

@test "each table of the data is compared" {
	local table

	for table in $(types_tables "$TYPES/old_postgresql.spec") $(types_tables "$TYPES/old_mysql.spec"); do
		grep -q "^	arrive.*\b$table\b" "$BATS_TEST_FILENAME" || _fail "$table is not compared"
	done
}
