#!/bin/bash
# What recording every request costs a disk's user, beside perf. Run by run.sh. The disk is a loop device over
# a file in memory, which is as fast as disks get: a request every 10 us or so.
set -u
build=$(realpath "${BUILD:-build}")
rec=$build/rec
ana=$build/ana
writes=${WRITES:-50021}
memory=/dev/shm
[ -w $memory ] || memory=${TMPDIR:-/tmp}
work=$(mktemp -d "$memory/bench-block-XXXXXX")
disk=
trap '[ -n "$disk" ] && losetup -d "$disk"; rm -rf "$work"' EXIT
cd "$work" || exit 1

echo "== block: $writes direct writes to a loop device"
"$rec" block -q -o probe.rec -- true 2>probe.err || {
	echo "rec block does not work here: $(cat probe.err)"
	exit 0
}
truncate -s 32M file
disk=$(losetup -f --show file 2>&1) || {
	echo "no loop device here: $disk"
	disk=
	exit 0
}

# Wall time under a recorder (env: none), the best of five, in ms.
took() {
	for _ in 1 2 3 4 5; do
		rm -f t.rec p.data
		"$@" bash -c "TIMEFORMAT='took %R'; time for i in {1..$((writes / 997))}; do '$build/samples/diskwrites' $disk; done >/dev/null" 2>&1 |
			awk '/^took/ { print $2 * 1000 }'
	done | sort -n | head -n 1
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }

plain=$(took env)
a=$(took "$rec" block -q -o t.rec --)
n=$("$ana" info t.rec -f json | jq '[.sections.events.rows[] | select(.event == "block_io") | .count] | add')
echo "rec: $(ratio "$a" "$plain") times as long, $(ratio "$(stat -c %s t.rec)" "$n") bytes per request ($n, the whole file)"
perf record -q -a -o p.data -e block:block_rq_insert,block:block_rq_issue,block:block_rq_complete -- true 2>/dev/null || {
	echo "perf cannot record block:* here"
	exit 0
}
b=$(took perf record -q -a -z -o p.data -e block:block_rq_insert,block:block_rq_issue,block:block_rq_complete --)
echo "perf record -a -z of insert, issue and complete: $(ratio "$b" "$plain") times as long, $(ratio "$(stat -c %s p.data)" "$n") bytes per request"

# What a request costs a fio job that has one at a time, in memory: fio's CPU time and the latency of the middle
# request. Each beside the others, so that they are disturbed alike; the middle and the least of nine rounds. A
# recording of one command follows its processes, for which the kernel does more at each of their switches; one of
# everybody does not. So each is beside perf's of its kind; perf's of one command has what its processes do themselves,
# and not the completions, which interrupts and the loop device's threads bring.
command -v fio >/dev/null || {
	echo "there is no fio"
	exit 0
}
job() { # NAME RECORDER...
	local name=$1
	shift
	rm -f t.rec p.data
	"$@" "$build/bench/measure" fio --name=j --filename="$disk" --rw=randwrite --ioengine=psync --direct=1 --bs=4k \
		--size=32M --number_ios="${REQUESTS:-20011}" --io_size=1T --randseed=7 --output-format=json --output=fio.json 2>err
	echo "$name $(awk 'NF == 3 { print $1 * 1e9 }' err) $(jq '.jobs[0].write.clat_ns.percentile["50.000000"]' fio.json)"
}
of_everybody() {
	"$rec" block -q -a -o t.rec &
	local recorder=$!
	until [ "$(stat -c %s t.rec 2>/dev/null || echo 0)" -gt 1000 ]; do sleep 0.05; done
	"$@"
	kill -INT $recorder
	wait $recorder
}
for _ in 1 2 3 4 5 6 7 8 9; do
	job plain env
	job rec "$rec" block -q -o t.rec --
	job rec-a of_everybody
	job perf perf record -q -z -o p.data -e block:block_rq_insert,block:block_rq_issue,block:block_rq_complete --
	job perf-a perf record -q -a -z -o p.data -e block:block_rq_insert,block:block_rq_issue,block:block_rq_complete --
done >fio.jobs
column() { # NAME COLUMN: its values, the least first
	awk -v n="$1" -v c="$2" '$1 == n { print $c }' fio.jobs | sort -n
}
for who in rec perf rec-a perf-a; do
	for how in "5 middle" "1 least"; do
		n=${how% *}
		awk -v n="${REQUESTS:-20011}" -v who=$who -v how="${how#* }" -v p="$(column plain 2 | sed -n "${n}p")" \
			-v c="$(column $who 2 | sed -n "${n}p")" -v pl="$(column plain 3 | sed -n "${n}p")" \
			-v l="$(column $who 3 | sed -n "${n}p")" 'BEGIN {
			printf "%s: a fio job takes %.2f times its CPU time (%+.2f us a request), its middle request %.2f times as long (%+.2f us), by the %s of 9 rounds\n",
				who, c / p, (c - p) / n / 1000, l / pl, (l - pl) / 1000, how }'
	done
done
