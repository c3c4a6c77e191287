# A PostgreSQL server of one's own: `load helper/postgres` after helper/common.
#
#   postgres_start [-c NAME=VALUE]... [--tls]
#       initdb and start in a fresh directory, on a Unix socket only (with --tls
#       also on 127.0.0.1, PG_PORT, certificate authority in $PG_CA). Sets PGHOST,
#       PGPORT, PGUSER, PGDATABASE and $PG_URI, $PG_DIR.
#   postgres_stop       fast shutdown; for teardown_file. Fine when none runs.
#   postgres_crash      SIGQUIT: as if the server died
#   psql_do SQL...      each in its own transaction, stops at the first error
#   psql_value SQL      the unadorned result
#   postgres_log        what the server said
#
# Start it once a file, from setup_file: variables are exported for the tests.

# shellcheck source=tests/bats/helper/server.bash
source "${BASH_SOURCE[0]%/*}/server.bash"

postgres_find_binary() {
	local candidate

	candidate=$(printf '%s\n' /usr/lib/postgresql/*/bin/"$1" | sort -rV | head -n 1)
	[[ -x $candidate ]] || candidate=$(command -v "$1")
	printf '%s\n' "$candidate"
}

postgres_write_config() {
	local tls=$1
	shift

	cat <<-END
		unix_socket_directories = '$PG_DIR'
		fsync = off
		synchronous_commit = off
		full_page_writes = off
		max_wal_size = 256MB
		shared_buffers = 32MB
		timezone = 'UTC'
		log_timezone = 'UTC'
	END
	if [[ $tls == yes ]]; then
		cat <<-END
			listen_addresses = '127.0.0.1'
			ssl = on
			ssl_cert_file = '$PG_DIR/server.crt'
			ssl_key_file = '$PG_DIR/server.key'
		END
	else
		echo "listen_addresses = ''"
	fi
	(($# == 0)) || printf '%s\n' "$@"
}

postgres_start() {
	local tls=no settings=() initdb pg_ctl port=5432

	while (($#)); do
		case $1 in
		--tls) tls=yes ;;
		-c)
			settings+=("${2%%=*} = '${2#*=}'")
			shift
			;;
		*) _fail "postgres_start: '$1'?" || return 1 ;;
		esac
		shift
	done
	initdb=$(postgres_find_binary initdb)
	pg_ctl=$(postgres_find_binary pg_ctl)
	# Short: a socket's path has at most 107 bytes. Not below BATS_RUN_TMPDIR, which others cannot enter.
	PG_DIR=$(mktemp -d /tmp/sluice-pg.XXXXXX)
	chmod 755 "$PG_DIR"
	[[ $tls == no ]] || {
		server_make_certificate "$PG_DIR"
		port=$(server_free_port)
	}
	if ((EUID == 0)); then
		chown -R "$(server_as_owner postgres id -u):$(server_as_owner postgres id -g)" "$PG_DIR"
	fi
	cd "$PG_DIR" || return 1 # the owner may not be able to enter ours
	server_as_owner postgres "$initdb" -D data -U postgres -A trust --no-sync --encoding UTF8 --locale C.UTF-8 >initdb.log 2>&1 ||
		{ _fail "initdb failed: $(<initdb.log)" || return 1; }
	postgres_write_config "$tls" "port = $port" "${settings[@]}" >>data/postgresql.conf
	# 3>&-: bats waits for everything that holds its descriptor 3.
	server_as_owner postgres "$pg_ctl" -D data -l "$PG_DIR/server.log" -w -t 60 start >pg_ctl.log 2>&1 3>&- ||
		{ _fail "the server does not start: $(cat pg_ctl.log server.log)" || return 1; }
	cd "$OLDPWD" || return 1
	export PG_DIR PG_PORT=$port PG_CA=$PG_DIR/ca.crt
	export PGHOST=$PG_DIR PGPORT=$port PGUSER=postgres PGDATABASE=postgres
	export PG_URI="postgresql://postgres@/postgres?host=$PG_DIR&port=$port"
}

postgres_signal_and_wait() {
	local pid

	[[ -n ${PG_DIR:-} && -f $PG_DIR/data/postmaster.pid ]] || return 0
	pid=$(head -n 1 "$PG_DIR/data/postmaster.pid")
	kill "-$1" "$pid" 2>/dev/null || return 0
	tail --pid="$pid" -s 0.05 -f /dev/null
}

postgres_stop() {
	postgres_signal_and_wait INT
	[[ ${PG_DIR:-} != /tmp/sluice-pg.* ]] || rm -rf "$PG_DIR"
	unset PG_DIR PG_PORT PG_CA PG_URI PGHOST PGPORT PGUSER PGDATABASE
}

postgres_crash() {
	postgres_signal_and_wait QUIT
}

psql_do() {
	local sql

	for sql; do
		psql -qX -v ON_ERROR_STOP=1 -c "$sql" >/dev/null
	done
}

psql_value() {
	psql -qXAt -v ON_ERROR_STOP=1 -c "$1"
}

postgres_log() {
	cat "$PG_DIR/server.log"
}
