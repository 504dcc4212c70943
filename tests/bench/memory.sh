#!/bin/bash
# What the recorder itself takes of memory on a busy machine, beside what it lost. Run by run.sh. The bound is in
# HACKING.md; MEMORY_SECONDS: of each recording (20).
set -u
root=$(realpath "$(dirname "$0")/../..")
build=$(realpath "${BUILD:-build}")
rec=$build/rec
ana=$build/ana
samples=$build/samples
seconds=${MEMORY_SECONDS:-20}
work=$(mktemp -d)
load=()
cleanup() {
	for group in "${load[@]}"; do kill -KILL -- "-$group" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1

# again COMMAND...: over and over, in a process group of its own
again() {
	setsid bash -c 'while :; do "$@"; done' again "$@" >/dev/null 2>&1 &
	load+=($!)
	disown
}

# The largest resident set in MiB that a recording had until its end, and events, lost ones among them.
peak() {
	local kib
	rm -f t.rec
	"$rec" "$@" -q -o t.rec 2>err &
	local recorder=$!
	sleep "$seconds"
	kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$recorder/status" 2>/dev/null)
	kill -INT $recorder
	wait $recorder || { echo "rec $*: $(tail -n 1 err)" && return; }
	"$ana" info t.rec -f json | jq -r --arg what "rec $*" --arg mib "$(awk -v k="$kib" 'BEGIN { printf "%.1f", k / 1024 }')" \
		'.sections.facts.facts | "\($what): \($mib) MiB; \(."recorder.events") events, \(."recorder.lost") lost"'
}

echo "== memory of the recorder at its peak, $(nproc) CPUs, $seconds s each (wanted: < 64 MiB with 2 CPUs)"
again "$samples/calltree" 3000
again "$samples/frames" deeper 3000
again "$samples/frames" thread 3000
again "$samples/pingpong" 100003
again "$samples/calls"
again "$samples/pagewalk"
again "$samples/diskwrites" "$work/data" 997 7
again bash -c 'for i in {1..97}; do /bin/true; done'
again python3 -c 'import json, sqlite3, ssl; [json.dumps(list(range(i))) for i in range(997)]'
again bash -c 'find /usr/include -name "*.h" | xargs cat | xz -1 | sha256sum'
again perl -e '$h{$_ % 10007}++ for 1 .. 1000003'
sleep 1
peak cpu -a
peak cpu -a --unwind bpf
peak sched -a
peak syscalls -a
peak cpu,sched,block,syscalls,faults -a

echo "== the same beside compilers: many processes that end soon, each of large files (${COMPILER_SECONDS:=2 * $seconds} s each)"
for group in "${load[@]}"; do kill -KILL -- "-$group" 2>/dev/null; done
load=()
mkdir copy
tar -C "$root" --exclude=./.git --exclude='./build*' -cf - . | tar -C copy -xf -
seconds=$((COMPILER_SECONDS))
again nice env -u MAKEFLAGS -u MAKELEVEL bash -c 'make -C copy clean; make -C copy -j2 all samples'
sleep 1
peak cpu,sched,block,syscalls,faults -a
peak cpu -a
peak cpu -a --unwind bpf
