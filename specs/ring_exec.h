/* A record of kind RING_EXEC: a process has started another program. */
#ifndef SPECS_RING_EXEC_H
#define SPECS_RING_EXEC_H

#include "specs/events/event.h"

/* In walk_execs: there was no room for the record, so `rec` has to look there. The time is even otherwise. */
#define WALK_EXEC_UNTOLD 1ULL

struct ring_exec {
	__u64 time; /* as in walk_execs */
	__u32 pid, reserved;
};

#endif
