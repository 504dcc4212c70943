#!/bin/bash
# Runs test programs one after the other and says how it went.
#
#	tests/run.sh NAME 'PROGRAM [ARGUMENT...]'...
#
# A program's status 0 is success. Lines that start with "SKIP:" anywhere in its output are counted
# and repeated at the end, so that nothing is left out unseen. Output goes to a log, which is shown
# when the program fails. Programs get at most TEST_TIMEOUT seconds (default 300) each.
set -u
name=$1
shift
logs=${TEST_LOGS:-build/logs}
mkdir -p "$logs"
failed=0
n=0
skips=$logs/$name.skips
: >"$skips"
for program in "$@"; do
	n=$((n + 1))
	base=$(basename "${program##* }")
	log=$logs/$name.$base.log
	start=$(date +%s%N)
	# shellcheck disable=SC2086 # a program and its arguments
	timeout -k 10 "${TEST_TIMEOUT:-300}" $program >"$log" 2>&1 </dev/null
	status=$?
	ms=$((($(date +%s%N) - start) / 1000000))
	grep -h '^SKIP:' "$log" | sed "s|^SKIP:|$base:|" >>"$skips"
	if [ $status = 0 ]; then
		printf 'ok    %-8s %-44s %6d ms\n' "$name" "$base" $ms
	else
		failed=$((failed + 1))
		printf 'FAIL  %-8s %-44s %6d ms, status %d; the end of %s:\n' "$name" "$base" $ms $status "$log"
		tail -n 60 "$log" | sed 's/^/      | /'
	fi
done
n_skips=$(wc -l <"$skips")
printf '%-5s %s: %d programs, %d failed, %d tests skipped\n' \
	"$([ $failed = 0 ] && echo ok || echo FAIL)" "$name" $n $failed "$n_skips"
sed 's/^/      skipped: /' "$skips"
[ $failed = 0 ]
