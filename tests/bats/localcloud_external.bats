#!/usr/bin/env bats
# Query jobs of localcloud with temporary external tables: configuration.query.tableDefinitions.

load helper/common
load helper/localcloud

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
	cd "$BATS_TEST_TMPDIR" || return 1
	object one '{"id":1,"v":"a"}
{"id":2,"v":"b"}
'
	object two '{"id":3,"v":"c"}
'
}

schema='{"fields":[{"name":"id","type":"INT64"},{"name":"v","type":"STRING"}]}'

# object NAME TEXT
object() {
	printf '%s' "$2" >object
	gcs_put "$bucket" "$1" object >/dev/null
}

# table NAME: one with the columns of the objects
table() {
	bq_api POST "datasets/$dataset/tables" "{\"tableReference\":{\"tableId\":\"$1\"},\"schema\":$schema}" >/dev/null
}

# definition OBJECT [MORE]: of NDJSON in the bucket
definition() {
	jq -nc --arg u "gs://$bucket/$1" --argjson s "$schema" --argjson more "${2:-{\}}" \
		'{sourceFormat: "NEWLINE_DELIMITED_JSON", sourceUris: [$u], schema: $s} + $more'
}

# insert DEFINITION SQL [MORE OF THE QUERY]: temp_ext is defined; prints the HTTP status, leaves answer
insert() {
	jq -nc --arg q "$2" --argjson d "$1" --argjson more "${3:-{\}}" '{configuration:
		({dryRun: ($more.dryRun // false), query: ({query: $q, useLegacySql: false, tableDefinitions: {temp_ext: $d}} + ($more | del(.dryRun)))})}' >body
	localcloud_curl -o answer -w '%{http_code}' -X POST --data-binary @body "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/jobs"
}

job_is_done() {
	bq_api GET "jobs/$id?location=US" >job.json && [[ $(jq -r .status.state job.json) == DONE ]]
}

# query DEFINITION SQL [MORE]: waits for the job; job.json is as it ended
query() {
	local id

	[[ $(insert "$@") == 200 ]] || _fail "not inserted: $(<answer)"
	id=$(jq -r .jobReference.jobId answer)
	wait_until 30 job_is_done
}

# rows of the last query, a JSON array each
rows() {
	jq -e '.status.errorResult == null' job.json >/dev/null || _fail "the job failed: $(jq -c .status job.json)"
	bq_api GET "queries/$(jq -r .jobReference.jobId job.json)?location=US" | jq -c '.rows[]? | [.f[].v]' | paste -sd ' '
}

# assert_failed REASON TEXT
assert_failed() {
	[[ $(jq -r .status.errorResult.reason job.json) == "$1" ]] || _fail "not failed with $1: $(<job.json)"
	jq -e --arg t "$2" '.status.errorResult.message | contains($t)' job.json >/dev/null ||
		_fail "it does not say '$2': $(jq -c .status job.json)"
}

# The tables in the database that no catalog entry stands for, beyond results.
hidden_tables() {
	python3 -c 'import sqlite3, sys
print(" ".join(r[0] for r in sqlite3.connect(sys.argv[1]).execute(
	"SELECT name FROM sqlite_master WHERE type=\"table\" AND name LIKE \"@%\" AND name NOT LIKE \"@result%\"")))' "$LOCALCLOUD_DATA/bigquery.sqlite"
}

@test "SELECT reads the objects under the name, which nothing keeps" {
	query "$(definition '*')" 'SELECT id, v FROM temp_ext ORDER BY id'
	assert_equal "$(rows)" '["1","a"] ["2","b"] ["3","c"]'
	assert_equal "$(hidden_tables)" ''
	run bq_sql 'SELECT id FROM temp_ext'
	assert_status 1
	assert_output_contains 'must be qualified with a dataset'
	assert_equal "$(bq_api GET "datasets/$dataset/tables" | jq .totalItems)" 0
}

@test "INSERT … SELECT, MERGE … USING and CREATE TABLE AS read it" {
	table t
	query "$(definition one)" "INSERT INTO $dataset.t SELECT id, v FROM temp_ext"
	rows
	assert_equal "$(jq -r .statistics.query.numDmlAffectedRows job.json)" 2
	object later '{"id":2,"v":"changed"}
{"id":4,"v":"new"}
'
	query "$(definition later)" "MERGE $dataset.t t USING temp_ext s ON t.id = s.id
		WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"
	rows
	assert_equal "$(bq_sql "SELECT id, v FROM $dataset.t ORDER BY id" | jq -r '.id + .v' | paste -sd ' ')" '1a 2changed 4new'
	query "$(definition two)" "CREATE TABLE $dataset.u AS SELECT v FROM temp_ext"
	rows
	assert_equal "$(bq_sql "SELECT v FROM $dataset.u")" '{"v":"c"}'
	assert_equal "$(hidden_tables)" ''
}

@test "every statement of a script sees it, also in a transaction" {
	table t
	query "$(definition one)" "BEGIN TRANSACTION; DELETE FROM $dataset.t WHERE id IN (SELECT id FROM temp_ext);
		INSERT INTO $dataset.t SELECT id, v FROM temp_ext; COMMIT TRANSACTION;
		INSERT INTO $dataset.t SELECT id + 10, v FROM temp_ext; SELECT count(*) FROM $dataset.t, temp_ext"
	assert_equal "$(jq -r .statistics.query.statementType job.json)" SCRIPT
	assert_equal "$(bq_sql "SELECT id FROM $dataset.t ORDER BY id" | jq -r .id | paste -sd ' ')" '1 2 11 12'
}

@test "it stands before a table of the default dataset, behind WITH, and not in a view" {
	default=$(jq -nc --arg d "$dataset" '{defaultDataset: {datasetId: $d}}')
	bq_sql "CREATE TABLE $dataset.temp_ext AS SELECT 99 AS id"
	bq_sql "CREATE TABLE $dataset.other AS SELECT 7 AS id"
	query "$(definition two)" 'SELECT id FROM temp_ext' "$default"
	assert_equal "$(rows)" '["3"]'
	query "$(definition two)" "SELECT a.id AS a, b.id AS b, c.id AS c FROM $dataset.temp_ext a, temp_ext b, other c" "$default"
	assert_equal "$(rows)" '["99","3","7"]'
	query "$(definition two)" 'WITH temp_ext AS (SELECT 5 AS id) SELECT id FROM temp_ext'
	assert_equal "$(rows)" '["5"]'
	query "$(definition two)" 'SELECT id FROM Temp_Ext'
	assert_failed invalid 'must be qualified with a dataset'
	query "$(definition two)" "CREATE VIEW $dataset.v AS SELECT id FROM temp_ext"
	assert_failed invalid 'must be qualified with a dataset'
}

@test "it cannot be written, altered or dropped" {
	for sql in "INSERT INTO temp_ext (id) VALUES (9)" "UPDATE temp_ext SET v = 'x' WHERE true" "DELETE FROM temp_ext WHERE true" \
		"TRUNCATE TABLE temp_ext" "MERGE temp_ext USING (SELECT 1 AS id) s ON false WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"; do
		query "$(definition one)" "$sql"
		assert_failed invalidQuery 'DML over external table temp_ext is not supported'
	done
	for sql in 'DROP TABLE temp_ext' 'ALTER TABLE temp_ext ADD COLUMN w INT64'; do
		query "$(definition one)" "$sql"
		assert_failed invalid 'must be qualified with a dataset'
	done
	assert_equal "$(gcs_get "$bucket" two)" '{"id":3,"v":"c"}'
}

@test "CSV with its options, and gzip where the definition says so" {
	object a.csv 'id;v
1;"x;y"
2;NULL
3'
	query "$(definition a.csv '{"sourceFormat":"CSV","csvOptions":{"skipLeadingRows":"1","fieldDelimiter":";","nullMarker":"NULL","allowJaggedRows":true}}')" \
		'SELECT id, v FROM temp_ext ORDER BY id'
	assert_equal "$(rows)" '["1","x;y"] ["2",null] ["3",null]'
	# jsonOptions are not CSV's, nor the other way round.
	query "$(definition two '{"csvOptions":{"skipLeadingRows":"1"},"jsonOptions":{"encoding":"UTF-8"}}')" 'SELECT id FROM temp_ext'
	assert_equal "$(rows)" '["3"]'
	printf '{"id":8}\n' | gzip >zipped
	gcs_put "$bucket" zipped zipped >/dev/null
	query "$(definition zipped '{"compression":"GZIP"}')" 'SELECT id FROM temp_ext'
	assert_equal "$(rows)" '["8"]'
	query "$(definition zipped)" 'SELECT id FROM temp_ext'
	assert_failed invalid 'compression of the external table is NONE'
	query "$(definition one '{"compression":"GZIP"}')" 'SELECT id FROM temp_ext'
	assert_failed invalid 'the file is not compressed'
}

@test "bad rows and unknown values are those of a load" {
	table t
	object bad '{"id":1}
{"id":"x"}
{"id":2,"w":1}
'
	query "$(definition bad)" "INSERT INTO $dataset.t (id) SELECT id FROM temp_ext"
	assert_failed invalid 'Error while reading table: temp_ext, error message: JSON table encountered too many errors'
	jq -e --arg u "gs://$bucket/bad" '.status.errors[1] | .location == $u and (.message | startswith("Error while reading table: temp_ext,"))' job.json
	assert_equal "$(bq_sql "SELECT count(*) AS n FROM $dataset.t")" '{"n":"0"}'
	query "$(definition bad '{"maxBadRecords":2}')" 'SELECT id FROM temp_ext'
	assert_equal "$(rows)" '["1"]'
	query "$(definition bad '{"maxBadRecords":1,"ignoreUnknownValues":true}')" 'SELECT id FROM temp_ext ORDER BY id'
	assert_equal "$(rows)" '["1"] ["2"]'
	assert_equal "$(hidden_tables)" ''
}

@test "an object that is not there fails the job" {
	query "$(definition none)" 'SELECT id FROM temp_ext'
	assert_failed notFound "Not found: URI gs://$bucket/none"
	query "$(definition 'none*')" 'SELECT id FROM temp_ext'
	assert_failed notFound "Not found: URI gs://$bucket/none*"
}

@test "more rows than are kept in memory, and none at all" {
	seq 300000 | sed 's/.*/{"id":&,"v":"some text that makes the row longer: &"}/' >many
	gcs_put "$bucket" many many >/dev/null
	query "$(definition many)" 'SELECT count(*), sum(id), min(v) FROM temp_ext'
	assert_equal "$(rows)" '["300000","45000150000","some text that makes the row longer: 1"]'
	assert_equal "$(jq -r .statistics.query.totalBytesProcessed job.json)" "$(stat -c %s many)"
	object empty ''
	query "$(definition empty)" 'SELECT count(*) FROM temp_ext'
	assert_equal "$(rows)" '["0"]'
	assert_equal "$(hidden_tables)" ''
}

@test "what is read is billed once, and limited" {
	query "$(definition one)" 'SELECT a.id FROM temp_ext a, temp_ext b' '{"maximumBytesBilled":"10485760"}'
	rows
	assert_equal "$(jq -r .statistics.query.totalBytesBilled job.json)" 10485760
	query "$(definition one)" 'SELECT id FROM temp_ext' '{"maximumBytesBilled":"10485759"}'
	assert_failed bytesBilledLimitExceeded '10485760 or higher required'
}

@test "a dry run says the columns and reads nothing" {
	assert_equal "$(insert "$(definition none)" 'SELECT v, id + 1 AS next FROM temp_ext' '{"dryRun":true}')" 200
	assert_equal "$(jq -c '[.statistics.query.schema.fields[] | .name + ":" + .type]' answer)" '["v:STRING","next:INTEGER"]'
	assert_equal "$(insert "$(definition one)" 'SELECT w FROM temp_ext' '{"dryRun":true}')" 400
	assert_equal "$(hidden_tables)" ''
}

@test "definitions that make no sense are refused" {
	refused() {
		assert_equal "$(insert "$1" 'SELECT 1')" "$2"
		jq -e --arg t "$3" '.error.message | contains($t)' answer >/dev/null || _fail "it does not say '$3': $(<answer)"
	}
	refused '[]' 400 'Invalid value for tableDefinitions.temp_ext'
	refused "$(definition one '{"sourceFormat":null}')" 400 'missing: sourceFormat'
	refused "$(definition one '{"sourceUris":[]}')" 400 'missing: sourceUris'
	refused "$(definition one '{"schema":null}')" 400 'No schema'
	refused "$(definition one '{"schema":null,"autodetect":true}')" 501 'does not detect schemas'
	refused "$(definition one '{"sourceFormat":"CSV","autodetect":true}')" 501 'does not detect schemas'
	refused "$(definition one '{"sourceUris":["file:///x"]}')" 400 'must be a Google Cloud Storage location'
	refused "$(definition one '{"sourceFormat":"PARQUET"}')" 501 'PARQUET'
	refused "$(definition one '{"compression":"XZ"}')" 400 'compression'
	refused "$(definition one '{"hivePartitioningOptions":{}}')" 501 'hivePartitioningOptions'
	refused "$(definition one '{"sourceUri":"x"}')" 400 'Unknown name "sourceUri"'
	refused "$(definition one '{"maxBadRecords":-1}')" 400 'maxBadRecords'
	refused "$(definition one '{"schema":{"fields":[{"name":"id","type":"NONSENSE"}]}}')" 400 NONSENSE
}

@test "bq query --external_table_definition" {
	command -v bq >/dev/null || skip "bq is not installed"
	export CLOUDSDK_CONFIG=$BATS_TEST_TMPDIR/config CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1
	bqx() {
		bq --api="$LOCALCLOUD_URL" --oauth_access_token=tok --project_id="$PROJECT" --format=json "$@"
	}
	run bqx query --use_legacy_sql=false \
		--external_table_definition="temp_ext::id:INTEGER,v:STRING@NEWLINE_DELIMITED_JSON=gs://$bucket/two" 'SELECT id, v FROM temp_ext'
	assert_status 0
	assert_line '[{"id":"3","v":"c"}]'
	object a.csv 'id,v
5,e'
	bqx mkdef --noautodetect --source_format=CSV "gs://$bucket/a.csv" id:INTEGER,v:STRING | jq '.csvOptions.skipLeadingRows = 1' >definition
	run bqx query --use_legacy_sql=false --external_table_definition=temp_ext::definition 'SELECT id, v FROM temp_ext'
	assert_status 0
	assert_line '[{"id":"5","v":"e"}]'
}
