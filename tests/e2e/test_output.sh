#!/bin/bash
# What `ana` makes of traces: the committed outputs, filters, hostile names.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

TRACE=$REPO/samples/logstats.rec
GOLDEN=$REPO/tests/e2e/golden

test_golden_outputs() {
	BUILD=$BUILD "$REPO/tests/e2e/golden.sh" "$PWD/now" || fail "golden.sh"
	for f in "$GOLDEN"/*; do
		cmp -s "$f" "now/$(basename "$f")" ||
			fail "$(basename "$f") differs (make golden): $(diff "$f" "now/$(basename "$f")" | head -n 5)"
	done
	check_equal "$(cd now && echo *)" "$(cd "$GOLDEN" && echo *)" "files"
}

total() {
	"$ANA" flame "$TRACE" -f folded "$@" 2>/dev/null | awk '{ n += $NF } END { print n + 0 }'
}

test_filters_add_up() {
	all=$(total)
	check_equal "$all" "$("$ANA" info "$TRACE" -f json |
		jq '.sections.events.rows[] | select(.event == "cpu_sample") | .count')"
	check_equal $(($(total --time ..1s) + $(total --time 1s..2.5s) + $(total --time 2500ms..))) "$all" "windows"
	check_equal $(($(total -C 0) + $(total -C 1-63))) "$all" "CPUs"
	by_comm=0
	for c in logstats parser-1 parser-2 writer; do
		by_comm=$((by_comm + $(total -c $c)))
	done
	check_equal $by_comm "$all" "names"
	check_equal $(($(total -c 'parser-*') + $(total -c writer -c logstats))) "$all" "patterns"
	pid=$("$ANA" dump "$TRACE" -e cpu_sample -f csv | sed -n 2p | cut -d, -f3)
	check_equal "$(total -p "$pid")" "$all" "the only process"
	check_equal "$(total -p 1)" 0 "another process"
	by_tid=0
	for t in $("$ANA" dump "$TRACE" -e cpu_sample -f csv | tail -n +2 | cut -d, -f4 | sort -u); do
		by_tid=$((by_tid + $(total -T "$t")))
	done
	check_equal $by_tid "$all" "threads"
	check_equal "$(total -e cpu-clock)" "$all" "what was counted"
	check_equal "$(total -e nonsense)" 0 "an event that is not there"
	check_equal "$(total --by none)" "$all" "grouping"
	check_equal "$(total --by tid)" "$all" "grouping"
	"$ANA" flame "$TRACE" -f folded --weight period | awk '{ n += $NF } END { exit n < 1e9 }' ||
		fail "weights are not summed"
}

# cells SECTION [OPTION...]: the sum of a heatmap's cells.
cells() {
	local section=$1
	shift
	"$ANA" heatmap "$TRACE" -f json "$@" | jq "[.sections[\"$section\"].cells[][]] | add + 0"
}

test_heatmaps_hold_every_event_once() {
	all=$(total)
	check_equal "$(cells cpu_sample)" "$all" "samples by offset"
	check_equal "$(cells cpu_sample -e cpu_sample --field period)" "$all" "samples by period"
	check_equal $(($(cells cpu_sample -t ..1s) + $(cells cpu_sample -t 1s..))) "$all" "windows"
	check_equal $(($(cells cpu_sample -C 0) + $(cells cpu_sample -C 1-63))) "$all" "CPUs"
	check_equal "$("$ANA" heatmap "$TRACE" -f csv -e cpu-clock --table cpu_sample |
		awk -F, '{ n += $5 } END { print n }')" "$all" "CSV"
	"$ANA" heatmap "$TRACE" -o map.html
	check_between 20000 "$(stat -c %s map.html)" 400000 "bytes of a page"
	check_status 3 "$ANA" heatmap "$TRACE" -e process_fork
	check_says "^ana: process_fork has no duration: choose .*--field \\(pid, tid, parent_pid, parent_tid\\)"
	check_status 3 "$ANA" heatmap "$TRACE" -e process_fork --field comm
	check_says "process_fork has no number 'comm'; it has: pid, tid, parent_pid, parent_tid"
	check_status 0 "$ANA" heatmap "$TRACE" -e nonsense
	check_prints "no event 'nonsense' in this trace"
	check_status 0 "$ANA" heatmap "$TRACE" -e process_fork --offset-in-second
	check_prints '^process_fork: offset in the second'
}

test_an_event_that_is_not_there_is_a_sentence() {
	check_status 0 "$ANA" flame "$TRACE" -e block_io
	check_prints "no event 'block_io' with a stack"
	for f in text folded json csv svg html; do
		check_status 0 "$ANA" flame "$TRACE" -p 1 -f $f
	done
	check_status 0 "$ANA" dump "$TRACE" -e nonsense
	check_says "no event 'nonsense'"
}

test_all_events_are_dumped_in_every_format() {
	n=$("$ANA" info "$TRACE" -f json | jq '[.sections.events.rows[].count] | add')
	check_equal "$("$ANA" dump "$TRACE" | wc -l)" "$n" "text"
	check_equal "$("$ANA" dump "$TRACE" -f jsonl | jq -c . | wc -l)" "$n" "JSON lines"
	"$ANA" dump "$TRACE" -f jsonl | jq -se 'map(.time) | . == sort' >/dev/null || fail "not in order"
	samples=$("$ANA" dump "$TRACE" -e cpu_sample | wc -l)
	"$ANA" dump "$TRACE" -e cpu_sample -f csv >t.csv
	python3 - "$samples" <<-'PY' || fail "CSV"
		import csv, sys
		rows = list(csv.DictReader(open("t.csv", newline="")))
		assert len(rows) == int(sys.argv[1]), len(rows)
		assert all(r["comm"] and int(r["tid"]) for r in rows)
		assert any("make_log" in r["stack"] for r in rows)
	PY
	check_equal "$("$ANA" dump "$TRACE" --time 1s..2s -e cpu_sample | awk '$1 < 1 || $1 >= 2' | wc -l)" 0 \
		"events outside of the window"
}

hostile_trace() {
	need_perf
	# Not only threads and functions: the program and its folder, too.
	dir='we"ird <b>&'"'"'dir]]>'
	mkdir -p "$dir"
	cp "$SAMPLES/hostile" "$dir/<script>alert(1)<x>"
	"$REC" cpu -q -F 999 -o hostile.rec -- "$dir/<script>alert(1)<x>" 150 || fail "rec"
}

test_hostile_names_are_right_in_every_output() {
	hostile_trace
	"$ANA" flame hostile.rec -f folded >folded
	for name in '<script>alert(1;' '"]]>;' 'x;' 'exactly15bytes!;' '\xff\xfebad\x80utf8;' \
		'\x1b[31mred\x1b[0m;'; do
		grep -qF -- "$name" folded || fail "thread $name is not in $(cut -c1-30 folded | sort -u)"
	done
	for name in '<script>alert(1)</script>' ']]>&amp:<!--' 'it'"'"'s : a `quote` $(id)' \
		'!#$%&'"'"'()*+,-./::<=>?@[]^_`{|}~' 'café \xe2\x80\xaeevil\xe2\x80\xac'; do
		grep -qF -- "$name" folded || fail "function $name"
	done
	"$ANA" flame hostile.rec -f json | jq -e '[.. | .name? // empty] |
		index("<script>alert(1)</script>") and index("]]>&amp;<!--")' >/dev/null || fail "JSON"
	"$ANA" flame hostile.rec -o h.svg
	"$ANA" flame hostile.rec -o h.html
	"$ANA" flame "$TRACE" -o tame.svg
	"$ANA" flame "$TRACE" -o tame.html
	python3 - <<-'PY' || fail "SVG or HTML"
		import collections, html.parser, xml.dom.minidom
		def scripts_of_svg(name):
		    return len(xml.dom.minidom.parse(name).getElementsByTagName("script"))
		class P(html.parser.HTMLParser):
		    def handle_starttag(self, tag, attrs):
		        self.tags[tag] += 1
		        assert not any(name.startswith("on") for name, value in attrs), attrs
		def tags_of_html(name):
		    p = P()
		    p.tags = collections.Counter()
		    p.feed(open(name, encoding="utf-8").read())
		    return p.tags
		assert scripts_of_svg("h.svg") == scripts_of_svg("tame.svg")
		hostile, tame = tags_of_html("h.html"), tags_of_html("tame.html")
		assert hostile["script"] == tame["script"] and set(hostile) <= set(tame), (hostile, tame)
	PY
	cp hostile.rec $'\e]0;pwned\a\xff.rec'
	for f in flame info dump verify; do
		"$ANA" $f hostile.rec >text
		[ $f = verify ] && "$ANA" verify $'\e]0;pwned\a\xff.rec' >text
		LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]' text && fail "control characters in the text of $f"
		iconv -f utf-8 -t utf-8 text >/dev/null || fail "$f is not UTF-8"
	done
}

run_tests
