#!/bin/bash
# Stacks of code without frame pointers: whole, with the right callers, and where not, saying so.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

test_known_stacks_are_whole_without_frame_pointers() {
	need_perf
	need_x86
	record_frames recursion 700
	check_share recursion.rec 98 100 "$from_main;(recurse;){53}spin"
	record_frames tail 700
	check_share tail.rec 98 100 "$from_main;tail_end;spin"
	check_share tail.rec 0 0 "tail_start"
	record_frames alloca 700
	check_share alloca.rec 98 100 "$from_main;grow_by_turns;grow;spin"
	record_frames callback 700
	check_share callback.rec 98 100 "$from_main;sort;qsort_r;.*;compare;spin"
	record_frames asm 700
	check_share asm.rec 98 100 "$from_main;written_by_hand;spin"
	record_frames deep 700
	check_share deep.rec 98 100 "$from_main;(large;){11}spin"
	record_frames thread 700
	check_share thread.rec 97 100 "^frames;clone3?;start_thread;start;(recurse;){53}spin"
	for t in *.rec; do
		check_share "$t" 99 100 "^frames;(_start|clone3?)[; ]|^frames;\[broken stack\];_dl_start|^frames;_dl_start"
		check_status 0 "$ANA" verify "$t"
	done
}

test_stacks_go_through_signal_handlers() {
	need_perf
	need_x86
	record_frames signal 1000
	check_share signal.rec 40 60 "$from_main;busy(;[a-z_]*clock_gettime)*;__restore_rt;on_signal;spin"
	check_share signal.rec 98 100 "$from_main;busy"
	# A handler on a stack of its own: the other stack is not looked at, and that is said.
	record_frames signalstack 1000
	check_share signalstack.rec 40 60 "^frames;\[truncated\];busy.*;__restore_rt;on_signal;spin"
	check_share signalstack.rec 40 60 "$from_main;busy"
}

test_stacks_deeper_than_the_copy_say_so() {
	need_perf
	need_x86
	record_frames deeper 700 -u dwarf
	check_says 'user stacks were deeper than what is looked at \(16 KiB\): --stack-size 64K'
	check_share deeper.rec 98 100 "^frames;\[truncated\];(large;){14,16}spin"
	check_status 0 "$ANA" flame deeper.rec
	check_prints '(9[89]\.[0-9]|100\.0)% of stacks are deeper than the part that was looked at.*--stack-size'
	check_status 0 "$ANA" info deeper.rec
	check_prints 'user stacks: .*(9[89]\.[0-9]|100\.0)% that were deeper than the 16384 bytes'
	record_frames deeper 700 -u dwarf --stack-size 64K
	# A stack that is away for the length of one system call, on a machine short of memory, has one frame.
	check_share deeper.rec 98 100 "^frames;\[truncated\];((large;){58,64}spin|__vdso_clock_gettime;entry_)"
	check_share deeper.rec 90 100 "^frames;\[truncated\];(large;){58,64}spin"
}

# Copies failed for the length of a system call once: 14 samples had one frame, and nothing said that the rest
# was missing.
test_stacks_that_are_not_in_memory_say_so() {
	need_perf
	need_x86
	for how in dwarf bpf auto; do
		record_frames nostack 700 -u "$how"
		check_share nostack.rec 98 100 "^frames;\[(truncated|broken stack)\];without_stack[; ]"
	done
	record_frames nostack 700 -u dwarf
	check_status 0 "$ANA" info nostack.rec
	check_prints 'user stacks: .* 0\.0% that were deeper .* (9[89]\.[0-9]|100\.0)% that were not in memory'
	check_status 0 "$ANA" flame nostack.rec
	check_prints '(9[89]\.[0-9]|100\.0)% of stacks have no callers, as the stack was not in memory'
}

test_auto_goes_on_by_frame_pointers_where_the_copy_ends() {
	need_perf
	need_x86
	gcc -O2 -fno-omit-frame-pointer -D_GNU_SOURCE "$REPO/samples/frames.c" -o frames || skip "no gcc"
	PROGRAM=./frames record_frames deeper 700
	check_share deeper.rec 98 100 "main;(large;){101}spin"
	PROGRAM=./frames record_frames recursion 700
	check_share recursion.rec 98 100 "$from_main;(recurse;){53}spin"
}

test_frame_pointers_alone_are_taken_when_asked_for() {
	need_perf
	need_x86
	record_frames recursion 500 -u fp
	check_share recursion.rec 0 2 "main;recurse"
	record_frames recursion 500 -u none
	check_share recursion.rec 0 0 "[; ](spin|recurse)[; ]"
}

test_rules_from_debug_frame_serve_as_well() {
	need_perf
	need_x86
	gcc -O2 -g -fomit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables -D_GNU_SOURCE \
		"$REPO/samples/frames.c" -o frames || skip "no gcc"
	readelf -SW frames | grep -q debug_frame || skip "this gcc makes no .debug_frame"
	for k in recursion alloca; do PROGRAM=./frames record_frames $k 500; done
	check_share recursion.rec 97 100 "$from_main;(recurse;){53}spin"
	check_share alloca.rec 97 100 "$from_main;grow_by_turns;grow;spin"
	# In a debug file of its own, found by build id.
	[ -w /usr/lib/debug ] || skip "cannot write to /usr/lib/debug"
	id=$(readelf -n frames | sed -n 's/.*Build ID: //p')
	dir=/usr/lib/debug/.build-id/${id:0:2}
	mkdir -p "$dir"
	objcopy --only-keep-debug frames "$dir/${id:2}.debug"
	strip -R .eh_frame -R .eh_frame_hdr frames
	PROGRAM=./frames record_frames recursion 500
	rm -f "$dir/${id:2}.debug"
	rmdir "$dir" 2>/dev/null
	check_share recursion.rec 97 100 "$from_main;(recurse;){53}spin"
}

test_exceptions_templates_and_libraries_loaded_late() {
	need_perf
	need_x86
	cat >plugin.cc <<-'CC'
		#include <stdexcept>
		struct Guard { volatile int *n; ~Guard() { *n = *n + 1; } };
		template <int N> struct Dive { static __attribute__((noinline)) int go(int x) {
			volatile int n = 0; Guard g{&n}; return Dive<N - 1>::go(x + 1) + n; } };
		template <> struct Dive<0> { static __attribute__((noinline)) int go(int x) {
			throw std::runtime_error("as usual"); } };
		extern "C" int dive(int x) { try { return Dive<7>::go(x); } catch (std::exception &) { return x; } }
	CC
	cat >host.cc <<-'CC'
		#include <dlfcn.h>
		#include <time.h>
		int main() { time_t end = time(0) + 2; int s = 0;
			auto dive = (int (*)(int))dlsym(dlopen("./plugin.so", RTLD_NOW), "dive");
			while (time(0) < end) for (int i = 0; i < 1000; i++) s += dive(i);
			return s == 42; }
	CC
	g++ -O2 -shared -fPIC plugin.cc -o plugin.so && g++ -O2 host.cc -o host || skip "no g++"
	check_status 0 "$REC" cpu --no-inline -F 997 -o t.rec -- ./host
	check_share t.rec 98 100 "^host;_start;__libc_start_main[^;]*;__libc_start_call_main;main"
	check_share t.rec 90 100 "main;dive;Dive<7>::go.*;Dive<1>::go.*_Unwind_RaiseException|main;dive;.*Unwind|main;dive;.*__cxa"
}

test_events_have_stacks_by_call_frame_information_when_asked_for() {
	need_perf
	need_x86
	"$REC" -q -e syscalls:sys_enter_write -o probe.rec -- true 2>/dev/null || skip "no tracepoints here"
	cat >writes.c <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		static int c(const void *a, const void *b) { puts("x"); fflush(stdout);
			return *(const int *)a - *(const int *)b; }
		int main(void) { int n[] = { 3, 2 }; for (int i = 0; i < 97; i++) qsort(n, 2, sizeof(int), c); }
	C
	gcc -O2 -fomit-frame-pointer writes.c -o writes || skip "no gcc"
	check_status 0 "$REC" -e syscalls:sys_enter_write -u dwarf -o t.rec -- ./writes
	check_equal "$("$ANA" flame t.rec -e syscalls:sys_enter_write -f folded |
		grep -E '^writes;_start;.*;main;qsort_r;.*;c;.*write' | awk '{ n += $NF } END { print n }')" 97 \
		"writes below main and qsort"
}

test_code_made_at_run_time_is_passed_by_its_frame_pointer() {
	need_perf
	need_x86
	command -v node >/dev/null || skip "no node"
	cat >spin.js <<-'JS'
		function inner(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }
		function outer(n) { let s = 0; for (let i = 0; i < 100; i++) s += inner(n); return s; }
		const end = Date.now() + 1500; while (Date.now() < end) outer(10000);
	JS
	"$REC" cpu -q -F 499 -o t.rec -- node --perf-basic-prof --interpreted-frames-native-stack spin.js ||
		fail "rec"
	check_share t.rec 97 100 "^[^;]*;(_start|clone3?)[; ]"
	check_share t.rec 30 100 "^[^;]*;_start;.*;node::Start.*outer"
}

test_samples_of_a_flood_are_in_order_and_none_is_lost_unsaid() {
	need_perf
	need_x86
	"$REC" cpu -q --no-inline -F 9999 -o t.rec -- "$SAMPLES/frames" recursion 1500 || fail "rec"
	check_status 0 "$ANA" verify t.rec
	"$ANA" dump t.rec -e cpu_sample -f jsonl | jq -r .time >moments
	sort -n moments | cmp - moments || fail "samples are not in order of time"
	check_status 0 "$ANA" info t.rec -f json
	check_equal "$(jq '[.sections.losses.rows[].lost] | add // 0' out)" \
		"$(jq -r '.sections.facts.facts."recorder.lost"' out)" "losses told and counted"
}

run_tests
