#!/bin/bash
# What can go wrong for a user: one clear line that says what to do, the right exit status, and
# nothing lost that was recorded.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

# The last command said one line, from this program.
check_one_line() {
	check_equal "$(wc -l <err)" 1 "lines on stderr: $(cat err)"
	grep -q "^$1: " err || fail "not from $1: $(cat err)"
}

TRACE=$REPO/samples/logstats.rec

test_files_that_are_no_trace() {
	local c
	: >empty
	echo hello >text
	head -c 5000 /dev/urandom >noise
	printf 'PERFILE2xxxxxxxxxxxxxxxx' >perf.data
	for c in flame info dump verify; do
		check_status 3 "$ANA" $c empty
		check_one_line ana
		check_says 'empty'
		check_status 3 "$ANA" $c text
		check_one_line ana
		check_says 'not a trace.*rec'
		check_status 3 "$ANA" $c noise
		check_one_line ana
		check_status 3 "$ANA" $c perf.data
		check_says 'perf.data'
		check_status 3 "$ANA" $c /
		check_one_line ana
		check_says 'directory'
		check_status 3 "$ANA" $c nonexistent
		check_one_line ana
		check_says 'No such file'
		check_status 2 "$ANA" $c
	done
	"$ANA" flame - <text >out 2>err
	check_equal $? 3 "status of a pipe that is no trace"
	check_one_line ana
	"$ANA" info - </dev/null >out 2>err
	check_equal $? 3 "status of an empty pipe"
	check_says 'empty'
}

test_a_cut_trace_is_read_up_to_the_cut() {
	size=$(stat -c %s "$TRACE")
	head -c $((size * 2 / 3)) "$TRACE" >cut.rec
	check_status 0 "$ANA" flame cut.rec
	check_prints 'warning: .*(damaged|no end)'
	check_status 1 "$ANA" verify cut.rec
	check_prints 'INCOMPLETE|DAMAGED'
	n=$("$ANA" dump cut.rec -e cpu_sample 2>/dev/null | wc -l)
	all=$("$ANA" dump "$TRACE" -e cpu_sample | wc -l)
	check_between $((all / 3)) "$n" $((all - 1)) "samples before the cut"
}

test_a_damaged_trace_loses_the_damaged_block() {
	cp "$TRACE" damaged.rec
	chmod u+w damaged.rec
	printf 'XXXX' | dd of=damaged.rec bs=1 seek=$(($(stat -c %s "$TRACE") / 2)) conv=notrunc 2>/dev/null
	check_status 0 "$ANA" flame damaged.rec
	check_prints 'warning: .*damaged in 1 place'
	check_status 1 "$ANA" verify damaged.rec
	check_prints 'damaged: [0-9]+ bytes at [0-9]+: checksum does not match'
	check_prints 'DAMAGED: '
}

test_a_newer_format_is_refused_with_advice() {
	# The major version lies behind the first block's header; the checksum is then wrong too, and
	# that is what is found: so the message is tested in test_trace.c, the status here.
	cp "$TRACE" newer.rec
	chmod u+w newer.rec
	printf '\x02' | dd of=newer.rec bs=1 seek=48 conv=notrunc 2>/dev/null
	check_status 1 "$ANA" verify newer.rec
}

test_output_that_cannot_be_written() {
	[ -w /dev/full ] || skip "no /dev/full"
	check_status 3 "$ANA" flame "$TRACE" -o /dev/full
	check_one_line ana
	check_says 'No space left'
	"$ANA" dump "$TRACE" >/dev/full 2>err
	check_equal $? 3 "status of dump to a full device"
	check_says 'No space left'
	check_status 3 "$ANA" flame "$TRACE" -o /nonexistent/x.svg
	check_one_line ana
	"$ANA" dump "$TRACE" 2>err | head -n 1 >/dev/null
	check_equal "${PIPESTATUS[0]}" 0 "a reader that goes away early is no failure"
	check_equal "$(cat err)" "" "and nothing is said about it"
}

test_usage() {
	check_status 2 "$ANA"
	check_status 2 "$ANA" nonsense
	check_says "no command 'nonsense'"
	check_status 0 "$ANA" --help
	check_prints '^  flame '
	check_status 0 "$ANA" flame --help
	check_prints 'folded'
	check_status 2 "$ANA" flame --no-such-option "$TRACE"
	check_status 2 "$ANA" flame -f nonsense "$TRACE"
	check_says "no format 'nonsense'"
	check_status 2 "$ANA" flame --time 5 "$TRACE"
	check_says "no window of time"
	check_status 2 "$ANA" flame -p abc "$TRACE"
	check_status 2 "$ANA" dump -f csv "$TRACE"
	check_says 'name it with --event'
	check_status 2 "$REC"
	check_status 2 "$REC" nonsense
	check_says "no source 'nonsense'"
	check_status 2 "$REC" -o x.rec -- ls -l
	check_says "name what to record, such as: rec cpu -o x.rec -- ls -l$"
	check_status 2 "$REC" -F 99 -- cpu
	check_says "name what to record, such as: rec cpu -F 99 -- cpu$"
	check_status 2 "$ANA" flame "$TRACE" --each -o pictures.svg
	check_says "^ana: --each makes a folder of files, here 'pictures.svg': choose the format with -f$"
	check_status 2 "$ANA" flame "$TRACE" -o pictures/
	check_says "'pictures/' is a folder: choose the format of its files with -f"
	check_status 2 "$REC" cpu,cpu
	check_status 2 "$REC" cpu -F 0
	check_status 2 "$REC" cpu -d soon
	check_status 2 "$REC" cpu -a -p 1
	check_status 2 "$REC" faults --sample 0 -- true
	check_says "'0' is no number from 1 to"
	check_status 2 "$REC" faults -a --working-set
	check_says 'name processes \(-p\), a cgroup or a command'
	check_status 2 "$REC" cpu --working-set -- true
	check_says 'record faults'
	check_status 0 "$REC" --help
	check_prints '^  cpu '
	check_status 0 "$REC" --version
}

test_commands_that_do_not_start() {
	need_perf
	check_status 127 "$REC" cpu -o t.rec -- no-such-command
	check_one_line rec
	check_says "'no-such-command' not found"
	echo >plain
	check_status 126 "$REC" cpu -o t.rec -- ./plain
	check_one_line rec
	check_says 'cannot be run: Permission denied'
	check_status 126 "$REC" cpu -o t.rec -- /
	[ ! -e t.rec ] || fail "an empty trace is left behind"
}

test_the_exit_status_is_the_commands_own() {
	need_perf
	check_status 7 "$REC" cpu -q -o a.rec -- sh -c 'exit 7'
	check_status 137 "$REC" cpu -q -o b.rec -- sh -c 'kill -9 $$'
	check_equal "$("$ANA" info a.rec -f json | jq -r '.sections.recording.facts."exit status"')" 7
	check_equal "$("$ANA" info b.rec -f json | jq -r '.sections.recording.facts."exit status"')" "signal 9"
}

test_processes_that_are_not_there() {
	need_perf
	check_status 3 "$REC" cpu -p 4194303 -o t.rec
	check_one_line rec
	check_says 'no process 4194303'
	check_status 2 "$REC" cpu -p 12x -o t.rec
	check_says "'12x' is no list of process numbers"
	sleep 0.3 &
	check_status 0 "$REC" cpu -p $! -o gone.rec # ends as soon as the process does
	check_status 0 "$ANA" verify gone.rec
	[ ! -e t.rec ] || fail "an empty trace is left behind"
}

test_disks_that_are_not_there() {
	"$REC" block -q -o probe.rec -- true 2>probe.err || skip "no BPF here: $(cat probe.err)"
	for d in nosuchdisk 999:7 /dev/null /dev/nosuchdisk vda,nosuchdisk; do
		check_status 3 "$REC" block -a -d 1 --device $d -o t.rec
		check_one_line rec
		check_says "there is no block device '[^']+'; there are: "
	done
	[ ! -e t.rec ] || fail "an empty trace is left behind"
}

test_an_output_that_exists_is_not_overwritten() {
	need_perf
	echo precious >t.rec
	check_status 3 "$REC" cpu -o t.rec -- true
	check_one_line rec
	check_says 'exists'
	check_equal "$(cat t.rec)" precious
	ln -s t.rec link.rec
	check_status 3 "$REC" cpu -o link.rec -- true
	ln -s nowhere dangling.rec
	check_status 3 "$REC" cpu -o dangling.rec -- true
	[ ! -e nowhere ] || fail "a symbolic link was followed"
	check_status 0 "$REC" cpu -q -o mode.rec -- true
	check_equal "$(stat -c %a mode.rec)" 600
}

test_folders_that_cannot_be_written() {
	need_perf
	check_status 3 "$REC" cpu -o /nonexistent/t.rec -- true
	check_one_line rec
	check_status 3 "$REC" cpu -o /proc/t.rec -- true
	check_one_line rec
	[ "$(id -u)" = 0 ] || { mkdir ro && chmod 555 ro; }
	[ -d ro ] || return 0
	check_status 3 "$REC" cpu -o ro/t.rec -- true
	check_says 'choose another folder'
}

test_a_full_disk_ends_the_recording_and_keeps_what_is_there() {
	need_perf
	check_status 3 "$REC" cpu -o /dev/full -- "$SAMPLES/calltree" 1500
	grep -q '^rec: recording ended, what is in /dev/full can be read: .*No space left' err ||
		fail "$(cat err)"
	[ "$(id -u)" = 0 ] || skip "only root can mount a small disk"
	mkdir small
	mount -t tmpfs -o size=64k none small 2>/dev/null || skip "no tmpfs here"
	for more in "-o small/t.rec" "-o small/t.rec --rotate 1M" "-o small/t.rec --ring 10s"; do
		# shellcheck disable=SC2086 # options
		check_status 3 "$REC" cpu $more -- touch ran
		check_one_line rec
		check_says "no room for a recording, which needs 2.0 MiB to begin with, in the folder 'small': .*No space left"
		check_equal "$(ls small)$(ls ran 2>/dev/null)" "" "what is there after $more"
	done
	check_status 0 "$REC" cpu -q --max-size 50K -o small/t.rec -- true
	rm small/t.rec
	mount -o remount,size=2200k small
	"$SAMPLES/deepstacks" 100 >/dev/null &
	target=$!
	check_status 3 "$REC" cpu -F 20000 -o small/t.rec -d 90 -p $target
	kill $target
	cp small/t.rec t.rec
	umount small
	check_says 'No space left'
	check_between 1000 "$("$ANA" dump t.rec -e cpu_sample 2>/dev/null | wc -l)" 100000 "samples kept"
}

test_a_reader_that_goes_away_ends_the_recording() {
	need_perf
	"$REC" cpu -o - -d 20 -- "$SAMPLES/calltree" 2500 2>err | head -c 300 >/dev/null
	check_equal "${PIPESTATUS[0]}" 3 "status"
	check_says 'reader of standard output has gone'
}

test_system_calls_that_there_are_not() {
	check_status 2 "$REC" syscalls --call opennat -- true
	check_says "there is no system call 'opennat'; did you mean .*openat"
	check_status 2 "$REC" syscalls --call 'nothing*' -- true
	check_says "there is no system call 'nothing\*'"
	check_status 2 "$REC" syscalls --call '' -- true
	check_says "a name is missing"
	check_status 2 "$REC" syscalls --sample x -- true
	check_status 2 "$REC" syscalls --summary --sample 3 -- true
	check_says "--summary counts every call"
	check_status 0 "$ANA" syscalls "$TRACE"
	check_prints 'no system calls in this trace; `rec syscalls`'
}

test_frequencies_above_the_limit_are_lowered_and_said() {
	need_perf
	max=$(cat /proc/sys/kernel/perf_event_max_sample_rate)
	check_status 0 "$REC" cpu -F $((max + 1000)) -o t.rec -- true
	check_says "above the kernel's limit: taking $max"
	"$ANA" info t.rec | grep -q "above the kernel's limit" || fail "not in the trace"
	[ -w /proc/sys/kernel/perf_event_max_sample_rate ] || skip "cannot lower the limit here"
	echo 2750 >/proc/sys/kernel/perf_event_max_sample_rate || skip "cannot lower the limit here"
	check_status 0 "$REC" cpu -F 9999 -o u.rec -- true
	echo "$max" >/proc/sys/kernel/perf_event_max_sample_rate
	check_says 'taking 2750'
}

test_an_ordinary_user_is_told_what_is_not_permitted() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to become somebody else"
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -ge 1 ] || skip "perf_event_paranoid permits all"
	chmod 755 "$WORK" .
	cp "$REC" "$SAMPLES/calltree" .
	mkdir -m 777 out.d
	nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
	nobody true || skip "no setpriv"
	check_status 3 nobody ./rec cpu -a -d 1 -o out.d/a.rec
	check_one_line rec
	check_says 'perf_event_paranoid is [0-9]+\).*run as root.*CAP_PERFMON.*sysctl'
	check_status 3 nobody ./rec cpu -p 1 -o out.d/p.rec
	check_one_line rec
	if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 2 ]; then
		check_status 3 nobody ./rec cpu -o out.d/c.rec -- ./calltree 300
		return
	fi
	check_status 0 nobody ./rec cpu -F 499 -o out.d/c.rec -- ./calltree 600
	check_says 'only user code is sampled'
	check_between 40 "$(share out.d/c.rec ';alpha')" 70 "share of alpha"
}

test_a_container_that_forbids_sampling() {
	check_status 3 "$BUILD/e2e/refuse" perf_event_open "$REC" cpu -o c.rec -- true
	check_one_line rec
	check_says "container's seccomp filter forbids perf_event_open"
	[ ! -e c.rec ] || fail "an empty trace is left behind"
	"$BUILD/e2e/refuse" perf_event_open "$REPO/samples/demo.sh" "$BUILD" >out 2>&1 ||
		fail "the demo has no way out: $(cat out)"
	check_prints 'a recording made'
	check_prints 'find_match'
	grep -q 'find_match' "$BUILD/demo/demo.svg" || fail "the demo's picture is empty"
}

test_a_command_that_is_ended_by_the_duration_is_no_failure() {
	need_perf
	check_status 0 "$REC" cpu -q -d 0.5 -o a.rec -- sleep 30
	check_equal "$("$ANA" info a.rec -f json | jq -r '.sections.recording.facts."exit status"')" \
		"signal 15" "what is recorded"
	# Who handles the signal has a status of its own, and may take its time.
	check_status 7 "$REC" cpu -d 0.5 -o b.rec -- bash -c 'trap "sleep 2; exit 7" TERM; while :; do sleep 0.1; done'
	check_says 'waiting for the command to end'
	check_status 137 "$REC" cpu -q -o c.rec -- sh -c 'exit 137'
	check_equal "$("$ANA" info c.rec -f json | jq -r '.sections.recording.facts."exit status"')" 137
}

test_nohup_is_respected() {
	need_perf
	(
		trap '' HUP
		exec "$REC" cpu -q -d 2 -o t.rec -- sleep 10
	) &
	rec=$!
	sleep 0.7
	kill -HUP $rec
	wait $rec
	check_between 1.5 "$("$ANA" info t.rec -f json | jq '.sections.facts.facts."recorder.duration_ns" | tonumber / 1e9')" \
		10 "duration"
}

test_a_commands_output_does_not_mix_with_the_trace() {
	need_perf
	"$REC" cpu -q -o - -- sh -c 'echo hello; ls /usr/bin' 2>err >t.rec || fail "status $?"
	check_status 0 "$ANA" verify t.rec
	"$REC" cpu -q -o - -- sh -c 'echo hello' 2>err >t2.rec
	grep -q hello err || fail "the command's output is lost"
}

test_an_output_never_destroys_its_input() {
	cp "$REPO/samples/logstats.rec" t.rec
	ln t.rec hard.rec
	ln -s t.rec soft.rec
	for o in t.rec ./t.rec hard.rec soft.rec; do
		check_status 2 "$ANA" flame t.rec -f text -o $o
		check_says 'is the trace itself'
		check_status 2 "$ANA" dump t.rec -f text -o $o
	done
	check_status 2 "$ANA" dump - -f text -o t.rec <t.rec
	cmp t.rec "$REPO/samples/logstats.rec" || fail "the trace has changed"
	echo old >there.txt
	check_status 2 "$ANA" flame t.rec -o picture.png
	check_status 2 "$ANA" dump t.rec -o events.xml
	check_status 0 "$ANA" flame t.rec -o picture.SVG
	grep -q '<svg' picture.SVG || fail "no picture"
	check_status 3 "$ANA" flame missing.rec -o there.txt
	check_equal "$(cat there.txt)" old "a file that was there when nothing came"
	check_equal "$(find . -name '*.??????' | wc -l)" 0 "temporary files"
}

test_interrupts_end_the_recording_cleanly() {
	need_perf
	for signal in INT TERM HUP; do
		"$REC" cpu -q -o $signal.rec -- sleep 100 &
		sleep 0.7
		kill -$signal $!
		wait $! # the command is ended because we were asked to end: no failure
		check_equal $? 0 "status after SIG$signal"
		check_status 0 "$ANA" verify $signal.rec
	done
	"$REC" cpu -q -a -o a.rec &
	sleep 0.7
	kill -INT $!
	wait $!
	check_equal $? 0 "status of a recording of the system after SIGINT"
	check_status 0 "$ANA" verify a.rec
}

# record_stubborn OPTIONS: records a command that heeds neither ^C nor SIGTERM into t.rec, as process $rec.
record_stubborn() {
	rm -f t.rec pid
	# shellcheck disable=SC2016 # the command's own $$
	"$REC" cpu -F 999 -o t.rec "$@" -- bash -c 'trap "" INT TERM; echo $$ >pid; while :; do :; done' 2>err &
	rec=$!
	for _ in {1..100}; do
		[ ! -s pid ] || break
		sleep 0.1
	done
	sleep 1
}

# check_ended_stubborn STATUS: that rec has, and that nothing is left but the trace, whole, and the command.
check_ended_stubborn() {
	wait $rec
	check_equal $? "$1" "status"
	kill -KILL "$(cat pid)" || fail "the command was ended with rec"
	check_status 0 "$ANA" verify t.rec
	check_between 100 "$(count_events t.rec cpu_sample)" 20000 "samples kept"
	check_equal "$("$ANA" info t.rec -f json | jq -r '.sections.recording.facts."exit status"')" null \
		"what is recorded of a command that goes on"
	check_equal "$(find . -type f | sort | paste -sd' ')" "./err ./out ./pid ./t.rec" "files"
}

test_a_second_interrupt_ends_at_once_and_keeps_the_trace() {
	local signal status=130
	need_perf
	rm -f probe.err
	for signal in INT TERM; do
		record_stubborn -q
		kill -INT $rec
		sleep 0.5
		kill -0 $rec || fail "it did not wait for the command"
		kill -$signal $rec
		check_ended_stubborn $status
		status=143
	done
}

# check_whole_while_waiting SIGNAL STATUS OPTIONS: the trace is, while rec waits for a stubborn command, and after the signal.
check_whole_while_waiting() {
	local signal=$1 status=$2
	shift 2
	record_stubborn "$@"
	[ $# != 0 ] || kill -INT $rec
	for _ in {1..100}; do
		! grep -q 'waiting for the command to end' err || break
		sleep 0.1
	done
	check_says 'waiting for the command to end'
	"$ANA" verify t.rec >verified 2>&1 || fail "not whole: $(cat verified)"
	rm verified
	kill "-$signal" $rec
	check_ended_stubborn "$status"
}

test_a_trace_is_whole_before_the_command_ends() {
	need_perf
	rm -f probe.err
	check_whole_while_waiting INT 130
	check_whole_while_waiting KILL 137
	check_whole_while_waiting TERM 143 -d 1
	# Who takes his time has his status.
	check_status 7 "$REC" cpu -q -d 0.5 -o slow.rec -- bash -c 'trap "sleep 2; exit 7" TERM; while :; do sleep 0.1; done'
	check_status 0 "$ANA" verify slow.rec
}

# stop_worker PID: stops the process that reads DWARF for rec, once it is one that ends with rec, and asks rec to end.
stop_worker() {
	python3 - "$1" <<-'PY'
		import glob, os, signal, sys, time

		def children(rec):
		    for name in glob.glob(f"/proc/{rec}/task/*/children"):
		        try:
		            yield from (int(c) for c in open(name).read().split())
		        except OSError:
		            pass

		def confined(pid):
		    limits = open(f"/proc/{pid}/limits").read()
		    return "unlimited" not in next(l for l in limits.splitlines() if "Max cpu time" in l)

		rec, command, until = int(sys.argv[1]), None, time.time() + 60
		while time.time() < until:
		    for pid in children(rec):
		        command = command or pid
		        try:
		            while pid != command:
		                os.kill(pid, signal.SIGSTOP)
		                if confined(pid):
		                    os.kill(rec, signal.SIGINT)
		                    print(pid)
		                    sys.exit(0)
		                os.kill(pid, signal.SIGCONT)
		        except OSError:
		            pass
		sys.exit(1)
	PY
}

# timeout tells its command, and then the process group that both are in.
test_a_signal_that_comes_twice_at_once_asks_once() {
	need_perf
	for _ in {1..5}; do
		rm -f t.rec
		status=0
		timeout 0.5 "$REC" cpu -F 99 -o t.rec -a 2>err || status=$?
		check_equal $status 124 "status of timeout"
		check_says 'samples'
		! grep -q 'not to wait' err || fail "a second signal was seen: $(cat err)"
	done
}

test_a_second_interrupt_does_not_wait_for_names() {
	local worker
	need_perf
	[ -e /proc/$$/task/$$/children ] || skip "the kernel does not tell children"
	# It waits for us to have seen it, so as not to be taken for what reads DWARF.
	# shellcheck disable=SC2016 # the command's own
	"$REC" cpu -F 4999 -o t.rec -- sh -c 'sleep 2; exec "$0" "$@"' "$ANA" report "$REPO/samples/orders.rec" -o page.html 2>err &
	rec=$!
	worker=$(stop_worker $rec) || fail "no process read DWARF"
	wait $rec
	check_equal $? 130 "status"
	for _ in {1..100}; do
		[ -e "/proc/$worker" ] || break
		sleep 0.1
	done
	[ ! -e "/proc/$worker" ] || fail "it is left behind"
	check_status 0 "$ANA" verify t.rec
	check_between 100 "$(count_events t.rec cpu_sample)" 20000 "samples kept"
	check_equal "$("$ANA" info t.rec -f json | jq -r '.sections.recording.facts."exit status"')" 0 "the command's status"
	"$ANA" info t.rec -f json | jq -r '.sections.facts.facts."source.names.note"' | grep -q 'not to wait for names' ||
		fail "nothing is said of names"
}

test_a_killed_recorder_leaves_all_but_the_last_second() {
	need_perf
	"$SAMPLES/calltree" 20000 &
	target=$!
	for i in 1 2 3; do
		"$REC" cpu -q -F 499 -p $target -o k$i.rec &
		sleep 2.$i
		kill -KILL $!
		wait $! 2>/dev/null
		check_status 0 "$ANA" info k$i.rec
		check_prints 'no end|damaged in 1 place'
		n=$("$ANA" dump k$i.rec -e cpu_sample 2>/dev/null | wc -l)
		check_between 50 "$n" 1300 "samples of 2.$i s at 499 Hz"
	done
	kill $target
}

run_tests
