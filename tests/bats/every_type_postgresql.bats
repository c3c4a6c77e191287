#!/usr/bin/env bats
# Every type of PostgreSQL with its extremes, from the server through sqlextract and bqload into BigQuery's SQL, value
# for value; and what BigQuery cannot hold, refused by name. The data and what it becomes are in tests/types.

load helper/common
load helper/postgres
load helper/localcloud
load ../types/compare
load ../types/rejects

export TYPES_DATABASE=postgresql TYPES_SOURCE=postgresql://
TYPES=$SLUICE_ROOT/tests/types
SPEC=$TYPES/postgresql.spec
REJECTS=$TYPES/postgresql.rejects

setup_file() {
	postgres_start
	localcloud_start
	bq_dataset types
	psql -qX -f "$TYPES/postgresql.sql"
	types_reject_sql "$REJECTS" | psql -qX -v ON_ERROR_STOP=1
	# No setting of the database's may reach a value.
	psql_do "ALTER DATABASE postgres SET DateStyle = 'SQL, DMY'" "ALTER DATABASE postgres SET IntervalStyle = 'iso_8601'" \
		"ALTER DATABASE postgres SET TimeZone = 'America/St_Johns'" "ALTER DATABASE postgres SET extra_float_digits = -15" \
		"ALTER DATABASE postgres SET bytea_output = 'escape'" "ALTER DATABASE postgres SET standard_conforming_strings = off" \
		"ALTER DATABASE postgres SET search_path = types, extensions, pg_catalog" "ALTER DATABASE postgres SET xmloption = document"
}

teardown_file() {
	localcloud_stop
	postgres_stop
}

# arrive TABLE...
arrive() {
	local table

	for table; do
		types_load "$table"
		types_compare "$SPEC" "$table"
	done
}

@test "integers, floats, numerics, money" {
	arrive integers floats numerics
}

@test "text of every type, bytea, and what is read as text" {
	arrive texts texts_like geometric
}

@test "dates, times, intervals, ranges" {
	arrive times ranges
}

@test "JSON, hstore, composites" {
	arrive documents deep_documents json_numbers
}

@test "domains, and arrays of every kind of element" {
	arrive domains arrays
}

@test "PostGIS" {
	arrive places
}

@test "comments become descriptions of up to 1,024 characters" {
	types_load integers --where false
	run bq_api GET datasets/types/tables/integers
	assert_json '.[0].schema.fields | map({(.name): .description}) | add | .i2 == "two bytes, \"quoted\" \\ 漢字 😀" and .i4 == "é" * 1024 and .i8 == null'
}

@test "the data has a column of each of the server's types, and each of its tables is compared" {
	local table

	run psql_value "SELECT typname FROM pg_type AS t
		WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm') AND typcategory <> 'A'
			AND NOT EXISTS (SELECT FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = attrelid
				WHERE relnamespace = 'types'::regnamespace AND relkind = 'r' AND atttypid IN (t.oid, typarray))
		ORDER BY typname COLLATE \"C\""
	# No value of these can be put into a table.
	assert_equal "$output" "$(printf '%s\n' gtsvector pg_brin_bloom_summary pg_brin_minmax_multi_summary pg_dependencies \
		pg_mcv_list pg_ndistinct pg_node_tree)" 'types without a column'
	assert_equal "$(types_tables "$SPEC" | sort)" "$(psql_value "SELECT relname FROM pg_class
		WHERE relnamespace = 'types'::regnamespace AND relkind = 'r' AND relname <> 'rejected' ORDER BY relname COLLATE \"C\"")" tables
	for table in $(types_tables "$SPEC"); do
		grep -q "^	arrive.*\b$table\b" "$BATS_TEST_FILENAME" || _fail "$table is not compared"
	done
}

@test "sync-table moves them too, again over what is there" {
	local table

	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	for table in numerics times documents arrays; do
		sync-table "$TYPES_SOURCE" "types.$table" "types.$table"
		types_compare "$SPEC" "$table"
	done
}

@test "each value that BigQuery cannot hold fails the run with 65, named, and nothing is loaded" {
	types_reject_alone "$REJECTS"
}

@test "with --max-rejects -1 the other rows arrive, and --rejects has each value and reason" {
	types_reject_all "$REJECTS"
}

@test "as STRING and as JSON on request, those values arrive" {
	local arrays=ia,ib,ta,da,na,iva,jba,ja

	bq_sql 'DROP TABLE IF EXISTS types.rejected'
	types_load rejected --exclude "$arrays" --interval string --time string --json string --type d=STRING --type ts=STRING \
		--type tstz=STRING --type n=STRING --type n10_2=STRING --type n76_38=STRING
	types_compare "$TYPES/postgresql_overridden.spec" rejected
	bq_sql 'DROP TABLE types.rejected'
	types_load rejected --columns "id,$arrays" --arrays json --type ja=STRING --type ib=STRING
	types_compare "$TYPES/postgresql_overridden_arrays.spec" rejected
}

@test "--numeric and --datetime-as choose another type for values that it holds" {
	psql_do "CREATE TABLE types.chosen AS SELECT 1 AS id, 12345678901234567890123456789.123456789::numeric AS n, '2026-01-31 10:00:00.000001'::timestamp AS ts
		UNION ALL SELECT 2, -0.5, '0001-01-01'"
	types_load chosen --columns id,n,ts --numeric numeric --datetime-as timestamp --where "id > 0"
	run types_schema chosen
	assert_equal "$output" "$(printf 'id\tNULLABLE\tINTEGER\t-\nn\tNULLABLE\tNUMERIC\t-\nts\tNULLABLE\tTIMESTAMP\t-')" schema
	run bq_sql 'SELECT CAST(n AS STRING) AS n, UNIX_MICROS(ts) AS ts FROM types.chosen ORDER BY id'
	assert_equal "$output" '{"n":"12345678901234567890123456789.123456789","ts":"1769853600000001"}'$'\n''{"n":"-0.5","ts":"-62135596800000000"}'
	run types_load chosen --columns id,n --numeric float --where "id = 1"
	assert_status 65
	assert_output_contains 'column n: '
	bq_sql 'DROP TABLE types.chosen'
	types_load chosen --columns id,n --numeric float --where "id = 2"
	assert_equal "$(bq_sql 'SELECT n FROM types.chosen')" '{"n":"-0.5"}'
}

@test "bytes of a SQL_ASCII database that are not UTF-8 are rejects; others arrive" {
	psql_do "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
	PGDATABASE=ascii psql_do "CREATE SCHEMA types" "CREATE TABLE types.ascii (id int PRIMARY KEY, t text, j json, a text[])" \
		"INSERT INTO types.ascii VALUES (1, E'\\xc3\\xa9', E'\"\\xc3\\xa9\"', ARRAY[E'\\xc3\\xa9'])" "INSERT INTO types.ascii (id, t) VALUES (2, E'caf\\xe9')" \
		"INSERT INTO types.ascii (id, j) VALUES (3, E'\"\\xff\"')" "INSERT INTO types.ascii (id, a) VALUES (4, ARRAY[E'\\xed\\xa0\\x80'])"
	local id
	export PGDATABASE=ascii
	for id in 2 3 4; do
		run types_load ascii --where "id = $id"
		assert_status 65
		assert_output_contains "key {\"id\":$id}, column "
		assert_output_contains 'not valid UTF-8'
	done
	types_load ascii --max-rejects -1
	assert_equal "$(bq_sql 'SELECT id, t, JSON_VALUE(j) AS j, a FROM types.ascii')" '{"id":"1","t":"é","j":"é","a":[{"v":"é"}]}'
}

@test "a row over 100 MB is a reject; the rows around it arrive" {
	psql_do "CREATE TABLE types.long (id int PRIMARY KEY, a text, b text)" \
		"INSERT INTO types.long VALUES (1, 'first', NULL), (2, repeat('x', 60000000), repeat('y', 60000000)), (3, 'last', NULL)"
	run types_load long
	assert_status 65
	assert_output_contains 'key {"id":2}'
	types_load long --max-rejects 1
	assert_equal "$(bq_sql 'SELECT STRING_AGG(a ORDER BY id) AS a FROM types.long')" '{"a":"first,last"}'
}
