/* Rules as the kernel's walker takes them (specs/walk.h). */
#ifndef SYMBOLS_WALK_RULE_H
#define SYMBOLS_WALK_RULE_H

#include "format/symbols/cfi.h"
#include "specs/walk.h"

/* A rule of a table, of WALK_CFA_OTHER if it cannot be said. */
void walk_rule_make(const struct cfi *c, const struct cfi_rule *from, struct walk_rule *to);

#endif
