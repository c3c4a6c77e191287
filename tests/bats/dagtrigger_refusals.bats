#!/usr/bin/env bats
# What dagtrigger refuses: messages that are no command, tables that are not allowed, servers that say no.

load helper/common
load helper/localcloud
load helper/airflow

setup() {
	localcloud_start
	airflow_start
	COMMAND='sh run_replicator.sh groupon_production im_brand_list'
}

teardown() {
	localcloud_stop
}

trigger() {
	run_split dagtrigger --dag run_replicator --ledger "$LEDGER" --retry-initial 10ms "$@"
}

# refused TEXT WHY: this message is no command, and nothing comes of it.
refused() {
	trigger --dry-run < <(message 5 "$1")
	assert_status 65
	[[ $errors == *"message 5: "*"$2"* ]] || _fail "of '$1' it does not say: $2"
	[[ $output != *'"@run"'* ]]
}

@test "a message that is not exactly the command is 65, and says which byte or word" {
	refused 'sh run_replicator.sh db table; rm -rf /' "';' at byte 30"
	refused 'sh run_replicator.sh db $(reboot)' "'\$' at byte 25"
	refused 'sh run_replicator.sh db `reboot`' "'\`' at byte 25"
	refused 'sh run_replicator.sh db table|tee' "'|' at byte 30"
	refused 'sh run_replicator.sh db table&' "'&' at byte 30"
	refused 'sh run_replicator.sh db table>x' "'>' at byte 30"
	refused 'sh run_replicator.sh "db" table' "'\"' at byte 22"
	refused "sh run_replicator.sh 'db' table" "''' at byte 22"
	refused 'sh run_replicator.sh db tab\le' "'\\' at byte 28"
	refused 'sh run_replicator.sh db ta*le' "'*' at byte 27"
	refused 'sh run_replicator.sh db ta{a,b}' "'{' at byte 27"
	refused 'sh run_replicator.sh ~ table' "'~' at byte 22"
	refused 'A=1 run_replicator.sh db table' "'=' at byte 2"
	refused $'sh run_replicator.sh db table\nreboot' 'byte 0x0a at byte 30'
	refused $'sh run_replicator.sh db table\n' 'byte 0x0a at byte 30'
	refused $'sh run_replicator.sh db\ttable' 'byte 0x09 at byte 24'
	refused $'sh run_replicator.sh db t\xc3\xa4ble' 'byte 0xc3 at byte 26'
	refused 'sh run_replicator.sh db table extra' 'too many words'
	refused 'run_replicator.sh db table extra' "3 words stand behind"
	refused 'sh run_replicator.sh db' '1 words stand behind'
	refused 'sh run_replicator.sh' '0 words stand behind'
	refused 'sh -c run_replicator.sh db table' 'too many words'
	refused 'sh other.sh db table' "'other.sh' is not run_replicator.sh"
	refused 'sh xrun_replicator.sh db table' "is not run_replicator.sh"
	refused 'python run_replicator.sh db' "'python' is not"
	refused 'sh  run_replicator.sh db table' 'an empty word at byte 4'
	refused ' sh run_replicator.sh db table' 'an empty word at byte 1'
	refused 'sh run_replicator.sh db table ' 'an empty word at byte 31'
	refused 'sh run_replicator.sh --write table' "'--write' is no name of a database"
	refused 'sh run_replicator.sh db -t' "'-t' is no name of a table"
	refused 'sh run_replicator.sh ../etc passwd' "'../etc' is no name of a database"
	refused 'sh run_replicator.sh db a/b' "'a/b' is no name of a table"
	refused 'sh run_replicator.sh db a.b.c' "'a.b.c' is no name of a table"
	refused 'sh run_replicator.sh db .a' "'.a' is no name of a table"
	refused '' 'there is no command'
	refused "sh run_replicator.sh db $(printf 'x%.0s' {1..129})" 'is no name of a table'
	refused "sh /$(printf 'x%.0s' {1..5000})/run_replicator.sh db t" 'more than 4096'
}

@test "what is harmless passes" {
	local text
	for text in 'run_replicator.sh db t' './run_replicator.sh db t' '/bin/bash /a-b/c.d/run_replicator.sh db_1 public.Orders-2'; do
		trigger --dry-run < <(message 5 "$text")
		assert_status 0
		assert_json '.[1]["@run"].reason == "dry run"'
	done
}

@test "nothing of a refused message is written down or triggered; the others of its batch are" {
	trigger < <(
		message 1 'sh run_replicator.sh db t; reboot'
		message 2 "$COMMAND"
	)
	assert_status 65
	[[ $errors == *"line 1: message 1: ';'"* ]]
	assert_equal "$(airflow_runs | jq -r .conf.table)" im_brand_list
	assert_equal "$(latest command)" "{\"command\":\"$COMMAND\"}"
	assert_json '.[2]["@end"].records == 1'
}

@test "lines that are no messages are 65" {
	local line
	for line in 'no json' '[1]' '{"a":1}' '{"@message":{"data":"eA=="}}' '{"@message":{"id":"1"}}' \
		'{"@message":{"id":"1","data":"no base64!"}}' '{"@message":{"id":"1","data":"eA==","publishTime":"yesterday"}}' \
		'{"@message":{"id":"1","data":"eA==","publishTime":"2026-01-31T10:00:00+01:00"}}'; do
		trigger --dry-run <<<"$line"
		assert_status 65
		[[ $errors == *"line 1: "* ]]
	done
}

@test "--allow is matched against all of DATABASE.TABLE; what it does not match is 77" {
	trigger --dry-run --allow 'groupon_production\.im_\w+' < <(message 1 "$COMMAND")
	assert_status 0
	trigger --dry-run --allow 'groupon_production\.im' < <(message 1 "$COMMAND")
	assert_status 77
	[[ $errors == *"groupon_production.im_brand_list is not allowed"* ]]
	trigger --dry-run --allow 'im_brand_list' < <(message 1 "$COMMAND")
	assert_status 77
	trigger --dry-run --allow 'a(' < <(message 1 "$COMMAND")
	assert_status 78
	[[ $errors == *"regular expression 'a('"* ]]
	trigger --allow 'other\..*' < <(message 1 "$COMMAND")
	assert_status 77
	assert_equal "$(airflow_runs | wc -l)" 0 runs
	assert_equal "$(executions | wc -l)" 0 entries
}

@test "a regular expression that runs for ever is cut short" {
	trigger --dry-run --allow '(a+)+\.t' < <(message 1 "sh run_replicator.sh $(printf 'a%.0s' {1..60})_ t")
	assert_status 78
	[[ $errors == *"too long"* ]]
}

@test "a DAG that is not there is 69, before anything is written down" {
	trigger --dag nothing < <(message 1 "$COMMAND")
	assert_status 69
	[[ $errors == *"nothing: no such DAG at $AIRFLOW_URL"* ]]
	[[ $output == *'"@abort":{"exit":69'* ]]
	assert_equal "$(executions | wc -l)" 0 entries
}

@test "a DAG with import errors is 69, in both versions' words" {
	airflow_dag '{"importErrors":true}'
	trigger < <(message 1 "$COMMAND")
	assert_status 69
	[[ $errors == *"run_replicator: DAG with dag_id: 'run_replicator' has import errors"* ]]
	airflow_set '{"version":"3.0.6"}'
	trigger < <(message 1 "$COMMAND")
	assert_status 69
	[[ $errors == *"has import errors and cannot be triggered"* ]]
}

@test "a wrong password, or a user who may not, is 77; no secret is said" {
	local version
	for version in 2.10.5 3.0.6; do
		airflow_start "$version"
		AIRFLOW_PASSWORD=wr0ng trigger -v < <(message 1 "$COMMAND")
		assert_status 77
		[[ $errors != *wr0ng* && $errors != *"$(printf sluice:wr0ng | base64)"* ]]
		airflow_set '{"users":{"sluice":{"password":"secret","role":"Viewer"}}}'
		trigger < <(message 1 "$COMMAND")
		assert_status 77
		[[ $errors == *Forbidden* ]]
		airflow_set '{"users":{"sluice":{"password":"secret","role":"Public"}}}'
		trigger < <(message 1 "$COMMAND")
		assert_status 77
	done
	unset AIRFLOW_USER AIRFLOW_PASSWORD
	trigger < <(message 1 "$COMMAND")
	assert_status 77
	assert_equal "$(executions | jq -r .status | sort -u)" received 'what became of it'
}

@test "secrets come from files, too; empty or missing ones are 78" {
	unset AIRFLOW_PASSWORD
	trigger < <(message 1 "$COMMAND")
	assert_status 78
	[[ $errors == *"--password-file FILE, or set AIRFLOW_PASSWORD"* ]]
	trigger --password-file "$BATS_TEST_TMPDIR/none" < <(message 1 "$COMMAND")
	assert_status 78
	: >"$BATS_TEST_TMPDIR/password"
	trigger --password-file "$BATS_TEST_TMPDIR/password" < <(message 1 "$COMMAND")
	assert_status 78
	echo secret >"$BATS_TEST_TMPDIR/password"
	trigger --password-file "$BATS_TEST_TMPDIR/password" < <(message 1 "$COMMAND")
	assert_status 0
}

# A new token of Airflow 3.
token() {
	localcloud_curl "$AIRFLOW_URL/auth/token" --data-binary '{"username":"sluice","password":"secret"}' | jq -r .access_token
}

@test "a file with a token is read again when the token has expired" {
	local pid asked status=0
	airflow_start 3.0.6
	unset AIRFLOW_USER
	token >"$BATS_TEST_TMPDIR/token"
	mkfifo "$BATS_TEST_TMPDIR/messages"
	dagtrigger --dag run_replicator --ledger "$LEDGER" --token-file "$BATS_TEST_TMPDIR/token" \
		<"$BATS_TEST_TMPDIR/messages" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	pid=$!
	exec 5>"$BATS_TEST_TMPDIR/messages"
	asked() { localcloud_curl "$LOCALCLOUD_URL/requests" | grep -q '/dags/run_replicator"'; }
	wait_until 20 asked
	fault '{"match":{"method":"GET","path":"/dags/run_replicator"},"fault":{"expireTokens":true}}'
	localcloud_curl "$AIRFLOW_URL/api/v2/dags/run_replicator" >/dev/null
	token >"$BATS_TEST_TMPDIR/token"
	message 1 "$COMMAND" >&5
	exec 5>&-
	wait "$pid" || status=$?
	assert_equal "$status" 0 "$(<"$BATS_TEST_TMPDIR/err")"
	localcloud_curl "$LOCALCLOUD_URL/requests" |
		jq -e '[.. | objects | select(.method? == "POST" and (.path? // "" | test("dagRuns"))) | .status] == [401, 200]'
}

@test "a bearer token, of a file or the environment" {
	airflow_start 3.0.6
	token >"$BATS_TEST_TMPDIR/token"
	unset AIRFLOW_USER
	trigger --token-file "$BATS_TEST_TMPDIR/token" < <(message 1 "$COMMAND")
	assert_status 0
	AIRFLOW_TOKEN=$(token) trigger < <(message 2 "$COMMAND")
	assert_status 0
	AIRFLOW_TOKEN=wrong trigger < <(message 3 "$COMMAND")
	assert_status 77
	printf 'a\nb\n' >"$BATS_TEST_TMPDIR/token"
	trigger --token-file "$BATS_TEST_TMPDIR/token" < <(message 3 "$COMMAND")
	assert_status 78
	assert_equal "$(airflow_runs | wc -l)" 2 runs
}

@test "a token that expires meanwhile is fetched again" {
	airflow_start 3.0.6
	fault '{"match":{"method":"POST","path":"/dagRuns"},"fault":{"expireTokens":true}}'
	trigger < <(message 1 "$COMMAND")
	assert_status 0
	assert_equal "$(localcloud_curl "$LOCALCLOUD_URL/requests" | grep -o '/airflow/auth/token' | wc -l)" 2 logins
}

@test "a password or token never goes out in clear text" {
	AIRFLOW_URL=http://airflow.invalid:8080 trigger < <(message 1 "$COMMAND")
	assert_status 78
	[[ $errors == *"clear text"* ]]
}

@test "Composer says where Airflow is; Google's token opens it" {
	unset AIRFLOW_URL AIRFLOW_USER AIRFLOW_PASSWORD
	export GCE_METADATA_HOST=${LOCALCLOUD_URL#http://}
	airflow_set "{\"environments\":{\"projects/$PROJECT/locations/eu/environments/etl\":{},\"projects/$PROJECT/locations/eu/environments/new\":{\"state\":\"CREATING\"}}}"
	local composer=(--endpoint "composer=$LOCALCLOUD_URL")
	trigger "${composer[@]}" --composer eu/etl < <(message 1 "$COMMAND")
	assert_status 0
	airflow_set '{"version":"3.0.6"}'
	trigger "${composer[@]}" --composer "projects/$PROJECT/locations/eu/environments/etl" < <(message 2 "$COMMAND")
	assert_status 0
	# A flag is said here and now, a variable was exported some time ago.
	AIRFLOW_URL=http://127.0.0.1:1 trigger --retry-for 1ms "${composer[@]}" --composer eu/etl < <(message 4 "$COMMAND")
	assert_status 0
	trigger "${composer[@]}" --composer eu/none < <(message 3 "$COMMAND")
	assert_status 69
	[[ $errors == *"no Composer environment eu/none"* ]]
	trigger "${composer[@]}" --composer eu/new < <(message 3 "$COMMAND")
	assert_status 75
	[[ $errors == *"it is CREATING"* ]]
	trigger "${composer[@]}" --composer etl < <(message 3 "$COMMAND")
	assert_status 64
	trigger "${composer[@]}" --composer 'projects/p/locations/l/environments/e?x' < <(message 3 "$COMMAND")
	assert_status 64
	localcloud_curl "$LOCALCLOUD_URL/requests" | jq -e '[.. | objects | select(.path? and (.path | test("dagRuns")) and .status == 200)] | length == 3'
}

@test "Airflow that cannot be reached is 75" {
	AIRFLOW_URL=http://127.0.0.1:1 trigger --retry-for 50ms < <(message 1 "$COMMAND")
	assert_status 75
	fault '{"match":{"path":"/dagRuns"},"times":1000,"fault":{"status":503}}'
	trigger --retry-for 50ms < <(message 1 "$COMMAND")
	assert_status 75
}

@test "what is temporary is not waited for by each message of the batch" {
	fault '{"match":{"path":"/dagRuns"},"times":1000,"fault":{"status":503}}'
	trigger --retry-for 50ms < <(
		message 1 "$COMMAND"
		message 2 "$COMMAND"
	)
	assert_status 75
	assert_equal "$(executions status)" '{"status":"received"}'
}

@test "BigQuery that refuses is told, and nothing is triggered" {
	trigger </dev/null
	fault '{"match":{"method":"POST","path":"/jobs"},"times":10,"fault":{"status":403,"reason":"accessDenied","message":"no"}}'
	trigger < <(message 1 "$COMMAND")
	assert_status 77
	assert_equal "$(airflow_runs | wc -l)" 0 runs
}

@test "a table that is no ledger is 78, naming what it lacks" {
	bq_dataset ops
	bq_sql 'CREATE TABLE ops.executions (id INT64, command STRING, timestamp DATETIME, source INT64)'
	trigger < <(message 1 "$COMMAND")
	assert_status 78
	[[ $errors == *"there is no source STRING, status STRING, run_id STRING"* ]]
	trigger --ledger 'ops.executions$20260101' < <(message 1 "$COMMAND")
	assert_status 64
	trigger --ledger nothing < <(message 1 "$COMMAND")
	assert_status 64
}

@test "the columns may be added to a table that has other ones" {
	bq_dataset ops
	bq_sql 'CREATE TABLE ops.executions (id INT64, command STRING, timestamp DATETIME, source STRING, more STRING, status STRING,
		run_id STRING, dag_id STRING, dag_run_id STRING, `database` STRING, `table` STRING, updated TIMESTAMP)'
	trigger < <(message 1 "$COMMAND")
	assert_status 0
	assert_equal "$(executions status | wc -l)" 2 entries
	# Its view is made, and once.
	assert_equal "$(latest status)" '{"status":"triggered"}'
	[[ $errors == *"view $PROJECT.ops.executions_latest created"* ]]
	trigger < <(message 2 "$COMMAND")
	assert_status 0
	[[ $errors != *created* ]]
}

@test "command lines that make no sense are 64" {
	run_split dagtrigger --ledger l.t --airflow http://127.0.0.1:1 </dev/null
	assert_status 64
	[[ $errors == *"--dag is needed"* ]]
	trigger --composer eu/etl --airflow http://127.0.0.1:1 </dev/null
	assert_status 64
	[[ $errors == *"only one of --airflow"* ]]
	unset AIRFLOW_URL
	trigger </dev/null
	assert_status 64
	trigger --airflow '' </dev/null
	assert_status 64
	trigger operand </dev/null
	assert_status 64
	trigger --script a/b --dry-run </dev/null
	assert_status 64
	trigger --auth kerberos </dev/null
	assert_status 64
}
