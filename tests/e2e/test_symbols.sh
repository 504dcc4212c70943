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
	"$ANA" flame c5.rec -f folded --lines | grep -q ";outer inlined.c:$(line_of inlined.c 'in outer');middle \
inlined.c:$(line_of inlined.c 'in middle');inner inlined.c:$(line_of inlined.c 'in inner') " || fail "no lines"
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

# prog, and decoy, of which nothing may come out.
build_with_decoy() { # OPTION...
	sed 's/\<around\>/wrongly/' "$REPO/tests/e2e/inlined.c" >other.c
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS "$@" "$REPO/tests/e2e/inlined.c" -o prog && gcc $FLAGS "$@" other.c -o decoy || fail "gcc"
}

check_no_decoy() { # TRACE
	check_between 90 "$(share "$1" ';main;around')" 100 "share of around in $1"
	check_equal "$(share "$1" wrongly)" "0.0" "names of the file outside in $1"
}

test_programs_in_containers_have_the_names_of_their_own_files() {
	need_perf
	need_compilers
	[ "$(id -u)" = 0 ] || skip "only root can make a container"
	unshare -m true 2>/dev/null || skip "no mount namespaces"
	mkdir -p box root/box
	build_with_decoy -static
	# Another file system where the decoy is for everybody else.
	cp decoy box/prog
	cat >inside <<-'SH'
		mount -t tmpfs none box && cp prog box/prog && exec ./box/prog "$1"
	SH
	check_status 0 "$REC" cpu -F 499 -o mounted.rec -- unshare -m sh inside 500
	check_no_decoy mounted.rec
	unshare -m sh inside 3000 &
	sleep 0.5
	check_status 0 "$REC" cpu -F 499 -p $! -d 1 -o attached.rec
	kill $!
	check_no_decoy attached.rec
	# Another root, where the same path is of another file.
	mkdir -p "root/$PWD/box" && cp prog "root/$PWD/box/prog" || fail "root"
	check_status 0 "$REC" cpu -F 499 -o root.rec -- chroot root "$PWD/box/prog" 500
	check_no_decoy root.rec
}

test_a_program_that_is_replaced_keeps_its_own_names() {
	need_perf
	need_compilers
	[ "$(id -u)" = 0 ] || skip "only root can open a deleted program's file"
	build_with_decoy -g
	cp prog server
	./server 3000 &
	sleep 0.3
	mv decoy server
	check_status 0 "$REC" cpu -F 499 -p $! -d 1 -o t.rec
	kill $!
	check_no_decoy t.rec
	# What is there now is another build: it is refused.
	check_status 1 "$ANA" symbolize t.rec -o named.rec --from server
	check_says "refused: .*server' has build id"
	check_no_decoy named.rec
}

# Processes that are gone before anybody can look at them: by the files that they were of.
test_programs_that_live_for_milliseconds_have_names() {
	need_perf
	need_compilers
	build_with_decoy -g
	cat >many.sh <<-'SH'
		for i in $(seq 97); do ./prog 5; done
	SH
	check_status 0 "$REC" cpu -F 1999 -o t.rec -- bash many.sh
	check_between 80 "$("$ANA" dump t.rec -e process_exec -f jsonl | grep -c '"prog"')" 97 "programs"
	"$ANA" flame t.rec -f folded -c prog >folded
	awk '/;around[; ]/ { with += $NF } /\[prog\]/ { without += $NF } END { print with + 0, without + 0 }' folded >counts
	read -r with without <counts
	check_between 200 "$with" 2000 "samples in around"
	check_equal "$without" 0 "samples without a name"
	# Where the file is gone with them it is said.
	check_status 0 "$REC" cpu -F 1999 -o gone.rec -- "$SAMPLES/passersby" 97
	gone=$("$ANA" flame gone.rec -f folded | grep -c '\[passerby')
	[ "$gone" = 0 ] || check_says "the file is gone"
}

# Two programs whose linkers were told the same id.
test_a_build_id_that_lies_gives_no_wrong_name() {
	need_perf
	need_compilers
	id=0x$(head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n')
	mkdir .debug
	sed 's/\<around\>/wrongly/; s/^static long now_ms/int extra(int n); int extra(int n) { return n * n; }\n&/' \
		"$REPO/tests/e2e/inlined.c" >other.c
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS -g -Wl,--build-id="$id" "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
	gcc -O0 -g -Wl,--build-id="$id" other.c -o other || fail "gcc"
	objcopy --only-keep-debug prog right.debug && objcopy --only-keep-debug other .debug/prog.debug || fail "objcopy"
	strip prog && objcopy --add-gnu-debuglink=.debug/prog.debug prog || fail "objcopy"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./prog 300
	check_says "names of [0-9]+ addresses in '$PWD/prog' are missing: its debug file has its build id, but is of other code"
	check_equal "$(share t.rec ';(main|around|wrongly|extra)')" "0.0" "names of other code"
	check_status 0 "$ANA" report t.rec -o t.html
	check_status 0 "$ANA" info t.rec
	check_prints "prog' are missing: its debug file has its build id, but is of other code"
	for way in "" "--from .debug"; do
		# shellcheck disable=SC2086 # options
		check_status 1 "$ANA" symbolize t.rec -o "named$way.rec" $way
		check_says "refused: .* has the build id of '$PWD/prog', but is of other code"
		check_equal "$(share "named$way.rec" ';(main|around|wrongly|extra)')" "0.0" "names of other code $way"
	done
	rm -r .debug
	check_status 0 "$ANA" symbolize t.rec -o right.rec --from right.debug
	check_between 90 "$(share right.rec ';main;around')" 100 "share of around"
	# The program itself: it has no calls where stacks returned to.
	check_status 1 "$ANA" symbolize t.rec -o program.rec --from other
	check_says "refused: '$PWD/other' has the build id of '$PWD/prog', but is of other code"
	check_equal "$(share program.rec ';(main|around|wrongly|extra)')" "0.0" "names of another program"
	check_status 1 "$ANA" pack t.rec -o t.tar.zst --from other
	tar --zstd -xOf t.tar.zst MANIFEST.json >manifest.json || fail "no manifest"
	grep -q "is of other code" manifest.json || fail "the pack does not say so: $(cat manifest.json)"
}

# As large, section by section, but its two functions have changed places.
test_a_build_id_that_lies_about_functions_gives_no_wrong_name() {
	need_perf
	need_compilers
	id=0x$(head -c 20 /dev/urandom | od -An -tx1 | tr -d ' \n')
	mkdir .debug
	cat >one.c <<-'C'
		volatile unsigned long sum;
		__attribute__((noinline)) void idle(void) { sum += 1; }
		__attribute__((noinline)) void busy(unsigned long n)
		{ while (n--) { sum += n * sum; sum ^= sum >> 3; sum *= 7; sum ^= sum << 5; sum -= 3 * n; } }
		int main(void) { for (int i = 0; i < 50; i++) { busy(2000000); idle(); } return 0; }
	C
	awk 'NR == 2 { idle = $0; next } { print } NR == 4 { print idle }' one.c >two.c
	for i in one two; do
		gcc -O2 -g -fno-reorder-functions -fno-toplevel-reorder -Wl,--build-id="$id" $i.c -o $i || fail "gcc"
	done
	check_equal "$(readelf -SW one | grep -o ' \.text .*')" "$(readelf -SW two | grep -o ' \.text .*')" "code"
	objcopy --only-keep-debug two .debug/one.debug || fail "objcopy"
	strip one && objcopy --add-gnu-debuglink=.debug/one.debug one || fail "objcopy"
	check_status 0 "$REC" cpu -F 499 -o t.rec -- ./one
	check_says "names of [0-9]+ addresses in '$PWD/one' are missing: its debug file has its build id, but is of other code"
	check_equal "$(share t.rec ';(main|busy|idle)')" "0.0" "names of other code"
	check_status 1 "$ANA" symbolize t.rec -o named.rec --from .debug
	check_says "refused: .* has the build id of '$PWD/one', but is of other code"
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
	check_between 90 "$(share t.rec 'runtime\.main;(main\.main;)?main\.\(\*till\)\.ring(;asm_| ?$)')" 100 \
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
test_damaged_dwarf_costs_no_name_and_is_named() {
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
		mv err said
		check_status 0 "$ANA" verify $section.rec
		check_between 90 "$(share $section.rec ';main;around')" 100 "share of around, $section"
		mv said err
		[ $section = debug_str ] || check_says "lines of some of .*/broken' are missing: some of its DWARF is damaged"
	done
	pgrep -f -- --inline-worker && fail "a worker is left"
	true
}

# Code in a file that is none of a linker's.
test_files_without_names_are_named() {
	need_perf
	need_compilers
	[ "$(uname -m)" = x86_64 ] || skip "the code is for x86-64"
	printf '\x48\xff\xcf\x75\xfb\xc3' >code.bin # dec %rdi; jne; ret
	cat >run.c <<-'C'
		#include <fcntl.h>
		#include <sys/mman.h>
		#include <time.h>
		int main(void) { time_t end = time(0) + 2;
			void *code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open("code.bin", O_RDONLY), 0);
			while (time(0) < end) ((void (*)(long))code)(100003); return 0; }
	C
	gcc -O1 run.c -o run || fail "gcc"
	check_status 0 "$REC" cpu -o t.rec -- ./run
	check_says "names of [0-9]+ addresse?s? in '$PWD/code.bin' are missing: "
	check_between 90 "$(share t.rec '\[code.bin\]')" 100 "share of the file without names"
	check_status 0 "$ANA" info t.rec
	check_prints "names of [0-9]+ addresse?s? in '$PWD/code.bin' are missing: "
}

# A program that others may run and not read: it has no names, and no wrong ones.
test_programs_that_may_not_be_read_are_named() {
	need_perf
	need_compilers
	[ "$(id -u)" = 0 ] || skip "only root can be somebody else"
	chmod 755 "$WORK" .
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS -g "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
	mkdir out.d && chmod 777 out.d
	cp "$REC" rec && chmod 755 rec && chmod 711 prog
	# The kernel takes events of a thread away when it runs such a program, not those of CPUs.
	somebody() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+perfmon --ambient-caps=+perfmon "$@"; }
	somebody ./rec cpu -a -q -d 0.1s -o out.d/probe.rec 2>err || skip "CAP_PERFMON does not do here: $(tail -n 1 err)"
	./prog 3000 &
	prog=$!
	check_status 0 somebody ./rec cpu -a -F 499 -d 1s -o out.d/t.rec
	wait "$prog"
	check_says "names of [0-9]+ addresse?s? in '$PWD/prog' are missing: .*ermission"
	"$ANA" flame out.d/t.rec -f folded | grep '^prog;' >folded || fail "no samples of it"
	grep -qE '\[prog\]' folded || fail "no frames of it"
	grep -E ';(main|around)[; ]' folded && fail "names that could not be read"
	true
}

run_tests
