#!/bin/bash
# Events by name: tracepoints, probes, samples by other events than cycles, counts. samples/markers does
# a prime number of everything.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"
M=$SAMPLES/markers
TRACEFS=$(awk '$3 == "tracefs" { print $2; exit }' /proc/mounts)

# Whether this machine lets us record tracepoints; skips the test otherwise.
need_tracepoints() {
	"$REC" -q -e syscalls:sys_enter_write -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "no tracepoints here: $(cat probe.err)"
}

need_probes() {
	"$REC" -q -e "uprobe:$M:step" -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "no probes here: $(cat probe.err)"
}

# What must be the same before and after.
kernel_state() {
	cat /proc/mounts "$TRACEFS"/uprobe_events "$TRACEFS"/kprobe_events "$TRACEFS"/set_event \
		"$TRACEFS"/tracing_on 2>/dev/null
}

test_a_tracepoint_counts_every_call_with_its_fields() {
	need_tracepoints
	check_status 0 "$REC" -e syscalls:sys_enter_write -o t.rec -- "$M"
	check_status 0 "$ANA" verify t.rec
	check_equal "$(count_events t.rec syscalls:sys_enter_write)" 97 "calls of write"
	"$ANA" dump t.rec -e syscalls:sys_enter_write -f jsonl >rows
	check_equal "$(jq -s 'map(select(.fields.count == 1 and .fields.comm == "markers"
		and .fields.fd >= 3 and (.fields.buf | startswith("0x")))) | length' rows)" 97 "their fields"
	check_equal "$(jq -s '[.[].fields.stack | index("write") // index("__GI___libc_write")] |
		map(select(. != null)) | length' rows)" 97 "stacks that end in write"
	jq -e 'select(.fields | has("common_pid"))' rows >/dev/null && fail "common fields are there"
	command -v perf >/dev/null || return 0
	perf record -q -o p.data -e syscalls:sys_enter_write "$M" 2>/dev/null || return 0
	check_equal "$(perf script -i p.data 2>/dev/null | grep -c sys_enter_write)" 97 "what perf sees"
}

test_filters_are_the_kernels() {
	need_tracepoints
	check_status 0 "$REC" -q -e 'syscalls:sys_enter_write/count == 1 && fd > 2/' -o a.rec -- "$M"
	check_equal "$(count_events a.rec syscalls:sys_enter_write)" 97 "of one byte"
	check_status 0 "$REC" -q -e 'syscalls:sys_enter_write/count == 2/' -o b.rec -- "$M"
	check_equal "$(count_events b.rec syscalls:sys_enter_write)" 0 "of two bytes"
	check_status 0 "$REC" -q -o c.rec \
		-e 'sched:sched_process_exec/filename ~ "*/markers"/,sched:sched_process_fork' -- "$M"
	check_equal "$(count_events c.rec sched:sched_process_exec)" 1 "of this name"
	check_equal "$(count_events c.rec sched:sched_process_fork)" 1 "without a filter"
	check_equal "$("$ANA" info c.rec -f json | jq -r '.sections.facts.facts."source.event.events"')" \
		'sched:sched_process_exec/filename ~ "*/markers"/,sched:sched_process_fork' "told in the trace"
}

test_wildcards_mean_all_that_fit_each_once() {
	need_tracepoints
	check_status 0 "$REC" -q -e 'sched:sched_process_*' -e 'sched:sched_process_f*,syscalls:sys_*_write' \
		-o t.rec -- "$M"
	check_equal "$(count_events t.rec sched:sched_process_fork)" 1 "forks"
	check_equal "$(count_events t.rec sched:sched_process_exec)" 1 "execs"
	# Linux 6.1 has taken a task's events away when it comes there; the whole system's stay.
	exits=$(count_events t.rec sched:sched_process_exit)
	[ "$exits" = 0 ] || check_equal "$exits" 2 "exits"
	check_equal "$(count_events t.rec syscalls:sys_enter_write)" 97 "calls"
	check_equal "$(count_events t.rec syscalls:sys_exit_write)" 97 "returns"
	"$ANA" dump t.rec -e syscalls:sys_exit_write | grep -qw 'ret=1' || fail "no result"
	# Texts of any length, in the record's tail.
	"$ANA" dump t.rec -e sched:sched_process_exec | grep -q "filename=$M" || fail "no file name"
	# A field that is called as one of ours.
	"$ANA" dump t.rec -e sched:sched_process_exec -f jsonl | jq -e 'select(.fields.pid ==
		.fields."args.pid" and .fields.comm == "markers")' >/dev/null || fail "no args.pid"
}

test_without_stacks_there_is_no_field_for_them() {
	need_tracepoints
	check_status 0 "$REC" -q -e syscalls:sys_enter_write --no-stack -o t.rec "$M"
	check_equal "$("$ANA" dump t.rec -e syscalls:sys_enter_write -f csv | head -n 1 | tr -d '"\r')" \
		"time,cpu,pid,tid,comm,__syscall_nr,fd,buf,count" "columns"
	check_equal "$(count_events t.rec syscalls:sys_enter_write)" 97 "a command needs no --"
}

test_the_scheduler_as_perf_users_ask_for_it() {
	need_tracepoints
	"$REC" -q -a -d 0.1 -e sched:sched_switch -o probe.rec 2>/dev/null || skip "not the whole system"
	"$SAMPLES/calltree" 20000 2 &
	check_status 0 "$REC" -e sched:sched_switch -a -d 1 -o t.rec
	kill $!
	check_status 0 "$ANA" flame t.rec -e sched:sched_switch -o t.svg
	grep -q 'Flame graph of sched:sched_switch' t.svg || fail "no title"
	check_status 0 "$ANA" flame t.rec -e sched:sched_switch -f folded
	check_prints ';(__)?schedule'
	# States by their names in the kernel's format: S sleeps, R is the name of 0.
	"$ANA" dump t.rec -e sched:sched_switch >rows
	grep -q ' prev_state=S ' rows || fail "nobody sleeps"
	grep -q ' prev_state=R ' rows || fail "nobody is ready"
	check_between 20 "$(wc -l <rows)" 1000000 "switches"
}

test_an_event_that_counts_more_than_itself_comes_once() {
	need_tracepoints
	"$REC" -q -a -d 0.1 -e sched:sched_switch -o probe.rec 2>/dev/null || skip "not the whole system"
	"$SAMPLES/calltree" 20000 &
	check_status 0 "$REC" -a -d 0.5 -e sched:sched_stat_runtime --no-stack -o t.rec
	kill $!
	"$ANA" dump t.rec -e sched:sched_stat_runtime -f jsonl >rows
	check_between 2 "$(wc -l <rows)" 100000 "rows"
	check_equal "$(sort -u rows | wc -l)" "$(wc -l <rows)" "rows that differ"
}

test_a_pattern_leaves_out_what_nobody_may_record() {
	need_tracepoints
	"$REC" -q -a -d 0.1 -e sched:sched_switch -o probe.rec 2>/dev/null || skip "not the whole system"
	[ -d "$TRACEFS/events/irq_vectors/irq_work_exit" ] || skip "no such tracepoint"
	check_status 0 "$REC" -a -d 0.1 -e 'irq_vectors:irq_work_*' -o t.rec
	check_says '^rec: not recorded: irq_vectors:irq_work_exit \('
	check_status 3 "$REC" -a -d 0.1 -e irq_vectors:irq_work_exit -o u.rec
	check_says 'does not permit'
}

test_through_a_pipe() {
	need_tracepoints
	"$REC" -q -e syscalls:sys_enter_write -o - -- "$M" |
		"$ANA" dump - -e syscalls:sys_enter_write -f jsonl >rows
	check_equal "$(grep -c '"count":1' rows)" 97 "rows"
}

test_functions_are_entered_and_left() {
	need_probes
	check_status 0 "$REC" -o t.rec -e "uprobe:$M:step,uretprobe:$M:step,uprobe:$M:shop::Cart::fill" \
		-- "$M"
	# 61 in the program, 7 in its child, whose fork a probe must not disturb.
	check_equal "$(count_events t.rec uprobe:markers:step)" 68 "entered"
	check_equal "$(count_events t.rec uretprobe:markers:step)" 68 "left"
	check_equal "$(count_events t.rec uprobe:markers:shop::Cart::fill)" 23 "the C++ function"
	check_equal "$("$ANA" dump t.rec -e uprobe:markers:step -f csv | tail -n +2 | cut -d, -f3 |
		sort -u | wc -l)" 2 "processes"
	"$ANA" flame t.rec -e uprobe:markers:step -f folded | grep -q ';step' || fail "not in step"
	command -v objdump >/dev/null || skip "no objdump to find an instruction's offset"
	second=$(objdump -d --no-show-raw-insn "$M" | grep -A 2 '<_ZN4shop4Cart4fillEl>:' |
		awk '/^ / { print substr($1, 1, length($1) - 1) }' | tail -n 1)
	first=$(nm "$M" | awk '$3 == "_ZN4shop4Cart4fillEl" { print $1 }')
	offset=$((0x$second - 0x$first))
	check_status 0 "$REC" -q -e "uprobe:$M:_ZN4shop4Cart4fillEl+$offset" -o o.rec -- "$M"
	check_equal "$(count_events o.rec "$(printf 'uprobe:markers:_ZN4shop4Cart4fillEl+0x%x' $offset)")" \
		23 "its second instruction"
}

test_markers_in_several_places_and_with_semaphores() {
	need_probes
	check_status 0 "$REC" -q -e "usdt:$M:sample:tick" -e "usdt:$M:sample:tock" -o t.rec -- "$M"
	check_equal "$(count_events t.rec usdt:sample:tick)" 61 "43 in one place, 18 in another"
	check_equal "$(count_events t.rec usdt:sample:tock)" 13 "without semaphore"
	check_equal "$("$ANA" flame t.rec -e usdt:sample:tick -f folded --by none |
		sed 's/.*;//' | sort | tr '\n' ' ')" "tick 43 tick_elsewhere 18 " "places"
}

test_probes_of_running_processes_see_only_those() {
	need_probes
	"$M" 3000 &
	a=$!
	"$M" 3200 &
	b=$!
	sleep 0.3
	check_status 0 "$REC" -q -e "usdt:$M:sample:tick,uprobe:$M:step" -p $a -o t.rec
	wait $b
	check_equal "$(count_events t.rec usdt:sample:tick)" 61 "markers"
	check_equal "$(count_events t.rec uprobe:markers:step)" 68 "with the child's"
	check_equal "$("$ANA" dump t.rec -p $b | wc -l)" 0 "events of the other"
}

test_python_tells_its_collections() {
	need_probes
	python=$(readlink -f /usr/bin/python3)
	readelf -n "$python" 2>/dev/null | grep -q gc__start || skip "$python has no markers"
	for n in 0 97; do
		check_status 0 "$REC" -q -e "usdt:$python:python:gc__start,usdt:$python:python:gc__done" \
			-o $n.rec -- "$python" -S -c "import gc; gc.disable(); [gc.collect() for i in range($n)]"
	done
	# Python collects at its end as well.
	check_equal $(($(count_events 97.rec usdt:python:gc__start) - $(count_events 0.rec usdt:python:gc__start))) \
		97 "collections"
	check_equal "$(count_events 97.rec usdt:python:gc__start)" \
		"$(count_events 97.rec usdt:python:gc__done)" "begun and done"
}

test_samples_by_a_software_event() {
	need_perf
	check_status 0 "$REC" -e page-faults -c 1 -o t.rec -- "$M"
	check_equal "$("$ANA" flame t.rec -e page-faults -f folded | awk '/;touch/ { n += $NF } END { print n }')" \
		101 "new pages"
	check_equal "$("$ANA" dump t.rec -e page-faults | wc -l)" "$(count_events t.rec cpu_sample)" "by name"
	check_equal "$("$ANA" dump t.rec -e page-faults -f jsonl | jq -r .fields.period | sort -u)" 1 "period"
	check_equal "$("$ANA" info t.rec -f json | jq -r '.sections.facts.facts."source.cpu.event"')" \
		page-faults "told in the trace"
}

test_several_sampling_events_are_not_mixed() {
	need_perf
	check_status 0 "$REC" cpu -e cpu-clock,page-faults -F 999 -o t.rec -- "$SAMPLES/calltree" 300
	"$ANA" flame t.rec -f text >out
	check_prints 'Shown are samples by cpu-clock; there are also [0-9]+ by page-faults'
	check_equal "$("$ANA" flame t.rec -f folded | awk '{ n += $NF } END { print n }')" \
		"$("$ANA" dump t.rec -e cpu-clock | wc -l)" "the clock's samples"
}

test_cycles_or_a_clock_and_it_says_so() {
	need_perf
	check_status 0 "$REC" -e cycles -F 999 -o t.rec -- "$SAMPLES/calltree" 300
	if grep -q 'no hardware counter' err; then
		check_between 20 "$("$ANA" dump t.rec -e cpu-clock | wc -l)" 500 "samples by the clock"
		check_status 3 "$REC" -e cache-misses -o u.rec -- true
		check_says '^rec: source cpu: no hardware counter for .cache-misses. here'
		check_status 3 "$REC" -e cycles -c 100000 -o u.rec -- true
		check_says "no hardware counter for 'cycles'"
		check_status 0 "$REC" -e cache-misses,page-faults -c 1 -o v.rec -- "$M"
		check_says "^rec: no hardware counter for 'cache-misses'"
		skip "no hardware counters: cycles, instructions, caches and raw events were not recorded"
	fi
	check_between 200 "$("$ANA" dump t.rec -e cycles | wc -l)" 500 "samples by cycles"
	check_status 0 "$REC" -e instructions,cache-misses -c 100000 -o u.rec -- "$SAMPLES/calltree" 300
	check_between 10 "$("$ANA" dump u.rec -e instructions | wc -l)" 10000000 "samples by instructions"
}

test_counts_over_time_add_up() {
	need_perf
	check_status 0 "$REC" --stat '{page-faults,context-switches},task-clock' --interval 50ms -o t.rec -- \
		"$SAMPLES/calltree" 500 2 1
	"$ANA" dump t.rec -e counter -f jsonl >rows
	sum() { jq -s "map(select(.fields.name == \"$1\") | .fields.$2) | add" rows; }
	# Three threads of half a second of CPU time each.
	check_between 1450 "$(($(sum task-clock value) / 1000000))" 2600 "ms of CPU time"
	check_equal "$(sum page-faults value)" "$(sum page-faults counted)" "software is counted all the time"
	check_equal "$(sum page-faults enabled)" "$(sum page-faults running)" "times"
	check_between 8 "$(jq -s 'map(select(.fields.name == "page-faults")) | length' rows)" 200 "rows"
	check_equal "$(jq -s 'map(.time) | unique | length' rows)" \
		"$(jq -s 'map(select(.fields.name == "page-faults")) | length' rows)" "read together"
	check_status 0 "$REC" --stat page-faults -o u.rec -- "$M"
	"$ANA" dump u.rec -e counter -f jsonl >rows
	check_between 101 "$(sum page-faults value)" 400 "101 new pages and a program's start"
	command -v perf >/dev/null || return 0
	perf stat -x, -e page-faults -o p.txt -- "$M" 2>/dev/null
	[ -s p.txt ] || return 0
	check_between $(($(sum page-faults value) - 10)) "$(awk -F, '/page-faults/ { print $1 }' p.txt)" \
		$(($(sum page-faults value) + 10)) "what perf counts"
}

test_the_usual_counters_of_system_and_process() {
	need_perf
	"$SAMPLES/calltree" 20000 2 &
	check_status 0 "$REC" stat -p $! -d 1 -o t.rec
	kill $!
	"$ANA" dump t.rec -e counter -f jsonl >rows
	check_equal "$(jq -r .fields.pid rows | sort -u)" $! "the process"
	check_between 2 "$(jq -r 'select(.fields.name == "task-clock") | .time' rows | wc -l)" 12 "intervals"
	"$REC" stat -q -a -d 0.2 -o a.rec 2>/dev/null || skip "not the whole system"
	check_equal "$("$ANA" dump a.rec -e counter -f jsonl | jq .fields.cpu | sort -un | wc -l)" \
		"$(nproc --all)" "CPUs"
}

# says STATUS PATTERN ARGUMENT...: rec refuses in one line.
says() {
	local status=$1 pattern=$2
	shift 2
	check_status "$status" "$REC" -o no.rec "$@"
	check_says "$pattern"
	[ ! -e no.rec ] || fail "a trace was left"
	[ "$status" = 2 ] || check_equal "$(wc -l <err)" 1 "lines of: $(cat err)"
}

test_mistakes_are_explained() {
	says 2 'is no event' -e 'a b' -- true
	says 2 'write usdt:' -e usdt:/bin/sh:x -- true
	says 2 'has no end' -e 'sched:sched_switch/x' -- true
	says 2 'has no fields' -e 'cycles/x/' -- true
	says 2 'either by frequency' -e cycles -F 9 -c 9 -- true
	says 2 "cannot count 'sched:sched_switch'" --stat sched:sched_switch -- true
	says 2 'name the tracepoints' event -- true
	says 2 'no interval' --stat cycles --interval 0 -- true
	need_perf
	says 3 "no event 'page-fault'; did you mean page-faults" -e page-fault -- true
	says 3 "no event 'cyclse'; did you mean cycles" --stat cyclse -- true
	says 3 "no function 'stepp' in .*; did you mean step" -e "uprobe:$M:stepp" -- true
	says 3 "no provider 'smple'.*did you mean sample:tick" -e "usdt:$M:smple:tick" -- true
	says 3 "no marker 'tik'.*did you mean sample:tick" -e "usdt:$M:sample:tik" -- true
	says 3 "cannot open '/nowhere': No such file" -e uprobe:/nowhere:main -- true
	says 3 'not an ELF file' -e "uprobe:$REPO/Makefile:main" -- true
	echo x >section
	objcopy --add-section .gopclntab=section "$M" like-go 2>/dev/null &&
		says 3 'is a Go program' -e uretprobe:./like-go:step -- true
	need_tracepoints
	says 3 "no tracepoint 'sched:sched_swich'; did you mean sched:sched_switch" -e sched:sched_swich -- true
	says 3 "no tracepoint is called like 'nosuch:\*'" -e 'nosuch:*' -- true
	says 3 "sched:sched_switch has no field 'prev_pidd'.*prev_pid" \
		-e 'sched:sched_switch/prev_pidd == 1/' -- true
	says 3 'does not take the filter' -e 'sched:sched_switch/prev_pid == /' -- true
}

test_where_tracefs_is_not_mounted_the_command_is_said() {
	need_tracepoints
	unshare -m true 2>/dev/null || skip "no mount namespaces"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'while umount -t tracefs -a 2>/dev/null && grep -q " tracefs " /proc/mounts; do :; done
		grep -q " tracefs " /proc/mounts && exit 77
		"$@"; s=$?; grep -q " tracefs " /proc/mounts && exit 78; exit $s' sh \
		"$REC" -o no.rec -e sched:sched_switch -- true >out 2>err
	status=$?
	[ $status != 77 ] || skip "tracefs cannot be unmounted here"
	check_equal $status 3 "status; $(cat err)"
	check_says 'sudo mount -t tracefs nodev /sys/kernel/tracing'
}

test_an_ordinary_user_is_told_what_to_do() {
	[ "$(id -u)" = 0 ] || skip "only root can become somebody else"
	need_tracepoints
	chmod 777 . "$WORK"
	cp "$REC" "$M" .
	check_status 3 setpriv --reuid=65534 --regid=65534 --clear-groups ./rec -o no.rec \
		-e sched:sched_switch -- true
	check_says '^rec: (source event: only root may read .*mount -o remount|.*CAP_PERFMON)'
	check_status 3 setpriv --reuid=65534 --regid=65534 --clear-groups ./rec -o no.rec \
		-e uprobe:./markers:step -- true
	check_says 'CAP_PERFMON'
}

test_nothing_is_left_behind_even_by_a_kill() {
	need_tracepoints
	need_probes
	kernel_state >before
	[ "$(wc -l <before)" -gt 2 ] || skip "tracefs is not readable"
	"$REC" -q -e "usdt:$M:sample:tick,uprobe:$M:step,sched:sched_switch" -o a.rec -- "$M" || fail "rec"
	"$M" 800 &
	target=$!
	"$REC" -q -e "usdt:$M:sample:tick,uprobe:$M:step,sched:sched_switch" -p $target -o b.rec &
	rec=$!
	sleep 0.4
	kernel_state >during
	kill -9 $rec
	wait $rec 2>/dev/null
	wait $target || fail "the target did not survive"
	kernel_state >after
	cmp before during || fail "changed while recording"
	cmp before after || fail "changed afterwards"
}

run_tests
