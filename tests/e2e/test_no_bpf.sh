#!/bin/bash
# The kernel's sources where bpf() is refused, as container engines do: the same events by tracepoints, or
# a sentence that says what is missing.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
use_cpus_that_tell

without() { # CALL COMMAND...
	"$BUILD/e2e/refuse" "$@"
}

need_tracepoints() {
	without bpf "$REC" sched -q -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "tracepoints are refused here: $(cat probe.err)"
}

# threads TRACE FILTER: values of `ana sched`'s table of threads.
threads() {
	"$ANA" sched "$1" --top 1000 -f json | jq -r ".sections.threads.rows[] | $2"
}

# rows TRACE EVENT FILTER
rows() {
	"$ANA" dump "$1" -e "$2" -f jsonl | jq -r "select(.fields | $3) | .time" | wc -l
}

lost_of() { # TRACE EVENT
	"$ANA" dump "$1" -e lost -f jsonl | jq -s "map(select(.fields.event == \"$2\").fields.lost) | add // 0"
}

test_every_switch_of_a_ping_pong_is_there() {
	need_tracepoints
	check_status 0 without bpf "$REC" sched -o p.rec -- "$SAMPLES/pingpong"
	check_says 'sched: tracepoints are used instead of BPF \(.*BPF is (refused|not permitted)'
	for who in ping pong; do
		read -r _ voluntary _ involuntary _ < <(grep "^$who" out)
		"$ANA" dump p.rec -e sched_switch -f jsonl >rows
		check_equal "$(jq -r "select(.fields.comm == \"$who\" and .fields.state == \"sleeping\") |
			select((.fields.stack | join(\";\")) | test(\"wait4|do_wait\") | not) | .time" rows | wc -l)" \
			"$voluntary" "voluntary switches of $who"
		check_between $((involuntary)) \
			"$(jq -r "select(.fields.comm == \"$who\" and .fields.state == \"runnable\") | .time" rows | wc -l)" \
			$((involuntary + 7)) "involuntary switches of $who"
	done
	check_equal "$(lost_of p.rec sched_switch)" 0 "lost"
	check_equal "$(rows p.rec sched_switch '.recorded == 0')" 0 "switches of others"
	check_equal "$(rows p.rec sched_wakeup '.comm != "ping" and .comm != "pong" and .comm != "pingpong"')" 0 \
		"wake-ups of others"
	"$ANA" sched p.rec >text
	grep -qE '^ping +pong +1?[0-9],' text || fail "who wakes whom: $(grep -A4 '^Who' text)"
}

test_waits_are_those_of_schedstat_within_a_percent() {
	need_tracepoints
	check_schedstat without bpf "$REC"
	"$ANA" dump s.rec -e sched_switch -f jsonl |
		jq -r 'select(.fields.comm == "schedplan" and .fields.state == "sleeping") | .fields.stack | join(";")' >stacks
	check_equal "$(grep -c nanosleep stacks)" 23 "sleeps"
	check_equal "$(grep -c pipe_read stacks)" 31 "waits for the pipe"
}

check_long_waits() {
	rm -f s.rec
	check_status 0 without bpf "$REC" sched --min 2ms -o s.rec -- "$SAMPLES/schedplan"
	check_equal "$(count_events s.rec sched_switch)" 0 "switches"
	check_equal "$(rows s.rec off_cpu '.latency < 2000000')" 0 "absences shorter than --min"
	check_equal "$(rows s.rec sched_delay '.latency < 2000000')" 0 "waits shorter than --min"
	"$ANA" dump s.rec -e off_cpu -f jsonl |
		jq -r 'select(.fields.comm == "schedplan" and .fields.state == "sleeping") | .fields.stack | join(";")' >stacks
	check_equal "$(grep -c nanosleep stacks)" 23 "sleeps of 3 ms"
	[ "$(count_events s.rec sched_delay)" -gt 0 ] || fail "rivals of one CPU never waited 2 ms"
}

test_with_min_only_long_waits_are_recorded() {
	need_tracepoints
	one_of_six check_long_waits
}

test_of_long_waits_some_stand_for_all() {
	need_tracepoints
	check_sampled_waits "$BUILD/e2e/refuse" bpf "$REC"
}

test_losses_are_counted_to_the_event() {
	need_tracepoints
	check_status 0 without bpf "$REC" sched --buffer 4096 --stacks none -o p.rec -- "$SAMPLES/pingpong" 100003
	lost=$(lost_of p.rec sched_switch)
	[ "$lost" -gt 0 ] || skip "rings of one page were always read in time"
	said=$(awk '/^p[io]ng/ { n += $2 + $4 } END { print n }' out)
	# Losses are of all CPUs and everybody.
	rows=$(rows p.rec sched_switch '.comm == "ping" or .comm == "pong"')
	[ $((rows + lost)) -ge "$said" ] || fail "$rows rows and $lost losses are less than $said switches"
}

test_a_process_its_children_and_a_name() {
	need_tracepoints
	mkfifo go
	sh -c "read -r _ <go; $SAMPLES/schedplan; true" >/dev/null &
	pid=$!
	(
		is_recording s.rec
		echo >go
	) &
	check_status 0 without bpf "$REC" sched -p $pid -o s.rec
	wait
	check_equal "$(threads s.rec 'select(.comm == "rival") | .tid' | wc -l)" 3 "rivals"
	check_equal "$(threads s.rec 'select(.comm == "writer") | .tid' | wc -l)" 1 "writers"
	check_equal "$(rows s.rec sched_switch '.recorded == 0')" 0 "switches of others"
	check_status 0 without bpf "$REC" sched --comm rival -o n.rec -- "$SAMPLES/schedplan"
	check_equal "$(rows n.rec sched_wakeup '.comm != "rival"')" 0 "wake-ups of other names"
	[ "$(rows n.rec sched_switch '.comm == "rival"')" -gt 3 ] || fail "no switches of the rivals"
}

test_a_thread_is_found_again_after_its_exec() {
	need_tracepoints
	one_of_six check_thread_that_execs "$BUILD/e2e/refuse" bpf "$REC"
}

test_a_cgroup_and_nobody_else() {
	need_tracepoints
	mount=$(awk '$3 == "cgroup" && $4 ~ /perf_event/ { print $2; exit }' /proc/mounts)
	[ -n "$mount" ] || mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$mount" ] || skip "no cgroup file system is mounted"
	group=rec-no-bpf-$$
	mkdir "$mount/$group" 2>/dev/null || skip "no cgroup may be made in $mount"
	"$SAMPLES/pingpong" 100003 >/dev/null &
	(
		echo $BASHPID >"$mount/$group/cgroup.procs"
		is_recording c.rec
		exec "$SAMPLES/schedplan"
	) >/dev/null 2>&1 &
	"$BUILD/e2e/refuse" bpf "$REC" sched --cgroup "/$group" -o c.rec 2>err &
	recorder=$!
	is_recording c.rec
	while grep -q . "$mount/$group/cgroup.procs"; do
		sleep 0.1
	done
	kill -INT $recorder
	wait $recorder || {
		rmdir "$mount/$group"
		fail "$(cat err)"
	}
	rmdir "$mount/$group"
	wait
	check_equal "$(threads c.rec 'select(.comm == "rival") | .tid' | wc -l)" 3 "rivals"
	check_equal "$(rows c.rec sched_wakeup '.comm == "ping" or .comm == "pong"')" 0 "wake-ups of others"
}

test_wakers_have_stacks_and_a_context() {
	need_tracepoints
	check_status 0 without bpf "$REC" sched --stacks sched,wakers -o p.rec -- "$SAMPLES/pingpong" 1009
	waits=$(awk '/^p[io]ng/ { n += $2 } END { print n }' out)
	written=$(rows p.rec sched_wakeup '(.waker_comm | test("^p[io]ng$")) and .context == "task" and
		(.stack | join(";") | test("pipe_write"))')
	[ "$written" -ge "$waits" ] || fail "$written wake-ups have the stack of a write to the pipe, $waits waits ended"
	check_status 0 without bpf "$REC" sched -a -d 1 -o a.rec
	[ "$(rows a.rec sched_wakeup '.context == "interrupt"')" -gt 0 ] || fail "no timer has ever woken anybody"
}

test_with_cpu_samples_and_with_triggers() {
	need_tracepoints
	check_status 0 without bpf "$REC" cpu,sched -F 499 -o s.rec -- "$SAMPLES/schedplan"
	[ "$(count_events s.rec cpu_sample)" -gt 50 ] || fail "no CPU samples"
	[ "$(count_events s.rec sched_switch)" -gt 50 ] || fail "no switches"
	check_status 0 without bpf "$REC" sched --ring 10s \
		--trigger 'sched_delay.latency > 3ms && sched_delay.comm == "rival"' \
		-o t.rec -- sh -c "$SAMPLES/schedplan; sleep 2"
	check_says 'triggered by'
}

test_list_and_doctor_say_what_is_lesser() {
	need_tracepoints
	without bpf "$REC" list >out
	check_prints '^sched +lesser'
	check_prints 'by tracepoints, which cost more: you are not permitted'
	without bpf "$REC" doctor >out
	check_prints 'without it: sched is recorded by tracepoints'
}

test_where_neither_is_permitted_both_reasons_are_said() {
	[ "$(id -u)" = 0 ] || skip "not root"
	chmod 755 "$WORK" . && mkdir -m 777 place
	(cd place && check_status 3 setpriv --reuid 65534 --regid 65534 --clear-groups "$REC" sched -- true) || exit 1
	grep -qE 'BPF is not permitted: run as root, or: setcap cap_bpf' place/err || fail "$(cat place/err)"
	grep -qE 'Without BPF, by tracepoints: ' place/err || fail "$(cat place/err)"
}

test_losses_of_faults_are_counted() {
	need_tracepoints
	check_status 0 without bpf "$REC" faults --buffer 4K -o l.rec -- "$SAMPLES/pagewalk"
	lost=$(lost_of l.rec page_fault)
	[ "$lost" -gt 0 ] || skip "rings of one page were always read in time"
	named=$(sed -n 's/^\(.* \)\?named \([0-9]*\).*/\2/p' out)
	[ $(($(count_events l.rec page_fault) + lost)) -ge "$named" ] || fail "less than $named, with $lost lost"
}

test_every_source_has_a_way_and_says_what_it_lacks() {
	need_tracepoints
	for source in block faults syscalls; do
		check_status 0 without bpf "$REC" $source -o $source.rec -- true
		check_says "$source: tracepoints are used instead of BPF, which do not tell .*BPF is (refused|not permitted)"
	done
	without bpf "$REC" list >out
	for source in sched block faults syscalls; do
		check_prints "^$source +lesser"
	done
	check_prints 'by tracepoints, which cost more and do not tell paths and socket addresses: '
}

# What a kernel says of its types is covered up, in a mount namespace: by nothing, or by that of one from before
# Linux 5.5, which does not name tracepoints.
test_without_type_information_every_source_uses_tracepoints() {
	local types=/sys/kernel/btf/vmlinux
	need_tracepoints
	[ -r $types ] || skip "this kernel has no type information anyway"
	unshare -m true 2>/dev/null || skip "no mount namespace may be made"
	sed 's/btf_trace_/btf_tracX_/g' $types >types
	record() { # SOURCE COMMAND...
		rm -f t.rec
		check_status 0 unshare -m sh -c 'mount "$1" "$2" "$3" "$4" && shift 4 && exec "$@"' sh "${cover[@]}" \
			"$REC" "$1" -o t.rec -- "${@:2}"
		check_says "^rec: $1: tracepoints are used instead of BPF.*$why"
	}
	while read -r why; do
		cover=(-o bind types "$types")
		[[ $why != *CONFIG* ]] || cover=(-t tmpfs none "${types%/*}")
		record sched "$SAMPLES/schedplan"
		check_equal "$(rows t.rec sched_switch '.comm == "schedplan" and .state == "sleeping" and
			(.stack | join(";") | test("pipe_read"))')" 31 "waits for the pipe"
		record syscalls "$SAMPLES/calls"
		check_equal "$(rows t.rec syscall '.call == "getppid"')" 1009 "getppid"
		record faults "$SAMPLES/pagewalk" anonymous
		check_equal "$(rows t.rec page_fault '.stack | index("touch_write")')" 4999 "pages that were touched"
		record block true # test_block.sh counts requests so
	done <<-END
		this kernel has no type information .CONFIG_DEBUG_INFO_BTF.
		type information does not name the tracepoints
	END
}

test_calls_of_a_32_bit_program_have_their_own_names() {
	need_tracepoints
	[ "$(uname -m)" = x86_64 ] || skip "only x86-64 has them"
	cat >ia32.c <<-C
		static int call(int number, int a)
		{
			int ret;

			__asm__ volatile("int \$0x80" : "=a"(ret) : "a"(number), "b"(a) : "memory");
			return ret;
		}

		void _start(void)
		{
			for (int i = 0; i < 13; i++)
				call(20, 0);
			call(1, 0);
		}
	C
	"${CC:-cc}" -m32 -nostdlib -static -fno-pie -no-pie -o ia32 ia32.c 2>cc.err && ./ia32 || skip "no 32-bit programs here"
	check_status 0 without bpf "$REC" syscalls -q -o t.rec -- ./ia32
	check_equal "$(rows t.rec syscall '.call == "getpid" and .abi == "ia32"')" 13 "getpid"
	check_equal "$(rows t.rec syscall '.call == "writev"')" 0 "the native call of that number"
}

test_named_calls_alone_reach_rec() {
	need_tracepoints
	check_status 0 without bpf "$REC" syscalls --call getppid,nanosleep,clock_nanosleep --min 1ms -o t.rec -- "$SAMPLES/calls"
	check_equal "$(rows t.rec syscall '.call == "clock_nanosleep"')" 7 "sleeps"
	check_equal "$(rows t.rec syscall '.duration < 1000000')" 0 "short calls"
	check_status 0 without bpf "$REC" syscalls --call getppid -o p.rec -- "$SAMPLES/calls"
	check_equal "$(rows p.rec syscall '.call == "getppid"')" 1009 "getppid"
	check_equal "$(rows p.rec syscall '.call != "getppid"')" 0 "others"
}

test_in_a_pid_namespace_a_command_is_refused_and_the_system_noted() {
	[ "$(id -u)" = 0 ] || skip "needs root to make a namespace"
	unshare --pid --fork --mount-proc true 2>/dev/null || skip "no namespaces may be made"
	check_status 3 without bpf unshare --pid --fork --mount-proc "$REC" sched -o n.rec -- true
	check_says 'from within a container'
	check_status 3 unshare --pid --fork --mount-proc "$REC" sched -o n.rec -- true
	check_says 'source sched: it cannot find a command or process from within a container.*--pid=host'
	need_tracepoints
	check_status 0 unshare --pid --fork --mount-proc "$REC" sched -a -d 1 -o a.rec
	check_says 'sched: rec runs in a container: processes have their numbers of outside of it'
	unshare --pid --fork --mount-proc "$REC" doctor >out
	check_prints "^lesser +pid namespace .*record no command and no -p"
}

run_tests
