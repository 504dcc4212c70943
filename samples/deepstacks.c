/* deepstacks [SECONDS]: calls four functions in random order, 40 deep, so that hardly a stack comes
 * twice. Fills what a recorder remembers of stacks as fast as can be. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DEPTH = 40, SPIN = 200 };

static volatile uint64_t sum;
static uint64_t state = 88172645463325252ULL;

static unsigned random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 32);
}

static void step(int depth);

/* Four functions that differ in name only. */
#define DEFINE(name) \
	static void name(int depth) \
	{ \
		for (int i = 0; i < SPIN; i++) \
			sum = sum + (uint64_t)i; \
		step(depth); \
		sum = sum + 1; \
	}

DEFINE(f0)
DEFINE(f1)
DEFINE(f2)
DEFINE(f3)

static void step(int depth)
{
	static void (*const next[])(int) = { f0, f1, f2, f3 };

	if (depth < DEPTH)
		next[random_bits() & 3](depth + 1);
	sum = sum + 1;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);

	while (time(NULL) < end)
		step(0);
	printf("%llu\n", (unsigned long long)sum);
	return 0;
}
