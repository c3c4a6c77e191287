# What every suite begins with: `load helper/common`.
#
# It puts the programs under test first in PATH, keeps the outside world's
# settings out, and says on failure what was seen. After `run`:
#   assert_status N            $status is N
#   assert_output_contains S   S stands somewhere in $output
#   refute_output_contains S   it does not
#   assert_line S              one line of $output is exactly S
#   assert_equal GOT WANT [WHAT]
#   assert_json FILTER         jq FILTER over all lines of $output (slurped) is true
# and without `run`:
#   run_split COMMAND...       as run, with $output of stdout and $errors of stderr

bats_require_minimum_version 1.5.0

SLUICE_ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
SLUICE_BIN=${SLUICE_BIN:-$SLUICE_ROOT/build/${BUILD:-release}/bin}
PATH=$SLUICE_BIN:$SLUICE_ROOT/pipelines:$PATH
export SLUICE_ROOT SLUICE_BIN PATH

# unset_matching PATTERN: unset the variables whose whole names match (a glob).
unset_matching() {
	local name

	for name in $(compgen -e); do
		# shellcheck disable=SC2053 # the right side is a pattern
		if [[ $name == $1 ]]; then
			unset "$name"
		fi
	done
}

# Once a file, before setup_file: what that exports must reach the tests, which read this again.
if [[ ${SLUICE_CLEANED:-} != "$BATS_TEST_FILENAME" ]]; then
	for pattern in 'PG*' 'MYSQL_*' 'GOOGLE_*' '*_EMULATOR_HOST' 'AIRFLOW_*' 'LOG_*' 'BQ_*' 'CLOUDSDK_*' '*_[Pp][Rr][Oo][Xx][Yy]'; do
		unset_matching "$pattern"
	done
	unset pattern
	# A user's own ~/.pgpass or credentials must not decide a test.
	export HOME=${BATS_RUN_TMPDIR:-/nonexistent}
	export SLUICE_CLEANED=$BATS_TEST_FILENAME
fi

_fail() {
	printf '%s\n' "$@" >&2
	if [[ -n ${output:-} ]]; then
		printf 'status: %s, output:\n%s\n' "${status:-}" "$output" >&2
	fi
	if [[ -n ${errors:-} ]]; then
		printf 'stderr:\n%s\n' "$errors" >&2
	fi
	return 1
}

assert_status() {
	[[ $status == "$1" ]] || _fail "exit status is $status, not $1"
}

assert_output_contains() {
	[[ $output == *"$1"* ]] || _fail "the output lacks: $1"
}

refute_output_contains() {
	[[ $output != *"$1"* ]] || _fail "the output should not have: $1"
}

assert_line() {
	grep -Fxq -e "$1" <<<"$output" || _fail "no line of the output is: $1"
}

assert_equal() {
	[[ $1 == "$2" ]] || _fail "${3:-value} is '$1', not '$2'"
}

assert_json() {
	jq -se "$1" <<<"$output" >/dev/null || _fail "not true of the output: $1"
}

# Both streams apart; bats' own --separate-stderr names the second one $stderr.
run_split() {
	local error_file=$BATS_TEST_TMPDIR/run_split.errors

	status=0
	output=$("$@" 2>"$error_file") || status=$?
	# shellcheck disable=SC2034 # for the tests
	errors=$(<"$error_file")
}

# wait_until SECONDS COMMAND...: for what announces itself in no other way.
# Polls in steps of 20 ms. SECONDS is more than enough on a machine that does
# nothing else; after six times that it fails.
wait_until() {
	local end=$((SECONDS + 6 * $1))

	shift
	until "$@"; do
		((SECONDS < end)) || {
			_fail "waited too long for: $*"
			return 1
		}
		sleep 0.02
	done
}
