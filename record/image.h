/* What code is mapped from: files, the vdso, the kernel and its modules, code made at run time.
 *
 * Processes that map the same file share an image. An image knows who it is (path and build id);
 * its file is opened while a process that has it is still there, so that names can be looked up
 * after the process, or the file, is gone. */
#ifndef RECORD_IMAGE_H
#define RECORD_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "format/symbols/build_id.h"
#include "format/writer.h"

struct image_rules;

struct image {
	enum mapping_kind kind;
	const char *path;
	uint8_t build_id[BUILD_ID_MAX];
	uint32_t build_id_len;
	uint64_t base;       /* kernel: address of its text */
	uint32_t pid;        /* of one process that has it; for MAPPING_JIT the only one */
	uint64_t start, end; /* where that process has it, for /proc/PID/map_files */
	uint64_t dev, inode; /* 0 if unknown */
	/* Its number in the trace, valid in one segment. */
	uint32_t mapping, generation;
	_Atomic(struct image_rules *) rules; /* of unwinding.c; NULL: not looked for yet */
};

struct images {
	struct arena arena;
	struct map by_key;  /* of what tells images apart -> number in all */
	struct map by_file; /* device, inode and path -> number; for files whose build id we read */
	struct image **all; /* owned array; elements in the arena */
	uint32_t n;
};

void images_init(struct images *m);
void images_done(struct images *m);

/* The image that is equal to `like` in kind, path, build id (or else inode), base and, for MAPPING_JIT,
 * process; made if it is not there, texts copied. If the kernel has not told a file's build id it is
 * read from the file, once. */
struct image *images_get(struct images *m, const struct image *like);

void image_set_build_id(struct image *image, const struct build_id *id);

/* The image's number in the writer's present segment. */
uint32_t image_mapping(struct image *image, struct writer *w);

/* Opens the file itself, as the process has it mapped: through /proc/PID/map_files, or by its path
 * under the process's root, or by its path; checks inode or build id where known. Descriptor or
 * negative errno. Thread-safe. */
int image_open(const struct image *image);
#endif
