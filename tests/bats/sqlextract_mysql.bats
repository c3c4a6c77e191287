#!/usr/bin/env bats
# sqlextract against a real MariaDB: names, tables of every kind, options. Values are in
# sqlextract_mysql_types.bats, what goes wrong during a read in sqlextract_mysql_faults.bats.

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

@test "awkward identifiers: capitals, spaces, dots, quotes, unicode, reserved words" {
	mariadb_do 'CREATE DATABASE `My.Schema`' 'CREATE TABLE `My.Schema`.`Say ``hi``.now` (`select` int, `Id\` int)' \
		'INSERT INTO `My.Schema`.`Say ``hi``.now` VALUES (1, 2)' 'CREATE TABLE `Grüße` (a int)' 'CREATE TABLE `order` (a int)' \
		"CREATE TABLE \`it's\\\\\` (a int)"
	assert_equal "$(rows '`My.Schema`.`Say ``hi``.now`')" '{"select":1,"Id_":2}'
	for name in 'Grüße' order "it's\\\\"; do
		run_split sqlextract -q "$MARIADB_URI" "$name"
		assert_status 0
		assert_equal "$(head -n 1 <<<"$output" | jq -r '.["@begin"].table')" "test.$name"
	done
	run_split sqlextract -q "$MARIADB_URI" Order
	assert_status 66
}

@test "tables that differ in case alone are told apart" {
	mariadb_do 'CREATE TABLE twin (a int PRIMARY KEY)' 'CREATE TABLE Twin (b int, c int PRIMARY KEY)' 'INSERT INTO twin VALUES (1)' 'INSERT INTO Twin VALUES (2, 3)'
	assert_equal "$(rows twin)" '{"a":1}'
	assert_equal "$(rows Twin)" '{"b":2,"c":3}'
	run_split sqlextract -q "$MARIADB_URI" Twin
	assert_json '.[0]["@begin"].key == ["c"]'
}

@test "a server that ignores case finds the table, and says its name" {
	(
		mariadb_start --lower-case-table-names=1
		trap mariadb_stop EXIT
		mariadb_do 'CREATE TABLE Folded (a int PRIMARY KEY)' 'INSERT INTO Folded VALUES (1)'
		run_split sqlextract -q "$MARIADB_URI" FOLDED
		assert_status 0
		assert_json '.[0]["@begin"] | .table == "test.folded" and .key == ["a"]'
	)
}

@test "views, partitioned tables, system versions and an empty table" {
	mariadb_do 'CREATE TABLE base (id int PRIMARY KEY, v int)' 'INSERT INTO base VALUES (1, 10), (2, 20)' \
		'CREATE VIEW seen AS SELECT id + 1 AS next, v FROM base' \
		'CREATE TABLE parts (id int, y int) PARTITION BY RANGE (y) (PARTITION a VALUES LESS THAN (10), PARTITION b VALUES LESS THAN MAXVALUE)' \
		'INSERT INTO parts VALUES (1, 5), (2, 15)' 'CREATE TABLE hollow (id int)' \
		'CREATE TABLE versioned (id int PRIMARY KEY, v int) WITH SYSTEM VERSIONING' 'INSERT INTO versioned VALUES (1, 1)' 'UPDATE versioned SET v = 2'
	assert_equal "$(rows seen)" $'{"next":2,"v":10}\n{"next":3,"v":20}'
	assert_equal "$(rows parts | sort)" $'{"id":1,"y":5}\n{"id":2,"y":15}'
	assert_equal "$(rows hollow)" ''
	# Only what is valid now.
	assert_equal "$(rows versioned)" '{"id":1,"v":2}'
	run_split sqlextract -q "$MARIADB_URI" versioned
	assert_json '.[0]["@begin"].key == ["id"]'
}

@test "generated and invisible columns are read, dropped ones are not" {
	mariadb_do 'CREATE TABLE made (a int, gone int, double_a int AS (a * 2) VIRTUAL, kept int AS (a + 1) STORED, hidden int INVISIBLE DEFAULT 7)' \
		'INSERT INTO made (a) VALUES (5)' 'ALTER TABLE made DROP COLUMN gone'
	assert_equal "$(rows made)" '{"a":5,"double_a":10,"kept":6,"hidden":7}'
}

@test "NOT NULL, comments and the primary key reach @begin" {
	mariadb_do "CREATE TABLE described (b int NOT NULL COMMENT 'the second', a int NOT NULL, t text, PRIMARY KEY (a, b), UNIQUE (t(10)))"
	run_split sqlextract -q "$MARIADB_URI" described
	assert_json '.[0]["@begin"] | .key == ["a", "b"] and .source == "mysql" and .table == "test.described" and .scope == "full"'
	assert_json '.[0]["@begin"].schema.fields == [{name: "b", type: "INTEGER", mode: "REQUIRED", description: "the second"},
		{name: "a", type: "INTEGER", mode: "REQUIRED"}, {name: "t", type: "STRING", mode: "NULLABLE"}]'
}

@test "the null side of a view's outer join is not promised" {
	mariadb_do 'CREATE TABLE left_side (id int NOT NULL)' 'CREATE TABLE right_side (id int NOT NULL, v int NOT NULL)' 'INSERT INTO left_side VALUES (1)' \
		'CREATE VIEW joined AS SELECT l.id, r.v FROM left_side l LEFT JOIN right_side r ON r.id = l.id'
	run_split sqlextract -q "$MARIADB_URI" joined
	assert_status 0
	assert_json '.[0]["@begin"].schema.fields[1].mode == "NULLABLE" and .[1].v == null'
}

@test "old character sets arrive as UTF-8" {
	mariadb_do "CREATE TABLE charsets (a varchar(10) CHARACTER SET latin1, b varchar(10) CHARACTER SET ucs2, c varchar(10) CHARACTER SET cp1251, d char(5) CHARACTER SET utf8mb4)" \
		"INSERT INTO charsets VALUES ('é€', 'Ж₀', 'Жук', '😀')"
	assert_equal "$(rows charsets)" '{"a":"é€","b":"Ж₀","c":"Жук","d":"😀"}'
}

@test "--columns gives their order, --where and --limit narrow, scope says so" {
	mariadb_do 'CREATE TABLE numbers (id int PRIMARY KEY, v int)' 'INSERT INTO numbers SELECT seq, seq * 2 FROM seq_1_to_100'
	assert_equal "$(rows numbers --columns v,id --where 'id = 7 -- seven')" '{"v":14,"id":7}'
	assert_equal "$(rows numbers --exclude v --where 'id < 3 OR id > 99' --limit 2 | wc -l)" 2
	run_split sqlextract -q "$MARIADB_URI" numbers --limit 0
	assert_json '.[0]["@begin"].scope == "partial" and .[1]["@end"].rows == 0'
	run_split sqlextract -q "$MARIADB_URI" numbers --where 'id > 0' --full
	assert_json '.[0]["@begin"].scope == "full" and .[-1]["@end"].rows == 100'
}

@test "--query reads a statement, with a comment or semicolon at its end" {
	assert_equal "$(rows --query 'SELECT 1 AS a; ')" '{"a":1}'
	assert_equal "$(rows --query 'SELECT 1 AS a -- one')" '{"a":1}'
	assert_equal "$(rows --query 'WITH x AS (SELECT 2 AS a) SELECT * FROM x' --limit 5)" '{"a":2}'
	assert_equal "$(rows --query 'SELECT 1 AS a, 2 AS b' --columns b)" '{"b":2}'
	# Types as a derived table has them: no width is mistaken.
	assert_equal "$(rows --query "SELECT NULL AS a, 1 = 1 AS b, 2.50 AS c, 'x' AS d, DATE '2020-01-02' AS e")" \
		'{"a":null,"b":1,"c":"2.50","d":"x","e":"2020-01-02"}'
}

@test "--limit takes the first rows of a query's order" {
	assert_equal "$(rows --query 'SELECT CAST(seq AS int) AS a FROM seq_1_to_100 ORDER BY seq DESC' --limit 2)" $'{"a":100}\n{"a":99}'
}

@test "--query is prepared and locked without being run" {
	local start=$EPOCHREALTIME

	rows --query 'SELECT SLEEP(1) AS a'
	awk "BEGIN { exit $EPOCHREALTIME - $start < 1.9 ? 0 : 1 }"
}

@test "--schema-only prints the array alone" {
	run_split sqlextract -q "$MARIADB_URI" --schema-only --query "SELECT CAST(1 AS int) AS a, CAST('x' AS char) AS b"
	assert_json '.[0] == [{name: "a", type: "INTEGER", mode: "NULLABLE"}, {name: "b", type: "STRING", mode: "NULLABLE"}]'
}

@test "--list names tables that can be read, by kind" {
	mariadb_do 'CREATE DATABASE listed' 'CREATE TABLE listed.a (i int)' 'CREATE VIEW listed.b AS SELECT 1 AS x' 'CREATE SEQUENCE listed.c' \
		'CREATE TABLE listed.d (i int) PARTITION BY HASH (i) PARTITIONS 2' 'CREATE TABLE listed.hidden (i int)' 'CREATE TABLE listed.e (i int, j int)' \
		'CREATE USER lister' 'GRANT SELECT ON listed.a TO lister' 'GRANT SELECT ON listed.b TO lister' 'GRANT SELECT ON listed.d TO lister' \
		'GRANT SELECT (j) ON listed.e TO lister' 'GRANT INSERT ON listed.hidden TO lister'
	run_split sqlextract "mysql://lister@/listed?socket=$MARIADB_SOCKET" --list
	assert_status 0
	assert_equal "$(jq -r '"\(.schema).\(.table) \(.kind)"' <<<"$output")" 'listed.a table
listed.b view
listed.d partitioned table
listed.e table' list
	# Without a database, those of all databases; never the server's own.
	run_split sqlextract "mysql://lister@/?socket=$MARIADB_SOCKET" --list
	assert_equal "$(jq -r .schema <<<"$output" | sort -u)" listed
	run_split sqlextract -q "mysql://lister@/?socket=$MARIADB_SOCKET" listed.a
	assert_status 0
	run_split sqlextract -q "mysql://lister@/?socket=$MARIADB_SOCKET" a
	assert_status 64
}

@test "SOURCE is percent-decoded, and taken strictly" {
	mariadb_do "CREATE USER 'a b@c'" "CREATE DATABASE \`d/e\`" "CREATE TABLE \`d/e\`.t (a int)" "GRANT SELECT ON \`d/e\`.* TO 'a b@c'"
	run_split sqlextract -q "mariadb://a%20b%40c@/d%2Fe?socket=${MARIADB_SOCKET//\//%2F}" t
	assert_status 0
	local uri

	for uri in 'mysql://root@/test?nope=1' 'mysql://root@/test?socket' 'mysql://root@h:99999/test' 'mysql://root@h:x/test' 'mysql://root@/te%zzst' \
		'mysql://root@h/test?socket=/s' 'mysql://root@/test?sslmode=prefer&socket=/a&socket=/b' 'mysql://root@[::1/test' 'mysql://root@/test#x' \
		'mysql://root@a;b=c/test'; do
		run_split sqlextract -q "$uri" t
		assert_status 64
	done
}

@test "a password in the URI is refused, naming MYSQL_PWD, and never repeated" {
	local uri

	for uri in 'mysql://u:s3cret@h/d' 'mariadb://h/d?password=s3cret' 'mysql://h/d?pass%77ord=s3cret'; do
		run_split sqlextract "$uri" t
		assert_status 64
		[[ $errors == *MYSQL_PWD* && $errors != *s3cret* && $output != *s3cret* ]]
	done
	run_split sqlextract 'mysql://u:s3cret@h/d' t
	[[ $errors == *'any user of this machine'* ]]
	WHERE='mysql://u:s3cret@h/d' run_split sqlextract env:WHERE t
	assert_status 64
	[[ $errors == *MYSQL_PWD* && $errors != *'any user of this machine'* ]]
}
