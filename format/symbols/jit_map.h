/* A perf map (perf_map.h) that is followed while it grows, so that code which replaces other code is told
 * apart: lines have no times, but come between two looks.
 *
 * For an address that is used again nothing is known between these two; before and after that it is. Of what came and
 * was replaced in between nothing is known before the second look. A program that holds its lines back for longer can
 * make us wrong: it should write a jitdump. */
#ifndef SYMBOLS_JIT_MAP_H
#define SYMBOLS_JIT_MAP_H

#include "format/base/err.h"
#include "format/symbols/jit_codes.h"

struct jit_map;

/* Takes over the descriptor of a file, of which nothing is read yet. */
struct jit_map *jit_map_new(int fd);
void jit_map_free(struct jit_map *m);

/* Reads the lines that came since the last call; from the beginning if the file has been written anew. now_ns: not
 * later than the file is looked at. 0, or a negative errno once, from where on later code has no name. */
int jit_map_read(struct jit_map *m, uint64_t now_ns, struct err *err);

/* What it has told; borrowed. The first code at an address is there from time 0 on. */
const struct jit_codes *jit_map_codes(const struct jit_map *m);

/* Memory that its names take, besides its codes. */
uint64_t jit_map_bytes(const struct jit_map *m);

#endif
