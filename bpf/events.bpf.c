// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* No program: this object exists for its type information, from which specs/schema_gen.c makes
 * the table of event types. clang drops types that nothing refers to, so each event is mentioned
 * by one pointer. A new event needs its header and its line here. */
#include "specs/events/block.h"
#include "specs/events/counter.h"
#include "specs/events/cpu.h"
#include "specs/events/fault.h"
#include "specs/events/process.h"
#include "specs/events/recorder.h"
#include "specs/events/sched.h"
#include "specs/events/syscall.h"

#define MENTION(name) const struct name *event_##name

MENTION(cpu_sample);
MENTION(cpu_throttle);
MENTION(counter);
MENTION(process_fork);
MENTION(process_exec);
MENTION(process_comm);
MENTION(process_exit);
MENTION(process_mmap);
MENTION(process_namespace);
MENTION(sched_switch);
MENTION(sched_wakeup);
MENTION(sched_migrate);
MENTION(sched_delay);
MENTION(off_cpu);
MENTION(block_io);
MENTION(block_unfinished);
MENTION(block_change);
MENTION(page_fault);
MENTION(memory_use);
MENTION(syscall);
MENTION(syscall_unfinished);
MENTION(syscall_summary);
MENTION(lost);
MENTION(recorder);
MENTION(clock);
MENTION(cpu_topology);
MENTION(trigger);
