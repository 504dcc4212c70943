/* `ana block`: how long disks took, for what and for whom.
 *
 * A request's time has two parts: in the queue, until it was issued, and at the device. A request is
 * sequential if it begins where one of the disk's last ones ended, or ends where one began: those that
 * are under way together complete in any order. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/inputs.h"
#include "analyze/longest.h"
#include "render/heatmap.h"
#include "render/number.h"

enum {
	DEFAULT_TOP = 20,
	WORST = 1000,
	MAX_LIST = 1000000,
	RECENT = 32, /* requests of a disk that a new one may go on from */
	/* Hostile traces have more; the rest is one heap. */
	MAX_DISKS = 1024,
	MAX_PROCESSES = 65536,
	MAX_SERIES = 8,
	N_OPS = 18,
	OP_OTHER = N_OPS - 2,
	OP_ASKED = N_OPS - 1, /* a write without data, that asks for a flush */
	N_SIZES = 34,         /* powers of two */
};

enum {
	LATENCY,
	QUEUED,
	DEVICE,
	SECTOR,
	BYTES,
	DISK,
	MAJOR,
	MINOR,
	OP,
	FLAGS,
	ERROR,
	DEPTH,
	REQUEUES,
	PID,
	TID,
	COMM,
	N_IO
};
static const char *const io_fields[N_IO] = { "latency", "queued", "device_time", "sector", "bytes",
	"disk", "major", "minor", "op", "flags", "error", "depth", "requeues", "pid", "tid",
	"comm" };

enum { C_DISK, C_MAJOR, C_MINOR, C_KIND, N_CHANGE };
static const char *const change_fields[N_CHANGE] = { "disk", "major", "minor", "kind" };

static const struct want wants[] = {
	{ "block_io", io_fields, N_IO },
	{ "block_change", change_fields, N_CHANGE },
};
enum { WANT_IO, WANT_CHANGE, N_WANTS };

/* What the requests of one kind took. */
struct times {
	struct histogram latency, queued, device; /* ns */
	uint64_t bytes, errors;
};

struct extent {
	uint64_t from, to; /* sectors */
};

struct disk {
	char *name;               /* owned */
	struct times *ops[N_OPS]; /* owned; NULL: there were none */
	struct times all;
	struct extent recent[RECENT];
	uint32_t n_recent;
	uint64_t n_placed, n_sequential; /* reads and writes with data */
	uint64_t merges, requeues;
	uint64_t depth_sum, n_depths, depth_max;
};

struct process {
	const struct segment *segment; /* where the name is from... */
	uint32_t comm;                 /* ...as a number */
	uint32_t pid;
	struct histogram latency;
	uint64_t reads, writes, read_bytes, write_bytes, errors;
};

/* A request one by one. The key of struct longest is first. */
struct request {
	uint64_t latency, time, queued, device, sector;
	const struct segment *segment;
	const struct event_type *type;
	uint32_t disk, comm, pid, tid, bytes, op, error;
	uint64_t flags;
};

struct errors {
	uint32_t disk, op, error;
	uint64_t n;
};

struct block {
	const struct analyze_options *options;
	struct map by_disk, by_pid, by_error;
	struct disk *disks;        /* owned */
	struct process *processes; /* owned */
	struct errors *errors;     /* owned */
	uint32_t n_disks, n_processes, n_errors;
	uint64_t n_of_others;  /* requests of processes beyond those that are told apart */
	char *op_names[N_OPS]; /* owned; NULL: not seen */
	struct histogram sizes[N_OPS], by_size[N_SIZES];
	struct times all;
	struct longest worst;
	struct request *list; /* owned */
	uint32_t n_list;
	struct heatmap_builder latency_map, depth_map;
	bool maps;
	uint64_t n_rows, n_before, first_ns, last_ns;
	/* The numbers of names, of the type that was seen last. */
	const struct event_type *type;
	uint64_t preflush, begun_before;
	int64_t write, read, flush;
};

/* ---- names ---- */

static int64_t value_of(const struct event_type *t, const char *field, const char *name)
{
	int at = event_field(t, field);
	const struct enumeration *e = at < 0 ? NULL : t->fields[at].enumeration;

	for (uint32_t i = 0; e && i < e->n_values; i++)
		if (strcmp(e->values[i].name, name) == 0)
			return e->values[i].value;
	return -1;
}

static uint64_t bit_of(const struct event_type *t, const char *name)
{
	int64_t v = value_of(t, "flags", name);

	return v > 0 ? (uint64_t)v : 0;
}

static void learn_type(struct block *b, const struct event_type *t)
{
	if (b->type == t)
		return;
	b->type = t;
	b->preflush = bit_of(t, "preflush");
	b->begun_before = bit_of(t, "begun_before");
	b->read = value_of(t, "op", "read");
	b->write = value_of(t, "op", "write");
	b->flush = value_of(t, "op", "flush");
}

static char *copy(struct text t)
{
	return strndup(t.len ? t.s : "?", t.len ? t.len : 1);
}

/* Numbers of operations are the trace's; their names are kept with them. */
static uint32_t op_of(struct block *b, const struct row *row)
{
	int64_t op = (int32_t)row->values[OP];
	int at = event_field(row->type, "op");
	const struct enumeration *e = at < 0 ? NULL : row->type->fields[at].enumeration;
	const char *name = e ? enum_name(e, op) : NULL;
	uint32_t i = op >= 0 && op < OP_OTHER && name ? (uint32_t)op : OP_OTHER;

	if (op == b->write && !row->values[BYTES] && row->values[FLAGS] & b->preflush)
		i = OP_ASKED;
	if (!b->op_names[i])
		b->op_names[i] = strdup(i == OP_OTHER ? "other"
				: i == OP_ASKED       ? "asked flush"
						      : name);
	return i;
}

/* ---- counting ---- */

/* Arrays double, and are full at powers of two. */
static void *grown(void *array, uint32_t n, size_t size)
{
	return n & (n - 1) ? array : xrealloc(array, n ? 2 * (size_t)n : 1, size);
}

static uint32_t disk_of(struct block *b, const struct row *row, uint64_t name, uint64_t major,
	uint64_t minor)
{
	uint64_t key = (uint64_t)row->reader << 32 | ((uint32_t)major << 20 ^ (uint32_t)minor);
	uint32_t *at = map_get(&b->by_disk, key);

	if (at)
		return *at;
	if (b->n_disks == MAX_DISKS)
		return MAX_DISKS - 1;
	*map_put(&b->by_disk, key, NULL) = b->n_disks;
	b->disks = grown(b->disks, b->n_disks, sizeof(*b->disks));
	b->disks[b->n_disks] = (struct disk){ .name = b->n_disks == MAX_DISKS - 1
			? strdup("(more)")
			: copy(segment_string(row->segment, (uint32_t)name)) };
	return b->n_disks++;
}

/* NULL: there are more processes than are told apart. */
static struct process *process_of(struct block *b, const struct row *row)
{
	uint64_t key = (uint64_t)row->reader << 32 | (uint32_t)row->values[PID];
	uint32_t *at = map_get(&b->by_pid, key), n = b->n_processes;

	if (!at && n == MAX_PROCESSES)
		return NULL;
	if (!at) {
		*map_put(&b->by_pid, key, NULL) = n;
		b->processes = grown(b->processes, n, sizeof(*b->processes));
		b->processes[n] = (struct process){ .pid = (uint32_t)row->values[PID] };
		b->n_processes++;
	}
	return &b->processes[at ? *at : n];
}

static void count_times(struct times *t, const struct row *row)
{
	histogram_add(&t->latency, row->values[LATENCY], 1);
	if (row->values[DEVICE]) { /* it was issued, and that was seen */
		histogram_add(&t->queued, row->values[QUEUED], 1);
		histogram_add(&t->device, row->values[DEVICE], 1);
	}
	t->bytes += row->values[BYTES];
	t->errors += row->values[ERROR] != 0;
}

static void times_done(struct times *t)
{
	histogram_done(&t->latency);
	histogram_done(&t->queued);
	histogram_done(&t->device);
}

static void place(struct disk *d, uint64_t sector, uint64_t bytes)
{
	struct extent e = { sector, sector + bytes / 512 };
	uint32_t n = d->n_recent < RECENT ? d->n_recent : RECENT;
	bool sequential = false;

	for (uint32_t i = 0; i < n && !sequential; i++)
		sequential = d->recent[i].to == e.from || d->recent[i].from == e.to;
	d->n_placed++;
	d->n_sequential += sequential;
	d->recent[d->n_recent % RECENT] = e;
	d->n_recent = d->n_recent + 1 == 2 * RECENT ? RECENT : d->n_recent + 1;
}

static void count_disk(struct block *b, struct disk *d, const struct row *row, uint32_t op)
{
	const uint64_t *v = row->values;
	int64_t number = (int32_t)v[OP];

	if (!d->ops[op])
		d->ops[op] = xcalloc(1, sizeof(**d->ops));
	count_times(d->ops[op], row);
	count_times(&d->all, row);
	if (v[BYTES] && (number == b->read || number == b->write))
		place(d, v[SECTOR], v[BYTES]);
	d->requeues += v[REQUEUES];
	if (!v[DEPTH])
		return;
	d->depth_sum += v[DEPTH];
	d->n_depths++;
	d->depth_max = v[DEPTH] > d->depth_max ? v[DEPTH] : d->depth_max;
}

/* A flush is counted as what asked for it. */
static void count_process(struct block *b, const struct row *row)
{
	const uint64_t *v = row->values;
	struct process *p;

	if ((int32_t)v[OP] == b->flush)
		return;
	p = process_of(b, row);
	b->n_of_others += !p;
	if (!p)
		return;
	p->segment = row->segment;
	p->comm = (uint32_t)v[COMM];
	histogram_add(&p->latency, v[LATENCY], 1);
	p->errors += v[ERROR] != 0;
	if ((int32_t)v[OP] == b->read) {
		p->reads++;
		p->read_bytes += v[BYTES];
	} else if ((int32_t)v[OP] == b->write) {
		p->writes++;
		p->write_bytes += v[BYTES];
	}
}

static void count_error(struct block *b, uint32_t disk, uint32_t op, uint32_t error)
{
	uint64_t key = (uint64_t)disk << 32 | op << 16 | (error & 0xffff);
	uint32_t *at = map_get(&b->by_error, key), n = b->n_errors;

	if (!at && n == MAX_PROCESSES)
		return;
	if (!at) {
		*map_put(&b->by_error, key, NULL) = n;
		b->errors = grown(b->errors, n, sizeof(*b->errors));
		b->errors[n] = (struct errors){ disk, op, error, 0 };
		b->n_errors++;
	}
	b->errors[at ? *at : n].n++;
}

static unsigned size_class(uint64_t bytes)
{
	unsigned k = 0;

	while (k < N_SIZES - 1 && 1ULL << k < bytes)
		k++;
	return k;
}

/* A write that is followed by a flush ends long after the device has it. */
static uint64_t issued_at(const struct row *row)
{
	uint64_t since = row->values[LATENCY] - row->values[QUEUED];

	return row->values[LATENCY] < row->values[QUEUED] || since > row->time ? row->time
									       : row->time - since;
}

static void count_all(struct block *b, const struct row *row, uint32_t op)
{
	const uint64_t *v = row->values;

	count_times(&b->all, row);
	if (v[BYTES]) {
		histogram_add(&b->sizes[op], v[BYTES], 1);
		histogram_add(&b->by_size[size_class(v[BYTES])], v[LATENCY], 1);
	}
	b->n_before += (v[FLAGS] & b->begun_before) != 0;
	heatmap_add(&b->latency_map, row->time, v[LATENCY], 1);
	if (v[DEPTH])
		heatmap_add(&b->depth_map, issued_at(row), v[DEPTH], 1);
}

/* ---- rows ---- */

static void keep(struct block *b, const struct row *row, uint32_t disk, uint32_t op)
{
	const uint64_t *v = row->values;
	struct request r = { .latency = v[LATENCY],
		.time = row->time,
		.queued = v[QUEUED],
		.device = v[DEVICE],
		.sector = v[SECTOR],
		.segment = row->segment,
		.type = row->type,
		.disk = disk,
		.comm = (uint32_t)v[COMM],
		.pid = (uint32_t)v[PID],
		.tid = (uint32_t)v[TID],
		.bytes = (uint32_t)v[BYTES],
		.op = op,
		.error = (uint32_t)v[ERROR],
		.flags = v[FLAGS] };

	longest_add(&b->worst, &r);
	if (!b->options->list || b->n_list == MAX_LIST)
		return;
	b->list = grown(b->list, b->n_list, sizeof(*b->list));
	b->list[b->n_list++] = r;
}

static void note_time(struct block *b, const struct row *row, uint64_t latency)
{
	uint64_t begun = row->time > latency ? row->time - latency : 0;

	if (!b->maps) {
		heatmap_builder_init(&b->latency_map, begun);
		heatmap_builder_init_linear(&b->depth_map, begun, 1);
		b->first_ns = begun;
		b->maps = true;
	}
	b->first_ns = begun < b->first_ns ? begun : b->first_ns;
	b->last_ns = row->time > b->last_ns ? row->time : b->last_ns;
}

static void io_row(struct block *b, const struct row *row)
{
	const uint64_t *v = row->values;
	uint32_t disk, op;

	learn_type(b, row->type);
	note_time(b, row, v[LATENCY]);
	disk = disk_of(b, row, v[DISK], v[MAJOR], v[MINOR]);
	op = op_of(b, row);
	b->n_rows++;
	count_disk(b, &b->disks[disk], row, op);
	count_process(b, row);
	count_all(b, row, op);
	if (v[ERROR])
		count_error(b, disk, op, (uint32_t)v[ERROR]);
	keep(b, row, disk, op);
}

static void change_row(struct block *b, const struct row *row)
{
	const uint64_t *v = row->values;
	uint32_t disk = disk_of(b, row, v[C_DISK], v[C_MAJOR], v[C_MINOR]);

	if ((int32_t)v[C_KIND] != value_of(row->type, "kind", "requeue"))
		b->disks[disk].merges++;
}

static void block_row(void *state, const struct row *row)
{
	if (row->want == WANT_IO)
		io_row(state, row);
	else
		change_row(state, row);
}

/* ---- the report ---- */

#define PERCENTILE_COLUMNS \
	{ "mean", "Mean", CELL_NS }, { "p50", "p50", CELL_NS }, { "p90", "p90", CELL_NS }, \
		{ "p99", "p99", CELL_NS }, { "p99_9", "p99.9", CELL_NS }, \
		{ "p99_99", "p99.99", CELL_NS }, \
	{ \
		"max", "Max", CELL_NS \
	}
enum { N_PERCENTILE_COLUMNS = 7 };

static void put_percentiles(union cell *c, const struct histogram *h)
{
	static const double percents[] = { 50, 90, 99, 99.9, 99.99 };

	c[0].count = histogram_mean(h);
	for (int i = 0; i < 5; i++)
		c[1 + i].count = histogram_percentile(h, percents[i]);
	c[6].count = h->max;
}

static uint32_t top(const struct block *b)
{
	return b->options->top ? b->options->top : DEFAULT_TOP;
}

static double seconds(const struct block *b)
{
	return b->last_ns > b->first_ns ? (double)(b->last_ns - b->first_ns) / 1e9 : 0;
}

static double per_second(const struct block *b, uint64_t n)
{
	return b->last_ns > b->first_ns ? (double)n / seconds(b) : 0;
}

static void add_latency(const struct block *b, struct report *r)
{
	static const struct column columns[] = { { "time", "Time", CELL_TEXT },
		{ "requests", "Requests", CELL_COUNT }, PERCENTILE_COLUMNS };
	const struct histogram *const parts[] = { &b->all.latency, &b->all.queued, &b->all.device };
	static const char *const names[] = { "all of it", "in the queue", "at the device" };
	struct table *t = report_table(r, "latency", "Latency", columns, 2 + N_PERCENTILE_COLUMNS);

	for (int i = 0; i < 3; i++) {
		union cell *c = table_row(r, t);

		c[0].text = names[i];
		c[1].count = parts[i]->count;
		put_percentiles(c + 2, parts[i]);
	}
}

static void add_disks(const struct block *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "requests", "Requests", CELL_COUNT }, { "bytes", "Size", CELL_BYTES },
		{ "errors", "Errors", CELL_COUNT }, { "iops", "A second", CELL_FLOAT },
		{ "bytes_per_second", "Bytes a second", CELL_BYTES },
		{ "sequential", "Sequential", CELL_PERCENT }, { "merges", "Merges", CELL_COUNT },
		{ "requeues", "Requeues", CELL_COUNT }, { "depth", "Depth", CELL_FLOAT },
		{ "max_depth", "Max depth", CELL_COUNT } };
	struct table *t = report_table(r, "disks", "Disks", columns, 11);

	for (uint32_t i = 0; i < b->n_disks; i++) {
		const struct disk *d = &b->disks[i];
		union cell *c = table_row(r, t);

		c[0].text = d->name;
		c[1].count = d->all.latency.count;
		c[2].count = d->all.bytes;
		c[3].count = d->all.errors;
		c[4].number = per_second(b, d->all.latency.count);
		c[5].count = (uint64_t)per_second(b, d->all.bytes);
		c[6].number = share(d->n_sequential, d->n_placed);
		c[7].count = d->merges;
		c[8].count = d->requeues;
		c[9].number = share(d->depth_sum, d->n_depths);
		c[10].count = d->depth_max;
	}
}

/* Calls for every disk and operation that there were requests of. */
static void each_op(const struct block *b, struct report *r, void *ctx,
	void (*call)(const struct block *b, struct report *r, void *ctx, const struct disk *d,
		uint32_t op))
{
	for (uint32_t i = 0; i < b->n_disks; i++)
		for (uint32_t op = 0; op < N_OPS; op++)
			if (b->disks[i].ops[op])
				call(b, r, ctx, &b->disks[i], op);
}

static void put_op(const struct block *b, struct report *r, void *table, const struct disk *d,
	uint32_t op)
{
	const struct times *t = d->ops[op];
	union cell *c = table_row(r, table);

	c[0].text = d->name;
	c[1].text = b->op_names[op];
	c[2].count = t->latency.count;
	c[3].count = t->bytes;
	c[4].count = t->errors;
	c[5].number = per_second(b, t->latency.count);
	c[6].count = (uint64_t)per_second(b, t->bytes);
	put_percentiles(c + 7, &t->latency);
}

static void add_operations(const struct block *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "op", "Operation", CELL_TEXT }, { "requests", "Requests", CELL_COUNT },
		{ "bytes", "Size", CELL_BYTES }, { "errors", "Errors", CELL_COUNT },
		{ "iops", "A second", CELL_FLOAT },
		{ "bytes_per_second", "Bytes a second", CELL_BYTES }, PERCENTILE_COLUMNS };

	each_op(b, r,
		report_table(r, "operations", "Operations, with their latency", columns,
			7 + N_PERCENTILE_COLUMNS),
		put_op);
}

static void put_parts(const struct block *b, struct report *r, void *table, const struct disk *d,
	uint32_t op)
{
	const struct histogram *const parts[] = { &d->ops[op]->queued, &d->ops[op]->device };
	static const char *const names[] = { "in the queue", "at the device" };

	for (int i = 0; i < 2; i++) {
		union cell *c;

		if (!parts[i]->count)
			continue;
		c = table_row(r, table);
		c[0].text = d->name;
		c[1].text = b->op_names[op];
		c[2].text = names[i];
		put_percentiles(c + 3, parts[i]);
	}
}

static void add_parts(const struct block *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "op", "Operation", CELL_TEXT }, { "where", "Where", CELL_TEXT },
		PERCENTILE_COLUMNS };

	each_op(b, r,
		report_table(r, "where", "Where the time went", columns, 3 + N_PERCENTILE_COLUMNS),
		put_parts);
}

static void add_sizes(const struct block *b, struct report *r)
{
	static const struct column columns[] = { { "up_to", "Up to", CELL_BYTES },
		{ "requests", "Requests", CELL_COUNT }, PERCENTILE_COLUMNS };
	struct table *t = report_table(r, "sizes", "Latency by size", columns,
		2 + N_PERCENTILE_COLUMNS);

	for (unsigned k = 0; k < N_SIZES; k++) {
		union cell *c;

		if (!b->by_size[k].count)
			continue;
		c = table_row(r, t);
		c[0].count = 1ULL << k;
		c[1].count = b->by_size[k].count;
		put_percentiles(c + 2, &b->by_size[k]);
	}
}

static int by_sum(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	if (x->latency.sum != y->latency.sum)
		return x->latency.sum > y->latency.sum ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static const char *name_of(struct report *r, const struct segment *s, uint32_t comm, uint32_t pid)
{
	struct text t = segment_string(s, comm);

	if (!pid && !t.len)
		return "(not known)";
	return arena_strndup(&r->arena, t.s, t.len);
}

static void add_processes(const struct block *b, struct report *r)
{
	static const struct column columns[] = { { "comm", "Name", CELL_TEXT },
		{ "pid", "PID", CELL_NUMBER }, { "requests", "Requests", CELL_COUNT },
		{ "reads", "Reads", CELL_COUNT }, { "read_bytes", "Read", CELL_BYTES },
		{ "writes", "Writes", CELL_COUNT }, { "write_bytes", "Written", CELL_BYTES },
		{ "errors", "Errors", CELL_COUNT }, { "latency", "In all", CELL_NS },
		{ "p50", "p50", CELL_NS }, { "p99", "p99", CELL_NS }, { "max", "Max", CELL_NS } };
	struct table *t = report_table(r, "processes",
		"Processes, by how long they waited for disks", columns, 12);

	qsort(b->processes, b->n_processes, sizeof(*b->processes), by_sum);
	for (uint32_t i = 0; i < b->n_processes && i < top(b); i++) {
		const struct process *p = &b->processes[i];
		union cell *c = table_row(r, t);

		c[0].text = name_of(r, p->segment, p->comm, p->pid);
		c[1].count = p->pid;
		c[2].count = p->latency.count;
		c[3].count = p->reads;
		c[4].count = p->read_bytes;
		c[5].count = p->writes;
		c[6].count = p->write_bytes;
		c[7].count = p->errors;
		c[8].count = p->latency.sum;
		c[9].count = histogram_percentile(&p->latency, 50);
		c[10].count = histogram_percentile(&p->latency, 99);
		c[11].count = p->latency.max;
	}
	if (b->n_processes > top(b))
		report_note(r, NOTE_INFO, "Of %u processes %u are shown (--top).", b->n_processes,
			top(b));
}

static void add_errors(const struct block *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "op", "Operation", CELL_TEXT }, { "error", "Error", CELL_TEXT },
		{ "requests", "Requests", CELL_COUNT } };
	struct table *t;

	t = report_table(r, "errors", "Errors", columns, 4);
	for (uint32_t i = 0; i < b->n_errors; i++) {
		const struct errors *e = &b->errors[i];
		const char *name = strerrorname_np((int)e->error);
		union cell *c = table_row(r, t);

		c[0].text = b->disks[e->disk].name;
		c[1].text = b->op_names[e->op];
		c[2].text = name ? name : arena_printf(&r->arena, "error %u", e->error);
		c[3].count = e->n;
	}
}

/* "sync|metadata": the names of the bits that are set. */
static const char *flags_text(struct report *r, const struct request *q)
{
	int at = event_field(q->type, "flags");
	const struct enumeration *e = at < 0 ? NULL : q->type->fields[at].enumeration;
	const char *text = "";

	for (uint32_t i = 0; e && i < e->n_values; i++)
		if (q->flags & (uint64_t)e->values[i].value)
			text = arena_printf(&r->arena, "%s%s%s", text, text[0] ? "|" : "",
				e->values[i].name);
	return text;
}

static const struct column request_columns[] = { { "time", "At", CELL_NS },
	{ "comm", "Name", CELL_TEXT }, { "pid", "PID", CELL_NUMBER }, { "tid", "TID", CELL_NUMBER },
	{ "disk", "Disk", CELL_TEXT }, { "op", "Operation", CELL_TEXT },
	{ "flags", "Flags", CELL_TEXT }, { "sector", "Sector", CELL_NUMBER },
	{ "bytes", "Size", CELL_BYTES }, { "queued", "Queue", CELL_NS },
	{ "device_time", "Device", CELL_NS }, { "latency", "Latency", CELL_NS },
	{ "error", "Error", CELL_NUMBER } };
enum { N_REQUEST_COLUMNS = 13 };

static void put_request(const struct block *b, const struct trace_facts *f, struct report *r,
	struct table *t, const struct request *q)
{
	uint64_t begun = q->time > q->latency ? q->time - q->latency : 0;
	union cell *c = table_row(r, t);

	c[0].count = begun > f->start_ns ? begun - f->start_ns : 0;
	c[1].text = name_of(r, q->segment, q->comm, q->pid);
	c[2].count = q->pid;
	c[3].count = q->tid;
	c[4].text = b->disks[q->disk].name;
	c[5].text = b->op_names[q->op];
	c[6].text = flags_text(r, q);
	c[7].count = q->sector;
	c[8].count = q->bytes;
	c[9].count = q->queued;
	c[10].count = q->device;
	c[11].count = q->latency;
	c[12].count = q->error;
}

static void add_worst(struct block *b, const struct trace_facts *f, struct report *r)
{
	struct table *t = report_table(r, "worst", "Slowest requests", request_columns,
		N_REQUEST_COLUMNS);

	longest_sort(&b->worst);
	for (uint32_t i = 0; i < b->worst.n && i < top(b); i++)
		put_request(b, f, r, t, longest_get(&b->worst, i));
}

static void add_list(const struct block *b, const struct trace_facts *f, struct report *r)
{
	struct table *t;

	if (!b->options->list)
		return;
	t = report_table(r, "requests", "Every request, as they completed", request_columns,
		N_REQUEST_COLUMNS);
	for (uint32_t i = 0; i < b->n_list; i++)
		put_request(b, f, r, t, &b->list[i]);
	if (b->n_rows > b->n_list)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " requests.",
			b->n_list, b->n_rows);
}

static void put_series(const struct block *b, struct report *r, void *distribution,
	const struct disk *d, uint32_t op)
{
	struct distribution *all = distribution;

	if (all->n_series < MAX_SERIES)
		distribution_add(r, all, arena_printf(&r->arena, "%s %s", d->name, b->op_names[op]),
			&d->ops[op]->latency);
}

static void add_histograms(const struct block *b, struct report *r)
{
	struct distribution *sizes;

	each_op(b, r,
		report_histogram(r, "latency_histogram", "Latency", "Latency", CELL_NS, "requests"),
		put_series);
	sizes = report_histogram(r, "size_histogram", "Size", "Size", CELL_BYTES, "requests");
	for (uint32_t op = 0; op < N_OPS; op++)
		if (b->sizes[op].count)
			distribution_add(r, sizes, b->op_names[op], &b->sizes[op]);
	report_heatmap(r, "latency_heatmap", "Latency over time", &b->latency_map, "Latency",
		CELL_NS, "requests");
	report_heatmap(r, "depth_heatmap", "Depth of the device's queue over time", &b->depth_map,
		"Depth", CELL_COUNT, "requests");
}

static void add_notes(const struct block *b, const struct trace_facts *f, struct report *r)
{
	const struct segment *s = reader_declarations(f->inputs->readers[0], 0);

	if (segment_info(s, "source.block.min_ns").len)
		report_note(r, NOTE_INFO,
			"Recorded with --min: only slow requests are in the trace, so counts and "
			"percentiles are of those alone.");
	if (b->n_before)
		report_note(r, NOTE_INFO,
			"Of %" PRIu64
			" requests the beginning was not seen: it is not known who asked, and their "
			"latency counts from their making.",
			b->n_before);
}

/* The disk that was waited for longest, and which part of that was spent where. */
static void add_findings(const struct block *b, struct report *r)
{
	const struct disk *most = NULL;
	char p99[NUMBER_MAX], all[NUMBER_MAX];

	for (uint32_t i = 0; i < b->n_disks; i++)
		if (!most || b->disks[i].all.latency.sum > most->all.latency.sum)
			most = &b->disks[i];
	if (!most)
		return;
	report_finding(r, most->all.latency.sum, "operations",
		"%" PRIu64
		" requests to the disk %s took %s in all (p99 %s), %.0f%% of it in the queue.",
		most->all.latency.count, most->name, number_ns(all, most->all.latency.sum),
		number_ns(p99, histogram_percentile(&most->all.latency, 99)),
		100 * share(most->all.queued.sum, most->all.latency.sum));
	if (b->all.errors)
		report_finding(r, most->all.latency.sum, "errors",
			"%" PRIu64 " request%s to disks failed.", b->all.errors,
			b->all.errors == 1 ? "" : "s");
}

static void block_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct block *b = state;

	if (!b->n_rows && trust_count(facts->trust, "block_io")) {
		report_note(r, NOTE_WARNING, "The filter lets no request to a disk pass.");
		return;
	}
	if (b->n_of_others)
		report_note(r, NOTE_WARNING,
			"%" PRIu64 " requests are of more processes than are told apart.",
			b->n_of_others);
	if (!b->n_rows) {
		report_note(r, NOTE_WARNING,
			"There are no requests to disks in this trace; `rec block` records them.");
		return;
	}
	add_notes(b, facts, r);
	add_findings(b, r);
	add_latency(b, r);
	add_disks(b, r);
	add_operations(b, r);
	add_parts(b, r);
	add_sizes(b, r);
	add_processes(b, r);
	add_errors(b, r);
	add_worst(b, facts, r);
	add_histograms(b, r);
	add_list(b, facts, r);
}

/* ---- as an analyzer ---- */

static void *block_new(const struct analyze_options *o)
{
	struct block *b = xcalloc(1, sizeof(*b));

	b->options = o;
	map_init(&b->by_disk, 16);
	map_init(&b->by_pid, 64);
	map_init(&b->by_error, 16);
	longest_init(&b->worst, sizeof(struct request), o->top > WORST ? o->top : WORST);
	return b;
}

static const struct want *block_wants(void *state, uint32_t *n)
{
	*n = N_WANTS;
	return wants;
}

static void disk_done(struct disk *d)
{
	for (uint32_t op = 0; op < N_OPS; op++) {
		if (d->ops[op])
			times_done(d->ops[op]);
		free(d->ops[op]);
	}
	times_done(&d->all);
	free(d->name);
}

static void block_free(void *state)
{
	struct block *b = state;

	for (uint32_t i = 0; i < b->n_disks; i++)
		disk_done(&b->disks[i]);
	for (uint32_t i = 0; i < b->n_processes; i++)
		histogram_done(&b->processes[i].latency);
	for (uint32_t op = 0; op < N_OPS; op++) {
		histogram_done(&b->sizes[op]);
		free(b->op_names[op]);
	}
	for (unsigned k = 0; k < N_SIZES; k++)
		histogram_done(&b->by_size[k]);
	times_done(&b->all);
	if (b->maps) {
		heatmap_builder_done(&b->latency_map);
		heatmap_builder_done(&b->depth_map);
	}
	map_done(&b->by_disk);
	map_done(&b->by_pid);
	map_done(&b->by_error);
	longest_done(&b->worst);
	free(b->disks);
	free(b->processes);
	free(b->errors);
	free(b->list);
	free(b);
}

const struct analyzer analyzer_block = {
	.name = "block",
	.title = "Disks",
	.summary =
		"how long disks took: in the queue and at the device, by operation, size, process",
	.ordered = true,
	.options = OPTIONS_FILTER | OPTIONS_TABLES,
	.new = block_new,
	.wants = block_wants,
	.row = block_row,
	.finish = block_finish,
	.free = block_free,
};
