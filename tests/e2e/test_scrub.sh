#!/bin/bash
# Traces that one can show to others: `ana scrub`, with and without a key, and its check.
# shellcheck source-path=SCRIPTDIR disable=SC2317
. "$(dirname "$0")/lib.sh"

TRACE=$REPO/samples/logstats.rec

# The counts and depths of all stacks: what a flame graph looks like without its names.
shape() {
	"$ANA" flame "$1" -f folded | awk '{ n = $NF; $NF = ""; print n, gsub(/;/, "") }' | sort -n
}

# Everything that ana shows of a trace.
show_all() {
	"$ANA" dump "$1"
	"$ANA" dump "$1" -f jsonl
	"$ANA" dump "$1" -f lines
	"$ANA" info "$1"
	"$ANA" flame "$1" -f folded
	"$ANA" flame "$1" -f svg
	"$ANA" dump "$1" -f csv -e cpu_sample
}

# Each block's columns with LZ4 undone, by a decoder of its own: a secret that compression hides.
unpack() {
	python3 - "$1" <<-'PY'
		import struct, sys
		b = open(sys.argv[1], "rb").read()
		def varint(p):
		    v = s = 0
		    while True:
		        v |= (b[p] & 127) << s; s += 7; p += 1
		        if b[p - 1] < 128: return v, p
		def lz4(d):
		    out = bytearray(); p = 0
		    def more(n):
		        nonlocal p
		        while n >= 15:
		            x = d[p]; p += 1; n += x
		            if x < 255: break
		        return n
		    while p < len(d):
		        token = d[p]; p += 1
		        n = more(token >> 4) if token >> 4 == 15 else token >> 4
		        out += d[p:p + n]; p += n
		        if p >= len(d): break
		        back = d[p] | d[p + 1] << 8; p += 2
		        n = (more(15) if token & 15 == 15 else token & 15) + 4
		        for _ in range(n): out.append(out[-back])
		    return out
		at = 0
		while at < len(b):
		    stored, columns = struct.unpack_from("<I", b, at + 8)[0], struct.unpack_from("<H", b, at + 22)[0]
		    p = at + 48; heads = []
		    for _ in range(columns):
		        code = b[p]; n, p = varint(p + 1); plain = 0
		        if code & 128: plain, p = varint(p)
		        heads.append((n, plain))
		    for n, plain in heads:
		        data = b[p:p + n]; p += n
		        if plain:
		            data = lz4(data)
		            assert len(data) == plain
		        sys.stdout.buffer.write(data + b"\n")
		    at += 48 + stored
	PY
}

# A recording in which the letters zqx are all over, and no others that matter. A shell's name and
# arguments are as good as a server's.
record_secrets() {
	need_perf
	mkdir -p zqxcorp/zqxbin
	cp "$SAMPLES/logstats" zqxcorp/zqxbin/zqx-server
	run=(-q -F 499 -o "$1" -- ./zqxcorp/zqxbin/zqx-server 1)
	"$REC" cpu,stat,sched,syscalls,block,faults "${run[@]}" 2>err || # needs more rights
		"$REC" cpu,stat "${run[@]}" 2>err || fail "$(cat err)"
	show_all "$1" | grep -qi zqx || fail "there are no secrets in the recording"
	unpack "$1" >unpacked && grep -qai zqx unpacked || fail "unpack finds no secrets"
}

test_no_secret_is_left_of_a_real_recording() {
	record_secrets run.rec
	check_status 0 "$ANA" scrub run.rec -o shared.rec --check
	check_prints '^shared.rec: [0-9]+ events, [0-9]+ texts replaced'
	check_prints '^shared.rec: clean: nothing left over in [0-9]+ texts'
	check_equal "$(stat -c %a shared.rec)" 600 "mode"
	check_status 0 "$ANA" verify shared.rec
	show_all shared.rec >shown
	! grep -i zqx shown || fail "shown"
	! grep -qai zqx shared.rec || fail "in the bytes"
	unpack shared.rec >unpacked
	! grep -qai zqx unpacked || fail "in the columns"
	# The program's own functions and this folder. A machine may be called `vm`, which is in anything.
	mapfile -t functions < <(nm "$SAMPLES/logstats" | awk '$2 == "t" && $3 !~ /^_/ && length($3) > 7 { print $3 }')
	[ "${#functions[@]}" -gt 5 ] || fail "no functions in the sample"
	for secret in "${functions[@]}" "$(basename "$WORK")"; do
		! grep -qwF -- "$secret" shown unpacked shared.rec || fail "'$secret' is left"
	done
	check_status 0 "$ANA" info shared.rec
	check_prints 'Scrubbed: names that are not public are pseudonyms'
	check_prints '^host: +host-[0-9a-f]{12}$'
	! grep -q '^key-' out || fail "a fact that rec tells has no rule: $(grep '^key-' out)"
	check_status 1 "$ANA" scrub --check run.rec
}

# A program whose every name and argument is a secret: threads, files, folders, sockets, libraries, their sources,
# what it runs and the code it makes while running.
write_secret_program() {
	mkdir -p zqxcorp/zqxsrc
	cat >zqxcorp/zqxsrc/zqx_part.h <<-'C'
		static inline __attribute__((always_inline)) void zqx_inner(volatile unsigned long *n)
		{
			for (int i = 0; i < 100003; i++)
				*n += i;
		}
	C
	cat >zqxcorp/zqxsrc/zqx_plugin.c <<-'C'
		#include "zqx_part.h"
		volatile unsigned long zqx_sum;
		void zqx_entry(void);
		void zqx_entry(void) { zqx_inner(&zqx_sum); }
	C
	cat >zqxcorp/zqxsrc/zqx_main.c <<-'C'
		#define _GNU_SOURCE
		#include <arpa/inet.h>
		#include <dlfcn.h>
		#include <fcntl.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <sys/prctl.h>
		#include <sys/socket.h>
		#include <sys/stat.h>
		#include <sys/un.h>
		#include <sys/wait.h>
		#include <unistd.h>

		static void *zqx_thread(void *entry)
		{
			prctl(PR_SET_NAME, "zqx-worker");
			for (int i = 0; i < 1500; i++)
				((void (*)(void))entry)();
			return NULL;
		}

		static void zqx_local(const char *name, int abstract)
		{
			struct sockaddr_un a = { .sun_family = AF_UNIX };
			int fd = socket(AF_UNIX, SOCK_STREAM, 0);

			strcpy(a.sun_path + abstract, name);
			bind(fd, (struct sockaddr *)&a, sizeof(a.sun_family) + abstract + strlen(name));
			close(fd);
		}

		static void zqx_network(void)
		{
			struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(51513) };
			struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_port = htons(51513) };
			int four = socket(AF_INET, SOCK_DGRAM, 0), six = socket(AF_INET6, SOCK_DGRAM, 0);

			inet_pton(AF_INET, "203.0.113.113", &a.sin_addr);
			inet_pton(AF_INET6, "2001:db8:5a5a::113", &b.sin6_addr);
			connect(four, (struct sockaddr *)&a, sizeof(a));
			sendto(four, "zqx", 3, 0, (struct sockaddr *)&a, sizeof(a));
			connect(six, (struct sockaddr *)&b, sizeof(b));
		}

		static void zqx_files(void)
		{
			static char page[4096] = "zqx";
			int wal = open("zqxmount/zqx-wal.db", O_WRONLY | O_CREAT | O_DSYNC, 0600);
			int data = open("zqxmount/zqx-data.bin", O_RDWR | O_CREAT, 0600);
			int memory = memfd_create("zqx-memory", 0);
			volatile char *map;

			for (int i = 0; i < 41; i++)
				pwrite(wal, page, sizeof(page), i * 8192L);
			fsync(wal);
			ftruncate(data, 1 << 20);
			ftruncate(memory, 1 << 20);
			for (int k = 0; k < 2; k++) {
				map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, k ? memory : data, 0);
				for (int i = 0; i < 1 << 20; i += 4096)
					map[i] = 1;
			}
			open("/etc/zqx.conf", O_RDONLY);
			rename("zqxmount/zqx-wal.db", "zqxmount/zqx-old.db");
			symlink("/root/.zqx/key", "zqxmount/zqx-link");
			mkdir("zqxmount/zqx-folder", 0700);
		}

		int main(int argc, char **argv)
		{
			void *plugin = dlopen("./zqxcorp/libzqxplugin.so", RTLD_NOW);
			void *entry = plugin ? dlsym(plugin, "zqx_entry") : NULL;
			pthread_t t;
			pid_t pid;

			if (!entry || pthread_create(&t, NULL, zqx_thread, entry))
				return 1;
			zqx_local("zqxcorp/zqx.sock", 0);
			zqx_local("zqx-abstract", 1);
			zqx_network();
			zqx_files();
			pid = fork();
			if (!pid)
				execl("./zqxcorp/zqx-jit", "zqx-jit", "--password=zqxhunter2", (char *)NULL);
			waitpid(pid, NULL, 0);
			pthread_join(t, NULL);
			return argc > 9;
		}
	C
	sed 's/"\(alpha\|beta\|gamma\|delta\|epsilon\)"/"zqx_\1"/; s/argc > 1/argc < 0/' "$REPO/samples/jitcode.c" \
		>zqxcorp/zqxsrc/zqx_jit.c
	(cd zqxcorp && gcc -O2 -g -gsplit-dwarf -fPIC -c zqxsrc/zqx_plugin.c && gcc -shared zqx_plugin.o -o libzqxplugin.so &&
		gcc -O1 -g zqxsrc/zqx_main.c -o zqx-server -lpthread -ldl && gcc -O1 zqxsrc/zqx_jit.c -o zqx-jit) 2>gcc.err ||
		fail "gcc: $(cat gcc.err)"
}

# Under a host's name that is secret, on a mount that is.
on_secret_host() {
	unshare -u -m sh -c 'hostname zqxhost && mkdir -p zqxmount && mount --bind zqxcorp zqxmount && exec "$@"' sh "$@"
}

check_no_secret() { # SCRUBBED
	check_status 0 "$ANA" verify "$1"
	check_status 0 "$ANA" scrub --check "$1"
	show_all "$1" >shown
	unpack "$1" >unpacked
	for secret in zqx 203.0.113.113 2001:db8:5a5a hunter2; do
		! grep -aiF -m 3 -- "$secret" shown unpacked "$1" || fail "'$secret' is left of $2"
	done
}

test_no_secret_is_left_of_a_recording_of_all_sources() {
	need_perf
	[ "$(id -u)" = 0 ] || skip "only root has all sources and names of hosts"
	command -v gcc >/dev/null || skip "no gcc"
	write_secret_program
	on_secret_host true 2>unshare.err || skip "no namespaces here: $(cat unshare.err)"
	check_status 0 on_secret_host "$REC" cpu,stat,sched,syscalls,block,faults -q -F 997 \
		-e 'sched:sched_process_exec/filename ~ "*zqx*"/,uprobe:./zqxcorp/libzqxplugin.so:zqx_entry' \
		-o run.rec -- ./zqxcorp/zqx-server --token=zqxtoken
	# What was planted is there.
	show_all run.rec >plain
	for secret in zqxhost zqx-server zqx-worker zqx_entry zqx_inner zqx_part.h zqx-memory zqx-data.bin zqxtoken zqx.sock \
		zqx-abstract 203.0.113.113:51513 2001:db8:5a5a::113 /etc/zqx.conf zqx-old.db zqx-folder zqx_alpha zqx-jit; do
		grep -qF -- "$secret" plain || fail "'$secret' is not in the recording"
	done
	if [ "$(stat -f -c %T .)" = ext2/ext3 ] && [ -z "${TEST_WITHOUT:-}" ]; then
		"$ANA" dump run.rec -e block_io -f jsonl | grep -q '"file": *"[^"]*zqx-wal.db"' || fail "no file of a request"
	fi
	check_status 0 "$ANA" scrub run.rec -o shared.rec --check
	check_no_secret shared.rec run.rec
	check_status 0 "$ANA" scrub --check shared.rec --original run.rec
	# The same of traces that are made of it: a part, one with more names, several in one, a repaired one.
	check_status 0 "$ANA" cut run.rec -c 'zqx-*' -o part.rec
	check_status 0 "$ANA" symbolize run.rec -o named.rec
	check_status 0 "$ANA" merge part.rec named.rec -o both.rec
	head -c $(($(stat -c %s run.rec) * 2 / 3)) run.rec >torn.rec
	"$ANA" verify --repair torn.rec -o whole.rec >/dev/null 2>&1
	for t in part named both whole; do
		check_status 0 "$ANA" scrub $t.rec -o $t.shared.rec --check
		check_no_secret $t.shared.rec $t.rec
	done
	# One that is put back is found.
	cat shared.rec part.rec >planted.rec
	check_status 1 "$ANA" scrub --check planted.rec
	check_prints "left over: .*zqx"
	check_status 0 "$ANA" scrub run.rec -o kept.rec --keep '*zqx-wal*'
	check_status 1 "$ANA" scrub --check kept.rec
	check_status 1 "$ANA" scrub --check kept.rec --original run.rec
}

test_no_secret_is_left_of_a_recording_of_a_cgroup() {
	need_perf
	make_cgroup
	mkdir "$mount/$group/zqx" || fail "cgroup"
	cp "$SAMPLES/logstats" zqx-server
	(echo "$BASHPID" >"$mount/$group/zqx/cgroup.procs" && exec ./zqx-server 2) >/dev/null &
	check_status 0 "$REC" cpu -q --cgroup "/$group/zqx" -d 1 -o run.rec
	wait
	rmdir "$mount/$group/zqx" "$mount/$group"
	"$ANA" info run.rec | grep -q "^target.cgroup:.*zqx" || fail "no cgroup"
	check_status 0 "$ANA" scrub run.rec -o shared.rec --check
	check_no_secret shared.rec run.rec
}

test_the_picture_keeps_its_shape() {
	check_status 0 "$ANA" scrub "$TRACE" -o shared.rec
	shape "$TRACE" >a
	shape shared.rec >b
	[ "$(wc -l <a)" -gt 50 ] || fail "too few stacks to compare"
	cmp -s a b || fail "$(diff a b | head -n 5)"
	check_equal "$("$ANA" dump shared.rec | wc -l)" "$("$ANA" dump "$TRACE" | wc -l)" "events"
	# Public names stay what they were.
	"$ANA" flame shared.rec -f folded >folded
	grep -q start_thread folded || fail "no name of the C library"
	grep -qE 'comm-[0-9a-f]{12};.*f-[0-9a-f]{12}' folded || fail "no pseudonyms"
}

test_one_key_gives_one_name_in_all_traces() {
	"$ANA" cut "$TRACE" -t ..1s -o first.rec >/dev/null
	"$ANA" cut "$TRACE" -t 2s.. -o last.rec >/dev/null
	check_status 0 "$ANA" scrub first.rec -o a.rec --key team.key
	check_prints '^team.key: a new key'
	check_equal "$(stat -c %a team.key)" 600 "mode of the key"
	check_status 0 "$ANA" scrub last.rec -o b.rec --key team.key
	check_status 0 "$ANA" scrub last.rec -o c.rec --key other.key
	check_status 0 "$ANA" scrub last.rec -o d.rec
	names() { "$ANA" flame "$1" -f folded | grep -oE '(comm|f)-[0-9a-f]{12}' | sort -u; }
	names a.rec >a && names b.rec >b && names c.rec >c && names d.rec >d
	[ "$(comm -12 a b | wc -l)" -ge 5 ] || fail "a and b have no names in common: $(cat a b)"
	check_equal "$(comm -12 a c)" "" "with another key"
	check_equal "$(comm -12 b d)" "" "without a key"
	check_equal "$(wc -l <b)" "$(wc -l <c)" "names"
	# A thread that is known by its pseudonym can be asked for.
	comm=$(grep -m1 comm a)
	check_status 0 "$ANA" flame a.rec -c "$comm" -f folded
}

test_the_check_says_no() {
	"$ANA" scrub "$TRACE" -o shared.rec >/dev/null
	check_status 0 "$ANA" scrub --check shared.rec
	check_status 0 "$ANA" scrub --check shared.rec --original "$TRACE"
	check_status 1 "$ANA" scrub --check "$TRACE" --original "$TRACE"
	check_prints "left over: name of a thread 'parser-1'"
	check_prints "left over: name of a host 'vm'"
	check_prints 'NOT CLEAN: [0-9]+ left over'
	cat shared.rec "$TRACE" >both.rec
	check_status 1 "$ANA" scrub --check both.rec
	printf 'a note: parser-1' | cat shared.rec - >tail.rec
	check_status 1 "$ANA" scrub --check tail.rec --original "$TRACE"
	check_prints "left over somewhere in the file: bytes of the original 'parser-1'"
	check_status 0 "$ANA" scrub "$TRACE" -o kept.rec --keep 'parser-*' --check
	check_equal "$("$ANA" dump kept.rec -c 'parser-*' -e cpu_sample | wc -l)" \
		"$("$ANA" dump "$TRACE" -c 'parser-*' -e cpu_sample | wc -l)" "kept threads"
	check_status 1 "$ANA" scrub --check kept.rec
	check_status 0 "$ANA" scrub --check kept.rec --keep 'parser-*'
}

test_bad_words_are_refused() {
	check_status 2 "$ANA" scrub "$TRACE"
	check_says 'name it with -o'
	check_status 2 "$ANA" scrub "$TRACE" -o x.rec --original "$TRACE"
	check_status 2 "$ANA" scrub --check "$TRACE" --key k
	check_status 3 "$ANA" scrub nonexistent -o x.rec
	echo hello >text
	check_status 3 "$ANA" scrub text -o x.rec
	check_status 3 "$ANA" scrub --check text
	echo 0123456789abcdef0123456789abcdef >open.key
	chmod 644 open.key
	check_status 3 "$ANA" scrub "$TRACE" -o x.rec --key open.key
	check_says "others may read the key 'open.key'"
	(umask 077 && echo short >short.key)
	check_status 3 "$ANA" scrub "$TRACE" -o x.rec --key short.key
	check_says 'less than 16 bytes'
	check_status 3 "$ANA" scrub "$TRACE" -o x.rec --key /nonexistent/key
	[ ! -e x.rec ] || fail "x.rec was left behind"
	"$ANA" scrub "$TRACE" -o y.rec >/dev/null
	check_status 3 "$ANA" scrub "$TRACE" -o y.rec
	check_says 'exists'
}

test_it_goes_through_pipes() {
	(umask 077 && head -c 32 /dev/urandom >key)
	"$ANA" scrub - --key key -o - <"$TRACE" | "$ANA" flame - -f folded >a
	"$ANA" scrub "$TRACE" --key <(cat key) -o x.rec >/dev/null || fail "a key from a pipe"
	"$ANA" flame x.rec -f folded >b
	cmp -s a b || fail "$(diff a b | head -n 4)"
	cat "$TRACE" | "$ANA" scrub - --key key -o - 2>err | "$ANA" dump - -e cpu_sample >c
	check_equal "$(wc -l <c)" "$("$ANA" dump x.rec -e cpu_sample | wc -l)" "samples"
}

run_tests
