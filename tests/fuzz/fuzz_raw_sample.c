/* Samples of tracepoints, read by the names of fields. The input up to the first zero byte is a format file,
 * the rest a record of the ring behind its header. All that is read must lie within the record, whose
 * memory ends where it ends. */
#include <stdlib.h>
#include <string.h>

#include "record/raw_sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The format's own names, and one that is not there. */
static void choose_names(const struct trace_format *f, const char *names[RAW_FIELDS + 1])
{
	unsigned n = 0;

	names[n++] = "there_is_no_such_field?";
	for (uint32_t i = 0; i < f->n_fields && n < RAW_FIELDS; i++)
		names[n++] = f->fields[i].name;
	names[n] = NULL;
}

static void read_fields(const struct trace_format *format, const struct raw_sample *s)
{
	const char *names[RAW_FIELDS + 1];
	struct raw_fields f;
	char text[16];

	choose_names(format, names);
	if (raw_fields_find(&f, format, names, NULL))
		abort();
	if (raw_number(&f, 0, s) || raw_text(&f, 0, s, text, sizeof(text)))
		abort();
	for (unsigned i = 0; names[i]; i++) {
		raw_number(&f, i, s);
		for (unsigned k = 0; k <= UINT8_MAX; k++)
			raw_element(&f, i, k, s);
		if (raw_text(&f, i, s, text, sizeof(text)) != strlen(text))
			abort();
	}
}

static void read_sample(const struct trace_format *format, const uint8_t *data, size_t size)
{
	size_t room = size < 65000 ? size : 65000;
	struct perf_event_header *h = malloc(sizeof(*h) + room);
	struct raw_sample s;

	*h = (struct perf_event_header){ PERF_RECORD_SAMPLE, 0, (uint16_t)(sizeof(*h) + room) };
	memcpy(h + 1, data, room);
	for (int stack = 0; stack < 2; stack++) {
		if (!raw_sample_read(h, stack, &s))
			continue;
		raw_sample_in_interrupt(&s);
		raw_sample_thread(&s);
		raw_sample_is_32_bit(&s);
		for (uint32_t i = 0; i < s.n_chain; i++)
			if (s.chain[i] == 1)
				s.time++; /* that it can be read */
		read_fields(format, &s);
	}
	free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
	struct arena arena = { 0 };
	struct trace_format f;

	if (!zero)
		return 0;
	if (!trace_format_parse(&f, (const char *)data, (size_t)(zero - data), &arena, NULL))
		read_sample(&f, zero + 1, size - (size_t)(zero - data) - 1);
	arena_done(&arena);
	return 0;
}
