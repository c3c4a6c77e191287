# What the pipelines share: logs, names of destinations, locks, how processes are told to end, and which of several
# exit statuses stands for all. Sourced; the one who does has set $self, $log_format, $state and the array
# $load_options.
# shellcheck shell=bash
# shellcheck disable=SC2154 # variables of those who source this

# quote TEXT: into $REPLY, as it stands between the quotes of a JSON string.
quote() {
	REPLY=${1//\\/\\\\}
	REPLY=${REPLY//\"/\\\"}
	REPLY=${REPLY//[[:cntrl:]]/ }
}

# unquote TEXT: what stands between the quotes of a JSON string, into $REPLY. Of \u only what JSON writers must escape,
# control characters, is decoded; everything else arrives as UTF-8.
unquote() {
	local rest=$1 code
	REPLY=''
	while [[ $rest == *\\* ]]; do
		REPLY+=${rest%%\\*}
		rest=${rest#*\\}
		case ${rest:0:1} in
		n) REPLY+=$'\n' ;;
		r) REPLY+=$'\r' ;;
		t) REPLY+=$'\t' ;;
		b) REPLY+=$'\b' ;;
		f) REPLY+=$'\f' ;;
		u)
			printf -v code '%b' "\\u${rest:1:4}"
			REPLY+=$code
			rest=${rest:4}
			;;
		*) REPLY+=${rest:0:1} ;;
		esac
		rest=${rest:1}
	done
	REPLY+=$rest
}

# member RECORD NAME: that member's text or number, wherever it stands in the line of JSON, into $REPLY; 1 when it is
# not there, or null. (A quote inside a string is escaped, so no value passes for a name.)
member() {
	# shellcheck disable=SC1003 # a regular expression
	local form="\"$2\": *(\"(([^\"\\]|\\\\.)*)\"|[^][{},\" ]+)"
	REPLY=''
	[[ $1 =~ $form && ${BASH_REMATCH[1]} != null ]] || return 1
	if [[ ${BASH_REMATCH[1]} == \"* ]]; then
		unquote "${BASH_REMATCH[2]}"
	else
		REPLY=${BASH_REMATCH[1]}
	fi
}

# log LEVEL MESSAGE [STATUS]: as the programs log. A log that cannot be written stops nothing.
log() {
	local levels='debug info warn error' wanted=${LOG_LEVEL:-info} time
	[[ $levels == *"${wanted,,}"*"$1"* || ${wanted,,} == "$1" || $1 == error ]] || return 0
	if [[ $log_format == text ]]; then
		printf '%s: %s\n' "$self" "$2" >&2 || true
		return 0
	fi
	quote "$2"
	TZ=UTC0 printf -v time '%(%Y-%m-%dT%H:%M:%S)T.%03dZ' -1 "$((10#${EPOCHREALTIME: -6:3}))"
	if [[ $log_format == json ]]; then
		printf '{"time":"%s","level":"%s","program":"%s","msg":"%s"%s}\n' \
			"$time" "$1" "$self" "$REPLY" "${3:+,\"exit\":$3}" >&2 || true
	else
		printf 'time=%s level=%s program=%s msg="%s"%s\n' "$time" "$1" "$self" "$REPLY" "${3:+ exit=$3}" >&2 || true
	fi
}

# fail STATUS MESSAGE
fail() {
	log error "$2" "$1"
	exit "$1"
}

# check_log_format: before anything else is said.
check_log_format() {
	local format=$log_format
	[[ $format =~ ^(text|json|logfmt)$ ]] || {
		log_format=text
		fail 64 "--log-format: '$format' is not text, json or logfmt"
	}
}

# split_list LIST: at commas outside of quotes, into $words, without the spaces around. 1: a quote is open.
split_list() {
	# shellcheck disable=SC2016 # a regular expression
	local rest=$1 word first='^(([^,"`]|"[^"]*"|`[^`]*`)*)(,(.*))?$'
	words=()
	while [[ -n $rest ]]; do
		[[ $rest =~ $first ]] || return 1
		word=${BASH_REMATCH[1]} rest=${BASH_REMATCH[4]}
		word=${word#"${word%%[![:space:]]*}"}
		word=${word%"${word##*[![:space:]]}"}
		[[ -z $word ]] || words+=("$word")
	done
}

digest() {
	printf '%s\0' "$@" | sha256sum | cut -c 1-32
}

# seconds_of TEXT: a duration as the programs take it (90s, 10m, 1h30m, 7d, plain seconds), into $REPLY, rounded up.
# 1: it is none.
seconds_of() {
	local rest=$1 total=0 count
	local -A milliseconds=([ms]=1 [s]=1000 [m]=60000 [h]=3600000 [d]=86400000)
	[[ ! $rest =~ ^[0-9]{1,9}$ ]] || rest+=s
	[[ -n $rest ]] || return 1
	while [[ $rest =~ ^([0-9]{1,9})(ms|s|m|h|d)(.*)$ ]]; do
		count=$((10#${BASH_REMATCH[1]})) rest=${BASH_REMATCH[3]}
		total=$((total + count * milliseconds[${BASH_REMATCH[2]}]))
	done
	[[ -z $rest ]] || return 1
	REPLY=$(((total + 999) / 1000))
}

# canonical_destination NAME: one spelling for one table, PROJECT.DATASET.TABLE.
canonical_destination() {
	local name=${1//:/.} project=${GOOGLE_CLOUD_PROJECT:-} option dots
	for option in "${load_options[@]}"; do
		[[ $option != --project=* ]] || project=${option#*=}
	done
	dots=${name//[^.]/}
	((${#dots} > 1)) || name=$project.$name
	printf '%s' "$name"
}

# lock_destination KEY NAME: one writer per destination on this host, for the whole run. Processes that are started
# inherit the lock: as long as a program of a run that was killed lives on, nobody else begins.
lock_destination() {
	mkdir -p "$state" || fail 74 "cannot create $state"
	exec {lock}>>"$state/$1.lock" || fail 74 "cannot open $state/$1.lock"
	flock --nonblock "$lock" || fail 75 "$2: another sync of it is running"
}

# is_copy PID: it is still a copy of us, before its exec.
is_copy() {
	local own=() its=()
	mapfile -d '' -t own </proc/self/cmdline
	{ mapfile -d '' -t its <"/proc/$1/cmdline"; } 2>/dev/null || return 1
	[[ "${own[*]}" == "${its[*]}" ]]
}

# terminate PID: a copy of us may lose a signal that comes before it has dropped our traps; it is told again then.
terminate() {
	while is_copy "$1"; do
		kill -s TERM "$1" 2>/dev/null || return 0
		read -rt 0.01 <> <(:) || true
	done
	kill -s TERM "$1" 2>/dev/null || true
}

# open_silence: before there are traps, since an exec that a signal breaks off ends the shell.
open_silence() {
	exec {silence}<> <(:)
}

# next_ended: a process of the array $running (process id -> anything) that has ended, into $pid, its status into
# $status; or neither, after a moment or a signal. `wait -n` waits for ever, now and then, for one that ended right
# before; bash keeps its status all the same. Reading what nobody writes is a sleep without a process: open_silence
# must have been called.
# shellcheck disable=SC2034 # for the caller
next_ended() {
	local one
	status=0 pid=''
	for one in "${!running[@]}"; do
		kill -s 0 "$one" 2>/dev/null && continue
		wait "$one" || status=$?
		pid=$one
		return
	done
	read -rt 0.05 -u "$silence" _ || true
}

# worst STATUS...: which of them stands for all, into $REPLY: 75 when trying again helps any of them; else what is most
# wrong. An empty one did not begin.
worst() {
	local one seen=' ' rank
	for one; do
		one=${one:-75}
		((one != 64)) || one=78 # a word on the programs' command lines, which came from a setting
		((one == 0)) || seen+="$one "
	done
	for rank in 75 70 76 71 74 78 77 69 65 66; do
		[[ $seen != *" $rank "* ]] || {
			REPLY=$rank
			return 0
		}
	done
	read -r REPLY _ <<<"$seen 0"
}
