/* What a worker answers that a hostile file may have got hold of. Chains must be whole, and texts
 * ended. */
#include <stdlib.h>
#include <string.h>

#include "format/symbols/dwarf_frames.h"
#include "format/symbols/inline_worker.h"
#include "format/symbols/query.h"

enum { ADDRESSES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t length(const char *text)
{
	return text ? strlen(text) : 0;
}

static void check(const struct inline_chain *c)
{
	size_t bytes = 0;

	if (c->n > DWARF_MAX_DEPTH + 1)
		abort();
	for (uint32_t i = 0; i < c->n; i++)
		bytes += length(c->frames[i].name) + length(c->frames[i].linkage) +
			length(c->frames[i].file);
	if (bytes > (DWARF_MAX_DEPTH + 1) * 3UL * SYMBOL_NAME_MAX)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inline_chain chains[ADDRESSES];
	struct inline_parts parts = PARTS_NONE;
	struct arena arena = { 0 };
	int found = inline_reply_parse(data, size, &parts, chains, ADDRESSES, &arena, NULL);

	for (size_t i = 0; i < ADDRESSES; i++) {
		check(&chains[i]);
		found -= chains[i].n > 0;
		if (found < 0 && chains[i].n)
			abort();
	}
	if (found > 0)
		abort();
	for (uint32_t i = 0; i < parts.n_units; i++)
		if (length(parts.units[i].folder) > SYMBOL_NAME_MAX ||
			length(parts.units[i].name) > SYMBOL_NAME_MAX)
			abort();
	for (uint32_t i = 0; i < parts.n_sources; i++)
		if (!parts.sources[i] || length(parts.sources[i]) > SYMBOL_NAME_MAX)
			abort();
	arena_done(&arena);
	return 0;
}
