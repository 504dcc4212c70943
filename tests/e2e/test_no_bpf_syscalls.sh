#!/bin/bash
# The tests of test_syscalls.sh where bpf() is refused; all but
# those about paths, and about 32-bit calls of 64-bit programs, which only the programs tell.
export TEST_WITHOUT=bpf TEST_ONLY=${TEST_ONLY:-strace|perf_trace|summary|losses|sample_stands|without_an_end|time_in_calls|by_number|all_sources|every_output}
exec "$(dirname "$0")/test_syscalls.sh"
