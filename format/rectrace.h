/* rectrace: reading the traces of `rec` in other programs.
 *
 *	char error[512];
 *	struct rectrace *t = rectrace_open("run.rec", error, sizeof(error));
 *	rectrace_select(t, "cpu_sample");
 *	while (rectrace_next(t) > 0) {
 *		int tid = rectrace_field(t, "tid");
 *		printf("%llu %llu\n", rectrace_time(t), rectrace_uint(t, tid));
 *	}
 *	rectrace_close(t);
 *
 *	cc reader.c $(pkg-config --cflags --libs rectrace)
 *
 * Events come in order of time, whatever stream, segment or file order they were recorded in.
 * A trace is not trusted: damage is skipped and reported by rectrace_damage, never a crash; texts
 * may hold any byte. What functions return is borrowed and valid until the next rectrace_next,
 * unless it says otherwise. A handle belongs to one thread at a time. */
#ifndef RECTRACE_H
#define RECTRACE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rectrace;

/* A text from a trace: len bytes, followed by a zero byte only by chance. */
struct rectrace_text {
	const char *s;
	size_t len;
};

/* How a field's value is to be read. */
enum rectrace_kind {
	RECTRACE_UINT,   /* rectrace_uint */
	RECTRACE_INT,    /* rectrace_int */
	RECTRACE_FLOAT,  /* rectrace_float */
	RECTRACE_TEXT,   /* rectrace_text */
	RECTRACE_STACK,  /* rectrace_stack */
	RECTRACE_MAPPING /* rectrace_text: the path of what is mapped */
};

/* One function of a stack. Where nothing is known texts are empty and numbers 0. */
struct rectrace_frame {
	struct rectrace_text function; /* demangled */
	struct rectrace_text file;     /* source file */
	struct rectrace_text binary;   /* path of the ELF file, "[kernel]", ... */
	const uint8_t *build_id;
	size_t build_id_len;
	uint64_t address; /* in terms of the binary: its file offset for an ELF file */
	uint32_t line;
	int kernel;  /* 1 if it runs in the kernel */
	int inlined; /* 1 if it is inlined into the next frame */
};

/* Opens a trace; "-" is standard input. NULL on failure, with a sentence in error (may be NULL). */
struct rectrace *rectrace_open(const char *path, char *error, size_t error_size);

/* Reads from a descriptor, which stays the caller's, once from front to back. */
struct rectrace *rectrace_open_fd(int fd, char *error, size_t error_size);
void rectrace_close(struct rectrace *t);

/* Before the first rectrace_next: only events of this name; call again for more names. Returns 0. */
int rectrace_select(struct rectrace *t, const char *event);

/* Before the first rectrace_next: only events with from <= time < to (ns; to 0: no end). Blocks
 * outside are not read. */
void rectrace_window(struct rectrace *t, uint64_t from_ns, uint64_t to_ns);

/* Moves to the next event: 1, 0 at the end, -1 if the trace cannot be read (rectrace_error). */
int rectrace_next(struct rectrace *t);
const char *rectrace_error(const struct rectrace *t);

/* The present event's time in ns of CLOCK_MONOTONIC (of the machine that booted first, when there are
 * several), its name, and what it is. Where there is no present event, before the first rectrace_next
 * and at the end, 0 and NULL. */
uint64_t rectrace_time(const struct rectrace *t);
const char *rectrace_event(const struct rectrace *t);
const char *rectrace_event_doc(const struct rectrace *t);

/* The present event's fields (without one: none). Numbers are the same for all events of one name in
 * one segment. */
int rectrace_n_fields(const struct rectrace *t);
int rectrace_field(const struct rectrace *t, const char *name); /* -1: there is none */
const char *rectrace_field_name(const struct rectrace *t, int field);
const char *rectrace_field_unit(const struct rectrace *t, int field);
const char *rectrace_field_doc(const struct rectrace *t, int field);
enum rectrace_kind rectrace_field_kind(const struct rectrace *t, int field);

/* Values. A field that does not exist (-1) or is of another kind gives 0 or the empty text. */
uint64_t rectrace_uint(const struct rectrace *t, int field);
int64_t rectrace_int(const struct rectrace *t, int field);
double rectrace_float(const struct rectrace *t, int field);
struct rectrace_text rectrace_text(const struct rectrace *t, int field);

/* The name of an enumeration's value, or NULL. Valid until rectrace_close. */
const char *rectrace_enum(const struct rectrace *t, int field);

/* Fills up to max frames of a stack, innermost first, and returns how many there are. */
size_t rectrace_stack(const struct rectrace *t, int field, struct rectrace_frame *frames,
	size_t max);

/* 1 if the outermost frames of the stack are missing. */
int rectrace_stack_truncated(const struct rectrace *t, int field);

/* A fact about the machine or the recording, see "Keys of INFO" in trace-format.md; empty if it is
 * not known. Of the present event's segment, or of the first one where there is no present event; a
 * pipe is then read as far as its first events. */
struct rectrace_text rectrace_info(const struct rectrace *t, const char *key);

/* How many places were found damaged so far, and a sentence about each, which may hold bytes of the
 * trace. */
size_t rectrace_n_damage(const struct rectrace *t);
const char *rectrace_damage(const struct rectrace *t, size_t i);

#ifdef __cplusplus
}
#endif

#endif
