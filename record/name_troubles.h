/* Why names are missing: files that could not be opened or read, and DWARF that broke its reader. Said once a
 * file, at the end of the recording; nobody should wonder. */
#ifndef RECORD_NAME_TROUBLES_H
#define RECORD_NAME_TROUBLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_TROUBLES = 8 }; /* so many are told one by one */

struct name_trouble {
	char *path, *why; /* owned */
	uint32_t n;       /* addresses */
	bool lines_only;  /* the functions have names */
};

/* All zero bytes: none. */
struct name_troubles {
	struct name_trouble list[NAME_TROUBLES];
	uint32_t n, n_more; /* n_more: beyond these */
};

void name_troubles_done(struct name_troubles *t);

/* Of a file, for so many addresses. */
void name_troubles_add(struct name_troubles *t, const char *path, const char *why, uint32_t n,
	bool lines_only);

/* A sentence about one of them, or about those beyond for i == n; false if there is none. */
bool name_troubles_text(const struct name_troubles *t, uint32_t i, char *text, size_t size);

#endif
