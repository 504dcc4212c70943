/* Resolvers of format/symbols by kind of image; see name_lookup.h. */
#include "record/name_lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/symbols/debug_file.h"
#include "format/symbols/elf_symbols.h"
#include "format/symbols/file_frames.h"
#include "format/symbols/perf_map.h"
#include "format/symbols/readable.h"
#include "format/symbols/vdso.h"

/* ---- who knows ---- */

/* What one call leaves behind beside names. */
struct resolving {
	struct name_lookup *lookup;
	struct inline_chain *chains; /* NULL: not wanted now */
	bool more;                   /* there is DWARF, which was not read */
	bool lies;                   /* there is a debug file of its build id, of other code */
	struct err err, lines_err;   /* lines_err: of inlined functions and lines */
};

/* A negative errno if no name could be found at all. */
static int resolve_elf(int fd, struct symbol_query *q, size_t n, struct arena *a,
	struct resolving *r)
{
	const struct elf_image *other;
	struct debug_image debug;
	struct elf_image code;
	int rc = elf_image_open(&code, fd, &r->err);

	if (rc)
		return rc;
	other = debug_image_open(&debug, &code);
	r->lies = debug.other_code && !other;
	rc = elf_symbols_resolve(&code, other, q, n, a, &r->err);
	if (r->chains)
		file_frames_resolve(&code, other, NULL, q, n, r->chains, a, &r->lookup->workers_cpu,
			&r->lines_err);
	else
		r->more = r->lookup->inlines && file_frames_dwarf(&code, other);
	debug_image_close(&debug);
	elf_image_done(&code);
	return rc;
}

/* Why a file cannot be opened, as image_open says. */
static void explain_open(int code, struct err *err)
{
	if (code == -ESTALE)
		err_set(err, ESTALE, "the file is another one now");
	else if (code == -ENOENT)
		err_set(err, ENOENT, "the file is gone");
	else
		err_errno(err, -code, "open");
}

static void tell_of_lie(struct name_troubles *t, const char *path, const struct symbol_query *q,
	size_t n)
{
	uint32_t without = 0;

	for (size_t i = 0; i < n; i++)
		without += !q[i].name;
	name_troubles_add(t, path, "its debug file has its build id, but is of other code",
		without ? without : (uint32_t)n, !without);
}

static void resolve_file(const struct image *image, int open_fd, struct symbol_query *q, size_t n,
	struct arena *a, struct resolving *r)
{
	int fd = open_fd >= 0 ? open_fd : image_open(image), rc = fd;
	struct name_troubles *troubles = &r->lookup->troubles;

	if (fd < 0)
		explain_open(fd, &r->err);
	else
		rc = resolve_elf(fd, q, n, a, r);
	if (rc < 0 && !r->more)
		name_troubles_add(troubles, image->path, r->err.text, (uint32_t)n, false);
	else if (r->lies)
		tell_of_lie(troubles, image->path, q, n);
	else if (r->lines_err.text[0])
		name_troubles_add(troubles, image->path, r->lines_err.text, (uint32_t)n, true);
	if (fd >= 0 && fd != open_fd)
		close(fd);
}

static void resolve_vdso(struct symbol_query *q, size_t n, struct arena *a)
{
	struct elf_image e;

	if (vdso_open(&e, NULL))
		return;
	elf_symbols_resolve(&e, NULL, q, n, a, NULL);
	elf_image_done(&e);
}

static void resolve_bpf(const struct image *image, struct symbol_query *q, size_t n,
	struct arena *a)
{
	for (size_t i = 0; i < n; i++) {
		q[i].name = arena_strdup(a, image->path);
		q[i].start = 0;
	}
}

static void resolve(const struct image *image, int fd, struct symbol_query *q, size_t n,
	struct arena *a, struct resolving *r)
{
	switch (image->kind) {
	case MAPPING_FILE: resolve_file(image, fd, q, n, a, r); break;
	case MAPPING_VDSO: resolve_vdso(q, n, a); break;
	case MAPPING_BPF: resolve_bpf(image, q, n, a); break;
	case MAPPING_JIT:
		if (fd >= 0)
			perf_map_resolve(fd, q, n, a, NULL);
		break;
	case MAPPING_KERNEL:
	case MAPPING_MODULE:
		kallsyms_resolve(&r->lookup->kernel, KALLSYMS_PATH, MODULES_PATH, q, n, a, NULL);
		break;
	default: break;
	}
}

/* ---- what is made of it ---- */

void name_lookup(struct name_lookup *l, const struct image *image, int fd,
	const uint64_t *addresses, struct name_found *found, size_t n, enum name_depth depth,
	struct arena *a)
{
	bool lines = l->inlines && depth == NAMES_AND_LINES;
	bool is_kernel = image->kind == MAPPING_KERNEL || image->kind == MAPPING_MODULE;
	struct symbol_query *q = xcalloc(n, sizeof(*q));
	struct inline_chain *chains = lines ? xcalloc(n, sizeof(*chains)) : NULL;
	struct readable *readable = lines ? readable_new() : NULL;
	struct resolving r = { .lookup = l, .chains = chains };

	for (size_t i = 0; i < n; i++)
		q[i].address = addresses[i];
	resolve(image, fd, q, n, a, &r);
	for (size_t i = 0; i < n; i++) {
		struct name_found *f = &found[i];

		*f = (struct name_found){ .more = r.more };
		if (!q[i].name)
			continue;
		f->back = q[i].address - q[i].start;
		f->name = is_kernel ? NULL : readable_name(a, q[i].name);
		f->linkage = f->name ? q[i].name : NULL;
		if (!f->name)
			f->name = q[i].name;
		if (!chains)
			continue;
		f->chain = chains[i];
		readable_chain(readable, &f->chain, a);
	}
	readable_free(readable);
	free(chains);
	free(q);
}

void name_lookup_done(struct name_lookup *l)
{
	kallsyms_kept_done(&l->kernel);
	name_troubles_done(&l->troubles);
}
