/* Words for numbers as in strace(1). A kind has words for values, names for bits, or both: of the flags of open
 * two bits are one of a few words, each other bit has its own. */
#include "record/syscall_args.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <linux/io_uring.h>
#include <linux/membarrier.h>
#include <linux/memfd.h>
#include <linux/net.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "specs/syscall_ring.h"

/* What the C library hides or Debian 12 does not have yet. */
#define KERNEL_O_LARGEFILE 0100000
#define KERNEL_CLONE_CLEAR 0x100000000ULL

struct word {
	uint64_t value;
	const char *name;
};

struct arg_kind {
	const char *name;
	const char *number;       /* for what has no words: what stands between {N and } */
	const struct word *words; /* of (value & mask); end with a NULL */
	const struct word *bits;  /* those of several bits before those they consist of */
	uint64_t mask;
	bool full;       /* of 64 bits; others the kernel takes as 32 */
	uint16_t traits; /* enum syscall_trait: what stands where it points */
};

#define W(name) \
	{ \
		(uint64_t)(unsigned)(name), #name \
	}
#define END \
	{ \
		0, NULL \
	}

static const struct word access_bits[] = { W(R_OK), W(W_OK), W(X_OK), END };
static const struct word access_words[] = { W(F_OK), END };
static const struct word arch_prctl_words[] = {
#ifdef ARCH_SET_FS
	W(ARCH_SET_GS), W(ARCH_SET_FS), W(ARCH_GET_FS), W(ARCH_GET_GS),
#endif
	END
};
static const struct word at_bits[] = { W(AT_SYMLINK_NOFOLLOW), W(AT_EACCESS), W(AT_NO_AUTOMOUNT),
	W(AT_EMPTY_PATH), W(AT_STATX_FORCE_SYNC), W(AT_STATX_DONT_SYNC), END };
static const struct word linkat_bits[] = { W(AT_SYMLINK_FOLLOW), W(AT_EMPTY_PATH), END };
static const struct word unlinkat_bits[] = { W(AT_REMOVEDIR), END };
static const struct word bpf_words[] = { W(BPF_MAP_CREATE), W(BPF_MAP_LOOKUP_ELEM),
	W(BPF_MAP_UPDATE_ELEM), W(BPF_MAP_DELETE_ELEM), W(BPF_MAP_GET_NEXT_KEY), W(BPF_PROG_LOAD),
	W(BPF_OBJ_PIN), W(BPF_OBJ_GET), W(BPF_PROG_ATTACH), W(BPF_PROG_DETACH),
	W(BPF_PROG_TEST_RUN), W(BPF_PROG_GET_NEXT_ID), W(BPF_MAP_GET_NEXT_ID),
	W(BPF_PROG_GET_FD_BY_ID), W(BPF_MAP_GET_FD_BY_ID), W(BPF_OBJ_GET_INFO_BY_FD),
	W(BPF_PROG_QUERY), W(BPF_RAW_TRACEPOINT_OPEN), W(BPF_BTF_LOAD), W(BPF_BTF_GET_FD_BY_ID),
	W(BPF_TASK_FD_QUERY), W(BPF_MAP_LOOKUP_AND_DELETE_ELEM), W(BPF_MAP_FREEZE),
	W(BPF_BTF_GET_NEXT_ID), W(BPF_MAP_LOOKUP_BATCH), W(BPF_MAP_LOOKUP_AND_DELETE_BATCH),
	W(BPF_MAP_UPDATE_BATCH), W(BPF_MAP_DELETE_BATCH), W(BPF_LINK_CREATE), W(BPF_LINK_UPDATE),
	W(BPF_LINK_GET_FD_BY_ID), W(BPF_LINK_GET_NEXT_ID), W(BPF_ENABLE_STATS), W(BPF_ITER_CREATE),
	W(BPF_LINK_DETACH), W(BPF_PROG_BIND_MAP), END };
static const struct word clock_words[] = { W(CLOCK_REALTIME), W(CLOCK_MONOTONIC),
	W(CLOCK_PROCESS_CPUTIME_ID), W(CLOCK_THREAD_CPUTIME_ID), W(CLOCK_MONOTONIC_RAW),
	W(CLOCK_REALTIME_COARSE), W(CLOCK_MONOTONIC_COARSE), W(CLOCK_BOOTTIME),
	W(CLOCK_REALTIME_ALARM), W(CLOCK_BOOTTIME_ALARM), W(CLOCK_TAI), END };
static const struct word clone_bits[] = { W(CLONE_VM), W(CLONE_FS), W(CLONE_FILES),
	W(CLONE_SIGHAND), W(CLONE_PIDFD), W(CLONE_PTRACE), W(CLONE_VFORK), W(CLONE_PARENT),
	W(CLONE_THREAD), W(CLONE_NEWNS), W(CLONE_SYSVSEM), W(CLONE_SETTLS), W(CLONE_PARENT_SETTID),
	W(CLONE_CHILD_CLEARTID), W(CLONE_DETACHED), W(CLONE_UNTRACED), W(CLONE_CHILD_SETTID),
	W(CLONE_NEWCGROUP), W(CLONE_NEWUTS), W(CLONE_NEWIPC), W(CLONE_NEWUSER), W(CLONE_NEWPID),
	W(CLONE_NEWNET), W(CLONE_IO), { KERNEL_CLONE_CLEAR, "CLONE_CLEAR_SIGHAND" }, END };
static const struct word clone_only_bits[] = { W(CLONE_FS), W(CLONE_FILES), W(CLONE_NEWNS),
	W(CLONE_SYSVSEM), W(CLONE_NEWCGROUP), W(CLONE_NEWUTS), W(CLONE_NEWIPC), W(CLONE_NEWUSER),
	W(CLONE_NEWPID), W(CLONE_NEWNET), { 0x80, "CLONE_NEWTIME" }, END };
static const struct word close_range_bits[] = { { 2, "CLOSE_RANGE_UNSHARE" },
	{ 4, "CLOSE_RANGE_CLOEXEC" }, END };
static const struct word epoll_ctl_words[] = { W(EPOLL_CTL_ADD), W(EPOLL_CTL_DEL), W(EPOLL_CTL_MOD),
	END };
static const struct word fadvise_words[] = { W(POSIX_FADV_NORMAL), W(POSIX_FADV_RANDOM),
	W(POSIX_FADV_SEQUENTIAL), W(POSIX_FADV_WILLNEED), W(POSIX_FADV_DONTNEED),
	W(POSIX_FADV_NOREUSE), END };
static const struct word fallocate_bits[] = { W(FALLOC_FL_KEEP_SIZE), W(FALLOC_FL_PUNCH_HOLE),
	W(FALLOC_FL_COLLAPSE_RANGE), W(FALLOC_FL_ZERO_RANGE), W(FALLOC_FL_INSERT_RANGE),
	W(FALLOC_FL_UNSHARE_RANGE), END };
static const struct word family_words[] = { W(AF_UNSPEC), W(AF_UNIX), W(AF_INET), W(AF_INET6),
	W(AF_NETLINK), W(AF_PACKET), W(AF_BLUETOOTH), W(AF_CAN), W(AF_TIPC), W(AF_ALG), W(AF_VSOCK),
	W(AF_XDP), END };
static const struct word fcntl_words[] = { W(F_DUPFD), W(F_GETFD), W(F_SETFD), W(F_GETFL),
	W(F_SETFL), { 5, "F_GETLK" }, { 6, "F_SETLK" }, { 7, "F_SETLKW" }, W(F_SETOWN), W(F_GETOWN),
	W(F_SETSIG), W(F_GETSIG), { 12, "F_GETLK64" }, { 13, "F_SETLK64" }, { 14, "F_SETLKW64" },
	W(F_SETOWN_EX), W(F_GETOWN_EX), W(F_OFD_GETLK), W(F_OFD_SETLK), W(F_OFD_SETLKW),
	W(F_SETLEASE), W(F_GETLEASE), W(F_NOTIFY), W(F_DUPFD_CLOEXEC), W(F_SETPIPE_SZ),
	W(F_GETPIPE_SZ), W(F_ADD_SEALS), W(F_GET_SEALS), W(F_GET_RW_HINT), W(F_SET_RW_HINT), END };
static const struct word flock_words[] = { W(LOCK_SH), W(LOCK_EX), W(LOCK_UN), END };
static const struct word flock_bits[] = { W(LOCK_NB), END };
static const struct word futex_words[] = { W(FUTEX_WAIT), W(FUTEX_WAKE), W(FUTEX_FD),
	W(FUTEX_REQUEUE), W(FUTEX_CMP_REQUEUE), W(FUTEX_WAKE_OP), W(FUTEX_LOCK_PI),
	W(FUTEX_UNLOCK_PI), W(FUTEX_TRYLOCK_PI), W(FUTEX_WAIT_BITSET), W(FUTEX_WAKE_BITSET),
	W(FUTEX_WAIT_REQUEUE_PI), W(FUTEX_CMP_REQUEUE_PI), W(FUTEX_LOCK_PI2), END };
static const struct word futex_bits[] = { W(FUTEX_PRIVATE_FLAG), W(FUTEX_CLOCK_REALTIME), END };
static const struct word getrandom_bits[] = { W(GRND_NONBLOCK), W(GRND_RANDOM),
	{ 4, "GRND_INSECURE" }, END };
static const struct word inotify_bits[] = { W(IN_ACCESS), W(IN_MODIFY), W(IN_ATTRIB),
	W(IN_CLOSE_WRITE), W(IN_CLOSE_NOWRITE), W(IN_OPEN), W(IN_MOVED_FROM), W(IN_MOVED_TO),
	W(IN_CREATE), W(IN_DELETE), W(IN_DELETE_SELF), W(IN_MOVE_SELF), W(IN_ONLYDIR),
	W(IN_DONT_FOLLOW), W(IN_EXCL_UNLINK), W(IN_MASK_CREATE), W(IN_MASK_ADD), W(IN_ONESHOT),
	END };
static const struct word ioctl_words[] = { W(TCGETS), W(TCSETS), W(TCSETSW), W(TCSETSF),
	W(TIOCGWINSZ), W(TIOCSWINSZ), W(TIOCGPGRP), W(TIOCSPGRP), W(TIOCSCTTY), W(TIOCNOTTY),
	W(TIOCGPTN), W(TIOCSPTLCK), W(FIONREAD), W(FIONBIO), W(FIOASYNC), W(FIOCLEX), W(FIONCLEX),
	W(SIOCGIFCONF), W(SIOCGIFFLAGS), W(SIOCGIFADDR), W(SIOCGIFINDEX), W(PERF_EVENT_IOC_ENABLE),
	W(PERF_EVENT_IOC_DISABLE), W(PERF_EVENT_IOC_RESET), END };
static const struct word itimer_words[] = { W(ITIMER_REAL), W(ITIMER_VIRTUAL), W(ITIMER_PROF),
	END };
static const struct word madvise_words[] = { W(MADV_NORMAL), W(MADV_RANDOM), W(MADV_SEQUENTIAL),
	W(MADV_WILLNEED), W(MADV_DONTNEED), W(MADV_FREE), W(MADV_REMOVE), W(MADV_DONTFORK),
	W(MADV_DOFORK), W(MADV_MERGEABLE), W(MADV_UNMERGEABLE), W(MADV_HUGEPAGE),
	W(MADV_NOHUGEPAGE), W(MADV_DONTDUMP), W(MADV_DODUMP), W(MADV_WIPEONFORK),
	W(MADV_KEEPONFORK), W(MADV_COLD), W(MADV_PAGEOUT), W(MADV_POPULATE_READ),
	W(MADV_POPULATE_WRITE), { 25, "MADV_COLLAPSE" }, END };
static const struct word membarrier_words[] = { W(MEMBARRIER_CMD_QUERY), W(MEMBARRIER_CMD_GLOBAL),
	W(MEMBARRIER_CMD_GLOBAL_EXPEDITED), W(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED),
	W(MEMBARRIER_CMD_PRIVATE_EXPEDITED), W(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED), END };
static const struct word memfd_bits[] = { W(MFD_CLOEXEC), W(MFD_ALLOW_SEALING), W(MFD_HUGETLB),
	{ 8, "MFD_NOEXEC_SEAL" }, { 16, "MFD_EXEC" }, END };
static const struct word mlockall_bits[] = { W(MCL_CURRENT), W(MCL_FUTURE), W(MCL_ONFAULT), END };
static const struct word mmap_words[] = { W(MAP_SHARED), W(MAP_PRIVATE), W(MAP_SHARED_VALIDATE),
	END };
static const struct word mmap_bits[] = { W(MAP_FIXED), W(MAP_ANONYMOUS),
#ifdef MAP_32BIT
	W(MAP_32BIT),
#endif
	W(MAP_GROWSDOWN), W(MAP_DENYWRITE), W(MAP_EXECUTABLE), W(MAP_LOCKED), W(MAP_NORESERVE),
	W(MAP_POPULATE), W(MAP_NONBLOCK), W(MAP_STACK), W(MAP_HUGETLB), W(MAP_SYNC),
	W(MAP_FIXED_NOREPLACE), END };
static const struct word mount_bits[] = { W(MS_RDONLY), W(MS_NOSUID), W(MS_NODEV), W(MS_NOEXEC),
	W(MS_SYNCHRONOUS), W(MS_REMOUNT), W(MS_MANDLOCK), W(MS_DIRSYNC), W(MS_NOATIME),
	W(MS_NODIRATIME), W(MS_BIND), W(MS_MOVE), W(MS_REC), W(MS_SILENT), W(MS_UNBINDABLE),
	W(MS_PRIVATE), W(MS_SLAVE), W(MS_SHARED), W(MS_RELATIME), W(MS_STRICTATIME), W(MS_LAZYTIME),
	END };
static const struct word mremap_bits[] = { W(MREMAP_MAYMOVE), W(MREMAP_FIXED), W(MREMAP_DONTUNMAP),
	END };
static const struct word msg_bits[] = { W(MSG_OOB), W(MSG_PEEK), W(MSG_DONTROUTE), W(MSG_CTRUNC),
	W(MSG_TRUNC), W(MSG_DONTWAIT), W(MSG_EOR), W(MSG_WAITALL), W(MSG_CONFIRM), W(MSG_ERRQUEUE),
	W(MSG_NOSIGNAL), W(MSG_MORE), W(MSG_WAITFORONE), W(MSG_ZEROCOPY), W(MSG_FASTOPEN),
	W(MSG_CMSG_CLOEXEC), END };
static const struct word msync_bits[] = { W(MS_ASYNC), W(MS_INVALIDATE), W(MS_SYNC), END };
static const struct word open_words[] = { W(O_RDONLY), W(O_WRONLY), W(O_RDWR), END };
static const struct word open_bits[] = { W(O_TMPFILE), W(O_SYNC), W(O_CREAT), W(O_EXCL),
	W(O_NOCTTY), W(O_TRUNC), W(O_APPEND), W(O_NONBLOCK), W(O_DSYNC), W(O_ASYNC), W(O_DIRECT),
	{ KERNEL_O_LARGEFILE, "O_LARGEFILE" }, W(O_DIRECTORY), W(O_NOFOLLOW), W(O_NOATIME),
	W(O_CLOEXEC), W(O_PATH), END };
static const struct word perf_bits[] = { W(PERF_FLAG_FD_NO_GROUP), W(PERF_FLAG_FD_OUTPUT),
	W(PERF_FLAG_PID_CGROUP), W(PERF_FLAG_FD_CLOEXEC), END };
static const struct word prctl_words[] = { W(PR_SET_PDEATHSIG), W(PR_GET_PDEATHSIG),
	W(PR_GET_DUMPABLE), W(PR_SET_DUMPABLE), W(PR_GET_KEEPCAPS), W(PR_SET_KEEPCAPS),
	W(PR_SET_NAME), W(PR_GET_NAME), W(PR_GET_SECCOMP), W(PR_SET_SECCOMP), W(PR_CAPBSET_READ),
	W(PR_CAPBSET_DROP), W(PR_GET_SECUREBITS), W(PR_SET_SECUREBITS), W(PR_SET_TIMERSLACK),
	W(PR_GET_TIMERSLACK), W(PR_SET_MM), W(PR_SET_PTRACER), W(PR_SET_CHILD_SUBREAPER),
	W(PR_GET_CHILD_SUBREAPER), W(PR_SET_NO_NEW_PRIVS), W(PR_GET_NO_NEW_PRIVS),
	W(PR_SET_THP_DISABLE), W(PR_GET_THP_DISABLE), W(PR_CAP_AMBIENT), W(PR_SET_SPECULATION_CTRL),
	W(PR_GET_SPECULATION_CTRL), { 0x53564d41, "PR_SET_VMA" }, END };
static const struct word priority_words[] = { W(PRIO_PROCESS), W(PRIO_PGRP), W(PRIO_USER), END };
static const struct word prot_words[] = { W(PROT_NONE), END };
static const struct word prot_bits[] = { W(PROT_READ), W(PROT_WRITE), W(PROT_EXEC),
	W(PROT_GROWSDOWN), W(PROT_GROWSUP), END };
static const struct word rename_bits[] = { { 1, "RENAME_NOREPLACE" }, { 2, "RENAME_EXCHANGE" },
	{ 4, "RENAME_WHITEOUT" }, END };
static const struct word rlimit_words[] = { W(RLIMIT_CPU), W(RLIMIT_FSIZE), W(RLIMIT_DATA),
	W(RLIMIT_STACK), W(RLIMIT_CORE), W(RLIMIT_RSS), W(RLIMIT_NPROC), W(RLIMIT_NOFILE),
	W(RLIMIT_MEMLOCK), W(RLIMIT_AS), W(RLIMIT_LOCKS), W(RLIMIT_SIGPENDING), W(RLIMIT_MSGQUEUE),
	W(RLIMIT_NICE), W(RLIMIT_RTPRIO), W(RLIMIT_RTTIME), END };
static const struct word rusage_words[] = { W(RUSAGE_SELF), W(RUSAGE_CHILDREN), W(RUSAGE_THREAD),
	END };
static const struct word rwf_bits[] = { W(RWF_HIPRI), W(RWF_DSYNC), W(RWF_SYNC), W(RWF_NOWAIT),
	W(RWF_APPEND), END };
static const struct word sched_words[] = { W(SCHED_OTHER), W(SCHED_FIFO), W(SCHED_RR),
	W(SCHED_BATCH), W(SCHED_IDLE), { 6, "SCHED_DEADLINE" }, END };
static const struct word sched_bits[] = { W(SCHED_RESET_ON_FORK), END };
static const struct word seccomp_words[] = { W(SECCOMP_SET_MODE_STRICT), W(SECCOMP_SET_MODE_FILTER),
	W(SECCOMP_GET_ACTION_AVAIL), W(SECCOMP_GET_NOTIF_SIZES), END };
static const struct word shutdown_words[] = { W(SHUT_RD), W(SHUT_WR), W(SHUT_RDWR), END };
static const struct word sigmask_words[] = { W(SIG_BLOCK), W(SIG_UNBLOCK), W(SIG_SETMASK), END };
static const struct word signal_words[] = { W(SIGHUP), W(SIGINT), W(SIGQUIT), W(SIGILL), W(SIGTRAP),
	W(SIGABRT), W(SIGBUS), W(SIGFPE), W(SIGKILL), W(SIGUSR1), W(SIGSEGV), W(SIGUSR2),
	W(SIGPIPE), W(SIGALRM), W(SIGTERM), W(SIGSTKFLT), W(SIGCHLD), W(SIGCONT), W(SIGSTOP),
	W(SIGTSTP), W(SIGTTIN), W(SIGTTOU), W(SIGURG), W(SIGXCPU), W(SIGXFSZ), W(SIGVTALRM),
	W(SIGPROF), W(SIGWINCH), W(SIGIO), W(SIGPWR), W(SIGSYS), { 32, "SIGRT_0" },
	{ 33, "SIGRT_1" }, END };
static const struct word socketcall_words[] = { W(SYS_SOCKET), W(SYS_BIND), W(SYS_CONNECT),
	W(SYS_LISTEN), W(SYS_ACCEPT), W(SYS_GETSOCKNAME), W(SYS_GETPEERNAME), W(SYS_SOCKETPAIR),
	W(SYS_SEND), W(SYS_RECV), W(SYS_SENDTO), W(SYS_RECVFROM), W(SYS_SHUTDOWN),
	W(SYS_SETSOCKOPT), W(SYS_GETSOCKOPT), W(SYS_SENDMSG), W(SYS_RECVMSG), W(SYS_ACCEPT4),
	W(SYS_RECVMMSG), W(SYS_SENDMMSG), END };
static const struct word socktype_words[] = { W(SOCK_STREAM), W(SOCK_DGRAM), W(SOCK_RAW),
	W(SOCK_RDM), W(SOCK_SEQPACKET), W(SOCK_DCCP), W(SOCK_PACKET), END };
static const struct word socktype_bits[] = { W(SOCK_NONBLOCK), W(SOCK_CLOEXEC), END };
static const struct word sol_words[] = { { 0, "SOL_IP" }, W(SOL_SOCKET), { 6, "SOL_TCP" },
	{ 17, "SOL_UDP" }, { 41, "SOL_IPV6" }, { 255, "SOL_RAW" }, W(SOL_PACKET), W(SOL_NETLINK),
	W(SOL_ALG), END };
static const struct word splice_bits[] = { W(SPLICE_F_MOVE), W(SPLICE_F_NONBLOCK), W(SPLICE_F_MORE),
	W(SPLICE_F_GIFT), END };
static const struct word sync_range_bits[] = { W(SYNC_FILE_RANGE_WAIT_BEFORE),
	W(SYNC_FILE_RANGE_WRITE), W(SYNC_FILE_RANGE_WAIT_AFTER), END };
static const struct word timer_bits[] = { W(TIMER_ABSTIME), W(TFD_TIMER_CANCEL_ON_SET), END };
static const struct word umount_bits[] = { W(MNT_FORCE), W(MNT_DETACH), W(MNT_EXPIRE),
	W(UMOUNT_NOFOLLOW), END };
static const struct word uring_enter_bits[] = { W(IORING_ENTER_GETEVENTS),
	W(IORING_ENTER_SQ_WAKEUP), W(IORING_ENTER_SQ_WAIT), W(IORING_ENTER_EXT_ARG),
	{ 16, "IORING_ENTER_REGISTERED_RING" }, END };
static const struct word wait_bits[] = { W(WNOHANG), W(WUNTRACED), W(WEXITED), W(WCONTINUED),
	W(WNOWAIT), W(__WNOTHREAD), W(__WALL), W(__WCLONE), END };
static const struct word waitid_words[] = { W(P_ALL), W(P_PID), W(P_PGID), { 3, "P_PIDFD" }, END };
static const struct word whence_words[] = { W(SEEK_SET), W(SEEK_CUR), W(SEEK_END), W(SEEK_DATA),
	W(SEEK_HOLE), END };
static const struct word dirfd_words[] = { W(AT_FDCWD), END };

#define ALL UINT32_MAX
#define WORDS(kind) \
	{ \
#kind, NULL, kind##_words, NULL, ALL, false \
	}
#define BITS(kind) \
	{ \
#kind, NULL, NULL, kind##_bits, 0, false \
	}
#define BOTH(kind, mask) \
	{ \
#kind, NULL, kind##_words, kind##_bits, mask, false \
	}
#define NUMBER(kind, show) \
	{ \
		kind, show, NULL, NULL, 0, true \
	}
#define POINTER(kind, what) \
	{ \
		kind, "x", NULL, NULL, 0, true, what \
	}

static const struct arg_kind kinds[] = {
	NUMBER("d", ""),
	NUMBER("u", "u"),
	NUMBER("l", "l"),
	NUMBER("x", "x"),
	NUMBER("o", "o"),
	POINTER("path", SYSCALL_HAS_PATHS),
	POINTER("sockaddr", SYSCALL_HAS_ADDRESS),
	POINTER("msghdr", SYSCALL_HAS_ADDRESS | SYSCALL_ADDRESS_IN_MSG),
	POINTER("msghdr_told",
		SYSCALL_HAS_ADDRESS | SYSCALL_ADDRESS_IN_MSG | SYSCALL_TELLS_ADDRESS),
	POINTER("msghdrs", SYSCALL_HAS_ADDRESS | SYSCALL_ADDRESS_IN_MSG | SYSCALL_MANY_MSGS),
	POINTER("msghdrs_told",
		SYSCALL_HAS_ADDRESS | SYSCALL_ADDRESS_IN_MSG | SYSCALL_MANY_MSGS |
			SYSCALL_TELLS_ADDRESS),
	POINTER("socketargs", SYSCALL_HAS_ADDRESS | SYSCALL_ARGS_IN_MEMORY),
	{ "dirfd", "", dirfd_words, NULL, ALL, false },
	BOTH(access, 0),
	WORDS(arch_prctl),
	BITS(at),
	WORDS(bpf),
	WORDS(clock),
	{ "clone", NULL, signal_words, clone_bits, 0xff, true },
	BITS(clone_only),
	BITS(close_range),
	WORDS(epoll_ctl),
	WORDS(fadvise),
	BITS(fallocate),
	WORDS(family),
	WORDS(fcntl),
	BOTH(flock, ~(uint64_t)LOCK_NB),
	BOTH(futex, (uint64_t)FUTEX_CMD_MASK &ALL),
	BITS(getrandom),
	BITS(inotify),
	WORDS(ioctl),
	WORDS(itimer),
	BITS(linkat),
	WORDS(madvise),
	WORDS(membarrier),
	BITS(memfd),
	BITS(mlockall),
	BOTH(mmap, MAP_TYPE),
	BITS(mount),
	BITS(mremap),
	BITS(msg),
	BITS(msync),
	BOTH(open, O_ACCMODE),
	{ "openbits", NULL, NULL, open_bits, 0, false },
	BITS(perf),
	WORDS(prctl),
	WORDS(priority),
	BOTH(prot, 0),
	BITS(rename),
	WORDS(rlimit),
	WORDS(rusage),
	BITS(rwf),
	BOTH(sched, ~(uint64_t)SCHED_RESET_ON_FORK),
	WORDS(seccomp),
	WORDS(shutdown),
	WORDS(sigmask),
	WORDS(signal),
	WORDS(socketcall),
	BOTH(socktype, 0xf),
	{ "socktype_flags", NULL, NULL, socktype_bits, 0, false },
	WORDS(sol),
	BITS(splice),
	BITS(sync_range),
	BITS(timer),
	BITS(umount),
	BITS(unlinkat),
	BITS(uring_enter),
	BITS(wait),
	WORDS(waitid),
	WORDS(whence),
};

static const struct arg_kind *kind_of(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, name, len) == 0)
			return &kinds[i];
	return NULL;
}

static bool is_path(const struct arg_kind *k)
{
	return k->traits & SYSCALL_HAS_PATHS;
}

static bool is_address(const struct arg_kind *k)
{
	return k->traits & SYSCALL_HAS_ADDRESS;
}

bool syscall_args_parse(struct syscall_args *a, const char *text)
{
	memset(a, 0, sizeof(*a));
	while (*text) {
		size_t name = strcspn(text, ":"), len = strcspn(text, " ");

		if (name >= len || a->n == SYSCALL_ARGS)
			return false;
		a->arg[a->n].name = text;
		a->arg[a->n].name_bytes = (unsigned)name;
		a->arg[a->n].kind = kind_of(text + name + 1, len - name - 1);
		if (!a->arg[a->n++].kind)
			return false;
		text += len + (text[len] == ' ');
	}
	return true;
}

void syscall_args_paths(const struct syscall_args *a, uint8_t path[2])
{
	unsigned n = 0;

	path[0] = path[1] = 0;
	for (unsigned i = 0; i < a->n && n < 2; i++)
		if (is_path(a->arg[i].kind))
			path[n++] = (uint8_t)(i + 1);
}

uint8_t syscall_args_address(const struct syscall_args *a, uint16_t *traits)
{
	for (unsigned i = 0; i < a->n; i++) {
		if (!is_address(a->arg[i].kind))
			continue;
		*traits = a->arg[i].kind->traits;
		/* A pointer where a length would be: the kernel writes there. */
		if (*traits == SYSCALL_HAS_ADDRESS && i + 1 < a->n &&
			strcmp(a->arg[i + 1].kind->name, "x") == 0)
			*traits |= SYSCALL_TELLS_ADDRESS;
		return (uint8_t)(i + 1);
	}
	return 0;
}

void syscall_args_widen(const struct syscall_args *a, uint64_t values[SYSCALL_ARGS])
{
	for (unsigned i = 0; i < a->n; i++)
		if (strcmp(a->arg[i].kind->name, "l") == 0)
			values[i] = (uint64_t)(int32_t)values[i];
}

/* The word for a value; NULL: none. */
static const char *word_for(const struct word *words, uint64_t v)
{
	for (; words && words->name; words++)
		if (words->value == v)
			return words->name;
	return NULL;
}

/* ---- the key: what has words is in it, of a path or an address whether it is known ---- */

void syscall_args_key(const struct syscall_args *a, const uint64_t values[SYSCALL_ARGS],
	unsigned read, uint64_t key[SYSCALL_ARGS])
{
	unsigned paths = 0;

	for (unsigned i = 0; i < SYSCALL_ARGS; i++) {
		const struct arg_kind *k = i < a->n ? a->arg[i].kind : NULL;

		key[i] = 0;
		if (!k)
			continue;
		if (is_path(k))
			key[i] = paths < 2 ? read >> paths++ & 1 : 0;
		else if (is_address(k))
			key[i] = (read & SYSCALL_ADDRESS_READ) != 0;
		else if (k->number) /* a word, or a number that is not part of the form */
			key[i] = word_for(k->words, values[i] & k->mask) ? values[i] & k->mask : 0;
		else
			key[i] = k->full ? values[i] : values[i] & UINT32_MAX;
	}
}

struct text {
	char *at, *end;
};

static void put(struct text *t, const char *s, size_t n)
{
	for (; n && t->at + 1 < t->end; n--)
		*t->at++ = *s++;
}

static void put_word(struct text *t, const char *s, const char *start)
{
	if (t->at != start)
		put(t, "|", 1);
	put(t, s, strlen(s));
}

static void put_hex(struct text *t, uint64_t v, const char *start)
{
	char hex[20];

	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)v);
	put_word(t, hex, start);
}

/* O_WRONLY|O_CREAT|0x40000000 */
static void put_words(struct text *t, const struct arg_kind *k, uint64_t v)
{
	const char *start = t->at, *word = word_for(k->words, v & k->mask);

	if (word && (k->mask || !v))
		put_word(t, word, start);
	if (word && (k->mask || !v))
		v &= ~k->mask;
	for (const struct word *b = k->bits; b && b->name; b++) {
		if ((v & b->value) != b->value)
			continue;
		put_word(t, b->name, start);
		v &= ~b->value;
	}
	if (v)
		put_hex(t, v, start);
	else if (t->at == start)
		put(t, "0", 1);
}

static void put_arg(struct text *t, const struct arg_kind *k, unsigned i, uint64_t key,
	unsigned path)
{
	char number[16];

	if (is_path(k) && key) {
		put(t, path ? "{path2}" : "{path}", path ? 7 : 6);
		return;
	}
	if (is_address(k) && key) {
		put(t, "{address}", 9);
		return;
	}
	if (k->number && !(k->words && key)) {
		snprintf(number, sizeof(number), "{%u%s}", i, k->number);
		put(t, number, strlen(number));
		return;
	}
	put_words(t, k, k->full ? key : key & UINT32_MAX);
}

size_t syscall_args_form(const struct syscall_args *a, const uint64_t key[SYSCALL_ARGS], char *buf,
	size_t size)
{
	struct text t = { buf, buf + size };
	unsigned paths = 0;

	for (unsigned i = 0; i < a->n; i++) {
		if (i)
			put(&t, ", ", 2);
		put(&t, a->arg[i].name, a->arg[i].name_bytes);
		put(&t, "=", 1);
		put_arg(&t, a->arg[i].kind, i, key[i], paths);
		paths += is_path(a->arg[i].kind);
	}
	*t.at = '\0';
	return (size_t)(t.at - buf);
}

/* Those that no program sees: include/linux/errno.h. */
static const struct word kernel_errors[] = { { 512, "ERESTARTSYS" }, { 513, "ERESTARTNOINTR" },
	{ 514, "ERESTARTNOHAND" }, { 515, "ENOIOCTLCMD" }, { 516, "ERESTART_RESTARTBLOCK" },
	{ 517, "EPROBE_DEFER" }, { 518, "EOPENSTALE" }, { 519, "ENOPARAM" }, { 521, "EBADHANDLE" },
	{ 522, "ENOTSYNC" }, { 523, "EBADCOOKIE" }, { 524, "ENOTSUPP" }, { 525, "ETOOSMALL" },
	{ 526, "ESERVERFAULT" }, { 527, "EBADTYPE" }, { 528, "EJUKEBOX" }, { 529, "EIOCBQUEUED" },
	{ 530, "ERECALLCONFLICT" }, END };

const char *syscall_error_name(int code)
{
	const char *name = strerrorname_np(code);

	return name && code ? name : word_for(kernel_errors, (uint64_t)code);
}
