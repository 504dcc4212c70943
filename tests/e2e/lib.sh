# What the end-to-end tests share. Source it first: it makes a folder of its own for the test, which
# is removed at the end, and finds the programs.
#
# A test is a function test_NAME; `run_tests` at the end calls them all, each in the folder. check_*
# functions end the test with a sentence when they do not hold.
# shellcheck shell=bash disable=SC2317 # tests are called by run_tests
set -u
BUILD=$(realpath "${BUILD:-build}")
REC=$BUILD/rec
ANA=$BUILD/ana
SAMPLES=$BUILD/samples
REPO=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
export REC ANA SAMPLES REPO
WORK=$(mktemp -d "${TMPDIR:-/tmp}/e2e-XXXXXX")
cd "$WORK" || exit 1
trap 'rm -rf "$WORK"' EXIT

fail() {
	echo "FAIL: ${FUNCNAME[-3]:-}: $*" >&2
	exit 1
}

skip() {
	echo "SKIP: ${CURRENT:-}: $*"
	exit 0
}

# With TEST_SLOW set, the machine is emulated: 10 to 50 times slower, its CPUs take turns of up to 0.1 s, and
# time goes on while it is not looked after. slow WHY leaves out a test that would take minutes there.
slow() {
	[ -z "${TEST_SLOW:-}" ] || skip "not on an emulated machine: $*"
}

# rounds N FEWER: as many as are usual, or on an emulated machine as it does in seconds.
rounds() {
	[ -z "${TEST_SLOW:-}" ] && echo "$1" || echo "$2"
}

# check_status WANT COMMAND...: the command's exit status; its output goes to out and err.
check_status() {
	local want=$1 got
	shift
	"$@" >out 2>err
	got=$?
	[ $got = "$want" ] || fail "status $got instead of $want: $* : $(tail -n 3 err)"
}

# check_says PATTERN: the last command's stderr has it, in one line that starts with the program.
check_says() {
	grep -qE -- "$1" err || fail "stderr does not say '$1': $(cat err)"
}

check_prints() {
	grep -qE -- "$1" out || fail "stdout does not have '$1': $(head -n 5 out)"
}

check_equal() {
	[ "$1" = "$2" ] || fail "'$1' is not '$2'${3:+: $3}"
}

# check_between LOW VALUE HIGH WHAT
check_between() {
	awk -v a="$1" -v v="$2" -v b="$3" 'BEGIN { exit !(v >= a && v <= b) }' ||
		fail "$4 is $2, not between $1 and $3"
}

# Whether this machine lets us sample at all; skips the test otherwise.
need_perf() {
	"$REC" cpu -q -o probe.rec -- true 2>probe.err && rm -f probe.rec && return
	skip "perf_event_open is refused here: $(cat probe.err)"
}

# A cgroup of version 1 or 2 that perf_event works with, $mount/$group, made for a test; skips where that cannot
# be.
make_cgroup() {
	[ "$(id -u)" = 0 ] || skip "needs root to make a cgroup"
	mount=$(awk '$3 == "cgroup" && $4 ~ /perf_event/ { print $2; exit }' /proc/mounts)
	[ -n "$mount" ] || mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	[ -n "$mount" ] || skip "no cgroup file system is mounted"
	group=rec-test-$$
	mkdir "$mount/$group" 2>/dev/null || skip "no cgroup may be made in $mount"
}

# share TRACE PATTERN [ANA OPTIONS]: percent of samples whose folded stack matches.
share() {
	local trace=$1 pattern=$2
	shift 2
	"$ANA" flame "$trace" -f folded "$@" |
		awk -v p="$pattern" '{ n = $NF; $NF = ""; all += n; if ($0 ~ p) hit += n }
			END { printf "%.1f", all ? 100 * hit / all : 0 }'
}

count_events() { # TRACE EVENT
	"$ANA" dump "$1" -e "$2" 2>/dev/null | wc -l
}

# Whether a number of ns is another within a percent.
within_a_percent() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > 0 && b >= 0.99 * a && b <= 1.01 * a) }'
}

# check_schedstat REC...: records schedplan to s.rec, its words in out; what the rivals ran and waited is what
# the kernel says. Some kernels do not tell every switch (6.18 on a virtual machine: those away from threads of
# its agent, and bursts while tracepoints are attached elsewhere; perf misses the same ones), so that one of six
# recordings has to agree.
check_schedstat() {
	local ran waited
	for _ in 1 2 3 4 5 6; do
		rm -f s.rec
		check_status 0 "$@" sched -o s.rec -- "$SAMPLES/schedplan"
		"$ANA" sched s.rec --top 1000 -f json | jq -r '[.sections.threads.rows[] | select(.comm == "rival")] |
			[(map(.run) | add), (map(.wait) | add)] | @tsv' >ours
		read -r ran waited <ours
		within_a_percent "$(awk '/^rival/ { n += $4 } END { print n }' out)" "$ran" &&
			within_a_percent "$(awk '/^rival/ { n += $6 } END { print n }' out)" "$waited" && return
	done
	fail "rivals ran and waited $ran $waited ns, the kernel says: $(grep ^rival out)"
}

# All of them, or those whose names match TEST_ONLY.
run_tests() {
	local t status=0 word start
	for t in $(declare -F | awk '{ print $3 }' | grep '^test_' | grep -E "${TEST_ONLY:-.}"); do
		start=$(date +%s%N)
		word=ok
		(
			CURRENT=$t
			mkdir "$WORK/$t" && cd "$WORK/$t" && "$t"
		) || {
			word="not ok"
			status=1
		}
		echo "$word $t ($((($(date +%s%N) - start) / 1000000)) ms)"
	done
	exit $status
}
