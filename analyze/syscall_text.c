#include "analyze/syscall_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BYTES = 4096 };

#define LOOKS_LIKE_AN_ADDRESS 0x100000000LL

struct out {
	char text[MAX_BYTES];
	size_t n;
};

static void put(struct out *o, const char *s, size_t len)
{
	if (len > sizeof(o->text) - o->n)
		len = sizeof(o->text) - o->n;
	if (len)
		memcpy(o->text + o->n, s, len);
	o->n += len;
}

static void put_text(struct out *o, struct text t)
{
	put(o, t.s, t.len);
}

static void put_quoted(struct out *o, struct text t)
{
	put(o, "\"", 1);
	put_text(o, t);
	put(o, "\"", 1);
}

/* What stands for arguments in a form: {N} and a letter that says how it is shown. */
static bool put_number(struct out *o, const struct syscall_words *w, const char *s, size_t len)
{
	unsigned i = (unsigned)(s[0] - '0');
	char how = len == 2 ? s[1] : 'd', text[32];
	uint64_t v;

	if (len < 1 || len > 2 || i >= SYSCALL_TEXT_ARGS)
		return false;
	v = w->args[i];
	switch (how) {
	case 'd': snprintf(text, sizeof(text), "%" PRId32, (int32_t)v); break;
	case 'l': snprintf(text, sizeof(text), "%" PRId64, (int64_t)v); break;
	case 'u': snprintf(text, sizeof(text), "%" PRIu64, v); break;
	case 'o': snprintf(text, sizeof(text), v ? "0%" PRIo64 : "%" PRIo64, v); break;
	case 'x':
		if (v)
			snprintf(text, sizeof(text), "0x%" PRIx64, v);
		else
			snprintf(text, sizeof(text), "NULL");
		break;
	default: return false;
	}
	put(o, text, strlen(text));
	return true;
}

/* What is between { and }; false if that is nothing we know, and so is shown as it is. */
static bool put_place(struct out *o, const struct syscall_words *w, const char *s, size_t len)
{
	struct text place = { s, len };

	if (text_is(place, "path"))
		put_quoted(o, w->path[0]);
	else if (text_is(place, "path2"))
		put_quoted(o, w->path[1]);
	else if (text_is(place, "address"))
		put_text(o, w->address);
	else
		return put_number(o, w, s, len);
	return true;
}

static void put_form(struct out *o, const struct syscall_words *w)
{
	const char *s = w->form.s, *end = s + w->form.len;

	while (s < end) {
		const char *close = *s == '{' ? memchr(s, '}', (size_t)(end - s)) : NULL;

		if (close && put_place(o, w, s + 1, (size_t)(close - s - 1)))
			s = close + 1;
		else
			put(o, s++, 1);
	}
}

const char *syscall_text(const struct syscall_words *w, struct arena *a)
{
	struct out o = { .n = 0 };
	char ret[40];

	put_text(&o, w->call);
	put(&o, "(", 1);
	put_form(&o, w);
	if (w->error.len)
		snprintf(ret, sizeof(ret), ") = -1 ");
	else if (w->ret >= LOOKS_LIKE_AN_ADDRESS)
		snprintf(ret, sizeof(ret), ") = 0x%" PRIx64, (uint64_t)w->ret);
	else
		snprintf(ret, sizeof(ret), ") = %" PRId64, w->ret);
	put(&o, ret, strlen(ret));
	put_text(&o, w->error);
	return arena_strndup(a, o.text, o.n);
}
