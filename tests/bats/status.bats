#!/usr/bin/env bats
# pipelines/status: what the ledger says of tables, for people and for monitoring.

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
	use_file
}

# ago SECONDS: that moment, as the ledger writes it.
ago() {
	date -u -d "@$(($(date +%s) - $1))" +%Y-%m-%dT%H:%M:%S.123456Z
}

# entry TABLE RUN STATE SECONDS-AGO [MEMBERS]: one more in the file.
entry() {
	local at

	at=$(ago "$4")
	jq -nc --arg id "sluice_$RANDOM$RANDOM" --arg table "$1" --arg run "$2" --arg state "$3" --arg at "$at" \
		"{id:\$id,at:\$at,table:\$table,run:\$run,step:\"load\",state:\$state,job:\"p:US.job_\(\$run)\",write:\"append\"}
		+ (if \$state == \"done\" then {ended:\$at,rows:1,cursor:null} else {} end) ${5:++ $5}" >>"${ledger#file:}"
}

# A ledger of four tables: one well, one that fails, one that has never been loaded, one at work.
four_tables() {
	entry p.shop.well r1 'done' 7260 '{rows:1200,cursor:{column:"at",last:"2026-01-31T10:00:00.000001Z"}}'
	entry p.shop.fails r1 'done' 200000 '{rows:7}'
	entry p.shop.fails r2 failed 3000 '{error:"the first reason",exit:75}'
	entry p.shop.fails r3 failed 2000 '{error:"no\tsuch \"column\"\u001b[31m",exit:65}'
	entry p.shop.never r1 failed 10 '{error:"wrong password",exit:77}'
	entry p.crm.busy r1 'done' 600
	entry p.crm.busy r2 submitted 5
}

status_of() {
	run_split status --ledger "$ledger" "$@"
}

# cells NAME: of its line, blanks as they are.
cells() {
	grep "^$1 " <<<"$output"
}

@test "each table has a line: state, last load, age, rows, cursor, failures" {
	four_tables
	status_of
	assert_status 0
	assert_equal "$errors" '' stderr
	assert_equal "$(wc -l <<<"$output")" 5
	[[ $output == 'TABLE '*'STATE '*'LAST DONE '*'AGE '*'ROWS '*'CURSOR '*'FAILURES'* ]]
	[[ $(cells p.shop.well) =~ ^'p.shop.well   done     '[-0-9]{10}\ [0-9:]{8}'Z  2h1m  1200  at 2026-01-31T10:00:00.000001Z  0'$ ]]
	[[ $(cells p.shop.fails) =~ ' failed '.*'Z  2d7h     7  -                               2: exit 65: no such "column" [31m'$ ]]
	[[ $(cells p.shop.never) =~ ' failed   never                    -     -  -                               1: exit 77: wrong password'$ ]]
	[[ $(cells p.crm.busy) =~ ' loading '.*' 10m '.*' 0'$ ]]
}

@test "tables are sorted by name" {
	four_tables
	status_of
	assert_equal "$(awk 'NR > 1 { print $1 }' <<<"$output")" $'p.crm.busy\np.shop.fails\np.shop.never\np.shop.well'
}

@test "--json: one object a table, of @state and what follows from it" {
	four_tables
	status_of --json --max-age 3h
	assert_status 1
	assert_equal "$(jq -c '[.table, .status, .failures, .late, .age == null, .rows, .cursor.last, .failure.exit, .unfinished.run]' \
		<<<"$output")" '["p.crm.busy","loading",0,false,false,1,null,null,"r2"]
["p.shop.fails","failed",2,true,false,7,null,65,null]
["p.shop.never","failed",1,true,true,null,null,77,null]
["p.shop.well","done",0,false,false,1200,"2026-01-31T10:00:00.000001Z",null,null]'
	local age
	age=$(jq -r 'select(.table == "p.shop.well") | .age' <<<"$output")
	((age >= 7260 && age < 7400))
	assert_equal "$(jq -r 'select(.table == "p.shop.fails") | .failure.error' <<<"$output")" $'no\tsuch "column"\e[31m'
	status_of --json p.shop.well
	assert_status 0
	assert_equal "$(jq -c 'has("late")' <<<"$output")" false
}

@test "--max-age: what is older, or was never loaded, is late: exit status 1" {
	four_tables
	status_of --max-age 2h
	assert_status 1
	assert_equal "$(awk 'NR > 1 { print $2 }' <<<"$output")" $'loading\nfailed,late\nfailed,late\nlate'
	status_of --max-age 3h p.shop.well p.crm.busy
	assert_status 0
	status_of --max-age 9d p.shop.never
	assert_status 1
	status_of --max-age 9d p.shop.fails
	assert_status 0
}

@test "--failing: only what has failed since its last load, or is late; exit status 1 if there is any" {
	four_tables
	status_of --failing
	assert_status 1
	assert_equal "$(awk 'NR > 1 { print $1 }' <<<"$output")" $'p.shop.fails\np.shop.never'
	status_of --failing --max-age 2h --json
	assert_status 1
	assert_equal "$(jq -r .table <<<"$output")" $'p.shop.fails\np.shop.never\np.shop.well'
	status_of --failing 'p.crm.*' p.shop.well
	assert_status 0
}

@test "a load that is done ends what has failed before" {
	four_tables
	entry p.shop.fails r4 'done' 1
	status_of --failing p.shop.fails
	assert_status 0
	entry p.shop.fails r5 mismatch 0 '{error:"7 rows sent, 8 counted",exit:76}'
	status_of --failing p.shop.fails
	assert_status 1
	[[ $(cells p.shop.fails) == *' mismatch '*'1: exit 76: 7 rows sent, 8 counted' ]]
}

@test "operands choose tables, with * as well; one that the ledger does not know is 66" {
	four_tables
	export GOOGLE_CLOUD_PROJECT=p
	status_of shop.well p:crm.busy
	assert_equal "$(awk 'NR > 1 { print $1 }' <<<"$output")" $'p.crm.busy\np.shop.well'
	status_of 'shop.*'
	assert_equal "$(awk 'NR > 1' <<<"$output" | wc -l)" 3
	unset GOOGLE_CLOUD_PROJECT
	status_of --project p shop.well
	assert_status 0
	GCP_PROJECT_ID=p status_of shop.well
	assert_status 0
	status_of shop.well shop.nosuch
	assert_status 66
	[[ $errors == *'nothing is known of shop.nosuch' && $output == *p.shop.well* ]]
	status_of --project other shop.well
	assert_status 66
}

@test "partitions are shown when they fail, or on request, and are never late" {
	entry 'p.d.t' r1 'done' 60
	entry 'p.d.t$20260101' r1 'done' 99999
	entry 'p.d.t$20260102' r1 failed 5 '{error:"x",exit:65}'
	status_of --max-age 1h
	assert_status 0
	assert_equal "$(awk 'NR > 1 { print $1 }' <<<"$output")" $'p.d.t\np.d.t$20260102'
	status_of --partitions
	assert_equal "$(awk 'NR > 1 { print $1 }' <<<"$output")" $'p.d.t\np.d.t$20260101\np.d.t$20260102'
}

@test "partitions alone are said, though not shown" {
	entry 'p.d.t$20260101' r1 'done' 60
	entry 'p.d.t$20260102' r2 'done' 60
	status_of
	assert_status 0
	assert_equal "$output" '' output
	[[ $errors == *'no loads but of 2 partitions'* ]] || _fail told
}

@test "a ledger in BigQuery: the default one, that of BQ_LOAD_STATE_TABLE, and --ledger" {
	ledger=bigquery_loads.serverless_bq_loads
	load_rows 7 '{"id":7}' -- --run-id r1
	ledger=$dataset.other
	load_rows 8 '{"id":8}' '{"id":9}' -- --run-id r2
	load_rows 9 '{"id":10,"nosuch":1}' -- --run-id r3
	load_rows 9 '{"id":10,"nosuch":1}' -- --run-id r3
	run_split status
	assert_status 0
	[[ $(cells "$PROJECT.$dataset.t") =~ ' done '.*' 1  id 7    0'$ ]]
	BQ_LOAD_STATE_TABLE=$ledger run_split status
	[[ $(cells "$PROJECT.$dataset.t") =~ ' failed '.*' 2  id 8    2: exit 65: line 2: '.*nosuch ]]
	status_of --json
	assert_equal "$(jq -c '[.status, .run, .rows, .failures, .failure.run]' <<<"$output")" '["failed","r2",2,2,"r3"]'
}

@test "an empty ledger, or none yet, is said and is no failure" {
	status_of
	assert_status 0
	assert_equal "$output" '' stdout
	[[ $errors == *'no loads'* ]]
	ledger=$dataset.loads
	status_of --failing --max-age 1h
	assert_status 0
	status_of shop.orders
	assert_status 66
}

@test "a ledger that cannot be read is bqload's failure, and nothing is shown" {
	echo 'no entry' >"${ledger#file:}"
	status_of
	assert_status 65
	assert_equal "$output" '' stdout
	ledger=$dataset.loads
	fault '{"match":{"method":"POST","path":"/queries$"},"fault":{"status":403,"reason":"accessDenied"}}'
	status_of
	assert_status 77
	fault '{"match":{"path":"/bigquery/"},"times":1000,"fault":{"status":503,"reason":"backendError"}}'
	status_of --load=--retry-for=100ms --load=--retry-initial=10ms
	assert_status 75
	clear_faults
}

@test "it only looks: a run without outcome stays what it is" {
	four_tables
	cp "${ledger#file:}" "$BATS_TEST_TMPDIR/before"
	status_of
	cmp "${ledger#file:}" "$BATS_TEST_TMPDIR/before"
}

@test "wrong options are 64" {
	status_of --max-age soon
	assert_status 64
	[[ $errors == *"--max-age: 'soon'"* ]]
	run_split status --ledger ''
	assert_status 64
	status_of orders
	assert_status 64
	[[ $errors == *"'orders'"* ]]
}
