#include "record/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/symbols/debug_file.h"
#include "format/symbols/elf_find.h"
#include "format/symbols/stapsdt.h"
#include "record/perf_event.h"
#include "record/suggest.h"

#define PMU "/sys/bus/event_source/devices/uprobe/"

enum { MAX_SITES = 256 };

/* What is looked for, and what was found so far. */
struct search {
	const struct event_spec *spec;
	struct probe_site sites[MAX_SITES];
	uint32_t n;
	bool chosen;   /* a function of that name is chosen at run time */
	bool provider; /* there is such a provider of markers */
	uint64_t size; /* of the function, 0 if not known */
	struct suggest names;
};

static void add_site(struct search *s, uint64_t offset, uint64_t semaphore)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->sites[i].offset == offset)
			return;
	if (s->n < MAX_SITES)
		s->sites[s->n++] = (struct probe_site){ offset, semaphore };
}

/* ---- functions ---- */

/* Compilers split cold parts off; they are entered by jumps, and are no functions of their own. */
static bool is_clone_part(const char *name)
{
	return strstr(name, "[clone .cold") || strstr(name, ".cold");
}

static void on_function(void *ctx, const struct elf_function *f)
{
	struct search *s = ctx;

	if (!f->matches) {
		suggest_offer(&s->names, f->name);
		return;
	}
	if (is_clone_part(f->linked))
		return;
	s->chosen |= f->chosen;
	s->size = f->size > s->size ? f->size : s->size;
	if (!f->chosen)
		add_site(s, f->offset + s->spec->offset, 0);
}

static bool has_section(const struct elf_image *e, const char *name)
{
	for (uint32_t i = 1; i < e->n_sections; i++)
		if (elf_image_section_is(e, &e->sections[i], name))
			return true;
	return false;
}

static int explain_function(const struct search *s, uint64_t n_symbols, struct err *err)
{
	const struct event_spec *e = s->spec;
	int rc;

	if (s->chosen)
		return err_set(err, ENOENT,
			"'%s' in %s stands for several functions, one of which is chosen at run time: "
			"name that one (readelf -sW lists them)",
			e->symbol, e->path);
	if (!n_symbols)
		return err_set(err, ENOENT,
			"%s has no symbols: install its debug symbols, or build it without strip",
			e->path);
	rc = err_set(err, ENOENT, "there is no function '%s' in %s", e->symbol, e->path);
	suggest_append(&s->names, err);
	return rc;
}

static int find_function(struct search *s, const struct elf_image *code,
	const struct elf_image *debug, struct err *err)
{
	const struct event_spec *e = s->spec;
	uint64_t n;

	/* A return probe replaces the return address, and Go's runtime, which moves stacks and walks
	 * them, ends the program when it meets that (golang.org/issue/22008). */
	if (e->kind == EVENT_URETPROBE &&
		(has_section(code, ".note.go.buildid") || has_section(code, ".gopclntab")))
		return err_set(err, EINVAL,
			"%s is a Go program, which a return probe would crash: use uprobe:",
			e->path);
	n = elf_find(code, debug, e->symbol, on_function, s);
	if (!s->n)
		return explain_function(s, n, err);
	if (e->offset && s->size && e->offset >= s->size)
		return err_set(err, EINVAL, "'%s' in %s is only %" PRIu64 " bytes long", e->symbol,
			e->path, s->size);
	return 0;
}

/* ---- markers ---- */

static void on_marker(void *ctx, const struct stapsdt *m)
{
	struct search *s = ctx;
	char name[SUGGESTION_MAX];

	s->provider |= strcmp(m->provider, s->spec->provider) == 0;
	if (strcmp(m->provider, s->spec->provider) == 0 && strcmp(m->name, s->spec->symbol) == 0) {
		add_site(s, m->offset, m->semaphore);
		return;
	}
	snprintf(name, sizeof(name), "%s:%s", m->provider, m->name);
	suggest_offer(&s->names, name);
}

static int find_marker(struct search *s, const struct elf_image *code, struct err *err)
{
	const struct event_spec *e = s->spec;
	char wanted[SUGGESTION_MAX];
	uint32_t n;
	int rc;

	snprintf(wanted, sizeof(wanted), "%s:%s", e->provider, e->symbol);
	suggest_init(&s->names, wanted);
	n = stapsdt_each(code, on_marker, s);
	if (s->n)
		return 0;
	if (!n)
		return err_set(err, ENOENT, "%s has no USDT markers (no notes in .note.stapsdt)",
			e->path);
	rc = s->provider
		? err_set(err, ENOENT, "provider '%s' in %s has no marker '%s'", e->provider,
			  e->path, e->symbol)
		: err_set(err, ENOENT, "there is no provider '%s' in %s", e->provider, e->path);
	suggest_append(&s->names, err);
	return rc;
}

/* ---- the file ---- */

static int search_image(struct search *s, const struct elf_image *code, struct err *err)
{
	struct debug_image debug;
	int rc;

	if (code->type != ET_EXEC && code->type != ET_DYN)
		return err_set(err, EINVAL, "%s is no program or library", s->spec->path);
	if (s->spec->kind == EVENT_USDT)
		return find_marker(s, code, err);
	rc = find_function(s, code, debug_image_open(&debug, code), err);
	debug_image_close(&debug);
	return rc;
}

static int search_file(struct search *s, struct err *err)
{
	int fd = open(s->spec->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	struct elf_image code;

	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", s->spec->path);
	rc = elf_image_open(&code, fd, err);
	if (rc) {
		err_step(err, rc, "%s", s->spec->path);
	} else {
		rc = search_image(s, &code, err);
		elf_image_done(&code);
	}
	close(fd);
	return rc;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void name_event(struct probe *p, const struct event_spec *e, struct arena *a)
{
	char offset[32] = "";

	if (e->offset)
		snprintf(offset, sizeof(offset), "+0x%" PRIx64, e->offset);
	if (e->kind == EVENT_USDT)
		p->name = arena_printf(a, "usdt:%s:%s", e->provider, e->symbol);
	else
		p->name = arena_printf(a, "%s:%s:%s%s",
			e->kind == EVENT_UPROBE ? "uprobe" : "uretprobe", base_name(e->path),
			e->symbol, offset);
	p->doc = arena_printf(a, "%s of %s.",
		e->kind == EVENT_USDT             ? "A marker"
			: e->kind == EVENT_UPROBE ? "A function was entered (or an address in it)"
						  : "A function returned",
		e->path);
}

int probe_resolve(struct probe *p, const struct event_spec *e, struct arena *a, struct err *err)
{
	struct search *s = arena_alloc(a, sizeof(*s));
	char *real;
	int rc;

	s->spec = e;
	suggest_init(&s->names, e->symbol);
	rc = search_file(s, err);
	if (rc)
		return rc;
	real = realpath(e->path, NULL);
	p->path = arena_strdup(a, real ? real : e->path);
	free(real);
	p->sites = s->sites;
	p->n = s->n;
	name_event(p, e, a);
	return 0;
}

/* ---- the kernel's side ---- */

/* "config:32-63": the number of the first bit. */
static bool read_bit(const char *path, unsigned *bit)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fscanf(f, "config:%u", bit) == 1 && *bit < 64;

	if (f)
		fclose(f);
	return ok;
}

int probe_pmu_read(struct probe_pmu *pmu, struct err *err)
{
	long type = perf_read_number(PMU "type", -1);

	if (type < 0)
		return err_set(err, ENOENT,
			"this kernel cannot probe programs (CONFIG_UPROBE_EVENTS, Linux 4.17 or later)");
	*pmu = (struct probe_pmu){ .type = (uint32_t)type };
	read_bit(PMU "format/retprobe", &pmu->return_bit);
	pmu->semaphores = read_bit(PMU "format/ref_ctr_offset", &pmu->semaphore_shift);
	return 0;
}

void probe_attr(struct perf_event_attr *attr, const struct probe_pmu *pmu, const struct probe *p,
	const struct probe_site *site, bool on_return)
{
	attr->type = pmu->type;
	attr->config = on_return ? 1ULL << pmu->return_bit : 0;
	if (pmu->semaphores)
		attr->config |= site->semaphore << pmu->semaphore_shift;
	attr->config1 = (uint64_t)(uintptr_t)p->path;
	attr->config2 = site->offset;
}
