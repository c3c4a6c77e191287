#!/usr/bin/env bats
# bqload --stage with --ledger: objects of runs whose end nobody saw are known, and removed once it is.

load helper/common
load helper/localcloud
load helper/ledger

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

setup() {
	ledger_setup
	bucket=stage-$dataset
	gcs_bucket "$bucket"
	stage=(--stage "gs://$bucket/in")
}

teardown() {
	clear_faults
}

no_objects() {
	assert_equal "$(gcs_names "$bucket")" '' 'what is left in the bucket'
}

# objects_of RUN: where its submissions say that its objects are, a line each.
objects_of() {
	entries "select(.run == \"$1\" and .state == \"submitted\") | .objects // empty" | tr -d '"'
}

# listed RUN: the bucket has objects, all of them where the run's submission says.
listed() {
	local below

	below=$(objects_of "$1")
	[[ $below == "gs://$bucket/in/"*/ ]] || _fail "the ledger lists '$below'"
	assert_equal "$(gcs_names "$bucket" | sed "s|^|gs://$bucket/|")" "${below}part-00001.ndjson" 'what is in the bucket'
}

# lose_sight RUN ROW... [-- OPTION...]: the run's load job is done, but nobody can see it.
lose_sight() {
	fault '{"match":{"method":"GET","path":"/jobs/","n":2},"times":9999,"fault":{"status":503}}'
	load_rows 1 "${@:2}" "${stage[@]}" --run-id "$1"
	clear_faults
	assert_status 75
	assert_output_contains 'stay'
}

@test "a submission says where its objects are; they are gone once it is done" {
	local id=0

	for ledger in "$ledger" "file:$BATS_TEST_TMPDIR/loads"; do
		for write in append merge; do
			load_rows 1 "{\"id\":$((++id))}" -- "${stage[@]}" --gzip --write "$write" --run-id "$write-${ledger%%:*}"
			assert_status 0
			[[ $(objects_of "$write-${ledger%%:*}") =~ ^gs://$bucket/in/[0-9a-f]{32}/[0-9a-f]{16}/$ ]]
			no_objects
		done
	done
}

@test "--state removes what a run has left when its job's end is known" {
	use_file
	lose_sight r1 '{"id":1}' --
	listed r1
	state
	assert_status 0
	assert_equal "$(said '[.run, .rows]')" '["r1",1]'
	no_objects
	assert_equal "$(table_rows)" '["1",null]'
}

@test "so does the next load of the table, whatever its run id, and with or without --stage" {
	use_file
	lose_sight r1 '{"id":1}' --
	load_rows 2 '{"id":2}' -- --run-id r2
	assert_status 0
	no_objects
	assert_equal "$(entries 'select(.run == "r1") | .state')" $'"submitted"\n"done"'
	lose_sight r3 '{"id":3}' --
	load_rows 4 '{"id":4}' '{"id":5}' -- --run-id r3
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted]')" '[1,true]'
	no_objects
}

@test "while the end is not known they stay, and stay listed" {
	use_file
	lose_sight r1 '{"id":1}' --
	fault '{"match":{"method":"GET","path":"/jobs/"},"times":9999,"fault":{"status":503}}'
	state
	assert_status 75
	listed r1
	load_rows 2 '{"id":2}' -- --run-id r2
	assert_status 75
	listed r1
	clear_faults
	state
	no_objects
}

@test "a process that dies when its job may have begun: its objects go with the next run" {
	load_rows 0 '{"id":0}' -- --run-id r0
	# Of the requests that make jobs the second one is the load's own.
	die_at after POST '/jobs$' 2 1 '{"id":1}' -- "${stage[@]}" --run-id r1
	listed r1
	state
	assert_equal "$(said '[.run, .state]')" '["r1","done"]'
	no_objects
	# Here the job never comes, which is known once its id is taken.
	die_at before POST '/jobs$' 2 2 '{"id":2}' -- "${stage[@]}" --run-id r2
	listed r2
	load_rows 3 '{"id":3}' -- --run-id r3
	assert_status 0
	no_objects
	assert_equal "$(table_rows)" $'["0",null]\n["1",null]\n["3",null]'
	assert_equal "$(entries 'select(.run == "r2") | .state')" $'"submitted"\n"failed"'
}

@test "the rows of a merge that came no further than their temporary table" {
	for ledger in "$ledger" "file:$BATS_TEST_TMPDIR/loads"; do
		local n=2 run=r${ledger%%:*}

		load_rows 0 '{"id":0}' -- --write merge --run-id "0$run"
		# In a file, only the load of the temporary table is a job.
		[[ $ledger != file:* ]] || n=1
		die_at after POST '/jobs$' "$n" 1 '{"id":1}' -- "${stage[@]}" --write merge --run-id "$run"
		listed "$run"
		assert_equal "$(entries "select(.run == \"$run\") | .step + \" \" + .state")" '"stage submitted"'
		load_rows 2 '{"id":2}' -- --write merge --run-id "2$run"
		assert_status 0
		no_objects
		assert_equal "$(entries "select(.run == \"$run\") | .step + \" \" + .state")" $'"stage submitted"\n"stage failed"'
		# It is looked at once.
		load_rows 2 '{"id":2}' -- --write merge --run-id "3$run"
		refute_output_contains 'has no outcome yet'
		# The rows still wait, so the run itself can go on.
		load_rows 1 '{"id":7}' -- "${stage[@]}" --write merge --run-id "$run"
		assert_status 0
		assert_equal "$(loaded '[.rows, .adopted]')" '[1,true]'
		assert_equal "$(table_rows)" $'["0",null]\n["1",null]\n["2",null]'
		no_objects
		bq_sql "DELETE FROM $dataset.t WHERE id = 1"
	done
}

@test "a run that was tried again and failed before its job does not hide what it left" {
	load_rows 0 '{"id":0}' -- --write merge --run-id r0
	die_at before POST '/jobs$' 2 1 '{"id":1}' -- "${stage[@]}" --write merge --run-id r1
	listed r1
	load_rows 1 '{"id":"x"}' '{' -- --write merge --run-id r1
	assert_status 65
	assert_equal "$(entries '.step + " " + .state' | tail -n 1)" '"load failed"'
	listed r1
	load_rows 2 '{"id":2}' -- --write merge --run-id r2
	assert_status 0
	no_objects
}

@test "a merge that fails for good says which job it was, and nothing is looked for later" {
	use_file
	fault '{"match":{"method":"POST","path":"/jobs$"},"fault":{"jobError":{"reason":"invalid"}}}'
	load_rows 1 '{"id":1}' -- "${stage[@]}" --write merge --run-id r1
	assert_status 65
	no_objects
	assert_equal "$(entries '[.step, .state, (.job | type)]' | tail -n 1)" '["stage","failed","string"]'
	clear_faults
	load_rows 1 '{"id":1}' -- --write merge --run-id r2
	assert_status 0
	refute_output_contains 'has no outcome yet'
}

@test "what the ledger lists is removed only where it looks like a stage's objects" {
	use_file
	lose_sight r1 '{"id":1}' --
	printf x >"$BATS_TEST_TMPDIR/x"
	below=$(objects_of r1)
	gcs_put "$bucket" "${below#gs://*/}notes" "$BATS_TEST_TMPDIR/x" >/dev/null
	gcs_put "$bucket" precious/part-00001.ndjson "$BATS_TEST_TMPDIR/x" >/dev/null
	# As somebody might edit it.
	sed -i "s|\"objects\":\"[^\"]*\"|\"objects\":\"gs://$bucket/precious/\"|" "$BATS_TEST_TMPDIR/loads"
	state
	assert_status 0
	assert_equal "$(gcs_names "$bucket" | wc -l)" 3
	gcs_names "$bucket" | grep -qx precious/part-00001.ndjson
}

@test "objects that may not be removed are a warning that names them" {
	use_file
	lose_sight r1 '{"id":1}' --
	below=$(objects_of r1)
	fault '{"match":{"method":"DELETE","path":"/storage/"},"times":99,"fault":{"status":403,"reason":"forbidden"}}'
	state
	assert_status 0
	assert_output_contains "1 objects are left below ${below#gs://*/}"
	assert_equal "$(said .state)" '"done"'
}

@test "a wider, relaxed and added column, columns of --add-column, a merge and a ledger go through gzip files" {
	schema='[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"n","type":"INTEGER"}]'
	load_rows 1 '{"id":1,"n":1}' '{"id":2,"n":2}' -- "${stage[@]}" --run-id r1
	schema='[{"name":"id","type":"INTEGER","mode":"REQUIRED"},{"name":"n","type":"NUMERIC"},{"name":"x","type":"STRING"}]'
	load_rows 2 '{"id":2,"n":"2.5","x":"b"}' '{"id":3,"n":"3.5"}' -- "${stage[@]}" --gzip --parallel 2 --write merge \
		--evolve add,widen --add-column run_id=run --run-id r2
	assert_status 0
	assert_equal "$(bq_sql "SELECT id, CAST(n AS STRING) AS n, x, run FROM $dataset.t ORDER BY id" | jq -c '[.[]]')" \
		$'["1","1",null,null]\n["2","2.5","b","r2"]\n["3","3.5",null,"r2"]'
	assert_equal "$(entries 'select(.run == "r2") | .step + " " + .state')" $'"stage submitted"\n"load submitted"\n"load done"'
	schema='[{"name":"id","type":"NUMERIC"},{"name":"y","type":"STRING"}]'
	load_rows 4 '{"id":"4.5","y":"d"}' '{}' -- "${stage[@]}" --gzip --evolve add,relax,widen --run-id r3
	assert_status 0
	assert_equal "$(bq_sql "SELECT CAST(id AS STRING) AS id, y FROM $dataset.t WHERE run IS NULL ORDER BY id" | jq -c '[.[]]')" \
		$'[null,null]\n["1",null]\n["4.5","d"]'
	no_objects
}
