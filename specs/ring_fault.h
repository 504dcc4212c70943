/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A record of kind RING_PAGE_FAULT: the event, and what `rec` makes its mapping of. */
#ifndef SPECS_RING_FAULT_H
#define SPECS_RING_FAULT_H

#include "specs/events/fault.h"

enum fault_area {
	FAULT_AREA_UNKNOWN,
	FAULT_AREA_ANONYMOUS,
	FAULT_AREA_HEAP,
	FAULT_AREA_STACK,
	FAULT_AREA_FILE,
};

struct fault_record {
	struct page_fault fault;
	__u64 inode;
	__u32 device; /* as the kernel has it: 12 bits major, 20 minor */
	enum fault_area area;
	char name
		[40]; /* the file's without its folder, as far as it fits; or an anonymous mapping's */
};

#endif
