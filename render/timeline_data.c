#include "render/timeline_data.h"

#include <inttypes.h>
#include <stdlib.h>

#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/flame_data.h"
#include "render/number.h"

enum { MAX_STACK_NODES = 20000, MAX_EXTRA = 5 };

struct data {
	FILE *out;
	const struct timeline *line;
	struct flame_entries entries; /* of the tree */
	uint32_t *thread;             /* owned; 1 + number in the page; 0: nobody, or not used */
	uint32_t *name;               /* owned; number in the page */
};

static void put_string(FILE *out, const char *key, const char *s)
{
	fprintf(out, "\"%s\":\"", key);
	escape_put(out, ESCAPE_JSON, s);
	fputs("\",", out);
}

static void put_number(FILE *out, bool *first, int64_t v)
{
	if (!*first)
		putc_unlocked(',', out);
	*first = false;
	if (v < 0)
		putc_unlocked('-', out);
	number_put(out, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

/* ---- names ---- */

static void put_kinds(FILE *out)
{
	fputs("\"kinds\":[", out);
	for (int k = 0; k < TIMELINE_N_KINDS; k++)
		fprintf(out, "%s\"%s\"", k ? "," : "", timeline_kind_name(k));
	fputs("],\n", out);
}

static void use(struct data *d, const struct timeline_item *i)
{
	d->thread[i->who] = 1;
	d->thread[i->behind] = 1;
	if (i->count == 1)
		d->name[i->name] = 1;
	for (uint32_t k = 0; i->count > 1 && k < i->n_parts; k++)
		d->name[i->parts[k].name] = 1;
}

/* Marks the names and threads that something shows. */
static void use_all(struct data *d)
{
	for (uint32_t l = 0; l < d->line->n_lanes; l++) {
		d->thread[d->line->lanes[l].thread] = 1;
		for (uint32_t i = 0; i < d->line->lanes[l].n; i++)
			use(d, &d->line->lanes[l].items[i]);
	}
}

static void put_names(struct data *d)
{
	const struct timeline *t = d->line;
	uint32_t n = 0;

	fputs("\"names\":[", d->out);
	for (uint32_t i = 0; i < t->n_names; i++) {
		if (!d->name[i])
			continue;
		fputs(n ? ",\"" : "\"", d->out);
		escape_put(d->out, ESCAPE_JSON, t->names[i].text);
		fprintf(d->out, "\",%d", t->names[i].kind);
		d->name[i] = n++;
	}
	fputs("],\n", d->out);
}

/* In the order of the trace. */
static void put_threads(struct data *d)
{
	const struct timeline *t = d->line;
	uint32_t n = 0;

	fputs("\"threads\":[", d->out);
	d->thread[0] = 0;
	for (uint32_t i = 1; i <= t->n_threads; i++) {
		if (!d->thread[i])
			continue;
		fputs(n ? ",\"" : "\"", d->out);
		escape_put(d->out, ESCAPE_JSON, t->threads[i - 1].name);
		fprintf(d->out, "\",%u,%u", t->threads[i - 1].pid, t->threads[i - 1].tid);
		d->thread[i] = ++n;
	}
	fputs("],\n", d->out);
}

/* ---- pieces ---- */

static uint32_t entry_of(const struct data *d, uint32_t stack)
{
	return stack && d->entries.n ? d->entries.of[d->line->node_of[stack]] : 0;
}

static unsigned extra_of(const struct data *d, const struct timeline_item *i, uint32_t v[MAX_EXTRA])
{
	unsigned n = MAX_EXTRA;

	v[0] = d->thread[i->who];
	v[1] = d->thread[i->behind];
	v[2] = entry_of(d, i->stack);
	v[3] = entry_of(d, i->stack_2);
	v[4] = i->value;
	while (n && !v[n - 1])
		n--;
	return i->count > 1 ? 0 : n;
}

static void put_items(const struct data *d, const struct timeline_lane *l)
{
	uint32_t extra[MAX_EXTRA];
	uint64_t last = 0;
	bool first = true;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct timeline_item *item = &l->items[i];
		unsigned n = extra_of(d, item, extra);

		put_number(d->out, &first, (int64_t)item->from_ns - (int64_t)last);
		put_number(d->out, &first, (int64_t)(item->to_ns - item->from_ns));
		put_number(d->out, &first,
			item->count > 1 ? -(int64_t)item->count : (int64_t)d->name[item->name]);
		if (item->count > 1)
			put_number(d->out, &first, item->n_parts);
		for (unsigned k = 0; k < n; k++)
			put_number(d->out, &first, extra[k]);
		last = item->to_ns;
	}
}

static void put_parts(const struct data *d, const struct timeline_lane *l)
{
	bool first = true;

	for (uint32_t i = 0; i < l->n; i++) {
		for (uint32_t k = 0; l->items[i].count > 1 && k < l->items[i].n_parts; k++) {
			const struct timeline_part *p = &l->items[i].parts[k];

			put_number(d->out, &first, d->name[p->name]);
			put_number(d->out, &first, p->count);
			put_number(d->out, &first, (int64_t)p->ns);
			put_number(d->out, &first, (int64_t)p->longest_ns);
		}
	}
}

static void put_lane(const struct data *d, const struct timeline_lane *l)
{
	uint32_t extra[MAX_EXTRA];

	fputs("{", d->out);
	put_string(d->out, "title", l->title);
	put_string(d->out, "value", l->value);
	fprintf(d->out, "\"group\":%d,\"thread\":%d,\"least\":%" PRIu64 ",\"extra\":\"", l->group,
		l->thread ? (int)d->thread[l->thread] - 1 : -1, l->least_ns);
	for (uint32_t i = 0; i < l->n; i++)
		putc_unlocked('0' + (int)extra_of(d, &l->items[i], extra), d->out);
	fputs("\",\n\"items\":[", d->out);
	put_items(d, l);
	fputs("],\n\"parts\":[", d->out);
	put_parts(d, l);
	fputs("]}", d->out);
}

static void put_tree(struct data *d, const struct section *s, const struct render_options *o)
{
	struct arena a = { 0 };
	struct section tree = { .kind = SECTION_TREE,
		.id = arena_printf(&a, "%s-stacks", s->id),
		.title = "Stacks",
		.tree = d->line->tree };
	struct flame_cut cut;

	flame_cut_init(&cut, d->line->tree, MAX_STACK_NODES, 0);
	flame_entries_init(&d->entries, d->line->tree, &cut);
	fputs("\"tree\":", d->out);
	flame_data_put_tree(d->out, &tree, &cut, o);
	fputs(",\n", d->out);
	flame_cut_done(&cut);
	arena_done(&a);
}

void timeline_data_put(FILE *out, const struct section *s, const struct render_options *o)
{
	const struct timeline *t = s->timeline;
	struct data d = { .out = out, .line = t };

	d.thread = xcalloc((size_t)t->n_threads + 1, sizeof(*d.thread));
	d.name = xcalloc((size_t)t->n_names + 1, sizeof(*d.name));
	fputs("{", out);
	put_string(out, "id", s->id);
	put_string(out, "title", s->title);
	put_string(out, "note", t->note);
	fprintf(out, "\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\n", t->from_ns, t->to_ns);
	put_kinds(out);
	use_all(&d);
	put_names(&d);
	put_threads(&d);
	if (t->tree)
		put_tree(&d, s, o);
	fputs("\"lanes\":[", out);
	for (uint32_t i = 0; i < t->n_lanes; i++) {
		fputs(i ? ",\n" : "\n", out);
		put_lane(&d, &t->lanes[i]);
	}
	fputs("]}", out);
	flame_entries_done(&d.entries);
	free(d.thread);
	free(d.name);
}
