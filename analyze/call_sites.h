/* Calls that stacks tell of, and whether a file has them. A build id is a promise of whoever built a file: it may be
 * given by hand, or be the same in each build. Where stacks returned to, code of something else hardly ever has a
 * call. */
#ifndef ANALYZE_CALL_SITES_H
#define ANALYZE_CALL_SITES_H

#include "format/symbols/elf_image.h"

struct call_site;

/* Of one file; all zero bytes: none. */
struct call_sites {
	struct call_site *list; /* owned */
	uint32_t n, cap;
};

/* caller: the offset in the file of a call's last byte, as frames have it. callee: a number for the place that was
 * reached by it. Of very many the first are enough: those that come when there are so many are not taken. */
void call_sites_add(struct call_sites *c, uint64_t caller, uint64_t callee);
void call_sites_done(struct call_sites *c);

/* Whether the file has calls at these places, but for a minority: what a signal interrupted is no call, and nor is the
 * start of a coroutine. True too where it cannot be told: too few calls, or instructions of another machine than x86. */
bool call_sites_fit(struct call_sites *c, const struct elf_image *code);

#endif
