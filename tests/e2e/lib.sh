# What the end-to-end tests share. Source it first: it makes a folder of its own for the test, which
# is removed at the end, and finds the programs.
#
# A test is a function test_NAME; `run_tests` at the end calls them all, each in the folder. check_*
# functions end the test with a sentence when they do not hold.
# shellcheck shell=bash disable=SC2317 # tests are called by run_tests
set -u
# Tracepoints are listed in tracefs. Where a machine has not mounted it, tests that may do so mount it for themselves only.
if [ -z "${TEST_MOUNTED:-}" ] && [ "$(id -u)" = 0 ] && ! grep -q ' tracefs ' /proc/mounts; then
	export TEST_MOUNTED=1
	exec unshare -m sh -c 'mount -t tracefs nodev /sys/kernel/tracing; exec "$@"' sh "$BASH" "$0" "$@"
fi
BUILD=$(realpath "${BUILD:-build}")
REC=$BUILD/rec
ANA=$BUILD/ana
SAMPLES=$BUILD/samples
REPO=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
export REC ANA SAMPLES REPO
NEVER_IDLE=() # what runs on CPUs that tell nothing otherwise
WORK=$(mktemp -d "${TMPDIR:-/tmp}/e2e-XXXXXX")
cd "$WORK" || exit 1

# Perf tells nothing of the idle threads of some CPUs on Linux 6.18 in a virtual machine, neither switches nor the
# interrupts that come to them, such as the ends of a disk's requests (perf record shows the same). Tests of tracepoints
# go to the other CPUs then, and something runs on these whenever they have nothing else to do.
use_cpus_that_tell() {
	"$REC" -q -a -e power:cpu_idle,sched:sched_switch -d 0.3 -o told.rec 2>/dev/null || return 0
	"$ANA" dump told.rec -f jsonl | jq -r 'select(.fields.tid == 0) | .fields.cpu' | sort -u >told
	awk '/^cpu[0-9]/ { print substr($1, 4) }' /proc/stat | sort >cpus
	comm -12 cpus told >tell
	if [ -s tell ] && [ "$(wc -l <tell)" -lt "$(nproc)" ]; then
		echo "perf tells nothing of the idle threads of some CPUs: the tests run on $(paste -sd, tell)"
		for cpu in $(comm -23 cpus told); do
			taskset -c "$cpu" chrt -i 0 timeout 900 sh -c 'while :; do :; done' &
			NEVER_IDLE+=($!)
		done
		taskset -pc "$(paste -sd, tell)" $$ >/dev/null
	fi
	rm -f told told.rec tell cpus
}

# With TEST_WITHOUT=bpf, `rec` runs where that system call is refused.
if [ -n "${TEST_WITHOUT:-}" ]; then
	printf '#!/bin/sh\nexec "%s/e2e/refuse" %s "%s" "$@"\n' "$BUILD" "$TEST_WITHOUT" "$REC" >rec
	chmod +x rec
	REC=$WORK/rec
	use_cpus_that_tell
fi
trap 'kill "${NEVER_IDLE[@]}" 2>/dev/null; rm -rf "$WORK"' EXIT

fail() {
	echo "FAIL: ${FUNCNAME[-3]:-}: $*" >&2
	exit 1
}

skip() {
	echo "SKIP: ${CURRENT:-}: $*"
	exit 0
}

# With TEST_SLOW set, the machine is emulated: 10 to 50 times slower, its CPUs take turns of up to 0.1 s, and
# time goes on while it is not looked after. slow WHY leaves out a test that would take minutes there.
slow() {
	[ -z "${TEST_SLOW:-}" ] || skip "not on an emulated machine: $*"
}

# Waits until a recording into a file runs.
is_recording() {
	for _ in {1..300}; do
		"$ANA" dump "$1" 2>/dev/null | grep -q . && return
		sleep 0.1
	done
	fail "nothing was recorded into $1"
}

# rounds N FEWER: as many as are usual, or on an emulated machine as it does in seconds.
rounds() {
	[ -z "${TEST_SLOW:-}" ] && echo "$1" || echo "$2"
}

# check_status WANT COMMAND...: the command's exit status; its output goes to out and err.
check_status() {
	local want=$1 got
	shift
	"$@" >out 2>err
	got=$?
	[ $got = "$want" ] || fail "status $got instead of $want: $* : $(tail -n 3 err)"
}

# check_says PATTERN: the last command's stderr has it, in one line that starts with the program.
check_says() {
	grep -qE -- "$1" err || fail "stderr does not say '$1': $(cat err)"
}

check_prints() {
	grep -qE -- "$1" out || fail "stdout does not have '$1': $(head -n 5 out)"
}

check_equal() {
	[ "$1" = "$2" ] || fail "'$1' is not '$2'${3:+: $3}"
}

# check_between LOW VALUE HIGH WHAT
check_between() {
	awk -v a="$1" -v v="$2" -v b="$3" 'BEGIN { exit !(v >= a && v <= b) }' ||
		fail "$4 is $2, not between $1 and $3"
}

# Whether this machine lets us sample at all; skips the test otherwise.
need_perf() {
	"$REC" cpu -q -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "perf_event_open is refused here: $(cat probe.err)"
}

# A cgroup of version 1 or 2 that perf_event works with, $mount/$group, made for a test; skips where that cannot
# be.
make_cgroup() {
	[ "$(id -u)" = 0 ] || skip "needs root to make a cgroup"
	mount=$(awk '$3 == "cgroup" && $4 ~ /perf_event/ { print $2; exit }' /proc/mounts)
	[ -n "$mount" ] || mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$mount" ] || skip "no cgroup file system is mounted"
	group=rec-test-$$
	mkdir "$mount/$group" 2>/dev/null || skip "no cgroup may be made in $mount"
}

# share TRACE PATTERN [ANA OPTIONS]: percent of samples whose folded stack matches.
share() {
	local trace=$1 pattern=$2
	shift 2
	"$ANA" flame "$trace" -f folded "$@" |
		awk -v p="$pattern" '{ n = $NF; $NF = ""; all += n; if ($0 ~ p) hit += n }
			END { printf "%.1f", all ? 100 * hit / all : 0 }'
}

count_events() { # TRACE EVENT
	"$ANA" dump "$1" -e "$2" 2>/dev/null | wc -l
}

# Whether a number of ns is another within a percent.
within_a_percent() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && b >= 0.99 * a && b <= 1.01 * a) }'
}

# check_schedstat REC...: records schedplan to s.rec, its words in out; what the rivals ran and waited is what
# the kernel says. Some kernels do not tell every switch (6.18 on a virtual machine: those away from threads of
# its agent, and bursts while tracepoints are attached elsewhere; perf misses the same ones), so that one of six
# recordings has to agree.
check_schedstat() {
	local ran waited
	for _ in 1 2 3 4 5 6; do
		rm -f s.rec
		check_status 0 "$@" sched -o s.rec -- "$SAMPLES/schedplan"
		"$ANA" sched s.rec --top 1000 -f json | jq -r '[.sections.threads.rows[] | select(.comm == "rival")] |
			[(map(.run) | add), (map(.wait) | add)] | @tsv' >ours
		read -r ran waited <ours
		within_a_percent "$(awk '/^rival/ { n += $4 } END { print n }' out)" "$ran" &&
			within_a_percent "$(awk '/^rival/ { n += $6 } END { print n }' out)" "$waited" && return
	done
	fail "rivals ran and waited $ran $waited ns, the kernel says: $(grep ^rival out)"
}

# An emulated CPU may stand still for longer than a sleep takes: its timer has run out then before the thread
# has left.
FEWEST_SLEEPS=$(rounds 23 17)

# A program whose second thread, whose number it prints, sleeps 7 times once a line comes and starts another program,
# which has the process's number from then on; that one sleeps 23 times, touches 1,009 pages and prints where those
# were. The first thread sleeps all the time.
thread_that_execs() {
	cat >execs.py <<-'PY'
		import ctypes, mmap, os, sys, threading, time
		def again():
		    for _ in range(7):
		        time.sleep(0.003)
		    os.execv(sys.executable, [sys.executable, __file__, "again"])
		def wait():
		    print(threading.get_native_id(), flush=True)
		    sys.stdin.readline()
		    again()
		if len(sys.argv) < 2:
		    threading.Thread(target=wait).start()
		    while True:
		        time.sleep(0.001)
		for _ in range(23):
		    time.sleep(0.003)
		m = mmap.mmap(-1, 1009 * mmap.PAGESIZE)
		for i in range(1009):
		    m[i * mmap.PAGESIZE] = 1
		print(ctypes.addressof(ctypes.c_char.from_buffer(m)), mmap.PAGESIZE, flush=True)
	PY
	exec python3 execs.py
}

# run_while_recorded PROGRAM RECORDER EVERYBODY: lets the program, which waits for a line on descriptor 4, go on once
# both record, it to t.rec and everybody to a.rec; the first ends with the program.
run_while_recorded() {
	is_recording t.rec
	is_recording a.rec
	echo >&4
	exec 4>&-
	wait "$1"
	wait "$2" || fail "$(cat err)"
	kill -INT "$3"
	wait "$3" || fail "$(cat err2)"
}

# check_thread_that_execs REC...: one of several threads is recorded, through its exec, by itself and out of everybody.
check_thread_that_execs() {
	local tid program recorder address page old
	command -v python3 >/dev/null || skip "no python3"
	rm -f go said t.rec a.rec
	mkfifo go
	thread_that_execs <go >said &
	program=$!
	exec 4>go
	until [ -s said ]; do sleep 0.1; done
	read -r tid <said
	"$@" sched,faults -q --tid "$tid" -o t.rec 2>err &
	recorder=$!
	"$@" sched,faults -q -a --tid "$tid" -o a.rec 2>err2 &
	run_while_recorded "$program" $recorder $!
	read -r address page < <(tail -n 1 said)
	for trace in t a; do
		"$ANA" dump $trace.rec -e sched_switch -f jsonl | jq -c 'select(.fields.recorded % 2 == 1)' >switches
		check_equal "$(jq .fields.tid switches | sort -u)" "$(printf '%s\n' "$tid" "$program" | sort)" \
			"numbers of the thread in $trace.rec"
		old=$(jq -s "map(select(.fields.tid == $tid).time) | max" switches)
		check_equal "$(jq "select(.fields.tid == $program and .time < $old) | .time" switches | wc -l)" 0 \
			"switches of the first thread in $trace.rec"
		jq -r 'select(.fields.state == "sleeping") | "\(.fields.tid) \(.fields.stack | join(";"))"' switches >stacks
		check_between $((FEWEST_SLEEPS * 7 / 23)) "$(grep -c "^$tid .*nanosleep" stacks)" 7 "sleeps before the exec"
		check_between "$FEWEST_SLEEPS" "$(grep -c "^$program .*nanosleep" stacks)" 23 "sleeps after the exec"
		check_equal "$("$ANA" dump $trace.rec -e page_fault -f jsonl |
			jq -r ".fields | select(.tid == $program).address" | while read -r at; do
			echo $(((at - address) / page))
		done | awk '$1 >= 0 && $1 < 1009' | sort -un | wc -l)" 1009 "pages that were touched, in $trace.rec"
	done
}

# one_of_six COMMAND...: checks that every switch is there. Some kernels leave out a few (see check_schedstat): then once
# more.
one_of_six() {
	for _ in 1 2 3 4 5; do
		("$@") >try 2>&1 && cat try && return
		echo "once more: $(tail -n 1 try)"
	done
	"$@"
}

# check_sampled_waits REC...: chance decides; of 1,009 sleeps, one in 3 taken, the estimate is within 40% but in one
# of 10^17 runs (nine standard deviations of 4.5%).
check_sampled_waits() {
	local n blocked
	n=$(rounds 1009 211)
	cat >sleeps.sh <<-'SH'
		for ((i = 0; i < $1; i++)); do read -rt 0.003 <>pipe || :; done
	SH
	mkfifo pipe
	check_status 0 "$@" sched --min 2ms --sample 3 -o s.rec -- bash sleeps.sh "$n"
	"$ANA" dump s.rec -e off_cpu -f jsonl | jq -c '.fields | select(.comm == "bash" and .state == "sleeping")' >rows
	check_equal "$(jq .weight rows | sort -u)" 3 "weight"
	check_between $((n * $([ -z "${TEST_SLOW:-}" ] && echo 6 || echo 3) / 10)) $((3 * $(wc -l <rows))) $((n * 14 / 10)) "estimate"
	"$ANA" offcpu s.rec -f json >json
	blocked=$(jq 'if .blocked == 0 then .latency else .blocked end' rows | awk '{ n += $1 } END { printf("%.0f", 3 * n) }')
	check_equal "$("$ANA" sched s.rec -f json | jq '.sections.threads.rows[] | select(.comm == "bash").sleep')" "$blocked" \
		"time asleep in the report"
	check_equal "$(jq '.sections.states.rows[] | select(.state == "sleeping").times' json)" \
		$((3 * $("$ANA" dump s.rec -e off_cpu -f jsonl | jq -c '.fields | select(.state == "sleeping")' | wc -l))) "times"
	grep -q 'estimates from' json || fail "the report does not say so"
}

# ---- stacks of samples/frames.c ----

# record_frames KIND MILLISECONDS [OPTIONS]: records one kind of samples/frames.c into KIND.rec.
record_frames() {
	local kind=$1 ms=$2
	shift 2
	rm -f "$kind.rec"
	check_status 0 "$REC" cpu --no-inline -F 997 -o "$kind.rec" "$@" -- "${PROGRAM:-$SAMPLES/frames}" "$kind" "$ms"
	check_between $((ms / 4)) "$(count_events "$kind.rec" cpu_sample)" $((ms * 2)) "samples of $kind"
}

# check_share TRACE LOW HIGH PATTERN: what percentage of samples has such a stack. Of a program that runs
# for half a second the dynamic linking is 1% at the most.
check_share() {
	local percent

	"$ANA" flame "$1" -f folded 2>/dev/null >folded
	percent=$({ grep -E -- "$4" folded; echo all; cat folded; } | awk '
		$0 == "all" { part = n; n = 0; next }
		{ n += $NF }
		END { printf "%.1f", n ? 100 * part / n : -1 }')
	check_between "$2" "$percent" "$3" "share of $4 in $1 (others: $(grep -vE -- "$4" folded |
		awk '{ print $NF, $0 }' | sort -rn | head -n 3 | cut -c 1-300)),"
}

need_x86() {
	[ "$(uname -m)" = x86_64 ] || skip "unwinding by call frame information is for x86-64"
}

# shellcheck disable=SC2034 # of those who source this
from_main="^frames;_start;__libc_start_main[^;]*;__libc_start_call_main;main"

# All of them, or those whose names match TEST_ONLY.
run_tests() {
	local t status=0 word start
	for t in $(declare -F | awk '{ print $3 }' | grep '^test_' | grep -E "${TEST_ONLY:-.}"); do
		start=$(date +%s%N)
		word=ok
		(
			CURRENT=$t
			mkdir "$WORK/$t" && cd "$WORK/$t" && "$t"
		) || {
			word="not ok"
			status=1
		}
		echo "$word $t ($((($(date +%s%N) - start) / 1000000)) ms)"
	done
	exit $status
}
