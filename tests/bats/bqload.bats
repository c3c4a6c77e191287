#!/usr/bin/env bats
# bqload against localcloud: what it commits, and everything on which it must commit nothing.

load helper/common
load helper/localcloud

schema='{"fields":[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"name","type":"STRING"}]}'

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	# A dataset for each test: they share one server.
	dataset=d$BATS_TEST_NUMBER
	bq_dataset "$dataset"
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# stream ROW...: a whole stream of the schema above.
stream() {
	printf '{"@begin":{"version":1,"table":"t","schema":%s}}\n' "$schema"
	(($# == 0)) || printf '%s\n' "$@"
	printf '{"@end":{"rows":%d,"rejected":0}}\n' $#
}

# load_rows ROW... -- OPTION...: run bqload on a stream of the rows, into $dataset.t.
load_rows() {
	local rows=()
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	[[ ${1:-} != -- ]] || shift
	stream "${rows[@]}" >"$BATS_TEST_TMPDIR/stream"
	run bqload --retry-initial 10ms --retry-for 2s "$@" "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
}

# load_text OPTION...: the same with the stream from stdin as it stands.
load_text() {
	cat >"$BATS_TEST_TMPDIR/stream"
	run bqload --retry-initial 10ms --retry-for 2s "$@" "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
}

table_rows() {
	bq_sql "SELECT id, name FROM $dataset.t ORDER BY id"
}

table_exists() {
	curl -fsS "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/datasets/$dataset/tables/t" >/dev/null 2>&1
}

table_get() {
	curl -fsS "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/datasets/$dataset/tables/t" | jq -c "$1"
}

# loaded FILTER: of the @loaded record in $output.
loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

# fails_with STATUS TEXT: and nothing was committed.
fails_with() {
	echo "status $status: $output"
	[ "$status" -eq "$1" ]
	[[ $output == *"$2"* ]]
	[[ $output != *'@loaded'* ]]
	run ! table_exists
}

@test "rows arrive, the record says so, and ends with @end" {
	load_rows '{"id":1,"name":"a"}' '{"id":2}' -- --run-id r1
	[ "$status" -eq 0 ]
	[ "$(loaded '[.table, .rows, .bad, .run, .write, .adopted]')" = "[\"$PROJECT.$dataset.t\",2,0,\"r1\",\"append\",false]" ]
	[ "$(loaded .job | grep -cE '^"test-project:US.sluice_[0-9a-f]{32}_1"$')" = 1 ]
	[[ $output == *'{"@end":{"records":1}}'* ]]
	[ "$(table_rows | tr '\n' ' ')" = '{"id":"1","name":"a"} {"id":"2","name":null} ' ]
}

@test "the new table has the stream's schema, partitions and clusters" {
	schema='{"fields":[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"at","type":"TIMESTAMP","description":"when"}]}'
	load_rows '{"id":1,"at":"2026-01-31T10:00:00Z"}' -- --partition-by at:MONTH --partition-expiration 90d --cluster-by id
	[ "$status" -eq 0 ]
	[ "$(table_get .timePartitioning.type)" = '"MONTH"' ]
	[ "$(table_get .timePartitioning.expirationMs)" = '"7776000000"' ]
	[ "$(table_get .clustering.fields)" = '["id"]' ]
	[ "$(table_get '.schema.fields[0].mode')" = '"REQUIRED"' ]
	[ "$(table_get '.schema.fields[1].description')" = '"when"' ]
}

@test "append adds, truncate replaces, empty wants an empty table" {
	load_rows '{"id":1}' --
	load_rows '{"id":2}' --
	[ "$(table_rows | wc -l)" = 2 ]
	load_rows '{"id":3}' -- --write truncate
	[ "$(table_rows)" = '{"id":"3","name":null}' ]
	load_rows '{"id":4}' -- --write empty
	[ "$status" -eq 69 ]
	[ "$(table_rows)" = '{"id":"3","name":null}' ]
}

@test "zero rows: truncate empties, append makes no job, a missing table is created" {
	load_rows --
	[ "$status" -eq 0 ]
	[ "$(loaded '[.rows, .job]')" = '[0,null]' ]
	[ "$(table_get .numRows)" = '"0"' ]
	load_rows '{"id":1}' --
	load_rows --
	[ "$(table_get .numRows)" = '"1"' ]
	load_rows -- --write truncate
	[ "$status" -eq 0 ]
	[ "$(table_get .numRows)" = '"0"' ]
}

@test "a rerun under the same run id adopts, whatever rows it brings" {
	load_rows '{"id":1}' -- --run-id once
	load_rows '{"id":2}' '{"id":3}' -- --run-id once
	[ "$status" -eq 0 ]
	[ "$(loaded '[.adopted, .rows]')" = '[true,1]' ]
	[ "$(table_rows)" = '{"id":"1","name":null}' ]
}

@test "a run is adopted before anything else is judged: its own rows in the way, another schema" {
	load_rows '{"id":1}' -- --write empty --run-id e
	load_rows '{"id":1}' -- --write empty --run-id e
	[ "$status" -eq 0 ]
	[ "$(loaded .adopted)" = true ]
	schema='{"fields":[{"name":"id","type":"STRING"}]}'
	load_rows '{"id":"x"}' -- --write empty --run-id e
	[ "$status" -eq 0 ]
	[ "$(loaded .adopted)" = true ]
}

@test "a job that is not visible for a moment after its start is waited for" {
	fault '{"match":{"method":"GET","path":"/jobs/","n":2},"times":2,"fault":{"status":404,"reason":"notFound"}}'
	load_rows '{"id":1}' --
	[ "$status" -eq 0 ]
	[ "$(loaded .rows)" = 1 ]
}

@test "zero rows with --replace-schema replace the schema too" {
	load_rows '{"id":1}' --
	schema='{"fields":[{"name":"other","type":"DATE"}]}'
	load_rows -- --write truncate --replace-schema
	[ "$status" -eq 0 ]
	[ "$(table_get .numRows)" = '"0"' ]
	[ "$(table_get '[.schema.fields[].name]')" = '["other"]' ]
}

@test "replacing a table by a part of its source is said" {
	load_text --write truncate < <(stream '{"id":1}' | sed '1s/"table"/"scope":"partial","table"/')
	[ "$status" -eq 0 ]
	[[ $output == *'warning: the stream is a part'* ]]
}

@test "an emptying run is adopted too" {
	load_rows '{"id":1}' --
	load_rows -- --write truncate --run-id none
	load_rows '{"id":2}' -- --write truncate --run-id none
	[ "$(loaded '[.adopted, .rows]')" = '[true,0]' ]
	[ "$(table_get .numRows)" = '"0"' ]
}

@test "after a failed attempt the same run id loads under the next one" {
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"try again"}}}'
	load_rows '{"id":1}' -- --run-id again
	[ "$status" -eq 75 ]
	load_rows '{"id":1}' -- --run-id again
	[ "$status" -eq 0 ]
	[ "$(loaded .job | grep -c '_2"$')" = 1 ]
	[ "$(table_rows | wc -l)" = 1 ]
}

@test "a job of the same run that is running is waited for and adopted" {
	fault '{"times":1,"fault":{"jobDelayMs":1500}}'
	stream '{"id":1}' >"$BATS_TEST_TMPDIR/first"
	bqload --run-id both "$dataset.t" <"$BATS_TEST_TMPDIR/first" >"$BATS_TEST_TMPDIR/out1" 2>&1 &
	local first=$!
	until grep -q 'rows sent' "$BATS_TEST_TMPDIR/out1"; do sleep 0.05; done
	load_rows '{"id":2}' -- --run-id both
	wait "$first"
	[ "$status" -eq 0 ]
	[ "$(loaded .adopted)" = true ]
	[ "$(table_rows)" = '{"id":"1","name":null}' ]
}

@test "a dry run checks everything and writes nothing" {
	load_rows '{"id":1}' -- --dry-run
	[ "$status" -eq 0 ]
	run ! table_exists
	load_rows '{"name":"x"}' -- --dry-run
	[ "$status" -eq 65 ]
}

@test "schema drift: columns are added and relaxed, or it is said what differs" {
	load_rows '{"id":1,"name":"a"}' --
	schema='{"fields":[{"name":"id","type":"INTEGER"},{"name":"extra","type":"DATE"}]}'
	load_rows '{"id":null,"extra":"2026-01-31"}' -- --evolve none
	[ "$status" -eq 65 ]
	[[ $output == *'id      INTEGER REQUIRED  INTEGER  --evolve relax'* ]]
	[[ $output == *'extra   -                 DATE     --evolve add'* ]]
	load_rows '{"id":null,"extra":"2026-01-31"}' --
	[ "$status" -eq 0 ]
	[ "$(table_get '[.schema.fields[].name]')" = '["id","name","extra"]' ]
	[ "$(table_get '.schema.fields[0].mode')" != '"REQUIRED"' ]
}

@test "a table with another schema is 65 with a diff, and stays" {
	load_rows '{"id":1}' --
	schema='{"fields":[{"name":"id","type":"STRING"}]}'
	load_rows '{"id":"x"}' -- --write truncate
	[ "$status" -eq 65 ]
	[[ $output == *'id      INTEGER REQUIRED  STRING  another type'* ]]
	[ "$(table_get .numRows)" = '"1"' ]
	load_rows '{"id":"x"}' -- --write truncate --replace-schema
	[ "$status" -eq 0 ]
	[ "$(table_get '.schema.fields[0].type')" = '"STRING"' ]
}

# everything_schema [MODE]: a column of each type, named after it.
everything_schema() {
	jq -nc --arg mode "${1:-NULLABLE}" '{fields: ([
		"STRING", "BYTES", "INTEGER", "FLOAT", "NUMERIC", "BIGNUMERIC", "BOOLEAN", "TIMESTAMP",
		"DATE", "TIME", "DATETIME", "INTERVAL", "GEOGRAPHY", "JSON"
		| {name: ascii_downcase, type: ., mode: $mode}]
		+ [{name: "small", type: "NUMERIC", precision: "5", scale: "2", mode: $mode},
		   {name: "big", type: "BIGNUMERIC", precision: "76", scale: "38", mode: $mode}])}'
}

# Two values of each, as sqlextract writes them.
everything='{"string":["é\u0000","x"],"bytes":["AAH/",""],"integer":["9223372036854775807",-1],"float":["NaN",1e-300],
	"numeric":["99999999999999999999999999999.999999999","-0.000000001"],
	"bignumeric":["578960446186580977117854925043439539266.34992332820282019728792003956564819967","0"],
	"boolean":[true,false],"timestamp":["0001-01-01T00:00:00.000001Z","9999-12-31T23:59:59.999999Z"],
	"date":["0001-01-01","9999-12-31"],"time":["00:00:00","23:59:59.999999"],
	"datetime":["0001-01-01T00:00:00","9999-12-31T23:59:59.999999"],
	"interval":["P10000Y","P-1Y-2M3DT-4H-5M-6.789S"],"geography":["POINT(1 2)","LINESTRING(0 0, 1 1)"],
	"json":[{"a":[1,null]},"x"],"small":["999.99","-1"],
	"big":["99999999999999999999999999999999999999.99999999999999999999999999999999999999","1"]}'

@test "every type arrives, with its extremes" {
	schema=$(everything_schema)
	load_rows "$(jq -c 'map_values(.[0])' <<<"$everything")" "$(jq -c 'map_values(.[1])' <<<"$everything")" '{}'
	[ "$status" -eq 0 ]
	[ "$(table_get '[.schema.fields[] | select(.precision)] | map([.name, .precision, .scale])')" = \
		'[["small","5","2"],["big","76","38"]]' ]
	[ "$(bq_sql "SELECT integer, numeric, bignumeric, small, big FROM $dataset.t WHERE boolean" | jq -c '[.[]]')" = \
		'["9223372036854775807","99999999999999999999999999999.999999999","578960446186580977117854925043439539266.34992332820282019728792003956564819967","999.99","99999999999999999999999999999999999999.99999999999999999999999999999999999999"]' ]
	[ "$(bq_sql "SELECT COUNT(*) AS n FROM $dataset.t WHERE string IS NULL AND json IS NULL")" = '{"n":"1"}' ]
}

@test "arrays of every type arrive; a null array is left out" {
	schema=$(everything_schema REPEATED)
	load_rows "$(jq -c . <<<"$everything")" '{}' '{"string":[],"json":null}'
	[ "$status" -eq 0 ]
	[ "$(bq_sql "SELECT ARRAY_LENGTH(string) AS s, ARRAY_LENGTH(geography) AS g, ARRAY_LENGTH(big) AS b FROM $dataset.t ORDER BY 1 DESC" | jq -c '[.[]]' | tr '\n' ' ')" = \
		'["2","2","2"] ["0","0","0"] ["0","0","0"] ' ]
	[ "$(bq_sql "SELECT numeric[OFFSET(1)] AS n, \`interval\`[OFFSET(0)] IS NULL AS i FROM $dataset.t WHERE ARRAY_LENGTH(string) = 2")" = \
		'{"n":"-0.000000001","i":"false"}' ]
	# The same again, into what is a table now.
	load_rows "$(jq -c . <<<"$everything")" -- --evolve none
	[ "$status" -eq 0 ]
	load_rows '{"string":["a",null]}' --
	[ "$status" -eq 65 ]
}

@test "flexible column names, escaped in the rows or not" {
	schema='{"fields":[{"name":"été 1","type":"STRING"},{"name":"1st %&=+:<>#|","type":"STRING"},{"name":"価格-円","type":"NUMERIC"}]}'
	load_rows '{"été 1":"a","1st %&=+:<>#|":"b","価格-円":"1.5"}' '{"\u00e9t\u00e9 1":"c"}' --
	[ "$status" -eq 0 ]
	[ "$(bq_sql "SELECT * FROM $dataset.t ORDER BY 1" | tr '\n' ' ')" = \
		'{"été 1":"a","1st %&=+:<>#|":"b","価格-円":"1.5"} {"été 1":"c","1st %&=+:<>#|":null,"価格-円":null} ' ]
	load_rows '{"ete 1":"a"}' --
	[ "$status" -eq 65 ]
	[[ $output == *'column ete 1 is not in the schema'* ]]
	schema='{"fields":[{"name":"a.b","type":"STRING"}]}'
	load_rows '{"a.b":"x"}' --
	[ "$status" -eq 65 ]
	[[ $output == *'column a.b: BigQuery takes no . in a name'* ]]
}

@test "a name of 300 characters, each of three bytes" {
	local name
	name=$(printf '語%.0s' {1..300})
	schema="{\"fields\":[{\"name\":\"$name\",\"type\":\"INTEGER\"}]}"
	load_rows "{\"$name\":7}" --
	[ "$status" -eq 0 ]
	[ "$(bq_sql "SELECT \`$name\` AS n FROM $dataset.t")" = '{"n":"7"}' ]
}

@test "a DATETIME goes into an existing TIMESTAMP column as UTC, in arrays too" {
	schema='{"fields":[{"name":"a","type":"TIMESTAMP"},{"name":"b","type":"TIMESTAMP","mode":"REPEATED"}]}'
	load_rows '{"a":"2026-01-31T12:00:00+02:00"}' --
	schema='{"fields":[{"name":"a","type":"DATETIME"},{"name":"b","type":"DATETIME","mode":"REPEATED"}]}'
	load_rows '{"a":"2026-01-31T10:00:00","b":["0001-01-01T00:00:00","2026-01-31 10:00:00.000001"]}' --
	[ "$status" -eq 0 ]
	[ "$(table_get '[.schema.fields[].type]')" = '["TIMESTAMP","TIMESTAMP"]' ]
	[ "$(bq_sql "SELECT CAST(a AS STRING) AS a, COUNT(*) AS n FROM $dataset.t GROUP BY 1")" = '{"a":"2026-01-31 10:00:00+00","n":"2"}' ]
	[ "$(bq_sql "SELECT CAST(b[OFFSET(1)] AS STRING) AS b FROM $dataset.t WHERE ARRAY_LENGTH(b) = 2")" = '{"b":"2026-01-31 10:00:00.000001+00"}' ]
	# Not the other way round: a zone would be lost.
	schema='{"fields":[{"name":"c","type":"DATETIME"}]}'
	load_rows '{"c":"2026-01-31T10:00:00"}' --
	schema='{"fields":[{"name":"c","type":"TIMESTAMP"}]}'
	load_rows '{"c":"2026-01-31T10:00:00Z"}' --
	[ "$status" -eq 65 ]
	[[ $output == *'c       DATETIME  TIMESTAMP  another type'* ]]
}

@test "INTEGER goes into NUMERIC, BIGNUMERIC and FLOAT, NUMERIC into BIGNUMERIC" {
	schema='{"fields":[{"name":"a","type":"NUMERIC"},{"name":"b","type":"BIGNUMERIC","precision":"20","scale":"2"},{"name":"c","type":"FLOAT"},{"name":"d","type":"BIGNUMERIC"}]}'
	load_rows --
	schema='{"fields":[{"name":"a","type":"INTEGER"},{"name":"b","type":"INTEGER"},{"name":"c","type":"INTEGER"},{"name":"d","type":"NUMERIC"}]}'
	load_rows '{"a":"9223372036854775807","b":-5,"c":7,"d":"0.000000001"}' --
	[ "$status" -eq 0 ]
	[ "$(bq_sql "SELECT a, b, d FROM $dataset.t WHERE c = 7" | jq -c '[.[]]')" = '["9223372036854775807","-5","0.000000001"]' ]
}

@test "digits are never rounded into a narrower column, unless --allow-lossy" {
	schema='{"fields":[{"name":"a","type":"NUMERIC","precision":"5","scale":"2"}]}'
	load_rows --
	schema='{"fields":[{"name":"a","type":"NUMERIC","precision":"6","scale":"3"}]}'
	load_rows '{"a":"1.005"}' --
	[ "$status" -eq 65 ]
	[[ $output == *'a       NUMERIC(5,2)  NUMERIC(6,3)  --evolve widen'* ]]
	schema='{"fields":[{"name":"a","type":"NUMERIC","precision":"9","scale":"2"}]}'
	load_rows '{"a":"1.05"}' --
	[ "$status" -eq 0 ]
	load_rows '{"a":"1000.00"}' --
	[ "$status" -eq 65 ]
	[ "$(table_get .numRows)" = '"1"' ]
}

@test "a cluster by INTERVAL is refused before anything is sent" {
	schema='{"fields":[{"name":"i","type":"INTERVAL"}]}'
	load_rows '{"i":"P1D"}' -- --cluster-by i
	fails_with 65 'does not cluster by INTERVAL'
}

@test "another partitioning than the table's is 65 and names it" {
	schema='{"fields":[{"name":"id","type":"INTEGER"},{"name":"at","type":"DATE"}]}'
	load_rows '{"id":1,"at":"2026-01-31"}' -- --partition-by at
	load_rows '{"id":1,"at":"2026-01-31"}' -- --partition-by at:MONTH
	[ "$status" -eq 65 ]
	[[ $output == *'BigQuery cannot change it'* ]]
}

@test "empty input is 65" {
	load_text </dev/null
	fails_with 65 'empty input'
}

@test "a stream cut at a line is 65" {
	stream '{"id":1}' '{"id":2}' | head -n 2 | load_text --write truncate || true
	stream '{"id":1}' '{"id":2}' | head -n 2 >"$BATS_TEST_TMPDIR/cut"
	load_text <"$BATS_TEST_TMPDIR/cut"
	fails_with 65 'truncated'
}

@test "a stream cut inside a line is 65" {
	stream '{"id":1}' '{"id":2}' | head -c -3 >"$BATS_TEST_TMPDIR/cut"
	load_text <"$BATS_TEST_TMPDIR/cut"
	fails_with 65 'truncated inside line'
}

@test "a wrong count is 65" {
	load_text < <(stream '{"id":1}' | sed 's/"rows":1/"rows":2/')
	fails_with 65 '@end says 2 rows, 1 came'
}

@test "a second @begin is 65" {
	load_text < <(stream '{"id":1}' | sed '1{p}')
	fails_with 65 'second @begin'
}

@test "bytes behind @end are 65" {
	load_text < <(stream '{"id":1}'; echo '{"id":2}')
	fails_with 65 'behind @end'
}

@test "an unknown control record is 65 and named" {
	load_text < <(stream '{"@wat":{}}')
	fails_with 65 '@wat'
}

@test "a NUL is 65, with line and byte" {
	load_text < <(stream '{"id":1}' | sed 's/"id":1/"name":"\x00"/')
	fails_with 65 'line 2'
}

@test "invalid UTF-8 is 65, with line and byte" {
	load_text < <(stream $'{"id":1,"name":"\xff"}')
	fails_with 65 'line 2 byte 17: not valid UTF-8'
}

@test "a row over 100 MB is 65" {
	load_text < <(
		stream | head -n 1
		printf '{"id":1,"name":"'
		head -c 100000001 /dev/zero | tr '\0' x
		printf '"}\n{"@end":{"rows":1}}\n'
	)
	fails_with 65 'line 2: longer than 100000000 bytes'
}

@test "unknown and missing columns are 65 and named" {
	load_rows '{"id":1}' '{"id":2,"nam":"x"}' --
	fails_with 65 'line 3: column nam is not in the schema'
	load_rows '{"name":"x"}' --
	fails_with 65 'line 2: column id is REQUIRED and missing'
	load_rows '{"id":null}' --
	fails_with 65 'column id is REQUIRED and null'
}

@test "a value that does not fit its column is BigQuery's no, 65, and commits nothing" {
	load_rows '{"id":1}' '{"id":"x"}' --
	fails_with 65 'id'
}

@test "bad values up to --max-bad-records are counted" {
	load_rows '{"id":1}' '{"id":"x"}' -- --max-bad-records 1
	[ "$status" -eq 0 ]
	[ "$(loaded '[.rows, .bad]')" = '[1,1]' ]
}

@test "a job that counts other rows than were sent is 76 with both numbers, and is not loaded again" {
	fault '{"times":1,"fault":{"miscount":-1}}'
	load_rows '{"id":1}' '{"id":2}' -- --run-id odd
	[ "$status" -eq 76 ]
	[[ $output == *'2 rows were sent and it counts 1 loaded and 0 bad'* ]]
	[[ $output != *'@loaded'* ]]
	load_rows '{"id":1}' '{"id":2}' -- --run-id odd
	[ "$(table_get .numRows)" = '"2"' ]
}

@test "the producer's abort is handed on with its status" {
	load_text < <(stream '{"id":1}' | sed '$s/.*/{"@abort":{"exit":77,"reason":"password"}}/')
	fails_with 77 'password'
}

@test "bare rows need --bare, and a schema" {
	load_text < <(echo '{"id":1}')
	fails_with 65 'no @begin'
	load_text --bare < <(echo '{"id":1}')
	fails_with 65 'no schema'
	printf '%s' "$schema" | jq .fields >"$BATS_TEST_TMPDIR/schema"
	load_text --bare --schema "$BATS_TEST_TMPDIR/schema" < <(echo '{"id":1}')
	[ "$status" -eq 0 ]
	load_text --bare --write truncate </dev/null
	[ "$status" -eq 65 ]
	[ "$(table_get .numRows)" = '"1"' ]
}

@test "rows whose producer does not stand for their end need --bare too" {
	unproven() { stream '{"id":1}' | sed 's/"rejected":0/&,"whole":false/'; }
	load_text < <(unproven)
	fails_with 65 '"whole":false'
	run_split bqload --dry-run "$dataset.t" < <(unproven)
	[ "$status" -eq 65 ]
	load_text --bare < <(unproven)
	[ "$status" -eq 0 ]
	[ "$(table_get .numRows)" = '"1"' ]
	# Frames are still frames.
	load_text --bare --write truncate < <(unproven | sed '$d')
	[ "$status" -eq 65 ]
	load_text --bare --write truncate < <(unproven | sed -e 2d -e 's/"rows":1/"rows":0/')
	[ "$status" -eq 65 ]
	[ "$(table_get .numRows)" = '"1"' ]
}

@test "an increment cannot replace a table" {
	load_text --write truncate < <(stream '{"id":1}' | sed '1s/"table"/"cursor":{"column":"id","after":"0"},"table"/')
	fails_with 65 'increment'
}

@test "an increment that has rows again is for a merge" {
	local mode

	increment() { # BOUND
		stream '{"id":1}' |
			sed "1s/\"table\"/\"cursor\":{\"column\":\"id\",\"after\":\"0\",\"bound\":\"$1\"},\"table\"/"
	}
	for mode in append empty; do
		load_text --write "$mode" < <(increment inclusive)
		fails_with 65 "--write $mode: the stream is an increment"
	done
	load_text --write append < <(increment exclusive)
	[ "$status" -eq 0 ]
	load_text --write merge --key id < <(increment inclusive)
	[ "$status" -eq 0 ]
}

@test "a missing dataset is 69 and named" {
	stream '{"id":1}' >"$BATS_TEST_TMPDIR/stream"
	run bqload nowhere.t <"$BATS_TEST_TMPDIR/stream"
	[ "$status" -eq 69 ]
	[[ $output == *'test-project:nowhere'* ]]
}

@test "a missing table with --no-create is 69" {
	load_rows '{"id":1}' -- --no-create
	fails_with 69 'no-create'
}

@test "503s are ridden out" {
	fault '{"match":{"method":"PUT"},"times":2,"fault":{"status":503,"reason":"backendError"}}'
	load_rows '{"id":1}' --
	[ "$status" -eq 0 ]
	[ "$(table_rows | wc -l)" = 1 ]
}

@test "a server that stays away is 75, and nothing is committed" {
	fault '{"match":{"method":"PUT"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	load_rows '{"id":1}' -- --retry-for 300ms
	fails_with 75 'load into'
}

@test "an upload session that is gone is 75" {
	fault '{"match":{"method":"PUT"},"times":1,"fault":{"session":404}}'
	load_rows '{"id":1}' --
	fails_with 75 'session'
}

@test "an answer that is lost after its effect loads once" {
	fault '{"match":{"method":"PUT"},"times":1,"fault":{"drop":"after-effect"}}'
	load_rows '{"id":1}' --
	[ "$status" -eq 0 ]
	[ "$(loaded .adopted)" = false ]
	[ "$(table_rows | wc -l)" = 1 ]
}

@test "chunks of which the server keeps only a part are sent again" {
	stream_of_40_mb >"$BATS_TEST_TMPDIR/big"
	fault '{"match":{"method":"PUT"},"times":3,"fault":{"short308":262144}}'
	run bqload --retry-initial 10ms "$dataset.t" <"$BATS_TEST_TMPDIR/big"
	[ "$status" -eq 0 ]
	[ "$(bq_sql "SELECT COUNT(*) AS n, SUM(id) AS s FROM $dataset.t")" = '{"n":"400000","s":"80000200000"}' ]
}

stream_of_40_mb() {
	printf '{"@begin":{"version":1,"schema":%s}}\n' "$schema"
	awk 'BEGIN { for (i = 1; i <= 400000; i++) printf "{\"id\":%d,\"name\":\"%080d\"}\n", i, i }'
	printf '{"@end":{"rows":400000}}\n'
}

@test "memory stays under 48 MiB" {
	[[ ${BUILD:-release} != asan ]] || skip "the sanitizer keeps freed memory"
	stream_of_40_mb >"$BATS_TEST_TMPDIR/big"
	/usr/bin/time -o "$BATS_TEST_TMPDIR/rss" -f %M bqload "$dataset.t" <"$BATS_TEST_TMPDIR/big" >"$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/rss")" -lt $((48 * 1024)) ]
}

@test "a connection that breaks inside a chunk goes on where the server is" {
	stream_of_40_mb >"$BATS_TEST_TMPDIR/big"
	fault '{"match":{"method":"PUT"},"times":2,"fault":{"drop":"mid-body"}}'
	run bqload --retry-initial 10ms "$dataset.t" <"$BATS_TEST_TMPDIR/big"
	[ "$status" -eq 0 ]
	[ "$(bq_sql "SELECT COUNT(*) AS n, SUM(id) AS s FROM $dataset.t")" = '{"n":"400000","s":"80000200000"}' ]
}

@test "output that cannot be written is 74, before anything is sent" {
	stream '{"id":1}' >"$BATS_TEST_TMPDIR/stream"
	run bash -c 'bqload "$1" <"$2" >/dev/full' - "$dataset.t" "$BATS_TEST_TMPDIR/stream"
	[ "$status" -eq 74 ]
	run ! table_exists
}

@test "SIGTERM while it waits for rows ends it with 143 and commits nothing" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	bqload "$dataset.t" <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>&1 &
	local loader=$! status=0
	exec 7>"$BATS_TEST_TMPDIR/in"
	stream '{"id":1}' | head -n 2 >&7
	until grep -q '@begin' "$BATS_TEST_TMPDIR/out"; do sleep 0.05; done
	kill -TERM "$loader"
	wait "$loader" || status=$?
	exec 7>&-
	[ "$status" -eq 143 ]
	run ! table_exists
}

@test "--timeout ends it with 75 and commits nothing" {
	mkfifo "$BATS_TEST_TMPDIR/in"
	exec 7<>"$BATS_TEST_TMPDIR/in"
	stream '{"id":1}' | head -n 2 >&7
	run bqload --timeout 300ms "$dataset.t" <"$BATS_TEST_TMPDIR/in"
	exec 7>&-
	fails_with 75 'timeout'
}

@test "an unreachable server is 75 and named" {
	stream '{"id":1}' >"$BATS_TEST_TMPDIR/stream"
	BIGQUERY_EMULATOR_HOST=127.0.0.1:1 run bqload --retry-initial 10ms --retry-for 100ms d.t <"$BATS_TEST_TMPDIR/stream"
	[ "$status" -eq 75 ]
	[[ $output == *'127.0.0.1'* ]]
}
