#!/usr/bin/env bats
# What sync-table owes to those that call it: gates, signs of readiness, dry runs, logs, and an end on every signal.

load helper/common
load helper/postgres
load helper/localcloud

setup_file() {
	postgres_start
	localcloud_start
	bq_dataset shop
	psql_do "CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 10) i" \
		"CREATE VIEW slow AS SELECT i AS id, pg_sleep(0.01)::text AS z FROM generate_series(1, 100000) i"
}

teardown_file() {
	localcloud_stop
	postgres_stop
}

setup() {
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	cd "$BATS_TEST_TMPDIR" || return 1
}

exists() {
	[[ -e $1 ]]
}

@test "--gate holds the load back, not the read; --ready tells when the state is fixed" {
	local gate
	: >gate
	exec {gate}<gate
	flock --exclusive "$gate"
	sync-table --gate gate --ready ready postgresql:// t shop.gated >out 2>err {gate}<&- 3>&- &
	wait_until 10 exists ready
	run ! bq_api GET datasets/shop/tables/gated
	flock --unlock "$gate"
	wait "$!"
	assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM shop.gated')" '{"n":"10"}'
}

@test "--ready is there as well when reading has failed" {
	run sync-table --ready ready postgresql:// nix shop.nix
	assert_status 66
	[ -e ready ]
}

@test "--gate that cannot be read is 66, before anything begins" {
	run sync-table --gate nowhere postgresql:// t shop.ungated
	assert_status 66
	run ! bq_api GET datasets/shop/tables/ungated
}

@test "one destination has one lock, however it is spelt" {
	local key lock
	mkdir state
	key=$(printf '%s' "$PROJECT.shop.spelt" | sha256sum | cut -c 1-32)
	exec {lock}>"state/$key.lock"
	flock --exclusive "$lock"
	run_split sync-table postgresql:// t "$PROJECT:shop.spelt"
	assert_status 75
	run_split sync-table postgresql:// t "$PROJECT.shop.spelt"
	assert_status 75
	run_split sync-table postgresql:// t shop.spelt
	assert_status 75
	GOOGLE_CLOUD_PROJECT=other run_split sync-table --load="--project=$PROJECT" postgresql:// t shop.spelt
	assert_status 75
	[[ $errors == *'another sync of it is running'* ]]
}

@test "--dry-run writes nothing, and leaves an unfinished run as it is" {
	mkdir state
	local key
	key=$(printf '%s' "$PROJECT.shop.dry" | sha256sum | cut -c 1-32)
	echo left-over >"state/$key.run"
	run_split sync-table --dry-run postgresql:// t shop.dry
	assert_status 0
	[[ $errors == *'checked (dry run) 10 rows'* ]]
	assert_equal "$(<"state/$key.run")" left-over
	run ! bq_api GET datasets/shop/tables/dry
}

@test "--log-format and LOG_ENV are for all of the pipeline; LOG_LEVEL is heeded" {
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"again"}}}'
	run_split sync-table --log-format json postgresql:// t shop.logged
	assert_status 0
	output=$errors
	assert_json 'map(.program) | contains(["sqlextract", "bqload", "sync-table"])'
	assert_json 'map(select(.program == "sync-table" and .level == "warn")) | length == 1'
	LOG_ENV=prod run_split sync-table --wat
	assert_status 64
	output=$errors
	assert_json '.[0] | .program == "sync-table" and .exit == 64'
	run_split sync-table --log-format logfmt postgresql:// nix shop.logged
	[[ $errors == *'program=sqlextract'* ]]
	fault '{"times":1,"fault":{"jobError":{"reason":"backendError","message":"again"}}}'
	LOG_LEVEL=error run_split sync-table postgresql:// t shop.logged
	assert_status 0
	[[ $errors != *'attempt 2'* ]]
	run_split sync-table --log-format xml postgresql:// t shop.logged
	assert_status 64
}

@test "a signal while it waits for another attempt ends it at once" {
	run_split timeout -s TERM 2 sync-table --retries 9 'postgresql:///x?host=/nonexistent' t shop.waits
	assert_status 124
	assert_equal "$(pgrep -fc 'sleep (1|2|4|8)$' -P "$$" || true)" 0
}

# sqlextract that says it has been told, takes its time, and goes.
@test "it does not end before its programs have" {
	mkdir bin
	cat >bin/sqlextract <<-'END'
		#!/bin/bash
		trap 'sleep 0.5; echo told >told; exit 143' TERM
		echo begun >begun
		while :; do sleep 0.05; done
	END
	chmod +x bin/sqlextract
	PATH=$PWD/bin:$PATH sync-table postgresql:// t shop.waits >out 2>err 3>&- &
	wait_until 10 exists begun
	kill "$!"
	status=0
	wait "$!" || status=$?
	assert_status 143
	[ -e told ]
}

@test "a program that is killed is told from one whose input was cut" {
	mkdir bin
	printf '#!/bin/bash\necho '"'"'{"@begin":{"version":1}}'"'"'\nkill -KILL $$\n' >bin/sqlextract
	chmod +x bin/sqlextract
	PATH=$PWD/bin:$PATH run sync-table postgresql:// t shop.killed
	assert_status 137
}
