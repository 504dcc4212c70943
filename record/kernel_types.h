/* What the kernel tells of its own types (BTF): which tracepoints programs can be attached to, what these are
 * given, and the numbers of its enums. */
#ifndef RECORD_KERNEL_TYPES_H
#define RECORD_KERNEL_TYPES_H

#include <stdbool.h>

struct kernel_types;

/* Nothing is read before something is asked. */
struct kernel_types *kernel_types_new(void);
void kernel_types_free(struct kernel_types *k);

/* Gives back what was read for the answers; it is read again if more is asked. */
void kernel_types_rest(struct kernel_types *k);

/* True also where the kernel tells nothing. */
bool kernel_types_has_tracepoint(struct kernel_types *k, const char *tracepoint);

/* How many arguments the kernel gives a tracepoint's programs; -1: not known. */
int kernel_types_arguments(struct kernel_types *k, const char *tracepoint);

/* The value of a word of one of the kernel's enums; -1: it has no such. */
int kernel_types_enum(struct kernel_types *k, const char *enumeration, const char *word);

#endif
