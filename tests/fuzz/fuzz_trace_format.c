/* The kernel's description of a tracepoint, and raw records. The kernel is trusted, but formats differ
 * between versions and drivers bring their own. The input up to the first zero byte is a format file,
 * the rest a record. What is understood must fit a trace's schema, with fields inside the row and each
 * name once; a row is made from any record, read from memory that ends where it ends. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/emit_tables.h"
#include "record/trace_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct writer *writer(void)
{
	static struct writer *w;
	struct writer_config config = { .start_ns = 1 };

	if (!w)
		w = writer_new(sink_new(open("/dev/null", O_WRONLY | O_CLOEXEC), 1 << 20), &config);
	return w;
}

static void check_type(const struct event_type *t)
{
	if (!emit_schema_fits(t))
		abort();
	for (uint32_t i = 0; i < t->n_fields; i++) {
		const struct field *f = &t->fields[i];

		if (!f->name[0] || field_width(f->type) != f->size ||
			f->offset + f->size > t->size || event_field(t, f->name) != (int)i)
			abort();
	}
}

static void make_row(const struct trace_type *t, const uint8_t *data, size_t size)
{
	uint8_t *row = malloc(t->type.size), *raw = malloc(size ? size : 1);

	memcpy(raw, data, size);
	trace_type_row(t, writer(), raw, size, row);
	free(raw);
	free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	size_t len = zero ? (size_t)(zero - data) : size, rest = zero ? size - len - 1 : 0;
	struct arena arena = { 0 };
	struct trace_format f;
	struct trace_type t;
	struct err err = { "" };
	char *text = malloc(len ? len : 1); /* not terminated: a read too far is seen */
	int rc;

	memcpy(text, data, len);
	rc = trace_format_parse(&f, text, len, &arena, &err);
	if (rc && !err.text[0])
		abort();
	for (int stack = 0; !rc && stack < 2; stack++) {
		if (trace_type_make(&t, "fuzz", "", &f, stack, &arena, &err))
			continue;
		check_type(&t.type);
		make_row(&t, data + size - rest, rest);
	}
	if (writer_crowded(writer()))
		writer_roll(writer(), 1, 1);
	arena_done(&arena);
	free(text);
	return 0;
}
