#!/bin/bash
# The tests of test_block.sh where bpf() is refused; all of them: tracepoints add up to the same.
export TEST_WITHOUT=bpf TEST_ONLY=${TEST_ONLY:-.}
exec "$(dirname "$0")/test_block.sh"
