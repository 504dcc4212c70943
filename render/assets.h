/* The scripts and style sheets of page/, as they are in the source tree, inside the program. */
#ifndef RENDER_ASSETS_H
#define RENDER_ASSETS_H

#include <stddef.h>
#include <stdio.h>

struct asset {
	const char *name; /* of the file */
	const char *text, *end;
};

/* Lists end with NULL. */
extern const struct asset *const picture_styles[]; /* of a live flame graph, in HTML or SVG */
extern const struct asset *const picture_scripts[];
extern const struct asset *const report_styles[]; /* an HTML report has these besides */
extern const struct asset *const report_scripts[];
extern const struct asset *const still_styles[]; /* of a drawn picture */
extern const struct asset *const main_scripts[]; /* start it all; come last */

/* "sha256-...", by which a Content-Security-Policy names a script, or NULL if the build did not
 * compute it. */
const char *asset_hash(const struct asset *a);

/* The bytes of the files. */
static inline void assets_put(FILE *out, const struct asset *const *list)
{
	for (; *list; list++)
		fwrite((*list)->text, 1, (size_t)((*list)->end - (*list)->text), out);
}

#endif
