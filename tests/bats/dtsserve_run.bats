#!/usr/bin/env bats
# dtsserve run: transfer runs of localcloud's Data Transfer Service, from their message to their tables.

load helper/common
load helper/localcloud
load helper/dtsserve

setup_file() {
	localcloud_start
	dtsserve_setup_file
}

teardown_file() {
	localcloud_stop
}

setup() {
	dtsserve_setup
}

# What a connector of a test has left behind on purpose.
teardown() {
	[[ ! -s $BATS_TEST_TMPDIR/left ]] || kill -- "-$(<"$BATS_TEST_TMPDIR/left")" 2>/dev/null || true
}

@test "a calendar: the rows of three tables, each with right values" {
	source_of "$SLUICE_ROOT/docs/examples/connector-calendar.yaml" calendar
	new_run '{"start_date":"1900-01-01","end_date":"1901-01-01","max_num":"1000"}' 2018-04-30T00:00:00Z
	run_split pubsubrun -s "bigquerydatatransfer.calendar.us.run" --idle-exit 500ms -- \
		dtsserve run "$CONFIG" --stage gs://stage/tmp
	assert_status 0
	assert_json '.[0]["@run"].run == "'"$RUN"'" and .[1] == {"@end":{"records":1}}'
	await_state SUCCEEDED
	assert_equal "$(bq_sql "SELECT count(*) n, min(date) a, max(date) z FROM $DATASET.date_greg")" '{"n":"366","a":"1900-01-01","z":"1901-01-01"}'
	# A Wednesday, and no leap day: 1900 has none.
	assert_equal "$(bq_sql "SELECT * FROM $DATASET.date_greg WHERE date = '1900-02-28'")" \
		'{"date":"1900-02-28","date_str":"1900-02-28","year":"1900","month":"2","day":"28","weekday":"3"}'
	assert_equal "$(bq_sql "SELECT count(*) n FROM $DATASET.date_greg WHERE date_str = '1900-02-29'")" '{"n":"0"}'
	assert_equal "$(bq_sql "SELECT count(*) n, min(second_of_day) a, max(second_of_day) z FROM $DATASET.time")" '{"n":"86400","a":"0","z":"86399"}'
	assert_equal "$(bq_sql "SELECT * FROM $DATASET.time WHERE second_of_day = 45296")" \
		'{"time":"12:34:56","hour":"12","minute":"34","second":"56","second_of_day":"45296"}'
	assert_equal "$(bq_sql "SELECT count(*) n, count(DISTINCT num) d, max(num) z FROM $DATASET.num_1000")" '{"n":"1001","d":"1001","z":"1000"}'
	assert_equal "$(bq_sql "SELECT * FROM $DATASET.num_1000 WHERE num = 17")" '{"num":"17","even":"false","text":"17"}'
	bq_api GET "datasets/$DATASET/tables/num_1000" | jq -e '.timePartitioning.type == "DAY"'
	assert_log INFO "366 days from 1900-01-01 to 1901-01-01"
	# A partition was named, and no other is there.
	bq_sql "SELECT count(*) n FROM $DATASET.num_1000 WHERE _PARTITIONTIME != TIMESTAMP '2018-04-30'" | grep -F '{"n":"0"}'
}

@test "the same run time again replaces its partition; another one adds one" {
	connector 'echo "{\"a\":1}"; echo "{\"a\":2}"' 't${run_yyyymmdd}'
	new_run '{}' 2018-04-30T00:00:00Z
	serve
	assert_status 0
	await_state SUCCEEDED
	new_run '{}' 2018-04-30T00:00:00Z
	serve
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 2
	new_run '{}' 2018-05-01T00:00:00Z
	serve
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 4
	# Each run had a directory of its own.
	assert_equal "$(gcs_names stage "tmp/$ID/" | grep -c _started)" 3
}

@test "the connector is told of its run by variables and a file" {
	connector 'jq -nc --slurpfile f "$DTS_RUN_FILE" "{v: (env | with_entries(select(.key | startswith(\"DTS_\"))) | tojson), f: (\$f[0] | tojson)}"' \
		t '[{field_name: v, type: STRING}, {field_name: f, type: STRING}]'
	new_run '{"start_date":"a b\"$(x)","n":"12","list":["x"]}' 2018-04-30T12:30:00Z
	DTS_PARAM_OLD=1 serve
	await_state SUCCEEDED
	bq_sql "SELECT v FROM $DATASET.t" | jq -r .v | jq -e --arg run "$RUN" --arg d "$DATASET" --arg id "$ID" '
		.DTS_RUN == $run and .DTS_CONFIG == ($run | sub("/runs/.*"; "")) and .DTS_TABLE == "t" and .DTS_DESTINATION == "t"
		and .DTS_DATASET == $d and .DTS_SOURCE == $id and .DTS_RUN_TIME == "2018-04-30T12:30:00Z" and .DTS_RUN_DATE == "2018-04-30"
		and .DTS_USER_ID == "0" and .DTS_PARAM_START_DATE == "a b\"$(x)" and .DTS_PARAM_N == "12" and .DTS_PARAM_LIST == "[\"x\"]"
		and (has("DTS_PARAM_OLD") | not)'
	bq_sql "SELECT f FROM $DATASET.t" | jq -r .f | jq -e '.params == {"start_date":"a b\"$(x)","n":12,"list":["x"]} and .table == "t"'
}

@test "a row stream is a connector's output too, and brings its own schema" {
	connector 'rowwrap --schema '"$BATS_TEST_TMPDIR/schema.json"' -- echo "{\"a\":1,\"r\":[{\"x\":\"y\"}]}"' t none
	echo '[{"name":"a","type":"INT64"},{"name":"r","type":"RECORD","mode":"REPEATED","fields":[{"name":"x","type":"STRING"}]}]' >"$BATS_TEST_TMPDIR/schema.json"
	new_run '{}'
	serve
	assert_status 0
	await_state SUCCEEDED
	bq_api GET "datasets/$DATASET/tables/t" | jq -e '.schema.fields[1] | .mode == "REPEATED" and .fields[0].name == "x"'
	assert_equal "$(rows_of t)" 1
}

@test "a connector without rows empties its table, when it exits 0" {
	connector 'cat "$FEED"' t
	export FEED=$BATS_TEST_TMPDIR/feed
	echo '{"a":1}' >"$FEED"
	new_run '{}'
	serve
	await_state SUCCEEDED
	: >"$FEED"
	new_run '{}'
	serve
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 0
}

@test "a connector that fails fails its run, and changes no table" {
	connector 'echo "{\"a\":1}"; echo "WARNING: about to fail" >&2; echo "no such customer" >&2; exit 66' t
	new_run '{}'
	serve
	# The run is settled: its message is done with.
	assert_status 0
	assert_json '.[0]["@run"] | .state == "FAILED" and (.reason | test("table t: .*exit status 66"))'
	await_state FAILED
	assert_equal "$(run_now | jq -r '.errorStatus | "\(.code) \(.message | test("exit status 66"))"')" "5 true"
	assert_log WARNING "about to fail"
	assert_log INFO "no such customer"
	refute_table t
	assert_equal "$(gcs_names stage "tmp/$ID/")" ""
}

@test "a command that this host cannot start is not the run's fault; one that is not there is" {
	connector x t
	: >"$BATS_TEST_TMPDIR/plain"
	sed -i "s|command: .*|command: [$BATS_TEST_TMPDIR/plain]|" "$CONFIG"
	new_run '{}'
	serve
	assert_status 75
	assert_equal "$(run_now | jq -r .state)" RUNNING
	rm "$BATS_TEST_TMPDIR/plain"
	run_split dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/requests"
	assert_status 0
	await_state FAILED
}

@test "parameters that are too large for a command fail their run" {
	connector 'echo "{\"a\":1}"' t
	new_run '{}'
	run_now | jq -c '.params.x = "a" * 200000' >"$BATS_TEST_TMPDIR/large"
	run_split dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/large"
	assert_status 0
	await_state FAILED
	run_now | jq -e '.errorStatus.message | test("Argument list too long")'
}

@test "a connector that hangs is ended, and its run fails" {
	connector ': this_one_hangs; echo "{\"a\":1}"; trap "" TERM; while :; do sleep 1; done' t
	new_run '{}'
	serve --max-transfer-run-secs 1
	assert_status 0
	await_state FAILED
	run_now | jq -e '.errorStatus.code == 14 and (.errorStatus.message | test("max-transfer-run-secs"))'
	refute_table t
	no_process_of this_one_hangs
}

@test "what a connector has left behind with its stdout is not waited for beyond the run's time" {
	export LEFT=$BATS_TEST_TMPDIR/left
	connector 'setsid bash -c "sleep 40; touch \"\$LEFT.to_the_end\"" 2>/dev/null & echo $! >"$LEFT"; echo "{\"a\":1}"' t
	new_run '{}'
	serve --max-transfer-run-secs 1
	assert_status 0
	[[ ! -e $LEFT.to_the_end ]] || _fail "it was waited for"
	await_state FAILED
	run_now | jq -e '.errorStatus.message | test("max-transfer-run-secs")'
}

@test "a stream that is truncated fails the run, also where the connector exits 0" {
	connector "printf '%s\n' '{\"@begin\":{\"version\":1}}' '{\"a\":1}'" t
	new_run '{}'
	serve
	await_state FAILED
	run_now | jq -e '.errorStatus.code == 3 and (.errorStatus.message | test("truncated"))'
	refute_table t
}

@test "a bad row fails the run and is named by its line" {
	connector 'echo "{\"a\":1}"; echo "{\"a\":1,\"b\":2}"; yes "{\"a\":3}"' t
	new_run '{}'
	serve
	assert_status 0
	await_state FAILED
	run_now | jq -e '.errorStatus.code == 3 and (.errorStatus.message | test("line 2: column b"))'
	refute_table t
}

@test "a row that BigQuery refuses fails the run when its job fails" {
	connector 'echo "{\"a\":\"x\"}"' t
	new_run '{}'
	serve
	assert_status 0
	await_state FAILED
	run_now | jq -e '.errorStatus.message != ""'
	refute_table t
}

@test "max_bad_records lets rows be bad that BigQuery may leave out" {
	connector 'echo "{\"a\":1}"; echo "{\"a\":\"x\"}"' t
	sed -i 's/- schema:/- max_bad_records: 1\n        schema:/' "$CONFIG"
	new_run '{}'
	serve
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 1
}

@test "many megabytes go through in parts, in little memory" {
	connector 'awk "BEGIN { for (i = 0; i < 200000; i++) printf \"{\\\"a\\\":%d,\\\"s\\\":\\\"%01000d\\\"}\\n\", i, 0 }"' t '[{field_name: a, type: INTEGER}, {field_name: s, type: STRING}]'
	new_run '{}'
	run_split bash -c 'requests | /usr/bin/time -f %M -o "$0" dtsserve run "$CONFIG" --stage gs://stage/tmp --gzip' "$BATS_TEST_TMPDIR/memory"
	assert_status 0
	(($(tail -n 1 "$BATS_TEST_TMPDIR/memory") < 65536)) || [[ $BUILD == asan ]] || _fail "$(cat "$BATS_TEST_TMPDIR/memory") KiB"
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 200000
	(($(gcs_names stage "tmp/$ID/" | grep -c 'part-0000[0-9]*.ndjson.gz') > 1)) || _fail "one part"
}

@test "parameters are held against the definition, and all that is wrong is said" {
	connector 'echo "{\"a\":1}"' t
	new_run '{"n":"-1","code":"abc!"}'
	serve
	assert_status 0
	await_state FAILED
	run_now | jq -e '.errorStatus.code == 3 and (.errorStatus.message
		| test("parameter n is below 0") and test("parameter code does not match"))'
	sed -i 's/param_id: n,/param_id: n, required: true,/' "$CONFIG"
	new_run '{}'
	serve
	await_state FAILED
	run_now | jq -e '.errorStatus.message | test("parameter n is missing")'
	refute_table t
}

@test "a run of another source, or one that has ended, is not served" {
	connector 'touch "$BATS_TEST_TMPDIR/ran"; echo "{\"a\":1}"' t
	new_run '{}'
	patch_run '{"state":"FAILED","errorStatus":{"code":1}}'
	serve
	assert_status 0
	assert_json '.[0]["@run"] | .state == "FAILED" and (has("reason") | not)'
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
	new_run '{}'
	sed -i 's/data_source_id: .*/data_source_id: other/' "$CONFIG"
	serve
	await_state FAILED
	run_now | jq -e '.errorStatus.message | test("not of other")'
	[ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "a run that is deleted while it is served is no failure" {
	connector 'curl -sS -o /dev/null --noproxy "*" -X DELETE "$LOCALCLOUD_URL/v1/$DTS_RUN"; echo "{\"a\":1}"' t
	new_run '{}'
	serve
	assert_status 0
	assert_json '.[0]["@run"].state == "DELETED"'
	refute_table t
}

@test "a silent connector gives signs of life" {
	connector 'until [[ $(curl -sS --noproxy "*" "$LOCALCLOUD_URL/v1/$DTS_RUN/transferLogs" | jq "[.transferMessages[]? | select(.messageText == \"\")] | length") -ge 2 ]]; do sleep 0.2; done; echo "{\"a\":1}"' t
	new_run '{}'
	serve --log-flush-secs 1 --max-transfer-run-secs 60
	assert_status 0
	await_state SUCCEEDED
}

@test "what a connector says arrives while it runs, line for line" {
	connector 'echo "ERROR: first" >&2; printf "[WARNING] second\n\nno end" >&2
		until curl -sS --noproxy "*" "$LOCALCLOUD_URL/v1/$DTS_RUN/transferLogs" | grep -q first; do sleep 0.2; done; echo "{\"a\":1}"' t
	new_run '{}'
	serve --log-flush-secs 1 --max-transfer-run-secs 60
	await_state SUCCEEDED
	assert_log ERROR first
	assert_log WARNING second
	assert_log INFO "no end"
}

@test "log lines that could not be sent are sent later" {
	connector 'echo "kept" >&2; echo "{\"a\":1}"' t
	new_run '{}'
	fault '{"match":{"method":"POST","path":":logMessages"},"times":1,"fault":{"status":503,"reason":"backendError"}}'
	serve --retry-initial 10ms
	await_state SUCCEEDED
	assert_log INFO kept
}

@test "runs are served at once, --parallel of them" {
	export MEET=$BATS_TEST_TMPDIR/meet
	mkdir "$MEET"
	# Each waits until it is not alone.
	connector 'touch "$MEET/${DTS_RUN##*/}"; until (($(ls "$MEET" | wc -l) >= 2)); do sleep 0.1; done; echo "{\"a\":1}"' 't_{n}'
	new_run '{"n":1}'
	local first=$RUN
	new_run '{"n":2}'
	serve --parallel 2 --max-transfer-run-secs 60
	assert_status 0
	assert_json 'map(select(has("@run"))) | length == 2'
	await_state SUCCEEDED
	RUN=$first await_state SUCCEEDED
}

@test "a request may be JSON, in a message or by itself" {
	connector 'echo "{\"a\":1}"' 't_{n}'
	new_run '{"n":1}'
	local first=$RUN
	run_now | jq -c '{"@message": {id: "1", json: .}}' >"$BATS_TEST_TMPDIR/json"
	new_run '{"n":2}'
	run_now | jq -c . >>"$BATS_TEST_TMPDIR/json"
	run_split dtsserve run "$CONFIG" --stage gs://stage/tmp <"$BATS_TEST_TMPDIR/json"
	assert_status 0
	await_state SUCCEEDED
	RUN=$first await_state SUCCEEDED
	assert_equal "$(rows_of t_1) $(rows_of t_2)" "1 1"
}

@test "input that is no request is 65 and named; nothing is served" {
	connector 'echo "{\"a\":1}"' t
	local line

	for line in '{' '{"@message":{"id":"1"}}' '{"@message":{"data":"////"}}' '{"name":"projects/p/runs/r"}' '{"@message":{"data":"x"}}'; do
		run_split dtsserve run "$CONFIG" --stage gs://stage/tmp <<<"$line"
		[[ $status == 65 && $errors == *"line 1"* ]] || _fail "$line"
	done
	run_split dtsserve run "$CONFIG" --stage gs://stage/tmp </dev/null
	assert_status 65
}

@test "a bad CONFIG is 78 and the place is named" {
	connector 'echo "{\"a\":1}"' t
	local change

	for change in 's/type: INTEGER/type: JSON/' 's/command:/comand:/' 's/imported_data_info/imported/' \
		's/t:$/t:\n    write_disposition: WRITE_EMPTY/' 's/- schema:/- format: CSV\n        schema:/'; do
		sed "$change" "$CONFIG" >"$BATS_TEST_TMPDIR/bad.yaml"
		run_split dtsserve run "$BATS_TEST_TMPDIR/bad.yaml" --stage gs://stage/tmp </dev/null
		[[ $status == 78 && $errors == *bad.yaml* ]] || _fail "$change"
	done
	run_split dtsserve run "$CONFIG" --stage nonsense </dev/null
	assert_status 64
	run_split dtsserve run "$CONFIG" </dev/null
	assert_status 64
}

@test "WRITE_APPEND appends, with a warning of what a crash may do" {
	connector 'echo "{\"a\":1}"' t
	sed -i 's/^  t:$/  t:\n    write_disposition: WRITE_APPEND/' "$CONFIG"
	new_run '{}'
	serve
	await_state SUCCEEDED
	[[ $errors == *"table t is appended to"* ]] || _fail warning
	new_run '{}'
	serve
	await_state SUCCEEDED
	assert_equal "$(rows_of t)" 2
}

@test "a file is served without the service, and loaded directly" {
	connector 'echo "{\"a\":$DTS_PARAM_N}"' 'direct${run_yyyymmdd}'
	cat >"$BATS_TEST_TMPDIR/run.yaml" <<-END
		name: projects/p/locations/us/transferConfigs/c/runs/r
		data_source_id: $ID
		destination_dataset_id: $DATASET
		run_time: 2018-04-30
		params: {n: "7"}
	END
	run_split dtsserve run "$CONFIG" --stage gs://stage/dev --transfer-run "$BATS_TEST_TMPDIR/run.yaml"
	assert_status 0
	assert_json '.[0]["@run"].state == "SUCCEEDED"'
	assert_equal "$(bq_sql "SELECT a FROM $DATASET.direct")" '{"a":"7"}'
	assert_equal "$(gcs_names stage dev/)" ""
	sed -i 's/echo/exit 69; echo/' "$CONFIG"
	run_split dtsserve run "$CONFIG" --stage gs://stage/dev --transfer-run "$BATS_TEST_TMPDIR/run.yaml"
	assert_status 69
	assert_json '.[0]["@run"].state == "FAILED" and .[1]["@abort"].exit == 69'
	sed -i '/run_time/d' "$BATS_TEST_TMPDIR/run.yaml"
	run_split dtsserve run "$CONFIG" --stage gs://stage/dev --transfer-run "$BATS_TEST_TMPDIR/run.yaml"
	assert_status 65
	[[ $errors == *"run.yaml: runTime is missing"* ]] || _fail named
}
