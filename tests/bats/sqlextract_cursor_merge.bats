#!/usr/bin/env bats
# Increments all the way: sqlextract --cursor | bqload, from both databases, while rows are committed in another
# order than that of their stamps; what may be appended and what must be merged.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # bash -c expands; each test is a subshell; run_split sets errors

load helper/common
load helper/postgres
load helper/mariadb
load helper/localcloud
load helper/cursor

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
	BACKGROUND=()
	last=()
}

teardown() {
	local pid

	exec 8>&-
	for pid in "${BACKGROUND[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# of DATABASE POSTGRES MARIADB: what is said in other words
of() {
	if [[ $1 == postgres ]]; then
		echo "$2"
	else
		echo "$3"
	fi
}

# source_table DATABASE TABLE: its stamps are taken by the writers
source_table() {
	database "$1"
	sql "CREATE TABLE $2 (id int PRIMARY KEY, v int, c $(of "$1" timestamptz 'timestamp(6)') NOT NULL)" "CREATE INDEX ${2}_c ON $2 (c)"
}

# client DATABASE: becomes one, in the background, that runs the SQL it reads
client() {
	if [[ $1 == postgres ]]; then
		exec psql -qXAt -v ON_ERROR_STOP=1
	fi
	exec mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root --database=test --batch --skip-column-names --unbuffered
}

# writer DATABASE: a session that is given SQL by `tell` and ends with `leave`
writer() {
	rm -f "$BATS_TEST_TMPDIR/writer"
	mkfifo "$BATS_TEST_TMPDIR/writer"
	client "$1" <"$BATS_TEST_TMPDIR/writer" >"$BATS_TEST_TMPDIR/writer.out" 3>&- 8>&- &
	WRITER=$!
	BACKGROUND+=("$WRITER")
	exec 8>"$BATS_TEST_TMPDIR/writer"
}

# It has run when tell returns.
tell() {
	printf "%s\nSELECT 'done %d';\n" "$*" "$((++TOLD))" >&8
	wait_until 20 grep -qx "done $TOLD" "$BATS_TEST_TMPDIR/writer.out"
}

leave() {
	exec 8>&-
	wait "$WRITER"
}

# sync TABLE WRITE [OPTION]...: one increment from what the last one said
sync() {
	run_split bash -o pipefail -c 'sqlextract -q "$1" "$2" --cursor c "${@:4}" | bqload -q "shop.$2" --write "$3"' \
		- "$uri" "$1" "$2" "${last[@]}" "${@:3}"
	assert_status 0
	last=(--after "$(jq -r '.["@loaded"] // empty | .cursor.last' <<<"$output")")
	[[ ${last[1]} != null ]] || last=()
}

# Both as "id v microseconds", by id.
source_rows() {
	if [[ $uri == postgres* ]]; then
		psql_value "SELECT id || ' ' || v || ' ' || (extract(epoch FROM c) * 1000000)::bigint FROM $1 ORDER BY id"
	else
		mariadb_value "SELECT CONCAT(id, ' ', v, ' ', CAST(UNIX_TIMESTAMP(c) * 1000000 AS int)) FROM $1 ORDER BY id" test
	fi
}

loaded_rows() {
	bq_sql "SELECT id, v, UNIX_MICROS(c) AS us FROM shop.$1 ORDER BY id" | jq -r '[.id, .v, .us] | join(" ")'
}

assert_same() {
	diff <(source_rows "$1") <(loaded_rows "$1") || _fail "$1 is not the same in BigQuery"
}

@test "with a lag and a merge no commit comes too late, in both databases" {
	local name now round table

	for name in postgres mariadb; do
		now=$(of "$name" 'clock_timestamp()' 'NOW(6)')
		table=late_$name
		source_table "$name" "$table"
		sql "INSERT INTO $table VALUES (1, 0, $now), (2, 0, $now)"
		last=()
		sync "$table" merge --lag 1h
		writer "$name"
		for round in 1 2 3; do
			# A stamp is taken, and what comes after it is committed and loaded first.
			tell "BEGIN; INSERT INTO $table VALUES (${round}0, $round, $now); UPDATE $table SET v = $round, c = $now WHERE id = 1;"
			sql "UPDATE $table SET v = $round, c = $now WHERE id = 2" "INSERT INTO $table VALUES (${round}1, $round, $now)"
			sync "$table" merge --lag 1h
			assert_equal "$(loaded_rows "$table" | grep -c "^${round}0 ")" 0 "rows that are not committed"
			[[ $name == postgres ]] || assert_equal "$(loaded_rows "$table" | grep -c "^${round}1 ")" 1 "the later stamp"
			tell 'COMMIT;'
			sync "$table" merge --lag 1h
			assert_same "$table"
		done
		leave
		TOLD=0
	done
}

@test "PostgreSQL: below the oldest transaction an exclusive bound may be appended, and no row comes twice" {
	local round

	source_table postgres appended
	sql 'INSERT INTO appended VALUES (1, 0, clock_timestamp())'
	sync appended append
	for round in 1 2 3; do
		writer postgres
		tell "BEGIN; INSERT INTO appended VALUES (${round}0, $round, clock_timestamp());"
		sql "INSERT INTO appended VALUES (${round}1, $round, clock_timestamp())"
		sync appended append
		# It is there, and waits.
		assert_equal "$(loaded_rows appended | grep -c "^${round}")" "$([[ $round == 1 ]] && echo 1 || echo 0)" "rows of round $round"
		tell 'COMMIT;'
		leave
		sync appended append
		assert_same appended
	done
}

# updates DATABASE TABLE FIRST: its own five rows, each changed eight times, each change some time before its commit
updates() {
	local i nap

	nap=$(of "$1" 'SELECT pg_sleep(random() * 0.1);' 'SELECT SLEEP(RAND() * 0.1);')
	for ((i = 0; i < 40; i++)); do
		if [[ $1 == postgres ]]; then
			printf 'BEGIN; UPDATE %s SET v = %d, c = now() WHERE id = %d; %s COMMIT;\n' "$2" "$i" $(($3 + i % 5)) "$nap"
		else
			printf 'BEGIN; UPDATE %s SET v = %d, c = NOW(6) WHERE id = %d; %s COMMIT;\n' "$2" "$i" $(($3 + i % 5)) "$nap"
		fi
	done
}

@test "rows that are updated by several writers are those of the source in the end, in both databases" {
	local name first i running lag table

	for name in postgres mariadb; do
		lag=$(of "$name" 0s 2s)
		table=updated_$name
		source_table "$name" "$table"
		for ((i = 0; i < 15; i++)); do
			sql "INSERT INTO $table VALUES ($i, -1, $(of "$name" 'now()' 'NOW(6)'))"
		done
		last=() BACKGROUND=()
		for first in 0 5 10; do
			updates "$name" "$table" "$first" >"$BATS_TEST_TMPDIR/updates.$first"
			client "$name" <"$BATS_TEST_TMPDIR/updates.$first" >/dev/null 3>&- &
			BACKGROUND+=("$!")
		done
		running=1
		for ((i = 0; running > 0; i++)); do
			# One more after the last writer has ended.
			running=$(jobs -r | wc -l)
			sync "$table" merge --lag "$lag"
		done
		((i > 3)) || _fail "only $i increments"
		wait "${BACKGROUND[@]}"
		BACKGROUND=()
		assert_same "$table"
	done
}

@test "an increment with rows again is not appended, and none replaces a table" {
	local name write before

	for name in postgres mariadb; do
		source_table "$name" "refused_$name"
		last=()
		sql "INSERT INTO refused_$name VALUES (1, 0, '2026-01-31 10:00:00'), (2, 0, '2026-01-31 10:00:01')"
		# The first read has no bound: it may be appended.
		sync "refused_$name" append --lag 1m
		before=$(loaded_rows "refused_$name")
		sql "INSERT INTO refused_$name VALUES (3, 0, '2026-01-31 10:00:02')"
		for write in append empty truncate; do
			run_split bash -o pipefail -c 'sqlextract -q "$1" "$2" --cursor c --after "$3" --lag 0s | bqload -q "shop.$2" --write "$4"' \
				- "$uri" "refused_$name" "${last[1]}" "$write"
			assert_status 65
		done
		# Nor is one of new rows alone.
		run_split bash -o pipefail -c 'sqlextract -q "$1" "$2" --cursor c --after "$3" | bqload -q "shop.$2" --write truncate' \
			- "$uri" "refused_$name" "${last[1]}"
		assert_status 65
		assert_equal "$(loaded_rows "refused_$name")" "$before"
		sync "refused_$name" append
		assert_same "refused_$name"
		# Nothing new: nothing is loaded, and the cursor stays.
		before=${last[1]}
		sync "refused_$name" append
		assert_equal "${last[1]}" "$before"
		assert_same "refused_$name"
	done
}

@test "numbers, floats and days are cursors of a merge, too" {
	local name type

	for name in postgres mariadb; do
		database "$name"
		for type in bigint 'decimal(20,3)' 'double precision' date; do
			sql 'DROP TABLE IF EXISTS typed' "CREATE TABLE typed (id int PRIMARY KEY, v int, c $type NOT NULL)"
			bq_sql 'DROP TABLE IF EXISTS shop.typed' >/dev/null
			if [[ $type == date ]]; then
				values=("'2026-01-30'" "'2026-01-31'" "'2026-02-01'") lag=24h
			else
				values=(-1 0 1) lag=1
			fi
			last=()
			sql "INSERT INTO typed VALUES (1, 1, ${values[0]}), (2, 1, ${values[1]})"
			sync typed merge --lag "$lag"
			sql "UPDATE typed SET v = 2, c = ${values[2]} WHERE id = 1" "INSERT INTO typed VALUES (3, 1, ${values[1]}), (4, 1, ${values[2]})"
			sync typed merge --lag "$lag"
			assert_equal "$(jq -r '.["@loaded"] // empty | .rows' <<<"$output")" 4 "rows of $type with what came again"
			assert_equal "$(bq_sql 'SELECT id, v FROM shop.typed ORDER BY id' | jq -r '[.id, .v] | join(" ")' | paste -sd,)" '1 2,2 1,3 1,4 1' "$type"
		done
	done
}
