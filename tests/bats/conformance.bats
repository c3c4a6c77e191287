#!/usr/bin/env bats
# What every program promises, held in one loop over all of them: the list is the Makefile's.

load helper/common
load helper/postgres
load helper/localcloud

setup_file() {
	postgres_start
	psql_do "CREATE TABLE many AS SELECT i AS id, repeat('x', 100) AS filler FROM generate_series(1, 50000) i"
	localcloud_start
	bq_dataset conformance
	PROGRAMS=$(list_of programs)
	PIPELINES=$(list_of pipelines)
	# What pubsubrun's COMMAND writes is its own.
	WRITERS=${PROGRAMS/pubsubrun /}
	export PROGRAMS PIPELINES WRITERS
}

teardown_file() {
	localcloud_stop
	postgres_stop
}

# From below another make (make check), whose flags must not reach this one.
list_of() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s --no-print-directory -C "$SLUICE_ROOT" "print-$1" | tr '\n' ' '
}

# each LIST FUNCTION: FUNCTION NAME for every name; goes on after a failure, and names who failed.
each() {
	local name failed=''

	[[ -n ${1// /} ]] || _fail "the Makefile lists none" || return 1
	for name in $1; do
		echo "# $name"
		# A subshell of its own, as a condition would switch off set -e inside.
		bash -c "set -e; $(declare -f); $2 $name" || failed+=" $name"
	done
	[[ -z $failed ]] || { _fail "failed:$failed" || return 1; }
}

stream() {
	echo '{"@begin":{"version":1,"table":"t","schema":{"fields":[{"name":"a","type":"INTEGER"}]}}}'
	printf '{"a":1}\n{"a":2}\n'
	echo '{"@end":{"rows":2,"rejected":0}}'
}

# Fresh names, so that no call sees what another left.
fresh() {
	mktemp -u "${1}_XXXXXXXX"
}

# Run PROGRAM so that it writes data to stdout; stdin is /dev/null or what it needs.
produce() {
	case $1 in
	sqlextract) timeout 60 sqlextract "$PG_URI" many ;;
	rowwrap) timeout 60 rowwrap --source -- yes '{"a":1}' ;;
	schemainfer) stream | timeout 60 schemainfer ;;
	bqload) stream | timeout 60 bqload "conformance.$(fresh t)" ;;
	gcswatch) timeout 60 gcswatch ;;
	dtstrigger) printf '{"@begin":{"version":1}}\n{"@end":{"records":0}}\n' | timeout 60 dtstrigger --lock "file:$BATS_TEST_TMPDIR" ;;
	dtsserve) echo "{\"dataSource\":{\"dataSourceId\":\"s$RANDOM$RANDOM\"}}" >"$BATS_TEST_TMPDIR/source.json" &&
		timeout 60 dtsserve source create "$BATS_TEST_TMPDIR/source.json" ;;
	dagtrigger) timeout 60 dagtrigger --dag d --dry-run ;;
	localcloud) timeout 60 localcloud --data "$(fresh "$BATS_TEST_TMPDIR/data")" ;;
	*) _fail "tests/bats/conformance.bats: how does $1 write data?" ;;
	esac
}

# Programs that read a row stream, and how.
READERS="rowwrap schemainfer bqload"

consume() {
	case $1 in
	rowwrap) timeout 20 rowwrap -- cat ;;
	schemainfer) timeout 20 schemainfer ;;
	bqload) timeout 20 bqload "conformance.$(fresh t)" ;;
	gcswatch) timeout 20 gcswatch ;;
	dtstrigger) timeout 20 dtstrigger --lock "file:$BATS_TEST_TMPDIR" ;;
	dagtrigger) timeout 20 dagtrigger --dag d --dry-run ;;
	esac
}

# The long options that --help lists, without the dashes.
help_options() {
	"$1" --help | sed -nE 's/^ {2,6}(-[A-Za-z], )?--([a-z0-9-]+).*/\2/p' | sort
}

man_page() {
	find "$SLUICE_ROOT" -path "$SLUICE_ROOT/build" -prune -o -name "$1.1" -print
}

# The long options that the man page describes: tags (.It Fl) outside of examples.
man_options() {
	sed -nE 's/\\-/-/g; s/^\.It (Fl .*)/\1/p' "$(man_page "$1")" |
		tr ' ' '\n' | sed -nE 's/^-([a-z0-9-]+)$/\1/p' | sort
}

help_goes_to_stdout() {
	run_split "$1" --help
	assert_status 0
	assert_equal "$errors" "" stderr
	assert_output_contains "usage: $1 "
	local long=$output
	run_split "$1" -h
	assert_equal "$output" "$long" -h
	assert_output_contains --help
	assert_output_contains --version
}

@test "--help and -h print the same to stdout and exit 0" {
	each "$PROGRAMS $PIPELINES" help_goes_to_stdout
}

help_fits() {
	local width

	width=$("$1" --help | wc -L)
	((width <= 120)) || _fail "--help is $width columns wide"
}

@test "--help fits into 120 columns" {
	each "$PROGRAMS $PIPELINES" help_fits
}

version_has_its_form() {
	local option

	for option in --version -V; do
		run_split "$1" "$option"
		assert_status 0
		assert_equal "$errors" "" stderr
		[[ $output =~ ^$1\ \(sluice\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]] || _fail "$option"
	done
}

@test "--version and -V print NAME (sluice) X.Y.Z" {
	each "$PROGRAMS $PIPELINES" version_has_its_form
}

unknown_is_refused() {
	local option

	for option in --no-such-option --no-such-option=1 -Z; do
		run_split "$1" "$option" </dev/null
		assert_status 64
		assert_equal "$output" "" stdout
		[[ $errors == *"${option%%=*}"* ]] || _fail "does not name $option"
	done
}

@test "an unknown option is 64 and is named" {
	each "$PROGRAMS $PIPELINES" unknown_is_refused
}

abbreviations_are_refused() {
	local options option short

	options=$(help_options "$1")
	[[ -n $options ]] || _fail "--help lists no option"
	for option in $options; do
		short=${option%?}
		! grep -Fxq -e "$short" <<<"$options" || continue
		run_split "$1" "--$short" </dev/null
		[[ $status == 64 && $errors == *"--$short"* ]] || _fail "--$short"
	done
}

@test "an abbreviated option is 64, whichever it is" {
	each "$PROGRAMS $PIPELINES" abbreviations_are_refused
}

missing_value_is_refused() {
	local option

	for option in $("$1" --help | sed -nE 's/^ {2,6}(-[A-Za-z], )?--([a-z0-9-]+) [A-Z].*/\2/p'); do
		run_split "$1" "--$option" </dev/null
		[[ $status == 64 && $errors == *"--$option"* ]] || _fail "--$option without its value"
	done
}

@test "an option without its value is 64 and is named" {
	each "$PROGRAMS $PIPELINES" missing_value_is_refused
}

flag_with_value_is_refused() {
	run_split "$1" --help=yes </dev/null
	assert_status 64
}

@test "a flag with a value is 64" {
	each "$PROGRAMS $PIPELINES" flag_with_value_is_refused
}

no_operand_is_refused() {
	run_split "$1" </dev/null
	assert_status 64
	[[ -z $output || $output == '{"@abort":{"exit":64,'* ]] || _fail "stdout has more than an @abort"
	[[ $errors == "$1: "* ]] || _fail "does not say who speaks"
}

@test "a command line without operands is 64" {
	each "sqlextract rowwrap pubsubrun dagtrigger dtsserve localcloud sync-table ingest-gcs replicate mirror-dataset" no_operand_is_refused
}

log_format_is_json() {
	run_split "$1" --log-format json --no-such-option </dev/null
	[[ $status == 64 ]] || _fail "status $status"
	LOG_ENV=prod run_split "$1" --no-such-option </dev/null
	jq -e --arg program "$1" '.level == "error" and .program == $program and .exit == 64' <<<"$errors" ||
		_fail "no JSON log line"
}

@test "with LOG_ENV=prod a failure is one line of JSON" {
	each "$PROGRAMS" log_format_is_json
}

full_disk_is_noticed() {
	local option

	for option in --help --version; do
		run_split bash -c "\"$1\" $option >/dev/full"
		assert_status 74
		[[ -n $errors ]] || _fail "$option: nothing was said"
	done
}

@test "help that cannot be written is 74" {
	each "$PROGRAMS $PIPELINES" full_disk_is_noticed
}

closed_stdout_is_noticed() {
	run_split bash -c "\"$1\" --help >&-"
	assert_status 74
}

@test "help to a closed stdout is 74" {
	each "$PROGRAMS $PIPELINES" closed_stdout_is_noticed
}

full_disk_ends_data() {
	status=0
	produce "$1" </dev/null >/dev/full 2>"$BATS_TEST_TMPDIR/errors" || status=$?
	errors=$(<"$BATS_TEST_TMPDIR/errors")
	assert_status 74
	[[ -n $errors ]] || _fail "nothing was said"
}

@test "data that cannot be written is 74" {
	each "$WRITERS" full_disk_ends_data
}

closed_stdout_ends_data() {
	status=0
	produce "$1" </dev/null 2>"$BATS_TEST_TMPDIR/errors" >&- || status=$?
	errors=$(<"$BATS_TEST_TMPDIR/errors")
	assert_status 74
}

@test "data to a closed stdout is 74, and goes nowhere else" {
	each "$WRITERS" closed_stdout_ends_data
}

leaving_reader_is_noticed() {
	set +e
	produce "$1" </dev/null | head -n 1 >/dev/null
	status=${PIPESTATUS[0]}
	set -e
	assert_status 141
}

@test "a reader that leaves ends the program with 141" {
	each "sqlextract rowwrap" leaving_reader_is_noticed
}

closed_stdin_is_noticed() {
	status=0
	bash -o pipefail -c "$(declare -f consume fresh); consume $1 <&-" >"$BATS_TEST_TMPDIR/out" 2>&1 || status=$?
	output=$(<"$BATS_TEST_TMPDIR/out")
	[[ $status == 65 || $status == 74 ]] || _fail "status $status"
	refute_output_contains '"@end"'
}

@test "a closed stdin is no empty table" {
	each "schemainfer bqload gcswatch dtstrigger dagtrigger" closed_stdin_is_noticed
}

source_needs_no_stdin() {
	case $1 in
	sqlextract) run_split bash -c "timeout 20 sqlextract --limit 3 '$PG_URI' many <&-" ;;
	rowwrap) run_split bash -c "timeout 20 rowwrap -- printf '{}\n{}\n{}\n' <&-" ;;
	esac
	assert_status 0
	[[ ${output##*$'\n'} == '{"@end":{"rows":3,'* ]] || _fail "no whole stream"
}

stderr_is_not_needed() {
	case $1 in
	sqlextract) run_split bash -c "timeout 20 sqlextract --limit 3 '$PG_URI' many 2>&-" ;;
	rowwrap) run_split bash -c "timeout 20 rowwrap --source -- echo '{}' 2>&-" ;;
	schemainfer) run_split bash -c "$(declare -f stream); stream | timeout 20 schemainfer 2>&-" ;;
	bqload) run_split bash -c "$(declare -f stream fresh); stream | timeout 20 bqload conformance.\$(fresh t) 2>&-" ;;
	esac
	assert_status 0
	[[ ${output##*$'\n'} == '{"@end":{"r'* ]] || _fail "no whole stream"
}

@test "with a closed stderr data is whole, and no log line gets into a socket" {
	each "sqlextract rowwrap schemainfer bqload" stderr_is_not_needed
}

@test "a source does not need stdin" {
	each "sqlextract rowwrap" source_needs_no_stdin
}

truncated_is_refused() {
	local whole lines bytes

	whole=$(stream)
	for lines in 1 2 3; do
		run_split consume "$1" < <(head -n "$lines" <<<"$whole")
		[[ $status == 65 && $output != *'"@end"'* ]] || _fail "cut behind line $lines"
	done
	for bytes in 1 40 $((${#whole} - 34)) $((${#whole} - 2)); do
		run_split consume "$1" < <(head -c "$bytes" <<<"$whole")
		[[ $status == 65 && $output != *'"@end"'* ]] || _fail "cut behind byte $bytes"
	done
}

@test "a truncated stream is 65, wherever it is cut" {
	each "$READERS" truncated_is_refused
}

empty_is_refused() {
	# A file: /dev/null makes rowwrap a source.
	: >"$BATS_TEST_TMPDIR/empty"
	run_split consume "$1" <"$BATS_TEST_TMPDIR/empty"
	assert_status 65
	[[ -n $errors && $output != *'"@end"'* ]] || _fail "empty"
}

@test "an empty stream is 65" {
	each "$READERS" empty_is_refused
}

abort_is_handed_on() {
	run_split consume "$1" < <(stream | sed '$s/.*/{"@abort":{"exit":75,"reason":"the source went away"}}/')
	assert_status 75
	[[ $errors == *"the source went away"* ]] || _fail "does not repeat the reason"
}

@test "an aborted stream hands on its status and its reason" {
	each "$READERS" abort_is_handed_on
}

man_page_is_clean() {
	local page

	page=$(man_page "$1")
	[[ -n $page ]] || _fail "has no man page"
	run_split mandoc -T lint -W warning "$page"
	assert_status 0
	assert_equal "$output" ""
}

@test "every program has a man page without warnings" {
	each "$PROGRAMS $PIPELINES" man_page_is_clean
}

man_page_names_the_same_flags() {
	run_split diff <(help_options "$1") <(man_options "$1")
	[[ $status == 0 ]] || _fail "--help (<) and the man page (>) differ"
}

@test "man page and --help name the same flags" {
	each "$PROGRAMS $PIPELINES" man_page_names_the_same_flags
}

@test "the programs of the Makefile are all there" {
	local name

	for name in $PROGRAMS; do
		[[ -x $SLUICE_BIN/$name ]] || _fail "$name is not built"
	done
}
