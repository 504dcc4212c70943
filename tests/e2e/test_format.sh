#!/bin/bash
# The trace file is what specs/trace-format.md says: a second decoder, made from that text alone, finds the same
# events and leaves no byte unexplained.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

check_decoded() { # TRACE
	"$ANA" dump "$1" -f jsonl >dump
	python3 "$REPO/tests/e2e/decode.py" "$1" dump >out 2>&1 || fail "$1: $(tail -n 7 out | cut -c1-300)"
}

test_committed_traces_are_as_the_document_says() {
	for trace in "$REPO"/samples/*.rec; do
		check_decoded "$trace"
		check_prints '^[0-9]{4,} events of [0-9]+ types'
	done
}

test_new_traces_are_as_the_document_says() {
	"$REC" cpu,sched,block,faults,syscalls -q --stat cs --stacks sched,syscalls -o all.rec -- "$SAMPLES/logstats" 1 2>err ||
		skip "not all sources work here: $(cat err)"
	check_decoded all.rec
	"$REC" -e 'syscalls:sys_enter_*,sched:sched_process_*' -q -o any.rec -- "$SAMPLES/logstats" 1 2>err &&
		check_decoded any.rec
	"$ANA" cut all.rec -t 100ms..600ms -o cut.rec >/dev/null && check_decoded cut.rec
	"$ANA" scrub all.rec -o shared.rec >/dev/null && check_decoded shared.rec
	cat all.rec cut.rec >both.rec
	check_decoded both.rec
}

test_the_other_decoder_sees_what_is_wrong() {
	cp "$REPO/samples/logstats.rec" t.rec
	"$ANA" dump t.rec -f jsonl >dump
	tail -n +2 dump >less
	python3 "$REPO/tests/e2e/decode.py" t.rec less >out && fail "an event too many was not seen"
	check_prints '^not in the dump: '
	printf '\377' | dd of=t.rec bs=1 seek=20000 conv=notrunc status=none
	python3 "$REPO/tests/e2e/decode.py" t.rec dump >out 2>&1 && fail "damage was not seen"
	return 0
}

test_every_fact_that_is_written_is_in_the_document() {
	grep -rhoE '"(machine|kernel|recorder|target|source|unwind|trace)(\.[a-z_]+)+"' "$REPO"/{record,analyze,format} |
		tr -d '"' | sort -u >keys
	[ "$(wc -l <keys)" -gt 30 ] || fail "too few keys were found"
	while read -r key; do
		grep -qwF "$key" "$REPO/specs/trace-format.md" ||
			grep -qwF "${key/#source.*./source.NAME.}" "$REPO/specs/trace-format.md" || fail "$key"
	done <keys
}

run_tests
