#!/bin/bash
# `make demo`: records a real program for a few seconds and draws its flame graph.
#
#	samples/demo.sh BUILD
#
# Where the kernel does not let us sample, a committed trace takes the recording's place.
set -eu
build=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
out=$build/demo
mkdir -p "$out"
rm -f "$out"/demo.rec "$out"/demo.html "$out"/demo.svg
cd "$out"

echo "Recording samples/logstats, a small log analyzer, for 4 seconds:"
echo "  \$ rec cpu -F 999 -o demo.rec -- logstats 4"
if ! "$build/rec" cpu -F 999 -o demo.rec -- "$build/samples/logstats" 4; then
	echo
	echo "Sampling is not possible here (the reason is above), so this shows a recording made"
	echo "elsewhere: samples/logstats.rec"
	cp "$here/logstats.rec" demo.rec
fi

echo
echo "What is in it, from the top:"
echo "  \$ ana flame demo.rec"
"$build/ana" flame demo.rec --min 3 | sed -n '/^ *total/,$p' | head -n 25

"$build/ana" flame demo.rec -o demo.html
"$build/ana" flame demo.rec -o demo.svg
echo
echo "The same as an interactive page (no network, mail it to anyone):"
echo "  $out/demo.html"
echo "and as a picture: $out/demo.svg"
echo "More: $build/ana info $out/demo.rec"
