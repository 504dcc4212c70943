/* Requests to disks by the kernel's tracepoints. These tell where on a disk a request is, and not which one it is:
 * what is inserted, issued and complete at one place is taken for one request.
 *
 * What wants a flush takes this way (block/blk-flush.c; seen on 6.18): block_getrq tells who asks and that
 * (FWS, WFS), and is followed by the data, if any, without the wish where the device cannot do it itself; by
 * the flush, FF, from a worker; and by the end of the request, without data. The rows are those of the BPF
 * programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "record/block_rwbs.h"
#include "record/block_source.h"
#include "record/chance.h"
#include "record/disks.h"
#include "record/tracepoint_feed.h"

enum {
	BUCKETS = 4096,      /* a power of two */
	MAX_PENDING = 65536, /* more cannot be on their way */
	SECTOR_BYTES = 512,
	MAX_STATES = 1024, /* of disks */
};

enum kind { DATA, EMPTY, FLUSH };

/* A request on its way, or who asked for one that wants a flush. */
struct pending {
	struct following f;
	enum kind kind;
	uint32_t stack, generation;
	uint32_t next;    /* of the bucket; 1 + its number; 0: none */
	bool wants_flush; /* before it (preflush), or behind it (FUA) if the device cannot do that */
	bool data_is_done; /* and its end is still to come */
};

struct disk_state {
	uint32_t device, depth;
	uint64_t flusher; /* who asked for the last flush */
	bool flusher_wanted;
};

struct block_tracepoints {
	struct block_source *source; /* borrowed */
	struct tracepoint_feed *feed;
	struct disk_extent extents[MAX_DEVICES]; /* --device */
	struct pending *all;                     /* owned */
	uint32_t n_made, free;                   /* free: 1 + the first of those to be used again */
	uint32_t buckets[BUCKETS];               /* 1 + the newest */
	struct disk_state *disks;                /* owned */
	uint32_t n_disks;
	/* Complete, but their beginning was not seen: nobody knows whose they are. */
	uint64_t n_unknown;
	uint64_t random;
};

/* ---- what a record says ---- */

enum { DEV, SECTOR, N_SECTORS, RWBS, BYTES, ERROR };
#define FIELDS \
	{ \
		"dev", "sector", "nr_sector", "rwbs", "bytes?", "error?" \
	}

struct step {
	uint64_t time, sector;
	uint32_t device, bytes, flags;
	enum block_op op;
	enum kind kind;
};

static struct step step_of(const struct tracepoint_record *r)
{
	struct step s = { .time = r->sample->time,
		.device = (uint32_t)tracepoint_number(r, DEV),
		.sector = (uint64_t)tracepoint_number(r, SECTOR),
		.bytes = (uint32_t)tracepoint_number(r, N_SECTORS) * SECTOR_BYTES };
	char rwbs[16];

	raw_text(r->fields, RWBS, r->sample, rwbs, sizeof(rwbs));
	s.op = block_rwbs_parse(rwbs, &s.flags);
	s.kind = s.op == BLOCK_OP_FLUSH ? FLUSH : s.bytes ? DATA : EMPTY;
	if (s.kind == FLUSH)
		s.sector = 0;
	return s;
}

/* ---- requests ---- */

static bool is_device(const struct block_tracepoints *t, const struct step *s)
{
	uint32_t n = t->source->n_devices;

	for (uint32_t i = 0; i < n; i++) {
		const struct disk_extent *e = &t->extents[i];

		if (e->disk == s->device &&
			(s->kind != DATA || (s->sector >= e->from && s->sector < e->to)))
			return true;
	}
	return !n;
}

static uint32_t *bucket_of(struct block_tracepoints *t, uint32_t device, uint64_t sector)
{
	return &t->buckets[hash_u64(sector ^ (uint64_t)device << 40) & (BUCKETS - 1)];
}

/* Whether a request may be the one that a step is about, as the place, kind and operation say. */
typedef bool (*is_it)(const struct pending *p, const struct step *s);

static bool not_issued(const struct pending *p, const struct step *s)
{
	(void)s;
	return !p->f.in_device && !p->data_is_done;
}

static bool in_device(const struct pending *p, const struct step *s)
{
	(void)s;
	return p->f.in_device;
}

/* And this is all of it, or the rest. */
static bool as_large(const struct pending *p, const struct step *s)
{
	return p->f.in_device && p->f.asked - p->f.bytes == s->bytes;
}

static bool data_is_done(const struct pending *p, const struct step *s)
{
	(void)s;
	return p->data_is_done;
}

/* The newest such request, or NULL: an old one at the same place may be one whose end was lost. */
static struct pending *find(struct block_tracepoints *t, const struct step *s, enum kind kind,
	is_it is)
{
	for (uint32_t at = *bucket_of(t, s->device, s->sector); at; at = t->all[at - 1].next) {
		struct pending *p = &t->all[at - 1];

		if (p->kind == kind && p->f.device == s->device && p->f.sector == s->sector &&
			p->f.op == s->op && is(p, s))
			return p;
	}
	return NULL;
}

/* The oldest: requests for a flush end in the order in which they came. */
static struct pending *find_oldest(struct block_tracepoints *t, const struct step *s)
{
	struct pending *found = NULL;

	for (uint32_t at = *bucket_of(t, s->device, s->sector); at; at = t->all[at - 1].next) {
		struct pending *p = &t->all[at - 1];

		if (p->kind == EMPTY && p->f.device == s->device && p->f.sector == s->sector)
			found = p;
	}
	return found;
}

static void put_in(struct block_tracepoints *t, struct pending *p)
{
	uint32_t *bucket = bucket_of(t, p->f.device, p->f.sector);

	p->next = *bucket;
	*bucket = (uint32_t)(p - t->all) + 1;
}

static void take_out(struct block_tracepoints *t, struct pending *p)
{
	uint32_t *at = bucket_of(t, p->f.device, p->f.sector), number = (uint32_t)(p - t->all) + 1;

	while (*at && *at != number)
		at = &t->all[*at - 1].next;
	*at = p->next;
}

static void forget(struct block_tracepoints *t, struct pending *p)
{
	take_out(t, p);
	p->f = (struct following){ 0 };
	p->next = t->free;
	t->free = (uint32_t)(p - t->all) + 1;
}

static void move(struct block_tracepoints *t, struct pending *p, uint64_t sector)
{
	take_out(t, p);
	p->f.sector = sector;
	put_in(t, p);
}

/* NULL if there is no place. */
static struct pending *new_pending(struct block_tracepoints *t)
{
	struct pending *p;

	if (t->free) {
		p = &t->all[t->free - 1];
		t->free = p->next;
		return p;
	}
	return t->n_made < MAX_PENDING ? &t->all[t->n_made++] : NULL;
}

static bool wants_present(const struct block_tracepoints *t, const struct tracepoint_record *r)
{
	struct recording *rec = t->source->recording;
	struct thread *thread = processes_find_late(rec->processes, r->sample->tid);
	char comm[17] = "";

	if (thread)
		memcpy(comm, thread->comm, sizeof(thread->comm));
	return recording_wants(rec, thread, r->sample->tid, comm);
}

static bool nobody_is_left_out(const struct block_tracepoints *t)
{
	const struct recording *rec = t->source->recording;

	return rec->target.kind == TARGET_SYSTEM && !rec->options->comm && !rec->options->n_tids;
}

/* The present thread asks for it. */
static struct pending *begin(struct block_tracepoints *t, const struct tracepoint_record *r,
	const struct step *s)
{
	struct recording *rec = t->source->recording;
	struct pending *p = new_pending(t);

	if (!p) {
		recording_lost_as(rec, LOST_TABLE_FULL, r->stream, "block_io", 1, s->time, s->time);
		return NULL;
	}
	*p = (struct pending){ .kind = s->kind,
		.f = { .begun_ns = s->time,
			.device = s->device,
			.sector = s->sector,
			.asked = s->bytes,
			.flags = s->flags,
			.op = (uint8_t)s->op,
			.id = (uint64_t)r->sample->pid << 32 | r->sample->tid,
			.wanted = wants_present(t, r) } };
	if (p->f.wanted && r->sample->n_chain) {
		p->stack = tracepoint_stack(rec, r,
			processes_thread(rec->processes, r->sample->pid, r->sample->tid));
		p->generation = writer_generation(rec->writer);
	}
	put_in(t, p);
	return p;
}

/* ---- disks ---- */

static struct disk_state *state_of(struct block_tracepoints *t, uint32_t device)
{
	for (uint32_t i = 0; i < t->n_disks; i++)
		if (t->disks[i].device == device)
			return &t->disks[i];
	if (t->n_disks == MAX_STATES)
		return &t->disks[MAX_STATES - 1];
	t->disks = xrealloc(t->disks, t->n_disks + 1, sizeof(*t->disks));
	t->disks[t->n_disks] = (struct disk_state){ .device = device };
	return &t->disks[t->n_disks++];
}

static void enter_device(struct block_tracepoints *t, struct pending *p)
{
	p->f.depth = ++state_of(t, p->f.device)->depth;
	p->f.in_device = true;
}

static void leave_device(struct block_tracepoints *t, struct pending *p)
{
	struct disk_state *d = state_of(t, p->f.device);

	if (p->f.in_device && d->depth)
		d->depth--;
	p->f.in_device = false;
}

/* ---- telling ---- */

static void tell(struct block_tracepoints *t, const struct tracepoint_record *r,
	const struct pending *p)
{
	struct block_source *s = t->source;
	const struct following *f = &p->f;
	uint64_t now = r->sample->time, done = f->done_ns ? f->done_ns : now;
	bool known = p->generation == writer_generation(s->recording->writer);
	struct block_io e = { .time = now,
		.latency = now - f->begun_ns,
		.queued = f->issued_ns > f->begun_ns ? f->issued_ns - f->begun_ns : 0,
		.device_time = f->issued_ns && done > f->issued_ns ? done - f->issued_ns : 0,
		/* What was complete before lies in front of the rest, until it waits for a flush. */
		.sector = f->sector -
			(p->kind == DATA && !p->data_is_done ? f->bytes / SECTOR_BYTES : 0),
		.bytes = f->bytes,
		.cpu = r->sample->cpu,
		.major = f->device >> 20,
		.minor = f->device & 0xfffff,
		.op = f->op,
		.flags = f->flags,
		.error = f->status,
		.depth = f->depth,
		.requeues = f->requeues,
		.pid = (uint32_t)(f->id >> 32),
		.tid = (uint32_t)f->id,
		.stack = known ? p->stack : 0,
		.weight = s->sample };

	if (f->wanted && now >= f->begun_ns && e.latency >= s->recording->options->min_ns &&
		chance_one_in(&t->random, s->sample))
		block_take_io(s, r->stream, &e);
}

static void tell_change(struct block_tracepoints *t, const struct tracepoint_record *r,
	const struct step *s, uint64_t id, enum block_change_kind kind)
{
	struct block_change e = { .time = s->time,
		.sector = s->sector,
		.bytes = s->bytes,
		.cpu = r->sample->cpu,
		.major = s->device >> 20,
		.minor = s->device & 0xfffff,
		.kind = kind,
		.op = s->op,
		.pid = (uint32_t)(id >> 32),
		.tid = (uint32_t)id,
		.weight = t->source->sample };

	if (!t->source->recording->options->min_ns && chance_one_in(&t->random, e.weight))
		block_take_change(t->source, r->stream, &e);
}

/* Of a request that was there already. */
static void tell_request_change(struct block_tracepoints *t, const struct tracepoint_record *r,
	const struct step *s, const struct pending *p, enum block_change_kind kind)
{
	if (p ? p->f.wanted : nobody_is_left_out(t))
		tell_change(t, r, s, p ? p->f.id : 0, kind);
}

/* ---- the tracepoints ---- */

static void on_getrq(void *ctx, const struct tracepoint_record *r)
{
	struct block_tracepoints *t = ctx;
	struct step s = step_of(r);
	struct disk_state *d;
	struct pending *p;

	if (!(s.flags & (BLOCK_FLAG_PREFLUSH | BLOCK_FLAG_FUA)) || !is_device(t, &s))
		return;
	p = begin(t, r, &s);
	if (!p)
		return;
	p->wants_flush = true;
	d = state_of(t, s.device);
	d->flusher = p->f.id;
	d->flusher_wanted = p->f.wanted;
}

/* The request of who asked before, or a new one. */
static struct pending *find_or_begin(struct block_tracepoints *t, const struct tracepoint_record *r,
	const struct step *s)
{
	struct pending *p = find(t, s, s->kind, not_issued);
	struct disk_state *d = state_of(t, s->device);

	if (p || !(p = begin(t, r, s)))
		return p;
	if (s->kind == FLUSH && d->flusher) { /* a worker sends it */
		p->f.id = d->flusher;
		p->f.wanted = d->flusher_wanted;
		p->stack = 0;
	}
	return p;
}

/* The device does FUA by itself if it is still asked to. */
static void learn_flush(struct pending *p, const struct step *s)
{
	p->wants_flush = p->wants_flush &&
		(p->f.flags & BLOCK_FLAG_PREFLUSH || !(s->flags & BLOCK_FLAG_FUA));
	p->f.flags |= s->flags;
}

static void on_insert(void *ctx, const struct tracepoint_record *r)
{
	struct block_tracepoints *t = ctx;
	struct step s = step_of(r);
	struct pending *p;

	if (!is_device(t, &s))
		return;
	p = find(t, &s, s.kind, not_issued);
	/* It has begun if it waits for a flush, or was given back; others at this place have not. */
	if (!p || !(p->wants_flush || p->f.requeues))
		begin(t, r, &s);
}

static void on_issue(void *ctx, const struct tracepoint_record *r)
{
	struct block_tracepoints *t = ctx;
	struct step s = step_of(r);
	struct pending *p = is_device(t, &s) ? find_or_begin(t, r, &s) : NULL;

	if (!p)
		return;
	learn_flush(p, &s);
	p->f.issued_ns = s.time;
	if (!p->f.bytes)
		p->f.asked = s.bytes;
	enter_device(t, p);
}

static void on_requeue(void *ctx, const struct tracepoint_record *r)
{
	struct block_tracepoints *t = ctx;
	struct step s = step_of(r);
	struct pending *p = is_device(t, &s) ? find(t, &s, s.kind, in_device) : NULL;

	if (p) {
		leave_device(t, p);
		p->f.requeues++;
	}
	if (is_device(t, &s))
		tell_request_change(t, r, &s, p, BLOCK_CHANGE_REQUEUE);
}

static void finish(struct block_tracepoints *t, const struct tracepoint_record *r,
	struct pending *p)
{
	tell(t, r, p);
	forget(t, p);
}

/* The end of a request whose data was complete before, or that had none. */
static void complete_without_data(struct block_tracepoints *t, const struct tracepoint_record *r,
	const struct step *s, int32_t error)
{
	struct pending *p = find(t, s, DATA, data_is_done);

	if (!p)
		p = find_oldest(t, s);
	if (!p) {
		t->n_unknown++;
		return;
	}
	p->f.status = error ? error : p->f.status;
	finish(t, r, p);
}

/* Some of the data, or all of it. */
static void complete_data(struct block_tracepoints *t, const struct tracepoint_record *r,
	struct pending *p, const struct step *s)
{
	uint64_t all = p->f.asked;

	p->f.bytes += s->bytes;
	if (p->kind == DATA)
		move(t, p, p->f.sector + s->bytes / SECTOR_BYTES);
	if (p->f.bytes < all && !p->f.status)
		return;
	p->f.done_ns = s->time;
	leave_device(t, p);
	if (!p->wants_flush) {
		finish(t, r, p);
		return;
	}
	/* The end is told by where it began. */
	move(t, p, p->f.sector - p->f.bytes / SECTOR_BYTES);
	p->data_is_done = true;
}

static void on_complete(void *ctx, const struct tracepoint_record *r)
{
	struct block_tracepoints *t = ctx;
	struct step s = step_of(r);
	int32_t error = -(int32_t)tracepoint_number(r, ERROR);
	struct pending *p;

	if (!is_device(t, &s))
		return;
	if (s.kind == EMPTY) {
		complete_without_data(t, r, &s, error);
		return;
	}
	p = find(t, &s, s.kind, as_large);
	if (!p)
		p = find(t, &s, s.kind, in_device);
	if (!p) {
		t->n_unknown++;
		return;
	}
	p->f.status = error ? error : p->f.status;
	complete_data(t, r, p, &s);
}

/* The request goes; its bytes are another's now. */
static void on_merge(void *ctx, const struct tracepoint_record *r)
{
	struct block_tracepoints *t = ctx;
	struct step s = step_of(r);
	struct pending *p;

	if (!is_device(t, &s))
		return;
	p = find(t, &s, s.kind, not_issued);
	tell_request_change(t, r, &s, p, BLOCK_CHANGE_REQUEST_MERGE);
	if (p)
		forget(t, p);
}

static void bio_merged(struct block_tracepoints *t, const struct tracepoint_record *r,
	const struct step *s, enum block_change_kind kind)
{
	uint64_t id = (uint64_t)r->sample->pid << 32 | r->sample->tid;

	if (wants_present(t, r))
		tell_change(t, r, s, id, kind);
}

static void on_back_merge(void *ctx, const struct tracepoint_record *r)
{
	struct step s = step_of(r);

	if (is_device(ctx, &s))
		bio_merged(ctx, r, &s, BLOCK_CHANGE_BACK_MERGE);
}

/* The request begins where this does, now. */
static void on_front_merge(void *ctx, const struct tracepoint_record *r)
{
	struct block_tracepoints *t = ctx;
	struct step s = step_of(r), behind = s;
	struct pending *p;

	if (!is_device(t, &s))
		return;
	bio_merged(t, r, &s, BLOCK_CHANGE_FRONT_MERGE);
	behind.sector += s.bytes / SECTOR_BYTES;
	p = find(t, &behind, DATA, not_issued);
	if (p)
		move(t, p, s.sector);
}

/* ---- as a part of the source ---- */

/* The disks that are asked for, in the kernel's words; "" for all. */
static void make_filter(struct block_tracepoints *t, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < t->source->n_devices; i++) {
		t->extents[i] = disk_extent(t->source->devices[i]);
		at += (size_t)snprintf(text + at, size - at, "%sdev == %u", i ? " || " : "",
			t->extents[i].disk);
	}
}

int block_tracepoints_open(struct block_source *s, bool stacks, struct err *err)
{
	struct block_tracepoints *t = xcalloc(1, sizeof(*t));
	char text[MAX_DEVICES * 24];
	const char *filter;

	s->tracepoints = t;
	t->source = s;
	t->random = now_ns() | 1;
	t->all = xcalloc(MAX_PENDING, sizeof(*t->all));
	make_filter(t, text, sizeof(text));
	filter = text[0] ? text : NULL;
#define USE(tracepoint, lost, handler, with_stack, is_rare) \
	{ \
		.name = "block:" tracepoint, .event = lost, .fields = FIELDS, .call = handler, \
		.filter = filter, .stack = with_stack, .rare = is_rare \
	}
	const struct tracepoint_use uses[] = {
		USE("block_getrq", "process of block_io", on_getrq, stacks, false),
		USE("block_rq_insert", "time in queue of block_io", on_insert, stacks, false),
		USE("block_rq_issue", "time at device of block_io", on_issue, stacks, false),
		USE("block_rq_complete", "block_io", on_complete, false, false),
		USE("block_rq_requeue", "block_change", on_requeue, false, true),
		USE("block_rq_merge", "block_change", on_merge, false, true),
		USE("block_bio_backmerge", "block_change", on_back_merge, false, false),
		USE("block_bio_frontmerge", "block_change", on_front_merge, false, true),
	};
#undef USE
	t->feed = tracepoint_feed_open(s->recording, "block", uses, sizeof(uses) / sizeof(uses[0]),
		t, err);
	return t->feed ? 0 : -EPERM;
}

void block_tracepoints_enable(struct block_tracepoints *t)
{
	tracepoint_feed_enable(t ? t->feed : NULL);
}

void block_tracepoints_disable(struct block_tracepoints *t)
{
	tracepoint_feed_disable(t ? t->feed : NULL);
}

void block_tracepoints_settle(struct block_tracepoints *t, struct block_left *l)
{
	tracepoint_feed_settle(t->feed);
	for (uint32_t i = 0; i < t->n_made; i++)
		if (t->all[i].f.wanted)
			block_left_add(l, &t->all[i].f);
	if (t->n_unknown && nobody_is_left_out(t))
		recording_lost_as(t->source->recording, LOST_UNTOLD, 0, "block_io", t->n_unknown, 0,
			now_ns());
}

void block_tracepoints_close(struct block_tracepoints *t)
{
	if (!t)
		return;
	tracepoint_feed_close(t->feed);
	free(t->all);
	free(t->disks);
	free(t);
}
