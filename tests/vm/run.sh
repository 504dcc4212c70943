#!/bin/bash
# Runs the end-to-end tests of the sources that are BPF programs on another kernel (boot.sh) and reports like tests/run.sh, which runs
# them there. TESTS names other ones, TEST_ONLY some of their functions; TEST_HOTPLUG=1 has test_cpus.sh take a CPU away, too.
#
#	tests/vm/run.sh
#
# Where there can be no such machine, one skip says why.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=$(realpath "${BUILD:-build}")
logs=$(realpath "${TEST_LOGS:-$BUILD/logs}")
export BUILD
here=tests/vm
out=$BUILD/vm/out
# At most, on a busy machine; each program gets TEST_TIMEOUT.
SECONDS_OF_ALL=2700

cannot() {
	printf '%s\n' "vm: $*" >"$logs/vm.skips"
	printf 'ok    vm: 0 programs, 0 failed, 1 tests skipped\n      skipped: vm: %s\n' "$*"
	exit 0
}

# The last one locks the kernel down, which cannot be undone.
tests() {
	local t
	for t in sched block syscalls faults walks; do
		[ -e "tests/e2e/test_$t.sh" ] && echo "tests/e2e/test_$t.sh"
	done
	echo "$here/test_cpus.sh" "$here/test_rights.sh"
}

mkdir -p "$logs" "$out"
[ "$(uname -m)" = x86_64 ] || cannot "the other kernel is Debian's for amd64, and this is $(uname -m)"
why=$(.ci/deps vm 2>&1 >/dev/null) || cannot "$(tail -n 1 <<<"${why:-qemu-system-x86 cannot be installed}")"
why=$("$here/kernel.sh" "$BUILD/vm/kernel" 2>&1) || cannot "$why"

rm -rf "$out/logs"
export TEST_LOGS=$out/logs TEST_SLOW=1 TEST_TIMEOUT=${TEST_TIMEOUT:-900} TEST_ONLY=${TEST_ONLY-}
echo "vm: Linux $(cat "$BUILD/vm/kernel/release"), emulated"
# shellcheck disable=SC2046,SC2086 # lists
"$here/boot.sh" -t $SECONDS_OF_ALL -e BUILD -e TEST_LOGS -e TEST_SLOW -e TEST_TIMEOUT -e TEST_ONLY -e TEST_HOTPLUG \
	tests/run.sh vm ${TESTS:-$(tests)}
status=$?
cp "$out"/logs/vm.* "$logs/" 2>/dev/null
[ -e "$out/logs/vm.skips" ] || : >"$logs/vm.skips"
case $status in
124) echo "FAIL  vm: more than $SECONDS_OF_ALL s" ;;
125) echo "FAIL  vm: the machine failed; $out/console" ;;
esac
exit $status
