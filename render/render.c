/* The list of outputs. Text first: it is the default. */
#include "render/render.h"

#include <string.h>
#include <strings.h>

extern const struct renderer out_text, out_json, out_csv, out_folded, out_svg, out_html;

const struct renderer *const renderers[] = { &out_text, &out_json, &out_csv, &out_folded, &out_svg,
	&out_html, NULL };

const struct renderer *renderer_by_name(const char *name)
{
	for (size_t i = 0; renderers[i]; i++)
		if (!strcmp(renderers[i]->name, name))
			return renderers[i];
	return NULL;
}

static bool ends_with(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len > n && !strcasecmp(s + len - n, suffix);
}

const struct renderer *renderer_by_file(const char *path)
{
	for (size_t i = 0; renderers[i]; i++)
		if (ends_with(path, renderers[i]->suffix))
			return renderers[i];
	return NULL;
}
