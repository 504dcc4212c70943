/* One place that knows what the kernel means by its errors. */
#include "record/perf_event.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "record/privileges.h"

long perf_read_number(const char *path, long missing)
{
	FILE *f = fopen(path, "re");
	long v;

	if (!f)
		return missing;
	if (fscanf(f, "%ld", &v) != 1)
		v = missing;
	fclose(f);
	return v;
}

long perf_paranoid(void)
{
	return perf_read_number("/proc/sys/kernel/perf_event_paranoid", 2);
}

void perf_attr_init(struct perf_event_attr *attr, unsigned type, unsigned long long config)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->type = type;
	attr->config = config;
	attr->disabled = 1;
	attr->sample_id_all = 1;
	attr->sample_type = PERF_SAMPLE_COMMON;
	attr->read_format = PERF_FORMAT_LOST; /* since Linux 6.0; perf_open does without */
	/* Without it perf's clock is some 900 us away from BPF's (seen on 6.18). */
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC;
}

void perf_attr_sideband(struct perf_event_attr *attr)
{
	attr->comm = 1;
	attr->comm_exec = 1;
	attr->task = 1;
	attr->mmap = 1;
	attr->mmap2 = 1;
	attr->build_id = 1;
	attr->ksymbol = 1;
	attr->bpf_event = 1;
}

void perf_explain_refusal(struct err *err, int code, bool whole_system)
{
	long paranoid = perf_paranoid();
	int wanted = whole_system ? 0 : 2;
	bool all = privileges_has(CAP_SYS_ADMIN); /* the settings do not bind us */

	if (!all && paranoid > PARANOID_MOST)
		err_set(err, code,
			"the kernel does not permit it (kernel.perf_event_paranoid is %ld, at which even "
			"CAP_PERFMON may not do): run as root, or sysctl kernel.perf_event_paranoid=%d%s",
			paranoid, PARANOID_MOST,
			whole_system ? " and give `rec` CAP_PERFMON (setcap cap_perfmon+ep)" : "");
	else if (!all && paranoid > wanted)
		err_set(err, code,
			"the kernel does not permit it (kernel.perf_event_paranoid is %ld): run as root, "
			"give `rec` CAP_PERFMON (setcap cap_perfmon+ep), or "
			"sysctl kernel.perf_event_paranoid=%d",
			paranoid, wanted);
	else if (!all && whole_system)
		err_set(err, code,
			"the kernel does not permit it: run as root or give `rec` CAP_PERFMON "
			"(setcap cap_perfmon+ep)");
	else
		err_set(err, code,
			"the kernel does not permit it: the process belongs to somebody else, or a "
			"container's seccomp filter forbids perf_event_open: run as root on the host");
}

static int explain(const struct perf_event_attr *attr, int code, bool whole_system, struct err *err)
{
	switch (code) {
	case EACCES:
	case EPERM: perf_explain_refusal(err, code, whole_system); return -code;
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP: return err_set(err, code, "this machine does not have the event");
	case ESRCH: return err_set(err, code, "no such process");
	case EMFILE:
		return err_set(err, code,
			"too many open files: raise the limit (ulimit -n) or record fewer threads");
	case ENOSYS: return err_set(err, code, "this kernel is built without perf events");
	case EINVAL:
		return err_set(err, code, "the kernel refuses these settings (frequency %llu)",
			attr->freq ? (unsigned long long)attr->sample_freq : 0ULL);
	default: return err_errno(err, code, "perf_event_open");
	}
}

/* Until a first controller is turned on, cgroups of version 2 have not even those that are always on (6.1). */
static int explain_cgroup(struct err *err)
{
	return err_set(err, ENOENT,
		"perf events do not know this cgroup: where no controller was ever turned on (systemd "
		"does), echo +pids >/sys/fs/cgroup/cgroup.subtree_control, and make the cgroup anew if "
		"that does not do");
}

static int sys_open(struct perf_event_attr *attr, pid_t pid, int cpu, int leader)
{
	unsigned long flags = PERF_FLAG_FD_CLOEXEC;

	if (pid < -1) {
		flags |= PERF_FLAG_PID_CGROUP;
		pid = perf_cgroup(pid); /* its own inverse */
	}
	return (int)syscall(SYS_perf_event_open, attr, pid, cpu, leader, flags);
}

/* What older kernels refuse with EINVAL, the newest first. True if something was left out. */
static bool do_without(struct perf_event_attr *attr)
{
	if (attr->read_format & PERF_FORMAT_LOST)
		attr->read_format &= ~(unsigned long long)PERF_FORMAT_LOST; /* 6.0 */
	else if (attr->build_id)
		attr->build_id = 0; /* 5.12 */
	else if (attr->bpf_event || attr->ksymbol)
		attr->bpf_event = attr->ksymbol = 0; /* 5.1 */
	else
		return false;
	return true;
}

int perf_open(const struct perf_event_attr *attr, pid_t pid, int cpu, struct err *err)
{
	return perf_open_in_group(attr, pid, cpu, -1, err);
}

int perf_open_in_group(const struct perf_event_attr *attr, pid_t pid, int cpu, int leader,
	struct err *err)
{
	struct perf_event_attr a = *attr;
	int fd, code;

	do {
		fd = sys_open(&a, pid, cpu, leader);
		code = errno;
	} while (fd < 0 && (code == EINVAL || code == E2BIG) && do_without(&a));
	if (fd < 0 && pid < -1 && code == ENOENT)
		return explain_cgroup(err);
	return fd >= 0 ? fd : explain(attr, code, pid < 0, err);
}
