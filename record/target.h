/* Who is recorded: the whole system, a cgroup, some processes, or a command that we start. */
#ifndef RECORD_TARGET_H
#define RECORD_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/base/err.h"

enum target_kind {
	TARGET_SYSTEM,
	TARGET_CGROUP,
	TARGET_PIDS,
	TARGET_COMMAND,
};

struct target {
	enum target_kind kind;
	uint32_t *pids; /* owned; TARGET_PIDS: processes, TARGET_COMMAND: the command's */
	uint32_t n_pids;
	char **argv; /* borrowed; TARGET_COMMAND */
	int go;      /* a pipe: closing it lets the command start */
	int failed;  /* a pipe: the errno with which exec failed */
	int cgroup;  /* TARGET_CGROUP; -1 otherwise */
	int pidfd;   /* of the command; -1 where the kernel has none */
	bool reaped;
	int status; /* of waitpid, once reaped */
};

void target_init(struct target *t);
void target_done(struct target *t);

/* Parses "PID,PID,...": processes, each once; a thread's number stands for its process. -ESRCH names the
 * first that is not there. */
int target_add_pids(struct target *t, const char *list, struct err *err);

/* -ESRCH if there is no thread of this number. */
int target_find_thread(uint32_t tid, struct err *err);

/* -ESRCH if a thread is not of those processes, or not in that cgroup, now. */
int target_check_thread(const struct target *t, uint32_t tid, struct err *err);

/* The processes of a cgroup, also those to come. */
int target_cgroup(struct target *t, const char *path, struct err *err);

/* Whether it is recorded CPU by CPU and not thread by thread; and who, for perf_open, then. */
bool target_by_cpu(const struct target *t);
pid_t target_who(const struct target *t);

/* Forks the command, which waits before its first instruction until target_start. Without keep_stdout
 * what it prints goes to standard error: standard output is the trace's. */
int target_prepare(struct target *t, char **argv, bool keep_stdout, struct err *err);

/* Lets the command go. -errno of exec with a sentence if it could not be started. */
int target_start(struct target *t, struct err *err);

/* Whether the recording's subject is gone: the command or all processes have ended. */
bool target_ended(struct target *t);

/* Waits so long at most for the command's end; whether it came. */
bool target_ended_within(struct target *t, int timeout_ms);

/* Waits for the command's end. Its exit status as a shell gives it: 128 + signal if killed. */
int target_wait(struct target *t);

/* The signal that ended the command, 0 if it ended by itself or has not. */
int target_killed_by(const struct target *t);

/* Sends a signal to the command if it still runs. */
void target_signal(struct target *t, int signal);

/* The command's process group, in which are all that ^C reaches; ours if the command is gone. */
pid_t target_group(const struct target *t);

#endif
