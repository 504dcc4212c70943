# shellcheck shell=bash
# What the completions of rec and ana share; stands on nothing but bash.

# Sets cur and prev, the word to complete and the one before. Bash makes three words of --by=tid.
_rectrace_words()
{
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
}

_rectrace_reply()
{ # WORDS
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# One more of a list with commas, of those that are not in it yet.
_rectrace_reply_list()
{ # WORDS
	local word left='' head=''
	[[ $cur == *,* ]] && head=${cur%,*},
	for word in $1; do
		[[ ,$head == *,$word,* ]] || left+=" $word"
	done
	mapfile -t COMPREPLY < <(compgen -P "$head" -W "$left" -- "${cur##*,}")
}

_rectrace_reply_files()
{ # [SUFFIX...]: only files that end so, and folders
	local suffix
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(
		if (($#)); then
			for suffix; do
				compgen -f -X "!*$suffix" -- "$cur"
			done
			compgen -d -- "$cur"
		else
			compgen -f -- "$cur"
		fi | sort -u
	)
}
