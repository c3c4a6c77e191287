#!/usr/bin/env bats
# Every column type of BigQuery in localcloud: what a load takes, refuses and keeps, and how SQL shows it for comparing.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	DATASET=d$BATS_TEST_NUMBER
	bq_dataset "$DATASET"
	cd "$BATS_TEST_TMPDIR" || return 1
}

# load_rows TABLE FIELDS [LOAD OPTIONS] < NDJSON or CSV: job.json is the job when it is done
load_rows() {
	local configuration job

	configuration=$(jq -nc --arg d "$DATASET" --arg t "$1" --argjson f "$2" --argjson more "${3:-{\}}" '{configuration: {load:
		({destinationTable: {datasetId: $d, tableId: $t}, schema: {fields: $f}, sourceFormat: "NEWLINE_DELIMITED_JSON"} + $more)}}')
	{
		printf -- '--B\r\nContent-Type: application/json\r\n\r\n%s\r\n--B\r\nContent-Type: text/plain\r\n\r\n' "$configuration"
		cat
		printf '\r\n--B--\r\n'
	} >body
	job=$(curl -sS --max-time 60 --noproxy '*' -H 'Content-Type: multipart/related; boundary=B' --data-binary @body \
		"$LOCALCLOUD_URL/upload/bigquery/v2/projects/$PROJECT/jobs?uploadType=multipart")
	wait_until 20 job_is_done "$(jq -er .jobReference.jobId <<<"$job")" || _fail "$job"
}

job_is_done() {
	bq_api GET "jobs/$1" >job.json && [[ $(jq -r .status.state job.json) == DONE ]]
}

# sql STATEMENT: the error's message, or the rows, cells joined by |, a NULL as NULL, arrays in brackets
sql() {
	jq -nc --arg q "$1" --arg d "$DATASET" '{query: $q, useLegacySql: false, defaultDataset: {datasetId: $d}}' >query.json
	localcloud_curl -X POST --data-binary @query.json "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/queries" >answer.json
	jq -r 'def cell: if . == null then "NULL" elif type == "array" then "[" + (map(.v | cell) | join(",")) + "]"
			elif type == "object" then "{" + (.f | map(.v | cell) | join(",")) + "}" else . end;
		if .error then .error.message else .rows // [] | .[] | .f | map(.v | cell) | join("|") end' answer.json
}

is() {
	local statement=$1

	shift
	assert_equal "$(sql "$statement")" "$(printf '%s\n' "$@")" "$statement"
}

# takes FIELD VALUE... -- VALUE...: of these JSON values the first ones load and the last ones are bad rows
takes() {
	local field=$1 value n=0 good=() want=good

	shift
	for value; do
		if [[ $value == -- ]]; then
			want=bad
			continue
		fi
		n=$((n + 1))
		[[ $want == bad ]] || good+=("$n")
		printf '{"id":%d,"v":%s}\n' "$n" "$value"
	done >rows
	# The loop runs in this shell, so what it counted is known here.
	load_rows "t$((++tables))" "[{\"name\":\"id\",\"type\":\"INTEGER\"},$field]" '{"maxBadRecords":1000}' <rows
	assert_equal "$(sql "SELECT id FROM t$tables ORDER BY id" | paste -sd ' ')" "${good[*]}" "$field takes"
}

# keeps FIELD EXPRESSION VALUE TEXT...: each JSON value is loaded, and EXPRESSION over it gives the text
keeps() {
	local field=$1 expression=$2 n=0 texts=()

	shift 2
	while (($#)); do
		printf '{"id":%d,"v":%s}\n' "$((n++))" "$1"
		texts+=("$2")
		shift 2
	done >rows
	load_rows "t$((++tables))" "[{\"name\":\"id\",\"type\":\"INTEGER\"},$field]" <rows
	is "SELECT $expression FROM t$tables ORDER BY id" "${texts[@]}"
}

field() {
	printf '{"name":"v","type":"%s"%s}' "$1" "${2:+,$2}"
}

@test "INTEGER and BOOLEAN" {
	takes "$(field INTEGER)" 9223372036854775807 -9223372036854775808 '"9223372036854775807"' '"-1"' 0 null -- \
		9223372036854775808 -9223372036854775809 '"9223372036854775808"' 1.5 '""' '"1 "' '"x"' true '[1]' '{}'
	takes "$(field BOOLEAN)" true false '"true"' '"F"' '"yes"' 1 null -- '"maybe"' 2 '""' '[true]'
	keeps "$(field BOOLEAN)" 'CAST(v AS STRING)' '"T"' true 0 false
}

@test "FLOAT keeps every bit: NaN, infinities, the sign of zero, the smallest and the greatest" {
	takes "$(field FLOAT)" 1.7976931348623157e308 '"NaN"' '"Infinity"' '"-Infinity"' '"-inf"' '"1e3"' 7 -- 1e309 '"0x1"' '"nan(1)"' '" 1"' true
	keeps "$(field FLOAT)" v -0.0 -0.0 0.1 0.1 5e-324 5.0E-324 1.7976931348623157e308 1.7976931348623157E308 '"NaN"' NaN \
		'"Infinity"' Infinity '"-Infinity"' -Infinity 1e20 1.0E20 12 12.0 0.30000000000000004 0.30000000000000004
	keeps "$(field FLOAT)" 'CAST(v AS STRING)' 1.5 1.5 12 12 '"NaN"' nan '"-Infinity"' -inf 1e-7 1e-07 \
		2.2250738585072014e-308 2.2250738585072014e-308
	keeps "$(field FLOAT '"mode":"REPEATED"')" 'v, v[SAFE_OFFSET(0)]' '[-0.0,"NaN",5e-324]' '[-0.0,NaN,5.0E-324]|-0.0' '["Infinity"]' '[Infinity]|Infinity'
}

@test "NUMERIC and BIGNUMERIC hold their bounds to the last digit" {
	local nines=99999999999999999999999999999.999999999
	local big=578960446186580977117854925043439539266.34992332820282019728792003956564819967

	takes "$(field NUMERIC)" "\"$nines\"" "\"-$nines\"" '"0.000000001"' 1e28 0.1 '"1.5000000000"' '"+1"' -- \
		'"100000000000000000000000000000"' '"-100000000000000000000000000000"' '"0.0000000001"' 1e29 '"NaN"' '""' '"1,5"' true
	takes "$(field BIGNUMERIC)" "\"$big\"" "\"-${big%7}8\"" '"1e-38"' -- "\"${big%7}8\"" "\"-${big%7}9\"" '"1e-39"' '"1e39"'
	takes "$(field NUMERIC '"precision":"5","scale":"2"')" '"999.99"' '"-999.99"' '"1.10"' -- '"1000"' '"0.001"' '"999.991"'
	takes "$(field NUMERIC '"precision":"29"')" '"99999999999999999999999999999"' -- '"0.1"' '"100000000000000000000000000000"'
	takes "$(field BIGNUMERIC '"precision":"76","scale":"38"')" \
		'"99999999999999999999999999999999999999.99999999999999999999999999999999999999"' -- \
		'"100000000000000000000000000000000000000"'
	keeps "$(field NUMERIC)" 'CAST(v AS STRING)' "\"$nines\"" "$nines" '"1.50"' 1.5 '"-0.0"' 0 1e3 1000
	keeps "$(field BIGNUMERIC)" 'CAST(v AS STRING)' "\"$big\"" "$big" '"0.00000000000000000000000000000000000001"' 0.00000000000000000000000000000000000001
}

@test "STRING and BYTES: lengths, NUL, and the bytes as they are" {
	takes "$(field STRING '"maxLength":"3"')" '"abc"' '"é€😀"' '""' -- '"abcd"' '"é€😀x"'
	takes "$(field BYTES '"maxLength":"3"')" '"AAEC"' '""' '"/w=="' -- '"AAECAw=="' '"AAE"' '"A_8="' '"A A="' 1
	takes "$(field STRING)" '"x"' 1.50 true '"\ud83d\ude00"' -- '"\ud83d"' '{"a":1}' '["x"]'
	keeps "$(field STRING)" 'TO_HEX(CAST(v AS BYTES)), LENGTH(v), TO_JSON_STRING(v)' '"a\u0000b"' '610062|3|"a\u0000b"' '""' '|0|""' \
		'"é"' 'c3a9|1|"é"' '"00123"' '3030313233|5|"00123"'
	keeps "$(field BYTES)" 'v, TO_HEX(v), TO_BASE64(v), LENGTH(v), TO_JSON_STRING(v)' '"AP8="' 'AP8=|00ff|AP8=|2|"AP8="' '""' '|||0|""'
}

@test "dates and times from the first to the last microsecond" {
	takes "$(field DATE)" '"0001-01-01"' '"9999-12-31"' '"2024-02-29"' -- '"0000-12-31"' '"10000-01-01"' '"2023-02-29"' '"2024-01-01x"' 20240101
	takes "$(field TIME)" '"00:00:00"' '"23:59:59.999999"' -- '"24:00:00"' '"23:59:59.9999999"' '"12:00:00Z"' 1
	takes "$(field DATETIME)" '"0001-01-01T00:00:00"' '"9999-12-31 23:59:59.999999"' -- '"9999-12-31T23:59:59.9999999"' '"2024-01-01T00:00:00+01"'
	takes "$(field TIMESTAMP)" '"0001-01-01T00:00:00Z"' '"9999-12-31T23:59:59.999999Z"' '"2024-01-01 01:00:00+05:30"' '"2024-01-01 00:00:00 UTC"' -- \
		'"0001-01-01T00:00:00+01:00"' '"9999-12-31T23:59:59.999999-01:00"' '"infinity"' '"2024-01-01T00:00:00.0000001Z"'
	keeps "$(field TIMESTAMP)" 'CAST(v AS STRING), TO_JSON_STRING(v)' '"9999-12-31T23:59:59.999999Z"' \
		'9999-12-31 23:59:59.999999+00|"9999-12-31T23:59:59.999999Z"' '"2024-01-01 00:00:00.5+05:30"' \
		'2023-12-31 18:30:00.500+00|"2023-12-31T18:30:00.500Z"'
	keeps "$(field DATETIME)" 'CAST(v AS STRING), TO_JSON_STRING(v)' '"0001-01-01 00:00:00"' '0001-01-01 00:00:00|"0001-01-01T00:00:00"' \
		'"2024-01-02T03:04:05.000006"' '2024-01-02 03:04:05.000006|"2024-01-02T03:04:05.000006"'
	keeps "$(field TIME)" 'CAST(v AS STRING), TO_JSON_STRING(v)' '"1:2:3.120"' '01:02:03.120|"01:02:03.120"' '"00:00:00"' '00:00:00|"00:00:00"'
	keeps "$(field DATE)" 'CAST(v AS STRING), TO_JSON_STRING(v)' '"0001-01-01"' '0001-01-01|"0001-01-01"'
}

@test "INTERVAL is read in both spellings, kept in its canonical one, and held to its range" {
	takes "$(field INTERVAL)" '"10000-0 3660000 87840000:0:0"' '"-10000-0 -3660000 -87840000:0:0"' '"P10000Y"' '"P1Y2M3W4DT5H6M7.000008S"' '"PT-1.5S"' -- \
		'"10000-1 0 0:0:0"' '"0-0 3660001 0:0:0"' '"0-0 0 87840000:0:0.000001"' '"P10001Y"' '"1-2"' '"1--2 0 0:0:0"' '"1.5-0 0 0:0:0"' \
		'"0-0 0 0:-1:0"' '"P1.5Y"' '"PT99999999999999999999H"' '"P"' '""' 5
	keeps "$(field INTERVAL)" 'CAST(v AS STRING), TO_JSON_STRING(v)' '"P1Y2M3DT4H5M6.5S"' '1-2 3 4:5:6.500|"1-2 3 4:5:6.500"' \
		'"PT-0.000001S"' '0-0 0 -0:0:0.000001|"0-0 0 -0:0:0.000001"' '"-0-14 5 -1:90:00"' '-1-2 5 -2:30:0|"-1-2 5 -2:30:0"'
	is "SELECT INTERVAL 1 MONTH = INTERVAL 30 DAY, INTERVAL 25 HOUR > INTERVAL 1 DAY, INTERVAL 1 DAY IN (INTERVAL 24 HOUR)" 'true|true|true'
	is "SELECT INTERVAL '1-2' YEAR TO MONTH, INTERVAL '-1:30' MINUTE TO SECOND, INTERVAL '1-2 3 4:5:6.5' YEAR TO SECOND, INTERVAL -5 WEEK" \
		'1-2 0 0:0:0|0-0 0 -0:1:30|1-2 3 4:5:6.500|0-0 -35 0:0:0'
	is "SELECT CAST('1-2 3 4:5:6' AS INTERVAL) IS NOT DISTINCT FROM CAST('P1Y2M3DT4H5M6S' AS INTERVAL), SAFE_CAST('x' AS INTERVAL)" 'true|NULL'
	is "SELECT CAST('P10001Y' AS INTERVAL)" "Invalid INTERVAL value 'P10001Y'"
	is "SELECT INTERVAL '1' DAY TO YEAR" "Invalid INTERVAL value '1' for DAY TO YEAR at [1:8]"
	is "SELECT INTERVAL 1 EON" 'Unsupported part of INTERVAL: EON at [1:8]'
	is "SELECT INTERVAL 9223372036854775807 SECOND" 'Interval value is out of allowed range: 9223372036854775807 SECOND'
}

@test "GEOGRAPHY is read as WKT and GeoJSON and shown as WKT" {
	takes "$(field GEOGRAPHY)" '"POINT(180 90)"' '"point ( -1.5 2e1 )"' '"POLYGON((0 0, 1 0, 1 1, 0 0), (0.1 0.1,0.2 0.1,0.2 0.2,0.1 0.1))"' \
		'"MULTIPOINT((1 2),(3 4))"' '"MULTIPOINT(1 2,3 4)"' '"GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0,1 1))"' '"POINT EMPTY"' \
		'"{\"type\":\"Point\",\"coordinates\":[1,2]}"' '{"type":"MultiLineString","coordinates":[[[0,0],[1,1]]]}' -- \
		'"POINT(181 0)"' '"POINT(0 91)"' '"POINT(1)"' '"POINT(1 2 3)"' '"POINT(1 2"' '"POINT(1 2, 3 4)"' '"POINT(1 2)x"' '"LINESTRING(1 2)"' \
		'"POLYGON((0 0,1 0,1 1,0 1))"' '"POLYGON((0 0,1 0,0 0))"' '"SRID=4326;POINT(1 2)"' '"CIRCLE(1 2)"' '"POINTS(1 2)"' '""' \
		'{"type":"Point"}' '{"type":"Point","coordinates":[1,"2"]}' '"{\"type\":\"Point\",\"coordinates\":[1,2]} "x' 1
	keeps "$(field GEOGRAPHY)" 'v, ST_ASTEXT(v)' '"Point(1.50 -2)"' 'POINT(1.5 -2)|POINT(1.5 -2)' '"MULTIPOINT((1 2),(3 4))"' 'MULTIPOINT(1 2, 3 4)|MULTIPOINT(1 2, 3 4)' \
		'{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[1,2]}]}' 'GEOMETRYCOLLECTION(POINT(1 2))|GEOMETRYCOLLECTION(POINT(1 2))' \
		'"LINESTRING EMPTY"' 'GEOMETRYCOLLECTION EMPTY|GEOMETRYCOLLECTION EMPTY' '"MULTIPOLYGON(((0 0,1 0,1 1,0 0)))"' \
		'MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))|MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))'
	is "SELECT ST_GEOGFROMTEXT('LINESTRING(0 0,1 1)')" 'LINESTRING(0 0, 1 1)'
	is "SELECT ST_GEOGFROMTEXT('POINT(200 0)')" 'Invalid geography value: POINT(200 0)'
}

# nested N: a JSON array N levels deep
nested() {
	printf '[%.0s' $(seq "$1")
	printf ']%.0s' $(seq "$1")
}

@test "JSON is a raw value; a string stays a string; what FLOAT64 would change is refused" {
	takes "$(field JSON)" 1 '"{\"a\":1}"' '[1,null]' 18446744073709551615 -9223372036854775808 1e308 "$(nested 500)" null -- \
		18446744073709551616 -9223372036854775809 1e400 0.10000000000000000555 "$(nested 501)" '"\ud83d"' '[1,]'
	takes "$(field JSON '"mode":"REPEATED"')" "[$(nested 500)]" -- "[$(nested 501)]"
	keeps "$(field JSON)" 'v, TO_JSON_STRING(v), JSON_TYPE(v)' '{"b":[1, 2.50],"a":null}' '{"a":null,"b":[1,2.5]}|{"a":null,"b":[1,2.5]}|object' \
		'"{\"a\":1}"' '"{\"a\":1}"|"{\"a\":1}"|string' null 'NULL|null|NULL' 1.0 '1.0|1.0|number' -0.0 '-0.0|-0.0|number' 1e20 '1e+20|1e+20|number' \
		'{"a":1,"a":2}' '{"a":1}|{"a":1}|object' '"\u0000é"' '"\u0000é"|"\u0000é"|string'
	keeps "$(field JSON)" "JSON_VALUE(v, '\$.a.b'), JSON_QUERY(v, '\$.a'), JSON_VALUE(v, '\$.a')" '{"a":{"b":"x"}}' 'x|{"b":"x"}|NULL'
}

@test "REPEATED of every type goes in and comes out, over REST and by SQL" {
	local fields='[{"name":"id","type":"INTEGER"}' type

	for type in STRING BYTES INTEGER FLOAT NUMERIC BIGNUMERIC BOOLEAN TIMESTAMP DATE TIME DATETIME INTERVAL GEOGRAPHY JSON; do
		fields+=",{\"name\":\"${type,,}_\",\"type\":\"$type\",\"mode\":\"REPEATED\"}"
	done
	load_rows t "$fields]" <<-'END'
		{"id":1,"string_":["a",""],"bytes_":["AP8="],"integer_":["9223372036854775807",-1],"float_":[0.1,"NaN"],"numeric_":["1.50"],"bignumeric_":["1e-38"],"boolean_":[true,false],"timestamp_":["2024-01-01T00:00:00Z"],"date_":["2024-02-29"],"time_":["1:2:3"],"datetime_":["2024-01-01 00:00:00.5"],"interval_":["P1Y"],"geography_":["POINT(1 2)"],"json_":[{"a":[1]},"x",1.5]}
		{"id":2,"string_":[],"json_":null}
	END
	assert_equal "$(jq -c .status.errors job.json)" null
	is 'SELECT * EXCEPT (id) FROM t ORDER BY id' \
		'[a,]|[AP8=]|[9223372036854775807,-1]|[0.1,NaN]|[1.5]|[0.00000000000000000000000000000000000001]|[true,false]|[1.7040672E9]|[2024-02-29]|[01:02:03]|[2024-01-01T00:00:00.500000]|[1-0 0 0:0:0]|[POINT(1 2)]|[{"a":[1]},"x",1.5]' \
		'[]|[]|[]|[]|[]|[]|[]|[]|[]|[]|[]|[]|[]|[]'
	assert_equal "$(bq_api GET "datasets/$DATASET/tables/t/data" | jq -c '.rows[0].f[1], .rows[1].f[1]')" '{"v":[{"v":"a"},{"v":""}]}'$'\n''{"v":[]}'
	is 'SELECT TO_JSON_STRING(bytes_), TO_JSON_STRING(integer_), TO_JSON_STRING(float_), TO_JSON_STRING(numeric_), TO_JSON_STRING(boolean_),
		TO_JSON_STRING(timestamp_), TO_JSON_STRING(time_), TO_JSON_STRING(datetime_), TO_JSON_STRING(interval_), TO_JSON_STRING(json_) FROM t WHERE id = 1' \
		'["AP8="]|["9223372036854775807",-1]|[0.1,"NaN"]|["1.5"]|[true,false]|["2024-01-01T00:00:00Z"]|["01:02:03"]|["2024-01-01T00:00:00.500"]|["1-0 0 0:0:0"]|[{"a":[1]},"x",1.5]'
	is 'SELECT CAST(n AS STRING), CAST(b AS STRING), TO_HEX(y), CAST(s AS STRING), CAST(i AS STRING) FROM t, UNNEST(numeric_) n, UNNEST(bignumeric_) b, t.bytes_ y, UNNEST(timestamp_) s, t.interval_ i' \
		'1.5|0.00000000000000000000000000000000000001|00ff|2024-01-01 00:00:00+00|1-0 0 0:0:0'
	is 'SELECT i, j FROM t, UNNEST(json_) AS j WITH OFFSET AS i ORDER BY i' '0|{"a":[1]}' '1|"x"' '2|1.5'
	is 'SELECT id, i FROM t LEFT JOIN UNNEST(integer_) AS i WITH OFFSET AS n ORDER BY id, n' '1|9223372036854775807' '1|-1' '2|NULL'
	is 'SELECT integer_[OFFSET(1)], integer_[ORDINAL(1)], integer_[SAFE_OFFSET(2)], ARRAY_LENGTH(json_) FROM t WHERE id = 1' '-1|9223372036854775807|NULL|3'
	is 'SELECT integer_[OFFSET(2)] FROM t WHERE id = 1' 'Array index 2 is out of bounds'
}

@test "arrays without nulls, of values that each fit" {
	takes "$(field INTEGER '"mode":"REPEATED"')" '[]' '[1,"2"]' null -- '[null]' '[1,null]' '[1.5]' '[[1]]' '"[1]"' 1 '{}'
	takes "$(field NUMERIC '"mode":"REPEATED","precision":"3","scale":"1"')" '["99.9"]' -- '["99.9","100"]' '[0.01]'
	load_rows n "[$(field JSON '"mode":"REPEATED"')]" <<<'{"v":[null]}'
	assert_equal "$(jq -r '.status.errors[1].message' job.json)" \
		'Error while reading data, error message: JSON parsing error in row starting at position 0: Only optional fields can be set to NULL: an array holds a null. Field: v; Value: [null]'
	load_rows n "[$(field JSON '"mode":"REPEATED"')]" <<<'{"v":{}}'
	assert_equal "$(jq -r '.status.errors[1].message' job.json)" \
		'Error while reading data, error message: JSON parsing error in row starting at position 0: Repeated field must be imported as a JSON array. Field: v; Value: {}'
}

@test "RECORD: any depth of types and arrays, REQUIRED inside" {
	local fields='[{"name":"r","type":"RECORD","fields":[{"name":"n","type":"NUMERIC"},{"name":"f","type":"FLOAT"},{"name":"j","type":"JSON"},{"name":"y","type":"BYTES","mode":"REPEATED"},{"name":"q","type":"DATE","mode":"REQUIRED"}]}]'

	load_rows t "$fields" <<<'{"r":{"n":"1.10","f":-0.0,"j":{"a":1},"y":["AA==","/w=="],"q":"2024-01-01"}}'
	is 'SELECT r, r.n, r.f, r.j.a, r.y[OFFSET(1)], TO_JSON_STRING(r) FROM t' \
		'{1.1,-0.0,{"a":1},[AA==,/w==],2024-01-01}|1.1|-0.0|1|/w==|{"n":"1.1","f":-0,"j":{"a":1},"y":["AA==","/w=="],"q":"2024-01-01"}'
	load_rows t "$fields" <<<'{"r":{"n":1}}'
	assert_equal "$(jq -r .status.errorResult.reason job.json)" invalid
	assert_equal "$(jq -r '.status.errors[1].message' job.json)" \
		'Error while reading data, error message: JSON parsing error in row starting at position 0: Missing required field. Field: r.q'
}

@test "CSV holds every type but REPEATED and RECORD" {
	local fields='' type

	for type in STRING BYTES INTEGER FLOAT NUMERIC BIGNUMERIC BOOLEAN TIMESTAMP DATE TIME DATETIME INTERVAL GEOGRAPHY JSON; do
		fields+="${fields:+,}{\"name\":\"${type,,}_\",\"type\":\"$type\"}"
	done
	load_rows t "[$fields]" '{"sourceFormat":"CSV"}' \
		<<<'"a,""b",AP8=,-9223372036854775808,-Infinity,0.000000001,1e-38,f,2024-01-01 00:00:00 UTC,0001-01-01,23:59:59.999999,2024-01-01T00:00:00,P1D,"LINESTRING(0 0,1 1)","{""a"":[1,""x""]}"'
	assert_equal "$(jq -c .status.errors job.json)" null
	is 'SELECT * FROM t' 'a,"b|AP8=|-9223372036854775808|-Infinity|0.000000001|0.00000000000000000000000000000000000001|false|1.7040672E9|0001-01-01|23:59:59.999999|2024-01-01T00:00:00|0-0 1 0:0:0|LINESTRING(0 0, 1 1)|{"a":[1,"x"]}'
	load_rows t2 "[$(field STRING '"mode":"REPEATED"')]" '{"sourceFormat":"CSV"}' <<<'a'
	assert_equal "$(jq -r '.status.errorResult.reason' job.json)" invalid
}

@test "JSON, GEOGRAPHY and ARRAY have no equality and no groups" {
	load_rows t "[{\"name\":\"j\",\"type\":\"JSON\"},{\"name\":\"g\",\"type\":\"GEOGRAPHY\"},{\"name\":\"a\",\"type\":\"INTEGER\",\"mode\":\"REPEATED\"}]" <<<'{}'
	is 'SELECT j = j FROM t' 'Equality is not defined for arguments of type JSON at [1:8]'
	is 'SELECT g IN (g) FROM t' 'Equality is not defined for arguments of type GEOGRAPHY at [1:8]'
	is 'SELECT a = [1] FROM t' 'Equality is not defined for arguments of type ARRAY<INT64> at [1:8]'
	is 'SELECT j IS DISTINCT FROM j FROM t' 'Equality is not defined for arguments of type JSON at [1:8]'
	is 'SELECT NULLIF(j, j) FROM t' 'Equality is not defined for arguments of type JSON at [1:8]'
	is 'SELECT 1 FROM t x JOIN t y USING (g)' 'Equality is not defined for arguments of type GEOGRAPHY at [1:24]'
	is 'SELECT DISTINCT j FROM t' 'Column j of type JSON cannot be used in SELECT DISTINCT at [1:1]'
	is 'SELECT g FROM t EXCEPT DISTINCT SELECT g FROM t' 'Column 1 in EXCEPT DISTINCT has type that does not support set operation comparisons: GEOGRAPHY at [1:1]'
	is 'SELECT COUNT(DISTINCT j) FROM t' 'Aggregate functions with DISTINCT cannot be used with arguments of type JSON at [1:8]'
	is 'SELECT 1 FROM t GROUP BY g' 'Grouping by expressions of type GEOGRAPHY is not allowed at [1:26]'
	is 'SELECT ROW_NUMBER() OVER (PARTITION BY j ORDER BY 1) FROM t' 'Partitioning by expressions of type JSON is not allowed at [1:40]'
	is 'SELECT TO_JSON_STRING(j), ST_ASTEXT(g), TO_JSON_STRING(a) FROM t EXCEPT DISTINCT SELECT TO_JSON_STRING(j), ST_ASTEXT(g), TO_JSON_STRING(a) FROM t' ''
}

@test "IS DISTINCT FROM knows NULL, NaN and numbers of any spelling" {
	load_rows t "[$(field FLOAT),{\"name\":\"n\",\"type\":\"NUMERIC\"}]" <<<$'{"v":"NaN","n":"1.50"}\n{"v":-0.0}\n{}'
	is "SELECT v IS DISTINCT FROM v, v IS NOT DISTINCT FROM 0.0, v IS DISTINCT FROM NULL, n IS NOT DISTINCT FROM 1.5 FROM t" \
		'false|false|true|true' 'false|true|true|false' 'false|false|false|false'
}

@test "digests and arrays as text" {
	is "SELECT TO_HEX(MD5('')), TO_HEX(SHA1('x')), TO_HEX(SHA256(b'abc')), LENGTH(SHA512('')), MD5(NULL)" \
		'd41d8cd98f00b204e9800998ecf8427e|11f6ad8ec52a2984abaafd7c3b516503785c2072|ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad|64|NULL'
	is "SELECT ARRAY_TO_STRING(['a', NULL, 'c'], '/', '-'), ARRAY_TO_STRING(['a', NULL, 'c'], '/'), ARRAY_TO_STRING([b'a', b'\\xff'], b','), ARRAY_TO_STRING(['a'], NULL)" \
		'a/-/c|a/c|YSz/|NULL'
	is "SELECT ARRAY_TO_STRING([1], ',')" 'No matching signature for function ARRAY_TO_STRING for argument types: ARRAY<INT64>, STRING at [1:8]'
	is "SELECT MD5(1)" 'No matching signature for function MD5 for argument type: INT64 at [1:8]'
	is "SELECT COUNTIF(x > 1), LOGICAL_AND(x > 0), STRING_AGG(CAST(x AS STRING), '+' ORDER BY x DESC) FROM UNNEST([1, 2, 3]) x" '2|true|3+2+1'
	is "SELECT x FROM UNNEST([1, 2, 2]) x EXCEPT DISTINCT SELECT 2" 1
}

# --- MERGE, as a loader issues it ----------------------------------------------------

# merge ID STATEMENT [CONFIGURATION]: a query job of that id; job.json is the job when it is done
merge() {
	jq -nc --arg j "$1" --arg q "$2" --arg d "$DATASET" --argjson more "${3:-{\}}" '{jobReference: {jobId: $j}, configuration:
		({query: {query: $q, useLegacySql: false, defaultDataset: {datasetId: $d}}} + $more)}' >query.json
	localcloud_curl -X POST --data-binary @query.json -o job.json "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/jobs"
	[[ $(jq -r '.error // .configuration.dryRun // empty' job.json) ]] || wait_until 20 job_is_done "$1"
}

# The type of each column of the merge tests; k1 and k2 are the key, u is the cursor.
MERGED='k1:INTEGER k2:STRING u:TIMESTAMP s:STRING y:BYTES f:FLOAT n:NUMERIC g:BIGNUMERIC b:BOOLEAN d:DATE t:TIME c:DATETIME v:INTERVAL o:GEOGRAPHY j:JSON a:JSON:REPEATED r:INTEGER:REPEATED'

merge_fields() {
	jq -nc --arg all "$MERGED" '$all | split(" ") | map(split(":") | {name: .[0], type: .[1], mode: (.[2] // "NULLABLE")})'
}

# The statement, with KEY for ON and the columns from MERGED.
merge_statement() {
	local names set insert values

	names=$(tr ' ' '\n' <<<"$MERGED" | cut -d: -f1)
	set=$(grep -v '^k' <<<"$names" | sed 's/.*/&=S.&/' | paste -sd,)
	insert=$(paste -sd, <<<"$names")
	values=S.${names//$'\n'/,S.}
	printf 'MERGE target T USING source S ON %s WHEN MATCHED AND (T.u IS NULL OR S.u >= T.u) THEN UPDATE SET %s
		WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)' "$1" "$set" "$insert" "$values"
}

merge_tables() {
	load_rows target "$(merge_fields)" <<-'END'
		{"k1":1,"k2":"a","u":"2024-01-02T00:00:00Z","s":"newer here"}
		{"k1":1,"k2":"b","u":"2024-01-01T00:00:00Z","s":"older here","r":[1]}
		{"k1":2,"k2":"a","s":"no cursor"}
		{"k2":"a","s":"no key"}
	END
	load_rows source "$(merge_fields)" <<-'END'
		{"k1":1,"k2":"a","u":"2024-01-01T00:00:00Z","s":"late"}
		{"k1":1,"k2":"b","u":"2024-01-01T00:00:00Z","s":"é","y":"AP8=","f":-0.0,"n":"1.50","g":"1e-38","b":true,"d":"2024-02-29","t":"1:2:3","c":"2024-01-01 00:00:00.5","v":"P1Y","o":"POINT(1 2)","j":{"a":[1,null]},"a":["x",{"y":1}],"r":[3,2]}
		{"k1":2,"k2":"a","u":"2024-01-01T00:00:00Z","s":"now"}
		{"k1":3,"k2":"a","u":"2024-01-01T00:00:00Z","s":"new","o":"LINESTRING(0 0,1 1)","j":"null","a":[],"r":[9223372036854775807]}
	END
}

@test "MERGE by a composite key updates and inserts columns of every type" {
	local statement

	statement=$(merge_statement 'T.k1 = S.k1 AND T.k2 = S.k2')
	merge_tables
	merge dry1 "$statement" '{"dryRun":true}'
	assert_equal "$(jq -r '.status.state + " " + .statistics.query.statementType' job.json)" 'DONE MERGE'
	is 'SELECT COUNT(*) FROM target' 4
	merge m1 "$statement"
	assert_equal "$(jq -c '.statistics.query | [.statementType, .dmlStats, .numDmlAffectedRows, (.totalBytesProcessed | type), (.totalBytesBilled | type)]' job.json)" \
		'["MERGE",{"insertedRowCount":"1","updatedRowCount":"2","deletedRowCount":"0"},"3","string","string"]'
	is 'SELECT k1, k2, s FROM target ORDER BY k1, k2' 'NULL|a|no key' '1|a|newer here' '1|b|é' '2|a|now' '3|a|new'
	is 'SELECT * EXCEPT (k1, k2, u) FROM target WHERE k2 = "b"' \
		'é|AP8=|-0.0|1.5|0.00000000000000000000000000000000000001|true|2024-02-29|01:02:03|2024-01-01T00:00:00.500000|1-0 0 0:0:0|POINT(1 2)|{"a":[1,null]}|["x",{"y":1}]|[3,2]'
	is 'SELECT o, j, a, r FROM target WHERE k1 = 3' 'LINESTRING(0 0, 1 1)|"null"|[]|[9223372036854775807]'
	# The id is taken: the job is not run again.
	merge m1 "$statement"
	assert_equal "$(jq -r '.error.errors[0].reason' job.json)" duplicate
}

@test "MERGE with INSERT ROW, and one source row for each target row" {
	merge_tables
	merge m2 'MERGE target T USING source S ON T.k1 = S.k1 AND T.k2 = S.k2 WHEN NOT MATCHED THEN INSERT ROW'
	assert_equal "$(jq -r '.statistics.query.dmlStats.insertedRowCount' job.json)" 1
	merge m3 "$(merge_statement 'T.k2 = S.k2')"
	assert_equal "$(jq -r '.status.errorResult.message' job.json)" 'UPDATE/MERGE must match at most one source row for each target row'
	is 'SELECT COUNT(*), MAX(s) FROM target' '5|older here'
}

@test "JSON, GEOGRAPHY and ARRAY are no keys of a MERGE" {
	local case

	merge_tables
	for case in o:GEOGRAPHY j:JSON 'r:ARRAY<INT64>'; do
		is "$(merge_statement "T.${case%%:*} = S.${case%%:*}")" "Equality is not defined for arguments of type ${case#*:} at [1:34]"
	done
	merge m4 "$(merge_statement 'T.v = S.v AND T.n = S.n AND T.f = S.f AND T.y = S.y AND T.c = S.c')"
	assert_equal "$(jq -r '.statistics.query.dmlStats.insertedRowCount' job.json)" 4
}

@test "a source table that has expired is gone" {
	merge_tables
	bq_api PATCH "datasets/$DATASET/tables/source" '{"expirationTime":"'"$(($(date +%s%3N) + 3600000))"'"}' >/dev/null
	is 'SELECT COUNT(*) FROM source' 4
	bq_api PATCH "datasets/$DATASET/tables/source" '{"expirationTime":"'"$(($(date +%s%3N) + 1000))"'"}' >/dev/null
	wait_until 5 source_is_gone
	merge m5 "$(merge_statement 'T.k1 = S.k1')"
	assert_equal "$(jq -r '.status.errorResult.reason' job.json)" notFound
	run bq_api GET "datasets/$DATASET/tables"
	refute_output_contains source
	load_rows source "$(merge_fields)" <<<'{"k1":7}'
	is 'SELECT k1 FROM source' 7
}

source_is_gone() {
	[[ $(localcloud_curl -o /dev/null -w '%{http_code}' "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/datasets/$DATASET/tables/source") == 404 ]]
}
