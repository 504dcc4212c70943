#!/bin/bash
# What recording the scheduler costs a pair of processes that do nothing but wake each other, beside perf.
# Run by run.sh; the CPU time of the pair itself is what counts, as it grows by what runs inside each switch.
set -u
build=$(realpath "${BUILD:-build}")
rec=$build/rec
ana=$build/ana
rounds=${ROUNDS:-100003}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# The CPU time of the pair under a recorder (none: nothing in front), median of three, in ms.
pair() {
	for _ in 1 2 3; do
		rm -f t.rec t.data
		"$@" bash -c "TIMEFORMAT='pair %U %S'; time '$build/samples/pingpong' $rounds >/dev/null" 2>&1 |
			awk '/^pair/ { print ($2 + $3) * 1000 }'
	done | sort -n | sed -n 2p
}

added() { awk -v a="$1" -v b="$2" -v n="$rounds" 'BEGIN { printf "%.2f", (a - b) * 1000 / (2 * n) }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }

echo "== sched: $rounds rounds of ping-pong on one CPU, CPU time of the pair"
"$rec" sched -q -o probe.rec -- true 2>probe.err || {
	echo "rec sched does not work here: $(cat probe.err)"
	exit 0
}
plain=$(pair env)
none=$(pair "$rec" sched -q --stacks none -o t.rec --)
events=$("$ana" info t.rec -f json | jq '[.sections.events.rows[] | select(.event | test("^sched_")) | .count] | add')
bytes=$("$ana" info t.rec -f json | jq '[.sections.events.rows[] | select(.event | test("^sched_")) | .bytes] | add')
stacks=$(pair "$rec" sched -q -o t.rec --)
echo "a hand-over costs $(added "$plain" 0) us; rec adds $(added "$none" "$plain") us, with stacks $(added "$stacks" "$plain") us"
echo "rec: $(ratio "$bytes" "$events") bytes per event ($events events, the whole file $(ratio "$(stat -c %s t.rec)" "$events"))"
perf record -q -o /dev/null -e sched:sched_switch -- true 2>/dev/null || {
	echo "perf cannot record the scheduler here"
	exit 0
}
two="sched:sched_switch,sched:sched_wakeup"
a=$(pair perf sched record -o t.data)
b=$(pair perf record -q -e "$two" -o t.data)
c=$(pair perf record -q -g -e "$two" -o t.data)
echo "perf sched record adds $(added "$a" "$plain") us: ratio rec/perf $(ratio "$(added "$none" "$plain")" "$(added "$a" "$plain")")"
echo "perf record of the two events adds $(added "$b" "$plain") us: ratio $(ratio "$(added "$none" "$plain")" "$(added "$b" "$plain")")"
echo "perf record -g of the two adds $(added "$c" "$plain") us: ratio with stacks $(ratio "$(added "$stacks" "$plain")" "$(added "$c" "$plain")")"
perf record -q -z -e "$two" -o z.data -- "$build/samples/pingpong" "$rounds" >/dev/null 2>&1
n=$(perf script -i z.data -F comm,time 2>/dev/null | grep -c .)
z=$(ratio "$(stat -c %s z.data)" "$n")
[ "$n" -gt 0 ] && echo "perf record -z: $z bytes per event: ratio $(ratio "$(ratio "$bytes" "$events")" "$z")"
