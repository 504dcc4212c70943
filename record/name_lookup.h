/* The name of an address of an image: which of the resolvers in format/symbols is asked, and what is made
 * of its answer. */
#ifndef RECORD_NAME_LOOKUP_H
#define RECORD_NAME_LOOKUP_H

#include "format/symbols/inline_worker.h"
#include "format/symbols/kallsyms.h"
#include "record/image.h"
#include "record/name_troubles.h"

struct name_lookup {
	bool inlines; /* also lines and inlined functions are wanted */
	struct kallsyms_kept kernel;
	uint64_t workers_cpu; /* ns, of the processes that read DWARF */
	struct name_troubles troubles;
};

/* How much is to be read: names take milliseconds; DWARF takes a process, and where it is compressed 50 ms
 * for libc, each time. */
enum name_depth { NAMES_ONLY, NAMES_AND_LINES };

struct name_found {
	const char *name,
		*linkage; /* for people, and as linked if that is another; NULL: has none */
	uint64_t back;    /* from the address to the start of the function, bytes */
	struct inline_chain chain; /* n 0: neither lines nor inlined functions are known */
	bool more;                 /* NAMES_AND_LINES would tell more */
};

/* Names for n addresses of an image, ascending; its texts are in the arena. fd: its file or its perf map, -1
 * if it is not open. Addresses are as in the trace; those of the kernel and its modules are absolute, and
 * of all of these together. */
void name_lookup(struct name_lookup *l, const struct image *image, int fd,
	const uint64_t *addresses, struct name_found *found, size_t n, enum name_depth depth,
	struct arena *a);

void name_lookup_done(struct name_lookup *l);

#endif
