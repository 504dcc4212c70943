/* Notes about USDT markers, and the search for functions by name, in an ELF image out of anyone's
 * hands. What is found must lie in the file. */
#include <stdlib.h>
#include <string.h>

#include "format/symbols/elf_find.h"
#include "format/symbols/stapsdt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct found {
	uint32_t n, n_matches;
};

static void on_marker(void *ctx, const struct stapsdt *m)
{
	struct found *f = ctx;

	/* All of the texts is read: they must be terminated within what we own. */
	if (strlen(m->provider) + strlen(m->name) + strlen(m->arguments) > 1 << 24)
		abort();
	f->n++;
}

static void on_function(void *ctx, const struct elf_function *fn)
{
	struct found *f = ctx;

	if (!fn->name[0] || !fn->linked[0])
		abort();
	f->n_matches += fn->matches;
	f->n++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found markers = { 0 }, functions = { 0 };
	uint8_t *copy = malloc(size ? size : 1);
	uint64_t n_symbols;
	uint32_t n_markers;
	struct elf_image e;
	struct err err;

	memcpy(copy, data, size);
	if (elf_image_open_memory(&e, copy, size, &err) == 0) {
		n_markers = stapsdt_each(&e, on_marker, &markers);
		n_symbols = elf_find(&e, NULL, "shop::Cart::fill", on_function, &functions);
		if (n_markers != markers.n || n_symbols < functions.n)
			abort();
		elf_image_done(&e);
	}
	free(copy);
	return 0;
}
