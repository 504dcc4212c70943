/* What code is mapped from: files, the vdso, the kernel and its modules, code made at run time.
 *
 * Processes that map the same file share an image. An image knows who it is (path and build id);
 * its file is opened while a process that has it is still there, so that names can be looked up
 * after the process, or the file, is gone. It is held by those who map it, and some time after the last
 * of them it is forgotten. */
#ifndef RECORD_IMAGE_H
#define RECORD_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

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
	uint32_t home;                       /* its number in names.c; 0: none */
	uint32_t walked;                     /* its number in walk.c; 0: none */
	/* Of images_get and images_forget alone. */
	uint64_t key;
	uint32_t place; /* in all */
	uint32_t users; /* that hold it */
	bool was_idle;
};

enum { IMAGES_IDLE = 256 }; /* so many that nobody holds are always kept */

struct images {
	struct map by_key;    /* of what tells images apart -> place in all, plus 1; 0: gone */
	struct image **all;   /* owned, like its elements */
	struct map by_file;   /* device, inode and path -> number in ids */
	struct build_id *ids; /* owned; that we read from files */
	uint32_t n, cap, n_ids;
};

void images_init(struct images *m);
void images_done(struct images *m);

/* The image that is equal to `like` in kind, path, build id (or else inode), base and, for MAPPING_JIT,
 * process; made if it is not there, texts copied. If the kernel has not told a file's build id it is
 * read from the file, once. Whoever keeps it holds it: otherwise it is borrowed until images_forget. */
struct image *images_get(struct images *m, const struct image *like);

/* As long as it is held it is not forgotten. By the recording's thread only. */
void image_hold(struct image *image);
void image_release(struct image *image);

/* Forgets images that nobody held, now and at the last call, when there are many of them: programs that
 * run often are worth remembering for a while. `let_go` is asked first, and drops what hangs on the
 * image, or says that it is still needed. To be called now and then, or memory grows with every
 * program that ever ran. */
void images_forget(struct images *m, bool (*let_go)(void *ctx, struct image *image), void *ctx);

void image_set_build_id(struct image *image, const struct build_id *id);

/* The image's number in the writer's present segment. */
uint32_t image_mapping(struct image *image, struct writer *w);

/* Opens the file itself, as the process has it mapped: through /proc/PID/map_files, or by its path
 * under the process's root, or by its path; checks inode or build id where known. Descriptor or
 * negative errno. Thread-safe. */
int image_open(const struct image *image);
#endif
