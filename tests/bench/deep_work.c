/* deep_work DEPTH MILLIONS: the same work each time, that many turns of a loop, below so many calls. */
#include <stdio.h>
#include <stdlib.h>

enum { FRAME_BYTES = 200 };

static unsigned long work(unsigned long turns)
{
	unsigned long x = 7;

	for (unsigned long i = 0; i < turns; i++) {
		x = x * 6364136223846793005UL + i;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

/* NOLINTNEXTLINE(misc-no-recursion): that is what it is for */
static __attribute__((noinline, noclone)) unsigned long down(unsigned long depth,
	unsigned long turns)
{
	volatile char frame[FRAME_BYTES];
	unsigned long x;

	frame[0] = (char)depth;
	x = depth > 1 ? down(depth - 1, turns) : work(turns);
	return x + (unsigned long)frame[0];
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	printf("%lu\n", down(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10) * 1000000));
	return 0;
}
