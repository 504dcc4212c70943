/* A trace made from parts of another: what `ana cut` and `ana verify --repair` stand on.
 *
 * Segment by segment: a segment of the source becomes a segment of the copy, with its clock, facts and
 * streams, so traces of several machines stay what they are; carry.h says what becomes of the
 * dictionaries. What is damaged stays behind, and where an index tells how many events that costs, a
 * `lost` event takes their place. Memory is bounded by one segment's dictionaries and what one flush
 * holds, whatever the size of the file. */
#ifndef FORMAT_COPY_H
#define FORMAT_COPY_H

#include "format/carry.h"
#include "format/reader.h"

enum copy_choice {
	COPY_NOT,
	COPY_ALONG, /* where the segment is copied for other reasons: what gives events meaning */
	COPY_THIS,  /* its rows may be a reason for the segment to be there */
};

/* What is copied. Functions may be NULL: everything. Times on the traces' common clock are times of
 * the segment plus segment->shift_ns (see readers_align). */
struct copy_options {
	/* Whether anything of a segment is copied; it may have its declarations only. */
	bool (*segment)(void *ctx, const struct segment *s);
	/* What to do with a block of events of this type, from `first` to `last` in the segment's
	 * time. The type is NULL if it is not declared. */
	enum copy_choice (*block)(void *ctx, const struct segment *s, const struct event_type *type,
		uint64_t first, uint64_t last);
	/* Marks the rows that are kept: columns[field][row] of n rows. All are marked at first. Returns
	 * whether one of them is a reason for the segment to be there. May be asked twice. Numbers may
	 * be changed, but for times. */
	bool (*rows)(void *ctx, const struct segment *s, const struct event_type *type,
		uint64_t *const *columns, uint32_t n, bool *keep);
	void *ctx;
	struct carry_fact fact;              /* told in each segment, see carry.h */
	const struct carry_change *change;   /* of texts; NULL: none */
	const struct carry_symbols *symbols; /* that the source does not have; NULL: none */
};

/* What came of it; added to what is there. */
struct copy_result {
	uint64_t seen, kept; /* events: in blocks that were read, and of these in the copy */
	uint64_t lost;       /* events of damaged blocks, as far as an index tells */
	uint32_t segments;   /* of the copy */
};

/* Copies a trace behind what the sink has; the sink must have no queue. The first segment of each
 * machine's boot is always there, so that times count from the same moment as in the source; others only
 * if there is a reason. Of a stream all segments are. Damage is added to reader_damage. 0; or the errno with which
 * reading or writing failed, with a sentence. */
int copy_trace(struct reader *r, struct sink *sink, const struct copy_options *o,
	struct copy_result *result, struct err *err);

#endif
