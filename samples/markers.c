/* A program whose events are known: it writes 97 times, calls step() 61 times, touches 101 new pages,
 * calls a C++ function 23 times, and passes markers (USDT): sample:tick 43 times in one place and 18 in
 * another, both only while somebody looks (it has a semaphore), and sample:tock 13 times.
 *
 *	markers [MILLISECONDS]
 *
 * First it waits so long, that one can attach; then it forks a child that calls step() 7 times more. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What <sys/sdt.h> makes of DTRACE_PROBE, in the small: a nop, and a note about it. */
#ifdef __LP64__
#define ADDRESS ".8byte"
#else
#define ADDRESS ".4byte"
#endif
#define MARK(name, semaphore) \
	__asm__ volatile("990: nop\n" \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n" \
			 ".balign 4\n" \
			 ".4byte 992f-991f, 994f-993f, 3\n" \
			 "991: .asciz \"stapsdt\"\n" \
			 "992: .balign 4\n" \
			 "993: " ADDRESS " 990b, _.stapsdt.base, " semaphore "\n" \
			 ".asciz \"sample\"\n" \
			 ".asciz \"" name "\"\n" \
			 ".asciz \"\"\n" \
			 "994: .balign 4\n" \
			 ".popsection\n" \
			 ".ifndef _.stapsdt.base\n" \
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
			 ".weak _.stapsdt.base\n" \
			 ".hidden _.stapsdt.base\n" \
			 "_.stapsdt.base: .space 1\n" \
			 ".size _.stapsdt.base, 1\n" \
			 ".popsection\n" \
			 ".endif\n")

__attribute__((used, section(".probes"))) volatile unsigned short sample_tick_semaphore;

static volatile unsigned long sink;

static void tick(int n)
{
	for (int i = 0; i < n && sample_tick_semaphore; i++)
		MARK("tick", "sample_tick_semaphore");
}

static void tick_elsewhere(int n)
{
	for (int i = 0; i < n && sample_tick_semaphore; i++)
		MARK("tick", "sample_tick_semaphore");
}

static void tock(int n)
{
	for (int i = 0; i < n; i++)
		MARK("tock", "0");
}

void step(int i);
void step(int i)
{
	sink += (unsigned long)i;
}

/* shop::Cart::fill(long), as a C++ compiler would call it. */
void fill(long n) __asm__("_ZN4shop4Cart4fillEl");
void fill(long n)
{
	sink += (unsigned long)n;
}

static void touch(size_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);

	if (p == MAP_FAILED)
		exit(1);
	madvise(p, pages * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < pages; i++)
		((volatile char *)p)[i * page] = 1;
	munmap(p, pages * page);
}

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (argc > 1)
		wait_ms(atol(argv[1]));
	for (int i = 0; i < 97; i++)
		if (write(null, "x", 1) != 1)
			return 1;
	for (int i = 0; i < 61; i++)
		step(i);
	for (int i = 0; i < 23; i++)
		fill(i);
	touch(101);
	tick(43);
	tick_elsewhere(18);
	tock(13);
	if (fork() == 0) {
		for (int i = 0; i < 7; i++)
			step(i);
		_exit(0);
	}
	return wait(NULL) < 0;
}
