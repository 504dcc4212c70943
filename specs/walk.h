/* What the BPF programs that walk user stacks (bpf/walk.bpf.h) and `rec` agree on: who has which code where,
 * and how to get from that code to its caller.
 *
 *	walk_spaces[pid]	a process's mappings of code: an image and a place in its file
 *	walk_images[image]	its first page in...
 *	walk_pages[...]		each 64 KiB of its file: where their rows are
 *	walk_chunks[...]	rows: from this place of the page on that rule holds
 *	walk_rules[...]		rules: of all images, each different one once
 *
 * Numbers of registers are DWARF's, those of x86-64. */
#ifndef SPECS_WALK_H
#define SPECS_WALK_H

#include "specs/events/event.h"

enum {
	WALK_FRAMES = 127,         /* of a stack, at the most */
	WALK_CHUNK_ROWS = 1 << 16, /* 256 KiB... */
	WALK_CHUNKS = 72,          /* ...which come as they are needed; Chromium takes 14 */
	WALK_RULES = 1 << 16,      /* as many as a row can number; 0: there is none */
	WALK_PAGES = 1 << 16,      /* 4 GiB of files */
	WALK_IMAGES = 1 << 14,     /* 0: code without call frame information */
	WALK_MAPPINGS = 256,       /* of a process */
	WALK_SPACES = 8192,        /* processes */
	WALK_PAGE_SHIFT = 16,
	WALK_MAPPING_SHIFT = 12,
	WALK_REGS = 17, /* with the return address */
	WALK_REG_FP = 6,
	WALK_REG_SP = 7,
	WALK_REG_RA = 16,
};

struct walk_mapping {
	__u64 start, end;
	__u32 image;
	__u32 page; /* where in the file it starts, in units of 4 KiB */
};

struct walk_space {
	__u64 exec_ns; /* when the program was started that this is of; 0: before the recording */
	__u32 n;       /* mappings, in order of address */
	__u32 n_astray; /* walks that met an address which is in none of them; kept by the programs */
	struct walk_mapping mappings[WALK_MAPPINGS];
};

enum walk_image_state {
	WALK_IMAGE_NEW,    /* nobody has looked for its rules yet */
	WALK_IMAGE_LOADED, /* they are here */
	WALK_IMAGE_BARE,   /* it has none, or there is no room */
};

struct walk_image {
	__u32 first_page, n_pages;
	__u32 state;
	__u32 wanted; /* set by programs that met it while it was new */
};

struct walk_page {
	__u32 chunk, first, n; /* its rows: where they begin in the chunk */
	__u32 before;          /* the rule that holds at the page's beginning */
};

struct walk_row {
	__u16 low, rule; /* from here on in the page */
};

struct walk_chunk {
	struct walk_row rows[WALK_CHUNK_ROWS];
};

/* How the CFA is found: the stack pointer's value before the call. */
enum walk_cfa {
	WALK_CFA_REGISTER, /* reg + at */
	WALK_CFA_DEREF,    /* the word at reg + at, plus more */
	WALK_CFA_LINKAGE, /* reg + at, and a word more from `more` on in each 16 bytes of a linkage table */
	WALK_CFA_END,   /* there is no caller */
	WALK_CFA_OTHER, /* in a way that we cannot say */
};

enum walk_rule_flags {
	WALK_SIGNAL = 1,     /* the kernel made this frame; what it returns to was interrupted */
	WALK_RA_BY_BASE = 2, /* the return address is counted from `base`, too */
};

/* What a function hands back to its caller as it was: rbx, rbp, r12 to r15; and the return address. */
enum { WALK_KEPT = 6 };
#define WALK_KEPT_REGS \
	{ \
		3, WALK_REG_FP, 12, 13, 14, 15 \
	}

/* Places are even. */
enum {
	WALK_SAME = 1, /* instead of a place: the register was not changed... */
	WALK_LOST = 3, /* ...or is not known any more */
	WALK_BASE_CFA = 0xff,
};

struct walk_rule {
	__u8 cfa, cfa_reg, flags;
	__u8 base; /* what places of kept registers are counted from: a register, or WALK_BASE_CFA */
	__s32 at, more;
	__s16 kept[WALK_KEPT],
		ra; /* where they are in memory: bytes from the base; ra: from the CFA */
	__s16 reserved;
};

/* Why a walk could not be done where it could have been. */
enum walk_missing {
	WALK_NO_SPACE = 1, /* what the process has mapped is not known yet */
	WALK_NO_TABLE = 2, /* rules of an image are not here yet */
	WALK_NO_CODE = 4,  /* nothing is known to be at an address: mapped a moment ago, perhaps */
	WALK_NO_RULE = 8,  /* the rule is one of WALK_CFA_OTHER */
};

/* One for all programs, in memory that `rec` has as well. */
struct walk_control {
	__u32 wanted; /* something was not there: `rec` is to look */
	__u32 reserved;
};

#endif
