/* Any bytes as a trace: the reader by index and by walking, the reader of streams, every decoder,
 * merge, verify, copy and the lookups of segments. Checksums would keep nearly every input out, so those
 * of blocks that otherwise could be one are mended first; damaged ones come from the walk over what
 * lies between. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyze/symbolize.h"
#include "format/annotate.h"
#include "format/batch.h"
#include "format/copy.h"
#include "format/merge.h"
#include "format/verify.h"
#include "tests/fuzz/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks at everything a row refers to. */
static uint64_t touch_row(const struct row *row)
{
	uint64_t sum = 0;
	uint64_t address;

	for (uint32_t i = 0; i < row->type->n_fields; i++) {
		uint32_t v = (uint32_t)row->values[i], depth = 0;

		switch (row->type->fields[i].type) {
		case FIELD_STRING: sum += segment_string(row->segment, v).len; break;
		case FIELD_MAPPING: sum += segment_mapping(row->segment, v).build_id_len; break;
		case FIELD_STACK:
			for (; v && depth++ < 1000; v = segment_stack_parent(row->segment, v)) {
				uint32_t frame = segment_stack_frame(row->segment, v);

				segment_frame(row->segment, frame, &address);
				for (const struct symbol *y = segment_symbol(row->segment, frame);
					y; y = segment_symbol_next(row->segment, y))
					sum += segment_string(row->segment, y->name).len;
			}
			break;
		default:
			sum += enum_name(row->type->fields[i].enumeration,
				       (int64_t)row->values[i]) != NULL;
		}
	}
	return sum;
}

enum { MAX_ROWS = 100000 };

/* Also in which order they came. */
struct rows_sum {
	uint64_t sum, n;
};

static void add_row(void *ctx, struct row *row)
{
	struct rows_sum *s = ctx;

	s->sum = hash_u64(s->sum ^ row->time) + touch_row(row);
	s->n++;
}

static struct rows_sum read_all(struct reader *r, bool in_batches)
{
	const struct want want = { NULL, NULL, 0 };
	/* Little, so that small inputs reach what large traces do. */
	struct merge_options o = { .wants = &want, .n_wants = 1, .held_bytes = 1 << 20 };
	struct merge *m = merge_new(&r, 1, &o);
	struct rows_sum s = { 0 };
	struct batch *b;
	struct row row;

	while (!in_batches && s.n < MAX_ROWS && merge_next(m, &row, NULL) > 0)
		add_row(&s, &row);
	while (in_batches && s.n < MAX_ROWS && merge_next_batch(m, &b, NULL) > 0) {
		batch_rows(b, 0, 1, add_row, &s);
		if (merge_one_by_one(m))
			merge_return_batch(m, b); /* else the end does */
	}
	merge_free(m);
	return s;
}

static void read_both_ways(struct reader *r)
{
	struct rows_sum one = read_all(r, false), many = read_all(r, true);

	if (one.n < MAX_ROWS && (one.n != many.n || one.sum != many.sum))
		abort();
}

static void check_sound(struct sink *sink)
{
	struct verify_result v;
	struct reader *copy;
	const uint8_t *bytes;
	size_t len, n;

	bytes = sink_memory(sink, &len);
	copy = len ? reader_open_memory(bytes, len, NULL) : NULL;
	if (copy) {
		verify(copy, &v, NULL);
		reader_damage(copy, &n);
		if (n || !v.complete)
			abort();
	} else if (len) {
		abort();
	}
	reader_close(copy);
}

/* Whatever a trace is, what is copied from it is sound. */
static void copy_all(struct reader *r)
{
	struct sink *sink = sink_new_memory();
	struct copy_options o = { .fact = { "trace.repaired", "x" } };
	struct copy_result result = { 0 };

	if (copy_trace(r, sink, &o, &result, NULL))
		abort();
	check_sound(sink);
	sink_free(sink);
}

static uint32_t two_names(void *ctx, const struct segment *from, uint32_t frame,
	const struct carry_symbol **list)
{
	static const struct carry_symbol names[] = { { .name = { "outer", 5 } },
		{ .name = { "inner", 5 }, .file = { "inner.c", 7 }, .line = 97 } };

	(void)ctx;
	(void)from;
	*list = names;
	return frame % 3;
}

/* So is one with more names, where the source is. */
static void annotate_all(struct reader *r)
{
	const struct carry_symbols symbols = { two_names, NULL };
	const struct carry_fact fact = { "trace.symbolized", "x" };
	struct sink *sink = sink_new_memory();

	if (annotate_allowed(r)) {
		if (annotate_trace(r, sink, &symbols, &fact))
			abort();
		check_sound(sink);
	}
	sink_free(sink);
}

/* As far as no file is opened: no build is looked for, so that nothing is known. */
static void symbolize(struct reader *r)
{
	struct carry_symbols symbols;
	const struct carry_symbol *list;
	struct symbolize s;

	symbolize_init(&s);
	symbolize_collect(&s, r);
	symbols = symbolize_symbols(&s);
	for (uint32_t k = 0; k < reader_n_segments(r); k++) {
		const struct segment *from = reader_segment(r, k);

		for (uint32_t f = 1; f < from->n_frames; f++)
			if (symbols.names(symbols.ctx, from, f, &list))
				abort();
	}
	symbolize_done(&s);
}

static void as_file(const uint8_t *bytes, size_t size)
{
	struct reader *r = reader_open_memory(bytes, size, NULL);
	struct verify_result v;

	if (!r)
		return;
	read_both_ways(r);
	symbolize(r);
	if (size < 20000) {
		verify(r, &v, NULL);
		annotate_all(r);
		if (size % 8 == 0) /* a writer takes much memory, which costs the sanitizers time */
			copy_all(r);
	}
	reader_close(r);
}

static void as_stream(const uint8_t *bytes, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	struct reader *r;

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
		abort();
	r = reader_open_stream(fd, NULL);
	read_all(r, size % 2);
	reader_close(r);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	if (!size) {
		free(bytes);
		return 0;
	}
	memcpy(bytes, data, size);
	mend_checksums(bytes, size);
	as_file(bytes, size);
	as_stream(bytes, size);
	free(bytes);
	return 0;
}
