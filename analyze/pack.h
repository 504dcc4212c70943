/* One archive of traces and what is needed to make more of them elsewhere: the binaries of the builds that were
 * recorded, their debug files, and the sources that they speak of. Its members:
 *
 *	MANIFEST.json                     what is in it, where that was, and what is missing
 *	NAME.rec                          the traces, byte by byte
 *	debug/.build-id/ab/cdef...        binaries, by build id (a kernel only if its vmlinux is here), and
 *	debug/.build-id/ab/cdef....debug  their debug files, and what dwz took out of those: a
 *	                                  debug-file-directory of gdb's; and
 *	debug/.build-id/ab/cdef....dwp    packages of split DWARF (-2.dwp and so on, if a binary has several)
 *	debug/dwo/ID.dwo                  split units that have addresses of the traces, by their ids
 *	sources/PATH                      sources, below the path that they had
 *
 * A trace comes from anyone, and an archive goes to someone: a path in a trace must not be enough to have a file
 * of ours sent away. Binaries are proved by their build id; sources have nothing to prove them, so that only what
 * is called as sources are, and is a text of moderate size, is taken. */
#ifndef ANALYZE_PACK_H
#define ANALYZE_PACK_H

#include "analyze/inputs.h"
#include "analyze/symbolize.h"
#include "analyze/text_set.h"

enum {
	PACK_MAX_SOURCE = 8 << 20, /* bytes */
	PACK_MAX_SOURCES = 20000,
};

struct pack_options {
	bool no_binaries, no_debug, no_sources;
	const char *root; /* where sources are looked for: "" or a folder */
	/* What the traces are out of; of archives among them sources are taken before others. */
	const char *const *words;
	uint32_t n_words;
};

struct pack_result {
	uint32_t traces, binaries, debug_files, sources;
	uint32_t no_binaries, no_sources; /* that are not here */
	uint32_t partial;                 /* binaries with more split DWARF than goes in */
	uint64_t bytes;                   /* of the members */
};

/* Whether a name has the ending of an archive that can be made; -EINVAL and a sentence with those. */
int pack_check_name(const char *name, struct err *err);

/* Writes an archive of the kind that `name` ends as to fd. `s` has collected and looked up what is in the traces,
 * `sources` are the names of source files in them, both borrowed. 0 or a negative errno. */
int pack_write(int fd, const char *name, const struct file_list *traces, const struct symbolize *s,
	const struct text_set *sources, struct binaries *b, const struct pack_options *o,
	struct pack_result *result, struct err *err);

/* Whether a path in a trace is one of a source that may be taken, by its name alone. */
bool pack_is_source_name(struct text path);

#endif
