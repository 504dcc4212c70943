#!/bin/bash
# Recordings that go on for long: what a ring and a rotation keep, and what they leave behind.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"



duration_of() { "$ANA" info "$1" -f json | jq -r '.sections.recording.facts.duration' | cut -d' ' -f1; }

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local n=$(($1 * 20))
	shift
	while ! "$@" 2>/dev/null; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		sleep 0.05
	done
}

test_a_ring_keeps_the_last_seconds_with_all_names() {
	need_perf
	check_status 0 "$REC" cpu -F 499 --ring 2s -d 12 -o ring.rec -- "$SAMPLES/calltree" 60000
	check_says 'the last [2-9]\.[0-9] s, .* in ring.rec'
	check_status 0 "$ANA" verify ring.rec
	# A busy machine may take some seconds to find the names with which a segment ends.
	check_between 1.8 "$(duration_of ring.rec)" 9 "what is in the ring"
	# Each segment has the names and mappings of its own.
	check_between 95 "$(share ring.rec ';main;work;turn;')" 100 "share of stacks with all names"
	[ "$(stat -c %a ring.rec)" = 600 ] || fail "mode $(stat -c %a ring.rec)"
}

test_a_snapshot_is_written_at_each_sigusr2_while_the_recording_goes_on() {
	need_perf
	"$REC" cpu -F 499 --ring 60s -o flight.rec -- "$SAMPLES/calltree" 60000 2>err &
	local rec=$!
	sleep 3
	kill -USR2 $rec
	wait_for 5 grep -q 'the last .* s .* are in flight.rec' err || fail "no snapshot: $(cat err)"
	check_status 0 "$ANA" verify flight.rec
	cp flight.rec first.rec
	sleep 1
	kill -USR2 $rec
	wait_for 5 grep -q 'are in flight-0002.rec' err || fail "no second snapshot: $(cat err)"
	kill -INT $rec
	wait $rec
	check_status 0 "$ANA" verify flight-0002.rec flight-0003.rec
	cmp flight.rec first.rec || fail "the first snapshot was written to again"
	check_between 95 "$(share flight.rec ';main;work;turn;')" 100 "share of stacks with all names"
	check_between "$(duration_of flight.rec)" "$(duration_of flight-0002.rec)" \
		"$(duration_of flight-0003.rec)" "the second snapshot"
}

test_a_trigger_writes_the_ring_a_second_later() {
	need_perf
	"$REC" cpu -F 499 --ring 20s -o t.rec --trigger 'cpu_sample.comm == "calltree" && cpu > 63' \
		--trigger 'cpu_sample.comm == "stressed"' -- bash -c \
		"sleep 2; exec -a stressed bash -c 'printf stressed >/proc/self/comm; for ((i = 0; i < 300000; i++)); do :; done; sleep 4'" \
		2>err >out || fail "$(cat err)"
	check_says 'triggered by: cpu_sample.comm == "stressed"'
	check_says 'are in t.rec'
	check_equal "$(grep -c triggered err)" 1 "how often in 20 s"
	check_status 0 "$ANA" verify t.rec t-0002.rec
	check_equal "$("$ANA" dump t.rec -e trigger | wc -l)" 1 "trigger events"
	"$ANA" dump t.rec -e trigger | grep -q 'condition=cpu_sample.comm == "stressed"' || fail "no reason"
	# What came in the second after it is there too.
	at=$("$ANA" dump t.rec -e trigger -f jsonl | jq .time)
	last=$("$ANA" dump t.rec -f jsonl | tail -n 1 | jq .time)
	check_between 300 $(((last - at) / 1000000)) 5000 "ms between the trigger and the snapshot's end"
	check_status 2 "$REC" cpu --trigger 'cpu_sample.cpu == 0' -- true
	check_status 3 "$REC" cpu --ring 5s --trigger 'cpu_sample.nothing == 0' -- true
	check_says "trigger.*nothing"
	check_status 3 "$REC" cpu --ring 5s --trigger 'block_io.latency > 5ms' -- true
}

test_sigusr2_without_a_ring_harms_nothing() {
	need_perf
	"$REC" cpu -d 2 -o t.rec -- "$SAMPLES/calltree" 10000 2>err &
	local rec=$!
	sleep 1
	kill -USR2 $rec
	wait $rec
	grep -q 'SIGUSR2 writes what a --ring holds' err || fail "$(cat err)"
	check_status 0 "$ANA" verify t.rec
}

test_a_ring_into_a_pipe_comes_at_the_end() {
	need_perf
	"$REC" cpu -q -F 499 --ring 2s -d 3 -o - -- "$SAMPLES/calltree" 9000 | "$ANA" flame -f folded - >out ||
		fail "pipe"
	check_prints 'main;work;turn;alpha'
}

test_a_rings_memory_is_bounded_and_says_when_it_holds_less() {
	need_perf
	# Stacks that never come twice: some 300 KB a second.
	check_status 0 "$REC" cpu -F 9999 --ring 1h --max-size 1M -d 10 -o r.rec -- "$SAMPLES/deepstacks" 60
	check_says 'more did not fit: --max-size'
	[ "$(stat -c %s r.rec)" -le $((1 << 20)) ] || fail "1 MiB were allowed, $(stat -c %s r.rec) it is"
	check_status 0 "$ANA" verify r.rec
	check_between 1000 "$(count_events r.rec cpu_sample)" 90000 "samples that are left"
}

memory_of() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

test_a_ring_forgets_programs_that_are_gone() {
	need_perf
	# 3 times 400 programs, each run once from a file of its own. They stop for us to look.
	mkfifo go
	"$REC" cpu -F 1999 --ring 2s -o t.rec -- bash -c "for i in 1 2 3; do
		'$SAMPLES/passersby' 400 || exit; touch done-\$i; read -r _ <go; done; sleep 5" 2>err &
	local rec=$! i memory files
	for i in 1 2 3; do
		wait_for 60 test -e done-$i || fail "part $i did not end: $(cat err)"
		memory[i]=$(memory_of $rec)
		files[i]=$(find /proc/$rec/fd -mindepth 1 | wc -l)
		echo >go
	done
	wait $rec || fail "$(cat err)"
	check_status 0 "$ANA" verify t.rec
	echo "KiB: ${memory[*]}; descriptors: ${files[*]}"
	check_between 0 $((memory[3] - memory[1])) 8192 "growth of rec in KiB (${memory[*]})"
	check_between 0 "${files[3]}" 300 "descriptors"
	# What is remembered after a moment: some that were idle, and the libraries.
	images=$("$ANA" dump t.rec -e recorder -f jsonl | tail -n 1 | jq .fields.images)
	check_between 2 "$images" 500 "pieces of code that are remembered, of 1200"
}

test_a_rotation_keeps_the_last_files() {
	need_perf
	check_status 0 "$REC" cpu -F 499 --rotate 1s --keep 3 -d 7 -o run.rec -- "$SAMPLES/calltree" 60000
	check_says 'in 3 files up to run-000[3-8].rec'
	check_equal "$(find . -name 'run*' | wc -l)" 3 "files that are left"
	for f in run-*.rec; do
		check_status 0 "$ANA" verify "$f"
		check_between 95 "$(share "$f" ';main;work;turn;')" 100 "$f: stacks with all names"
	done
	# Side by side they are one recording without a gap or an event twice.
	check_between 100 "$(cat run-*.rec >all.rec && count_events all.rec cpu_sample)" 2500 "samples"
	check_equal "$("$ANA" dump all.rec -e cpu_sample -f jsonl | sort | uniq -d | wc -l)" 0 "twice"
}

test_a_rotation_by_size_never_takes_more_than_allowed() {
	need_perf
	check_status 0 "$REC" cpu -F 9999 --rotate 20K --max-size 100K -d 6 -o s -- \
		"$SAMPLES/calltree" 60000 2
	check_between 10000 "$(cat s-*.rec | wc -c)" 150000 "bytes that are left"
	[ ! -e s-0001.rec ] || [ "$(find . -name 's-*' | wc -l)" -le 5 ] || fail "nothing was removed"
	for f in s-*.rec; do check_status 0 "$ANA" verify "$f"; done
}

test_a_recording_ends_at_its_size() {
	need_perf
	check_status 0 "$REC" cpu -F 9999 --max-size 100K -o t.rec -- "$SAMPLES/calltree" 60000
	check_between 60000 "$(stat -c %s t.rec)" 200000 "size"
	check_status 0 "$ANA" verify t.rec
}

test_a_rotation_goes_on_with_its_file_when_there_can_be_no_other() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "needs root to mount"
	mkdir small
	mount -t tmpfs -o size=8m,nr_inodes=3 none small 2>/dev/null || skip "no tmpfs may be mounted"
	"$REC" cpu -F 99 --rotate 1s -d 9 -o small/r.rec -- "$SAMPLES/calltree" 60000 2>err
	local status=$? n
	n=$(find small -name '*.rec' | wc -l)
	cp small/*.rec .
	umount small
	check_equal $status 0 "status"
	check_says 'going on with small/r-0002.rec'
	check_equal "$n" 2 "files"
	cat r-*.rec >all.rec
	check_status 0 "$ANA" verify all.rec
	check_between 50 "$(count_events all.rec cpu_sample)" 1000 "samples"
}

# total_weight TRACE: what the samples stand for
total_weight() {
	"$ANA" dump "$1" -e cpu_sample -f csv | awk -F, 'NR > 1 { n += $NF } END { print n }'
}

test_a_limit_on_cpu_time_takes_fewer_samples_that_count_for_as_many() {
	need_perf
	"$SAMPLES/calltree" 30000 2 &
	target=$!
	if [ "$(id -u)" = 0 ]; then
		check_status 0 "$REC" cpu -q -a -F 4999 --max-cpu 0.5 -d 6 -o a.rec
		local cpus full
		cpus=$(nproc)
		full=$((cpus * 4999 * 6))
		check_between 1 "$(count_events a.rec cpu_sample)" $((full * 7 / 10)) "samples taken"
		check_between 85 $((100 * $(total_weight a.rec) / full)) 115 "percent of all, by weight"
	fi
	# Threads that are there already keep their rate, samples of theirs are left out.
	check_status 0 "$REC" cpu -q -p $target -F 4999 --max-cpu 0.5 -d 6 -o p.rec
	kill $target
	n=$(count_events p.rec cpu_sample)
	check_between $((n * 3 / 2)) "$(total_weight p.rec)" 1000000 "weight of $n samples"
	check_equal "$("$ANA" flame p.rec -f folded | awk '{ n += $NF } END { print n }')" \
		"$(total_weight p.rec)" "the flame graph's total"
	check_between 40 "$(share p.rec ';alpha')" 60 "share of alpha"
}

test_realtime_is_of_the_thread_that_empties_the_buffers_alone() {
	need_perf
	command -v chrt >/dev/null || skip "no chrt"
	chrt -f 1 true 2>/dev/null || skip "no real-time priorities here"
	"$REC" cpu -q -a -r 7 -o t.rec &
	recorder=$!
	is_recording t.rec
	check_equal "$(for i in "/proc/$recorder/task/"*; do chrt -p "${i##*/}"; done | grep -c 'priority: 7')" 1 "threads of that priority"
	kill -INT $recorder
	wait $recorder || fail "rec -r 7"
	check_status 2 "$REC" cpu -r 100 -o none.rec -- true
	check_says "'100' is no real-time priority"
	check_status 3 prlimit --rtprio=0 setpriv --inh-caps=-all --bounding-set=-sys_nice "$REC" cpu -r 1 -o none.rec -- true
	check_says "^rec: --realtime 1, which takes root, CAP_SYS_NICE or .*: Operation not permitted"
	[ ! -e none.rec ] || fail "a trace of nothing"
}

test_nothing_that_is_there_is_overwritten() {
	need_perf
	echo mine >r.rec
	check_status 3 "$REC" cpu --ring 60s -d 1 -o r.rec -- true
	check_says "'r.rec' exists"
	check_equal "$(cat r.rec)" mine
	echo mine >s-0002.rec
	check_status 0 "$REC" cpu -q --rotate 1s -d 3 -o s.rec -- "$SAMPLES/calltree" 10000
	check_equal "$(cat s-0002.rec)" mine "a file of the series that was there"
	check_status 0 "$ANA" verify s-0001.rec s-0003.rec
	ln -s /nowhere/else link.rec
	check_status 3 "$REC" cpu --ring 60s -d 1 -o link.rec -- true
}

test_usage_of_what_to_keep() {
	for wrong in '--ring 5' '--ring x' '--ring 0s' '--ring 100K' '--rotate 3' '--keep 3' \
		'--rotate 3s --keep 0' '--ring 5m --rotate 3s' '--ring 4M --max-size 5M' \
		'--max-size 5' '--rotate 5s -o -'; do
		# shellcheck disable=SC2086 # options and their values
		check_status 2 "$REC" cpu $wrong -- true
	done
}

run_tests
