/* Frames are numbered anew, only those that something in the file shows, in order of name: the
 * script then sorts by number. */
#include "render/flame_data.h"

#include <stdlib.h>
#include <string.h>

#include "render/escape.h"
#include "render/flame_cut.h"
#include "render/heat_data.h"
#include "render/number.h"
#include "render/palette.h"
#include "render/table_slices.h"
#include "render/timeline_data.h"
#include "render/tree_slices.h"

enum { MAX_LEAVES = 5000, UNUSED = 0, USED = 1 };

struct data {
	FILE *out;
	const struct tree *tree;
	const struct flame_cut *cut;
	uint32_t *number;     /* owned; a frame's number in the file plus one, or 0 */
	uint64_t *hidden;     /* owned; left out weight that ends in a frame */
	uint32_t *n_hidden;   /* owned; nodes that this weight comes from */
	uint64_t hidden_from; /* frames with more hidden weight than this are listed */
};

static void put_item(FILE *out, bool *first, bool negative, uint64_t v)
{
	if (!*first)
		putc_unlocked(',', out);
	*first = false;
	if (negative)
		putc_unlocked('-', out);
	number_put(out, v);
}

/* ---- frames ---- */

static void collect_hidden(struct data *d)
{
	const struct tree *t = d->tree;

	for (uint32_t n = 0; n < t->n_nodes; n++) {
		uint32_t frame = t->nodes[n].frame;

		if (d->cut->keep[n]) {
			d->number[frame] = USED;
		} else if (t->nodes[n].self) {
			d->hidden[frame] += t->nodes[n].self;
			d->n_hidden[frame]++;
		}
	}
	d->hidden_from = flame_threshold(d->hidden, t->n_frames, MAX_LEAVES);
	for (uint32_t f = 0; f < t->n_frames; f++)
		if (d->hidden[f] > d->hidden_from)
			d->number[f] = USED;
}

/* Bounded, and inside of quotes. */
static void put_name(FILE *out, const char *name)
{
	struct arena scratch = { 0 };

	escape_put(out, ESCAPE_JSON, flame_name(&scratch, name));
	arena_done(&scratch);
}

/* The number of a module's name in the list, which is written as it grows. */
static uint32_t module_number(FILE *out, struct map *seen, const char *module)
{
	bool is_new;
	uint32_t count = seen->count;
	/* Names that share a hash would share an entry; nothing but a label would be wrong. */
	uint32_t *number = map_put(seen, hash_bytes(module, strlen(module)), &is_new);

	if (is_new) {
		*number = count;
		fputs(count ? ",\"" : "\"", out);
		if (*module)
			put_name(out, module);
		putc_unlocked('"', out);
	}
	return *number;
}

/* Writes the modules; by_rank lists the frames in order of name. */
static uint32_t *put_modules(const struct data *d, const uint32_t *by_rank)
{
	uint32_t *modules = xcalloc(d->tree->n_frames, sizeof(*modules));
	struct map seen;

	map_init(&seen, 64);
	fputs("\n\"modules\":[", d->out);
	module_number(d->out, &seen, "");
	for (uint32_t i = 0; i < d->tree->n_frames; i++) {
		uint32_t f = by_rank[i];

		if (d->number[f])
			modules[f] = module_number(d->out, &seen, d->tree->frames[f].module);
	}
	fputs("],", d->out);
	map_done(&seen);
	return modules;
}

static void put_frames(struct data *d)
{
	uint32_t n = d->tree->n_frames, count = 0;
	uint32_t *by_rank = xcalloc(n, sizeof(*by_rank)), *modules;

	for (uint32_t f = 0; f < n; f++)
		by_rank[d->tree->frames[f].rank] = f;
	modules = put_modules(d, by_rank);
	fputs("\n\"frames\":[", d->out);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t f = by_rank[i];

		if (!d->number[f])
			continue;
		fputs(count ? ",\"" : "\"", d->out);
		put_name(d->out, d->tree->frames[f].name);
		fprintf(d->out, "\",%u,%u", modules[f], palette_index(&d->tree->frames[f]));
		d->number[f] = ++count;
	}
	fputs("],", d->out);
	free(modules);
	free(by_rank);
}

/* ---- nodes ---- */

static void put_node(struct data *d, bool *first, uint32_t node, uint32_t up)
{
	const struct tree_node *n = &d->tree->nodes[node];
	struct flame_rest rest = flame_rest_of(d->cut, d->tree, node);

	put_item(d->out, first, false, up);
	put_item(d->out, first, false, d->number[n->frame] - 1);
	put_item(d->out, first, false, n->self);
	if (!rest.n)
		return;
	put_item(d->out, first, false, 0);
	put_item(d->out, first, true, rest.n);
	put_item(d->out, first, false, rest.weight);
}

static void put_nodes(struct data *d)
{
	uint32_t depth = 0, last = 0, node = 0;
	bool first = true, keep;

	fputs("\n\"nodes\":[", d->out);
	do {
		keep = d->cut->keep[node];
		if (keep) {
			put_node(d, &first, node, node ? last + 1 - depth : 0);
			last = depth;
		}
		node = tree_next(d->tree, node, keep, &depth);
	} while (node);
	fputs("],", d->out);
}

static void put_leaves(struct data *d)
{
	struct flame_rest rest = { 0 };
	bool first = true;

	fputs("\n\"leaves\":[", d->out);
	for (uint32_t f = 0; f < d->tree->n_frames; f++) {
		if (d->hidden[f] > d->hidden_from) {
			put_item(d->out, &first, false, d->number[f] - 1);
			put_item(d->out, &first, false, d->hidden[f]);
			put_item(d->out, &first, false, d->n_hidden[f]);
		} else if (d->hidden[f]) {
			rest.weight += d->hidden[f];
			rest.n++;
		}
	}
	if (rest.n) {
		put_item(d->out, &first, true, rest.n);
		put_item(d->out, &first, false, rest.weight);
	}
	fputs("]", d->out);
}

/* ---- all of it ---- */

static void put_string(FILE *out, const char *key, const char *s)
{
	fprintf(out, "\"%s\":\"", key);
	escape_put(out, ESCAPE_JSON, s);
	fputs("\",", out);
}

static void put_numbers(FILE *out, const struct tree *t, const struct flame_cut *cut)
{
	struct data d = { .out = out, .tree = t, .cut = cut };

	d.number = xcalloc(t->n_frames, sizeof(*d.number));
	d.hidden = xcalloc(t->n_frames, sizeof(*d.hidden));
	d.n_hidden = xcalloc(t->n_frames, sizeof(*d.n_hidden));
	collect_hidden(&d);
	put_frames(&d);
	put_nodes(&d);
	put_leaves(&d);
	free(d.number);
	free(d.hidden);
	free(d.n_hidden);
}

static void put_slices(FILE *out, const struct section *s, const struct flame_cut *cut)
{
	struct flame_entries entries;

	flame_entries_init(&entries, s->tree, cut);
	fputs(",\n", out);
	tree_slices_put(out, s->slices, &entries, SLICES_MAX_PAIRS);
	flame_entries_done(&entries);
}

void flame_data_put_tree(FILE *out, const struct section *s, const struct flame_cut *cut,
	const struct render_options *o)
{
	struct arena scratch = { 0 };

	fputs("{", out);
	put_string(out, "id", s->id);
	put_string(out, "title", s->title);
	put_string(out, "unit", s->tree->unit);
	put_string(out, "note", flame_note(cut, s->tree, &scratch));
	fprintf(out, "\"icicle\":%s,", o->inverted ? "true" : "false");
	put_numbers(out, s->tree, cut);
	if (s->slices)
		put_slices(out, s, cut);
	fputs("}", out);
	arena_done(&scratch);
}

static void put_tree(FILE *out, const struct section *s, const struct render_options *o)
{
	struct flame_cut cut;

	flame_cut_init(&cut, s->tree, FLAME_MAX_NODES, o->min_percent);
	flame_data_put_tree(out, s, &cut, o);
	flame_cut_done(&cut);
}

/* ---- where weights are ---- */

void flame_entries_init(struct flame_entries *e, const struct tree *t, const struct flame_cut *cut)
{
	uint32_t depth = 0, node = 0;
	bool keep;

	e->of = xcalloc(t->n_nodes, sizeof(*e->of));
	e->n = 0;
	/* As put_nodes writes them. */
	do {
		keep = cut->keep[node];
		if (keep) {
			e->of[node] = e->n++;
			e->n += flame_rest_of(cut, t, node).n > 0;
		}
		node = tree_next(t, node, keep, &depth);
	} while (node);
	/* A parent has a lower number than its children. */
	for (node = 1; node < t->n_nodes; node++) {
		uint32_t parent = t->nodes[node].parent;

		/* What has no weight is in no rest: there may be none. */
		if (!cut->keep[node])
			e->of[node] = e->of[parent] +
				(cut->keep[parent] && t->nodes[node].total > 0);
	}
}

void flame_entries_done(struct flame_entries *e)
{
	free(e->of);
	*e = (struct flame_entries){ 0 };
}

/* ---- the elements of the page ---- */

/* Sections that are pictures: an empty heatmap is only a sentence. */
static bool is_picture(const struct section *s)
{
	return s->kind == SECTION_TREE || s->kind == SECTION_HISTOGRAM ||
		(s->kind == SECTION_HEATMAP && s->heatmap->x.n);
}

/* What the script has to know of a section before it reads its data; NULL: there is none. */
static const char *part_kind(const struct section *s)
{
	switch (s->kind) {
	case SECTION_TREE: return s->tree->nodes[0].total ? "tree" : "empty";
	case SECTION_HEATMAP:
		return !s->heatmap->x.n ? NULL : s->heatmap->flame ? "stacks" : "heatmap";
	case SECTION_TIMELINE: return "timeline";
	case SECTION_TABLE: return table_slices_known(s) ? "table" : NULL;
	case SECTION_HISTOGRAM: return table_slices_known(s) ? "histogram" : NULL;
	}
	return NULL;
}

static void put_triple(FILE *out, bool *first, const char *kind, const struct section *s)
{
	fprintf(out, "%s[\"%s\",\"", *first ? "" : ",", kind);
	*first = false;
	escape_put(out, ESCAPE_JSON, s->id);
	fputs("\",\"", out);
	escape_put(out, ESCAPE_JSON, s->title);
	fputs("\"]", out);
}

static void put_lists(FILE *out, const struct report *r)
{
	bool first = true;

	fputs("\n\"pictures\":[", out);
	for (uint32_t i = 0; i < r->n_sections; i++)
		if (is_picture(&r->sections[i]))
			put_triple(out, &first,
				r->sections[i].kind == SECTION_TREE ? "tree" : "drawn",
				&r->sections[i]);
	fputs("],\n\"parts\":[", out);
	first = true;
	for (uint32_t i = 0; i < r->n_sections; i++)
		if (part_kind(&r->sections[i]))
			put_triple(out, &first, part_kind(&r->sections[i]), &r->sections[i]);
	fputs("]", out);
}

static uint32_t count_flames(const struct report *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->n_sections; i++)
		n += r->sections[i].kind == SECTION_HEATMAP && r->sections[i].heatmap->flame;
	return n;
}

/* What the heatmaps may hold: half as much beside a timeline, so that a page stays below 10 MB. */
static size_t weights_for_all(const struct report *r)
{
	return report_has_timeline(r) ? HEAT_MAX_WEIGHTS / 2 : HEAT_MAX_WEIGHTS;
}

static void put_heatmap(FILE *out, const struct section *s, const struct report *r,
	const struct render_options *o, unsigned width)
{
	struct arena a = { 0 };
	struct heat_picture p = heat_picture_of(s->heatmap, width, &a);
	uint32_t n_flames = count_flames(r);

	heat_data_put(out, s, &p, o, weights_for_all(r) / (n_flames ? n_flames : 1));
	arena_done(&a);
}

/* How many pairs the largest tables may have, so that all together have at most TABLES_MAX_PAIRS: those that
 * need less leave their share to the others. */
static size_t pairs_of_a_table(const struct report *r)
{
	size_t *needs = xcalloc((size_t)r->n_sections + 1, sizeof(*needs));
	size_t left = TABLES_MAX_PAIRS, limit = 0, n = 0;
	bool any = true;

	for (uint32_t i = 0; i < r->n_sections; i++)
		if (table_slices_known(&r->sections[i]))
			needs[n++] = table_slices_pairs(&r->sections[i], PAGE_MAX_ROWS);
	while (any && n) {
		any = false;
		limit = left / n;
		for (size_t i = 0; i < n; i++) {
			if (needs[i] > limit)
				continue;
			left -= needs[i];
			needs[i--] = needs[--n];
			any = true;
		}
	}
	free(needs);
	return n ? limit : TABLES_MAX_PAIRS;
}

static void put_part(FILE *out, const struct section *s, const struct report *r,
	const struct render_options *o, unsigned width, size_t max_pairs)
{
	fputs("<script type=\"application/json\" class=\"data\">", out);
	switch (s->kind) {
	case SECTION_TREE: put_tree(out, s, o); break;
	case SECTION_HEATMAP: put_heatmap(out, s, r, o, width); break;
	case SECTION_TIMELINE: timeline_data_put(out, s, o); break;
	case SECTION_TABLE:
	case SECTION_HISTOGRAM: table_slices_put(out, s, PAGE_MAX_ROWS, max_pairs); break;
	}
	fputs("</script>\n", out);
}

static void put_report(FILE *out, const struct report *r)
{
	fputs("<script id=\"report-data\" type=\"application/json\">{", out);
	put_string(out, "title", r->title);
	put_string(out, "subtitle", r->subtitle);
	fputs("\n\"notes\":[", out);
	for (uint32_t i = 0; i < r->n_notes; i++) {
		fprintf(out, "%s[\"%s\",\"", i ? "," : "", note_level_name(r->notes[i].level));
		escape_put(out, ESCAPE_JSON, r->notes[i].text);
		fputs("\"]", out);
	}
	fputs("],", out);
	put_lists(out, r);
	fputs("}</script>\n", out);
}

void flame_data_put(FILE *out, const struct report *r, const struct render_options *o,
	unsigned width)
{
	size_t max_pairs = pairs_of_a_table(r);

	put_report(out, r);
	for (uint32_t i = 0; i < r->n_sections; i++)
		if (part_kind(&r->sections[i]))
			put_part(out, &r->sections[i], r, o, width, max_pairs);
}
