/* User stacks walked in the kernel, by call frame information: keeps the maps that BPF programs walk by
 * (walk_maps.h) at what processes have mapped. What a program meets and does not find there it asks for; the
 * threads of unwinding.h compile it. */
#ifndef RECORD_WALK_H
#define RECORD_WALK_H

#include "record/image.h"

struct recording;
struct walk;
struct writer;

/* Whether this machine's processor is one that walks are written for. */
bool walk_supported(void);

/* Makes r->walk; r->bpf and r->unwinding are there. -errno, and why, where the kernel does not take it; r->walk is
 * NULL then. */
int walk_open(struct recording *r, struct err *err);
void walk_close(struct walk *w);

/* The maps, for objects to share; w may be NULL. */
struct walk_maps *walk_maps_of(struct walk *w);

/* Before the first program starts: what is known by then is brought to the kernel, and waited for. */
void walk_start(struct walk *w);

/* Brings the maps up to date; to be called whenever records have been taken in. True if a program asked for what
 * is not known yet, but may be in some milliseconds. */
bool walk_tick(struct walk *w);

/* Drops what is kept for an image that nobody holds. */
void walk_let_go(struct walk *w, struct image *image);

/* Writes what it took, as facts of the trace; what had no room is a note, too. */
void walk_info(struct walk *w, struct writer *out);

#endif
