/* A feed of the loop whose records are the ticks of a timer: for sources that look at something now and then. */
#ifndef RECORD_TICKER_H
#define RECORD_TICKER_H

#include <stdint.h>

#include "record/loop.h"

struct ticker;

/* Calls tick(ctx) from the loop at each tick, once it is started; ctx is borrowed. NULL and a sentence if there is no
 * such timer. The loop borrows it: close it after the loop has gone round for the last time. */
struct ticker *ticker_open(struct loop *l, void (*tick)(void *ctx), void *ctx, struct err *err);
void ticker_close(struct ticker *t);

/* The first tick comes after interval_ns, more than 0, and the others as long after each other. */
void ticker_start(struct ticker *t, uint64_t interval_ns);

/* A tick that has come and was not handled yet is not handled any more. */
void ticker_skip(struct ticker *t);

#endif
