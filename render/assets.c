/* The files are taken in by the assembler, so that there is no other copy of them. */
#include "render/assets.h"

#include <string.h>

/* Makes `symbol` the asset of a file. */
#define EMBED(symbol, file) \
	__asm__(".pushsection .rodata\n" #symbol "_text:\n.incbin \"render/page/" file \
		"\"\n" #symbol "_end:\n.byte 0\n.popsection\n"); \
	extern const char symbol##_text[], symbol##_end[]; \
	static const struct asset symbol = { file, symbol##_text, symbol##_end }

EMBED(base_css, "base.css");
EMBED(flame_css, "flame.css");
EMBED(heat_css, "heat.css");
EMBED(still_css, "still.css");
EMBED(report_css, "report.css");
EMBED(format_js, "format.js");
EMBED(tree_js, "tree.js");
EMBED(layout_js, "layout.js");
EMBED(tooltip_js, "tooltip.js");
EMBED(view_js, "view.js");
EMBED(keys_js, "keys.js");
EMBED(link_js, "link.js");
EMBED(cells_js, "cells.js");
EMBED(parts_js, "parts.js");
EMBED(heat_js, "heat.js");
EMBED(timeline_css, "timeline.css");
EMBED(window_js, "window.js");
EMBED(windowed_js, "windowed.js");
EMBED(sliced_js, "sliced.js");
EMBED(lanes_js, "lanes.js");
EMBED(lanepaint_js, "lanepaint.js");
EMBED(piece_js, "piece.js");
EMBED(windowtables_js, "windowtables.js");
EMBED(timeline_js, "timeline.js");
EMBED(tables_js, "tables.js");
EMBED(main_js, "main.js");

const struct asset *const picture_styles[] = { &base_css, &flame_css, &heat_css, NULL };
const struct asset *const picture_scripts[] = { &format_js, &tree_js, &layout_js, &tooltip_js,
	&view_js, &keys_js, &link_js, &cells_js, &heat_js, &parts_js, NULL };
const struct asset *const report_styles[] = { &report_css, &timeline_css, NULL };
const struct asset *const report_scripts[] = { &tables_js, &window_js, &lanes_js, &lanepaint_js,
	&piece_js, &windowtables_js, &timeline_js, &windowed_js, &sliced_js, NULL };
const struct asset *const still_styles[] = { &still_css, NULL };
const struct asset *const main_scripts[] = { &main_js, NULL };

/* The Makefile writes a line { "view.js", "sha256-..." }, for each file. */
static const struct {
	const char *name, *hash;
} hashes[] = {
#include "gen/page_hashes.h"
	{ NULL, NULL },
};

const char *asset_hash(const struct asset *a)
{
	for (size_t i = 0; hashes[i].name; i++)
		if (!strcmp(hashes[i].name, a->name))
			return hashes[i].hash;
	return NULL;
}
