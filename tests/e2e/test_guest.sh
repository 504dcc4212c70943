#!/bin/bash
# A recorder is a guest: what it may do while it records, what it leaves behind, and what it says of
# the machine.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

test_every_thread_gives_up_what_it_does_not_need() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "an ordinary user has nothing to give up"
	"$REC" cpu -q -a -d "$(rounds 4 40)" -o t.rec &
	rec=$!
	sleep "$(rounds 1.5 9)"
	# dac_read_search, ipc_lock, sys_ptrace, syslog, perfmon, bpf, checkpoint_restore
	allowed=$((1 << 2 | 1 << 14 | 1 << 19 | 1 << 34 | 1 << 38 | 1 << 39 | 1 << 40))
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
			sleep 0.$((RANDOM % 6 + 2)) # a script's background job ignores SIGINT until rec listens
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

# The kernel's programs go with their last user, some a moment later.
test_no_bpf_program_is_left_behind_by_a_kill() {
	"$REC" sched -q -o probe.rec -- true 2>err || skip "BPF is refused here: $(cat err)"
	PATH=$PATH:/usr/sbin
	for i in 1 2 3; do
		"$REC" sched,cpu -a -q -o "k$i.rec" &
		rec=$!
		for _ in $(seq 100); do
			sleep 0.1
			sed -n 's/^prog_id:\t//p' /proc/$rec/fdinfo/* 2>/dev/null | sort -un >ids
			[ "$(wc -l <ids)" -ge 4 ] && break
		done
		[ -s ids ] || fail "rec has no programs"
		kill -KILL $rec
		wait $rec 2>/dev/null
		for _ in $(seq 100); do
			bpftool prog show -j | jq '.[].id' | sort -n >there
			grep -qxFf ids there || break
			sleep 0.1
		done
		! grep -xFf ids there || fail "programs are left"
	done
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
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2 ] ||
		skip "above kernel.perf_event_paranoid=2 they are not (tests/vm/test_rights.sh tests that)"
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

test_a_cgroup_and_nobody_else() {
	need_perf
	make_cgroup
	mkdir "$mount/$group/below"
	(
		echo $BASHPID >"$mount/$group/below/cgroup.procs"
		exec "$SAMPLES/calltree" 20000 2
	) &
	inside=$!
	"$SAMPLES/calltree" 20000 &
	outside=$!
	sleep 0.5
	check_status 0 "$REC" cpu -F 499 --cgroup "/$group" -d 3 -o c.rec
	(
		echo $BASHPID >"$mount/$group/cgroup.procs"
		exec "$SAMPLES/calltree" 1000
	) &
	check_status 0 "$REC" cpu -F 499 --cgroup "$mount/$group" -d 2 -o d.rec
	kill $inside $outside
	wait
	rmdir "$mount/$group/below" "$mount/$group"
	check_equal "$("$ANA" flame c.rec -f folded --by pid | cut -d' ' -f1,2 | cut -d';' -f1 | grep -c "$outside")" 0 "of others"
	check_equal "$("$ANA" dump c.rec -e cpu_sample -f csv | tail -n +2 | cut -d, -f3 | sort -u)" $inside "pids"
	check_between 95 "$(share c.rec ';work;turn;')" 100 "share of named stacks"
	check_equal "$("$ANA" dump d.rec -e cpu_sample -f csv | tail -n +2 | cut -d, -f3 | sort -u | wc -l)" 2 \
		"processes, with one that came while it was recorded"
	check_status 3 "$REC" cpu --cgroup /is/not/there -o e.rec
	check_says "there is no cgroup '/is/not/there'"
	check_status 2 "$REC" cpu --cgroup / -a -o e.rec
}

test_pids_are_told_as_they_are_outside_and_inside_of_a_container() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to make a namespace"
	unshare --pid --fork --mount-proc true 2>/dev/null || skip "no namespaces may be made"
	"$REC" cpu -q -F 499 -o t.rec -- unshare --pid --fork --mount-proc "$SAMPLES/calltree" 700
	"$ANA" dump t.rec -e process_namespace -f csv >out
	check_equal "$(sed -n 2p out | tr -d '\r' | cut -d, -f3)" 1 "its own number"
	pid=$(sed -n 2p out | cut -d, -f2)
	check_between 200 "$("$ANA" dump t.rec -e cpu_sample -p "$pid" | wc -l)" 1000 "samples of that process"
}

run_tests
