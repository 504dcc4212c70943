#include "record/options_kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/duration.h"
#include "format/base/size.h"
#include "record/source.h"
#include "record/syscall_names.h"

enum {
	MAX_SAMPLE = 1000000,
	MIN_BUFFER = 4096,
	MAX_BUFFER = 1 << 30,
};

static void parse_min(struct options *o, const char *text, struct argp_state *state)
{
	if (duration_parse(text, &o->min_ns))
		argp_error(state, "'%s' is no time: try 1ms or 50us", text);
}

static void parse_sample(struct options *o, const char *text, struct argp_state *state)
{
	o->sample = (uint32_t)options_number(text, MAX_SAMPLE);
	if (!o->sample)
		argp_error(state, "'%s' is no number from 1 to %d: one in so many is taken", text,
			MAX_SAMPLE);
}

static void parse_buffer(struct options *o, const char *text, struct argp_state *state)
{
	char *end;

	o->buffer_bytes = strtoull(text, &end, 10);
	if ((*end && size_parse(text, &o->buffer_bytes)) || o->buffer_bytes < MIN_BUFFER ||
		o->buffer_bytes > MAX_BUFFER || o->buffer_bytes & (o->buffer_bytes - 1))
		argp_error(state, "'%s' is no buffer: a power of two, 4K to 1G", text);
}

static void check_calls(const char *list, struct argp_state *state)
{
	bool wanted[SYSCALL_PLACES];
	struct err err = { "" };

	if (syscall_select(list, wanted, &err))
		argp_error(state, "--call: %s", err.text);
}

static void check_comm(const char *name, struct argp_state *state)
{
	if (!name[0] || strlen(name) > 15)
		argp_error(state, "'%s' is no thread's name: those have 1 to 15 bytes", name);
}

_Static_assert(FILTER_TIDS == 16, "the help of --tid says how many there may be");

/* Alone they stand for the processes that they are of. Given again, the last list counts. */
static void parse_tids(struct options *o, const char *list, struct argp_state *state)
{
	o->n_tids = 0;
	for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
		char number[16];
		size_t len = strcspn(p, ",");
		uint64_t tid;

		snprintf(number, sizeof(number), "%.*s", (int)len, p);
		tid = len < sizeof(number) ? options_number(number, INT32_MAX) : 0;
		if (!tid)
			argp_error(state, "'%s' is no list of thread numbers", list);
		if (o->n_tids == FILTER_TIDS)
			argp_error(state, "--tid takes up to %d threads", FILTER_TIDS);
		o->tids[o->n_tids++] = (uint32_t)tid;
	}
	o->tid_list = list;
}

bool options_has_stacks(const struct options *o, const char *word)
{
	const char *at = o->stacks;
	size_t len = strlen(word);

	while (at && *at) {
		size_t n = strcspn(at, ",");

		if (n == len && memcmp(at, word, len) == 0)
			return true;
		at += n + (at[n] == ',');
	}
	return false;
}

bool options_stacks(const struct options *o, const struct source *s, bool usual)
{
	return o->unwind != UNWIND_NONE && !o->no_stack &&
		(o->stacks ? options_has_stacks(o, s->name) : usual);
}

static void check_stacks(const char *list, struct argp_state *state)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const struct source *s = source_by_name(list, len);

		if (!(s && s->bpf) && !(len == 6 && memcmp(list, "wakers", 6) == 0) &&
			!(len == 4 && memcmp(list, "none", 4) == 0))
			argp_error(state, "--stacks knows no '%.*s'", (int)len, list);
		list += len + (list[len] == ',');
	}
}

static bool has_bpf_source(const struct options *o)
{
	for (unsigned i = 0; i < o->n_sources; i++)
		if (o->sources[i]->bpf)
			return true;
	return false;
}

static void check_counted(const struct options *o, struct argp_state *state)
{
	if ((o->calls || o->summary) && !options_has_source(o, &source_syscalls))
		argp_error(state, "--call and --summary are about the source syscalls");
	if (o->sample && o->summary)
		argp_error(state, "--summary counts every call: --sample is for recording them");
}

/* A wait is known by the switch that begins it, the wake-up and the switch that ends it, who ran meanwhile by the
 * switches in between: of some of them nothing can be told. */
static void check_sample(const struct options *o, struct argp_state *state)
{
	const struct source *const thinned[] = { &source_block, &source_syscalls, &source_faults };
	bool sched = options_has_source(o, &source_sched), any = sched && o->min_ns;

	for (size_t i = 0; i < sizeof(thinned) / sizeof(thinned[0]); i++)
		any |= options_has_source(o, thinned[i]);
	if (!o->sample || any)
		return;
	if (sched)
		argp_error(state,
			"--sample cannot leave out switches of sched: waits are made of every one of them. "
			"With --min TIME it takes one in N of the waits; fewer threads are recorded with -p, "
			"--comm or --tid");
	argp_error(state, "--sample is about the sources block, syscalls, faults and sched");
}

static void check_working_set(const struct options *o, struct argp_state *state)
{
	if (o->working_set && !options_has_source(o, &source_faults))
		argp_error(state, "--working-set is about memory: record faults");
	if (o->working_set && !o->pids && !o->cgroup && !o->command)
		argp_error(state,
			"--working-set disturbs whom it looks at: name processes (-p), a cgroup or a "
			"command");
}

void options_kernel_check(const struct options *o, struct argp_state *state)
{
	const char *asked = o->comm ? "--comm"
		: o->n_tids         ? "--tid"
		: o->min_ns         ? "--min"
		: o->stacks         ? "--stacks"
		: o->buffer_bytes   ? "--buffer"
				    : NULL;

	if (asked && !has_bpf_source(o))
		argp_error(state, "%s is about the sources sched, block, syscalls and faults",
			asked);
	if (o->n_tids && o->command)
		argp_error(state,
			"--tid is about threads that there are: not those of a command to come");
	if (o->devices && !options_has_source(o, &source_block))
		argp_error(state, "--device is about the source block");
	for (int i = 0; sources[i]; i++)
		if (options_has_stacks(o, sources[i]->name) && !options_has_source(o, sources[i]))
			argp_error(state, "--stacks %s: that source is not recorded",
				sources[i]->name);
	if (options_has_stacks(o, "wakers") && (o->min_ns || !options_has_source(o, &source_sched)))
		argp_error(state,
			"--stacks wakers is about sched, and about all its wake-ups, not --min");
	if (o->summary && options_has_stacks(o, "syscalls"))
		argp_error(state, "--summary counts calls: it takes no stacks");
	check_counted(o, state);
	check_sample(o, state);
	check_working_set(o, state);
}

error_t options_kernel_parse(struct options *o, int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPTION_MIN: parse_min(o, arg, state); return 0;
	case OPTION_STACKS: check_stacks(o->stacks = arg, state); return 0;
	case OPTION_COMM: check_comm(o->comm = arg, state); return 0;
	case 'T': parse_tids(o, arg, state); return 0;
	case OPTION_DEVICE: o->devices = arg; return 0;
	case OPTION_CALL: check_calls(o->calls = arg, state); return 0;
	case OPTION_SAMPLE: parse_sample(o, arg, state); return 0;
	case OPTION_SUMMARY: o->summary = true; return 0;
	case OPTION_BUFFER: parse_buffer(o, arg, state); return 0;
	case OPTION_WORKING_SET: o->working_set = true; return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}
