/* From offsets in a file to the addresses that DWARF speaks of, and back. */
#include "format/symbols/file_frames.h"

#include <stdlib.h>
#include <string.h>

struct place {
	uint64_t vaddr;
	size_t query;
};

static int by_vaddr(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	return (p->vaddr > q->vaddr) - (p->vaddr < q->vaddr);
}

static size_t make_places(const struct elf_image *code, const struct symbol_query *q, size_t n,
	struct place *places)
{
	size_t m = 0;

	for (size_t i = 0; i < n; i++) {
		places[m].query = i;
		m += elf_image_vaddr(code, q[i].address, &places[m].vaddr);
	}
	if (m)
		qsort(places, m, sizeof(*places), by_vaddr);
	return m;
}

/* Whether the symbol starts in the piece of code that DWARF says the function is. */
static bool agrees(const struct symbol_query *q, uint64_t vaddr, const struct inline_chain *c)
{
	uint64_t start = vaddr - (q->address - q->start);

	return !q->name || !c->frames[0].name || (start >= c->start && start < c->end);
}

static void name_by_dwarf(struct symbol_query *q, uint64_t vaddr, const struct inline_chain *c)
{
	const struct inline_frame *f = &c->frames[0];
	uint64_t back = vaddr - c->start;

	if (q->name || !(f->linkage || f->name) || back > q->address)
		return;
	q->name = f->linkage ? f->linkage : f->name;
	q->start = q->address - back;
}

static int take(struct symbol_query *q, const struct place *places,
	const struct inline_chain *found, size_t n, struct inline_chain *chains)
{
	int n_taken = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = places[i].query;

		if (!found[i].n || !agrees(&q[at], places[i].vaddr, &found[i]))
			continue;
		chains[at] = found[i];
		name_by_dwarf(&q[at], places[i].vaddr, &found[i]);
		n_taken++;
	}
	return n_taken;
}

static int ask(int fd, struct inline_parts *parts, struct symbol_query *q,
	const struct place *places, size_t n, struct inline_chain *chains, struct arena *a,
	uint64_t *cpu_ns, struct err *err)
{
	uint64_t *addresses = xcalloc(n, sizeof(*addresses));
	struct inline_chain *found = xcalloc(n, sizeof(*found));
	int rc;

	for (size_t i = 0; i < n; i++)
		addresses[i] = places[i].vaddr;
	rc = inline_worker_ask(fd, parts, addresses, n, found, a, cpu_ns, err);
	if (rc > 0)
		rc = take(q, places, found, n, chains);
	free(found);
	free(addresses);
	return rc;
}

const struct elf_image *file_frames_dwarf(const struct elf_image *code,
	const struct elf_image *debug)
{
	const struct elf_image *dwarf = elf_image_has_dwarf(code) ? code
		: debug && elf_image_has_dwarf(debug)             ? debug
								  : NULL;

	return dwarf && dwarf->fd >= 0 && (code->type == ET_EXEC || code->type == ET_DYN) ? dwarf
											  : NULL;
}

int file_frames_resolve(const struct elf_image *code, const struct elf_image *debug,
	struct inline_parts *parts, struct symbol_query *q, size_t n, struct inline_chain *chains,
	struct arena *a, uint64_t *cpu_ns, struct err *err)
{
	const struct elf_image *dwarf = file_frames_dwarf(code, debug);
	struct place *places;
	size_t m;
	int rc = 0;

	memset(chains, 0, n * sizeof(*chains));
	if (!dwarf)
		return 0;
	places = xcalloc(n + 1, sizeof(*places));
	m = make_places(code, q, n, places);
	if (m)
		rc = ask(dwarf->fd, parts, q, places, m, chains, a, cpu_ns, err);
	free(places);
	return rc;
}
