/* What the resolvers are asked and what they answer: addresses in, names out.
 *
 * The idea of this folder: a profiler knows which addresses it hit before it needs names, and those
 * are few. So nobody builds a sorted copy of a symbol table that is mostly never looked at; the
 * caller sorts its addresses, each resolver reads its table once from front to back and remembers
 * for every address the best symbol so far (cover.h). Memory is proportional to the addresses.
 *
 * The resolvers: elf_symbols.h (programs, libraries, the vdso), kallsyms.h (the kernel), perf_map.h
 * (code made at run time). None of them trusts what it reads. */
#ifndef SYMBOLS_QUERY_H
#define SYMBOLS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol_query {
	uint64_t address;   /* in: the resolver says in which terms */
	const char *name;   /* out: as linked (mangled), in the caller's arena; NULL if not found */
	const char *module; /* out, kernel only: the module it is in, "bpf" for a BPF program,
			       NULL for the kernel itself; in the arena */
	uint64_t start;     /* out: start of the function, in the terms of address */
};

/* Longer names are cut: 5,000 names that a hostile file made as long as it could stay at 20 MB. */
enum { SYMBOL_NAME_MAX = 4095 };

/* Orders by address, which every resolver requires (it asserts). Resolvers leave alone what has a
 * name already, so that several can be asked one after the other. */
void symbol_query_sort(struct symbol_query *q, size_t n);
bool symbol_query_sorted(const struct symbol_query *q, size_t n);

/* Of two names for the same function, whether a is the one to show: fewer leading underscores,
 * then the longer (as perf's choose_best_symbol in tools/perf/util/symbol.c), then by the alphabet,
 * so that the answer never depends on the order of a table. */
bool symbol_name_better(const char *a, size_t len_a, const char *b, size_t len_b);

#endif
