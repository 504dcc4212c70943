#!/bin/bash
# What is refused to whom, on a kernel whose settings a test may change. The last test cannot be undone, so this
# runs in a machine that is thrown away afterwards.
# shellcheck source=tests/e2e/lib.sh disable=SC2317
. "$(dirname "$0")/../e2e/lib.sh"

paranoid=/proc/sys/kernel/perf_event_paranoid
echo 3 >$paranoid # Debian's kernel begins with it
bpf_disabled=/proc/sys/kernel/unprivileged_bpf_disabled
lockdown=/sys/kernel/security/lockdown

# as_nobody [CAPABILITY...] -- STATUS COMMAND...: an ordinary user, in a folder that is theirs.
as_nobody() {
	local caps=()
	while [ "$1" != -- ]; do
		caps+=("+$1")
		shift
	done
	[ ${#caps[@]} = 0 ] || caps=("--inh-caps=$(IFS=,; echo "${caps[*]}")" "--ambient-caps=$(IFS=,; echo "${caps[*]}")")
	chmod 755 "$WORK" .
	mkdir -p -m 777 theirs
	(cd theirs && check_status "$2" setpriv --reuid=65534 --regid=65534 --clear-groups "${caps[@]}" "${@:3}") || exit 1
	mv theirs/out theirs/err .
}

sources() {
	"$REC" list | awk '/^[a-z]/ { print $1 }' | grep -vx -e cpu -e event -e stat
}

# At 3, which only Debian's kernel knows, an ordinary user may open no event at all.
test_perf_event_paranoid_is_named_with_what_would_do() {
	as_nobody -- 3 "$REC" cpu -o a.rec -- true
	check_says 'kernel.perf_event_paranoid is 3, .*run as root, or sysctl kernel.perf_event_paranoid=2'
	as_nobody perfmon -- 3 "$REC" cpu -o a.rec -- true
	check_says 'even CAP_PERFMON'
	echo 2 >$paranoid
	as_nobody -- 0 "$REC" cpu -o b.rec -- "$SAMPLES/calltree" 100
	check_says 'only user code'
	echo 3 >$paranoid
}

test_capabilities_that_sources_need_are_named_at_once() {
	for source in $(sources); do
		as_nobody -- 3 "$REC" "$source" -o "$source.rec" -- true
		check_says "^rec: source $source: .*setcap cap_bpf,cap_perfmon.*and sysctl kernel.perf_event_paranoid=2"
		check_equal "$(wc -l <err)" 1 "lines"
	done
}

# Whether programs without capabilities may use BPF changes nothing of that.
test_unprivileged_bpf_is_not_blamed() {
	[ -e $bpf_disabled ] || skip "no such setting here"
	echo 0 >$bpf_disabled || skip "cannot be changed any more"
	as_nobody -- 3 "$REC" sched -o a.rec -- true
	check_says 'setcap cap_bpf,cap_perfmon'
	echo 2 >$bpf_disabled
	as_nobody -- 3 "$REC" sched -o a.rec -- true
	check_says 'setcap cap_bpf,cap_perfmon'
}

test_two_capabilities_are_enough() {
	echo 2 >$paranoid
	for source in $(sources); do
		as_nobody bpf perfmon -- 0 "$REC" "$source" -o "$source.rec" -- "$SAMPLES/calltree" 50
		check_status 0 "$ANA" verify "theirs/$source.rec"
	done
	echo 3 >$paranoid
}

test_doctor_tells_an_ordinary_user_what_to_change() {
	as_nobody -- 1 "$REC" doctor
	check_prints 'kernel.perf_event_paranoid=2'
	check_prints '^no +sampling .*kernel.perf_event_paranoid is 3'
	check_prints '^no +BPF +you are not permitted'
	check_prints 'setcap cap_bpf,cap_perfmon'
}

# Names of files may not be read, but who asks has them open.
files_by_descriptor() {
	truncate -s 32M disk
	loop=$(losetup -f --show disk)
	mkfs.ext4 -q -b 4096 "$loop"
	mkdir mnt
	mount "$loop" mnt
	# Who has ended has nothing open any more when rec comes to look.
	check_status 0 "$REC" block --device "$loop" -o files.rec -- python3 -c '
import os, time
file = os.open("mnt/file", os.O_CREAT | os.O_WRONLY | os.O_DSYNC)
for _ in range(23): os.write(file, bytes(4096))
time.sleep(5)'
	umount mnt
	losetup -d "$loop"
	check_equal "$("$ANA" block files.rec -f json | jq --arg f "$PWD/mnt/file" \
		'.sections.files.rows[] | select(.file == $f).writes')" 23 "writes to a file"
}

test_zz_lockdown_is_named() {
	[ -w $lockdown ] || skip "this kernel cannot be locked down"
	echo integrity >$lockdown
	check_status 0 "$REC" doctor
	check_prints '^works +lockdown +integrity'
	check_status 0 "$REC" sched -o a.rec -- true
	echo confidentiality >$lockdown
	"$REC" doctor >out
	check_prints '^lesser +lockdown +confidentiality'
	check_prints 'boot with lockdown=integrity'
	# Programs that read the kernel's memory by a helper are refused, others are not.
	check_status 0 "$REC" sched -o b.rec -- true
	files_by_descriptor
	check_status 3 "$REC" sched --min 1ms -o c.rec -- true
	check_says "^rec: source sched: .*locked down .*confidentiality.*boot with lockdown=integrity"
	check_equal "$(wc -l <err)" 1 "lines"
	for source in $(sources); do
		"$REC" "$source" -q -o "$source.rec" -- true 2>err && continue
		check_says "^rec: source $source: .*locked down .*confidentiality.*boot with lockdown=integrity"
		check_equal "$(wc -l <err)" 1 "lines"
	done
}

run_tests
