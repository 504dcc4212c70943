/* Any text in any role, as a fact or as a type's name: what comes of it passes the check by the same rules
 * and is not changed by it; otherwise the check of an honest trace would fail. */
#include <stdlib.h>
#include <string.h>

#include "analyze/scrub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_leftover(void *ctx, const char *what, struct text t)
{
	(void)ctx;
	(void)what;
	(void)t;
	abort();
}

static struct text copy(struct arena *a, struct text t)
{
	return (struct text){ arena_strndup(a, t.s, t.len), t.len };
}

static void check_same(struct text a, struct text b)
{
	if (a.len != b.len || (a.len && memcmp(a.s, b.s, a.len) != 0))
		abort();
}

static void as_text(struct scrub *s, struct scrub *check, unsigned role, struct text t,
	struct arena *a)
{
	struct text once = copy(a, s->change.text(s, role, t));

	if (once.len)
		check_same(once, check->change.text(check, role, once));
}

/* The key and its value are parted by a zero byte. */
static void as_fact(struct scrub *s, struct scrub *check, struct text t, struct arena *a)
{
	size_t n = strnlen(t.s, t.len);
	struct info_pair once = { { t.s, n }, { "", 0 } }, twice;

	if (n < t.len)
		once.value = (struct text){ t.s + n + 1, t.len - n - 1 };
	s->change.fact(s, &once);
	once = twice = (struct info_pair){ copy(a, once.key), copy(a, once.value) };
	check->change.fact(check, &twice);
	check_same(once.key, twice.key);
	check_same(once.value, twice.value);
}

static void as_type(struct scrub *s, struct scrub *check, struct text t, struct arena *a)
{
	struct event_type once = { .name = arena_strndup(a, t.s, t.len), .doc = "" }, twice;

	scrub_type(s, &once, a);
	twice = once;
	scrub_type(check, &twice, a);
	if (strcmp(once.name, twice.name) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scrub s, check;
	struct arena a = { 0 };
	struct text t;

	if (size < 2 || size > MAX_TEXT)
		return 0;
	scrub_init(&s, NULL, 0);
	scrub_init(&check, NULL, 0);
	pseudonym_key_set(&s.key, "0123456789abcdef", 16);
	check.leftover = on_leftover;
	t = copy(&a, (struct text){ (const char *)data + 1, size - 1 });
	if (data[0] < CARRY_ROLES)
		as_text(&s, &check, data[0], t, &a);
	else if (data[0] & 1)
		as_fact(&s, &check, t, &a);
	else
		as_type(&s, &check, t, &a);
	scrub_done(&s);
	scrub_done(&check);
	arena_done(&a);
	return 0;
}
