#!/usr/bin/env bats
# gcswatch against localcloud: which directories become which batches.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
}

teardown_file() {
	localcloud_stop
}

# A bucket of this test's own.
setup() {
	B=b$BATS_TEST_NUMBER-$RANDOM
	gcs_bucket "$B" >/dev/null
}

# put NAME TEXT: an object.
put() {
	printf '%s' "$2" >"$BATS_TEST_TMPDIR/object"
	gcs_put "$B" "$1" "$BATS_TEST_TMPDIR/object" >/dev/null
}

# complete DIRECTORY: one file of data, and its _SUCCESS.
complete() {
	put "$1/data.csv" $'1\n'
	put "$1/_SUCCESS" ''
}

# event NAME [TYPE]: as pubsubrun writes it.
event() {
	jq -nc --arg b "$B" --arg o "$1" --arg t "${2:-OBJECT_FINALIZE}" \
		'{"@message": {id: "1", attributes: {eventType: $t, bucketId: $b, objectId: $o, objectGeneration: "1"}}}'
}

# watch [OPTION]... < EVENTS
watch() {
	cat >"$BATS_TEST_TMPDIR/events"
	run_split gcswatch "$@" <"$BATS_TEST_TMPDIR/events"
}

# batches FILTER: of what was written.
batches() {
	jq -c '.["@batch"] | select(. != null) | '"$1" <<<"$output"
}

generation() {
	gcs_api GET "b/$B/o/$(jq -rn --arg n "$1" '$n | @uri')" | jq -r .generation
}

@test "a _SUCCESS makes a batch of all the data in its directory" {
	put shop/orders/2026/01/02/a.csv $'1\n'
	put shop/orders/2026/01/02/deep/er/b.csv $'2\n'
	put 'shop/orders/2026/01/02/with space+é.csv' $'3\n'
	for name in .hidden .tmp/c.csv deep/.d.csv _config/load.txt _backlog/x _bqlock START_BACKFILL deep/_SUCCESS; do
		put "shop/orders/2026/01/02/$name" $'9\n'
	done
	put shop/orders/2026/01/02/empty.csv ''
	put shop/orders/2026/01/023/other.csv $'9\n'
	put shop/orders/2026/01/02/_SUCCESS ''
	watch < <(event shop/orders/2026/01/02/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches .table)" '"shop.orders$20260102"' table
	assert_equal "$(batches .uris)" "[\"gs://$B/shop/orders/2026/01/02/a.csv\",\"gs://$B/shop/orders/2026/01/02/deep/er/b.csv\",\"gs://$B/shop/orders/2026/01/02/with space+é.csv\"]" uris
	assert_equal "$(batches .id)" "\"gs://$B/shop/orders/2026/01/02/_SUCCESS#$(generation shop/orders/2026/01/02/_SUCCESS)\"" id
	assert_equal "$(batches '.load | [.sourceFormat, .writeDisposition, .timePartitioning.type]')" '["CSV","WRITE_APPEND","DAY"]' load
	assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"records":1}}' end
}

@test "the three forms of an event mean the same, and repetitions nothing more" {
	complete shop/t
	{
		event shop/t/_SUCCESS
		jq -nc --arg b "$B" '{message: {attributes: {eventType: "OBJECT_FINALIZE", bucketId: $b, objectId: "shop/t/_SUCCESS"}, messageId: "7"}, subscription: "projects/p/subscriptions/s"}'
		gcs_api GET "b/$B/o/shop%2Ft%2F_SUCCESS" | jq -c .
	} >"$BATS_TEST_TMPDIR/three"
	while read -r line; do
		watch <<<"$line"
		[ "$status" -eq 0 ]
		batches . >>"$BATS_TEST_TMPDIR/batches"
	done <"$BATS_TEST_TMPDIR/three"
	assert_equal "$(sort -u "$BATS_TEST_TMPDIR/batches" | wc -l)" 1 "different batches"
	watch < <(cat "$BATS_TEST_TMPDIR/three" "$BATS_TEST_TMPDIR/three")
	assert_equal "$(batches .id | wc -l)" 1 batches
}

@test "other events and other objects make none" {
	complete shop/t
	watch < <(
		event shop/t/_SUCCESS OBJECT_DELETE
		event shop/t/_SUCCESS OBJECT_METADATA_UPDATE
		event shop/t/_SUCCESS OBJECT_ARCHIVE
		event shop/t/data.csv
		event shop/t/not_SUCCESS
	)
	[ "$status" -eq 0 ]
	assert_equal "$(batches . | wc -l)" 0 batches
}

@test "a signal among what is no data is none: also not for an ordered table, nor a backfill" {
	put shop/t/_config/ORDERME ''
	complete shop/t/2026/01/01
	for directory in _backlog/2026/01/01 _config .old/2026/01/01; do
		put "shop/t/$directory/_SUCCESS" ''
		put "shop/t/$directory/START_BACKFILL" ''
		watch < <(event "shop/t/$directory/_SUCCESS" && event "shop/t/$directory/START_BACKFILL")
		[ "$status" -eq 0 ]
		assert_equal "$(batches .table)" '' "$directory"
	done
	watch < <(event shop/t/2026/01/01/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches .table)" '"shop.t$20260101"' ordered
	run_split gcswatch --backfill "gs://$B/"
	[ "$status" -eq 0 ]
	assert_equal "$(batches .table)" '"shop.t$20260101"' backfill
}

@test "the settings of bigquery-gcs-ingest mean what they meant" {
	put shop-orders/data.csv $'1\n'
	put shop-orders/DONE ''
	export SUCCESS_FILENAME=DONE DESTINATION_REGEX='^(?P<dataset>[a-z]+)-(?P<table>[a-z]+)/' BQ_STORAGE_PROJECT=other START_BACKFILL_FILENAME=AGAIN
	watch < <(event shop-orders/DONE)
	[ "$status" -eq 0 ]
	assert_equal "$(batches '[.table, .uris[0]]')" "[\"other:shop.orders\",\"gs://$B/shop-orders/data.csv\"]" batch
	put AGAIN ''
	watch < <(event AGAIN && event shop-orders/_SUCCESS && event START_BACKFILL)
	[ "$status" -eq 0 ]
	assert_equal "$(batches .table)" '"other:shop.orders"' backfill
}

@test "names and their tables" {
	while read -r directory table; do
		complete "$directory"
		watch < <(event "$directory/_SUCCESS")
		assert_equal "$(batches '"\(.table) \(.load.timePartitioning.type // "-")"')" "\"$table\"" "$directory"
	done <<-'EOF'
		shop/orders shop.orders -
		p-1.shop/orders/historical p-1:shop.orders -
		shop/orders/incremental/2026 shop.orders$2026 YEAR
		shop/orders/2026/01 shop.orders$202601 MONTH
		shop/orders/20260131 shop.orders$20260131 DAY
		shop/orders/2026/01/31/12/part-7 shop.orders$2026013112 HOUR
		shop/orders/$2026013112 shop.orders$2026013112 HOUR
		shop/orders/2026/01/31/12 shop.orders$2026013112 HOUR
	EOF
}

@test "a name that does not match is 65 and named; the others are handled" {
	complete shop/good
	put _SUCCESS ''
	watch < <(
		echo '{"no":"event"}'
		event _SUCCESS
		event shop/good/_SUCCESS
		echo 'no JSON'
	)
	[ "$status" -eq 65 ]
	assert_equal "$(batches .table)" '"shop.good"' table
	[[ $errors == *"line 2: gs://$B/_SUCCESS: its name does not match"* ]] || _fail named
	[[ $errors == *'line 1: neither a @message'* && $errors == *'line 4: not a JSON object'* ]] || _fail lines
}

@test "a directory without data is 65, and a _SUCCESS that has gone" {
	put shop/t/_SUCCESS ''
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/t/: there is no data in it"* ]] || _fail told
	watch < <(event shop/none/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/none/_SUCCESS is gone"* ]] || _fail told
}

@test "_config: the closest wins, member by member" {
	put _config/load.json '{"sourceFormat":"NEWLINE_DELIMITED_JSON","maxBadRecords":5,"writeDisposition":"WRITE_TRUNCATE"}'
	put shop/_config/load.json '{"maxBadRecords":3,"timePartitioning":{"type":"DAY","field":"d"}}'
	put shop/t/_config/load.json '{"timePartitioning":{"expirationMs":"1000"}}'
	put _config/schema.json '[{"name":"far","type":"STRING"}]'
	put shop/t/_config/schema.json '[{"name":"d","type":"DATE"}]'
	complete shop/t/2026/01/01
	complete shop/u
	watch < <(event shop/t/2026/01/01/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches '.load | [.sourceFormat, .maxBadRecords, .writeDisposition, .timePartitioning, .schema.fields[0].name]')" \
		'["NEWLINE_DELIMITED_JSON",3,"WRITE_TRUNCATE",{"type":"DAY","field":"d","expirationMs":"1000"},"d"]' load
	watch < <(event shop/u/_SUCCESS)
	assert_equal "$(batches '.load | [.maxBadRecords, .schema.fields[0].name]')" '[3,"far"]' load
}

@test "load.json: destinationTable and destinationRegex" {
	put in/_config/load.json '{"destinationRegex":"^in/(?P<table>\\w+)@(?P<dataset>\\w+)/"}'
	complete in/orders@shop
	watch < <(event in/orders@shop/_SUCCESS)
	assert_equal "$(batches '[.table, .load.destinationRegex]')" '["shop.orders",null]' batch
	put odd/_config/load.json '{"destinationTable":{"projectId":"p1","datasetId":"d","tableId":"t$2026"}}'
	complete odd
	watch < <(event odd/_SUCCESS)
	assert_equal "$(batches '[.table, .load.destinationTable]')" '["p1:d.t$2026",null]' batch
	complete 'x/shop-orders'
	watch --destination-regex '^x/(?P<dataset>[a-z]+)-(?P<table>[a-z]+)/' --storage-project other < <(event x/shop-orders/_SUCCESS)
	assert_equal "$(batches .table)" '"other:shop.orders"' table
}

@test "a wrong file of the configuration is 65 and named, with the place" {
	complete shop/t
	put shop/_config/load.json $'{"a":1,\n"b":}'
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/_config/load.json: line 2, column "* ]] || _fail named
	put shop/_config/load.json '[1]'
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/_config/load.json is no JSON object"* ]] || _fail named
	put shop/_config/load.json '{}'
	put shop/t/_config/schema.json '{"fields":[]}'
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/t/_config/schema.json is no JSON array"* ]] || _fail named
	put shop/t/_config/schema.json '[]'
	put shop/t/_config/x.sql $'\xff'
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/t/_config/x.sql is not UTF-8"* ]] || _fail named
}

@test "_config: what a directory overrides does not reach the next one of the run" {
	put _config/load.json '{"timePartitioning":{"type":"DAY"},"destinationTable":{"projectId":"p1","datasetId":"d","tableId":"root"}}'
	put a/_config/load.json '{"timePartitioning":{"field":"x"},"destinationTable":{"tableId":"a"}}'
	complete a/x
	complete b/x
	run_split gcswatch --backfill "gs://$B/"
	[ "$status" -eq 0 ]
	assert_equal "$(batches '[.table, .load.timePartitioning]')" \
		"$(printf '%s\n' '["p1:d.a",{"type":"DAY","field":"x"}]' '["p1:d.root",{"type":"DAY"}]')" batches
	# Of an external table the same.
	put _config/external.json '{"sourceFormat":"CSV","csvOptions":{"skipLeadingRows":"1"}}'
	put _config/x.sql 'SELECT 1'
	put a/_config/external.json '{"csvOptions":{"fieldDelimiter":"|"}}'
	put 0/_config/external.json '{"csvOptions":{"quote":"!"}}'
	complete 0/x
	run_split gcswatch --backfill "gs://$B/"
	assert_equal "$(batches .external.csvOptions)" \
		"$(printf '%s\n' '{"skipLeadingRows":"1","quote":"!"}' '{"skipLeadingRows":"1","fieldDelimiter":"|"}' '{"skipLeadingRows":"1"}')" external
}

@test "what is wrong of one directory is 65, names it, and keeps no other from being loaded" {
	put tool-1.2.3/build/_SUCCESS ''
	put shop/regex/_config/load.json '{"destinationRegex":"(?P<dataset>x"}'
	put shop/uris/_config/load.json '{"sourceUris":["gs://x/y"]}'
	put shop/format/_config/load.json '{"sourceFormat":"XML"}'
	put shop/external/_config/external.json '{"sourceUris":["gs://x/y"]}'
	put shop/external/_config/x.sql 'SELECT 1'
	put shop/partition/_config/load.json '{"destinationTable":{"datasetId":"shop","tableId":"t$x"}}'
	for table in regex uris format external partition good; do
		complete "shop/$table"
	done
	run_split gcswatch --backfill "gs://$B/"
	[ "$status" -eq 65 ]
	assert_equal "$(batches .table)" '"shop.good"' table
	bq_dataset shop
	bqload --dry-run -q <<<"$output" >/dev/null
	for told in "gs://$B/tool-1.2.3/build/_SUCCESS: 'tool-1:2.3.build'" "gs://$B/shop/regex/_SUCCESS: load.json: " \
		"gs://$B/shop/uris/_config/load.json: it has sourceUris" \
		"gs://$B/shop/format/_config/load.json: sourceFormat 'XML'" \
		"gs://$B/shop/external/_config/external.json: it has sourceUris" \
		"gs://$B/shop/partition/_SUCCESS: 'shop.t\$x'"; do
		[[ $errors == *"$told"* ]] || _fail "not told: $told: $errors"
	done
	run_split gcswatch --poll "gs://$B/" --ledger "file:$BATS_TEST_TMPDIR/ledger"
	[ "$status" -eq 65 ]
	assert_equal "$(batches .table)" '"shop.good"' table
}

@test "external.json and *.sql go into the batch, in the order of their names" {
	put shop/_config/external.json '{"sourceFormat":"CSV","csvOptions":{"skipLeadingRows":"1"}}'
	put shop/t/_config/external.json '{"csvOptions":{"fieldDelimiter":"|"}}'
	put shop/_config/far.sql 'far'
	put shop/t/_config/2.sql 'SELECT 2'
	put shop/t/_config/1.sql $'INSERT {dest_table}\nSELECT 1'
	complete shop/t
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches '[.external, .sql]')" \
		'[{"sourceFormat":"CSV","csvOptions":{"skipLeadingRows":"1","fieldDelimiter":"|"}},["INSERT {dest_table}\nSELECT 1","SELECT 2"]]' batch
}

@test "statements make it an external table: Parquet where nothing else is said; external.json alone does not" {
	put _config/external.json '{"sourceFormat":"CSV"}'
	complete shop/t
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches '[.external, .sql, .load.sourceFormat]')" '[null,null,"CSV"]' batch
	[[ $errors == *"gs://$B/shop/t/: its configuration has external.json and no *.sql"* ]] || _fail told
	gcs_api DELETE "b/$B/o/_config%2Fexternal.json"
	put shop/_config/bq_transform.sql 'SELECT 1'
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches '[.external, .sql]')" '[{"sourceFormat":"PARQUET"},["SELECT 1"]]' batch
}

@test "schema.json is that of the external table too, unless what is closer has one; self-describing formats have none" {
	put _config/schema.json '[{"name":"far","type":"STRING"}]'
	put shop/_config/external.json '{"sourceFormat":"CSV"}'
	put shop/_config/x.sql 'SELECT 1'
	put shop/own/_config/external.json '{"schema":{"fields":[{"name":"own","type":"STRING"}]}}'
	put shop/avro/_config/external.json '{"sourceFormat":"AVRO"}'
	put shop/near/_config/schema.json '[{"name":"near","type":"STRING"}]'
	put shop/near/_config/load.json '{"schema":{"fields":[{"name":"load","type":"STRING"}]}}'
	while read -r table column; do
		complete "shop/$table"
		watch < <(event "shop/$table/_SUCCESS")
		assert_equal "$(batches '.external.schema.fields[0].name // "none"')" "\"$column\"" "$table"
	done <<-'EOF'
		t far
		own own
		avro none
		near near
	EOF
}

@test "hivePartitioningOptions: what the URIs have before KEY=VALUE" {
	put shop/_config/load.json '{"sourceFormat":"PARQUET","hivePartitioningOptions":{"requirePartitionFilter":true}}'
	put shop/t/region=eu/dt=2026-01-01/a.parquet x
	put shop/t/region=us/dt=2026-01-01/b.parquet x
	put shop/t/_SUCCESS ''
	put shop/t/region=eu/_SUCCESS ''
	for directory in shop/t shop/t/region=eu; do
		watch --destination-regex '^(?P<dataset>\w+)/(?P<table>\w+)/' < <(event $directory/_SUCCESS)
		[ "$status" -eq 0 ]
		assert_equal "$(batches .load.hivePartitioningOptions)" \
			"{\"requirePartitionFilter\":true,\"mode\":\"AUTO\",\"sourceUriPrefix\":\"gs://$B/shop/t\"}" "$directory"
	done
	put shop/said/_config/load.json '{"hivePartitioningOptions":{"mode":"STRINGS","sourceUriPrefix":"gs://x/y"}}'
	complete shop/said
	watch < <(event shop/said/_SUCCESS)
	assert_equal "$(batches '.load.hivePartitioningOptions | [.mode, .sourceUriPrefix]')" '["STRINGS","gs://x/y"]' said
	# What statements read has it in external.json.
	put shop/sql/_config/external.json '{"sourceFormat":"PARQUET","hivePartitioningOptions":{}}'
	put shop/sql/_config/x.sql 'SELECT 1'
	put shop/sql/dt=1/a.parquet x
	put shop/sql/_SUCCESS ''
	watch < <(event shop/sql/_SUCCESS)
	assert_equal "$(batches .external.hivePartitioningOptions.sourceUriPrefix)" "\"gs://$B/shop/sql\"" external
	# Nothing to go by.
	complete shop/plain
	put shop/mixed/a/dt=1/x 1
	put shop/mixed/b/dt=1/x 1
	put shop/mixed/_SUCCESS ''
	watch < <(event shop/plain/_SUCCESS && event shop/mixed/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/plain/: hivePartitioningOptions: gs://$B/shop/plain/data.csv is in no directory KEY=VALUE"* ]] || _fail told
	[[ $errors == *"gs://$B/shop/mixed/: "*"differ before"* ]] || _fail told
}

@test "an asterisk in a name would be a wildcard: 65" {
	put 'shop/t/a*.csv' $'1\n'
	put shop/t/ab.csv $'1\n'
	put shop/t/_SUCCESS ''
	watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/t/a*.csv: "*wildcard* ]] || _fail told
}

@test "ORDERME: all directories of the table in lexical order, with its lock; of others none" {
	put shop/t/_config/ORDERME ''
	for d in 2026/01/03 2026/01/01 2026/01/02; do
		complete "shop/t/$d"
	done
	complete shop/u/2026/01/01
	watch < <(event shop/t/2026/01/02/_SUCCESS && event shop/t/2026/01/01/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches '[.table, .lock]')" \
		"$(printf '["shop.t$2026010%s","gs://'"$B"'/shop/t/_bqlock"]\n' 1 2 3)" batches
	watch < <(event shop/u/2026/01/01/_SUCCESS)
	assert_equal "$(batches '[.table, .lock]')" '["shop.u$20260101",null]' batches
	watch --ordered < <(event shop/u/2026/01/01/_SUCCESS)
	assert_equal "$(batches .lock)" "\"gs://$B/shop/u/_bqlock\"" lock
	ORDER_PER_TABLE=True watch < <(event shop/u/2026/01/01/_SUCCESS)
	assert_equal "$(batches .lock)" "\"gs://$B/shop/u/_bqlock\"" lock
}

@test "in order, nothing is written behind a directory that cannot be" {
	put shop/t/_config/ORDERME ''
	complete shop/t/1
	put shop/t/2/_SUCCESS ''
	complete shop/t/3
	complete shop/u
	watch < <(event shop/t/3/_SUCCESS && event shop/u/_SUCCESS)
	[ "$status" -eq 65 ]
	assert_equal "$(batches '.uris[0]')" "$(printf '"gs://'"$B"'/shop/%s/data.csv"\n' t/1 u)" batches
	[[ $errors == *"gs://$B/shop/t/2/: there is no data"* ]] || _fail named
}

# done_entry TABLE ID: a line of a ledger in a file, $LEDGER.
done_entry() {
	jq -nc --arg t "$1" --arg r "$2" '{id: $r, at: "2026-01-01T00:00:00.000000Z", table: $t, run: $r, step: "load", state: "done"}' >>"$LEDGER"
}

@test "--backfill writes what the ledger does not have as done" {
	LEDGER=$BATS_TEST_TMPDIR/ledger
	for t in 1 2 3; do
		complete "shop/t/2026/01/0$t"
	done
	done_entry "$PROJECT.shop.t\$20260102" "gs://$B/shop/t/2026/01/02/_SUCCESS#$(generation shop/t/2026/01/02/_SUCCESS)"
	done_entry "$PROJECT.shop.t2\$20260103" "gs://$B/shop/t/2026/01/03/_SUCCESS#$(generation shop/t/2026/01/03/_SUCCESS)"
	done_entry "$PROJECT.shop.t\$20260101" "gs://$B/shop/t/2026/01/01/_SUCCESS#1"
	run_split gcswatch --backfill "gs://$B/shop/" --ledger "file:$LEDGER"
	[ "$status" -eq 0 ]
	assert_equal "$(batches .table)" "$(printf '"shop.t$2026010%s"\n' 1 3)" tables
	# The signal asks for the same.
	put shop/START_BACKFILL ''
	watch --ledger "file:$LEDGER" < <(event shop/START_BACKFILL)
	assert_equal "$(batches .table)" "$(printf '"shop.t$2026010%s"\n' 1 3)" tables
	# An event of what is done makes none; and it may have been deleted since.
	watch --ledger "file:$LEDGER" < <(event shop/t/2026/01/02/_SUCCESS)
	[ "$status" -eq 0 ]
	assert_equal "$(batches .table)" '' tables
	done_entry "$PROJECT.shop.gone" "gs://$B/shop/gone/_SUCCESS#1"
	watch --ledger "file:$LEDGER" < <(event shop/gone/_SUCCESS)
	[ "$status" -eq 0 ]
}

@test "--replay has another id each time" {
	complete shop/t
	for name in shop/t shop/t/ shop/t/_SUCCESS; do
		run_split gcswatch --replay "gs://$B/$name"
		[ "$status" -eq 0 ]
		batches .id >>"$BATS_TEST_TMPDIR/ids"
	done
	assert_equal "$(sort -u "$BATS_TEST_TMPDIR/ids" | wc -l)" 3 ids
}

@test "--poll waits until there is a complete directory" {
	gcswatch --poll "gs://$B/" --every 100ms --ledger "file:$BATS_TEST_TMPDIR/ledger" >"$BATS_TEST_TMPDIR/out" 2>/dev/null 3>&- &
	local pid=$!
	complete shop/t
	wait "$pid"
	output=$(<"$BATS_TEST_TMPDIR/out")
	assert_equal "$(batches .table)" '"shop.t"' table
}

@test "--max-batch-bytes" {
	complete shop/t
	watch --max-batch-bytes 1 < <(event shop/t/_SUCCESS)
	[ "$status" -eq 65 ]
	[[ $errors == *"gs://$B/shop/t/: its 1 objects have 2 bytes"* ]] || _fail told
	MAX_BATCH_BYTES=2 watch < <(event shop/t/_SUCCESS)
	[ "$status" -eq 0 ]
}

@test "mistakes are said" {
	run gcswatch --poll "gs://$B/"
	assert_status 64
	run gcswatch --poll "gs://$B/" --backfill "gs://$B/"
	assert_status 64
	run gcswatch --backfill "$B"
	assert_status 64
	run gcswatch --backfill "gs://no-such-$B/"
	assert_status 69
	run gcswatch --destination-regex '(?P<table>x)' </dev/null
	assert_status 78
	assert_output_contains 'no group dataset'
	run gcswatch --success a/b </dev/null
	assert_status 64
}
