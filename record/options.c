/* The command line of `rec`. Sources come first, as in `rec cpu,sched -p 1234`; what follows the
 * options is the command to start. */
#include "record/options.h"

#include <argp.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/duration.h"
#include "format/base/option_table.h"
#include "format/base/size.h"
#include "record/command.h"
#include "record/options_kernel.h"
#include "record/source.h"

enum {
	EXIT_USAGE = 2,
	EXIT_CANNOT = 3,
	MAX_HZ = 1000000,
	MIN_RING = 1 << 20,
	MAX_KEEP = 100000,
	MIN_INTERVAL_NS = 1000000,
	DEFAULT_STACK = 16 << 10,
	MIN_STACK = 1 << 10,
	MAX_STACK = (1 << 16) - 8, /* a record's size has 16 bits */
};

enum key {
	KEY_RING = OPTION_KERNEL_LAST,
	KEY_ROTATE,
	KEY_KEEP,
	KEY_CGROUP,
	KEY_TRIGGER,
	KEY_MAX_SIZE,
	KEY_MAX_CPU,
	KEY_NO_STACK,
	KEY_NO_INLINE,
	KEY_STAT,
	KEY_INTERVAL,
	KEY_STACK_SIZE,
};

/* In the order of enum unwind. */
#define UNWIND_WORDS "auto|fp|dwarf|none|bpf"

const struct source *const sources[] = {
	&source_cpu,
	&source_sched,
	&source_block,
	&source_syscalls,
	&source_faults,
	&source_event,
	&source_stat,
	NULL,
};

const struct source *source_by_name(const char *name, unsigned long len)
{
	for (int i = 0; sources[i]; i++)
		if (strlen(sources[i]->name) == len && memcmp(sources[i]->name, name, len) == 0)
			return sources[i];
	return NULL;
}

static const struct argp_option argp_options[] = {
	{ NULL, 0, NULL, 0, "Whom to record (default: the whole system)", 1 },
	{ "pid", 'p', "PID,...", 0, "These processes, their threads and children to come", 0 },
	{ "cgroup", KEY_CGROUP, "PATH", 0,
		"The processes of a control group and of those below it: a folder under /sys/fs/cgroup, or "
		"a path as in /proc/PID/cgroup",
		0 },
	{ "all", 'a', NULL, 0, "The whole system", 0 },
	{ "comm", OPTION_COMM, "NAME", 0,
		"Of these only threads called NAME (sched, block, syscalls, faults)", 0 },
	{ "tid", 'T', "TID,...", 0,
		"Of these only the threads with these numbers, up to 16 (sched, block, syscalls, faults), "
		"also when they start another program and have their process's number then. Alone: of "
		"their processes",
		0 },
	{ NULL, 0, NULL, 0, "How", 2 },
	{ "output", 'o', "FILE", 0,
		"Write to FILE, which must not exist, or - for standard output, where a COMMAND's own "
		"goes to standard error then (default: SOURCES-DATE-TIME.rec)",
		0 },
	{ "duration", 'd', "TIME", 0,
		"Stop after TIME: 10, 1.5s, 200ms, 5m (default: when the command or the processes "
		"end, or at ^C). A COMMAND that still runs is then ended with SIGTERM, and what it has "
		"started with it",
		0 },
	{ "frequency", 'F', "HZ", 0, "Samples a second and CPU (default: 99)", 0 },
	{ "event", 'e', "EVENT,...", 0,
		"Record these events; a source need not be named then. SYSTEM:EVENT[/FILTER/] is a "
		"tracepoint, with shell wildcards; uprobe:FILE:FUNCTION[+OFFSET], "
		"uretprobe:FILE:FUNCTION and usdt:FILE:PROVIDER:NAME are probes; cycles, "
		"cache-misses, LLC-load-misses, page-faults, r0243, ... take CPU samples",
		0 },
	{ "count", 'c', "N", 0, "CPU samples every N events instead of -F times a second", 0 },
	{ "no-stack", KEY_NO_STACK, NULL, 0, "Everything but CPU samples without stacks", 0 },
	{ "stat", KEY_STAT, "EVENT,...", 0,
		"Count these events and write the counts every --interval; those in {} are counted "
		"at the same time. `rec stat` counts the usual ones",
		0 },
	{ "interval", KEY_INTERVAL, "TIME", 0,
		"Between two counts (default: 100ms), or two looks at memory in use (default: 1s)",
		0 },
	{ "min", OPTION_MIN, "TIME", 0,
		"Of sched, block, syscalls and faults only what takes at least TIME: 1ms", 0 },
	{ "device", OPTION_DEVICE, "DISK,...", 0,
		"Of block only these disks or partitions: vda, /dev/sdb1, 254:0", 0 },
	{ "sample", OPTION_SAMPLE, "N", 0,
		"Of block, syscalls and faults one in N, picked at random; each counts for N. Of sched only "
		"with --min: of the waits",
		0 },
	{ "working-set", OPTION_WORKING_SET, NULL, 0,
		"With faults: how much memory processes touch in each --interval. Slows them down a "
		"little, and clears what the kernel knows about the age of their pages",
		0 },
	{ "stacks", OPTION_STACKS, "WHAT,...", 0,
		"Take stacks with these sources' events, and with no others of the kernel: sched, block, "
		"syscalls, faults; wakers: of who wakes a thread; none (default: sched,faults)",
		0 },
	{ "call", OPTION_CALL, "NAME,...", 0,
		"Of syscalls only these, with shell wildcards: openat,'epoll_*'; or all but these: '!futex'",
		0 },
	{ "summary", OPTION_SUMMARY, NULL, 0,
		"Do not record each system call but count them in the kernel, by process, name and "
		"duration, and write the counts every second",
		0 },
	{ "buffer", OPTION_BUFFER, "SIZE", 0,
		"Memory of a CPU in which the kernel's events wait for `rec` (default: 8M, less on many "
		"CPUs)",
		0 },
	{ "unwind", 'u', UNWIND_WORDS, 0,
		"User stacks: dwarf (by the call frame information of binaries, or else frame pointers), bpf "
		"(the same, in the kernel), fp (frame pointers alone), none, or auto (default): dwarf for "
		"samples at a frequency, bpf for the sources that are BPF programs, fp for all other events",
		0 },
	{ "stack-size", KEY_STACK_SIZE, "SIZE", 0,
		"With dwarf: how much of a stack is looked at, 1K to 64K (default: 16K). Frames beyond are "
		"missing, and reports say so",
		0 },
	{ "no-inline", KEY_NO_INLINE, NULL, 0,
		"Neither inlined functions nor lines: do not read DWARF for names, which takes seconds "
		"for very large programs",
		0 },
	{ "max-cpu", KEY_MAX_CPU, "PERCENT", 0,
		"When `rec` itself takes more than this share of one CPU, take fewer samples (of cpu) and "
		"calls (of syscalls); each then counts for more, so that totals stay right. All other "
		"sources go on as they are",
		0 },
	{ "realtime", 'r', "PRIORITY", 0,
		"Take events out of the kernel's buffers before anything else runs, with this real-time "
		"priority (1 to 99, SCHED_FIFO), as long as is recorded: on machines so busy that events are "
		"lost. It may take a CPU for itself where there is much to record. Takes root, CAP_SYS_NICE "
		"or a limit (ulimit -r)",
		0 },
	{ NULL, 0, NULL, 0, "What to keep of a long recording (default: everything)", 3 },
	{ "ring", KEY_RING, "AMOUNT", 0,
		"Only the last minutes (60s, 5m) or bytes (64M), in memory; written at the end and at each "
		"SIGUSR2: FILE, FILE-0002.rec...",
		0 },
	{ "trigger", KEY_TRIGGER, "CONDITION", 0,
		"With --ring: also write it, a second later, when an event is so: 'cpu_sample.comm == "
		"\"java\"', 'syscalls:sys_exit_fsync.ret < 0'; terms joined by &&; several times",
		0 },
	{ "rotate", KEY_ROTATE, "AMOUNT", 0,
		"Begin another file after a time (10m) or size (1G): FILE-0001.rec, FILE-0002.rec...",
		0 },
	{ "keep", KEY_KEEP, "N", 0, "With --rotate: remove all but the last N files", 0 },
	{ "max-size", KEY_MAX_SIZE, "SIZE", 0,
		"Take about SIZE at the most: the recording then ends; with --rotate the oldest files go, "
		"with --ring the oldest events (default there: 256M)",
		0 },
	{ NULL, 0, NULL, 0, "Other", 4 },
	{ "quiet", 'q', NULL, 0, "No notes and no summary, only errors", 0 },
	{ NULL, 'h', NULL, OPTION_HIDDEN, "As --help", 0 },
	{ 0 },
};

/* A command without a source before it: says how it would be recorded. */
static void ask_for_source(const struct argp_state *state)
{
	char words[200] = "";
	size_t n = 0;

	for (int i = 1; i < state->argc && n < sizeof(words); i++)
		n += (size_t)snprintf(words + n, sizeof(words) - n, " %s", state->argv[i]);
	argp_error(state, "name what to record, such as: rec cpu%s%s", words,
		n < sizeof(words) ? "" : "...");
}

static void parse_sources(struct options *o, const char *list, struct argp_state *state)
{
	while (*list) {
		size_t len = strcspn(list, ",");
		const struct source *s = source_by_name(list, len);

		if (!s) {
			argp_error(state,
				"there is no source '%.*s': rec list tells which there are",
				(int)len, list);
			return;
		}
		for (unsigned i = 0; i < o->n_sources; i++)
			if (o->sources[i] == s)
				argp_error(state, "source '%s' is named twice", s->name);
		o->sources[o->n_sources++] = s;
		list += len + (list[len] == ',');
	}
}

uint64_t options_number(const char *text, uint64_t max)
{
	unsigned long long n;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	return *end || errno || n > max ? 0 : n;
}

bool options_has_source(const struct options *o, const struct source *s)
{
	for (unsigned i = 0; i < o->n_sources; i++)
		if (o->sources[i] == s)
			return true;
	return false;
}

static void parse_frequency(struct options *o, const char *text, struct argp_state *state)
{
	o->frequency = (uint32_t)options_number(text, MAX_HZ);
	if (!o->frequency)
		argp_error(state, "'%s' is no frequency: give samples a second, 1 to %d", text,
			MAX_HZ);
}

static void parse_unwind(struct options *o, const char *text, struct argp_state *state)
{
	int i = option_word(UNWIND_WORDS, text);

	if (i < 0)
		argp_error(state, "'%s' is no way to unwind: " UNWIND_WORDS, text);
	o->unwind = (enum unwind)i;
}

/* A time or a size; which one shows by its unit. */
static void parse_amount(const char *text, uint64_t *ns, uint64_t *bytes, struct argp_state *state)
{
	bool number = text[0] && !text[strspn(text, "0123456789.")];

	*ns = *bytes = 0;
	if (number || (duration_parse(text, ns) && size_parse(text, bytes)) || !(*ns | *bytes))
		argp_error(state, "'%s' is neither a time (60s, 5m) nor a size (64M)", text);
}

static void parse_size(const char *text, uint64_t *bytes, struct argp_state *state)
{
	if (size_parse(text, bytes) || !*bytes)
		argp_error(state, "'%s' is no size: try 500K, 64M or 2G", text);
}

static void parse_stack_size(struct options *o, const char *text, struct argp_state *state)
{
	uint64_t bytes;

	if (size_parse(text, &bytes) || bytes < MIN_STACK || bytes > MAX_STACK + 8)
		argp_error(state, "'%s' is no size of a stack: 1K to 64K", text);
	o->stack_bytes = bytes > MAX_STACK ? MAX_STACK : (uint32_t)bytes & ~7u;
}

static void add_trigger(struct options *o, const char *text, struct argp_state *state)
{
	if (o->n_triggers == MAX_TRIGGERS)
		argp_error(state, "more than %d triggers", MAX_TRIGGERS);
	o->triggers[o->n_triggers++] = text;
}

static void parse_keep(struct options *o, const char *text, struct argp_state *state)
{
	o->keep = (uint32_t)options_number(text, MAX_KEEP);
	if (!o->keep)
		argp_error(state, "'%s' is no number of files", text);
}

static void parse_realtime(struct options *o, const char *text, struct argp_state *state)
{
	o->realtime = (int)options_number(text, sched_get_priority_max(SCHED_FIFO));
	if (!o->realtime)
		argp_error(state, "'%s' is no real-time priority: 1 to 99", text);
}

static void parse_max_cpu(struct options *o, const char *text, struct argp_state *state)
{
	char *end;

	o->max_cpu = strtod(text, &end);
	if (end == text || (*end && strcmp(end, "%") != 0) || !(o->max_cpu > 0))
		argp_error(state, "'%s' is no percentage of a CPU: try 2 or 0.5", text);
}

static void check_keeping(const struct options *o, struct argp_state *state)
{
	bool ring = options_ring(o), rotate = options_rotate(o);

	if (ring && rotate)
		argp_error(state, "either --ring or --rotate");
	if (o->n_triggers && !ring)
		argp_error(state, "--trigger writes what a --ring holds: give that too");
	if (o->keep && !rotate)
		argp_error(state, "--keep is about the files of --rotate");
	if (o->ring_bytes && o->max_bytes)
		argp_error(state, "--ring %s gives the size already", "SIZE");
	if (ring &&
		(o->ring_bytes ? o->ring_bytes < MIN_RING
			       : o->max_bytes && o->max_bytes < MIN_RING))
		argp_error(state, "a ring needs 1M at the least");
	if (rotate && o->output && strcmp(o->output, "-") == 0)
		argp_error(state, "--rotate makes files: standard output is one stream");
}

static void check_pids(const char *list, struct argp_state *state)
{
	if (!list[0] || list[strspn(list, "0123456789,")] || strstr(list, ",,") || list[0] == ',' ||
		list[strlen(list) - 1] == ',')
		argp_error(state, "'%s' is no list of process numbers", list);
}

static void parse_count(struct options *o, const char *text, struct argp_state *state)
{
	o->count = options_number(text, UINT64_MAX);
	if (!o->count)
		argp_error(state, "'%s' is no number of events", text);
}

static void parse_interval(struct options *o, const char *text, struct argp_state *state)
{
	if (duration_parse(text, &o->interval_ns) || o->interval_ns < MIN_INTERVAL_NS)
		argp_error(state, "'%s' is no interval: try 100ms, at least 1ms", text);
}

static void parse_events(struct event_specs *l, const char *text, struct argp_state *state)
{
	struct err err = { "" };

	if (event_specs_add(l, text, &err))
		argp_error(state, "%s", err.text);
}

/* Events bring their sources along. */
static void add_sources(struct options *o, struct argp_state *state)
{
	const struct {
		const struct source *source;
		bool due;
	} implied[] = { { &source_cpu, event_specs_has(&o->events, true) },
		{ &source_event, event_specs_has(&o->events, false) },
		{ &source_stat, o->stat.n > 0 } };

	if (options_has_source(o, &source_event) && !implied[1].due)
		argp_error(state, "name the tracepoints or probes to record: -e SYSTEM:EVENT");
	for (size_t i = 0; i < sizeof(implied) / sizeof(implied[0]); i++)
		if (implied[i].due && !options_has_source(o, implied[i].source))
			o->sources[o->n_sources++] = implied[i].source;
}

static void check(struct options *o, struct argp_state *state)
{
	check_keeping(o, state);
	add_sources(o, state);
	if (!o->n_sources)
		argp_error(state, "name what to record, such as: rec cpu -- COMMAND");
	options_kernel_check(o, state);
	if (o->count && o->frequency)
		argp_error(state, "samples come either by frequency (-F) or by count (-c)");
	for (unsigned i = 0; i < o->stat.n; i++)
		if (o->stat.specs[i].kind != EVENT_SAMPLE)
			argp_error(state,
				"--stat cannot count '%s': give it cycles, page-faults, ...",
				o->stat.specs[i].text);
	if (o->n_tids && !o->pids && !o->system && !o->cgroup)
		o->pids = o->tid_list;
	if ((o->pids != NULL) + o->system + (o->cgroup != NULL) + (o->command != NULL) > 1)
		argp_error(state,
			"record either processes (-p), a cgroup, the system (-a) or a command");
}

/* Whether the first word names sources. Where events are named no source is needed, and the first word
 * may be the command, as behind `--` it always is. */
static bool is_source_list(const struct options *o, const char *list,
	const struct argp_state *state)
{
	if (!o->events.n && !o->stat.n)
		return true;
	return !state->quoted && source_by_name(list, strcspn(list, ","));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'p': check_pids(o->pids = arg, state); return 0;
	case 'a': o->system = true; return 0;
	case 'o': o->output = arg; return 0;
	case 'q': o->quiet = true; return 0;
	case 'F': parse_frequency(o, arg, state); return 0;
	case 'u': parse_unwind(o, arg, state); return 0;
	case KEY_STACK_SIZE: parse_stack_size(o, arg, state); return 0;
	case KEY_RING: parse_amount(arg, &o->ring_ns, &o->ring_bytes, state); return 0;
	case KEY_ROTATE: parse_amount(arg, &o->rotate_ns, &o->rotate_bytes, state); return 0;
	case KEY_CGROUP: o->cgroup = arg; return 0;
	case KEY_TRIGGER: add_trigger(o, arg, state); return 0;
	case KEY_KEEP: parse_keep(o, arg, state); return 0;
	case KEY_MAX_SIZE: parse_size(arg, &o->max_bytes, state); return 0;
	case KEY_MAX_CPU: parse_max_cpu(o, arg, state); return 0;
	case 'r': parse_realtime(o, arg, state); return 0;
	case 'e': parse_events(&o->events, arg, state); return 0;
	case 'c': parse_count(o, arg, state); return 0;
	case KEY_NO_INLINE: o->no_inline = true; return 0;
	case KEY_NO_STACK: o->no_stack = true; return 0;
	case KEY_STAT: parse_events(&o->stat, arg, state); return 0;
	case KEY_INTERVAL: parse_interval(o, arg, state); return 0;
	case 'd':
		if (duration_parse(arg, &o->duration_ns) || !o->duration_ns)
			argp_error(state, "'%s' is no time: try 10s, 500ms or 2m", arg);
		return 0;
	case 'h': argp_state_help(state, stdout, ARGP_HELP_STD_HELP); return 0;
	case ARGP_KEY_ARG:
		if (!o->n_sources && is_source_list(o, arg, state)) {
			if (state->quoted) {
				ask_for_source(state);
				return EINVAL;
			}
			parse_sources(o, arg, state);
			return 0;
		}
		o->command = &state->argv[state->next - 1];
		state->next = state->argc;
		return 0;
	case ARGP_KEY_END: check(o, state); return 0;
	default: return options_kernel_parse(o, key, arg, state);
	}
}

/* The list of sources comes from their table. The result is argp's to free. */
static char *help_filter(int key, const char *text, void *input)
{
	char *out = NULL;
	size_t len;
	FILE *f;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&out, &len);
	fprintf(f, "Sources:\n");
	for (int i = 0; sources[i]; i++)
		fprintf(f, "  %-10s %s\n", sources[i]->name, sources[i]->summary);
	fprintf(f, "Instead of recording:\n");
	for (int i = 0; commands[i].name; i++)
		fprintf(f, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(f,
		"\nExamples:\n"
		"  rec cpu -- ./server --port 80   flame graph data of a command\n"
		"  rec cpu -p 1234 -d 30s          of a running process\n"
		"  sudo rec cpu -a -F 999 -d 10s   of everything\n"
		"  sudo rec cpu -a --ring 5m       the last five minutes, when needed\n"
		"  sudo rec cpu,sched,block,syscalls,faults -- ./server    all in one file\n"
		"  sudo rec block -a --min 10ms    slow requests to disks\n"
		"  sudo rec -e sched:sched_switch -a -d 5s\n"
		"  sudo rec -e 'syscalls:sys_enter_open*' -e uprobe:/bin/bash:readline -- bash\n"
		"  rec stat -- ./server            counts every 100 ms\n"
		"\nThen: ana report FILE.rec -o run.html, or ana flame FILE.rec -o cpu.svg\n"
		"\nExit status: the command's own; otherwise 0 done, 2 usage, 3 cannot.");
	fclose(f);
	return out;
}

/* libc looks for it under this name. */
__attribute__((visibility("default"))) const char *argp_program_version = "rec " VERSION;

/* `rec --tables`: what manuals and completion are made of. */
static void print_tables(const struct argp *argp)
{
	option_table_print(stdout, argp);
	for (int i = 0; sources[i]; i++)
		printf("source\t%s\t%s\n", sources[i]->name, sources[i]->summary);
	for (int i = 0; commands[i].name; i++)
		printf("command\t%s\t%s\n", commands[i].name, commands[i].summary);
	exit(fflush(stdout) ? EXIT_CANNOT : 0);
}

bool options_sample_copies(const struct options *o)
{
	return o->unwind == UNWIND_DWARF || o->unwind == UNWIND_BPF ||
		(o->unwind == UNWIND_AUTO && !o->count);
}

bool options_walks_events(const struct options *o)
{
	if (o->unwind == UNWIND_FP || o->unwind == UNWIND_NONE)
		return false;
	for (unsigned i = 0; i < o->n_sources; i++) {
		const struct source *s = o->sources[i];
		bool usual = s == &source_sched || s == &source_faults;

		if (s->bpf && options_stacks(o, s, usual))
			return true;
	}
	return options_has_stacks(o, "wakers");
}

bool options_walks(const struct options *o)
{
	for (unsigned i = 0; i < o->n_sources; i++)
		if (o->sources[i] == &source_cpu && o->unwind == UNWIND_BPF)
			return true;
	return options_walks_events(o);
}

bool options_event_copies(const struct options *o)
{
	return o->unwind == UNWIND_DWARF;
}

void options_parse(struct options *o, int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse,
		"[SOURCE[,SOURCE...]] [-- COMMAND...]",
		"Record what a machine and its programs do into a trace for `ana`.\v ", NULL,
		help_filter, NULL };

	memset(o, 0, sizeof(*o));
	o->stack_bytes = DEFAULT_STACK;
	o->argc = argc;
	o->argv = argv;
	argp_err_exit_status = EXIT_USAGE;
	if (argc == 2 && strcmp(argv[1], "--tables") == 0)
		print_tables(&argp);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, o);
}
