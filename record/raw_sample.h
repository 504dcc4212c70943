/* A sample of a tracepoint: who was running, the stack, and the raw record, of which the kernel's format
 * file says what lies where. */
#ifndef RECORD_RAW_SAMPLE_H
#define RECORD_RAW_SAMPLE_H

#include <linux/perf_event.h>

#include "record/trace_format.h"

/* Borrowed from the ring. */
struct raw_sample {
	uint64_t time;
	uint32_t cpu;
	uint32_t pid, tid; /* UINT32_MAX: of a thread that has just ended */
	const uint64_t *chain;
	uint32_t n_chain;
	const uint8_t *raw;
	uint32_t raw_len;
	const uint8_t *rest,
		*end; /* what follows: registers and a copy of the stack, if asked for */
};

/* Completes the attr of a tracepoint or probe (perf_attr_init), so that each event gives such a sample. */
void raw_sample_attr(struct perf_event_attr *attr, bool with_stack, size_t ring_bytes);

/* Asks, too, whether a program of 32 bits is running: raw_sample_is_32_bit. Not together with a copy of the
 * stack. */
void raw_sample_attr_bits(struct perf_event_attr *attr);
bool raw_sample_is_32_bit(const struct raw_sample *s);

/* Reads a PERF_RECORD_SAMPLE of such an event. False if it is not what it should be. */
bool raw_sample_read(const struct perf_event_header *record, bool with_stack, struct raw_sample *s);

/* Whether it happened in an interrupt, as every raw record says at its beginning. */
bool raw_sample_in_interrupt(const struct raw_sample *s);

/* The thread that was running by the raw record's own word (common_pid): its number in the first pid
 * namespace. */
uint32_t raw_sample_thread(const struct raw_sample *s);

enum { RAW_FIELDS = 16 };

/* Fields of a tracepoint that a handler wants, by their place in a list of names. */
struct raw_fields {
	struct {
		uint16_t offset;
		uint8_t size; /* of a number, or of each of an array's; 0: it is a text, or not there */
		uint8_t count; /* of numbers */
		bool is_signed;
		uint16_t text_size; /* of a text in the record itself */
		bool is_loc, is_relative;
	} at[RAW_FIELDS];
};

/* Looks up the names, a list that ends with NULL and has at most RAW_FIELDS; a name that ends with '?' may be
 * missing. -ENOENT names a field that the kernel does not have. */
int raw_fields_find(struct raw_fields *f, const struct trace_format *format,
	const char *const *names, struct err *err);

/* The value of a number; 0 if there is none or the record is too short. */
int64_t raw_number(const struct raw_fields *f, unsigned field, const struct raw_sample *s);

/* The same of the i-th number of an array. */
int64_t raw_element(const struct raw_fields *f, unsigned field, unsigned i,
	const struct raw_sample *s);

/* A text, cut to size - 1 bytes and terminated; returns its length. Empty if there is none. */
size_t raw_text(const struct raw_fields *f, unsigned field, const struct raw_sample *s, char *to,
	size_t size);

#endif
