#!/bin/bash
# `make demo`: records a small service in which some requests are slow, and shows what its report says.
#
#	samples/demo.sh BUILD
#
# Where the kernel does not let us record, a committed trace takes the recording's place.
set -eu
build=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
out=$build/demo
mkdir -p "$out"
rm -f "$out"/demo.rec "$out"/demo.html "$out"/demo.svg
cd "$out"
PATH=$build:$build/samples:$PATH

echo "Recording samples/orders, a small service in which some requests are slow:"
echo "  \$ rec cpu,sched,block,syscalls -F 499 -o demo.rec -- orders"
if ! rec cpu,sched,block,syscalls -F 499 -o demo.rec -- orders; then
	echo
	echo "That is not possible here (the reason is above), so this shows a recording made elsewhere:"
	echo "samples/orders.rec"
	rm -f demo.rec
	cp "$here/orders.rec" demo.rec
fi

echo
echo "Why? What its report found:"
echo "  \$ ana report demo.rec"
ana report demo.rec | sed -n '/^Findings/,/^$/p'

ana report demo.rec -o demo.html
ana flame demo.rec -o demo.svg
echo "All of it as an interactive page (no network, mail it to anyone):"
echo "  $out/demo.html"
echo "and where the time on CPUs went, as a picture: $out/demo.svg"
echo "How to find the slow requests with it, step by step: specs/tutorial.md"
