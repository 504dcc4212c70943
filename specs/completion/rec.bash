# shellcheck shell=bash

_rec_pids()
{
	local dir
	for dir in /proc/[0-9]*; do
		echo "${dir##*/}"
	done
}

# The command to record starts at this word: it is completed as if it stood alone.
_rec_command()
{
	if declare -F _command_offset >/dev/null; then
		_command_offset "$1"
	elif ((COMP_CWORD == $1)); then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	else
		_rectrace_reply_files
	fi
}

_rec()
{
	local cur prev sources='' values i
	_rectrace_words
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			_rec_command $((i + 1))
			return
			;;
		-*)
			[[ -z $(_rec_values '' "${COMP_WORDS[i]}") ]] && continue
			[[ ${COMP_WORDS[++i]} == = ]] && ((i++))
			;;
		*)
			if [[ -n $sources ]]; then
				_rec_command "$i"
				return
			fi
			sources=${COMP_WORDS[i]}
			;;
		esac
	done
	values=$(_rec_values '' "$prev")
	case $values in
	@FILE | @PATH) _rectrace_reply_files ;;
	@PID*) _rectrace_reply_list "$(_rec_pids)" ;;
	@*) COMPREPLY=() ;;
	?*) _rectrace_reply "$values" ;;
	*)
		if [[ $cur == -* ]]; then
			_rectrace_reply "$(_rec_options '') --"
		elif [[ -z $sources ]]; then
			_rectrace_reply_list "$(_rec_names)"
		else
			_rec_command "$COMP_CWORD"
		fi
		;;
	esac
}

complete -F _rec rec
