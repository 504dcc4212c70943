/* The traces of one analysis, opened. */
#ifndef ANALYZE_INPUTS_H
#define ANALYZE_INPUTS_H

#include "format/base/arena.h"
#include "format/reader.h"

struct inputs {
	struct reader **readers; /* owned */
	uint32_t n;
};

/* A trace that may be opened, several times. */
struct input_file {
	const char *name;
	int fd; /* owned; of one out of an archive, which has no name of its own; -1: open it by name */
	const char *archive; /* in which it was; NULL: in none */
};

/* The files that the user's words name: an archive stands for the traces in it (archive.h: whatever begins as a trace,
 * or is called *.rec), a folder for the traces (*.rec) and the archives in it, by name; archives without traces
 * are left out there, with a note on stderr if they are damaged or too large to look through. Words are borrowed,
 * the rest lives in the arena. -ENOENT if a folder or an archive has none. To be freed in any case. */
struct file_list {
	struct input_file *files; /* owned */
	uint32_t n;
};
int inputs_list(struct file_list *list, const char *const *words, uint32_t n, struct arena *a,
	struct err *err);
void inputs_unlist(struct file_list *list);

/* Calls for each archive that a word names: itself, or those in a folder that have traces. fd is borrowed. Not 0 ends
 * it and is the result, as is an error with a sentence. */
typedef int (*inputs_archive_call)(void *ctx, const char *name, int fd, struct err *err);
int inputs_archives(const char *word, inputs_archive_call call, void *ctx, struct err *err);

/* As reader_open or, walking, reader_open_walking. */
struct reader *input_open(const struct input_file *file, bool walking, struct err *err);

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
