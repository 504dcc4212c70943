/* Two processes that hand a byte to and fro over pipes, both on one CPU, so that each hand-over takes a
 * switch from one to the other.
 *
 *	pingpong [ROUNDS]
 *
 * The default is 10,007 rounds, each of which is two hand-overs. Prints how often each process itself says
 * it waited (voluntary) and was preempted (involuntary), from getrusage, of the rounds alone. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void must(int ok)
{
	if (!ok) {
		perror("pingpong");
		exit(1);
	}
}

static void pass(int from, int to, long rounds, int first)
{
	char ball = 'o';

	for (long i = 0; i < rounds; i++) {
		if (first)
			must(write(to, &ball, 1) == 1);
		must(read(from, &ball, 1) == 1);
		if (!first)
			must(write(to, &ball, 1) == 1);
	}
}

static void play(const char *name, int from, int to, long rounds, int first)
{
	struct rusage before, after;

	prctl(PR_SET_NAME, name);
	getrusage(RUSAGE_SELF, &before);
	pass(from, to, rounds, first);
	getrusage(RUSAGE_SELF, &after);
	printf("%s %ld voluntary %ld involuntary\n", name, after.ru_nvcsw - before.ru_nvcsw,
		after.ru_nivcsw - before.ru_nivcsw);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? atol(argv[1]) : 10007;
	int there[2], back[2], status;

	pin();
	must(!pipe(there) && !pipe(back));
	if (fork() == 0) {
		play("pong", there[0], back[1], rounds, 0);
		return 0;
	}
	play("ping", back[0], there[1], rounds, 1);
	wait(&status);
	return 0;
}
