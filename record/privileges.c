/* The system calls themselves, as libcap would be one more library for two of them. */
#include "record/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint64_t bit(unsigned capability)
{
	return 1ULL << capability;
}

static bool get(struct __user_cap_data_struct data[2])
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };

	return syscall(SYS_capget, &header, data) == 0;
}

bool privileges_has(unsigned capability)
{
	struct __user_cap_data_struct data[2];

	return get(data) && data[capability / 32].effective & 1u << capability % 32;
}

static uint64_t needed(bool signals, bool files)
{
	uint64_t keep = bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH) | bit(CAP_SYSLOG) |
		bit(CAP_IPC_LOCK) | /* the ring of a CPU that comes later */
		bit(PRIVILEGE_PERFMON) | bit(PRIVILEGE_BPF) | bit(PRIVILEGE_CHECKPOINT_RESTORE);

	if (prctl(PR_CAPBSET_READ, PRIVILEGE_PERFMON, 0, 0, 0) < 0)
		keep |= bit(CAP_SYS_ADMIN); /* what there was before */
	if (signals)
		keep |= bit(CAP_KILL);
	if (files)
		keep |= bit(CAP_DAC_OVERRIDE);
	return keep;
}

void privileges_drop(bool signals, bool files)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	uint64_t keep = needed(signals, files);

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!get(data))
		return;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
}
