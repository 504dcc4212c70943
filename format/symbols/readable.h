/* From what symbol tables and DWARF say to the names that people are shown. */
#ifndef SYMBOLS_READABLE_H
#define SYMBOLS_READABLE_H

#include "format/symbols/inline_worker.h"

/* The name for people, in the arena: demangled, without the version of its library
 * ("@@GLIBC_2.34"). NULL if it is the linker's. */
const char *readable_name(struct arena *a, const char *linkage);

/* The same few functions are inlined at thousands of addresses, with the same text in the arena: names made
 * in a batch, remembered by where the text is. */
struct readable;
struct readable *readable_new(void);
void readable_free(struct readable *r);

/* Gives the inlined functions of a chain (not its first, whose name is that of its symbol, as in other tools)
 * the names for people; what they are called by linkers stays in `linkage` where it differs. */
void readable_chain(struct readable *r, struct inline_chain *c, struct arena *a);

#endif
