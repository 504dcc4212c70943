/* The entries of .eh_frame and .debug_frame: which code has which program of call frame instructions.
 *
 * Sources: DWARF 5, section 6.4.1 (.debug_frame), and the Linux Standard Base Core 5.0, section 10.6
 * (.eh_frame, its augmentations and encoded pointers). Nothing in them is trusted. */
#ifndef SYMBOLS_CFI_ENTRY_H
#define SYMBOLS_CFI_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A section, or what is left of one. */
struct cfi_section {
	const uint8_t *bytes; /* borrowed */
	uint32_t len;
	uint64_t vaddr; /* where it was linked to be */
	bool eh;        /* .eh_frame, not .debug_frame */
};

/* Some bytes of a section. */
struct cfi_span {
	uint32_t at, len;
};

/* What functions have in common (a CIE). */
struct cfi_common {
	uint64_t code_align;
	int64_t data_align;
	uint8_t pointers;     /* how addresses are encoded (DW_EH_PE) */
	uint8_t address_size; /* of absolute ones */
	bool augmented;       /* functions have a block of data, which is skipped */
	bool signal;          /* a frame that the kernel made to call a signal handler */
	struct cfi_span program;
};

/* A piece of code (an FDE): where it was linked to be, and its program. */
struct cfi_function {
	uint64_t vaddr, size;
	struct cfi_span program;
};

/* An entry as it is found; id 0 is that of a common part in either section. */
struct cfi_entry {
	uint32_t at;        /* of the entry in the section */
	struct cfi_span in; /* what follows the id */
	bool is_common;
	uint32_t common_at; /* of a function: the entry that is its common part */
};

/* The entry at *at, which moves behind it; false at the end, or where the rest makes no sense. */
bool cfi_next(const struct cfi_section *s, uint32_t *at, struct cfi_entry *e);

/* False if it is damaged, or in a way that we do not know. */
bool cfi_read_common(const struct cfi_section *s, const struct cfi_entry *e, struct cfi_common *c);
bool cfi_read_function(const struct cfi_section *s, const struct cfi_entry *e,
	const struct cfi_common *c, struct cfi_function *f);

/* From .eh_frame_hdr, found by a program header where a file has no table of sections: where .eh_frame
 * was linked to be. */
bool cfi_read_header(const struct cfi_section *header, uint64_t *eh_frame);

#endif
