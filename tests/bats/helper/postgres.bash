# A PostgreSQL server of the suite's own: on a Unix socket in a temporary directory, stopped by process id.
# The server refuses to run as root, so root starts it as another user.

# The newest server's programs, Debian's place first.
postgres_bin() {
	local newest
	newest=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
	[[ -x $newest ]] || newest=$(command -v initdb) || {
		echo 'postgres_start: no initdb on this machine' >&2
		return 1
	}
	dirname "$newest"
}

# Run as the server's user.
as_postgres() {
	if ((EUID == 0)); then
		setpriv --reuid="$(postgres_user)" --regid="$(id -g "$(postgres_user)")" --clear-groups -- "$@"
	else
		"$@"
	fi
}

postgres_user() {
	if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# postgres_start [CONFIG LINE...]: exports PGHOST, PGPORT, PGUSER, PGDATABASE; POSTGRES_DIR and POSTGRES_PID.
postgres_start() {
	local bin
	bin=$(postgres_bin)
	POSTGRES_DIR=$(scratch_directory)
	chmod 755 "$POSTGRES_DIR"
	((EUID != 0)) || chown "$(postgres_user)" "$POSTGRES_DIR"
	as_postgres env -u LC_ALL "$bin/initdb" -D "$POSTGRES_DIR/data" -U postgres -A trust --locale C.UTF-8 -E UTF8 \
		--no-sync >"$POSTGRES_DIR/initdb.log" 2>&1 || {
		cat "$POSTGRES_DIR/initdb.log" >&2
		return 1
	}
	{
		printf "unix_socket_directories = '%s'\n" "$POSTGRES_DIR"
		printf '%s\n' "listen_addresses = ''" 'fsync = off' 'timezone = UTC' 'max_wal_size = 4GB' "$@"
	} >>"$POSTGRES_DIR/data/postgresql.conf"
	export PGHOST=$POSTGRES_DIR PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	# pg_ctl waits until the server answers.
	as_postgres "$bin/pg_ctl" -D "$POSTGRES_DIR/data" -l "$POSTGRES_DIR/log" -w -t 60 start >/dev/null 3>&- || {
		cat "$POSTGRES_DIR/log" >&2
		return 1
	}
	POSTGRES_PID=$(head -n 1 "$POSTGRES_DIR/data/postmaster.pid")
	export POSTGRES_DIR POSTGRES_PID
}

postgres_stop() {
	[[ -n ${POSTGRES_PID:-} ]] || return 0
	# SIGINT: fast shutdown, which disconnects clients.
	kill -INT "$POSTGRES_PID" 2>/dev/null || true
	wait_gone "$POSTGRES_PID"
	rm -rf "$POSTGRES_DIR"
	unset POSTGRES_PID
}

psql_do() {
	psql -X -v ON_ERROR_STOP=1 "$@"
}
