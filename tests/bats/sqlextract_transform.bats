#!/usr/bin/env bats
# What sqlextract makes of columns on request: other types, hashes, masks, names.
# The rules of each type are in tests/unit/convert_test.c; this is the way there and back.

# shellcheck disable=SC2016,SC2154 # SQL has dollars; run_split sets errors

load helper/common
load helper/mariadb
load helper/postgres

setup_file() {
	mariadb_start
	postgres_start
	psql_do "CREATE TABLE people (id bigint PRIMARY KEY, email text NOT NULL, phone text, born date, salary numeric(12,2),
		score float8, active bool, photo bytea, notes jsonb, seen timestamptz, noted timestamp, tags text[])" \
		"COMMENT ON COLUMN people.email IS 'where to write to'" \
		"INSERT INTO people VALUES (1, 'alice@example.com', '+49 30 123456', '1970-01-31', 12.00, 0.5, true, '\\xff00',
			'{\"a\": 1}', '2026-01-31 10:00+01', '2026-01-31 00:00', '{a,b}'),
			(9007199254740993, E'b\"\\\\\\n\\u00e9', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
}

teardown_file() {
	mariadb_stop
	postgres_stop
}

setup() {
	KEY=$BATS_TEST_TMPDIR/hash.key
	(umask 077 && openssl rand -hex 32 >"$KEY")
}

rows() {
	sqlextract -q "$PG_URI" "$@" | sed '1d;$d'
}

schema() {
	sqlextract -q --schema-only "$PG_URI" "$@" | jq -c 'map([.name, .type, .mode])'
}

# hash_of TEXT: as the manual says how to check one.
hash_of() {
	printf %s "$1" | openssl dgst -sha256 -hmac "$(cat "$KEY")" | sed 's/.*= //'
}

# refused STATUS MESSAGE ARGUMENT...
refused() {
	local want=$1 message=$2
	shift 2

	run_split sqlextract "$PG_URI" "$@"
	assert_status "$want"
	[[ $errors == *"$message"* ]] || _fail "'$message' is not in: $errors"
}

# --- types -------------------------------------------------------------------------

@test "--type gives a column another type, in the schema and in the rows" {
	assert_equal "$(schema people --columns id,email,born,salary,seen,noted,active \
		--type id=BIGNUMERIC --type born=timestamp --type 'salary=decimal(10,2)' --type seen=DATETIME \
		--type noted=DATE --type active=JSON --type email=bytes)" \
		'[["id","BIGNUMERIC","REQUIRED"],["email","BYTES","REQUIRED"],["born","TIMESTAMP","NULLABLE"],["salary","NUMERIC","NULLABLE"],["seen","DATETIME","NULLABLE"],["noted","DATE","NULLABLE"],["active","JSON","NULLABLE"]]'
	assert_equal "$(rows people --columns id,email,born,salary,seen,noted,active \
		--type id=BIGNUMERIC --type born=timestamp --type 'salary=INT64' --type seen=DATETIME \
		--type noted=DATE --type active=JSON --type email=bytes)" \
		'{"id":"1","email":"YWxpY2VAZXhhbXBsZS5jb20=","born":"1970-01-31T00:00:00.000000Z","salary":12,"seen":"2026-01-31T09:00:00.000000","noted":"2026-01-31","active":true}
{"id":"9007199254740993","email":"YiJcCsOp","born":null,"salary":null,"seen":null,"noted":null,"active":null}'
}

@test "a precision that is asked for stands in the schema" {
	run_split sqlextract -q --schema-only "$PG_URI" people --columns id,salary --type 'id=NUMERIC(20,1)' --type salary=NUMERIC
	assert_equal "$(jq -c 'map([.type, .precision, .scale])' <<<"$output")" '[["NUMERIC","20","1"],["NUMERIC",null,null]]'
}

@test "STRING takes every type, as the server prints it" {
	assert_equal "$(rows people --limit 1 --columns id,born,salary,active,photo,notes,tags,seen \
		--type id=STRING --type born=STRING --type salary=STRING --type active=STRING --type photo=STRING \
		--type notes=STRING --type tags=STRING --type seen=STRING)" \
		'{"id":"1","born":"1970-01-31","salary":"12.00","active":"true","photo":"\\xff00","notes":"{\"a\": 1}","tags":"{a,b}","seen":"2026-01-31 09:00:00+00"}'
	assert_equal "$(schema people --columns tags --type tags=STRING)" '[["tags","STRING","NULLABLE"]]'
}

@test "a value that does not fit is a reject that shows it" {
	psql_do "CREATE TABLE codes (id int PRIMARY KEY, code text)" \
		"INSERT INTO codes VALUES (1, '42'), (2, E'4\"2'), (3, '007'), (4, NULL), (5, '-1')"
	run_split sqlextract "$PG_URI" codes --type code=INTEGER
	assert_status 65
	[[ $errors == *'public.codes: too many rejects'*'key {"id":2}, column code: not a number'* ]] || _fail "$errors"
	run_split sqlextract -q "$PG_URI" codes --type code=INTEGER --max-rejects 2 --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_status 0
	assert_equal "$(sed 1d <<<"$output")" '{"id":1,"code":42}
{"id":4,"code":null}
{"id":5,"code":-1}
{"@end":{"rows":3,"rejected":2}}'
	assert_equal "$(jq -c '.["@reject"] | [.key, .column, .value]' "$BATS_TEST_TMPDIR/rejects")" \
		'[{"id":2},"code","4\"2"]
[{"id":3},"code","007"]'
}

@test "long values are converted whole" {
	psql_do "CREATE TABLE long_text (t text)" "INSERT INTO long_text SELECT repeat(E'\\u00e9\"\\n', 100000)"
	assert_equal "$(rows long_text --type t=BYTES | jq -r .t | base64 -d | sha256sum)" \
		"$(rows long_text | jq -j .t | sha256sum)"
	psql_do "CREATE TABLE long_json (j text)" "INSERT INTO long_json
		SELECT '{' || string_agg(format('\"k%s\" : [ 1 ]', n), ' , ') || '}' FROM generate_series(1, 30000) n"
	assert_equal "$(rows long_json --type j=JSON | jq '.j | length')" 30000
	psql_do "UPDATE long_json SET j = replace(j, 'k30000', 'k1')"
	refused 65 "the same key twice" long_json --type j=JSON
}

@test "a type that does not exist, or that no value can have, is 64" {
	refused 64 "'INT' is not a type" people --type id=INT
	refused 64 "(precision,scale)" people --type 'id=NUMERIC(1,2,3)'
	refused 64 "at most 9" people --type 'id=NUMERIC(38,10)'
	refused 64 "is not COL=TYPE" people --type id
	refused 64 'column "id" is INTEGER (bigint), of which no value can be DATE' people --type id=DATE
	refused 64 'column "tags" is an array' people --type tags=JSON
	refused 64 'column "id" has --type already' people --type id=STRING --type id=NUMERIC
	refused 64 'one column at a time' people --type id,email=STRING
}

@test "columns in --type, --hash and --mask are those that are read" {
	local option

	for option in --type=nobody=STRING --hash=nobody --mask=nobody; do
		refused 66 'there is no column "nobody"' people "$option" --hash-key "$KEY" --hash email
	done
	for option in --type=email=BYTES --hash=email --mask=email; do
		refused 64 'column "email" is not among those that are read' people --exclude email "$option" --hash-key "$KEY" --hash phone
	done
	psql_do 'CREATE TABLE odd ("a=b" int, "c,""d" text)' "INSERT INTO odd VALUES (1, 'x')"
	assert_equal "$(rows odd --type '"a=b"=NUMERIC' --mask '"c,""d"=constant:e=f')" '{"a_b":"1","c__d":"e=f"}'
	assert_equal "$(rows odd --type 'a=b=NUMERIC' --exclude '"c,""d"')" '{"a_b":"1"}'
}

# --- hashes ---------------------------------------------------------------------------

@test "--hash is the HMAC-SHA256 of the value's text, as openssl computes it" {
	run rows people --columns id,email,phone,salary,score,active,born,photo \
		--hash id,email --hash phone,salary,score,active,born,photo --hash-key "$KEY"
	assert_equal "$(jq -r .email <<<"${lines[0]}")" "$(hash_of alice@example.com)"
	assert_equal "$(jq -r .id <<<"${lines[0]}")" "$(hash_of 1)"
	assert_equal "$(jq -r .phone <<<"${lines[0]}")" "$(hash_of '+49 30 123456')"
	assert_equal "$(jq -r .salary <<<"${lines[0]}")" "$(hash_of 12.00)"
	assert_equal "$(jq -r .score <<<"${lines[0]}")" "$(hash_of 0.5)"
	assert_equal "$(jq -r .active <<<"${lines[0]}")" "$(hash_of true)"
	assert_equal "$(jq -r .born <<<"${lines[0]}")" "$(hash_of 1970-01-31)"
	assert_equal "$(jq -r .photo <<<"${lines[0]}")" "$(hash_of /wA=)"
	assert_equal "$(jq -r .id <<<"${lines[1]}")" "$(hash_of 9007199254740993)"
	assert_equal "$(jq -r .email <<<"${lines[1]}")" "$(hash_of $'b"\\\n\u00e9')"
	assert_equal "$(jq -c '[.phone, .salary]' <<<"${lines[1]}")" '[null,null]'
}

@test "equal values have equal hashes, whatever the table and the width of the type" {
	psql_do "CREATE TABLE widths (a int2, b int4, c int8, d text, e varchar(5))" "INSERT INTO widths VALUES (7, 7, 7, '7', '7')"
	assert_equal "$(rows widths --hash a,b,c,d,e --hash-key "$KEY" | jq -c '[.[]] | unique')" "[\"$(hash_of 7)\"]"
}

@test "equal values have equal hashes in both databases, and types are taken from both" {
	local hashed=(pairs --hash "id,mail,price,made" --hash-key "$KEY")

	mariadb_do "CREATE TABLE pairs (id int unsigned PRIMARY KEY, mail varchar(50), price decimal(8,2), made datetime, code char(3), t text)" \
		"INSERT INTO pairs VALUES (7, 'Zoë\"', 12.5, '2026-01-31 10:00:00', '12', '{\"a\" : 1}')"
	psql_do "CREATE TABLE pairs (id int8 PRIMARY KEY, mail text, price numeric(12,2), made timestamp(0), code char(3), t text)" \
		"INSERT INTO pairs VALUES (7, 'Zoë\"', 12.5, '2026-01-31 10:00:00', '12', '{\"a\" : 1}')"
	assert_equal "$(sqlextract -q "$MARIADB_URI" "${hashed[@]}" --exclude code | sed '1d;$d')" \
		"$(rows "${hashed[@]}" --exclude code)"
	assert_equal "$(sqlextract -q "$MARIADB_URI" pairs --type id=STRING --type price=FLOAT --type made=DATE --mask mail \
		--type code=INTEGER --type t=JSON --max-rejects 1 | sed '1d;$d')" ""
	assert_equal "$(sqlextract -q "$MARIADB_URI" pairs --type id=STRING --type price=FLOAT --type made=TIMESTAMP --mask mail=partial:1 \
		--type code=INTEGER --type t=JSON | sed '1d;$d')" \
		'{"id":"7","mail":"***\"","price":12.50,"made":"2026-01-31T10:00:00.000000Z","code":12,"t":{"a":1}}'
}

@test "a hashed column is a STRING, REQUIRED if it was, with its description" {
	run_split sqlextract -q --schema-only "$PG_URI" people --columns email,salary --hash email,salary --hash-key "$KEY"
	assert_equal "$(jq -c . <<<"$output")" \
		'[{"name":"email","type":"STRING","mode":"REQUIRED","description":"where to write to"},{"name":"salary","type":"STRING","mode":"NULLABLE"}]'
}

@test "the key of --hash is a file of 32 bytes or more that nobody else can read" {
	local nowhere=postgresql://postgres@localhost:1/postgres

	# Found before a connection is made.
	run_split sqlextract "$nowhere" people --hash email --hash-key "$BATS_TEST_TMPDIR/none"
	assert_status 66
	printf %s 0123456789abcdef0123456789abcde >"$KEY"
	run_split sqlextract "$nowhere" people --hash email --hash-key "$KEY"
	assert_status 78
	[[ $errors == *"31 bytes"* ]] || _fail "$errors"
	printf %s 0123456789abcdef0123456789abcdef >"$KEY"
	chmod 640 "$KEY"
	run_split sqlextract "$nowhere" people --hash email --hash-key "$KEY"
	assert_status 78
	[[ $errors == *"chmod 600"* && $errors != *0123456789* ]] || _fail "$errors"
	refused 64 "--hash needs a key" people --hash email
	refused 64 "--hash-key is the key of --hash" people --hash-key "$KEY"
}

@test "the newline behind a key does not count" {
	local hash

	hash=$(rows people --hash email --hash-key "$KEY" | head -n 1 | jq -r .email)
	tr -d '\n' <"$KEY" >"$KEY.bare"
	chmod 600 "$KEY.bare"
	assert_equal "$(rows people --hash email --hash-key "$KEY.bare" | head -n 1 | jq -r .email)" "$hash"
	assert_equal "$(rows people --hash email --hash-key <(cat "$KEY") | head -n 1 | jq -r .email)" "$hash"
}

@test "a key that is hashed stays the key" {
	run_split sqlextract -q "$PG_URI" people --columns id,born --hash id --hash-key "$KEY"
	assert_equal "$(head -n 1 <<<"$output" | jq -c '.["@begin"].key')" '["id"]'
}

@test "rejects, messages and logs show nothing of what is hashed or masked" {
	local secret=31.12.1999-secret

	psql_do "CREATE TABLE private (id text PRIMARY KEY, born date, note text, n numeric)" \
		"INSERT INTO private VALUES (repeat('$secret', 200), 'infinity', '$secret', 'NaN')"
	run_split sqlextract -v "$PG_URI" private --hash id,born --hash-key "$KEY" --mask note=partial:0 \
		--max-rejects 1 --rejects "$BATS_TEST_TMPDIR/rejects"
	assert_status 0
	assert_equal "$(jq -c '.["@reject"] | [.key.id, .column, .value]' "$BATS_TEST_TMPDIR/rejects")" \
		"[\"$(hash_of "$(printf "$secret%.0s" {1..200})")\",\"born\",\"(hidden)\"]"
	[[ "$output$errors$(<"$BATS_TEST_TMPDIR/rejects")" != *"$secret"* ]] || _fail "the secret shows"
	[[ "$output$errors$(<"$BATS_TEST_TMPDIR/rejects")" != *infinity* ]] || _fail "the value shows"
	run_split sqlextract -v "$PG_URI" private --hash id,n --mask born --hash-key "$KEY"
	assert_status 65
	[[ $errors == *"column n: "* && $output$errors != *"$secret"* && $output$errors != *'"NaN"'* ]] || _fail "$errors"
}

@test "an error of the server's over a view shows nothing of what is hashed or masked" {
	local secret=31.12.1999-secret option

	psql_do "CREATE TABLE told (id int PRIMARY KEY, note text)" "INSERT INTO told VALUES (1, '$secret')" \
		"CREATE VIEW teller AS SELECT id, note::date AS note FROM told"
	run_split sqlextract "$PG_URI" teller --exclude id
	[[ $errors == *"$secret"* ]] || _fail "the server does not quote the value: $errors"
	for option in --mask=note --mask=note=constant:x "--hash=note --hash-key=$KEY"; do
		# shellcheck disable=SC2086 # two options
		run_split sqlextract -v "$PG_URI" teller $option
		assert_status 65
		[[ $errors == *22007* && $output$errors != *"$secret"* ]] || _fail "$errors"
	done
	psql_do "CREATE FUNCTION told(t text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''%'', t; RETURN t; END'" \
		"CREATE VIEW warner AS SELECT id, told(note) AS note FROM told"
	run_split sqlextract -v "$PG_URI" warner --mask note
	assert_status 0
	[[ $errors == *debug* && $output$errors != *"$secret"* ]] || _fail "$errors"
}

# --- masks ----------------------------------------------------------------------------------

@test "--mask null is NULL in the column's own type" {
	assert_equal "$(rows people --columns id,email,salary,tags --mask email --mask salary=null --mask tags)" \
		'{"id":1,"email":null,"salary":null,"tags":[]}
{"id":"9007199254740993","email":null,"salary":null}'
	assert_equal "$(schema people --columns id,email,salary --mask email --mask salary=null)" \
		'[["id","INTEGER","REQUIRED"],["email","STRING","NULLABLE"],["salary","NUMERIC","NULLABLE"]]'
}

@test "--mask constant and partial are STRING, and null stays null" {
	assert_equal "$(rows people --columns id,phone,born,salary --mask phone=partial:4 --mask 'born=constant:a "b"=c' --mask salary=partial:0)" \
		'{"id":1,"phone":"*********3456","born":"a \"b\"=c","salary":"*****"}
{"id":"9007199254740993","phone":null,"born":null,"salary":null}'
	assert_equal "$(schema people --columns phone,born,salary --mask phone=partial:4 --mask born=constant:x --mask salary=partial:0)" \
		'[["phone","STRING","NULLABLE"],["born","STRING","NULLABLE"],["salary","STRING","NULLABLE"]]'
}

@test "a value that cannot be read is no obstacle to what never looks at it" {
	psql_do "CREATE TABLE infinite (d date)" "INSERT INTO infinite VALUES ('infinity')"
	assert_equal "$(rows infinite --mask d=constant:x)$(rows infinite --mask d)" '{"d":"x"}{"d":null}'
}

@test "masks that make no sense are 64" {
	refused 64 "is not null, constant:TEXT or partial:N" people --mask email=stars
	refused 64 "partial" people --mask email=partial:x
	refused 64 'column "photo" is BYTES' people --mask photo=partial:2
	refused 64 'column "tags" is an array' people --mask tags=constant:x
	refused 64 'column "tags" is an array' people --hash tags --hash-key "$KEY"
	refused 64 'column "email" has --hash already' people --hash email --mask email --hash-key "$KEY"
	refused 64 'column "email" has --type already' people --type email=BYTES --hash email --hash-key "$KEY"
	refused 64 'column "email" has --hash already' people --hash email --hash email --hash-key "$KEY"
}

@test "a masked key would lose rows: 64, unless the key is another one" {
	refused 64 'column "id" is in the key' people --mask id=partial:2
	refused 64 'column "email" is in the key' people --key email --mask email
	run_split sqlextract -q "$PG_URI" people --columns id,email --key email --mask id
	assert_status 0
	assert_equal "$(head -n 1 <<<"$output" | jq -c '.["@begin"].key')" '["email"]'
}

# --- names ------------------------------------------------------------------------------------

@test "--names flexible keeps what BigQuery takes, and says what it rewrites" {
	psql_do 'CREATE TABLE named ("Ünï cödé" int PRIMARY KEY, "1st" int, "a.b" int, "_table_x" int)' "INSERT INTO named VALUES (1, 2, 3, 4)"
	run_split sqlextract "$PG_URI" named --names flexible
	assert_status 0
	assert_equal "$(head -n 1 <<<"$output" | jq -c '.["@begin"] | [.key, [.schema.fields[].name]]')" \
		'[["Ünï cödé"],["Ünï cödé","1st","a_b","__table_x"]]'
	assert_equal "$(sed -n 2p <<<"$output")" '{"Ünï cödé":1,"1st":2,"a_b":3,"__table_x":4}'
	[[ $errors == *'column "a.b" is written as "a_b"'* && $errors == *'column "_table_x" is written as "__table_x"'* &&
		$errors != *1st* ]] || _fail "$errors"
	run_split sqlextract "$PG_URI" named
	assert_equal "$(head -n 1 <<<"$output" | jq -c '.["@begin"] | [.key, [.schema.fields[].name]]')" \
		'[["__n___c__d__"],["__n___c__d__","_1st","a_b","__table_x"]]'
	[[ $errors == *'column "1st" is written as "_1st"'* ]] || _fail "$errors"
}

@test "names that collide are an error that names both" {
	psql_do 'CREATE TABLE collide ("a b" int, "a-b" int)'
	refused 65 'columns "a b" and "a-b" would both be "a_b"' collide
	run_split sqlextract -q "$PG_URI" collide --names flexible
	assert_status 0
}

# --- rows ---------------------------------------------------------------------------------------

@test "null arrays are left out, up to an empty row" {
	psql_do "CREATE TABLE arrays (a int[], b text[])" "INSERT INTO arrays VALUES (NULL, NULL), ('{1}', NULL), (NULL, '{x}'), ('{}', '{}')"
	assert_equal "$(rows arrays)" '{}
{"a":[1]}
{"b":["x"]}
{"a":[],"b":[]}'
}

@test "sqlextract links neither curl nor TLS of its own" {
	run_split ldd "$SLUICE_BIN/sqlextract"
	[[ $output == *libcrypto* && $output != *libcurl-gnutls* ]] || _fail "$output"
	! readelf -d "$SLUICE_BIN/sqlextract" | grep -E 'NEEDED.*(libcurl|libssl)' || _fail "curl"
}
