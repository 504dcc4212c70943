/* Sleeps, spins and blocks by a fixed plan, with others in its way on the same CPU.
 *
 *	schedplan
 *
 * The first thread sleeps 23 times for 3 ms, spins 101 times for 1 ms of CPU time and blocks 31 times in a
 * read of a pipe that another thread writes to 2 ms later. Three processes called "rival" spin on the same
 * CPU meanwhile, for 211 ms of CPU time each. Each of them prints at its end what the kernel says of its
 * life so far, from /proc/thread-self/schedstat:
 *
 *	NAME TID ran NS waited NS slices N */
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

static void tell(const char *name)
{
	FILE *f = fopen("/proc/thread-self/schedstat", "r");
	long long ran, waited, slices;

	if (f && fscanf(f, "%lld %lld %lld", &ran, &waited, &slices) == 3)
		printf("%s %d ran %lld waited %lld slices %lld\n", name, gettid(), ran, waited, slices);
	fflush(stdout);
	if (f)
		fclose(f);
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
	prctl(PR_SET_NAME, "rival");
	spin_ms(RIVAL_MS);
	tell("rival");
	_exit(0);
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
	tell("schedplan");
	for (int i = 0; i < RIVALS; i++)
		wait(NULL);
	return 0;
}
