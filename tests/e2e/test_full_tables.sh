#!/bin/bash
# Tables of the kernel's sources that are too small: what found no place is told as a loss.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

with_places() { # N REC OPTIONS...
	local n=$1
	shift
	REC_BPF_PLACES=$n "$REC" "$@"
}

need_bpf() {
	"$REC" sched -q --min 1ms -o probe.rec -- true 2>probe.err && rm -f probe.rec &&
		! grep -q 'instead of BPF' probe.err && return
	skip "BPF programs are refused here: $(cat probe.err)"
}

no_place() { # TRACE EVENT
	"$ANA" dump "$1" -e lost -f jsonl 2>/dev/null |
		jq -s "map(.fields | select(.event == \"$2\" and .reason == \"table_full\").lost) | add // 0"
}

sum() { # TRACE EVENT FIELD
	"$ANA" dump "$1" -e "$2" -f jsonl 2>/dev/null | jq -s "map(.fields.$3) | add // 0"
}

# check_last_line N: the line that ends a recording counts them.
check_last_line() {
	sed -i 's/,//g' err
	check_says " $1 lost; "
}

test_processes_that_cannot_be_followed_are_counted() {
	need_bpf
	check_status 0 with_places 3 syscalls -o t.rec -- \
		bash -c 'for i in {1..7}; do sleep 0.2 & done; wait'
	check_equal "$(no_place t.rec process)" 5 "of 7 children 2 find a place beside their parent"
	check_equal "$("$ANA" dump t.rec -e syscall -f jsonl | jq -r '.fields | select(.comm == "sleep") | .pid' | sort -u | wc -l)" \
		2 "recorded sleepers"
	check_last_line 5
}

test_calls_that_cannot_be_counted_are_lost() {
	need_bpf
	check_status 0 "$REC" syscalls --summary --call '!exit_group,!execve' -o whole.rec -- "$SAMPLES/calls"
	check_status 0 with_places 5 syscalls --summary --call '!exit_group,!execve' -o t.rec -- "$SAMPLES/calls"
	lost=$(no_place t.rec syscall)
	[ "$lost" -gt 0 ] || fail "five places are enough for all calls of a program"
	check_equal $(($(sum t.rec syscall_summary calls) + lost)) "$(sum whole.rec syscall_summary calls)" \
		"counted and lost"
	check_last_line "$lost"
}

test_threads_without_a_place_lose_no_calls() {
	local rec sleepers='import threading, time
for _ in range(3):
	threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
time.sleep(2)
open("asleep", "w")
time.sleep(60)'
	need_bpf
	check_status 0 with_places 1 syscalls -o t.rec -- "$SAMPLES/calls" threads
	check_equal "$("$ANA" dump t.rec -e syscall -f jsonl | jq -r '.fields | select(.call == "sched_yield").tid' |
		sort | uniq -c | awk '{ print $1 }' | tr '\n' ' ')" "103 103 103 " "yields of three threads beside the first"
	check_says ' 0 lost'
	check_status 0 with_places 1 syscalls --summary --call sched_yield -o sum.rec -- "$SAMPLES/calls" threads
	check_equal "$(sum sum.rec syscall_summary calls)" 309 "yields that are counted"
	check_says ' 0 lost'
	REC_BPF_PLACES=1 "$REC" syscalls -q -o cut.rec -- python3 -c "$sleepers" &
	rec=$!
	for _ in $(seq 300); do
		[ -e asleep ] && break
		sleep 0.2
	done
	kill -INT $rec
	wait $rec || fail "rec says $?"
	check_equal "$("$ANA" dump cut.rec -e syscall_unfinished | grep -c 'call=clock_nanosleep end=recording')" 4 \
		"sleeps that go on"
}

test_waits_and_stacks_without_a_place_are_counted() {
	need_bpf
	check_status 0 with_places 2 sched --min 1ms -a -d 1 -o t.rec
	[ "$(no_place t.rec off_cpu)" -gt 0 ] || fail "two places are enough for all threads that wait"
	[ "$(no_place t.rec 'stack of off_cpu')" -gt 0 ] || fail "two stacks are enough for all threads that wait"
}

test_requests_without_a_place_are_lost_one_by_one() {
	need_bpf
	[ "$(id -u)" = 0 ] || skip "needs root for a loop device"
	truncate -s 32M file
	loop=$(losetup -f --show file 2>&1) || skip "no loop device: $loop"
	trap 'losetup -d "$loop"' EXIT
	REC_BPF_PLACES=1 "$REC" block -a --device "$loop" -d 60 -o t.rec 2>err &
	recorder=$!
	until [ "$(stat -c %s t.rec 2>/dev/null || echo 0)" -gt 1000 ]; do sleep 0.1; done
	for _ in {1..6}; do "$SAMPLES/diskwrites" "$loop" 97 >/dev/null & writers+=($!); done
	wait "${writers[@]}"
	kill -INT $recorder
	wait $recorder || fail "$(cat err)"
	lost=$(no_place t.rec block_io)
	untold=$("$ANA" dump t.rec -e lost -f jsonl 2>/dev/null |
		jq -s 'map(.fields | select(.reason == "untold").lost) | add // 0')
	[ "$lost" -gt 0 ] || fail "one place is enough for six writers"
	check_equal $(($("$ANA" dump t.rec -e block_io -f jsonl | jq -r 'select(.fields.op == "write") | .time' | wc -l) + lost + untold)) \
		$((6 * 97)) "recorded and lost"
}

run_tests
