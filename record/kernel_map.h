/* What lies where in the kernel's half of the address space. */
#ifndef RECORD_KERNEL_MAP_H
#define RECORD_KERNEL_MAP_H

#include "record/image.h"

struct kernel_map;

/* Finds the kernel's text and its modules. Where kallsyms hides addresses (kernel.kptr_restrict)
 * everything is one nameless kernel; kernel_map_trouble then says so. */
struct kernel_map *kernel_map_new(struct images *images);
void kernel_map_free(struct kernel_map *k);

/* A sentence about why kernel functions will have no names, or NULL. */
const char *kernel_map_trouble(const struct kernel_map *k);

/* The image that has the address and where in it; never NULL. Modules that were loaded meanwhile
 * are looked for, at most once a second of `now_ns`. */
struct image *kernel_map_find(struct kernel_map *k, uint64_t address, uint64_t now_ns,
	uint64_t *offset);

/* A BPF program or trampoline came or went (PERF_RECORD_KSYMBOL). */
void kernel_map_symbol(struct kernel_map *k, uint64_t address, uint32_t len, const char *name,
	bool gone);

/* Calls for the kernel and each module: where it is and how long. */
void kernel_map_each(struct kernel_map *k,
	void (*call)(void *ctx, struct image *image, uint64_t start, uint64_t size), void *ctx);

#endif
