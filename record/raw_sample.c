/* Every number is checked against the record's size: formats differ between kernels. */
#include "record/raw_sample.h"

#include <errno.h>
#include <string.h>

/* PERF_RECORD_SAMPLE with TID, TIME, CPU, PERIOD; then, with stacks, n and n addresses; then the size of
 * the raw record and itself. */
struct record_sample {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, reserved;
	uint64_t period;
	uint8_t rest[];
};

void raw_sample_attr(struct perf_event_attr *attr, bool with_stack, size_t ring_bytes)
{
	attr->sample_period = 1;
	/* The period is not looked at. But some tracepoints count more than themselves, such as
	 * sched_stat_runtime its nanoseconds, and without this flag the kernel makes a sample of each:
	 * 2,000 copies of one event, as far as its limit goes (perf_swevent_event, seen on 6.18). */
	attr->sample_type |= PERF_SAMPLE_RAW | PERF_SAMPLE_PERIOD;
	if (with_stack)
		attr->sample_type |= PERF_SAMPLE_CALLCHAIN;
	attr->watermark = 1;
	attr->wakeup_watermark = (uint32_t)ring_bytes / 2;
}

/* A register comes with the word size of the code; any register that there is does. */
void raw_sample_attr_bits(struct perf_event_attr *attr)
{
	attr->sample_type |= PERF_SAMPLE_REGS_USER;
	attr->sample_regs_user = 1;
}

bool raw_sample_is_32_bit(const struct raw_sample *s)
{
	uint64_t abi = PERF_SAMPLE_REGS_ABI_NONE;

	if ((size_t)(s->end - s->rest) >= sizeof(abi))
		memcpy(&abi, s->rest, sizeof(abi));
	return abi == PERF_SAMPLE_REGS_ABI_32;
}

static const uint8_t *read_chain(struct raw_sample *s, const uint8_t *at, const uint8_t *end)
{
	uint64_t n;

	if (end - at < 8)
		return NULL;
	memcpy(&n, at, 8);
	if (n > (size_t)(end - at - 8) / 8)
		return NULL;
	s->chain = (const uint64_t *)(at + 8);
	s->n_chain = (uint32_t)n;
	return at + 8 + 8 * n;
}

bool raw_sample_read(const struct perf_event_header *record, bool with_stack, struct raw_sample *s)
{
	const struct record_sample *p = (const struct record_sample *)record;
	const uint8_t *at = p->rest, *end = (const uint8_t *)record + record->size;

	if (record->size < sizeof(*p))
		return false;
	*s = (struct raw_sample){ .time = p->time, .cpu = p->cpu, .pid = p->pid, .tid = p->tid };
	if (with_stack)
		at = read_chain(s, at, end);
	if (!at || end - at < 4)
		return false;
	memcpy(&s->raw_len, at, 4);
	s->raw = at + 4;
	if (s->raw_len > (size_t)(end - s->raw))
		return false;
	s->rest = s->raw + s->raw_len;
	s->end = end;
	return true;
}

/* common_flags, the third byte of all of them: TRACE_FLAG_* of include/linux/trace_events.h. */
bool raw_sample_in_interrupt(const struct raw_sample *s)
{
	enum { HARDIRQ = 0x08, SOFTIRQ = 0x10, NMI = 0x40 };

	return s->raw_len > 2 && s->raw[2] & (HARDIRQ | SOFTIRQ | NMI);
}

uint32_t raw_sample_thread(const struct raw_sample *s)
{
	uint32_t tid = 0;

	if (s->raw_len >= 8)
		memcpy(&tid, s->raw + 4, sizeof(tid));
	return tid;
}

static void take_field(struct raw_fields *f, unsigned i, const struct trace_field *field)
{
	f->at[i].offset = (uint16_t)field->offset;
	f->at[i].is_signed = field->is_signed;
	f->at[i].count = 1;
	if (field->shape == TRACE_NUMBER) {
		f->at[i].size = (uint8_t)field->element;
	} else if (field->shape == TRACE_ARRAY && !field->is_text) {
		f->at[i].size = (uint8_t)field->element;
		f->at[i].count = (uint8_t)(field->count < UINT8_MAX ? field->count : UINT8_MAX);
	} else if (field->is_text) {
		f->at[i].text_size = (uint16_t)field->size;
		f->at[i].is_loc = field->shape != TRACE_ARRAY;
		f->at[i].is_relative = field->shape == TRACE_RELLOC;
	}
}

int raw_fields_find(struct raw_fields *f, const struct trace_format *format,
	const char *const *names, struct err *err)
{
	memset(f, 0, sizeof(*f));
	for (unsigned i = 0; i < RAW_FIELDS && names[i]; i++) {
		size_t len = strcspn(names[i], "?");
		const struct trace_field *field = trace_format_field(format, names[i], len);

		if (field)
			take_field(f, i, field);
		else if (!names[i][len])
			return err_set(err, ENOENT, "this kernel's tracepoint %s has no field '%s'",
				format->name, names[i]);
	}
	return 0;
}

int64_t raw_element(const struct raw_fields *f, unsigned field, unsigned i,
	const struct raw_sample *s)
{
	uint32_t size = f->at[field].size, offset = f->at[field].offset + i * size;
	unsigned shift = 64 - 8 * size;
	uint64_t v = 0;

	if (!size || i >= f->at[field].count || offset + size > s->raw_len)
		return 0;
	memcpy(&v, s->raw + offset, size);
	return f->at[field].is_signed ? (int64_t)(v << shift) >> shift : (int64_t)v;
}

int64_t raw_number(const struct raw_fields *f, unsigned field, const struct raw_sample *s)
{
	return f->at[field].count == 1 ? raw_element(f, field, 0, s) : 0;
}

size_t raw_text(const struct raw_fields *f, unsigned field, const struct raw_sample *s, char *to,
	size_t size)
{
	uint32_t at = f->at[field].offset, len = f->at[field].text_size, loc;

	to[0] = '\0';
	if (f->at[field].is_loc) {
		if (at + sizeof(loc) > s->raw_len)
			return 0;
		memcpy(&loc, s->raw + at, sizeof(loc));
		at = (loc & 0xffff) + (f->at[field].is_relative ? at + (uint32_t)sizeof(loc) : 0);
		len = loc >> 16;
	}
	if (at >= s->raw_len)
		return 0;
	if (len > s->raw_len - at)
		len = s->raw_len - at;
	len = (uint32_t)strnlen((const char *)s->raw + at, len < size - 1 ? len : size - 1);
	memcpy(to, s->raw + at, len);
	to[len] = '\0';
	return len;
}
