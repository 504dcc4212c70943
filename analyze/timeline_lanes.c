#include "analyze/timeline_lanes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_THREADS = 1 << 18,
	SHOWN_COMM = 64, /* bytes of a name */
};

void timeline_lanes_init(struct timeline_lanes *t, uint64_t origin_ns, bool several)
{
	timeline_builder_init(&t->builder, origin_ns, TIMELINE_MAX_ITEMS);
	map_init(&t->by_tid, 256);
	map_init(&t->by_key, 256);
	map_init(&t->by_cpu, 16);
	t->several = several;
}

void timeline_lanes_done(struct timeline_lanes *t)
{
	timeline_builder_done(&t->builder);
	stack_list_done(&t->stacks);
	map_done(&t->by_tid);
	map_done(&t->by_key);
	map_done(&t->by_cpu);
	free(t->threads);
	free(t->lines);
	free(t->node_of);
}

/* ---- threads ---- */

static uint32_t look_up_thread(struct timeline_lanes *t, uint64_t key, uint32_t reader,
	uint32_t tid)
{
	uint32_t *at = map_get(&t->by_tid, key), n = t->n_threads;

	if (at)
		return *at;
	if (n == MAX_THREADS)
		return MAX_THREADS - 1;
	*map_put(&t->by_tid, key, NULL) = n;
	t->threads = xgrow(t->threads, n, sizeof(*t->threads));
	t->threads[n] = (struct timeline_who){ .reader = reader,
		.tid = tid,
		.lane = UINT32_MAX - 1 };
	return t->n_threads++;
}

static uint32_t thread_number(struct timeline_lanes *t, uint32_t reader, uint32_t tid)
{
	uint64_t key = (uint64_t)reader << 32 | tid;
	uint32_t number;

	if (!recent_get(&t->recent_tid, key, &number))
		recent_put(&t->recent_tid, key, number = look_up_thread(t, key, reader, tid));
	return number;
}

uint32_t timeline_who(struct timeline_lanes *t, uint32_t reader, uint32_t pid, uint32_t tid,
	struct segment *segment, uint32_t comm)
{
	uint32_t n = thread_number(t, reader, tid);
	struct timeline_who *who = &t->threads[n];

	if (who->segment != segment || who->comm != comm)
		who->label = 0;
	who->segment = segment;
	who->comm = comm;
	who->pid = pid ? pid : who->pid;
	return n;
}

static struct text comm_of(const struct timeline_who *who)
{
	struct text comm = segment_string(who->segment, who->comm);

	if (!comm.len)
		return (struct text){ "[unknown]", 9 };
	comm.len = comm.len < SHOWN_COMM ? comm.len : SHOWN_COMM;
	return comm;
}

uint32_t timeline_label(struct timeline_lanes *t, uint32_t thread)
{
	struct timeline_who *who = &t->threads[thread];
	struct text comm = comm_of(who);
	char text[SHOWN_COMM + 16];
	int n;

	if (who->label)
		return who->label - 1;
	n = snprintf(text, sizeof(text), "%.*s %u", (int)comm.len, comm.s, who->tid);
	who->label = 1 + timeline_name(&t->builder, text, (size_t)n, TIMELINE_RUNNING);
	return who->label - 1;
}

/* ---- lanes ---- */

static const char *cpu_title(struct timeline_lanes *t, uint32_t reader, uint32_t cpu)
{
	if (t->several)
		return arena_printf(&t->builder.arena, "trace %u CPU %u", reader + 1, cpu);
	return arena_printf(&t->builder.arena, "CPU %u", cpu);
}

uint32_t timeline_cpu_lane(struct timeline_lanes *t, uint32_t reader, uint32_t cpu)
{
	bool is_new;
	uint32_t *at = map_put(&t->by_cpu, (uint64_t)reader << 32 | cpu, &is_new);

	if (!is_new)
		return *at;
	*at = timeline_lane(&t->builder, TIMELINE_CPUS, cpu_title(t, reader, cpu));
	if (*at != UINT32_MAX)
		t->builder.lanes[*at].sort = (uint64_t)reader << 32 | cpu;
	return *at;
}

static uint32_t lane_of_thread(struct timeline_lanes *t, uint32_t thread, const char *title,
	uint32_t order)
{
	uint32_t lane = timeline_lane(&t->builder, TIMELINE_THREADS, title);

	if (lane == UINT32_MAX)
		return lane;
	t->builder.lanes[lane].thread = thread + 1;
	t->builder.lanes[lane].sort = order;
	return lane;
}

uint32_t timeline_thread_lane(struct timeline_lanes *t, uint32_t thread)
{
	struct timeline_who *who = &t->threads[thread];

	if (who->lane == UINT32_MAX - 1)
		who->lane = lane_of_thread(t, thread, "", 0);
	if (who->lane != UINT32_MAX)
		t->builder.lanes[who->lane].value = "CPU";
	return who->lane;
}

static uint32_t lines_of(struct timeline_lanes *t, uint64_t key, bool *is_new)
{
	uint32_t *at = map_put(&t->by_key, key, is_new);

	if (!*is_new)
		return *at;
	*at = t->n_lines;
	t->lines = xgrow(t->lines, t->n_lines, sizeof(*t->lines));
	t->lines[t->n_lines].n = 1;
	return t->n_lines++;
}

uint32_t timeline_event_lines(struct timeline_lanes *t, uint32_t thread, uint32_t order,
	const char *title)
{
	bool is_new;
	uint32_t lines = lines_of(t, (uint64_t)thread << 16 | order, &is_new);

	if (is_new)
		t->lines[lines].lanes[0] = lane_of_thread(t, thread, title, order + 1);
	return lines;
}

uint32_t timeline_disk_lines(struct timeline_lanes *t, uint32_t reader, uint64_t number,
	struct text name)
{
	bool is_new;
	uint32_t lines = lines_of(t, 1ULL << 63 | hash_u64((uint64_t)reader << 48 ^ number) >> 1,
		&is_new);
	uint32_t lane;

	if (!is_new)
		return lines;
	lane = timeline_lane(&t->builder, TIMELINE_DISKS,
		arena_strndup(&t->builder.arena, name.len ? name.s : "?", name.len ? name.len : 1));
	t->lines[lines].lanes[0] = lane;
	if (lane != UINT32_MAX) {
		t->builder.lanes[lane].sort = (uint64_t)reader << 48 ^ number;
		t->builder.lanes[lane].value = "bytes";
	}
	return lines;
}
