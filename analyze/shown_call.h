/* A system call that is shown by itself: kept as the row had it, put into words at the end. */
#ifndef ANALYZE_SHOWN_CALL_H
#define ANALYZE_SHOWN_CALL_H

#include "analyze/enum_field.h"
#include "analyze/longest.h"
#include "analyze/syscall_text.h"
#include "format/merge.h"

/* What is wanted of a call, in this order; of one that has not returned the first CALL_COMMON, and when it
 * began. */
enum call_field {
	CALL_PID,
	CALL_TID,
	CALL_CPU,
	CALL_COMM,
	CALL_NAME,
	CALL_ABI,
	CALL_COMMON,
	CALL_DURATION = CALL_COMMON,
	CALL_ERROR,
	CALL_WEIGHT,
	CALL_PATH,
	CALL_LATE, /* what follows is needed only of calls that are shown */
	CALL_RET = CALL_LATE,
	CALL_FORM,
	CALL_PATH2,
	CALL_ADDRESS,
	CALL_ARGS,
	N_CALL = CALL_ARGS + SYSCALL_TEXT_ARGS
};
enum { CALL_BEGIN = CALL_COMMON, N_UNFINISHED };

extern const char *const call_fields[N_CALL];

enum { CALL_NAME_MAX = 256 };

struct shown_call {
	struct longest_key key; /* how long it took, and when it returned */
	struct segment *segment;
	const struct event_type *type;
	uint64_t values[N_CALL];
};

/* Keeps the first n values of a row, and its late ones. */
struct shown_call shown_call(const struct row *row, uint64_t duration, unsigned n);

/* "read", and "read (ia32)" of a program with calls of other numbers. The abi is remembered by type. */
void call_name(struct enum_field *abi, const struct event_type *type, struct text call,
	uint64_t abi_value, char name[CALL_NAME_MAX]);

/* The string that a field names. */
struct text shown_call_string(const struct shown_call *x, enum call_field field);

/* Its name; the call as strace would write it. Both in the arena. */
const char *shown_call_name(const struct shown_call *x, struct arena *a);
const char *shown_call_text(const struct shown_call *x, struct arena *a);

#endif
