# For suites of bqload's ledger: `load helper/ledger` behind helper/localcloud.
#
#   ledger_setup        a dataset for the test in $dataset; the ledger is $ledger, a table
#   use_file            … or a file from here on
#   stream LAST ROW...  a whole stream, with its cursor's end
#   load_rows LAST ROW... [-- OPTION...]   bqload of it into $dataset.t (or $dataset.$table)
#   state [OPTION...]   bqload --state of that table
#   loaded, said FILTER of the @loaded or @state record in $output
#   entries FILTER      of the ledger's entries, oldest first, the cursor as an object
#   table_rows          rows of $dataset.t, one a line
# shellcheck disable=SC2154 # run sets output

ledger_setup() {
	dataset=l${BATS_SUITE_TEST_NUMBER:-$BATS_TEST_NUMBER}
	bq_dataset "$dataset"
	ledger=$dataset.loads
	schema='[{"name":"id","type":"INTEGER"},{"name":"name","type":"STRING"}]'
	begin='"key":["id"]'
}

use_file() {
	ledger=file:$BATS_TEST_TMPDIR/loads
}

stream() {
	local last=$1

	shift
	printf '{"@begin":{"version":1,%s"schema":{"fields":%s}}}\n' "${begin:+$begin,}" "$schema"
	(($# == 0)) || printf '%s\n' "$@"
	printf '{"@end":{"rows":%d,"rejected":0,"cursor":{"column":"id","last":"%s"}}}\n' $# "$last"
}

# bqload_with LAST ROW... [-- OPTION...]: not under `run`, to be put into the background.
bqload_with() {
	local rows=() last=$1 input

	shift
	while (($# > 0)) && [[ $1 != -- ]]; do
		rows+=("$1")
		shift
	done
	[[ ${1:-} != -- ]] || shift
	input=$BATS_TEST_TMPDIR/stream.$BASHPID
	stream "$last" "${rows[@]}" >"$input"
	# The last one counts: "$@" may have others.
	exec bqload --retry-initial 10ms --retry-for 300ms --ledger "$ledger" "$@" "$dataset.${table:-t}" <"$input"
}

load_rows() {
	run bqload_with "$@"
}

state() {
	run bqload --retry-initial 10ms --retry-for 300ms --ledger "$ledger" --state "$@" "$dataset.t"
}

loaded() {
	grep '^{"@loaded"' <<<"$output" | jq -c ".[\"@loaded\"] | $1"
}

said() {
	grep '^{"@state"' <<<"$output" | jq -c ".[\"@state\"] | $1"
}

entries() {
	if [[ $ledger == file:* ]]; then
		jq -c "$1" "${ledger#file:}"
	else
		bq_sql "SELECT * FROM \`$ledger\` ORDER BY \`at\`" |
			jq -c "with_entries(select(.value != null)) | if .cursor then .cursor |= fromjson else . end
				| if .rows then .rows |= tonumber else . end | $1"
	fi
}

table_rows() {
	bq_sql "SELECT * FROM $dataset.t ORDER BY 1" | jq -c '[.[]]'
}

# stall METHOD PATH N: the N-th such request, and those behind it, get no answer but 503.
stall() {
	fault "{\"match\":{\"method\":\"$1\",\"path\":\"$2\",\"n\":$3},\"times\":1000,
		\"fault\":{\"status\":503,\"reason\":\"backendError\"}}"
}

# Kill bqload at a request (METHOD PATH, the N-th such) before it has an effect, or after it and before the answer:
# die_at before|after METHOD PATH N LAST ROW... [-- OPTION...]
die_at() {
	local child hit=0 reached=fault_was_hit

	if [[ $1 == before ]]; then
		stall "$2" "$3" "$4"
	else
		reached=answer_was_lost
		localcloud_curl -X DELETE "$LOCALCLOUD_URL/requests" >/dev/null
		fault "{\"match\":{\"method\":\"$2\",\"path\":\"$3\",\"n\":$4},\"fault\":{\"drop\":\"after-effect\"}}"
	fi
	# It waits so long before it asks again that it can be killed meanwhile.
	[[ " ${*:5} " == *' -- '* ]] || set -- "$@" --
	bqload_with "${@:5}" --retry-initial 30s --retry-for 60s >"$BATS_TEST_TMPDIR/died" 2>&1 3>&- &
	child=$!
	wait_until 20 "$reached" || hit=$?
	kill -9 "$child"
	wait "$child" || true
	clear_faults
	return "$hit"
}

fault_was_hit() {
	localcloud_curl "$LOCALCLOUD_URL/faults" | jq -e '.faults[-1].hits > 0' >/dev/null
}

# A request is listed once it has had its effect.
answer_was_lost() {
	localcloud_curl "$LOCALCLOUD_URL/requests" | jq -e 'any(.requests[]; .status == 0)' >/dev/null
}

clear_faults() {
	localcloud_curl --fail-with-body -X DELETE "$LOCALCLOUD_URL/faults" >/dev/null
}
