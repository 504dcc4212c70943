/* A program whose profile is known: of its CPU time alpha takes 1/2, beta 1/8 itself and 1/4 in gamma
 * below it, and the kernel (reading /dev/zero from delta) 1/8.
 *
 *	calltree MILLISECONDS [THREADS [CHILDREN]]
 *
 * Each thread (main is one; the others are called "worker-N") and each child process spends that much
 * CPU time by its own clock, in turns of one millisecond, so the shares hold however busy the machine
 * is. A child process execs this program again under the name "calltree". */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int zero;
static volatile unsigned long sink;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Inlined, so that the time counts for the function that spends it. */
#define SPEND(ms) \
	do { \
		double end_ = cpu_ms() + (ms); \
		while (cpu_ms() < end_) \
			for (int i_ = 0; i_ < 20000; i_++) \
				sink += (unsigned long)i_ * sink; \
	} while (0)

static void alpha(void)
{
	SPEND(4);
}

static void gamma_(void)
{
	SPEND(2);
}

static void beta(void)
{
	SPEND(1);
	gamma_();
}

/* Straight into the kernel: a wrapper without frame pointers would hide delta from the stack. */
static inline __attribute__((always_inline)) long read_zero(void *to, unsigned long n)
{
#if defined(__x86_64__)
	long r = 0;

	__asm__ volatile("syscall" : "+a"(r) : "D"(zero), "S"(to), "d"(n) : "rcx", "r11", "memory");
	return r;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = 63, x0 __asm__("x0") = zero;
	register void *x1 __asm__("x1") = to;
	register unsigned long x2 __asm__("x2") = n;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	return x0;
#else
	return read(zero, to, n);
#endif
}

static void delta(void)
{
	static __thread char page[1 << 16];
	double end = cpu_ms() + 1;

	while (cpu_ms() < end)
		for (int i = 0; i < 8; i++)
			if (read_zero(page, sizeof(page)) < 0)
				return;
}

static void turn(void)
{
	alpha();
	beta();
	delta();
}

static void *work(void *arg)
{
	double end = cpu_ms() + *(double *)arg;

	while (cpu_ms() < end)
		turn();
	return NULL;
}

static void start_children(char **argv, int n)
{
	char *child[] = { argv[0], argv[1], NULL };
	char self[4096];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = 0;
	for (int i = 0; i < n; i++) {
		if (fork() == 0) {
			execv(self, child);
			_exit(127);
		}
	}
}

int main(int argc, char **argv)
{
	double ms = argc > 1 ? strtod(argv[1], NULL) : 1000;
	int n_threads = argc > 2 ? atoi(argv[2]) : 1;
	pthread_t threads[64];

	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	start_children(argv, argc > 3 ? atoi(argv[3]) : 0);
	for (int i = 1; i < n_threads && i < 64; i++) {
		char name[16];

		pthread_create(&threads[i], NULL, work, &ms);
		snprintf(name, sizeof(name), "worker-%d", i);
		pthread_setname_np(threads[i], name);
	}
	work(&ms);
	for (int i = 1; i < n_threads && i < 64; i++)
		pthread_join(threads[i], NULL);
	while (wait(NULL) > 0)
		;
	return 0;
}
