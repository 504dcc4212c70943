/* `ana block`: how long disks took, for what and for whom.
 *
 * A request's time has two parts: in the queue, until it was issued, and at the device. A request is
 * sequential if it begins where one of the disk's last ones ended, or ends where one began: those that
 * are under way together complete in any order. */
#include <stdlib.h>

#include "analyze/block_report.h"
#include "analyze/enum_field.h"
#include "analyze/tables.h"

enum {
	WORST = 1000,
	MAX_LIST = 1000000,
	/* Hostile traces have more; the rest is one heap. */
	MAX_DISKS = 1023,
	MAX_PROCESSES = 65536,
	MAX_CONTENTS = 65536,
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
	DATA,
	FILE_NAME,
	FILE_MAJOR,
	FILE_MINOR,
	INODE,
	WEIGHT,
	N_IO
};
static const char *const io_fields[N_IO] = { "latency", "queued", "device_time", "sector", "bytes",
	"disk", "major", "minor", "op", "flags", "error", "depth", "requeues", "pid", "tid", "comm",
	"data", "file", "file_major", "file_minor", "inode", "weight" };

enum { C_DISK, C_MAJOR, C_MINOR, C_KIND, C_WEIGHT, N_CHANGE };
static const char *const change_fields[N_CHANGE] = { "disk", "major", "minor", "kind", "weight" };

enum { WANT_IO, WANT_CHANGE, WANT_UNFINISHED, N_WANTS };

enum { OP_READ, OP_WRITE, OP_FLUSH };
static const char *const
	op_words[] = { [OP_READ] = "read", [OP_WRITE] = "write", [OP_FLUSH] = "flush", NULL };
enum { CHANGE_REQUEUE };
static const char *const change_words[] = { [CHANGE_REQUEUE] = "requeue", NULL };

static const char *const data_words[] = { [CONTENT_UNKNOWN] = "unknown",
	[CONTENT_NONE] = "none",
	[CONTENT_FILE] = "file",
	[CONTENT_DISK] = "disk",
	[CONTENT_MEMORY] = "memory",
	NULL };

struct block {
	struct block_counts counts;
	struct want wants[N_WANTS];
	struct enum_field op, flags, change, data;
	uint64_t preflush, begun_before; /* flags of the type that was seen last */
};

/* ---- names ---- */

static void learn_flags(struct block *b, const struct event_type *t)
{
	if (b->flags.type == t)
		return;
	b->preflush = enum_field_flag(&b->flags, t, "preflush");
	b->begun_before = enum_field_flag(&b->flags, t, "begun_before");
}

/* Whether a request is to read, to write, to flush; -1: another. */
static int what_of(struct block *b, const struct row *row)
{
	return enum_field_code(&b->op, row->type, row->values[OP]);
}

/* Numbers of operations are the trace's; their names are kept with them. */
static uint32_t op_of(struct block *b, const struct row *row)
{
	int64_t op = (int32_t)row->values[OP];
	const char *name = enum_field_word(&b->op, row->type, row->values[OP]);
	uint32_t i = op >= 0 && op < OP_OTHER && name ? (uint32_t)op : OP_OTHER;

	if (what_of(b, row) == OP_WRITE && !row->values[BYTES] && row->values[FLAGS] & b->preflush)
		i = OP_ASKED;
	if (!b->counts.op_names[i])
		b->counts.op_names[i] = i == OP_OTHER ? "other"
			: i == OP_ASKED               ? "asked flush"
						      : name;
	return i;
}

/* ---- counting ---- */

static uint32_t disk_of(struct block_counts *b, const struct row *row, uint64_t name,
	uint64_t major, uint64_t minor)
{
	uint64_t key = (uint64_t)row->reader << 32 | ((uint32_t)major << 20 ^ (uint32_t)minor);
	bool is_new;
	struct block_disk *d = keyed_find(&b->disks, key, &is_new);
	struct text t = segment_string(row->segment, (uint32_t)name);

	if (d && is_new)
		d->name = t.len ? arena_strndup(&b->arena, t.s, t.len) : "?";
	if (!d) {
		d = keyed_rest(&b->disks, &is_new);
		d->name = "(more)";
	}
	return keyed_number(&b->disks, d);
}

static void count_times(struct block_times *t, const struct row *row)
{
	uint64_t n = row_weight(row, WEIGHT);

	histogram_add(&t->latency, row->values[LATENCY], n);
	if (row->values[DEVICE]) { /* it was issued, and that was seen */
		histogram_add(&t->queued, row->values[QUEUED], n);
		histogram_add(&t->device, row->values[DEVICE], n);
	}
	t->bytes += n * row->values[BYTES];
	t->errors += row->values[ERROR] ? n : 0;
}

static void times_limit(struct block_times *t, struct histogram_budget *budget)
{
	t->latency.budget = t->queued.budget = t->device.budget = budget;
}

static void times_done(struct block_times *t)
{
	histogram_done(&t->latency);
	histogram_done(&t->queued);
	histogram_done(&t->device);
}

static void place(struct block_disk *d, uint64_t sector, uint64_t bytes)
{
	struct extent e = { sector, sector + bytes / 512 };
	uint32_t n = d->n_recent < BLOCK_RECENT ? d->n_recent : BLOCK_RECENT;
	bool sequential = false;

	for (uint32_t i = 0; i < n && !sequential; i++)
		sequential = d->recent[i].to == e.from || d->recent[i].from == e.to;
	d->n_placed++;
	d->n_sequential += sequential;
	d->recent[d->n_recent % BLOCK_RECENT] = e;
	d->n_recent = d->n_recent + 1 == 2 * BLOCK_RECENT ? BLOCK_RECENT : d->n_recent + 1;
}

static void count_disk(struct block *b, struct block_disk *d, const struct row *row, uint32_t op)
{
	const uint64_t *v = row->values, n = row_weight(row, WEIGHT);
	int what = what_of(b, row);

	if (!d->ops[op]) {
		d->ops[op] = xcalloc(1, sizeof(**d->ops));
		times_limit(d->ops[op], &b->counts.budget);
		times_limit(&d->all, &b->counts.budget);
	}
	count_times(d->ops[op], row);
	count_times(&d->all, row);
	if (v[BYTES] && (what == OP_READ || what == OP_WRITE))
		place(d, v[SECTOR], v[BYTES]);
	d->requeues += n * v[REQUEUES];
	if (!v[DEPTH])
		return;
	d->depth_sum += n * v[DEPTH];
	d->n_depths += n;
	d->depth_max = v[DEPTH] > d->depth_max ? v[DEPTH] : d->depth_max;
}

static void count_sums(struct block *b, struct block_sums *s, const struct row *row)
{
	const uint64_t *v = row->values, n = row_weight(row, WEIGHT);
	int what = what_of(b, row);

	s->latency.budget = &b->counts.budget;
	histogram_add(&s->latency, v[LATENCY], n);
	s->errors += v[ERROR] ? n : 0;
	if (what == OP_READ) {
		s->reads += n;
		s->read_bytes += n * v[BYTES];
	} else if (what == OP_WRITE) {
		s->writes += n;
		s->write_bytes += n * v[BYTES];
	}
}

/* A flush is counted as what asked for it. */
static void count_process(struct block *b, const struct row *row)
{
	const uint64_t *v = row->values;
	struct block_process *p;
	bool is_new;

	if (what_of(b, row) == OP_FLUSH)
		return;
	p = keyed_find(&b->counts.processes, (uint64_t)row->reader << 32 | (uint32_t)v[PID],
		&is_new);
	b->counts.n_of_others += p ? 0 : row_weight(row, WEIGHT);
	if (!p)
		return;
	p->segment = row->segment;
	p->comm = (uint32_t)v[COMM];
	p->pid = (uint32_t)v[PID];
	count_sums(b, &p->sums, row);
}

/* Traces from before files were known have no such field. */
static enum block_content_kind kind_of(struct block *b, const struct row *row)
{
	int code = enum_field_code(&b->data, row->type, row->values[DATA]);

	return code < 0 ? CONTENT_UNKNOWN : (enum block_content_kind)code;
}

/* What is called the same is the same: a file that is written anew under its name has another number then. */
static uint64_t content_key(const struct row *row, enum block_content_kind kind)
{
	const uint64_t *v = row->values;
	struct text name = segment_string(row->segment, (uint32_t)v[FILE_NAME]);
	uint64_t key = hash_u64((uint64_t)row->reader << 8 | kind);

	if (kind != CONTENT_FILE && kind != CONTENT_DISK)
		return key;
	key = hash_u64(key ^ (v[FILE_MAJOR] << 32 | v[FILE_MINOR]));
	return key ^ (name.len ? hash_bytes(name.s, name.len) : hash_u64(v[INODE] + 1));
}

static void count_content(struct block *b, const struct row *row)
{
	const uint64_t *v = row->values;
	enum block_content_kind kind = kind_of(b, row);
	struct block_content *c;
	bool is_new;

	b->counts.contents_known |= kind != CONTENT_UNKNOWN;
	if (kind == CONTENT_NONE || !v[BYTES]) {
		b->counts.n_without_data += row_weight(row, WEIGHT);
		return;
	}
	c = keyed_find(&b->counts.contents, content_key(row, kind), &is_new);
	b->counts.n_of_other_files += c ? 0 : row_weight(row, WEIGHT);
	if (!c)
		return;
	c->segment = row->segment;
	c->file = (uint32_t)v[FILE_NAME];
	c->major = (uint32_t)v[FILE_MAJOR];
	c->minor = (uint32_t)v[FILE_MINOR];
	c->inode = v[INODE];
	c->kind = kind;
	count_sums(b, &c->sums, row);
}

static void count_error(struct block_counts *b, uint32_t disk, uint32_t op, const struct row *row)
{
	uint32_t error = (uint32_t)row->values[ERROR];
	bool is_new;
	struct block_errors *e = keyed_find(&b->errors,
		(uint64_t)disk << 32 | op << 16 | (error & 0xffff), &is_new);

	if (e && is_new)
		*e = (struct block_errors){ disk, op, error, 0 };
	if (e)
		e->n += row_weight(row, WEIGHT);
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
	const uint64_t *v = row->values, n = row_weight(row, WEIGHT);
	struct block_counts *c = &b->counts;

	c->n_rows++;
	c->sampled |= n > 1;
	count_times(&c->all, row);
	if (v[BYTES]) {
		histogram_add(&c->sizes[op], v[BYTES], n);
		histogram_add(&c->by_size[size_class(v[BYTES])], v[LATENCY], n);
	}
	c->n_before += v[FLAGS] & b->begun_before ? n : 0;
	heatmap_add(&c->latency_map, row->time, v[LATENCY], n);
	if (v[DEPTH])
		heatmap_add(&c->depth_map, issued_at(row), v[DEPTH], n);
}

/* ---- rows ---- */

static void keep(struct block_counts *b, const struct row *row, uint32_t disk, uint32_t op,
	enum block_content_kind kind)
{
	const uint64_t *v = row->values;
	struct block_request r = { .key = { v[LATENCY], row->time },
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
		.file = (uint32_t)v[FILE_NAME],
		.file_major = (uint32_t)v[FILE_MAJOR],
		.file_minor = (uint32_t)v[FILE_MINOR],
		.inode = v[INODE],
		.kind = kind,
		.error = (uint32_t)v[ERROR],
		.flags = v[FLAGS] };

	longest_add(&b->worst, &r);
	if (!b->options->list || b->n_list == MAX_LIST)
		return;
	b->list = xgrow(b->list, b->n_list, sizeof(*b->list));
	b->list[b->n_list++] = r;
}

static void note_time(struct block_counts *b, const struct row *row, uint64_t latency)
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
	struct block_counts *c = &b->counts;
	uint32_t disk, op;

	learn_flags(b, row->type);
	note_time(c, row, v[LATENCY]);
	disk = disk_of(c, row, v[DISK], v[MAJOR], v[MINOR]);
	op = op_of(b, row);
	count_disk(b, keyed_get(&c->disks, disk), row, op);
	count_process(b, row);
	count_content(b, row);
	count_all(b, row, op);
	if (v[ERROR])
		count_error(c, disk, op, row);
	keep(c, row, disk, op, kind_of(b, row));
}

static void change_row(struct block *b, const struct row *row)
{
	const uint64_t *v = row->values;
	uint32_t disk = disk_of(&b->counts, row, v[C_DISK], v[C_MAJOR], v[C_MINOR]);
	struct block_disk *d = keyed_get(&b->counts.disks, disk);

	if (enum_field_code(&b->change, row->type, v[C_KIND]) != CHANGE_REQUEUE)
		d->merges += row_weight(row, C_WEIGHT);
}

static void block_row(void *state, const struct row *row)
{
	struct block *b = state;

	windowed_at(&b->counts.windowed, row->time);
	switch (row->want) {
	case WANT_IO: io_row(b, row); break;
	case WANT_CHANGE: change_row(b, row); break;
	default: block_unfinished_row(&b->counts.unfinished, row);
	}
}

/* ---- slice by slice ---- */

static void look_at(struct windowed *w, unsigned table, uint32_t thing, const uint64_t *sums,
	const struct histogram *h)
{
	windowed_look(w, table, thing, sums, &h);
}

static void look_at_times(struct windowed *w, uint32_t number, const struct block_times *t)
{
	look_at(w, SLICES_OF_OPS, number,
		(const uint64_t[N_OP_SUMS]){ [SLICED_OP_BYTES] = t->bytes,
			[SLICED_OP_ERRORS] = t->errors },
		&t->latency);
	look_at(w, SLICES_OF_PARTS, 2 * number, NULL, &t->queued);
	look_at(w, SLICES_OF_PARTS, 2 * number + 1, NULL, &t->device);
}

static void look_at_disk(struct windowed *w, uint32_t number, const struct block_disk *d)
{
	look_at(w, SLICES_OF_DISKS, number,
		(const uint64_t[N_DISK_SUMS]){ [DISK_BYTES] = d->all.bytes,
			[DISK_ERRORS] = d->all.errors,
			[DISK_SEQUENTIAL] = d->n_sequential,
			[DISK_PLACED] = d->n_placed,
			[DISK_MERGES] = d->merges,
			[DISK_REQUEUES] = d->requeues,
			[DISK_DEPTHS] = d->depth_sum,
			[DISK_N_DEPTHS] = d->n_depths },
		&d->all.latency);
	for (uint32_t op = 0; op < N_OPS; op++)
		if (d->ops[op])
			look_at_times(w, number * N_OPS + op, d->ops[op]);
}

static void look_at_sums(struct windowed *w, unsigned table, uint32_t number,
	const struct block_sums *s)
{
	look_at(w, table, number,
		(const uint64_t[N_SUMS]){ [SUM_READS] = s->reads,
			[SUM_READ_BYTES] = s->read_bytes,
			[SUM_WRITES] = s->writes,
			[SUM_WRITE_BYTES] = s->write_bytes,
			[SUM_ERRORS] = s->errors },
		&s->latency);
}

/* Shows everything that is counted whenever a slice of the time is over. */
static void block_look(void *ctx, struct windowed *w)
{
	const struct block_counts *c = &((struct block *)ctx)->counts;

	look_at(w, SLICES_OF_ALL, 0, NULL, &c->all.latency);
	look_at(w, SLICES_OF_ALL, 1, NULL, &c->all.queued);
	look_at(w, SLICES_OF_ALL, 2, NULL, &c->all.device);
	for (uint32_t i = 0; i < c->disks.n; i++)
		look_at_disk(w, i, keyed_get(&c->disks, i));
	for (uint32_t i = 0; i < c->processes.n; i++)
		look_at_sums(w, SLICES_OF_PROCESSES, i,
			&((const struct block_process *)keyed_get(&c->processes, i))->sums);
	for (uint32_t i = 0; i < c->errors.n; i++)
		windowed_look(w, SLICES_OF_ERRORS, i,
			&((const struct block_errors *)keyed_get(&c->errors, i))->n, NULL);
	for (uint32_t i = 0; i < N_SIZES; i++)
		look_at(w, SLICES_BY_SIZE, i, NULL, &c->by_size[i]);
	for (uint32_t i = 0; i < N_OPS; i++)
		look_at(w, SLICES_OF_SIZES, i, NULL, &c->sizes[i]);
}

static void add_windows(struct block *b, bool is_on)
{
	static const struct {
		unsigned sums, histograms;
	} tables[N_SLICED_TABLES] = { [SLICES_OF_ALL] = { 0, 1 },
		[SLICES_OF_DISKS] = { N_DISK_SUMS, 1 },
		[SLICES_OF_OPS] = { N_OP_SUMS, 1 },
		[SLICES_OF_PARTS] = { 0, 1 },
		[SLICES_OF_PROCESSES] = { N_SUMS, 1 },
		[SLICES_OF_ERRORS] = { 1, 0 },
		[SLICES_BY_SIZE] = { 0, 1 },
		[SLICES_OF_SIZES] = { 0, 1 } };

	windowed_init(&b->counts.windowed, is_on, block_look, b);
	for (unsigned i = 0; i < N_SLICED_TABLES; i++)
		windowed_table(&b->counts.windowed, tables[i].sums, tables[i].histograms);
}

/* ---- as an analyzer ---- */

static void block_finish(void *state, const struct trace_facts *facts, struct report *r)
{
	struct block *b = state;

	windowed_finish(&b->counts.windowed);
	block_report(&b->counts, facts, r);
}

static void *block_new(const struct analyze_options *o)
{
	struct block *b = xcalloc(1, sizeof(*b));

	b->counts.options = o;
	b->counts.budget = (struct histogram_budget){ .left = TABLES_HISTOGRAMS };
	b->wants[WANT_IO] = (struct want){ "block_io", io_fields, N_IO };
	b->wants[WANT_CHANGE] = (struct want){ "block_change", change_fields, N_CHANGE };
	b->wants[WANT_UNFINISHED] = (struct want){ "block_unfinished", block_unfinished_fields,
		block_unfinished_n_fields };
	block_unfinished_init(&b->counts.unfinished, tables_top(o));
	b->op = (struct enum_field){ .name = "op", .words = op_words };
	b->flags = (struct enum_field){ .name = "flags" };
	b->data = (struct enum_field){ .name = "data", .words = data_words };
	b->change = (struct enum_field){ .name = "kind", .words = change_words };
	keyed_init(&b->counts.disks, sizeof(struct block_disk), MAX_DISKS);
	keyed_init(&b->counts.processes, sizeof(struct block_process), MAX_PROCESSES);
	keyed_init(&b->counts.contents, sizeof(struct block_content), MAX_CONTENTS);
	keyed_init(&b->counts.errors, sizeof(struct block_errors), MAX_PROCESSES);
	longest_init(&b->counts.worst, sizeof(struct block_request),
		o->top > WORST ? o->top : WORST);
	add_windows(b, o->report);
	return b;
}

static int block_begin(void *state, const struct trace_facts *facts, struct err *err)
{
	(void)err;
	windowed_start(&((struct block *)state)->counts.windowed, facts->start_ns,
		facts->length_ns);
	return 0;
}

static const struct want *block_wants(void *state, uint32_t *n)
{
	*n = N_WANTS;
	return ((struct block *)state)->wants;
}

static void disk_done(struct block_disk *d)
{
	for (uint32_t op = 0; op < N_OPS; op++) {
		if (d->ops[op])
			times_done(d->ops[op]);
		free(d->ops[op]);
	}
	times_done(&d->all);
}

static void block_free(void *state)
{
	struct block *b = state;
	struct block_counts *c = &b->counts;

	for (uint32_t i = 0; i < c->disks.n; i++)
		disk_done(keyed_get(&c->disks, i));
	for (uint32_t i = 0; i < c->processes.n; i++)
		histogram_done(
			&((struct block_process *)keyed_get(&c->processes, i))->sums.latency);
	for (uint32_t i = 0; i < c->contents.n; i++)
		histogram_done(&((struct block_content *)keyed_get(&c->contents, i))->sums.latency);
	for (uint32_t op = 0; op < N_OPS; op++)
		histogram_done(&c->sizes[op]);
	for (unsigned k = 0; k < N_SIZES; k++)
		histogram_done(&c->by_size[k]);
	times_done(&c->all);
	if (c->maps) {
		heatmap_builder_done(&c->latency_map);
		heatmap_builder_done(&c->depth_map);
	}
	windowed_done(&c->windowed);
	keyed_done(&c->disks);
	keyed_done(&c->processes);
	keyed_done(&c->contents);
	keyed_done(&c->errors);
	longest_done(&c->worst);
	block_unfinished_done(&c->unfinished);
	free(c->list);
	arena_done(&c->arena);
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
	.begin = block_begin,
	.wants = block_wants,
	.row = block_row,
	.finish = block_finish,
	.free = block_free,
};
