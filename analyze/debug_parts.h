/* Files with a part of the DWARF of other files: the halves of split units (.dwo, .dwp; format/symbols/split_file.h)
 * and what dwz took out of several (.gnu_debugaltlink). A unit is known by its id, what dwz made by its build id:
 * where a file lay and what it is called proves nothing. */
#ifndef ANALYZE_DEBUG_PARTS_H
#define ANALYZE_DEBUG_PARTS_H

#include "analyze/binaries.h"
#include "format/base/map.h"
#include "format/symbols/inline_worker.h"

/* Takes a file among those that the user named, if it is such a part. fd: borrowed, of a file without a name of its
 * own; -1: it can be opened by its name (borrowed). */
struct debug_parts *debug_parts_new(const char *root);
void debug_parts_free(struct debug_parts *p);
bool debug_parts_take(struct debug_parts *p, const struct elf_image *e, const char *name, int fd);

enum part_kind { PART_ALTERNATE, PART_PACKAGE, PART_UNIT };

struct part_file {
	enum part_kind kind;
	const char *name;         /* lives as long as the debug_parts */
	int fd;                   /* owned */
	struct build_id build_id; /* of an alternate file */
	uint64_t unit;            /* of a .dwo file: for which it was found */
};

/* What there is for one binary. */
struct part_set {
	struct part_file *files; /* owned */
	uint32_t n, cap;
	int *split; /* owned; descriptors of .dwo files and packages */
	uint32_t n_split;
	struct map by_unit;         /* id -> number in places */
	struct dwarf_place *places; /* owned; which of them has which unit */
	uint32_t n_places, cap_places;
	bool too_many; /* files: more than may be open */
	bool beyond;   /* there are more files, or units in one, than are looked into */
};

/* What to say of those, with INLINE_MAX_SPLIT for the number. */
#define DEBUG_PARTS_BEYOND \
	"there is more split DWARF than is looked into, %d files or units of a file; a package " \
	"(.dwp) may have any number"

/* Whether all that it has is in the two files themselves. */
bool part_set_needless(const struct binary *found);

/* Begins with the alternate file. To be ended with part_set_done. */
void part_set_init(struct part_set *set, struct debug_parts *p, const struct binary *found);
void part_set_done(struct part_set *set);

/* Closes one of its files early. */
void part_set_close(struct part_set *set, uint32_t i);

/* Adds the files of units that are missing, or of all. Looked at are: what the user named; below the root and here,
 * where the units say they were made; a package beside the binary. For binaries out of an archive nothing is added by
 * paths of this machine; the worker looks there all the same, as libdw does, and takes what has the right id. Returns
 * how many files came. */
uint32_t part_set_add(struct part_set *set, struct debug_parts *p, const struct binary *found,
	const struct inline_parts *asked, bool all);

/* For inline_worker_ask; borrowed from the set, until more is added. */
struct inline_parts part_set_given(const struct part_set *set);

#endif
