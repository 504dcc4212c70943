/* Part of the layout of traces (layout.h), of its own as the BPF programs set some of these. */
#ifndef SPECS_STACK_FLAGS_H
#define SPECS_STACK_FLAGS_H

/* Flags of a stack's root: how the frames above it were found and whether they are all there. */
enum stack_flags {
	STACK_USER_FP = 1,    /* user frames by frame pointers */
	STACK_USER_DWARF = 2, /* user frames by call frame information */
	STACK_KERNEL = 4,     /* frames in the kernel, by the kernel's unwinder */
	STACK_TRUNCATED = 8,  /* the outermost frames are missing: too deep for the recorder */
	STACK_NO_USER = 16,   /* the user part could not be read; with TRUNCATED: but one frame */
	STACK_BROKEN = 32,    /* the outermost frames are missing: the walk left the mapped code */
	STACK_COPY_ENDS = 64, /* with TRUNCATED: deeper than the copy of the stack */
	STACK_OVERLOAD = 128, /* with TRUNCATED: the recorder had no time for it */
};

#endif
