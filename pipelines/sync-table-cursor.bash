# What sync-table does by the ledger: which rows are new since the last run, under which id they are loaded, and when
# what is gone at the source is looked for. Sourced by it.
#
# A run's id is a digest of the destination and the run that was done last. A run that was killed has changed nothing
# of that, or it is the last one now: whoever comes next, also from another host, either names the same load or goes
# on behind it. Where the ledger knows of no run the id is random: with a new ledger in an old one's place, a digest
# would name one by one the loads that the old one led to, which BigQuery remembers.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the script's variables

last_run=''    # id of the table's last load of rows that was done
last_column='' # its cursor: the column, and the value up to which rows are there
last_value=''
reconciled='' # when the table was last rid of what is gone at the source

# --- words for the programs ------------------------------------------------------

# is_option WORD: it is no value that stands in a word of its own. (-1 is a value.)
is_option() {
	[[ $1 == --* || $1 =~ ^-[A-Za-z]$ ]]
}

# keep_options FORM WORD...: those options whose names (without --) match, and their values, into $kept.
keep_options() {
	local form="^--($1)(=|\$)" wanted=no word
	shift
	kept=()
	for word; do
		if is_option "$word"; then
			wanted=no
			[[ ! $word =~ $form ]] || wanted=yes
		fi
		[[ $wanted == no ]] || kept+=("$word")
	done
}

# drop_options FORM WORD...: the others.
drop_options() {
	local form="^--($1)(=|\$)" wanted=yes word
	shift
	kept=()
	for word; do
		if is_option "$word"; then
			wanted=yes
			[[ ! $word =~ $form ]] || wanted=no
		fi
		[[ $wanted == no ]] || kept+=("$word")
	done
}

connection='project|location|credentials|endpoint|retry-initial|retry-for|timeout|quiet|verbose'

# --- what the ledger knows ---------------------------------------------------------

# is_ours RECORD: that @state is of our destination. A project that only bqload knows may be any.
is_ours() {
	local name
	member "$1" table || return 1
	name=$(canonical_destination "${operands[2]}")
	[[ $REPLY == "$name" || ($name == .* && $REPLY == *"$name") ]]
}

take_state() {
	local line
	last_run='' last_column='' last_value='' reconciled=''
	while IFS= read -r line; do
		[[ $line == '{"@state":'* ]] || continue
		is_ours "$line" || continue
		! member "$line" run || last_run=$REPLY
		! member "$line" column || last_column=$REPLY
		! member "$line" last || last_value=$REPLY
		! member "$line" reconciled || reconciled=$REPLY
	done <"$records"
}

# read_state: what an earlier run has left without an outcome is settled first; not by a dry run, which only looks.
read_state() {
	local kept status=0 table=("${operands[2]}")
	keep_options "$connection" "${load_options[@]}"
	[[ $dry_run == no ]] || table=()
	set -m
	bqload --log-format "$log_format" "${kept[@]}" --ledger "$ledger" --state -- "${table[@]}" >"$records" &
	set +m
	wait "$!" || status=$?
	((status == 0)) || return "$status"
	take_state
}

# same_column A B: BigQuery's name of a column may have _ for what it does not take.
same_column() {
	local a=${1//[^[:alnum:]_]/_} b=${2//[^[:alnum:]_]/_}
	[[ ${a,,} == "${b,,}" ]]
}

# --- rows ----------------------------------------------------------------------------

# choose_rows: which rows are read, into $read_words; how they are written, into $mode.
choose_rows() {
	read_words=("${extract_options[@]}" "--cursor=$cursor")
	mode=$write
	[[ -z $lag ]] || read_words+=("--lag=$lag")
	if [[ $full == yes ]]; then
		# Nothing is left of what is gone; but marks must not be replaced with the rows.
		if [[ -n $soft_delete ]]; then
			reconciled=''
		else
			mode=truncate reconcile_every=''
		fi
	elif [[ -n $last_value ]] && same_column "$last_column" "$cursor"; then
		read_words+=("--after=$last_value")
	elif [[ -n $after ]]; then
		read_words+=("--after=$after")
	elif [[ $write == merge ]]; then
		[[ -z $last_run ]] || log info "${operands[2]}: its last load has no value of $cursor: all rows are read"
	elif [[ -z $last_run ]]; then
		# Rows that are there already would be doubled.
		mode=empty
	elif same_column "$last_column" "$cursor"; then
		# There was no value yet; the rows without one were loaded.
		read_words+=(--cursor-nulls=skip)
	else
		fail 78 "${operands[2]}: the ledger's last load of it (run $last_run) does not say up to which $cursor it went: \
--after says where to go on, --full replaces the table"
	fi
}

next_run_id() {
	[[ -n $last_run ]] || {
		random_hex
		return
	}
	digest "$(canonical_destination "${operands[2]}")" "$last_run" "$full"
}

# sync_rows: those that are new. A load that was adopted is another host's, and may be older than the question.
sync_rows() {
	local mode id round
	for round in 1 2; do
		retry read_state
		choose_rows
		load_words=(--write "$mode" "${load_options[@]}")
		[[ -z $soft_delete || $mode != merge ]] || load_words+=("--undelete=$soft_delete")
		id=sync-$(next_run_id)
		retry transfer "$id"
		[[ $loaded == *'"adopted":true'* ]] || return 0
		log info "${operands[2]}: run $id was loaded before; now what is new since"
	done
}

# --- what is gone at the source ----------------------------------------------------------

# is_due: the last look at all keys is as old as --reconcile-every.
is_due() {
	local since
	[[ -n $reconcile_every ]] || return 1
	[[ -n $last_run ]] || retry read_state || return 1
	[[ -n $reconciled ]] || return 0
	since=$(date -d "$reconciled" +%s) || return 0
	((EPOCHSECONDS - since >= reconcile_every))
}

# source_key: the columns of --key, of the programs' own --key, or the table's key, into $key.
source_key() {
	local kept line columns='' form='"key":\[("[^]]*)\]'
	[[ -z $key ]] || return 0
	keep_options key "${extract_options[@]}" "${load_options[@]}"
	if ((${#kept[@]} > 0)); then
		key=${kept[0]#--key}
		key=${key#=}
		key=${key:-${kept[1]:-}}
		return 0
	fi
	drop_options 'limit|quiet|verbose|rejects' "${extract_options[@]}"
	line=$(sqlextract --quiet --log-format "$log_format" "${kept[@]}" --limit=0 -- "${operands[0]}" "${operands[1]}") || return
	[[ ${line%%$'\n'*} =~ $form ]] ||
		fail 65 "${operands[1]} has no key: --key names the columns by which rows are merged"
	while IFS= read -r line; do
		unquote "$line"
		columns+=,\"${REPLY//\"/\"\"}\"
	done < <(sed 's/^"//; s/"$//; s/","/\n/g' <<<"${BASH_REMATCH[1]}")
	key=${columns#,}
}

# is_key COLUMN: it is one of $key.
is_key() {
	local words one
	split_list "$key" || return 1
	for one in "${words[@]}"; do
		[[ ${one//\"/} != "${1//\"/}" ]] || return 0
	done
	return 1
}

# keep_key WORDS...: options that are about single columns, into $kept, as far as these are of the key.
keep_key() {
	local option value word words
	local -a pairs=()
	kept=()
	# One form, --NAME=VALUE.
	for word; do
		if is_option "$word" || ((${#pairs[@]} == 0)); then
			pairs+=("$word")
		else
			pairs[-1]+="=$word"
		fi
	done
	for word in "${pairs[@]}"; do
		option=${word%%=*} value=${word#*=}
		case $option in
		--type) ! is_key "${value%=*}" || kept+=("$word") ;;
		--mask) ! is_key "${value%%=*}" || kept+=("$word") ;;
		--hash)
			split_list "$value" || words=()
			for value in "${words[@]}"; do
				! is_key "$value" || kept+=("--hash=$value")
			done
			;;
		*) kept+=("$word") ;;
		esac
	done
}

# reconcile: delete, or mark, what is not at the source any more, by reading the keys of all rows there. Under a fresh
# id each time: it may be repeated, and a load of keys that are older than the table's rows would be worse than none.
reconcile() {
	local kept rows=$loaded status=0 gate='' ready=''
	source_key || return
	drop_options 'columns|exclude|key|rejects' "${extract_options[@]}"
	keep_key "${kept[@]}"
	read_words=("${kept[@]}" "--columns=$key" "--key=$key")
	keep_options "$connection|label|maximum-bytes-billed|immutable|key|allow-lossy" "${load_options[@]}"
	load_words=("${kept[@]}" --write=merge --keys-only)
	if [[ -n $soft_delete ]]; then
		load_words+=("--soft-delete=$soft_delete")
	else
		load_words+=(--delete-missing)
	fi
	log info "${operands[2]}: looking for rows that are gone at the source"
	retry transfer "reconcile-$(random_hex)" || status=$?
	((status == 0)) || loaded=''
	join_records "$rows" "$status"
	return "$status"
}

# end_with_reconcile: what was loaded is said in any case.
end_with_reconcile() {
	local status=0
	if [[ $dry_run == no ]] && is_due; then
		reconcile || status=$?
	fi
	printf '%s\n' "$loaded" || exit 74
	exit "$status"
}

# join_records ROWS STATUS: what both loads have printed, as one stream, into $loaded.
join_records() {
	local line count=0 joined='{"@begin":{"version":1}}'
	while IFS= read -r line; do
		[[ $line == '{"@loaded":'* ]] || continue
		joined+=$'\n'$line
		((++count))
	done <<<"$1"$'\n'"$loaded"
	if (($2 == 0)); then
		joined+=$'\n{"@end":{"records":'$count'}}'
	else
		joined+=$'\n{"@abort":{"exit":'$2',"reason":"rows that are gone at the source were not looked for"}}'
	fi
	loaded=$joined
}

# --- options -------------------------------------------------------------------------------

check_cursor_options() {
	local option
	[[ -z $cursor || $write == merge || $write == append ]] ||
		fail 64 "--cursor: rows that are new are merged or appended: --write merge or append"
	[[ -z $cursor || -n $ledger ]] || fail 64 "--cursor needs a ledger, which says up to where rows were loaded"
	[[ -n $cursor || -z $lag$after ]] || fail 64 "--lag and --after need --cursor"
	[[ -n $cursor || $full == no ]] || fail 64 "--full is for --cursor: without it every run reads all rows"
	[[ -z $lag || $write == merge ]] || fail 64 "--lag: rows that come again are doubled by --write append"
	[[ -z $cursor || $write != merge ]] || lag=${lag:-10m}
	[[ -z $cursor || -z $run_id ]] || fail 64 "--run-id: with --cursor it follows from what was loaded before"
	check_reconcile_options
	for option in "${load_options[@]}"; do
		[[ $option != --ledger* ]] || fail 64 "--load --ledger: give it to $self itself"
	done
	[[ -n $cursor ]] || return 0
	for option in "${extract_options[@]}"; do
		[[ ! $option =~ ^--(cursor|after|lag|query|limit)(=|$) ]] ||
			fail 64 "--extract ${BASH_REMATCH[0]%=}: $self chooses the rows by --cursor and the ledger"
	done
}

check_reconcile_options() {
	[[ -n $reconcile_every || -z $soft_delete ]] || fail 64 "--soft-delete needs --reconcile-every"
	[[ -n $reconcile_every ]] || return 0
	seconds_of "$reconcile_every" || fail 64 "--reconcile-every: '$reconcile_every' is not a duration such as 12h or 7d"
	reconcile_every=$REPLY
	[[ $write == merge ]] || fail 64 "--reconcile-every: what is gone is deleted by key: --write merge"
	[[ -n $ledger ]] || fail 64 "--reconcile-every needs a ledger, which says when it was done last"
	keep_options 'where|limit|query' "${extract_options[@]}"
	[[ ${#kept[@]} == 0 || " ${extract_options[*]} " == *' --full '* ]] ||
		fail 64 "--reconcile-every: ${kept[0]%%=*} leaves rows out, which would be deleted; \
--extract=--full says that they do not belong into the table"
}
