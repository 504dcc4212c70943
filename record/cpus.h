/* The machine's CPUs. */
#ifndef RECORD_CPUS_H
#define RECORD_CPUS_H

#include <stdint.h>

/* The numbers of the CPUs that are online, in ascending order; the array is the caller's to free. At
 * least one. */
uint32_t cpus_online(int **cpus);

/* The highest possible CPU number plus one. */
uint32_t cpus_possible(void);

/* Parses a list such as "0-3,8" of the kernel into numbers; for tests. */
uint32_t cpus_parse(const char *list, int **cpus);

#endif
