/* Which processes and threads there are, what they are called and what code they have mapped.
 *
 * Fed by the kernel's records in order of time; what was there before the recording is read from
 * /proc once. Threads of a process share an address space; a forked child shares its parent's until
 * one of them changes. Kernel addresses belong to everybody and are kernel_map.h's business. */
#ifndef RECORD_PROCESS_H
#define RECORD_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/image.h"

struct vma {
	uint64_t start, end;
	uint64_t offset;     /* of start in the image */
	struct image *image; /* held by the space */
};

/* An address space: executable mappings in order of address, without overlap. */
struct space {
	uint32_t refs;
	uint32_t serial;  /* another for each state a space was ever in; keys caches */
	struct vma *vmas; /* owned */
	uint32_t n, cap;
};

/* Not looked at yet. */
#define INNER_PID_UNKNOWN UINT32_MAX

/* What is known of the system calls of a thread. */
struct thread_call {
	/* Of the one that is under way; 0: there is none, or none that is wanted. */
	uint64_t begin_ns;
	uint64_t args[6];
	uint32_t number, abi;
	bool between; /* its last record was the end of a call */
};

/* A page fault under way. */
struct thread_fault {
	uint64_t time_ns, address; /* time_ns 0: none */
	uint32_t error;            /* the processor's code */
};

struct thread {
	uint32_t pid, tid;
	char comm[16];                    /* not terminated when 16 bytes long */
	uint32_t comm_string, generation; /* its number in the trace, valid in one segment */
	struct space *space;
	uint32_t inner_pid; /* in its pid namespace, 0 if that is ours; or INNER_PID_UNKNOWN */
	bool kernel;        /* has no memory of its own */
	bool gone;          /* when processes_reap last looked */
	bool ended;
	bool recorded; /* the sideband has told of it: it is one of those that are recorded */
	/* Kept by the source sched: since when it waits for a CPU, 0: it does not; and who woke it. */
	uint64_t runnable_ns;
	uint32_t waker_pid, waker_tid;
	/* ...without BPF: since when it is without a CPU and why, and who is about to wake it. */
	uint64_t left_ns, waking_ns;
	uint32_t left_state, left_stack, left_generation;
	uint32_t waking_pid, waking_tid, waking_context;
	/* Kept by the sources syscalls and faults without BPF; faults of the program, of the kernel. */
	struct thread_call call;
	struct thread_fault fault[2];
};

struct processes;

struct processes *processes_new(struct images *images);
void processes_free(struct processes *p);

/* The thread; made if unknown, from /proc if it is still there. Borrowed, valid until the next call
 * that may add or remove a thread. */
struct thread *processes_thread(struct processes *p, uint32_t pid, uint32_t tid);

/* NULL if it is not known. */
struct thread *processes_find(struct processes *p, uint32_t tid);

/* The same, also of one that has ended a moment ago. */
struct thread *processes_find_late(struct processes *p, uint32_t tid);

/* The thread of this number, whatever its process; made if unknown, from /proc if it is still there. */
struct thread *processes_by_tid(struct processes *p, uint32_t tid);

/* What records tell. */
void processes_fork(struct processes *p, uint32_t pid, uint32_t tid, uint32_t parent_pid,
	uint32_t parent_tid);
void processes_comm(struct processes *p, uint32_t pid, uint32_t tid, const char *comm, bool exec);
/* Threads that ended are known for a little longer: they leave their CPU a moment after they have. */
void processes_exit(struct processes *p, uint32_t tid);
void processes_map(struct processes *p, uint32_t pid, uint32_t tid, const struct vma *vma);

/* After records were lost, ends among them perhaps: forgets threads that this call and the one before
 * did not find. Records that are still to be taken in need the first: let them pass in between. */
void processes_reap(struct processes *p);

/* Has a function called when a process's mappings may have changed, or it is gone. */
typedef void (*space_watcher)(void *ctx, uint32_t pid);
void processes_on_space(struct processes *p, space_watcher call, void *ctx);

/* What a process has mapped; NULL: it is gone, or has nothing. */
const struct space *processes_space(struct processes *p, uint32_t pid);

/* Reads a process that was there before: its threads and mappings. Calls back for each mapping and
 * thread, so that they can be recorded. -ESRCH if it is gone. */
struct process_visitor {
	void (*thread)(void *ctx, struct thread *t);
	void (*map)(void *ctx, uint32_t pid, const struct vma *vma);
	void *ctx;
};
int processes_scan(struct processes *p, uint32_t pid, const struct process_visitor *v);

/* Calls for everything that is known and lives. */
void processes_each(struct processes *p, const struct process_visitor *v);

/* Keeps an address space as it is now: a change makes a copy as long as somebody else holds it. Gives the
 * space. */
struct space *space_hold(struct space *s);
void space_release(struct space *s);

/* The mapping that covers an address, or NULL. */
const struct vma *space_find(const struct space *s, uint64_t address);

uint32_t processes_count(const struct processes *p);

#endif
