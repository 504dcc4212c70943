#!/bin/bash
# Requests to disks: what is recorded adds up to what the kernel counts, takes as long as fio says, and
# knows who asked. Most of it on loop devices of our own.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

LOOPS=()
CHILDREN=()
MOUNT=

# Each test is a shell of its own, and takes away what it made.
tidy() {
	local l
	kill -CONT "${CHILDREN[@]}" 2>/dev/null
	kill "${CHILDREN[@]}" 2>/dev/null
	wait
	[ -z "$MOUNT" ] || umount "$MOUNT"
	for l in "${LOOPS[@]}"; do losetup -d "$l"; done
}

need_block() {
	trap tidy EXIT
	[ "$(id -u)" = 0 ] || skip "only root sees requests to disks"
	"$REC" block -q -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "no BPF here: $(cat probe.err)"
}

# make_loop [SIZE [SCHEDULER]]: a disk of our own; sets LOOP and DISK.
make_loop() {
	truncate -s "${1:-64M}" "disk.${#LOOPS[@]}"
	LOOP=$(losetup -f --show "disk.${#LOOPS[@]}" 2>losetup.err) || skip "no loop device: $(cat losetup.err)"
	LOOPS+=("$LOOP")
	DISK=$(basename "$LOOP")
	echo "${2:-none}" >"/sys/block/$DISK/queue/scheduler" || skip "no scheduler ${2:-none}"
	command -v udevadm >/dev/null && udevadm settle
	return 0
}

# What the kernel has counted for DISK: reads, sectors read, writes merged, writes, sectors written,
# discards, sectors discarded, flushes.
disk_stats() {
	awk -v d="$DISK" '$3 == d { print $4, $6, $9, $8, $10, $15, $17, $19 }' /proc/diskstats
}

# The same, of the rows of a trace.
trace_stats() {
	"$ANA" dump "$1" -f jsonl -e block_io >io.jsonl
	"$ANA" dump "$1" -f jsonl -e block_change >change.jsonl 2>/dev/null
	jq -rs --slurpfile changes change.jsonl '
		def sectors: ([.[].bytes] | add // 0) / 512;
		map(.fields | select(.flags | contains("uncounted") | not)) |
		map(select(.op == "read")) as $r | map(select(.op == "write")) as $w |
		map(select(.op == "discard")) as $d |
		($changes | map(.fields | select(.op == "write" and .kind != "requeue")) | length) as $m |
		"\($r | length) \($r | sectors) \($m) \($w | length) \($w | sectors) \($d | length) " +
		"\($d | sectors) \(map(select(.op == "flush")) | length)"' io.jsonl
}

# difference "a b c" "d e f": d-a e-b f-c
difference() {
	echo "$1 $2" | awk '{ for (i = 1; i <= NF / 2; i++) printf("%s%d", (i > 1 ? " " : ""), $(i + NF / 2) - $i) }'
}

# Starts a recording in the background and waits until it runs.
start_recording() {
	"$REC" "$@" &
	recorder=$!
	CHILDREN+=("$recorder")
	for _ in $(seq 600); do
		[ "$(stat -c %s t.rec 2>/dev/null || echo 0)" -gt 1000 ] && return
		sleep 0.1
	done
	fail "the recording does not start"
}

end_recording() {
	kill -INT "$recorder"
	wait "$recorder" || fail "rec: status $?"
}

lost_events() { # TRACE EVENT
	"$ANA" dump "$1" -e lost -f jsonl 2>/dev/null | jq -s "map(.fields | select(.event == \"$2\").lost) | add // 0"
}

# record_counts COMMAND...: what the command does to DISK is in t.rec, in io.jsonl and in $after - $before,
# and the sums agree, with what is lost and what had just begun at the end. Some kernels leave out completions while other programs attach
# to tracepoints: then once more, so that whatever is to be compared is whole.
record_counts() {
	for _ in $(seq 7); do
		rm -f t.rec
		start_recording block -q -a --device "$DISK" -o t.rec
		before=$(disk_stats)
		"$@" >wrote 2>&1 || fail "$*: $(cat wrote)"
		end_recording
		counted=$(difference "$before" "$(disk_stats)")
		recorded=$(trace_stats t.rec)
		lost=$(lost_events t.rec block_io)
		lost=$((lost + $(count_events t.rec block_unfinished)))
		check_equal $(($(echo "$recorded" | awk '{ print $1 + $4 + $6 + $8 }') + lost)) \
			"$(echo "$counted" | awk '{ print $1 + $4 + $6 + $8 }')" "recorded and lost, after $*"
		[ "$lost" = 0 ] || continue
		check_equal "$recorded" "$counted" "as /proc/diskstats, after $*"
		return
	done
	fail "$lost lost in each of 7 recordings"
}

test_every_request_of_a_disk_is_one_event() {
	need_block
	for scheduler in none mq-deadline; do
		make_loop 64M "$scheduler"
		record_counts "$SAMPLES/diskwrites" "$LOOP" 997 23
		# 23 that asked for a flush count as writes; so do those of nobody else.
		check_equal "$counted" "0 0 0 $((997 + 23)) $(($(awk '{ print $1 }' wrote) / 512)) 0 0 23" "the plan"
		check_equal "$(jq -s 'map(.fields | select(.bytes > 0 and .comm == "diskwrites" and .error == 0 and
			.disk == "'"$DISK"'" and .queued + .device_time == .latency)) | length' io.jsonl)" 997 "whole"
		check_equal "$(jq -s 'map(.fields | select(.bytes == 0 and .op == "write" and
			(.flags | contains("preflush")) and .comm == "diskwrites")) | length' io.jsonl)" 23 "asked flushes"
		check_equal "$(jq -s 'map(.fields | select(.bytes > 0) | "\(.sector) \(.bytes)") | unique | length' io.jsonl)" \
			997 "places"
	done
}

read_write_and_discard() {
	dd if=/dev/zero of="$LOOP" bs=4k count=1009 conv=fsync,nocreat
	dd if="$LOOP" of=/dev/null bs=64k count=97 iflag=direct
	blkdiscard -o 0 -l 1M "$LOOP" || echo "no discard"
}

# Data that is not told to be complete before its flush is.
test_writes_that_wait_for_a_flush_keep_their_place() {
	need_block
	make_loop
	start_recording block -q -a --device "$DISK" -o t.rec
	dd if=/dev/zero of="$LOOP" bs=64k count=3 seek=20 oflag=direct,dsync 2>/dev/null
	end_recording
	check_equal "$("$ANA" dump t.rec -e block_io -f jsonl |
		jq -r '.fields | select(.op == "write" and .bytes > 0) | .sector' | tr '\n' ' ')" \
		"2560 2688 2816 " "sectors"
}

test_merges_reads_and_discards_are_counted() {
	need_block
	make_loop 64M mq-deadline
	record_counts read_write_and_discard
	read -r reads read_sectors merged writes sectors _ <<<"$recorded"
	check_equal "$sectors" $((1009 * 8)) "sectors written"
	check_between $((97 * 128)) "$read_sectors" $((97 * 128 + 65536)) "sectors read, some ahead"
	check_between 97 "$reads" 1100 "reads"
	check_between 1 "$merged" 1009 "merges"
	check_between 2 "$((merged + writes))" 1100 "merges and writes"
	check_equal "$("$ANA" block t.rec -f json | jq "[.sections.disks.rows[].merges] | add")" \
		"$(jq -s 'map(select(.fields.kind != "requeue")) | length' change.jsonl)" "merges in the report"
}

# The disk that the test's folder is on; "" if that has no requests, such as a folder in memory.
disk_below_us() {
	local source disk
	source=$(findmnt -no SOURCE -T "$WORK")
	disk=$(lsblk -no pkname "$source" 2>/dev/null | tail -n 1)
	disk=${disk:-$(basename "$source")}
	[ ! -d "/sys/block/$disk/mq" ] || echo "$disk"
}

# Other programs use the machine's disk too: what was complete well within two looks at the counters is
# at most what they grew by, what was complete around them at least that.
test_the_machines_own_disk_adds_up() {
	need_block
	DISK=$(disk_below_us)
	[ -n "$DISK" ] || skip "no disk with requests below $WORK"
	look() {
		python3 -c '
import sys, time
a = time.monotonic_ns()
f = [l.split() for l in open("/proc/diskstats") if l.split()[2] == sys.argv[1]][0]
b = time.monotonic_ns()
print(a, b, int(f[3]) + int(f[7]) + int(f[14]) + int(f[18]), int(f[5]) + int(f[9]) + int(f[16]))' "$DISK"
	}
	start_recording block -q -a --device "$DISK" -o t.rec
	look >first
	"$SAMPLES/diskwrites" file 997 41 >/dev/null
	dd if=/dev/zero of=buffered bs=1M count=41 conv=fsync 2>/dev/null
	dd if=file of=/dev/null bs=128k iflag=direct 2>/dev/null
	look >last
	sleep 0.1
	end_recording
	"$ANA" dump t.rec -f jsonl -e block_io | jq -rn --slurpfile a <(tr ' ' '\n' <first) \
		--slurpfile b <(tr ' ' '\n' <last) '
		[inputs | select(.fields.flags | contains("uncounted") | not)] as $rows |
		def within($from; $to): $rows | map(select(.time >= $from and .time <= $to));
		within($a[0] - 20000000; $b[1]) as $around | within($a[1]; $b[0] - 20000000) as $inside |
		def sectors: ([.[].fields.bytes] | add) / 512;
		"\($inside | length) \($b[2] - $a[2]) \($around | length)",
		"\($inside | sectors) \($b[3] - $a[3]) \($around | sectors)"' >sums
	read -r inside counted around <sums
	check_between "$inside" "$counted" $((around + $(lost_events t.rec block_io))) "of the kernel's counters"
	[ "$(lost_events t.rec block_io)" = 0 ] && read -r inside counted around < <(tail -n 1 sums) &&
		check_between "$inside" "$counted" "$around" "sectors of the kernel's counters"
	check_between 1000 "$(awk 'NR == 1 { print $2 }' sums)" 1000000 "requests"
}

# What fio calls the completion latency of a write of 16 MiB is, for disks, the time from the first of its
# requests to the end of the last. What fio and the kernel do for it before and after is part of its number:
# so the disk has much else to do meanwhile, and fio goes before everybody else on the CPU.
latency_of_writes() { # TRACE OPERATION SIZE: how many bytes there are, how many of SIZE, and their mean
	"$ANA" dump "$1" -e block_io -f jsonl | jq -rs --arg op "$2" --argjson size "$3" '
		map(select(.fields.op == $op and .fields.bytes > 0 and .fields.comm == "fio" and
			(.fields.flags | . == "0x0" or . == "sync")) |
			{ from: (.time - .fields.latency), to: .time, bytes: .fields.bytes }) | sort_by(.from) |
		reduce .[] as $r ([]; if length == 0 or .[-1].bytes >= $size then . + [$r]
			else .[-1] |= { from, to: ([.to, $r.to] | max), bytes: (.bytes + $r.bytes) } end) |
		"\(map(.bytes) | add) \(length) \(map(.to - .from) | add / length)"'
}

keep_busy() { # FILE OFFSET SIZE DEPTH: with reads and writes of SIZE in 64 MiB of it, DEPTH at a time
	fio --name=load --filename="$1" --offset="$2" --rw=randrw --ioengine=libaio --direct=1 --bs="$3" --iodepth="$4" \
		--size=64M --time_based --runtime=120 >/dev/null 2>&1 &
	CHILDREN+=($!)
}

test_latencies_are_those_of_fio() {
	need_block
	command -v fio >/dev/null || skip "no fio"
	! grep -q 'model name.*QEMU' /proc/cpuinfo || skip "an emulated CPU: what fio itself does takes too long"
	rt=
	chrt -f 10 true 2>/dev/null && rt="chrt -f 10"
	make_loop 128M none
	dd if=/dev/zero of=file bs=1M count=64 conv=fsync 2>/dev/null
	targets=("$LOOP")
	[ -z "$(disk_below_us)" ] || targets+=("$PWD/file")
	cp file other
	from=0
	# Tracepoints tell places and not requests: two at one place at one time may be taken for each other.
	[ "${TEST_WITHOUT:-}" != bpf ] || from=64M
	keep_busy "$LOOP" "$from" 1M 48
	keep_busy other 0 1M 48
	for target in "${targets[@]}"; do
		for op in write read; do
			for _ in $(seq 7); do
				rm -f t.rec
				# shellcheck disable=SC2086 # words
				check_status 0 "$REC" block -q -o t.rec -- $rt fio --name=j --filename="$target" \
					--rw=rand$op --ioengine=psync --direct=1 --bs=16M --size=64M \
					--io_size=512M --output-format=json
				read -r bytes n mine < <(latency_of_writes t.rec "$op" $((16 << 20)))
				# Something lost, or fio read something else meanwhile: such as pages of its own.
				fio=$(jq ".jobs[0].$op.clat_ns.mean" out)
				# fio's number has its own way back from the kernel in it, which is long
				# when others want the CPU.
				[ "$bytes" = $((512 << 20)) ] &&
					awk "BEGIN { exit !($mine > 0.95 * $fio && $mine < 1.05 * $fio) }" && break
			done
			echo "$target $op: fio $fio, block_io $mine"
			check_equal "$bytes $n" "$((512 << 20)) 32" "${op}s on $target"
			check_between "$(awk "BEGIN { print 0.95 * $fio }")" "$mine" "$(awk "BEGIN { print 1.05 * $fio }")" \
				"mean latency of ${op}s on $target"
		done
	done
}

# One reader or writer at a time: fio's number for a small request is the request's own and what the kernel does for
# the call before and after it, which the same recording has as the call. Prints how many calls have one request
# within them, and the means of both over these, in ns.
requests_in_calls() { # OPERATION SIZE
	"$ANA" dump t.rec -e syscall -f jsonl >rows
	"$ANA" dump t.rec -e block_io -f jsonl >>rows
	python3 - "$1" "$2" <<-'PY'
		import json, sys
		op, size = sys.argv[1], int(sys.argv[2])
		calls, requests = [], []
		for row in map(json.loads, open("rows")):
		    f = row["fields"]
		    if f["comm"] != "fio":
		        continue
		    if row["event"] == "syscall" and f["ret"] == size and int(f["arg2"], 16) == size and f["call"] == "p" + op + "64":
		        calls.append((row["time"] - f["duration"], row["time"]))
		    elif row["event"] == "block_io" and f["op"] == op and f["bytes"] == size:
		        requests.append((row["time"] - f["latency"], row["time"]))
		calls.sort()
		requests.sort()
		pairs, i = [], 0
		for begin, end in calls:
		    while i < len(requests) and requests[i][0] < begin:
		        i += 1
		    within = [r for r in requests[i:i + 2] if r[1] <= end]
		    if len(within) == 1:
		        pairs.append((within[0][1] - within[0][0], end - begin))
		n = len(pairs)
		print(n, sum(p[0] for p in pairs) // max(n, 1), sum(p[1] for p in pairs) // max(n, 1))
	PY
}

test_small_requests_and_their_calls_are_what_fio_sees() {
	need_block
	command -v fio >/dev/null || skip "no fio"
	! grep -q 'model name.*QEMU' /proc/cpuinfo || skip "an emulated CPU: what fio itself does takes too long"
	rt=
	chrt -f 10 true 2>/dev/null && rt="chrt -f 10"
	make_loop 64M none
	dd if=/dev/zero of=file bs=1M count=64 conv=fsync 2>/dev/null
	cp file "disk.0"
	targets=("$LOOP")
	[ -z "$(disk_below_us)" ] || targets+=("$PWD/file")
	# The disks have much else to do, so that a request takes long compared with fio's own 2 us.
	cp file other
	keep_busy "$LOOP" 0 256k 4
	keep_busy other 0 256k 4
	for target in "${targets[@]}"; do
		for job in "write 4096" "read 4096" "write 65536" "read 65536"; do
			read -r op size <<<"$job"
			for _ in $(seq 7); do
				rm -f t.rec
				# shellcheck disable=SC2086 # words
				check_status 0 "$REC" block,syscalls --call pread64,pwrite64 -q -o t.rec -- $rt fio --name=j \
					--filename="$target" --rw=rand$op --ioengine=psync --direct=1 --bs="$size" --size=64M \
					--number_ios=307 --io_size=1T --randseed=7 --output-format=json
				fio=$(jq ".jobs[0].$op.clat_ns.mean" out)
				read -r n request call < <(requests_in_calls "$op" "$size")
				[ "$n" = 307 ] && awk "BEGIN { exit !($call > 0.95 * $fio && $call < 1.05 * $fio) }" && break
			done
			echo "$target $op $size: fio $fio, block_io $request, in a call of $call"
			check_equal "$n" 307 "${op}s of $size on $target that are one request within a call"
			check_between 1 "$request" "$call" "mean latency of ${op}s of $size on $target"
			check_between "$(awk "BEGIN { print 0.95 * $fio }")" "$call" "$(awk "BEGIN { print 1.05 * $fio }")" \
				"mean of calls for ${op}s of $size on $target"
		done
	done
}

test_losses_are_counted_to_the_event() {
	need_block
	make_loop
	start_recording block -q -a --device "$DISK" --buffer 4096 -o t.rec
	before=$(disk_stats)
	kill -STOP "$recorder"
	"$SAMPLES/diskwrites" "$LOOP" 997 >/dev/null
	kill -CONT "$recorder"
	end_recording
	lost=$(lost_events t.rec block_io)
	check_between 500 "$lost" 996 "lost"
	check_equal $(($(count_events t.rec block_io) + lost)) "$(difference "$before" "$(disk_stats)" | awk '{ print $4 }')" \
		"recorded and lost"
	"$ANA" block t.rec >report
	grep -q 'lost' report || fail "the report does not say it"
}

test_failed_requests_say_why() {
	need_block
	mkdir full
	mount -t tmpfs -o size=256k none full || skip "no tmpfs"
	truncate -s 32M full/disk
	LOOP=$(losetup -f --show full/disk 2>&1) || { umount full; skip "no loop device: $LOOP"; }
	"$REC" block -q --device "$LOOP" -o t.rec -- "$SAMPLES/diskwrites" "$LOOP" 97 >out
	losetup -d "$LOOP"
	umount full
	failed=$(awk '/failed/ { print $1 }' out)
	check_between 50 "${failed:-0}" 97 "failed writes"
	check_equal "$("$ANA" dump t.rec -e block_io -f jsonl | jq -s 'map(select(.fields.error != 0)) | length')" \
		"$failed" "in the trace"
	check_equal "$("$ANA" block t.rec -f json | jq '[.sections.errors.rows[].requests] | add')" "$failed" "in the report"
	"$ANA" block t.rec | grep -qE 'write +(EIO|ENOSPC)' || fail "no name for the error"
}

test_filters_are_applied_in_the_kernel() {
	need_block
	make_loop
	other=$DISK
	"$REC" block -q --device "$LOOP" -o dev.rec -- "$SAMPLES/diskwrites" "$LOOP" 97 >/dev/null
	check_equal "$(told_or_lost dev.rec)" 97 "by path"
	make_loop
	check_status 0 "$REC" block -q --device "$(cat "/sys/block/$DISK/dev")" -o num.rec -- \
		"$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(told_or_lost num.rec)" 97 "by number"
	check_status 0 "$REC" block -q --device "$other" -o not.rec -- "$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(count_events not.rec block_io)" 0 "of another disk"
	check_status 0 "$REC" block -q --comm diskwrites -o comm.rec -- \
		sh -c "dd if=/dev/zero of=$LOOP bs=4k count=5 oflag=direct; $SAMPLES/diskwrites $LOOP 97"
	check_equal "$(told_or_lost comm.rec)" 97 "by name"
	check_status 0 "$REC" block -q --min 10s -o min.rec -- "$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(count_events min.rec block_io)" 0 "as slow as that"
	check_status 0 "$REC" block -q --min 1ns -o min1.rec -- "$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(told_or_lost min1.rec)" 97 "as slow as that"
	"$ANA" block min1.rec | grep -q 'Recorded with --min' || fail "the report does not say --min"
	check_equal "$(count_events min1.rec block_change)" 0 "merges with --min"
}

# Chance decides: of 1,999 requests, one in 5 taken, the estimate is within 40% but in one of 10^15 runs (eight
# standard deviations of 5%).
test_samples_stand_for_all() {
	need_block
	make_loop 128M
	check_status 0 "$REC" block -q --device "$DISK" --sample 5 -o s.rec -- "$SAMPLES/diskwrites" "$LOOP" 1999
	bytes=$(awk '{ print $1 }' out)
	rows=$(count_events s.rec block_io)
	check_between $((1999 * 6 / 10)) $((5 * rows)) $((1999 * 14 / 10)) "estimate"
	check_equal "$("$ANA" dump s.rec -e block_io -f jsonl | jq -r .fields.weight | sort -u)" 5 "weight"
	"$ANA" block s.rec -f json >json
	check_equal "$(jq '.sections.disks.rows[0].requests' json)" $((5 * rows)) "each counts for five"
	check_equal "$(jq '[.sections.processes.rows[].writes] | add' json)" $((5 * rows)) "of the process"
	check_between $((bytes * 6 / 10)) "$(jq '.sections.disks.rows[0].bytes' json)" $((bytes * 14 / 10)) "bytes"
	check_equal "$(jq '.sections.disks.rows[0] | has("sequential")' json)" false "what is not known"
	check_equal "$("$ANA" heatmap s.rec -f json | jq '.sections.block_io.cells | flatten | add')" \
		$((5 * rows)) "in the heatmap"
	"$ANA" block s.rec | grep -q "estimates from $rows requests" || fail "the report does not say so"
	# The queue is that of all; tracepoints may tell an end on another CPU after the next beginning.
	check_between 1 "$(jq '.sections.disks.rows[0].max_depth' json)" 2 "depth"
}

# An ext4 on a disk of our own.
make_mount() {
	command -v mkfs.ext4 >/dev/null || skip "no mkfs.ext4"
	make_loop
	mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 "$LOOP" || fail "mkfs.ext4"
	mkdir mnt
	mount "$LOOP" mnt 2>mount.err || skip "no ext4: $(cat mount.err)"
	MOUNT=$PWD/mnt
}

file_row() { # FILE: reads, bytes read, writes, bytes written
	"$ANA" block t.rec --top 1000 -f json | jq -r --arg f "$1" \
		'.sections.files.rows[] | select(.file == $f) | "\(.reads) \(.read_bytes) \(.writes) \(.write_bytes)"'
}

# Each a page at a time; those of the large one are far from the beginnings of its folios.
write_files() {
	local i
	dd if=/dev/zero of=mnt/one bs=4k count=97 oflag=dsync
	dd if=/dev/zero of="mnt/a folder/of a folder/two" bs=4k count=41 oflag=dsync
	dd if=/dev/zero of=mnt/direct bs=4k count=23 oflag=direct
	for i in {1..13}; do
		dd if=/dev/zero of=mnt/large bs=4k count=1 seek=$((i * 32 + 13)) oflag=dsync conv=notrunc
	done
	cat mnt/read
} >/dev/null 2>&1

# Once more where the kernel has left out completions, as in record_counts.
record_files() {
	local lost
	for _ in $(seq 7); do
		rm -f t.rec mnt/one "mnt/a folder/of a folder/two" mnt/direct
		umount mnt && mount "$LOOP" mnt || fail "mounting once more"
		cat mnt/large >/dev/null
		start_recording block -q -a --device "$DISK" -o t.rec
		write_files
		sync -f mnt
		end_recording
		lost=$(lost_events t.rec block_io)
		[ "$lost" != 0 ] || return 0
	done
	fail "$lost lost in each of 7 recordings"
}

test_files_have_the_requests_that_are_for_them() {
	need_block
	make_mount
	mkdir -p "mnt/a folder/of a folder"
	dd if=/dev/zero of=mnt/large bs=1M count=3 conv=fsync 2>/dev/null
	dd if=/dev/zero of=mnt/read bs=4k count=61 2>/dev/null
	record_files
	if [ -n "${TEST_WITHOUT:-}" ]; then
		check_equal "$("$ANA" block t.rec -f json | jq '.sections | has("files")')" false "files by tracepoints"
		return
	fi
	check_equal "$(file_row "$MOUNT/one")" "0 0 97 $((97 * 4096))" "one"
	check_equal "$(file_row "$MOUNT/a folder/of a folder/two")" "0 0 41 $((41 * 4096))" "two"
	check_equal "$(file_row "$MOUNT/large")" "0 0 13 $((13 * 4096))" "large"
	check_equal "$(file_row "$MOUNT/read" | awk '{ print $2, $3 }')" "$((61 * 4096)) 0" "read"
	check_equal "$(file_row "(memory of processes)")" "0 0 23 $((23 * 4096))" "direct"
	check_between 1 "$(file_row "($DISK: metadata, or the disk itself)" | awk '{ print $3 }')" 100000 "metadata"
	check_equal "$("$ANA" dump t.rec -e block_io -f jsonl | jq -s --arg f "$MOUNT/one" --argjson i "$(stat -c %i mnt/one)" \
		'map(.fields | select(.file == $f and .inode == $i and .data == "file")) | length')" 97 "by number"
}

# At once, so that requests of the one are told between the other's; by their size they are told apart.
write_both() {
	local i writers=()
	for i in one two; do
		dd if=/dev/zero of="mnt/$i/in $i" bs="$([ $i = one ] && echo 4k || echo 8k)" count=997 oflag=dsync 2>/dev/null &
		writers+=($!)
	done
	wait "${writers[@]}"
	sync -f mnt
}

# Subvolumes have one device number to the kernel, and number their files alike.
test_files_of_subvolumes_have_their_own_names() {
	local i lost
	need_block
	[ -z "${TEST_WITHOUT:-}" ] || skip "tracepoints tell no files"
	command -v mkfs.btrfs >/dev/null || skip "no mkfs.btrfs"
	make_loop 256M
	mkfs.btrfs -q "$LOOP" >/dev/null || fail "mkfs.btrfs"
	mkdir mnt
	mount "$LOOP" mnt 2>mount.err || skip "no btrfs: $(cat mount.err)"
	MOUNT=$PWD/mnt
	for i in one two; do
		btrfs -q subvolume create "mnt/$i" || fail "a subvolume"
		touch "mnt/$i/in $i"
		sync -f mnt
	done
	check_equal "$(stat -c %i "mnt/one/in one")" "$(stat -c %i "mnt/two/in two")" "numbers of the files"
	start_recording block -q -a --device "$DISK" -o t.rec
	write_both
	end_recording
	# Some kernels leave out completions (bpf/block.bpf.c); none may have the other's name.
	lost=$(lost_events t.rec block_io)
	for i in one two; do
		check_between $((997 - lost)) "$(file_row "$MOUNT/$i/in $i" | awk '{ print $3 }')" 997 "writes to $i"
	done
	"$ANA" dump t.rec -e block_io -f jsonl >rows
	check_equal "$(jq -c '.fields | select((.file | endswith("/in one")) and .bytes != 4096 or
		(.file | endswith("/in two")) and .bytes != 8192)' rows)" "" "requests with the other's name"
}

test_stacks_are_of_who_asked() {
	need_block
	make_loop
	check_status 0 "$REC" block -q --stacks block --device "$DISK" -o t.rec -- "$SAMPLES/diskwrites" "$LOOP" 97 13
	check_equal "$("$ANA" flame t.rec -e block_io -f folded |
		awk '/^diskwrites;.*main;.*pwrite.*submit_bio/ { n += $NF } END { print n }')" 97 "writes by main"
	check_equal "$("$ANA" flame t.rec -e block_io -f folded |
		awk '/^diskwrites;.*main;.*fsync/ { n += $NF } END { print n }')" 13 "flushes"
}

test_all_sources_in_one_recording() {
	need_block
	"$REC" cpu -q -o probe.rec -- true 2>/dev/null || skip "perf_event_open is refused here"
	make_loop
	start_recording cpu,sched,block -q -a -o t.rec
	"$SAMPLES/diskwrites" "$LOOP" 997 >/dev/null
	end_recording
	check_equal "$("$ANA" dump t.rec -e block_io -f jsonl | jq -s "map(.fields | select(.disk == \"$DISK\" and
		.op == \"write\" and .comm == \"diskwrites\")) | length")" 997 "requests"
	check_between 100 "$(count_events t.rec sched_switch)" 10000000 "switches"
	check_status 0 "$ANA" verify t.rec
	check_status 0 "$ANA" sched t.rec
}

test_what_is_in_flight_at_the_end_is_told() {
	need_block
	make_loop 64M mq-deadline
	for _ in {1..16}; do
		while :; do "$SAMPLES/diskwrites" "$LOOP" 997; done >/dev/null 2>&1 &
		CHILDREN+=($!)
	done
	# More than there are writers: the kernel left out completions, as in record_counts.
	for _ in 1 2 3 4 5 6; do
		rm -f t.rec
		check_status 0 "$REC" block -q -a --device "$DISK" -d 1 -o t.rec
		"$ANA" dump t.rec -e block_unfinished -f jsonl 2>/dev/null |
			jq -c '.fields | select(.op == "write" and .comm == "diskwrites" and .bytes > 0 and
				(.flags | contains("sync")))' >left
		[ -s left ] && [ "$(wc -l <left)" -le 16 ] && break
	done
	kill "${CHILDREN[@]}"
	check_between 1 "$(wc -l <left)" 16 "writes in flight"
	check_status 0 "$ANA" block t.rec -f json
	check_equal "$(jq '.sections.unfinished.rows | map(select(.comm == "diskwrites" and .age > 0)) | length' out)" \
		"$(wc -l <left)" "in the report"
}

# Requests of the trace, and those that it says are lost.
told_or_lost() {
	echo $(($(count_events "$1" block_io) + $(lost_events "$1" block_io) + $(count_events "$1" block_unfinished)))
}

# What other kernels lack is covered up, in a mount namespace.
test_a_kernel_without_a_tracepoint_or_type_information() {
	local types=/sys/kernel/btf/vmlinux requeue=/sys/kernel/tracing/events/block/block_rq_requeue
	need_block
	unshare -m true 2>/dev/null || skip "no mount namespace may be made"
	make_loop
	covered() { # MOUNT...: writes while that is mounted
		check_status 0 unshare -m sh -c 'mount "$1" "$2" "$3" "$4" && exec "$5" block --device "$6" -o t.rec -- "$7" "/dev/$6"' \
			sh "$@" "$REC" "$DISK" "$SAMPLES/diskwrites"
	}
	if [ -n "${TEST_WITHOUT:-}" ]; then
		covered -t tmpfs none "$requeue"
		check_says 'this kernel has no tracepoint block:block_rq_requeue: what it would tell is missing'
	else
		sed 's/btf_trace_block_rq_requeue/btf_trace_block_rq_requeuX/' $types >types
		covered -o bind types $types
		check_says 'this kernel has no tracepoint block_rq_requeue: what it would tell is missing'
		check_equal "$(told_or_lost t.rec)" 997 "writes without it"
		rm t.rec
		covered -t tmpfs none "${types%/*}"
		check_says 'tracepoints are used instead of BPF, .*no type information .CONFIG_DEBUG_INFO_BTF.'
	fi
	check_equal "$(told_or_lost t.rec)" 997 "writes by tracepoints"
}

test_every_output_of_the_report() {
	need_block
	make_loop
	"$REC" block -q --device "$DISK" -o t.rec -- "$SAMPLES/diskwrites" "$LOOP" 97 7 >wrote
	check_status 0 "$ANA" block t.rec --list -f json
	check_equal "$(jq '.sections.requests.rows | length' out)" $((97 + 7 + 7)) "listed"
	check_equal "$(jq -c '.sections.operations.rows | map([.op, .requests])' out)" \
		'[["write",97],["flush",7],["asked flush",7]]' "operations"
	check_equal "$(jq '.sections.operations.rows[0].bytes' out)" "$(awk '{ print $1 }' wrote)" "bytes"
	check_equal "$(jq -c '.sections.processes.rows | map([.comm, .requests, .writes])' out)" \
		"[[\"diskwrites\",$((97 + 7)),$((97 + 7))]]" "processes"
	for f in text "csv --table operations" svg html; do
		# shellcheck disable=SC2086 # options
		check_status 0 "$ANA" block t.rec -f $f
		[ -s out ] || fail "$f is empty"
	done
	check_status 0 "$ANA" block t.rec -c nobody
	check_prints 'lets no request to a disk pass'
	check_status 0 "$ANA" block "$REPO/samples/logstats.rec"
	check_prints 'rec block. records them'
}

run_tests
