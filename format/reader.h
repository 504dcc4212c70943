/* Opening a trace: where its segments and blocks are, and their content on demand.
 *
 * A regular file is mapped and its index read, or rebuilt by walking the file where there is none
 * (the recorder died) or it does not fit. Anything else is read once from front to back. Either
 * way merge.h delivers the events; this header is what merge, verify and `ana info` stand on. */
#ifndef FORMAT_READER_H
#define FORMAT_READER_H

#include <stdbool.h>

#include "format/base/err.h"
#include "format/block_list.h"
#include "format/scan.h"
#include "format/segment.h"

struct reader;

/* path "-" is standard input. On failure NULL and a sentence that says what to do. Damage inside is
 * no failure as long as one segment can be read. */
struct reader *reader_open(const char *path, struct err *err);

/* The same, but walks the file whatever its index says: for one whose index is wrong. */
struct reader *reader_open_walking(const char *path, struct err *err);

/* A regular file that is open already, at its start; the descriptor stays the caller's and may be closed at once.
 * The name is for messages. walking: as above. */
struct reader *reader_open_file(int fd, const char *name, bool walking, struct err *err);

/* From a descriptor that can be read once (not owned), or from memory (borrowed). */
struct reader *reader_open_stream(int fd, struct err *err);
struct reader *reader_open_memory(const void *data, size_t len, struct err *err);
void reader_close(struct reader *r);

/* True when events come only once, in the order of the file. */
bool reader_is_stream(const struct reader *r);

/* -ESPIPE and what to do, for those who read a trace twice and were given a stream. */
int reader_refuse_stream(const struct reader *r, struct err *err);

/* Segments known so far; a stream learns of them as it is read. */
uint32_t reader_n_segments(const struct reader *r);

/* The segment with its dictionaries, loaded on first use; borrowed. Damaged dictionary blocks are
 * reported as damage. */
struct segment *reader_segment(struct reader *r, uint32_t number);

/* Its clock, without loading anything. */
const struct segment_clock *reader_clock(const struct reader *r, uint32_t number);

/* The segment with its facts and declarations (INFO, ENUMS, SCHEMA) but perhaps without its
 * dictionaries: all that is needed to pass over its blocks, and a tiny part of the whole. */
struct segment *reader_declarations(struct reader *r, uint32_t number);

/* Files: gives back the memory of a segment's tables; the next question loads them anew. Whatever
 * was borrowed from it, its types included, is gone, so this is for those who read one segment
 * after the other. The struct itself stays. */
void reader_forget(struct reader *r, uint32_t number);

/* Puts all segments of these traces on one clock (their shift_ns): that of the machine that booted
 * first, as on any other clock what it recorded early might lie before 0. Of one machine's traces
 * no time is changed. Streams are read as far as their first block. */
void readers_align(struct reader *const *readers, uint32_t n);

/* The first moment of all segments known now, in ns on that clock; 0 if none tells its start. */
uint64_t readers_start(struct reader *const *readers, uint32_t n);

/* Files: the blocks of tables and events, in file order, by their numbers from 0 on. */
size_t reader_n_blocks(const struct reader *r);
struct block_ref reader_block_ref(const struct reader *r, size_t number);

/* Files: checks the block against its checksum and reference. NULL (and a report of damage) if it
 * does not hold; the payload is borrowed. */
const void *reader_block(struct reader *r, const struct block_ref *ref, struct block_header *h);

/* Files: tells the system that the mapping up to this offset is no longer needed, which keeps the
 * resident size small when a large file is read once. */
void reader_done_before(struct reader *r, uint64_t offset);

/* Streams: reads as far as the first block of events or sync, so that the first segment's start,
 * facts and schema are known. 0, or a negative errno if this is no trace. Does nothing for files. */
int reader_begin(struct reader *r, struct err *err);

/* Streams: the next block of events or sync, and where it starts; tables are taken in on the way. 1,
 * 0 at the end, or a negative errno. The payload is valid until the next call. */
int reader_next_block(struct reader *r, struct block_header *h, const void **payload,
	uint64_t *offset, uint32_t *segment, struct err *err);

/* What was found damaged so far, in order of the file; reader_report may be called by any thread. A trace that just
 * ends (its recorder died) has one entry, for the last incomplete block, or none. */
const struct damage *reader_damage(const struct reader *r, size_t *n);
void reader_report(struct reader *r, uint64_t offset, uint64_t bytes, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether the last segment was ended properly. For a stream only known at its end. */
bool reader_is_complete(const struct reader *r);

/* Has a function called before waiting for more of a stream, so that what is done so far can be shown. */
void reader_on_wait(struct reader *r, void (*call)(void *ctx), void *ctx);

/* Size of the file; of a stream what was read so far. */
uint64_t reader_bytes(const struct reader *r);
const char *reader_name(const struct reader *r);

/* For verify: the mapping. */
const uint8_t *reader_map(const struct reader *r);

#endif
