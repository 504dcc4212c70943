#!/bin/bash
# What scripts stand on: tables as files of their own, many traces one by one, the same bytes everywhere.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

TRACE=$REPO/samples/logstats.rec
ANALYZERS="flame heatmap sched offcpu block faults syscalls timeline info"

# ---- tables ----

test_a_table_is_a_file_of_its_own() {
	check_status 2 "$ANA" info "$TRACE" -f csv
	check_says "--table \(losses, .*events.*\), or name a folder"
	check_status 0 "$ANA" info "$TRACE" -f csv --table events
	check_equal "$(head -n 1 out)" "event,count,bytes,bytes_per_event,meaning"
	grep '^#' out && fail "a line that is no row"
	check_status 0 "$ANA" info "$TRACE" -f csv -o tables/
	cmp out /dev/null || fail "something was printed"
	"$ANA" info "$TRACE" -f csv --table events | cmp - tables/events.csv || fail "not the same table"
	check_equal "$("$ANA" info "$TRACE" -f json | jq -r '.sections | keys[] | . + ".csv"' | sort)" \
		"$(cd tables && LC_ALL=C ls)" "files"
	python3 - tables/*.csv <<-'PY' || fail "not the same number of cells in each row"
		import csv, sys
		for name in sys.argv[1:]:
		    rows = list(csv.reader(open(name, newline="")))
		    assert rows and len({len(r) for r in rows}) == 1, name
	PY
}

test_any_output_can_be_of_one_table() {
	check_status 0 "$ANA" info "$TRACE" -f json --table events
	check_equal "$(jq -r '.sections | keys[]' out)" events
	check_status 0 "$ANA" report "$TRACE" -f json --table info.losses
	check_equal "$(jq -r '.sections | keys[]' out)" info.losses
	check_equal "$(jq '[.findings[]?] | length' out)" 0 "findings about what is not there"
	check_status 3 "$ANA" info "$TRACE" --table nonsense
	check_says "no table 'nonsense'; there is: losses"
}

# Formulas that a spreadsheet would run are disarmed also in the rows of a dump.
test_a_dump_has_no_formulas() {
	need_perf
	cp "$SAMPLES/calltree" ./@SUM
	check_status 0 "$REC" cpu -q -o t.rec -- ./@SUM 50
	check_status 0 "$ANA" dump t.rec -e process_exec -f csv
	grep -q "\"'@SUM\"" out || fail "not disarmed: $(cat out)"
	grep -q $'\r' out && fail "line ends of another system"
	return 0
}

test_events_with_other_fields_are_not_put_into_one_table() {
	for o in '' --no-stack; do
		# shellcheck disable=SC2086 # an option or none
		"$REC" -e sched:sched_process_exec $o -q -o "x$o.rec" -- true 2>err || skip "no tracepoints here: $(cat err)"
	done
	cat x.rec x--no-stack.rec >both.rec
	check_status 0 "$ANA" dump x.rec -e sched:sched_process_exec -f csv
	check_status 3 "$ANA" dump both.rec -e sched:sched_process_exec -f csv -o t.csv
	check_says "has other fields in one part than in another"
	[ ! -e t.csv ] || fail "a table that is not whole"
	check_status 0 "$ANA" dump both.rec -e sched:sched_process_exec -f jsonl
	check_equal "$(wc -l <out)" 2
}

# ---- the same bytes ----

# elsewhere COMMAND...: as on another machine: language, time zone, terminal, folder; other addresses, and other
# bytes in memory that nobody wrote.
elsewhere() {
	env -i PATH=/usr/bin:/bin TZ=Pacific/Auckland LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 COLUMNS=50 LINES=10 \
		TERM=dumb HOME=/nowhere MALLOC_PERTURB_=165 MALLOC_TOP_PAD_=12345 \
		LONG="$(printf '%5000s' x)" setarch -R "$@"
}

# check_same TRACE OPTIONS...: whatever ana makes of it, here and elsewhere.
check_same() {
	local trace=$1 name
	name=$(basename "$trace")
	shift
	"$ANA" "$1" "$trace" "${@:2}" >here.out 2>here.err || fail "$*: $(cat here.err)"
	(cd elsewhere && elsewhere "$ANA" "$1" "$name" "${@:2}" >../there.out 2>../there.err) || fail "$*: $(cat there.err)"
	cmp here.out there.out && cmp here.err there.err || fail "not the same bytes: $*"
	[ -s here.out ] || fail "nothing: $*"
}

check_all_same() { # TRACE
	mkdir -p elsewhere
	cp "$1" elsewhere
	for c in $ANALYZERS report; do
		for f in text json html; do
			check_same "$1" $c -f $f
		done
		rm -rf tables elsewhere/tables
		check_status 0 "$ANA" $c "$1" -f csv -o tables/
		(cd elsewhere && elsewhere "$ANA" $c "$(basename "$1")" -f csv -o tables/) || fail "csv of $c"
		diff -r tables elsewhere/tables || fail "csv of $c"
	done
	check_same "$1" flame -f folded
	check_same "$1" flame -f svg
	check_same "$1" heatmap -f svg
	for f in text lines jsonl; do
		check_same "$1" dump -f $f
	done
	check_same "$1" dump -e process_mmap -f csv
}

test_the_same_trace_gives_the_same_bytes_on_every_machine() {
	check_all_same "$TRACE"
	"$REC" cpu,sched,block,faults,syscalls -q -o all.rec -- "$SAMPLES/logstats" 1 2>err ||
		skip "of recordings, not all sources work here: $(cat err)"
	check_all_same all.rec
}

# ---- schemas ----

# The Python that has a validator: Debian's, where another comes first.
need_validator() {
	for python in python3 /usr/bin/python3; do
		"$python" -c 'import jsonschema' 2>/dev/null && return
	done
	skip "no python3-jsonschema"
}

# check_json FILE...: each as its schema says.
check_json() {
	"$python" "$REPO/tests/e2e/validate.py" "$@" >out 2>&1 || fail "$(head -n 5 out)"
}

# write_all TRACE NAME: what every analyzer makes of it.
write_all() {
	for c in $ANALYZERS report; do
		check_status 0 "$ANA" $c "$1" -f json -o "$2-$c.json"
	done
	for c in sched block faults syscalls; do
		check_status 0 "$ANA" $c "$1" -f json --list -o "$2-$c-list.json"
	done
	check_status 0 "$ANA" dump "$1" -t ..200ms -f jsonl -o "$2-dump.jsonl"
}

test_every_analyzer_has_its_schema() {
	listed=$("$ANA" --tables | cut -f2)
	for c in $ANALYZERS; do
		grep -qx $c <<<"$listed" || fail "$c is no command"
	done
	for c in $listed; do
		"$ANA" "$c" --tables | grep -q "^list.  json" || continue
		[ -s "$REPO/specs/schema/$c.json" ] || fail "$c -f json has no schema"
	done
}

test_what_is_written_is_what_the_schemas_say() {
	need_validator
	write_all "$TRACE" committed
	"$REC" cpu,sched,block,faults,syscalls -q -o all.rec -- "$SAMPLES/logstats" 1 2>err && write_all all.rec all
	"$REC" sched -q --min 1ms -o min.rec -- "$SAMPLES/schedplan" >/dev/null 2>err &&
		"$ANA" sched min.rec -f json -o min.json
	"$REC" faults -q --working-set -o set.rec -- "$SAMPLES/logstats" 2 2>err &&
		"$ANA" faults set.rec -f json -o set.json
	if "$REC" syscalls -q --summary -o sums.rec -- "$SAMPLES/logstats" 1 2>err; then
		"$ANA" syscalls sums.rec -f json -o sums.json
		for by in comm pid tid cpu none host; do
			"$ANA" syscalls all.rec --by $by -f json -o by-$by.json
		done
	fi
	check_json ./*.json ./*.jsonl
	[ -s all-sched.json ] || skip "of recordings, not all sources work here: $(cat err)"
}

# Each of these is a mistake that the schemas have to see.
test_schemas_see_what_is_not_documented() {
	need_validator
	"$ANA" info "$TRACE" -f json >good.json
	"$ANA" dump "$TRACE" -t ..10ms -f jsonl | head -n 1 >line.jsonl
	check_json good.json line.jsonl
	n=0
	for change in '.extra = 1' '.version = 2' '.sections.events.rows[0].extra = 1' \
		'del(.sections.events.rows[0].count)' '.sections.events.rows[0].count = "1"' \
		'.sections.events.columns[1].unit = "ns"' '.sections.more = .sections.losses' \
		'.notes[0].level = "shout"' 'del(.report)'; do
		n=$((n + 1))
		jq "$change" good.json >bad-$n.json
		echo "$change" >bad-$n.change
	done
	jq '.extra = 1' line.jsonl >bad-0.json
	echo "another member of an event" >bad-0.change
	"$python" "$REPO/tests/e2e/validate.py" bad-*.json >out && fail "all were taken"
	for i in $(seq 0 $n); do
		grep -q "^bad-$i.json: " out || fail "not seen: $(cat bad-$i.change)"
	done
}

# ---- many traces ----

traces() {
	mkdir t
	for i in a b c d e; do
		cp "$TRACE" t/$i.rec
	done
}

# Who looks at which rows when is chance: the report must not tell.
test_threads_change_nothing() {
	for trace in "$TRACE" "$REPO/samples/orders.rec"; do
		for format in json html; do
			check_status 0 "$ANA" report "$trace" --threads 1 -f $format
			mv out alone
			for threads in 2 3 7; do
				check_status 0 "$ANA" report "$trace" --threads $threads -f $format
				cmp alone out || fail "$trace: $threads threads make another report"
			done
			check_status 0 "$ANA" report "$trace" -f $format
			cmp alone out || fail "$trace: as many threads as there are CPUs make another report"
		done
		for part in sched syscalls offcpu timeline flame heatmap; do
			check_status 0 "$ANA" $part "$trace" --threads 1 -f json
			mv out alone
			check_status 0 "$ANA" $part "$trace" --threads 3 -f json
			cmp alone out || fail "$trace: $part differs"
		done
	done
	check_status 2 "$ANA" report "$TRACE" --threads 0
}

test_each_trace_is_analyzed_by_itself() {
	traces
	for jobs in 1 2 7; do
		check_status 0 "$ANA" info t --jobs $jobs -f json
		cp out jobs-$jobs
		[ ! -s err ] || fail "$(cat err)"
	done
	cmp jobs-1 jobs-2 && cmp jobs-1 jobs-7 || fail "the order depends on who is first"
	check_equal "$(jq -r .subtitle jobs-1 | cut -c1-5 | tr '\n' ' ')" "a.rec b.rec c.rec d.rec e.rec "
	check_status 0 "$ANA" flame t --each
	check_equal "$(grep -c '^==> t/..rec <==$' out)" 5 "headings"
	check_status 0 "$ANA" report t --each -f html -o pages
	for i in a b c d e; do
		(cd t && "$ANA" report $i.rec -o ../one.html)
		(cd t && "$ANA" report $i.rec -f html) | cmp - "pages/$i.html" || fail "$i.html is not what it is alone"
	done
	check_equal "$(ls pages | tr '\n' ' ')" "a.html b.html c.html d.html e.html "
	check_status 0 "$ANA" info t --each -f csv -o tables
	"$ANA" info t/c.rec -f csv --table events | cmp - tables/c/events.csv || fail "tables/c/events.csv"
	check_status 0 "$ANA" info t --each -f csv --table events -o events
	cmp events/c.csv tables/c/events.csv || fail "events/c.csv"
	check_status 0 "$ANA" dump t -j 2 -f jsonl -o lines -e process_exec
	"$ANA" dump t/e.rec -f jsonl -e process_exec | cmp - lines/e.jsonl || fail "lines/e.jsonl"
	check_status 0 "$ANA" cut t --each -t ..1s -o cuts
	check_status 0 "$ANA" verify cuts --jobs 2
	check_equal "$(grep -c ': sound: ' out)" 5
	check_status 0 "$ANA" scrub t --each --key key -o shared
	cmp shared/a.rec shared/e.rec || fail "the same trace and key, other pseudonyms"
}

test_one_bad_trace_costs_only_its_own_result() {
	traces
	head -c 20000 "$TRACE" >t/b.rec
	echo nothing >t/d.rec
	check_status 3 "$ANA" info t --each -f json -o out.d
	check_says "^ana: t/d.rec: .*is not a trace"
	check_says "^ana: of 5 traces 4 done, 0 failed a check, 1 not done"
	check_equal "$(ls out.d | tr '\n' ' ')" "a.json b.json c.json e.json "
	rm t/d.rec
	check_status 1 "$ANA" verify t --each
	check_says "of 4 traces 3 done, 1 failed a check"
}

# One that waits for a trace that never comes is killed; the other is done all the same.
test_a_process_that_is_killed_costs_only_its_own_result() {
	traces
	mkfifo t/never.rec
	"$ANA" info t/a.rec t/never.rec --jobs 2 -f json >out 2>err &
	ana=$!
	for _ in $(seq 100); do
		[ -s out ] && child=$(pgrep -P $ana) && break
		sleep 0.05
	done
	kill -KILL "$child" || fail "there is nothing to kill"
	wait $ana
	check_equal $? 3
	check_says "^ana: t/never.rec: ended by a signal: Killed"
	check_says "of 2 traces 1 done"
	check_equal "$(jq -r .report out)" info
}

test_gates_are_for_each_trace() {
	mkdir t
	"$REC" sched -q -o t/a.rec -- "$SAMPLES/schedplan" >out 2>err || skip "rec sched does not work here: $(cat err)"
	cp t/a.rec t/b.rec
	check_status 1 "$ANA" report t --each -f json -o pages --fail-if 'sched.max > 1us'
	check_equal "$(grep -c '^ana: t/[ab].rec: failed: sched.max > 1us: sched.max is ' err)" 2 "$(cat err)"
	check_says "of 2 traces 0 done, 2 failed a check, 0 not done"
}

test_each_says_what_it_needs() {
	traces
	check_status 2 "$ANA" flame t --each -f svg
	check_says "needs a folder: -o FOLDER"
	check_status 2 "$ANA" flame t --each -o pictures
	check_says "choose the format with -f"
	check_status 2 "$ANA" flame - --each
	check_says "standard input"
	mkdir u
	cp t/a.rec u
	check_status 3 "$ANA" flame t u --each -f svg -o pictures
	check_says "both be written to 'pictures/a.svg'"
	[ -z "$(ls pictures)" ] || fail "it began all the same"
	check_status 2 "$ANA" flame t --jobs 0
	check_status 2 "$ANA" merge t --each -o x.rec
}

run_tests
