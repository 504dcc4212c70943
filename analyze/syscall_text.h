/* One system call as strace(1) would write it:
 *
 *	openat(dfd=AT_FDCWD, filename="/etc/passwd", flags=O_RDONLY|O_CLOEXEC, mode=0) = 3
 *
 * Everything comes from the trace: the form of the arguments (specs/events/syscall.h) has the words, the other
 * fields have the numbers. */
#ifndef ANALYZE_SYSCALL_TEXT_H
#define ANALYZE_SYSCALL_TEXT_H

#include "format/base/arena.h"
#include "format/segment.h"

enum { SYSCALL_TEXT_ARGS = 6 };

struct syscall_words {
	struct text call, form, path[2], address, error;
	uint64_t args[SYSCALL_TEXT_ARGS];
	int64_t ret;
};

/* The text, in the arena; cut off after some thousand bytes. */
const char *syscall_text(const struct syscall_words *w, struct arena *a);

#endif
