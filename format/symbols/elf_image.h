/* An ELF image that nobody vouches for: a file that may be damaged, hostile, or be cut and
 * rewritten while we read it, or memory such as the vdso.
 *
 * Everything is copied out with pread: a mapping of a file that is truncated by someone else kills
 * the reader with SIGBUS, a short pread is just a short answer. libelf gives the layouts and turns
 * bytes of either class and byte order into ours; its own file handling (elf_begin) is not used,
 * as it maps the file or reads whole sections, and takes memory for as many sections as a header
 * claims. */
#ifndef SYMBOLS_ELF_IMAGE_H
#define SYMBOLS_ELF_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"
#include "format/symbols/query.h"

struct elf_image {
	int fd;                /* borrowed; -1: the image is in memory */
	const uint8_t *memory; /* borrowed */
	uint64_t size;         /* bytes, when it was opened */
	uint8_t class;         /* ELFCLASS32 or ELFCLASS64 */
	uint8_t encoding;      /* ELFDATA2LSB or ELFDATA2MSB */
	uint16_t type;         /* ET_EXEC... */
	uint16_t machine;      /* EM_X86_64... */
	GElf_Phdr *segments;   /* owned */
	GElf_Shdr *sections;   /* owned */
	uint32_t n_segments, n_sections;
	uint32_t section_names; /* number of the section with the names of sections, or 0 */
};

/* Reads the headers. -EINVAL if it is not an ELF file (nor a regular file); headers that lie behind
 * the end of a cut file are missing in the tables, which is no error. fd or memory must stay until
 * elf_image_done; the file position is not used. */
int elf_image_open(struct elf_image *e, int fd, struct err *err);
int elf_image_open_memory(struct elf_image *e, const void *memory, size_t size, struct err *err);
void elf_image_done(struct elf_image *e);

/* Copies up to len bytes; returns how many there were. */
size_t elf_image_read(const struct elf_image *e, uint64_t offset, void *to, size_t len);

/* Up to n records of a table, in the form of GElf (64-bit, our byte order): ELF_T_PHDR, ELF_T_SHDR,
 * ELF_T_SYM, ELF_T_RELA; ELF_T_REL too gives GElf_Rela, with no addend. `first` counts records.
 * Returns how many whole ones there were. */
size_t elf_image_records(const struct elf_image *e, Elf_Type type, uint64_t offset, uint64_t first,
	void *to, size_t n);

/* How many records the section claims to have; 0 when their size is not as it must be. */
uint64_t elf_image_n_records(const struct elf_image *e, Elf_Type type, const GElf_Shdr *s);

/* Copies the text at an offset in a section of strings, cut at SYMBOL_NAME_MAX. Returns its length,
 * 0 (and an empty text) if there is none. */
size_t elf_image_text(const struct elf_image *e, const GElf_Shdr *strings, uint64_t at,
	char text[SYMBOL_NAME_MAX + 1]);

/* Section by number, or NULL. */
const GElf_Shdr *elf_image_section(const struct elf_image *e, uint64_t number);
bool elf_image_section_is(const struct elf_image *e, const GElf_Shdr *s, const char *name);

/* Whether it brings DWARF about functions. */
bool elf_image_has_dwarf(const struct elf_image *e);

/* From an offset in the file to the address it was linked for; false if nothing of it is loaded. */
bool elf_image_vaddr(const struct elf_image *e, uint64_t offset, uint64_t *vaddr);

/* And back; false if what is there does not come from the file. */
bool elf_image_offset(const struct elf_image *e, uint64_t vaddr, uint64_t *offset);

#endif
