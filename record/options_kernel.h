/* The options that only the kernel's sources know: sched, block, syscalls, faults. */
#ifndef RECORD_OPTIONS_KERNEL_H
#define RECORD_OPTIONS_KERNEL_H

#include <argp.h>

#include "record/options.h"

/* Their keys for argp. */
enum {
	OPTION_STACKS = 256,
	OPTION_MIN,
	OPTION_COMM,
	OPTION_BUFFER,
	OPTION_DEVICE,
	OPTION_SAMPLE,
	OPTION_WORKING_SET,
	OPTION_CALL,
	OPTION_SUMMARY,
	OPTION_KERNEL_LAST,
};

/* Takes one of them, or gives ARGP_ERR_UNKNOWN. What is wrong with it ends the program (argp_error). */
error_t options_kernel_parse(struct options *o, int key, char *arg, struct argp_state *state);

/* What only some sources know is refused where none of them is recorded, and not ignored. */
void options_kernel_check(const struct options *o, struct argp_state *state);

/* A whole number from 1 on; 0 if it is none or above max. */
uint64_t options_number(const char *text, uint64_t max);

bool options_has_source(const struct options *o, const struct source *s);

#endif
