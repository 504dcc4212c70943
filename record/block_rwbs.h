/* What a request to a disk is for, as tracepoints write it: "FWFSM" is a flush before, the operation, and how. See
 * blk_fill_rwbs in the kernel's kernel/trace/blktrace.c (6.1 to 6.18). */
#ifndef RECORD_BLOCK_RWBS_H
#define RECORD_BLOCK_RWBS_H

#include <stdint.h>

#include "specs/events/block.h"

/* The operation, and enum block_flags as far as they are told. Letters that are not known are left out. */
enum block_op block_rwbs_parse(const char *text, uint32_t *flags);

#endif
