/* Build ids: the linker's fingerprint of what it linked, the only proof that a file is the one that
 * ran. It is a note (ELF gABI, "Note Section") of name "GNU" and type NT_GNU_BUILD_ID. */
#ifndef SYMBOLS_BUILD_ID_H
#define SYMBOLS_BUILD_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"
#include "format/symbols/elf_image.h"

#define KERNEL_NOTES_PATH "/sys/kernel/notes"

struct build_id {
	uint8_t bytes[32];
	uint32_t len; /* bytes: 20 as a rule; 8, 16 and 32 occur */
};

enum { BUILD_ID_HEX = 2 * 32 + 1 };

/* All leave *id alone and return -ENOENT when there is no build id. */
int build_id_of_image(const struct elf_image *e, struct build_id *id, struct err *err);
int build_id_of_file(int fd, struct build_id *id, struct err *err);

/* Notes as the machine we run on has them in memory, one behind the other. */
int build_id_of_notes(const void *notes, size_t len, struct build_id *id, struct err *err);

/* A file of notes: the kernel's (KERNEL_NOTES_PATH) or a module's (build_id_of_module). */
int build_id_of_notes_file(const char *path, struct build_id *id, struct err *err);

/* From SYSFS/module/NAME/notes/.note.gnu.build-id; sysfs is "/sys" but in tests. */
int build_id_of_module(const char *sysfs, const char *name, struct build_id *id, struct err *err);

bool build_id_equal(const struct build_id *a, const struct build_id *b);

/* Lower-case digits, as in the paths of debug files. Returns hex. */
const char *build_id_hex(const struct build_id *id, char hex[BUILD_ID_HEX]);

#endif
