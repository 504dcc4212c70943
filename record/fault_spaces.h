/* What processes have mapped, data as well as code, for faults of which no program in the kernel says whose
 * page it was: from the kernel's records of mappings, in order of time, and from /proc/PID/maps for what was there
 * before. The kernel does not tell when something is unmapped; what comes in its place replaces it. */
#ifndef RECORD_FAULT_SPACES_H
#define RECORD_FAULT_SPACES_H

#include <stdbool.h>
#include <stdint.h>

#include "specs/ring_fault.h"

struct fault_area_known {
	uint64_t start, end;
	uint64_t offset; /* of start in the file, bytes */
	uint64_t inode;
	uint32_t device; /* 12 bits major, 20 minor */
	enum fault_area area;
	bool shared;
	char name[sizeof(((struct fault_record *)0)->name)];
};

struct fault_spaces;

struct fault_spaces *fault_spaces_new(void);
void fault_spaces_free(struct fault_spaces *s);

/* What records tell of a process. `name` is the kernel's: "/usr/lib/libc.so.6", "//anon", "[heap]". */
void fault_spaces_map(struct fault_spaces *s, uint32_t pid, const struct fault_area_known *a,
	const char *name);
void fault_spaces_fork(struct fault_spaces *s, uint32_t pid, uint32_t parent);
void fault_spaces_exec(struct fault_spaces *s, uint32_t pid);
void fault_spaces_exit(struct fault_spaces *s, uint32_t pid);

/* What a process has at an address; NULL: not known. A process of which nothing was told yet is read from /proc.
 * Borrowed until the next call. */
const struct fault_area_known *fault_spaces_find(struct fault_spaces *s, uint32_t pid,
	uint64_t address);

/* Takes a line of /proc/PID/maps apart; `name` borrows from the line, which is changed. False if it is none. */
bool fault_spaces_parse(char *line, struct fault_area_known *a, const char **name);

#endif
