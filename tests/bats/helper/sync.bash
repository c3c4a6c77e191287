# For the tests of pipelines/sync: `load helper/sync` after helper/common.
#
#   sync_directory       a fresh current directory with the settings that every sync needs, as environment variables:
#                        project, dataset shop, database shop with table public.orders
#   sync_postgres ID     the server of helper/postgres is the source of that database
#   sync_fake            put a sync-table that only notes what it was given first in PATH; $FAKE is where. It exits with
#                        $FAKE/TABLE.exit where that is there
#   fake_words TABLE     the words that the fake got for the table of BigQuery, one a line
#   fake_variable TABLE NAME   that variable of its environment
#   sync_processes       the processes, one a line, whose current directory is ours: all that sync started

unset_matching 'DB_*'
unset_matching 'SYNC_*'
unset_matching 'SHOP_*'
unset_matching 'CRM_*'
unset DRY_RUN AUTO_CREATE_TABLES TRUNCATE_ON_SYNC MAX_ROW_PARSE_FAILURES DATE_FORMAT DEFAULT_BATCH_SIZE

sync_directory() {
	SYNC_DIRECTORY=$(mktemp -d "$BATS_TEST_TMPDIR/sync.XXXXXX")
	export SLUICE_STATE_DIR=$BATS_TEST_TMPDIR/state
	cd "$SYNC_DIRECTORY" || return 1
	export GCP_PROJECT_ID=${PROJECT:-test-project} BQ_DATASET_ID=shop SYNC_DATABASES=shop
	export SHOP_DB_TYPE=postgres SHOP_DB_NAME=shop SHOP_DB_USER=reader SHOP_TABLES=public.orders
}

# No libpq variable decides where sync reads.
sync_postgres() {
	export "${1}_DB_TYPE=postgres" "${1}_DB_HOST=$PGHOST" "${1}_DB_PORT=$PGPORT" \
		"${1}_DB_NAME=$PGDATABASE" "${1}_DB_USER=$PGUSER"
}

# sync without libpq's variables, which the tests themselves need.
run_sync() {
	run_split env -u PGHOST -u PGPORT -u PGUSER -u PGDATABASE sync "$@"
}

sync_fake() {
	export FAKE=$BATS_TEST_TMPDIR/fake
	mkdir -p "$FAKE/bin"
	cat >"$FAKE/bin/sync-table" <<'FAKE'
#!/bin/bash
target=${*: -1}
target=${target##*.}
printf '%s\n' "$@" >"$FAKE/$target.words"
env -0 >"$FAKE/$target.environment"
[[ ! -x $FAKE/act ]] || "$FAKE/act" "$target" || exit
[[ ! -s $FAKE/$target.exit ]] || exit "$(<"$FAKE/$target.exit")"
printf '{"@begin":{"version":1}}\n{"@loaded":{"table":"%s","rows":7,"bad":0,"job":"p:US.j"}}\n{"@end":{"records":1}}\n' "$target"
FAKE
	chmod +x "$FAKE/bin/sync-table"
	PATH=$FAKE/bin:$PATH
}

fake_words() {
	cat "$FAKE/$1.words"
}

fake_variable() {
	tr '\0\n' '\n ' <"$FAKE/$1.environment" | sed -n "s/^$2=//p"
}

# assert_word TABLE WORD: the fake got it for that table.
assert_word() {
	grep -Fxq -e "$2" "$FAKE/$1.words" || _fail "sync-table did not get $2 for $1, but: $(paste -sd ' ' "$FAKE/$1.words")"
}

refute_word() {
	! grep -Fq -e "$2" "$FAKE/$1.words" || _fail "sync-table got $2 for $1"
}

# assert_refused NAME...: the configuration was refused, every NAME was named, and nothing has begun.
# shellcheck disable=SC2154 # run_split sets output and errors
assert_refused() {
	local name

	assert_status 78
	assert_equal "$output" "" stdout
	for name; do
		[[ $errors == *"$name"* ]] || _fail "$name is not named"
	done
	[[ -z $(find "$FAKE" -maxdepth 1 -name '*.words') ]] || _fail "a table has begun"
}

sync_processes() {
	local cwd

	for cwd in /proc/[0-9]*/cwd; do
		[[ $(readlink "$cwd" 2>/dev/null) != "$SYNC_DIRECTORY" || ${cwd//[^0-9]/} == "$BASHPID" || ${cwd//[^0-9]/} == "$$" ]] ||
			tr '\0' ' ' <"${cwd%/cwd}/cmdline" 2>/dev/null || true
	done
}
