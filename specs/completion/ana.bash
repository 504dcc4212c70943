# shellcheck shell=bash

_ana()
{
	local cur prev command=${COMP_WORDS[1]} values
	_rectrace_words
	if ((COMP_CWORD == 1)); then
		_rectrace_reply "$(_ana_names) --help --version"
		return
	fi
	values=$(_ana_values "$command" "$prev")
	case $values in
	@FILE | @PATH | @FOLDER | @TRACE) _rectrace_reply_files ;;
	@*) COMPREPLY=() ;; # numbers and names that only the trace knows
	?*) _rectrace_reply "$values" ;;
	*)
		if [[ $cur == -* ]]; then
			_rectrace_reply "$(_ana_options "$command")"
		else
			_rectrace_reply_files .rec .rec.{gz,zst,xz,bz2} .tar .tar.{gz,zst,xz,bz2} .tgz .tzst \
				.txz .tbz2 .zip
		fi
		;;
	esac
}

complete -F _ana ana
