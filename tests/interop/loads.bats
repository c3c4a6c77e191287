#!/usr/bin/env bats
# Loads that make bqload send each of its statements, in as many forms as there are; run by tests/interop/run, whose
# judge stands in localcloud's place. What a statement does is the judge's business: here only that each load ends well.

load ../bats/helper/common
load ../bats/helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	dataset=loads$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	begin='"scope":"full","key":["id"]'
	stage=0
}

# load_rows OPTION... [-- ROW...]: rows of $schema into $dataset.t.
load_rows() {
	local options=()

	while (($# > 0)) && [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	(($# == 0)) || shift
	stage=$((stage + 1))
	{
		printf '{"@begin":{"version":1,%s,"schema":{"fields":%s}}}\n' "$begin" "${schema//$'\n'/}"
		(($# == 0)) || printf '%s\n' "$@"
		printf '{"@end":{"rows":%d,"rejected":0}}\n' $#
	} >"$BATS_TEST_TMPDIR/stream.$stage"
	run bqload --quiet "${options[@]}" "$dataset.t" <"$BATS_TEST_TMPDIR/stream.$stage"
	assert_status 0
}

# A column of each type, and a value of it.
every_type='[{"name":"i","type":"INTEGER"},{"name":"f","type":"FLOAT"},{"name":"n","type":"NUMERIC"},
	{"name":"g","type":"BIGNUMERIC"},{"name":"b","type":"BOOLEAN"},{"name":"s","type":"STRING"},{"name":"y","type":"BYTES"},
	{"name":"d","type":"DATE"},{"name":"m","type":"TIME"},{"name":"w","type":"DATETIME"},{"name":"t","type":"TIMESTAMP"},
	{"name":"j","type":"JSON"},{"name":"v","type":"INTERVAL"},
	{"name":"r","type":"RECORD","fields":[{"name":"x","type":"INTEGER"},{"name":"y","type":"STRING","mode":"REPEATED"}]},
	{"name":"a","type":"RECORD","mode":"REPEATED","fields":[{"name":"x","type":"DATE"}]}]'
every_value='"i":"9007199254740993","f":1.5,"n":"-0.000000001","g":"1e-38","b":true,"s":"it'\''s \"q\" \\ é","y":"AAE=",
	"d":"2026-01-31","m":"01:02:03.000004","w":"2026-01-31T01:02:03.5","t":"2026-01-31T01:02:03.000004Z","j":{"k":[1,null]},
	"v":"1-2 3 4:5:6","r":{"x":1,"y":["a","b"]},"a":[{"x":"2026-01-31"},{"x":null}]'

@test "rows of every type are updated and inserted" {
	schema='[{"name":"id","type":"INTEGER"},'${every_type#[}
	load_rows --write merge -- '{"id":1}' "{\"id\":2,${every_value//$'\n'/}}"
	load_rows --write merge -- "{\"id\":1,${every_value//$'\n'/}}" '{"id":2}' "{\"id\":3,${every_value//$'\n'/}}"
}

@test "a key of each type, alone and of two" {
	local name type value
	while read -r name type value; do
		schema="[{\"name\":\"$name\",\"type\":\"$type\"},{\"name\":\"other\",\"type\":\"STRING\"},{\"name\":\"x\",\"type\":\"INTEGER\"}]"
		bq_sql "DROP TABLE IF EXISTS $dataset.t"
		begin="\"key\":[\"$name\"]"
		load_rows --write merge -- "{\"$name\":$value,\"other\":\"o\",\"x\":1}"
		begin="\"key\":[\"$name\",\"other\"]"
		load_rows --write merge -- "{\"$name\":$value,\"other\":\"o\",\"x\":2}" "{\"$name\":$value,\"other\":\"p\",\"x\":2}"
	done <<-'END'
		i INTEGER 5
		n NUMERIC "1.50"
		g BIGNUMERIC "1e-38"
		b BOOLEAN true
		s STRING "it's"
		y BYTES "AAE="
		d DATE "2026-01-31"
		m TIME "01:02:03"
		w DATETIME "2026-01-31T01:02:03"
		t TIMESTAMP "2026-01-31T01:02:03.000004Z"
	END
}

@test "a cursor of each type decides which row stays" {
	local type older newer
	while read -r type older newer; do
		schema="[{\"name\":\"id\",\"type\":\"INTEGER\"},{\"name\":\"c\",\"type\":\"$type\"},{\"name\":\"v\",\"type\":\"STRING\"}]"
		bq_sql "DROP TABLE IF EXISTS $dataset.t"
		load_rows --write merge --cursor c -- "{\"id\":1,\"c\":$newer,\"v\":\"stays\"}" "{\"id\":2,\"v\":\"goes\"}"
		load_rows --write merge --cursor c -- "{\"id\":1,\"c\":$older,\"v\":\"old\"}" "{\"id\":2,\"c\":$older,\"v\":\"a\"}" \
			"{\"id\":2,\"c\":$newer,\"v\":\"b\"}" "{\"id\":3,\"c\":$older,\"v\":\"new\"}"
	done <<-'END'
		INTEGER 9 10
		NUMERIC "9.5" "10"
		DATE "2026-01-01" "2026-01-02"
		DATETIME "2026-01-01T00:00:00" "2026-01-01T00:00:00.000001"
		TIMESTAMP "2026-01-01T00:00:00Z" "2026-01-01T00:00:00.000001Z"
		STRING "a" "b"
	END
}

@test "each kind of partition is pruned, with NULLs and without" {
	local type unit value
	while read -r type unit value; do
		schema="[{\"name\":\"id\",\"type\":\"INTEGER\"},{\"name\":\"p\",\"type\":\"$type\"},{\"name\":\"v\",\"type\":\"STRING\"}]"
		bq_sql "DROP TABLE IF EXISTS $dataset.t"
		load_rows --write merge --partition-by "p:$unit" -- "{\"id\":1,\"p\":$value,\"v\":\"a\"}" '{"id":2,"v":"a"}'
		load_rows --write merge --immutable p -- "{\"id\":1,\"p\":$value,\"v\":\"b\"}" "{\"id\":3,\"p\":$value,\"v\":\"b\"}"
		load_rows --write merge --immutable p -- "{\"id\":1,\"p\":$value,\"v\":\"c\"}" '{"id":2,"v":"c"}'
		load_rows --write merge --immutable p -- '{"id":2,"v":"d"}'
	done <<-'END'
		DATE DAY "2026-01-31"
		DATE MONTH "2026-01-31"
		DATETIME HOUR "2026-01-31T01:02:03.5"
		DATETIME YEAR "2026-01-31T01:02:03"
		TIMESTAMP HOUR "2026-01-31T01:02:03.000004Z"
		TIMESTAMP DAY "1969-12-31T23:59:59.999999Z"
		INTEGER -100:100:10 -5
	END
}

@test "names that need their quotes" {
	schema='[{"name":"select","type":"INTEGER"},{"name":"t","type":"STRING"},{"name":"T_","type":"STRING"},{"name":"S","type":"STRING"},
		{"name":"n° 1 %","type":"STRING"},{"name":"価格","type":"FLOAT"},{"name":"_x","type":"RECORD","fields":[{"name":"from","type":"INTEGER"}]}]'
	begin='"scope":"full","key":["select","n° 1 %"]'
	load_rows --write merge --cursor t -- '{"select":1,"n° 1 %":"a","t":"1","S":"s","価格":1.5,"_x":{"from":1}}'
	load_rows --write merge --cursor t -- '{"select":1,"n° 1 %":"a","t":"2","S":"u"}' '{"select":1,"n° 1 %":"b","t":"2","T_":"v"}'
	load_rows --write merge --delete-missing -- '{"select":1,"n° 1 %":"b","t":"3"}'
}

@test "rows that a full stream lacks are deleted, marked, and come back" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"v","type":"STRING"}]'
	load_rows --write merge -- '{"id":1,"v":"a"}' '{"id":2,"v":"a"}' '{"id":3,"v":"a"}' '{"id":4,"v":"a"}'
	load_rows --write merge --delete-missing -- '{"id":1,"v":"b"}' '{"id":2,"v":"a"}' '{"id":3,"v":"a"}'
	load_rows --write merge --soft-delete gone -- '{"id":2,"v":"c"}' '{"id":3,"v":"a"}'
	load_rows --write merge --soft-delete gone -- '{"id":1,"v":"d"}' '{"id":3,"v":"d"}'
	load_rows --write merge --undelete gone -- '{"id":2,"v":"e"}'
	schema='[{"name":"id","type":"INTEGER"}]'
	load_rows --write merge --soft-delete gone --keys-only -- '{"id":1}' '{"id":2}'
	load_rows --write merge --delete-missing --keys-only -- '{"id":1}' '{"id":2}'
}

@test "columns are added, relaxed; a table is emptied" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"v","type":"STRING","mode":"REQUIRED"}]'
	load_rows --write merge -- '{"id":1,"v":"a"}'
	schema='[{"name":"id","type":"INTEGER"},{"name":"v","type":"STRING"},{"name":"w","type":"STRING"}]'
	load_rows --write merge -- '{"id":1,"w":"b"}' '{"id":2,"v":"c"}'
	load_rows --write truncate
}

@test "columns become wider" {
	schema='[{"name":"id","type":"INTEGER"},{"name":"n° 1","type":"INTEGER"},{"name":"select","type":"INTEGER"},
		{"name":"n","type":"NUMERIC","precision":"5","scale":"2"},{"name":"s","type":"STRING","maxLength":"3"}]'
	load_rows --write merge -- '{"id":1,"n° 1":1,"select":2,"n":"1.25","s":"abc"}'
	schema='[{"name":"id","type":"INTEGER"},{"name":"n° 1","type":"NUMERIC"},{"name":"select","type":"FLOAT"},
		{"name":"n","type":"NUMERIC"},{"name":"s","type":"STRING"}]'
	load_rows --write merge --evolve widen -- '{"id":1,"n° 1":"1.5","select":2.5,"n":"123456.5","s":"abcd"}'
	schema='[{"name":"id","type":"INTEGER"},{"name":"n° 1","type":"BIGNUMERIC"},{"name":"n","type":"BIGNUMERIC"}]'
	load_rows --write append --evolve widen -- '{"id":2,"n° 1":"1e-30","n":"1e-30"}'
}
