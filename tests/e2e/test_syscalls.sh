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
	# Without BPF nothing shows that the begin of a call was lost which never returns.
	[ "$ended" = 1 ] || [ -z "${TEST_WITHOUT:-}" ] || ended=1
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

# Three threads that ask for their parent 1,009, 97 and 53 times once a line comes; prints their numbers before.
three_threads() {
	cat >threads.py <<-'PY'
		import os, threading
		tids, numbered, go = [0] * 3, threading.Barrier(4), threading.Barrier(4)
		def run(i, n):
		    tids[i] = threading.get_native_id()
		    numbered.wait()
		    go.wait()
		    for _ in range(n):
		        os.getppid()
		threads = [threading.Thread(target=run, args=a) for a in enumerate((1009, 97, 53))]
		for t in threads:
		    t.start()
		numbered.wait()
		print(*tids, flush=True)
		input()
		go.wait()
		for t in threads:
		    t.join()
	PY
	exec python3 threads.py
}

test_threads_can_be_chosen_by_number() {
	local first second third program recorder
	need_syscalls
	mkfifo go
	three_threads <go >tids &
	program=$!
	exec 4>go
	until [ -s tids ]; do sleep 0.1; done
	read -r first second third <tids
	"$REC" sched,syscalls,faults -q --tid "$second" --tid "$first,$third" -o t.rec 2>err &
	recorder=$!
	"$REC" syscalls -q -a --tid "$second" -o a.rec 2>err2 &
	run_while_recorded "$program" $recorder $!
	check_equal "$(table t.rec callers --by tid | jq -c 'select(.call == "getppid") | .calls' | sort -n | tr '\n' ' ')" \
		"53 1009 " "of two threads"
	check_equal "$(table a.rec callers --by tid | jq -c 'select(.call == "getppid") | .calls')" 97 "of the other"
	check_equal "$("$ANA" dump t.rec -e syscall -f jsonl | jq .fields.tid | sort -u)" "$(printf '%s\n' "$first" "$third" | sort)" \
		"threads that called"
	check_equal "$("$ANA" info t.rec -f json | jq -r .sections.recording.facts.processes)" "$program" "whose threads they are"
	check_equal "$("$ANA" dump t.rec -e sched_switch -f jsonl | jq '.fields | select(.recorded % 2 == 1) | .tid' | sort -u)" \
		"$(printf '%s\n' "$first" "$third" | sort)" "threads that were switched away from"
	check_status 2 "$REC" syscalls --tid 1,x -- true
	check_says "no list of thread numbers"
	check_status 2 "$REC" syscalls --tid 7 -- true
	check_says "not those of a command"
	check_status 2 "$REC" cpu --tid 7
	check_says "about the sources sched, block, syscalls and faults"
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
	"$REC" syscalls -q -o thread.rec -- python3 -c 'import os, threading
threading.Thread(target=os.execv, args=("/bin/true", ["true"])).start()
threading.Event().wait()'
	"$ANA" dump thread.rec -e syscall | grep 'call=execve' | grep -q 'ret=0 .*path=/bin/true' ||
		fail "the path of a thread's exec"
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

# The stacks of threads that were killed, by which they are known, are soon those of others.
test_who_comes_after_a_killed_thread_is_not_taken_for_it() {
	need_syscalls
	while [ ! -e enough ]; do
		cat /nonexistent/outsider 2>/dev/null
	done &
	trap 'touch enough' EXIT
	check_status 0 "$REC" syscalls -o killed.rec -- bash -c 'for _ in {1..97}; do
		sleep 30 & kill -KILL $!; wait $!; done; exit 0'
	touch enough
	wait
	"$ANA" dump killed.rec -e syscall >calls
	check_equal "$(grep -c 'call=kill ' calls)" 97 "kills"
	! grep outsider calls >others || fail "calls of others: $(cat others)"
}

test_socket_addresses_are_told() {
	need_syscalls
	"$REC" syscalls -q -o run.rec -- "$CALLS" sockets >ports || fail "calls sockets: $(cat ports)"
	read -r stream datagram <ports
	"$ANA" syscalls run.rec --list --table list >list
	calls_of() { grep -cE -e "$1" list; }
	if [ -n "${TEST_WITHOUT:-}" ]; then # tracepoints do not tell them
		check_equal "$(calls_of ' connect\(fd=[0-9]+, addr=0x[0-9a-f]+, addrlen=16\) = 0$')" 13 connect
		return
	fi
	check_equal "$(calls_of " connect\(fd=[0-9]+, addr=AF_INET 127\.0\.0\.1:$stream, addrlen=16\) = 0$")" 13 connect
	check_equal "$(calls_of ' accept4\(fd=[0-9]+, upeer_sockaddr=AF_INET 127\.0\.0\.1:[1-9][0-9]*, .*SOCK_CLOEXEC\) = [0-9]+$')" 13 accept4
	check_equal "$(calls_of " sendto\(.* addr=AF_INET 127\.0\.0\.1:$datagram, addr_len=16\) = 1$")" 17 sendto
	check_equal "$(calls_of ' connect\(fd=[0-9]+, addr=AF_UNIX /nonexistent/socket, addrlen=110\) = -1 ENOENT$')" 11 nobody
	check_equal "$(calls_of ' accept4\(fd=[0-9]+, upeer_sockaddr=0x[0-9a-f]+, .*\) = -1 EAGAIN$')" 7 "accept4 of nothing"
	check_equal "$(calls_of ' bind\(fd=[0-9]+, addr=AF_INET 127\.0\.0\.1:0, ')" 2 bind
	check_equal "$(calls_of " getsockname\(fd=[0-9]+, usockaddr=AF_INET 127\.0\.0\.1:($stream|$datagram), ")" 2 getsockname
	check_equal "$("$ANA" dump run.rec -e syscall -f jsonl |
		jq -s "map(.fields | select(.address == \"AF_INET 127.0.0.1:$datagram\" and .call == \"sendto\")) | length")" 17 \
		"in the dump"
}

test_addresses_in_messages_are_told() {
	need_syscalls
	[ -z "${TEST_WITHOUT:-}" ] || skip "tracepoints tell no addresses"
	"$REC" syscalls -q -o run.rec -- "$CALLS" messages >ports || fail "calls messages: $(cat ports)"
	read -r there here <ports
	"$ANA" syscalls run.rec --list --table list >list
	calls_of() { grep -cE -e "$1" list; }
	check_equal "$(calls_of " sendmsg\(fd=[0-9]+, msg=AF_INET 127\.0\.0\.1:$there, flags=0\) = 1$")" 19 sendmsg
	check_equal "$(calls_of " recvmsg\(fd=[0-9]+, msg=AF_INET 127\.0\.0\.1:$here, flags=0\) = 1$")" 7 recvmsg
	check_equal "$(calls_of " recvmmsg\(fd=[0-9]+, mmsg=AF_INET 127\.0\.0\.1:$here, vlen=5, .*\) = 5$")" 1 recvmmsg
	check_equal "$(calls_of " sendmmsg\(fd=[0-9]+, mmsg=AF_INET 127\.0\.0\.1:$there, vlen=2, flags=0\) = 2$")" 3 sendmmsg
	check_equal "$(calls_of ' sendmmsg\(fd=[0-9]+, mmsg=0x[0-9a-f]+, vlen=0, flags=0\) = 0$')" 1 "sendmmsg of nothing"
	check_equal "$(calls_of ' sendmsg\(fd=[0-9]+, msg=0x[0-9a-f]+, flags=0\) = 1$')" 11 "sendmsg without an address"
	check_equal "$(calls_of ' recvmsg\(fd=[0-9]+, msg=0x[0-9a-f]+, flags=0\) = 1$')" 1 "recvmsg without an address"
}

need_ia32() {
	[ "$(uname -m)" = x86_64 ] || skip "only x86-64 has them"
	"$CALLS" ia32 2>/dev/null || skip "this kernel runs no 32-bit programs"
}

test_socket_addresses_of_32_bit_programs_are_told() {
	need_syscalls
	need_ia32
	[ -z "${TEST_WITHOUT:-}" ] || skip "tracepoints tell no addresses"
	"$REC" syscalls -q -o run.rec -- "$CALLS" ia32
	"$ANA" syscalls run.rec --list --table list >list
	calls_of() { grep -cE -e "$1" list; }
	check_equal "$(calls_of ' connect \(ia32\)\(fd=[0-9]+, addr=AF_UNIX /nonexistent/ia32, addrlen=110\) = -1 ENOENT$')" 11 connect
	check_equal "$(calls_of 'call=SYS_CONNECT, args=AF_UNIX /nonexistent/ia32\) = -1 ENOENT$')" 5 "connect by socketcall"
	check_equal "$(calls_of 'call=SYS_SENDMSG, args=AF_UNIX /nonexistent/ia32\) = -1 ENOENT$')" 3 "sendmsg by socketcall"
}

test_calls_of_32_bit_programs_have_their_own_names() {
	need_syscalls
	need_ia32
	"$REC" syscalls -q -o ia32.rec -- "$CALLS" ia32
	check_equal "$(field ia32.rec 'getpid (ia32)' calls)" 13 "getpid"
	check_equal "$("$ANA" syscalls ia32.rec --list --table list | grep -c ' lseek (ia32)(fd=-1, offset=-1, whence=SEEK_SET) = -1 EBADF$')" 7 \
		"signed numbers of 32 bits"
	check_equal "$("$ANA" syscalls ia32.rec --list --table list |
		grep -c ' pread64 (ia32)(fd=-1, buf=NULL, count=0, pos_low=0, pos_high=1) = -1 EBADF$')" 1 "one of 64 bits in halves"
	check_equal "$(field ia32.rec 'connect (ia32)' calls)" 11 "connect"
	check_equal "$(field ia32.rec 'socketcall (ia32)' calls)" 8 "socketcall"
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
	for f in text json html svg; do
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
