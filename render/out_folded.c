/* Folded stacks, the lingua franca of flame graphs: frames from the outermost in, joined by `;`, a
 * space, and the weight that ends there (Brendan Gregg's stackcollapse-*.pl). flamegraph.pl,
 * speedscope and many others read it. With --annotate, names carry _[k], _[j], _[i] for kernel,
 * JIT and inlined frames, as stackcollapse-perf.pl --all writes them.
 *
 * A `;` in a name becomes `:`. If a report has several trees, each stack begins with its tree's
 * id. The root is not written; weight that ends in it is a stack of the one frame `[no stack]`.
 * What is above STACK_LINE_MAX frames is one frame `[deeper]`. */
#include <errno.h>

#include "render/number.h"
#include "render/render.h"
#include "render/tree.h"
#include "render/stack_line.h"

static void put_weight(FILE *out, uint64_t weight)
{
	char number[NUMBER_MAX];

	fprintf(out, " %s\n", number_plain(number, weight));
}

static void put_node(FILE *out, const struct tree_node *n, const char *line, bool is_root)
{
	if (!n->self)
		return;
	fputs(line, out);
	if (is_root)
		fputs(*line ? ";[no stack]" : "[no stack]", out);
	put_weight(out, n->self);
}

static void put_tree(FILE *out, const struct tree *t, const char *first, bool annotate)
{
	struct stack_line line;
	uint32_t node = 0, depth = 0;

	stack_line_init(&line, t, ESCAPE_FOLDED, annotate, first);
	do {
		const struct tree_node *n = &t->nodes[node];
		const char *text = stack_line_set(&line, node, depth);
		bool cut = depth == STACK_LINE_MAX;

		put_node(out, n, text, node == 0);
		if (cut && n->total > n->self) {
			fprintf(out, "%s;[deeper]", text);
			put_weight(out, n->total - n->self);
		}
		node = tree_next(t, node, !cut, &depth);
	} while (node);
	stack_line_done(&line);
}

static int render_folded(const struct report *r, const struct render_options *o, FILE *out,
	struct err *err)
{
	uint32_t n_trees = 0;

	for (uint32_t i = 0; i < r->n_sections; i++)
		n_trees += r->sections[i].kind == SECTION_TREE;
	if (!n_trees)
		return err_set(err, ENOTSUP,
			"folded stacks need stacks, and this report has only "
			"tables: use text, csv or json");
	for (uint32_t i = 0; i < r->n_sections; i++) {
		const struct section *s = &r->sections[i];

		if (s->kind == SECTION_TREE)
			put_tree(out, s->tree, n_trees > 1 ? s->id : "", o->annotate);
	}
	return 0;
}

const struct renderer out_folded = {
	.name = "folded",
	.suffix = ".folded",
	.summary = "folded stacks, as flamegraph.pl and speedscope read them",
	.render = render_folded,
};
