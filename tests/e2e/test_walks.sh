#!/bin/bash
# User stacks by call frame information, walked in the kernel: of CPU samples (--unwind bpf) and of the events of
# the sources that are BPF programs.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

# Whether stacks can be walked in the kernel here.
need_walks() {
	need_perf
	need_x86
	"$REC" cpu -u bpf -o probe.rec -- true 2>probe.err
	rm -f probe.rec
	! grep 'unwinding like auto' probe.err >why || skip "$(cat why)"
}

fact() { # TRACE KEY
	"$ANA" info "$1" -f json | jq -r ".sections.facts.facts.\"$2\" // 0"
}

# Also on an emulated machine, where tables may take seconds to be there.
test_samples_are_walked_where_doctor_says_so() {
	need_perf
	"$REC" doctor | grep -q '^works *BPF stacks' || skip "$("$REC" doctor | grep 'BPF stacks')"
	check_status 0 "$REC" cpu --no-inline -u bpf -F 99 -o t.rec -- "$SAMPLES/frames" recursion 5000
	! grep 'unwinding like auto' err || fail "it is not done in the kernel"
	check_between 1 $(($(fact t.rec unwind.stacks) - $(fact t.rec unwind.copied))) 1000000 "stacks walked in the kernel"
}

test_stacks_are_whole_when_they_are_walked_in_the_kernel() {
	need_walks
	slow "seconds of seven programs"
	for k in recursion alloca asm deep deeper thread signalstack; do record_frames $k 700 -u bpf; done
	check_share recursion.rec 98 100 "$from_main;(recurse;){53}spin"
	check_share alloca.rec 98 100 "$from_main;grow_by_turns;grow;spin"
	check_share asm.rec 98 100 "$from_main;written_by_hand;spin"
	check_share deep.rec 98 100 "$from_main;(large;){11}spin"
	check_share thread.rec 97 100 "^frames;clone3?;start_thread;start;(recurse;){53}spin"
	# Nothing is copied: how deep a stack is, and where a handler has its own, does not matter. Only the first
	# samples of a program may be.
	check_share deeper.rec 90 100 "$from_main;(large;){101}spin"
	check_share signalstack.rec 90 100 "$from_main;busy"
	for t in *.rec; do
		check_status 0 "$ANA" verify "$t"
		check_between 1 "$(fact "$t" unwind.kernel_tables)" 100 "tables in the kernel for $t"
		check_between 0 "$(fact "$t" unwind.copied)" "$(($(fact "$t" unwind.stacks) / 4))" "copies for $t"
	done
}

# Each stack that was walked in the kernel is compared with the one of a copy of the same moment.
test_walks_in_the_kernel_find_what_copies_tell() {
	need_walks
	slow "some seconds of several programs"
	cat >mix.py <<-'PY'
		import json, re, time
		end = time.time() + 2
		def work(n):
		    if n: return work(n - 1)
		    s = json.dumps({str(i): [i] * 5 for i in range(2000)})
		    return sorted(s, key=ord), re.findall(r"(\d+)+,", s)
		while time.time() < end: work(20)
	PY
	cat >mix.sh <<-'SH'
		for k in recursion tail alloca callback asm signal signalstack deep deeper thread; do "$SAMPLES/frames" $k 300; done
		/usr/bin/python3 mix.py
		gzip -c "$REC" >/dev/null
		sort -R "$REPO"/record/*.c >/dev/null
	SH
	REC_UNWIND_CHECK=1 "$REC" cpu -q --no-inline -u bpf -F 997 -o t.rec -- bash mix.sh || fail "rec"
	same=$(fact t.rec unwind.checked_same)
	other=$(fact t.rec unwind.checked_other)
	check_between 2000 "$same" 100000 "stacks that are the same"
	check_between 0 "$other" $((same / 100)) "stacks that are not"
	check_between $(($(fact t.rec unwind.stacks) * 3 / 4)) $((same + other)) 100000 "stacks walked in the kernel"
}

# The tables are there for the scheduler's stacks anyway.
test_samples_beside_the_kernels_events_are_walked_as_well() {
	need_walks
	check_status 0 "$REC" cpu,sched --no-inline -F 997 -o t.rec -- "$SAMPLES/frames" recursion "$(rounds 1000 5000)"
	# On an emulated machine the dynamic linker, whose stacks are whole as well, takes more than a percent.
	check_share t.rec 98 100 "$from_main;(recurse;){53}spin|^frames;_start;_dl_start;"
	check_share t.rec 90 100 "$from_main;(recurse;){53}spin"
	check_between 0 "$(fact t.rec unwind.copied)" "$(($(fact t.rec unwind.stacks) / 4))" "copies"
	check_status 0 "$REC" cpu,sched --no-inline -F 997 -u dwarf -o d.rec -- "$SAMPLES/frames" recursion "$(rounds 1000 5000)"
	check_between 100 "$(fact d.rec unwind.copied)" 100000 "copies with --unwind dwarf"
}

test_stacks_of_libraries_loaded_late_are_walked_as_well() {
	need_walks
	slow "the first second is not enough there"
	cat >late.c <<-'C'
		extern int spin(int);
		__attribute__((noinline)) int late(int n) { return n ? late(n - 1) + 1 : spin(3); }
	C
	cat >host.c <<-'C'
		#include <dlfcn.h>
		#include <time.h>
		volatile int sink;
		int spin(int n) { clock_t end = clock() + n * 10000; while (clock() < end) sink++; return sink & 1; }
		int main(void) { int (*late)(int) = dlsym(dlopen("./late.so", RTLD_NOW), "late");
			for (int i = 0; i < 97; i++) late(7); }
	C
	gcc -O2 -fno-optimize-sibling-calls -shared -fPIC late.c -o late.so && gcc -O2 -rdynamic host.c -o host || skip "no gcc"
	check_status 0 "$REC" cpu --no-inline -u bpf -F 499 -o t.rec -- sh -c 'exec ./host'
	check_share t.rec 95 100 "^host;_start;__libc_start_main[^;]*;__libc_start_call_main;main;(late;){8}spin"
	check_between 0 "$(fact t.rec unwind.copied)" "$(($(fact t.rec unwind.stacks) / 4))" "copies"
}

test_where_bpf_is_refused_stacks_are_unwound_like_auto() {
	need_perf
	need_x86
	slow "programs hardly get past their beginning in half a second"
	check_status 0 "$BUILD/e2e/refuse" bpf "$REC" cpu --no-inline -u bpf -F 997 -o t.rec -- "$SAMPLES/frames" recursion 500
	check_says '^rec: --unwind bpf: .*; unwinding like auto'
	check_share t.rec 98 100 "$from_main;(recurse;){53}spin"
	check_status 0 "$ANA" info t.rec
	check_prints 'unwinding like auto'
}

# The kernel's sources have whole stacks as well: of code without frame pointers that sleeps, calls and faults
# below a known tree, started by an exec.
test_stacks_of_the_kernels_events_are_whole_without_frame_pointers() {
	need_walks
	cat >naps.c <<-'C'
		#include <stdlib.h>
		#include <sys/mman.h>
		#include <time.h>
		#define KEEP __attribute__((noinline, noclone))
		static volatile int sink;
		KEEP int nap(void) { struct timespec t = { 0, 2000000 }; nanosleep(&t, NULL);
			char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			p[7] = 1; munmap(p, 4096); return sink; }
		KEEP int dive(int n) { int r = n > 1 ? dive(n - 1) : nap(); return r + (sink & 1); }
		static int compare(const void *a, const void *b) { dive(7); return *(const int *)a - *(const int *)b; }
		int main(void) { for (int i = 0; i < 997; i++) { int n[] = { 3, 2 }; qsort(n, 2, sizeof(int), compare); } }
	C
	gcc -O2 -fomit-frame-pointer naps.c -o naps || skip "no gcc"
	below="main;qsort_r;.*;compare;(dive;){7}nap"
	least=$(rounds 900 600)
	check_status 0 "$REC" sched,syscalls,faults --stacks sched,syscalls,faults --call '*nanosleep' -o t.rec -- sh -c 'exec ./naps'
	for e in sched_switch syscall page_fault; do
		"$ANA" dump t.rec -e $e -f jsonl | jq -r 'select(.fields.comm == "naps") | .fields.stack // [] | join(";")' |
			grep -cE "_start;.*$below" >n
		check_between "$least" "$(cat n)" 1100 "whole stacks of $e"
	done
	check_status 0 "$REC" sched --min 1ms -o u.rec -- ./naps
	"$ANA" dump u.rec -e off_cpu -f jsonl | jq -r '.fields.stack // [] | join(";")' | grep -cE "_start;.*$below" >n
	check_between "$least" "$(cat n)" 1100 "whole stacks of long waits"
	check_status 0 "$ANA" offcpu u.rec -f folded
	check_prints "main;qsort_r;.*(dive;){7}nap"
	# And by frame pointers alone they are not.
	check_status 0 "$REC" sched -u fp -o v.rec -- ./naps
	check_between 0 "$("$ANA" dump v.rec -e sched_switch -f jsonl | grep -c '"main"')" 99 "stacks that reach main"
}

run_tests
