#!/bin/bash
# `rec syscalls` and `ana syscalls` on programs whose calls are known.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

CALLS=$SAMPLES/calls

need_syscalls() {
	"$REC" syscalls -q -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "BPF programs are refused here: $(cat probe.err)"
}

# table TRACE ID [OPTIONS]: the rows of a table of `ana syscalls`, one a line.
table() {
	local trace=$1 id=$2
	shift 2
	"$ANA" syscalls "$trace" -f json --top 1000 "$@" |
		jq -c --arg id "$id" '.sections[$id].rows // [] | .[]'
}

# field TRACE CALL FIELD
field() {
	table "$1" calls | jq --arg c "$2" "select(.call == \$c) | .$3"
}

# The sum of a field of all events of a type.
sum() { # TRACE EVENT FIELD
	"$ANA" dump "$1" -e "$2" -f jsonl 2>/dev/null | jq -s "map(.fields.$3) | add // 0"
}

# "CALL CALLS ERRORS" in order, without the calls that a recording cannot have: the exec that starts the command
# comes before its begin, and exit_group never returns.
counts() {
	table "$1" calls | jq -r '"\(.call) \(.calls) \(.errors)"' |
		grep -vE '^(execve|exit_group|exit) ' | sort
}

check_counts() { # TRACE
	check_equal "$(field "$1" getppid calls)" 1009 getppid
	check_equal "$(field "$1" close errors)" 89 "close of no descriptor"
	check_equal "$(field "$1" clock_nanosleep calls)" 7 sleeps
}

test_every_call_is_there() {
	need_syscalls
	check_status 0 "$REC" syscalls -o run.rec -- "$CALLS"
	check_says ' 0 lost'
	check_counts run.rec
	table run.rec errors >errors
	grep -q '"call":"close","error":"EBADF","count":89' errors || fail "EBADF: $(cat errors)"
	"$ANA" dump run.rec -e syscall | grep 'path=/nonexistent/file' >missing
	check_equal "$(wc -l <missing)" 97 "opens of the missing file"
	check_equal "$(grep -c 'error=ENOENT ret=-2 .*flags=O_RDWR|O_CLOEXEC' missing)" 97 "with flags and error"
	"$ANA" syscalls run.rec --list >out
	check_prints 'openat\(dfd=AT_FDCWD, filename="/nonexistent/file", flags=O_RDWR\|O_CLOEXEC, mode=0\) = -1 ENOENT'
	check_prints 'read\(fd=3, buf=0x[0-9a-f]+, count=1\) = 1$'
	"$ANA" verify run.rec >/dev/null || fail "the trace is not whole"
}

test_counts_equal_those_of_strace() {
	need_syscalls
	command -v strace >/dev/null || skip "no strace here"
	strace -f -c -o strace.txt "$CALLS" || skip "strace may not trace here"
	awk '$NF != "total" && $4 ~ /^[0-9]+$/ { print $NF, $4, (NF > 5 ? $5 : 0) }' strace.txt |
		grep -vE '^(execve|exit_group|exit) ' | sort >theirs
	"$REC" syscalls -q -o run.rec -- "$CALLS"
	counts run.rec >ours
	[ "$(wc -l <theirs)" -gt 8 ] || fail "strace counted little: $(cat strace.txt)"
	diff theirs ours >difference || fail "strace (<) and rec (>) differ: $(cat difference)"
}

test_counts_equal_those_of_perf_trace() {
	need_syscalls
	perf trace -s -o perf.txt true 2>/dev/null || skip "no perf trace here"
	# perf loses some when the CPUs are busy, and does not say so here.
	for _ in 1 2 3 4; do
		rm -f run.rec
		perf trace -s -o perf.txt "$CALLS"
		awk '$2 ~ /^[0-9]+$/ && NF >= 8 { print $1, $2, $3 }' perf.txt |
			grep -vE '^(execve|exit_group|exit) ' | sort >theirs
		"$REC" syscalls -q -o run.rec -- "$CALLS"
		counts run.rec >ours
		diff theirs ours >difference && break
	done
	[ "$(wc -l <theirs)" -gt 8 ] || fail "perf counted little: $(cat perf.txt)"
	[ ! -s difference ] || fail "perf trace (<) and rec (>) differ: $(cat difference)"
}

test_the_summary_counts_the_same() {
	need_syscalls
	"$REC" syscalls -q -o all.rec -- "$CALLS"
	check_status 0 "$REC" syscalls --summary -o sum.rec -- "$CALLS"
	check_equal "$(counts sum.rec)" "$(counts all.rec)" "counts"
	check_equal "$(count_events sum.rec syscall)" 0 "single calls"
	"$ANA" dump sum.rec -e syscall_summary -f jsonl | jq -s -e 'all(.fields |
		.calls == ([to_entries[] | select(.key | startswith("bucket")).value] | add))' >/dev/null ||
		fail "buckets do not add up to the calls"
	"$ANA" syscalls sum.rec >out
	check_prints 'Counted in the kernel'
	# A process that ends between two looks is counted.
	"$REC" syscalls --summary -q -o two.rec -- sh -c "$CALLS; sleep 1.2; $CALLS"
	check_equal "$(table two.rec callers --comm calls | jq 'select(.call == "getppid") | .calls' | tr '\n' ' ')" \
		"1009 1009 " "of two processes"
}

test_losses_are_counted_to_the_event() {
	local rows lost ended
	need_syscalls
	dd="dd bs=1 count=$(rounds 100003 10007) if=/dev/zero of=/dev/null"
	# shellcheck disable=SC2086 # words
	check_status 0 "$REC" syscalls -o all.rec -- $dd
	check_says ' 0 lost'
	# shellcheck disable=SC2086
	check_status 0 "$REC" syscalls --buffer 4K -o few.rec -- $dd
	rows=$(count_events few.rec syscall)
	lost=$(sum few.rec lost lost)
	ended=$(count_events few.rec syscall_unfinished)
	[ "$lost" -gt 0 ] || fail "nothing was lost in 4 KiB"
	check_equal $((rows + lost + ended)) "$(($(count_events all.rec syscall) + 1))" "rows and losses"
	"$ANA" syscalls few.rec >out
	check_prints 'warning: .*lost'
}

test_calls_can_be_chosen() {
	need_syscalls
	"$REC" syscalls -q --call 'getppid,clos*' -o few.rec -- "$CALLS"
	check_equal "$(field few.rec getppid calls) $(field few.rec close errors)" "1009 89" "calls that were chosen"
	check_equal "$(table few.rec calls | jq -r .call | sort | tr '\n' ' ')" "close getppid " "calls"
	"$REC" syscalls -q --call '!getppid,!read' -o most.rec -- "$CALLS"
	check_equal "$(field most.rec getppid calls)" "" "one that is left out"
	check_equal "$(field most.rec clock_nanosleep calls)" 7 "one that is not"
	"$REC" syscalls -q --min 5ms -o long.rec -- "$CALLS"
	check_equal "$("$ANA" dump long.rec -e syscall -f jsonl | jq -c 'select(.fields.duration < 5000000)' | wc -l)" 0 "shorter"
	check_equal "$(field long.rec clock_nanosleep calls)" 7 "calls of 5 ms and more"
	[ -n "${TEST_SLOW:-}" ] || # where any call may take so long
		check_equal "$(table long.rec calls | jq -r .call)" clock_nanosleep "calls of 5 ms and more"
	"$REC" syscalls -q --comm calls -o comm.rec -- sh -c "cat /dev/null; $CALLS"
	check_equal "$(table comm.rec callers | jq -r .who | sort -u)" calls "by name"
	check_status 2 "$REC" syscalls --call getpidd -- true
	check_says "no system call 'getpidd'; did you mean .*getpid"
	check_status 2 "$REC" syscalls --call 'read,' -- true
	check_says "a name is missing"
	check_status 2 "$REC" cpu --call read -- true
	check_says "about the source syscalls"
	check_status 2 "$REC" syscalls --sample 0 -- true
	check_says "is no number from 1"
}

test_a_sample_stands_for_all() {
	need_syscalls
	"$REC" syscalls -q --sample 100 -o some.rec -- dd bs=1 count=100000 if=/dev/zero of=/dev/null 2>/dev/null
	rows=$(count_events some.rec syscall)
	check_between 1600 "$rows" 2400 "rows of 200,000 calls" # 9 standard deviations
	check_equal "$(sum some.rec syscall weight)" "$((rows * 100))" "weights"
	check_equal "$(table some.rec calls | jq -s 'map(.calls) | add')" "$((rows * 100))" "calls in the report"
}

test_calls_without_an_end_are_told() {
	need_syscalls
	"$REC" syscalls -q -d "$(rounds 0.5 5)" -o cut.rec -- sleep 30
	"$ANA" dump cut.rec -e syscall_unfinished | grep -q 'comm=sleep call=clock_nanosleep end=recording' ||
		fail "the sleep is not told"
	table cut.rec unfinished | grep -q '"comm":"sleep".*"call":"clock_nanosleep"' || fail "not in the report"
	"$REC" syscalls -q -o end.rec -- "$CALLS"
	"$ANA" dump end.rec -e syscall_unfinished | grep -q 'call=exit_group end=never' || fail "exit_group"
	check_equal "$(field end.rec exit_group calls)" "" "exit_group among the calls"
}

test_exec_fork_threads_and_restarts() {
	need_syscalls
	"$REC" syscalls -q -o exec.rec -- sh -c 'exec /bin/true argument'
	"$ANA" dump exec.rec -e syscall | grep 'call=execve' | grep -q 'ret=0 .*path=/bin/true' || fail "the path of exec"
	"$REC" syscalls -q -o threads.rec -- "$CALLS" threads
	check_equal "$(field threads.rec sched_yield calls)" 309 "yields of three threads"
	check_equal "$(table threads.rec callers --by tid | jq -c 'select(.call == "sched_yield") | .calls' |
		tr '\n' ' ')" "103 103 103 " "by thread"
	"$REC" syscalls -q -o restart.rec -- "$CALLS" restart
	check_equal "$(field restart.rec restart_syscall calls)" 1 "restarted sleeps"
	"$ANA" dump restart.rec -e syscall | grep -q 'call=clock_nanosleep error=ERESTART_RESTARTBLOCK' ||
		fail "the sleep that was stopped"
	# A fork returns twice, and is one call.
	"$ANA" dump restart.rec -e syscall | grep -cE 'call=(clone|fork) ' >forks
	check_equal "$(cat forks)" 1 "forks"
}

test_calls_of_32_bit_programs_have_their_own_names() {
	need_syscalls
	[ "$(uname -m)" = x86_64 ] || skip "only x86-64 has them"
	"$CALLS" ia32 2>/dev/null || skip "this kernel runs no 32-bit programs"
	"$REC" syscalls -q -o ia32.rec -- "$CALLS" ia32
	check_equal "$(field ia32.rec 'getpid (ia32)' calls)" 13 "getpid"
	check_equal "$(field ia32.rec writev calls)" "" "the native call of that number"
}

test_time_in_calls_is_divided() {
	need_syscalls
	"$REC" sched,syscalls -q -o both.rec -- "$CALLS"
	check_counts both.rec
	table both.rec calls | jq -s -e 'all(.on_cpu + .blocked + .waited == .total)' >/dev/null ||
		fail "parts are not the whole"
	table both.rec calls | jq -s -e 'map(select(.call == "clock_nanosleep"))[0] |
		.blocked + .waited >= 7 * 9000000' >/dev/null || fail "the sleeps did not block"
}

test_all_sources_in_one_recording() {
	need_syscalls
	need_perf
	"$REC" cpu,sched,syscalls -a -q -o all.rec &
	rec=$!
	for _ in $(seq 100); do # until it runs
		sleep 0.2
		"$ANA" dump all.rec -e sched_switch 2>/dev/null | head -n 1 | grep -q . && break
	done
	"$CALLS" &
	calls=$!
	wait $calls
	kill -INT $rec
	wait $rec || fail "rec says $?"
	check_equal "$(table all.rec calls -p $calls | jq 'select(.call == "getppid") | .calls')" 1009 \
		"getppid; $("$ANA" info all.rec | sed -n '/^Losses/,/^$/p')"
	check_equal "$(table all.rec callers | jq -r .pid | grep -cx "$rec")" 0 "calls of the recorder itself"
	[ "$(count_events all.rec sched_switch)" -gt 0 ] || fail "no switches"
}

test_every_output() {
	need_syscalls
	"$REC" syscalls -q --stacks syscalls -o run.rec -- "$CALLS"
	for f in text json csv html svg; do
		check_status 0 "$ANA" syscalls run.rec -f $f
		[ -s out ] || fail "$f is empty"
	done
	for by in comm pid tid cpu none host; do
		check_status 0 "$ANA" syscalls run.rec --by $by
	done
	"$ANA" flame run.rec -e syscall -f folded >folded
	check_equal "$(awk '/main/ { n += $NF } END { print (n >= 1009) }' folded)" 1 "stacks lead to main"
	"$ANA" syscalls "$REPO/samples/logstats.rec" >out
	check_prints 'warning: There are no system calls'
}

run_tests
