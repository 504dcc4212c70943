#include "tests/unit/support.h"

#include <stdlib.h>
#include <string.h>

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
