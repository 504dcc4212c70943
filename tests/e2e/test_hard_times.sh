#!/bin/bash
# A disk that fills up or stalls, a reader that stalls, processes by the thousand: nothing recorded is
# lost, and what could not be recorded is counted.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

lost_in() { "$ANA" info "$1" -f json | jq '[.sections.losses.rows[].lost] | add // 0'; }

# recorded_and_lost TRACE: what the recorder itself counted, from its last words
recorder_fact() { "$ANA" info "$1" -f json | jq -r ".sections.facts.facts.\"recorder.$2\" // 0"; }

test_thousands_of_processes_are_all_there() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to record the system"
	"$REC" cpu -a -F 99 -o t.rec -q &
	rec=$!
	sleep 1
	timeout 250 python3 -c 'import os
for i in range(10000): os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)' ||
		fail "the processes did not start"
	sleep 0.3
	memory=$(awk '/VmHWM/ { print $2 }' /proc/$rec/status)
	kill -INT $rec
	wait $rec
	check_status 0 "$ANA" verify t.rec
	check_equal "$(lost_in t.rec)" 0 "losses"
	check_between 10000 "$("$ANA" dump t.rec -e process_exec -f csv | grep -c '"true"')" 10100 "execs of true"
	[ "$memory" -lt 65536 ] || fail "rec needed $memory KiB"
}

test_a_disk_that_stalls_costs_what_does_not_fit_and_not_the_recorder() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	truncate -s 64M disk
	mkfs.ext4 -q disk 2>/dev/null || skip "no mkfs.ext4"
	mkdir slow
	mount -o loop disk slow 2>/dev/null || skip "no loop device may be mounted"
	"$SAMPLES/calltree" 30000 &
	target=$!
	"$REC" cpu -q -F 999 -p $target -d 7 -o slow/t.rec &
	rec=$!
	sleep 2
	fsfreeze -f slow
	sleep 3
	fsfreeze -u slow
	wait $rec
	status=$?
	cp slow/t.rec .
	umount slow
	kill $target
	check_equal $status 0 "status"
	check_status 0 "$ANA" verify t.rec
	# 3 s at 999 Hz fit into the queue by far.
	check_equal "$(lost_in t.rec)" 0 "losses"
	check_equal "$(count_events t.rec cpu_sample)" "$(recorder_fact t.rec events)" "samples"
}

# mount_disk KIND: an empty file system of some MiB, at disk/. unmount_disk takes it away.
mount_disk() {
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	mkdir disk
	if [ "$1" = tmpfs ]; then
		mount -t tmpfs -o size=24m none disk 2>/dev/null || skip "no tmpfs may be mounted"
	else
		truncate -s 24M image
		mkfs.ext4 -q -m 0 image 2>/dev/null || skip "no mkfs.ext4"
		mount -o loop image disk 2>/dev/null || skip "no loop device may be mounted"
	fi
}

trap 'umount -l "$WORK"/*/disk 2>/dev/null; rm -rf "$WORK"' EXIT

unmount_disk() {
	umount disk
	rm -rf disk image
}

free_kib() { df --output=avail -k disk | tail -n 1; }

# fill_disk KIB: all but that much, if it is not less already.
fill_disk() {
	local all
	all=$(free_kib)
	[ "$all" -le "$1" ] || head -c $(((all - $1) * 1024)) /dev/zero 2>/dev/null >disk/filler.$RANDOM
	# Room that is promised but not yet used is told late, and some goes into what describes files.
	sync -f disk
}

# check_full_disk: what a recording that was ended by a full disk left, t.rec, err and its $status.
check_full_disk() {
	local seen lost
	check_equal "$status" 3 "status"
	check_says '^rec: the disk is full: recording ended after [0-9.]+ s, what is in .* can be read: No space left on device$'
	check_status 0 "$ANA" verify t.rec
	seen=$(count_events t.rec cpu_sample)
	lost=$("$ANA" info t.rec -f json |
		jq '[.sections.losses.rows[] | select(.event == "cpu_sample" and .reason == "disk_full") | .lost] | add // 0')
	check_equal $((seen + lost)) "$(recorder_fact t.rec events)" "samples there ($seen) and without room ($lost)"
	check_equal "$lost" 0 "samples without room"
	check_between 1000 "$seen" 1000000 "samples that can be read"
	"$ANA" info t.rec | grep -q 'Recorded so: the disk was full after' || fail "the trace does not tell"
}

test_a_disk_that_is_nearly_full_from_the_start() {
	local kind free status one two
	need_perf
	"$SAMPLES/deepstacks" 200 >/dev/null &
	one=$!
	"$SAMPLES/deepstacks" 200 >/dev/null &
	two=$!
	for kind in tmpfs ext4; do
		for free in 61 2045 2055 2503 4003; do
			mount_disk $kind
			fill_disk $free
			# Whoever finds too little says so, and leaves nothing.
			"$REC" cpu -F 20000 --unwind fp -d 40 -o disk/t.rec -p $one,$two 2>err
			status=$?
			if [ -e disk/t.rec ]; then
				cp disk/t.rec .
				check_full_disk
				[ $free -ge 2048 ] || fail "recorded with $free KiB"
			else
				check_equal $status 3 "status"
				check_says "needs 2.0 MiB to begin with, in the folder 'disk'"
				[ $free -lt 2150 ] || fail "refused with $free KiB"
			fi
			rm -f t.rec
			unmount_disk
		done
	done
	kill $one $two
}

test_a_disk_that_others_fill_up_while_recording() {
	local kind status
	need_perf
	for kind in tmpfs ext4; do
		mount_disk $kind
		"$SAMPLES/deepstacks" 20 >/dev/null &
		target=$!
		"$REC" cpu -F 9999 -d 40 -p $target -o disk/t.rec 2>err &
		rec=$!
		sleep 1
		fill_disk 0
		wait $rec
		status=$?
		kill $target
		cp disk/t.rec .
		check_full_disk
		# What was reserved and not needed is free again.
		check_between 0 "$(($(du -k disk/t.rec | cut -f 1) - $(stat -c %s disk/t.rec) / 1024))" 8 "KiB behind the end"
		rm -f t.rec
		unmount_disk
	done
}

# The command would go on for ten minutes.
test_on_a_full_disk_the_trace_is_whole_before_the_command_ends() {
	need_perf
	mount_disk tmpfs
	fill_disk 2500
	# shellcheck disable=SC2016 # the command's own $$
	local command=(sh -c 'echo $$ >pid; exec "$0" 600 >/dev/null' "$SAMPLES/deepstacks")
	"$REC" cpu -F 20000 --unwind fp -o disk/t.rec -- "${command[@]}" 2>err &
	rec=$!
	for _ in {1..300}; do
		! grep -q 'waiting for the command to end' err || break
		sleep 0.2
	done
	check_says 'the disk is full'
	check_says 'the recording is complete; waiting for the command to end'
	check_status 0 "$ANA" verify disk/t.rec
	check_between 0 "$(($(du -k disk/t.rec | cut -f 1) - $(stat -c %s disk/t.rec) / 1024))" 8 "KiB behind the end"
	kill $rec
	wait $rec
	kill "$(cat pid)" || fail "the command was ended with rec"
	check_status 0 "$ANA" verify disk/t.rec
	rm disk/t.rec
	# The time it was given ends the command all the same.
	timeout 200 "$REC" cpu -F 20000 --unwind fp -d 8 -o disk/t.rec -- "${command[@]}" 2>err
	check_equal $? 3 "status"
	check_says 'the disk is full'
	! kill "$(cat pid)" 2>/dev/null || fail "the command still runs"
	check_status 0 "$ANA" verify disk/t.rec
	unmount_disk
}

test_blocks_that_are_kept_for_root_are_room_for_root() {
	need_perf
	mount_disk ext4
	umount disk
	tune2fs -m 20 image >/dev/null 2>&1 || skip "no tune2fs"
	mount -o loop image disk
	fill_disk 300
	check_between 0 "$(free_kib)" 300 "KiB for everybody"
	for more in "" "--ring 10s"; do
		# shellcheck disable=SC2086 # options
		check_status 0 "$REC" cpu -q $more -o disk/t.rec -- true
		check_status 0 "$ANA" verify disk/t.rec
		rm disk/t.rec
	done
	unmount_disk
}

# Paths of 60 letters that are seen once: the rows that find no room refer to far more than what is kept for the end.
test_what_waits_when_the_disk_is_full_is_there_or_counted() {
	local status seen lost
	need_perf
	mount_disk tmpfs
	# It begins when the recorder is stopped, which by then has had no reason to keep much room.
	rm -f go
	python3 -c '
import os, random, string, time
while not os.path.exists("go"): time.sleep(0.05)
while True:
    try: os.stat("/" + "".join(random.choices(string.ascii_letters, k=60)))
    except OSError: pass' &
	target=$!
	"$REC" syscalls -p $target -d 60 -o disk/t.rec 2>err &
	rec=$!
	sleep 2
	kill -STOP $rec
	touch go
	sleep 4
	fill_disk 0
	kill -CONT $rec
	wait $rec
	status=$?
	kill $target
	check_equal $status 3 "status"
	check_says 'the disk is full'
	check_status 0 "$ANA" verify disk/t.rec
	seen=$(count_events disk/t.rec syscall)
	lost=$("$ANA" info disk/t.rec -f json |
		jq '[.sections.losses.rows[] | select(.event == "syscall" and (.reason | startswith("disk_"))) | .lost] | add // 0')
	check_between 1000 "$lost" 100000000 "calls without room"
	check_equal $((seen + lost)) "$(recorder_fact disk/t.rec events)" "calls there ($seen) and without room ($lost)"
	unmount_disk
}

test_a_rotation_ends_on_a_full_disk_with_whole_files() {
	local status=0
	need_perf
	mount_disk tmpfs
	fill_disk 5003
	"$SAMPLES/deepstacks" 60 >/dev/null &
	target=$!
	"$REC" cpu -F 9999 --unwind fp --rotate 600K -d 60 -p $target -o disk/t.rec 2>err
	status=$?
	kill $target
	check_equal $status 3 "status"
	check_says 'the disk is full'
	[ "$(find disk -name '*.rec' | wc -l)" -ge 2 ] || fail "$(ls -l disk)"
	check_status 0 "$ANA" verify disk/*.rec
	unmount_disk
}

# What is taken ahead of the newest would not fit beside all that may be kept.
test_a_rotation_goes_on_on_a_disk_of_the_size_that_it_may_take() {
	local more status
	need_perf
	for more in "--max-size 5600K" "--keep 3"; do
		mount_disk tmpfs
		fill_disk 5600
		"$SAMPLES/deepstacks" 60 >/dev/null &
		target=$!
		# shellcheck disable=SC2086 # options
		"$REC" cpu -F 20000 --unwind fp --rotate 600K $more -d 20 -p $target -o disk/t.rec 2>err
		status=$?
		kill $target
		check_equal $status 0 "status with $more: $(cat err)"
		[ ! -e disk/t-0001.rec ] || fail "no file was removed with $more: $(ls -l disk)"
		[ "$(find disk -name '*.rec' | wc -l)" -ge 2 ] || fail "$(ls -l disk)"
		check_status 0 "$ANA" verify disk/*.rec
		unmount_disk
	done
}

test_a_ring_writes_what_the_disk_has_room_for() {
	local status
	need_perf
	mount_disk ext4
	"$SAMPLES/deepstacks" 40 >/dev/null &
	target=$!
	"$REC" cpu -F 9999 --ring 16s -p $target -o disk/t.rec 2>err &
	rec=$!
	sleep 10
	fill_disk 600
	kill -USR2 $rec
	sleep 2
	kill -INT $rec
	wait $rec
	status=$?
	kill $target
	check_equal $status 3 "status"
	check_says '^rec: the last .* are in disk/t.rec; the disk has no room for more$'
	check_status 0 "$ANA" verify disk/t.rec
	unmount_disk
}

test_a_reader_that_stalls_makes_counted_drops_and_never_a_blocked_recorder() {
	need_perf
	"$SAMPLES/deepstacks" 40 >/dev/null &
	one=$!
	"$SAMPLES/deepstacks" 40 >/dev/null &
	two=$!
	# Almost a MiB a second into a pipe that nobody reads for a while; the queue has 8 MiB.
	"$REC" cpu -q -F 15000 -p $one,$two -d 30 -o - | (
		sleep 28
		cat
	) >t.rec
	kill $one $two
	check_status 0 "$ANA" verify t.rec
	seen=$(count_events t.rec cpu_sample)
	all=$(recorder_fact t.rec events)
	slow=$("$ANA" info t.rec -f json |
		jq '[.sections.losses.rows[] | select(.event == "cpu_sample" and .reason == "disk_slow") | .lost] | add // 0')
	check_equal $((seen + slow)) "$all" "samples there ($seen) and dropped ($slow)"
	# A machine that takes few samples does not fill it.
	[ "$slow" -gt 0 ] || skip "the queue held everything: $seen samples"
}

run_tests
