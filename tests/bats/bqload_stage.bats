#!/usr/bin/env bats
# bqload --stage: rows by way of Cloud Storage, what is left there, and what must never be loaded.

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
	# A dataset and a bucket for each test: they share one server.
	dataset=d$BATS_TEST_NUMBER
	bucket=bucket-$BATS_TEST_NUMBER
	bq_dataset "$dataset"
	gcs_bucket "$bucket"
	curl -fsS -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
}

teardown() {
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# stream N [PAD]: rows 1 to N, each with PAD bytes of text that does not compress well.
stream() {
	printf '{"@begin":{"version":1,"table":"t","schema":%s,"key":["id"]}}\n' "$schema"
	awk -v n="$1" -v pad="${2:-0}" 'BEGIN {
		srand(1)
		while (length(text) < 2 * pad)
			text = text sprintf("%x", rand() * 1e9)
		for (i = 1; i <= n; i++)
			printf "{\"id\":%d,\"name\":\"%s\"}\n", i, substr(text, 1 + rand() * pad, pad)
		printf "{\"@end\":{\"rows\":%d,\"rejected\":0}}\n", n
	}'
}

# stage OPTION...: run bqload on stdin, into $dataset.t by way of $bucket.
stage() {
	run bqload --retry-initial 10ms --retry-for 5s --stage "gs://$bucket/in" "$@" "$dataset.t"
}

# stage_rows N PAD OPTION...: the same on that stream.
stage_rows() {
	stream "$1" "$2" >"$BATS_TEST_TMPDIR/stream"
	stage "${@:3}" <"$BATS_TEST_TMPDIR/stream"
}

# Count and sum of the ids: every row, and none twice.
table_ids() {
	bq_sql "SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS d, MAX(id) AS m FROM $dataset.t" | jq -c '[.n, .d, .m]'
}

# holds N: the table has the rows 1 to N once.
holds() {
	assert_equal "$(table_ids)" "[\"$1\",\"$1\",\"$1\"]" "count, distinct count and largest id"
}

no_objects() {
	assert_equal "$(gcs_names "$bucket")" '' 'what is left in the bucket'
}

# loaded FILTER: of the @loaded record in $output.
loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

# requests METHOD PATTERN: "status contentRange connection" of those that match, a line each.
requests() {
	curl -fsS "$LOCALCLOUD_URL/requests" | jq -r --arg m "$1" --arg p "$2" \
		'.requests[] | select(.method == $m and (.path | test($p))) | "\(.status) \(.contentRange) \(.connection)"'
}

# fails_with STATUS TEXT: nothing was committed, and nothing is left in the bucket.
fails_with() {
	assert_status "$1"
	assert_output_contains "$2"
	refute_output_contains '@loaded'
	run ! curl -fsS "$LOCALCLOUD_URL/bigquery/v2/projects/$PROJECT/datasets/$dataset/tables/t"
	no_objects
}

@test "what --stage cannot mean is 64, and says so" {
	run bqload d.t --gzip </dev/null
	assert_status 64
	assert_output_contains '--gzip needs --stage'
	run bqload d.t --parallel 2 </dev/null
	assert_output_contains '--parallel needs --stage'
	run bqload d.t --stage s3://bucket/x </dev/null
	assert_status 64
	assert_output_contains "--stage: 's3://bucket/x' is not gs://BUCKET/NAME"
	run bqload d.t --stage 'gs://bucket/a*' </dev/null
	assert_status 64
	assert_output_contains 'asterisk'
	run bqload d.t --stage gs://bucket/x --part-size 4GiB </dev/null
	assert_status 64
	assert_output_contains 'more than 3200MiB'
	run bqload d.t --stage gs://bucket/x --part-size 1k </dev/null
	assert_status 64
	assert_output_contains "--part-size: '1k' is not a size"
}

@test "rows arrive by way of one object, which goes away" {
	stage_rows 100 10
	assert_status 0
	holds 100
	no_objects
	job=$(loaded .job | jq -r 'split(".")[1]')
	uris=$(bq_api GET "jobs/$job?location=US" | jq -c .configuration.load.sourceUris)
	[[ $uris =~ ^\[\"gs://$bucket/in/[0-9a-f]{32}/[0-9a-f]{16}/part-00001.ndjson\"\]$ ]]
	[[ $uris == *"/${job:7:32}/"* ]]
}

@test "several connections write several objects, listed one by one" {
	# While the first one waits, the others are used.
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"delayMs":500}}'
	stage_rows 40000 200 --part-size 256KiB --parallel 3
	assert_status 0
	holds 40000
	no_objects
	job=$(loaded .job | jq -r 'split(".")[1]')
	uris=$(bq_api GET "jobs/$job?location=US" | jq -r '.configuration.load.sourceUris[]')
	assert_equal "$(grep -o '[0-9]*.ndjson$' <<<"$uris")" "$(seq -f %05g.ndjson "$(wc -l <<<"$uris")")"
	(($(wc -l <<<"$uris") > 3))
	connections=$(requests PUT upload/storage | awk '{ print $NF }' | sort -u | wc -l)
	((connections == 3)) || _fail "$connections connections: $(requests PUT upload/storage)"
	# Created only where there is none of that name.
	assert_equal "$(requests POST upload/storage | wc -l)" "$(requests POST ifGenerationMatch=0 | wc -l)"
}

@test "--gzip writes gzip files that hold the rows, each whole" {
	fault '{"match":{"method":"DELETE","path":"/storage/"},"times":99,"fault":{"status":403,"reason":"forbidden"}}'
	stage_rows 20000 300 --gzip --part-size 512KiB --parallel 2
	assert_status 0
	holds 20000
	assert_output_contains 'objects are left below gs://'
	for name in $(gcs_names "$bucket"); do
		[[ $name == *.ndjson.gz ]]
		gcs_get "$bucket" "$name" | gunzip >"$BATS_TEST_TMPDIR/part"
		assert_equal "$(tail -c 2 "$BATS_TEST_TMPDIR/part" | od -An -tx1 | tr -d ' ')" 7d0a "the end of $name"
		cat "$BATS_TEST_TMPDIR/part" >>"$BATS_TEST_TMPDIR/rows"
	done
	assert_equal "$(sort "$BATS_TEST_TMPDIR/rows" | sha256sum)" \
		"$(sed '1d;$d' "$BATS_TEST_TMPDIR/stream" | sort | sha256sum)" 'what the objects hold'
}

@test "append, truncate, empty and merge" {
	stage_rows 3 1
	stage_rows 2 1 --write truncate
	assert_status 0
	holds 2
	stage_rows 1 1 --write empty
	assert_status 69
	holds 2
	stage_rows 5 1 --write merge
	assert_status 0
	holds 5
	no_objects
	assert_equal "$(bq_api GET "datasets/$dataset/tables" | jq '.tables | length')" 1 'tables'
}

@test "no rows: append makes no object, emptying a partition takes an empty one" {
	stage_rows 0 0
	assert_status 0
	assert_equal "$(loaded '[.rows, .job]')" '[0,null]'
	assert_equal "$(requests POST upload/storage)" ''
	local parted='{"fields":[{"name":"id","type":"INTEGER"},{"name":"name","type":"STRING"},{"name":"d","type":"DATE"}]}'
	bq_api POST "datasets/$dataset/tables" "$(jq -nc --arg p "$PROJECT" --arg d "$dataset" --argjson s "$parted" \
		'{tableReference:{projectId:$p,datasetId:$d,tableId:"p"},schema:$s,timePartitioning:{type:"DAY",field:"d"}}')" >/dev/null
	bq_sql "INSERT INTO $dataset.p VALUES (1, 'a', DATE '2024-01-01'), (2, 'b', DATE '2024-01-02')"
	schema=$parted stream 0 >"$BATS_TEST_TMPDIR/stream"
	for option in '' --gzip; do
		# shellcheck disable=SC2086 # no option, or one
		run bqload --stage "gs://$bucket/in" $option --write truncate "$dataset.p\$20240101" <"$BATS_TEST_TMPDIR/stream"
		assert_status 0
		assert_equal "$(bq_sql "SELECT id FROM $dataset.p")" '{"id":"2"}'
	done
	no_objects
}

@test "a dry run looks at the bucket and writes nothing" {
	stage_rows 3 1 --dry-run
	assert_status 0
	assert_equal "$(requests POST upload)" ''
	assert_equal "$(requests GET "/b/$bucket" | wc -l)" 1
	run bqload --dry-run --stage gs://no-such-bucket/x "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
	assert_status 69
	assert_output_contains 'no such bucket: gs://no-such-bucket'
}

@test "a rerun adopts, discards its rows, and removes what a dead process left" {
	stage_rows 3 1 --run-id once
	job=$(loaded .job | jq -r 'split(".")[1]')
	run_directory=in/${job:7:32}
	printf x >"$BATS_TEST_TMPDIR/x"
	gcs_put "$bucket" "$run_directory/0123456789abcdef/part-00001.ndjson" "$BATS_TEST_TMPDIR/x" >/dev/null
	gcs_put "$bucket" "$run_directory/notes.txt" "$BATS_TEST_TMPDIR/x" >/dev/null
	gcs_put "$bucket" in/other/0123456789abcdef/part-00001.ndjson "$BATS_TEST_TMPDIR/x" >/dev/null
	stage_rows 7 1 --run-id once
	assert_status 0
	assert_equal "$(loaded '[.rows, .adopted]')" '[3,true]'
	holds 3
	assert_equal "$(gcs_names "$bucket")" "$run_directory/notes.txt
in/other/0123456789abcdef/part-00001.ndjson"
}

@test "what passes is tried again: no row is lost or doubled" {
	for fault in '{"status":503}' '{"status":429,"reason":"rateLimitExceeded"}' '{"drop":"before"}' '{"drop":"mid-body"}' \
		'{"drop":"after-effect"}' '{"short308":262144}'; do
		for n in 1 2 4; do
			fault "{\"match\":{\"path\":\"/upload/storage/\",\"n\":$n},\"fault\":$fault}"
		done
		stage_rows 20000 400 --write truncate --part-size 4M --parallel 2
		assert_status 0
		holds 20000
		no_objects
		curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	done
}

@test "a lost answer to an object's last chunk is asked for again" {
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"drop":"after-effect"}}'
	stage_rows 10 1
	assert_status 0
	holds 10
}

@test "an object that is there already is ours if it has what was sent: its answer was lost" {
	for written in 10 400; do
		# The question that follows the lost answer is told that the name is taken.
		fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"drop":"after-effect"}}'
		fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"status":412,"reason":"conditionNotMet"}}'
		stage_rows "$written" 1 --write truncate
		assert_status 0
		holds "$written"
		no_objects
	done
	# Another's, of that name, is never loaded.
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"damage":true,"drop":"after-effect"}}'
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"status":412,"reason":"conditionNotMet"}}'
	stage_rows 20 1
	assert_status 75
	assert_output_contains 'what is stored is not what was sent'
	holds 400
	no_objects
}

@test "an upload session that is gone ends the run with 75, and nothing is loaded or left" {
	for code in 404 410; do
		fault "{\"match\":{\"method\":\"PUT\",\"path\":\"/upload/storage/\",\"n\":2},\"fault\":{\"session\":$code}}"
		stage_rows 40000 400 --parallel 2
		fails_with 75 "the upload session is gone (HTTP $code)"
	done
}

@test "bytes that changed on the way are noticed by their checksum, and never loaded" {
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"damage":true}}'
	stage_rows 100 10
	fails_with 75 'what is stored is not what was sent'
	fault '{"match":{"method":"PUT","path":"/upload/storage/","n":3},"fault":{"damage":true}}'
	stage_rows 40000 400 --parallel 2
	fails_with 75 'what is stored is not what was sent'
	# Without the fault the same rows load.
	stage_rows 100 10
	assert_status 0
	holds 100
}

@test "no such bucket is 69, and no permission to write into it 77" {
	stream 3 >"$BATS_TEST_TMPDIR/stream"
	run bqload --stage gs://no-such-bucket/x "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
	fails_with 69 'no such bucket: gs://no-such-bucket'
	fault '{"match":{"path":"/upload/storage/"},"fault":{"status":403,"reason":"forbidden"}}'
	stage_rows 3 1
	fails_with 77 "gs://$bucket/in/"
}

@test "whoever may write objects need not be allowed to look at the bucket, nor to list it" {
	fault "{\"match\":{\"method\":\"GET\",\"path\":\"/b/$bucket$\"},\"fault\":{\"status\":403,\"reason\":\"forbidden\"}}"
	fault "{\"match\":{\"method\":\"GET\",\"path\":\"/b/$bucket/o\"},\"fault\":{\"status\":403,\"reason\":\"forbidden\"}}"
	stage_rows 3 1
	assert_status 0
	holds 3
	no_objects
	assert_output_contains 'what earlier attempts of the run may have left is not removed'
}

@test "a bucket from which BigQuery does not load is 69 before a row is read" {
	bq_api POST datasets "$(jq -nc --arg p "$PROJECT" '{datasetReference:{projectId:$p,datasetId:"far"},location:"europe-west1"}')" >/dev/null
	gcs_api POST "b?project=$PROJECT" '{"name":"near-bucket","location":"US-EAST1"}' >/dev/null
	# It has no end: who reads it to the end fails with 65.
	run bqload --stage gs://near-bucket/x far.t <<<'{"@begin":{"version":1,"schema":{"fields":[{"name":"id","type":"INTEGER"}]}}}'
	assert_status 69
	assert_output_contains 'bucket gs://near-bucket is in US-EAST1, the dataset in europe-west1'
	assert_equal "$(requests POST upload)" ''
}

@test "a job that fails leaves no objects" {
	printf '{"@begin":{"version":1,"schema":%s}}\n{"id":"x"}\n{"@end":{"rows":1}}\n' "$schema" >"$BATS_TEST_TMPDIR/stream"
	stage <"$BATS_TEST_TMPDIR/stream"
	fails_with 65 'job '
	fault '{"fault":{"jobError":{"reason":"backendError"}}}'
	stage_rows 3 1 --run-id again
	fails_with 75 'backendError'
	stage_rows 3 1 --run-id again
	assert_status 0
	holds 3
	no_objects
}

@test "a stream that is cut or aborted leaves nothing" {
	stream 40000 400 | head -n 30000 >"$BATS_TEST_TMPDIR/stream"
	stage --parallel 2 <"$BATS_TEST_TMPDIR/stream"
	fails_with 65 'truncated'
	echo '{"@abort":{"exit":75,"reason":"the source went away"}}' >>"$BATS_TEST_TMPDIR/stream"
	stage --parallel 2 <"$BATS_TEST_TMPDIR/stream"
	fails_with 75 'the source went away'
}

@test "a lost answer to the job's submission loads once" {
	fault "{\"match\":{\"method\":\"POST\",\"path\":\"/projects/$PROJECT/jobs\"},\"fault\":{\"drop\":\"after-effect\"}}"
	stage_rows 3 1
	assert_status 0
	holds 3
	no_objects
}

@test "while the job's outcome is not known its objects stay; the next run removes them" {
	fault "{\"match\":{\"method\":\"GET\",\"path\":\"/jobs/\",\"n\":2},\"times\":9999,\"fault\":{\"status\":503}}"
	stream 3 1 >"$BATS_TEST_TMPDIR/stream"
	run bqload --retry-initial 10ms --retry-for 200ms --stage "gs://$bucket/in" --run-id lost "$dataset.t" <"$BATS_TEST_TMPDIR/stream"
	assert_status 75
	[[ $output =~ 'the objects below gs://'$bucket/in/[0-9a-f]{32}/[0-9a-f]{16}/' stay' ]]
	assert_equal "$(gcs_names "$bucket" | wc -l)" 1 'objects'
	curl -fsS -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
	stage_rows 9 1 --run-id lost
	assert_status 0
	assert_equal "$(loaded .adopted)" true
	holds 3
	no_objects
}

@test "a slow connection holds back only what it has taken" {
	fault '{"match":{"method":"PUT","path":"/upload/storage/"},"fault":{"delayMs":1500}}'
	stage_rows 60000 400 --parallel 4
	assert_status 0
	holds 60000
	# Of 25 MB the delayed connection has put one chunk while the others have put the rest.
	slow=$(requests PUT upload/storage | awk '{ print $NF }' | sort | uniq -c | sort -n | awk 'NR == 1 { print $1 }')
	((slow <= 2))
}

@test "a row of 100 MB, between small ones, goes whole to one object" {
	{
		printf '{"@begin":{"version":1,"schema":%s}}\n' "$schema"
		printf '{"id":1}\n{"id":2,"name":"'
		head -c 99999970 /dev/zero | tr '\0' x
		printf '"}\n{"id":3}\n{"@end":{"rows":3}}\n'
	} >"$BATS_TEST_TMPDIR/stream"
	for option in '' --gzip; do
		# shellcheck disable=SC2086 # no option, or one
		stage $option --write truncate <"$BATS_TEST_TMPDIR/stream"
		assert_status 0
		assert_equal "$(bq_sql "SELECT id, LENGTH(name) AS n FROM $dataset.t ORDER BY id" | tr -d '\n')" \
			'{"id":"1","n":null}{"id":"2","n":"99999970"}{"id":"3","n":null}'
	done
}

# feed: a stream without an end from the FIFO $BATS_TEST_TMPDIR/in; bqload runs as $pid.
feed() {
	mkfifo "$BATS_TEST_TMPDIR/in"
	bqload --retry-initial 10ms --retry-for 5s --stage "gs://$bucket/in" "$@" "$dataset.t" \
		<"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	exec 9>"$BATS_TEST_TMPDIR/in"
	stream 40000 400 | head -n 39000 >&9
}

has_put() {
	[[ $(requests PUT upload/storage | grep -c '^308') -ge 1 ]]
}

@test "a signal leaves no objects" {
	feed --parallel 2 --part-size 4M
	wait_until 20 has_put
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	exec 9>&-
	output=$(<"$BATS_TEST_TMPDIR/out")
	fails_with 143 'signal 15'
}

@test "--timeout leaves no objects" {
	feed --parallel 2 --part-size 4M --timeout 1500ms
	status=0
	wait "$pid" || status=$?
	exec 9>&-
	output=$(<"$BATS_TEST_TMPDIR/out")
	fails_with 75 'the time of --timeout is over'
	has_put
}

@test "kill -9 at any moment, then the same run id: the rows once, and no objects" {
	stream 15000 400 >"$BATS_TEST_TMPDIR/stream"
	for ((i = 0; i < 12; i++)); do
		printf -v delay '0.%03d' $((RANDOM % 40 * (i + 1)))
		bqload --retry-initial 10ms --retry-for 5s --stage "gs://$bucket/in" --part-size 512KiB --parallel 3 --run-id "k$i" \
			--write truncate "$dataset.t" <"$BATS_TEST_TMPDIR/stream" >/dev/null 2>&1 3>&- &
		pid=$!
		sleep "$delay"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
		stage --run-id "k$i" --part-size 512KiB --parallel 3 --write truncate <"$BATS_TEST_TMPDIR/stream"
		assert_status 0
		holds 15000
		no_objects
	done
}

@test "two processes under one run id load once and leave nothing" {
	stream 20000 200 >"$BATS_TEST_TMPDIR/stream"
	for i in 1 2; do
		bqload --retry-initial 10ms --retry-for 5s --stage "gs://$bucket/in" --run-id both "$dataset.t" \
			<"$BATS_TEST_TMPDIR/stream" >"$BATS_TEST_TMPDIR/out$i" 2>&1 3>&- &
		pids[i]=$!
	done
	for i in 1 2; do
		wait "${pids[i]}" || cat "$BATS_TEST_TMPDIR/out$i"
	done
	holds 20000
	no_objects
}
