#include "analyze/public_words.h"

#include <ctype.h>
#include <string.h>

#include "gen/events.h"

static bool listed(const char *const *list, struct text t)
{
	for (; *list; list++)
		if (text_is(t, *list))
			return true;
	return false;
}

/* Whether all bytes are letters, digits or of `more`; false for none. */
static bool all_of(struct text t, const char *more)
{
	for (size_t i = 0; i < t.len; i++)
		if (!isalnum((unsigned char)t.s[i]) && (!t.s[i] || !strchr(more, t.s[i])))
			return false;
	return t.len > 0;
}

static bool ends_with(struct text t, const char *end)
{
	size_t n = strlen(end);

	return t.len >= n && memcmp(t.s + t.len - n, end, n) == 0;
}

static bool begins_with(struct text t, const char *start)
{
	size_t n = strlen(start);

	return t.len >= n && memcmp(t.s, start, n) == 0;
}

/* ---- words ---- */

bool public_word(struct text t)
{
	static const char *const words[] = { /* kernels and architectures */
		"SMP", "PREEMPT", "DYNAMIC", "RT", "rt", "rc", "Debian", "Ubuntu", "Fedora", "deb",
		"bpo", "el", "fc", "amd", "arm", "aarch", "riscv", "ppc", "le", "s", "x", "i",
		"generic", "cloud", "lts", "lowlatency", "aws", "azure", "gcp", "oracle", "Mon",
		"Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "UTC", "GMT",
		/* processors and what pretends to be one */
		"AMD", "EPYC", "Ryzen", "Threadripper", "Opteron", "PRO", "Intel", "Xeon", "Core",
		"Pentium", "Celeron", "Atom", "Gold", "Silver", "Platinum", "Bronze", "Processor",
		"CPU", "R", "TM", "tm", "GHz", "MHz", "Gen", "th", "v", "E", "H", "U", "G", "K",
		"F", "P", "HX", "HS", "HK", "with", "Radeon", "Graphics", "Neoverse", "Cortex", "A",
		"N", "V", "X", "Ampere", "Altra", "ARM", "Virtual", "QEMU", "KVM", "Common", "kvm",
		"qemu", "hyperv", "vmware", "xen", "oracle", "docker", "lxc", "podman", "container",
		"none", "firecracker", "microsoft", "amazon",
		/* what `ana cut`, `ana verify --repair` and `rec` say */
		"time", "pid", "tid", "comm", "cpu", "host", "event", "everything", "s", "ms",
		"signal", "exited", "damaged", "place", "places", "with", "bytes", "its", "end",
		"was", "missing", "clear", "refs", "names", "are", "pseudonyms", NULL
	};

	return listed(words, t);
}

bool public_option(struct text t)
{
	static const char *const options[] = { "rec", "ana", "cpu", "sched", "stat", "--", "-",
		"-a", "-c", "-d", "-e", "-F", "-o", "-p", "-q", "--quiet", "--all", "--pid",
		"--cgroup", "--output", "--duration", "--frequency", "--count", "--event",
		"--no-stack", "--unwind", "--ring", "--trigger", "--rotate", "--keep", "--max-size",
		"--max-cpu", "--stat", "--interval", "--min", NULL };

	return listed(options, t);
}

bool public_source(struct text t)
{
	static const char *const sources[] = { "cpu", "event", "stat", "sched", "process", "kernel",
		"unwind", "symbols", "block", "syscalls", "faults", "locks", "sharing", "gc", "net",
		"security", "requests", NULL };

	return listed(sources, t);
}

bool public_function(struct text t)
{
	static const char *const names[] = { "main", "_start", "[unknown]", NULL };

	return listed(names, t);
}

bool public_disk(struct text t)
{
	static const char *const drivers[] = { "sd", "vd", "hd", "xvd", "nvme", "loop", "dm-", "md",
		"zram", "ram", "sr", "mmcblk", "nbd", NULL };
	size_t n = 0;

	for (int i = 0; drivers[i] && !n; i++)
		n = begins_with(t, drivers[i]) ? strlen(drivers[i]) : 0;
	for (size_t i = n; i < t.len; i++)
		if (!isdigit((unsigned char)t.s[i]) &&
			(i > n + 1 || !islower((unsigned char)t.s[i])) && t.s[i] != 'n' &&
			t.s[i] != 'p')
			return false;
	return n > 0 && t.len <= 16;
}

bool public_call(struct text t)
{
	return all_of(t, "_ (){}|,=.<>[]&+-*:");
}

/* ---- events ---- */

static bool is_raw_event(struct text t)
{
	if (t.len < 2 || t.len > 17 || t.s[0] != 'r')
		return false;
	for (size_t i = 1; i < t.len; i++)
		if (!isxdigit((unsigned char)t.s[i]))
			return false;
	return true;
}

/* L1-dcache-load-misses */
static bool is_cache_event(struct text t)
{
	static const char *const caches[] = { "L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB",
		"branch", "node", NULL };
	static const char *const operations[] = { "-loads", "-load-misses", "-stores",
		"-store-misses", "-prefetches", "-prefetch-misses", NULL };

	for (int i = 0; caches[i]; i++) {
		size_t n = strlen(caches[i]);

		if (begins_with(t, caches[i]) &&
			listed(operations, (struct text){ t.s + n, t.len - n }))
			return true;
	}
	return false;
}

bool public_tracepoint(struct text t)
{
	const char *colon = t.len ? memchr(t.s, ':', t.len) : NULL;
	size_t n = colon ? (size_t)(colon - t.s) : 0;

	return colon && all_of((struct text){ t.s, n }, "_-") &&
		all_of((struct text){ colon + 1, t.len - n - 1 }, "_-");
}

bool public_event(struct text t)
{
	static const char *const counters[] = { "cycles", "cpu-cycles", "instructions",
		"cache-references", "cache-misses", "branches", "branch-instructions",
		"branch-misses", "bus-cycles", "ref-cycles", "stalled-cycles-frontend",
		"stalled-cycles-backend", "cpu-clock", "task-clock", "page-faults", "faults",
		"minor-faults", "major-faults", "context-switches", "cs", "cpu-migrations",
		"migrations", "alignment-faults", "emulation-faults", "cgroup-switches", NULL };

	for (unsigned i = 0; i < n_all_events; i++)
		if (text_is(t, all_events[i]->name))
			return true;
	return listed(counters, t) || is_raw_event(t) || is_cache_event(t) || public_tracepoint(t);
}

bool public_provider(struct text t)
{
	static const char *const providers[] = { "libc", "libm", "libpthread", "rtld", "libgcc",
		"libstdcxx", "python", "hotspot", "hotspot_jni", "node", "ruby", "perl", "php",
		"postgresql", "mysql", NULL };

	return listed(providers, t);
}

/* ---- paths ---- */

bool public_folder(struct text parent, struct text t)
{
	static const char *const roots[] = { "usr", "lib", "lib64", "lib32", "bin", "sbin", "opt",
		"home", "var", "tmp", "etc", "proc", "sys", "dev", "run", "srv", "root", "mnt",
		"boot", NULL };
	static const char *const usr[] = { "lib", "lib64", "lib32", "libexec", "bin", "sbin",
		"local", "share", "src", "include", NULL };
	static const char *const lib[] = { "x86_64-linux-gnu", "aarch64-linux-gnu",
		"i386-linux-gnu", "arm-linux-gnueabihf", "riscv64-linux-gnu",
		"powerpc64le-linux-gnu", "s390x-linux-gnu", "modules", NULL };
	static const char *const var[] = { "lib", "log", "run", "tmp", "cache", NULL };

	if (!parent.len)
		return listed(roots, t);
	if (text_is(parent, "usr") || text_is(parent, "local"))
		return listed(usr, t);
	if (text_is(parent, "lib"))
		return listed(lib, t);
	return text_is(parent, "var") && listed(var, t);
}

/* Digits and dots. */
static bool is_version(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!isdigit((unsigned char)t.s[i]) && t.s[i] != '.')
			return false;
	return t.len <= 12;
}

/* Whether it is STEM.so, STEM.so.1.2 or STEM-2.36.so. */
static bool is_library_of(struct text name, const char *stem)
{
	size_t n = strlen(stem);
	struct text rest = { name.s + n, name.len - n };
	const char *so;

	if (!begins_with(name, stem))
		return false;
	so = memmem(rest.s, rest.len, ".so", 3);
	if (!so)
		return false;
	n = (size_t)(so - rest.s);
	if (n > 0 && (rest.s[0] != '-' || !is_version((struct text){ rest.s + 1, n - 1 })))
		return false;
	rest = (struct text){ so + 3, rest.len - n - 3 };
	return !rest.len || (rest.s[0] == '.' && is_version(rest));
}

/* What is behind the folders for libraries; empty if it is not there. */
static struct text library_name(struct text path)
{
	static const char *const folders[] = { "/usr/lib/", "/usr/lib64/", "/usr/lib32/", "/lib/",
		"/lib64/", "/lib32/", NULL };
	const char *slash;

	for (int i = 0; folders[i]; i++) {
		size_t n = strlen(folders[i]);
		struct text rest = { path.s + n, path.len - n };

		if (!begins_with(path, folders[i]))
			continue;
		slash = rest.len ? memchr(rest.s, '/', rest.len) : NULL;
		if (!slash)
			return rest;
		n = (size_t)(slash - rest.s);
		if (!public_folder((struct text){ "lib", 3 }, (struct text){ rest.s, n }))
			return (struct text){ "", 0 };
		return (struct text){ slash + 1, rest.len - n - 1 };
	}
	return (struct text){ "", 0 };
}

bool public_library(struct text path)
{
	static const char *const stems[] = { "ld", "ld-linux", "ld-linux-x86-64",
		"ld-linux-aarch64", "ld-linux-armhf", "ld-linux-riscv64-lp64d", "ld64", "libc",
		"libm", "libmvec", "libpthread", "libdl", "librt", "libutil", "libresolv", "libanl",
		"libnss_files", "libnss_dns", "libthread_db", "libstdc++", "libgcc_s", "libgomp",
		"libatomic", "libquadmath", "libgfortran", "libitm", "libc++", "libc++abi", NULL };
	struct text name = library_name(path);

	if (ends_with(name, " (deleted)"))
		name.len -= strlen(" (deleted)");
	for (int i = 0; name.len && stems[i]; i++)
		if (is_library_of(name, stems[i]))
			return true;
	return false;
}

bool public_mapping_path(struct text path, bool is_module)
{
	static const char *const paths[] = { "[kernel]", "[vdso]", "[vsyscall]", "[vvar]", "[heap]",
		"[stack]", "[uprobes]", "[anonymous]", "[anon]", "[jit]", "[bpf]", "[unknown]",
		"//anon", NULL };

	if (listed(paths, path))
		return true;
	return is_module && path.len > 2 && path.len < 66 && path.s[0] == '[' &&
		path.s[path.len - 1] == ']' &&
		all_of((struct text){ path.s + 1, path.len - 2 }, "_-");
}

/* libx.so.1.2: the numbers are as telling as the name, so that they go with it. */
static size_t versioned_library(struct text name)
{
	for (size_t i = name.len; i >= 4; i--) {
		if (memcmp(name.s + i - 4, ".so.", 4) == 0)
			return i - 4;
		if (!isdigit((unsigned char)name.s[i - 1]) && name.s[i - 1] != '.')
			break;
	}
	return 0;
}

const char *public_suffix(struct text name, size_t *stem)
{
	static const char *const suffixes[] = { ".so", ".a", ".o", ".ko", ".debug", ".jar",
		".class", ".java", ".kt", ".scala", ".py", ".pyc", ".pl", ".rb", ".js", ".mjs",
		".ts", ".go", ".rs", ".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx",
		".inc", ".inl", ".s", ".S", ".d", ".sh", ".exe", ".dll", ".map", ".log", ".txt",
		".conf", ".json", ".xml", ".yaml", ".html", ".db", ".rec", NULL };
	static const char library[] = ".so";

	*stem = versioned_library(name);
	if (*stem)
		return library;
	for (int i = 0; suffixes[i]; i++) {
		if (!ends_with(name, suffixes[i]) || name.len == strlen(suffixes[i]))
			continue;
		*stem = name.len - strlen(suffixes[i]);
		return suffixes[i];
	}
	*stem = name.len;
	return NULL;
}

/* ---- threads of the kernel ---- */

/* Whether it is numbers of up to four digits, each with at most one letter beside it: "/u4:10H". */
static bool is_thread_number(struct text t)
{
	size_t digits = 0, letters = 0;

	for (size_t i = 0; i < t.len; i++) {
		bool digit = isdigit((unsigned char)t.s[i]), letter = memchr("uHIR", t.s[i], 4);

		digits = digit ? digits + 1 : 0;
		letters = letter ? letters + 1 : 0;
		if (digits > 4 || letters > 1 || (!digit && !letter && !memchr("/:", t.s[i], 2)))
			return false;
	}
	return t.len <= 12;
}

size_t public_kernel_thread(struct text comm)
{
	static const char *const threads[] = { "swapper", "kworker", "ksoftirqd", "migration",
		"cpuhp", "idle_inject", "kthreadd", "rcu_sched", "rcu_preempt", "rcu_gp",
		"rcu_par_gp", "rcuop", "rcuos", "rcuog", "rcu_tasks_kthre", "rcu_tasks_rude_",
		"rcu_tasks_trace", "kswapd0", "kcompactd0", "khugepaged", "ksmd", "kauditd",
		"khungtaskd", "oom_reaper", "writeback", "kblockd", "watchdogd", "kdevtmpfs",
		"irq_work", "netns", NULL };
	size_t end = 0;

	while (end < comm.len && comm.s[end] != '-' && comm.s[end] != '+')
		end++;
	for (int i = 0; threads[i]; i++) {
		size_t n = strlen(threads[i]);
		bool whole = end == n || (end > n && comm.s[n] == '/');

		if (begins_with(comm, threads[i]) && whole &&
			is_thread_number((struct text){ comm.s + n, end - n }))
			return end;
	}
	return 0;
}
