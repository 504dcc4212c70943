/* Sleeps, spins and blocks by a fixed plan, with others in its way on the same CPU.
 *
 *	schedplan
 *
 * The first thread sleeps 23 times for 3 ms, spins 101 times for 1 ms of CPU time and blocks 31 times in a
 * read of a pipe that another thread writes to 2 ms later. Three processes called "rival" spin on the same
 * CPU meanwhile, for 211 ms of CPU time each. Of each it prints what the kernel says of its whole life,
 * of itself of the life so far:
 *
 *	NAME TID ran NS waited NS slices N */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SLEEPS = 23, SPINS = 101, BLOCKS = 31, RIVALS = 3, RIVAL_MS = 211 };

static int ball[2], done[2];

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static long long cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void spin_ms(int ms)
{
	long long end = cpu_ns() + ms * 1000000LL;

	while (cpu_ns() < end)
		;
}

static void sleep_ms(int ms)
{
	struct timespec t = { 0, ms * 1000000L };

	nanosleep(&t, NULL);
}

static void tell(const char *name, int pid)
{
	long long ran, waited, slices;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%lld %lld %lld", &ran, &waited, &slices) == 3)
		printf("%s %d ran %lld waited %lld slices %lld\n", name, pid, ran, waited, slices);
	if (f)
		fclose(f);
}

/* Whether the first thread waits, as it does nowhere else while this is asked. */
static bool is_blocked(void)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		exit(1);
	fclose(f);
	return state == 'S';
}

static void *writer(void *unused)
{
	char c;

	(void)unused;
	prctl(PR_SET_NAME, "writer");
	for (int i = 0; i < BLOCKS; i++) {
		if (read(done[0], &c, 1) != 1)
			exit(1);
		do
			sleep_ms(2);
		while (!is_blocked());
		if (write(ball[1], "x", 1) != 1)
			exit(1);
	}
	return NULL;
}

static void rival(void)
{
	prctl(PR_SET_NAME, "rival");
	spin_ms(RIVAL_MS);
	_exit(0);
}

/* A zombie still has its numbers, and they do not change any more. */
static void bury_rival(void)
{
	siginfo_t info;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT))
		exit(1);
	tell("rival", info.si_pid);
	waitpid(info.si_pid, NULL, 0);
}

int main(void)
{
	pthread_t thread;
	char c;

	pin();
	if (pipe(ball) || pipe(done))
		return 1;
	for (int i = 0; i < RIVALS; i++)
		if (fork() == 0)
			rival();
	pthread_create(&thread, NULL, writer, NULL);
	for (int i = 0; i < SLEEPS; i++)
		sleep_ms(3);
	for (int i = 0; i < SPINS; i++)
		spin_ms(1);
	for (int i = 0; i < BLOCKS; i++)
		if (write(done[1], "x", 1) != 1 || read(ball[0], &c, 1) != 1)
			return 1;
	pthread_join(thread, NULL);
	tell("schedplan", getpid());
	for (int i = 0; i < RIVALS; i++)
		bury_rival();
	return 0;
}
