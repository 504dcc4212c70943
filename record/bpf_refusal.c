#include "record/bpf_refusal.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/perf_event.h"
#include "record/privileges.h"

static char first_complaint[256];

static int keep_complaint(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	if (level == LIBBPF_WARN && !first_complaint[0]) {
		vsnprintf(first_complaint, sizeof(first_complaint), fmt, again);
		first_complaint[strcspn(first_complaint, "\n")] = '\0';
	}
	va_end(again);
	if (getenv("REC_BPF_LOG"))
		vfprintf(stderr, fmt, ap);
	return 0;
}

void bpf_refusal_listen(void)
{
	libbpf_set_print(keep_complaint);
	first_complaint[0] = '\0';
}

bool bpf_refusal_is_locked_down(void)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	return strstr(text, "[confidentiality]");
}

/* The capabilities' numbers are in no header of older systems: privileges.c. */
static bool permitted(void)
{
	enum { PERFMON = 38, BPF = 39 };

	return privileges_has(CAP_SYS_ADMIN) || (privileges_has(BPF) && privileges_has(PERFMON));
}

static int not_permitted(const char *doing, struct err *err)
{
	return err_set(err, EPERM,
		"%s: BPF is not permitted: run as root, or: setcap "
		"cap_bpf,cap_perfmon,cap_sys_ptrace,cap_syslog+ep $(which rec)%s",
		doing,
		perf_paranoid() > PARANOID_MOST ? " and sysctl kernel.perf_event_paranoid=2" : "");
}

int bpf_refusal_permitted(struct err *err)
{
	return permitted() ? 0 : not_permitted("loading BPF programs", err);
}

int bpf_refusal_explain(int code, const char *doing, struct err *err)
{
	bool may = permitted();

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return err_set(err, code,
			"%s: this kernel has no type information (CONFIG_DEBUG_INFO_BTF), which BPF "
			"programs need; -e SYSTEM:EVENT records tracepoints without",
			doing);
	if (code == ENOSYS)
		return err_set(err, code, "%s: this kernel has no BPF (CONFIG_BPF_SYSCALL)", doing);
	/* The verifier then knows no helper that reads memory: EINVAL (6.1). */
	if (may && (code == EPERM || code == EACCES || code == EINVAL) &&
		bpf_refusal_is_locked_down())
		return err_set(err, code,
			"%s: the kernel is locked down (/sys/kernel/security/lockdown: confidentiality), "
			"which forbids BPF programs that read its memory; boot with lockdown=integrity",
			doing);
	/* What the verifier does not like of a program is EACCES as well, but libbpf says so first. */
	if ((code != EPERM && code != EACCES) || (may && code == EACCES && first_complaint[0]))
		return err_set(err, code, "%s: %s%s%.160s", doing, strerror(code),
			first_complaint[0] ? ": " : "", first_complaint);
	if (!may)
		return not_permitted(doing, err);
	return err_set(err, code,
		"%s: BPF is refused although the capabilities are there (a container's seccomp "
		"profile?)",
		doing);
}
