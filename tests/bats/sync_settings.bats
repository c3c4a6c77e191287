#!/usr/bin/env bats
# What each variable does to the commands that pipelines/sync runs, and what it refuses. No database, no BigQuery:
# a sync-table that takes notes stands in.

load helper/common
load helper/sync

setup() {
	sync_directory
	sync_fake
}

@test "GCP_PROJECT_ID, BQ_DATASET_ID: where the rows go, and who pays" {
	GCP_PROJECT_ID=my-project BQ_DATASET_ID=other run_sync
	assert_status 0
	assert_word public__orders my-project:other.public__orders
	assert_word public__orders --load=--project=my-project
}

@test "GCP_PROJECT_ID, BQ_DATASET_ID, SYNC_DATABASES, and a database's NAME, USER, TABLES are required, all said at once" {
	SYNC_DATABASES='' GCP_PROJECT_ID='' BQ_DATASET_ID='' run_sync
	assert_refused 'GCP_PROJECT_ID is not set' 'BQ_DATASET_ID is not set' 'SYNC_DATABASES is not set'
	SHOP_DB_NAME='' SHOP_DB_USER='' SHOP_TABLES='' run_sync
	assert_refused 'SHOP_DB_NAME is not set' 'SHOP_DB_USER is not set' 'SHOP_TABLES is not set'
	SHOP_TABLES=' , ' run_sync
	assert_refused SHOP_TABLES
	GCP_PROJECT_ID='a b' BQ_DATASET_ID='x.y' run_sync
	assert_refused GCP_PROJECT_ID BQ_DATASET_ID
}

@test "SYNC_DATABASES: every one of the ids, upper-case and with _ in the names of variables" {
	export SYNC_DATABASES=' shop , crm-2 ' CRM_2_DB_NAME=crm CRM_2_DB_USER=u CRM_2_TABLES=people CRM_2_DB_TYPE=postgres
	run_sync
	assert_status 0
	assert_equal "$(fake_variable people SLUICE_SOURCE)" "postgresql://u@/crm?host=localhost&port=5432&sslmode=prefer"
	assert_equal "$(fake_variable public__orders SLUICE_SOURCE)" "postgresql://reader@/shop?host=localhost&port=5432&sslmode=prefer"
	rm "$FAKE"/*.words
	SYNC_DATABASES=crm-2,crm.2 run_sync
	assert_refused CRM_2_
	SYNC_DATABASES=2crm run_sync
	assert_refused SYNC_DATABASES 2crm
}

@test "{ID}_TABLES: several, with blanks, and names in quotes" {
	SHOP_TABLES=' public.orders ,items,"My.Schema"."a,b" ' SHOP__MY_SCHEMA___A_B__TARGET_TABLE='a b-c' run_sync
	assert_status 0
	assert_word public__orders public.orders
	assert_word items items
	assert_word 'a b-c' '"My.Schema"."a,b"'
	SHOP_TABLES='public.orders,"items' run_sync
	assert_status 78
	[[ $errors == *SHOP_TABLES* ]]
}

@test "two tables that would have the same variables are an error that names both" {
	SHOP_TABLES=public.a-b,public.a_b run_sync
	assert_refused public.a-b public.a_b SHOP_PUBLIC_A_B_
	SHOP_TABLES=orders,orders run_sync
	assert_refused 'orders'
	# The database "shop_eu" and the table "eu" of "shop" would share SHOP_EU_ENABLED.
	SYNC_DATABASES=shop,shop_eu SHOP_TABLES=eu SHOP_EU_TABLES=a SHOP_EU_DB_NAME=a SHOP_EU_DB_USER=a run_sync
	assert_refused SHOP_EU_
}

@test "in names every byte that is no letter or digit becomes _" {
	SHOP_TABLES='größe.x-1' SHOP_GR____E_X_1_TARGET_TABLE=sizes run_sync
	assert_status 0
	assert_word sizes 'größe.x-1'
}

@test "two tables that go to one table of BigQuery are an error" {
	SHOP_TABLES=a.b,a__b run_sync
	assert_status 78
	SHOP_TABLES=x,y SHOP_Y_TARGET_TABLE=x run_sync
	assert_refused SHOP_Y_TARGET_TABLE
}

@test "{ID}_{TABLE}_TARGET_TABLE: the table's name in BigQuery" {
	SHOP_PUBLIC_ORDERS_TARGET_TABLE=sales run_sync
	assert_status 0
	assert_word sales test-project:shop.sales
	SHOP_PUBLIC_ORDERS_TARGET_TABLE='größe_1 x-2$20260131' run_sync
	assert_status 0
	rm "$FAKE"/*.words
	local name
	for name in a.b a/b "it's" 'a"b' 'a,b' 'a[b' 'a]b' 'a\b' 'a$b' a%b $'a\tb'; do
		SHOP_PUBLIC_ORDERS_TARGET_TABLE=$name run_sync
		assert_refused SHOP_PUBLIC_ORDERS_TARGET_TABLE "'$name'"
	done
	# A table whose own name BigQuery does not take needs another one.
	SHOP_TABLES="it's" run_sync
	assert_refused SHOP_IT_S_TARGET_TABLE
}

@test "{ID}_ENABLED and {ID}_{TABLE}_ENABLED: false leaves it out, unchecked" {
	export SYNC_DATABASES=shop,crm CRM_ENABLED=No SHOP_TABLES=a,b SHOP_B_ENABLED=FALSE
	run_sync
	assert_status 0
	[ -e "$FAKE/a.words" ]
	[ ! -e "$FAKE/b.words" ]
	SHOP_A_ENABLED=0 run_sync
	assert_status 0
	[[ $errors == *'0 succeeded, 0 failed'* ]]
	CRM_ENABLED=perhaps SHOP_B_ENABLED=si run_sync
	assert_status 78
	[[ $errors == *CRM_ENABLED* && $errors == *SHOP_B_ENABLED* ]]
}

@test "booleans are true, 1, yes and false, 0, no in any case; empty is unset; else an error" {
	local value
	for value in true 1 yes TRUE Yes; do
		TRUNCATE_ON_SYNC=$value run_sync
		assert_word public__orders truncate
	done
	for value in false 0 no False NO ''; do
		TRUNCATE_ON_SYNC=$value run_sync
		assert_word public__orders append
	done
	rm "$FAKE"/*.words
	TRUNCATE_ON_SYNC=truthy run_sync
	assert_refused TRUNCATE_ON_SYNC
}

@test "{ID}_DB_TYPE and DB_TYPE: postgres or mysql, which is the default, each with its port" {
	unset SHOP_DB_TYPE
	run_sync
	assert_equal "$(fake_variable public__orders SLUICE_SOURCE)" "mysql://reader@localhost:3306/shop?sslmode=prefer"
	DB_TYPE=postgres run_sync
	assert_equal "$(fake_variable public__orders SLUICE_SOURCE)" "postgresql://reader@/shop?host=localhost&port=5432&sslmode=prefer"
	DB_TYPE=postgres SHOP_DB_TYPE=mysql run_sync
	assert_equal "$(fake_variable public__orders SLUICE_SOURCE)" "mysql://reader@localhost:3306/shop?sslmode=prefer"
	rm "$FAKE"/*.words
	DB_TYPE=oracle SHOP_DB_TYPE=db2 run_sync
	assert_refused 'DB_TYPE: '\''oracle' 'SHOP_DB_TYPE: '\''db2'
}

@test "{ID}_DB_HOST, {ID}_HOST, DB_HOST and the ports: the closest wins" {
	export DB_HOST=c DB_PORT=3
	DB_TYPE=mysql run_sync
	[[ $(fake_variable public__orders SLUICE_SOURCE) == *'host=c&port=5432&'* ]] # the port is one of MySQL
	DB_PORT=3306 run_sync
	[[ $(fake_variable public__orders SLUICE_SOURCE) == *'host=c&port=5432&'* ]]
	DB_TYPE=postgres run_sync
	[[ $(fake_variable public__orders SLUICE_SOURCE) == *'host=c&port=3&'* ]]
	SHOP_HOST=b SHOP_PORT=2 run_sync
	[[ $(fake_variable public__orders SLUICE_SOURCE) == *'host=b&port=2&'* ]]
	SHOP_HOST=b SHOP_PORT=2 SHOP_DB_HOST=a SHOP_DB_PORT=1 run_sync
	[[ $(fake_variable public__orders SLUICE_SOURCE) == *'host=a&port=1&'* ]]
	rm "$FAKE"/*.words
	DB_PORT=99999 SHOP_DB_PORT=0 run_sync
	assert_refused 'DB_PORT: '\''99999' 'SHOP_DB_PORT: '\''0'
	DB_PORT='' SHOP_PORT=-1 run_sync
	assert_refused SHOP_PORT
}

@test "DB_SSLMODE and {ID}_DB_SSLMODE: require for remote hosts, prefer for local ones, or what is said" {
	local host
	for host in localhost 127.0.0.1 127.8.9.10 ::1 /run/postgresql; do
		SHOP_DB_HOST=$host run_sync
		[[ $(fake_variable public__orders SLUICE_SOURCE) == *'sslmode=prefer' ]]
	done
	for host in db.example.com 10.0.0.1 localhost.example.com 127.0.0.1.example.com; do
		SHOP_DB_HOST=$host run_sync
		[[ $(fake_variable public__orders SLUICE_SOURCE) == *'sslmode=require' ]]
	done
	DB_SSLMODE=disable run_sync
	[[ $(fake_variable public__orders SLUICE_SOURCE) == *'sslmode=disable' ]]
	DB_SSLMODE=disable SHOP_DB_SSLMODE=verify-full run_sync
	[[ $(fake_variable public__orders SLUICE_SOURCE) == *'sslmode=verify-full' ]]
	rm "$FAKE"/*.words
	DB_SSLMODE=on SHOP_DB_SSLMODE=REQUIRED run_sync
	assert_refused 'DB_SSLMODE: '\''on' 'SHOP_DB_SSLMODE: '\''REQUIRED'
}

@test "{ID}_DB_NAME, {ID}_DB_USER and hosts are percent-encoded; sockets and IPv6 keep their forms" {
	export SHOP_DB_NAME='a/b?c' SHOP_DB_USER='ü@x:y' SHOP_DB_HOST=/var/run/my%sql.sock
	run_sync
	assert_equal "$(fake_variable public__orders SLUICE_SOURCE)" \
		"postgresql://%C3%BC%40x%3Ay@/a%2Fb%3Fc?host=%2Fvar%2Frun%2Fmy%25sql.sock&port=5432&sslmode=prefer"
	SHOP_DB_TYPE=mysql run_sync
	assert_equal "$(fake_variable public__orders SLUICE_SOURCE)" \
		"mysql://%C3%BC%40x%3Ay@/a%2Fb%3Fc?socket=%2Fvar%2Frun%2Fmy%25sql.sock&sslmode=prefer"
	SHOP_DB_TYPE=mysql SHOP_DB_HOST=2001:db8::1 SHOP_DB_NAME=a SHOP_DB_USER=b run_sync
	assert_equal "$(fake_variable public__orders SLUICE_SOURCE)" "mysql://b@[2001:db8::1]:3306/a?sslmode=require"
}

@test "{ID}_DB_PASSWORD: in the environment of its database's processes, and nowhere else" {
	export SYNC_DATABASES=shop,crm,old SHOP_DB_PASSWORD='s3cret $(touch pwned)' OLD_ENABLED=no OLD_DB_PASSWORD=s3cret-old
	export CRM_DB_NAME=c CRM_DB_USER=c CRM_TABLES=people CRM_DB_TYPE=mysql
	echo 'CRM_DB_PASSWORD=s3cret-crm' >.env
	LOG_LEVEL=debug run_sync
	assert_status 0
	assert_equal "$(fake_variable public__orders PGPASSWORD)" 's3cret $(touch pwned)'
	assert_equal "$(fake_variable people MYSQL_PWD)" s3cret-crm
	assert_equal "$(grep -c s3cret <(tr '\0' '\n' <"$FAKE/people.environment"))" 1
	assert_equal "$(grep -c s3cret <(tr '\0' '\n' <"$FAKE/public__orders.environment"))" 1
	run ! grep -q s3cret "$FAKE/people.words" "$FAKE/public__orders.words"
	[[ $output$errors != *s3cret* ]]
	[ ! -e pwned ]
}

@test "DB_CONN_TIMEOUT, DB_READ_TIMEOUT, DB_STATEMENT_TIMEOUT, for all and for one database, as durations or seconds" {
	run_sync
	assert_word public__orders --extract=--connect-timeout=30000ms
	refute_word public__orders read-timeout
	refute_word public__orders --extract=--timeout
	DB_CONN_TIMEOUT=5 DB_READ_TIMEOUT=1m30s DB_STATEMENT_TIMEOUT=1.5h run_sync
	assert_word public__orders --extract=--connect-timeout=5000ms
	assert_word public__orders --extract=--read-timeout=90000ms
	assert_word public__orders --extract=--timeout=5400000ms
	DB_CONN_TIMEOUT=5 SHOP_DB_CONN_TIMEOUT=250ms SHOP_DB_READ_TIMEOUT=7 SHOP_DB_STATEMENT_TIMEOUT=100us run_sync
	assert_word public__orders --extract=--connect-timeout=250ms
	assert_word public__orders --extract=--read-timeout=7000ms
	assert_word public__orders --extract=--timeout=1ms # 0 would mean: never
}

@test "a malformed timeout is an error that names the variable, those without effect too" {
	local name
	for name in DB_CONN_TIMEOUT DB_READ_TIMEOUT DB_WRITE_TIMEOUT DB_STATEMENT_TIMEOUT SHOP_DB_CONN_TIMEOUT SHOP_DB_READ_TIMEOUT \
		SHOP_DB_WRITE_TIMEOUT SHOP_DB_STATEMENT_TIMEOUT DB_CONN_MAX_LIFETIME SYNC_TIMEOUT; do
		run_split env "$name=10 minutes" sync
		assert_refused "$name: '10 minutes'"
		run_split env "$name=-5s" sync
		assert_refused "$name"
	done
	SYNC_TIMEOUT=0 run_sync
	assert_refused SYNC_TIMEOUT
	for name in 99999999999s 1h1 m s 1mm; do
		SYNC_TIMEOUT=$name run_sync
		assert_refused SYNC_TIMEOUT
	done
}

@test "what has no effect is accepted: write timeouts, pool settings, batch sizes" {
	export DB_WRITE_TIMEOUT=1s SHOP_DB_WRITE_TIMEOUT=60 DB_MAX_IDLE_CONNECTIONS=0 DB_CONN_MAX_LIFETIME=1m0s
	export DEFAULT_BATCH_SIZE=5000 SHOP_PUBLIC_ORDERS_BATCH_SIZE=100
	run_sync
	assert_status 0
	assert_word public__orders append
	rm "$FAKE"/*.words
	DB_MAX_IDLE_CONNECTIONS=some DEFAULT_BATCH_SIZE=0 SHOP_PUBLIC_ORDERS_BATCH_SIZE=1e3 run_sync
	assert_refused DB_MAX_IDLE_CONNECTIONS DEFAULT_BATCH_SIZE SHOP_PUBLIC_ORDERS_BATCH_SIZE
}

@test "DATE_FORMAT: checked, without effect, and a warning says so" {
	DATE_FORMAT=2006-01-02T15:04:05Z07:00 run_sync
	assert_status 0
	[[ $errors == *'warning: DATE_FORMAT'* ]]
	rm "$FAKE"/*.words
	DATE_FORMAT=%Y-%m-%d run_sync
	assert_refused DATE_FORMAT
}

@test "MAX_ROW_PARSE_FAILURES: how many rejects a table may have, -1 for any number, 0 by default" {
	run_sync
	assert_word public__orders --extract=--max-rejects=0
	MAX_ROW_PARSE_FAILURES=100 run_sync
	assert_word public__orders --extract=--max-rejects=100
	MAX_ROW_PARSE_FAILURES=-1 run_sync
	assert_word public__orders --extract=--max-rejects=-1
	rm "$FAKE"/*.words
	MAX_ROW_PARSE_FAILURES=-2 run_sync
	assert_refused 'MAX_ROW_PARSE_FAILURES: '\''-2'\'' is not a whole number, or -1'
}

@test "AUTO_CREATE_TABLES=false: the table must exist; DRY_RUN: nothing is written" {
	run_sync
	refute_word public__orders no-create
	refute_word public__orders dry-run
	AUTO_CREATE_TABLES=false DRY_RUN=true run_sync
	assert_word public__orders --load=--no-create
	assert_word public__orders --dry-run
}

@test "TRUNCATE_ON_SYNC wins over PRIMARY_KEY, which wins over appending; TIMESTAMP_COLUMN makes both incremental" {
	run_sync
	assert_word public__orders append
	refute_word public__orders cursor
	[[ $errors == *'warning: shop public.orders: every run appends all of its rows'* ]]
	SHOP_PUBLIC_ORDERS_TIMESTAMP_COLUMN=created_at SYNC_LAG=5m run_sync
	assert_word public__orders append
	assert_word public__orders --cursor=created_at
	refute_word public__orders lag
	[[ $errors != *warning* ]]
	export SHOP_PUBLIC_ORDERS_PRIMARY_KEY='id, region'
	run_sync
	assert_word public__orders merge
	assert_word public__orders --key=id,region
	refute_word public__orders cursor
	export SHOP_PUBLIC_ORDERS_TIMESTAMP_COLUMN=updated_at
	run_sync
	assert_word public__orders merge
	assert_word public__orders --cursor=updated_at
	refute_word public__orders lag
	SYNC_LAG=1h SHOP_PUBLIC_ORDERS_LAG=5m run_sync
	assert_word public__orders --lag=5m
	TRUNCATE_ON_SYNC=1 SYNC_LAG=1h RECONCILE_EVERY=1d run_sync
	assert_word public__orders truncate
	refute_word public__orders key
	refute_word public__orders cursor
	refute_word public__orders lag
	refute_word public__orders reconcile
}

@test "BQ_LOAD_STATE_TABLE: the ledger of all; without one nothing is incremental" {
	run_sync
	assert_word public__orders --ledger=bigquery_loads.serverless_bq_loads
	BQ_LOAD_STATE_TABLE=ops.loads run_sync
	assert_word public__orders --ledger=ops.loads
	BQ_LOAD_STATE_TABLE=none run_sync
	assert_word public__orders --ledger=none
	rm "$FAKE"/*.words
	export BQ_LOAD_STATE_TABLE=none SHOP_PUBLIC_ORDERS_PRIMARY_KEY=id
	SHOP_PUBLIC_ORDERS_TIMESTAMP_COLUMN='at' run_sync
	assert_refused SHOP_PUBLIC_ORDERS_TIMESTAMP_COLUMN BQ_LOAD_STATE_TABLE
	RECONCILE_EVERY=1d run_sync
	assert_refused RECONCILE_EVERY BQ_LOAD_STATE_TABLE
}

@test "RECONCILE_EVERY: for all tables that are merged, or one; never; marks instead of deleting" {
	export SHOP_TABLES=a,b,c SHOP_A_PRIMARY_KEY=id SHOP_B_PRIMARY_KEY=id RECONCILE_EVERY=1d
	SHOP_A_RECONCILE_EVERY=12h SHOP_A_SOFT_DELETE_COLUMN=gone run_sync
	assert_word a --reconcile-every=43200s
	assert_word a --soft-delete=gone
	assert_word b --reconcile-every=86400s
	refute_word c reconcile
	SHOP_A_RECONCILE_EVERY=never run_sync
	refute_word a reconcile
	rm "$FAKE"/*.words
	RECONCILE_EVERY='' SHOP_A_SOFT_DELETE_COLUMN=gone run_sync
	assert_refused SHOP_A_SOFT_DELETE_COLUMN RECONCILE_EVERY
	RECONCILE_EVERY=soon SYNC_LAG=late SHOP_B_LAG=1w run_sync
	assert_refused "RECONCILE_EVERY: 'soon'" "SYNC_LAG: 'late'" "SHOP_B_LAG: '1w'"
}

@test "COLUMNS: only these are read, and key and time must be among them" {
	SHOP_PUBLIC_ORDERS_COLUMNS='id, total' SHOP_PUBLIC_ORDERS_PRIMARY_KEY=id run_sync
	assert_word public__orders --extract=--columns=id,total
	rm "$FAKE"/*.words
	SHOP_PUBLIC_ORDERS_COLUMNS=id SHOP_PUBLIC_ORDERS_PRIMARY_KEY=id,a SHOP_PUBLIC_ORDERS_TIMESTAMP_COLUMN=b run_sync
	assert_refused 'SHOP_PUBLIC_ORDERS_PRIMARY_KEY: a ' 'SHOP_PUBLIC_ORDERS_TIMESTAMP_COLUMN: b '
}

@test "a list of columns that names nothing is an error: without its key a table would be appended to" {
	SHOP_PUBLIC_ORDERS_PRIMARY_KEY=' , ' SHOP_PUBLIC_ORDERS_COLUMNS=, run_sync
	assert_refused 'SHOP_PUBLIC_ORDERS_PRIMARY_KEY names nothing' 'SHOP_PUBLIC_ORDERS_COLUMNS names nothing'
}

@test "new tables get DATETIME columns as TIMESTAMP" {
	run_sync
	assert_word public__orders --extract=--datetime-as=timestamp
}

# Waits until as many as may run do run, which they need to do once; then says how many that are, and goes.
crowd() {
	cat >"$FAKE/act" <<'ACT'
#!/bin/bash
touch "$FAKE/live.$1"
for ((i = 0; i < 250; i++)); do
	live=("$FAKE"/live.*)
	((${#live[@]} < WANTED)) || touch "$FAKE/full"
	[[ ! -e $FAKE/full ]] || break
	sleep 0.02
done
sleep 0.1 # one too many would come now
live=("$FAKE"/live.*)
echo "${#live[@]}" >>"$FAKE/crowd"
rm "$FAKE/live.$1"
ACT
	chmod +x "$FAKE/act"
}

@test "DB_MAX_OPEN_CONNECTIONS: so many tables are in flight, and no more" {
	crowd
	export WANTED=3
	SHOP_TABLES=a,b,c,d,e,f DB_MAX_OPEN_CONNECTIONS=3 run_sync
	assert_status 0
	assert_equal "$(sort -n "$FAKE/crowd" | tail -n 1)" 3 "the most tables at once"
	rm "$FAKE/act" "$FAKE"/*.words
	DB_MAX_OPEN_CONNECTIONS=0 run_sync
	assert_refused DB_MAX_OPEN_CONNECTIONS
}

@test "15 tables are in flight by default" {
	crowd
	export WANTED=15
	SHOP_TABLES=$(seq -s , -f 't%.0f' 18) run_sync
	assert_status 0
	assert_equal "$(sort -n "$FAKE/crowd" | tail -n 1)" 15 "the most tables at once"
}

@test "LOG_ENV=prod: every line of stderr is JSON, mistakes and what is not JSON itself included" {
	printf '#!/bin/bash\necho "no JSON \\"at\\" all" >&2\n' >"$FAKE/act"
	chmod +x "$FAKE/act"
	LOG_ENV=prod run_sync
	assert_status 0
	output=$errors
	assert_json 'map(has("time") and has("level") and has("msg")) | all'
	assert_json 'map(select(.msg == "shop public.orders: no JSON \"at\" all" and .level == "warn")) | length == 1'
	assert_json '.[-1] | .succeeded == 1 and .failed == 0 and .exit == 0'
	assert_json '.[-2] | .database == "shop" and .table == "public.orders" and .rows == 7 and .job == "p:US.j" and .outcome == "loaded"'
	LOG_ENV=prod DRY_RUN=x run_sync
	assert_status 78
	output=$errors
	assert_json 'length == 1 and (.[0] | .level == "error" and .exit == 78 and (.msg | startswith("DRY_RUN")))'
	LOG_ENV=production run_sync
	assert_status 78
	[[ $errors == *LOG_ENV* ]]
}

@test "LOG_LEVEL: what is below it is not said, the summary always" {
	LOG_LEVEL=error run_sync
	assert_status 0
	[[ $errors != *warning* && $errors != *begins* && $errors == *'1 succeeded, 0 failed'* ]]
	LOG_LEVEL=INFO run_sync
	[[ $errors == *warning* && $errors == *begins* ]]
	assert_equal "$(fake_variable public__orders LOG_LEVEL)" info
	LOG_LEVEL=debug run_sync
	assert_equal "$(fake_variable public__orders LOG_LEVEL)" debug
	LOG_LEVEL=loud run_sync
	assert_status 78
	[[ $errors == *LOG_LEVEL* ]]
}

@test "a variable of a table that is not there is warned of" {
	SHOP_PUBLIC_ODRERS_PRIMARY_KEY=id run_sync
	assert_status 0
	[[ $errors == *'warning: SHOP_PUBLIC_ODRERS_PRIMARY_KEY'* ]]
	SHOP_TABLES=a,b SHOP_B_ENABLED=no SHOP_B_PRIMARY_KEY=id run_sync
	[[ $errors != *'warning: SHOP_B'* ]]
}

@test "installed as sluice-sync, it names itself so" {
	ln -s "$SLUICE_ROOT/pipelines/sync" sluice-sync
	run_split ./sluice-sync --help
	[[ $output == 'usage: sluice-sync [options]'* ]]
	run_split ./sluice-sync --version
	assert_equal "${output%% *}" sluice-sync
	LOG_ENV=prod run_split ./sluice-sync
	output=$errors
	assert_json '.[-1].program == "sluice-sync"'
	SHOP_DB_NAME='' run_split ./sluice-sync
	assert_equal "$errors" 'sluice-sync: SHOP_DB_NAME is not set'
}

@test "an option or an operand is 64" {
	run_sync public.orders
	assert_status 64
	run_sync ''
	assert_status 64
}

# status_of STATUS...: of a sync whose tables end so.
status_of() {
	local i=0 names='' one
	for one; do
		names+=,t$((++i))
		echo "$one" >"$FAKE/t$i.exit"
	done
	SHOP_TABLES=$names run_sync
	rm "$FAKE"/*.exit
}

@test "exit status: 75 when any failure is temporary, else 70 > 78 > 77 > 69 > 65 > 66" {
	local line
	while read -r line; do
		# shellcheck disable=SC2086 # words
		status_of ${line#* }
		assert_equal "$status" "${line%% *}" "the status of ${line#* }"
	done <<-END
		0 0 0
		75 66 75 70
		70 66 65 69 77 78 70 0
		78 66 65 69 77 78
		77 66 65 69 77
		69 69 65 66
		65 66 65
		66 66 0
		70 76 70
		76 76 78 77
		78 64 77
		74 74 69
		71 71 65
		137 137 0
		66 137 66
	END
}

@test "a failed table does not stop the others, and the summary says each outcome" {
	echo 66 >"$FAKE/b.exit"
	SHOP_TABLES=a,b,c run_sync
	assert_status 66
	[[ $errors =~ shop\ a\ +a\ +7\ +[0-9.]+\ +p:US.j\ +loaded ]]
	[[ $errors =~ shop\ b\ +b\ +-\ +[0-9.]+\ +-\ +failed\ \(66\) ]]
	[[ ${errors##*$'\n'} == 'sync: 2 succeeded, 1 failed' ]]
	assert_json 'map(select(has("@loaded"))) | length == 2'
	assert_json '.[-1]["@abort"].exit == 66'
}

# says STATUS PROGRAM MESSAGE: an error, as the programs log it.
says() {
	printf '{"time":"t","level":"error","program":"%s","msg":"%s","exit":%d}\n' "$2" "$3" "$1"
}

@test "when both ends of a pipe fail, the summary gives the error that belongs to the status" {
	says 69 bqload 'no such dataset' >"$FAKE/a.log"
	says 141 sqlextract 'stdout: the reader is gone' >>"$FAKE/a.log"
	says 65 sqlextract 'row 2 is bad' >"$FAKE/b.log"
	says 65 bqload 'the producer failed: row 2 is bad' >>"$FAKE/b.log"
	says 69 bqload 'no such dataset' >>"$FAKE/b.log"
	printf '#!/bin/bash\ncat "$FAKE/$1.log" >&2\n' >"$FAKE/act"
	chmod +x "$FAKE/act"
	echo 69 >"$FAKE/a.exit"
	echo 65 >"$FAKE/b.exit"
	SHOP_TABLES=a,b run_sync
	assert_status 69
	[[ $errors == *'failed (69): no such dataset'* && $errors == *'failed (65): row 2 is bad'* ]]
}

@test "stdout is a stream of @loaded records" {
	SHOP_TABLES=a,b run_sync
	assert_json '.[0] | has("@begin")'
	assert_json '.[-1]["@end"].records == 2'
	run_split bash -c 'sync >/dev/full'
	assert_status 74
}

@test "logs that cannot be written stop nothing" {
	echo 66 >"$FAKE/b.exit"
	export SHOP_TABLES=a,b,c SHOP_C_PRIMARY_KEY=id
	local format where
	for format in dev prod; do
		for where in /dev/full -; do
			run_split bash -c 'LOG_ENV=$1; export LOG_ENV; [[ $2 != - ]] || exec sync 2>&-; exec sync 2>"$2"' _ "$format" "$where"
			assert_status 66
			assert_json 'length == 4 and .[-1]["@abort"].exit == 66'
		done
	done
}

@test "a reader of stdout that leaves ends all of it with 141" {
	cat >"$FAKE/act" <<-'END'
		#!/bin/bash
		[[ $1 == a ]] || while ((PPID > 1)) && kill -0 "$PPID" 2>/dev/null; do sleep 0.02; done
	END
	chmod +x "$FAKE/act"
	SHOP_TABLES=a,b run_split bash -c 'sync | head -n 1; exit "${PIPESTATUS[0]}"'
	assert_status 141
	[[ $errors =~ shop\ b\ .*\ stopped:\ signal\ 13 ]]
}

@test "whenever a signal comes, it ends" {
	cat >"$FAKE/act" <<-'END'
		#!/bin/bash
		while ((PPID > 1)) && kill -0 "$PPID" 2>/dev/null; do read -rt 0.02 <> <(:) || true; done
	END
	chmod +x "$FAKE/act"
	export SHOP_TABLES DB_MAX_OPEN_CONNECTIONS=40
	SHOP_TABLES=$(seq -s , -f 't%.0f' 30)
	local i
	for i in {1..12}; do
		run_split timeout --foreground --signal=TERM --kill-after=20 "0.$((10 + 2 * i))" sync
		# timeout's own: it is 137 when it had to kill.
		assert_status 124
	done
}

@test "many tables at once: none is lost, and each has its own status" {
	echo 66 >"$FAKE/t77.exit"
	DB_MAX_OPEN_CONNECTIONS=40 SHOP_TABLES=$(seq -s , -f 't%.0f' 120) run_sync
	assert_status 66
	[[ $errors == *'119 succeeded, 1 failed'* ]]
	assert_json '.[-1]["@abort"].exit == 66 and length == 121'
}

@test "without its programs nothing begins" {
	mkdir other
	cp -r "$SLUICE_ROOT"/pipelines/. other
	PATH=/usr/bin:/bin run_split other/sync
	assert_status 78
	[[ $errors == *'PATH: there is no sqlextract'* ]]
}
