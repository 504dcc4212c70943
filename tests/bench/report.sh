#!/bin/bash
# How long a report of a recording of everything takes, for each event and as it would be for a trace of 1 GB.
# Run by run.sh. The load makes as many system calls as two CPUs can, which is what fills large traces.
#
#	REPORT_SECONDS=20  length of the recording
set -u
build=$(realpath "${BUILD:-build}")
rec=$build/rec
ana=$build/ana
measure=$build/bench/measure
seconds=${REPORT_SECONDS:-20}
work=$(mktemp -d)
load=
trap 'kill ${load:-} 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

cat >load <<'SH'
#!/bin/bash
# One-byte copies, writes that a disk has to complete, and programs that come and go.
trap 'kill $(jobs -p) 2>/dev/null; exit' TERM
while :; do dd bs=1 count=100000 if=/dev/zero of=/dev/null 2>/dev/null; done &
while :; do dd bs=4k count=50 if=/dev/zero of=written oflag=sync 2>/dev/null; done &
while :; do find /usr/include -name '*.h' | xargs cat | sort | tail -n 1 >/dev/null; done &
wait
SH
chmod +x load

echo "== report of a trace of cpu,sched,block,syscalls (wanted for 1 GB: < 10 s, < 512 MiB)"
./load &
load=$!
"$rec" cpu,sched,block,syscalls -q -a -d "$seconds" -o t.rec || exit 0
kill $load
wait $load 2>/dev/null
load=
events=$("$ana" info t.rec -f json | jq '[.sections.events.rows[].count] | add')
bytes=$(stat -c %s t.rec)
# Medians of CPU and clock seconds, and the peak, of three runs.
for _ in 1 2 3; do "$measure" "$ana" report t.rec -o t.html 2>&1 >/dev/null | tail -n 1; done >runs
cpu=$(cut -d' ' -f1 runs | sort -n | sed -n 2p)
clock=$(cut -d' ' -f2 runs | sort -n | sed -n 2p)
peak=$(cut -d' ' -f3 runs | sort -n | tail -n 1)
alone=$("$measure" "$ana" report t.rec --threads 1 -o t.html 2>&1 >/dev/null | tail -n 1 | cut -d' ' -f1)
awk -v alone="$alone" -v events="$events" -v bytes="$bytes" -v cpu="$cpu" -v clock="$clock" -v peak="$peak" 'BEGIN {
	printf "%d events, %.1f MiB, %.2f bytes each\n", events, bytes / 2 ^ 20, bytes / events
	printf "ana report: %.2f s of CPU, %.2f s by the clock, %.0f MiB; %.1f million events a second\n", \
		cpu, clock, peak / 1024, events / clock / 1e6
	printf "in one thread: %.2f s of CPU, %.0f ns for each event\n", alone, alone * 1e9 / events
	printf "for 1 GB of the same: %.0f s\n", clock * 1e9 / bytes
}'
