#!/usr/bin/env bats
# bqload without a destination: @batch records, each loaded once, as one.

load helper/common
load helper/localcloud

schema='{"fields":[{"name":"id","type":"INTEGER","mode":"NULLABLE"}]}'

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	# A dataset and a bucket for each test: they share one server.
	dataset=d$BATS_TEST_NUMBER
	bucket=bucket-$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	gcs_bucket "$bucket"
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# put NAME ID...: an object with a row for each id.
put() {
	local name=$1

	shift
	printf '{"id":%d}\n' "$@" >"$BATS_TEST_TMPDIR/object"
	gcs_put "$bucket" "$name" "$BATS_TEST_TMPDIR/object" >/dev/null
}

# batch ID TABLE LOAD NAME...: one @batch record of the objects NAME.
batch() {
	jq -nc --arg id "$1" --arg table "$dataset.$2" --argjson load "$3" --arg bucket "$bucket" \
		'{"@batch": {id: $id, table: $table, format: "NEWLINE_DELIMITED_JSON", load: $load,
			uris: [$ARGS.positional[] | "gs://\($bucket)/\(.)"]}}' --args "${@:4}"
}

# load_batches OPTION...: run bqload on the records on stdin.
load_batches() {
	local records

	records=$(cat)
	{
		echo '{"@begin":{"version":1}}'
		printf '%s\n' "$records"
		printf '{"@end":{"records":%d}}\n' "$(grep -c . <<<"$records")"
	} >"$BATS_TEST_TMPDIR/batches"
	run bqload --retry-initial 10ms --retry-for 2s "$@" <"$BATS_TEST_TMPDIR/batches"
}

ids() {
	bq_sql "SELECT id FROM $dataset.$1 ORDER BY id" | jq -r .id | tr '\n' ' '
}

# loaded FILTER: of all @loaded records in $output, a line each.
loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

with_schema="{\"schema\":$schema}"
truncate="{\"schema\":$schema,\"writeDisposition\":\"WRITE_TRUNCATE\"}"

@test "each batch is loaded by one job, and said" {
	put a/1 1 2
	put a/2 3
	put b/1 9
	load_batches < <(
		batch first t "$with_schema" a/1 a/2
		batch second u "$with_schema" b/1
	)
	assert_status 0
	assert_equal "$(loaded '[.table, .rows, .run, .write, .adopted]')" \
		"[\"$PROJECT.$dataset.t\",3,\"first\",\"append\",false]
[\"$PROJECT.$dataset.u\",1,\"second\",\"append\",false]"
	assert_line '{"@end":{"records":2}}'
	assert_equal "$(ids t)" '1 2 3 '
	assert_equal "$(ids u)" '9 '
	job=$(loaded .job | head -n 1 | jq -r 'split(".")[1]')
	assert_equal "$(bq_api GET "jobs/$job?location=US" | jq -c .configuration.load.sourceUris)" \
		"[\"gs://$bucket/a/1\",\"gs://$bucket/a/2\"]"
}

@test "a batch is loaded once under its id" {
	put a/1 1
	for adopted in false true; do
		load_batches < <(batch once t "$with_schema" a/1)
		assert_status 0
		assert_equal "$(loaded '[.rows, .adopted]')" "[1,$adopted]"
	done
	assert_equal "$(ids t)" '1 '
}

@test "the configuration is the job's: truncate, a wildcard, CSV" {
	put a/1 1
	put a/2 2
	put a/3 3
	load_batches < <(batch one t "$with_schema" a/1)
	load_batches < <(batch two t "$truncate" a/2)
	assert_equal "$(ids t)" '2 '
	assert_equal "$(loaded .write)" '"truncate"'
	load_batches < <(batch three t "$truncate" 'a/*')
	assert_equal "$(ids t)" '1 2 3 '
	printf 'id\n7\n8\n' >"$BATS_TEST_TMPDIR/csv"
	gcs_put "$bucket" c.csv "$BATS_TEST_TMPDIR/csv" >/dev/null
	load_batches < <(printf '{"@batch":{"id":"csv","table":"%s.c","uris":["gs://%s/c.csv"],"format":"CSV","load":{"skipLeadingRows":1,"schema":%s}}}\n' \
		"$dataset" "$bucket" "$schema")
	assert_status 0
	assert_equal "$(ids c)" '7 8 '
}

@test "a batch that fails leaves the next one its turn" {
	put a/1 1
	put a/bad 1
	printf '{"id":"x"}\n' >"$BATS_TEST_TMPDIR/bad"
	gcs_put "$bucket" a/bad "$BATS_TEST_TMPDIR/bad" >/dev/null
	load_batches < <(
		batch bad t "$with_schema" a/1 a/bad
		batch missing t "$with_schema" a/none
		batch good t "$with_schema" a/1
	)
	# 69 is worse than 65.
	assert_status 69
	assert_output_contains 'batch bad: '
	assert_output_contains "batch missing: no such object: gs://$bucket/a/none"
	assert_output_contains '2 of 3 batches failed'
	assert_equal "$(loaded .run)" '"good"'
	assert_output_contains '{"@abort":{"exit":69'
	assert_equal "$(ids t)" '1 '
}

@test "where trying again helps any batch, that is the exit status" {
	put a/1 1
	fault '{"fault":{"jobError":{"reason":"backendError"}}}'
	load_batches < <(
		batch unlucky t "$with_schema" a/1
		batch missing t "$with_schema" a/none
	)
	assert_status 75
	load_batches < <(batch unlucky t "$with_schema" a/1)
	assert_status 0
	assert_equal "$(ids t)" '1 '
}

@test "one batch that makes no sense, or a stream that is cut: nothing is loaded" {
	put a/1 1
	load_batches < <(
		batch good t "$with_schema" a/1
		batch bad t '{"sourceUris":[]}' a/1
	)
	assert_status 65
	assert_output_contains 'stdin line 3: @batch: load has sourceUris'
	load_batches < <(
		batch good t "$with_schema" a/1
		batch bad t "{\"destinationTable\":{\"datasetId\":\"$dataset\",\"tableId\":\"other\"}}" a/1
	)
	assert_status 65
	assert_output_contains "load.destinationTable is not $dataset.t"
	sed -i '$d' "$BATS_TEST_TMPDIR/batches"
	run bqload <"$BATS_TEST_TMPDIR/batches"
	assert_status 65
	load_batches < <(echo '{"@loaded":{}}')
	assert_status 65
	assert_output_contains '@loaded is not @batch'
	run ! bq_api GET "datasets/$dataset/tables/t"
}

@test "rows without a destination, and options that are for rows, are 64" {
	run bqload <<<"{\"@begin\":{\"version\":1,\"schema\":$schema}}"
	assert_status 64
	assert_output_contains 'a stream of rows needs a destination'
	run bqload --write truncate </dev/null
	assert_status 64
	assert_output_contains '--write needs a destination'
	run bqload --evolve add </dev/null
	assert_status 64
	assert_output_contains '--evolve needs a destination'
	run bqload --add-column run_id </dev/null
	assert_status 64
	assert_output_contains '--add-column needs a destination'
	run bqload d.t d.u </dev/null
	assert_status 64
	assert_output_contains "one destination is enough: 'd.u'?"
}

@test "a dry run looks everything up and loads nothing" {
	put a/1 1
	load_batches --dry-run < <(batch dry t "$with_schema" a/1)
	assert_status 0
	assert_output_contains 'dry: 1 objects'
	assert_line '{"@end":{"records":0}}'
	run ! bq_api GET "datasets/$dataset/tables/t"
	load_batches --dry-run < <(batch dry t "$with_schema" a/2)
	assert_status 69
}

# requests METHOD PATTERN: how many there were of that path, since they were forgotten.
requests() {
	curl -fsS "$LOCALCLOUD_URL/requests" |
		jq --arg m "$1" --arg p "$2" '[.requests[] | select(.method == $m and (.path | test($p)))] | length'
}

@test "of many batches the ledger is asked once, and told once more than there are" {
	put a/1 1
	ledger=$PROJECT.$dataset.ledger
	load_batches --ledger "$ledger" < <(batch zero t "$with_schema" a/1)
	curl -fsS -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
	for i in 1 2 3 4 5; do
		batch "$i" t "$with_schema" a/1
	done >"$BATS_TEST_TMPDIR/five"
	load_batches --ledger "$ledger" <"$BATS_TEST_TMPDIR/five"
	assert_status 0
	assert_equal "$(requests POST '/queries')" 1 questions
	# Five loads.
	assert_equal "$(requests POST '/jobs')" 11 jobs
	assert_equal "$(requests GET "/datasets/$dataset$")" 2 'looks at the dataset, as that of the table and of the ledger'
	assert_equal "$(bq_sql "SELECT run, state FROM $ledger WHERE run != 'zero' ORDER BY \`at\`" | jq -r '.run + .state[:1]' | paste -sd ' ')" \
		'1s 1d 2s 2d 3s 3d 4s 4d 5s 5d' entries
	# All are known: nothing is asked but that.
	curl -fsS -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
	load_batches --ledger "$ledger" <"$BATS_TEST_TMPDIR/five"
	assert_status 0
	assert_equal "$(loaded '[.run, .adopted]' | paste -sd ' ')" '["1",true] ["2",true] ["3",true] ["4",true] ["5",true]' loaded
	assert_equal "$(requests POST '/queries') $(requests POST '/jobs')" '1 0' requests
}

@test "what another process has written as done is not written again, and what comes next is" {
	put a/1 1
	ledger=$PROJECT.$dataset.ledger
	load_batches --ledger "$ledger" < <(batch one t "$with_schema" a/1)
	# One who does not see that entry yet.
	bq_sql "DELETE FROM $ledger WHERE state = 'done'"
	load_batches --ledger "$ledger" < <(
		batch one t "$with_schema" a/1
		batch two t "$with_schema" a/1
	)
	assert_status 0
	assert_equal "$(loaded '[.run, .adopted]' | paste -sd ' ')" '["one",true] ["two",false]' loaded
	assert_equal "$(bq_sql "SELECT run, state FROM $ledger ORDER BY \`at\`" | jq -r '.run + " " + .state' | paste -sd ,)" \
		'one submitted,two submitted,two done' entries
}

@test "the ledger fails between two batches: the first is loaded, the second not begun, and nothing is lost" {
	put a/1 1
	ledger=$PROJECT.$dataset.ledger
	load_batches --ledger "$ledger" < <(batch zero t "$with_schema" a/1)
	for i in one two; do
		batch "$i" t "$with_schema" a/1
	done >"$BATS_TEST_TMPDIR/two"
	# submitted, load, then both.
	fault "{\"match\":{\"method\":\"POST\",\"path\":\"/projects/$PROJECT/jobs\",\"n\":3},\"times\":99999,\"fault\":{\"status\":503}}"
	load_batches --ledger "$ledger" --retry-for 200ms <"$BATS_TEST_TMPDIR/two"
	assert_status 75
	assert_output_contains 'batch two: '
	assert_output_contains 'nothing was loaded'
	assert_output_contains 'batch one: '
	assert_output_contains 'the same batch has only this left to do'
	assert_equal "$(loaded .run)" '' loaded
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	load_batches --ledger "$ledger" <"$BATS_TEST_TMPDIR/two"
	assert_status 0
	assert_equal "$(loaded '[.run, .adopted]' | paste -sd ' ')" '["one",true] ["two",false]' loaded
	assert_equal "$(ids t)" '1 1 1 '
}

@test "behind a failed batch none of its lock is begun, whatever fails in between" {
	put a/1 1
	lock() {
		jq -c --arg l "gs://$bucket/$1" '.["@batch"].lock = $l'
	}
	load_batches < <(
		batch bad t "$with_schema" a/none | lock A
		batch other u "$with_schema" a/1 | lock B
		batch missing v "$with_schema" a/none
		batch behind t "$with_schema" a/1 | lock A
		batch last u "$with_schema" a/1 | lock B
	)
	assert_status 69
	assert_equal "$(loaded .run | paste -sd ' ')" '"other" "last"' loaded
	assert_output_contains 'batch behind: it waits for the one before, which has failed'
	run ! bq_api GET "datasets/$dataset/tables/t"
	assert_equal "$(gcs_names "$bucket")" a/1 locks
}

@test "a job that is adopted has read all objects that it names" {
	put a/1 1
	put a/2 2
	# Whoever made it died before its end was seen, and the ledger knows nothing.
	fault '{"fault":{"misread":-1}}'
	load_batches < <(batch one t "$with_schema" a/1 a/2)
	assert_status 76
	load_batches --ledger "$PROJECT.$dataset.ledger" < <(batch one t "$with_schema" a/1 a/2)
	assert_status 76
	assert_output_contains 'it has read 1 objects of 2'
	assert_equal "$(bq_sql "SELECT state FROM $PROJECT.$dataset.ledger" | jq -r .state)" mismatch entries
	load_batches --ledger "$PROJECT.$dataset.ledger" < <(batch one t "$with_schema" a/1 a/2)
	assert_status 76
	assert_output_contains 'it ended in a mismatch and is not loaded again'
}

# many_objects PREFIX FROM TO: an object for each number, with one row, over one connection.
many_objects() {
	local i

	for ((i = $2; i <= $3; i++)); do
		printf 'url = "%s/upload/storage/v1/b/%s/o?uploadType=media&name=%s%05d"\ndata-binary = "{\\"id\\":%d}"\noutput = /dev/null\nnext\n' \
			"$LOCALCLOUD_URL" "$bucket" "$1" "$i" "$i"
	done | sed '$d' | curl -sS --noproxy '*' -K -
}

@test "more than 10,000 objects: a wildcard where it is clean, else several jobs and one statement" {
	many_objects many%2Fp 1 10001
	mapfile -t names < <(printf 'many/p%05d\n' $(seq 10001))
	batch wild t "$with_schema" "${names[@]}" >"$BATS_TEST_TMPDIR/wild"
	load_batches <"$BATS_TEST_TMPDIR/wild"
	assert_status 0
	job=$(loaded .job | jq -r 'split(".")[1]')
	assert_equal "$(bq_api GET "jobs/$job?location=US" | jq -c .configuration.load.sourceUris)" "[\"gs://$bucket/many/p*\"]"
	assert_equal "$(bq_sql "SELECT COUNT(DISTINCT id) AS n FROM $dataset.t")" '{"n":"10001"}'
	# Now something else lies among them.
	put many/p00000x 0
	batch several u "$with_schema" "${names[@]}" >"$BATS_TEST_TMPDIR/several"
	load_batches <"$BATS_TEST_TMPDIR/several"
	assert_status 0
	assert_equal "$(loaded '[.rows, .write, .adopted]')" '[10001,"append",false]'
	assert_equal "$(bq_sql "SELECT COUNT(DISTINCT id) AS n, COUNT(*) AS m FROM $dataset.u")" '{"n":"10001","m":"10001"}'
	load_batches <"$BATS_TEST_TMPDIR/several"
	assert_equal "$(loaded '[.rows, .adopted]')" '[10001,true]'
	# Replacing is one statement too, and what fails on its way goes on where it was.
	fault "{\"match\":{\"method\":\"POST\",\"path\":\"/projects/$PROJECT/jobs\",\"n\":2},\"times\":99,\"fault\":{\"status\":503}}"
	batch replace u "$truncate" "${names[@]:1}" "many/p00000x" >"$BATS_TEST_TMPDIR/replace"
	put many/y 5
	put many/p00000y 5
	load_batches <"$BATS_TEST_TMPDIR/replace"
	assert_status 75
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	assert_equal "$(bq_sql "SELECT COUNT(DISTINCT id) AS n, MIN(id) AS m FROM $dataset.u")" '{"n":"10001","m":"1"}'
	# Its price has a limit, too.
	load_batches --maximum-bytes-billed 1 <"$BATS_TEST_TMPDIR/replace"
	assert_status 69
	assert_output_contains 'bytes'
	assert_equal "$(bq_sql "SELECT MIN(id) AS m FROM $dataset.u")" '{"m":"1"}'
	load_batches <"$BATS_TEST_TMPDIR/replace"
	assert_status 0
	assert_equal "$(loaded '[.rows, .write]')" '[10001,"truncate"]'
	(($(loaded .bytesBilled) > 0))
	assert_equal "$(bq_sql "SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d, MIN(id) AS m FROM $dataset.u")" '{"n":"10001","d":"10001","m":"0"}'
	assert_equal "$(bq_api GET "datasets/$dataset/tables" | jq -c '[.tables[].tableReference.tableId]')" '["t","u"]'
}
