/* USDT: markers that programs bring along, each a `nop` and a note that says where it is (section
 * .note.stapsdt; https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation). A marker may
 * have several places, one for each time that the compiler copied it, and a semaphore: a counter in
 * the program's data that tells it that somebody looks. */
#ifndef SYMBOLS_STAPSDT_H
#define SYMBOLS_STAPSDT_H

#include "format/symbols/elf_image.h"

struct stapsdt {
	const char *provider, *name; /* "python", "gc__start"; valid during the call */
	const char *arguments;       /* where its arguments are: "8@%rdi -4@112(%rsp)" */
	uint64_t offset;             /* of the marker, in the file */
	uint64_t semaphore;          /* of the counter, in the file; 0: none */
};

/* Calls for each marker of a program or library, in the order of the notes; those that point to
 * nowhere are left out. Returns how many there were, which may be 0. */
uint32_t stapsdt_each(const struct elf_image *e,
	void (*call)(void *ctx, const struct stapsdt *marker), void *ctx);

#endif
