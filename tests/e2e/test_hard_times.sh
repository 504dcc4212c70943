#!/bin/bash
# A disk that fills up or stalls, a reader that stalls, processes by the thousand: nothing recorded is
# lost, and what could not be recorded is counted.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

lost_in() { "$ANA" info "$1" -f json | jq '[.sections.losses.rows[].lost] | add // 0'; }

# recorded_and_lost TRACE: what the recorder itself counted, from its last words
recorder_fact() { "$ANA" info "$1" -f json | jq -r ".sections.facts.facts.\"recorder.$2\" // 0"; }

test_thousands_of_processes_are_all_there() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to record the system"
	"$REC" cpu -a -F 99 -o t.rec -q &
	rec=$!
	sleep 1
	timeout 250 python3 -c 'import os
for i in range(10000): os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)' ||
		fail "the processes did not start"
	sleep 0.3
	memory=$(awk '/VmHWM/ { print $2 }' /proc/$rec/status)
	kill -INT $rec
	wait $rec
	check_status 0 "$ANA" verify t.rec
	check_equal "$(lost_in t.rec)" 0 "losses"
	check_between 10000 "$("$ANA" dump t.rec -e process_exec -f csv | grep -c '"true"')" 10100 "execs of true"
	[ "$memory" -lt 65536 ] || fail "rec needed $memory KiB"
}

test_a_disk_that_stalls_costs_what_does_not_fit_and_not_the_recorder() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	truncate -s 64M disk
	mkfs.ext4 -q disk 2>/dev/null || skip "no mkfs.ext4"
	mkdir slow
	mount -o loop disk slow 2>/dev/null || skip "no loop device may be mounted"
	"$SAMPLES/calltree" 30000 &
	target=$!
	"$REC" cpu -q -F 999 -p $target -d 7 -o slow/t.rec &
	rec=$!
	sleep 2
	fsfreeze -f slow
	sleep 3
	fsfreeze -u slow
	wait $rec
	status=$?
	cp slow/t.rec .
	umount slow
	kill $target
	check_equal $status 0 "status"
	check_status 0 "$ANA" verify t.rec
	# 3 s at 999 Hz fit into the queue by far.
	check_equal "$(lost_in t.rec)" 0 "losses"
	check_equal "$(count_events t.rec cpu_sample)" "$(recorder_fact t.rec events)" "samples"
}

test_a_full_disk_keeps_what_was_written_and_says_so() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	mkdir small
	mount -t tmpfs -o size=1m none small 2>/dev/null || skip "no tmpfs may be mounted"
	timeout 60 "$REC" cpu -F 9999 -d 40 -o small/t.rec -- "$SAMPLES/deepstacks" 20 2>err >/dev/null
	status=$?
	cp small/t.rec .
	umount small
	check_equal $status 3 "status"
	check_says 'No space left on device'
	"$ANA" verify t.rec >out
	check_between 1000 "$(count_events t.rec cpu_sample)" 1000000 "samples that can be read"
}

test_a_reader_that_stalls_makes_counted_drops_and_never_a_blocked_recorder() {
	need_perf
	"$SAMPLES/deepstacks" 40 >/dev/null &
	one=$!
	"$SAMPLES/deepstacks" 40 >/dev/null &
	two=$!
	# Almost a MiB a second into a pipe that nobody reads for a while; the queue has 8 MiB.
	"$REC" cpu -q -F 15000 -p $one,$two -d 30 -o - | (
		sleep 28
		cat
	) >t.rec
	kill $one $two
	check_status 0 "$ANA" verify t.rec
	seen=$(count_events t.rec cpu_sample)
	all=$(recorder_fact t.rec events)
	slow=$("$ANA" info t.rec -f json |
		jq '[.sections.losses.rows[] | select(.event == "cpu_sample" and .reason == "disk_slow") | .lost] | add // 0')
	check_equal $((seen + slow)) "$all" "samples there ($seen) and dropped ($slow)"
	# A machine that takes few samples does not fill it.
	[ "$slow" -gt 0 ] || skip "the queue held everything: $seen samples"
}

run_tests
