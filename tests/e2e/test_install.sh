#!/bin/bash
# What arrives on other machines: the installed files, manuals and completion that say what the
# programs do, the reading library, Debian packages, the program for a server.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

TRACE=$REPO/samples/logstats.rec
COMMANDS=$("$ANA" --tables | sed -n 's/^command\t\([^\t]*\).*/\1/p')
SOURCES=$("$REC" --tables | sed -n 's/^source\t\([^\t]*\).*/\1/p')
VERSION=$("$REC" --version | cut -d' ' -f2)
# Where one installation for all tests is.
ROOT=$WORK/root

make_in_repo() {
	make -C "$REPO" --no-print-directory -s B="$BUILD" "$@"
}

make_in_repo install DESTDIR="$ROOT" PREFIX=/usr >/dev/null || fail "make install"

files_of() { # FOLDER
	(cd "$1" && find . ! -type d | sed 's/^\.//' | sort)
}

# ---- installing ----

test_what_is_installed_goes_where_it_is_told_and_is_removed_again() {
	make_in_repo install DESTDIR="$PWD/r" PREFIX=/opt/tools LIBDIR=/opt/tools/lib/any >/dev/null || fail "install"
	files_of r >files
	diff - files <<-FILES || fail "other files"
		/opt/tools/bin/ana
		/opt/tools/bin/rec
		/opt/tools/include/rectrace.h
		/opt/tools/lib/any/librectrace.a
		/opt/tools/lib/any/pkgconfig/rectrace.pc
		/opt/tools/share/bash-completion/completions/ana
		/opt/tools/share/bash-completion/completions/rec
		$(printf '/opt/tools/share/man/man1/ana-%s.1\n' $COMMANDS | LC_ALL=C sort)
		/opt/tools/share/man/man1/ana.1
		/opt/tools/share/man/man1/rec.1
		/opt/tools/share/man/man5/trace.5
		$(cd "$REPO/specs/schema" && printf '/opt/tools/share/rectrace/schema/%s\n' *)
	FILES
	check_equal "$(stat -c %a r/opt/tools/bin/rec r/opt/tools/share/man/man1/rec.1 | tr '\n' ' ')" "755 644 "
	grep -qx 'prefix=/opt/tools' r/opt/tools/lib/any/pkgconfig/rectrace.pc || fail "prefix"
	# shellcheck disable=SC2016 # pkg-config's variable
	grep -qxF 'libdir=${prefix}/lib/any' r/opt/tools/lib/any/pkgconfig/rectrace.pc || fail "libdir"
	touch r/opt/tools/bin/somebody-elses
	make_in_repo uninstall DESTDIR="$PWD/r" PREFIX=/opt/tools LIBDIR=/opt/tools/lib/any >/dev/null || fail "uninstall"
	check_equal "$(files_of r)" /opt/tools/bin/somebody-elses "what is left"
}

test_other_programs_can_read_traces() {
	command -v pkg-config >/dev/null || skip "no pkg-config"
	cat >reader.c <<-'C'
		#include <rectrace.h>
		#include <stdio.h>
		int main(int argc, char **argv) {
			char error[512];
			struct rectrace *t = rectrace_open(argv[1], error, sizeof(error));
			struct rectrace_frame f[64];
			unsigned n = 0, named = 0;
			if (!t) { puts(error); return 1; }
			rectrace_select(t, "cpu_sample");
			while (rectrace_next(t) > 0) {
				size_t depth = rectrace_stack(t, rectrace_field(t, "stack"), f, 64);
				n++;
				named += depth && f[0].function.len > 0;
			}
			printf("%u %d %d\n", n, named * 10 > n * 9, (int)rectrace_n_damage(t));
			rectrace_close(t);
			return 0;
		}
	C
	export PKG_CONFIG_PATH=$ROOT/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$ROOT
	check_equal "$(pkg-config --modversion rectrace)" "$VERSION" "version"
	flags=$(pkg-config --cflags --libs rectrace) || fail "pkg-config"
	# shellcheck disable=SC2086 # a list of options
	gcc -Wall -Werror reader.c -o reader $flags || fail "does not compile"
	samples=$("$ANA" flame "$TRACE" -f folded | awk '{ n += $NF } END { print n }')
	check_equal "$(./reader "$TRACE")" "$samples 1 0"
	check_equal "$(./reader /etc/passwd | grep -c 'not a trace')" 1
	nm -g --defined-only "$ROOT/usr/lib/librectrace.a" | grep ' [TDB] ' | grep -v ' rectrace_' &&
		fail "names that are not ours to take"
	return 0
}

# ---- manuals ----

need_man() {
	export LC_ALL=C.UTF-8 # a line of a table is one character wide
	man --version >/dev/null 2>&1 || skip "no man"
}

# page NAME.SECTION: as on a terminal of 80 columns, without bold, and with hyphenation off.
page() {
	local file=$ROOT/usr/share/man/man${1##*.}/$1
	MANWIDTH=80 MANROFFOPT='' man --warnings --nj --nh -l "$file" 2>err | col -b -x
	[ ! -s err ] || fail "$1: $(cat err)"
}

# The options in a list of them, one a line: the letters and words in front of what they mean.
options_in() { # PREFIX OF THEIR LINES
	sed -nE "s/^$1((-[A-Za-z?], )*(-[A-Za-z?]|--[a-z-]+)).*/\1/p" | sed 's/, /\n/g' | sort -u
}

options_of_help() {
	"$@" --help | options_in ' {2,6}'
}

test_manuals_are_sound_and_fit_a_terminal() {
	need_man
	for p in rec.1 ana.1 trace.5 $(printf 'ana-%s.1 ' $COMMANDS); do
		page $p >text
		grep -nE '.{81}' text && fail "$p is wider than 80 columns"
		grep -E '@[A-Z]+|\\f|T[{}]|`' text && fail "$p has marks that should not be seen"
		check_equal "$(grep -cE '^(NAME|DESCRIPTION|SEE ALSO)$' text)" 3 "sections of $p"
		grep -q "$VERSION" text || fail "$p does not say the version"
		if command -v mandoc >/dev/null; then
			mandoc -T lint -W warning "$ROOT/usr/share/man/man${p##*.}/$p" >lint || fail "$(cat lint)"
		fi
	done
}

test_manuals_have_every_option_of_help_and_no_other() {
	need_man
	page rec.1 | options_in ' {7}' >manual
	options_of_help "$REC" | diff manual - || fail "rec"
	for c in $COMMANDS; do
		options_of_help "$ANA" "$c"
	done | sort -u >help
	[ "$(wc -l <help)" -gt 20 ] || fail "too few options were found"
	page ana.1 | options_in ' {7}' | diff - help || fail "ana"
	for c in $COMMANDS; do
		page "ana-$c.1" | sed -n '/^OPTIONS/,$p' | options_in ' {7}' >manual
		options_of_help "$ANA" "$c" | diff manual - || fail "ana-$c"
	done
}

test_manuals_have_every_command_source_and_format() {
	need_man
	page rec.1 | sed -n '/^SOURCES/,/^OPTIONS/p' >sources
	for s in $SOURCES; do
		grep -q "^       $s" sources || fail "source $s"
	done
	page ana.1 >text
	sed -n '/^COMMANDS/,/^OPTIONS/p' text >commands
	sed -n '/^FORMATS/,/^ENVIRONMENT/p' text >formats
	for c in $COMMANDS; do
		grep -q "^       $c" commands || fail "command $c"
		for f in $("$ANA" "$c" --help | sed -n '/^Formats:/,$s/^  \([^ ]*\) .*/\1/p'); do
			grep -q "^       $f" formats || fail "format $f of $c"
		done
	done
}

test_each_source_and_command_has_its_paragraph() {
	for s in $SOURCES; do
		grep -qxF "@TEXT $s@" "$REPO/specs/man/rec.1.in" || fail "source $s"
	done
	for c in $COMMANDS; do
		grep -qxF "@TEXT $c@" "$REPO/specs/man/ana.1.in" || fail "command $c"
	done
}

test_no_word_of_the_format_is_lost_on_the_way_to_its_manual() {
	need_man
	words() {
		tr -c '[:alnum:]_' '\n' | tr '[:upper:]' '[:lower:]' | grep . | sort | uniq -c
	}
	tr -d '`' <"$REPO/specs/trace-format.md" | words >source
	[ "$(wc -l <source)" -gt 400 ] || fail "too few words were found"
	page trace.5 | words | awk 'NR == FNR { n[$2] = $1; next } n[$2] < $1' - source >lost
	[ ! -s lost ] || fail "$(cat lost)"
}

# ---- completion ----

# complete_words WORD...: the completions of the last word, one a line; as bash asks for them.
complete_words() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	"_$1"
	printf '%s\n' "${COMPREPLY[@]}" | grep . | sort
}

load_completion() {
	set +u # as in an interactive shell
	for p in rec ana; do
		# shellcheck disable=SC1090 # it was just made
		. "$ROOT/usr/share/bash-completion/completions/$p" || fail "$p"
		complete -p $p >/dev/null || fail "nothing is registered for $p"
	done
}

test_completion_has_every_option_of_help_and_no_other() {
	load_completion
	options_of_help "$REC" >help
	complete_words rec - | grep -vx -- -- | sort -u | diff - help || fail "rec"
	for c in $COMMANDS; do
		options_of_help "$ANA" "$c" >help
		complete_words ana "$c" - | sort -u | diff - help || fail "$c"
	done
}

test_completion_of_commands_and_sources() {
	load_completion
	check_equal "$(complete_words ana '')" "$(printf '%s\n' "$COMMANDS" --help --version | sort)"
	check_equal "$(complete_words ana fl)" flame
	check_equal "$(complete_words rec '')" \
		"$("$REC" --tables | awk -F'\t' '/^(source|command)/ { print $2 }' | sort)"
	check_equal "$(complete_words rec -F 99 cp)" cpu "behind an option"
	check_equal "$(complete_words rec --unwind = fp cp)" cpu "behind an option with ="
	check_equal "$(complete_words rec cpu,cp)" "" "no source is named twice"
	# As it will be with more sources.
	_rec_names() { echo cpu sched block; }
	check_equal "$(complete_words rec cpu,s)" cpu,sched
	check_equal "$(complete_words rec cpu,block, | tr '\n' ' ')" "cpu,block,sched "
}

test_completion_of_values() {
	load_completion
	check_equal "$(complete_words rec cpu --unwind f)" fp
	check_equal "$(complete_words rec cpu -u '' | tr '\n' ' ')" "auto bpf dwarf fp none "
	check_equal "$(complete_words ana flame --by = t)" tid
	check_equal "$(complete_words ana flame --by = | wc -l)" 6
	check_equal "$(complete_words ana dump -f '' | tr '\n' ' ')" "csv jsonl lines text "
	check_equal "$(complete_words ana flame --format s)" svg
	check_equal "$(complete_words ana flame --title '')" "" "nothing is known about"
	complete_words rec cpu -p '' | grep -qx $$ || fail "no pid"
	check_equal "$(complete_words rec cpu -p "1,$$")" "1,$$" "one more pid"
	check_equal "$(complete_words ana flame -p '')" "" "processes of the trace are not those of today"
}

test_words_that_completion_knows_are_taken_by_the_programs() {
	load_completion
	for w in $(complete_words rec cpu --unwind ''); do
		check_status 0 "$REC" cpu --unwind "$w" --help
	done
	check_status 2 "$REC" cpu --unwind nonsense --help
	for w in $(complete_words ana flame --by ''); do
		check_status 0 "$ANA" flame --by "$w" "$TRACE" -f folded
	done
	for c in flame info dump; do
		for w in $(complete_words ana $c -f ''); do
			# folded and svg show stacks only, which info does not have
			"$ANA" $c -f "$w" -e cpu_sample "$TRACE" >out 2>err
			grep -q 'no format' err && fail "$c -f $w: $(cat err)"
		done
	done
	return 0
}

test_completion_of_files_and_of_the_command() {
	load_completion
	mkdir folder
	touch one.rec two.rec other.txt 'with space.rec'
	check_equal "$(complete_words ana info '')" "$(printf '%s\n' folder one.rec two.rec 'with space.rec')"
	check_equal "$(complete_words ana info one.rec t)" two.rec "one more trace"
	check_equal "$(complete_words ana flame -o o | tr '\n' ' ')" "one.rec other.txt "
	check_equal "$(complete_words ana scrub --original o | tr '\n' ' ')" "one.rec other.txt "
	check_equal "$(complete_words rec cpu --cgroup f)" folder
	mkdir archives
	(cd archives && touch {a.rec,b.tar}{,.gz,.zst,.xz,.bz2} c.{tgz,tzst,txz,tbz2,zip})
	check_equal "$(complete_words ana info archives/ | wc -l)" 15 "traces and archives that a folder may have"
	complete_words rec cpu -- mktem | grep -qx mktemp || fail "command behind --"
	complete_words rec cpu -F 99 mktem | grep -qx mktemp || fail "command without --"
	check_equal "$(complete_words rec cpu -- ls -F oth)" other.txt "its options are not ours"
}

# ---- packages ----

make_packages() {
	command -v dpkg-deb >/dev/null && command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-dev"
	"$REPO/.ci/deb" "$BUILD" "$VERSION" >built 2>err || fail "$(cat err)"
	[ ! -s err ] || fail "$(cat err)"
	cp "$BUILD"/deb/*.deb .
}

test_packages_have_what_is_installed_each_file_once() {
	make_packages
	check_equal "$(ls ./*.deb | sed 's/_.*//' | tr '\n' ' ')" "./ana ./librectrace-dev ./rec "
	mkdir x
	for d in *.deb; do
		dpkg-deb -x "$d" "x/${d%%_*}"
		dpkg-deb -e "$d" "x/${d%%_*}.control"
		(cd "x/${d%%_*}" && md5sum --quiet -c "../${d%%_*}.control/md5sums") || fail "$d: sums"
		check_equal "$(wc -l <"x/${d%%_*}.control/md5sums")" "$(files_of "x/${d%%_*}" | wc -l)" "sums of $d"
		for doc in copyright changelog.gz; do
			[ -s "x/${d%%_*}/usr/share/doc/${d%%_*}/$doc" ] || fail "$d: no $doc"
		done
		dpkg-deb --fsys-tarfile "$d" | tar tv | grep -v ' root/root ' && fail "$d: not root's"
	done
	for d in rec ana librectrace-dev; do
		files_of x/$d
	done | grep -v /usr/share/doc/ | sed 's/\.gz$//; s|/lib/[^/]*-linux-gnu[^/]*/|/lib/|' | sort | diff - <(files_of "$ROOT") ||
		fail "not what is installed"
	check_equal "$(x/rec/usr/bin/rec --version)" "rec $VERSION"
	x/ana/usr/bin/ana flame "$TRACE" -f folded | cmp - <("$ANA" flame "$TRACE" -f folded) || fail "ana"
	zcat x/rec/usr/share/man/man1/rec.1.gz | cmp - "$ROOT/usr/share/man/man1/rec.1" || fail "manual"
}

# The packages of the libraries that a program is linked with.
packages_of() { # PROGRAM
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | while read -r lib; do
		path=$(ldd "$1" | awk -v lib="$lib" '$1 == lib { print $3 }')
		dpkg -S "$path" "/usr$path" 2>/dev/null | sed 's/:.*//'
	done | sort -u
}

test_packages_depend_on_what_their_program_links_and_no_more() {
	make_packages
	for p in rec ana; do
		dpkg-deb -x ${p}_*.deb x
		dpkg-deb -f ${p}_*.deb Depends | sed 's/ ([^)]*)//g; s/, */\n/g' | sort >depends
		packages_of x/usr/bin/$p | diff - depends || fail "$p"
	done
	check_equal "$(dpkg-deb -f librectrace-dev_*.deb Depends)" liblz4-dev
	check_equal "$(dpkg-deb -f rec_*.deb Conflicts)" sox "which has another /usr/bin/rec"
}

test_packages_are_the_same_bytes_when_built_again() {
	make_packages
	mkdir first
	mv ./*.deb first
	sleep 1.1 # so that times would differ
	make_packages
	for d in *.deb; do
		cmp "$d" "first/$d" || fail "$d"
	done
}

test_packages_can_be_installed_and_removed() {
	[ "$(id -u)" = 0 ] || skip "only root can install packages"
	make_packages
	mkdir -p r/var/lib/dpkg/info r/var/lib/dpkg/updates
	: >r/var/lib/dpkg/status
	: >r/var/lib/dpkg/available
	root() { dpkg --root="$PWD/r" --force-depends --log=/dev/null "$@" 2>err; }
	root -i ./*.deb >out || fail "$(cat err)"
	root -V | grep . && fail "files differ from their sums"
	check_equal "$(r/usr/bin/ana --version)" "ana $VERSION"
	root -P rec ana librectrace-dev >out || fail "$(cat err)"
	check_equal "$(files_of r | grep -v '^/var/lib/dpkg/')" "" "what is left"
}

# ---- a program for a server ----

test_the_static_rec_needs_libc_only() {
	readelf -d "$BUILD/rec-static" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >needed
	grep -q '^libc\.so' needed || fail "no libc: $(cat needed)"
	grep -vE '^(libc|ld-linux[a-z0-9-]*|libm|libpthread)\.so\.[0-9]$' needed && fail "needs more than libc"
	check_equal "$("$BUILD/rec-static" --version)" "rec $VERSION"
}

test_the_static_rec_records_and_finds_names() {
	need_perf
	check_status 0 "$BUILD/rec-static" cpu -q -F 499 -o t.rec -- "$SAMPLES/calltree" 600
	check_status 0 "$ANA" verify t.rec
	check_between 40 "$(share t.rec ';alpha')" 60 "share of alpha"
}

run_tests
