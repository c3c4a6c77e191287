#!/usr/bin/env bats
# Every type of MariaDB with its extremes, as sqlextract prints it; what is a reject; the options for types.

# shellcheck disable=SC2016,SC2154 # SQL has backquotes; run_split sets errors

load helper/common
load helper/mariadb

setup_file() {
	mariadb_start
}

teardown_file() {
	mariadb_stop
}

# The rows alone, without @begin and @end.
rows() {
	sqlextract -q "$MARIADB_URI" "$@" | sed '1d;$d'
}

# As BigQuery would have it, "NUMERIC(10,2)": the type of column v in a @begin.
schema_type() {
	jq -r '.["@begin"].schema.fields[] | select(.name == "v") |
		.type + if .precision then "(\(.precision),\(.scale // "0"))" else "" end'
}

# fill TYPE EXPRESSION...: a table `expected` with the columns n, from 1 on, and v.
# The session takes every value that the type can hold in any sql_mode.
fill() {
	local type=$1 expression n=0 sql
	shift

	sql="SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE OR REPLACE TABLE expected (n int PRIMARY KEY, v $type);"
	for expression; do
		n=$((n + 1))
		sql+="INSERT INTO expected VALUES ($n, $expression);"
	done
	mariadb_do "$sql"
}

# expect_values TYPE BIGQUERY_TYPE [OPTION]...: lines of "SQL expression<TAB>JSON" on stdin, all in one read.
expect_values() {
	local type=$1 bigquery=$2 expression json want="" n=0 expressions=()
	shift 2

	while IFS=$'\t' read -r expression json; do
		n=$((n + 1))
		expressions+=("$expression")
		want+="${want:+$'\n'}{\"n\":$n,\"v\":$json}"
	done
	fill "$type" "${expressions[@]}"
	run_split sqlextract -q "$MARIADB_URI" expected "$@"
	assert_status 0
	assert_equal "$(head -n 1 <<<"$output" | schema_type)" "$bigquery" "type of $type"
	assert_equal "$(sed '1d;$d' <<<"$output" | sort -t: -k2n)" "$want" "rows of $type"
}

# expect_rejects TYPE [OPTION]...: lines of "SQL expression<TAB>value<TAB>part of the reason", each a row that is rejected.
expect_rejects() {
	local type=$1 expression value reason n=0 expressions=() values=() reasons=() file=$BATS_TEST_TMPDIR/rejects line
	shift

	while IFS=$'\t' read -r expression value reason; do
		expressions+=("$expression")
		values+=("$value")
		reasons+=("$reason")
	done
	fill "$type" "${expressions[@]}"
	run_split sqlextract -q "$MARIADB_URI" expected --max-rejects -1 --rejects "$file" "$@"
	assert_status 0
	assert_equal "$(tail -n 1 <<<"$output")" "{\"@end\":{\"rows\":0,\"rejected\":${#expressions[@]}}}" "end for $type"
	while read -r line; do
		assert_equal "$(jq -c '.["@reject"] | [.key, .column, .value]' <<<"$line")" \
			"[{\"n\":$((n + 1))},\"v\",${values[n]}]" "reject of ${expressions[n]}"
		[[ $(jq -r '.["@reject"].reason' <<<"$line") == *"${reasons[n]}"* ]] ||
			_fail "the reason for ${expressions[n]} lacks '${reasons[n]}': $line"
		n=$((n + 1))
	done < <(jq -cs 'sort_by(.["@reject"].key.n)[]' "$file")
	assert_equal "$n" "${#expressions[@]}" "rejects of $type"
}

# --- numbers ---------------------------------------------------------------------

@test "integers of every width, signed and unsigned, and NULL" {
	expect_values tinyint INTEGER <<<$'-128\t-128\n127\t127\nNULL\tnull'
	expect_values 'tinyint unsigned' INTEGER <<<$'0\t0\n255\t255'
	expect_values smallint INTEGER <<<$'-32768\t-32768\n32767\t32767'
	expect_values 'smallint unsigned' INTEGER <<<$'65535\t65535'
	expect_values mediumint INTEGER <<<$'-8388608\t-8388608\n8388607\t8388607'
	expect_values 'mediumint unsigned' INTEGER <<<$'16777215\t16777215'
	expect_values int INTEGER <<<$'-2147483648\t-2147483648\n2147483647\t2147483647'
	expect_values 'int unsigned' INTEGER <<<$'4294967295\t4294967295'
	expect_values year INTEGER <<<$'1901\t1901\n2155\t2155\n0\t0'
}

@test "bigint, beyond 2^53-1 as a string, and unsigned as NUMERIC" {
	expect_values bigint INTEGER <<-'END'
		9007199254740991	9007199254740991
		9007199254740992	"9007199254740992"
		-9223372036854775808	"-9223372036854775808"
		9223372036854775807	"9223372036854775807"
	END
	expect_values 'bigint unsigned' NUMERIC <<<$'0\t"0"\n18446744073709551615\t"18446744073709551615"'
}

@test "ZEROFILL changes no value" {
	expect_values 'tinyint(3) zerofill' INTEGER <<<$'7\t7'
	expect_values 'int(10) zerofill' INTEGER <<<$'7\t7'
	expect_values 'bigint(20) zerofill' NUMERIC <<<$'7\t"7"'
	expect_values 'decimal(10,2) zerofill' 'NUMERIC(10,2)' <<<$'7\t"7.00"\n0\t"0.00"'
	expect_values 'float zerofill' FLOAT <<<$'1.5\t1.5'
	expect_values 'double(10,3) zerofill' FLOAT <<<$'1.5\t1.5'
}

@test "tinyint(1) is INTEGER, and BOOLEAN on request" {
	expect_values 'tinyint(1)' INTEGER <<<$'2\t2\n-128\t-128'
	expect_values bool BOOLEAN --tinyint1 bool <<<$'true\ttrue\nfalse\tfalse\nNULL\tnull'
	expect_values 'tinyint(4)' INTEGER --tinyint1 bool <<<$'1\t1'
	expect_rejects 'tinyint(1)' --tinyint1 bool <<<$'2\t"2"\tmust be 0 or 1\n-1\t"-1"\tmust be 0 or 1'
	expect_rejects 'tinyint(1) unsigned' --tinyint1 bool <<<$'255\t"255"\tmust be 0 or 1'
}

@test "decimals by precision and scale, with every digit" {
	expect_values 'decimal(10,2)' 'NUMERIC(10,2)' <<<$'12.5\t"12.50"\n-0.01\t"-0.01"\n99999999.99\t"99999999.99"\n-0.00\t"0.00"'
	expect_values 'decimal(3,3)' 'NUMERIC(3,3)' <<<$'-0.5\t"-0.500"'
	expect_values 'decimal(5,0)' 'NUMERIC(5,0)' <<<$'-3\t"-3"'
	expect_values 'decimal(38,9) unsigned' 'NUMERIC(38,9)' <<<$'12345678901234567890123456789.123456789\t"12345678901234567890123456789.123456789"'
	expect_values 'decimal(39,9)' 'BIGNUMERIC(39,9)' <<<$'-999999999999999999999999999999.999999999\t"-999999999999999999999999999999.999999999"'
	expect_values 'decimal(10,10)' 'BIGNUMERIC(10,10)' <<<$'0.0000000001\t"0.0000000001"'
	expect_values 'decimal(65,38)' 'BIGNUMERIC(65,38)' <<<$'1e-38\t"0.00000000000000000000000000000000000001"\n-999999999999999999999999999\t"-999999999999999999999999999.00000000000000000000000000000000000000"'
	expect_values 'decimal(65,0)' STRING <<<"-$(printf '9%.0s' {1..65})"$'\t'"\"-$(printf '9%.0s' {1..65})\""
	expect_values 'decimal(65,20) zerofill' STRING <<<$'1.5\t"1.50000000000000000000"'
}

@test "floats as the shortest text that reads back, each by its own width" {
	expect_values float FLOAT <<-'END'
		0.1	0.1
		3.402823466e38	3.4028235e+38
		'1e-45'	1e-45
		16777216	1.6777216e+07
		16777217	1.6777216e+07
		8388609	8.388609e+06
	END
	expect_values 'float(7,2)' FLOAT <<<$'1.236\t1.24'
	expect_values double FLOAT <<-'END'
		0.1	0.1
		1e0/3	0.3333333333333333
		'0.30000000000000004'	0.30000000000000004
		5e-324	5e-324
		-1.7976931348623157e308	-1.7976931348623157e+308
		123456789012345680	1.2345678901234568e+17
	END
}

@test "bit fields" {
	expect_values bit BOOLEAN <<<$'0\tfalse\n1\ttrue'
	expect_values 'bit(2)' INTEGER <<<$'0\t0\n3\t3'
	expect_values 'bit(17)' INTEGER <<<$'65537\t65537'
	expect_values 'bit(63)' INTEGER <<<$'9223372036854775807\t"9223372036854775807"'
	expect_values 'bit(64)' NUMERIC <<<$'18446744073709551615\t"18446744073709551615"\n5\t"5"'
}

# --- text and bytes -----------------------------------------------------------------

@test "text of every type, from old character sets too" {
	local type

	for type in 'varchar(100)' 'char(100)' tinytext text mediumtext longtext 'varchar(100) compressed' 'char(100) collate utf8mb4_bin'; do
		expect_values "$type" STRING <<-'END'
			''	""
			'a"b\\c'	"a\"b\\c"
			'😀é'	"😀é"
			x'01090a'	"\u0001\t\n"
		END
	done
	expect_values 'varchar(10) character set latin1' STRING <<<$'_latin1 x\'80e9\'\t"€é"'
	expect_values 'varchar(10) character set cp1251' STRING <<<$'_cp1251 x\'c6\'\t"Ж"'
	expect_values 'text character set sjis' STRING <<<$'_sjis x\'83418350\'\t"アケ"'
	expect_values 'varchar(10) character set ucs2' STRING <<<$'_ucs2 x\'20ac\'\t"€"'
	expect_values 'varchar(10) character set utf8mb3' STRING <<<$'\'é\'\t"é"'
	expect_values 'char(5)' STRING <<<$'\'ab  \'\t"ab"'
	expect_values 'varchar(5)' STRING <<<$'\'ab  \'\t"ab  "'
}

@test "char(n) is not padded, whatever the sql_mode of the server" {
	mariadb_do "SET GLOBAL sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'"
	expect_values 'char(5)' STRING <<<$'\'ab  \'\t"ab"'
	mariadb_do "SET GLOBAL sql_mode = DEFAULT"
}

@test "enum, with 0 for what was refused, and set" {
	expect_values "enum('small','it''s')" STRING <<<$'\'small\'\t"small"\n2\t"it\'s"\n0\t""\nNULL\tnull'
	expect_values "set('x','y','z')" STRING <<<$'\'x,z\'\t"x,z"\n\'\'\t""\n7\t"x,y,z"'
	expect_values "enum('a','é') character set latin1" STRING <<<$'2\t"é"'
	expect_values "enum('a','b') character set binary" STRING <<<$'2\t"b"'
}

@test "uuid, inet4 and inet6" {
	expect_values uuid STRING <<<$'\'123E4567-E89B-12D3-A456-426655440000\'\t"123e4567-e89b-12d3-a456-426655440000"'
	expect_values inet4 STRING <<<$'\'10.0.0.255\'\t"10.0.0.255"'
	expect_values inet6 STRING <<<$'\'::ffff:10.0.0.1\'\t"::ffff:10.0.0.1"\n\'2001:DB8::0\'\t"2001:db8::"'
}

@test "bytes, with the padding of binary(n)" {
	local type

	for type in 'varbinary(100)' tinyblob blob mediumblob longblob 'blob compressed' 'varchar(100) character set binary'; do
		expect_values "$type" BYTES <<<$'\'\'\t""\nx\'ff00\'\t"/wA="\nx\'616263\'\t"YWJj"'
	done
	expect_values 'binary(4)' BYTES <<<$'x\'61\'\t"YQAAAA=="'
	expect_values longblob BYTES <<<$'repeat(\'a\', 300000)\t'"\"$(head -c 300000 /dev/zero | tr '\0' a | base64 -w 0)\""
}

@test "JSON of MariaDB: on one line, and what BigQuery would change is a reject" {
	expect_values json JSON <<-'END'
		'{"a": 1,\n "b": [true, null, "x y"]}'	{"a":1,"b":[true,null,"x y"]}
		'"é"'	"é"
		' 1.50 '	1.50
		' null '	null
		NULL	null
	END
	expect_values 'varchar(100) check (json_valid(v))' JSON <<<$'\'[1, 2]\'\t[1,2]'
	expect_rejects json <<-'END'
		'{"a": 1, "a": 2}'	"{\"a\": 1, \"a\": 2}"	key
		'[12345678901234567890123]'	"[12345678901234567890123]"	number
	END
	expect_rejects 'json NOT NULL' <<<$'\'null\'\t"null"\tJSON null'
	expect_values json STRING --json string <<<$'\'{"a": 1,  "a": 2}\'\t"{\\"a\\": 1,  \\"a\\": 2}"\n\'null\'\t"null"'
}

@test "JSON that is not valid, which a session without checks lets in, is a reject" {
	mariadb_do "SET check_constraint_checks = 0; CREATE OR REPLACE TABLE unchecked (n int PRIMARY KEY, v json);
		INSERT INTO unchecked VALUES (1, '{\"a\":')"
	run_split sqlextract -q "$MARIADB_URI" unchecked --max-rejects -1
	assert_status 0
	assert_line '{"@end":{"rows":0,"rejected":1}}'
}

# --- dates and times -------------------------------------------------------------------

@test "dates from year 1 to 9999" {
	expect_values date DATE <<-'END'
		'0001-01-01'	"0001-01-01"
		'9999-12-31'	"9999-12-31"
		'2020-02-29'	"2020-02-29"
		'1582-10-10'	"1582-10-10"
	END
}

@test "datetimes with 0 to 6 fraction digits, and as TIMESTAMP on request" {
	expect_values datetime DATETIME <<<$'\'0001-01-01\'\t"0001-01-01T00:00:00.000000"\n\'9999-12-31 23:59:59\'\t"9999-12-31T23:59:59.000000"'
	expect_values 'datetime(3)' DATETIME <<<$'\'2020-01-02 03:04:05.006\'\t"2020-01-02T03:04:05.006000"'
	expect_values 'datetime(6)' DATETIME <<<$'\'9999-12-31 23:59:59.999999\'\t"9999-12-31T23:59:59.999999"\n\'2020-01-02\'\t"2020-01-02T00:00:00.000000"'
	expect_values 'datetime(6)' TIMESTAMP --datetime-as timestamp <<<$'\'2020-01-02 03:04:05.000006\'\t"2020-01-02T03:04:05.000006Z"'
}

@test "timestamps are UTC, whatever the server's time zone" {
	expect_values 'timestamp NULL' TIMESTAMP <<<$'\'1970-01-01 00:00:01\'\t"1970-01-01T00:00:01.000000Z"\n\'2038-01-19 03:14:07\'\t"2038-01-19T03:14:07.000000Z"\nNULL\tnull'
	mariadb_do "SET GLOBAL time_zone = '+05:00'"
	expect_values 'timestamp(6) NULL' TIMESTAMP <<<$'\'2020-01-01 05:00:00.123456\'\t"2020-01-01T00:00:00.123456Z"'
	mariadb_do "SET GLOBAL time_zone = '+00:00'"
}

@test "dates and times in the storage format from before 10.1" {
	mariadb_do "SET GLOBAL mysql56_temporal_format = OFF"
	expect_values 'time(6)' TIME <<<$'\'23:59:59.999999\'\t"23:59:59.999999"'
	expect_values 'datetime(3)' DATETIME <<<$'\'9999-12-31 23:59:59.999\'\t"9999-12-31T23:59:59.999000"'
	expect_values 'timestamp(2) NULL' TIMESTAMP <<<$'\'2020-01-01 10:00:00.12\'\t"2020-01-01T10:00:00.120000Z"'
	mariadb_do "SET GLOBAL mysql56_temporal_format = ON"
}

@test "zero, partial and impossible dates are rejects that show them" {
	expect_rejects date <<-'END'
		'0000-00-00'	"0000-00-00"	zero or partial
		'2020-00-15'	"2020-00-15"	zero or partial
		'2020-02-00'	"2020-02-00"	zero or partial
		'2020-02-30'	"2020-02-30"	calendar
		'2021-02-29'	"2021-02-29"	calendar
		'0000-05-12'	"0000-05-12"	years 0001 to 9999
	END
	expect_rejects 'datetime(3)' <<-'END'
		'0000-00-00'	"0000-00-00 00:00:00.000"	zero or partial
		'2020-02-30 10:00:00.5'	"2020-02-30 10:00:00.500"	calendar
		'2020-02-00 10:00'	"2020-02-00 10:00:00.000"	zero or partial
	END
	expect_rejects 'timestamp NULL' <<<$'\'0000-00-00\'\t"0000-00-00 00:00:00"\tzero or partial'
}

@test "--zero-dates null makes them NULL, and their columns NULLABLE" {
	expect_values 'date NOT NULL' DATE --zero-dates null <<-'END'
		'0000-00-00'	null
		'2020-00-15'	null
		'2020-02-30'	null
		'2020-02-29'	"2020-02-29"
	END
	expect_values 'datetime NOT NULL' DATETIME --zero-dates null <<<$'\'0000-00-00\'\tnull\n\'2020-01-02 03:04:05\'\t"2020-01-02T03:04:05.000000"'
	expect_values 'timestamp NOT NULL DEFAULT now()' TIMESTAMP --zero-dates null <<<$'\'0000-00-00\'\tnull'
	expect_values 'datetime NOT NULL' TIMESTAMP --zero-dates null --datetime-as timestamp <<<$'\'0000-00-00\'\tnull'
	expect_rejects date --zero-dates null <<<$'\'0000-05-12\'\t"0000-05-12"\tyears 0001 to 9999'
	assert_equal "$(sqlextract --schema-only "$MARIADB_URI" expected --zero-dates null | jq -c 'map(.mode)')" '["REQUIRED","NULLABLE"]'
	fill 'date NOT NULL' "'2020-01-01'"
	assert_equal "$(sqlextract --schema-only "$MARIADB_URI" expected | jq -c 'map(.mode)')" '["REQUIRED","REQUIRED"]'
	assert_equal "$(sqlextract --schema-only "$MARIADB_URI" expected --zero-dates null | jq -c 'map(.mode)')" '["REQUIRED","NULLABLE"]'
}

@test "times of day; longer and negative spans are rejects" {
	expect_values 'time(6)' TIME <<<$'\'00:00\'\t"00:00:00.000000"\n\'23:59:59.999999\'\t"23:59:59.999999"\n\'00:00:00.000001\'\t"00:00:00.000001"'
	expect_values time TIME <<<$'\'10:11:12\'\t"10:11:12.000000"'
	expect_rejects 'time(6)' <<-'END'
		'24:00:00'	"24:00:00.000000"	24:00:00
		'-00:00:00.000001'	"-00:00:00.000001"	negative
		'-838:59:59.999999'	"-838:59:59.999999"	negative
	END
	expect_rejects time <<<$'\'838:59:59\'\t"838:59:59"\t24:00:00\n\'100:00\'\t"100:00:00"\t24:00:00'
}

@test "--time string prints times as MySQL does" {
	expect_values 'time(6)' STRING --time string <<<$'\'-838:59:59.000001\'\t"-838:59:59.000001"\n\'10:00\'\t"10:00:00.000000"\nNULL\tnull'
	expect_values time STRING --time string <<<$'\'838:59:59\'\t"838:59:59"\n\'-1:0:0\'\t"-01:00:00"'
}

# --- geometry ----------------------------------------------------------------------------

@test "geometries are WKT with every digit" {
	expect_values geometry STRING <<-'END'
		point(0.30000000000000004e0, -1e300)	"POINT(0.30000000000000004 -1e+300)"
		st_geomfromtext('POINT(13.4 52.5)', 4326)	"POINT(13.4 52.5)"
		st_geomfromtext('LINESTRING(0 0,1 2.5)')	"LINESTRING(0 0,1 2.5)"
		st_geomfromtext('POLYGON((0 0,0 9,9 9,0 0),(1 2,1 3,2 3,1 2))')	"POLYGON((0 0,0 9,9 9,0 0),(1 2,1 3,2 3,1 2))"
		st_geomfromtext('MULTIPOINT(1 2,3 4)')	"MULTIPOINT((1 2),(3 4))"
		st_geomfromtext('MULTILINESTRING((0 0,1 1),(2 2,3 3))')	"MULTILINESTRING((0 0,1 1),(2 2,3 3))"
		st_geomfromtext('MULTIPOLYGON(((0 0,0 1,1 1,0 0)),((5 5,5 6,6 6,5 5)))')	"MULTIPOLYGON(((0 0,0 1,1 1,0 0)),((5 5,5 6,6 6,5 5)))"
		st_geomfromtext('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))')	"GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))"
		st_geomfromtext('GEOMETRYCOLLECTION EMPTY')	"GEOMETRYCOLLECTION EMPTY"
		NULL	null
	END
	expect_values point STRING <<<$'point(1, 2)\t"POINT(1 2)"'
}

@test "the server reads its geometries back from our WKT" {
	mariadb_do "CREATE OR REPLACE TABLE shapes (n int PRIMARY KEY, v geometry);
		INSERT INTO shapes SELECT seq, CASE seq % 3 WHEN 0 THEN point(rand(seq) * pow(10, seq % 300), -1 / (seq + rand()))
			WHEN 1 THEN st_buffer(point(seq / 7e0, rand(seq)), 1) ELSE linestring(point(rand(), rand(2)), point(1e0 / seq, 3)) END
		FROM seq_1_to_300"
	mariadb_do "CREATE OR REPLACE TABLE copies (n int PRIMARY KEY, v geometry)"
	rows shapes | jq -r '"INSERT INTO copies VALUES (\(.n), st_geomfromtext(\u0027\(.v)\u0027));"' | mariadb_client test
	assert_equal "$(mariadb_value 'SELECT count(*) FROM shapes s JOIN copies c USING (n) WHERE hex(s.v) = hex(c.v)' test)" 300
}

# --- queries and other types on request ------------------------------------------------------

@test "columns of queries have the types that the server announces" {
	local query

	fill 'decimal(10,2)' 1.5 2.25
	query='SELECT count(*) AS count, sum(n) AS sum, avg(v) AS avg, max(v) AS max, sum(v) AS total, NULL AS nothing, 1 = 1 AS yes,
		18446744073709551615 AS big, concat(n, ":") AS text, unhex("ff") AS bytes, cast("2020-01-02" AS date) AS day,
		json_object("a", 1) AS doc, 1e0 AS x, 0.10 AS tenth, uuid() IS NULL AS u, cast("10:00" AS time(1)) AS at FROM expected'
	run_split sqlextract -q "$MARIADB_URI" --query "$query"
	assert_status 0
	assert_json '[.[0]["@begin"].schema.fields[] | "\(.name) \(.type)\(if .precision then "(\(.precision),\(.scale))" else "" end)"] == [
		"count INTEGER", "sum BIGNUMERIC(32,0)", "avg NUMERIC(14,6)", "max NUMERIC(10,2)", "total BIGNUMERIC(32,2)", "nothing STRING",
		"yes INTEGER", "big NUMERIC", "text STRING", "bytes BYTES", "day DATE", "doc JSON", "x FLOAT", "tenth NUMERIC(3,2)",
		"u INTEGER", "at TIME"]'
	assert_line '{"count":2,"sum":"3","avg":"1.875000","max":"2.25","total":"3.75","nothing":null,"yes":1,"big":"18446744073709551615","text":"1:","bytes":"/w==","day":"2020-01-02","doc":{"a":1},"x":1,"tenth":"0.10","u":0,"at":"10:00:00.000000"}'
}

@test "a query keeps JSON, enum, geometry and bits apart" {
	mariadb_do "CREATE OR REPLACE TABLE kinds (j json, e enum('a','b'), g point, b bit(3), y year, t tinyint(1));
		INSERT INTO kinds VALUES ('[1, 2]', 'b', point(1, 2), 5, 2020, 1)"
	run_split sqlextract -q "$MARIADB_URI" --query 'SELECT DISTINCT * FROM kinds' --tinyint1 bool
	assert_status 0
	assert_line '{"j":[1,2],"e":"b","g":"POINT(1 2)","b":5,"y":2020,"t":true}'
}

@test "--type COL=STRING is the server's text, of floats and bits what loses nothing" {
	expect_values 'int(5) zerofill' STRING --type v=STRING <<<$'42\t"00042"'
	expect_values 'bigint unsigned' STRING --type v=STRING <<<$'18446744073709551615\t"18446744073709551615"'
	expect_values 'decimal(5,2) zerofill' STRING --type v=STRING <<<$'1.5\t"001.50"'
	expect_values double STRING --type v=STRING <<<$'1e22\t"1e22"\n0.1e0+0.2e0\t"0.30000000000000004"'
	expect_values float STRING --type v=STRING <<<$'16777215\t"1.6777215e+07"\n0.1\t"0.1"'
	expect_values 'bit(64)' STRING --type v=STRING <<<$'18446744073709551615\t"18446744073709551615"'
	expect_values date STRING --type v=STRING <<<$'\'0000-00-00\'\t"0000-00-00"\n\'2020-02-30\'\t"2020-02-30"'
	expect_values 'datetime(2)' STRING --type v=STRING <<<$'\'2020-01-02\'\t"2020-01-02 00:00:00.00"'
	expect_values 'timestamp NULL' STRING --type v=STRING <<<$'\'2020-01-02 03:04:05\'\t"2020-01-02 03:04:05"'
	expect_values year STRING --type v=STRING <<<$'2020\t"2020"'
	expect_values json STRING --type v=STRING <<<$'\'{"a": 1}\'\t"{\\"a\\": 1}"'
	expect_values geometry STRING --type v=STRING <<<$'point(1, 2)\t"POINT(1 2)"'
	expect_values blob STRING --type v=STRING <<<$'\'é\'\t"é"'
	expect_rejects blob --type v=STRING <<<$'x\'61ff\'\t"a�"\tUTF-8'
}

@test "names with backquotes, dots and spaces are read, cast or not" {
	mariadb_do 'CREATE OR REPLACE TABLE names (`a``b.c` int, ` ````d` time)' "INSERT INTO names VALUES (1, '25:00:00')"
	run rows names --time string
	assert_line '{"a_b_c":1,"___d":"25:00:00"}'
}

@test "a character that has no equal in Unicode ends the run, and is not a question mark" {
	local charset byte
	while read -r charset byte; do
		mariadb_do "CREATE OR REPLACE TABLE unmapped (a varchar(5) CHARACTER SET $charset, e text CHARACTER SET utf8mb4)" \
			"INSERT IGNORE INTO unmapped VALUES (x'$byte', 'ä')"
		run sqlextract -q "$MARIADB_URI" unmapped
		assert_status 65
		assert_output_contains "a value was lost: Cannot convert '$charset' character 0x$byte"
		refute_output_contains '"@end"'
		run sqlextract -q "$MARIADB_URI" --query 'SELECT a, e FROM unmapped'
		assert_status 65
		run sqlextract -q "$MARIADB_URI" unmapped --mask a=partial:1
		assert_status 65
		refute_output_contains "0x$byte"
		run -0 sqlextract -q "$MARIADB_URI" unmapped --columns e
		assert_output_contains '{"e":"ä"}'
	done <<-'END'
		ascii 80
		gbk A140
		cp1250 81
		sjis 81AD
		cp1251 98
	END
}
