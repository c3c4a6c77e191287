#!/usr/bin/env bats
# sync-table by a cursor: what is new since the last run that the ledger knows, every row once whoever dies, and what is
# gone at the source found by its keys.

load helper/common
load helper/postgres
load helper/mariadb
load helper/localcloud

setup_file() {
	postgres_start
	mariadb_start
	localcloud_start
	bq_dataset shop
}

teardown_file() {
	localcloud_stop
	mariadb_stop
	postgres_stop
}

setup() {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	cd "$BATS_TEST_TMPDIR" || return 1
	localcloud_curl --fail -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}

# A table with a key, a text, and a time of the server's clock.
create() {
	psql_do "CREATE TABLE $1 (id int PRIMARY KEY, v text, at timestamptz DEFAULT clock_timestamp())" \
		"INSERT INTO $1 SELECT i, 'old' FROM generate_series(1, ${2:-5}) i"
}

# bq TABLE: its rows as "id v", on one line.
bq() {
	bq_sql "SELECT id, v FROM shop.$1 ORDER BY id" | jq -r '"\(.id)\(.v)"' | paste -sd ' '
}

# loads FILTER: of the @loaded records that were printed, one line each.
loads() {
	jq -c ".[\"@loaded\"] // empty | $1" <<<"$output" | paste -sd ' '
}

# runs TABLE: what the ledger has of it, the latest state of each run, in their order.
runs() {
	bq_sql "SELECT run, state, write, \`rows\` FROM bigquery_loads.serverless_bq_loads_runs
		WHERE \`table\` = '$PROJECT.shop.$1' ORDER BY \`at\`"
}

@test "merge: the first run is a full one, then what is new comes, with the lag's rows once more" {
	create m
	run_split sync-table postgresql:// m shop.m --write merge --cursor at
	assert_status 0
	assert_equal "$(loads '[.rows, .write, .cursor.column]')" '[5,"merge","at"]'
	psql_do "INSERT INTO m VALUES (6, 'new')" "UPDATE m SET v = 'upd', at = clock_timestamp() WHERE id = 2" \
		"UPDATE m SET v = 'unseen' WHERE id = 3" "UPDATE m SET at = at - interval '1 hour' WHERE id IN (1, 3, 4, 5)"
	run_split sync-table postgresql:// m shop.m --write merge --cursor at
	assert_status 0
	assert_equal "$(loads .rows)" 2
	assert_equal "$(bq m)" "1old 2upd 3old 4old 5old 6new"
	# Committed late: behind the last value, but not by more than the lag.
	psql_do "INSERT INTO m VALUES (7, 'late', clock_timestamp() - interval '9 minutes')"
	run_split sync-table postgresql:// m shop.m --write merge --cursor at
	assert_equal "$(loads .rows)" 3
	run_split sync-table postgresql:// m shop.m --write merge --cursor at --lag 0s
	assert_equal "$(loads .rows)" 1
	assert_equal "$(bq m)" "1old 2upd 3old 4old 5old 6new 7late"
}

@test "append: above the last value, each row once; numbers from MariaDB" {
	create a
	run_split sync-table postgresql:// a shop.a --write append --cursor at
	assert_status 0
	psql_do "INSERT INTO a SELECT i, 'new' FROM generate_series(6, 8) i"
	run_split sync-table postgresql:// a shop.a --write append --cursor at
	assert_equal "$(loads .rows)" 3
	run_split sync-table postgresql:// a shop.a --write append --cursor at
	assert_status 0
	assert_equal "$(loads '[.rows, .job]')" '[0,null]'
	assert_equal "$(bq a)" "1old 2old 3old 4old 5old 6new 7new 8new"
	mariadb_do "CREATE TABLE a (id INT PRIMARY KEY, v TEXT)" "INSERT INTO a SELECT seq, 'old' FROM seq_1_to_3"
	run_split sync-table "$MARIADB_URI" a shop.my_a --write append --cursor id
	assert_status 0
	mariadb_do "INSERT INTO a VALUES (4, 'new')"
	run_split sync-table "$MARIADB_URI" a shop.my_a --write append --cursor id
	assert_status 0
	assert_equal "$(bq my_a)" "1old 2old 3old 4new"
}

@test "append: rows without a value come once, also when there was no value at all" {
	create nulls 2
	psql_do "UPDATE nulls SET at = NULL"
	run_split sync-table postgresql:// nulls shop.nulls --write append --cursor at
	assert_status 0
	psql_do "INSERT INTO nulls VALUES (3, 'new')"
	run_split sync-table postgresql:// nulls shop.nulls --write append --cursor at
	assert_status 0
	assert_equal "$(loads .rows)" 1
	run_split sync-table postgresql:// nulls shop.nulls --write append --cursor at
	assert_status 0
	assert_equal "$(bq nulls)" "1old 2old 3new"
}

@test "append never doubles what is there from elsewhere: --after or --full says what is meant" {
	create there 3
	sqlextract -q postgresql:// there | bqload -q shop.there >/dev/null
	run_split sync-table postgresql:// there shop.there --write append --cursor id
	assert_status 69
	assert_equal "$(bq there)" "1old 2old 3old"
	psql_do "INSERT INTO there VALUES (4, 'new')"
	run_split sync-table postgresql:// there shop.there --write append --cursor id --after 3
	assert_status 0
	assert_equal "$(bq there)" "1old 2old 3old 4new"
	# Now the ledger knows, and goes before --after.
	psql_do "INSERT INTO there VALUES (5, 'new')"
	run_split sync-table postgresql:// there shop.there --write append --cursor id --after 3
	assert_equal "$(loads .rows)" 1
	# Another column: from where on, nobody knows.
	run_split sync-table postgresql:// there shop.there --write append --cursor at
	assert_status 78
	[[ $errors == *"does not say up to which at it went"* ]]
	psql_do "UPDATE there SET v = 'upd'"
	run_split sync-table postgresql:// there shop.there --write append --cursor at --full
	assert_status 0
	assert_equal "$(loads '[.rows, .write]')" '[5,"truncate"]'
	run_split sync-table postgresql:// there shop.there --write append --cursor at
	assert_equal "$(loads .rows)" 0
	assert_equal "$(bq there)" "1upd 2upd 3upd 4upd 5upd"
}

@test "merge: --full replaces the table, also where the key has changed; another cursor reads all" {
	create whole 3
	run_split sync-table postgresql:// whole shop.whole --write merge --cursor at
	psql_do "UPDATE whole SET id = id + 10" "UPDATE whole SET at = at - interval '1 hour'"
	run_split sync-table postgresql:// whole shop.whole --write merge --cursor at --full
	assert_status 0
	assert_equal "$(bq whole)" "11old 12old 13old"
	run_split sync-table postgresql:// whole shop.whole --write merge --cursor id --lag 1
	assert_status 0
	assert_equal "$(loads .rows)" 3
	[[ $errors == *'its last load has no value of id: all rows are read'* ]]
	run_split sync-table postgresql:// whole shop.whole --write merge --cursor id --lag 1
	assert_equal "$(loads .rows)" 2
}

@test "the run id follows from the last run: another host, a retry and a rerun name the same load" {
	create hosts 3
	run_split sync-table --state one postgresql:// hosts shop.hosts --write append --cursor id
	psql_do "INSERT INTO hosts VALUES (4, 'new')"
	fault '{"match":{"method":"POST","path":"/upload"},"times":1,"fault":{"status":400,"reason":"invalid"}}'
	run_split sync-table --state one postgresql:// hosts shop.hosts --write append --cursor id
	[[ $status != 0 ]]
	run_split sync-table --state two postgresql:// hosts "$PROJECT:shop.hosts" --write append --cursor id
	assert_status 0
	assert_equal "$(runs hosts | jq -r .run | sort -u | wc -l)" 2 "run ids"
	assert_equal "$(bq hosts)" "1old 2old 3old 4new"
}

job_was_sent() {
	grep -q 'rows sent' err
}

# What sync-table started, in our directory.
processes() {
	local where=$PWD own=$BASHPID
	(cd / && find /proc/[0-9]*/cwd -maxdepth 0 -lname "$where" 2>/dev/null | tr -dc '0-9\n' | grep -vxe "$own" -e "$$") || true
}

kill_all() {
	# shellcheck disable=SC2046 # numbers
	kill -KILL $(processes) 2>/dev/null || true
}

@test "killed while its job runs: another host waits for it and goes on behind it" {
	create late 3
	# Its entries are no jobs, which the fault could take for the load.
	export BQ_LOAD_STATE_TABLE=file:ledger
	run_split sync-table postgresql:// late shop.late --write append --cursor at
	psql_do "INSERT INTO late VALUES (4, 'new')"
	fault '{"times":1,"fault":{"jobDelayMs":8000}}'
	setsid sync-table --state one postgresql:// late shop.late --write append --cursor at >out 2>err 3>&- &
	wait_until 10 job_was_sent
	kill_all
	psql_do "INSERT INTO late VALUES (5, 'newer')"
	run_split sync-table --state two postgresql:// late shop.late --write append --cursor at
	assert_status 0
	[[ $errors == *'has no outcome yet'* ]]
	assert_equal "$(loads .rows)" 1
	assert_equal "$(bq late)" "1old 2old 3old 4new 5newer"
}

@test "a ledger that was lost: loads that BigQuery remembers are not taken for new ones" {
	create forgotten 3
	local round
	for round in 1 2; do
		run_split sync-table postgresql:// forgotten shop.forgotten --write merge --cursor at --ledger file:ledger
		run_split sync-table postgresql:// forgotten shop.forgotten_too --ledger file:ledger
	done
	rm ledger
	psql_do "INSERT INTO forgotten VALUES (4, 'new')" "UPDATE forgotten SET v = 'upd' WHERE id = 2"
	for round in 1 2; do
		run_split sync-table postgresql:// forgotten shop.forgotten --write merge --cursor at --ledger file:ledger
		assert_equal "$(loads .adopted)" false
		run_split sync-table postgresql:// forgotten shop.forgotten_too --ledger file:ledger
		assert_equal "$(loads .adopted)" false
	done
	assert_equal "$(bq forgotten)" "1old 2upd 3old 4new"
	assert_equal "$(bq forgotten_too)" "1old 2upd 3old 4new"
}

@test "the ledger: a default, BQ_LOAD_STATE_TABLE, --ledger, or none" {
	create l 1
	BQ_LOAD_STATE_TABLE=other.loads run_split sync-table postgresql:// l shop.l
	assert_status 0
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM other.loads_runs')" '{"n":"1"}'
	BQ_LOAD_STATE_TABLE=other.loads run_split sync-table postgresql:// l shop.l --ledger file:here
	assert_status 0
	[ -s here ]
	BQ_LOAD_STATE_TABLE=none run_split sync-table postgresql:// l shop.l
	run_split sync-table postgresql:// l shop.l --ledger none
	assert_status 0
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM other.loads_runs')" '{"n":"1"}'
	run_split sync-table postgresql:// l shop.l
	assert_equal "$(runs l | jq -r .write)" truncate
}

@test "a dry run reads what is new, and settles nothing" {
	create dry 3
	run_split sync-table postgresql:// dry shop.dry --write append --cursor at
	psql_do "INSERT INTO dry VALUES (4, 'new')"
	run_split sync-table postgresql:// dry "$PROJECT:shop.dry" --write append --cursor at --dry-run
	assert_status 0
	[[ $errors == *'checked (dry run) 1 rows'* ]]
	assert_equal "$(bq dry)" "1old 2old 3old"
	assert_equal "$(runs dry | wc -l)" 1
}

@test "a mismatch: its run is not loaded again, until --full, or another id, gets past it" {
	create odd 3
	run_split sync-table postgresql:// odd shop.odd --write append --cursor at
	psql_do "INSERT INTO odd VALUES (4, 'new')"
	fault '{"match":{"method":"POST","path":"/upload/"},"times":1,"fault":{"miscount":-1}}'
	run_split sync-table postgresql:// odd shop.odd --write append --cursor at
	assert_status 76
	run_split sync-table postgresql:// odd shop.odd --write append --cursor at
	assert_status 76
	[[ $errors == *'ended in a mismatch and is not loaded again'* ]]
	run_split sync-table postgresql:// odd shop.odd --write append --cursor at --full
	assert_status 0
	assert_equal "$(bq odd)" "1old 2old 3old 4new"
	fault '{"match":{"method":"POST","path":"/upload/"},"times":1,"fault":{"miscount":-1}}'
	run_split sync-table postgresql:// odd shop.odd
	assert_status 76
	run_split sync-table postgresql:// odd shop.odd
	assert_status 76
	run_split sync-table postgresql:// odd shop.odd --run-id looked-at
	assert_status 0
	run_split sync-table postgresql:// odd shop.odd
	assert_status 0
}

@test "--reconcile-every: what is gone goes, when it is time; the cursor stays where it is" {
	create gone 5
	run_split sync-table postgresql:// gone shop.gone --write merge --cursor at --reconcile-every 1h
	assert_status 0
	assert_equal "$(loads .run | grep -o reconcile)" reconcile
	psql_do "DELETE FROM gone WHERE id IN (1, 5)" "INSERT INTO gone VALUES (6, 'new')"
	run_split sync-table postgresql:// gone shop.gone --write merge --cursor at --reconcile-every 1h
	assert_equal "$(bq gone)" "1old 2old 3old 4old 5old 6new"
	run_split sync-table postgresql:// gone shop.gone --write merge --cursor at --lag 0s --reconcile-every 0s
	assert_status 0
	assert_equal "$(bq gone)" "2old 3old 4old 6new"
	assert_equal "$(loads '[.rows, .changes.deleted]')" "[1,0] [4,2]"
	assert_json '.[-1]["@end"].records == 2'
	psql_do "INSERT INTO gone VALUES (7, 'new')"
	run_split sync-table postgresql:// gone shop.gone --write merge --cursor at --lag 0s --reconcile-every 1h
	assert_equal "$(loads .rows)" 2
	# What replaces the table leaves nothing to look for.
	run_split sync-table postgresql:// gone shop.gone --write merge --cursor at --full --reconcile-every 0s
	assert_equal "$(loads .write)" '"truncate"'
}

@test "--reconcile-every without a cursor, a key of two columns, and options about columns that are not read" {
	psql_do 'CREATE TABLE two ("A b" int, b text, v text, w text, PRIMARY KEY ("A b", b))' \
		"INSERT INTO two SELECT i, 'x', 'v', 'w' FROM generate_series(1, 3) i"
	local options=(--write merge --reconcile-every 0s --extract=--mask=v --extract=--type --extract=w=STRING
		--extract=--exclude=w2 --extract=--rejects=rejects --load=--cluster-by=b)
	psql_do "ALTER TABLE two ADD w2 int, ADD v2 text"
	# The key's own options hold for the keys as well: else every row would be taken for gone.
	(umask 077 && printf "%064d" 1 >hash.key)
	options+=("--extract=--hash=b,v2" --extract=--hash-key=hash.key)
	run_split sync-table postgresql:// two shop.two "${options[@]}" --key '"A b",b'
	assert_status 0
	psql_do "DELETE FROM two WHERE \"A b\" = 2"
	run_split sync-table postgresql:// two shop.two "${options[@]}" --key '"A b",b'
	assert_status 0
	assert_equal "$(bq_sql 'SELECT A_b FROM shop.two ORDER BY 1' | jq -r .A_b | paste -sd ' ')" "1 3"
	psql_do "CREATE TABLE keyless (id int, v text)" "INSERT INTO keyless VALUES (1, 'v')"
	run_split sync-table postgresql:// keyless shop.keyless --write merge --load=--key=id --reconcile-every 0s
	assert_status 0
}

@test "--soft-delete marks what is gone, and what comes back loses its mark" {
	create soft 4
	local options=(--write merge --cursor at --soft-delete gone --reconcile-every 0s)
	run_split sync-table postgresql:// soft shop.soft "${options[@]}"
	assert_status 0
	psql_do "DELETE FROM soft WHERE id < 3"
	run_split sync-table postgresql:// soft shop.soft "${options[@]}"
	assert_equal "$(bq_sql 'SELECT id FROM shop.soft WHERE gone ORDER BY id' | jq -r .id | paste -sd ' ')" "1 2"
	psql_do "INSERT INTO soft VALUES (2, 'back')"
	run_split sync-table postgresql:// soft shop.soft --write merge --cursor at --soft-delete gone --reconcile-every 1h
	assert_equal "$(loads .rows | wc -w)" 1
	run_split sync-table postgresql:// soft shop.soft "${options[@]}" --full
	assert_status 0
	assert_equal "$(bq_sql 'SELECT id FROM shop.soft WHERE gone ORDER BY id' | jq -r .id | paste -sd ' ')" "1"
}

@test "what was loaded is said also when reconciling fails" {
	create half 3
	run_split sync-table postgresql:// half shop.half --write merge --cursor at
	fault '{"match":{"method":"POST","path":"/upload","n":2},"times":1,"fault":{"status":403,"reason":"accessDenied"}}'
	run_split sync-table postgresql:// half shop.half --write merge --cursor at --reconcile-every 0s
	assert_status 77
	assert_equal "$(loads .rows)" 3
	assert_json '.[-1]["@abort"].exit == 77'
}

@test "what cannot be is said before anything is read" {
	local line message
	while IFS='|' read -r line message; do
		eval "run_split sync-table postgresql:// m shop.x $line"
		assert_status 64
		[[ $errors == *"$message"* ]] || _fail "$line: '$message'"
	done <<-'END'
		--cursor at|--write merge or append
		--cursor at --write merge --ledger none|--cursor needs a ledger
		--cursor at --write append --lag 5m|doubled by --write append
		--lag 5m|need --cursor
		--after 5|need --cursor
		--full|is for --cursor
		--cursor at --write merge --run-id x|follows from what was loaded
		--cursor at --write merge --extract=--after=1|by --cursor and the ledger
		--cursor at --write merge --extract=--cursor --extract=id|by --cursor and the ledger
		--soft-delete gone|needs --reconcile-every
		--reconcile-every 1h|--write merge
		--reconcile-every soon --write merge|is not a duration
		--reconcile-every 1h --write merge --ledger none|needs a ledger
		--reconcile-every 1h --write merge --extract=--where=true|leaves rows out
		--load=--ledger=x.y|give it to sync-table itself
	END
	run ! bq_api GET datasets/shop/tables/x
}

# --- kill -9 at random moments ---------------------------------------------------------------------------------

no_session_is_left() {
	[[ $(psql_value "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()") == 0 ]]
}

# die_often CHANGE OPTION...: 12 times rows change and a sync is killed with all that it started, or one process of it;
# then one is left alone. CHANGE is called with the number of the round.
die_often() {
	local change=$1 round moment victims
	shift
	for round in $(seq 12); do
		"$change" "$round"
		setsid sync-table --load=--retry-for=1s --retries 1 "$@" >out 2>>err 3>&- &
		printf -v moment '0.%03d' $((RANDOM % 900))
		sleep "$moment"
		if ((round % 3)); then
			kill_all
		else
			mapfile -t victims < <(processes)
			((${#victims[@]} == 0)) || kill -KILL "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null || true
		fi
		wait "$!" 2>/dev/null || true
	done
	wait_until 20 no_process
	wait_until 20 no_session_is_left
	run_split sync-table --load=--retry-for=1s "$@"
	assert_status 0
}

no_process() {
	[[ -z $(processes) ]]
}

postgres_change() {
	psql_do "INSERT INTO deadly SELECT i, 'r$1' FROM generate_series($1 * 10, $1 * 10 + 7) i" \
		"INSERT INTO changing SELECT i, 'r$1' FROM generate_series($1 * 10, $1 * 10 + 7) i" \
		"UPDATE changing SET v = 'u$1', at = clock_timestamp() WHERE id % 7 = $1 % 7"
}

mariadb_change() {
	mariadb_do "INSERT INTO deadly SELECT seq, 'r$1' FROM seq_$(($1 * 10))_to_$(($1 * 10 + 7))" \
		"INSERT INTO changing (id, v) SELECT seq, 'r$1' FROM seq_$(($1 * 10))_to_$(($1 * 10 + 7))" \
		"UPDATE changing SET v = 'u$1' WHERE id % 7 = $1 % 7"
}

@test "kill -9 at random moments: PostgreSQL, appended and merged, nothing lost, nothing twice" {
	RANDOM=20260131
	psql_do "CREATE TABLE deadly (id int PRIMARY KEY, v text, at timestamptz DEFAULT clock_timestamp())" \
		"CREATE TABLE changing (LIKE deadly INCLUDING ALL)"
	die_often postgres_change postgresql:// deadly shop.deadly --write append --cursor at
	assert_equal "$(bq deadly)" "$(psql_value "SELECT string_agg(id || v, ' ' ORDER BY id) FROM deadly")" appended
	psql_do "TRUNCATE deadly, changing"
	die_often postgres_change postgresql:// changing shop.changing --write merge --cursor at --reconcile-every 1s
	assert_equal "$(bq changing)" "$(psql_value "SELECT string_agg(id || v, ' ' ORDER BY id) FROM changing")" merged
}

@test "kill -9 at random moments: MariaDB, appended and merged, nothing lost, nothing twice" {
	RANDOM=20260201
	mariadb_do "CREATE TABLE deadly (id INT PRIMARY KEY, v TEXT)" \
		"CREATE TABLE changing (id INT PRIMARY KEY, v TEXT, at TIMESTAMP(6) DEFAULT NOW(6) ON UPDATE NOW(6))"
	die_often mariadb_change "$MARIADB_URI" deadly shop.my_deadly --write append --cursor id
	assert_equal "$(bq my_deadly)" "$(mariadb_value "SELECT GROUP_CONCAT(CONCAT(id, v) ORDER BY id SEPARATOR ' ') FROM test.deadly")" appended
	mariadb_do "TRUNCATE deadly" "TRUNCATE changing"
	die_often mariadb_change "$MARIADB_URI" changing shop.my_changing --write merge --cursor at --reconcile-every 1s
	assert_equal "$(bq my_changing)" "$(mariadb_value "SELECT GROUP_CONCAT(CONCAT(id, v) ORDER BY id SEPARATOR ' ') FROM test.changing")" merged
}
