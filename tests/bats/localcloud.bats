#!/usr/bin/env bats
# localcloud itself: it must accept what BigQuery accepts and, above all, refuse what BigQuery refuses.

load helper/common
load helper/localcloud

setup() {
	PROJECT=testp
	LOCALCLOUD_DATA=$BATS_TEST_TMPDIR/cloud
	localcloud_start
	bq_dataset ds
	cd "$BATS_TEST_TMPDIR" || return 1
}

teardown() {
	localcloud_stop
}

FIELDS='[{"name":"id","type":"INT64","mode":"REQUIRED"},{"name":"v","type":"STRING"}]'

# new_table NAME [FIELDS] [MORE MEMBERS]
new_table() {
	bq_api POST datasets/ds/tables "$(jq -nc --arg t "$1" --argjson f "${2:-$FIELDS}" --argjson more "${3:-{\}}" \
		'{tableReference:{tableId:$t},schema:{fields:$f}} + $more')" >table.json
}

# session JOB TABLE [LOAD OPTIONS]: starts a resumable upload, prints its address
session() {
	local body

	body=$(jq -nc --arg j "$1" --arg t "$2" --argjson more "${3:-{\}}" '{jobReference:{jobId:$j},configuration:{load:
		({destinationTable:{datasetId:"ds",tableId:$t},sourceFormat:"NEWLINE_DELIMITED_JSON"} + $more)}}')
	localcloud_curl --fail-with-body -o answer.json -D headers -X POST --data-binary "$body" \
		"$LOCALCLOUD_URL/upload/bigquery/v2/projects/$PROJECT/jobs?uploadType=resumable" || return
	sed -n 's/\r$//; s/^[Ll]ocation: //p' headers
}

# put ADDRESS FILE [CURL OPTION]...: one PUT; prints the status, leaves headers and answer.json
put() {
	local url=$1 file=$2

	shift 2
	curl -sS --max-time 60 -o answer.json -D headers -w '%{http_code}\n' -X PUT -H Expect: --data-binary "@$file" "$@" "$url"
}

range() {
	sed -n 's/\r$//; s/^[Rr]ange: //p' headers
}

job_is_done() {
	bq_api GET "jobs/$1" >job.json && [[ $(jq -r .status.state job.json) == DONE ]]
}

# load JOB TABLE ROWS [LOAD OPTIONS]: loads the text and waits; job.json is the finished job
load_rows() {
	local url

	printf '%s' "$3" >rows
	url=$(session "$1" "$2" "${4:-{\}}") || return 1
	put "$url" rows >/dev/null
	wait_until 20 job_is_done "$1"
}

assert_loaded() {
	[[ $(jq -r '.status.errorResult == null' job.json) == true ]] || _fail "the job failed: $(<job.json)"
}

# assert_refused REASON TEXT: the job failed so
assert_refused() {
	[[ $(jq -r .status.errorResult.reason job.json) == "$1" ]] || _fail "not refused with $1: $(<job.json)"
	jq -e --arg t "$2" '[.status.errors[].message] | any(contains($t))' job.json >/dev/null ||
		_fail "no error says '$2': $(jq -c .status job.json)"
}

table_rows() {
	bq_api GET "datasets/ds/tables/$1/data" | jq -c '[.rows[]?.f | map(.v)]'
}

# status METHOD PATH [BODY] [CURL OPTION]...: prints the status, leaves answer.json
status() {
	local method=$1 path=$2 body=${3:-}

	shift 2
	[[ $# -gt 0 ]] && shift
	localcloud_curl -o answer.json -w '%{http_code}' -X "$method" ${body:+--data-binary "$body"} "$@" "$LOCALCLOUD_URL$path"
}

reason() {
	jq -r '.error.errors[0].reason' answer.json
}

# --- resumable uploads -------------------------------------------------------------

@test "chunks are kept as ranges, and the last one starts the job" {
	new_table t
	yes '{"id":1,"v":"0123456789"}' | head -n 20000 >rows
	split -b 262144 -d rows part.
	size=$(stat -c %s rows)
	url=$(session j1 t)

	assert_equal "$(put "$url" part.00 -H 'Content-Range: bytes 0-262143/*')" 308
	assert_equal "$(range)" bytes=0-262143
	assert_equal "$(put "$url" part.01 -H "Content-Range: bytes 262144-$((size - 1))/$size")" 200
	assert_equal "$(jq -r .jobReference.jobId answer.json)" j1
	wait_until 20 job_is_done j1
	assert_loaded
	assert_equal "$(jq -r .statistics.load.outputRows job.json)" 20000
	assert_equal "$(jq -r .statistics.load.inputFileBytes job.json)" "$size"
}

@test "a session without bytes answers 308 without Range" {
	new_table t
	url=$(session j1 t)
	: >empty

	assert_equal "$(put "$url" empty -H 'Content-Range: bytes */100')" 308
	assert_equal "$(range)" ""
}

@test "bytes that are stored already are ignored when they come again" {
	new_table t
	yes '{"id":1,"v":"0123456789"}' | head -n 20000 >rows
	head -c 262144 rows >part
	size=$(stat -c %s rows)
	url=$(session j1 t)
	put "$url" part -H 'Content-Range: bytes 0-262143/*'

	assert_equal "$(put "$url" rows -H "Content-Range: bytes 0-$((size - 1))/$size")" 200
	wait_until 20 job_is_done j1
	assert_equal "$(jq -r .statistics.load.outputRows job.json)" 20000
}

@test "a gap, a crooked chunk and another total are refused" {
	new_table t
	url=$(session j1 t)
	head -c 262144 /dev/zero >part
	head -c 1000 /dev/zero >crooked

	assert_equal "$(put "$url" part -H 'Content-Range: bytes 262144-524287/*')" 400
	assert_equal "$(put "$url" crooked -H 'Content-Range: bytes 0-999/*')" 400
	assert_equal "$(put "$url" part -H 'Content-Range: bytes 0-262143/300000')" 308
	: >empty
	assert_equal "$(put "$url" empty -H 'Content-Range: bytes */300001')" 400
	assert_equal "$(put "$url" empty -H 'Content-Range: bytes */300000')" 308
}

@test "an empty PUT with the total closes an upload that ended on a boundary" {
	new_table t
	yes '{"id":1,"v":"0123456789abcdef"}' | head -c 262144 >part # lines of 32 bytes fill it without a rest
	assert_equal "$(tail -c 3 part)" '"}'
	url=$(session j1 t)
	put "$url" part -H 'Content-Range: bytes 0-262143/*'
	: >empty

	assert_equal "$(put "$url" empty -H 'Content-Range: bytes */262144')" 200
	wait_until 20 job_is_done j1
	assert_loaded
	assert_equal "$(jq -r .statistics.load.outputRows job.json)" 8192
}

@test "a finished session answers with its job again" {
	new_table t
	printf '{"id":1}\n' >rows
	url=$(session j1 t)
	put "$url" rows
	: >empty

	assert_equal "$(put "$url" empty -H 'Content-Range: bytes */9')" 200
	assert_equal "$(jq -r .jobReference.jobId answer.json)" j1
}

@test "an unknown session is 404, and a deleted one 499 and then 404" {
	new_table t
	url=$(session j1 t)
	: >empty

	assert_equal "$(put "${url%?}x" empty -H 'Content-Range: bytes */9')" 404
	assert_equal "$(curl -sS -o answer.json -w '%{http_code}' -X DELETE "$url")" 499
	assert_equal "$(put "$url" empty -H 'Content-Range: bytes */9')" 404
}

@test "a body of unknown length is taken with 0-*/*" {
	new_table t
	url=$(session j1 t)
	printf '{"id":1}\n' >rows

	assert_equal "$(put "$url" rows -H 'Content-Range: bytes 0-*/*' -H 'Transfer-Encoding: chunked')" 200
	wait_until 20 job_is_done j1
	assert_equal "$(table_rows t)" '[["1",null]]'
}

@test "multipart bodies come with CRLF or LF, quoted boundary or not" {
	local eol boundary n=0

	new_table t
	for eol in '\n' '\r\n'; do
		for boundary in '"=a b="' 'plain'; do
			n=$((n + 1))
			b=${boundary//\"/}
			printf -- "--$b${eol}Content-Type: application/json${eol}${eol}%s${eol}--$b${eol}Content-Type: text/plain${eol}${eol}%s${eol}--$b--${eol}" \
				'{"configuration":{"load":{"destinationTable":{"datasetId":"ds","tableId":"t"},"sourceFormat":"NEWLINE_DELIMITED_JSON"}},"jobReference":{"jobId":"m'$n'"}}' \
				'{"id":'$n'}' >body
			assert_equal "$(curl -sS -o answer.json -w '%{http_code}' -H "Content-Type: multipart/related; boundary=$boundary" \
				--data-binary @body "$LOCALCLOUD_URL/upload/bigquery/v2/projects/$PROJECT/jobs?uploadType=multipart")" 200
			wait_until 20 job_is_done m$n
			assert_loaded
		done
	done
	assert_equal "$(table_rows t)" '[["1",null],["2",null],["3",null],["4",null]]'
}

# --- job identity ------------------------------------------------------------------

@test "a job id is taken once: at the start of an upload, and at its end" {
	new_table t
	printf '{"id":1}\n' >rows
	one=$(session same t)
	two=$(session same t)

	assert_equal "$(put "$one" rows)" 200
	assert_equal "$(put "$two" rows)" 409
	assert_equal "$(reason)" duplicate
	assert_equal "$(jq -r .error.message answer.json)" "Already Exists: Job testp:US.same"
	run session same t
	assert_status 22
	wait_until 20 job_is_done same
	assert_equal "$(table_rows t)" '[["1",null]]'
}

@test "a job is not found in another location, nor under a bad id" {
	new_table t
	load_rows j1 t '{"id":1}'

	assert_equal "$(status GET "/bigquery/v2/projects/testp/jobs/j1?location=us")" 200
	assert_equal "$(status GET "/bigquery/v2/projects/testp/jobs/j1?location=EU")" 404
	assert_equal "$(reason)" notFound
	run session 'no/slash' t
	assert_status 22
}

# --- what rows may be --------------------------------------------------------------

@test "values that fit their type are stored as they are" {
	new_table t '[{"name":"i","type":"INTEGER"},{"name":"n","type":"NUMERIC"},{"name":"b","type":"BIGNUMERIC"},{"name":"s","type":"STRING"},{"name":"y","type":"BYTES"},{"name":"f","type":"FLOAT"},{"name":"d","type":"DATE"},{"name":"dt","type":"DATETIME"},{"name":"tm","type":"TIME"},{"name":"ts","type":"TIMESTAMP"},{"name":"j","type":"JSON"},{"name":"o","type":"BOOLEAN"}]'
	load_rows j1 t '{"I":"-9223372036854775808","n":"99999999999999999999999999999.999999999","b":"-0.00000000000000000000000000000000000001","s":"00123","y":"AAH/","f":"NaN","d":"0001-01-01","dt":"2024-02-29 23:59:59.123456","tm":"1:2:3","ts":"2024-01-01T02:00:00+02:00","j":{"b":1,"a":[1.50,"x"],"b":2},"o":"t"}'

	assert_loaded
	assert_equal "$(table_rows t)" '[["-9223372036854775808","99999999999999999999999999999.999999999","-0.00000000000000000000000000000000000001","00123","AAH/","NaN","0001-01-01","2024-02-29T23:59:59.123456","01:02:03","1.7040672E9","{\"a\":[1.5,\"x\"],\"b\":1}","true"]]'
}

@test "values that just do not fit are refused, each by its field" {
	local case n=0

	new_table t '[{"name":"i","type":"INTEGER"},{"name":"n","type":"NUMERIC"},{"name":"p","type":"NUMERIC","precision":"4","scale":"2"},{"name":"b","type":"BIGNUMERIC"},{"name":"y","type":"BYTES"},{"name":"f","type":"FLOAT"},{"name":"d","type":"DATE"},{"name":"dt","type":"DATETIME"},{"name":"tm","type":"TIME"},{"name":"ts","type":"TIMESTAMP"},{"name":"o","type":"BOOLEAN"},{"name":"s","type":"STRING","maxLength":"3"},{"name":"r","type":"STRING","mode":"REPEATED"},{"name":"j","type":"JSON"}]'
	for case in i:9223372036854775808 i:1.5 'i:"x"' 'n:"1.0000000001"' 'n:"100000000000000000000000000000"' \
		'p:"100"' 'p:"1.001"' 'b:"578960446186580977117854925043439539267"' 'y:"AAH"' 'f:"0x1"' 'f:1e400' 'd:"2023-02-29"' \
		'd:"2024-1"' 'dt:"2024-01-01T24:00:00"' 'dt:"2024-01-01T00:00:00Z"' 'tm:"25:00:00"' 'ts:"0000-01-01T00:00:00Z"' \
		'ts:"10000-01-01"' 'ts:"2024-01-01T00:00:00.1234567Z"' 'o:"maybe"' 's:"abcd"' 'r:["a",null]' 'r:"a"' 's:["a"]' \
		's:{"a":1}' 'j:12345678901234567890123' 'nope:1'; do
		n=$((n + 1))
		load_rows "j$n" t "{\"${case%%:*}\":${case#*:}}"
		assert_refused invalid "Field: ${case%%:*}"
	done
	assert_equal "$(table_rows t)" '[]'
}

@test "a row must be one object of valid UTF-8" {
	new_table t
	for row in '{"id":1}}' '[1]' '{"id":1' '{"id":01}' $'{"id":1,"v":"\xff"}' "{'id':1}"; do
		load_rows "j$((++n))" t "$row"
		assert_refused invalid "JSON parsing error in row starting at position 0"
	done
}

@test "a required column must be there and not null" {
	new_table t
	load_rows j1 t '{"v":"x"}'
	assert_refused invalid "Missing required field. Field: id"
	load_rows j2 t '{"id":null}'
	assert_refused invalid "Only optional fields can be set to NULL. Field: id"
}

@test "unknown fields pass only with ignoreUnknownValues" {
	new_table t
	load_rows j1 t '{"id":1,"more":2}' '{"ignoreUnknownValues":true}'
	assert_loaded
	assert_equal "$(table_rows t)" '[["1",null]]'
}

@test "records nest, and what they lack is NULL" {
	new_table t '[{"name":"r","type":"RECORD","mode":"REPEATED","fields":[{"name":"a","type":"INT64"},{"name":"q","type":"STRING","mode":"REPEATED"}]}]'
	load_rows j1 t '{"r":[{"a":"5","q":["x\u0041"]},{}]}'
	assert_loaded
	assert_equal "$(table_rows t)" '[[[{"v":{"f":[{"v":"5"},{"v":[{"v":"xA"}]}]}},{"v":{"f":[{"v":null},{"v":[]}]}}]]]'
	load_rows j2 t '{"r":[{"b":1}]}'
	assert_refused invalid "No such field"
}

# --- jobs as a whole ---------------------------------------------------------------

@test "a load is all or nothing" {
	new_table t
	load_rows j1 t $'{"id":1}\n{"id":2}\n{"id":"x"}\n'
	assert_refused invalid "Rows: 3; errors: 1"
	assert_equal "$(table_rows t)" '[]'
}

# many FROM TO: so many rows of 200 bytes; more than are kept in memory at once from some 20,000 on
many() {
	awk -v from="$1" -v to="$2" 'BEGIN { pad = sprintf("%180s", ""); gsub(/ /, "x", pad)
		for (i = from; i < to; i++) printf "{\"id\":%d,\"v\":\"%s\"}\n", i, pad }'
}

all_done() {
	local job

	for job; do
		job_is_done "$job" || return
	done
}

@test "loads run side by side, into tables of their own and into one, and none loses or mixes rows" {
	local i jobs=() pids=() url

	new_table shared
	load_rows first shared '{"id":-1}'
	for i in {0..14}; do
		many $((i * 25000)) $((i * 25000 + 25000)) >"rows$i"
		jobs+=("own$i" "shared$i")
	done
	for i in {0..14}; do
		url=$(session "own$i" "own$i" "{\"schema\":{\"fields\":$FIELDS}}")
		curl -sS --max-time 60 -o /dev/null -X PUT -H Expect: -T "rows$i" "$url" 3>&- &
		pids+=($!)
		url=$(session "shared$i" shared)
		curl -sS --max-time 60 -o /dev/null -X PUT -H Expect: -T "rows$i" "$url" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	wait_until 120 all_done "${jobs[@]}"
	for i in {0..14}; do
		job_is_done "shared$i"
		assert_loaded
		assert_equal "$(bq_sql "SELECT COUNT(*) n, COUNT(DISTINCT id) d, MIN(id) a, MAX(id) b FROM ds.own$i")" \
			"{\"n\":\"25000\",\"d\":\"25000\",\"a\":\"$((i * 25000))\",\"b\":\"$((i * 25000 + 24999))\"}"
	done
	assert_equal "$(bq_sql 'SELECT COUNT(*) n, COUNT(DISTINCT id) d, MIN(id) a, MAX(id) b, SUM(LENGTH(v)) l FROM ds.shared')" \
		'{"n":"375001","d":"375001","a":"-1","b":"374999","l":"67500000"}'
	assert_equal "$(bq_api GET datasets/ds/tables/shared | jq -r .numRows)" 375001
}

@test "a table is made and a query answered while a load runs" {
	local url

	many 0 400000 >rows
	url=$(session big big "{\"schema\":{\"fields\":$FIELDS}}")
	put "$url" rows >/dev/null
	new_table other
	assert_equal "$(bq_sql 'SELECT COUNT(*) n FROM ds.other')" '{"n":"0"}'
	job_is_done big && _fail "the load was over before: $(jq -c .statistics job.json)"
	wait_until 60 job_is_done big
	assert_loaded
	assert_equal "$(bq_sql 'SELECT COUNT(*) n FROM ds.big')" '{"n":"400000"}'
}

@test "a long load that fails, or is cancelled, leaves nothing" {
	local url

	new_table t
	{
		many 0 60000
		echo '{"id":"x"}'
	} >rows
	url=$(session bad t)
	put "$url" rows >/dev/null
	wait_until 60 job_is_done bad
	assert_refused invalid "Rows: 60001; errors: 1"
	assert_equal "$(table_rows t)" '[]'
	many 0 400000 >rows
	url=$(session cut t)
	put "$url" rows >/dev/null
	bq_api POST jobs/cut/cancel >/dev/null
	wait_until 60 job_is_done cut
	assert_refused stopped cancelled
	assert_equal "$(table_rows t)" '[]'
}

@test "a load whose table changes under it is judged anew" {
	local url

	new_table t
	many 0 400000 >rows
	url=$(session slow t)
	put "$url" rows >/dev/null
	bq_api PATCH datasets/ds/tables/t "{\"schema\":{\"fields\":$(jq -c '. + [{name: "more", type: "STRING"}]' <<<"$FIELDS")}}" >/dev/null
	wait_until 60 job_is_done slow
	assert_loaded
	assert_equal "$(bq_sql 'SELECT COUNT(*) n, COUNT(more) m FROM ds.t')" '{"n":"400000","m":"0"}'
}

@test "maxBadRecords is the number of bad rows that pass, and they are reported" {
	new_table t
	load_rows j1 t $'{"id":1}\n{"id":"x"}\n{"id":3}\n' '{"maxBadRecords":1}'
	assert_loaded
	assert_equal "$(jq -r '.statistics.load | .outputRows + " " + .badRecords' job.json)" "2 1"
	assert_equal "$(jq '.status.errors | length' job.json)" 1
	load_rows j2 t $'{"id":"x"}\n{"id":"y"}\n' '{"maxBadRecords":1}'
	assert_refused invalid "errors: 2"
}

@test "at most five errors come back" {
	new_table t
	load_rows j1 t "$(for i in 1 2 3 4 5 6 7 8; do echo '{"id":"x"}'; done)" '{"maxBadRecords":7}'
	assert_equal "$(jq '.status.errors | length' job.json)" 5
}

@test "write dispositions do what they say" {
	new_table t
	load_rows j1 t '{"id":1}' && assert_loaded
	load_rows j2 t '{"id":2}' && assert_loaded
	assert_equal "$(table_rows t)" '[["1",null],["2",null]]'
	load_rows j3 t '{"id":3}' '{"writeDisposition":"WRITE_EMPTY"}'
	assert_refused duplicate "Already Exists: Table testp:ds.t"
	load_rows j4 t '{"id":4}' '{"writeDisposition":"WRITE_TRUNCATE_DATA"}' && assert_loaded
	assert_equal "$(table_rows t)" '[["4",null]]'
	load_rows j5 t '{"other":"x"}' '{"writeDisposition":"WRITE_TRUNCATE","schema":{"fields":[{"name":"other","type":"STRING"}]}}'
	assert_loaded
	assert_equal "$(table_rows t)" '[["x"]]'
}

@test "numRows and numBytes follow every disposition" {
	new_table t '[{"name":"d","type":"DATE"},{"name":"v","type":"STRING"}]' '{"timePartitioning":{"type":"DAY","field":"d"}}'
	counts() {
		bq_api GET datasets/ds/tables/t | jq -r '.numRows + " " + .numBytes'
	}
	load_rows j1 t $'{"d":"2024-01-01","v":"a"}\n{"d":"2024-01-02","v":"bc"}'
	assert_equal "$(counts)" "2 23"
	load_rows j2 t '{"d":"2024-01-02"}'
	assert_equal "$(counts)" "3 31"
	load_rows j3 't$20240102' '{"d":"2024-01-02","v":"x"}' '{"writeDisposition":"WRITE_TRUNCATE"}'
	assert_equal "$(counts)" "2 22"
	load_rows j4 t '{"v":"x"}' '{"writeDisposition":"WRITE_TRUNCATE"}'
	assert_equal "$(counts)" "1 3"
	load_rows j5 t '{"v":5,"d":"nope"}' '{"writeDisposition":"WRITE_TRUNCATE_DATA"}'
	assert_equal "$(counts)" "1 3"
}

@test "a truncating load that fails leaves the old rows" {
	new_table t
	load_rows j1 t '{"id":1}'
	load_rows j2 t '{"id":"x"}' '{"writeDisposition":"WRITE_TRUNCATE"}'
	assert_refused invalid "Could not convert"
	assert_equal "$(table_rows t)" '[["1",null]]'
}

@test "a table is created only with a schema, and not with CREATE_NEVER" {
	load_rows j1 new '{"id":1}'
	assert_refused invalid "No schema specified"
	load_rows j2 new '{"id":1}' "{\"createDisposition\":\"CREATE_NEVER\",\"schema\":{\"fields\":$FIELDS}}"
	assert_refused notFound "Not found: Table testp:ds.new"
	assert_equal "$(status GET /bigquery/v2/projects/testp/datasets/ds/tables/new)" 404
	load_rows j3 new '{"id":1}' "{\"schema\":{\"fields\":$FIELDS}}"
	assert_loaded
}

@test "a provided schema must match, but for what schemaUpdateOptions allow" {
	local more='[{"name":"id","type":"INT64"},{"name":"v","type":"STRING"},{"name":"w","type":"DATE"}]'

	new_table t
	load_rows j1 t '{"id":1}' '{"schema":{"fields":[{"name":"id","type":"STRING","mode":"REQUIRED"},{"name":"v","type":"STRING"}]}}'
	assert_refused invalid "Field id has changed type from INTEGER to STRING"
	load_rows j2 t '{"id":1}' '{"schema":{"fields":[{"name":"id","type":"INT64","mode":"REQUIRED"}]}}'
	assert_refused invalid "Field v is missing in new schema"
	load_rows j3 t '{"id":1}' "{\"schema\":{\"fields\":$more}}"
	assert_refused invalid "Field id has changed mode from REQUIRED to NULLABLE"
	load_rows j4 t '{"id":1}' "{\"schema\":{\"fields\":$more},\"schemaUpdateOptions\":[\"ALLOW_FIELD_RELAXATION\"]}"
	assert_refused invalid "Cannot add fields (field: w)"
	load_rows j5 t '{"w":"2024-01-01"}' "{\"schema\":{\"fields\":$more},\"schemaUpdateOptions\":[\"ALLOW_FIELD_RELAXATION\",\"ALLOW_FIELD_ADDITION\"]}"
	assert_loaded
	assert_equal "$(table_rows t)" '[[null,null,"2024-01-01"]]'
	run session j6 t '{"schemaUpdateOptions":["ALLOW_FIELD_ADDITION"],"writeDisposition":"WRITE_TRUNCATE"}'
	assert_status 22
}

@test "a decorator holds the rows to one partition, and truncates only that" {
	new_table t '[{"name":"d","type":"DATE"},{"name":"v","type":"STRING"}]' '{"timePartitioning":{"type":"DAY","field":"d"}}'
	load_rows j1 t $'{"d":"2024-01-01","v":"a"}\n{"d":"2024-01-02","v":"b"}'
	load_rows j2 't$20240101' '{"d":"2024-01-01","v":"c"}' '{"writeDisposition":"WRITE_TRUNCATE"}'
	assert_loaded
	assert_equal "$(table_rows t)" '[["2024-01-02","b"],["2024-01-01","c"]]'
	load_rows j3 't$20240101' '{"d":"2024-01-02","v":"c"}'
	assert_refused invalid "Some rows belong to different partitions"
	load_rows j4 't$2024010' '{"d":"2024-01-01"}'
	assert_refused invalid "Invalid time partition"
	load_rows j5 't$__NULL__' $'{"v":"x"}\n{"d":null,"v":"y"}'
	assert_loaded
	load_rows j6 't$__NULL__' '{"v":"z"}' '{"writeDisposition":"WRITE_TRUNCATE"}'
	assert_loaded
	assert_equal "$(table_rows t)" '[["2024-01-02","b"],["2024-01-01","c"],[null,"z"]]'
	load_rows j7 't$__NULL__' '{"d":"2024-01-02"}'
	assert_refused invalid "Some rows belong to different partitions"
	new_table i '[{"name":"v","type":"STRING"}]' '{"timePartitioning":{"type":"DAY"}}'
	load_rows j8 'i$__NULL__' '{"v":"x"}'
	assert_refused invalid "Invalid time partition"
}

@test "another partitioning or clustering than the table's is refused" {
	new_table t '[{"name":"d","type":"DATE"},{"name":"v","type":"STRING"}]' '{"timePartitioning":{"type":"DAY","field":"d"},"clustering":{"fields":["v"]}}'
	load_rows j1 t '{"v":"a"}' '{"timePartitioning":{"type":"MONTH","field":"d"}}'
	assert_refused invalid "Incompatible table partitioning"
	load_rows j2 t '{"v":"a"}' '{"clustering":{"fields":["d"]}}'
	assert_refused invalid "Incompatible table clustering"
	load_rows j3 t '{"v":"a"}' '{"timePartitioning":{"type":"DAY","field":"d"},"clustering":{"fields":["v"]}}'
	assert_loaded
}

@test "gzip is understood, and refused when it is cut off" {
	new_table t
	seq 1 20000 | sed 's/.*/{"id":&}/' | gzip >rows
	put "$(session j1 t)" rows
	wait_until 20 job_is_done j1
	assert_equal "$(jq -r .statistics.load.outputRows job.json)" 20000
	head -c 20000 rows >cut
	put "$(session j2 t)" cut
	wait_until 20 job_is_done j2
	assert_refused invalid "damaged or cut off"
}

@test "CSV: quotes, header, null marker, and rows that are too short or too long" {
	new_table t
	load_rows j1 t $'id,v\n1,"a ""b"", c"\n2,\n3,NULL\n4,"x\ny"\n' '{"sourceFormat":"CSV","skipLeadingRows":1,"allowQuotedNewlines":true,"nullMarker":"NULL"}'
	assert_loaded
	assert_equal "$(table_rows t)" '[["1","a \"b\", c"],["2",""],["3",null],["4","x\ny"]]'
	load_rows j2 t $'1\n' '{"sourceFormat":"CSV"}'
	assert_refused invalid "too few values"
	load_rows j3 t $'1,a,b\n' '{"sourceFormat":"CSV"}'
	assert_refused invalid "Too many values"
	load_rows j4 t $'1,"a\nb"\n' '{"sourceFormat":"CSV"}'
	assert_refused invalid "Missing close quote"
}

# --- tables ------------------------------------------------------------------------

@test "schemas that BigQuery refuses are refused" {
	local bad

	for bad in '[{"name":"a","type":"INT63"}]' '[{"name":"a","type":"STRING"},{"name":"A","type":"STRING"}]' \
		'[{"name":"a.b","type":"STRING"}]' '[{"name":"_PARTITIONx","type":"STRING"}]' '[{"name":"a","type":"RECORD"}]' \
		'[{"name":"a","type":"STRING","mode":"OPTIONAL"}]' '[{"name":"a","type":"NUMERIC","precision":"40"}]' \
		'[{"name":"a","type":"NUMERIC","precision":"10","scale":"10"}]' '[{"name":"a","type":"STRING","typ":"x"}]' '[{"name":"a"}]'; do
		run new_table t "$bad"
		assert_status 22
		assert_equal "$(jq -r '.error.errors[0].reason' table.json)" invalid "$bad"
	done
	new_table t '[{"name":"a","type":"NUMERIC","precision":"38","scale":"9"}]'
}

@test "PATCH adds and relaxes columns and does nothing else to a schema" {
	local path=/bigquery/v2/projects/testp/datasets/ds/tables/t

	new_table t
	load_rows j1 t '{"id":1}'
	assert_equal "$(status PATCH $path '{"schema":{"fields":[{"name":"id","type":"INT64"},{"name":"v","type":"STRING"},{"name":"w","type":"JSON"}]}}')" 200
	assert_equal "$(status PATCH $path '{"schema":{"fields":[{"name":"id","type":"INT64"},{"name":"v","type":"STRING"}]}}')" 400
	assert_equal "$(status PATCH $path '{"schema":{"fields":[{"name":"id","type":"INT64","mode":"REQUIRED"},{"name":"v","type":"STRING"},{"name":"w","type":"JSON"}]}}')" 400
	assert_equal "$(status PATCH $path '{"schema":{"fields":[{"name":"id","type":"INT64"},{"name":"v","type":"BYTES"},{"name":"w","type":"JSON"}]}}')" 400
	assert_equal "$(table_rows t)" '[["1",null,null]]'
}

@test "etags guard changes and spare answers" {
	local path=/bigquery/v2/projects/testp/datasets/ds/tables/t

	new_table t
	etag=$(jq -r .etag table.json)
	assert_equal "$(status GET $path '' -H "If-None-Match: $etag")" 304
	assert_equal "$(status PATCH $path '{"description":"one"}' -H "If-Match: $etag")" 200
	assert_equal "$(status PATCH $path '{"description":"two"}' -H "If-Match: $etag")" 412
	assert_equal "$(reason)" conditionNotMet
	assert_equal "$(status GET $path '' -H "If-None-Match: $etag")" 200
	assert_equal "$(jq -r .description answer.json)" one
}

@test "a dataset with tables is deleted only with its contents" {
	new_table t
	assert_equal "$(status DELETE /bigquery/v2/projects/testp/datasets/ds)" 400
	assert_equal "$(reason)" resourceInUse
	assert_equal "$(status DELETE '/bigquery/v2/projects/testp/datasets/ds?deleteContents=true')" 204
	assert_equal "$(status GET /bigquery/v2/projects/testp/datasets/ds/tables/t)" 404
}

@test "insertAll refuses all rows for one bad one, unless told to skip it" {
	local path=/bigquery/v2/projects/testp/datasets/ds/tables/t/insertAll

	new_table t
	status POST $path '{"rows":[{"json":{"id":1}},{"json":{"id":"x"}}]}'
	assert_equal "$(jq -c '[.insertErrors[] | [.index, .errors[0].reason]]' answer.json)" '[[0,"stopped"],[1,"invalid"]]'
	assert_equal "$(table_rows t)" '[]'
	status POST $path '{"skipInvalidRows":true,"rows":[{"json":{"id":1}},{"json":{"id":"x"}}]}'
	assert_equal "$(jq -c '[.insertErrors[] | .index]' answer.json)" '[1]'
	assert_equal "$(table_rows t)" '[["1",null]]'
}

@test "rows come in pages" {
	new_table t
	load_rows j1 t "$(seq 1 5 | sed 's/.*/{"id":&,"v":"x"}/')"
	bq_api GET 'datasets/ds/tables/t/data?maxResults=2&startIndex=1&selectedFields=id' >page
	assert_equal "$(jq -c '[.totalRows, [.rows[].f[].v]]' page)" '["5",["2","3"]]'
	bq_api GET "datasets/ds/tables/t/data?maxResults=9&pageToken=$(jq -r .pageToken page)" >page2
	assert_equal "$(jq -c '[.pageToken, [.rows[].f[0].v]]' page2)" '[null,["4","5"]]'
}

# --- queries as jobs ----------------------------------------------------------------

@test "jobs.query answers with rows, DML counts, or the error of its job" {
	local path=/bigquery/v2/projects/testp/queries

	new_table t
	assert_equal "$(status POST $path '{"useLegacySql":false,"query":"INSERT INTO ds.t(id, v) VALUES (1, NULL), (2, \"b\")"}')" 200
	assert_equal "$(jq -c '[.jobComplete, .numDmlAffectedRows, .dmlStats.insertedRowCount]' answer.json)" '[true,"2","2"]'
	assert_equal "$(status POST $path '{"useLegacySql":false,"maxResults":1,"query":"SELECT id FROM ds.t ORDER BY id"}')" 200
	assert_equal "$(jq -c '[.totalRows, .rows, .pageToken]' answer.json)" '["2",[{"f":[{"v":"1"}]}],"1"]'
	job=$(jq -r .jobReference.jobId answer.json)
	assert_equal "$(status GET "$path/$job?pageToken=1")" 200
	assert_equal "$(jq -c '[.rows[].f[].v]' answer.json)" '["2"]'
	assert_equal "$(status POST $path '{"useLegacySql":false,"query":"SELECT nope FROM ds.t"}')" 400
	assert_equal "$(reason)" invalidQuery
	assert_equal "$(status POST $path '{"query":"SELECT 1"}')" 501
	assert_equal "$(bq_api GET datasets/ds/tables/t | jq -r .numRows)" 2
}

@test "a requestId makes jobs.query safe to repeat" {
	local body='{"useLegacySql":false,"requestId":"r-1","query":"INSERT INTO ds.t(id) VALUES (1)"}'

	new_table t
	assert_equal "$(status POST /bigquery/v2/projects/testp/queries "$body")" 200
	assert_equal "$(status POST /bigquery/v2/projects/testp/queries "$body")" 200
	assert_equal "$(table_rows t)" '[["1",null]]'
}

# --- faults, authentication, restarts -------------------------------------------------

@test "a fault hits the request that it names, as often as it says" {
	fault '{"match":{"method":"GET","path":"/datasets$","n":2},"times":1,"fault":{"status":503,"reason":"backendError","retryAfter":7}}'
	assert_equal "$(status GET /bigquery/v2/projects/testp/datasets)" 200
	assert_equal "$(status GET /bigquery/v2/projects/testp/datasets '' -D headers)" 503
	assert_equal "$(reason)" backendError
	grep -qi '^retry-after: 7' headers
	assert_equal "$(status GET /bigquery/v2/projects/testp/datasets)" 200
	assert_equal "$(localcloud_curl "$LOCALCLOUD_URL/faults" | jq -c '[.faults[] | .hits]')" '[1]'
}

@test "an answer lost after the effect leaves the job behind" {
	new_table t
	printf '{"id":1}\n' >rows
	url=$(session j1 t)
	fault '{"match":{"method":"PUT","path":"/upload/"},"fault":{"drop":"after-effect"}}'
	run put "$url" rows
	assert_status 52
	wait_until 20 job_is_done j1
	assert_equal "$(table_rows t)" '[["1",null]]'
}

@test "a connection that drops in the body keeps whole chunks only" {
	new_table t
	head -c 1048576 /dev/zero | tr '\0' '\n' >rows
	url=$(session j1 t)
	fault '{"match":{"method":"PUT","path":"/upload/"},"fault":{"drop":"mid-body"}}'
	run put "$url" rows -H 'Content-Range: bytes 0-1048575/1048576'
	[[ $status -ne 0 ]]
	: >empty
	assert_equal "$(put "$url" empty -H 'Content-Range: bytes */1048576')" 308
	assert_equal "$(range)" bytes=0-524287
}

@test "a short 308 and a lost session are told apart" {
	new_table t
	head -c 1048576 /dev/zero | tr '\0' '\n' >rows
	url=$(session j1 t)
	fault '{"match":{"method":"PUT"},"fault":{"short308":262144}}'
	fault '{"match":{"method":"PUT"},"fault":{"session":410}}'
	assert_equal "$(put "$url" rows -H 'Content-Range: bytes 0-1048575/1048576')" 308
	assert_equal "$(range)" bytes=0-262143
	assert_equal "$(put "$url" rows -H 'Content-Range: bytes 0-1048575/1048576')" 410
}

@test "a job can be made to fail, and to stay running" {
	new_table t
	fault '{"fault":{"jobError":{"reason":"backendError","message":"try again"}}}'
	load_rows j1 t '{"id":1}'
	assert_refused backendError "try again"
	fault '{"fault":{"jobDelayMs":400}}'
	printf '{"id":1}\n' >rows
	put "$(session j2 t)" rows
	assert_equal "$(jq -r .status.state answer.json)" RUNNING
	wait_until 20 job_is_done j2
	assert_equal "$(table_rows t)" '[["1",null]]'
}

@test "the log of requests shows the connection that each came over" {
	localcloud_curl -X DELETE "$LOCALCLOUD_URL/requests"
	path=$LOCALCLOUD_URL/bigquery/v2/projects/testp/datasets
	localcloud_curl -o one "$path" -o two "$path"
	localcloud_curl "$LOCALCLOUD_URL/requests" >log
	assert_equal "$(jq -c '[(.requests | length), (.requests | map(.connection) | unique | length)]' log)" '[2,1]'
}

@test "with --require-auth only live tokens of its own pass" {
	local path=/bigquery/v2/projects/testp/datasets

	localcloud_stop
	localcloud_start --require-auth
	assert_equal "$(status GET $path)" 401
	assert_equal "$(status GET $path '' -H 'Authorization: Bearer made-up')" 401
	token=$(curl -sS -d 'grant_type=refresh_token&client_id=c&client_secret=s&refresh_token=r' "$LOCALCLOUD_URL/token" | jq -r .access_token)
	assert_equal "$(status GET $path '' -H "Authorization: Bearer $token")" 200
	fault '{"match":{"path":"/datasets"},"fault":{"expireTokens":true}}'
	assert_equal "$(status GET $path '' -H "Authorization: Bearer $token")" 401
	assert_equal "$(curl -sS -o answer.json -w '%{http_code}' -d 'grant_type=refresh_token&client_id=c' "$LOCALCLOUD_URL/token")" 400
	assert_equal "$(jq -r '.error | type' answer.json)" string
}

@test "the metadata server wants its header" {
	url=$LOCALCLOUD_URL/computeMetadata/v1/instance/service-accounts/default/token
	assert_equal "$(curl -sS -o answer.json -w '%{http_code}' "$url")" 403
	curl -sS -H 'Metadata-Flavor: Google' "$url" | jq -e '.access_token and .expires_in > 0'
}

@test "jobs and rows outlive a kill -9, and an unfinished load is run once" {
	new_table t
	load_rows j1 t '{"id":1}'
	fault '{"fault":{"jobDelayMs":60000}}'
	printf '{"id":2}\n' >rows
	put "$(session j2 t)" rows
	kill -KILL "$LOCALCLOUD_PID"
	tail --pid="$LOCALCLOUD_PID" -s 0.05 -f /dev/null
	localcloud_start
	wait_until 20 job_is_done j2
	assert_loaded
	assert_equal "$(table_rows t)" '[["1",null],["2",null]]'
	wait_until 20 job_is_done j1
	assert_equal "$(find "$LOCALCLOUD_DATA" -name 'spool-*' | wc -l)" 0
}

@test "localcloud -- COMMAND sets the variables and hands on the status" {
	run localcloud --data other -- bash -c 'curl -sS "$BIGQUERY_EMULATOR_HOST/" && exit 7'
	assert_status 7
	assert_output_contains Ok
	run localcloud --data other -- bash -c 'kill -TERM $$'
	assert_status 143
	run localcloud
	assert_status 64
}
