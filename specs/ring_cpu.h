/* A record of kind RING_CPU_SAMPLE: the event, and where the walk could not be done in the kernel what `rec`
 * needs to do it: registers, and behind the record's stacks a copy of what is on the user's. */
#ifndef SPECS_RING_CPU_H
#define SPECS_RING_CPU_H

#include "specs/events/cpu.h"
#include "specs/walk.h"

enum { RING_CPU_COPY = 16 << 10 }; /* bytes of a copy, at the most */

struct ring_cpu_sample {
	struct cpu_sample sample;
	__u16 sampler;    /* which of several events, as in the order of rec's */
	__u8 has_regs;    /* the walk is `rec`'s to do... */
	__u8 missing;     /* ...as this was missing: enum walk_missing */
	__u32 copy_bytes; /* a multiple of 8 */
	__u64 regs[WALK_REGS];
};

#endif
