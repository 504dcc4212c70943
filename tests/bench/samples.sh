#!/bin/bash
# What one more CPU sample costs, by the way that stacks are found: CPU time of rec itself, and of the program that is
# recorded, in which the kernel copies or walks the stack. What every recording takes (programs loaded, tables and names
# read) is apart: rec's part is the difference between two rates, the program's that to running alone. The same
# work each time, stacks that all ways find whole; all take turns, middle of SAMPLE_ROUNDS (5). Run by run.sh.
set -u
build=$(realpath "${BUILD:-build}")
rec=$build/rec
ana=$build/ana
measure=$build/bench/measure
rounds=${SAMPLE_ROUNDS:-5}
low=${LOW_HZ:-999}
high=${HIGH_HZ:-9999}
millions=${MILLIONS:-3000} # turns of a loop: some seconds
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# once DEPTH WAY HZ: CPU seconds of rec and of the program; samples, lost ones among them.
once() {
	rm -f t.rec
	"$measure" "$rec" cpu -q -F "$3" -u "$2" -o t.rec -- "$measure" "$build/bench/deep_work" "$1" "$millions" 2>times.txt >/dev/null ||
		{ cat times.txt >&2 && return; }
	awk -v what="$*" -v info="$("$ana" info t.rec -f json |
		jq -r '.sections | "\(.facts.facts."recorder.lost" // 0) \([.events.rows[] | select(.event == "cpu_sample") | .count] | add)"')" \
		'{ t[NR] = $1 } END { split(info, i, " "); print what, t[NR] - t[1], t[1], i[2], i[1] }' times.txt
}

alone() { # DEPTH
	"$measure" "$build/bench/deep_work" "$1" "$millions" 2>&1 >/dev/null | awk -v depth="$1" '{ print depth, "alone", 0, 0, $1, 0, 0 }'
}

echo "== one more sample: CPU time of rec, and of the program that is recorded ($low and $high Hz, middle of $rounds rounds)"
for depth in 10 60; do
	for ((round = 0; round < rounds; round++)); do
		alone $depth
		for way in none fp dwarf bpf; do
			for hz in "$low" "$high"; do once $depth $way "$hz"; done
		done
	done
done | awk -v low="$low" -v high="$high" '
	function middle(list, n, parts, i, j, x) {
		n = split(list, parts, " ")
		for (i = 2; i <= n; i++)
			for (j = i; j > 1 && parts[j] + 0 < parts[j - 1] + 0; j--) {
				x = parts[j]; parts[j] = parts[j - 1]; parts[j - 1] = x
			}
		return n % 2 ? parts[(n + 1) / 2] : (parts[n / 2] + parts[n / 2 + 1]) / 2
	}
	$2 == "alone" { alone = $5; next }
	$3 == low { own = $4; samples = $6; next }
	$6 > samples {
		k = $1 " " $2
		if (!(k in more)) order[++n] = k
		each = ($4 - own) / ($6 - samples)
		rec[k] = rec[k] " " each * 1e6
		program[k] = program[k] " " ($5 - alone) / $6 * 1e6
		all[k] = all[k] " " (each + ($5 - alone) / $6) * 1e6
		fixed[k] = fixed[k] " " (own - each * samples)
		more[k] = more[k] " " $6 - samples
		lost[k] += $7
	}
	END {
		for (i = 1; i <= n; i++) {
			k = order[i]
			split(k, w, " ")
			printf "stacks of %d frames more, --unwind %s: rec %.1f us, the program %.1f us, together %.1f us a sample (%d samples more, %d lost); besides, each recording %.2f s\n",
				w[1], w[2], middle(rec[k]), middle(program[k]), middle(all[k]), middle(more[k]), lost[k], middle(fixed[k])
		}
	}'
