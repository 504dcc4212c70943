/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The block layer's tracepoints. A request is known by its address from its insert or issue until it is
 * complete; then it becomes one record, if it was asked for by somebody who is recorded and took long
 * enough. Requests of others are followed as well, for the depth of the queue.
 *
 * A write that wants a flush is not seen until its data is issued, by a worker of the kernel, or not at
 * all when it has none: block_getrq keeps who asked, by the address of the bio. Its data completes once by
 * itself, and the request once more at the end (blk-flush.c). What is told here adds up to /proc/diskstats,
 * which counts the same moments. Some kernels leave out completions while tracepoints are attached or detached
 * elsewhere (6.18 on a virtual machine, in bursts of some 10 ms, for perf as well): a request that is followed
 * by another at its address without having ended counts as lost, and `rec` looks for more at the end.
 *
 * The kernel makes requests once and uses them again: a place in the table stays the address's when a request has
 * ended, and looking it up is all that the next one costs, until half of the table is taken.
 *
 * Completions come from interrupts and may interrupt the other programs, so these share no scratch. */
#include "bpf/block_file.bpf.h"
#include "bpf/filter.bpf.h"
#include "bpf/kept_stack.bpf.h"
#include "bpf/kernel_block.h"
#include "specs/events/block.h"
#include "specs/ring_block.h"

enum {
	MAX_DEVICES = 16,
	PF_KTHREAD = 0x00200000,
};

/* Of request.rq_flags; an enum since 6.11, from which `rec` takes them: a type that vmlinux lacks libbpf looks for
 * in modules, which takes CAP_SYS_ADMIN. */
const volatile __u32 block_flush_bit = 1U << 4;
const volatile __u32 block_counted_bit = 1U << 13;
const volatile bool block_stacks;
const volatile __u64 block_min_ns;
const volatile __u32 block_sample = 1; /* one in so many is told */
const volatile __u32 block_n_devices;  /* 0: all */
const volatile __u32 block_devices[MAX_DEVICES];
const volatile __u32 block_idle_places; /* as long as no more are taken they stay taken */
__u32 block_n_places;                   /* that are taken */

RING_RECORD(block_io);
RING_RECORD(block_change);

struct owner {
	u64 time, id;
	u32 opf, wanted;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32768);
	__type(key, u64);
	__type(value, struct following);
} requests SEC(".maps");

/* By the address of a bio. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct owner);
} owners SEC(".maps");

struct disk_state {
	u32 depth; /* requests that the device has */
	u32 flusher_wanted;
	u64 flusher; /* the last who asked for a flush: one may serve many, a worker issues it */
};

/* By number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u32);
	__type(value, struct disk_state);
} disks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* with stacks: 8192 */
	__type(key, u64);
	__type(value, struct kept_stack);
} stacks SEC(".maps");

enum place { AT_GETRQ, AT_INSERT, AT_ISSUE, N_PLACES };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, N_PLACES);
	__type(key, u32);
	__type(value, struct kept_stack);
} new_stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ring_scratch);
} block_scratch SEC(".maps");

/* ---- what a request is ---- */

#define REQ(name) (1U << bpf_core_enum_value(enum req_flag_bits, __REQ_##name))

static __always_inline bool in_flush_sequence(struct request *rq)
{
	return rq->rq_flags & block_flush_bit;
}

static __always_inline bool is_flush(struct request *rq)
{
	return (rq->cmd_flags & OP_MASK) == REQ_OP_FLUSH;
}

static __always_inline struct gendisk *disk_of(struct request *rq)
{
	if (bpf_core_field_exists(rq->q->disk))
		return rq->q->disk;
	return ((struct request___disk *)rq)->rq_disk;
}

static __always_inline u32 device_of(struct gendisk *disk)
{
	return (u32)disk->major << 20 | disk->first_minor;
}

static __always_inline u32 partition_of(struct block_device *part)
{
	struct block_device___partno *old = (void *)part;

	if (bpf_core_field_exists(old->bd_partno))
		return old->bd_partno;
	return part->__bd_flags.counter & 0xff;
}

static __always_inline bool is_device(u32 disk, u32 part)
{
	if (!block_n_devices)
		return true;
	for (u32 i = 0; i < MAX_DEVICES && i < block_n_devices; i++)
		if (block_devices[i] == disk || block_devices[i] == part)
			return true;
	return false;
}

static __always_inline bool is_recorded(struct request *rq)
{
	return ring_enabled() && is_device(device_of(disk_of(rq)), rq->part->bd_dev);
}

static __always_inline enum block_op operation(u32 opf)
{
	u32 op = opf & OP_MASK;

	switch (op) {
	case REQ_OP_READ: return BLOCK_OP_READ;
	case REQ_OP_WRITE: return BLOCK_OP_WRITE;
	case REQ_OP_FLUSH: return BLOCK_OP_FLUSH;
	case REQ_OP_DISCARD: return BLOCK_OP_DISCARD;
	case REQ_OP_SECURE_ERASE: return BLOCK_OP_SECURE_ERASE;
	case REQ_OP_WRITE_ZEROES: return BLOCK_OP_WRITE_ZEROES;
	default: break;
	}
	if (op < REQ_OP_DRV_IN)
		return BLOCK_OP_ZONE;
	return op & 1 ? BLOCK_OP_DRIVER_OUT : BLOCK_OP_DRIVER_IN;
}

static __always_inline u32 flags_of(u32 opf)
{
	u32 flags = 0;

#define FLAG(theirs, ours) flags |= opf & REQ(theirs) ? BLOCK_FLAG_##ours : 0
	FLAG(SYNC, SYNC);
	FLAG(META, METADATA);
	FLAG(FUA, FUA);
	FLAG(PREFLUSH, PREFLUSH);
	FLAG(RAHEAD, READ_AHEAD);
	FLAG(BACKGROUND, BACKGROUND);
	FLAG(PRIO, PRIORITY);
	FLAG(NOWAIT, NO_WAIT);
	FLAG(SWAP, SWAP);
#undef FLAG
	return flags;
}

static __always_inline struct disk_state *state_of(u32 device)
{
	struct disk_state *d = bpf_map_lookup_elem(&disks, &device), none = { 0 };

	if (d)
		return d;
	bpf_map_update_elem(&disks, &device, &none, BPF_NOEXIST);
	d = bpf_map_lookup_elem(&disks, &device);
	if (!d)
		ring_count_gap(RING_NO_PLACE_DISKS);
	return d;
}

/* ---- who asked ---- */

static __always_inline bool filter_present(void)
{
	struct task_struct *t = bpf_get_current_task_btf();

	return filter_task(t, t->tgid);
}

static __always_inline bool nobody_is_left_out(void)
{
	return filter_by == FILTER_NONE && !filter_by_comm && !filter_n_tids;
}

static __always_inline void keep_stack(void *ctx, u64 key, u32 place)
{
	struct task_struct *t = bpf_get_current_task_btf();
	struct kept_stack *k = block_stacks ? bpf_map_lookup_elem(&new_stacks, &place) : NULL;

	if (!k)
		return;
	kept_stack_take(ctx, k, !(t->flags & PF_KTHREAD), place);
	if (bpf_map_update_elem(&stacks, &key, k, BPF_ANY))
		ring_count_gap(RING_NO_PLACE_BLOCK_STACKS);
}

/* Who asked for a request that may want a flush, if that was seen. */
static __always_inline bool owned(struct following *f, struct request *rq)
{
	u64 bio = (u64)rq->bio;
	struct owner *o = bio ? bpf_map_lookup_elem(&owners, &bio) : NULL;

	if (!o)
		return false;
	f->id = o->id;
	f->wanted = o->wanted;
	f->flags |= flags_of(o->opf);
	f->stack = bio;
	if (in_flush_sequence(rq) || !f->begun_ns)
		f->begun_ns = o->time;
	bpf_map_delete_elem(&owners, &bio);
	return true;
}

/* The flush itself. */
static __always_inline bool flusher(struct following *f, struct request *rq)
{
	struct disk_state *d = state_of(device_of(disk_of(rq)));

	if (!d || !d->flusher)
		return false;
	f->id = d->flusher;
	f->wanted = d->flusher_wanted;
	return true;
}

static __always_inline bool asked_before(struct following *f, struct request *rq)
{
	if (in_flush_sequence(rq) && is_flush(rq))
		return flusher(f, rq);
	if (in_flush_sequence(rq) || rq->cmd_flags & (REQ(FUA) | REQ(PREFLUSH)))
		return owned(f, rq);
	return false;
}

/* ---- following a request ---- */

/* The place of its address, whatever is there. */
static __always_inline struct following *place_of(struct request *rq)
{
	u64 key = (u64)rq;

	return bpf_map_lookup_elem(&requests, &key);
}

static __always_inline bool is_followed(const struct following *f, struct request *rq)
{
	return f && !f->idle && f->made_ns == rq->start_time_ns;
}

static __always_inline struct following *find(struct request *rq)
{
	struct following *f = place_of(rq);

	return is_followed(f, rq) ? f : NULL;
}

static __always_inline void enter_device(struct request *rq, struct following *f)
{
	struct disk_state *d = state_of(device_of(disk_of(rq)));

	if (!d || f->in_device)
		return;
	__sync_fetch_and_add(&d->depth, 1);
	f->depth = d->depth;
	f->in_device = true;
}

static __always_inline void leave_device(struct request *rq, struct following *f)
{
	struct disk_state *d = state_of(device_of(disk_of(rq)));

	if (d && f->in_device)
		__sync_fetch_and_add(&d->depth, -1);
	f->in_device = false;
}

/* In the place that its address has, which may be none. */
static __always_inline struct following *keep(struct request *rq, struct following *old,
	const struct following *f)
{
	u64 key = (u64)rq;

	if (!old) {
		if (!bpf_map_update_elem(&requests, &key, f, BPF_ANY))
			__sync_fetch_and_add(&block_n_places, 1);
		return bpf_map_lookup_elem(&requests, &key);
	}
	if (!old->idle) { /* the kernel did not tell us its end */
		leave_device(rq, old);
		if (old->wanted)
			ring_count_gap(RING_UNTOLD_REQUESTS);
	}
	*old = *f;
	return old;
}

/* The first that is seen of it is now, and the present thread asks, if nobody did before. */
static __always_inline struct following *begin(void *ctx, struct request *rq, struct following *old,
	u32 place, u64 now)
{
	struct following f = { .made_ns = rq->start_time_ns,
		.begun_ns = now,
		.sector = rq->__sector,
		.asked = rq->__data_len,
		.device = device_of(disk_of(rq)),
		.flags = flags_of(rq->cmd_flags),
		.op = operation(rq->cmd_flags) };
	struct following *kept;

	if (asked_before(&f, rq)) {
		if (f.wanted)
			block_file_find(rq, &f);
		return keep(rq, old, &f);
	}
	f.id = bpf_get_current_pid_tgid();
	f.wanted = filter_present();
	if (f.wanted)
		block_file_find(rq, &f);
	f.stack = (u64)rq;
	if (f.wanted)
		keep_stack(ctx, f.stack, place);
	kept = keep(rq, old, &f);
	/* Nobody will know at its end who asked. */
	if (!kept && f.wanted && place == AT_ISSUE && !nobody_is_left_out())
		ring_count_gap(RING_NO_PLACE_REQUESTS);
	return kept;
}

/* Nothing was seen of it before. */
static __always_inline struct following *take_over(struct request *rq, struct following *old)
{
	struct following f = { .made_ns = rq->start_time_ns, .device = device_of(disk_of(rq)) };
	struct following *kept;

	if (!owned(&f, rq)) {
		f.begun_ns = rq->start_time_ns ?: bpf_ktime_get_ns();
		f.begun_before = true;
		f.wanted = nobody_is_left_out();
	}
	f.sector = rq->__sector;
	kept = keep(rq, old, &f);
	if (!kept && f.wanted)
		ring_count_gap(RING_NO_PLACE_REQUESTS);
	return kept;
}

static __always_inline void forget(struct request *rq, struct following *f)
{
	u64 key = (u64)rq, stack = f->stack;

	if (block_stacks)
		bpf_map_delete_elem(&stacks, &stack);
	if (block_n_places <= block_idle_places)
		f->idle = true;
	else if (!bpf_map_delete_elem(&requests, &key))
		__sync_fetch_and_add(&block_n_places, -1);
}

/* ---- telling ---- */

static __always_inline u32 all_flags(struct request *rq, const struct following *f)
{
	u32 flags = f->flags | flags_of(rq->cmd_flags), op = rq->cmd_flags & OP_MASK;

	if (f->begun_before)
		flags |= BLOCK_FLAG_BEGUN_BEFORE;
	if (!is_flush(rq) && (op >= REQ_OP_DRV_IN || !(rq->rq_flags & block_counted_bit)))
		flags |= BLOCK_FLAG_UNCOUNTED;
	return flags;
}

static __always_inline void fill_io(struct block_io *e, struct request *rq,
	const struct following *f, u64 now)
{
	struct gendisk *disk = disk_of(rq);
	u64 done = f->done_ns ?: now;

	e->time = now;
	e->latency = now > f->begun_ns ? now - f->begun_ns : 0;
	e->queued = f->issued_ns > f->begun_ns ? f->issued_ns - f->begun_ns : 0;
	e->device_time = f->issued_ns && done > f->issued_ns ? done - f->issued_ns : 0;
	e->sector = is_flush(rq) ? 0 : f->sector;
	e->bytes = f->bytes;
	e->cpu = bpf_get_smp_processor_id();
	e->disk = 0;
	e->major = disk->major;
	e->minor = disk->first_minor;
	e->partition = rq->part ? partition_of(rq->part) : 0;
	e->op = operation(rq->cmd_flags);
	e->flags = all_flags(rq, f);
	e->error = f->status;
	e->depth = f->depth;
	e->requeues = f->requeues;
	e->pid = f->id >> 32;
	e->tid = (u32)f->id;
	e->comm = 0;
	e->stack = 0;
	e->data = f->bytes ? f->data : BLOCK_DATA_NONE;
	e->file = f->generation; /* until `rec` puts the name there */
	e->file_major = f->file_device >> 20;
	e->file_minor = f->file_device & 0xfffff;
	e->inode = f->inode;
	e->weight = block_sample;
}

static __always_inline void tell_with_stack(void *ring, struct request *rq,
	const struct following *f, const struct kept_stack *k, u64 now)
{
	u32 zero = 0, at = sizeof(struct block_io);
	struct ring_scratch *s = bpf_map_lookup_elem(&block_scratch, &zero);

	if (!s)
		return;
	fill_io((void *)s->bytes, rq, f, now);
	s->head = (struct ring_head){ .kind = RING_BLOCK_IO, .size = sizeof(struct block_io) };
	at = kept_stack_add(s, at, k) + sizeof(s->head);
	if (at <= sizeof(*s) && bpf_ringbuf_output(ring, s, at, ring_flags(ring, at)))
		ring_count_lost(RING_BLOCK_IO);
}

static __always_inline void tell(struct request *rq, const struct following *f, u64 now)
{
	void *ring = ring_for(RING_BLOCK_IO);
	struct block_io_record *r;
	struct kept_stack *k;
	u64 stack = f->stack;

	if (!ring || !f->wanted || (block_min_ns && now - f->begun_ns < block_min_ns) ||
		!filter_one_in(block_sample))
		return;
	k = block_stacks ? bpf_map_lookup_elem(&stacks, &stack) : NULL;
	if (k) {
		tell_with_stack(ring, rq, f, k, now);
		return;
	}
	r = ring_reserve(ring, struct block_io_record, RING_BLOCK_IO);
	if (!r)
		return;
	fill_io(&r->event, rq, f, now);
	ring_submit(ring, r, sizeof(*r));
}

struct change {
	struct gendisk *disk;
	u64 sector, id;
	u32 bytes, opf;
};

static __always_inline void tell_change(const struct change *c, enum block_change_kind kind)
{
	void *ring = ring_for(RING_BLOCK_CHANGE);
	struct block_change_record *r;

	if (!ring || block_min_ns || !filter_one_in(block_sample))
		return;
	r = ring_reserve(ring, struct block_change_record, RING_BLOCK_CHANGE);
	if (!r)
		return;
	r->event = (struct block_change){ .time = bpf_ktime_get_ns(),
		.sector = c->sector,
		.bytes = c->bytes,
		.cpu = bpf_get_smp_processor_id(),
		.major = c->disk->major,
		.minor = c->disk->first_minor,
		.kind = kind,
		.op = operation(c->opf),
		.pid = c->id >> 32,
		.tid = (u32)c->id,
		.weight = block_sample };
	ring_submit(ring, r, sizeof(*r));
}

static __always_inline void tell_request_change(struct request *rq, const struct following *f,
	enum block_change_kind kind)
{
	struct change c = { disk_of(rq), rq->__sector, f ? f->id : 0, rq->__data_len,
		rq->cmd_flags };

	if (f ? f->wanted : nobody_is_left_out())
		tell_change(&c, kind);
}

/* ---- the tracepoints ---- */

static __always_inline void keep_owner(void *ctx, struct bio *bio, struct disk_state *d)
{
	struct owner o = { .time = bpf_ktime_get_ns(),
		.id = bpf_get_current_pid_tgid(),
		.opf = bio->bi_opf,
		.wanted = filter_present() };
	u64 key = (u64)bio;

	if (bpf_map_update_elem(&owners, &key, &o, BPF_ANY))
		ring_count_gap(RING_NO_PLACE_OWNERS);
	if (o.wanted)
		keep_stack(ctx, key, AT_GETRQ);
	d->flusher = o.id;
	d->flusher_wanted = o.wanted;
}

SEC("tp_btf/block_getrq")
int BPF_PROG(block_getrq_btf, struct bio *bio)
{
	struct disk_state *d;
	u32 device;

	if (!(bio->bi_opf & (REQ(FUA) | REQ(PREFLUSH))) || !ring_enabled())
		return 0;
	device = device_of(bio->bi_bdev->bd_disk);
	if (!is_device(device, bio->bi_bdev->bd_dev))
		return 0;
	d = state_of(device);
	if (d)
		keep_owner(ctx, bio, d);
	return 0;
}

SEC("tp_btf/block_rq_insert")
int BPF_PROG(block_rq_insert_btf, struct request *rq)
{
	struct following *f;

	if (!is_recorded(rq))
		return 0;
	f = place_of(rq);
	if (!is_followed(f, rq))
		begin(ctx, rq, f, AT_INSERT, bpf_ktime_get_ns());
	return 0;
}

SEC("tp_btf/block_rq_issue")
int BPF_PROG(block_rq_issue_btf, struct request *rq)
{
	u64 now = bpf_ktime_get_ns();
	struct following *f;

	if (!is_recorded(rq))
		return 0;
	f = place_of(rq);
	if (!is_followed(f, rq))
		f = begin(ctx, rq, f, AT_ISSUE, now);
	if (!f)
		return 0;
	f->issued_ns = now;
	if (!f->bytes) { /* what is complete of it lies before the rest */
		f->sector = rq->__sector;
		f->asked = rq->__data_len;
	}
	enter_device(rq, f);
	return 0;
}

SEC("tp_btf/block_rq_requeue")
int BPF_PROG(block_rq_requeue_btf, struct request *rq)
{
	struct following *f;

	if (!is_recorded(rq))
		return 0;
	f = find(rq);
	if (f) {
		leave_device(rq, f);
		f->requeues++;
	}
	tell_request_change(rq, f, BLOCK_CHANGE_REQUEUE);
	return 0;
}

/* Whether all of it is complete, with what is now. */
static __always_inline bool complete(struct request *rq, struct following *f, int status,
	unsigned int bytes, u64 now)
{
	f->bytes += bytes;
	f->status = status ?: f->status;
	if (bytes < rq->__data_len)
		return false;
	if (f->in_device) {
		f->done_ns = now;
		leave_device(rq, f);
	}
	/* The end of a write that waits for a flush comes when all is flushed. */
	return is_flush(rq) || !in_flush_sequence(rq);
}

SEC("tp_btf/block_rq_complete")
int BPF_PROG(block_rq_complete_btf, struct request *rq, int status, unsigned int bytes)
{
	u64 now = bpf_ktime_get_ns();
	struct following *f;

	if (!ring_enabled())
		return 0;
	f = place_of(rq);
	if (!is_followed(f, rq))
		f = is_recorded(rq) ? take_over(rq, f) : NULL;
	if (!f || !complete(rq, f, status, bytes, now))
		return 0;
	tell(rq, f, now);
	forget(rq, f);
	return 0;
}

/* The request goes; its bytes are another's now. */
SEC("tp_btf/block_rq_merge")
int BPF_PROG(block_rq_merge_btf, struct request *rq)
{
	struct following *f;

	if (!is_recorded(rq))
		return 0;
	f = find(rq);
	tell_request_change(rq, f, BLOCK_CHANGE_REQUEST_MERGE);
	if (f)
		forget(rq, f);
	return 0;
}

static __always_inline int bio_merged(struct bio *bio, enum block_change_kind kind)
{
	struct change c = { bio->bi_bdev->bd_disk, bio->bi_iter.bi_sector,
		bpf_get_current_pid_tgid(), bio->bi_iter.bi_size, bio->bi_opf };

	if (!ring_enabled() || !is_device(device_of(c.disk), bio->bi_bdev->bd_dev) ||
		!filter_present())
		return 0;
	tell_change(&c, kind);
	return 0;
}

SEC("tp_btf/block_bio_backmerge")
int BPF_PROG(block_bio_backmerge_btf, struct bio *bio)
{
	return bio_merged(bio, BLOCK_CHANGE_BACK_MERGE);
}

SEC("tp_btf/block_bio_frontmerge")
int BPF_PROG(block_bio_frontmerge_btf, struct bio *bio)
{
	return bio_merged(bio, BLOCK_CHANGE_FRONT_MERGE);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
