/* Starting a command so that its first instruction is already recorded: the child waits on a pipe
 * until the events are open; these start counting with exec. */
#include "record/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "record/cgroup.h"
#include "record/perf_event.h"
#include "record/proc_fs.h"

void target_init(struct target *t)
{
	memset(t, 0, sizeof(*t));
	t->go = t->failed = t->cgroup = t->pidfd = -1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void target_done(struct target *t)
{
	if (t->kind == TARGET_COMMAND && t->n_pids && t->go >= 0 && !t->reaped) {
		kill((pid_t)t->pids[0], SIGKILL); /* it was never let go */
		target_wait(t);
	}
	close_fd(&t->go);
	close_fd(&t->failed);
	close_fd(&t->cgroup);
	close_fd(&t->pidfd);
	free(t->pids);
	t->pids = NULL;
}

static void add_pid(struct target *t, uint32_t pid)
{
	for (uint32_t i = 0; i < t->n_pids; i++)
		if (t->pids[i] == pid)
			return;
	t->pids = xrealloc(t->pids, t->n_pids + 1, sizeof(*t->pids));
	t->pids[t->n_pids++] = pid;
}

int target_add_pids(struct target *t, const char *list, struct err *err)
{
	const char *p = list;
	char *end;

	t->kind = TARGET_PIDS;
	for (;;) {
		unsigned long pid = strtoul(p, &end, 10);

		if (end == p || pid == 0 || pid > INT32_MAX || (*end && *end != ','))
			return err_set(err, EINVAL, "'%s' is no list of process numbers", list);
		if (kill((pid_t)pid, 0) && errno == ESRCH)
			return err_set(err, ESRCH, "there is no process %lu", pid);
		add_pid(t, proc_process_of((uint32_t)pid));
		if (!*end)
			return 0;
		p = end + 1;
	}
}

int target_find_thread(uint32_t tid, struct err *err)
{
	if (kill((pid_t)tid, 0) && errno == ESRCH)
		return err_set(err, ESRCH, "there is no thread %u", tid);
	return 0;
}

struct search {
	uint32_t number;
	bool found;
};

static void look_for(void *ctx, uint32_t number)
{
	struct search *s = ctx;

	s->found |= number == s->number;
}

static int check_process(const struct target *t, uint32_t tid, struct err *err)
{
	struct search s = { .number = proc_process_of(tid) };

	for (uint32_t i = 0; i < t->n_pids; i++)
		look_for(&s, t->pids[i]);
	if (s.found)
		return 0;
	return err_set(err, ESRCH, "thread %u is of process %u, which is not among those of -p",
		tid, s.number);
}

int target_check_thread(const struct target *t, uint32_t tid, struct err *err)
{
	struct search s = { .number = tid };

	if (t->kind == TARGET_PIDS)
		return check_process(t, tid, err);
	if (t->kind != TARGET_CGROUP)
		return 0;
	cgroup_each_thread(t->cgroup, look_for, &s);
	return s.found ? 0 : err_set(err, ESRCH, "thread %u is not in that cgroup", tid);
}

int target_cgroup(struct target *t, const char *path, struct err *err)
{
	t->kind = TARGET_CGROUP;
	t->cgroup = cgroup_open(path, err);
	return t->cgroup < 0 ? t->cgroup : 0;
}

bool target_by_cpu(const struct target *t)
{
	return t->kind == TARGET_SYSTEM || t->kind == TARGET_CGROUP;
}

pid_t target_who(const struct target *t)
{
	return t->kind == TARGET_CGROUP ? perf_cgroup(t->cgroup) : -1;
}

__attribute__((noreturn)) static void child(char **argv, bool keep_stdout, int go, int failed)
{
	sigset_t none;
	char c;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!keep_stdout)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	if (read(go, &c, 1) != 1)
		_exit(127); /* the recorder gave up */
	execvp(argv[0], argv);
	code = errno;
	if (write(failed, &code, sizeof(code)) != sizeof(code))
		_exit(126);
	_exit(code == ENOENT ? 127 : 126);
}

int target_prepare(struct target *t, char **argv, bool keep_stdout, struct err *err)
{
	int go[2], failed[2];
	pid_t pid;

	t->kind = TARGET_COMMAND;
	t->argv = argv;
	if (pipe2(go, O_CLOEXEC) || pipe2(failed, O_CLOEXEC))
		return err_errno(err, errno, "making a pipe");
	pid = fork();
	if (pid == 0) {
		close(go[1]);
		close(failed[0]);
		child(argv, keep_stdout, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	t->go = go[1];
	t->failed = failed[0];
	if (pid < 0)
		return err_errno(err, errno, "starting a process");
	add_pid(t, (uint32_t)pid);
	t->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return 0;
}

int target_start(struct target *t, struct err *err)
{
	ssize_t n;
	int code;

	if (t->kind != TARGET_COMMAND)
		return 0;
	n = write(t->go, "!", 1);
	close_fd(&t->go);
	if (n == 1)
		n = read(t->failed, &code, sizeof(code)); /* ends when exec closes the pipe */
	close_fd(&t->failed);
	if (n == 0)
		return 0;
	if (n != sizeof(code))
		code = EIO;
	if (code == ENOENT)
		return err_set(err, code, "command '%s' not found", t->argv[0]);
	return err_errno(err, code, "command '%s' cannot be run", t->argv[0]);
}

static bool reap(struct target *t, int flags)
{
	if (!t->reaped && waitpid((pid_t)t->pids[0], &t->status, flags) == (pid_t)t->pids[0])
		t->reaped = true;
	return t->reaped;
}

bool target_ended(struct target *t)
{
	if (t->kind == TARGET_SYSTEM)
		return false;
	if (t->kind == TARGET_CGROUP)
		return cgroup_is_gone(t->cgroup);
	if (t->kind == TARGET_COMMAND)
		return reap(t, WNOHANG);
	for (uint32_t i = 0; i < t->n_pids; i++)
		if (kill((pid_t)t->pids[i], 0) == 0 || errno != ESRCH)
			return false;
	return true;
}

bool target_ended_within(struct target *t, int timeout_ms)
{
	struct pollfd p = { .fd = t->pidfd, .events = POLLIN };

	if (!reap(t, WNOHANG) && t->pidfd >= 0)
		poll(&p, 1, timeout_ms);
	return reap(t, WNOHANG);
}

int target_wait(struct target *t)
{
	while (!reap(t, 0) && errno == EINTR)
		;
	if (!t->reaped)
		return 0;
	return WIFSIGNALED(t->status) ? 128 + WTERMSIG(t->status) : WEXITSTATUS(t->status);
}

int target_killed_by(const struct target *t)
{
	return t->reaped && WIFSIGNALED(t->status) ? WTERMSIG(t->status) : 0;
}

void target_signal(struct target *t, int signal)
{
	if (t->kind == TARGET_COMMAND && !reap(t, WNOHANG))
		kill((pid_t)t->pids[0], signal);
}

pid_t target_group(const struct target *t)
{
	pid_t group = t->n_pids ? getpgid((pid_t)t->pids[0]) : -1;

	return group > 0 ? group : getpgrp();
}
