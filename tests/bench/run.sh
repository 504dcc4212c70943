#!/bin/bash
# `make bench`: what things cost, beside perf in the same run, as ratios. Machines differ and are noisy:
# only ratios say something, and nothing here fails.
#
#	FLAMEGRAPH=/path/to/flamegraph.pl   its folder also has stackcollapse-perf.pl; without it only
#	                                    `perf script` is timed, which flatters the other side
#	SECONDS_EACH=5                      length of each recording
#	KILLS=100                           how often a recorder is killed
#	NAMES_OF='FILE...'                  binaries with DWARF, to find names in
set -u
here=$(realpath "$(dirname "$0")")
export BUILD
BUILD=$(realpath "${BUILD:-build}") # of those that this one calls too
build=$BUILD
rec=$build/rec
ana=$build/ana
measure=$build/bench/measure
seconds=${SECONDS_EACH:-5}
work=$(mktemp -d)
load=
trap 'rm -rf "$work"; kill ${server:-} ${load:-} 2>/dev/null' EXIT
cd "$work" || exit 1

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'; }
samples_of() { "$ana" info "$1" -f json | jq '.sections.events.rows[] | select(.event == "cpu_sample") | .count'; }
perf_samples_of() { perf script -i "$1" -F comm,time 2>/dev/null | grep -c .; }
# median CPU_SECONDS of three runs of a command
cpu_seconds() { for _ in 1 2 3; do "$measure" "$@" 2>&1 >/dev/null | tail -n 1 | cut -d' ' -f1; done | sort -n | sed -n 2p; }
peak_kib() { "$measure" "$@" 2>&1 >/dev/null | tail -n 1 | cut -d' ' -f3; }

have_perf=1
perf record -q -o /dev/null -- true 2>/dev/null || {
	echo "perf cannot record here: only our own figures follow"
	have_perf=
}

# bytes NAME HZ WHO...: bytes per sample of rec and perf record -z -g on the same load, one after the other,
# both by frame pointers.
bytes() {
	local name=$1 hz=$2 n m a b
	shift 2
	rm -f t.rec
	"$rec" cpu -q -F "$hz" -u fp -o t.rec -d "$seconds" "$@" || return
	n=$(samples_of t.rec)
	a=$(ratio "$(stat -c %s t.rec)" "$n")
	[ -n "$have_perf" ] || { echo "$name, $hz Hz: rec $a bytes per sample ($n samples)" && return; }
	perf record -q -z -F "$hz" -g -o z.data "$@" -- sleep "$seconds" 2>/dev/null >/dev/null
	m=$(perf_samples_of z.data)
	b=$(ratio "$(stat -c %s z.data)" "$m")
	echo "$name, $hz Hz: rec $a, perf -z $b bytes per sample: ratio $(ratio "$a" "$b") ($n and $m samples)"
}

echo "== bytes per sample (recordings of $seconds s)"
"$build/samples/calltree" 1000000 &
server=$!
for hz in 99 999 4999; do bytes "compute loop" $hz -p $server; done
seconds=30 bytes "compute loop, 30 s" 4999 -p $server
kill $server
if command -v redis-server >/dev/null && command -v redis-benchmark >/dev/null; then
	redis-server --port 7793 --save '' --appendonly no >/dev/null &
	server=$!
	sleep 0.5
	timeout 300 redis-benchmark -p 7793 -q -n 1000000000 -c 20 >/dev/null 2>&1 &
	load=$!
	sleep 0.5
	for hz in 99 999 4999; do bytes "redis under redis-benchmark" $hz -p $server; done
	seconds=30 bytes "redis under redis-benchmark, 30 s" 4999 -p $server
	kill $load $server
	load=
else
	echo "no redis: left out"
fi
server=

echo "== trace to SVG, CPU time per sample (median of 3)"
rm -f t.rec
"$rec" cpu -q -F 20000 -u fp -o t.rec -- "$build/samples/calltree" 4000 2
n=$(samples_of t.rec)
ours=$(cpu_seconds "$ana" flame t.rec -o t.svg)
echo "ana flame: $ours s for $n samples"
if [ -n "$have_perf" ]; then
	perf record -q -F 20000 -g -o g.data -- "$build/samples/calltree" 4000 2 2>/dev/null
	m=$(perf_samples_of g.data)
	if [ -n "${FLAMEGRAPH:-}" ]; then
		folder=$(dirname "$FLAMEGRAPH")
		cat >pipeline <<-SH
			#!/bin/bash
			perf script -i g.data 2>/dev/null | perl $folder/stackcollapse-perf.pl | perl $FLAMEGRAPH
		SH
		what="perf script | stackcollapse-perf.pl | flamegraph.pl"
	else
		printf '#!/bin/bash\nperf script -i g.data 2>/dev/null\n' >pipeline
		what="perf script alone (FLAMEGRAPH is not set)"
	fi
	chmod +x pipeline
	theirs=$(cpu_seconds ./pipeline)
	echo "$what: $theirs s for $m samples"
	echo "per sample: $(awk -v a="$theirs" -v m="$m" -v b="$ours" -v n="$n" \
		'BEGIN { printf "%.0f times faster", (a / m) / (b / n) }')"
fi

echo "== growth of ana flame with the trace (made-up samples, 30,000 stacks)"
for n in 100000 1000000 10000000; do
	"$build/bench/make_trace" $n >big.rec
	s=$(cpu_seconds "$ana" flame big.rec -o t.svg)
	echo "$n samples, $(($(stat -c %s big.rec) / 1024)) KiB: $s s of CPU, $(ratio "${s}e9" $n) ns per sample," \
		"$(($(peak_kib "$ana" flame big.rec -o t.svg) / 1024)) MiB of memory at the most"
	rm -f big.rec
done

echo "== a window of 10 ms of a large trace (wanted: < 50 ms of time, < 64 MiB; WINDOW_SAMPLES=${WINDOW_SAMPLES:-150000000})"
"$build/bench/make_trace" "${WINDOW_SAMPLES:-150000000}" >big.rec
length=$("$ana" info big.rec -f json | jq -r .sections.recording.facts.duration)
echo "$(($(stat -c %s big.rec) >> 20)) MiB, $length long"
# median CLOCK_SECONDS, and the peak, of five runs of a command
window() {
	for _ in 1 2 3 4 5; do "$measure" "$@" 2>&1 >/dev/null | tail -n 1; done | sort -k 2 -n |
		awk '{ s[NR] = $2; if ($3 > peak) peak = $3 } END { printf "%.0f ms, %.1f MiB", s[3] * 1000, peak / 1024 }'
}
half=$((${length%%.*} / 2))
for at in 0s..0.01s ${half}s..$half.01s; do
	echo "ana flame -t $at: $(window "$ana" flame big.rec -t "$at" -f folded)"
	echo "ana dump -t $at: $(window "$ana" dump big.rec -t "$at")"
done
echo "ana cut -t ${half}s..$half.01s: $("$measure" "$ana" cut big.rec -t "${half}s..$half.01s" -o cut.rec 2>&1 >/dev/null | tail -n 1 |
	awk '{ printf "%.0f ms, %.1f MiB", $2 * 1000, $3 / 1024 }'), $(stat -c %s cut.rec) bytes"
"$measure" "$ana" verify big.rec 2>&1 >/dev/null | tail -n 1 |
	awk '{ printf "ana verify: %.1f s, %.1f MiB\n", $2, $3 / 1024 }'
rm -f big.rec cut.rec

echo "== stacks of code without frame pointers: how many are whole, and what that takes ($seconds s at 499 Hz)"
# Of stacks, one a line, ';' between frames: the percentage that goes back to where a thread starts.
started() { awk -F ' ' '{ n = $NF; all += n }
	/(^|;)(_start|__libc_start_main[^;]*|__libc_start_call_main|main|start_thread|__?clone3?)(;| [0-9]+$)/ { part += n }
	END { printf "%.1f", all ? 100 * part / all : 0 }'; }
perf_folded() { perf script --no-inline -i "$1" -F ip,sym 2>/dev/null | awk '
	NF { $1 = ""; sub(/^ /, ""); s = s ";" $0; next }
	s != "" { print s " 1"; s = "" } END { if (s != "") print s " 1" }'; }
fact() { "$ana" info "$1" -f json | jq -r ".sections.facts.facts.\"$2\" // 0"; }
# stacks NAME COMMAND...: by rec, rec in the kernel (how many of its stacks are those of a copy of the same
# moment), rec with frame pointers, and perf with DWARF, one after the other.
stacks() {
	local name=$1 a b fp k
	shift
	rm -f t.rec fp.rec k.rec
	REC_UNWIND_CHECK=1 "$rec" cpu -q -F 499 -u bpf -o k.rec -- "$@" >/dev/null
	k=$("$ana" flame k.rec -f folded | started)
	k="in the kernel $k% ($(fact k.rec unwind.checked_same) stacks are those of copies, $(fact k.rec unwind.checked_other) are not)"
	"$rec" cpu -q -F 499 -o t.rec -- "$@" >/dev/null
	"$rec" cpu -q -F 499 -u fp -o fp.rec -- "$@" >/dev/null
	a=$("$ana" flame t.rec -f folded | started)
	fp=$("$ana" flame fp.rec -f folded | started)
	a="rec $a%, $k ($(ratio "$(stat -c %s t.rec)" "$(samples_of t.rec)") bytes per sample), by frame pointers $fp%"
	[ -n "$have_perf" ] || { echo "$name: $a" && return; }
	rm -f d.data
	# perf 6.1 sometimes aborts at its end.
	perf record -q -F 499 --call-graph dwarf -o d.data -- "$@" >/dev/null 2>&1 ||
		{ echo "$name: $a; perf failed" && return; }
	b=$("$measure" perf script --no-inline -i d.data 2>&1 >/dev/null | tail -n 1 | cut -d' ' -f1)
	echo "$name: $a; perf --call-graph dwarf $(perf_folded d.data | started)%" \
		"($(ratio "$(stat -c %s d.data)" "$(perf_samples_of d.data)") bytes per sample," \
		"and perf script $(awk -v s="$b" -v n="$(perf_samples_of d.data)" 'BEGIN { printf "%.0f", n ? s * 1e6 / n : 0 }') us of CPU for each)"
}
ms=$((seconds * 1000))
for kind in recursion callback signal thread deep; do stacks "frames $kind" "$build/samples/frames" $kind $ms; done
cat >load.py <<-PY
	import json, re, time
	end = time.time() + $seconds
	def work(n):
	    if n: return work(n - 1)
	    s = json.dumps({str(i): [i] * 5 for i in range(2000)})
	    return sorted(s, key=ord), re.findall(r"(\d+)+,", s)
	while time.time() < end: work(20)
PY
python=$(readlink -f /usr/bin/python3)
[ -x "$python" ] && stacks "python3" "$python" load.py
command -v perl >/dev/null && stacks "perl" perl -e "\$t = time + $seconds; while (time < \$t) { @a = sort { \$a <=> \$b } map { rand } 1 .. 2000 }"

echo "== CPU time of rec per sample, with what every recording takes (one busy process, $seconds s at 4999 Hz)"
for kind in recursion callback deep; do
	for u in fp auto bpf; do
		rm -f t.rec
		"$rec" cpu -q -F 4999 -u $u -o t.rec -- "$build/samples/frames" $kind $ms
		"$ana" info t.rec -f json | jq -r --arg what "$kind, --unwind $u" \
			--arg bytes "$(ratio "$(stat -c %s t.rec)" "$(samples_of t.rec)")" '.sections.facts.facts |
			"\($what): \((."recorder.cpu_ns" | tonumber) / (."recorder.events" | tonumber) / 100 | round / 10) us and \($bytes) bytes a sample, \(."recorder.events") samples, \(."recorder.lost") lost"'
	done
done

echo "== one copy of a stack, unwound (wanted: at most 10 us)"
"$build/bench/bench_unwind"

echo "== call frame information of binaries, compiled"
"$build/bench/bench_cfi" "$(ldconfig -p | sed -n 's/.*libc.so.6 .*x86-64.* => //p' | head -n 1)" "$python" /usr/lib/jvm/*/lib/server/libjvm.so \
	/usr/lib/x86_64-linux-gnu/libLLVM-1*.so.1 /usr/lib/llvm-*/lib/libclang-cpp.so.1? /usr/lib/chromium/chromium 2>/dev/null

echo "== names of 100,000 addresses all over large binaries, as a recording finds them"
for file in /usr/lib/x86_64-linux-gnu/libLLVM-1*.so.1 /usr/lib/llvm-*/lib/libclang-cpp.so.1? /usr/lib/chromium/chromium \
	/usr/lib/jvm/*/lib/server/libjvm.so ${NAMES_OF:-}; do
	[ ! -e "$file" ] || "$build/bench/bench_names" "$file"
done

echo "== what the recorder costs (CPU seconds in a recording of $seconds s of one busy process)"
"$build/samples/calltree" 1000000 &
server=$!
for hz in 99 999 4999; do
	for way in "fp fp" "auto dwarf" "bpf dwarf"; do # of rec, of perf
		a=$(rm -f t.rec && "$measure" "$rec" cpu -q -F $hz -u "${way% *}" -d "$seconds" -p $server -o t.rec 2>&1 | tail -n 1)
		[ -n "$have_perf" ] || { echo "$hz Hz, --unwind ${way% *}: rec $a" && continue; }
		b=$("$measure" perf record -q -F $hz --call-graph "${way#* }" -p $server -o p.data -- sleep "$seconds" 2>&1 | tail -n 1)
		echo "$hz Hz: rec --unwind ${way% *} ${a%% *} s, perf record --call-graph ${way#* } ${b%% *} s: ratio $(ratio "${a%% *}" "${b%% *}");" \
			"memory $(ratio "${a##* }" 1024) and $(ratio "${b##* }" 1024) MiB"
	done
done
kill $server
server=

echo "== slow-down of a program of fixed work (wall time against running alone, each beside the others; middle of ${ROUNDS:=7} rounds)"
cat >work <<-'SH'
	#!/bin/bash
	head -c 700M /dev/zero | sha256sum >/dev/null
SH
chmod +x work
wall() { # NAME COMMAND...
	local name=$1
	shift
	rm -f t.rec
	"$measure" "$@" 2>&1 >/dev/null | awk -v name="$name" 'END { print name, $2 }'
}
for ((round = 0; round < ROUNDS; round++)); do
	wall alone ./work
	for hz in 99 999 4999; do
		for way in "fp fp" "auto dwarf"; do
			wall "$hz-rec-${way% *}" "$rec" cpu -q -F $hz -u "${way% *}" -o t.rec -- ./work
			[ -z "$have_perf" ] || wall "$hz-perf-${way#* }" perf record -q -F $hz --call-graph "${way#* }" -o p.data -- ./work
		done
	done
done | sort -k1,1 -k2,2n | awk '{ v[$1, ++n[$1]] = $2 }
	END {
		for (k in n) m[k] = v[k, int((n[k] + 1) / 2)]
		for (k in n) if (k != "alone") printf "%s: %.2f\n", k, m[k] / m["alone"]
	}' | sort -n

"$here/samples.sh"
"$here/sched.sh"
"$here/block.sh"
"$here/syscalls.sh"
"$here/memory.sh"
"$here/report.sh"

echo "== kill -9 at random moments of 0.2 to 2.8 s"
"$here/kill.sh" "$rec" "$ana" "$build/samples" "${KILLS:-100}"

echo "== encodings, for the columns of a recording of a compute loop at 4999 Hz"
rm -f t.rec
"$rec" cpu -q -F 4999 -d "$seconds" -o t.rec -- "$build/samples/calltree" 60000
"$build/bench/bench_encodings" t.rec | sed -n '/^cpu_sample/,/^$/p'
