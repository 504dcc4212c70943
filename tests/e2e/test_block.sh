#!/bin/bash
# Requests to disks: what is recorded adds up to what the kernel counts, takes as long as fio says, and
# knows who asked. Most of it on loop devices of our own.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

LOOPS=()
CHILDREN=()

# Each test is a shell of its own, and takes away what it made.
tidy() {
	local l
	kill -CONT "${CHILDREN[@]}" 2>/dev/null
	kill "${CHILDREN[@]}" 2>/dev/null
	wait
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
# and the sums agree, losses included. Some kernels leave out completions while other programs attach
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

test_latencies_are_those_of_fio() {
	need_block
	command -v fio >/dev/null || skip "no fio"
	! grep -q 'model name.*QEMU' /proc/cpuinfo || skip "an emulated CPU: what fio itself does takes too long"
	rt=
	chrt -f 10 true 2>/dev/null && rt="chrt -f 10"
	make_loop 64M none
	dd if=/dev/zero of=file bs=1M count=64 conv=fsync 2>/dev/null
	targets=("$LOOP")
	[ -z "$(disk_below_us)" ] || targets+=("$PWD/file")
	cp file other
	for other in "$LOOP" other; do
		fio --name=load --filename="$other" --rw=randrw --ioengine=libaio --direct=1 --bs=1M --iodepth=48 \
			--size=64M --time_based --runtime=120 >/dev/null 2>&1 &
		CHILDREN+=($!)
	done
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
					awk "BEGIN { exit !($mine > 0.95 * $fio) }" && break
			done
			echo "$target $op: fio $fio, block_io $mine"
			check_equal "$bytes $n" "$((512 << 20)) 32" "${op}s on $target"
			check_between "$(awk "BEGIN { print 0.95 * $fio }")" "$mine" "$(awk "BEGIN { print 1.05 * $fio }")" \
				"mean latency of ${op}s on $target"
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
	check_equal "$(count_events dev.rec block_io)" 97 "by path"
	make_loop
	check_status 0 "$REC" block -q --device "$(cat "/sys/block/$DISK/dev")" -o num.rec -- \
		"$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(count_events num.rec block_io)" 97 "by number"
	check_status 0 "$REC" block -q --device "$other" -o not.rec -- "$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(count_events not.rec block_io)" 0 "of another disk"
	check_status 0 "$REC" block -q --comm diskwrites -o comm.rec -- \
		sh -c "dd if=/dev/zero of=$LOOP bs=4k count=5 oflag=direct; $SAMPLES/diskwrites $LOOP 97"
	check_equal "$(count_events comm.rec block_io)" 97 "by name"
	check_status 0 "$REC" block -q --min 10s -o min.rec -- "$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(count_events min.rec block_io)" 0 "as slow as that"
	check_status 0 "$REC" block -q --min 1ns -o min1.rec -- "$SAMPLES/diskwrites" "$LOOP" 97
	check_equal "$(count_events min1.rec block_io)" 97 "as slow as that"
	"$ANA" block min1.rec | grep -q 'Recorded with --min' || fail "the report does not say --min"
	check_equal "$(count_events min1.rec block_change)" 0 "merges with --min"
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
	for f in text csv svg html; do
		check_status 0 "$ANA" block t.rec -f "$f"
		[ -s out ] || fail "$f is empty"
	done
	check_status 0 "$ANA" block t.rec -c nobody
	check_prints 'lets no request to a disk pass'
	check_status 0 "$ANA" block "$REPO/samples/logstats.rec"
	check_prints 'rec block. records them'
}

run_tests
