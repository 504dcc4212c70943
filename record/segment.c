/* A segment has everything that its events need to be understood: names, mappings, who is who. So its end
 * waits a moment for names, and the next begins with what is known. */
#include "record/segment.h"

#include <time.h>
#include <unistd.h>

#include "record/jit.h"
#include "record/names.h"
#include "record/sideband.h"
#include "record/unwinding.h"

#define SECOND   1000000000ULL
#define NAMES_NS (2 * SECOND) /* how long the end of a segment waits for its names */

enum { FULL_WAITS = 200 }; /* of 1 ms */

/* Rows that wait for their stacks name texts by their numbers in this segment. */
static void finish_stacks(struct recording *r)
{
	if (r->unwinding)
		unwinding_finish(r->unwinding);
}

/* Ends the segment: a dictionary is crowded, or only the last segments are kept. What the rest needs
 * to be understood is told again. */
static void start_segment(struct recording *r)
{
	uint64_t now, at = loop_last(r->loop) > r->safe_ns ? loop_last(r->loop) : r->safe_ns;
	struct timespec real;

	finish_stacks(r);
	retention_before_segment(r->retention, now_ns());
	clock_gettime(CLOCK_REALTIME, &real);
	now = now_ns();
	/* It begins where the records that have been taken end, which is a little while ago. */
	if (writer_roll(r->writer, at,
		    (uint64_t)real.tv_sec * SECOND + (uint64_t)real.tv_nsec - (now - at)))
		return; /* no room now: again soon */
	retention_after_segment(r->retention, now);
	stacks_clear(r->stacks);
	machine_write_topology(&r->topology, r->writer, at);
	machine_clock_event(r->writer);
	sideband_repeat(r->sideband, at);
}

/* Whether the names of a segment that is to end have been written, or do not come in time. When there is
 * no room for further events they wait in the kernel's rings for a moment. */
static bool names_are_there(struct recording *r, uint64_t now)
{
	bool settled;

	if (!r->settle_until_ns)
		r->settle_until_ns = now + NAMES_NS;
	settled = names_settled(r->names);
	for (int i = 0; !settled && writer_full(r->writer) && i < FULL_WAITS; i++) {
		usleep(1000);
		settled = names_settled(r->names);
	}
	return settled || writer_full(r->writer) || now >= r->settle_until_ns;
}

void segment_end_if_due(struct recording *r)
{
	bool snapshot = retention_wants_snapshot(r->retention);
	uint64_t now = now_ns();

	if (!snapshot && !writer_crowded(r->writer) && !retention_due(r->retention, r->writer, now))
		return;
	finish_stacks(r); /* so that names are asked for */
	jit_settle(r->jit);
	if (!names_are_there(r, now))
		return;
	start_segment(r);
	r->settle_until_ns = 0;
	if (snapshot)
		retention_snapshot(r->retention);
}
