#!/bin/bash
# Code that a program makes at run time, moves and replaces: the name that was right at that moment.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

need_jitcode() {
	need_perf
	[ "$(uname -m)" = x86_64 ] || skip "samples/jitcode makes code for x86-64"
}

# check_moments TRACE PHASES LEAST: samples in the code of samples/jitcode have the name of the function that ran
# at their time, or none; at least LEAST percent of them have one.
check_moments() {
	"$ANA" dump "$1" -e cpu_sample -f jsonl | jq -r '[.time, (.fields.stack | map(select(test(
			"^(alpha|beta|gamma|delta|epsilon|\\[jit\\])( |$)"))) | .[0] // empty)] |
		select(length == 2) | @tsv' >named
	awk 'NR == FNR { name[NR] = $1; from[NR] = $2; until[NR] = $3; n = NR; next }
		$2 == "[jit]" { without++; next }
		{ right = 0
			for (i = 1; i <= n; i++)
				if (name[i] == $2 && $1 + 0 >= from[i] + 0 && $1 + 0 <= until[i] + 0) right = 1
			good += right; wrong += !right; seen[$2] = 1 }
		END { printf "%d %d %.1f\n", length(seen), wrong, 100 * good / (good + wrong + without) }' "$2" named >counts
	read -r n_seen n_wrong percent <counts
	check_equal "$n_wrong" 0 "wrong names in $1"
	check_between "$3" "$percent" 100 "share of samples with a name in $1"
}

test_code_that_is_moved_and_replaced_has_the_name_of_its_time() {
	need_jitcode
	check_status 0 "$REC" cpu -F 997 -o t.rec -- "$SAMPLES/jitcode"
	mv out phases
	check_status 0 "$ANA" verify t.rec
	check_moments t.rec phases 99
	check_equal "$n_seen" 5 "functions seen"
	check_between 90 "$(share t.rec ';main;run;(alpha|beta|gamma|delta|epsilon)[; ]')" 100 "share below run"
}

test_lines_of_code_made_at_run_time_are_those_of_its_dump() {
	need_jitcode
	check_status 0 "$REC" cpu -F 997 -o t.rec -- "$SAMPLES/jitcode"
	"$ANA" dump t.rec -e cpu_sample -f lines >frames
	for place in alpha:101 beta:211 gamma:307 delta:401 epsilon:503; do
		grep -q "${place%:*} (.*${place%:*}.jit:${place#*:})" frames || fail "no line of $place"
	done
	# Lines do not move with the code.
	grep -P '\tbeta$' frames >/dev/null || fail "beta has lines at its second place"
}

# The dump comes when the program ends: which code it was is known for most samples, and never guessed.
test_a_dump_that_comes_late_names_nothing_wrongly() {
	need_jitcode
	check_status 0 "$REC" cpu -F 997 -o t.rec -- "$SAMPLES/jitcode" late
	mv out phases
	check_moments t.rec phases 50
}

# Of a map it is only known that a line came between two looks.
test_code_that_is_replaced_is_told_apart_in_a_perf_map() {
	need_jitcode
	[ -w /tmp ] || skip "cannot write to /tmp"
	check_status 0 "$REC" cpu -F 997 -o t.rec -- "$SAMPLES/jitcode" map
	mv out phases
	check_moments t.rec phases 50
}

# As Java does with -XX:+DumpPerfMapAtExit: there is no way to it through the process then.
test_a_perf_map_that_is_written_at_the_very_end_serves() {
	need_jitcode
	cat >last.c <<-'C'
		#include <stdio.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <time.h>
		#include <unistd.h>
		static const char code[] = "\x55\x48\x89\xe5\x48\xff\xcf\x75\xfb\x5d\xc3";
		int main(void) { char path[64]; time_t end = time(0) + 2; FILE *f;
			char *at = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memcpy(at, code, sizeof(code));
			while (time(0) < end) ((void (*)(long))at)(100003);
			snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
			f = fopen(path, "w");
			fprintf(f, "%lx %zx made_late\n", (unsigned long)at, sizeof(code));
			return fclose(f); }
	C
	gcc -O1 -o last last.c || skip "no gcc"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./last
	grep -l made_late /tmp/perf-*.map | xargs -r rm -f
	check_between 90 "$(share t.rec ';made_late')" 100 "share of made_late"
}

test_a_running_program_has_names_from_the_dump_it_began_before() {
	need_jitcode
	"$SAMPLES/jitcode" >phases &
	pid=$!
	sleep 0.5
	check_status 0 "$REC" cpu -F 997 -o t.rec -p "$pid"
	wait "$pid"
	check_moments t.rec phases 99
}

test_a_dump_that_makes_no_sense_is_named() {
	need_jitcode
	cat >wrong.c <<-'C'
		#include <fcntl.h>
		#include <stdio.h>
		#include <sys/mman.h>
		#include <time.h>
		#include <unistd.h>
		int main(void) { char path[64]; time_t end = time(0) + 2;
			snprintf(path, sizeof(path), "jit-%d.dump", getpid());
			int fd = open(path, O_CREAT | O_RDWR, 0600);
			if (write(fd, path, 60) != 60) return 1;
			mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
			while (time(0) < end) ; }
	C
	gcc -O1 -o wrong wrong.c || skip "no gcc"
	check_status 0 "$REC" cpu -o t.rec -- ./wrong
	check_says 'names of code made by process [0-9]+ are missing: no jitdump'
	check_status 0 "$ANA" info t.rec
	check_prints 'no jitdump of this'
}

test_functions_of_node_are_named_from_its_dump() {
	need_perf
	command -v node >/dev/null || skip "no node"
	cat >spin.js <<-'JS'
		function inner(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }
		function outer(n) { let s = 0; for (let i = 0; i < 100; i++) s += inner(n); return s; }
		while (process.cpuUsage().user < 2e6) outer(10000); // as long on a busy machine
	JS
	"$REC" cpu -q -F 499 -o t.rec -- node --perf-prof --interpreted-frames-native-stack spin.js || fail "rec"
	check_between 60 "$(share t.rec 'node::Start.*JS:[^;]*(outer|inner) ')" 100 "share of outer and inner"
	check_between 0 "$(share t.rec '\[jit\]')" 5 "share of code without a name"
	# V8 names some files wrongly.
	"$ANA" dump t.rec -e cpu_sample -f lines | grep -P '\tJS:.*\(.*\\x' && fail "nonsense for a file"
	true
}

run_tests
