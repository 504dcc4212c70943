#!/bin/bash
# Writes what `ana` makes of the committed traces: tests/e2e/golden.sh [FOLDER]
#
# Without a folder the committed outputs are made anew (make golden); test_output.sh compares.
set -eu
here=$(realpath "$(dirname "$0")")
repo=$(realpath "$here/../..")
ana=$(realpath "${BUILD:-$repo/build}")/ana
to=${1:-$here/golden}
mkdir -p "$to"
cd "$repo/samples"
for f in text folded json csv; do
	"$ana" flame logstats.rec -f $f >"$to/flame.$f"
done
"$ana" flame logstats.rec -f folded --annotate --by tid >"$to/flame-annotated.folded"
"$ana" flame logstats.rec -f text --weight period --min 5 >"$to/flame-weighted.text"
for f in text json; do
	"$ana" heatmap logstats.rec -f $f >"$to/heatmap.$f"
done
"$ana" heatmap logstats.rec -f csv --table cpu_sample >"$to/heatmap.csv"
"$ana" info logstats.rec >"$to/info.text"
"$ana" info logstats.rec -f json >"$to/info.json"
"$ana" dump logstats.rec --time ..50ms >"$to/dump.text"
"$ana" dump logstats.rec --time ..50ms -f jsonl >"$to/dump.jsonl"
"$ana" dump logstats.rec -e process_mmap -f csv >"$to/dump.csv"
"$ana" verify logstats.rec >"$to/verify.text"

# The outputs in the tutorial; test_tutorial.sh compares.
[ $# = 0 ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$repo/samples" "$work"
(cd "$work" && PATH=$(dirname "$ana"):$PATH TUTORIAL_NO_REC=1 python3 "$here/tutorial.py" "$repo/specs/tutorial.md" >new)
cp "$work/new" "$repo/specs/tutorial.md"
