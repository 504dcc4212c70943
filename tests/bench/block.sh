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
