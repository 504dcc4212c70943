#!/bin/bash
# The tutorial: what a newcomer types works, and shows what it says; `make demo` and what it records.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

SOURCES=cpu,sched,block,syscalls

# In a folder that looks like the repository; `make demo` without the look for packages.
like_the_repository() {
	ln -s "$REPO/samples" samples
	ln -s "$BUILD" build
	mkdir bin
	printf '#!/bin/sh\nexec "%s/samples/demo.sh" "%s"\n' "$REPO" "$BUILD" >bin/make
	chmod +x bin/make
	export PATH=$PWD/bin:$BUILD:$SAMPLES:$PATH
}

test_the_tutorial_does_what_it_says() {
	like_the_repository
	"$REC" $SOURCES -q -o probe.rec -- true 2>why || export TUTORIAL_NO_REC=1
	python3 "$REPO/tests/e2e/tutorial.py" "$REPO/specs/tutorial.md" >now || fail "$(tail -n 5 now)"
	diff "$REPO/specs/tutorial.md" now || fail "outputs differ (make golden)"
	for file in orders.html reads.html slow.html shared.rec tables/orders.csv tables/slow.csv before.html; do
		[ -s "$file" ] || fail "no $file"
	done
	[ -z "${TUTORIAL_NO_REC:-}" ] || skip "recording in the tutorial: $(cat why)"
}

# The cause is known: whoever waits for the lock waits for the archiver, if only in the end.
test_the_demo_shows_its_cause() {
	"$REC" $SOURCES -q -o o.rec -- "$SAMPLES/orders" >out 2>err || skip "not all sources work here: $(cat err)"
	check_prints '^997 orders: '
	"$ANA" offcpu o.rec -c 'worker-*' -f folded | grep -F ';[lock];' >locks
	check_between 50 "$(awk '/;--;archiver|;--;worker-.*/ { n += $NF } { all += $NF }
		END { print 100 * n / all }' locks)" 100 "percent of the waits that archiver or a worker ended"
	# Conditions and ends of threads are no locks.
	"$ANA" offcpu o.rec -f folded | grep -F ';[lock];' | grep -qE '__futex_abstimed|^orders;' &&
		fail "an event is taken for a lock"
	"$ANA" flame o.rec -c archiver -f folded >folded
	check_between 80 "$(awk '/archive_journal;compress_journal/ { n += $NF } { all += $NF }
		END { print 100 * n / all }' folded)" 100 "percent of the archiver's samples that compress"
}

test_the_demo_needs_no_rights() {
	mkdir build
	cp -r "$SAMPLES" "$ANA" build
	printf '#!/bin/sh\necho "rec: not allowed" >&2\nexit 3\n' >build/rec
	chmod +x build/rec
	check_status 0 "$REPO/samples/demo.sh" build
	check_says "not allowed"
	check_prints "samples/orders.rec"
	check_prints "^1\. "
	cmp build/demo/demo.rec "$REPO/samples/orders.rec"
	[ -s build/demo/demo.html ] || fail "no page"
}

run_tests
