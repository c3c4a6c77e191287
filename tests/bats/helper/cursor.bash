# For the suites of incremental reads: `load helper/cursor` after helper/postgres and helper/mariadb.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2317 # run_split sets output; sql is for the tests

# database postgres|mariadb: `sql` and $uri are that one's.
database() {
	if [[ $1 == postgres ]]; then
		uri=$PG_URI
		sql() { psql_do "$@"; }
	else
		uri=$MARIADB_URI
		sql() { mariadb_do "$@"; }
	fi
}

# The seqs of the rows of $output, and the last value of its cursor.
seqs() {
	jq -r 'select(.seq) | .seq' <<<"$output" | sort -n | paste -sd,
}

last() {
	jq -r '.["@end"] // empty | .cursor.last' <<<"$output"
}

# increment TABLE [OPTION]...: read it by the column c
increment() {
	local table=$1

	shift
	run_split sqlextract -q "$uri" "$table" --cursor c "$@"
	assert_status 0
}
