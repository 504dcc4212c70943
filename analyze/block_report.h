/* What `ana block` counts, and the tables that are made of it. */
#ifndef ANALYZE_BLOCK_REPORT_H
#define ANALYZE_BLOCK_REPORT_H

#include "analyze/analyzer.h"
#include "analyze/block_unfinished.h"
#include "analyze/keyed.h"
#include "analyze/longest.h"
#include "analyze/windowed.h"
#include "render/heatmap.h"

enum {
	BLOCK_RECENT = 32, /* requests of a disk that a new one may go on from */
	N_OPS = 18,
	OP_OTHER = N_OPS - 2,
	OP_ASKED = N_OPS - 1, /* a write without data, that asks for a flush */
	N_SIZES = 34,         /* powers of two */
};

enum block_content_kind {
	CONTENT_UNKNOWN,
	CONTENT_NONE,
	CONTENT_FILE,
	CONTENT_DISK,
	CONTENT_MEMORY
};

/* What the requests of one kind took. */
struct block_times {
	struct histogram latency, queued, device; /* ns */
	uint64_t bytes, errors;
};

struct extent {
	uint64_t from, to; /* sectors */
};

struct block_disk {
	const char *name;               /* in the arena of the counts */
	struct block_times *ops[N_OPS]; /* owned; NULL: there were none */
	struct block_times all;
	struct extent recent[BLOCK_RECENT];
	uint32_t n_recent;
	uint64_t n_placed, n_sequential; /* reads and writes with data */
	uint64_t merges, requeues;
	uint64_t depth_sum, n_depths, depth_max;
};

/* What the requests of a process took, or those for a file. */
struct block_sums {
	struct histogram latency; /* ns */
	uint64_t reads, writes, read_bytes, write_bytes, errors;
};

struct block_process {
	const struct segment *segment; /* where the name is from... */
	uint32_t comm;                 /* ...as a number */
	uint32_t pid;
	struct block_sums sums;
};

/* What the data of requests is of, by how it is called; files of one name on one device are one. */
struct block_content {
	const struct segment *segment; /* where the name is from... */
	uint32_t file;                 /* ...as a number */
	uint32_t major, minor;
	enum block_content_kind kind;
	uint64_t inode;
	struct block_sums sums;
};

/* A request one by one. */
struct block_request {
	struct longest_key key; /* its latency, and when it was complete */
	uint64_t queued, device, sector, inode;
	const struct segment *segment;
	const struct event_type *type;
	uint32_t disk, comm, pid, tid, bytes, op, error;
	uint32_t file, file_major, file_minor;
	enum block_content_kind kind;
	uint64_t flags;
};

struct block_errors {
	uint32_t disk, op, error;
	uint64_t n;
};

/* What is known slice by slice of the time: tables, and the sums of their things. A thing of SLICES_OF_OPS is disk *
 * N_OPS + op, of SLICES_OF_PARTS twice that, and 1 more for the part at the device; all others are numbered as they
 * are here. Each has one histogram. */
enum {
	SLICES_OF_ALL, /* all of it, in the queue, at the device */
	SLICES_OF_DISKS,
	SLICES_OF_OPS,
	SLICES_OF_PARTS,
	SLICES_OF_PROCESSES,
	SLICES_OF_ERRORS,
	SLICES_BY_SIZE,
	SLICES_OF_SIZES,
	N_SLICED_TABLES
};
enum {
	DISK_BYTES,
	DISK_ERRORS,
	DISK_SEQUENTIAL,
	DISK_PLACED,
	DISK_MERGES,
	DISK_REQUEUES,
	DISK_DEPTHS,
	DISK_N_DEPTHS,
	N_DISK_SUMS
};
enum { SLICED_OP_BYTES, SLICED_OP_ERRORS, N_OP_SUMS };
enum { SUM_READS, SUM_READ_BYTES, SUM_WRITES, SUM_WRITE_BYTES, SUM_ERRORS, N_SUMS };

struct block_counts {
	const struct analyze_options *options;
	struct arena arena;
	struct histogram_budget budget;
	struct windowed windowed;
	struct keyed disks;          /* of struct block_disk */
	struct keyed processes;      /* of struct block_process */
	struct keyed contents;       /* of struct block_content */
	struct keyed errors;         /* of struct block_errors */
	bool contents_known;         /* of any request */
	bool sampled;                /* some requests stand for several */
	uint64_t n_without_data;     /* requests that are of no file */
	uint64_t n_of_other_files;   /* requests for files beyond those that are told apart */
	uint64_t n_of_others;        /* requests of processes beyond those that are told apart */
	const char *op_names[N_OPS]; /* NULL: not seen */
	struct histogram sizes[N_OPS], by_size[N_SIZES];
	struct block_times all;
	struct longest worst; /* of struct block_request */
	struct block_unfinished_rows unfinished;
	struct block_request *list; /* owned; of --list */
	uint32_t n_list;
	struct heatmap_builder latency_map, depth_map;
	bool maps;
	uint64_t n_rows, n_before, first_ns, last_ns;
};

void block_report(struct block_counts *b, const struct trace_facts *facts, struct report *r);

#endif
