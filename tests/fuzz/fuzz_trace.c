/* Any bytes as a trace: the reader by index and by walking, the reader of streams, every decoder,
 * merge, verify, copy and the lookups of segments. Checksums would keep nearly every input out, so those
 * of blocks that otherwise could be one are mended first; damaged ones come from the walk over what
 * lies between. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/block.h"
#include "format/copy.h"
#include "format/merge.h"
#include "format/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_checksums(uint8_t *bytes, size_t size)
{
	struct block_header h;

	for (size_t at = 0; at + sizeof(h) <= size;) {
		memcpy(&h, bytes + at, sizeof(h));
		if (h.magic != TRACE_MAGIC || h.stored > size - at - sizeof(h)) {
			at++;
			continue;
		}
		/* block_seal wants header and payload side by side and aligned. */
		uint8_t *copy = malloc(sizeof(h) + h.stored);

		memcpy(copy, bytes + at, sizeof(h) + h.stored);
		block_seal((struct block_header *)copy, h.stored);
		memcpy(bytes + at, copy, sizeof(h));
		free(copy);
		at += sizeof(h) + h.stored;
	}
}

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

static void read_all(struct reader *r)
{
	const struct want want = { NULL, NULL, 0 };
	/* Little, so that small inputs reach what large traces do. */
	struct merge_options o = { .wants = &want, .n_wants = 1, .held_bytes = 1 << 20 };
	struct merge *m = merge_new(&r, 1, &o);
	struct row row;
	uint64_t sum = 0, n = 0;

	while (n++ < 100000 && merge_next(m, &row, NULL) > 0)
		sum += touch_row(&row);
	if (sum == UINT64_MAX) /* so that nothing is optimized away */
		abort();
	merge_free(m);
}

/* Whatever a trace is, what is copied from it is sound. */
static void copy_all(struct reader *r)
{
	struct sink *sink = sink_new_memory();
	struct copy_options o = { .fact = { "trace.repaired", "x" } };
	struct copy_result result = { 0 };
	struct verify_result v;
	struct reader *copy;
	const uint8_t *bytes;
	size_t len, n;

	if (copy_trace(r, sink, &o, &result, NULL))
		abort();
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
	sink_free(sink);
}

static void as_file(const uint8_t *bytes, size_t size)
{
	struct reader *r = reader_open_memory(bytes, size, NULL);
	struct verify_result v;

	if (!r)
		return;
	read_all(r);
	if (size < 20000) {
		verify(r, &v, NULL);
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
	read_all(r);
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
