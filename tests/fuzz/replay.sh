#!/bin/bash
# Runs the committed inputs of one fuzz target: tests/fuzz/replay.sh TARGET
set -eu
cd "$(dirname "$0")/../.."
inputs=(tests/fuzz/corpus/"$1"/*)
[ -e "${inputs[0]}" ] || {
	echo "no inputs in tests/fuzz/corpus/$1"
	exit 1
}
build/fuzzing/fuzz/"$1" -timeout=20 -rss_limit_mb=1024 "${inputs[@]}"
