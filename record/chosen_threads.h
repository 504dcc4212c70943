/* The threads of --tid, where `rec` itself chooses what is of them (recording_wants_thread): they stay chosen when
 * they exec and have the number of their process from then on. bpf/target.bpf.c does so in the kernel. */
#ifndef RECORD_CHOSEN_THREADS_H
#define RECORD_CHOSEN_THREADS_H

#include "record/recording.h"

/* Makes r->tids follow them, once for all sources; without --tid there is nothing to do. What cannot be had is said
 * in a note. */
void chosen_threads_follow(struct recording *r, const char *source);

#endif
