#!/usr/bin/env bats
# bqload --add-column against localcloud.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	dataset=a$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	schema='"schema":{"fields":[{"name":"id","type":"INTEGER"},{"name":"v","type":"STRING"}]},'
	all=(--add-column loaded_at --add-column extracted_at --add-column run_id --add-column batch_id --add-column source_table)
}

# load_rows ROW... -- OPTION...
load_rows() {
	local rows=()
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	{
		printf '{"@begin":{"version":1,%s"key":["id"],"table":"public.\\"x","at":"2026-01-31T10:00:00.000001Z"}}\n' "$schema"
		((${#rows[@]} == 0)) || printf '%s\n' "${rows[@]}"
		printf '{"@end":{"rows":%d}}\n' ${#rows[@]}
	} >"$BATS_TEST_TMPDIR/stream"
	run bqload "${@:2}" "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
}

loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -r ".[\"@loaded\"] | $1"
}

rows_of() {
	bq_sql "SELECT $1 FROM $dataset.t ORDER BY id" | jq -c '[.[]]'
}

@test "every kind of column is added to each row, whatever stands in it" {
	load_rows '{"id":1,"v":"}"}' '{}' '{ "id" : 2 }' $'{\t}\t' '{"id":3,"v":"{"} ' -- "${all[@]}" --run-id $'r"\\1'
	assert_status 0
	assert_equal "$(bq_api GET "datasets/$dataset/tables/t" | jq -c '[.schema.fields[] | .name + ":" + .type]')" \
		'["id:INTEGER","v:STRING","_loaded_at:TIMESTAMP","_extracted_at:TIMESTAMP","_run_id:STRING","_batch_id:STRING","_source_table:STRING"]'
	assert_equal "$(rows_of "id, v, CAST(_extracted_at AS STRING), _run_id, _batch_id, _source_table" | jq -c '.[:2]')" \
		$'[null,null]\n[null,null]\n["1","}"]\n["2",null]\n["3","{"]'
	assert_equal "$(bq_sql "SELECT DISTINCT CAST(_extracted_at AS STRING), _run_id, _batch_id, _source_table FROM $dataset.t" | jq -c '[.[]]')" \
		"[\"2026-01-31 10:00:00.000001+00\",\"r\\\"\\\\1\",\"$(loaded '.job | split(".")[1]')\",\"public.\\\"x\"]"
	assert_equal "$(bq_sql "SELECT COUNT(*) AS n FROM $dataset.t WHERE TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), _loaded_at, SECOND) BETWEEN 0 AND 60")" '{"n":"5"}'
}

@test "a merge updates them with the row, and only with it" {
	load_rows '{"id":1,"v":"a"}' '{"id":2,"v":"b"}' -- --write merge --add-column run_id=run --run-id one
	load_rows '{"id":2,"v":"c"}' '{"id":3,"v":"d"}' -- --write merge --add-column run_id=run --add-column batch_id --run-id two
	assert_status 0
	assert_equal "$(rows_of 'id, v, run, _batch_id IS NULL')" \
		$'["1","a","one","true"]\n["2","c","two","false"]\n["3","d","two","false"]'
}

@test "into a table that exists they come as --evolve allows, with and without a schema of the stream" {
	load_rows '{"id":1}' --
	load_rows '{"id":2}' -- --add-column run_id --run-id r --evolve none
	assert_status 65
	assert_output_contains '_run_id  -      STRING  --evolve add'
	schema=
	load_rows '{"id":2}' -- --add-column run_id --run-id r
	assert_status 0
	load_rows '{"id":3}' -- --add-column run_id --run-id s --write merge
	assert_status 0
	assert_equal "$(rows_of 'id, _run_id')" $'["1",null]\n["2","r"]\n["3","s"]'
	load_rows '{"id":4,"_run_id":"mine"}' -- --add-column run_id
	assert_status 65
	assert_output_contains 'column _run_id is not in the schema'
}

@test "names that are the stream's, twice there or no names, and unknown kinds are refused" {
	load_rows '{"id":1}' -- --add-column run_id=V
	assert_status 65
	assert_output_contains 'the stream has a column V'
	local words
	while read -ra words; do
		load_rows '{"id":1}' -- "${words[@]}"
		assert_status 64
	done <<-'END'
		--add-column what
		--add-column run_id=
		--add-column run_id=a.b
		--add-column run_id=x --add-column batch_id=X
		--add-column run_id --add-column run_id
		--write merge --keys-only --delete-missing --add-column run_id
	END
	run bqload --bare --add-column source_table "$dataset.t" <<<'{"id":1}'
	assert_status 65
	assert_output_contains '@begin has no "table"'
	load_rows '{"id":1}' -- --add-column run_id --dry-run
	assert_status 0
	load_rows '{"id":"x","w":1}' -- --add-column run_id --dry-run
	assert_status 65
}

@test "staged rows have them too" {
	curl -fsS -X POST -H 'Content-Type: application/json' -d '{"name":"stage-a5"}' "$LOCALCLOUD_URL/storage/v1/b?project=$PROJECT" >/dev/null
	load_rows '{"id":1}' '{"id":2}' -- --stage gs://stage-a5/x --add-column run_id --run-id r
	assert_status 0
	assert_equal "$(rows_of 'id, _run_id')" $'["1","r"]\n["2","r"]'
	# And a column that has to be wider is, before the objects are loaded.
	schema='"schema":{"fields":[{"name":"id","type":"NUMERIC"},{"name":"v","type":"STRING"}]},'
	load_rows '{"id":"3.5"}' -- --stage gs://stage-a5/x --evolve add,widen
	assert_status 0
	assert_equal "$(rows_of id)" $'["1"]\n["2"]\n["3.5"]'
}
