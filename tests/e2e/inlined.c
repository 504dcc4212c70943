/* Three functions inlined into each other and into one that is not; built with -O2 -g. The test finds
 * the lines by what is behind them. Runs for so many ms. */
#include <stdlib.h>
#include <time.h>

static volatile unsigned long sink;

static inline __attribute__((always_inline)) void inner(unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		sink += i; /* in inner: nearly all samples are here */
}

static inline __attribute__((always_inline)) void middle(unsigned long n)
{
	sink = 0;
	inner(n); /* in middle */
}

static inline __attribute__((always_inline)) void outer(unsigned long n)
{
	sink = 1;
	middle(n + 1); /* in outer */
}

__attribute__((noinline)) void around(unsigned long n)
{
	sink = (unsigned long)__builtin_frame_address(0); /* so it has one, to be walked over */
	outer(n + 1);                                     /* in around */
	sink = 3;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	long end = now_ms() + (argc > 1 ? atol(argv[1]) : 1000);

	while (now_ms() < end)
		around(1000003); /* in main */
	return 0;
}
