# Where the programs are, and small things that every suite needs.
# Sourced by bats suites and by scripts; sets nothing but variables and functions.

PROJECT_ROOT=${PROJECT_ROOT:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)}
SLUICE_BIN=$PROJECT_ROOT/build/${BUILD:-release}/bin
export PROJECT_ROOT SLUICE_BIN
export PATH=$SLUICE_BIN:$PROJECT_ROOT/pipelines:$PATH

# What the user's shell says must not reach the tests.
unset "${!PG@}" "${!GOOGLE_@}" "${!BIGQUERY_@}" "${!STORAGE_@}" LOG_LEVEL LOG_ENV HTTPS_PROXY HTTP_PROXY \
	https_proxy http_proxy

# A short directory: Unix socket paths may have 107 bytes.
scratch_directory() {
	mktemp -d "${TMPDIR:-/tmp}/sluice.XXXXXX"
}

# wait_gone PID: until that process, which need not be a child, has ended; at most 10 s, then it is killed.
wait_gone() {
	local i
	for ((i = 0; i < 1000; i++)); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.01
	done
	kill -9 "$1"
}
