#!/bin/bash
# Programs of many languages: which share of their stacks goes back to where a thread starts, and names of functions.
# The compilers and runtimes are large: those that are not here are skipped.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

need_x86() {
	[ "$(uname -m)" = x86_64 ] || skip "unwinding by call frame information is for x86-64"
}

THREAD_START='(^|;)(_start|_rt0_amd64_linux|(__)?clone3?|runtime\.(goexit|main|mstart|mcall)(\.abi0)?)(;| )'

# check_share TRACE LEAST PATTERN WHAT: percent of samples with such a stack.
check_share() {
	local percent
	"$ANA" flame "$1" -f folded >folded
	percent=$({ grep -E -- "$3" folded; echo all; cat folded; } | awk '
		$0 == "all" { part = n; n = 0; next }
		{ n += $NF }
		END { printf "%.1f", n ? 100 * part / n : -1 }')
	echo "$CURRENT: $4: $percent%"
	check_between "$2" "$percent" 100 "share of $4 (others: $(grep -vE -- "$3" folded |
		awk '{ print $NF, $0 }' | sort -rn | head -n 3 | cut -c 1-300)),"
}

# How many stacks go back to where a thread starts. Those of the loading of a program are few and do not.
check_started() { # TRACE LEAST
	check_share "$1" "$2" "$THREAD_START" "whole stacks"
}

test_stacks_of_go() {
	need_perf
	need_x86
	command -v go >/dev/null || skip "the Go compiler is not installed (apt-get install golang-go)"
	cp "$REPO/tests/e2e/inlined.go" spin.go
	GOCACHE=$PWD/cache GO111MODULE=off CGO_ENABLED=0 go build -o spin spin.go || fail "go build"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./spin 700
	check_started t.rec 97
	check_share t.rec 90 'runtime\.main;main\.main;main\.\(\*till\)\.ring' "ring"
}

test_stacks_of_rust_without_frame_pointers() {
	need_perf
	need_x86
	rustc --version >/dev/null 2>&1 || skip "the Rust compiler is not installed (apt-get install rustc)"
	cat >spin.rs <<-'RS'
		use std::hint::black_box;
		use std::time::{Duration, Instant};
		#[inline(never)]
		fn inner(n: u64) -> u64 { let mut s = 0; for i in 0..black_box(n) { s = black_box(s + i % 7); } s }
		#[inline(never)]
		fn recurse(d: u32, n: u64) -> u64 { if d == 0 { inner(n) } else { black_box(recurse(d - 1, n)) + 1 } }
		struct Till { v: Vec<u64> }
		impl Till {
			#[inline(never)]
			fn ring(&mut self, ms: u64) {
				let end = Instant::now() + Duration::from_millis(ms);
				while Instant::now() < end { self.v.push(recurse(23, 10007)); }
			}
		}
		fn main() { Till { v: vec![] }.ring(std::env::args().nth(1).unwrap().parse().unwrap()); }
	RS
	rustc -O -g -C force-frame-pointers=no spin.rs || fail "rustc"
	check_status 0 "$REC" cpu --no-inline -F 499 -o t.rec -- ./spin 700
	check_started t.rec 97
	check_share t.rec 90 '_start;.*;main;.*spin::main;.*Till>?::ring;(spin::recurse;){23,24}spin::inner' "inner below 24 calls"
}

test_stacks_of_python() {
	need_perf
	need_x86
	python=$(readlink -f /usr/bin/python3) && [ -x "$python" ] || skip "no /usr/bin/python3"
	cat >spin.py <<-'PY'
		import json, re, time
		def recurse(d):
		    if d: return recurse(d - 1)
		    return sorted(re.findall(r"(\d+)+,", json.dumps({str(i): [i] * 5 for i in range(500)})))
		while time.process_time() < 1: recurse(23)
	PY
	check_status 0 "$REC" cpu -F 499 -o t.rec -- "$python" spin.py
	check_started t.rec 97
	check_share t.rec 90 '_start;.*;main;.*Py_RunMain|_start;.*Py_BytesMain;Py_RunMain' "Py_RunMain"
}

test_stacks_of_java_with_names_from_its_map() {
	need_perf
	need_x86
	command -v javac >/dev/null || skip "no Java compiler is installed (apt-get install default-jdk-headless)"
	cat >Spin.java <<-'JAVA'
		public class Spin {
			static long inner(int n) { long s = 0; for (int i = 0; i < n; i++) s += i % 7; return s; }
			static long outer(int n) { long s = 0; for (int i = 0; i < 100; i++) s += inner(n); return s; }
			public static void main(String[] a) {
				long s = 0;
				for (int i = 0; i < 3001; i++) s += outer(10000);
				System.exit(s == 42 ? 1 : 0);
			}
		}
	JAVA
	javac Spin.java || fail "javac"
	java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit -version >/dev/null 2>&1 ||
		skip "this Java writes no perf map (17 and later do)"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- java -XX:+PreserveFramePointer \
		-XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit -cp . Spin
	grep -l 'Spin\.outer' /tmp/perf-*.map | xargs -r rm -f
	check_started t.rec 95
	check_share t.rec 60 'start_thread;.*JavaMain;.*Spin\.(outer|inner)' "outer and inner"
}

# Interpreted and compiled code, by frame pointers; the C++ around it by call frame information.
test_stacks_of_node() {
	need_perf
	need_x86
	command -v node >/dev/null || skip "no node"
	cat >spin.js <<-'JS'
		function inner(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }
		function outer(n) { let s = 0; for (let i = 0; i < 100; i++) s += inner(n); return s; }
		while (process.cpuUsage().user < 2e6) outer(10000); // as long on a busy machine
	JS
	check_status 0 "$REC" cpu -F 499 -o t.rec -- node --perf-basic-prof --interpreted-frames-native-stack spin.js
	grep -l 'spin\.js' /tmp/perf-*.map | xargs -r rm -f
	check_started t.rec 97
	check_share t.rec 60 '_start;.*node::Start.*(outer|inner) ' "outer and inner"
}

run_tests
