#!/bin/bash
# CPUs that go and come while recording, in a machine that is thrown away afterwards: a kernel may not be the
# same after it (perf of Linux 6.18 tells nothing of the idle thread of such a CPU any more).
# shellcheck source=tests/e2e/lib.sh disable=SC2317
. "$(dirname "$0")/../e2e/lib.sh"

cpu=/sys/devices/system/cpu/cpu1/online

now_ns() { python3 -c 'import time; print(time.monotonic_ns())'; }

# Waits until rec has written something, which it does a second after it has begun to record.
wait_for_trace() {
	for _ in {1..300}; do
		[ ! -s "$1" ] || return 0
		sleep 0.5
	done
	fail "nothing is recorded into $1: $(cat err)"
}

# on_cpu_1 TRACE EVENT FROM_NS UNTIL_NS: times, threads and values of what is recorded there.
on_cpu_1() {
	"$ANA" dump "$1" -e "$2" -C 1 -f jsonl 2>/dev/null |
		jq -r --argjson from "$3" --argjson until "$4" 'select(.time >= $from and .time < $until) |
			"\(.time) \(.fields.comm) \(.fields.value)"'
}

test_cpus_that_come_back_are_recorded_again() {
	grep -q vm.out= /proc/cmdline || skip "takes a CPU of the machine away: not of one that is needed later"
	[ "${TEST_HOTPLUG-}" ] || skip "takes ten minutes on an emulated machine: on request, TEST_HOTPLUG=1"
	[ -w $cpu ] || skip "no CPU can be taken away"
	# At 3 a CPU that comes asks for rights that rec has given up.
	echo 2 >/proc/sys/kernel/perf_event_paranoid
	# One that goes on, and one that starts others, which want to be on that CPU.
	"$SAMPLES/calltree" 1000000 2 &
	one=$!
	sh -c 'while sleep 0.1; do taskset -c 1 sh -c "printf late >/proc/self/comm; i=0; while [ \$i -lt 3000 ]; do i=\$((i + 1)); done"; done' 2>/dev/null &
	two=$!
	"$REC" cpu -q -a -F 99 --stat task-clock -o t.rec 2>err &
	all=$!
	wait_for_trace t.rec
	check_between 1 "$(on_cpu_1 t.rec cpu_sample 0 "$(now_ns)" | wc -l)" 100000 "samples before it went"
	echo 0 >$cpu
	gone=$(now_ns)
	"$REC" cpu -p $one,$two -F 99 -o p.rec 2>err &
	some=$!
	wait_for_trace p.rec
	back=$(now_ns)
	echo 1 >$cpu
	up=$(now_ns)
	sleep 20
	kill -INT $all $some
	wait $all || fail "status $? of the recording of all"
	wait $some || fail "status $? of that of some processes"
	end=$(now_ns)
	kill $one $two || fail "processes ended too early"
	grep 'came while recording' err && fail "not all of CPU 1 was recorded"
	check_status 0 "$ANA" verify t.rec
	check_status 0 "$ANA" verify p.rec
	check_equal "$(on_cpu_1 t.rec cpu_sample "$gone" "$back" | wc -l)" 0 "samples while it was away"
	check_equal "$(on_cpu_1 p.rec cpu_sample 0 "$back" | wc -l)" 0 "samples of processes while it was away"
	most=$(((end - back) / 10000000)) # at 99 Hz
	on_cpu_1 t.rec cpu_sample "$up" "$end" >all
	on_cpu_1 p.rec cpu_sample "$up" "$end" >some
	check_between 100 "$(wc -l <all)" $most "samples of CPU 1 after it was back"
	check_between 20 "$(wc -l <some)" $most "samples of processes on CPU 1"
	grep -q ' late ' some || fail "a thread that started on it is not there"
	check_between 5 "$(on_cpu_1 t.rec counter "$up" "$end" | awk '$3 > 0' | wc -l)" $most \
		"counts of CPU 1 after it was back"
}

run_tests
