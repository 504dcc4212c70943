#include "analyze/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int inputs_open(struct inputs *in, const char *const *files, uint32_t n, struct err *err)
{
	in->readers = xcalloc(n, sizeof(struct reader *));
	for (in->n = 0; in->n < n; in->n++) {
		in->readers[in->n] = reader_open(files[in->n], err);
		if (!in->readers[in->n])
			return -1;
	}
	return 0;
}

void inputs_close(struct inputs *in)
{
	for (uint32_t i = 0; i < in->n; i++)
		reader_close(in->readers[i]);
	free(in->readers);
	memset(in, 0, sizeof(*in));
}

int inputs_start(struct inputs *in, uint64_t *start_ns, struct err *err)
{
	*start_ns = UINT64_MAX;
	for (uint32_t i = 0; i < in->n; i++) {
		const struct segment *base, *first;
		uint64_t start;
		int rc = reader_begin(in->readers[i], err);

		if (rc)
			return rc;
		base = reader_segment(in->readers[0], 0);
		first = reader_segment(in->readers[i], 0);
		start = first->start_ns + (uint64_t)segment_shift(base, first);
		*start_ns = start < *start_ns ? start : *start_ns;
	}
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

const char *inputs_names(const struct inputs *in, struct arena *a)
{
	const char *names = "";

	for (uint32_t i = 0; i < in->n; i++)
		names = arena_printf(a, "%s%s%s", names, i ? ", " : "",
			base_name(reader_name(in->readers[i])));
	return names;
}

const char *inputs_subtitle(const struct inputs *in, struct arena *a)
{
	const struct segment *s = reader_segment(in->readers[0], 0);
	struct text host = segment_info(s, "machine.host");
	struct text command = segment_info(s, "target.command");
	const char *text = inputs_names(in, a);

	if (command.len)
		text = arena_printf(a, "%s: %.*s", text, (int)command.len, command.s);
	if (host.len)
		text = arena_printf(a, "%s, on %.*s", text, (int)host.len, host.s);
	return text;
}
