#!/bin/bash
# Traces that one can handle: cut, merged, repaired, in folders, in great numbers.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

TRACE=$REPO/samples/logstats.rec

# The last command said one line, from this program.
check_one_line() {
	check_equal "$(wc -l <err)" 1 "lines on stderr: $(cat err)"
	grep -q "^ana: " err || fail "not from ana: $(cat err)"
}

check_sound() {
	"$ANA" verify "$1" >verified || fail "not sound: $(cat verified)"
}

# Makes a copy that another machine seems to have recorded, $3 ns later: boot id and both clocks of the
# first block are other ones, and its checksum is made anew.
other_machine() { # FROM TO LATER_NS
	python3 - "$@" <<-'PY'
		import struct, sys
		b = bytearray(open(sys.argv[1], "rb").read())
		stored = struct.unpack_from("<I", b, 8)[0]
		real, = struct.unpack_from("<Q", b, 48 + 16)
		struct.pack_into("<Q", b, 48 + 16, real + int(sys.argv[3]))
		b[48 + 24:48 + 40] = b"another machine!"
		table = []
		for i in range(256):
		    for _ in range(8):
		        i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
		    table.append(i)
		crc = 0xffffffff
		for x in b[8:48 + stored]:
		    crc = crc >> 8 ^ table[(crc ^ x) & 255]
		struct.pack_into("<I", b, 4, crc ^ 0xffffffff)
		open(sys.argv[2], "wb").write(b)
	PY
}

test_a_cut_shows_what_the_trace_shows() {
	local n=0 f
	while read -r f; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # several options
		check_status 0 "$ANA" cut "$TRACE" $f -o $n.rec
		check_prints "^$n.rec: [0-9]+ events"
		check_sound $n.rec
		for format in text jsonl; do
			# shellcheck disable=SC2086
			"$ANA" dump "$TRACE" $f -f $format >a
			# shellcheck disable=SC2086
			"$ANA" dump $n.rec $f -f $format >b
			cmp -s a b || fail "$f: $(diff a b | head -n 4)"
		done
		[ -s a ] || fail "$f: nothing to compare"
		# shellcheck disable=SC2086
		"$ANA" flame "$TRACE" $f -f folded >a
		# shellcheck disable=SC2086
		"$ANA" flame $n.rec $f -f folded >b
		cmp -s a b || fail "$f: flame graph: $(diff a b | head -n 4)"
		check_status 3 "$ANA" cut "$TRACE" $f -o $n.rec
		check_one_line
		check_says "'$n.rec' exists: remove it"
	done <<-OPTIONS
		-t 1s..1.5s
		-c parser-1
		-c parser-* -t ..2s
		-C 0 -e cpu_sample
		-e process_mmap
	OPTIONS
	check_equal $n 5 "cuts"
	[ "$(stat -c %s 1.rec)" -lt "$(stat -c %s "$TRACE")" ] || fail "a half second is as large as all"
	check_equal "$(stat -c %a 1.rec)" 600 "mode"
	check_status 0 "$ANA" info 1.rec
	check_prints "note: Cut from a larger trace: --time 1s..1.5s"
	check_prints "^trace.cut: +--time 1s..1.5s"
}

# Of a sound file all blocks as they are, of a stream or a damaged one what can be read.
test_a_cut_without_a_condition_is_the_trace() {
	check_status 0 "$ANA" cut "$TRACE" -o whole.rec
	check_prints "^whole.rec: $("$ANA" dump "$TRACE" -f jsonl | wc -l) events, $("$ANA" info "$TRACE" |
		sed -n 's/.* in \([0-9]*\) segments*$/\1/p') segment"
	[ "$(stat -c %s whole.rec)" -le "$(stat -c %s "$TRACE")" ] || fail "it became larger"
	"$ANA" cut - -o stream.rec <"$TRACE" >out || fail "a stream"
	head -c $(($(stat -c %s "$TRACE") - 100)) "$TRACE" >torn.rec
	check_status 0 "$ANA" cut torn.rec -o mended.rec
	for f in whole stream mended; do
		check_sound $f.rec
		"$ANA" dump $f.rec -f jsonl >b
		"$ANA" dump "$TRACE" -f jsonl | cmp -s - b || fail "$f.rec has other events"
		"$ANA" info $f.rec | grep -q "trace.cut" && fail "$f.rec is no cut of a larger trace"
	done
	return 0
}

test_a_cut_goes_through_pipes() {
	"$ANA" cut - -t 1s..2s -o - <"$TRACE" | "$ANA" flame - -f folded >a
	"$ANA" flame "$TRACE" -t 1s..2s -f folded >b
	cmp -s a b || fail "$(diff a b | head -n 4)"
	"$ANA" cut "$TRACE" -o - | head -c 100 >start
	check_equal "${PIPESTATUS[0]}" 0 "a reader that goes away early is no failure"
	check_equal "$(wc -c <start)" 100
}

test_nothing_is_made_of_bad_inputs() {
	check_status 2 "$ANA" cut "$TRACE"
	check_one_line
	check_says 'name it with -o'
	check_status 2 "$ANA" cut
	check_status 3 "$ANA" cut "$TRACE" -t 100s.. -o x.rec
	check_one_line
	check_says "no event passes '--time 100s..'"
	check_status 3 "$ANA" cut "$TRACE" -p 1 -e nonsense -o x.rec
	check_one_line
	echo hello >text
	for c in cut merge "verify --repair"; do
		# shellcheck disable=SC2086
		check_status 3 "$ANA" $c text -o x.rec
		check_one_line
		check_says "'text': is not a trace"
		# shellcheck disable=SC2086
		check_status 3 "$ANA" $c nonexistent -o x.rec
		check_one_line
		# shellcheck disable=SC2086
		check_status 3 "$ANA" $c "$TRACE" -o /nonexistent/x.rec
		check_one_line
		# shellcheck disable=SC2086
		check_status 3 "$ANA" $c "$TRACE" -o .
		check_one_line
		check_says 'is a directory'
		# shellcheck disable=SC2086
		check_status 2 "$ANA" $c "$TRACE"
		check_one_line
		if [ -w /dev/full ]; then
			# shellcheck disable=SC2086
			check_status 3 "$ANA" $c "$TRACE" -o /dev/full
			check_one_line
			check_says 'No space left'
		fi
	done
	[ ! -e x.rec ] || fail "x.rec was left behind"
	check_status 2 "$ANA" verify "$TRACE" -o x.rec
	check_one_line
	ln -s "$TRACE" link.rec
	check_status 3 "$ANA" cut "$TRACE" -o link.rec
	check_says 'exists'
	if command -v script >/dev/null; then
		script -qec "'$ANA' cut '$TRACE' -o -" /dev/null </dev/null >said
		grep -q 'not for a terminal' said || fail "$(head -c 200 said)"
	fi
}

test_traces_of_two_machines_are_merged() {
	other_machine "$TRACE" b.rec 10000000000
	check_sound b.rec
	n=$("$ANA" dump "$TRACE" | wc -l)
	check_status 0 "$ANA" merge b.rec "$TRACE" -o both.rec
	check_prints "^both.rec: $((2 * n)) events in 2 segments of 2 machines"
	check_sound both.rec
	check_equal "$(stat -c %a both.rec)" 600 "mode"
	check_equal "$("$ANA" dump both.rec | wc -l)" $((2 * n)) "events"
	"$ANA" dump both.rec -f jsonl | jq -se 'map(.time) | . == sort' >/dev/null || fail "not in order"
	# The other machine's samples come 10 seconds later by the wall clock.
	check_equal "$("$ANA" dump both.rec -t ..10s -e cpu_sample | wc -l)" \
		"$("$ANA" dump both.rec -t 10s.. -e cpu_sample | wc -l)" "samples before and after"
	# The same CPU of two machines is two.
	check_equal "$("$ANA" flame both.rec --by cpu -f folded | cut -d';' -f1 | sort -u | wc -l)" \
		"$("$ANA" flame "$TRACE" --by cpu -f folded | cut -d';' -f1 | sort -u | wc -l)" "of one host name"
	check_equal "$("$ANA" flame both.rec --by host -f folded | cut -d';' -f1 | sort -u)" vm "host"
	"$ANA" dump both.rec -f jsonl | jq -e .host >/dev/null || fail "rows do not tell their machine"
	# What `cat` makes is the same trace, in another order.
	cat b.rec "$TRACE" >cat.rec
	"$ANA" dump cat.rec | sort >a
	"$ANA" dump both.rec | sort >b
	cmp -s a b || fail "$(diff a b | head -n 4)"
}

test_what_is_not_sound_is_not_merged() {
	head -c 15000 "$TRACE" >dead.rec
	check_status 1 "$ANA" merge "$TRACE" dead.rec -o x.rec
	check_one_line
	check_says 'dead.rec (has no end|is damaged).*--repair'
	check_status 1 "$ANA" merge "$TRACE" "$TRACE" -o x.rec
	check_one_line
	check_says 'hold the same recording'
	cat "$TRACE" | "$ANA" merge - -o x.rec >out 2>err
	check_equal $? 3 "status"
	check_one_line
	check_says 'save it to a file first'
	[ ! -e x.rec ] || fail "x.rec was left behind"
}

commas() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$1"; }

test_repair_keeps_what_is_intact_and_tells_what_is_not() {
	cp "$TRACE" damaged.rec
	chmod u+w damaged.rec
	printf 'XXXX' | dd of=damaged.rec bs=1 seek=$(($(stat -c %s "$TRACE") / 2)) conv=notrunc 2>/dev/null
	check_status 1 "$ANA" verify damaged.rec
	"$ANA" dump damaged.rec -e cpu_sample >a 2>/dev/null
	check_status 0 "$ANA" verify --repair damaged.rec -o whole.rec
	check_prints 'damaged.rec: dropped [0-9]+ bytes at [0-9]+ \([0-9]+ [a-z_]+ events\): checksum'
	check_prints '^whole.rec: [0-9]+ events kept, [0-9]+ known to be lost'
	kept=$(sed -n 's/^whole.rec: \([0-9]*\) events kept.*/\1/p' out)
	lost=$(sed -n 's/.* kept, \([0-9]*\) known to be lost.*/\1/p' out)
	check_equal $((kept + lost)) "$("$ANA" dump "$TRACE" | wc -l)" "events kept and lost"
	check_sound whole.rec
	"$ANA" dump whole.rec -e cpu_sample >b
	cmp -s a b || fail "$(diff a b | head -n 4)"
	check_status 0 "$ANA" info whole.rec
	check_prints 'warning: Repaired: 1 damaged place'
	check_prints "warning: $(commas "$lost") of $(commas "$((lost + $(wc -l <b)))") cpu_sample .* were lost: the trace that this one was made from was damaged"
	# A recorder that was killed left no index and no end.
	head -c 15000 "$TRACE" >dead.rec
	"$ANA" dump dead.rec >a 2>/dev/null
	check_status 0 "$ANA" verify --repair dead.rec -o dead-whole.rec
	check_sound dead-whole.rec
	"$ANA" dump dead-whole.rec >b
	cmp -s a b || fail "$(diff a b | head -n 4)"
	check_status 0 "$ANA" merge whole.rec dead-whole.rec -o both.rec
	# A trace that must be read twice may come through a redirection but not through a pipe.
	check_status 0 "$ANA" verify --repair - -o stdin.rec <"$TRACE"
	cat "$TRACE" | "$ANA" verify --repair - -o x.rec >out 2>err
	check_equal $? 3 "status"
	check_one_line
	check_says 'save it to a file first'
	[ ! -e x.rec ] || fail "x.rec was left behind"
}

test_a_folder_stands_for_its_traces() {
	mkdir traces none
	"$ANA" cut "$TRACE" -t ..1s -o traces/a.rec >/dev/null
	"$ANA" cut "$TRACE" -t 1s..2s -o traces/b.rec >/dev/null
	"$ANA" cut "$TRACE" -t 2s.. -o traces/c.rec >/dev/null
	echo hello >traces/notes.txt
	mkdir traces/folder.rec
	check_equal "$("$ANA" dump traces -e cpu_sample | wc -l)" "$("$ANA" dump "$TRACE" -e cpu_sample | wc -l)" samples
	"$ANA" flame traces -f folded >a
	"$ANA" flame "$TRACE" -f folded >b
	cmp -s a b || fail "$(diff a b | head -n 4)"
	check_status 0 "$ANA" info traces
	check_status 0 "$ANA" verify traces
	check_equal "$(grep -c ': sound: ' out)" 3 "verified"
	check_status 0 "$ANA" merge traces -o all.rec
	check_prints 'in 3 segments of 1 machine,'
	check_equal "$("$ANA" flame all.rec -f folded | cksum)" "$(cksum <b)" "merged again"
	check_status 0 "$ANA" cut traces -c writer -o writer.rec
	check_equal "$("$ANA" flame writer.rec -f folded | cksum)" \
		"$("$ANA" flame "$TRACE" -c writer -f folded | cksum)" "cut of a folder"
	check_status 0 "$ANA" verify --repair traces -o repaired.rec
	for c in flame info dump verify "cut -o x" "merge -o x" "verify --repair -o x"; do
		# shellcheck disable=SC2086
		check_status 3 "$ANA" $c none
		check_one_line
		check_says "'none' is a directory without traces"
	done
}

test_more_files_than_descriptors() {
	mkdir many
	for i in $(seq 200); do cp "$TRACE" many/$i.rec; done
	(
		ulimit -n 50
		"$ANA" dump many -e process_exec
	) >out 2>err || fail "$(cat err)"
	check_equal "$(wc -l <out)" $((200 * $("$ANA" dump "$TRACE" -e process_exec | wc -l))) "events"
	check_status 0 "$ANA" info many
	check_prints '^1.rec, 10.rec, 100.rec and 197 more'
}

run_tests
