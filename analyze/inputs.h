/* The traces of one analysis, opened. */
#ifndef ANALYZE_INPUTS_H
#define ANALYZE_INPUTS_H

#include "format/base/arena.h"
#include "format/reader.h"

struct inputs {
	struct reader **readers; /* owned */
	uint32_t n;
};

/* The files that the user's words name: a folder stands for the traces in it (*.rec, by name). Words
 * are borrowed, the rest lives in the arena. -ENOENT if a folder has none. */
struct file_list {
	const char **files; /* owned */
	uint32_t n;
};
int inputs_list(struct file_list *list, const char *const *words, uint32_t n, struct arena *a,
	struct err *err);

int inputs_open(struct inputs *in, const char *const *words, uint32_t n, struct err *err);
void inputs_close(struct inputs *in);

/* Puts all traces on one clock and tells their first moment on it, in ns; a stream is read as far as
 * its first block. */
int inputs_start(struct inputs *in, uint64_t *start_ns, struct err *err);

/* Whether they are of several machines, or of several boots of one: then a pid, a CPU or a stream
 * means nothing without the machine's name. */
bool inputs_several_machines(const struct inputs *in);

/* "a.rec, b.rec" and "cpu.rec on host db1, 12.3 s of `./server`". */
const char *inputs_names(const struct inputs *in, struct arena *a);
const char *inputs_subtitle(const struct inputs *in, struct arena *a);

#endif
