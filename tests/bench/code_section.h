/* Where the code of a binary is, for benchmarks that look up addresses all over it. */
#ifndef TESTS_BENCH_CODE_SECTION_H
#define TESTS_BENCH_CODE_SECTION_H

#include "format/symbols/elf_image.h"

/* The section of code with the most bytes; NULL: there is none. */
static inline const GElf_Shdr *code_section(const struct elf_image *e)
{
	const GElf_Shdr *best = NULL;

	for (uint32_t i = 1; i < e->n_sections; i++)
		if (e->sections[i].sh_flags & SHF_EXECINSTR &&
			(!best || e->sections[i].sh_size > best->sh_size))
			best = &e->sections[i];
	return best;
}

#endif
