/* `rec block`: requests to block devices, each as one event when it is complete; merges and requeues as
 * events of their own. With --min only requests that took at least so long; with --sample one in so many, picked when
 * it is complete, so that the depth of the queue is that of all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "format/base/arena.h"
#include "gen/block.skel.h"
#include "gen/events.h"
#include "record/block_files.h"
#include "record/block_source.h"
#include "record/bpf_refusal.h"
#include "record/bpf_rings.h"
#include "record/disks.h"
#include "record/tracepoint_feed.h"

enum { MAX_STACKS = 8192 }; /* of requests under way */

#define LATE_NS 100000000ULL /* what began later may just not have ended */

/* The name stays as it was first seen: a disk may go while its last request completes. */
static uint32_t disk_string(struct block_source *s, uint32_t major, uint32_t minor)
{
	struct writer *w = s->recording->writer;
	uint32_t number = disk_number(major, minor);
	struct known_disk *d = &s->disks[(number ^ number >> 20) & (KNOWN_DISKS - 1)];

	if (!d->name[0] || d->number != number) {
		d->number = number;
		d->generation = 0;
		disk_name(number, d->name);
	}
	if (d->generation != writer_generation(w)) {
		d->string = writer_string(w, d->name, strlen(d->name));
		d->generation = writer_generation(w);
	}
	return d->string;
}

static uint32_t comm_of(const struct block_source *s, uint32_t pid, uint32_t tid)
{
	struct recording *r = s->recording;

	return tid ? recording_comm(r, processes_thread(r->processes, pid, tid)) : 0;
}

/* BLK_STS_* (include/linux/blk_types.h); before 5.19 it is an errno already. Above 13 the numbers differ
 * among kernels. */
static int32_t error_of(int32_t status)
{
	static const int32_t errors[] = { 0, EOPNOTSUPP, ETIMEDOUT, ENOSPC, ENOLINK, EREMOTEIO,
		EBADE, ENODATA, EILSEQ, ENOMEM, EIO, EREMCHG, EAGAIN, EBUSY };

	if (status <= 0)
		return -status;
	return status < (int32_t)(sizeof(errors) / sizeof(errors[0])) ? errors[status] : EIO;
}

static void add(struct block_source *s, uint32_t stream, int type, const void *event)
{
	recording_add(s->recording, stream, type, event);
	s->recording->n_events++;
}

void block_take_io(struct block_source *s, uint32_t stream, struct block_io *e)
{
	e->disk = disk_string(s, e->major, e->minor);
	e->comm = comm_of(s, e->pid, e->tid);
	add(s, stream, s->io_type, e);
}

void block_take_change(struct block_source *s, uint32_t stream, struct block_change *e)
{
	e->disk = disk_string(s, e->major, e->minor);
	e->comm = comm_of(s, e->pid, e->tid);
	add(s, stream, s->change_type, e);
}

/* Where programs may not read names, they are looked for among the descriptors of who asks. */
static uint32_t file_string(struct block_source *s, const struct block_io *e)
{
	bool search = e->pid && !s->skel->rodata->block_names;
	struct block_file f;

	switch (e->data) {
	case BLOCK_DATA_DISK: return disk_string(s, e->file_major, e->file_minor);
	case BLOCK_DATA_FILE:
		f = (struct block_file){ disk_number(e->file_major, e->file_minor), e->file,
			e->inode };
		return block_files_string(s->files, &f, search ? e->pid : 0);
	default: return 0;
	}
}

static void on_io(void *ctx, const struct bpf_event *b)
{
	struct block_source *s = ctx;
	struct block_io e;

	memcpy(&e, b->data, sizeof(e));
	e.error = error_of(e.error);
	e.stack = bpf_rings_stack(s->recording->bpf, b, e.pid, e.tid);
	e.file = file_string(s, &e);
	block_take_io(s, b->stream, &e);
}

static void on_file(void *ctx, const struct bpf_event *b)
{
	struct block_source *s = ctx;

	if (block_files_learn(s->files, b->data))
		s->skel->bss->block_names_round++;
}

static void on_change(void *ctx, const struct bpf_event *b)
{
	struct block_change e;

	memcpy(&e, b->data, sizeof(e));
	block_take_change(ctx, b->stream, &e);
}

/* ---- opening ---- */

static int check_device(struct block_source *s, const char *text, struct err *err)
{
	struct disk d;
	int rc = disk_find(text, &d, err);

	if (rc)
		return rc;
	if (s->n_devices == MAX_DEVICES)
		return err_set(err, E2BIG, "more than %d devices", MAX_DEVICES);
	s->devices[s->n_devices++] = d.number;
	if (!d.has_requests)
		recording_note(s->recording, "block",
			"%s has no queue of requests: what it is asked for shows at the disks below it",
			d.name);
	return 0;
}

static int check_devices(struct block_source *s, struct err *err)
{
	const char *at = s->recording->options->devices;
	char name[256];
	int rc = 0;

	while (at && !rc) {
		size_t len = strcspn(at, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		rc = check_device(s, name, err);
		at = at[len] ? at + len + 1 : NULL;
	}
	return rc;
}

static bool stacks(const struct block_source *s)
{
	return options_stacks(s->recording->options, &source_block, false);
}

static int zone_append(struct bpf_rings *b)
{
	int op = bpf_rings_enum(b, "req_op", "REQ_OP_ZONE_APPEND");

	return op >= 0 ? op : bpf_rings_enum(b, "req_opf", "REQ_OP_ZONE_APPEND"); /* before 6.0 */
}

static void configure(struct block_source *s)
{
	const struct recording *r = s->recording;
	struct block_bpf *skel = s->skel;
	int bit;

	bpf_rings_configure(r->bpf, skel->rodata);
	skel->rodata->walk_enabled = bpf_rings_walk(r->bpf);
	skel->rodata->block_stacks = stacks(s);
	skel->rodata->block_names = !bpf_refusal_is_locked_down();
	skel->rodata->block_n_devices = s->n_devices;
	memcpy((void *)skel->rodata->block_devices, s->devices, sizeof(s->devices));
	skel->rodata->block_min_ns = r->options->min_ns;
	skel->rodata->block_sample = s->sample;
	skel->rodata->block_idle_places = bpf_rings_places(
						  bpf_map__max_entries(skel->maps.requests)) /
		2;
	bit = bpf_rings_enum(r->bpf, "rqf_flags", "__RQF_FLUSH_SEQ");
	if (bit >= 0)
		skel->rodata->block_flush_bit = 1U << (bit & 31);
	bit = bpf_rings_enum(r->bpf, "rqf_flags", "__RQF_IO_STAT");
	if (bit >= 0)
		skel->rodata->block_counted_bit = 1U << (bit & 31);
	bit = zone_append(r->bpf);
	if (bit >= 0)
		skel->rodata->block_zone_append = (uint32_t)bit;
	if (skel->rodata->block_stacks)
		bpf_map__set_max_entries(skel->maps.stacks, MAX_STACKS);
}

static void register_events(struct block_source *s)
{
	struct writer *w = s->recording->writer;

	s->io_type = writer_type(w, &event_block_io, NULL);
	s->unfinished_type = writer_type(w, &event_block_unfinished, NULL);
	if (!s->recording->options->min_ns)
		s->change_type = writer_type(w, &event_block_change, NULL);
}

static void tell_settings(const struct block_source *s)
{
	const struct options *o = s->recording->options;
	struct writer *w = s->recording->writer;
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)o->min_ns);
	if (o->min_ns)
		writer_info(w, "source.block.min_ns", text);
	if (o->devices)
		writer_info(w, "source.block.devices", o->devices);
	snprintf(text, sizeof(text), "%u", s->sample);
	if (s->sample > 1)
		writer_info(w, "source.block.sample", text);
	writer_info(w, "source.block.stacks", stacks(s) ? "1" : "0");
}

static int open_programs(struct block_source *s, struct err *err)
{
	struct recording *r = s->recording;
	int rc = bpf_rings_open(r, err);

	if (rc)
		return rc;
	if (bpf_rings_arguments(r->bpf, "block_rq_issue") > 1)
		return err_set(err, ENOTSUP,
			"this kernel's block tracepoints are those from before Linux 5.11");
	s->skel = block_bpf__open();
	if (!s->skel)
		return err_errno(err, errno, "opening BPF programs");
	configure(s);
	bpf_rings_handle(r->bpf, RING_BLOCK_FILE, "file of block_io",
		sizeof(struct ring_block_file), on_file, s);
	bpf_rings_handle(r->bpf, RING_BLOCK_IO, "block_io", sizeof(struct block_io), on_io, s);
	if (!r->options->min_ns)
		bpf_rings_handle(r->bpf, RING_BLOCK_CHANGE, "block_change",
			sizeof(struct block_change), on_change, s);
	rc = bpf_rings_load(r->bpf, s->skel->skeleton, "block", err);
	if (rc)
		block_bpf__detach(s->skel); /* nothing may come twice */
	return rc;
}

static int block_open(struct recording *r, void **state, struct err *err)
{
	struct block_source *s = xcalloc(1, sizeof(*s));
	struct err why = { "" };
	int rc;

	s->recording = r;
	s->sample = r->options->sample ? r->options->sample : 1;
	s->files = block_files_new(r->writer);
	*state = s;
	rc = check_devices(s, err);
	if (rc)
		return rc;
	register_events(s);
	tell_settings(s);
	if (!open_programs(s, &why))
		return 0;
	rc = block_tracepoints_open(s, stacks(s), err);
	return rc ? tracepoint_feed_neither(&why, rc, err)
		  : tracepoint_feed_instead(r, &source_block, &why);
}

/* ---- what is left at the end ---- */

/* Some disk may have fewer under way than are left of it: then the ends of the oldest were not told to us. */

void block_left_add(struct block_left *l, const struct following *f)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->all = xrealloc(l->all, l->cap, sizeof(*l->all));
	}
	l->all[l->n++] = *f;
}

static int by_begin(const void *a, const void *b)
{
	uint64_t x = ((const struct following *)a)->begun_ns;
	uint64_t y = ((const struct following *)b)->begun_ns;

	return (x > y) - (x < y);
}

static void read_left(const struct block_source *s, struct block_left *l)
{
	int fd = bpf_map__fd(s->skel->maps.requests);
	uint64_t key, *at = NULL;
	struct following f;

	while (bpf_map_get_next_key(fd, at, &key) == 0) {
		at = &key;
		if (bpf_map_lookup_elem(fd, &key, &f) == 0 && f.wanted && !f.idle)
			block_left_add(l, &f);
	}
}

static void tell_unfinished(struct block_source *s, const struct following *f)
{
	uint32_t pid = (uint32_t)(f->id >> 32), tid = (uint32_t)f->id;
	uint32_t major = f->device >> 20, minor = f->device & 0xfffff;
	uint64_t end = s->recording->stop_ns;
	struct block_unfinished e = { .time = end,
		.begin = f->begun_ns,
		.issued = f->in_device ? f->issued_ns : 0,
		.sector = f->sector,
		.bytes = f->asked,
		.disk = disk_string(s, major, minor),
		.major = major,
		.minor = minor,
		.op = f->op,
		.flags = f->flags | (f->begun_before ? BLOCK_FLAG_BEGUN_BEFORE : 0),
		.requeues = f->requeues,
		.pid = pid,
		.tid = tid,
		.comm = comm_of(s, pid, tid) };

	if (end > f->begun_ns && end - f->begun_ns >= s->recording->options->min_ns)
		recording_add(s->recording, 0, s->unfinished_type, &e);
}

/* Of one disk: those that it cannot have any more are lost; what began later than a moment ago may have
 * ended after us. */
static void settle_disk(struct block_source *s, const struct block_left *l, uint32_t device)
{
	uint64_t busy = disk_inflight(device), before = s->recording->stop_ns - LATE_NS;
	uint64_t n_old = 0, n_lost, n_seen = 0;

	for (uint32_t i = 0; i < l->n; i++)
		n_old += l->all[i].device == device && l->all[i].begun_ns < before;
	n_lost = n_old > busy ? n_old - busy : 0;
	for (uint32_t i = 0; i < l->n; i++)
		if (l->all[i].device == device && n_seen++ >= n_lost)
			tell_unfinished(s, &l->all[i]);
	/* Tracepoints that found no room were told of already. */
	if (n_lost && !(s->tracepoints && s->recording->n_lost))
		recording_lost_as(s->recording, LOST_UNTOLD, 0, "block_io", n_lost, 0, now_ns());
}

static bool is_first_of_disk(const struct block_left *l, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (l->all[k].device == l->all[i].device)
			return false;
	return true;
}

static void block_settle(void *state)
{
	struct block_source *s = state;
	struct block_left left = { 0 };

	if (s->tracepoints)
		block_tracepoints_settle(s->tracepoints, &left);
	else
		read_left(s, &left);
	if (left.n)
		qsort(left.all, left.n, sizeof(*left.all), by_begin);
	for (uint32_t i = 0; i < left.n; i++)
		if (is_first_of_disk(&left, i))
			settle_disk(s, &left, left.all[i].device);
	free(left.all);
}

static void block_enable(void *state)
{
	struct block_source *s = state;

	block_tracepoints_enable(s->tracepoints);
}

static void block_disable(void *state)
{
	struct block_source *s = state;

	block_tracepoints_disable(s->tracepoints);
}

static void block_close(void *state)
{
	struct block_source *s = state;

	if (!s)
		return;
	block_tracepoints_close(s->tracepoints);
	block_bpf__destroy(s->skel);
	block_files_free(s->files);
	free(s);
}

const struct source source_block = {
	.name = "block",
	.summary = "requests to disks: how long they wait and take, for whom",
	.needs = { "sampling", "BPF" },
	.better_with = { "other processes", "BPF stacks" },
	.instead_of_bpf = "tracepoints",
	.instead_lacks = "files, partitions and some flags",
	.open = block_open,
	.enable = block_enable,
	.disable = block_disable,
	.settle = block_settle,
	.close = block_close,
	.bpf = true,
};
