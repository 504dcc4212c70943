/* How much memory processes use, looked at now and then, and how much of it they touch: their working set.
 *
 * The working set is what has its referenced bit set an interval after all were cleared (clear_refs and
 * smaps_rollup in proc(5), Linux 4.14). Clearing them makes the processor walk page tables anew and the
 * kernel take pages for older than they are: it disturbs, so it is done only for those who ask. PAGEMAP_SCAN
 * would not tell more: outside of a process whose memory has a userfaultfd it knows no beginning. */
#ifndef RECORD_MEMORY_WATCH_H
#define RECORD_MEMORY_WATCH_H

#include "record/recording.h"

struct memory_watch;

/* Joins the recording's loop. */
struct memory_watch *memory_watch_new(struct recording *r, const char *source, struct err *err);
void memory_watch_free(struct memory_watch *m);

/* The process has just got memory. It is looked at from now on: every interval with --working-set or where
 * few are recorded, otherwise when that has happened again. */
void memory_watch_touch(struct memory_watch *m, uint32_t pid);

void memory_watch_start(struct memory_watch *m);
/* Looks a last time. */
void memory_watch_stop(struct memory_watch *m);

/* The numbers in a text of the form of /proc/PID/smaps_rollup, in bytes. False if one is missing. */
bool memory_watch_parse(const char *text, uint64_t *referenced);

#endif
