#include "analyze/block_report.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/inputs.h"
#include "analyze/tables.h"
#include "render/number.h"

enum { MAX_SERIES = 8 }; /* histograms in one picture */

#define PERCENTILE_COLUMNS \
	{ "mean", "Mean", CELL_NS, { PART_MEAN } }, \
		{ "p50", "p50", CELL_NS, { PART_PERCENTILE, 0, 50 } }, \
		{ "p90", "p90", CELL_NS, { PART_PERCENTILE, 0, 90 } }, \
		{ "p99", "p99", CELL_NS, { PART_PERCENTILE, 0, 99 } }, \
		{ "p99_9", "p99.9", CELL_NS, { PART_PERCENTILE, 0, 99.9 } }, \
		{ "p99_99", "p99.99", CELL_NS, { PART_PERCENTILE, 0, 99.99 } }, \
	{ \
		"max", "Max", CELL_NS, \
		{ \
			PART_MAX \
		} \
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

/* What processes and files have in common, from column c[0] on. */
#define SUM_COLUMNS \
	{ "requests", "Requests", CELL_COUNT, { PART_COUNT } }, \
		{ "reads", "Reads", CELL_COUNT, { PART_SUM, SUM_READS } }, \
		{ "read_bytes", "Read", CELL_BYTES, { PART_SUM, SUM_READ_BYTES } }, \
		{ "writes", "Writes", CELL_COUNT, { PART_SUM, SUM_WRITES } }, \
		{ "write_bytes", "Written", CELL_BYTES, { PART_SUM, SUM_WRITE_BYTES } }, \
		{ "errors", "Errors", CELL_COUNT, { PART_SUM, SUM_ERRORS } }, \
		{ "latency", "In all", CELL_NS, { PART_TOTAL } }, \
		{ "p50", "p50", CELL_NS, { PART_PERCENTILE, 0, 50 } }, \
		{ "p99", "p99", CELL_NS, { PART_PERCENTILE, 0, 99 } }, \
	{ \
		"max", "Max", CELL_NS, \
		{ \
			PART_MAX \
		} \
	}
enum { N_SUM_COLUMNS = 10 };

static void put_sums(union cell *c, const struct block_sums *s)
{
	c[0].count = s->latency.count;
	c[1].count = s->reads;
	c[2].count = s->read_bytes;
	c[3].count = s->writes;
	c[4].count = s->write_bytes;
	c[5].count = s->errors;
	c[6].count = s->latency.sum;
	c[7].count = histogram_percentile(&s->latency, 50);
	c[8].count = histogram_percentile(&s->latency, 99);
	c[9].count = s->latency.max;
}

static double seconds(const struct block_counts *b)
{
	return b->last_ns > b->first_ns ? (double)(b->last_ns - b->first_ns) / 1e9 : 0;
}

static double per_second(const struct block_counts *b, uint64_t n)
{
	return b->last_ns > b->first_ns ? (double)n / seconds(b) : 0;
}

static void add_latency(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "time", "Time", CELL_TEXT },
		{ "requests", "Requests", CELL_COUNT, { PART_COUNT } }, PERCENTILE_COLUMNS };
	const struct histogram *const parts[] = { &b->all.latency, &b->all.queued, &b->all.device };
	static const char *const names[] = { "all of it", "in the queue", "at the device" };
	struct table *t = report_table(r, "latency", "Latency", columns, 2 + N_PERCENTILE_COLUMNS);

	t->slices = windowed_of(&b->windowed, SLICES_OF_ALL);
	for (uint32_t i = 0; i < 3; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, i);
		c[0].text = names[i];
		c[1].count = parts[i]->count;
		put_percentiles(c + 2, parts[i]);
	}
}

/* Of some of the requests nobody knows whether they went on from one another. */
static struct table *disks_table(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "requests", "Requests", CELL_COUNT, { PART_COUNT } },
		{ "bytes", "Size", CELL_BYTES, { PART_SUM, DISK_BYTES } },
		{ "errors", "Errors", CELL_COUNT, { PART_SUM, DISK_ERRORS } },
		{ "iops", "A second", CELL_FLOAT, { PART_COUNT_RATE, 0, 1e9 } },
		{ "bytes_per_second", "Bytes a second", CELL_BYTES,
			{ PART_RATE, DISK_BYTES, 1e9 } },
		{ "sequential", "Sequential", CELL_PERCENT,
			{ PART_RATIO, DISK_SEQUENTIAL, DISK_PLACED } },
		{ "merges", "Merges", CELL_COUNT, { PART_SUM, DISK_MERGES } },
		{ "requeues", "Requeues", CELL_COUNT, { PART_SUM, DISK_REQUEUES } },
		{ "depth", "Depth", CELL_FLOAT, { PART_RATIO, DISK_DEPTHS, DISK_N_DEPTHS } },
		{ "max_depth", "Max depth", CELL_COUNT } };
	enum { SEQUENTIAL = 6, N = sizeof(columns) / sizeof(columns[0]) };
	struct column *mine = arena_alloc(&r->arena, sizeof(columns));
	unsigned skip = b->sampled ? 1 : 0;

	memcpy(mine, columns, SEQUENTIAL * sizeof(*mine));
	memcpy(mine + SEQUENTIAL, columns + SEQUENTIAL + skip,
		(N - SEQUENTIAL - skip) * sizeof(*mine));
	return report_table(r, "disks", "Disks", mine, N - skip);
}

static void add_disks(const struct block_counts *b, struct report *r)
{
	struct table *t = disks_table(b, r);

	t->slices = windowed_of(&b->windowed, SLICES_OF_DISKS);
	for (uint32_t i = 0; i < b->disks.n; i++) {
		const struct block_disk *d = keyed_get(&b->disks, i);
		union cell *c = table_row(r, t);

		table_thing(t, i);
		c[0].text = d->name;
		c[1].count = d->all.latency.count;
		c[2].count = d->all.bytes;
		c[3].count = d->all.errors;
		c[4].number = per_second(b, d->all.latency.count);
		c[5].count = (uint64_t)per_second(b, d->all.bytes);
		c += 6;
		if (!b->sampled)
			(c++)->number = share(d->n_sequential, d->n_placed);
		c[0].count = d->merges;
		c[1].count = d->requeues;
		c[2].number = share(d->depth_sum, d->n_depths);
		c[3].count = d->depth_max;
	}
}

/* Calls for every disk and operation that there were requests of. */
static void each_op(const struct block_counts *b, struct report *r, void *ctx,
	void (*call)(const struct block_counts *b, struct report *r, void *ctx,
		const struct block_disk *d, uint32_t op))
{
	for (uint32_t i = 0; i < b->disks.n; i++) {
		const struct block_disk *d = keyed_get(&b->disks, i);

		for (uint32_t op = 0; op < N_OPS; op++)
			if (d->ops[op])
				call(b, r, ctx, d, op);
	}
}

/* As SLICES_OF_OPS numbers them. */
static uint32_t op_thing(const struct block_counts *b, const struct block_disk *d, uint32_t op)
{
	return keyed_number(&b->disks, d) * N_OPS + op;
}

static void put_op(const struct block_counts *b, struct report *r, void *table,
	const struct block_disk *d, uint32_t op)
{
	const struct block_times *t = d->ops[op];
	union cell *c = table_row(r, table);

	table_thing(table, op_thing(b, d, op));
	c[0].text = d->name;
	c[1].text = b->op_names[op];
	c[2].count = t->latency.count;
	c[3].count = t->bytes;
	c[4].count = t->errors;
	c[5].number = per_second(b, t->latency.count);
	c[6].count = (uint64_t)per_second(b, t->bytes);
	put_percentiles(c + 7, &t->latency);
}

static void add_operations(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "op", "Operation", CELL_TEXT },
		{ "requests", "Requests", CELL_COUNT, { PART_COUNT } },
		{ "bytes", "Size", CELL_BYTES, { PART_SUM, SLICED_OP_BYTES } },
		{ "errors", "Errors", CELL_COUNT, { PART_SUM, SLICED_OP_ERRORS } },
		{ "iops", "A second", CELL_FLOAT, { PART_COUNT_RATE, 0, 1e9 } },
		{ "bytes_per_second", "Bytes a second", CELL_BYTES,
			{ PART_RATE, SLICED_OP_BYTES, 1e9 } },
		PERCENTILE_COLUMNS };
	struct table *t = report_table(r, "operations", "Operations, with their latency", columns,
		7 + N_PERCENTILE_COLUMNS);

	t->slices = windowed_of(&b->windowed, SLICES_OF_OPS);
	each_op(b, r, t, put_op);
}

static void put_parts(const struct block_counts *b, struct report *r, void *table,
	const struct block_disk *d, uint32_t op)
{
	const struct histogram *const parts[] = { &d->ops[op]->queued, &d->ops[op]->device };
	static const char *const names[] = { "in the queue", "at the device" };

	for (uint32_t i = 0; i < 2; i++) {
		union cell *c;

		if (!parts[i]->count)
			continue;
		c = table_row(r, table);
		table_thing(table, 2 * op_thing(b, d, op) + i);
		c[0].text = d->name;
		c[1].text = b->op_names[op];
		c[2].text = names[i];
		put_percentiles(c + 3, parts[i]);
	}
}

static void add_parts(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "op", "Operation", CELL_TEXT }, { "where", "Where", CELL_TEXT },
		PERCENTILE_COLUMNS };

	struct table *t = report_table(r, "where", "Where the time went", columns,
		3 + N_PERCENTILE_COLUMNS);

	t->slices = windowed_of(&b->windowed, SLICES_OF_PARTS);
	each_op(b, r, t, put_parts);
}

static void add_sizes(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "up_to", "Up to", CELL_BYTES, { PART_SAME } },
		{ "requests", "Requests", CELL_COUNT, { PART_COUNT } }, PERCENTILE_COLUMNS };
	struct table *t = report_table(r, "sizes", "Latency by size", columns,
		2 + N_PERCENTILE_COLUMNS);

	t->slices = windowed_of(&b->windowed, SLICES_BY_SIZE);
	for (unsigned k = 0; k < N_SIZES; k++) {
		union cell *c;

		if (!b->by_size[k].count)
			continue;
		c = table_row(r, t);
		table_thing(t, k);
		c[0].count = 1ULL << k;
		c[1].count = b->by_size[k].count;
		put_percentiles(c + 2, &b->by_size[k]);
	}
}

static int by_sum(const void *a, const void *b)
{
	const struct block_process *x = *(const struct block_process *const *)a;
	const struct block_process *y = *(const struct block_process *const *)b;

	if (x->sums.latency.sum != y->sums.latency.sum)
		return x->sums.latency.sum > y->sums.latency.sum ? -1 : 1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static const char *name_of(struct report *r, const struct segment *s, uint32_t comm, uint32_t pid)
{
	struct text t = segment_string(s, comm);

	if (!pid && !t.len)
		return "(not known)";
	return arena_strndup(&r->arena, t.s, t.len);
}

static void add_processes(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "comm", "Name", CELL_TEXT },
		{ "pid", "PID", CELL_NUMBER }, SUM_COLUMNS };
	struct table *t = report_table(r, "processes",
		"Processes, by how long they waited for disks", columns, 2 + N_SUM_COLUMNS);
	struct block_process **list = keyed_sorted(&b->processes, &r->arena, by_sum);
	uint32_t n = tables_first(b->options, b->processes.n);

	t->slices = windowed_of(&b->windowed, SLICES_OF_PROCESSES);
	for (uint32_t i = 0; i < n; i++) {
		const struct block_process *p = list[i];
		union cell *c = table_row(r, t);

		table_thing(t, keyed_number(&b->processes, p));
		c[0].text = name_of(r, p->segment, p->comm, p->pid);
		c[1].count = p->pid;
		put_sums(c + 2, &p->sums);
	}
	tables_tell_cut(r, "processes", b->processes.n, n);
}

/* What the data of a request is of, in words. */
static const char *content_name(struct report *r, const struct block_content *c)
{
	struct text t = segment_string(c->segment, c->file);

	switch (c->kind) {
	case CONTENT_FILE:
		if (t.len)
			return arena_strndup(&r->arena, t.s, t.len);
		return arena_printf(&r->arena, "(inode %" PRIu64 " on %u:%u)", c->inode, c->major,
			c->minor);
	case CONTENT_DISK:
		return arena_printf(&r->arena, "(%.*s: metadata, or the disk itself)", (int)t.len,
			t.s);
	case CONTENT_MEMORY: return "(memory of processes)";
	case CONTENT_NONE: return "";
	default: return "(not known)";
	}
}

static int by_content_sum(const void *a, const void *b)
{
	const struct block_content *x = *(const struct block_content *const *)a;
	const struct block_content *y = *(const struct block_content *const *)b;

	if (x->sums.latency.sum != y->sums.latency.sum)
		return x->sums.latency.sum > y->sums.latency.sum ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

static void add_files(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "file", "File", CELL_TEXT }, SUM_COLUMNS };
	struct block_content **list;
	uint32_t n = tables_first(b->options, b->contents.n);
	struct table *t;

	if (!b->contents_known)
		return;
	t = report_table(r, "files", "Files, by how long was waited for them", columns,
		1 + N_SUM_COLUMNS);
	list = keyed_sorted(&b->contents, &r->arena, by_content_sum);
	for (uint32_t i = 0; i < n; i++) {
		const struct block_content *f = list[i];
		union cell *c = table_row(r, t);

		c[0].text = content_name(r, f);
		put_sums(c + 1, &f->sums);
	}
	tables_tell_cut(r, "files", b->contents.n, n);
	if (b->n_without_data)
		report_note(r, NOTE_INFO,
			"Requests without data (flushes, discards, failed ones) are of no file: %" PRIu64
			" are not among the files.",
			b->n_without_data);
}

static const char *disk_name(const struct block_counts *b, uint32_t disk)
{
	return ((const struct block_disk *)keyed_get(&b->disks, disk))->name;
}

static void add_errors(const struct block_counts *b, struct report *r)
{
	static const struct column columns[] = { { "disk", "Disk", CELL_TEXT },
		{ "op", "Operation", CELL_TEXT }, { "error", "Error", CELL_TEXT },
		{ "requests", "Requests", CELL_COUNT, { PART_SUM } } };
	struct table *t;

	t = report_table(r, "errors", "Errors", columns, 4);
	t->slices = windowed_of(&b->windowed, SLICES_OF_ERRORS);
	for (uint32_t i = 0; i < b->errors.n; i++) {
		const struct block_errors *e = keyed_get(&b->errors, i);
		const char *name = strerrorname_np((int)e->error);
		union cell *c = table_row(r, t);

		table_thing(t, i);
		c[0].text = disk_name(b, e->disk);
		c[1].text = b->op_names[e->op];
		c[2].text = name ? name : arena_printf(&r->arena, "error %u", e->error);
		c[3].count = e->n;
	}
}

/* "sync|metadata": the names of the bits that are set. */
static const char *flags_text(struct report *r, const struct block_request *q)
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
	{ "error", "Error", CELL_NUMBER }, { "file", "File", CELL_TEXT } };

/* Traces from before files were known are shown without. */
static unsigned n_request_columns(const struct block_counts *b)
{
	return b->contents_known ? 14 : 13;
}

static void put_request(const struct block_counts *b, const struct trace_facts *f, struct report *r,
	struct table *t, const struct block_request *q)
{
	uint64_t begun = q->key.time > q->key.length ? q->key.time - q->key.length : 0;
	union cell *c = table_row(r, t);

	c[0].count = begun > f->start_ns ? begun - f->start_ns : 0;
	c[1].text = name_of(r, q->segment, q->comm, q->pid);
	c[2].count = q->pid;
	c[3].count = q->tid;
	c[4].text = disk_name(b, q->disk);
	c[5].text = b->op_names[q->op];
	c[6].text = flags_text(r, q);
	c[7].count = q->sector;
	c[8].count = q->bytes;
	c[9].count = q->queued;
	c[10].count = q->device;
	c[11].count = q->key.length;
	c[12].count = q->error;
	if (b->contents_known)
		c[13].text = content_name(r,
			&(struct block_content){ .segment = q->segment,
				.file = q->file,
				.major = q->file_major,
				.minor = q->file_minor,
				.inode = q->inode,
				.kind = q->kind });
}

static void add_worst(struct block_counts *b, const struct trace_facts *f, struct report *r)
{
	struct table *t = report_table(r, "worst", "Slowest requests", request_columns,
		n_request_columns(b));

	longest_sort(&b->worst);
	for (uint32_t i = 0; i < tables_first(b->options, b->worst.n); i++)
		put_request(b, f, r, t, longest_get(&b->worst, i));
}

static void add_list(const struct block_counts *b, const struct trace_facts *f, struct report *r)
{
	struct table *t;

	if (!b->options->list)
		return;
	t = report_table(r, "requests", "Every request, as they completed", request_columns,
		n_request_columns(b));
	for (uint32_t i = 0; i < b->n_list; i++)
		put_request(b, f, r, t, &b->list[i]);
	if (b->n_rows > b->n_list)
		report_note(r, NOTE_WARNING, "The list ends after %u of %" PRIu64 " requests.",
			b->n_list, b->n_rows);
}

static void put_series(const struct block_counts *b, struct report *r, void *distribution,
	const struct block_disk *d, uint32_t op)
{
	struct distribution *all = distribution;

	if (all->n_series >= MAX_SERIES)
		return;
	distribution_add(r, all, arena_printf(&r->arena, "%s %s", d->name, b->op_names[op]),
		&d->ops[op]->latency);
	distribution_thing(all, op_thing(b, d, op));
}

static void add_histograms(const struct block_counts *b, struct report *r)
{
	struct distribution *all, *sizes;

	all = report_histogram(r, "latency_histogram", "Latency", "Latency", CELL_NS, "requests");
	all->slices = windowed_of(&b->windowed, SLICES_OF_OPS);
	each_op(b, r, all, put_series);
	sizes = report_histogram(r, "size_histogram", "Size", "Size", CELL_BYTES, "requests");
	sizes->slices = windowed_of(&b->windowed, SLICES_OF_SIZES);
	for (uint32_t op = 0; op < N_OPS; op++) {
		if (!b->sizes[op].count)
			continue;
		distribution_add(r, sizes, b->op_names[op], &b->sizes[op]);
		distribution_thing(sizes, op);
	}
	report_heatmap(r, "latency_heatmap", "Latency over time", &b->latency_map, "Latency",
		CELL_NS, "requests");
	report_heatmap(r, "depth_heatmap", "Depth of the device's queue over time", &b->depth_map,
		"Depth", CELL_COUNT, "requests");
}

static void add_notes(const struct block_counts *b, const struct trace_facts *f, struct report *r)
{
	const struct segment *s = reader_declarations(f->inputs->readers[0], 0);

	if (segment_info(s, "source.block.min_ns").len)
		report_note(r, NOTE_INFO,
			"Recorded with --min: only slow requests are in the trace, so counts and "
			"percentiles are of those alone.");
	if (b->sampled)
		report_note(r, NOTE_INFO,
			"Not every request was recorded (rec --sample): each stands for several, and "
			"numbers are estimates from %" PRIu64 " requests.",
			b->n_rows);
	if (b->n_before)
		report_note(r, NOTE_INFO,
			"Of %" PRIu64
			" requests the beginning was not seen: it is not known who asked, and their "
			"latency counts from their making.",
			b->n_before);
}

/* The disk that was waited for longest, and which part of that was spent where. */
static void add_findings(const struct block_counts *b, struct report *r)
{
	const struct block_disk *most = NULL;
	char n[NUMBER_MAX], p99[NUMBER_MAX], all[NUMBER_MAX];

	for (uint32_t i = 0; i < b->disks.n; i++) {
		const struct block_disk *d = keyed_get(&b->disks, i);

		if (!most || d->all.latency.sum > most->all.latency.sum)
			most = d;
	}
	if (!most)
		return;
	report_finding(r, most->all.latency.sum, "operations",
		"%s requests to the disk %s took %s in all (p99 %s), %.0f%% of it in the queue.",
		number_count(n, most->all.latency.count), most->name,
		number_ns(all, most->all.latency.sum),
		number_ns(p99, histogram_percentile(&most->all.latency, 99)),
		100 * share(most->all.queued.sum, most->all.latency.sum));
	if (b->all.errors)
		report_finding(r, most->all.latency.sum, "errors", "%s request%s to disks failed.",
			number_count(n, b->all.errors), b->all.errors == 1 ? "" : "s");
}

void block_report(struct block_counts *b, const struct trace_facts *facts, struct report *r)
{
	block_unfinished_report(&b->unfinished, facts, r);
	if (!b->n_rows && trust_count(facts->trust, "block_io")) {
		report_note(r, NOTE_WARNING, "The filter lets no request to a disk pass.");
		return;
	}
	if (b->n_of_others)
		report_note(r, NOTE_WARNING,
			"%" PRIu64 " requests are of more processes than are told apart.",
			b->n_of_others);
	if (b->n_of_other_files)
		report_note(r, NOTE_WARNING,
			"%" PRIu64 " requests are for more files than are told apart.",
			b->n_of_other_files);
	if (!b->n_rows) {
		if (b->unfinished.n)
			return;
		report_note(r, NOTE_WARNING,
			"There are no requests to disks in this trace; `rec block` records them.");
		return;
	}
	add_notes(b, facts, r);
	tables_tell_budget(r, &b->budget);
	add_findings(b, r);
	add_latency(b, r);
	add_disks(b, r);
	add_operations(b, r);
	add_parts(b, r);
	add_sizes(b, r);
	add_processes(b, r);
	add_files(b, r);
	add_errors(b, r);
	add_worst(b, facts, r);
	add_histograms(b, r);
	add_list(b, facts, r);
}
