/* The traces of one analysis, opened. */
#ifndef ANALYZE_INPUTS_H
#define ANALYZE_INPUTS_H

#include "format/base/arena.h"
#include "format/reader.h"

struct inputs {
	struct reader **readers; /* owned */
	uint32_t n;
};

int inputs_open(struct inputs *in, const char *const *files, uint32_t n, struct err *err);
void inputs_close(struct inputs *in);

/* The first moment of all traces, in ns on the clock of the first; a stream is read as far as its
 * first block. */
int inputs_start(struct inputs *in, uint64_t *start_ns, struct err *err);

/* "a.rec, b.rec" and "cpu.rec on host db1, 12.3 s of `./server`". */
const char *inputs_names(const struct inputs *in, struct arena *a);
const char *inputs_subtitle(const struct inputs *in, struct arena *a);

#endif
