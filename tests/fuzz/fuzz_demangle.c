/* Names of functions, which come from files that anyone may have made, through libiberty, which was
 * not made for that. The input is the name. The result must be bounded and whole; running long or
 * taking much memory is a finding too (run with -timeout=5 -rss_limit_mb=512). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/symbols/demangle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	char *name = strndup((const char *)data, size);
	const char *readable = demangle(&arena, name);

	/* Each suffix of the name grows by what is put around it: " [clone ]". */
	if (readable && (!*readable || strlen(readable) > DEMANGLED_MAX + 10 * size))
		abort();
	arena_done(&arena);
	free(name);
	return 0;
}
