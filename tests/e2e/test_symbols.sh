#!/bin/bash
# Names beyond the symbol table: inlined functions, lines, and where they are to be had.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

FLAGS="-O2 -fno-omit-frame-pointer -fno-optimize-sibling-calls"

# The number of the line of a source with these words behind it.
line_of() { # SOURCE WORDS
	grep -n -- "$2" "$REPO/tests/e2e/$1" | cut -d: -f1
}

# The user part of the stack that most samples have, one "NAME LINE" a line, without what is around main.
hottest() { # TRACE SOURCE
	"$ANA" dump "$1" -e cpu_sample -f lines | awk -v file="/$2:" '
		/^\t/ { at = index($0, file)
			if (at) {
				name = substr($0, 2); sub(/ \(.*/, "", name)
				line = substr($0, at + length(file)); sub(/\)$/, "", line)
				stack = stack (stack ? ";" : "") name " " line
			}
			next }
		{ if (stack) n[stack]++; stack = "" }
		END { if (stack) n[stack]++
			for (s in n) if (n[s] > most) { most = n[s]; best = s }
			print best }'
}

need_compilers() {
	command -v gcc >/dev/null && command -v g++ >/dev/null || skip "no gcc and g++"
}

check_inlined_c() { # TRACE
	check_equal "$(hottest "$1" inlined.c)" \
		"$(printf 'main %d;around %d;outer %d;middle %d;inner %d' \
			"$(line_of inlined.c 'in main')" "$(line_of inlined.c 'in around')" \
			"$(line_of inlined.c 'in outer')" "$(line_of inlined.c 'in middle')" \
			"$(line_of inlined.c 'in inner')")" "the stack of most samples"
}

test_three_functions_inlined_into_each_other_are_frames_with_lines() {
	need_perf
	need_compilers
	for version in 4 5; do
		# shellcheck disable=SC2086 # flags
		gcc $FLAGS -gdwarf-$version "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
		check_status 0 "$REC" cpu -F 499 -o c$version.rec -- ./prog 700
		check_status 0 "$ANA" verify c$version.rec
		check_inlined_c c$version.rec
		check_between 90 "$(share c$version.rec ';main;around;outer;middle;inner')" 100 "share of inner"
	done
	"$ANA" flame c5.rec -f folded --annotate | grep -q 'around;outer_\[i\];middle_\[i\];inner_\[i\]' ||
		fail "not marked as inlined"
}

test_inlined_members_templates_and_lambdas_have_their_full_names() {
	need_perf
	need_compilers
	for version in 4 5; do
		# shellcheck disable=SC2086 # flags
		g++ $FLAGS -gdwarf-$version "$REPO/tests/e2e/inlined.cc" -o prog || fail "g++"
		check_status 0 "$REC" cpu -F 499 -o t$version.rec -- ./prog 700
		lambda='shop::Till::ring\(\)::\{lambda\(unsigned long\)#1\}'
		hottest t$version.rec inlined.cc | grep -qE "$(printf \
			'shop::Till::ring[^;]* %d;shop::each<%s> %d;%s::operator\(\) %d;shop::Cart<unsigned long>::add %d$' \
			"$(line_of inlined.cc 'in ring')" "$lambda" "$(line_of inlined.cc 'in each')" \
			"$lambda" "$(line_of inlined.cc 'in the lambda')" "$(line_of inlined.cc 'in add')")" ||
			fail "DWARF $version: $(hottest t$version.rec inlined.cc)"
	done
}

test_no_inline_leaves_out_inlined_functions_and_lines() {
	need_perf
	need_compilers
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS -g "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
	check_status 0 "$REC" cpu --no-inline -F 499 -o t.rec -- ./prog 300
	check_between 90 "$(share t.rec ';main;around$|;main;around ')" 100 "share of around"
	"$ANA" dump t.rec -e cpu_sample -f lines | grep -q 'inlined.c:' && fail "there are lines"
	true
}

# What Fedora's packages do with every binary.
test_a_stripped_program_has_the_names_packed_into_it() {
	need_perf
	need_compilers
	command -v xz >/dev/null || skip "no xz"
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
	objcopy --strip-debug prog small || fail "objcopy"
	xz -k small && strip prog && objcopy --add-section .gnu_debugdata=small.xz prog || fail "objcopy"
	nm prog 2>&1 | grep -q 'no symbols' || fail "there are symbols besides"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./prog 300
	check_between 90 "$(share t.rec ';main;around')" 100 "share of around"
	# Cut, it is nothing.
	head -c 400 small.xz >cut.xz
	objcopy --update-section .gnu_debugdata=cut.xz prog || fail "objcopy"
	check_status 0 "$REC" cpu -F 499 -o cut.rec -- ./prog 300
	check_equal "$(share cut.rec ';main;around')" "0.0" "names from a cut section"
	# Of a bomb of 400 MB only 128 are unpacked.
	head -c 400000000 /dev/zero | xz -0 >bomb.xz
	objcopy --update-section .gnu_debugdata=bomb.xz prog || fail "objcopy"
	(ulimit -d 380000 && check_status 0 "$REC" cpu -F 99 -o bomb.rec -- ./prog 300) || exit 1
	check_status 0 "$ANA" verify bomb.rec
}

test_debug_files_named_by_the_program_need_its_build_id() {
	need_perf
	need_compilers
	mkdir .debug
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS -g -Wl,--build-id "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
	objcopy --only-keep-debug prog .debug/prog.debug && strip prog || fail "objcopy"
	objcopy --add-gnu-debuglink=.debug/prog.debug prog || fail "objcopy"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./prog 300
	check_inlined_c t.rec
	# Another build of the same name.
	gcc -O0 -g -Wl,--build-id "$REPO/tests/e2e/inlined.c" -o other || fail "gcc"
	objcopy --only-keep-debug other .debug/prog.debug || fail "objcopy"
	check_status 0 "$REC" cpu -F 499 -o other.rec -- ./prog 300
	check_equal "$(share other.rec ';(main|around)')" "0.0" "names of another build"
}

# A server of our own, which has the debug file of a stripped program.
test_debug_files_come_from_a_debuginfod_server_if_asked_for() {
	need_perf
	need_compilers
	command -v debuginfod curl >/dev/null || skip "no debuginfod"
	mkdir files home
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS -g -Wl,--build-id "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
	objcopy --only-keep-debug prog files/prog.debug && strip prog || fail "objcopy"
	port=$((20000 + $$ % 20000))
	debuginfod -p $port -d :memory: -F files >server.log 2>&1 &
	server=$!
	id=$(readelf -n prog | sed -n 's/.*Build ID: //p')
	for _ in $(seq 100); do
		curl -sf -o /dev/null "http://127.0.0.1:$port/buildid/$id/debuginfo" && break
		kill -0 $server 2>/dev/null || skip "debuginfod does not start here: $(tail -n 1 server.log)"
		sleep 0.2
	done
	export HOME=$PWD/home
	check_status 0 "$REC" cpu -F 499 -o without.rec -- ./prog 300
	check_equal "$(share without.rec ';main;around')" "0.0" "names without asking"
	grep -q "GET /buildid/.*rec" server.log && fail "the server was asked"
	DEBUGINFOD_URLS="http://127.0.0.1:$port" check_status 0 "$REC" cpu -F 499 -o t.rec -- ./prog 300
	kill $server
	wait $server
	check_inlined_c t.rec
	# Nobody there: the recording is as good as without.
	rm -rf home/.cache
	DEBUGINFOD_URLS="http://127.0.0.1:$port" check_status 0 "$REC" cpu -F 499 -o gone.rec -- ./prog 300
	check_equal "$(share gone.rec ';main;around')" "0.0" "names from a server that is gone"
}

build_go() { # OPTION...
	command -v go >/dev/null || skip "the Go compiler is not installed (apt-get install golang-go)"
	cp "$REPO/tests/e2e/inlined.go" spin.go
	GOCACHE=$PWD/cache GO111MODULE=off CGO_ENABLED=0 go build "$@" -o prog spin.go || fail "go build"
}

test_inlined_functions_of_go_are_frames() {
	need_perf
	build_go
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./prog 300
	check_between 90 "$(share t.rec ';main\.\(\*till\)\.ring')" 100 "share of ring"
	"$ANA" dump t.rec -e cpu_sample -f lines >lines
	grep -A1 "main.(\*till).ring (.*spin.go:$(line_of inlined.go 'in ring'))" lines |
		grep -q "main.(\*till).add (.*spin.go:$(line_of inlined.go 'in add'))" || fail "not inlined: $(tail -n 5 lines)"
}

test_go_functions_have_names_without_symbols() {
	need_perf
	build_go -ldflags "-s -w"
	nm prog 2>&1 | grep -q 'no symbols' || fail "there are symbols"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./prog 300
	check_between 90 "$(share t.rec 'runtime\.main;(main\.main;)?main\.\(\*till\)\.ring ?$')" 100 \
		"share of ring"
}

# The functions of a split program are in a file that the program names; where it belongs to someone else,
# the worker opens that with that one's rights or not at all.
test_split_dwarf_of_someone_else_is_read_with_their_rights() {
	need_perf
	need_compilers
	[ "$(id -u)" = 0 ] || skip "only root has other users' programs"
	chmod 755 "$WORK" .
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS -g -gsplit-dwarf -c "$REPO/tests/e2e/inlined.c" -o prog.o && gcc prog.o -o prog || fail "gcc"
	check_status 0 "$REC" cpu -F 499 -o mine.rec -- ./prog 300
	check_inlined_c mine.rec
	chown nobody prog
	chmod 600 prog.dwo
	check_status 0 "$REC" cpu -F 499 -o theirs.rec -- ./prog 300
	check_between 90 "$(share theirs.rec ';main;around ?$')" 100 "share of around"
	"$ANA" dump theirs.rec -e cpu_sample -f lines | grep -q "around (.*inlined.c:" || fail "no lines"
}

# The names thread asks a worker, which is given a file that breaks it or tells nonsense; symbols stay.
test_damaged_dwarf_costs_no_name() {
	need_perf
	need_compilers
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS -g "$REPO/tests/e2e/inlined.c" -o whole || fail "gcc"
	for section in debug_info debug_abbrev debug_line debug_str; do
		read -r offset size <<<"$(readelf -SW whole |
			awk -v s=".$section" 'sub(/.*\] /, "") && $1 == s { print $4, $5 }')"
		cp whole broken
		head -c $((16#$size)) /dev/urandom |
			dd of=broken bs=1 seek=$((16#$offset)) conv=notrunc status=none
		check_status 0 "$REC" cpu -F 499 -o $section.rec -- ./broken 300
		check_status 0 "$ANA" verify $section.rec
		check_between 90 "$(share $section.rec ';main;around')" 100 "share of around, $section"
	done
	pgrep -f -- --inline-worker && fail "a worker is left"
	true
}

run_tests
