#!/usr/bin/env bats
# The GoogleSQL of localcloud (tests/localcloud/SQL.md): what is accepted, beside what BigQuery refuses.

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
}

# sql STATEMENTS [PARAMETERS]: prints the error message, or the columns, the rows (cells joined by |) and the DML count.
sql() {
	local body

	body=$(jq -nc --arg q "$1" --arg d "$DATASET" --argjson p "${2:-[]}" '{query: $q, useLegacySql: false,
		defaultDataset: {datasetId: $d}, queryParameters: $p}')
	localcloud_curl -X POST --data-binary "$body" "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/queries" | jq -r '
		def cell: if . == null then "NULL" elif type == "array" then "[" + (map(.v | cell) | join(",")) + "]"
			elif type == "object" then "{" + (.f | map(.v | cell) | join(",")) + "}" else . end;
		if .error then .error.message else
			(.schema.fields // [] | map(.name + ":" + .type) | join(" ")),
			(.rows // [] | .[] | .f | map(.v | cell) | join("|")),
			(.numDmlAffectedRows // empty | "changed " + .) end'
}

# is STATEMENTS LINE...: the answer is exactly these lines
is() {
	local statements=$1

	shift
	assert_equal "$(sql "$statements")" "$(printf '%s\n' "$@")" "$statements"
}

@test "literals have the types and the values that are written" {
	is "SELECT 1 AS a, 'x', \"y\" b, r'\\n', b'\\x00\\xff', 0x10, 1.5, TRUE, NULL n, '''a'b'''" \
		'a:INTEGER f0_:STRING b:STRING f1_:STRING f2_:BYTES f3_:INTEGER f4_:FLOAT f5_:BOOLEAN n:INTEGER f6_:STRING' \
		"1|x|y|\\n|AP8=|16|1.5|true|NULL|a'b"
	is "SELECT DATE '2024-2-29' d, DATETIME '2024-01-02 03:04:05' t, TIME '1:2:3.5' h" 'd:DATE t:DATETIME h:TIME' \
		'2024-02-29|2024-01-02T03:04:05|01:02:03.500000'
	is "SELECT DATE '2023-02-29'" 'Could not cast literal "2023-02-29" to type DATE at [1:8]'
	is 'SELECT 9223372036854775807, -9223372036854775808' 'f0_:INTEGER f1_:INTEGER' \
		'9223372036854775807|-9223372036854775808'
	is 'SELECT 9223372036854775808' 'Invalid integer literal: 9223372036854775808 at [1:8]'
}

@test "syntax errors name the token and its place" {
	is 'SELEC 1' 'Syntax error: Unexpected identifier "SELEC" at [1:1]'
	is 'SELECT * FORM t' 'Syntax error: Expected end of input but got identifier "FORM" at [1:10]'
	is $'SELECT 1,\n  FROM' 'Syntax error: Unexpected end of statement at [2:7]'
	is "SELECT 'a" 'Syntax error: Unclosed string literal at [1:8]'
	is 'SELECT (1' 'Syntax error: Expected ")" but got end of statement at [1:10]'
}

@test "nesting and length are bounded" {
	run sql "SELECT $(printf '(%.0s' {1..3000})1$(printf ')%.0s' {1..3000})"
	assert_output_contains 'too deeply nested'
	run sql "SELECT 1$(printf '+1%.0s' {1..3000})"
	assert_output_contains 'too complex'
	run sql "SELECT $(printf -- '- %.0s' {1..3000})1"
	assert_output_contains 'too deeply nested'
}

@test "INT64 arithmetic is exact or fails" {
	is 'SELECT 7 / 2, DIV(7, 2), MOD(-7, 2), 1 + 2 * 3, ~5, 6 ^ 3, 1 << 4' \
		'f0_:FLOAT f1_:INTEGER f2_:INTEGER f3_:INTEGER f4_:INTEGER f5_:INTEGER f6_:INTEGER' '3.5|3|-1|7|-6|5|16'
	is 'SELECT 9223372036854775807 + 1' 'int64 overflow: 9223372036854775807 + 1'
	is 'SELECT 1 / 0' 'division by zero: 1 / 0'
	is 'SELECT SAFE_DIVIDE(1, 0)' 'f0_:FLOAT' 'NULL'
	is "SELECT 1 + 'a'" 'No matching signature for operator + for argument types: INT64, STRING at [1:8]'
}

@test "NUMERIC arithmetic is exact" {
	is "SELECT NUMERIC '0.1' + NUMERIC '0.2', NUMERIC '1' / 3, NUMERIC '99999999999999999999999999999.999999999' - 1,
		BIGNUMERIC '1e-38' * 3, NUMERIC '1.5' * 2" 'f0_:NUMERIC f1_:NUMERIC f2_:NUMERIC f3_:BIGNUMERIC f4_:NUMERIC' \
		'0.3|0.333333333|99999999999999999999999999998.999999999|0.00000000000000000000000000000000000003|3'
	is "SELECT NUMERIC '10' > NUMERIC '9', ROUND(NUMERIC '-2.5'), FLOOR(NUMERIC '-2.1'), CAST('1.0000000005' AS NUMERIC)" \
		'f0_:BOOLEAN f1_:NUMERIC f2_:NUMERIC f3_:NUMERIC' 'true|-3|-3|1.000000001'
	run sql "SELECT NUMERIC '99999999999999999999999999999' * 10"
	assert_output_contains 'numeric overflow'
	run sql "SELECT NUMERIC '1e30'"
	assert_output_contains 'Invalid NUMERIC literal'
}

@test "casts convert and refuse" {
	is "SELECT CAST('12' AS INT64), CAST(2.5 AS INT64), CAST(TRUE AS STRING), CAST(1.0 AS STRING), CAST('true' AS BOOL),
		CAST(TIMESTAMP '2024-01-02 03:04:05.25+01' AS STRING), SAFE_CAST('x' AS INT64)" \
		'f0_:INTEGER f1_:INTEGER f2_:STRING f3_:STRING f4_:BOOLEAN f5_:STRING f6_:INTEGER' \
		'12|3|true|1|true|2024-01-02 02:04:05.250+00|NULL'
	is "SELECT CAST('x' AS INT64)" 'Bad int64 value: x'
	is "SELECT CAST(TRUE AS DATE)" 'Invalid cast from BOOL to DATE at [1:8]'
	is "SELECT CAST('NaN' AS FLOAT64) = CAST('NaN' AS FLOAT64), CAST('inf' AS FLOAT64) > 1" 'f0_:BOOLEAN f1_:BOOLEAN' 'false|true'
}

@test "text functions count characters" {
	is "SELECT LENGTH('é€'), UPPER('é'), SUBSTR('héllo', 2, 3), SUBSTR('abc', -2), CONCAT('a', 'b'), 'a' || 'b', REPLACE('aa', 'a', 'b'),
		STARTS_WITH('abc', 'ab'), ENDS_WITH('abc', 'ab'), TO_HEX(b'\\x0f'), TO_BASE64(b'a'), REVERSE('aé'), TRIM(' a '), TO_HEX(NULL), TO_HEX(b'')" \
		'f0_:INTEGER f1_:STRING f2_:STRING f3_:STRING f4_:STRING f5_:STRING f6_:STRING f7_:BOOLEAN f8_:BOOLEAN f9_:STRING f10_:STRING f11_:STRING f12_:STRING f13_:STRING f14_:STRING' \
		'2|É|éll|bc|ab|ab|bb|true|false|0f|YQ==|éa|a|NULL|'
	is "SELECT 'abc' LIKE 'a%', 'ABC' LIKE 'a%', 'a%c' LIKE 'a\\\\%c', 'abc' LIKE 'a\\\\%c', 'é' LIKE '_', 'abc' NOT LIKE '_b_'" \
		'f0_:BOOLEAN f1_:BOOLEAN f2_:BOOLEAN f3_:BOOLEAN f4_:BOOLEAN f5_:BOOLEAN' 'true|false|true|false|true|false'
	is 'SELECT NO_SUCH(1)' 'Function not found: NO_SUCH at [1:8]'
	is 'SELECT LOWER(1)' 'No matching signature for function LOWER for argument type: INT64 at [1:8]'
}

@test "dates and timestamps add, subtract, truncate" {
	is "SELECT DATE_ADD(DATE '2024-01-31', INTERVAL 1 MONTH), DATE_DIFF(DATE '2024-03-01', DATE '2024-02-01', DAY),
		DATE_TRUNC(DATE '2024-03-14', WEEK(MONDAY)), EXTRACT(ISOWEEK FROM DATE '2024-12-30'), EXTRACT(DAYOFWEEK FROM DATE '2024-03-17')" \
		'f0_:DATE f1_:INTEGER f2_:DATE f3_:INTEGER f4_:INTEGER' '2024-02-29|29|2024-03-11|1|1'
	is "SELECT UNIX_MICROS(TIMESTAMP_SUB(TIMESTAMP '2024-01-01', INTERVAL 1 HOUR)), TIMESTAMP_DIFF(TIMESTAMP '2024-01-02', TIMESTAMP '2024-01-01 01:00:00', DAY),
		UNIX_SECONDS(TIMESTAMP_TRUNC(TIMESTAMP '1969-12-31 23:30:00', HOUR)), FORMAT_TIMESTAMP('%F %T', TIMESTAMP '2024-01-02 03:04:05')" \
		'f0_:INTEGER f1_:INTEGER f2_:INTEGER f3_:STRING' '1704063600000000|0|-3600|2024-01-02 03:04:05'
	is "SELECT TIMESTAMP_ADD(TIMESTAMP '2024-01-01', INTERVAL 1 MONTH)" \
		'A valid date part argument for TIMESTAMP is required, but found MONTH at [1:46]'
	is "SELECT DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)" 'Arithmetic produces a DATE out of range'
}

@test "NULL follows three-valued logic and conditionals find a common type" {
	is 'SELECT CAST(NULL AS INT64) = 1, NULL IS NULL, TRUE AND NULL, FALSE AND NULL, 1 IS DISTINCT FROM NULL, 2 NOT IN (1, NULL)' \
		'f0_:BOOLEAN f1_:BOOLEAN f2_:BOOLEAN f3_:BOOLEAN f4_:BOOLEAN f5_:BOOLEAN' 'NULL|true|NULL|false|true|NULL'
	is "SELECT COALESCE(NULL, 1, 2.5), IF(TRUE, 1, NUMERIC '2'), IFNULL(NULL, 'x'), NULLIF(1, 1), CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END,
		GREATEST(1, 3, 2), LEAST('b', 'a'), GREATEST(1, NULL)" \
		'f0_:FLOAT f1_:NUMERIC f2_:STRING f3_:INTEGER f4_:STRING f5_:INTEGER f6_:STRING f7_:INTEGER' '1.0|1|x|NULL|b|3|a|NULL'
	run sql "SELECT IF(TRUE, 1, 'a')"
	assert_output_contains 'No matching signature for function IF'
}

@test "what GoogleSQL refuses of NULL, of fields and of columns is refused" {
	local expression operator
	while read -r operator expression; do
		run sql "SELECT $expression"
		assert_output_contains "Operands of $operator cannot be literal NULL at [1:"
	done <<-'END'
		= NULL = 1
		= 1 = (NULL)
		< NULL < 1
		+ 1 + NULL
		- -NULL
		|| 'a' || NULL
		LIKE 'a' LIKE NULL
		NOT NOT NULL
	END
	run sql 'SELECT STRUCT(1 AS a, 2 AS A).a'
	assert_output_contains 'Struct field name a is ambiguous at [1:'
	run sql "CREATE TABLE late (a INT64 OPTIONS (description = 'x') NOT NULL)"
	assert_output_contains 'Syntax error'
	sql 'CREATE TABLE near (id INT64, f FLOAT64, a ARRAY<INT64>, ts TIMESTAMP); CREATE TABLE far (id INT64)'
	local message statement
	while IFS='|' read -r message statement; do
		run sql "$statement"
		assert_output_contains "$message"
	done <<-'END'
		Unrecognized name: S|MERGE near AS T USING far AS S ON T.id = S.id WHEN MATCHED THEN UPDATE SET S.id = 1
		Unrecognized name: t|UPDATE near SET t.id = 1 WHERE TRUE
		The QUALIFY clause requires analytic function to be present|SELECT * FROM near WHERE TRUE QUALIFY id = 1
		Ordering by expressions of type ARRAY<INT64> is not allowed|SELECT ROW_NUMBER() OVER (ORDER BY a) FROM near
		Partitioning by expressions of type FLOAT64 is not allowed|SELECT ROW_NUMBER() OVER (PARTITION BY f) FROM near
		Window ORDER BY is required for analytic function LAG|SELECT LAG(id) OVER (PARTITION BY id) FROM near
		A valid date part argument for TIMESTAMP is required, but found MONTH|SELECT TIMESTAMP_DIFF(ts, ts, MONTH) FROM near
	END
	sql 'UPDATE near SET near.id = 1 WHERE TRUE; UPDATE near AS n SET n.id = 1 WHERE TRUE'
	run sql 'SELECT 1 IN (NULL), NULL IN (1), 1 BETWEEN NULL AND 2, NULL OR TRUE, COALESCE(NULL, 1)'
	assert_output_contains 'true'
}

# A small table for the queries below.
people() {
	sql "CREATE TABLE people (id INT64 NOT NULL, name STRING, team STRING, pay NUMERIC, born DATE);
		INSERT people VALUES (1, 'ann', 'a', 10, '2000-01-01'), (2, 'bob', 'a', 9.5, '1990-05-05'),
			(3, 'cid', 'b', NULL, NULL), (4, NULL, NULL, 100, '2010-10-10')" >/dev/null
}

@test "SELECT filters, orders, limits; names resolve without regard to case" {
	people
	is 'SELECT ID, Name FROM people WHERE pay > 9 ORDER BY pay DESC LIMIT 2 OFFSET 1' 'ID:INTEGER Name:STRING' '1|ann' '2|bob'
	is 'SELECT name FROM people ORDER BY name' 'name:STRING' NULL ann bob cid
	is 'SELECT name FROM people ORDER BY name DESC NULLS FIRST LIMIT 2' 'name:STRING' NULL cid
	is 'SELECT * EXCEPT (born, pay) REPLACE (UPPER(name) AS name) FROM people p WHERE p.id = 1' \
		'id:INTEGER name:STRING team:STRING' '1|ANN|a'
	is 'SELECT DISTINCT team FROM people ORDER BY team' 'team:STRING' NULL a b
	is "SELECT id FROM people WHERE born < '1995-01-01'" 'id:INTEGER' 2
	is "SELECT id FROM people WHERE id = 'x'" 'No matching signature for operator = for argument types: INT64, STRING at [1:29]'
	is 'SELECT nope FROM people' 'Unrecognized name: nope at [1:8]'
	is 'SELECT id, id FROM people' 'Duplicate column names in the result are not supported when a destination table is present. Found duplicate(s): id'
	is 'SELECT 1 FROM missing' "Not found: Table $PROJECT:$DATASET.missing was not found in location US"
	is 'SELECT id FROM people WHERE name' 'WHERE clause should return type BOOL, but returns STRING at [1:29]'
}

@test "joins keep and drop the rows they should" {
	people
	local b='(SELECT 1 AS id, "x" AS w UNION ALL SELECT 9, "y")'
	is "SELECT p.id, w FROM people p JOIN $b b ON p.id = b.id" 'id:INTEGER w:STRING' '1|x'
	is "SELECT id, w FROM people LEFT JOIN $b USING (id) ORDER BY id" 'id:INTEGER w:STRING' '1|x' '2|NULL' '3|NULL' '4|NULL'
	is "SELECT id, w FROM people RIGHT JOIN $b USING (id) ORDER BY id" 'id:INTEGER w:STRING' '1|x' '9|y'
	is "SELECT COUNT(*) FROM people FULL JOIN $b USING (id)" 'f0_:INTEGER' 5
	is "SELECT COUNT(*) FROM people CROSS JOIN $b b" 'f0_:INTEGER' 8
	is "SELECT id FROM people p JOIN $b b ON p.id = b.id" 'Column name id is ambiguous at [1:8]'
	is "SELECT 1 FROM people p JOIN people p ON TRUE" 'Duplicate table alias p in the same FROM clause at [1:29]'
}

@test "GROUP BY groups, and a column outside it is refused" {
	people
	is 'SELECT team, COUNT(*) AS n, SUM(pay) s, AVG(id), MIN(name), COUNT(DISTINCT team) FROM people GROUP BY team ORDER BY 1' \
		'team:STRING n:INTEGER s:NUMERIC f0_:FLOAT f1_:STRING f2_:INTEGER' 'NULL|1|100|4.0|NULL|0' 'a|2|19.5|1.5|ann|1' 'b|1|NULL|3.0|cid|1'
	is 'SELECT UPPER(team) u, MAX(pay) FROM people GROUP BY u HAVING COUNT(*) > 1' 'u:STRING f0_:NUMERIC' 'A|10'
	is 'SELECT COUNTIF(id > 2), LOGICAL_AND(id > 0), BIT_XOR(id), STRING_AGG(name, "-" ORDER BY id DESC), ARRAY_AGG(id ORDER BY id LIMIT 2) FROM people' \
		'f0_:INTEGER f1_:BOOLEAN f2_:INTEGER f3_:STRING f4_:INTEGER' '2|true|4|cid-bob-ann|[1,2]'
	is 'SELECT name, COUNT(*) FROM people' 'SELECT list expression references column name which is neither grouped nor aggregated at [1:8]'
	is 'SELECT id FROM people WHERE COUNT(*) > 1' 'Aggregate function COUNT not allowed in WHERE clause at [1:29]'
	is 'SELECT SUM(COUNT(*)) FROM people' 'Aggregations of aggregations are not allowed at [1:12]'
}

@test "window functions and QUALIFY" {
	people
	is 'SELECT id, ROW_NUMBER() OVER (PARTITION BY team ORDER BY id DESC) r, SUM(pay) OVER (ORDER BY id) s, LAG(id, 1, 0) OVER (ORDER BY id) l FROM people ORDER BY id' \
		'id:INTEGER r:INTEGER s:NUMERIC l:INTEGER' '1|2|10|0' '2|1|19.5|1' '3|1|19.5|2' '4|1|119.5|3'
	is 'SELECT * EXCEPT (born, pay, name), ROW_NUMBER() OVER (PARTITION BY team ORDER BY id DESC) AS r FROM people QUALIFY r = 1 ORDER BY id' \
		'id:INTEGER team:STRING r:INTEGER' '2|a|1' '3|b|1' '4|NULL|1'
	is 'SELECT id FROM people WHERE ROW_NUMBER() OVER () = 1' 'Analytic function ROW_NUMBER not allowed in WHERE clause at [1:29]'
}

@test "WITH, subqueries and set operations" {
	people
	is 'WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), b AS (SELECT x * 10 AS y FROM a) SELECT SUM(x), (SELECT MAX(y) FROM b) FROM a' \
		'f0_:INTEGER f1_:INTEGER' '3|20'
	is 'SELECT id FROM people p WHERE EXISTS (SELECT 1 FROM people q WHERE q.team = p.team AND q.id > p.id)' 'id:INTEGER' 1
	is 'SELECT id FROM people WHERE id IN (SELECT id FROM people WHERE team = "a") ORDER BY id DESC' 'id:INTEGER' 2 1
	is 'SELECT (SELECT id FROM people)' 'Scalar subquery produced more than one element'
	is 'SELECT 1 UNION DISTINCT SELECT 1.0 UNION DISTINCT SELECT 2' 'f0_:FLOAT' 1.0 2.0
	is 'SELECT team FROM people EXCEPT DISTINCT SELECT "a" ORDER BY team' 'team:STRING' NULL b
	is 'SELECT 1 UNION SELECT 1' 'Syntax error: Expected keyword ALL or keyword DISTINCT but got keyword SELECT at [1:16]'
	is 'SELECT 1 UNION ALL SELECT "a"' 'Column 1 in UNION ALL has incompatible types: INT64, STRING at [1:1]'
}

@test "arrays, structs and JSON" {
	is 'SELECT x, o FROM UNNEST([5, 6]) AS x WITH OFFSET o ORDER BY o' 'x:INTEGER o:INTEGER' '5|0' '6|1'
	is 'SELECT [1, 2][OFFSET(1)], ARRAY_LENGTH(["a"]), 2 IN UNNEST([1, 2]), ARRAY(SELECT 3), STRUCT(1 AS a, "b" AS b), STRUCT(7 AS k).k' \
		'f0_:INTEGER f1_:INTEGER f2_:BOOLEAN f3_:INTEGER f4_:RECORD k:INTEGER' '2|1|true|[3]|{1,b}|7'
	is 'SELECT [1][OFFSET(1)]' 'Array index 1 is out of bounds'
	is "SELECT JSON_VALUE('{\"a\":{\"b\":\"x\"}}', '\$.a.b'), JSON_QUERY('{\"a\":[1, 2]}', '\$.a'), JSON_VALUE('nojson', '\$')" \
		'f0_:STRING f1_:STRING f2_:STRING' 'x|[1,2]|NULL'
	is 'SELECT TO_JSON_STRING(STRUCT(1 AS a, TRUE AS b, [1.5] AS c, TIMESTAMP "2024-01-01" AS t))' 'f0_:STRING' \
		'{"a":1,"b":true,"c":[1.5],"t":"2024-01-01T00:00:00Z"}'
	sql 'CREATE TABLE s (a STRUCT<b ARRAY<STRUCT<c INT64>>>); INSERT s VALUES (STRUCT([STRUCT(4)]))' >/dev/null
	is 'SELECT a.b[OFFSET(0)].c FROM s' 'c:INTEGER' 4
	is 'SELECT [1, "a"]' 'Array elements do not have a common supertype at [1:8]'
}

@test "parameters, named and positional" {
	local named='[{"name":"x","parameterType":{"type":"INT64"},"parameterValue":{"value":"5"}},
		{"name":"a","parameterType":{"type":"ARRAY","arrayType":{"type":"STRING"}},"parameterValue":{"arrayValues":[{"value":"p"},{"value":"q"}]}}]'
	assert_equal "$(sql 'SELECT @x + 1 AS y, "q" IN UNNEST(@a)' "$named")" $'y:INTEGER f0_:BOOLEAN\n6|true'
	assert_equal "$(sql 'SELECT ? || ?' '[{"parameterType":{"type":"STRING"},"parameterValue":{"value":"a"}},
		{"parameterType":{"type":"STRING"},"parameterValue":{"value":"\u0027; DROP"}}]')" $'f0_:STRING\na\'; DROP'
	assert_equal "$(sql 'SELECT @nope' "$named")" "Query parameter 'nope' not found at [1:8]"
}

@test "INSERT checks types, REQUIRED and ranges" {
	sql 'CREATE TABLE t (id INT64 NOT NULL, n NUMERIC(4, 2), s STRING(3), a ARRAY<INT64>, r STRUCT<x INT64, y STRING>)'
	is "INSERT INTO t (id, n, s, a, r) VALUES (1, 1.255, 'abc', [1, 2], (3, 'z')), (2, NULL, DEFAULT, NULL, NULL)" '' 'changed 2'
	is 'SELECT * FROM t ORDER BY id' 'id:INTEGER n:NUMERIC s:STRING a:INTEGER r:RECORD' '1|1.26|abc|[1,2]|{3,z}' '2|NULL|NULL|[]|NULL'
	is 'INSERT t (id) VALUES (NULL)' 'Required field id cannot be null'
	is 'INSERT t (n) VALUES (1)' 'Required field id cannot be null'
	is "INSERT t (id, s) SELECT 3, NULL" '' 'changed 1'
	is 'DELETE t WHERE id = 3' '' 'changed 1'
	is "INSERT t (id) VALUES ('1')" 'Value has type STRING which cannot be inserted into column id, which has type INT64 at [1:23]'
	run sql 'INSERT t (id, n) VALUES (3, 100)'
	assert_output_contains 'out of range for NUMERIC(4,2)'
	run sql "INSERT t (id, s) VALUES (3, 'abcd')"
	assert_output_contains 'too long'
	run sql 'INSERT t (id, a) VALUES (3, [NULL])'
	assert_output_contains 'null element'
	is 'INSERT t (id) VALUES (1, 2)' 'Inserted row has wrong column count; Has 2, expected 1 at [1:23]'
	is 'INSERT t (id, ID) VALUES (1, 2)' 'INSERT has columns with duplicate name: ID at [1:15]'
	is 'SELECT COUNT(*) FROM t' 'f0_:INTEGER' 2
}

@test "a statement that fails on its last row changes nothing" {
	sql 'CREATE TABLE t (id INT64 NOT NULL)'
	is 'INSERT t SELECT DIV(10, x) FROM UNNEST([5, 2, 0]) AS x ORDER BY x DESC' 'division by zero: 10 / 0'
	is 'SELECT COUNT(*) FROM t' 'f0_:INTEGER' 0
}

@test "UPDATE and DELETE need WHERE, and UPDATE one source row for each target row" {
	people
	is 'UPDATE people SET pay = pay + 1, name = team WHERE id = 1' '' 'changed 1'
	is 'SELECT pay, name FROM people WHERE id = 1' 'pay:NUMERIC name:STRING' '11|a'
	is 'UPDATE people p SET pay = q.id FROM people q WHERE q.id = p.id + 1' '' 'changed 3'
	is 'SELECT pay FROM people ORDER BY id' 'pay:NUMERIC' 2 3 4 100
	is 'UPDATE people p SET pay = q.id FROM people q WHERE p.id = 1' 'UPDATE/MERGE must match at most one source row for each target row'
	is 'UPDATE people SET pay = 1' 'UPDATE must have a WHERE clause at [1:26]'
	is 'UPDATE people SET id = NULL WHERE TRUE' 'Required field id cannot be null'
	is 'UPDATE people SET pay = 1, pay = 2 WHERE TRUE' 'Update item pay assigned more than once at [1:28]'
	is 'DELETE people' 'DELETE must have a WHERE clause at [1:14]'
	is 'DELETE FROM people WHERE team IS NULL' '' 'changed 1'
	is 'TRUNCATE TABLE people' '' 'changed 3'
}

@test "MERGE takes the first clause that applies, on the old rows" {
	sql "CREATE TABLE t AS SELECT id, v FROM UNNEST([STRUCT(1 AS id, 'a' AS v), (2, 'b'), (3, 'c')])"
	is "MERGE INTO t T USING (SELECT 1 AS id, 'x' AS v UNION ALL SELECT 2, NULL UNION ALL SELECT 9, 'n') S ON T.id = S.id
		WHEN MATCHED AND S.v IS NULL THEN DELETE
		WHEN MATCHED THEN UPDATE SET v = CONCAT(T.v, S.v)
		WHEN NOT MATCHED THEN INSERT ROW
		WHEN NOT MATCHED BY SOURCE AND T.id > 2 THEN UPDATE SET v = 'gone'" '' 'changed 4'
	is 'SELECT * FROM t ORDER BY id' 'id:INTEGER v:STRING' '1|ax' '3|gone' '9|n'
	is 'MERGE t USING (SELECT 1 AS id UNION ALL SELECT 1) S ON t.id = S.id WHEN MATCHED THEN DELETE' \
		'UPDATE/MERGE must match at most one source row for each target row'
	is 'MERGE t USING (SELECT 5 AS id UNION ALL SELECT 5) S ON t.id = S.id WHEN MATCHED THEN DELETE
		WHEN NOT MATCHED THEN INSERT (id) VALUES (S.id)' '' 'changed 2'
	is 'MERGE t USING (SELECT 1) ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE' '' 'changed 5'
}

@test "CREATE TABLE declares what the API shows" {
	sql "CREATE TABLE t (id INT64 NOT NULL OPTIONS(description='key'), ts TIMESTAMP, c STRING) PARTITION BY TIMESTAMP_TRUNC(ts, HOUR)
		CLUSTER BY c, id OPTIONS(description='d', labels=[('a', 'b')], require_partition_filter=TRUE, partition_expiration_days=1)"
	run bq_api GET "datasets/$DATASET/tables/t"
	assert_json '.[0] | .timePartitioning.type == "HOUR" and .timePartitioning.field == "ts" and .timePartitioning.expirationMs == "86400000"'
	assert_json '.[0] | .clustering.fields == ["c", "id"] and .labels == {a: "b"} and .description == "d" and .requirePartitionFilter'
	assert_json '.[0].schema.fields[0] | .mode == "REQUIRED" and .description == "key"'
	run sql 'CREATE TABLE t (id INT64)'
	assert_output_contains 'Already Exists'
	is 'CREATE TABLE IF NOT EXISTS t (x STRING)' ''
	is 'SELECT * FROM t' 'id:INTEGER ts:TIMESTAMP c:STRING'
	is 'CREATE OR REPLACE TABLE t AS SELECT id, 1 AS one FROM t' ''
	is 'SELECT * FROM t' 'id:INTEGER one:INTEGER'
	is 'CREATE TABLE u AS SELECT 1' 'CREATE TABLE columns must be named, but column 1 has no name at [1:19]'
	is 'CREATE TABLE u (n NUMERIC(40, 2))' 'Invalid precision or scale of NUMERIC at [1:26]'
}

@test "ALTER TABLE widens and never narrows" {
	sql 'CREATE TABLE t (id INT64 NOT NULL, n NUMERIC); INSERT t VALUES (7, 1.5)'
	is 'ALTER TABLE t ADD COLUMN x STRING, ALTER COLUMN id SET DATA TYPE NUMERIC, ALTER COLUMN n SET DATA TYPE FLOAT64' ''
	is 'SELECT id, n, x, id + 1 FROM t' 'id:NUMERIC n:FLOAT x:STRING f0_:NUMERIC' '7|1.5|NULL|8'
	run sql 'ALTER TABLE t ALTER COLUMN id SET DATA TYPE INT64'
	assert_output_contains 'is assignable to the new type (INT64)'
	is 'ALTER TABLE t ADD COLUMN y INT64 NOT NULL' 'Cannot add required columns to an existing table schema: y at [1:15]'
	is 'ALTER TABLE t ADD COLUMN IF NOT EXISTS x STRING' ''
	is 'ALTER TABLE t ADD COLUMN x STRING' 'Column already exists: x at [1:15]'
	is 'ALTER TABLE t DROP COLUMN x, ALTER COLUMN id DROP NOT NULL' ''
	is 'INSERT t (n) VALUES (2)' '' 'changed 1'
	is 'ALTER TABLE t DROP COLUMN x' 'Column not found: x at [1:15]'
}

@test "views follow their tables; DROP minds the kind" {
	people
	is 'CREATE VIEW v AS SELECT id, UPPER(name) AS n FROM '"$DATASET"'.people' ''
	is 'SELECT n FROM v WHERE id = 2' 'n:STRING' BOB
	is 'INSERT v (id) VALUES (1)' "$DATASET.v is not a table and cannot be changed by DML at [1:8]"
	run sql 'DROP TABLE v'
	assert_output_contains 'has type VIEW'
	is 'DROP VIEW v' ''
	is 'DROP TABLE IF EXISTS v' ''
	is 'DROP TABLE v' "Not found: Table $PROJECT:$DATASET.v was not found in location US"
}

@test "a transaction is all or nothing; a script without one keeps what finished" {
	sql 'CREATE TABLE t (id INT64)'
	is 'BEGIN TRANSACTION; INSERT t VALUES (1); INSERT t VALUES (DIV(1, 0)); COMMIT TRANSACTION' 'division by zero: 1 / 0'
	is 'SELECT COUNT(*) FROM t' 'f0_:INTEGER' 0
	is 'INSERT t VALUES (1); INSERT t VALUES (DIV(1, 0))' 'division by zero: 1 / 0'
	is 'SELECT COUNT(*) FROM t' 'f0_:INTEGER' 1
	is 'BEGIN TRANSACTION; DELETE t WHERE TRUE; ROLLBACK TRANSACTION; SELECT COUNT(*) AS n FROM t' 'n:INTEGER' 1 'changed 1'
	is 'COMMIT TRANSACTION; SELECT 1' 'There is no active transaction at [1:1]'
}

@test "INFORMATION_SCHEMA lists tables and columns" {
	people
	is "SELECT table_name, table_type FROM $DATASET.INFORMATION_SCHEMA.TABLES" 'table_name:STRING table_type:STRING' 'people|BASE TABLE'
	is "SELECT column_name, is_nullable, data_type FROM $DATASET.INFORMATION_SCHEMA.COLUMNS WHERE ordinal_position IN (1, 4) ORDER BY 1" \
		'column_name:STRING is_nullable:STRING data_type:STRING' 'id|NO|INT64' 'pay|YES|NUMERIC'
	is 'SELECT _PARTITIONTIME FROM people' 'Unrecognized name: _PARTITIONTIME; the table is not partitioned by ingestion time at [1:8]'
}

@test "what lies outside the subset is named" {
	is 'DECLARE x INT64' 'Statement not supported: DECLARE at [1:1]'
	is 'CREATE FUNCTION f() AS (1)' 'Statement not supported: CREATE FUNCTION at [1:8]'
	is 'SELECT REGEXP_CONTAINS("x", "x")' 'Function not found: REGEXP_CONTAINS at [1:8]'
	is 'WITH RECURSIVE a AS (SELECT 1) SELECT 1' 'WITH RECURSIVE is not supported at [1:6]'
	is 'SELECT SAFE.LOWER("A")' 'The SAFE. prefix is not supported: SAFE.LOWER at [1:8]'
}

# billed SQL [MAXIMUM]: bytes processed and billed of a query job, or why it failed.
billed() {
	local job
	job=$(bq_api POST jobs "$(jq -nc --arg q "$1" --arg m "${2:-}" --arg d "$DATASET" '{configuration: {query: ({query: $q,
		useLegacySql: false, defaultDataset: {datasetId: $d}} + (if $m == "" then {} else {maximumBytesBilled: $m} end))}}')" |
		jq -r .jobReference.jobId) || return
	# Answers once the job has ended, well or not.
	bq_api GET "queries/$job?maxResults=0" >/dev/null || true
	bq_api GET "jobs/$job" | jq -r '.status.errorResult.reason // (.statistics.query | .totalBytesProcessed + " " + .totalBytesBilled)'
}

@test "what is read is billed: 10 MiB for each table at least, nothing for DDL" {
	local ten=10485760
	assert_equal "$(billed 'CREATE TABLE a (x INT64, s STRING)')" '0 0'
	assert_equal "$(billed 'CREATE TABLE b (x INT64)')" '0 0'
	assert_equal "$(billed "INSERT INTO a (x, s) VALUES (1, 'abc'), (2, NULL)")" '0 0'
	assert_equal "$(billed 'SELECT 1')" '0 0'
	assert_equal "$(billed 'SELECT * FROM a')" "21 $ten"
	assert_equal "$(billed 'SELECT COUNT(*) FROM a AS p CROSS JOIN a AS q')" "21 $ten"
	assert_equal "$(billed 'SELECT a.x FROM a CROSS JOIN b')" "21 $((2 * ten))"
	assert_equal "$(billed 'MERGE b USING a ON a.x = b.x WHEN NOT MATCHED THEN INSERT (x) VALUES (x)')" "21 $((2 * ten))"
	assert_equal "$(billed 'UPDATE b SET x = 3 WHERE x = 1')" "16 $ten"
	assert_equal "$(billed 'DELETE FROM b WHERE x = 3' $((ten - 1)))" bytesBilledLimitExceeded
	is 'SELECT COUNT(*) AS n FROM b' n:INTEGER 2
	assert_equal "$(billed 'DELETE FROM b WHERE x = 3' "$ten")" "16 $ten"
	is 'SELECT COUNT(*) AS n FROM b' n:INTEGER 1
}
