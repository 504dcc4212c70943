/* Whether two files are of the same code, as a program and its debug file are. A build id is a promise of whoever
 * built them: it may be given by hand, or be the same in each build. A debug file of other code gives wrong names. */
#ifndef SYMBOLS_SAME_CODE_H
#define SYMBOLS_SAME_CODE_H

#include "format/symbols/elf_image.h"

/* Whether code lies at the same places in both, and no functions of the program (.eh_frame_hdr) begin in the middle of
 * those of the debug file (.symtab), but for a few: assembly is told of in its own ways. True too where one of them
 * does not tell. */
bool same_code(const struct elf_image *program, const struct elf_image *debug);

#endif
