/* frames KIND MILLISECONDS: spends its CPU time in spin(), below callers that are known and hard to find:
 * to be built without frame pointers.
 *
 *	recursion	main; 53 times recurse; spin
 *	tail		main; tail_end; spin	(tail_start, which called tail_end, left no frame)
 *	alloca		main; grow, of 7 to 7,919 bytes; spin
 *	callback	main; the C library; compare; spin
 *	asm		main; written_by_hand; spin
 *	signal		main; busy; the frame that the kernel made; on_signal; spin, half of the time
 *	signalstack	the same with the handler on a stack of its own
 *	deep		main; 11 times large, of 1,009 bytes and more; spin
 *	deeper		main; 101 times large; spin
 *	nostack		main; without_stack, whose stack is where no memory is: nobody can read it
 *	thread		a thread: start; recurse; spin */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#define KEEP __attribute__((noinline, noclone))

enum { BURST_MS = 20 };

static volatile unsigned long sink;
static double deadline_ms;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

KEEP int spin(double ms)
{
	double end = cpu_ms() + ms;

	while (cpu_ms() < end)
		for (int i = 0; i < 20000; i++)
			sink += (unsigned long)i * sink;
	return (int)sink & 1;
}

KEEP static int recurse(int n)
{
	int r = n > 1 ? recurse(n - 1) : spin(BURST_MS);

	return r + (int)(sink & 1);
}

KEEP static int tail_end(int n)
{
	int r = spin(BURST_MS + n);

	return r + (int)(sink & 1);
}

KEEP static int tail_start(int n)
{
	return tail_end(n + 1);
}

KEEP static int grow(size_t n)
{
	volatile char *p = alloca(n);
	int r;

	p[n - 1] = 1;
	r = spin(BURST_MS);
	return r + p[n - 1];
}

KEEP static int grow_by_turns(void)
{
	static const size_t sizes[] = { 7, 97, 1009, 7919 };
	static unsigned at;

	return grow(sizes[at++ % 4]) + (int)(sink & 1);
}

KEEP static int compare(const void *a, const void *b)
{
	spin(1);
	return *(const int *)a - *(const int *)b;
}

KEEP static int sort(void)
{
	int numbers[] = { 11, 7, 5, 3, 2 };

	qsort(numbers, 5, sizeof(int), compare);
	return numbers[0];
}

KEEP static int large(int n)
{
	volatile char room[1009];
	int r;

	room[0] = (char)n;
	r = n > 1 ? large(n - 1) : spin(BURST_MS);
	return r + room[0];
}

#if defined(__x86_64__)
/* Its frame is where r12 says; no compiler makes such code. */
int written_by_hand(void);
__asm__(".text\n"
	".type written_by_hand, @function\n"
	"written_by_hand:\n"
	"	.cfi_startproc\n"
	"	push %r12\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %r12, -16\n"
	"	mov %rsp, %r12\n"
	"	.cfi_def_cfa_register %r12\n"
	"	sub $328, %rsp\n"
	"	and $-64, %rsp\n"
	"	mov $20, %eax\n"
	"	cvtsi2sd %eax, %xmm0\n"
	"	call spin\n"
	"	mov %r12, %rsp\n"
	"	.cfi_def_cfa_register %rsp\n"
	"	pop %r12\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size written_by_hand, .-written_by_hand\n");

void without_stack(void *stack, unsigned long turns);
__asm__(".text\n"
	".type without_stack, @function\n"
	"without_stack:\n"
	"	.cfi_startproc\n"
	"	mov %rsp, %rdx\n"
	"	mov %rdi, %rsp\n"
	"1:	dec %rsi\n"
	"	jnz 1b\n"
	"	mov %rdx, %rsp\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size without_stack, .-without_stack\n");
#else
KEEP static int written_by_hand(void)
{
	return spin(BURST_MS) + (int)(sink & 1);
}

static void without_stack(void *stack, unsigned long turns)
{
	(void)stack;
	(void)turns;
	exit(2);
}
#endif

static int turn_without_stack(void)
{
	static char *no_memory;

	if (!no_memory)
		no_memory = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	without_stack(no_memory + (1 << 15), 20000000);
	return 0;
}

static void on_signal(int sig)
{
	sink += (unsigned long)(spin(5) + sig);
}

KEEP static int busy(void)
{
	double end = cpu_ms() + BURST_MS;

	while (cpu_ms() < end)
		for (int i = 0; i < 20000; i++)
			sink += (unsigned long)i * sink;
	return (int)sink & 1;
}

/* A signal every 10 ms of CPU time, of which the handler takes 5. */
static void start_signals(int flags)
{
	static char stack[1 << 16];
	const stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) };
	const struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags | SA_RESTART };
	const struct itimerval every = { { 0, 10000 }, { 0, 10000 } };

	sigaltstack(&own, NULL);
	sigaction(SIGPROF, &sa, NULL);
	setitimer(ITIMER_PROF, &every, NULL);
}

static void *start(void *arg)
{
	while (cpu_ms() < deadline_ms)
		recurse(53);
	return arg;
}

static int turn(const char *kind)
{
	pthread_t thread;

	if (strcmp(kind, "recursion") == 0)
		return recurse(53);
	if (strcmp(kind, "tail") == 0)
		return tail_start(1);
	if (strcmp(kind, "alloca") == 0)
		return grow_by_turns();
	if (strcmp(kind, "callback") == 0)
		return sort();
	if (strcmp(kind, "asm") == 0)
		return written_by_hand();
	if (strncmp(kind, "signal", 6) == 0)
		return busy();
	if (strcmp(kind, "nostack") == 0)
		return turn_without_stack();
	if (strcmp(kind, "deep") == 0)
		return large(11);
	if (strcmp(kind, "deeper") == 0)
		return large(101);
	if (strcmp(kind, "thread") != 0)
		exit(2);
	pthread_create(&thread, NULL, start, NULL);
	pthread_join(thread, NULL);
	exit(0);
}

int main(int argc, char **argv)
{
	deadline_ms = argc > 2 ? strtod(argv[2], NULL) : 0;
	if (argc < 3)
		return 2;
	if (strncmp(argv[1], "signal", 6) == 0)
		start_signals(argv[1][6] ? SA_ONSTACK : 0);
	while (cpu_ms() < deadline_ms)
		turn(argv[1]);
	return 0;
}
