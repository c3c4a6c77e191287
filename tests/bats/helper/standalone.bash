# The helpers for scripts outside bats (the demo, the benchmark): sourced first, with an absolute path.
# It gives what the others take from bats, in a scratch directory that standalone_end removes.
# shellcheck shell=bash

BATS_TEST_DIRNAME=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BATS_TEST_FILENAME=$0
BATS_RUN_TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/sluice.XXXXXX")
# The servers run as another user than root, who must get in here.
chmod 755 "$BATS_RUN_TMPDIR"
export BATS_TEST_DIRNAME BATS_TEST_FILENAME BATS_RUN_TMPDIR

bats_require_minimum_version() {
	:
}

# shellcheck source=tests/bats/helper/common.bash
source "$BATS_TEST_DIRNAME/helper/common.bash"
# shellcheck source=tests/bats/helper/postgres.bash
source "$BATS_TEST_DIRNAME/helper/postgres.bash"
# shellcheck source=tests/bats/helper/mariadb.bash
source "$BATS_TEST_DIRNAME/helper/mariadb.bash"
# shellcheck source=tests/bats/helper/localcloud.bash
source "$BATS_TEST_DIRNAME/helper/localcloud.bash"

standalone_end() {
	localcloud_stop || true
	postgres_stop || true
	mariadb_stop || true
	rm -rf "$BATS_RUN_TMPDIR"
}
trap standalone_end EXIT
