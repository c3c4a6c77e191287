#!/usr/bin/env bats
# Random tables, streams and --evolve: the table then holds what the stream has, or 65 says why and it holds what it did.
# EVOLVE_ROUNDS and EVOLVE_SEED make others of them.

load helper/common
load helper/localcloud

setup_file() {
	localcloud_start
	bq_dataset d
}

teardown_file() {
	localcloud_stop
}

# Of every type: the field's JSON, its SQL, and a value as JSON with @ for a digit.
KINDS=(
	'"type":"INTEGER"|INT64|@@@'
	'"type":"INTEGER"|INT64|-@@@@@@@@@'
	'"type":"NUMERIC"|NUMERIC|"@@@.@@@@@@@@@"'
	'"type":"NUMERIC","precision":"6","scale":"2"|NUMERIC(6,2)|"@@@@.@@"'
	'"type":"NUMERIC","precision":"9","scale":"4"|NUMERIC(9,4)|"@@@@@.@@@@"'
	'"type":"BIGNUMERIC"|BIGNUMERIC|"@.@@@@@@@@@@@@@@@@@@@@@"'
	'"type":"BIGNUMERIC","precision":"12","scale":"2"|BIGNUMERIC(12,2)|"@@@@@@@@@@.@@"'
	'"type":"FLOAT"|FLOAT64|@.@@e1@'
	'"type":"STRING"|STRING|"@@@@é@"'
	'"type":"STRING","maxLength":"4"|STRING(4)|"é@@"'
	'"type":"BYTES"|BYTES|"YWJj"'
	'"type":"BOOLEAN"|BOOL|true'
	'"type":"DATE"|DATE|"20@@-01-1@"'
	'"type":"DATETIME"|DATETIME|"20@@-01-1@T1@:00:00.@@@@"'
	'"type":"TIMESTAMP"|TIMESTAMP|"20@@-01-1@T1@:00:00.@@Z"'
	'"type":"INTEGER","mode":"REPEATED"|ARRAY<INT64>|[@,@@]'
	'"type":"JSON"|JSON|{"k":[@,"@"]}'
	'"type":"RECORD","fields":[{"name":"x","type":"INTEGER"}]|STRUCT<x INT64>|{"x":@}'
	'"type":"RECORD","fields":[{"name":"x","type":"INTEGER"},{"name":"y","type":"DATE"}]|STRUCT<x INT64, y DATE>|{"x":@,"y":"20@@-02-01"}'
)

# Of the numbers, which come first: one of them widens to all of its own rank and of higher ones.
RANK=(0 0 1 1 1 2 2 3)

# some N: true once in N times
some() {
	((RANDOM % $1 == 0))
}

# choose_kind COLUMN: mostly one of the numbers
choose_kind() {
	kinds[$1]=$((RANDOM % (RANDOM % 3 ? 8 : ${#KINDS[@]})))
	required[$1]=0
	if some 4 && [[ ${KINDS[kinds[$1]]} != *REPEATED* ]]; then required[$1]=1; fi
}

# widen_kind COLUMN: of another type, mostly a wider one where it is a number
widen_kind() {
	local c=$1 was=${kinds[$1]}

	choose_kind "$c"
	some 5 || while ((was < 8 && (kinds[c] >= 8 || RANK[kinds[c]] < RANK[was]))); do
		choose_kind "$c"
	done
	# A column that may have no NULL stays one, most of the time.
	some 3 || required[c]=${was_required[c]}
}

# expect LIST: what a load with that --evolve must be, from kinds and was_kinds into $REPLY: loaded, refused or either.
expect() {
	local column was is missing=

	REPLY=loaded
	for column in "${!kinds[@]}"; do
		was=${was_kinds[column]:-} is=${kinds[column]}
		if [[ -z $was ]]; then
			missing+=" add"
		elif ((was != is)); then
			if ((was == 9 && is == 8)) || ((was < 8 && is < 8 && RANK[was] <= RANK[is])); then
				# Some of these fit without.
				[[ $1 == *widen* ]] || REPLY=either
			else
				REPLY=either
			fi
		fi
	done
	for column in "${!was_kinds[@]}"; do
		if ((was_required[column] && !${required[column]:-0})); then missing+=" relax"; fi
	done
	for column in $missing; do
		[[ $1 == *"$column"* ]] || REPLY=refused
	done
}

# schema_of: the fields of id and of the columns in kinds
schema_of() {
	local column mode json='{"name":"id","type":"INTEGER"}'
	for column in "${!kinds[@]}"; do
		mode=
		((required[column] == 0)) || mode=',"mode":"REQUIRED"'
		json+=",{\"name\":\"c$column\",${KINDS[kinds[column]]%%|*}$mode}"
	done
	echo "[$json]"
}

# row ID: one of those columns, some of them null
row() {
	local column value json="\"id\":$1"
	for column in "${!kinds[@]}"; do
		value=${KINDS[kinds[column]]##*|}
		while [[ $value == *@* ]]; do
			value=${value/@/$((1 + RANDOM % 9))}
		done
		if ((required[column] == 0)) && some 4 && [[ $value != \[* ]]; then value=null; fi
		json+=",\"c$column\":$value"
	done
	echo "{$json}"
}

# stream FIRST LAST: of rows with those ids
stream() {
	printf '{"@begin":{"version":1,"scope":"full","key":["id"],"schema":{"fields":%s}}}\n' "$(schema_of)"
	for ((id = $1; id <= $2; id++)); do
		row "$id"
	done
	printf '{"@end":{"rows":%d,"rejected":0}}\n' $(($2 - $1 + 1))
}

# types TABLE: "name type" of its columns, and the mode where it is REPEATED
types() {
	bq_api GET "datasets/d/tables/$1" | jq -r '.schema.fields[] |
		.name + " " + ({INTEGER: "INT64", FLOAT: "FLOAT64", BOOLEAN: "BOOL"}[.type] // .type) + (if .mode == "REPEATED" then "[]" else "" end)'
}

# holds WANTED CONDITION: d.t has each of its rows, with its values. Its columns are of the same or of narrower types.
holds() {
	local name type there column conditions=
	while read -r name type; do
		there=$(types t | sed -n "s/^$name //p")
		if [[ $there == "$type" && ($type == RECORD || $type == JSON || $type == *'[]') ]]; then
			# Records of the table may have more fields; they are compared by those that are wanted.
			column="IF(t.$name IS NULL, 'null', TO_JSON_STRING(t.$name)) LIKE CONCAT(RTRIM(IF(w.$name IS NULL, 'null', TO_JSON_STRING(w.$name)), '}'), '%')"
		elif [[ $type == DATETIME && $there == TIMESTAMP ]]; then
			column="t.$name IS NOT DISTINCT FROM TIMESTAMP(w.$name)"
		else
			column="t.$name IS NOT DISTINCT FROM CAST(w.$name AS $there)"
		fi
		conditions+=" AND $column"
	done < <(types "$1")
	assert_equal "$(bq_sql "SELECT COUNT(*) AS n FROM d.$1 AS w WHERE $2 AND NOT EXISTS (SELECT 1 FROM d.t AS t WHERE t.id = w.id$conditions)")" \
		'{"n":"0"}' "rows of $1 that the table lacks; $conditions"
}

@test "after a load the table equals the source, or it was refused and nothing changed" {
	local round seed=${EVOLVE_SEED:-1} rounds=${EVOLVE_ROUNDS:-12} write evolve modes=(append truncate merge merge) refused=0 loaded=0 before want column
	local all=add,relax,widen lists
	lists=(none "add,relax" widen "$all" "$all" "$all" "$all" "$all")
	local -a kinds required was_kinds was_required
	RANDOM=$seed
	echo "EVOLVE_SEED=$seed" >&2
	for ((round = 1; round <= rounds; round++)); do
		bq_sql 'DROP TABLE IF EXISTS d.t; DROP TABLE IF EXISTS d.old; DROP TABLE IF EXISTS d.source'
		kinds=() required=()
		for column in 0 1 2; do choose_kind "$column"; done
		stream 1 3 >"$BATS_TEST_TMPDIR/first"
		bqload -q d.t <"$BATS_TEST_TMPDIR/first" >/dev/null
		bqload -q d.old <"$BATS_TEST_TMPDIR/first" >/dev/null
		was_kinds=() was_required=()
		for column in 0 1 2; do was_kinds[column]=${kinds[column]} was_required[column]=${required[column]}; done
		# The source changes: columns go, come and get other types.
		for column in 0 1 2; do
			if some 10; then unset "kinds[$column]" "required[$column]"; elif some 2; then widen_kind "$column"; fi
		done
		! some 3 || choose_kind 3
		write=${modes[RANDOM % 4]} evolve=${lists[RANDOM % 8]}
		if [[ $write == append ]]; then stream 4 6; else stream 2 5; fi >"$BATS_TEST_TMPDIR/second"
		bqload -q d.source <"$BATS_TEST_TMPDIR/second" >/dev/null
		before=$(bq_api GET datasets/d/tables/t | jq -S '[.schema, .numRows]')
		expect "$evolve"
		run bqload --write "$write" --evolve "$evolve" d.t <"$BATS_TEST_TMPDIR/second"
		[[ $REPLY != loaded || $status == 0 ]] || _fail "round $round, $write $evolve: refused"
		[[ $REPLY != refused || $status != 0 ]] || _fail "round $round, $write $evolve: loaded"
		case $status in
		0)
			loaded=$((loaded + 1))
			holds source TRUE
			case $write in
			append) holds old TRUE && want=6 ;;
			merge) holds old 'w.id < 2' && want=5 ;;
			truncate) want=4 ;;
			esac
			;;
		65)
			refused=$((refused + 1))
			holds old TRUE
			want=3
			# A column may be wider when BigQuery refused a value after that.
			if [[ $output == *'does not fit the table'* ]]; then
				assert_equal "$(bq_api GET datasets/d/tables/t | jq -S '[.schema, .numRows]')" "$before"
			fi
			;;
		*) _fail "round $round: neither loaded nor refused" ;;
		esac
		assert_equal "$(bq_sql 'SELECT COUNT(*) AS n FROM d.t')" "{\"n\":\"$want\"}" "rows after round $round, $write $evolve"
	done
	echo "$loaded loaded, $refused refused" >&2
	# Both happen, or the test is none.
	((loaded > 0 && refused > 0))
}
