#include "analyze/block_unfinished.h"

#include <inttypes.h>

#include "analyze/inputs.h"

enum { BEGIN, ISSUED, SECTOR, BYTES, DISK, OP, PID, TID, COMM, N_FIELDS };
const char *const block_unfinished_fields[N_FIELDS] = { "begin", "issued", "sector", "bytes",
	"disk", "op", "pid", "tid", "comm" };
const uint32_t block_unfinished_n_fields = N_FIELDS;

struct unfinished {
	struct longest_key key; /* how long it was in flight, and the end */
	const struct segment *segment;
	const struct event_type *type;
	uint64_t values[N_FIELDS];
};

void block_unfinished_init(struct block_unfinished_rows *u, uint32_t top)
{
	longest_init(&u->longest, sizeof(struct unfinished), top);
	u->n = 0;
}

void block_unfinished_done(struct block_unfinished_rows *u)
{
	longest_done(&u->longest);
}

void block_unfinished_row(struct block_unfinished_rows *u, const struct row *row)
{
	struct unfinished x = { .key.time = row->time, .segment = row->segment, .type = row->type };
	uint64_t end;

	for (uint32_t i = 0; i < N_FIELDS; i++)
		x.values[i] = row->values[i];
	/* The row's time is on the common clock, the others on that of the segment. */
	end = row->time - (uint64_t)row->segment->shift_ns;
	x.key.length = end > x.values[BEGIN] ? end - x.values[BEGIN] : 0;
	longest_add(&u->longest, &x);
	u->n++;
}

static const char *text_of(struct report *r, const struct unfinished *x, uint64_t string)
{
	struct text t = segment_string(x->segment, (uint32_t)string);

	return t.len ? arena_strndup(&r->arena, t.s, t.len) : "(not known)";
}

static const char *op_of(const struct unfinished *x)
{
	int at = event_field(x->type, "op");
	const char *name = at < 0
		? NULL
		: enum_name(x->type->fields[at].enumeration, (int32_t)x->values[OP]);

	return name ? name : "(not known)";
}

void block_unfinished_report(struct block_unfinished_rows *u, const struct trace_facts *f,
	struct report *r)
{
	static const struct column columns[] = { { "time", "At", CELL_NS },
		{ "comm", "Name", CELL_TEXT }, { "pid", "PID", CELL_NUMBER },
		{ "tid", "TID", CELL_NUMBER }, { "disk", "Disk", CELL_TEXT },
		{ "op", "Operation", CELL_TEXT }, { "sector", "Sector", CELL_NUMBER },
		{ "bytes", "Size", CELL_BYTES }, { "where", "Where", CELL_TEXT },
		{ "age", "For at least", CELL_NS } };
	struct table *t;

	if (!u->n)
		return;
	longest_sort(&u->longest);
	t = report_table(r, "unfinished", "Requests in flight at the end", columns, 10);
	for (uint32_t i = 0; i < u->longest.n; i++) {
		const struct unfinished *x = longest_get(&u->longest, i);
		union cell *c = table_row(r, t);
		uint64_t begun = x->key.time > x->key.length ? x->key.time - x->key.length : 0;

		c[0].count = begun > f->start_ns ? begun - f->start_ns : 0;
		c[1].text = text_of(r, x, x->values[COMM]);
		c[2].count = x->values[PID];
		c[3].count = x->values[TID];
		c[4].text = text_of(r, x, x->values[DISK]);
		c[5].text = op_of(x);
		c[6].count = x->values[SECTOR];
		c[7].count = x->values[BYTES];
		c[8].text = x->values[ISSUED] ? "device" : "queue";
		c[9].count = x->key.length;
	}
	if (u->n > u->longest.n)
		report_note(r, NOTE_INFO,
			"Of %" PRIu64 " requests in flight at the end %u are shown (--top).", u->n,
			u->longest.n);
}
