/* Makes a large trace without recording one: make_trace SAMPLES > out.rec
 *
 * CPU samples of 8 CPUs and 200 threads in 20 processes, each with 1,500 distinct stacks of 5 to 60
 * frames of a thousand named functions, some stacks far more often than others, at a rate and with a
 * jitter like those of real sampling. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/writer.h"
#include "gen/events.h"
#include "specs/events/cpu.h"

enum { CPUS = 8, PROCESSES = 20, THREADS = 200, FUNCTIONS = 1000, STACKS = 1500 };

static uint64_t state = 88172645463325252ULL;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint32_t frames[FUNCTIONS];
static uint32_t stacks[PROCESSES][STACKS];

static void make_frames(struct writer *w)
{
	struct mapping m = { .kind = MAPPING_FILE,
		.path = writer_string(w, "/usr/bin/server", 15),
		.build_id = (const uint8_t *)"benchbenchbenchbench",
		.build_id_len = 20 };
	uint32_t mapping = writer_mapping(w, &m);
	char name[64];

	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		struct dict_symbol s = { .start = 0x1000 + i * 256 };

		snprintf(name, sizeof(name), "module_%u_function_%u", i % 37, i);
		s.frame = frames[i] = writer_frame(w, mapping, 0x1000 + i * 256 + 17, NULL);
		s.name = writer_string(w, name, strlen(name));
		writer_symbol(w, &s);
	}
}

/* A walk down a call graph in which each function calls few others, so that stacks share trunks. */
static void make_stacks(struct writer *w, uint32_t *to)
{
	uint32_t root = writer_stack_root(w, STACK_USER_FP);

	for (uint32_t i = 0; i < STACKS; i++) {
		unsigned depth = 5 + next_random() % 56, f = 0;
		uint32_t node = root;

		for (unsigned d = 0; d < depth; d++) {
			node = writer_stack(w, node, frames[f]);
			f = (f * 3 + 1 + (next_random() % (d < 40 ? 2 : 6))) % FUNCTIONS;
		}
		to[i] = node;
	}
}

/* Numbers near 0 come far more often. */
static uint32_t skewed(uint32_t n)
{
	double x = (double)(next_random() >> 11) / (double)(1ULL << 53);

	return (uint32_t)(pow(x, 4) * n);
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	struct writer_config config = { .start_ns = 1000000000,
		.start_real_ns = 1700000000000000000 };
	struct sink *sink = sink_new(STDOUT_FILENO, 0);
	struct writer *w = writer_new(sink, &config);
	int type = writer_type(w, &event_cpu_sample, NULL);
	uint32_t streams[CPUS], comms[PROCESSES], event = writer_string(w, "cycles", 6);
	int rc;

	for (int i = 0; i < CPUS; i++)
		streams[i] = writer_stream(w, "cpu", i, 0);
	for (int i = 0; i < PROCESSES; i++) {
		char name[16];

		snprintf(name, sizeof(name), "server-%d", i);
		comms[i] = writer_string(w, name, strlen(name));
	}
	make_frames(w);
	for (int i = 0; i < PROCESSES; i++)
		make_stacks(w, stacks[i]);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t thread = skewed(THREADS), process = thread % PROCESSES;
		uint32_t cpu = (uint32_t)(i % CPUS);
		struct cpu_sample s = { .time = 1000000000 + i / CPUS * 1000000 +
				next_random() % 20000,
			.cpu = cpu,
			.pid = 1000 + process,
			.tid = 2000 + thread,
			.comm = comms[process],
			.stack = stacks[process][skewed(STACKS)],
			.event = event,
			.mode = CPU_MODE_USER,
			.period = 1000000 + next_random() % 4096,
			.weight = 1 };

		rc = writer_add(w, streams[cpu], type, &s);
		if (!rc && i % 8000 == 7999)
			rc = writer_flush(w, s.time - 1000000);
		if (rc)
			break;
	}
	rc = writer_close(w, UINT64_MAX);
	writer_free(w);
	sink_free(sink);
	if (rc)
		fprintf(stderr, "make_trace: %s\n", strerror(-rc));
	return rc ? 1 : 0;
}
