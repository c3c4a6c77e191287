# Which ranges pipelines/backfill loads. Sourced by it.
#
# A range is a pair of whole numbers, both ends included: values of an integer column, or seconds of UTC since 1970
# for dates and times (a date is its midnight; a time with fractions of a second belongs to the second it began in).
# Ranges are cut at the multiples of a step, or where calendar units of UTC begin.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the script's variables

# days Y M D: since 1970-01-01 in the proleptic Gregorian calendar, into $REPLY.
days() {
	local y=$1 m=$2 era
	((m > 2)) || y=$((y - 1)) m=$((m + 12))
	era=$((y / 400)) # years are 0 or more here
	REPLY=$((era * 146097 + (y - era * 400) * 365 + (y - era * 400) / 4 - (y - era * 400) / 100 + (153 * (m - 3) + 2) / 5 + $3 - 719469))
}

# seconds_at TEXT: what a date or time of UTC is in seconds, into $REPLY. YYYY[-MM[-DD[THH[:MM[:SS[.f]]]]]], with a
# blank for T, and +00 or Z behind it. 1: it is none.
seconds_at() {
	local LC_ALL=C month day hour minute second
	local form='^([0-9]{4})(-([0-9]{2})(-([0-9]{2})([T ]([0-9]{2})(:([0-9]{2})(:([0-9]{2})(\.[0-9]+)?)?)?(Z|\+00(:?00)?)?)?)?)?$'
	[[ $1 =~ $form ]] || return 1
	month=$((10#${BASH_REMATCH[3]:-1})) day=$((10#${BASH_REMATCH[5]:-1})) hour=$((10#${BASH_REMATCH[7]:-0}))
	minute=$((10#${BASH_REMATCH[9]:-0})) second=$((10#${BASH_REMATCH[11]:-0}))
	((10#${BASH_REMATCH[1]} > 0 && month >= 1 && month <= 12 && hour < 24 && minute < 60 && second < 60)) || return 1
	days "$((10#${BASH_REMATCH[1]}))" "$month" "$day"
	local of_day=$REPLY
	TZ=UTC0 printf -v REPLY '%(%d)T' "$((of_day * 86400))"
	((10#$REPLY == day)) || return 1 # 30 February
	REPLY=$((of_day * 86400 + hour * 3600 + minute * 60 + second))
}

# begin_of N: where the unit or step of $by_unit that holds N begins, into $REPLY.
begin_of() {
	local year month
	case $by_unit in
	HOUR) floor "$1" 3600 ;;
	DAY) floor "$1" 86400 ;;
	MONTH | YEAR)
		TZ=UTC0 printf -v year '%(%04Y)T' "$1"
		TZ=UTC0 printf -v month '%(%m)T' "$1"
		[[ $by_unit == MONTH ]] || month=1
		days "$((10#$year))" "$((10#$month))" 1
		REPLY=$((REPLY * 86400))
		;;
	*) floor "$1" "$by_unit" ;;
	esac
}

# floor N STEP: the multiple of STEP at or below N, into $REPLY.
floor() {
	local rest=$(($1 % $2))
	((rest >= 0)) || rest=$((rest + $2))
	REPLY=$(($1 - rest))
}

# end_of BEGIN: the last number of the unit or step that begins there, into $REPLY.
end_of() {
	case $by_unit in
	HOUR) REPLY=$(($1 + 3599)) ;;
	DAY) REPLY=$(($1 + 86399)) ;;
	MONTH) begin_of "$(($1 + 32 * 86400))" && REPLY=$((REPLY - 1)) ;;
	YEAR) begin_of "$(($1 + 367 * 86400))" && REPLY=$((REPLY - 1)) ;;
	# The last step before the largest number has no end of its own.
	*) REPLY=$(($1 > 9223372036854775807 - by_unit ? 9223372036854775807 : $1 + by_unit - 1)) ;;
	esac
}

# check_count FROM TO: before they are made, since to make a million takes minutes. Halves, because the difference of
# two integers may be none.
check_count() {
	local -A seconds=([HOUR]=3600 [DAY]=86400 [MONTH]=2678400 [YEAR]=31622400)
	local step=${seconds[$by_unit]:-$by_unit}
	(($2 / step / 2 - $1 / step / 2 + ${#ranges[@]} / 2 <= 500000)) ||
		fail 64 "--by: more than a million ranges; choose a larger unit or step"
}

# split FROM TO: at the borders; appends "LOW HIGH" to $ranges.
split() {
	local low=$1
	check_count "$@"
	while ((low <= $2)); do
		begin_of "$low"
		end_of "$REPLY"
		((REPLY < $2)) || REPLY=$2
		ranges+=("$low $REPLY")
		((REPLY < 9223372036854775807)) || return 0
		low=$((REPLY + 1))
	done
}

# plan FROM TO: what is to be loaded of it into $ranges. What was begun and is not known to be done comes first, with
# the very bounds it had, since its load may have happened; what is done is left out; the rest is split. $begun and
# $done have "LOW HIGH" lines. Ends of ranges never meet halfway: a step that has changed goes around what was done.
plan() {
	local low high next=$1
	ranges=()
	while read -r low high; do
		[[ -z $low ]] || ranges+=("$low $high")
	done <<<"$begun"
	while read -r low high; do
		[[ -n $low ]] || continue
		((high >= next)) || continue
		((low <= $2)) || break
		((low <= next)) || split "$next" "$((low - 1))"
		((high < 9223372036854775807)) || return 0
		next=$((high + 1))
	done < <(sort -n -k 1,1 <<<"$begun"$'\n'"$done")
	((next > $2)) || split "$next" "$2"
}

# label_of LOW HIGH: how a range is called, in run ids and logs, into $REPLY.
label_of() {
	local form
	case $by_unit in
	HOUR) form='%(%04Y%m%d%H)T' ;;
	DAY) form='%(%04Y%m%d)T' ;;
	MONTH) form='%(%04Y%m)T' ;;
	YEAR) form='%(%04Y)T' ;;
	*) REPLY=$1..$2 && return 0 ;;
	esac
	# shellcheck disable=SC2059 # a form of ours
	TZ=UTC0 printf -v REPLY "$form" "$1"
}

# condition_of LOW HIGH: the rows of that range in the source's SQL, into $REPLY. A literal with +00 is a moment to a
# timestamptz, and what is written to a timestamp or a date; MySQL's session is in UTC, and knows no +00.
condition_of() {
	local low high zone=+00
	if [[ $by_unit =~ ^[0-9]+$ ]]; then
		REPLY="$by_quoted BETWEEN $1 AND $2"
		return 0
	fi
	[[ $source_type == postgresql ]] || zone=''
	TZ=UTC0 printf -v low '%(%04Y-%m-%d %H:%M:%S)T' "$1"
	TZ=UTC0 printf -v high '%(%04Y-%m-%d %H:%M:%S)T' "$(($2 + 1))"
	# Of the last second of the year 9999 there is no next one.
	if (($2 >= 253402300799)); then
		REPLY="$by_quoted >= '$low$zone'"
	else
		REPLY="$by_quoted >= '$low$zone' AND $by_quoted < '$high$zone'"
	fi
}
