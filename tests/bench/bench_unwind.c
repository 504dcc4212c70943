/* What it costs to unwind one copy of a stack: bench_unwind
 *
 * A signal by a timer catches this program at some places, deep in a recursion, and below the C library's
 * qsort, with registers and a copy of the stack of at most 16 KiB, as samples have them. Then the copies are
 * unwound again and again. For x86-64. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "format/symbols/unwind.h"
#include "record/proc_fs.h"
#include "record/process.h"

enum { COPIES = 997, COPY_BYTES = 16 << 10, ROUNDS = 101, DEPTH = 53, MAX_CODE = 64 };

struct copy {
	struct unwind_regs regs;
	struct unwind_stack stack;
	uint8_t bytes[COPY_BYTES];
};

struct code {
	uint64_t start, end, offset;
	struct cfi *cfi;
};

static struct copy *copies;
static volatile int n_copies;
static uintptr_t stack_end;
static struct code codes[MAX_CODE];
static int n_codes;

#ifdef __x86_64__

static void catch_stack(int number, siginfo_t *info, void *context)
{
	/* In DWARF's order. */
	static const int order[UNWIND_REGS] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI,
		REG_RDI, REG_RBP, REG_RSP, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13,
		REG_R14, REG_R15, REG_RIP };
	const ucontext_t *u = context;
	struct copy *c = &copies[n_copies];

	if (n_copies == COPIES)
		return;
	for (int i = 0; i < UNWIND_REGS; i++)
		c->regs.value[i] = (uint64_t)u->uc_mcontext.gregs[order[i]];
	c->regs.known = (1u << UNWIND_REGS) - 1;
	c->stack.start = c->regs.value[UNWIND_REG_SP];
	c->stack.len = stack_end - c->stack.start < COPY_BYTES ? stack_end - c->stack.start
							       : COPY_BYTES;
	c->stack.bytes = memcpy(c->bytes, (const void *)(uintptr_t)c->stack.start, c->stack.len);
	n_copies++;
}

static __attribute__((noinline)) int compare(const void *a, const void *b)
{
	for (volatile int i = 0; i < 1000; i++)
		;
	return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) int sort(void)
{
	int numbers[97];

	for (int i = 0; i < 97; i++)
		numbers[i] = i * 31 % 97;
	qsort(numbers, 97, sizeof(numbers[0]), compare);
	return numbers[1];
}

static __attribute__((noinline)) int recurse(int depth)
{
	volatile int below = depth ? recurse(depth - 1) : sort(); /* or it becomes a loop */

	return below + 1;
}

static void add_code(void *ctx, const struct image *image, uint64_t offset)
{
	struct code *c = &codes[n_codes];
	struct elf_image e;
	int fd = image->kind == MAPPING_FILE ? open(image->path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0 || n_codes == MAX_CODE)
		return;
	if (elf_image_open(&e, fd, NULL) == 0) {
		*c = (struct code){ image->start, image->end, offset, cfi_compile(&e, NULL) };
		n_codes++;
		elf_image_done(&e);
	}
	close(fd);
}

static bool find(void *ctx, uint64_t address, struct unwind_code *to)
{
	for (int i = 0; i < n_codes; i++) {
		if (address < codes[i].start || address >= codes[i].end)
			continue;
		to->cfi = codes[i].cfi;
		to->offset = address - codes[i].start + codes[i].offset;
		return true;
	}
	return false;
}

/* On a stack of its own, so that the copies are not overwritten. */
static void gather(int depth)
{
	struct itimerval tick = { { 0, 997 }, { 0, 997 } }, none = { { 0, 0 }, { 0, 0 } };

	n_copies = 0;
	setitimer(ITIMER_PROF, &tick, NULL);
	while (n_copies < COPIES)
		recurse(depth);
	setitimer(ITIMER_PROF, &none, NULL);
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void measure(const char *what, int depth)
{
	struct unwind_chain none = { NULL, 0 };
	struct unwind_result *r = malloc(sizeof(*r));
	uint64_t frames = 0, whole = 0;
	double begun;

	gather(depth);
	begun = cpu_us();
	for (int k = 0; k < ROUNDS; k++) {
		for (int i = 0; i < COPIES; i++) {
			unwind(&copies[i].regs, &copies[i].stack, &none, find, NULL, r);
			frames += r->n;
			whole += r->end == UNWIND_COMPLETE;
		}
	}
	printf("%s: %.2f us for a stack of %.1f frames, %.1f%% of them whole\n", what,
		(cpu_us() - begun) / (ROUNDS * COPIES), (double)frames / (ROUNDS * COPIES),
		100.0 * (double)whole / (ROUNDS * COPIES));
	free(r);
}

int main(void)
{
	struct sigaction act = { .sa_sigaction = catch_stack,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART };
	stack_t own = { .ss_size = 1 << 16, .ss_sp = malloc(1 << 16) };

	/* Up to the kernel's part above main. */
	stack_end = (uintptr_t)__builtin_frame_address(0) + 1024;
	copies = calloc(COPIES, sizeof(*copies));
	sigaltstack(&own, NULL);
	sigaction(SIGPROF, &act, NULL);
	if (proc_each_map((uint32_t)getpid(), add_code, NULL))
		return 1;
	measure("a sort", 0);
	measure("a sort below a recursion", DEPTH);
	return 0;
}

#else

int main(void)
{
	puts("unwinding by call frame information is for x86-64");
	return 0;
}

#endif
