# Bash completion for Sluice's programs. What each of them takes is asked of its
# own --help, so there is nothing here to keep up to date.
# shellcheck shell=bash

# The options that a program's --help lists, one a line.
_sluice_options() {
	"$1" --help 2>/dev/null | sed -nE 's/^ {2,6}(-[A-Za-z], )?(--[a-z0-9-]+).*/\2/p'
}

# What --help calls the value of an option: "FILE", "N", or nothing for a flag.
_sluice_argument() {
	"$1" --help 2>/dev/null | sed -nE "s/^ {2,6}(-[A-Za-z], )?$2 ([A-Z][^ ]*) .*/\\2/p"
}

_sluice() {
	local program=$1 word=$2 previous=$3 i

	COMPREPLY=()
	# Behind "--" stands another command.
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -- ]]; then
			mapfile -t COMPREPLY < <(compgen -f -c -- "$word")
			return 0
		fi
	done
	if [[ $previous == --* ]]; then
		case $(_sluice_argument "$program" "$previous") in
		FILE*) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return 0 ;;
		DIR*) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return 0 ;;
		FORMAT) mapfile -t COMPREPLY < <(compgen -W "text json logfmt" -- "$word") && return 0 ;;
		?*) return 0 ;; # a value that only the user knows
		esac
	fi
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_sluice_options "$program")" -- "$word")
	fi
}

complete -o default -F _sluice sqlextract rowwrap bqload localcloud sync-table sluice-sync
