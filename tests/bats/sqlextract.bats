#!/usr/bin/env bats
# sqlextract against a real PostgreSQL: values, names, tables of every kind, options.
# What goes wrong during a read is in sqlextract_faults.bats.

# shellcheck disable=SC2016,SC2154 # SQL has dollars; run_split sets errors

load helper/common
load helper/postgres
load helper/values

setup_file() {
	postgres_start
}

teardown_file() {
	postgres_stop
}

# --- values --------------------------------------------------------------------

@test "bool and NULL" {
	expect_values bool <<-'END'
		true	true
		false	false
		NULL	null
	END
}

@test "integers, those beyond 2^53-1 as strings" {
	expect_values int2 <<<$'-32768\t-32768\n32767\t32767\n0\t0'
	expect_values int4 <<<$'-2147483648\t-2147483648\n2147483647\t2147483647'
	expect_values int8 <<-'END'
		9007199254740991	9007199254740991
		-9007199254740991	-9007199254740991
		9007199254740992	"9007199254740992"
		-9007199254740992	"-9007199254740992"
		9223372036854775807	"9223372036854775807"
		'-9223372036854775808'	"-9223372036854775808"
		10	10
		99	99
		100	100
	END
}

@test "floats as the shortest text that reads back, each by its own width" {
	expect_values float8 <<-'END'
		0.1	0.1
		'-0'	-0.0
		5e-324	5e-324
		1.7976931348623157e308	1.7976931348623157e+308
		0.30000000000000004	0.30000000000000004
		'NaN'	"NaN"
		'Infinity'	"Infinity"
		'-Infinity'	"-Infinity"
		123456789012345680	1.2345678901234568e+17
	END
	expect_values float4 <<-'END'
		0.1	0.1
		3.4028235e38	3.4028235e+38
		'1e-45'	1e-45
		16777216	1.6777216e+07
		'NaN'	"NaN"
	END
}

@test "numeric keeps every digit, and its scale" {
	expect_values 'numeric(10,2)' <<<$'12.5\t"12.50"\n-0.01\t"-0.01"\n99999999.99\t"99999999.99"\n0\t"0.00"'
	expect_values 'numeric(38,9)' <<<$'12345678901234567890123456789.123456789\t"12345678901234567890123456789.123456789"'
	expect_values 'numeric(76,38)' <<<$'1e-38\t"0.00000000000000000000000000000000000001"\n99999999999999999999999999999999999999\t"99999999999999999999999999999999999999.00000000000000000000000000000000000000"'
	expect_values 'numeric(5,-2)' <<<$'1234567\t"1234600"'
	expect_values 'numeric(5,-1000)' <<<"-1e1004"$'\t'"\"-1$(printf '0%.0s' {1..1004})\""
	expect_values 'numeric(1000,-1000)' <<<"repeat('9', 1000)::numeric * 1e1000"$'\t'"\"$(printf '9%.0s' {1..1000})$(printf '0%.0s' {1..1000})\""
	expect_values 'numeric(2,4)' <<<$'0.0099\t"0.0099"'
	expect_values 'numeric(100,50)' <<<$'1e49\t"10000000000000000000000000000000000000000000000000.00000000000000000000000000000000000000000000000000"'
}

@test "numeric without a scale goes up to BIGNUMERIC's own bounds" {
	expect_values numeric <<-'END'
		0	"0"
		-1.10	"-1.10"
		10000	"10000"
		100000000	"100000000"
		0.0001	"0.0001"
		0.00001	"0.00001"
		1e38	"100000000000000000000000000000000000000"
		1e-38	"0.00000000000000000000000000000000000001"
		1.000000000000000000000000000000000000000000	"1.00000000000000000000000000000000000000"
		578960446186580977117854925043439539266.34992332820282019728792003956564819967	"578960446186580977117854925043439539266.34992332820282019728792003956564819967"
		-578960446186580977117854925043439539266.34992332820282019728792003956564819968	"-578960446186580977117854925043439539266.34992332820282019728792003956564819968"
	END
	expect_rejects numeric <<-'END'
		'NaN'	"NaN"	no NaN
		'Infinity'	"Infinity"	no infinity
		'-Infinity'	"-Infinity"	no infinity
		578960446186580977117854925043439539266.34992332820282019728792003956564819968	"578960446186580977117854925043439539266.34992332820282019728792003956564819968"	too large
		-578960446186580977117854925043439539266.34992332820282019728792003956564819969	"-578960446186580977117854925043439539266.34992332820282019728792003956564819969"	too large
		1e39	"1000000000000000000000000000000000000000"	too large
		6e38	"600000000000000000000000000000000000000"	too large
		-1e50	"-100000000000000000000000000000000000000000000000000"	too large
		1.000000000000000000000000000000000000001	"1.000000000000000000000000000000000000001"	38 fraction digits
		1e-39	"0.000000000000000000000000000000000000001"	38 fraction digits
	END
}

@test "numeric types become NUMERIC, BIGNUMERIC or STRING by what holds them" {
	psql_do 'CREATE TABLE numerics (a numeric(10,2), b numeric(38,9), c numeric(39,9), d numeric(38,10), e numeric(76,38),
		f numeric(77,38), g numeric(40,39), h numeric, i numeric(5,-2), j numeric(2,4), k numeric(29), l numeric(30))'
	run_split sqlextract -q "$PG_URI" numerics --schema-only
	assert_equal "$(jq -r '.[] | "\(.name) \(.type) \(.precision) \(.scale)"' <<<"$output")" "a NUMERIC 10 2
b NUMERIC 38 9
c BIGNUMERIC 39 9
d BIGNUMERIC 38 10
e BIGNUMERIC 76 38
f STRING null null
g STRING null null
h BIGNUMERIC null null
i NUMERIC 7 0
j NUMERIC 4 4
k NUMERIC 29 0
l BIGNUMERIC 30 0" schema
}

@test "text with everything that JSON escapes, and beyond ASCII" {
	expect_values text <<-'END'
		''	""
		'a"b\c/d'	"a\"b\\c/d"
		E'\b\f\n\r\t'	"\b\f\n\r\t"
		E'\x01\x0b\x1f'	"\u0001\u000b\u001f"
		'héé–😀 ₀₁₂₃'	"héé–😀 ₀₁₂₃"
		repeat('0123456789abcde"', 3)	"0123456789abcde\"0123456789abcde\"0123456789abcde\""
		'sixteen bytes...'	"sixteen bytes..."
		'exactly one more.'	"exactly one more."
	END
	expect_values 'varchar(5)' <<<$'\'abc  \'\t"abc  "'
}

@test "text of every length around the widths of the fast scan" {
	psql_do "CREATE TABLE lengths AS SELECT n, left(repeat('abcdefghijklmnopqrstuvwxyz', 4), n) AS t,
		left(repeat('abcdefghijklmnopqrstuvwxyz', 4), n) || '\"é' AS u FROM generate_series(0, 70) n"
	rows lengths | jq -r '"\(.n) \(.t) \(.u)"' >"$BATS_TEST_TMPDIR/got"
	psql_value "SELECT n || ' ' || t || ' ' || u FROM lengths ORDER BY n" >"$BATS_TEST_TMPDIR/want"
	cmp "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/want"
}

@test "bytea as base64" {
	expect_values bytea <<-'END'
		'\x'	""
		'\x00'	"AA=="
		'\x00ff'	"AP8="
		'\x00ff10'	"AP8Q"
		'\xfbefbe'	"++++"
	END
}

@test "dates from year 1 to 9999, others rejected" {
	expect_values date <<-'END'
		'0001-01-01'	"0001-01-01"
		'9999-12-31'	"9999-12-31"
		'2000-02-29'	"2000-02-29"
		'1900-02-28'	"1900-02-28"
		'1969-12-31'	"1969-12-31"
	END
	expect_rejects date <<-'END'
		'infinity'	"infinity"	infinite
		'-infinity'	"-infinity"	infinite
		'0044-03-15 BC'	"0044-03-15 BC"	0001 to 9999
		'10000-01-01'	"10000-01-01"	0001 to 9999
		'5874897-12-31'	"5874897-12-31"	0001 to 9999
		'4714-11-24 BC'	"4714-11-24 BC"	0001 to 9999
	END
}

@test "times, but not 24:00:00" {
	expect_values time <<<$'\'00:00\'\t"00:00:00.000000"\n\'23:59:59.999999\'\t"23:59:59.999999"'
	expect_rejects time <<<$'\'24:00:00\'\t"24:00:00.000000"\t24:00:00'
}

@test "timestamps to the microsecond, with and without zone" {
	expect_values timestamp <<-'END'
		'0001-01-01'	"0001-01-01T00:00:00.000000"
		'9999-12-31 23:59:59.999999'	"9999-12-31T23:59:59.999999"
		'1999-12-31 23:59:59.999999'	"1999-12-31T23:59:59.999999"
	END
	expect_values timestamptz <<-'END'
		'2026-01-31 10:00:00.5+02'	"2026-01-31T08:00:00.500000Z"
		'0001-01-01 00:00+00'	"0001-01-01T00:00:00.000000Z"
		'1970-01-01 00:00:00.000001+00'	"1970-01-01T00:00:00.000001Z"
	END
	expect_rejects timestamp <<-'END'
		'infinity'	"infinity"	infinite
		'10000-01-01'	"10000-01-01 00:00:00.000000"	0001 to 9999
		'294276-12-31 23:59:59.999999'	"294276-12-31 23:59:59.999999"	0001 to 9999
	END
	expect_rejects timestamptz <<-'END'
		'-infinity'	"-infinity"	infinite
		'0001-12-31 23:59:59+00 BC'	"0001-12-31 23:59:59.000000+00 BC"	0001 to 9999
		'4714-11-24 00:00+00 BC'	"4714-11-24 00:00:00.000000+00 BC"	0001 to 9999
	END
}

@test "jsonb as it is, unless a number would change" {
	expect_values jsonb <<-'END'
		'{"b": [1, 2.50], "a": null}'	{"a": null, "b": [1, 2.50]}
		'"a\nb\u0001"'	"a\nb\u0001"
		'null'	null
		'[]'	[]
		'18446744073709551615'	18446744073709551615
		'-9223372036854775808'	-9223372036854775808
		'0.30000000000000004'	0.30000000000000004
		'2.5e20'	250000000000000000000
		'"1e999 in a string"'	"1e999 in a string"
		'123456789012345.0'	123456789012345.0
	END
	expect_rejects jsonb <<-'END'
		'18446744073709551616'	"18446744073709551616"	unchanged
		'-9223372036854775809'	"-9223372036854775809"	unchanged
		'[0.1234567890123456789]'	"[0.1234567890123456789]"	unchanged
	END
}

@test "jsonb numbers beyond the range of FLOAT64 are rejects" {
	run_split sqlextract -q "$PG_URI" --max-rejects -1 \
		--query "SELECT v::jsonb FROM (VALUES ('1e400'), ('1e-400'), ('[1e308]'), ('[-1e-307]')) AS x(v)"
	assert_status 0
	assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"rows":2,"rejected":2}}'
}

@test "jsonb of 500 levels is the deepest" {
	psql_do "CREATE TABLE deep AS SELECT n, (repeat('[', n) || repeat(']', n))::jsonb AS v FROM (VALUES (500), (501)) AS x(n)"
	run_split sqlextract -q "$PG_URI" deep --max-rejects 5 --key n --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_status 0
	assert_equal "$(sed '1d;$d' <<<"$output" | cut -c -10)" '{"n":500,"' row
	assert_equal "$(jq -c '.["@reject"].key' "$BATS_TEST_TMPDIR/rejects")" '{"n":501}' reject
}

@test "JSON null in a NOT NULL column is a reject, since BigQuery would refuse the row" {
	psql_do "CREATE TABLE json_required (v jsonb NOT NULL)" "INSERT INTO json_required VALUES ('null')"
	run_split sqlextract -q "$PG_URI" json_required
	assert_status 65
}

@test "uuid as text" {
	expect_values uuid <<<$'\'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\'\t"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'
}

@test "a long text and a long bytea arrive whole" {
	psql_do "CREATE TABLE long AS SELECT repeat(E'x\"\n', 200000) AS t, decode(repeat('00ff10', 100000), 'hex') AS b"
	assert_equal "$(rows long | jq -r .t | md5sum)" "$(psql_value 'SELECT t FROM long' | md5sum)" text
	assert_equal "$(rows long | jq -r .b | base64 -d | md5sum)" \
		"$(psql_value "SELECT md5(b) || '  -' FROM long")" bytea
}

@test "a row over 100 MB is rejected as a whole" {
	psql_do "CREATE TABLE giant AS SELECT 1 AS id, repeat('x', 60000000) AS a, repeat('x', 60000000) AS b"
	run_split sqlextract -q "$PG_URI" giant --max-rejects 1 --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_status 0
	assert_equal "$(jq -c '.["@reject"] | [.column, .value]' "$BATS_TEST_TMPDIR/rejects")" '[null,null]' reject
	assert_equal "$(wc -l <<<"$output")" 2 lines
	psql_do "DROP TABLE giant"
}

@test "random rows equal what psql prints" {
	psql_do "CREATE TABLE random AS SELECT i AS id, (random() * 2 - 1) * power(10, (random() * 600 - 300)::int) AS f,
		((random() - 0.5) * 1e7)::float4 AS g, ((random() - 0.5) * power(10, (random() * 28)::int))::numeric(38,9) AS n,
		timestamp '0001-01-01' + random() * 9998 * interval '365 days' AS at, ((random() - 0.5) * 1.8e19)::numeric(19)::bigint AS big,
		date '0001-01-01' + (random() * 3652058)::int AS day, md5(random()::text) AS t FROM generate_series(1, 5000) i"
	rows random --exclude f,g | jq -r '[.id, .n, .at, .big, .day, .t] | map(tostring) | join(" ")' >"$BATS_TEST_TMPDIR/got"
	psql_value "SELECT concat_ws(' ', id, n, to_char(at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), big, day, t) FROM random ORDER BY id" \
		>"$BATS_TEST_TMPDIR/want"
	cmp "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/want"
	# Floats go back into the server, which must find no difference.
	psql_do "CREATE TABLE back (id int, f float8, g float4)"
	rows random --columns id,f,g | sed -E 's/.*"id":([^,]*),"f":([^,]*),"g":([^}]*)}/\1\t\2\t\3/' |
		psql -qX -c '\copy back from stdin'
	assert_equal "$(psql_value "SELECT count(*) FROM random JOIN back USING (id) WHERE random.f = back.f AND random.g = back.g")" 5000
}

# --- names and kinds -------------------------------------------------------------

@test "awkward identifiers: capitals, spaces, dots, quotes, unicode, reserved words" {
	psql_do 'CREATE SCHEMA "My.Schema"' 'CREATE TABLE "My.Schema"."Say ""hi"".now" ("select" int, "Id" int)' \
		'INSERT INTO "My.Schema"."Say ""hi"".now" VALUES (1, 2)' 'CREATE TABLE "Grüße" (a int)' 'CREATE TABLE "order" (a int)'
	assert_equal "$(rows '"My.Schema"."Say ""hi"".now"')" '{"select":1,"Id":2}'
	run_split sqlextract -q "$PG_URI" 'Grüße'
	assert_status 0
	assert_equal "$(head -n 1 <<<"$output" | jq -r '.["@begin"].table')" 'public.Grüße'
	run_split sqlextract -q "$PG_URI" order
	assert_status 0
	run_split sqlextract -q "$PG_URI" public.Order
	assert_status 66
}

@test "column names that BigQuery refuses are rewritten, with a warning" {
	psql_do 'CREATE TABLE renamed ("a b" int, "1st" int, "_TABLE_x" int, "ä" int, "q""q" int, ok int)' \
		'INSERT INTO renamed VALUES (1, 2, 3, 4, 5, 6)'
	run_split sqlextract -q "$PG_URI" renamed
	assert_status 0
	assert_line '{"a_b":1,"_1st":2,"__TABLE_x":3,"__":4,"q_q":5,"ok":6}'
	[[ $errors == *'column "a b" is written as "a_b"'* ]]
	[[ $errors != *'"ok"'* ]]
}

@test "columns whose names collide without case are refused, both named" {
	psql_do 'CREATE TABLE colliding ("a b" int, "A_B" int)'
	run_split sqlextract -q "$PG_URI" colliding
	assert_status 65
	[[ $errors == *'"a b" and "A_B"'* ]]
	run_split sqlextract -q "$PG_URI" colliding --exclude 'a b'
	assert_status 0
}

@test "views, materialized views, partitioned tables and an empty table" {
	psql_do 'CREATE TABLE base (id int PRIMARY KEY, t text)' "INSERT INTO base VALUES (1, 'x')" 'CREATE TABLE empty (a int)' \
		'CREATE VIEW seen AS SELECT id + 1 AS id FROM base' 'CREATE MATERIALIZED VIEW kept AS SELECT t FROM base' \
		'CREATE TABLE parts (id int, t text, PRIMARY KEY (id)) PARTITION BY RANGE (id)' \
		'CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)' \
		'CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20)' "INSERT INTO parts VALUES (1, 'a'), (11, 'b')"
	assert_equal "$(rows seen)" '{"id":2}' view
	assert_equal "$(rows kept)" '{"t":"x"}' 'materialized view'
	assert_equal "$(rows parts)" $'{"id":1,"t":"a"}\n{"id":11,"t":"b"}' 'partitioned table'
	run_split sqlextract -q "$PG_URI" empty
	assert_status 0
	assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"rows":0,"rejected":0}}' 'empty table'
}

@test "a materialized view without data says so" {
	psql_do 'CREATE MATERIALIZED VIEW unfilled AS SELECT 1 AS a WITH NO DATA'
	run_split sqlextract -q "$PG_URI" unfilled
	assert_status 69
	[[ $errors == *unfilled* ]]
}

@test "generated columns are read, dropped columns are not" {
	psql_do 'CREATE TABLE altered (a int, gone int, double_a int GENERATED ALWAYS AS (a * 2) STORED)' \
		'INSERT INTO altered (a, gone) VALUES (4, 5)' 'ALTER TABLE altered DROP COLUMN gone'
	assert_equal "$(rows altered)" '{"a":4,"double_a":8}'
}

@test "NOT NULL, comments, domains and the primary key reach @begin" {
	psql_do 'CREATE DOMAIN price AS numeric(10,2) CHECK (VALUE >= 0)' 'CREATE DOMAIN price2 AS price' \
		'CREATE TABLE described (b int, a int NOT NULL, p price2, PRIMARY KEY (b, a))' \
		"COMMENT ON COLUMN described.a IS 'the letter ä'" "INSERT INTO described VALUES (1, 2, 3)"
	run_split sqlextract -q "$PG_URI" described
	assert_json '.[0]["@begin"] | .schema.fields[1] == {"name":"a","type":"INTEGER","mode":"REQUIRED","description":"the letter ä"}'
	assert_json '.[0]["@begin"] | .key == ["b","a"] and .scope == "full" and .source == "postgresql" and .version == 1'
	assert_json '.[0]["@begin"].schema.fields[2] == {"name":"p","type":"NUMERIC","mode":"NULLABLE","precision":"10","scale":"2"}'
	assert_json '.[0]["@begin"].at | test("^20[0-9-]{8}T[0-9:]{8}[.][0-9]{6}Z$")'
}

@test "a comment is cut at 1,024 characters, not inside one" {
	psql_do 'CREATE TABLE wordy (a int)' "DO \$\$ BEGIN EXECUTE format('COMMENT ON COLUMN wordy.a IS %L', repeat('é', 2000)); END \$\$"
	run_split sqlextract -q "$PG_URI" wordy --schema-only
	assert_equal "$(jq -r '.[0].description | length' <<<"$output")" 1024
}

@test "a NOT NULL that the server does not enforce is not promised" {
	psql_do 'CREATE TABLE parent (id int PRIMARY KEY)' 'CREATE TABLE child () INHERITS (parent)' 'INSERT INTO child VALUES (5)'
	run_split sqlextract -q "$PG_URI" parent
	assert_line '{"id":5}'
	assert_json '.[0]["@begin"] | .key == null and .schema.fields[0].mode == "NULLABLE"'
}

# --- options ------------------------------------------------------------------------

@test "--columns gives their order, --where and --limit narrow, scope says so" {
	psql_do 'CREATE TABLE numbers AS SELECT i AS id, i * i AS square FROM generate_series(1, 10) i'
	assert_equal "$(rows numbers --columns square,id --where 'id > 8 -- large' --limit 1)" '{"square":81,"id":9}'
	run_split sqlextract -q "$PG_URI" numbers --where 'id > 8'
	assert_json '.[0]["@begin"].scope == "partial"'
	run_split sqlextract -q "$PG_URI" numbers --where 'id > 8' --full
	assert_json '.[0]["@begin"].scope == "full"'
	run_split sqlextract -q "$PG_URI" numbers --limit 0
	assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"rows":0,"rejected":0}}'
}

@test "--query reads a statement, with a comment or semicolon at its end" {
	assert_equal "$(rows --query 'SELECT 1 AS a, NULL::text AS b; ')" '{"a":1,"b":null}'
	assert_equal "$(rows --query 'WITH x AS (SELECT 2 AS a) SELECT * FROM x -- done')" '{"a":2}'
	assert_equal "$(rows --query 'SELECT i AS a, i AS b FROM generate_series(1, 9) i' --where 'a = 3' --exclude b)" '{"a":3}'
	run_split sqlextract -q "$PG_URI" --query 'SELECT 1 AS a' --key a
	assert_json '.[0]["@begin"] | .key == ["a"] and .scope == "partial" and (has("table") | not)'
}

@test "--query takes one statement that only reads" {
	psql_do 'CREATE TABLE untouched (a int)'
	for sql in 'INSERT INTO untouched VALUES (1)' 'SELECT 1 AS a; DROP TABLE untouched' 'SELECT $1::int AS a' ';' \
		'WITH x AS (INSERT INTO untouched VALUES (1) RETURNING a) SELECT * FROM x' 'SELECT 1 AS a) TO STDOUT --'; do
		run_split sqlextract -q "$PG_URI" --query "$sql"
		assert_status 64
	done
	assert_equal "$(psql_value 'SELECT count(*) FROM untouched')" 0
}

@test "--where cannot smuggle in a second statement" {
	psql_do 'CREATE TABLE guarded (a int)'
	run_split sqlextract -q "$PG_URI" guarded --where 'true)) TO STDOUT; DROP TABLE guarded; --'
	assert_status 64
	assert_equal "$(psql_value 'SELECT count(*) FROM guarded')" 0
}

@test "--schema-only prints the array alone" {
	run_split sqlextract -q "$PG_URI" --query 'SELECT 1::bigint AS a' --schema-only
	assert_equal "$(jq -c . <<<"$output")" '[{"name":"a","type":"INTEGER","mode":"NULLABLE"}]'
}

@test "--list names tables that can be read, by kind" {
	psql_do 'CREATE SCHEMA listed' 'CREATE TABLE listed.t (a int)' 'CREATE VIEW listed.v AS SELECT 1 AS a' \
		'CREATE TABLE listed.p (a int) PARTITION BY LIST (a)' 'CREATE TABLE listed.p1 PARTITION OF listed.p DEFAULT' 'CREATE SEQUENCE listed.s'
	run_split sqlextract -q --list "$PG_URI"
	assert_status 0
	assert_equal "$(jq -rs '.[] | select(.schema == "listed") | "\(.table) \(.kind)"' <<<"$output")" \
		$'p partitioned table\nt table\nv view'
	run_split sqlextract --list "$PG_URI" --where true
	assert_status 64
}

@test "--key replaces the primary key; its columns must exist and be read" {
	psql_do 'CREATE TABLE keyed (id int PRIMARY KEY, other int)'
	run_split sqlextract -q "$PG_URI" keyed --key other,id
	assert_json '.[0]["@begin"].key == ["other","id"]'
	run_split sqlextract -q "$PG_URI" keyed --key nope
	assert_status 66
	run_split sqlextract -q "$PG_URI" keyed --key other --exclude other
	assert_status 64
	run_split sqlextract "$PG_URI" keyed --exclude id
	assert_status 0
	assert_json '.[0]["@begin"] | has("key") | not'
	[[ $errors == *'without its key'* ]]
}

@test "the first reject fails the run and names table, key, column and reason" {
	psql_do "CREATE TABLE rejecting (id int PRIMARY KEY, at date)" "INSERT INTO rejecting VALUES (1, '2020-01-01'), (2, 'infinity'), (3, '-infinity')"
	run_split sqlextract "$PG_URI" rejecting --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_status 65
	[[ $errors == *'public.rejecting: too many rejects (--max-rejects 0): key {"id":2}, column at: BigQuery has no infinite dates'* ]]
	assert_json '.[-1]["@abort"].exit == 65'
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/rejects")" 1
	run_split sqlextract -q "$PG_URI" rejecting --max-rejects 1
	assert_status 65
	run_split sqlextract -q "$PG_URI" rejecting --max-rejects -1
	assert_status 0
	assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"rows":1,"rejected":2}}'
}

@test "invalid UTF-8 of a SQL_ASCII database is a reject, and its value shown" {
	psql_do "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'"
	local uri="postgresql://postgres@/bytes?host=$PGHOST"
	psql -qX -d bytes -c "CREATE TABLE t (id int PRIMARY KEY, v text)" \
		-c "INSERT INTO t VALUES (1, 'caf' || E'\\xc3\\xa9'), (2, 'caf' || E'\\xe9')"
	run_split sqlextract -q "$uri" t --max-rejects 1 --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_status 0
	assert_line '{"id":1,"v":"café"}'
	assert_equal "$(jq -c '.["@reject"] | [.key, .value]' "$BATS_TEST_TMPDIR/rejects")" '[{"id":2},"caf�"]'
}

@test "a rejected value is cut at 1 KiB, not inside a character" {
	psql_do "CREATE TABLE lengthy AS SELECT ('[\"' || repeat('é', 3000) || '\", 1e999]')::jsonb AS v"
	run_split sqlextract -q "$PG_URI" lengthy --max-rejects 1 --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_equal "$(jq -rj '.["@reject"].value' "$BATS_TEST_TMPDIR/rejects" | wc -c)" 1024
}

@test "a password in the URI is refused and never repeated" {
	for uri in 'postgresql://me:s3cret@localhost/db' 'postgresql://localhost/db?password=s3cret' \
		'postgresql://localhost/db?user=me&password=s3cret' 'postgresql://localhost/db?pass%77ord=s3cret' \
		'postgresql://me:s3/cret@localhost/db' 'postgresql://localhost/db?sslpassword=s3cret'; do
		run_split sqlextract "$uri" t
		assert_status 64
		[[ $errors == *PGPASSFILE* && $errors != *s3* && $output != *s3* ]] || _fail "$uri"
	done
	SECRET_URI='postgresql://me:s3cret@localhost/db' run_split sqlextract env:SECRET_URI t
	assert_status 64
}

@test "env:NAME is the URI in that variable" {
	SHOP="$PG_URI" run_split sqlextract -q env:SHOP --query 'SELECT 1 AS a'
	assert_status 0
	run_split sqlextract env:NOT_SET_AT_ALL t
	assert_status 64
}

@test "other schemes, missing and superfluous operands are usage errors" {
	run_split sqlextract oracle://x t
	assert_status 64
	run_split sqlextract
	assert_status 64
	run_split sqlextract "$PG_URI"
	assert_status 64
	run_split sqlextract "$PG_URI" a b
	assert_status 64
	run_split sqlextract "$PG_URI" a.b.c
	assert_status 64
	run_split sqlextract "$PG_URI" a --columns x --exclude y
	assert_status 64
	run_split sqlextract "$PG_URI" a --max-rejects -2
	assert_status 64
	run_split sqlextract "$PG_URI&nonsense=1" a
	assert_status 64
}
