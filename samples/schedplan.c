/* Sleeps, spins and blocks by a fixed plan, with others in its way on the same CPU.
 *
 *	schedplan
 *
 * The first thread sleeps 23 times for 3 ms, spins 101 times for 1 ms of CPU time and blocks 31 times in a
 * read of a pipe that another thread writes to 2 ms later. Three processes called "rival" spin on the same
 * CPU meanwhile, for 211 ms of CPU time each. Each of them prints at its end what the kernel says of it:
 *
 *	NAME TID ran NS waited NS slices N
 *
 * from /proc/thread-self/schedstat, without what was before its main loop. */
#include <pthread.h>
#include <sched.h>
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

struct schedstat {
	long long ran, waited, slices;
};

static struct schedstat look(void)
{
	struct schedstat s = { 0, 0, 0 };
	FILE *f = fopen("/proc/thread-self/schedstat", "r");

	if (f && fscanf(f, "%lld %lld %lld", &s.ran, &s.waited, &s.slices) != 3)
		s.ran = -1;
	if (f)
		fclose(f);
	return s;
}

static void tell(const char *name, struct schedstat before)
{
	struct schedstat now = look();

	printf("%s %d ran %lld waited %lld slices %lld\n", name, gettid(), now.ran - before.ran,
		now.waited - before.waited, now.slices - before.slices);
	fflush(stdout);
}

static void *writer(void *unused)
{
	char c;

	(void)unused;
	prctl(PR_SET_NAME, "writer");
	for (int i = 0; i < BLOCKS; i++) {
		if (read(done[0], &c, 1) != 1)
			exit(1);
		sleep_ms(2);
		if (write(ball[1], "x", 1) != 1)
			exit(1);
	}
	return NULL;
}

static void rival(void)
{
	struct schedstat before;

	prctl(PR_SET_NAME, "rival");
	before = look();
	spin_ms(RIVAL_MS);
	tell("rival", before);
	_exit(0);
}

int main(void)
{
	struct schedstat before;
	pthread_t thread;
	char c;

	pin();
	if (pipe(ball) || pipe(done))
		return 1;
	for (int i = 0; i < RIVALS; i++)
		if (fork() == 0)
			rival();
	pthread_create(&thread, NULL, writer, NULL);
	before = look();
	for (int i = 0; i < SLEEPS; i++)
		sleep_ms(3);
	for (int i = 0; i < SPINS; i++)
		spin_ms(1);
	for (int i = 0; i < BLOCKS; i++)
		if (write(done[1], "x", 1) != 1 || read(ball[0], &c, 1) != 1)
			return 1;
	pthread_join(thread, NULL);
	tell("schedplan", before);
	for (int i = 0; i < RIVALS; i++)
		wait(NULL);
	return 0;
}
