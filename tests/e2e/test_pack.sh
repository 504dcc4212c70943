#!/bin/bash
# Names that come later, and archives: what is packed, what is opened, what is refused.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

FLAGS="-O2 -g -fno-omit-frame-pointer -fno-optimize-sibling-calls -Wl,--build-id"

# A stripped program, prog, and elsewhere what it lacks, debug/prog.debug. Recorded as run.rec.
record_stripped() {
	need_perf
	command -v gcc objcopy >/dev/null || skip "no gcc and binutils"
	mkdir debug
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS "$REPO/tests/e2e/inlined.c" -o prog || fail "gcc"
	objcopy --only-keep-debug prog debug/prog.debug && strip prog || fail "objcopy"
	check_status 0 "$REC" cpu -F 499 -o run.rec -- ./prog 500
	check_equal "$(share run.rec ';main;around')" "0.0" "names without a debug file"
}

check_inner() { # TRACE
	check_between 90 "$(share "$1" ';main;around;outer;middle;inner')" 100 "share of inner in $1"
	"$ANA" dump "$1" -e cpu_sample -f lines |
		grep -q "inner (.*inlined.c:$(grep -n 'in inner' "$REPO/tests/e2e/inlined.c" | cut -d: -f1))" ||
		fail "no line of inner in $1"
}

# Traces are unpacked to files without names, so that there is nothing to be left.
check_nothing_left() {
	check_equal "$(ls -A tmp)" "" "left in TMPDIR"
}

test_a_debug_file_given_later_names_a_stripped_program() {
	record_stripped
	check_status 0 "$ANA" symbolize run.rec -o named.rec --from debug
	check_prints '^  found: .*/prog \(build id [0-9a-f]{12}\), names [0-9]+ of [0-9]+ \(0 before\), lines .*debug/prog.debug$'
	check_inner named.rec
	check_status 0 "$ANA" verify named.rec
	check_equal "$("$ANA" dump named.rec | wc -l)" "$("$ANA" dump run.rec | wc -l)" "events"
	check_status 0 "$ANA" info named.rec
	check_prints "^trace.symbolized: +names by build id"
	# The program itself is gone: how it was mapped is in the trace.
	mv prog away.prog
	check_status 0 "$ANA" symbolize run.rec -o alone.rec --from debug
	"$ANA" dump named.rec -f lines >want && "$ANA" dump alone.rec -f lines | cmp - want ||
		fail "the debug file alone gives other names"
	mv away.prog prog
	# Cut, as by the death of its recorder.
	head -c $(($(stat -c %s run.rec) - 200)) run.rec >cut.rec
	check_status 0 "$ANA" symbolize cut.rec -o whole.rec --from debug
	check_inner whole.rec
	check_status 0 "$ANA" verify whole.rec
	# Nothing more to be had: it stays as it is.
	mkdir away && mv prog debug away
	check_status 0 "$ANA" symbolize named.rec -o again.rec
	cmp named.rec again.rec || fail "something was added"
	check_status 3 "$ANA" symbolize run.rec -o named.rec --from away
	check_says "'named.rec' exists"
	cat run.rec | check_status 3 "$ANA" symbolize - -o pipe.rec
	check_says "save it to a file first"
	[ ! -e pipe.rec ] || fail "a file is left"
}

test_a_binary_of_another_build_is_refused_by_name() {
	record_stripped
	mkdir other
	gcc -O1 -g -Wl,--build-id "$REPO/tests/e2e/inlined.c" -o other/prog || fail "gcc"
	has=$(readelf -n other/prog | sed -n 's/.*Build ID: //p')
	wants=$(readelf -n prog | sed -n 's/.*Build ID: //p')
	check_status 1 "$ANA" symbolize run.rec -o a.rec --from other/prog
	check_says "^ana: refused: '.*/other/prog' has build id $has, the trace's '.*/prog' has $wants$"
	check_status 1 "$ANA" symbolize run.rec -o b.rec --from other
	check_says "refused: '.*/other/prog' has build id $has"
	check_status 1 "$ANA" symbolize run.rec -o c.rec --from "$REPO/README.md"
	check_says "is no ELF file"
	check_status 3 "$ANA" symbolize run.rec -o d.rec --from nowhere
	# In the place of the one that was recorded.
	mv prog away && cp other/prog prog
	check_status 0 "$ANA" symbolize run.rec -o e.rec
	check_prints "^  missing: .*has build id $has"
	# Below a root that stands for the recorded machine.
	mkdir -p "root$PWD" && cp away "root$PWD/prog"
	check_status 0 "$ANA" symbolize run.rec -o f.rec --sysroot root --from debug
	check_inner f.rec
	for f in a b c e; do
		check_equal "$(share $f.rec ';main;around')" "0.0" "names from another build in $f.rec"
	done
}

test_a_pack_is_opened_by_every_command_and_has_what_symbolize_needs() {
	record_stripped
	mkdir tmp
	export TMPDIR=$PWD/tmp
	for ending in tar.zst tar.gz zip; do
		check_status 0 "$ANA" pack run.rec -o run.$ending --from debug
		check_prints "^run.$ending: 1 trace, [0-9]+ binaries, [0-9]+ debug files, [0-9]+ sources"
		check_status 3 "$ANA" pack run.rec -o run.$ending
		check_says "'run.$ending' exists"
	done
	check_equal "$(stat -c %a run.zip)" "600" "rights of an archive"
	tar -xzOf run.tar.gz run.rec | cmp - run.rec || fail "the trace is another one"
	tar -xzOf run.tar.gz MANIFEST.json | jq -e '.format == "ana pack 1" and
		(.binaries | any(.path | endswith("/prog"))) and (.debug_files | any(.path | endswith("/prog"))) and
		(.sources | any(.path | endswith("/inlined.c")))' >/dev/null || fail "manifest"
	mkdir away && mv prog debug run.rec away
	for ending in tar.zst tar.gz zip; do
		check_status 0 "$ANA" info run.$ending
		check_status 0 "$ANA" verify run.$ending
		check_status 0 "$ANA" dump run.$ending -e cpu_sample
		check_status 0 "$ANA" report run.$ending -o run.$ending.html
		check_status 0 "$ANA" cut run.$ending -t ..100ms -o cut.$ending.rec
		check_status 0 "$ANA" symbolize run.$ending -o named.$ending.rec
		check_inner named.$ending.rec
		check_nothing_left
	done
	"$ANA" info - <run.zip >out || fail "standard input"
	check_status 0 "$ANA" pack run.tar.gz -o lean.zip --no-binaries --no-debug --no-sources
	check_prints "1 trace, 0 binaries, 0 debug files, 0 sources"
	check_status 2 "$ANA" pack away/run.rec -o run.rar
	check_says "has no ending of an archive"
	check_nothing_left
}

# Builds prog by the commands, records it without the files in which the rest of its DWARF is, packs it with them, and takes
# all away: names, inlined functions and lines are the same as where everything is.
check_packed_parts() { # PATTERN-OF-MEMBER FILES COMMAND...
	local member=$1 parts=$2
	shift 2
	rm -rf split && mkdir -p split/hidden split/away && cd split || fail "folder"
	cp "$REPO/tests/e2e/inlined.c" .
	for c in "$@"; do
		(eval "$c") >log 2>&1 || fail "$c: $(cat log)"
	done
	# shellcheck disable=SC2086 # a list of files
	mv $parts hidden
	check_status 0 "$REC" cpu -F 499 -o run.rec -- ./prog 300
	check_equal "$(share run.rec ';main;around;outer;middle;inner')" "0.0" "inlined functions without $parts"
	mv hidden/* .
	check_status 0 "$ANA" symbolize run.rec -o want.rec --from .
	check_inner want.rec
	check_status 0 "$ANA" pack run.rec -o run.tar.zst --from .
	tar --zstd -tf run.tar.zst | grep -q "$member" || fail "no $member in $(tar --zstd -tf run.tar.zst)"
	# One that is made of the other has it too.
	check_status 0 "$ANA" pack run.tar.zst -o again.zip
	mv prog ./*.dw* ./*.debug inlined.* common away 2>/dev/null
	for pack in run.tar.zst again.zip; do
		check_status 0 "$ANA" symbolize $pack -o got.$pack.rec
		check_inner got.$pack.rec
		for t in want.rec got.$pack.rec; do
			"$ANA" dump $t -e cpu_sample -f lines >$t.lines || fail "dump $t"
		done
		cmp want.rec.lines got.$pack.rec.lines || fail "$pack gives other names"
	done
	cd ..
}

PLAIN="-O2 -fno-omit-frame-pointer -fno-optimize-sibling-calls"
LINK="gcc -Wl,--build-id inlined.o -o prog"

test_a_pack_has_split_units() {
	need_perf
	command -v gcc objcopy >/dev/null || skip "no gcc and binutils"
	for dwarf in 4 5; do
		check_packed_parts 'debug/dwo/[0-9a-f]*\.dwo' inlined.dwo \
			"gcc $PLAIN -gdwarf-$dwarf -gsplit-dwarf -c inlined.c" "$LINK"
		check_packed_parts 'debug/dwo/[0-9a-f]*\.dwo' inlined.dwo \
			"gcc $PLAIN -gdwarf-$dwarf -gsplit-dwarf -c inlined.c" "$LINK" \
			"objcopy --compress-debug-sections inlined.dwo"
	done
}

# Sixty functions, each in a unit of its own.
test_more_split_units_than_files_may_be_open_are_told_of() {
	need_perf
	command -v gcc >/dev/null || skip "no gcc"
	for i in $(seq 60); do
		echo "volatile int n$i; void f$i(void) { for (int i = 0; i < 20000; i++) n$i += i; }" >u$i.c
	done
	(seq -f 'void f%g(void);' 60 && echo 'int main(void) { for (int i = 0; i < 2000; i++) {' &&
		seq -f 'f%g();' 60 && echo '} return 0; }') >main.c
	# shellcheck disable=SC2086 # flags
	gcc $PLAIN -gdwarf-5 -gsplit-dwarf -c main.c u*.c && gcc -Wl,--build-id ./*.o -o prog || fail "gcc"
	check_status 0 "$REC" cpu -F 499 -o run.rec -- ./prog
	mkdir away && mv ./*.dwo away
	(ulimit -n 45 && check_status 3 "$ANA" pack run.rec -o few.tar --from away) || exit 1
	check_says "/prog': it needs more files than may be open at once; .ulimit -n. allows more"
	[ ! -e few.tar ] || fail "a file is left"
	(ulimit -n 45 && check_status 0 "$ANA" symbolize run.rec -o few.rec --from away) || exit 1
	check_prints "^  missing: .*/prog .*more files than may be open at once"
	(ulimit -Sn 75 && check_status 0 "$ANA" pack run.rec -o run.tar --from away) || exit 1
	check_between 50 "$(tar -tf run.tar | grep -c '\.dwo$')" 61 "units in the archive"
	check_status 0 "$ANA" symbolize run.rec -o named.rec --from away
	grep "more files" out && fail "it has too few files"
	return 0
}

# Where `ana` shows a function line by line it needs what is inlined into it, also where no sample was.
test_a_pack_has_the_sources_of_all_code_of_functions_with_samples() {
	need_perf
	command -v gcc >/dev/null || skip "no gcc"
	mkdir src
	sed 's/^static volatile unsigned long sink;/&\n#include "rare.h"\n#include "never.h"/
		s/^	sink = 3;/	rare(n);/' "$REPO/tests/e2e/inlined.c" >src/prog.c
	echo 'static inline void rare(unsigned long n) { sink += 3 * n; }' >src/rare.h
	echo 'static inline void never(unsigned long n) { sink += 5 * n; }
		void nobody(unsigned long n); void nobody(unsigned long n) { never(n); }' >src/never.h
	# shellcheck disable=SC2086 # flags
	gcc $FLAGS src/prog.c -o prog || fail "gcc"
	check_status 0 "$REC" cpu -F 499 -o run.rec -- ./prog 500
	"$ANA" dump run.rec -e cpu_sample -f lines | grep -q rare.h && fail "the trace itself names it"
	check_status 0 "$ANA" pack run.rec -o run.tar.gz
	for f in prog.c rare.h; do
		tar -xzOf run.tar.gz "sources$PWD/src/$f" | cmp - src/$f || fail "$f is not packed"
	done
	tar -tzf run.tar.gz | grep never.h && fail "what is in no function with samples is packed"
	# What is made of that elsewhere has them from it, not what is there by their names.
	cp -r src kept && echo '/* another program */' >src/prog.c && rm src/rare.h
	check_status 0 "$ANA" pack run.tar.gz -o again.zip
	mkdir away && tar -xzf run.tar.gz -C away MANIFEST.json && python3 -m zipfile -e again.zip away/again || fail "zip"
	for f in prog.c rare.h; do
		cmp "kept/$f" "away/again/sources$PWD/src/$f" || fail "$f is another one"
	done
	tar -xzOf run.tar.gz MANIFEST.json | jq -e '.missing | all(.path != "src/prog.c")' >/dev/null ||
		fail "prog.c is said to be missing, by the end of its path"
	# Of compilations by a relative path only debug files tell the folder.
	mv prog away
	check_status 0 "$ANA" pack run.rec -o poor.tar.gz
	tar -xzOf poor.tar.gz MANIFEST.json | jq -e '.missing | any(.path == "src/prog.c" and
		(.why | startswith("its path is relative")))' >/dev/null || fail "it is not said that prog.c is missing"
}

# A file with more units than are looked at, beside the one that is needed.
test_more_split_units_than_are_looked_at_are_told_of() {
	need_perf
	command -v gcc as >/dev/null || skip "no gcc and binutils"
	cp "$REPO/tests/e2e/inlined.c" . && mkdir away
	# shellcheck disable=SC2086 # flags
	gcc $PLAIN -gdwarf-5 -gsplit-dwarf -c inlined.c && $LINK && mv inlined.dwo away || fail "gcc"
	cat >many.s <<-'S' && as many.s -o many.dwo || fail "as"
		.section .debug_info.dwo, "e", @progbits
		.set id, 7
		.rept 5000
		.long 16
		.value 5
		.byte 5, 8
		.long 0
		.quad id
		.set id, id + 1
		.endr
	S
	check_status 0 "$REC" cpu -F 499 -o run.rec -- ./prog 300
	check_status 0 "$ANA" symbolize run.rec -o some.rec --from many.dwo
	check_prints "^  missing: .*/prog .*there is more split DWARF than is looked into, 4096 files or units of a file"
	check_status 0 "$ANA" pack run.rec -o some.tar.gz --from many.dwo
	check_prints "^  of 1 binaries some units are missing: there is more split DWARF than is looked into"
	tar -xzOf some.tar.gz MANIFEST.json | jq -e '.missing | any((.path | endswith("/prog")) and
		(.why | startswith("there is more split DWARF")))' >/dev/null || fail "manifest"
	check_status 0 "$ANA" symbolize run.rec -o all.rec --from many.dwo --from away
	check_inner all.rec
	grep "more split DWARF" out && fail "nothing is missing"
	return 0
}

# The package beside the program, whose DWARF is elsewhere: of that too it is the package.
test_a_pack_has_packages_of_split_units() {
	need_perf
	command -v gcc dwp objcopy >/dev/null || skip "no gcc and binutils with dwp"
	check_packed_parts 'debug/.build-id/../[0-9a-f]*\.dwp' prog.dwp \
		"gcc $PLAIN -gdwarf-4 -gsplit-dwarf -c inlined.c" "$LINK" "dwp -e prog" "rm inlined.dwo"
	check_packed_parts 'debug/.build-id/../[0-9a-f]*\.dwp' prog.dwp \
		"gcc $PLAIN -gdwarf-4 -gsplit-dwarf -c inlined.c" "$LINK" "dwp -e prog" "rm inlined.dwo" \
		"objcopy --only-keep-debug prog prog.debug" "strip prog" \
		"objcopy --compress-debug-sections prog.dwp"
}

# By clang: binutils' dwp (2.40) breaks over DWARF 5, and llvm-dwp (14) over that of gcc.
test_a_pack_has_packages_of_dwarf_5() {
	need_perf
	command -v clang llvm-dwp >/dev/null || skip "no clang and llvm-dwp"
	check_packed_parts 'debug/.build-id/../[0-9a-f]*\.dwp' prog.dwp \
		"clang $PLAIN -gdwarf-5 -gsplit-dwarf -c inlined.c" "$LINK" \
		"timeout 60 llvm-dwp -e prog -o prog.dwp" "rm inlined.dwo"
}

test_a_pack_has_what_dwz_took_out() {
	need_perf
	command -v gcc dwz >/dev/null || skip "no dwz"
	check_packed_parts 'debug/.build-id/../[0-9a-f]*\.debug' common \
		"gcc $PLAIN -gdwarf-4 -Wl,--build-id inlined.c -o prog" "cp prog other.dwz" \
		"dwz -m common -r prog other.dwz"
}

# There is no such file on most machines: one that has nothing but the kernel's build id.
test_a_pack_has_the_kernel_where_it_is_here() {
	need_perf
	command -v gcc >/dev/null || skip "no gcc"
	check_status 0 "$REC" cpu -F 499 -o run.rec -- dd if=/dev/zero of=/dev/null bs=1 count=1000000
	id=$("$ANA" pack run.rec -o bare.tar.gz >/dev/null && tar -xzOf bare.tar.gz MANIFEST.json |
		jq -r '.missing[] | select(.path | contains("vmlinux-")) | .build_id')
	[ -n "$id" ] || skip "the trace does not tell the kernel's build id"
	mkdir -p root/boot && echo 'int main(void) { return 0; }' >k.c
	gcc -g -static -nostdlib -Wl,-e,main -Wl,--build-id=0x"$id" k.c -o "root/boot/vmlinux-$(uname -r)" || fail "gcc"
	check_status 0 "$ANA" pack run.rec -o run.tar.gz --sysroot root --no-binaries
	tar -xzOf run.tar.gz MANIFEST.json | jq -e --arg id "$id" '.debug_files | any(.build_id == $id)' >/dev/null ||
		fail "no kernel in $(tar -tzf run.tar.gz)"
	tar -xzOf run.tar.gz "debug/.build-id/${id:0:2}/${id:2}" | cmp - "root/boot/vmlinux-$(uname -r)" ||
		fail "it is another file"
	check_status 0 "$ANA" pack run.rec -o lean.tar.gz --sysroot root --no-debug
	tar -tzf lean.tar.gz | grep "${id:2}" && fail "the kernel is there in spite of --no-debug"
	return 0
}

test_traces_in_archives_and_compressed_ones_are_opened() {
	need_perf
	mkdir -p tmp in
	export TMPDIR=$PWD/tmp
	check_status 0 "$REC" cpu -F 499 -o in/b.rec -- "$SAMPLES/calltree" 50
	check_status 0 "$REC" cpu -F 499 -o in/a.rec -- "$SAMPLES/calltree" 50
	"$ANA" dump in >want || fail "dump"
	tar -cf t.tar in && tar -czf t.tgz in && gzip -k in/a.rec || fail "tar, gzip"
	for f in t.tar t.tgz; do
		"$ANA" dump $f >got || fail "dump $f"
		cmp want got || fail "$f is read as something else"
	done
	"$ANA" dump in/a.rec.gz >got || fail "dump a.rec.gz"
	"$ANA" dump in/a.rec | cmp - got || fail "a.rec.gz is read as something else"
	check_status 0 "$ANA" merge t.tgz -o both.rec
	check_nothing_left
	# Where nothing can be unpacked to.
	TMPDIR=$PWD/nowhere check_status 0 "$ANA" info t.tgz
}

test_archives_in_a_folder_are_opened_with_the_traces_beside_them() {
	need_perf
	mkdir -p tmp in many none
	export TMPDIR=$PWD/tmp
	for i in a b c d; do
		check_status 0 "$REC" cpu -F 499 -o in/$i.rec -- "$SAMPLES/calltree" 30
	done
	"$ANA" dump in >want || fail "dump"
	cp in/a.rec many && tar -C in -czf many/b.tgz b.rec && gzip -c in/c.rec >many/c.rec.gz || fail "tar, gzip"
	(cd in && python3 -m zipfile -c ../many/d.zip d.rec) || skip "no python3"
	# What is of others: an archive without traces, a file that is only called so.
	echo hello >text && tar -czf many/text.tar.gz text && cp text many/notes.zip
	"$ANA" dump many >got || fail "dump of a folder"
	cmp want got || fail "the folder is read as something else"
	check_status 0 "$ANA" info many --each
	check_equal "$(grep -c '^recorded:' out)" 4 "traces, each by itself"
	check_status 0 "$ANA" cut many -o all.rec
	check_status 0 "$ANA" verify many
	check_nothing_left
	cp many/text.tar.gz none
	check_status 3 "$ANA" info none
	check_says "'none' is a directory without traces"
	head -c 300 many/b.tgz >none/torn.tgz
	check_status 3 "$ANA" info none
	check_says "^ana: 'none/torn.tgz': is a damaged archive"
	check_nothing_left
}

# What lies beside the traces need not have to do with them.
test_archives_of_others_in_a_folder_are_passed_over_with_a_note() {
	need_perf
	mkdir -p tmp in many
	export TMPDIR=$PWD/tmp
	check_status 0 "$REC" cpu -F 499 -o in/a.rec -- "$SAMPLES/calltree" 50
	check_status 0 "$REC" cpu -F 499 -o in/b.rec -- "$SAMPLES/calltree" 50
	"$ANA" dump in >want || fail "dump"
	cp in/a.rec many && tar -C in -czf many/b.tgz b.rec || fail "tar"
	printf 'PK\003\004 and then nothing of the kind' >many/damaged.zip
	echo "a log" | gzip >many/log.tar.gz
	truncate -s 400M zeros && tar -czf many/backup.tar.gz zeros || fail "tar"
	seq 18000000 >noise && tar -c noise | gzip -1 >many/noise.tgz || fail "tar"
	check_status 0 "$ANA" dump many
	cmp want out || fail "the folder is read as something else"
	check_says "^ana: 'many/damaged.zip': is a damaged archive"
	check_says "^ana: 'many/backup.tar.gz': "
	check_says "^ana: 'many/noise.tgz': more than 128 MiB of it are no traces"
	check_equal "$(grep -c . err)" 3 "notes"
	check_status 0 "$ANA" symbolize many -o named.rec
	check_status 0 "$ANA" pack many -o pack.zip
	check_status 0 "$ANA" info many --each
	# Named, each is refused.
	for f in damaged.zip log.tar.gz backup.tar.gz; do
		check_status 3 "$ANA" info many/$f
	done
	check_status 3 "$ANA" info many/noise.tgz
	check_says "archive without traces"
	# A trace that cannot be had is no small matter.
	gzip -c in/b.rec | head -c $(($(gzip -c in/b.rec | wc -c) / 2)) >many/b.rec.gz
	check_status 3 "$ANA" info many
	check_says "^ana: 'many/b.rec.gz': is a damaged archive"
	check_nothing_left
}

# A pack in a folder has binaries, as one that is named has.
test_a_pack_in_a_folder_has_what_symbolize_needs() {
	record_stripped
	mkdir packs away
	check_status 0 "$ANA" pack run.rec -o packs/run.tar.zst --from debug
	mv prog debug run.rec away
	check_status 0 "$ANA" symbolize packs -o named.rec
	check_inner named.rec
}

test_an_archive_comes_through_a_pipe() {
	need_perf
	mkdir -p tmp in
	export TMPDIR=$PWD/tmp
	check_status 0 "$REC" cpu -F 499 -o in/a.rec -- "$SAMPLES/calltree" 50
	check_status 0 "$REC" cpu -F 499 -o in/b.rec -- "$SAMPLES/calltree" 50
	"$ANA" dump in >want || fail "dump"
	tar -cf t.tar in && tar -czf t.tgz in && tar --zstd -cf t.tar.zst in || fail "tar"
	python3 -m zipfile -c t.zip in/a.rec in/b.rec || skip "no python3"
	for f in t.tar t.tgz t.tar.zst t.zip; do
		# shellcheck disable=SC2002 # a pipe, not a file
		cat $f | "$ANA" dump - >got || fail "dump of $f through a pipe"
		cmp want got || fail "$f is read as something else"
		"$ANA" dump - <$f | cmp want - || fail "$f as standard input"
		(head -c 3 $f && sleep 0.1 && tail -c +4 $f) | "$ANA" dump - | cmp want - || fail "$f comes slowly"
	done
	gzip -c in/a.rec | "$ANA" dump - >got || fail "dump of a compressed trace"
	"$ANA" dump in/a.rec | cmp - got || fail "a compressed trace is read as something else"
	# What is no archive is a stream as ever.
	# shellcheck disable=SC2002
	cat in/a.rec | "$ANA" dump - >got || fail "a stream"
	(head -c 3 in/a.rec && sleep 0.1 && tail -c +4 in/a.rec) | "$ANA" dump - | cmp got - || fail "a slow stream"
	echo hello | check_status 3 "$ANA" info -
	check_status 3 "$ANA" info - <<<""
	head -c 1000 t.tgz | check_status 3 "$ANA" info -
	check_says "^ana: 'standard input': is a damaged archive"
	tar -czf - in | "$ANA" pack - -o again.zip >out || fail "pack of a pipe"
	"$ANA" dump again.zip | cmp want - || fail "packed again"
	check_nothing_left
}

# Made by Python, which does not mind.
make_evil() {
	command -v python3 >/dev/null || skip "no python3"
	python3 - <<-'END'
		import io, tarfile, zipfile
		trace = open("run.rec", "rb").read()
		def tar(name, members, mode="w:gz"):
		    with tarfile.open(name, mode) as t:
		        for m, data in members:
		            info = tarfile.TarInfo(m)
		            info.size = len(data)
		            t.addfile(info, io.BytesIO(data))
		tar("up.tgz", [("run.rec", trace), ("../planted.rec", trace)])
		tar("root.tgz", [("/tmp/planted.rec", trace)])
		with tarfile.open("link.tgz", "w:gz") as t:
		    for name, kind, to in (("passwd.rec", tarfile.SYMTYPE, "/etc/passwd"),
		            ("hard.rec", tarfile.LNKTYPE, "/etc/passwd"), ("null.rec", tarfile.CHRTYPE, "")):
		        info = tarfile.TarInfo(name)
		        info.type, info.linkname = kind, to
		        t.addfile(info)
		with zipfile.ZipFile("up.zip", "w") as z:
		    z.writestr("../../planted.rec", trace)
		with zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
		    z.writestr("bomb.rec", b"\x89REC" * (50 << 20))
		with zipfile.ZipFile("inner.zip", "w") as z:
		    z.writestr("run.rec", trace)
		tar("nested.tgz", [("inner.zip", open("inner.zip", "rb").read())])
	END
}

test_archives_that_were_made_to_do_harm_are_refused() {
	need_perf
	mkdir tmp
	export TMPDIR=$PWD/tmp
	check_status 0 "$REC" cpu -F 499 -o run.rec -- "$SAMPLES/calltree" 50
	make_evil
	for f in up.tgz root.tgz up.zip; do
		check_status 3 "$ANA" info $f
		check_says "^ana: '$f': has a member whose name leads out of it"
	done
	[ ! -e ../planted.rec ] && [ ! -e /tmp/planted.rec ] || fail "a file was planted"
	check_status 3 "$ANA" info link.tgz
	check_says "archive without traces"
	check_status 3 "$ANA" info bomb.zip
	check_says "unpacks to more than"
	check_status 3 "$ANA" info nested.tgz
	check_says "another archive, 'inner.zip': unpack that first"
	tar -czf whole.tgz run.rec && head -c $(($(stat -c %s whole.tgz) / 2)) whole.tgz >half.tgz
	check_status 3 "$ANA" info half.tgz
	check_says "damaged archive"
	# In a folder and through a pipe as well.
	mkdir folder && cp run.rec bomb.zip folder
	check_status 3 "$ANA" info folder
	check_says "^ana: 'folder/bomb.zip': unpacks to more than"
	mv up.tgz folder/bomb.zip
	check_status 3 "$ANA" info folder
	check_says "has a member whose name leads out of it"
	mv folder/bomb.zip up.tgz
	# shellcheck disable=SC2002
	cat bomb.zip | check_status 3 "$ANA" info -
	check_says "unpacks to more than"
	check_status 3 "$ANA" symbolize run.rec -o x.rec --from up.tgz
	[ ! -e x.rec ] || fail "a file is left"
	check_nothing_left
}

# It has the program as well: nothing of it is on this machine any more.
test_binaries_come_from_a_debuginfod_server_if_asked_for() {
	record_stripped
	command -v debuginfod curl >/dev/null || skip "no debuginfod"
	mkdir files home
	id=$(readelf -n prog | sed -n 's/.*Build ID: //p')
	mv prog debug/prog.debug files
	port=$((20000 + $$ % 20000))
	debuginfod -p $port -d :memory: -F files >server.log 2>&1 &
	server=$!
	for _ in $(seq 100); do
		curl -sf -o /dev/null "http://127.0.0.1:$port/buildid/$id/executable" && break
		kill -0 $server 2>/dev/null || skip "debuginfod does not start here: $(tail -n 1 server.log)"
		sleep 0.2
	done
	export HOME=$PWD/home
	check_status 0 "$ANA" symbolize run.rec -o without.rec
	check_equal "$(share without.rec ';main;around')" "0.0" "names without asking"
	DEBUGINFOD_URLS="http://127.0.0.1:$port" check_status 0 "$ANA" symbolize run.rec -o named.rec
	kill $server
	wait $server
	check_inner named.rec
}

run_tests
