#!/usr/bin/env bats
# Every type of PostgreSQL through sqlextract: the schema it gets, its extreme
# values, what is rejected and how the reject shows it, and the options.

# shellcheck disable=SC2016,SC2154 # SQL has dollars; run_split sets errors

load helper/common
load helper/postgres
load helper/values

setup_file() {
	# What text forms depend on, set to what nobody expects.
	postgres_start -c 'DateStyle=SQL, DMY' -c IntervalStyle=sql_standard -c TimeZone=Asia/Tokyo \
		-c extra_float_digits=-5 -c bytea_output=escape
	psql_do 'CREATE EXTENSION citext' 'CREATE EXTENSION hstore' 'CREATE EXTENSION postgis' 'CREATE EXTENSION ltree' \
		"CREATE TYPE mood AS ENUM ('sad', 'not so \"happy\"', '')" 'CREATE TYPE pair AS (a int8, b text, at timestamptz)' \
		'CREATE TYPE floats AS RANGE (subtype = float8)' 'CREATE DOMAIN numbers AS int[]' \
		'CREATE DOMAIN positive AS int CHECK (VALUE > 0)' 'CREATE DOMAIN small_positive AS positive CHECK (VALUE < 1000)' \
		'CREATE DOMAIN price AS numeric(10,2)' 'CREATE DOMAIN filled AS text NOT NULL' 'CREATE DOMAIN pairs AS pair'
}

teardown_file() {
	postgres_stop
}

# expect_types ARGUMENT...: lines of "type of PostgreSQL<TAB>TYPE MODE [PRECISION SCALE]" on stdin.
expect_types() {
	local type want columns="" all="" n=0

	while IFS=$'\t' read -r type want; do
		n=$((n + 1))
		columns+="${columns:+, }c$n $type"
		all+="${all:+$'\n'}$type $want"
	done
	psql_do 'DROP TABLE IF EXISTS typed' "CREATE TABLE typed ($columns)"
	sqlextract -q "$PG_URI" typed --schema-only "$@" >"$BATS_TEST_TMPDIR/schema"
	paste -d ' ' <(psql_value "SELECT format_type(atttypid, atttypmod) FROM pg_attribute
			WHERE attrelid = 'typed'::regclass AND attnum > 0 ORDER BY attnum") \
		<(jq -r '.[] | [.type, .mode, .precision, .scale] | map(select(.)) | join(" ")' "$BATS_TEST_TMPDIR/schema") \
		>"$BATS_TEST_TMPDIR/types"
	assert_equal "$(<"$BATS_TEST_TMPDIR/types")" "$all" types
}

# --- the schema ------------------------------------------------------------------

@test "each type has its own in BigQuery" {
	expect_types <<-'END'
		boolean	BOOLEAN NULLABLE
		smallint	INTEGER NULLABLE
		integer	INTEGER NULLABLE
		bigint	INTEGER NULLABLE
		oid	INTEGER NULLABLE
		real	FLOAT NULLABLE
		double precision	FLOAT NULLABLE
		numeric(10,2)	NUMERIC NULLABLE 10 2
		numeric	BIGNUMERIC NULLABLE
		money	NUMERIC NULLABLE 19 2
		text	STRING NULLABLE
		character varying(3)	STRING NULLABLE
		character(5)	STRING NULLABLE
		name	STRING NULLABLE
		"char"	STRING NULLABLE
		citext	STRING NULLABLE
		mood	STRING NULLABLE
		uuid	STRING NULLABLE
		inet	STRING NULLABLE
		cidr	STRING NULLABLE
		macaddr	STRING NULLABLE
		macaddr8	STRING NULLABLE
		xml	STRING NULLABLE
		bit(4)	STRING NULLABLE
		bit varying(9)	STRING NULLABLE
		tsvector	STRING NULLABLE
		tsquery	STRING NULLABLE
		int4range	STRING NULLABLE
		int8multirange	STRING NULLABLE
		floats	STRING NULLABLE
		point	STRING NULLABLE
		line	STRING NULLABLE
		lseg	STRING NULLABLE
		box	STRING NULLABLE
		path	STRING NULLABLE
		polygon	STRING NULLABLE
		circle	STRING NULLABLE
		pg_lsn	STRING NULLABLE
		xid8	STRING NULLABLE
		xid	STRING NULLABLE
		txid_snapshot	STRING NULLABLE
		regclass	STRING NULLABLE
		regtype	STRING NULLABLE
		jsonpath	STRING NULLABLE
		ltree	STRING NULLABLE
		bytea	BYTES NULLABLE
		date	DATE NULLABLE
		time without time zone	TIME NULLABLE
		time with time zone	STRING NULLABLE
		timestamp without time zone	DATETIME NULLABLE
		timestamp with time zone	TIMESTAMP NULLABLE
		interval	INTERVAL NULLABLE
		json	JSON NULLABLE
		jsonb	JSON NULLABLE
		hstore	JSON NULLABLE
		pair	JSON NULLABLE
		pairs	JSON NULLABLE
		price	NUMERIC NULLABLE 10 2
		small_positive	INTEGER NULLABLE
		filled	STRING NULLABLE
		geometry(Point,4326)	GEOGRAPHY NULLABLE
		geometry(Point,3857)	STRING NULLABLE
		geometry	STRING NULLABLE
		geography	GEOGRAPHY NULLABLE
		geography(Polygon,4326)	GEOGRAPHY NULLABLE
		geography(Point,4269)	STRING NULLABLE
		box2d	STRING NULLABLE
	END
}

@test "an array of a type is REPEATED of it" {
	expect_types <<-'END'
		integer[]	INTEGER REPEATED
		text[]	STRING REPEATED
		numeric(6,2)[]	NUMERIC REPEATED 6 2
		money[]	NUMERIC REPEATED 19 2
		timestamp with time zone[]	TIMESTAMP REPEATED
		interval[]	INTERVAL REPEATED
		jsonb[]	JSON REPEATED
		bytea[]	BYTES REPEATED
		mood[]	STRING REPEATED
		citext[]	STRING REPEATED
		box[]	STRING REPEATED
		time with time zone[]	STRING REPEATED
		geometry(Point,4326)[]	GEOGRAPHY REPEATED
		int2vector	INTEGER REPEATED
		oidvector	INTEGER REPEATED
		numbers	INTEGER REPEATED
		price[]	NUMERIC REPEATED 10 2
		small_positive[]	INTEGER REPEATED
		pair[]	JSON REPEATED
		hstore[]	JSON REPEATED
		numbers[]	JSON NULLABLE
	END
}

@test "options choose other types" {
	expect_types --numeric numeric --time string --interval string --datetime-as timestamp --json string --arrays json <<-'END'
		numeric	NUMERIC NULLABLE
		numeric(50,2)	STRING NULLABLE
		time without time zone	STRING NULLABLE
		interval	STRING NULLABLE
		timestamp without time zone	TIMESTAMP NULLABLE
		json	STRING NULLABLE
		jsonb	STRING NULLABLE
		hstore	STRING NULLABLE
		pair	STRING NULLABLE
		integer[]	STRING NULLABLE
	END
	expect_types --numeric string <<<$'numeric\tSTRING NULLABLE'
	expect_types --numeric float --arrays json <<-'END'
		numeric	FLOAT NULLABLE
		numeric[]	JSON NULLABLE
		int2vector	JSON NULLABLE
	END
}

@test "NOT NULL is REQUIRED but for arrays; a domain's is not the column's" {
	expect_types <<-'END'
		filled	STRING NULLABLE
	END
	psql_do 'CREATE TABLE required (a int NOT NULL, b int[] NOT NULL, c filled, d pair NOT NULL)'
	assert_equal "$(sqlextract -q "$PG_URI" required --schema-only | jq -r '[.[].mode] | join(" ")')" \
		'REQUIRED REPEATED NULLABLE REQUIRED' modes
	# Such a domain is NULL in an outer join.
	psql_do 'CREATE VIEW outer_joined AS SELECT x.i, required.c FROM (SELECT 1 AS i) x LEFT JOIN required ON false'
	assert_equal "$(rows outer_joined)" '{"i":1,"c":null}'
}

# --- values -------------------------------------------------------------------------

@test "oid, money and text of every kind" {
	expect_values oid <<<$'4294967295\t4294967295\n0\t0'
	expect_values money <<-'END'
		'-92233720368547758.08'	"-92233720368547758.08"
		'0.05'	"0.05"
		'1234.5'	"1234.50"
	END
	expect_values 'char(5)' <<<$'\'ab\'\t"ab   "'
	expect_values name <<<$'\'pg_class\'\t"pg_class"'
	expect_values '"char"' <<<$'\'x\'\t"x"'
	expect_values citext <<<$'\'MiXed\'\t"MiXed"'
	expect_values mood <<<$'\'not so "happy"\'\t"not so \\"happy\\""\n\'\'\t""'
	expect_values xml <<<$'\'<?xml version="1.0" encoding="UTF-8"?><a>é</a>\'\t"<a>é</a>"'
	expect_values 'bit(4)' <<<$'B\'1010\'\t"1010"'
	expect_values varbit <<<$'B\'\'\t""\nB\'101010101\'\t"101010101"'
}

@test "addresses as PostgreSQL prints them, a thousand at random" {
	psql_do "CREATE TABLE addresses AS SELECT i AS id,
			(SELECT string_agg(CASE WHEN random() < 0.5 THEN '0' ELSE to_hex((random() * 65535)::int) END, ':')
			 FROM generate_series(1, 8) WHERE i IS NOT NULL)::inet AS six,
			set_masklen(((random() * 255)::int || '.0.' || (random() * 255)::int || '.1')::inet, (random() * 32)::int) AS four,
			network(set_masklen('2001:db8::ff:0:1:2'::inet, (random() * 128)::int)) AS net
		FROM generate_series(1, 1000) i" "INSERT INTO addresses VALUES (0, '::ffff:1.2.3.4', '0.0.0.0', '::/0'), (-1, '::1.2.3.4', '::1', '10/8')"
	rows addresses | jq -r '[.id, .six, .four, .net] | map(tostring) | join(" ")' | sort >"$BATS_TEST_TMPDIR/got"
	psql -qXAt -F ' ' -c 'TABLE addresses' | sort >"$BATS_TEST_TMPDIR/want"
	cmp "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/want"
}

@test "what is cast to text does not depend on the session's settings" {
	expect_values timetz <<<$'\'12:34:56.5+02\'\t"12:34:56.5+02"'
	expect_values tstzrange <<<$'$$[2020-01-02 03:04+00,)$$\t"[\\"2020-01-02 03:04:00+00\\",)"'
	expect_values floats <<<$'$$[0.1,0.30000000000000004]$$\t"[0.1,0.30000000000000004]"'
	expect_values point <<<$'$$(0.1,1e300)$$\t"(0.1,1e+300)"'
	expect_values 'date[]' <<<$'$${2020-01-02}$$\t["2020-01-02"]'
	expect_values daterange <<<$'$$[2020-01-02,2020-02-03)$$\t"[2020-01-02,2020-02-03)"'
	expect_values pair <<<$'$$(1,x,2020-01-02 03:04+00)$$\t{"a":1,"b":"x","at":"2020-01-02T03:04:00+00:00"}'
	assert_equal "$(rows --query "SELECT '1 day 2 hours'::interval AS i, '\\x00ff'::bytea AS b" --interval string)" \
		'{"i":"1 day 02:00:00","b":"AP8="}'
	assert_equal "$(rows --query "SELECT '\\x00ff'::bytea AS b, 0.30000000000000004::float8 AS f" --type b=STRING --type f=STRING)" \
		'{"b":"\\x00ff","f":"0.30000000000000004"}'
}

@test "searches, ranges, shapes and numbers of the log as text" {
	expect_values tsvector <<<$'\'a fat cat\'\t"\'a\' \'cat\' \'fat\'"'
	expect_values tsquery <<<$'\'fat & rat\'\t"\'fat\' & \'rat\'"'
	expect_values int4range <<<$'\'empty\'\t"empty"\n\'[1,5]\'\t"[1,6)"\n\'(,)\'\t"(,)"'
	expect_values int8multirange <<<$'\'{[1,2),[4,5)}\'\t"{[1,2),[4,5)}"'
	expect_values box <<<$'\'(1,1),(0,0)\'\t"(1,1),(0,0)"'
	expect_values circle <<<$'\'<(1,2),3>\'\t"<(1,2),3>"'
	expect_values pg_lsn <<<$'\'16/B374D848\'\t"16/B374D848"'
	expect_values xid8 <<<$'\'18446744073709551615\'\t"18446744073709551615"'
	expect_values regclass <<<$'\'pg_class\'\t"pg_class"'
	expect_values macaddr8 <<<$'\'08:00:2b:01:02:03:04:05\'\t"08:00:2b:01:02:03:04:05"'
	expect_values ltree <<<$'\'a.b.c\'\t"a.b.c"'
}

@test "intervals in BigQuery's three parts" {
	expect_values interval <<-'END'
		'0'	"P0Y0M0DT0H0M0.000000S"
		'1 year 2 mons 3 days 04:05:06.789'	"P1Y2M3DT4H5M6.789000S"
		'-1 year -2 mons +3 days -04:05:06.7'	"P-1Y-2M3DT-4H-5M-6.700000S"
		'25:00:00'	"P0Y0M0DT25H0M0.000000S"
		'10000 years'	"P10000Y0M0DT0H0M0.000000S"
		'-3660000 days'	"P0Y0M-3660000DT0H0M0.000000S"
		'87840000:00:00'	"P0Y0M0DT87840000H0M0.000000S"
	END
	expect_rejects interval <<-'END'
		'10000 years 1 mon'	"10000 years 1 mon"	10000 years
		'-3660001 days'	"-3660001 days"	3660000 days
		'-87840000:00:00.000001'	"-87840000:00:00.000001"	87840000 hours
		'-178000000 years 1 day -00:00:01'	"-178000000 years +1 day -00:00:01"	10000 years
	END
}

@test "intervals of all signs are printed as PostgreSQL prints them" {
	psql_do "CREATE TABLE spans AS SELECT make_interval(years => 200000 * sign(y)::int, months => m, days => d, secs => s) AS v, m, d, s, y
		FROM (VALUES (1), (-1)) AS a(y), (VALUES (0), (1), (-1), (5), (-5)) AS b(m), (VALUES (0), (1), (-1), (9), (-9)) AS c(d),
		(VALUES (0.0), (1.5), (-1.5), (3661), (-90000.000001)) AS e(s)"
	run_split sqlextract -q "$PG_URI" spans --columns v --max-rejects -1 --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"rows":0,"rejected":250}}' end
	jq -r '.["@reject"].value' "$BATS_TEST_TMPDIR/rejects" >"$BATS_TEST_TMPDIR/got"
	psql -qXAt -c 'SET IntervalStyle = postgres' -c 'SELECT v FROM spans' >"$BATS_TEST_TMPDIR/want"
	cmp "$BATS_TEST_TMPDIR/got" "$BATS_TEST_TMPDIR/want"
}

@test "json as it means, on one line; what JSON would lose is rejected" {
	expect_values json <<-'END'
		E'{"a" :\n\t[1, 2.50 ] }'	{"a":[1,2.50]}
		'null'	null
		'" a \u00e9"'	" a é"
	END
	expect_rejects json <<-'END'
		'{"a":1,"a":2}'	"{\"a\":1,\"a\":2}"	twice
		'[0.1234567890123456789]'	"[0.1234567890123456789]"	unchanged
	END
	psql_do "CREATE TABLE deepest AS SELECT n, (repeat('[', n) || repeat(']', n))::json AS v FROM (VALUES (500), (501)) AS x(n)"
	run_split sqlextract -q "$PG_URI" deepest --max-rejects 5 --key n --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_equal "$(jq -c '.["@reject"].key' "$BATS_TEST_TMPDIR/rejects")" '{"n":501}' reject
	assert_equal "$(rows --query "SELECT E'{\"a\" :\\n 1,\"a\":1e999}'::json AS j, '[1, 2]'::jsonb AS b, 'x=>1'::hstore AS h" --json string)" \
		'{"j":"{\"a\" :\n 1,\"a\":1e999}","b":"[1, 2]","h":"{\"x\": \"1\"}"}'
}

@test "hstore and composites as JSON" {
	expect_values hstore <<-'END'
		'b=>1, a=>NULL, "k \"q\""=>"x,y"'	{"a":null,"b":"1","k \"q\"":"x,y"}
		''	{}
	END
	expect_values pair <<-'END'
		ROW(9007199254740993, 'a "b"', NULL)	{"a":9007199254740993,"b":"a \"b\"","at":null}
		ROW(NULL, NULL, NULL)	{"a":null,"b":null,"at":null}
	END
	expect_values 'pair[]' <<-'END'
		'{"(1,x,)","(2,\"n,[\",)"}'	[{"a":1,"b":"x","at":null},{"a":2,"b":"n,[","at":null}]
		'{}'	[]
	END
	expect_rejects 'pair[]' <<<$'\'{"(1,x,)",NULL}\'\t"[{\\"a\\":1,\\"b\\":\\"x\\",\\"at\\":null},null]"\thold no NULL'
	expect_rejects 'pair[]' <<<$'\'{{"(1,x,)"}}\'\t"[[{\\"a\\":1,\\"b\\":\\"x\\",\\"at\\":null}]]"\thave one dimension'
	expect_rejects 'pair[]' <<<$'\'[0:0]={"(1,x,)"}\'\t"[0:0]={\\"(1,x,)\\"}"\tdo not begin at 1'
	expect_values 'hstore[]' <<<$'ARRAY[\'a=>1\'::hstore]\t[{"a":"1"}]'
	# The type of a row, and a row without a type.
	assert_equal "$(rows --query "SELECT p, ROW(1, 'x') AS r FROM (SELECT 1 AS i, 'y' AS t) p")" \
		'{"p":{"i":1,"t":"y"},"r":{"f1":1,"f2":"x"}}'
}

@test "numeric by --numeric, where it is the same value" {
	psql_do 'CREATE TABLE any_numeric (id int PRIMARY KEY, v numeric)' \
		"INSERT INTO any_numeric VALUES (1, 12.50), (2, 1e-9), (3, 1e-10), (4, 1e29), (5, 'NaN'), (6, 0.1234567890123456789), (7, 1e200), (8, 1.000000000000)"
	local how got

	for how in numeric float string; do
		sqlextract -q "$PG_URI" any_numeric --numeric "$how" --max-rejects -1 --rejects "$BATS_TEST_TMPDIR/rejects" | sed '1d;$d' >"$BATS_TEST_TMPDIR/$how"
		jq -r '.["@reject"].key.id' "$BATS_TEST_TMPDIR/rejects" | paste -sd' ' >"$BATS_TEST_TMPDIR/$how.rejects"
	done
	got=$(jq -c .v "$BATS_TEST_TMPDIR/numeric" | paste -sd' ')
	assert_equal "$got" '"12.50" "0.000000001" "1.000000000"' numeric
	assert_equal "$(<"$BATS_TEST_TMPDIR/numeric.rejects")" '3 4 5 6 7' 'rejects of numeric'
	got=$(grep -o '"v":.*' "$BATS_TEST_TMPDIR/float" | paste -sd' ')
	assert_equal "$got" '"v":12.5} "v":1e-09} "v":1e-10} "v":1e+29} "v":"NaN"} "v":1e+200} "v":1}' float
	assert_equal "$(<"$BATS_TEST_TMPDIR/float.rejects")" 6 'rejects of float'
	assert_equal "$(<"$BATS_TEST_TMPDIR/string.rejects")" 5 'rejects of string'
	assert_equal "$(jq -r .v "$BATS_TEST_TMPDIR/string")" "$(psql_value "SELECT v FROM any_numeric WHERE v <> 'NaN' ORDER BY id")" string
}

@test "--numeric string has room for the longest" {
	psql_do "CREATE TABLE longest AS SELECT repeat('9', 131072)::numeric + ('0.' || repeat('1', 16383))::numeric AS v"
	assert_equal "$(rows longest --numeric string | jq -r .v | md5sum)" "$(psql_value 'SELECT v FROM longest' | md5sum)" digits
}

@test "--time string reads 24:00:00, --datetime-as timestamp takes UTC" {
	assert_equal "$(rows --query "SELECT '24:00'::time AS t, '2020-01-02 03:04'::timestamp AS d" --time string --datetime-as timestamp)" \
		'{"t":"24:00:00","d":"2020-01-02T03:04:00.000000Z"}'
}

# --- arrays --------------------------------------------------------------------------

@test "arrays of one dimension, a null one left out" {
	expect_values 'int[]' <<-'END'
		'{1,-2}'	[1,-2]
		'{}'	[]
	END
	psql_do 'CREATE TABLE sparse (a int[], b text)' 'INSERT INTO sparse VALUES (NULL, NULL)' 'CREATE TABLE only_array AS SELECT NULL::int[] AS a'
	assert_equal "$(rows sparse)" '{"b":null}'
	assert_equal "$(rows only_array)" '{}'
	expect_values 'text[]' <<<$'ARRAY[\'\', \'a"b\', \'NULL\']\t["","a\\"b","NULL"]'
	expect_values 'bool[]' <<<$'\'{t,f}\'\t[true,false]'
	expect_values 'float8[]' <<<$'\'{0.1,NaN}\'\t[0.1,"NaN"]'
	expect_values 'numeric[]' <<<$'\'{1.50,-0}\'\t["1.50","0"]'
	expect_values 'money[]' <<<$'\'{1.5}\'\t["1.50"]'
	expect_values 'char(3)[]' <<<$'\'{a}\'\t["a  "]'
	expect_values 'uuid[]' <<<$'\'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}\'\t["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]'
	expect_values 'bytea[]' <<<$'ARRAY[\'\\x00ff\'::bytea]\t["AP8="]'
	expect_values 'inet[]' <<<$'\'{10.0.0.1,::1/64}\'\t["10.0.0.1","::1/64"]'
	expect_values 'timestamptz[]' <<<$'ARRAY[\'2020-01-02 03:04+00\'::timestamptz]\t["2020-01-02T03:04:00.000000Z"]'
	expect_values 'jsonb[]' <<<$'ARRAY[\'{"a": 1}\'::jsonb]\t[{"a": 1}]'
	expect_values 'interval[]' <<<$'\'{1 day}\'\t["P0Y0M1DT0H0M0.000000S"]'
	expect_values 'mood[]' <<<$'\'{sad}\'\t["sad"]'
	expect_values 'citext[]' <<<$'\'{A}\'\t["A"]'
	expect_values int2vector <<<$'\'1 2\'\t[1,2]\n\'\'\t[]'
	expect_values oidvector <<<$'\'4294967295\'\t[4294967295]'
	expect_values numbers <<<$'\'{1}\'\t[1]'
	expect_values 'price[]' <<<$'\'{1.5}\'\t["1.50"]'
}

@test "arrays of what is cast to text" {
	expect_values 'box[]' <<<$'\'{(1,1),(0,0);(2,2),(1,1)}\'\t["(1,1),(0,0)","(2,2),(1,1)"]'
	expect_values 'int4range[]' <<<$'\'{"[1,2)"}\'\t["[1,2)"]'
	expect_values 'timetz[]' <<<$'\'{12:00+01}\'\t["12:00:00+01"]'
	expect_values 'macaddr[]' <<<$'\'{08:00:2b:01:02:03}\'\t["08:00:2b:01:02:03"]'
	expect_values 'ltree[]' <<<$'\'{a.b}\'\t["a.b"]'
}

@test "arrays that BigQuery has not" {
	expect_rejects 'int[]' <<-'END'
		'{1,NULL}'	"{1,NULL}"	no NULL
		'{{1,2},{3,4}}'	"{{1,2},{3,4}}"	one dimension
		'[0:1]={1,2}'	"[0:1]={1,2}"	do not begin at 1
		'[-1:0][2:2]={{1},{2}}'	"[-1:0][2:2]={{1},{2}}"	one dimension
	END
	expect_rejects 'text[]' <<<$'ARRAY[\'\', \'a b\', \'NULL\', \'"\\\', NULL]\t"{\\"\\",\\"a b\\",\\"NULL\\",\\"\\\\\\"\\\\\\\\\\",NULL}"\tno NULL'
	expect_rejects 'date[]' <<<$'\'{infinity}\'\t"{infinity}"\tinfinite'
	expect_rejects 'bool[]' <<<$'\'{t,NULL}\'\t"{t,NULL}"\tno NULL'
	expect_rejects 'jsonb[]' <<<$'ARRAY[\'null\'::jsonb]\t"{\\"null\\"}"\tJSON null'
}

@test "--arrays json keeps nulls and dimensions" {
	assert_equal "$(rows --query "SELECT '{{1,NULL},{3,4}}'::int[] AS a, '{9007199254740993,0.50}'::numeric[] AS n, '1 2'::int2vector AS v, '{}'::text[] AS e, NULL::int[] AS z" --arrays json)" \
		'{"a":[[1,null],[3,4]],"n":[9007199254740993,0.50],"v":[1,2],"e":[],"z":null}'
	run_split sqlextract -q "$PG_URI" --query "SELECT '[0:0]={1}'::int[] AS a" --arrays json
	assert_status 65
	[[ $errors == *'do not begin at 1'* ]]
	assert_equal "$(rows --query "SELECT '[0:0]={1}'::int[] AS a" --type a=STRING)" '{"a":"[0:0]={1}"}'
}

# --- PostGIS ---------------------------------------------------------------------------

@test "shapes of SRID 4326 are GEOGRAPHY, with every digit" {
	expect_values 'geometry(Geometry,4326)' <<-'END'
		'SRID=4326;POINT(0.1 0.30000000000000004)'	"POINT(0.1 0.30000000000000004)"
		'SRID=4326;POINT EMPTY'	"POINT EMPTY"
		'SRID=4326;LINESTRING(-180 -90,180 90)'	"LINESTRING(-180 -90,180 90)"
		'SRID=4326;POLYGON((0 0,9 0,9 9,0 0),(1 1,2 1,2 2,1 1))'	"POLYGON((0 0,9 0,9 9,0 0),(1 1,2 1,2 2,1 1))"
		'SRID=4326;MULTIPOINT(1 2,3 4)'	"MULTIPOINT((1 2),(3 4))"
		'SRID=4326;MULTIPOLYGON(((0 0,1 0,1 1,0 0)))'	"MULTIPOLYGON(((0 0,1 0,1 1,0 0)))"
		'SRID=4326;GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))'	"GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))"
	END
	expect_values geography <<<$'\'POINT(3 4)\'\t"POINT(3 4)"'
	expect_values 'geometry(Point,4326)[]' <<<$'ARRAY[\'SRID=4326;POINT(1 2)\'::geometry]\t["POINT(1 2)"]'
	expect_rejects 'geometry(Geometry,4326)' <<-'END'
		'SRID=4326;POINT(181 0)'	"SRID=4326;POINT(181 0)"	longitude
		'SRID=4326;CIRCULARSTRING(0 0,1 1,2 0)'	"SRID=4326;CIRCULARSTRING(0 0,1 1,2 0)"	curves
	END
	expect_rejects 'geometry(PointZ,4326)' <<<$'\'SRID=4326;POINT(1 2 3)\'\t"SRID=4326;POINT(1 2 3)"\ttwo dimensions'
	expect_rejects geography <<<$'\'SRID=4269;POINT(1 2)\'\t"SRID=4269;POINT(1 2)"\tSRID 4326'
}

@test "other shapes are EWKT, which PostGIS reads back as they were" {
	psql_do "CREATE TABLE shapes (id serial, v geometry)" "INSERT INTO shapes (v) SELECT unnest(ARRAY[
		'POINT(1 2)', 'SRID=3857;POINT(1e300 -1e-300)', 'POINT Z(1 2 3)', 'POINT M(1 2 3)', 'POINT ZM(1 2 3 4)', 'POINT EMPTY',
		'SRID=27700;POLYGON((0 0,1 0,1 1,0 0))', 'CIRCULARSTRING(0 0,1 1,2 0)', 'COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,1 0),(1 0,0 1))',
		'CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0),(1 1,3 3,3 1,1 1))', 'MULTICURVE((0 0,5 5),CIRCULARSTRING(4 0,4 4,8 4))',
		'MULTISURFACE(CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0)),((10 10,14 12,11 10,10 10)))', 'TRIANGLE((0 0,0 9,9 0,0 0))',
		'TIN(((0 0,0 9,9 0,0 0)))', 'POLYHEDRALSURFACE Z(((0 0 0,0 0 1,0 1 1,0 1 0,0 0 0)))', 'MULTIPOINT M(1 2 3)',
		'GEOMETRYCOLLECTION M(POINT M(1 2 3),GEOMETRYCOLLECTION M EMPTY)', 'GEOMETRYCOLLECTION(POINT EMPTY,MULTIPOINT(1 2))']::geometry[])"
	rows shapes | jq -r '[.id, .v] | @tsv' >"$BATS_TEST_TMPDIR/shapes"
	psql_do 'CREATE TABLE shapes_back (id int, v text)'
	psql -qX -c '\copy shapes_back from stdin' <"$BATS_TEST_TMPDIR/shapes"
	assert_equal "$(psql_value 'SELECT string_agg(b.v, $$; $$) FROM shapes a JOIN shapes_back b USING (id) WHERE a.v::bytea <> ST_GeomFromEWKT(b.v)::bytea')" '' differences
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/shapes")" 18 shapes
	assert_equal "$(rows --query "SELECT 'POINT(1 2)'::geography AS g" --type g=STRING)" '{"g":"SRID=4326;POINT(1 2)"}'
}

# --- where types come from ----------------------------------------------------------------

@test "--query knows the types of its columns, domains and arrays of them too" {
	assert_equal "$(rows --query "SELECT 5::small_positive AS a, '{5}'::small_positive[] AS b, 'sad'::mood AS c, 'k=>v'::hstore AS d, NULL AS e, 1.5::price AS f")" \
		'{"a":5,"b":[5],"c":"sad","d":{"k":"v"},"e":null,"f":"1.50"}'
}

@test "a type of a user's named like an extension's is not taken for it" {
	psql_do 'CREATE SCHEMA mine' "CREATE TYPE mine.hstore AS ENUM ('a')" 'CREATE TABLE own (v mine.hstore)' "INSERT INTO own VALUES ('a')"
	assert_equal "$(rows own)" '{"v":"a"}'
}

@test "extensions in a schema that is not on the search path" {
	psql_do 'CREATE SCHEMA elsewhere' 'ALTER EXTENSION hstore SET SCHEMA elsewhere' 'ALTER EXTENSION citext SET SCHEMA elsewhere' \
		"CREATE TABLE moved AS SELECT 'a=>1'::elsewhere.hstore AS h, 'X'::elsewhere.citext AS c, ARRAY['X'::elsewhere.citext] AS d"
	assert_equal "$(rows moved)" '{"h":{"a":"1"},"c":"X","d":["X"]}'
	psql_do 'ALTER EXTENSION hstore SET SCHEMA public' 'ALTER EXTENSION citext SET SCHEMA public'
}

@test "inheritance, dropped columns and partitions of another column order" {
	psql_do 'CREATE TABLE ancestor (id int, gone text, tags text[])' 'CREATE TABLE heir (extra int) INHERITS (ancestor)' \
		'ALTER TABLE ancestor DROP COLUMN gone' "INSERT INTO ancestor VALUES (1, '{a}')" "INSERT INTO heir VALUES (2, '{b}', 5)" \
		'CREATE TABLE whole (k int, t text, n numeric(4,1)) PARTITION BY LIST (k)' 'CREATE TABLE piece (n numeric(4,1), dropped int, t text, k int)' \
		'ALTER TABLE piece DROP COLUMN dropped' 'ALTER TABLE whole ATTACH PARTITION piece FOR VALUES IN (1)' "INSERT INTO whole VALUES (1, 'x', 2.5)"
	assert_equal "$(rows ancestor)" $'{"id":1,"tags":["a"]}\n{"id":2,"tags":["b"]}' ancestor
	assert_equal "$(rows whole)" '{"k":1,"t":"x","n":"2.5"}' whole
	assert_equal "$(rows piece)" '{"n":"2.5","t":"x","k":1}' piece
}

@test "identity and generated columns, collations, rules" {
	psql_do "CREATE TABLE modern (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text COLLATE \"C\", u text GENERATED ALWAYS AS (upper(t)) STORED)" \
		"INSERT INTO modern (t) VALUES ('x')" 'CREATE TABLE ruled (a int)' 'CREATE RULE no_delete AS ON DELETE TO ruled DO INSTEAD NOTHING' 'INSERT INTO ruled VALUES (1)'
	assert_equal "$(rows modern)" '{"id":1,"t":"x","u":"X"}'
	assert_equal "$(sqlextract -q "$PG_URI" modern --schema-only | jq -r '[.[].mode] | join(" ")')" 'REQUIRED NULLABLE NULLABLE' modes
	assert_equal "$(rows ruled)" '{"a":1}'
}

@test "foreign tables, whose NOT NULL is not enforced" {
	printf '1,x\n,y\n' >"$PG_DIR/foreign.csv"
	chmod 644 "$PG_DIR/foreign.csv"
	psql_do 'CREATE EXTENSION file_fdw' 'CREATE SERVER files FOREIGN DATA WRAPPER file_fdw' \
		"CREATE FOREIGN TABLE abroad (a int NOT NULL, t text) SERVER files OPTIONS (filename '$PG_DIR/foreign.csv', format 'csv')" \
		'CREATE TABLE mixed_whole (a int NOT NULL, t text) PARTITION BY LIST (t)' \
		"CREATE FOREIGN TABLE mixed_part PARTITION OF mixed_whole FOR VALUES IN ('x', 'y') SERVER files OPTIONS (filename '$PG_DIR/foreign.csv', format 'csv')"
	assert_equal "$(rows abroad)" $'{"a":1,"t":"x"}\n{"a":null,"t":"y"}'
	assert_equal "$(rows mixed_whole)" $'{"a":1,"t":"x"}\n{"a":null,"t":"y"}'
	assert_equal "$(sqlextract -q "$PG_URI" abroad --schema-only | jq -r '.[0].mode')" NULLABLE abroad
	assert_equal "$(sqlextract -q "$PG_URI" mixed_whole --schema-only | jq -r '.[0].mode')" NULLABLE partition
}

@test "a table without columns is said to have none" {
	psql_do 'CREATE TABLE nothing ()'
	run_split sqlextract -q "$PG_URI" nothing
	assert_status 65
	[[ $errors == *'public.nothing has no columns'* ]]
}

@test "bytes that are not UTF-8 in a SQL_ASCII database are rejects, not failures" {
	psql_do "CREATE DATABASE bytes ENCODING SQL_ASCII TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
	local uri="postgresql://postgres@/bytes?host=$PG_DIR"

	PGDATABASE=bytes psql_do "CREATE TABLE raw (id int PRIMARY KEY, t text, a text[], j json)" \
		"INSERT INTO raw VALUES (1, 'é', '{é}', '\"é\"'), (2, E'\\xff', NULL, NULL), (3, NULL, ARRAY[E'\\xff'], NULL), (4, NULL, NULL, E'\"\\xff\"')"
	run_split sqlextract -q "$uri" raw --max-rejects 3 --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_status 0
	assert_equal "$(sed '1d;$d' <<<"$output")" '{"id":1,"t":"é","a":["é"],"j":"é"}' rows
	assert_equal "$(jq -c '.["@reject"] | [.key.id, .column, .value]' "$BATS_TEST_TMPDIR/rejects" | paste -sd' ')" \
		'[2,"t","�"] [3,"a","{�}"] [4,"j","\"�\""]' rejects
}
