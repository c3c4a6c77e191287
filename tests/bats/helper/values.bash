# Values of a PostgreSQL server as sqlextract writes them: load after helper/postgres.

# shellcheck shell=bash disable=SC2154 # run_split sets output

# The rows alone, without @begin and @end.
rows() {
	sqlextract -q "$PG_URI" "$@" | sed '1d;$d'
}

# expect_values TYPE: lines of "SQL expression<TAB>JSON" on stdin, all in one read.
expect_values() {
	local type=$1 expression json want="" sql="" n=0

	while IFS=$'\t' read -r expression json; do
		n=$((n + 1))
		sql+="${sql:+ UNION ALL }SELECT $n AS n, ($expression)::$type AS v"
		want+="${want:+$'\n'}{\"n\":$n,\"v\":$json}"
	done
	psql_do "DROP TABLE IF EXISTS expected" "CREATE TABLE expected (n int, v $type)" "INSERT INTO expected $sql"
	assert_equal "$(rows expected --columns n,v | sort -t: -k2n)" "$want" "rows of $type"
}

# expect_rejects TYPE: lines of "SQL expression<TAB>value<TAB>part of the reason", each a row that is rejected.
expect_rejects() {
	local type=$1 expression value reason line

	while IFS=$'\t' read -r expression value reason; do
		psql_do "DROP TABLE IF EXISTS expected" "CREATE TABLE expected (id int PRIMARY KEY, v $type)" \
			"INSERT INTO expected VALUES (7, ($expression)::$type)"
		run_split sqlextract -q "$PG_URI" expected --max-rejects 1 --rejects "$BATS_TEST_TMPDIR/rejects"
		assert_status 0
		assert_equal "$(tail -n 1 <<<"$output")" '{"@end":{"rows":0,"rejected":1}}' "end for $expression"
		line=$(jq -c '.["@reject"] | [.table, .key, .column, .value]' "$BATS_TEST_TMPDIR/rejects")
		assert_equal "$line" "[\"public.expected\",{\"id\":7},\"v\",$value]" "reject of $expression"
		[[ $(jq -r '.["@reject"].reason' "$BATS_TEST_TMPDIR/rejects") == *"$reason"* ]] ||
			_fail "the reason for $expression lacks '$reason': $(<"$BATS_TEST_TMPDIR/rejects")"
	done
}
