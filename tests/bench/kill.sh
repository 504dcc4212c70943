#!/bin/bash
# Part of `make bench`: kills recorders with SIGKILL at random moments and reads what is left.
#
#	tests/bench/kill.sh REC ANA SAMPLES [TIMES]
#
# Says how many traces could be read, how much of the time before the kill they miss, and what share of
# their stacks has names; and the same of perf record, where it is there.
set -u
rec=$1 ana=$2 samples=$3 times=${4:-100}
work=$(mktemp -d)
trap 'rm -rf "$work"; kill ${target:-} 2>/dev/null' EXIT
cd "$work" || exit 1
"$samples/calltree" 100000000 &
target=$!

now() { date +%s.%N; }
readable=0 missing=() named=()
for ((i = 0; i < times; i++)); do
	"$rec" cpu -q -F 999 -p $target -o t.rec &
	pid=$!
	# The moment at which it records, as its file says.
	while [ ! -s t.rec ]; do sleep 0.01; done
	began=$(now)
	sleep "$(awk -v r=$RANDOM 'BEGIN { printf "%.3f", 0.2 + 2.6 * r / 32768 }')"
	killed=$(now)
	kill -9 $pid
	wait $pid 2>/dev/null
	if "$ana" info t.rec -f json >info 2>/dev/null; then
		readable=$((readable + 1))
		last=$("$ana" dump t.rec -f jsonl 2>/dev/null | tail -n 1 | jq .time)
		uptime=$(awk '{ print $1 }' /proc/uptime)
		# From the clock of the trace (since boot) to the wall's.
		# Without any event all of it is missing.
		missing+=("$(awk -v l="${last:-0}" -v k="$killed" -v n="$(now)" -v u="$uptime" -v b="$began" \
			'BEGIN { printf "%.3f", l ? k - (n - u + l / 1e9) : k - b }')")
		named+=("$("$ana" flame t.rec -f folded 2>/dev/null | awk '{ n = $NF; all += n
			if (/main;work/) hit += n } END { printf "%.0f", all ? 100 * hit / all : 0 }')")
	fi
	rm -f t.rec
done
sorted() { printf '%s\n' "$@" | sort -n; }
echo "rec: $readable of $times traces read after kill -9; missing at the end: median $(sorted "${missing[@]}" |
	sed -n "$(((times + 1) / 2))p") s, at most $(sorted "${missing[@]}" | tail -n 1) s;" \
	"named stacks: median $(sorted "${named[@]}" | sed -n "$(((times + 1) / 2))p")%"
if perf record -q -o /dev/null -- true 2>/dev/null; then
	readable=0
	for ((i = 0; i < 5; i++)); do
		perf record -q -F 999 -g -p $target -o p.data 2>/dev/null &
		pid=$!
		sleep 2
		kill -9 $pid
		wait $pid 2>/dev/null
		[ "$(perf script -i p.data -F comm 2>/dev/null | wc -l)" -gt 0 ] && readable=$((readable + 1))
		rm -f p.data
	done
	echo "perf record: $readable of 5 read after kill -9"
fi
