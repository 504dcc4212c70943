#!/bin/bash
# How the code should look and what it may include. Prints what is wrong; status 1 if anything is.
# shellcheck disable=SC2317 # functions are called by step
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.c' '*.h')
mapfile -t shells < <(git ls-files --cached --others --exclude-standard '*.sh' '*.bash' .ci/run .ci/deps .ci/deb)

step() {
	local name=$1
	shift
	if "$@"; then
		echo "ok    lint     $name"
	else
		echo "FAIL  lint     $name"
		failed=1
	fi
}

# Includes go down only (design, section 2): who may see whom.
allowed() {
	case $1 in
	specs) echo "specs" ;;
	bpf) echo "specs bpf" ;;
	format/base) echo "format/base" ;;
	format/symbols) echo "format/symbols format/base specs" ;;
	format) echo "format format/base specs gen" ;;
	render) echo "render format/base gen" ;;
	record) echo "record format format/base format/symbols specs gen" ;;
	analyze) echo "analyze render format format/base format/symbols specs gen" ;;
	samples) echo "" ;;
	*) echo "any" ;;
	esac
}

include_rule() {
	local bad=0 file folder target may
	for file in "${sources[@]}"; do
		folder=$(dirname "$file")
		may=$(allowed "$folder")
		[ "$may" = any ] && continue
		while read -r target; do
			target=$(dirname "${target/#specs\/events\//specs/}")
			case " $may " in
			*" $target "*) ;;
			*)
				echo "$file includes from $target/, but $folder/ may only see: ${may:-nothing}"
				bad=1
				;;
			esac
		done < <(sed -n 's/^#include "\(.*\)"/\1/p' "$file")
	done
	return "$bad"
}

# The two programs share the trace and nothing else.
link_rule() {
	[ -e build/librecord.a ] && [ -e build/libanalyze.a ] && [ -e build/librender.a ] || {
		echo "nothing is built"
		return 1
	}
	! nm -A build/librecord.a 2>/dev/null | grep -E ' U (report_|render|tree_)' &&
		! nm -A build/libanalyze.a build/librender.a 2>/dev/null | grep -E ' U (bpf_|btf_)'
}

# What bpftool makes (build/gen/*.skel.h) is not ours to mend.
tidy() {
	local found

	command -v clang-tidy >/dev/null || {
		echo "there is no clang-tidy: make check installs it"
		return 1
	}
	found=$(printf '%s\n' "${sources[@]}" | grep '\.c$' | grep -v -e '^bpf/' -e '^samples/' |
		xargs -P "$(nproc)" -n 4 clang-tidy --quiet --extra-arg=-Wno-unknown-warning-option 2>&1 |
		grep -E 'warning:|error:|[Ee]rror while processing' | grep -v 'build/gen/' | sort -u)
	[ -z "$found" ] || {
		echo "$found"
		return 1
	}
}

# What runs in the pages, and the tests of it. npm brings the tools, beside the one that drives the browser.
page_tools() {
	[ -x tests/browser/node_modules/.bin/eslint ] && [ -x tests/browser/node_modules/.bin/stylelint ] && return
	command -v npm >/dev/null || {
		echo "there is no npm: make check installs it"
		return 1
	}
	(cd tests/browser && npm ci --silent --no-audit --no-fund)
}

scripts() {
	page_tools && tests/browser/node_modules/.bin/eslint -c tests/browser/eslint.config.mjs \
		render/page tests/browser/*.mjs
}

sheets() {
	page_tools && tests/browser/node_modules/.bin/stylelint --config tests/browser/stylelint.config.mjs \
		'render/page/*.css'
}

step "clang-format" clang-format --dry-run -Werror "${sources[@]}"
step "includes" include_rule
step "what the programs link" link_rule
step "shellcheck" shellcheck -x -S warning "${shells[@]}"
step "eslint" scripts
step "stylelint" sheets
step "clang-tidy" tidy
exit $failed
