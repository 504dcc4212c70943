#include "analyze/shown_call.h"

#include <stdio.h>
#include <string.h>

const char *const call_fields[N_CALL] = { "pid", "tid", "cpu", "comm", "call", "abi", "duration",
	"error", "weight", "path", "ret", "form", "path2", "address", "arg0", "arg1", "arg2",
	"arg3", "arg4", "arg5" };

struct shown_call shown_call(const struct row *row, uint64_t duration, unsigned n)
{
	struct shown_call x = { .key = { duration, row->time },
		.segment = row->segment,
		.type = row->type };

	memcpy(x.values, row->values, n * sizeof(*x.values));
	merge_late(row, x.values + CALL_LATE);
	return x;
}

void call_name(struct enum_field *abi, const struct event_type *type, struct text call,
	uint64_t abi_value, char name[CALL_NAME_MAX])
{
	const char *word = abi_value ? enum_field_word(abi, type, abi_value) : NULL;

	word = word ? word : "";
	if (!abi_value || strcmp(word, "native") == 0)
		snprintf(name, CALL_NAME_MAX, "%.*s", (int)call.len, call.s);
	else
		snprintf(name, CALL_NAME_MAX, "%.*s (%s)", (int)call.len, call.s, word);
}

struct text shown_call_string(const struct shown_call *x, enum call_field field)
{
	return segment_string(x->segment, (uint32_t)x->values[field]);
}

const char *shown_call_name(const struct shown_call *x, struct arena *a)
{
	struct enum_field abi = { .name = "abi" };
	char name[CALL_NAME_MAX];

	call_name(&abi, x->type, shown_call_string(x, CALL_NAME), x->values[CALL_ABI], name);
	return arena_strdup(a, name);
}

const char *shown_call_text(const struct shown_call *x, struct arena *a)
{
	const char *name = shown_call_name(x, a);
	struct syscall_words w = { .call = { name, strlen(name) },
		.form = shown_call_string(x, CALL_FORM),
		.path = { shown_call_string(x, CALL_PATH), shown_call_string(x, CALL_PATH2) },
		.address = shown_call_string(x, CALL_ADDRESS),
		.error = shown_call_string(x, CALL_ERROR),
		.ret = (int64_t)x->values[CALL_RET] };

	memcpy(w.args, x->values + CALL_ARGS, sizeof(w.args));
	return syscall_text(&w, a);
}
