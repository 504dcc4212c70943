#!/bin/bash
# The tests of test_faults.sh where bpf() is refused; all but those about what
# only the programs tell (which faults user space served), and what is lost of a name, which they alone know.
export TEST_WITHOUT=bpf TEST_ONLY=${TEST_ONLY:-anonymous|pages_of_a_file|from_the_disk|samples|memory_in_use|beside_other}
exec "$(dirname "$0")/test_faults.sh"
