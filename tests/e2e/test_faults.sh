#!/bin/bash
# `rec faults` and `ana faults`: what getrusage counts, in the order in which samples/pagewalk touches.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
W=$SAMPLES/pagewalk
PAGE=$(getconf PAGESIZE)

need_bpf() {
	"$REC" faults -q -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "BPF is refused here: $(cat probe.err)"
}

# Whether faults say when they began; skips the test otherwise.
need_begin() {
	"$ANA" info "$1" -f json | grep -q 'no tracepoints exceptions' && skip "no exceptions:page_fault_* here"
}

# What pagewalk said: word KEY; then its number.
said() {
	sed "s/^\(.* \)\?$1 \([0-9a-fx]*\).*/\2/" out
}

# faults TRACE: the child's, one JSON object a line.
faults() {
	"$ANA" dump "$1" -e page_fault -f jsonl | jq -c --argjson p "$(said pid)" '.fields | select(.pid == $p)'
}

# walked PAGES: numbers of the pages of the walk, in the order of their faults; rows on stdin.
walked() {
	local memory
	memory=$(said memory)
	jq -r '.address' | while read -r address; do
		echo $(((address - memory) / PAGE))
	done | awk -v n="$1" '$1 >= 0 && $1 < n'
}

in_order() { # PAGES STEP
	awk -v n="$1" -v step="$2" 'BEGIN { for (i = 0; i < n; i++) print i * step % n }'
}

lost_events() {
	"$ANA" dump "$1" -e lost -f jsonl 2>/dev/null |
		jq -s 'map(.fields | select(.event == "page_fault").lost) | add // 0'
}

test_anonymous_memory_counts_as_getrusage_and_in_order() {
	need_bpf
	check_status 0 "$REC" faults -o a.rec -- "$W" anonymous
	faults a.rec >rows
	check_equal "$(said minor)" 4999 "what the program says of its walk"
	check_equal "$(jq -r 'select(.cost == "minor") | .pid' rows | wc -l)" "$(said all_minor)" "minor"
	check_equal "$(jq -r 'select(.cost == "major") | .pid' rows | wc -l)" "$(said all_major)" "major"
	walked 4999 <rows >pages
	in_order 4999 1009 | cmp - pages || fail "not the pages that were touched, or in another order"
	check_equal "$(jq -r 'select((.stack | index("touch_write")) and .mapping == "[anonymous]"
		and .backing == "anonymous" and .mode == "user") | .pid' rows | wc -l)" 4999 "of the walk"
	check_equal "$(jq -r 'select(.stack | index("touch_write")) | .growth' rows | awk '{ n += $1 }
		END { print n }')" $((4999 * PAGE)) "bytes that came by it"
	check_equal "$(lost_events a.rec)" 0 "lost"
	need_begin a.rec
	check_equal "$(jq -r 'select((.stack | index("touch_write")) and .access == "write" and
		.protection == 0 and .latency > 0) | .pid' rows | wc -l)" 4999 "writes"
}

test_pages_of_a_file_have_its_name_and_offset() {
	need_bpf
	check_status 0 "$REC" faults -o f.rec -- "$W" file
	faults f.rec | jq -c 'select(.stack | index("touch_write"))' >rows
	check_equal "$(said minor)" 4999 "what the program says of its walk"
	walked 4999 <rows >pages
	in_order 4999 1009 | cmp - pages || fail "not the pages that were touched, or in another order"
	jq -r '.offset' rows | while read -r o; do echo $((o / PAGE)); done | cmp - pages ||
		fail "offsets are not those of the pages"
	check_equal "$(jq -r '.backing' rows | sort -u)" shared "backing"
	check_equal "$(jq -r '.mapping' rows | sort -u | wc -l)" 1 "files"
	"$ANA" faults f.rec -f json | jq -e --arg m "$(jq -r .mapping rows | head -n 1)" \
		'.sections.mappings.rows[] | select(.mapping == $m and .faults == 4999)' >json ||
		fail "the table of mappings lacks the file"
}

test_faults_that_user_space_serves_take_as_long_as_it_takes() {
	need_bpf
	"$W" served >out 2>err || skip "no userfaultfd here: $(cat err)"
	check_status 0 "$REC" faults -o u.rec -- "$W" served
	faults u.rec | jq -c 'select(.userfaultfd == 1)' >rows
	check_equal "$(wc -l <rows)" 997 "served by user space"
	walked 997 <rows >pages
	in_order 997 1 | cmp - pages || fail "not the pages that were touched, or in another order"
	need_begin u.rec
	check_equal "$(jq -r 'select(.latency >= 1000000) | .pid' rows | wc -l)" 997 "of a millisecond and more"
	# The same is left when only those are recorded.
	check_status 0 "$REC" faults --min 1ms -o m.rec -- "$W" served
	check_equal "$(faults m.rec | jq -r 'select(.userfaultfd == 1) | .pid' | wc -l)" 997 "with --min"
	check_equal "$(faults m.rec | jq -r 'select(.latency < 1000000) | .pid' | wc -l)" 0 "shorter ones"
	check_equal "$("$ANA" faults m.rec -f json | jq -r '.sections.summary.rows[] |
		select(.kind == "served by user space") | .count')" 997 "in the report"
}

test_pages_that_come_from_the_disk_are_major() {
	need_bpf
	dd if=/dev/urandom of=/var/tmp/pagewalk.$$ bs=1M count=97 status=none || skip "no room for a file"
	check_status 0 "$REC" faults -o d.rec -- "$W" drop /var/tmp/pagewalk.$$
	rm -f /var/tmp/pagewalk.$$
	[ "$(said major)" = 97 ] || skip "the file stays in memory here"
	faults d.rec | jq -c 'select(.cost == "major")' >rows
	check_equal "$(wc -l <rows)" "$(said all_major)" "major"
	check_equal "$(jq -r "select(.mapping | endswith(\"pagewalk.$$\")) | .pid" rows | wc -l)" 97 "of the file"
	jq -r 'select(.stack | index("touch_read")) | .offset' rows | while read -r o; do
		echo $((o / 1048576))
	done | cmp - <(seq 0 96) || fail "not at the places that were read"
}

test_losses_are_counted_to_the_event() {
	need_bpf
	check_status 0 "$REC" faults --comm walker --buffer 4K -o l.rec -- "$W"
	lost=$(lost_events l.rec)
	[ "$lost" -gt 0 ] || fail "nothing was lost in 4 KiB"
	check_equal $((lost + $(count_events l.rec page_fault))) "$(said named)" "recorded and lost"
}

# Chance decides: of 5,000 and more faults, one in 10 taken, the estimate is within a quarter but in one
# of 10^8 runs (seven standard deviations of 4%).
test_samples_stand_for_all() {
	need_bpf
	check_status 0 "$REC" faults --comm walker --sample 10 -o s.rec -- "$W"
	sum=$("$ANA" faults s.rec -f json | jq -r '.sections.summary.rows[] | select(.kind == "all") | .count')
	check_equal $((10 * $(count_events s.rec page_fault))) "$sum" "each counts for ten"
	check_between $(($(said named) * 3 / 4)) "$sum" $(($(said named) * 5 / 4)) "estimate"
	"$ANA" faults s.rec | grep -q 'estimates from' || fail "the report does not say so"
}

test_memory_in_use_is_what_proc_says_and_faults_explain() {
	need_bpf
	slow "which pages count as referenced is up to the emulated processor's TLB"
	command -v python3 >/dev/null || skip "no python3"
	check_status 0 "$REC" faults --working-set --interval 100ms -o w.rec -- python3 -c '
import mmap, time
m = mmap.mmap(-1, 1009 * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE)
def touch(n):
    for i in range(n):
        m[i * mmap.PAGESIZE] = 1
time.sleep(0.3)
for i in range(20):
    touch(1009 if i < 10 else 1)
    time.sleep(0.1)
'
	"$ANA" faults w.rec -f json >json
	"$ANA" dump w.rec -e memory_use -f jsonl | jq -c '.fields | select(.comm | startswith("python"))' >looks
	grep -q clear_refs looks || skip "references cannot be cleared here"
	check_between 5 "$(grep -c clear_refs looks)" 1000 "looks"
	most=$(jq -s 'map(.referenced) | max' looks)
	[ "$most" -ge $((1009 * PAGE)) ] || fail "at most $most bytes were referenced"
	# When it touches one page of the thousand the working set is smaller than they are.
	least=$(jq -s 'map(select(.method == "clear_refs").referenced) | .[index(max):] | min' looks)
	[ "$least" -lt $((1009 * PAGE)) ] || fail "at last $least bytes were still referenced"
	jq -e '[.sections.working_set.rows[].referenced] | max >= 1009 * '"$PAGE" json >max ||
		fail "the report lacks it"
	jq -e '.sections.memory.rows[] | select(.process | startswith("python")) |
		select(.grown >= 1009 * '"$PAGE"' and .brought >= 1009 * '"$PAGE"')' json >grown ||
		fail "growth: $(jq -c '.sections.memory.rows' json)"
}

test_every_output_shows_faults() {
	need_bpf
	check_status 0 "$REC" faults -q -o a.rec -- "$W"
	check_status 0 "$ANA" faults a.rec --list
	check_prints '^By mapping'
	check_prints '^Every fault'
	check_status 0 "$ANA" faults a.rec -f csv --table mappings
	check_status 0 "$ANA" faults a.rec -o a.html
	check_status 0 "$ANA" faults a.rec -o a.svg
	grep -q 'Pages touched first: \[anonymous\] of walker' a.html || fail "no heatmap of addresses"
	check_status 0 "$ANA" flame a.rec --event page_fault --weight growth -f folded
	check_prints '^walker;.*;touch_write [0-9]+$'
	check_status 0 "$ANA" heatmap a.rec --event page_fault -o h.html
}

test_faults_run_beside_other_sources() {
	need_bpf
	"$REC" cpu,sched,faults -q -a -d 0.1 -o probe.rec 2>/dev/null || skip "not the whole system"
	"$REC" cpu,sched,faults -q -a -o all.rec &
	# What is written by and by shows that it records.
	timeout 20 sh -c 'until [ -s all.rec ] && [ "$(stat -c %s all.rec)" -gt 5000 ]; do sleep 0.1; done'
	"$W" >out.walk
	kill -INT $!
	wait $! || fail "rec failed"
	check_status 0 "$ANA" verify all.rec
	cp out.walk out
	check_equal "$(faults all.rec | wc -l)" "$(($(said all_minor) + $(said all_major)))" "faults"
	check_between 100 "$(count_events all.rec sched_switch)" 10000000 "switches"
	check_between 1 "$(count_events all.rec cpu_sample)" 10000000 "samples"
}

test_what_cannot_be_done_is_said() {
	check_status 3 "$BUILD/e2e/refuse" perf_event_open "$REC" faults -q -o r.rec -- true
	check_says '^rec: .*perf_event_open'
	[ ! -e r.rec ] || fail "an empty trace is left behind"
	check_status 0 "$REC" cpu -q -o c.rec -- true
	check_status 0 "$ANA" faults c.rec
	check_prints 'There are no page faults in this trace'
}

run_tests
