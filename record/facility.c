/* Each probe opens what a recording would open, and closes it again. */
#include "record/facility.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "format/symbols/kallsyms.h"
#include "record/cgroup.h"
#include "record/perf_event.h"
#include "record/privileges.h"
#include "record/proc_fs.h"
#include "record/tracefs.h"
#include "record/walk.h"

#define SYSCTL "/proc/sys/kernel/"

__attribute__((format(printf, 3, 4))) static void found(struct finding *f,
	enum facility_state state, const char *fmt, ...)
{
	va_list ap;

	f->state = state;
	va_start(ap, fmt);
	vsnprintf(f->what, sizeof(f->what), fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void fix(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->fix, sizeof(f->fix), fmt, ap);
	va_end(ap);
}

/* Whether a file has this word. */
static bool has_word(const char *path, const char *word)
{
	char text[8192];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = '\0';
	return strstr(text, word) != NULL;
}

/* Opens an event and closes it. 0 or a negative errno; `text` (256 bytes) gets the reason. */
static int try_event(unsigned type, unsigned long long config, pid_t pid, bool kernel, char *text)
{
	struct perf_event_attr attr;
	struct err err = { "" };
	int fd;

	perf_attr_init(&attr, type, config);
	attr.sample_period = 1000000000;
	attr.exclude_kernel = !kernel;
	attr.exclude_hv = 1;
	fd = perf_open(&attr, pid, pid == -1 ? 0 : -1, &err);
	if (fd >= 0)
		close(fd);
	snprintf(text, 256, "%.255s", err.text);
	return fd < 0 ? fd : 0;
}

/* ---- sampling ---- */

static void probe_sampling(struct finding *f)
{
	long paranoid = perf_paranoid();
	char why[256];
	int rc = try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, -1, true, why);

	if (!rc) {
		found(f, FACILITY_WORKS, "every process on every CPU, kernel included");
		return;
	}
	fix(f,
		"as root, or: setcap cap_perfmon,cap_sys_ptrace,cap_syslog+ep $(which rec)%s, or: "
		"sysctl kernel.perf_event_paranoid=-1",
		paranoid > PARANOID_MOST ? " and sysctl kernel.perf_event_paranoid=2" : "");
	if (try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 0, true, why) == 0)
		found(f, FACILITY_LESSER,
			"only your own processes (kernel.perf_event_paranoid is %ld)", paranoid);
	else if (try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, 0, false, why) == 0)
		found(f, FACILITY_LESSER,
			"only your own processes, without the kernel (kernel.perf_event_paranoid is %ld)",
			paranoid);
	else
		found(f, FACILITY_ABSENT, "%.250s", why);
}

static void probe_hardware(struct finding *f)
{
	char why[256];
	int rc = try_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, false, why);

	if (!rc) {
		found(f, FACILITY_WORKS, "cycles can be sampled");
	} else if (rc == -ENOENT || rc == -EOPNOTSUPP || rc == -ENODEV) {
		bool guest = has_word("/proc/cpuinfo", "hypervisor");

		found(f, FACILITY_LESSER,
			"%s: a clock is used, which does not see code that runs with "
			"interrupts off",
			guest ? "the hypervisor shows this machine no counters"
			      : "the kernel knows no counters of this CPU");
		fix(f, "%s",
			guest ? "in the hypervisor: a virtual PMU (libvirt: <pmu state='on'/>; "
				"QEMU: -cpu host,pmu=on; clouds: a metal or larger instance)"
			      : "");
	} else {
		found(f, FACILITY_ABSENT, "%.250s", why);
	}
}

static void probe_rate(struct finding *f)
{
	long rate = perf_read_number(SYSCTL "perf_event_max_sample_rate", -1);

	if (rate < 0) {
		found(f, FACILITY_ABSENT, "the kernel does not tell");
	} else if (rate < 5000) {
		found(f, FACILITY_LESSER,
			"up to %ld Hz: the kernel lowers it when interrupts take long", rate);
		fix(f, "sysctl kernel.perf_event_max_sample_rate=100000");
	} else {
		found(f, FACILITY_WORKS, "up to %ld Hz", rate);
	}
}

static void probe_kernel_names(struct finding *f)
{
	long restricted = perf_read_number(SYSCTL "kptr_restrict", 0);
	uint64_t base;

	if (kallsyms_base(KALLSYMS_PATH, &base, NULL) == 0) {
		found(f, FACILITY_WORKS, "/proc/kallsyms shows addresses");
		return;
	}
	found(f, FACILITY_ABSENT,
		"/proc/kallsyms hides addresses from you (kernel.kptr_restrict is %ld)",
		restricted);
	fix(f, "as root, or: setcap cap_syslog+ep $(which rec), or: sysctl %s",
		restricted ? "kernel.kptr_restrict=0" : "kernel.perf_event_paranoid=1");
}

static void probe_other_processes(struct finding *f)
{
	long scope = perf_read_number(SYSCTL "yama/ptrace_scope", 0);

	if (privileges_has(CAP_SYS_PTRACE)) {
		found(f, FACILITY_WORKS, "mappings and files of every process can be read");
	} else {
		found(f, FACILITY_LESSER, "only your own processes' mappings%s",
			scope ? "; kernel.yama.ptrace_scope narrows that to children" : "");
		fix(f, "as root, or: setcap cap_sys_ptrace+ep $(which rec)%s",
			scope ? ", or: sysctl kernel.yama.ptrace_scope=0" : "");
	}
}

static bool opens_with(void (*set)(struct perf_event_attr *))
{
	struct perf_event_attr attr;
	int fd;

	perf_attr_init(&attr, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
	attr.exclude_kernel = 1;
	set(&attr);
	fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void with_build_id(struct perf_event_attr *attr)
{
	attr->mmap = attr->mmap2 = attr->build_id = 1;
	attr->read_format = 0;
}

static void with_lost(struct perf_event_attr *attr)
{
	attr->read_format = PERF_FORMAT_LOST;
}

static void probe_build_ids(struct finding *f)
{
	if (opens_with(with_build_id)) {
		found(f, FACILITY_WORKS, "the kernel tells the build id of each file");
	} else {
		found(f, FACILITY_LESSER,
			"they are read from the files, which may be gone by then (Linux 5.12 tells them)");
	}
}

static void probe_lost(struct finding *f)
{
	if (opens_with(with_lost))
		found(f, FACILITY_WORKS, "each event can be asked what it lost");
	else
		found(f, FACILITY_LESSER,
			"losses at the very end may go untold (Linux 6.0 tells them)");
}

static void probe_files(struct finding *f)
{
	struct rlimit r = { 0, 0 };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	getrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_max / (rlim_t)(2 * (cpus > 0 ? cpus : 1)) >= 1000) {
		found(f, FACILITY_WORKS, "%llu: %llu threads can be attached to",
			(unsigned long long)r.rlim_max,
			(unsigned long long)r.rlim_max / (unsigned long long)(2 * cpus));
		return;
	}
	found(f, FACILITY_LESSER, "%llu: only %llu threads can be attached to on %ld CPUs",
		(unsigned long long)r.rlim_max,
		(unsigned long long)r.rlim_max / (unsigned long long)(2 * cpus), cpus);
	fix(f, "ulimit -n 1048576 (or LimitNOFILE= of the service), or record the system (-a)");
}

/* ---- tracing ---- */

/* Where tracefs can be read; false, having told, if nowhere. */
static bool find_tracefs(struct finding *f, char *place, size_t size)
{
	char path[256];

	if (tracefs_find(NULL, place, size, NULL)) {
		found(f, FACILITY_ABSENT, "tracefs is not mounted");
		fix(f, TRACEFS_MOUNT);
		return false;
	}
	snprintf(path, sizeof(path), "%s/events", place);
	if (access(path, R_OK | X_OK) == 0)
		return true;
	found(f, FACILITY_ABSENT, "tracefs may not be read by you");
	fix(f, "as root, or: " TRACEFS_SHARE, place);
	return false;
}

static void probe_tracefs(struct finding *f)
{
	char place[128], path[256], why[256];
	long id;
	int rc;

	if (!find_tracefs(f, place, sizeof(place)))
		return;
	snprintf(path, sizeof(path), "%s/events/sched/sched_switch/id", place);
	id = perf_read_number(path, -1);
	if (id < 0) {
		found(f, FACILITY_ABSENT,
			"the kernel is built without tracepoints (CONFIG_EVENT_TRACING)");
		return;
	}
	rc = try_event(PERF_TYPE_TRACEPOINT, (unsigned long long)id, -1, true, why);
	if (!rc) {
		found(f, FACILITY_WORKS, "every event under %s/events", place);
		return;
	}
	found(f, FACILITY_ABSENT, "%.250s", why);
	fix(f, "as root, or: setcap cap_perfmon+ep $(which rec), or: sysctl kernel.perf_event_paranoid=-1");
}

static void probe_pmu(struct finding *f, const char *pmu, const char *config)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/event_source/devices/%s/type", pmu);
	if (perf_read_number(path, -1) < 0)
		found(f, FACILITY_ABSENT, "the kernel is built without them (%s)", config);
	else if (privileges_has(CAP_SYS_ADMIN) || privileges_has(PRIVILEGE_PERFMON))
		found(f, FACILITY_WORKS, "through the kernel's %s events", pmu);
	else {
		found(f, FACILITY_ABSENT, "you are not permitted");
		fix(f, "as root, or: setcap cap_perfmon+ep $(which rec)");
	}
}

static void probe_uprobes(struct finding *f)
{
	probe_pmu(f, "uprobe", "CONFIG_UPROBE_EVENTS");
}

static void probe_kprobes(struct finding *f)
{
	probe_pmu(f, "kprobe", "CONFIG_KPROBE_EVENTS");
}

static void probe_btf(struct finding *f)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK) == 0)
		found(f, FACILITY_WORKS, "/sys/kernel/btf/vmlinux");
	else
		found(f, FACILITY_ABSENT,
			"the kernel has no type information (CONFIG_DEBUG_INFO_BTF)");
}

static int try_bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	int fd = (int)syscall(SYS_bpf, command, attr, sizeof(*attr)), code = errno;

	if (fd >= 0)
		close(fd);
	errno = code;
	return fd;
}

/* Makes what our sources make: a ring, and a program that does nothing. */
static int make_ring_and_program(void)
{
	struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr ring = { 0 }, program = { 0 };

	ring.map_type = BPF_MAP_TYPE_RINGBUF;
	ring.max_entries = 4096;
	program.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	program.insns = (uintptr_t)nothing;
	program.insn_cnt = sizeof(nothing) / sizeof(nothing[0]);
	program.license = (uintptr_t) "GPL";
	if (try_bpf(BPF_MAP_CREATE, &ring) < 0 || try_bpf(BPF_PROG_LOAD, &program) < 0)
		return -1;
	if (!has_word("/sys/kernel/security/lockdown", "[confidentiality]"))
		return 0;
	errno = EPERM; /* of programs that read the kernel's memory, as ours do */
	return -1;
}

static void probe_bpf(struct finding *f)
{
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		found(f, FACILITY_ABSENT,
			"the kernel has no type information for our programs (CONFIG_DEBUG_INFO_BTF)");
	} else if (make_ring_and_program() == 0) {
		found(f, FACILITY_WORKS, "ring buffers and programs can be made");
	} else if (errno == EPERM || errno == EACCES) {
		found(f, FACILITY_ABSENT, "you are not permitted%s",
			has_word("/sys/kernel/security/lockdown", "[confidentiality]")
				? "; kernel lockdown is in confidentiality mode"
				: "");
		fix(f, "as root, or: setcap cap_bpf,cap_perfmon+ep $(which rec)");
	} else {
		found(f, FACILITY_ABSENT, "%s",
			errno == EINVAL ? "no ring buffers before Linux 5.8" : strerror(errno));
	}
}

/* Allocating hashes for all programs came with 6.1, bpf_loop before. */
static bool is_since(int major, int minor)
{
	struct utsname u;
	int a = 0, b = 0;

	return uname(&u) == 0 && sscanf(u.release, "%d.%d", &a, &b) == 2 &&
		(a > major || (a == major && b >= minor));
}

static void probe_walks(struct finding *f)
{
	if (!walk_supported()) {
		found(f, FACILITY_LESSER, "not on this processor yet: by frame pointers");
		return;
	}
	probe_bpf(f);
	if (f->state != FACILITY_WORKS)
		f->state = FACILITY_LESSER;
	else if (is_since(6, 1))
		found(f, FACILITY_WORKS, "walked in the kernel by call frame information");
	else
		found(f, FACILITY_LESSER,
			"not before Linux 6.1: copies with rec cpu, else frame pointers");
}

/* ---- surroundings ---- */

static void probe_lockdown(struct finding *f)
{
	if (has_word("/sys/kernel/security/lockdown", "[confidentiality]")) {
		found(f, FACILITY_LESSER,
			"confidentiality: kernel memory may not be read, which BPF needs");
		fix(f, "boot with lockdown=integrity or lockdown=none");
	} else if (has_word("/sys/kernel/security/lockdown", "[integrity]")) {
		found(f, FACILITY_WORKS, "integrity: does not hinder recording");
	} else {
		found(f, FACILITY_WORKS, "none");
	}
}

static void probe_namespace(struct finding *f)
{
	if (proc_in_first_namespace()) {
		found(f, FACILITY_WORKS, "the host's: every process can be seen");
		return;
	}
	found(f, FACILITY_LESSER,
		"a container's: processes outside of it have no names here, and sources that need "
		"BPF record no command and no -p");
	fix(f, "run rec on the host, or the container with --pid=host");
}

static void probe_cgroups(struct finding *f)
{
	struct err err = { "" };
	int fd = cgroup_open("/", &err);

	if (fd >= 0) {
		close(fd);
		found(f, FACILITY_WORKS, "the hierarchy of perf_event is mounted");
	} else {
		found(f, FACILITY_ABSENT, "no cgroup file system with perf_event is mounted");
		fix(f, "mount -t cgroup2 none /sys/fs/cgroup");
	}
}

const struct facility facilities[] = {
	{ "sampling", "rec cpu: looking at what runs", probe_sampling },
	{ "hardware counters", "samples by cycles instead of a clock", probe_hardware },
	{ "sampling rate", "what -F can be", probe_rate },
	{ "kernel names", "names of kernel functions in stacks", probe_kernel_names },
	{ "other processes", "mappings and files of processes that are there already",
		probe_other_processes },
	{ "build ids", "telling files apart, finding debug information later", probe_build_ids },
	{ "losses", "counting what did not fit", probe_lost },
	{ "open files", "attaching to many threads (-p)", probe_files },
	{ "tracepoints", "-e SYSTEM:EVENT", probe_tracefs },
	{ "uprobes", "-e uprobe:, -e usdt:", probe_uprobes },
	{ "kprobes", "no source needs them yet", probe_kprobes },
	{ "BTF", "BPF programs that fit this kernel", probe_btf },
	{ "BPF", "scheduler, disks, system calls, faults", probe_bpf },
	{ "BPF stacks", "--unwind bpf, and stacks of what BPF records", probe_walks },
	{ "lockdown", "what even root may not do", probe_lockdown },
	{ "pid namespace", "whose processes can be seen", probe_namespace },
	{ "cgroups", "--cgroup", probe_cgroups },
	{ NULL, NULL, NULL },
};

void facility_probe(const char *name, struct finding *f)
{
	memset(f, 0, sizeof(*f));
	for (int i = 0; facilities[i].name; i++)
		if (strcmp(facilities[i].name, name) == 0)
			facilities[i].probe(f);
}
