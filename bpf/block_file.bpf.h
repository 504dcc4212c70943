/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The file that a request is for: that whose page its first bio begins with. In most file systems all pages of a
 * bio are of one file; f2fs puts those of several into one, and then it is the file of the first. Pages of processes
 * and of the kernel are of none; those of a block device are what its file system keeps about files, or the disk is
 * used like a file.
 *
 * Fields are loaded through typed pointers. A kernel that is locked down (confidentiality) refuses the helper
 * that reads its memory elsewhere: then the names are missing, and who has the further pages of a large folio. */
#ifndef BPF_BLOCK_FILE_BPF_H
#define BPF_BLOCK_FILE_BPF_H

#include "bpf/kernel_block.h"
#include "bpf/ring.bpf.h"
#include "specs/events/block.h"
#include "specs/ring_block.h"

const volatile __u32 block_zone_append = 7; /* REQ_OP_ZONE_APPEND on 6.18; on 6.1: 13 */
const volatile bool block_names;            /* they may be read */
volatile __u32 block_names_round;           /* `rec` adds 1 to be told all of them once more */

RING_RECORD(ring_block_file);

enum {
	OP_MASK = 0xff,      /* of request.cmd_flags */
	MAPPING_FLAGS = 3,   /* of page.mapping: of a process, of a driver (page-flags.h) */
	FURTHER_PAGE = 1,    /* of page.compound_head */
	KIND_MASK = 0170000, /* of a mode */
	KIND_DISK = 0060000,
	NAME_BYTES = 256,
	MAX_FOLDERS = 24,
	TOLD_FILES = 1024, /* a power of two */
};

struct block_file {
	u64 address; /* of the inode */
	u64 inode;
	u32 device, generation;
};

/* Files whose names were told, each in the place that its number says, so that another may take it. */
struct told_file {
	u64 inode;
	u32 device, generation, round, reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TOLD_FILES);
	__type(key, u32);
	__type(value, struct told_file);
} told_files SEC(".maps");

/* Bits of a pointer, which the verifier lets nobody mask: those of its distance from another that has none. */
static __always_inline u64 pointer_bits(const void *p, const void *aligned, u64 bits)
{
	u64 distance = (u64)p;

	asm volatile("%0 -= %1" : "+r"(distance) : "r"(aligned));
	return distance & bits;
}

static __always_inline enum block_data identify(struct block_file *f, u32 mode, u32 number)
{
	if ((mode & KIND_MASK) != KIND_DISK)
		return BLOCK_DATA_FILE;
	f->inode = 0;
	f->device = number;
	return BLOCK_DATA_DISK;
}

/* What is no page of a file has something else in these places: an inode is one that has the mapping. */
static __always_inline enum block_data look_at_mapping(struct address_space *mapping,
	struct block_file *f)
{
	struct inode *i = mapping->host;

	if (!i || i->i_mapping != mapping)
		return BLOCK_DATA_UNKNOWN;
	f->address = (u64)i;
	f->inode = i->i_ino;
	f->device = i->i_sb->s_dev;
	f->generation = i->i_generation;
	return identify(f, i->i_mode, i->i_rdev);
}

/* The same for the further pages of a large folio, whose first page is known by a number. */
static __always_inline enum block_data look_at_folio(u64 head, struct block_file *f)
{
	struct address_space *mapping;
	struct inode *i;

	if (!block_names)
		return BLOCK_DATA_UNKNOWN;
	mapping = BPF_CORE_READ((struct page *)head, mapping);
	if ((u64)mapping & MAPPING_FLAGS)
		return BLOCK_DATA_MEMORY;
	i = BPF_CORE_READ(mapping, host);
	if (!i || BPF_CORE_READ(i, i_mapping) != mapping)
		return BLOCK_DATA_UNKNOWN;
	f->address = (u64)i;
	f->inode = BPF_CORE_READ(i, i_ino);
	f->device = BPF_CORE_READ(i, i_sb, s_dev);
	f->generation = BPF_CORE_READ(i, i_generation);
	return identify(f, BPF_CORE_READ(i, i_mode), BPF_CORE_READ(i, i_rdev));
}

/* A series for Linux ("mm: Rework compound_head()") calls the field compound_info, of which the rest may be a mask
 * and no address: nothing is followed there. */
static __always_inline bool pages_are_known(const struct page *page)
{
	return bpf_core_field_exists(page->compound_head) && bpf_core_field_exists(page->mapping);
}

/* compound_head is a number to the kernel. To the verifier what is loaded there is a pointer, which pointer_bits
 * needs: it takes the first member of the union at that place, and that is `lru`, which begins with one. */
static __always_inline enum block_data look_at_page(struct request *rq, struct page *page,
	struct block_file *f)
{
	const void *folio;
	struct address_space *mapping;
	u64 head;

	if (!pages_are_known(page))
		return BLOCK_DATA_UNKNOWN;
	folio = (const void *)page->compound_head;
	head = (u64)folio;
	if (pointer_bits(folio, rq, FURTHER_PAGE))
		return look_at_folio(head - FURTHER_PAGE, f);
	mapping = page->mapping;
	if (!mapping)
		return BLOCK_DATA_UNKNOWN;
	if (pointer_bits(mapping, rq, MAPPING_FLAGS))
		return BLOCK_DATA_MEMORY;
	return look_at_mapping(mapping, f);
}

/* ---- names ---- */

static __always_inline struct dentry *name_of(u64 inode)
{
	u64 node = (u64)BPF_CORE_READ((struct inode *)inode, i_dentry.first);

	if (!node || !bpf_core_field_exists(((struct dentry *)0)->d_u.d_alias))
		return NULL;
	return (void *)(node - bpf_core_field_offset(struct dentry, d_u.d_alias));
}

static __always_inline void read_names(struct ring_block_file *e, struct dentry *d)
{
	u64 at = 0;

	for (int i = 0; i < MAX_FOLDERS && at <= sizeof(e->names) - NAME_BYTES; i++) {
		struct dentry *parent = BPF_CORE_READ(d, d_parent);
		long n;

		if (parent == d) {
			e->whole = 1;
			break;
		}
		n = bpf_probe_read_kernel_str(e->names + at, NAME_BYTES,
			BPF_CORE_READ(d, d_name.name));
		if (n <= 0 || n > NAME_BYTES)
			break;
		at += n;
		barrier_var(at);
		d = parent;
	}
	e->bytes = at;
}

/* False if it has to be tried again. */
static __noinline bool tell_names(const struct block_file *f)
{
	struct dentry *d = name_of(f->address);
	void *ring = ring_for(RING_BLOCK_FILE);
	struct ring_block_file_record *r;

	if (!d)
		return true;
	r = ring ? ring_reserve(ring, struct ring_block_file_record, RING_BLOCK_FILE) : NULL;
	if (!r)
		return false;
	r->event.time = bpf_ktime_get_ns();
	r->event.inode = f->inode;
	r->event.device = f->device;
	r->event.generation = f->generation;
	r->event.whole = r->event.reserved = 0;
	r->event.reserved2 = 0;
	read_names(&r->event, d);
	ring_submit(ring, r, sizeof(*r));
	return true;
}

static __always_inline void tell_names_once(const struct block_file *f)
{
	u32 at = ((u32)f->inode * 0x9e3779b1 ^ f->device ^ f->generation) & (TOLD_FILES - 1);
	struct told_file *t = bpf_map_lookup_elem(&told_files, &at);

	if (!t ||
		(t->inode == f->inode && t->device == f->device && t->generation == f->generation &&
			t->round == block_names_round))
		return;
	t->inode = f->inode;
	t->device = f->device;
	t->generation = f->generation;
	t->round = block_names_round;
	if (!tell_names(f))
		t->inode = 0;
}

/* ---- of a request ---- */

static __always_inline bool has_pages(struct request *rq)
{
	u32 op = rq->cmd_flags & OP_MASK;

	return rq->__data_len && (op <= REQ_OP_WRITE || op == block_zone_append);
}

static __always_inline void block_file_find(struct request *rq, struct following *to)
{
	struct bio *bio = rq->bio;
	struct block_file f = { 0 };
	struct page *page;

	to->data = BLOCK_DATA_NONE;
	if (!bio || !has_pages(rq))
		return;
	to->data = BLOCK_DATA_UNKNOWN;
	page = bio->bi_io_vec->bv_page;
	if (!page)
		return;
	to->data = look_at_page(rq, page, &f);
	to->inode = f.inode;
	to->file_device = f.device;
	to->generation = f.generation;
	if (to->data == BLOCK_DATA_FILE && block_names)
		tell_names_once(&f);
}

#endif
