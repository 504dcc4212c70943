#!/bin/bash
# What recording every system call costs a program that does little else, beside perf and beside two empty
# programs at the same places. Run by run.sh. Both the clock's time, which has the recorder's reading in it, and
# the CPU time of the program itself, which others on the machine disturb less.
set -u
build=$(realpath "${BUILD:-build}")
rec=$build/rec
ana=$build/ana
calls=${CALLS:-1000000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

cat >load <<SH
#!/bin/bash
TIMEFORMAT='load %R %U %S'
time dd bs=1 count=$calls if=/dev/zero of=/dev/null 2>/dev/null
SH
chmod +x load

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }
median() { sort -n | sed -n 2p; }

plain_clock=0 plain_cpu=0 # set by run
# run NAME COMMAND...: sets NAME_clock and NAME_cpu, the medians of three runs, in seconds.
run() {
	local name=$1
	shift
	for _ in 1 2 3; do
		rm -f t.rec t.data
		"$@" ./load 2>&1 | awk '/^load/ { print $2, $3 + $4 }'
	done >runs
	declare -g "${name}_clock=$(cut -d' ' -f1 runs | median)" "${name}_cpu=$(cut -d' ' -f2 runs | median)"
}

tell() { # NAME TEXT
	local clock=${1}_clock cpu=${1}_cpu
	echo "$2: $(ratio "${!clock}" "$plain_clock")x by the clock, $(ratio "${!cpu}" "$plain_cpu")x of its CPU time"
}

echo "== syscalls: dd with $calls reads and $calls writes of a byte, every call recorded"
"$rec" syscalls -q -o probe.rec -- true 2>probe.err || {
	echo "rec syscalls does not work here: $(cat probe.err)"
	exit 0
}
run plain env
run empty "$build/bench/empty_pair"
run sum "$rec" syscalls -q --summary -o t.rec --
run rec "$rec" syscalls -q -o t.rec --
"$ana" info t.rec -f json >info.json
"$ana" info t.rec | sed -n "s/^recorder's cost: *//p" >cost
tell empty "two empty programs"
tell rec "rec syscalls (wanted: 3.2)"
tell sum "rec syscalls --summary"
# per_call COMMAND...: what one call takes at best, in ns.
per_call() {
	rm -f t.rec
	"$@" "$build/bench/many_calls" | cut -d' ' -f1
}
# Each beside the others, seven times, so that they are disturbed alike; the middle of what each took at best.
for _ in 1 2 3 4 5 6 7; do
	echo "plain $(per_call env)"
	echo "empty $(per_call "$build/bench/empty_pair")"
	echo "sum $(per_call "$rec" syscalls -q --summary -o t.rec --)"
	echo "rec $(per_call "$rec" syscalls -q -o t.rec --)"
done | sort -k1,1 -k2,2n | awk '{ v[$1, ++n[$1]] = $2 }
	END {
		for (k in n) m[k] = v[k, 4]
		empty = m["empty"] - m["plain"]
		printf "a call: %.0f ns, two empty programs add %.0f, --summary %.0f (%.2f times as much; wanted: 2), all %.0f (%.2f times)\n",
			m["plain"], empty, m["sum"] - m["plain"], (m["sum"] - m["plain"]) / empty,
			m["rec"] - m["plain"], (m["rec"] - m["plain"]) / empty
	}'
jq -r '.sections.events.rows[] | select(.event == "syscall") |
	"rec: \(.bytes_per_event) bytes per call (wanted: 3), \(.count) calls"' info.json
echo "rec: lost $(jq '[.sections.losses.rows[].lost] | add // 0' info.json)," \
	"$(cat cost)"
perf record -q -o /dev/null -e raw_syscalls:sys_enter -- true 2>/dev/null || {
	echo "perf cannot record system calls here"
	exit 0
}
run perf perf record -q -e raw_syscalls:sys_enter,raw_syscalls:sys_exit -o t.data
tell perf "perf record of the two tracepoints"
