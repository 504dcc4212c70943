/* How much memory processes use, looked at now and then, and how much of it they touch: their working set.
 *
 * The working set is what has its referenced bit set an interval after all were cleared (clear_refs and
 * smaps_rollup in proc(5), Linux 4.14). Clearing them makes the processor walk page tables anew and the
 * kernel take pages for older than they are: it disturbs, so it is done only for those who ask. The kernel
 * does not flush the processor's TLB then, so a page whose entry stays there can be missed.
 *
 * PAGEMAP_SCAN (6.7) does not help: of its categories (PAGE_IS_* in linux/fs.h; 6.18 has nine) none is "accessed".
 * "Written" is true of every page but in memory that the process itself has given to a userfaultfd, and takes a fault
 * for each page there; "soft-dirty" takes such faults, too, and not every kernel has it. Idle page tracking knows
 * pages of the machine, not whose they are. */
#ifndef RECORD_MEMORY_WATCH_H
#define RECORD_MEMORY_WATCH_H

#include "record/recording.h"

struct memory_watch;

/* Joins the recording's loop. */
struct memory_watch *memory_watch_new(struct recording *r, const char *source, struct err *err);
void memory_watch_free(struct memory_watch *m);

/* The process has just got memory: it is looked at now and every interval. Where the whole system is recorded
 * that ends with an interval in which it got none. */
void memory_watch_touch(struct memory_watch *m, uint32_t pid);

void memory_watch_start(struct memory_watch *m);
/* Looks a last time. */
void memory_watch_stop(struct memory_watch *m);

/* What was referenced by a text of the form of /proc/PID/smaps_rollup, in bytes. False if it does not say. */
bool memory_watch_parse(const char *text, uint64_t *referenced);

#endif
