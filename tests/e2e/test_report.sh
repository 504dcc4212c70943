#!/bin/bash
# `ana report`: one page from one pass, its parts, gates for scripts.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

trace=$REPO/samples/logstats.rec

test_a_report_has_the_parts_whose_events_are_there() {
	check_status 0 "$ANA" report "$trace" -f json
	check_equal "$(jq -r '.sections | keys_unsorted[]' out | cut -d. -f1 | uniq | tr '\n' ' ')" \
		"info timeline flame heatmap " "parts of a trace of CPU samples"
	jq -e '.findings | length >= 1 and (.[0].text | test("[0-9]"))' out >/dev/null ||
		fail "no finding with a number: $(jq .findings out)"
	# Every finding names a section that is there.
	check_equal "$(jq -r '.sections as $s | .findings[] | select($s[.section] == null) | .section' out)" "" \
		"findings without evidence"
}

test_only_some_parts_can_be_asked_for() {
	check_status 0 "$ANA" report "$trace" --only heatmap -f json
	check_equal "$(jq -r '.sections | keys_unsorted[]' out | cut -d. -f1 | sort -u | tr '\n' ' ')" "heatmap info "
	check_status 2 "$ANA" report "$trace" --only sched,nonsense
	check_says "no part 'nonsense'"
}

test_a_gate_makes_the_status_1_and_says_which_number() {
	check_status 0 "$ANA" report "$trace" --fail-if 'info.losses.lost > 0'
	check_status 2 "$ANA" report "$trace" --fail-if 'sched.p99'
	check_says "is no condition"
	check_status 3 "$ANA" report "$trace" --fail-if 'sched.p99 > 5ms'
	check_says "no number 'sched.p99'"
	"$REC" sched -q -o s.rec -- "$SAMPLES/schedplan" >out 2>err || skip "rec sched does not work here: $(cat err)"
	check_status 0 "$ANA" report s.rec -o s.html --fail-if 'sched.p99 > 1h' --fail-if 'sched.threads.voluntary < 0'
	check_status 1 "$ANA" report s.rec -o s.html --fail-if 'sched.max > 100us'
	check_says "failed: sched.max > 100us: sched.max is [0-9.]+ "
	[ -s s.html ] || fail "a gate that fails still has its report"
	check_status 2 "$ANA" report s.rec --fail-if 'sched.max > soon'
	check_says "nothing to compare"
}

test_a_gate_sees_the_rows_that_are_left_out() {
	"$REC" sched -q -o s.rec -- "$SAMPLES/schedplan" >out 2>err || skip "rec sched does not work here: $(cat err)"
	check_status 0 "$ANA" sched s.rec -f json --top 1000000
	least=$(jq '[.sections.threads.rows[].run] | min' out)
	check_status 0 "$ANA" sched s.rec -f json --top 1
	[ "$(jq '.sections.threads.rows[0].run' out)" -gt "$least" ] || fail "the only row has the least"
	check_status 1 "$ANA" report s.rec --top 1 -f json --fail-if "sched.threads.run <= ${least}ns"
	check_equal "$(jq '.sections["sched.threads"].rows | length' out)" 1 "rows of the report"
}

test_an_event_is_chosen_only_where_that_means_something() {
	for c in sched offcpu block syscalls faults report; do
		check_status 2 "$ANA" $c "$trace" -e cpu_sample
	done
}

test_the_same_trace_gives_the_same_bytes() {
	check_status 0 "$ANA" report "$trace" -o a.html
	check_status 0 "$ANA" report "$trace" -o b.html
	cmp a.html b.html || fail "two reports differ"
	# From another folder, under another name of the same trace, only the name differs.
	[ "$(stat -c %s a.html)" -lt 10485760 ] || fail "the page is larger than 10 MB"
}

test_an_empty_trace_says_that_there_is_nothing() {
	"$REC" stat -q -o e.rec -- true 2>err || skip "rec stat does not work here: $(cat err)"
	check_status 0 "$ANA" report e.rec
	check_prints 'Recording'
	check_prints 'warning: No other part has anything to say of this trace: .ana info. lists its events'
	check_status 0 "$ANA" report "$trace" --only sched
	check_prints 'No other part of those that were asked for'
	check_status 0 "$ANA" report "$trace"
	! grep -q 'No other part' out || fail "it has parts"
}

run_tests
