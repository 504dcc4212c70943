/* A system call as text: the form, the paths and the names come from the trace. The input is a form, and behind its
 * first 0 byte a path. The text must be bounded and whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/syscall_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data, *zero = memchr(s, 0, size);
	size_t form = zero ? (size_t)(zero - s) : size;
	struct arena arena = { 0 };
	struct syscall_words w = { .call = { "call", 4 },
		.form = { s, form },
		.path = { { s + form, size - form }, { s, form } },
		.address = { s, form },
		.args = { size, UINT64_MAX, 0, 1, 2, 3 },
		.ret = (int64_t)size };

	if (strlen(syscall_text(&w, &arena)) > 4096)
		abort();
	arena_done(&arena);
	return 0;
}
