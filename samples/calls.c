/* Makes a known number of system calls: 1,009 getppid; 97 openat of a file that is not there (ENOENT); 89 close
 * of a descriptor that is none (EBADF); 53 reads of one byte of /dev/zero; 7 sleeps of 11 ms. And, if asked,
 * beside these
 *
 *	calls threads     103 sched_yield in each of 3 threads
 *	calls ia32        13 getpid as a 32-bit program would (x86-64 only)
 *	calls restart     a sleep that a signal stops and SIGCONT lets go on: restart_syscall */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	GETPPID = 1009,
	MISSING = 97,
	BAD_CLOSE = 89,
	READS = 53,
	SLEEPS = 7,
	SLEEP_NS = 11000000,
	THREADS = 3,
	YIELDS = 103,
	IA32_GETPID = 13,
};

static void *yield(void *arg)
{
	for (int i = 0; i < YIELDS; i++)
		syscall(SYS_sched_yield);
	return arg;
}

static void threads(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, yield, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void ia32(void)
{
#ifdef __x86_64__
	for (int i = 0; i < IA32_GETPID; i++) {
		long pid;

		__asm__ volatile("int $0x80"
				 : "=a"(pid)
				 : "0"(20L)
				 : "memory", "r8", "r9", "r10", "r11");
	}
#endif
}

static void sleep_ns(long ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&t, NULL);
}

/* A stopped sleep goes on as another call. */
static void restart(void)
{
	pid_t child = fork();

	if (!child) {
		sleep_ns(300000000);
		_exit(0);
	}
	sleep_ns(100000000);
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	kill(child, SIGCONT);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *more = argc > 1 ? argv[1] : "";
	int zero = open("/dev/zero", O_RDONLY);
	char byte;

	for (int i = 0; i < GETPPID; i++)
		syscall(SYS_getppid);
	for (int i = 0; i < MISSING; i++)
		if (open("/nonexistent/file", O_RDWR | O_CLOEXEC) >= 0)
			return 1;
	for (int i = 0; i < BAD_CLOSE; i++)
		close(-1);
	for (int i = 0; i < READS; i++)
		if (read(zero, &byte, 1) != 1)
			return 1;
	for (int i = 0; i < SLEEPS; i++)
		sleep_ns(SLEEP_NS);
	if (strcmp(more, "threads") == 0)
		threads();
	if (strcmp(more, "ia32") == 0)
		ia32();
	if (strcmp(more, "restart") == 0)
		restart();
	return 0;
}
