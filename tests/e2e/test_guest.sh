#!/bin/bash
# A recorder is a guest: what it may do while it records, what it leaves behind, and what it says of
# the machine.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

test_every_thread_gives_up_what_it_does_not_need() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "an ordinary user has nothing to give up"
	"$REC" cpu -q -a -d 4 -o t.rec &
	rec=$!
	sleep 1.5
	# dac_read_search, sys_ptrace, syslog, perfmon, bpf, checkpoint_restore
	allowed=$((1 << 2 | 1 << 19 | 1 << 34 | 1 << 38 | 1 << 39 | 1 << 40))
	n=0
	for s in /proc/$rec/task/*/status; do
		n=$((n + 1))
		for set in CapPrm CapEff CapInh; do
			have=$((16#$(awk -v k="$set:" '$1 == k { print $2 }' "$s")))
			[ $((have & ~allowed)) = 0 ] || fail "$set of a thread is $(printf '%x' $have)"
		done
		grep -q 'NoNewPrivs:.1' "$s" || fail "a thread may gain rights by exec"
	done
	check_between 3 $n 10 "threads"
	wait $rec
	check_status 0 "$ANA" verify t.rec
	[ "$("$ANA" dump t.rec -e process_mmap | wc -l)" -gt 20 ] || fail "other processes' mappings were not read"
}

test_a_command_keeps_its_rights() {
	need_perf
	"$REC" cpu -q -o t.rec -- sh -c 'grep -E "Cap(Eff|Prm)|NoNew" /proc/self/status' >inside
	grep -E "Cap(Eff|Prm)|NoNew" /proc/self/status >outside
	cmp inside outside || fail "the command runs with other rights: $(diff inside outside)"
}

# What there is on the machine that a recording could leave: events and probes, files here, processes.
traces_of_us() {
	cat /sys/kernel/tracing/uprobe_events /sys/kernel/tracing/kprobe_events 2>/dev/null
	ls -A
	pgrep -f "$1" | wc -l
	readlink /proc/[0-9]*/fd/* 2>/dev/null | grep -c 'anon_inode:\[perf_event\]'
}

test_nothing_is_left_behind_whatever_ends_it() {
	need_perf
	marker=31$$.5
	traces_of_us "sleep $marker" >../before
	for signal in INT TERM KILL KILL KILL KILL KILL; do
		for how in "-a" "-- sleep $marker"; do
			# shellcheck disable=SC2086 # options
			"$REC" cpu -q -o x.rec $how &
			rec=$!
			sleep 0.$((RANDOM % 6))
			kill -$signal $rec
			wait $rec 2>/dev/null
			# A command goes on when its recorder is killed, as it should; before it was let go
			# it ends by itself.
			[ $signal = KILL ] && sleep 0.2 && pkill -f "sleep $marker"
			rm -f x.rec
		done
	done
	sleep 0.3
	traces_of_us "sleep $marker" >../after
	cmp ../before ../after || fail "left behind: $(diff ../before ../after)"
}

test_list_and_doctor_tell_what_works_and_what_would_change_it() {
	check_status 0 "$REC" list
	check_prints '^cpu +(works|lesser)'
	check_status 0 "$REC" doctor
	check_prints '^(works|lesser|no) +sampling '
	check_prints '^(works|lesser|no) +BTF '
	check_status 1 "$BUILD/e2e/refuse" perf_event_open "$REC" list
	check_prints '^cpu +no '
	check_prints 'seccomp'
	check_status 1 "$BUILD/e2e/refuse" perf_event_open "$REC" doctor
	"$BUILD/e2e/refuse" bpf "$REC" doctor >out
	check_prints '^no +BPF +you are not permitted'
	[ "$(id -u)" = 0 ] || return 0
	chmod 755 "$WORK" .
	cp "$REC" .
	nobody ./rec doctor >out
	check_prints 'setcap cap_sys_ptrace'
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -lt 2 ] || check_prints '^lesser +sampling'
}

test_capabilities_are_enough() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
	command -v setpriv >/dev/null || skip "no setpriv"
	chmod 755 "$WORK" .
	cp "$REC" .
	mkdir -m 777 out.d
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+perfmon,+sys_ptrace,+syslog \
		--ambient-caps=+perfmon,+sys_ptrace,+syslog ./rec cpu -a -d 1 -o out.d/a.rec 2>err ||
		fail "$(cat err)"
	check_status 0 "$ANA" verify out.d/a.rec
	grep -q 'only user code' err && fail "the kernel is left out"
	"$ANA" dump out.d/a.rec -e process_mmap | grep -q 'mapping=\[kernel\]' || fail "no kernel"
}

run_tests
