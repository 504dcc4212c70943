/* Split DWARF in a package: PROGRAM.dwp, which dwp and llvm-dwp make of many .dwo files (DWARF 5, 7.3.5; its index
 * of version 2 is GNU's, for DWARF 4); or in a .dwo file that is not where the program says.
 *
 * elfutils (0.188) knows single .dwo files only, by path. So a unit is made to look like a program of one unit: the
 * file itself in memory, with other section headers, behind it the program's own addresses. Nothing is copied but
 * those, and sections that are compressed. In a process of its own, as libdw (dwarf_frames.h). */
#ifndef SYMBOLS_DWP_H
#define SYMBOLS_DWP_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "format/symbols/elf_image.h"

struct dwp;

/* Takes the package or the .dwo file (its descriptor is not needed later) and the program that it belongs to. NULL
 * if it is none that can be read. */
struct dwp *dwp_new(int fd, const struct elf_image *program);
void dwp_free(struct dwp *p);

/* Where the parts of a unit are: in the file, or behind it if they were compressed. */
enum dwp_part { DWP_INFO, DWP_ABBREV, DWP_LINE, DWP_STR_OFFSETS, DWP_RNGLISTS, DWP_PARTS };
struct dwp_unit {
	uint64_t offset[DWP_PARTS], size[DWP_PARTS];
};

/* Of the file and of what is behind it. */
uint64_t dwp_bytes(const struct dwp *p);

/* Finds the unit with this id. */
bool dwp_find(const struct dwp *p, uint64_t id, struct dwp_unit *unit);

/* Opens it; addr_base and ranges_base are those of its skeleton. NULL if libdw cannot read it. One at a time:
 * dwp_end ends it. */
Dwarf *dwp_begin(struct dwp *p, const struct dwp_unit *unit, uint64_t addr_base,
	uint64_t ranges_base);
void dwp_end(struct dwp *p);

#endif
