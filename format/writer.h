/* Writing a trace.
 *
 *	w = writer_new(sink, &config);
 *	type = writer_type(w, &event_cpu_sample);
 *	stream = writer_stream(w, "cpu", 3, 0);
 *	sample.stack = writer_stack(w, writer_stack(w, root, frame1), frame2);
 *	writer_add(w, stream, type, &sample);
 *	writer_flush(w, now);            once a second
 *	writer_close(w, now); writer_free(w);
 *
 * Events are copied into a stage per stream and type; a full stage, or a flush, becomes a block.
 * Numbers from the dictionaries are valid for one segment: when writer_roll starts a new one,
 * writer_generation changes and callers forget what they cached. Dictionaries have a fixed size;
 * roll when writer_crowded says so. Nothing here blocks unless the sink does; what the sink does
 * not take is counted and written as `lost` events once there is room. One thread. */
#ifndef FORMAT_WRITER_H
#define FORMAT_WRITER_H

#include "format/base/arena.h"
#include "format/base/err.h"
#include "format/dict.h"
#include "format/schema.h"
#include "format/sink.h"

struct writer;

struct writer_config {
	uint64_t start_ns;      /* CLOCK_MONOTONIC */
	uint64_t start_real_ns; /* CLOCK_REALTIME at the same moment */
	uint8_t boot_id[16];    /* of the machine's present run; zeros if unknown */
	size_t stage_bytes;     /* of one stage, 0: 256 KiB. Rows of a block are as many as fit. */
	struct dict_size dict;  /* at least */
};

struct writer_stats {
	uint64_t events;  /* taken in */
	uint64_t dropped; /* taken in, but the sink was full */
	uint64_t written; /* bytes that reached the file */
};

struct writer *writer_new(struct sink *sink, const struct writer_config *config);
void writer_free(struct writer *w);

/* Another start than that of the config, as opening everything took its time; nothing may have been written
 * yet. */
void writer_set_start(struct writer *w, uint64_t start_ns, uint64_t start_real_ns);

/* Whether dictionaries of this size have room. */
bool writer_has_room(const struct writer *w, const struct dict_size *size);

/* After writer_close: begins another trace behind the one that was ended, as if the writer were new but
 * without taking its memory again, which costs more than a small trace. Types, streams, facts and numbers
 * of dictionaries are forgotten; stage_bytes and the room of dictionaries stay. 0 or the sink's errno. */
int writer_restart(struct writer *w, const struct writer_config *config);

/* Registers an event type, which must live as long as the writer. Its number, the same if it was
 * there; -E2BIG if it has too many fields or names. */
int writer_type(struct writer *w, const struct event_type *type, struct err *err);

/* The event types registered so far, by number; *n how many. The list is in the arena. */
const struct event_type **writer_types(const struct writer *w, unsigned *n, struct arena *arena);

/* Registers a stream: one ring of a CPU (cpu >= 0), one buffer of a thread (tid != 0), or neither.
 * Stream 0 exists from the start and is the recorder's own. */
uint32_t writer_stream(struct writer *w, const char *name, int cpu, uint32_t tid);

/* A fact about the machine or the recording, repeated in every segment; see the list of keys in
 * specs/trace-format.md. Both are copied. */
void writer_info(struct writer *w, const char *key, const char *value);

uint32_t writer_string(struct writer *w, const char *s, size_t len);
uint32_t writer_mapping(struct writer *w, const struct mapping *m);
/* is_new (may be NULL): whether the segment did not have the frame before. */
uint32_t writer_frame(struct writer *w, uint32_t mapping, uint64_t address, bool *is_new);
uint32_t writer_stack_root(struct writer *w, uint8_t flags);
uint32_t writer_stack(struct writer *w, uint32_t parent, uint32_t frame);

/* Queues the name of a frame. Depth 0 is the function itself, 1 the function inlined into it,
 * and so on. Later rows for the same frame and depth win. False: no room now, the sink is stuck. */
bool writer_symbol(struct writer *w, const struct dict_symbol *s);

/* Copies one event, the C struct that its type describes. Its time may be a little before that of
 * the event before it, blocks are sorted. 0 or the sink's errno; a full sink is no error. */
int writer_add(struct writer *w, uint32_t stream, int type, const void *event);

/* Puts all stages into blocks and promises that later events are not before `safe_ns`. 0 or the
 * sink's errno. */
int writer_flush(struct writer *w, uint64_t safe_ns);

/* From now on waits for the sink instead of dropping: there is time. */
void writer_wait(struct writer *w);

/* Ends the segment and starts another. 0, -EAGAIN (no room now) or the sink's errno. */
int writer_roll(struct writer *w, uint64_t now_ns, uint64_t now_real_ns);

/* Whether a dictionary is nearly full or the index has grown large, so that a new segment is due.
 * Past that, a text, frame or stack for which there is no room gets number 0. */
bool writer_crowded(const struct writer *w);

/* Whether that is urgent: a few hundred events on, there will be no room. */
bool writer_full(const struct writer *w);

/* Counts the segments started. */
uint32_t writer_generation(const struct writer *w);

/* What the present segment has put into the sink so far; its index comes on top. */
uint64_t writer_segment_bytes(const struct writer *w);

/* Ends the trace: waits for the sink, writes index and end. 0 or the sink's errno. */
int writer_close(struct writer *w, uint64_t safe_ns);

void writer_stats(struct writer *w, struct writer_stats *stats);

#endif
