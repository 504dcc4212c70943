/* Unwinding this very process, beside what libgcc's unwinder says (backtrace(3)); and stacks that are put
 * together word by word. */
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "format/symbols/unwind.h"
#include "format/symbols/vdso.h"
#include "tests/unit/support.h"

#define KEEP __attribute__((noinline, noclone))

enum { MAX_MAPS = 256, MAX_TRACE = 256, COPY = 60000 };

/* ---- where code is in this process ---- */

struct map_of_code {
	uint64_t start, end, offset;
	char path[256];
	struct cfi *cfi;
};

static struct map_of_code maps[MAX_MAPS];
static unsigned n_maps;

static struct cfi *compile(const char *path)
{
	struct elf_image e;
	struct cfi *c;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || elf_image_open(&e, fd, NULL))
		return NULL;
	c = cfi_compile(&e, NULL);
	elf_image_done(&e);
	close(fd);
	return c;
}

static int read_maps(void **state)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512], prot[5];

	while (fgets(line, sizeof(line), f) && n_maps < MAX_MAPS) {
		struct map_of_code *m = &maps[n_maps];

		m->path[0] = '\0';
		if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %255s", &m->start, &m->end, prot,
			    &m->offset, m->path) < 4 ||
			prot[2] != 'x')
			continue;
		m->cfi = m->path[0] == '/' ? compile(m->path) : NULL;
		n_maps++;
	}
	fclose(f);
	return 0;
}

static int free_maps(void **state)
{
	for (unsigned i = 0; i < n_maps; i++)
		cfi_free(maps[i].cfi);
	return 0;
}

static bool find(void *ctx, uint64_t address, struct unwind_code *code)
{
	for (unsigned i = 0; i < n_maps; i++) {
		if (address < maps[i].start || address >= maps[i].end)
			continue;
		code->cfi = maps[i].cfi;
		code->offset = address - maps[i].start + maps[i].offset;
		return true;
	}
	return false;
}

/* ---- a moment of this process ---- */

struct moment {
	struct unwind_regs regs;
	uint8_t stack[COPY];
	void *trace[MAX_TRACE]; /* by libgcc */
	int n_trace;
};

/* Byte by byte: a sanitizer would object to other frames being read. */
__attribute__((no_sanitize("address"), no_sanitize("undefined"), noinline)) static void
copy_stack(uint8_t *to, uint64_t from, size_t len)
{
	const volatile uint8_t *p = (const volatile uint8_t *)from;

	for (size_t i = 0; i < len; i++)
		to[i] = p[i];
}

static const int of_ucontext[UNWIND_REGS] = { REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
	REG_RBP, REG_RSP, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	REG_RIP };

static uint64_t signal_stack_end; /* 0: there is none */

/* How much stack there is from an address on; the environment is at the end of the usual one. */
static size_t stack_left(uint64_t sp)
{
	uint64_t end = signal_stack_end ? signal_stack_end : (uint64_t)environ[0];

	return end - sp < COPY ? end - sp : COPY;
}

static void fill(struct moment *m, const ucontext_t *u)
{
	for (int i = 0; i < UNWIND_REGS; i++)
		m->regs.value[i] = (uint64_t)u->uc_mcontext.gregs[of_ucontext[i]];
	m->regs.known = (1u << UNWIND_REGS) - 1;
	copy_stack(m->stack, m->regs.value[UNWIND_REG_SP],
		stack_left(m->regs.value[UNWIND_REG_SP]));
}

#ifdef __SANITIZE_ADDRESS__
enum { WRAPPERS = 1 }; /* the sanitizer's own backtrace() is on the stack */
#else
enum { WRAPPERS = 0 };
#endif

/* Both ways see this function at different places, all others at the same. */
KEEP static void take(struct moment *m)
{
	ucontext_t u;

	getcontext(&u);
	fill(m, &u);
	m->n_trace = backtrace(m->trace, MAX_TRACE) - WRAPPERS;
	memmove(m->trace, m->trace + WRAPPERS, (size_t)m->n_trace * sizeof(void *));
}

static struct unwind_result result;

static void walk(const struct moment *m, size_t copied)
{
	struct unwind_stack stack = { .start = m->regs.value[UNWIND_REG_SP],
		.bytes = m->stack,
		.len = copied ? copied : stack_left(m->regs.value[UNWIND_REG_SP]) };
	struct unwind_chain none = { NULL, 0 };

	unwind(&m->regs, &stack, &none, find, NULL, &result);
}

static void check_like_libgcc(const struct moment *m)
{
	walk(m, 0);
	assert_int_equal(result.end, UNWIND_COMPLETE);
	assert_int_equal(result.n, m->n_trace);
	for (int i = 1; i < m->n_trace; i++) {
		uint64_t theirs = (uint64_t)m->trace[i];

		if (result.frames[i] != theirs && result.frames[i] != theirs - 1)
			fail_msg("frame %d is %lx, not %lx", i, (unsigned long)result.frames[i],
				(unsigned long)theirs);
	}
}

static struct moment moment;

KEEP static int deep(int n)
{
	volatile int r;

	if (n == 0) {
		take(&moment);
		return 0;
	}
	r = deep(n - 1);
	return r + 1;
}

static void callers_are_found_up_to_the_start(void **state)
{
	assert_int_equal(deep(53), 53);
	assert_true(moment.n_trace > 53);
	check_like_libgcc(&moment);
	assert_int_equal(result.n_by_fp, 0);
}

KEEP static int with_alloca(int n)
{
	volatile char *p = __builtin_alloca((size_t)n);
	int r;

	p[0] = 1;
	r = deep(7);
	return r + p[0];
}

static void frames_of_a_size_known_at_run_time_are_passed(void **state)
{
	for (int n = 16; n < 20000; n = n * 3 + 1) {
		assert_int_equal(with_alloca(n), 8);
		check_like_libgcc(&moment);
	}
}

static int compare(const void *a, const void *b)
{
	if (!moment.n_trace)
		deep(3);
	return *(const int *)a - *(const int *)b;
}

static void callbacks_through_the_c_library_are_passed(void **state)
{
	int numbers[] = { 11, 7, 5, 3, 2 };

	moment.n_trace = 0;
	qsort(numbers, 5, sizeof(int), compare);
	assert_int_equal(numbers[0], 2);
	check_like_libgcc(&moment);
}

static void on_signal(int sig)
{
	deep(5);
}

static void the_frame_of_a_signal_handler_is_passed(void **state)
{
	const struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_DFL);
	check_like_libgcc(&moment);
}

/* Where it was interrupted all registers are as they were, also those that a call would have changed. */
static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	deep(2);
	u->uc_mcontext.gregs[REG_RIP] += 2; /* behind ud2 */
}

KEEP static void interrupted(void)
{
	/* The CFA is told by a register that calls may change. */
	__asm__ volatile("mov %%rsp, %%r10\n"
			 ".cfi_remember_state\n"
			 ".cfi_def_cfa %%r10, 16\n"
			 "push %%rax\n"
			 "ud2\n"
			 "pop %%rax\n"
			 ".cfi_restore_state\n" ::
				 : "r10", "memory");
}

static void registers_of_interrupted_code_are_known(void **state)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	unsigned at = 0;

#ifdef __SANITIZE_ADDRESS__
	print_message("SKIP: interrupted() has another frame under AddressSanitizer\n");
	skip();
#endif
	sigaction(SIGILL, &sa, NULL);
	interrupted();
	signal(SIGILL, SIG_DFL);
	walk(&moment, 0);
	while (at < result.n &&
		(result.frames[at] < (uint64_t)interrupted ||
			result.frames[at] > (uint64_t)interrupted + 64))
		at++;
	assert_true(at < result.n);
}

static void a_signal_stack_ends_the_walk(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = calloc(1, 1 << 18), .ss_size = 1 << 18 };

	assert_int_equal(sigaltstack(&stack, NULL), 0);
	signal_stack_end = (uint64_t)stack.ss_sp + stack.ss_size;
	sigaction(SIGUSR1, &sa, NULL);
	raise(SIGUSR1);
	walk(&moment, 0);
	assert_int_equal(result.end, UNWIND_COPY_ENDS);
	assert_true(result.n > 6);
	signal_stack_end = 0;
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	signal(SIGUSR1, SIG_DFL);
	free(stack.ss_sp);
}

static void a_short_copy_gives_the_inner_frames_and_says_so(void **state)
{
	uint32_t before = 0;

	deep(97);
	for (size_t copied = 0; copied < 4096; copied += 512) {
		walk(&moment, copied + 8);
		assert_int_equal(result.end, UNWIND_COPY_ENDS);
		assert_true(result.n >= before && result.n >= 1 && result.n < 97);
		for (uint32_t i = 1; i < result.n; i++)
			assert_int_equal(result.frames[i], (uint64_t)moment.trace[i] - 1);
		before = result.n;
	}
	assert_true(before > 3);
}

/* ---- stacks put together ---- */

enum { CODE_AT = 0x10000, STACK_AT = 0x700000, WORDS = 64 };

static bool only_code(void *ctx, uint64_t address, struct unwind_code *code)
{
	*code = (struct unwind_code){ NULL, 0 };
	return address >= CODE_AT && address < CODE_AT + 0x10000;
}

struct made {
	uint64_t words[WORDS];
	struct unwind_regs regs;
	uint64_t ips[WORDS];
	uint32_t n_ips;
};

/* n frames of four words each by frame pointers; the first where it is. */
static void make(struct made *m, unsigned n)
{
	memset(m, 0, sizeof(*m));
	m->regs.known = 1u << UNWIND_REG_FP | 1u << UNWIND_REG_SP | 1u << UNWIND_REG_RA;
	m->regs.value[UNWIND_REG_SP] = STACK_AT;
	m->regs.value[UNWIND_REG_FP] = STACK_AT + 16;
	m->regs.value[UNWIND_REG_RA] = m->ips[m->n_ips++] = CODE_AT;
	for (unsigned i = 1; i <= n; i++) {
		unsigned at = 4 * i - 2;

		if (at + 1 < WORDS) {
			m->words[at] = i < n ? STACK_AT + 16 + 32 * i : 0;
			m->words[at + 1] = CODE_AT + 16 * i;
		}
		m->ips[m->n_ips++] = CODE_AT + 16 * i;
	}
}

static void walk_made(const struct made *m, size_t copied, bool with_chain)
{
	struct unwind_stack stack = { STACK_AT, (const uint8_t *)m->words, copied };
	struct unwind_chain chain = { m->ips, with_chain ? m->n_ips : 0 };

	unwind(&m->regs, &stack, &chain, only_code, NULL, &result);
}

static void check_frames(uint32_t n, enum unwind_end end)
{
	assert_int_equal(result.n, n);
	assert_int_equal(result.end, end);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(result.frames[i], CODE_AT + 16 * i - (i > 0));
}

static void code_without_rules_is_left_by_its_frame_pointer(void **state)
{
	struct made m;

	make(&m, 13);
	walk_made(&m, sizeof(m.words), false);
	check_frames(14, UNWIND_COMPLETE);
	assert_int_equal(result.n_by_fp, 13);
	assert_int_equal(result.n_by_cfi, 0);
}

static void a_wrong_frame_pointer_ends_the_walk(void **state)
{
	static const uint64_t wrong[] = { STACK_AT - 8, STACK_AT + 1, 1, UINT64_MAX - 7 };
	struct made m;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		make(&m, 5);
		m.words[2] = wrong[i];
		walk_made(&m, sizeof(m.words), false);
		check_frames(2, UNWIND_LOST);
	}
	make(&m, 5);
	m.words[7] = 0x666; /* a return address where no code is */
	walk_made(&m, sizeof(m.words), false);
	check_frames(2, UNWIND_LOST);
}

static void frame_pointers_never_lead_in_a_circle(void **state)
{
	struct made m;

	make(&m, 5);
	m.words[14] = STACK_AT + 16;
	walk_made(&m, sizeof(m.words), false);
	check_frames(5, UNWIND_LOST);
}

static void behind_the_copy_the_kernels_chain_goes_on(void **state)
{
	struct made m;

	make(&m, 31); /* of which the copy has 16 */
	walk_made(&m, sizeof(m.words), false);
	check_frames(17, UNWIND_COPY_ENDS);
	walk_made(&m, sizeof(m.words), true);
	check_frames(32, UNWIND_COMPLETE);
	/* But not where it was another stack. */
	m.ips[7]++;
	walk_made(&m, sizeof(m.words), true);
	check_frames(17, UNWIND_COPY_ENDS);
	/* Nor into what is no code. */
	m.ips[7]--;
	m.ips[23] = 0x666;
	walk_made(&m, sizeof(m.words), true);
	check_frames(23, UNWIND_LOST);
}

static void a_bare_return_address_is_not_believed_without_a_rule(void **state)
{
	struct made m;

	make(&m, 1);
	m.words[0] = CODE_AT + 16;
	m.regs.value[UNWIND_REG_FP] = 3;
	walk_made(&m, sizeof(m.words), false);
	check_frames(1, UNWIND_LOST);
}

static void nothing_is_read_of_an_empty_copy(void **state)
{
	struct made m;

	make(&m, 3);
	walk_made(&m, 0, false);
	check_frames(1, UNWIND_COPY_ENDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(callers_are_found_up_to_the_start),
		cmocka_unit_test(frames_of_a_size_known_at_run_time_are_passed),
		cmocka_unit_test(callbacks_through_the_c_library_are_passed),
		cmocka_unit_test(the_frame_of_a_signal_handler_is_passed),
		cmocka_unit_test(registers_of_interrupted_code_are_known),
		cmocka_unit_test(a_signal_stack_ends_the_walk),
		cmocka_unit_test(a_short_copy_gives_the_inner_frames_and_says_so),
		cmocka_unit_test(code_without_rules_is_left_by_its_frame_pointer),
		cmocka_unit_test(a_wrong_frame_pointer_ends_the_walk),
		cmocka_unit_test(frame_pointers_never_lead_in_a_circle),
		cmocka_unit_test(behind_the_copy_the_kernels_chain_goes_on),
		cmocka_unit_test(a_bare_return_address_is_not_believed_without_a_rule),
		cmocka_unit_test(nothing_is_read_of_an_empty_copy),
	};

	return cmocka_run_group_tests(tests, read_maps, free_maps);
}
