#include "analyze/binary_places.h"

#include <stdio.h>

#include "analyze/command.h"
#include "analyze/inputs.h"
#include "render/escape.h"

/* An archive with traces may have their binaries, too. */
static int add_archive(void *ctx, const char *name, int fd, struct err *err)
{
	return binaries_add_archive(ctx, name, fd, err);
}

int binary_places_add(struct binaries *b, const struct analyze_options *o, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < o->n_from; i++)
		rc = binaries_add(b, o->from[i], err);
	for (uint32_t i = 0; !rc && i < o->n_files; i++)
		rc = inputs_archives(o->files[i], add_archive, b, err);
	return rc;
}

int binary_places_tell(const struct binaries *b)
{
	for (uint32_t i = 0; i < binaries_n_refused(b); i++) {
		fputs("ana: refused: ", stderr);
		escape_put(stderr, ESCAPE_TEXT, binaries_refused(b, i));
		fputc('\n', stderr);
	}
	return binaries_n_refused(b) ? EXIT_CHECK : EXIT_OK;
}
