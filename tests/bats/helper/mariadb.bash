# A MariaDB server of one's own: `load helper/mariadb` after helper/common.
#
#   mariadb_start [--tcp|--tls] [SERVER_OPTION]...
#       install and start in a fresh directory, on a Unix socket only; with --tcp
#       also on 127.0.0.1, MARIADB_PORT; with --tls there with a certificate of the
#       authority in $MARIADB_CA.
#       root has no password; the database is "test". Sets $MARIADB_URI,
#       $MARIADB_SOCKET, $MARIADB_DIR.
#   mariadb_stop        for teardown_file. Fine when none runs.
#   mariadb_crash       SIGKILL: as if the server died
#   mariadb_do SQL...   stops at the first error
#   mariadb_value SQL   the unadorned result
#   mariadb_log         what the server said
#
# Start it once a file, from setup_file: variables are exported for the tests.
# A test that needs another one starts it in a subshell, `(mariadb_start; trap mariadb_stop EXIT; ...)`: one that
# is left behind keeps bats from ending.

# shellcheck source=tests/bats/helper/server.bash
source "${BASH_SOURCE[0]%/*}/server.bash"

# Small and fast: nothing here has to survive a crash of the machine.
mariadb_write_config() {
	local network=$1
	shift

	cat <<-END
		[mariadbd]
		datadir = $MARIADB_DIR/data
		socket = $MARIADB_SOCKET
		pid-file = $MARIADB_DIR/server.pid
		log-error = $MARIADB_DIR/server.log
		tmpdir = $MARIADB_DIR
		innodb-buffer-pool-size = 64M
		innodb-log-file-size = 32M
		innodb-flush-log-at-trx-commit = 0
		innodb-flush-method = nosync
		innodb-use-native-aio = 0
		innodb-buffer-pool-dump-at-shutdown = 0
		innodb-buffer-pool-load-at-startup = 0
		aria-pagecache-buffer-size = 8M
		key-buffer-size = 1M
		performance-schema = 0
		skip-name-resolve
		skip-log-bin
		max-connections = 30
		default-time-zone = +00:00
	END
	if [[ $network == none ]]; then
		echo 'skip-networking'
	else
		printf '%s\n' 'bind-address = 127.0.0.1' "port = $MARIADB_PORT"
	fi
	if [[ $network == tls ]]; then
		cat <<-END
			ssl-cert = $MARIADB_DIR/server.crt
			ssl-key = $MARIADB_DIR/server.key
			ssl-ca = $MARIADB_CA
		END
	fi
	(($# == 0)) || printf '%s\n' "${@#--}"
}

mariadb_answers() {
	mariadb_value 'SELECT 1' >/dev/null 2>&1
}

mariadb_start() {
	local network=none settings=()

	while (($#)); do
		case $1 in
		--tcp) network=tcp ;;
		--tls) network=tls ;;
		--*) settings+=("$1") ;;
		*) _fail "mariadb_start: '$1'?" || return 1 ;;
		esac
		shift
	done
	# Short: a socket's path has at most 107 bytes. Not below BATS_RUN_TMPDIR, which others cannot enter.
	MARIADB_DIR=$(mktemp -d /tmp/sluice-my.XXXXXX)
	chmod 755 "$MARIADB_DIR"
	MARIADB_SOCKET=$MARIADB_DIR/socket MARIADB_CA=$MARIADB_DIR/ca.crt MARIADB_PORT=0
	[[ $network == none ]] || MARIADB_PORT=$(server_free_port)
	[[ $network != tls ]] || server_make_certificate "$MARIADB_DIR"
	export MARIADB_DIR MARIADB_SOCKET MARIADB_CA MARIADB_PORT
	export MARIADB_URI="mysql://root@/test?socket=$MARIADB_SOCKET"
	mariadb_write_config "$network" "${settings[@]}" >"$MARIADB_DIR/my.cnf"
	if ((EUID == 0)); then
		chown -R "$(server_as_owner mysql id -u):$(server_as_owner mysql id -g)" "$MARIADB_DIR"
	fi
	server_as_owner mysql mariadb-install-db --defaults-file="$MARIADB_DIR/my.cnf" --auth-root-authentication-method=normal \
		--skip-test-db --skip-log-bin >"$MARIADB_DIR/install.log" 2>&1 ||
		{ _fail "mariadb-install-db failed: $(<"$MARIADB_DIR/install.log")" || return 1; }
	mariadb_launch
	mariadb_do 'CREATE DATABASE IF NOT EXISTS test CHARACTER SET utf8mb4'
}

# Start the server that mariadb_start made, again.
mariadb_launch() {
	local binary

	binary=$(command -v mariadbd || echo /usr/sbin/mariadbd)
	# 3>&-: bats waits for everything that holds its descriptor 3.
	server_as_owner mysql "$binary" --defaults-file="$MARIADB_DIR/my.cnf" --innodb-fast-shutdown=2 </dev/null >"$MARIADB_DIR/out.log" 2>&1 3>&- &
	disown
	wait_until 60 mariadb_answers || { _fail "the server does not start: $(mariadb_log)" || return 1; }
	# Not $!, which is the shell around it.
	MARIADB_PID=$(<"$MARIADB_DIR/server.pid")
	export MARIADB_PID
}

mariadb_signal_and_wait() {
	[[ -n ${MARIADB_PID:-} ]] || return 0
	kill "-$1" "$MARIADB_PID" 2>/dev/null || return 0
	tail --pid="$MARIADB_PID" -s 0.05 -f /dev/null
}

mariadb_stop() {
	mariadb_signal_and_wait TERM
	[[ ${MARIADB_DIR:-} != /tmp/sluice-my.* ]] || rm -rf "$MARIADB_DIR"
	unset MARIADB_DIR MARIADB_SOCKET MARIADB_CA MARIADB_PORT MARIADB_URI MARIADB_PID
}

mariadb_crash() {
	mariadb_signal_and_wait KILL
}

mariadb_client() {
	mariadb --no-defaults --socket="$MARIADB_SOCKET" --user=root --default-character-set=utf8mb4 "$@"
}

mariadb_do() {
	local sql database=()

	for sql; do
		[[ -d $MARIADB_DIR/data/test ]] && database=(--database=test)
		mariadb_client "${database[@]}" --execute="$sql" >/dev/null
	done
}

# As it is, except that batch mode escapes tabs, line ends and backslashes; --raw does not.
mariadb_value() {
	mariadb_client --batch --raw --skip-column-names --database="${2:-}" --execute="$1"
}

mariadb_log() {
	cat "$MARIADB_DIR/out.log" "$MARIADB_DIR/server.log"
}
