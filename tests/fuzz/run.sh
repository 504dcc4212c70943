#!/bin/bash
# Searches for inputs that break one fuzz target, starting from its committed corpus.
#
#	tests/fuzz/run.sh TARGET SECONDS
#
# New inputs go to build/fuzzing/found/TARGET; what breaks the target is left there as crash-*.
set -eu
cd "$(dirname "$0")/../.."
found=build/fuzzing/found/$1
mkdir -p "$found"
echo "fuzzing $1 for $2 s"
exec build/fuzzing/fuzz/"$1" -max_total_time="$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=0 \
	-verbosity=0 -artifact_prefix="$found/" "$found" tests/fuzz/corpus/"$1"
