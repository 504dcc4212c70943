/* Finding the programs, libraries, kernels and debug files that a trace speaks of, by build id alone: a file that
 * has the right path but is of another build gives wrong names. A debug file with code elsewhere than its program
 * is refused, too.
 *
 * Looked at are, in this order: what the user names (files, folders, archives); below the root the user names, if
 * any; this machine; the servers in DEBUGINFOD_URLS (debuginfod.h). */
#ifndef ANALYZE_BINARIES_H
#define ANALYZE_BINARIES_H

#include "format/symbols/build_id.h"
#include "format/symbols/debug_file.h"

struct binaries;
struct debug_parts;

/* root: "" or a folder that stands for the machine that was recorded (borrowed). */
struct binaries *binaries_new(const char *root);
void binaries_free(struct binaries *b);

/* What will be asked for; to be told before anything is added. path: where it was, borrowed. */
void binaries_want(struct binaries *b, const struct build_id *id, const char *path);

/* Takes what is wanted from a file, an archive, or all files below a folder. A file that is not wanted, or in a
 * folder or archive one of another build of what is, is refused, see below. A negative errno if it cannot be
 * read. */
int binaries_add(struct binaries *b, const char *place, struct err *err);

/* The same for an archive (fd, borrowed) that the user did not name for this: nothing is refused. */
int binaries_add_archive(struct binaries *b, const char *name, int fd, struct err *err);

/* A file of the right build. */
struct binary_file {
	const char *name; /* of the file, for people; lives as long as the binaries */
	struct elf_image elf;
	int fd;        /* owned; -1: there is none */
	bool archived; /* it has no name on this machine, and nobody here vouches for what it names */
};

struct binary {
	struct binary_file code;  /* from whose headers addresses are understood */
	struct binary_file debug; /* fd -1 also where code is its own */
	const char *wrong; /* of a file at its path that is of another build: a sentence; or NULL */
};

/* Opens what there is of a build id that is wanted; servers are asked too, if told so. -ENOENT if there is no code:
 * then a debug file may be there all the same, which as a rule does not tell where in the file its code was. To be
 * closed in any case. */
int binary_open(struct binary *found, struct binaries *b, const struct build_id *id, bool servers);
void binary_close(struct binary *found);

/* What was opened is of other code than what ran, whatever its build id says: closes and refuses it. */
void binary_refuse(struct binary *found, struct binaries *b, const struct build_id *id);

/* The files with parts of others' DWARF that were among what was added (debug_parts.h). */
struct debug_parts *binaries_parts(struct binaries *b);

/* What was refused, as sentences. */
uint32_t binaries_n_refused(const struct binaries *b);
const char *binaries_refused(const struct binaries *b, uint32_t number);

#endif
