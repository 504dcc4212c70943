/* The file that a trace is written to, by a recording or by a tool that makes one trace of others.
 *
 * A trace holds what a process list and a debugger would show, so it is made for its owner only (mode
 * 0600), and no file that is there is ever written over. */
#ifndef FORMAT_TRACE_OUT_H
#define FORMAT_TRACE_OUT_H

#include <stdbool.h>

#include "format/base/err.h"

struct trace_out {
	int fd;
	char name[4096];
	bool nameless;         /* until it is closed */
	char beside[4096 + 8]; /* the file's name until it is closed; "": it has none, or its own */
	bool own;              /* we made the file: it may be removed when nothing comes of it */
};

/* Opens "-" (standard output, which must be no terminal), or makes a file of this name. A pipe or
 * device that is there is written to as it is. On failure o->fd is -1 and a sentence says what to do;
 * -EEXIST if there is such a file. */
int trace_out_open(struct trace_out *o, const char *name, struct err *err);

/* Makes a file, as above, but takes nothing that is there: for a name that somebody else can guess. */
int trace_out_make(struct trace_out *o, const char *name, struct err *err);

/* As trace_out_open, but a new file gets its name when it is closed: one of that name is whole, whatever happens.
 * Until then it has none, or where the file system knows no such files another one in the same folder. */
int trace_out_open_beside(struct trace_out *o, const char *name, struct err *err);

/* The folder that a file of this name is in. */
enum { TRACE_OUT_FOLDER = 4096 };
void trace_out_folder(const char *name, char folder[TRACE_OUT_FOLDER]);

/* Whether trace_out_open would find this name free and its folder writable now, for those who open late.
 * 0, or a negative errno and a sentence. */
int trace_out_check(const char *name, struct err *err);

/* Closes; with `discard` a file that was made is removed. -errno if closing failed, or -EEXIST if the name is no
 * longer free for a file that was written beside it. */
int trace_out_close(struct trace_out *o, bool discard, struct err *err);

#endif
