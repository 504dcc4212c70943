#!/bin/bash
# Recording real programs: the right ones, all of them, and with the names they have.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

test_known_shares_of_a_command_with_threads_and_children() {
	need_perf
	check_status 0 "$REC" cpu -F 999 -o t.rec -- "$SAMPLES/calltree" 1000 3 2
	check_says 'samples in .* s, [0-9]+ lost; .* bytes per sample; rec itself used'
	check_status 0 "$ANA" verify t.rec
	# 5 threads of 1 s at 999 Hz; the machine may have fewer CPUs, the clocks are the threads' own.
	check_between 4000 "$(count_events t.rec cpu_sample)" 6500 "number of samples"
	check_between 44 "$(share t.rec ';alpha')" 56 "share of alpha"
	check_between 19 "$(share t.rec ';beta;gamma_')" 31 "share of gamma"
	check_between 32 "$(share t.rec ';beta')" 43 "share of beta with gamma"
	check_between 6 "$(share t.rec ';delta')" 19 "share of delta"
	check_equal "$("$ANA" flame t.rec -f folded | cut -d';' -f1 | sort -u | tr '\n' ' ')" \
		"calltree worker-1 worker-2 " "names of threads"
	check_equal "$("$ANA" dump t.rec -e process_fork | wc -l)" 4 "2 threads and 2 children"
	check_equal "$("$ANA" dump t.rec -e process_exec | wc -l)" 3 "the command and 2 children"
	check_equal "$("$ANA" dump t.rec -e process_exit | wc -l)" 5 "every thread ends"
	"$ANA" flame t.rec -f folded -c calltree | grep -q 'main;work;turn;alpha' ||
		fail "no stack from main to alpha"
}

test_the_first_instruction_is_recorded() {
	need_perf
	"$REC" cpu -q -o t.rec -F 20000 -- true || fail "rec"
	"$ANA" flame t.rec -f folded >stacks
	grep -q '^true;' stacks || fail "no sample of a program that lives a millisecond"
	grep -q -E '_dl_start|_dl_relocate|dl_main|ld-linux' stacks ||
		fail "nothing of its dynamic linking: $(head -n 3 stacks)"
}

test_attach_to_several_processes_with_threads_and_children_to_come() {
	need_perf
	# Starts its threads and children only after we have attached.
	sh -c "sleep 0.5; exec '$SAMPLES/calltree' 700 2 1" &
	a=$!
	"$SAMPLES/calltree" 1500 1 &
	b=$!
	"$SAMPLES/calltree" 5000 1 &
	other=$!
	sleep 0.1
	check_status 0 "$REC" cpu -F 999 -p "$a,$b" -o t.rec
	kill $other
	wait
	pids=$("$ANA" dump t.rec -e cpu_sample -f csv | tail -n +2 | cut -d, -f3 | sort -u | wc -l)
	check_equal "$pids" 3 "the two, and the child of one"
	check_equal "$("$ANA" dump t.rec -p $other | wc -l)" 0 "events of a process not asked for"
	check_between 1700 "$("$ANA" dump t.rec -e cpu_sample -p "$a,$b" | wc -l)" 3600 "samples"
	"$ANA" flame t.rec -f folded | grep -q '^worker-1;' || fail "no new thread"
}

test_the_whole_system() {
	need_perf
	"$REC" cpu -q -a -d 0.2 -o probe.rec 2>/dev/null || skip "not permitted to record the system"
	"$SAMPLES/calltree" 3000 2 &
	check_status 0 "$REC" cpu -a -F 499 -d 1.5 -o t.rec
	kill $!
	check_between 10 "$(share t.rec '^(calltree|worker-1);')" 100 "share of the busy program"
	"$ANA" dump t.rec -e process_comm | grep -q 'comm=bash' || fail "a process from before has no name"
	"$ANA" dump t.rec -e process_mmap | grep -q 'mapping=\[kernel\]' || fail "no kernel"
	check_between 1.3 "$("$ANA" info t.rec -f json |
		jq -r '.sections.recording.facts.duration' | cut -d' ' -f1)" 2.5 "duration"
}

test_kernel_frames_are_named() {
	need_perf
	"$REC" cpu -q -F 999 -o t.rec -- "$SAMPLES/calltree" 400 || fail "rec"
	"$ANA" info t.rec -f json | jq -e '.sections.facts.facts."source.cpu.note" // "" |
		contains("only user code") | not' >/dev/null || skip "kernel code may not be sampled here"
	grep -q ' T _text' /proc/kallsyms || skip "kallsyms shows no addresses"
	"$ANA" flame t.rec -f folded --annotate | grep -qE 'delta;.*vfs_read_\[k\]' ||
		fail "no read system call under delta"
}

test_jit_code_has_the_names_of_its_map() {
	need_perf
	command -v node >/dev/null || skip "no node"
	cat >spin.js <<-'JS'
		function inner(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }
		function outer(n) { let s = 0; for (let i = 0; i < 100; i++) s += inner(n); return s; }
		const end = Date.now() + 1500; while (Date.now() < end) outer(10000);
	JS
	"$REC" cpu -q -F 499 -o t.rec -- node --perf-basic-prof --interpreted-frames-native-stack spin.js ||
		fail "rec"
	check_between 30 "$(share t.rec 'outer')" 100 "share of the JavaScript function"
}

test_names_come_from_a_separate_debug_file_and_are_demangled() {
	need_perf
	cat >spin.cc <<-'CC'
		#include <time.h>
		namespace shop { template <typename T> struct Cart {
			__attribute__((noinline)) static T spin(T n) { volatile T s = 0;
				for (T i = 0; i < n; i++) s = s + i; return s; } }; }
		int main() { time_t end = time(0) + 2; while (time(0) < end) shop::Cart<long>::spin(10000000); }
	CC
	g++ -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -Wl,--build-id spin.cc -o spin 2>/dev/null ||
		skip "no g++"
	"$REC" cpu -q -F 499 -o t.rec -- ./spin || fail "rec"
	"$ANA" flame t.rec -f folded | grep -q 'shop::Cart<long>::spin' || fail "not demangled"
	id=$(readelf -n spin | sed -n 's/.*Build ID: //p')
	[ -w /usr/lib/debug ] || skip "cannot write to /usr/lib/debug"
	dir=/usr/lib/debug/.build-id/${id:0:2}
	mkdir -p "$dir"
	objcopy --only-keep-debug spin "$dir/${id:2}.debug"
	strip spin
	"$REC" cpu -q -F 499 -o s.rec -- ./spin
	rm -f "$dir/${id:2}.debug"
	rmdir "$dir" 2>/dev/null
	"$ANA" flame s.rec -f folded | grep -q 'shop::Cart<long>::spin' || fail "debug file not used"
}

test_a_program_that_is_gone_keeps_its_names() {
	need_perf
	cp "$SAMPLES/calltree" gone
	./gone 2000 &
	sleep 0.2
	rm gone
	"$REC" cpu -q -F 499 -p $! -d 0.7 -o t.rec || fail "rec"
	kill $!
	[ "$(id -u)" = 0 ] || skip "only root can open a deleted program's file"
	check_between 40 "$(share t.rec ';alpha')" 60 "share of alpha"
}

test_output_through_a_pipe_is_the_same() {
	need_perf
	"$REC" cpu -q -F 999 -o - -- "$SAMPLES/calltree" 500 | tee t.rec | "$ANA" flame - -f folded >piped
	"$ANA" flame t.rec -f folded >filed
	[ -s filed ] || fail "no samples"
	cmp piped filed || fail "pipe and file differ"
	# A pipe brings names behind the stacks that have them, so stacks are left out here.
	"$ANA" dump t.rec -f jsonl | jq -c 'del(.fields.stack)' >a
	tail -c +1 t.rec | "$ANA" dump - -f jsonl | jq -c 'del(.fields.stack)' >b
	[ "$(wc -l <a)" -gt 400 ] || fail "too few events"
	cmp a b || fail "dumps differ"
}

test_live_events_arrive_while_the_recording_goes_on() {
	need_perf
	"$REC" cpu -q -F 99 -o - -- "$SAMPLES/calltree" 4000 | "$ANA" dump - -e cpu_sample >live &
	sleep 2.7
	n=$(wc -l <live)
	wait
	# stdio may hold back a few KiB, the rest must be there long before the end.
	check_between 5 "$n" 300 "lines after 2.7 of 4 s"
}

cpu_ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

test_losses_are_counted_to_the_sample() {
	need_perf
	# A recorder that is stopped cannot empty its rings: 1 MiB a CPU runs over. What it has and what it
	# says it lost must add up to the CPU time that the target used meanwhile.
	"$SAMPLES/calltree" 30000 2 &
	target=$!
	before=$(cpu_ticks $target)
	"$REC" cpu -q -F 10000 -p $target -d 8 -o t.rec &
	rec=$!
	sleep 1
	kill -STOP $rec
	sleep 6
	kill -CONT $rec
	sleep 1.5
	after=$(cpu_ticks $target)
	wait $rec
	kill $target
	check_status 0 "$ANA" info t.rec -f json
	lost=$(jq '[.sections.losses.rows[].lost] | add // 0' out)
	[ "$lost" -gt 0 ] || skip "nothing was lost: the machine took fewer samples than the rings hold"
	seen=$(jq '.sections.events.rows[] | select(.event == "cpu_sample") | .count' out)
	told=$(jq -r '.sections.facts.facts."recorder.lost"' out)
	check_equal "$lost" "$told" "events and totals"
	check_equal "$("$ANA" dump t.rec -e cpu_sample | wc -l)" "$seen" "events that can be read"
	check_between 80 $((100 * (seen + lost) / ((after - before) * 10000 / $(getconf CLK_TCK)))) 105 \
		"percent of the CPU time that samples and losses stand for"
	"$ANA" flame t.rec 2>&1 | grep -q 'cpu_sample.*were lost' || fail "the flame graph does not say so"
}

test_names_outlive_segments_and_the_recorder() {
	need_perf
	# Random stacks fill a segment's dictionary again and again.
	"$REC" cpu -q -F 4999 -d 8 -o many.rec -- "$SAMPLES/deepstacks" 60
	[ "$("$ANA" info many.rec -f json | jq -r '.sections.recording.facts.size' |
		sed 's/.* in \([0-9]*\) .*/\1/')" -gt 1 ] || skip "the machine took too few samples to fill a segment"
	check_between 90 "$(share many.rec ';main;step;.*;(f[0-3]|step|random_bits) *$')" 100 "share of named stacks"
	"$REC" cpu -q -F 499 -o killed.rec -- "$SAMPLES/calltree" 5000 &
	sleep 3.5
	kill -9 $!
	check_between 90 "$(share killed.rec 'main;work')" 100 "share of named stacks after kill -9"
}

test_processes_may_be_named_twice_and_end_early() {
	need_perf
	"$SAMPLES/calltree" 2000 &
	early=$!
	sleep 60 &
	late=$!
	check_status 0 "$REC" cpu -F 200 -d 5 -p $early,$late,$early -o t.rec
	check_between 50 "$(count_events t.rec cpu_sample)" 450 "samples of 2 s of CPU at 200 Hz"
	used=$("$ANA" info t.rec -f json | jq -r '.sections.facts.facts."recorder.cpu_ns"')
	kill $late
	# A ring whose thread has ended keeps nobody awake.
	[ "$used" -lt 2000000000 ] || fail "rec used $used ns of CPU in 5 s"
}

# Whether a `sleep` of so many seconds runs.
sleeps() {
	grep -lz "^$1\$" /proc/[0-9]*/cmdline 2>/dev/null | grep -q .
}

test_what_a_command_has_started_ends_with_it() {
	need_perf
	check_status 0 "$REC" cpu -d 1 -o t.rec -- \
		bash -c 'sleep 86413 & (sleep 86413 & sleep 86413) & setsid sleep 86417 & wait'
	for _ in {1..50}; do
		sleeps 86413 || break
		sleep 0.1
	done
	! sleeps 86413 || fail "children of the command go on"
	sleeps 86417 || fail "one that went into a session of its own was ended, too"
	kill "$(grep -lz '^86417$' /proc/[0-9]*/cmdline 2>/dev/null | head -n 1 | cut -d/ -f3)"
}

run_tests
