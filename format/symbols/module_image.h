/* A kernel module as it lies in memory, from its file (.ko, or the debug file of one).
 *
 * The file is an object that the kernel links when it loads it: kernel/module/main.c, layout_sections(), puts its
 * sections of code one behind the other in the order of the file, each aligned as it wants, but for those of
 * initialization. Here the same is done to a copy in memory, which then is an ELF image like others: an offset in
 * it is one from the module's start. x86-64 and arm64; where an architecture puts something between the sections,
 * addresses behind that are wrong, so what is found is to be compared with a name that is known. */
#ifndef SYMBOLS_MODULE_IMAGE_H
#define SYMBOLS_MODULE_IMAGE_H

#include "format/symbols/elf_image.h"

struct module_image {
	struct elf_image elf;
	int fd; /* owned; of the same owner as the file */
};

/* 0, to be closed; -ENOEXEC if it is no module of a known kind, -E2BIG, or errors of reading. */
int module_image_open(struct module_image *m, const struct elf_image *file, struct err *err);
void module_image_close(struct module_image *m);

#endif
