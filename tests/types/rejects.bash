# Values that BigQuery cannot hold, each in a row of its own of one table types.rejected: `load ../types/rejects`
# after compare. The file says of each: COLUMN [TYPE], the value in SQL, its text in the reject record as JSON, a part
# of the reason; divided by tabs. The type stands where the column is first named. Row 0 has nothing but NULL.
#
#   types_reject_sql FILE       what makes the table
#   types_reject_alone FILE     each of them fails a pipeline with 65, named, and nothing is loaded
#   types_reject_all FILE       with --max-rejects -1 the others arrive, and --rejects names each

types_reject_lines() {
	grep -v '^#' "$1"
}

types_reject_sql() {
	local column value rest id=0 list='id int PRIMARY KEY'

	while IFS=$'\t' read -r column rest; do
		[[ $column != *' '* ]] || list+=", $column"
	done < <(types_reject_lines "$1")
	echo "CREATE TABLE types.rejected ($list);"
	echo 'INSERT INTO types.rejected (id) VALUES (0);'
	while IFS=$'\t' read -r column value rest; do
		id=$((id + 1))
		echo "INSERT INTO types.rejected (id, ${column%% *}) VALUES ($id, $value);"
	done < <(types_reject_lines "$1")
}

types_reject_count() {
	bq_sql 'SELECT COUNT(*) AS n, MAX(id) AS last FROM types.rejected'
}

types_reject_alone() (
	trap - DEBUG
	local column value reason id=0

	types_load rejected --where 'id = 0'
	while IFS=$'\t' read -r column value _ reason; do
		id=$((id + 1))
		status=0
		output=$(types_load rejected --where "id IN (0, $id)" 2>&1) || status=$?
		[[ $status == 65 ]] || _fail "exit status of $column $value" || return 1
		[[ $output == *"key {\"id\":$id}, column ${column%% *}: "*"$reason"* ]] ||
			_fail "key, column or '$reason' is not said of $column $value" || return 1
	done < <(types_reject_lines "$1")
	((id > 10)) || _fail 'hardly any values'
	assert_equal "$(types_reject_count)" '{"n":"1","last":"0"}' 'what is there'
)

types_reject_all() (
	trap - DEBUG
	local n records=$BATS_TEST_TMPDIR/rejects

	n=$(types_reject_lines "$1" | wc -l)
	types_load rejected --max-rejects -1 --rejects "$records"
	assert_equal "$(types_reject_count)" '{"n":"1","last":"0"}' 'what is there'
	assert_equal "$(wc -l <"$records")" "$n" 'number of rejects'
	jq -s -c 'map(.["@reject"]) | sort_by(.key.id)[] | [.key.id, .column, .value, .reason]' "$records" >"$records.found"
	types_reject_lines "$1" | jq -Rc 'split("\t") | [input_line_number, (.[0] | split(" ")[0]), (.[2] | fromjson), .[3]]' >"$records.wanted"
	# A part of the reason, and the first KiB of the value.
	output=$(jq -nc --slurpfile found "$records.found" --slurpfile wanted "$records.wanted" \
		'range($wanted | length) | {found: $found[.], wanted: $wanted[.]}
			| .found as $f | .wanted as $w
			| select($f[0:2] != $w[0:2] or $f[2] != $w[2][0:1024] or ($f[3] | contains($w[3]) | not))')
	[[ -z $output ]] || _fail 'other rejects than these'
)
