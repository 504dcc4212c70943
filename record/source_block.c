/* `rec block`: requests to block devices, each as one event when it is complete; merges and requeues as
 * events of their own. With --min only requests that took at least so long. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include "gen/block.skel.h"
#include "gen/events.h"
#include "record/bpf_rings.h"
#include "record/disks.h"
#include "specs/events/block.h"
#include "specs/ring_block.h"

enum {
	MAX_STACKS = 8192, /* of requests under way */
	MAX_DEVICES = 16,  /* bpf/block.bpf.c */
	KNOWN_DISKS = 64,  /* a power of two */
};

#define LATE_NS 100000000ULL /* what began later may just not have ended */

/* A disk's name as a string of the trace; found by number. */
struct known_disk {
	uint32_t number, string, generation;
	char name[32]; /* "": not looked up yet */
};

struct block_source {
	struct recording *recording; /* borrowed */
	struct block_bpf *skel;      /* owned */
	int io_type, change_type;
	struct known_disk disks[KNOWN_DISKS];
};

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

static void add(struct block_source *s, const struct bpf_event *e, int type, const void *event)
{
	recording_add(s->recording, e->stream, type, event);
	s->recording->n_events++;
}

static void on_io(void *ctx, const struct bpf_event *b)
{
	struct block_source *s = ctx;
	struct block_io e;

	memcpy(&e, b->data, sizeof(e));
	e.disk = disk_string(s, e.major, e.minor);
	e.error = error_of(e.error);
	e.comm = comm_of(s, e.pid, e.tid);
	e.stack = bpf_rings_stack(s->recording->bpf, b, e.pid, e.tid);
	add(s, b, s->io_type, &e);
}

static void on_change(void *ctx, const struct bpf_event *b)
{
	struct block_source *s = ctx;
	struct block_change e;

	memcpy(&e, b->data, sizeof(e));
	e.disk = disk_string(s, e.major, e.minor);
	e.comm = comm_of(s, e.pid, e.tid);
	add(s, b, s->change_type, &e);
}

/* ---- opening ---- */

static int choose_device(struct block_source *s, const char *text, struct err *err)
{
	struct block_bpf *skel = s->skel;
	struct disk d;
	int rc = disk_find(text, &d, err);

	if (rc)
		return rc;
	if (skel->rodata->block_n_devices == MAX_DEVICES)
		return err_set(err, E2BIG, "more than %d devices", MAX_DEVICES);
	skel->rodata->block_devices[skel->rodata->block_n_devices++] = d.number;
	if (!d.has_requests)
		recording_note(s->recording, "block",
			"%s has no queue of requests: what it is asked for shows at the disks below it",
			d.name);
	return 0;
}

static int choose_devices(struct block_source *s, struct err *err)
{
	const char *at = s->recording->options->devices;
	char name[256];
	int rc = 0;

	while (at && !rc) {
		size_t len = strcspn(at, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, at);
		rc = choose_device(s, name, err);
		at = at[len] ? at + len + 1 : NULL;
	}
	return rc;
}

static void configure(struct block_source *s)
{
	const struct recording *r = s->recording;
	struct block_bpf *skel = s->skel;
	int bit;

	bpf_rings_configure(r->bpf, skel->rodata);
	skel->rodata->block_stacks = options_stacks(r->options, &source_block, false);
	skel->rodata->block_min_ns = r->options->min_ns;
	bit = bpf_rings_enum(r->bpf, "rqf_flags", "__RQF_FLUSH_SEQ");
	if (bit >= 0)
		skel->rodata->block_flush_bit = 1U << (bit & 31);
	bit = bpf_rings_enum(r->bpf, "rqf_flags", "__RQF_IO_STAT");
	if (bit >= 0)
		skel->rodata->block_counted_bit = 1U << (bit & 31);
	if (skel->rodata->block_stacks)
		bpf_map__set_max_entries(skel->maps.stacks, MAX_STACKS);
}

static void register_events(struct block_source *s)
{
	struct writer *w = s->recording->writer;
	struct bpf_rings *b = s->recording->bpf;

	s->io_type = writer_type(w, &event_block_io, NULL);
	bpf_rings_handle(b, RING_BLOCK_IO, "block_io", sizeof(struct block_io), on_io, s);
	if (s->recording->options->min_ns)
		return;
	s->change_type = writer_type(w, &event_block_change, NULL);
	bpf_rings_handle(b, RING_BLOCK_CHANGE, "block_change", sizeof(struct block_change),
		on_change, s);
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
	writer_info(w, "source.block.stacks", s->skel->rodata->block_stacks ? "1" : "0");
}

static int block_open(struct recording *r, void **state, struct err *err)
{
	struct block_source *s = xcalloc(1, sizeof(*s));
	int rc;

	s->recording = r;
	*state = s;
	rc = bpf_rings_open(r, err);
	if (rc)
		return rc;
	if (bpf_rings_arguments(r->bpf, "block_rq_issue") > 1)
		return err_set(err, ENOTSUP,
			"this kernel's block tracepoints are those from before Linux 5.11; "
			"-e 'block:*' records them as they are");
	s->skel = block_bpf__open();
	if (!s->skel)
		return err_errno(err, errno, "opening BPF programs");
	configure(s);
	rc = choose_devices(s, err);
	if (rc)
		return rc;
	register_events(s);
	tell_settings(s);
	return bpf_rings_load(r->bpf, s->skel->skeleton, "block", err);
}

/* Requests that ended without our having been told are left over, one like another; those that a disk
 * still has, or that may have ended after us, are not among them. */
struct left_over {
	uint32_t device;
	uint64_t n;
};

static void tell_left_over(struct block_source *s, const struct left_over *l)
{
	uint64_t busy = disk_inflight(l->device);

	if (l->n > busy)
		recording_lost_as(s->recording, LOST_UNTOLD, 0, "block_io", l->n - busy, 0,
			now_ns());
}

static void count_left_over(struct left_over *disks, const struct following *f)
{
	uint32_t i = 0;

	while (i < KNOWN_DISKS - 1 && disks[i].n && disks[i].device != f->device)
		i++;
	disks[i].device = f->device;
	disks[i].n++;
}

static void block_settle(void *state)
{
	struct block_source *s = state;
	struct left_over disks[KNOWN_DISKS] = { { 0 } };
	int fd = bpf_map__fd(s->skel->maps.requests);
	uint64_t key, *at = NULL, before = s->recording->stop_ns - LATE_NS;
	struct following f;

	while (bpf_map_get_next_key(fd, at, &key) == 0) {
		at = &key;
		if (bpf_map_lookup_elem(fd, &key, &f) == 0 && f.wanted && f.begun_ns < before)
			count_left_over(disks, &f);
	}
	for (int i = 0; i < KNOWN_DISKS && disks[i].n; i++)
		tell_left_over(s, &disks[i]);
}

static void block_close(void *state)
{
	struct block_source *s = state;

	if (s)
		block_bpf__destroy(s->skel);
	free(s);
}

const struct source source_block = {
	.name = "block",
	.summary = "requests to disks: how long they wait and take, and who asks for them",
	.needs = { "sampling", "BPF" },
	.better_with = { "other processes" },
	.open = block_open,
	.settle = block_settle,
	.close = block_close,
	.bpf = true,
};
