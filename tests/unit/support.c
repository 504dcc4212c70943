#include "tests/unit/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gen/events.h"
#include "specs/events/cpu.h"
#include "specs/events/process.h"

uint64_t random_u64(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

struct sink *memory_trace(struct writer **w)
{
	struct writer_config config = { .start_ns = 1000000000,
		.start_real_ns = 1700000000000000000,
		.boot_id = "bootbootbootboo" };
	struct sink *sink = sink_new_memory();

	*w = writer_new(sink, &config);
	return sink;
}

uint8_t *finish_trace(struct writer *w, struct sink *sink, size_t *len)
{
	const uint8_t *bytes;
	uint8_t *copy;

	assert_int_equal(writer_close(w, UINT64_MAX), 0);
	bytes = sink_memory(sink, len);
	copy = malloc(*len);
	memcpy(copy, bytes, *len);
	writer_free(w);
	sink_free(sink);
	return copy;
}

uint8_t *small_trace(unsigned n, size_t *len)
{
	struct writer *w;
	struct sink *sink = memory_trace(&w);
	int sample_type = writer_type(w, &event_cpu_sample, NULL);
	int comm_type = writer_type(w, &event_process_comm, NULL);
	uint32_t cpu0 = writer_stream(w, "cpu", 0, 0), cpu1 = writer_stream(w, "cpu", 1, 0);
	uint32_t comm = writer_string(w, "worker", 6), event = writer_string(w, "cycles", 6);
	struct mapping file = { .kind = MAPPING_FILE,
		.path = writer_string(w, "/bin/worker", 11),
		.build_id = (const uint8_t *)"0123456789abcdefghij",
		.build_id_len = 20 };
	uint32_t mapping = writer_mapping(w, &file), root = writer_stack_root(w, STACK_USER_FP);
	struct process_comm named = { .time = 1000000001, .pid = 7, .tid = 7, .comm = comm };

	writer_info(w, "command", "worker --fast");
	writer_add(w, 0, comm_type, &named);
	for (unsigned i = 0; i < n; i++) {
		struct cpu_sample s = { .time = 1000000100 + i * 1000,
			.cpu = i & 1,
			.pid = 7,
			.tid = 7 + i % 3,
			.comm = comm,
			.event = event,
			.mode = CPU_MODE_USER,
			.period = 1,
			.weight = 1 };
		uint32_t main_frame = writer_frame(w, mapping, 0x1000, NULL);
		uint32_t leaf = writer_frame(w, mapping, 0x2000 + i % 5 * 16, NULL);

		s.stack = writer_stack(w, writer_stack(w, root, main_frame), leaf);
		writer_add(w, i & 1 ? cpu1 : cpu0, sample_type, &s);
		if (i % 50 == 49)
			writer_flush(w, s.time);
	}
	writer_symbol(w,
		&(struct dict_symbol){ .frame = writer_frame(w, mapping, 0x1000, NULL),
			.name = writer_string(w, "main", 4),
			.start = 0xff0 });
	writer_info(w, "exit_status", "0");
	return finish_trace(w, sink, len);
}

void forge_init(struct forge *f, uint32_t segment)
{
	f->sink = sink_new_memory();
	emit_init(&f->emit, f->sink);
	f->emit.segment = segment;
	f->emit.patient = true;
}

void forge_start(struct forge *f)
{
	const struct segment_payload p = { .major = TRACE_MAJOR, .start_ns = 1000 };
	const struct block_header h = { .kind = BLOCK_SEGMENT, .first = 1000, .last = 1000 };

	assert_int_equal(emit_plain(&f->emit, &h, &p, sizeof(p)), 0);
}

void forge_schema(struct forge *f, uint16_t number, uint32_t n_fields, enum field_type type)
{
	static char names[MAX_FIELDS][16];
	struct field fields[MAX_FIELDS] = { { .name = "time", .type = FIELD_U64 } };
	const struct event_type t = { "forged", "", fields, n_fields, 0 };
	const struct event_type *types[] = { &t };

	for (uint32_t i = 0; i < n_fields; i++) {
		snprintf(names[i], sizeof(names[i]), "f%u", i);
		if (i)
			fields[i] = (struct field){ .name = names[i], .type = type };
		fields[i].doc = fields[i].unit = "";
	}
	assert_int_equal(emit_schema(&f->emit, types, &number, 1), 0);
}

void forge_constant_events(struct forge *f, uint16_t number, uint32_t n_fields, uint32_t n_rows,
	uint64_t time)
{
	uint8_t heads[2 * MAX_FIELDS + 64], data[MAX_FIELDS + 64];
	struct buf head = buf_of(heads, sizeof(heads)), all = buf_of(data, sizeof(data));
	struct block_header h = { .kind = BLOCK_EVENTS,
		.type = number,
		.columns = (uint16_t)n_fields,
		.count = n_rows,
		.first = time,
		.last = time };
	uint8_t payload[sizeof(heads) + sizeof(data)];

	for (uint32_t i = 0; i < n_fields; i++) {
		size_t before = all.len;

		buf_varint(&all, i ? 0 : time); /* the base; const has no residuals */
		buf_uint(&head, ENC_CONST, 1);
		buf_varint(&head, all.len - before);
	}
	memcpy(payload, heads, head.len);
	memcpy(payload + head.len, data, all.len);
	assert_int_equal(emit_plain(&f->emit, &h, payload, head.len + all.len), 0);
}

size_t block_at(const uint8_t *bytes, size_t len, unsigned i)
{
	struct block_header h;
	size_t at = 0;

	for (; i && at < len; i--) {
		memcpy(&h, bytes + at, sizeof(h));
		at += sizeof(h) + h.stored;
	}
	return at;
}

void forge_copy(struct forge *f, const uint8_t *bytes, size_t len, int except)
{
	struct block_header h;

	for (size_t at = 0; at < len; at += sizeof(h) + h.stored, except--) {
		memcpy(&h, bytes + at, sizeof(h));
		if (h.kind != BLOCK_INDEX && h.kind != BLOCK_END && except != 0)
			assert_int_equal(emit_plain(&f->emit, &h, bytes + at + sizeof(h), h.stored),
				0);
	}
}

uint8_t *forge_finish(struct forge *f, bool end, size_t *len)
{
	const uint8_t *bytes;
	uint8_t *copy;

	if (end)
		assert_int_equal(emit_end(&f->emit), 0);
	bytes = sink_memory(f->sink, len);
	copy = malloc(*len);
	memcpy(copy, bytes, *len);
	emit_done(&f->emit);
	sink_free(f->sink);
	return copy;
}

uint64_t peak_bytes(void (*body)(void *arg), void *arg)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		body(arg);
		_exit(0);
	}
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	assert_int_equal(status, 0);
	return (uint64_t)usage.ru_maxrss * 1024;
}
