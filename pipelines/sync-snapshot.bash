# One state for all tables of a database, for pipelines/sync, which sources this: a process holds the state while the
# tables' own sessions enter it. PostgreSQL exports a snapshot, which stands to the end of the run; with MySQL writers
# stand still until every session has opened its own.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154,SC2004 # sync's and sync-settings' variables

declare -A holder=()  # ID -> process id of who holds its state
declare -A release=() # ID -> descriptor that ends its holder when it is closed

# tables_of ID: their numbers into $numbers, their names into $names.
tables_of() {
	local n
	numbers=() names=()
	for ((n = 0; n < tables; n++)); do
		[[ ${table[$n.db]} == "$1" ]] || continue
		numbers+=("$n")
		names+=("${table[$n.name]}")
	done
}

# start_holder KEY ID [TABLE...]: one state of the tables is fixed; its name, or null, into $REPLY. Status 1: it is not.
start_holder() {
	local key=$1 id=$2 fd out
	start_relay "$key" "$id"
	mkfifo "$work/$key.in" "$work/$key.out"
	exec {fd}<>"$work/$key.in" {out}<>"$work/$key.out"
	private+=("$fd")
	release[$id]=$fd
	in_source "$id" sqlextract --log-format json "--connect-timeout=${db[$id.connect]}ms" --hold-snapshot \
		-- env:SLUICE_SOURCE "${@:3}" <"$work/$key.in" >&"$out" {out}>&- 2>&"$log_end" {log_end}>&- &
	holder[$id]=$!
	[[ -z $stopping ]] || terminate "$!"
	# It stays open: the holder ends when nobody listens.
	exec {fd}<"$work/$key.out" {out}>&- {log_end}>&-
	private+=("$fd")
	read -ru "$fd" || true
	[[ $REPLY =~ ^\{\"snapshot\":\"?([^\"}]+)\"?\}$ ]] || return 1
	REPLY=${BASH_REMATCH[1]}
}

# end_holder ID: its exit status.
end_holder() {
	local pid=${holder[$1]} fd=${release[$1]} status=0
	exec {fd}>&-
	unset "holder[$1]" "release[$1]"
	# A signal ends a wait early.
	while wait "$pid" || status=$?; kill -s 0 "$pid" 2>/dev/null; do
		status=0
	done
	return "$status"
}

# fix_state ID: of all its tables. One that cannot be locked must not stop the others: then none is, and a table that
# is truncated in that moment fails with 75.
fix_state() {
	local id=$1 status=0 numbers names n
	tables_of "$id"
	((${#names[@]} > 0)) || return 0
	if ! start_holder "hold.$id" "$id" "${names[@]}"; then
		end_holder "$id" || status=$?
		if [[ -z $stopping ]] && ((status != 75)) && start_holder "hold2.$id" "$id"; then
			log warn "${db[$id.name]}: the snapshot stands without locks, because not all tables can be locked"
		else
			[[ -z ${holder[$id]:-} ]] || end_holder "$id" || status=$?
			[[ -n $stopping ]] || fail_tables "$id" "$((status == 0 ? 75 : status))"
			return 0
		fi
	fi
	if [[ ${db[$id.type]} == postgres ]]; then
		db[$id.state]=$REPLY
	else
		open_all "$id"
	fi
}

# fail_tables ID STATUS: those that have not begun. The holder has said why.
fail_tables() {
	local numbers names n
	tables_of "$1"
	wait "${relays[-1]}" || true
	for n in "${numbers[@]}"; do
		[[ -z ${table[$n.started]:-} ]] || continue
		table[$n.status]=$2
		cat "$work/hold.$1.error" >"$work/$n.error" 2>/dev/null || true
	done
}

# open_all ID: MySQL's way. Everything stands still while all tables' extractors open their own snapshots; their rows
# are held back by their gates. A second attempt would see another state, so there is none.
open_all() {
	local id=$1 numbers names n fd
	tables_of "$id"
	for n in "${numbers[@]}"; do
		exec {fd}>"$work/$n.gate"
		flock --exclusive "$fd"
		private+=("$fd")
		gate[$n]=$fd
		start_table "$n" --retries 0 --gate "$work/$n.gate" --ready "$work/$n.ready"
	done
	wait_for_ready "$id"
	if ! end_holder "$id" && [[ -z $stopping ]]; then
		log error "${db[$id.name]}: the tables may show different states: they are stopped"
		stop_tables "$id"
	fi
}

# wait_for_ready ID: until all of its tables are ready or have ended, or the holder has: then waiting is in vain.
wait_for_ready() {
	local pid open=yes
	while [[ $open == yes && -z $stopping ]] && lives "${holder[$1]}"; do
		open=no
		for pid in "${!running[@]}"; do
			[[ ${table[${running[$pid]}.db]} != "$1" || -e $work/${running[$pid]}.ready ]] || ! lives "$pid" || open=yes
		done
		[[ $open == no ]] || sleep 0.02
	done
}

# stop_tables ID: their state is not the one that was asked for; trying again is sensible.
stop_tables() {
	local pid
	for pid in "${!running[@]}"; do
		[[ ${table[${running[$pid]}.db]} == "$1" ]] || continue
		table[${running[$pid]}.spoilt]=yes
		kill -s TERM "$pid" 2>/dev/null || true
	done
}

# is_spoilt N STATUS: the state that it was to read is gone, so it failed for want of that. With PostgreSQL sqlextract
# says so (66, no such snapshot); its log has been read when the relay is through.
is_spoilt() {
	if (($2 == 66)) && [[ -n ${db[${table[$1.db]}.state]:-} ]]; then
		wait "${table[$1.relay]}" || true
		[[ ! -s $work/$1.error ]] || [[ $(<"$work/$1.error") != *'the session that exported it is gone'* ]] ||
			table[$1.spoilt]=yes
	fi
	[[ -n ${table[$1.spoilt]:-} ]]
}

# lives PID: a job that has ended is known to kill -0 until somebody waits for it.
lives() {
	[[ $'\n'$(jobs -rp)$'\n' == *$'\n'"$1"$'\n'* ]]
}
