/* How far the numbers of a report can be trusted: what was lost, throttled, damaged, left out. Every
 * report starts with these notes. */
#ifndef ANALYZE_TRUST_H
#define ANALYZE_TRUST_H

#include "analyze/filter.h"
#include "analyze/inputs.h"
#include "render/report.h"

/* What was lost of one kind of events, for one reason. */
struct loss {
	const char *event;  /* in the arena */
	const char *reason; /* as in the trace, in the arena */
	uint64_t lost, gaps, first_ns, last_ns;
};

/* How much there is of one type of events. */
struct type_count {
	const char *name, *doc; /* in the arena */
	uint64_t count, bytes, blocks;
	uint64_t first_ns, last_ns;
};

struct trust {
	struct arena arena;
	struct loss *losses;      /* owned */
	struct type_count *types; /* owned */
	uint32_t n_losses, n_types;
	uint64_t n_throttled, n_late;
	uint64_t cpu_time_ns, memory_bytes; /* of the recorder, the latest it told */
};

/* What the pass has to read for it. */
extern const struct want trust_wants[];
extern const uint32_t trust_n_wants;

void trust_done(struct trust *t);
void trust_row(struct trust *t, const struct row *row);

/* For merge_options.block. */
void trust_block(void *trust, struct segment *segment, const struct block_ref *block);

/* How many events of a type the traces have. */
uint64_t trust_count(const struct trust *t, const char *type);

void trust_notes(const struct trust *t, const struct inputs *in, const struct filter *f,
	struct report *r);

#endif
