#include "analyze/scrub.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/public_words.h"

/* Texts with more parts, and results that are longer, become one pseudonym: nobody reads them, and a text
 * of a trace has a limit. */
enum { MAX_PARTS = 64, MAX_WORDS = 1024, MAX_OUT = 32768 };

enum {
	FIELD_COMM = CARRY_FIELD,
	FIELD_DISK,
	FIELD_CALL,
	FIELD_OTHER,
};

/* ---- results ---- */

static void start(struct scrub *s)
{
	s->n_out = 0;
}

static void put(struct scrub *s, struct text t)
{
	if (s->n_out + t.len > s->cap_out) {
		s->cap_out = 2 * (s->n_out + t.len) + 64;
		s->out = xrealloc(s->out, s->cap_out, 1);
	}
	if (t.len)
		memcpy(s->out + s->n_out, t.s, t.len);
	s->n_out += t.len;
}

static void put_chars(struct scrub *s, const char *chars)
{
	put(s, (struct text){ chars, strlen(chars) });
}

static struct text result(const struct scrub *s)
{
	return (struct text){ s->out, s->n_out };
}

static struct text part(struct text t, size_t from, size_t to)
{
	return (struct text){ t.s + from, to - from };
}

/* From `from` to the next of these characters or the end. */
static size_t until(struct text t, size_t from, const char *stops)
{
	while (from < t.len && (!t.s[from] || !strchr(stops, t.s[from])))
		from++;
	return from;
}

/* Whether the user wants to keep it. */
static bool is_kept(const struct scrub *s, struct text t)
{
	char *z;
	bool kept = false;

	if (!s->n_keep || memchr(t.s, 0, t.len))
		return false;
	z = strndup(t.s, t.len);
	for (uint32_t i = 0; z && i < s->n_keep && !kept; i++)
		kept = fnmatch(s->keep[i], z, 0) == 0;
	free(z);
	return kept;
}

static void tell_leftover(const struct scrub *s, const char *what, struct text t)
{
	s->leftover(s->leftover_ctx, what, t);
}

/* Every text that does not stay comes here. */
static void put_pseudonym(struct scrub *s, enum pseudonym_class class, struct text t)
{
	char name[PSEUDONYM_MAX];
	size_t n;

	if (!t.len)
		return;
	if (s->leftover || is_kept(s, t)) {
		if (s->leftover && !pseudonym_is(class, t) && !is_kept(s, t))
			tell_leftover(s, pseudonym_class_name(class), t);
		put(s, t);
		return;
	}
	if (s->replaced)
		text_set_add(s->replaced, t);
	n = pseudonym_make(&s->key, class, t, name);
	put(s, (struct text){ name, n });
}

/* ---- paths ---- */

static bool is_dots(struct text t)
{
	return text_is(t, ".") || text_is(t, "..");
}

/* A part of a path: the suffix stays. */
static void put_name(struct scrub *s, struct text t)
{
	size_t stem;
	const char *suffix;

	if (is_dots(t) || is_kept(s, t)) {
		put(s, t);
		return;
	}
	suffix = public_suffix(t, &stem);
	/* A name with its version becomes one pseudonym, as libx.so.1 and libx.so.2 are two. */
	if (suffix && stem + strlen(suffix) < t.len)
		stem = t.len;
	put_pseudonym(s, PSEUDONYM_PATH, part(t, 0, stem));
	if (suffix)
		put_chars(s, suffix);
}

static size_t count(struct text t, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; i++)
		n += t.s[i] == c;
	return n;
}

static bool looks_like_path(struct text t)
{
	size_t n = count(t, '/');

	return n > 0 && n <= MAX_PARTS;
}

static struct text without_deleted(struct text t)
{
	static const char deleted[] = " (deleted)";
	size_t n = sizeof(deleted) - 1;

	return t.len > n && memcmp(t.s + t.len - n, deleted, n) == 0 ? part(t, 0, t.len - n) : t;
}

/* Folders that every Linux has stay as long as all in front of them do. */
static void put_parts(struct scrub *s, struct text t)
{
	struct text parent = { "", 0 };
	bool public = t.s[0] == '/';

	for (size_t at = 0, end; at <= t.len; at = end + 1) {
		struct text name = part(t, at, end = until(t, at, "/"));

		if (at)
			put_chars(s, "/");
		if (!name.len)
			continue;
		public = public && end < t.len && public_folder(parent, name);
		if (public)
			put(s, name);
		else
			put_name(s, name);
		parent = name;
	}
}

static void put_path(struct scrub *s, struct text t)
{
	struct text path = without_deleted(t);

	if (public_library(t) || public_mapping_path(t, false) || is_kept(s, t)) {
		put(s, t);
		return;
	}
	if (count(path, '/') > MAX_PARTS)
		put_pseudonym(s, PSEUDONYM_PATH, path);
	else if (path.len)
		put_parts(s, path);
	put(s, part(t, path.len, t.len));
}

/* ---- words ---- */

/* A quoted name, as in a trace that was cut for one thread's name. */
static size_t put_quoted(struct scrub *s, struct text t, size_t at)
{
	size_t end = until(t, at + 1, "'");

	put_chars(s, "'");
	put_pseudonym(s, PSEUDONYM_COMM, part(t, at + 1, end));
	put_chars(s, "'");
	return end < t.len ? end + 1 : end;
}

static bool is_word_char(char c)
{
	return isalpha((unsigned char)c) || (unsigned char)c >= 128;
}

static size_t put_word(struct scrub *s, struct text t, size_t at)
{
	size_t end = at;
	struct text word;

	while (end < t.len && is_word_char(t.s[end]))
		end++;
	word = part(t, at, end);
	if (public_word(word))
		put(s, word);
	else
		put_pseudonym(s, PSEUDONYM_WORD, word);
	return end;
}

static size_t put_digits(struct scrub *s, struct text t, size_t at)
{
	enum { MAX_DIGITS = 9 };
	size_t end = at;

	while (end < t.len && isdigit((unsigned char)t.s[end]))
		end++;
	if (end - at <= MAX_DIGITS) {
		put(s, part(t, at, end));
		return end;
	}
	if (s->n_out && isalpha((unsigned char)s->out[s->n_out - 1]))
		put_chars(s, "-"); /* so that it can be told from the word before */
	put_pseudonym(s, PSEUDONYM_WORD, part(t, at, end));
	return end;
}

/* Punctuation. What cannot be printed becomes a space. */
static void put_other(struct scrub *s, struct text t)
{
	bool printable = isprint((unsigned char)t.s[0]);

	if (!printable && s->leftover)
		tell_leftover(s, "byte that cannot be printed", t);
	put(s, printable ? t : (struct text){ " ", 1 });
}

/* What is mostly public: the words that are, numbers and punctuation stay. */
static void put_words(struct scrub *s, struct text t)
{
	for (size_t at = 0; at < t.len;) {
		size_t pseudonym = s->leftover ? pseudonym_at_start(part(t, at, t.len)) : 0;

		if (pseudonym) {
			put(s, part(t, at, at + pseudonym));
			at += pseudonym;
		} else if (t.s[at] == '\'') {
			at = put_quoted(s, t, at);
		} else if (is_word_char(t.s[at])) {
			at = put_word(s, t, at);
		} else if (isdigit((unsigned char)t.s[at])) {
			at = put_digits(s, t, at);
		} else {
			put_other(s, part(t, at, at + 1));
			at++;
		}
	}
}

static void put_command(struct scrub *s, struct text t)
{
	if (count(t, ' ') > MAX_WORDS) {
		put_pseudonym(s, PSEUDONYM_ARGUMENT, t);
		return;
	}
	for (size_t at = 0, end; at <= t.len; at = end + 1) {
		struct text word = part(t, at, end = until(t, at, " "));

		if (at)
			put_chars(s, " ");
		if (public_option(word))
			put(s, word);
		else if (looks_like_path(word))
			put_path(s, word);
		else
			put_pseudonym(s, PSEUDONYM_ARGUMENT, word);
	}
}

static bool only_has(struct text t, const char *chars)
{
	for (size_t i = 0; i < t.len; i++)
		if (!t.s[i] || !strchr(chars, t.s[i]))
			return false;
	return true;
}

/* ---- events ---- */

static bool begins_with(struct text t, const char *start)
{
	size_t n = strlen(start);

	return t.len > n && memcmp(t.s, start, n) == 0;
}

/* Where "+0x1f" begins, or the end. */
static size_t offset_at(struct text t)
{
	const char *plus = t.len ? memrchr(t.s, '+', t.len) : NULL;
	size_t at = plus ? (size_t)(plus - t.s) : t.len;
	struct text rest = part(t, at, t.len);

	if (rest.len > 3 && rest.len <= 19 && memcmp(rest.s, "+0x", 3) == 0 &&
		only_has(part(rest, 3, rest.len), "0123456789abcdef"))
		return at;
	return t.len;
}

static void put_function(struct scrub *s, struct text t)
{
	if (public_function(t))
		put(s, t);
	else
		put_pseudonym(s, PSEUDONYM_FUNCTION, t);
}

/* FILE:FUNCTION+0xOFFSET of a probe; the function has the pseudonym that it has in stacks. */
static void put_probe(struct scrub *s, struct text t)
{
	size_t colon = until(t, 0, ":"), offset;
	struct text function = part(t, colon < t.len ? colon + 1 : t.len, t.len);

	offset = offset_at(function);
	put_name(s, part(t, 0, colon));
	put_chars(s, ":");
	put_function(s, part(function, 0, offset));
	put(s, part(function, offset, function.len));
}

static void put_marker(struct scrub *s, struct text t)
{
	size_t colon = until(t, 0, ":");

	if (public_provider(part(t, 0, colon)) && public_tracepoint(t)) {
		put(s, t);
		return;
	}
	put_pseudonym(s, PSEUDONYM_WORD, part(t, 0, colon));
	put_chars(s, ":");
	put_pseudonym(s, PSEUDONYM_WORD, part(t, colon < t.len ? colon + 1 : t.len, t.len));
}

static bool is_declared_name(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!isalnum((unsigned char)t.s[i]) && !strchr("_.-", t.s[i]))
			return false;
	return true;
}

/* The name of an event; of a type of events, which its recorder declared, any plain name may stay. */
static void put_event(struct scrub *s, struct text t, bool is_type)
{
	static const char *const probes[] = { "uprobe:", "uretprobe:" };

	for (int i = 0; i < 2; i++) {
		if (!begins_with(t, probes[i]))
			continue;
		put_chars(s, probes[i]);
		put_probe(s, part(t, strlen(probes[i]), t.len));
		return;
	}
	if (begins_with(t, "usdt:")) {
		put_chars(s, "usdt:");
		put_marker(s, part(t, strlen("usdt:"), t.len));
	} else if (public_event(t) || (is_type && is_declared_name(t))) {
		put(s, t);
	} else {
		put_pseudonym(s, PSEUDONYM_EVENT, t);
	}
}

/* A list of events as asked for, each perhaps with /FILTER/. */
static void put_events(struct scrub *s, struct text t)
{
	if (count(t, ',') > MAX_PARTS) {
		put_pseudonym(s, PSEUDONYM_EVENT, t);
		return;
	}
	for (size_t at = 0, end; at <= t.len; at = end + 1) {
		end = until(t, at, ",");
		if (at)
			put_chars(s, ",");
		for (; at < end && t.s[at] == ' '; at++)
			put_chars(s, " ");
		put_event(s, part(t, at, end), false);
	}
}

/* ---- texts ---- */

static void put_comm(struct scrub *s, struct text t)
{
	size_t kernel = public_kernel_thread(t);

	put(s, part(t, 0, kernel));
	if (kernel && kernel < t.len) {
		put(s, part(t, kernel, kernel + 1));
		put_pseudonym(s, PSEUDONYM_WORD, part(t, kernel + 1, t.len));
	} else if (!kernel) {
		put_pseudonym(s, PSEUDONYM_COMM, t);
	}
}

static void put_stream(struct scrub *s, struct text t)
{
	if (public_word(t) || text_is(t, "bpf") || text_is(t, "recorder"))
		put(s, t);
	else
		put_pseudonym(s, PSEUDONYM_TEXT, t);
}

/* Nobody said what it is. */
static void put_any(struct scrub *s, struct text t)
{
	if (looks_like_path(t))
		put_path(s, t);
	else
		put_pseudonym(s, PSEUDONYM_TEXT, t);
}

static void put_public(struct scrub *s, struct text t, bool public)
{
	if (public)
		put(s, t);
	else
		put_pseudonym(s, PSEUDONYM_TEXT, t);
}

/* As the compiler was given it: below the source's folder for what distributions build. */
static void put_public_file(struct scrub *s, struct text t)
{
	if (t.s[0] != '/')
		put(s, t);
	else
		put_path(s, t);
}

static enum pseudonym_class class_of(unsigned role)
{
	switch (role) {
	case CARRY_PATH:
	case CARRY_FILE:
	case CARRY_PUBLIC_FILE: return PSEUDONYM_PATH;
	case CARRY_EVENT: return PSEUDONYM_EVENT;
	case CARRY_FUNCTION: return PSEUDONYM_FUNCTION;
	case FIELD_COMM: return PSEUDONYM_COMM;
	default: return PSEUDONYM_TEXT;
	}
}

static void put_role(struct scrub *s, unsigned role, struct text t)
{
	switch (role) {
	case CARRY_PATH:
	case CARRY_FILE: put_path(s, t); break;
	case CARRY_STREAM: put_stream(s, t); break;
	case CARRY_EVENT: put_event(s, t, false); break;
	case CARRY_FUNCTION: put_function(s, t); break;
	case CARRY_PUBLIC_FUNCTION: put(s, t); break;
	case CARRY_PUBLIC_FILE: put_public_file(s, t); break;
	case FIELD_COMM: put_comm(s, t); break;
	case FIELD_DISK: put_public(s, t, public_disk(t)); break;
	case FIELD_CALL: put_public(s, t, public_call(t)); break;
	default: put_any(s, t); break;
	}
}

static struct text scrub_text(void *ctx, unsigned role, struct text t)
{
	struct scrub *s = ctx;

	if (s->seen)
		text_set_add(s->seen, t);
	start(s);
	if (is_kept(s, t))
		put(s, t);
	else
		put_role(s, role, t);
	if (s->n_out > MAX_OUT && s->n_out > t.len) {
		start(s);
		put_pseudonym(s, class_of(role), t);
	}
	return result(s);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && strcmp(name + n - m, end) == 0;
}

static bool is_named(const char *name, const char *pattern)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '_' ? strncmp(name, pattern, n) == 0 : strcmp(name, pattern) == 0;
}

static unsigned field_role(void *ctx, const struct event_type *type, const struct field *field)
{
	static const struct {
		const char *type,
			*field; /* a type that ends with an underscore: all that begin so */
		unsigned role;
	} known[] = { { "cpu_sample", "event", CARRY_EVENT }, { "lost", "event", CARRY_EVENT },
		{ "counter", "name", CARRY_EVENT }, { "block_", "disk", FIELD_DISK },
		{ "syscall", "call", FIELD_CALL }, { "syscall_", "call", FIELD_CALL },
		{ "syscall", "error", FIELD_CALL }, { "syscall", "form", FIELD_CALL } };

	(void)ctx;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is_named(type->name, known[i].type) && strcmp(field->name, known[i].field) == 0)
			return known[i].role;
	return ends_with(field->name, "comm") ? FIELD_COMM : FIELD_OTHER;
}

/* ---- mappings ---- */

static bool is_public_mapping(const struct scrub *s, const struct mapping *m, struct text path)
{
	switch (m->kind) {
	case MAPPING_KERNEL:
	case MAPPING_MODULE:
	case MAPPING_VDSO: return true;
	case MAPPING_FILE: return public_library(path) || (path.len && is_kept(s, path));
	default: return false;
	}
}

static void scrub_build_id(struct scrub *s, struct mapping *m)
{
	static _Thread_local uint8_t id[BUILD_ID_MAX];
	size_t n = m->build_id_len < BUILD_ID_MAX ? m->build_id_len : BUILD_ID_MAX;

	if (!n || s->leftover)
		return;
	if (s->replaced)
		text_set_add(s->replaced, (struct text){ (const char *)m->build_id, n });
	pseudonym_bytes(&s->key, m->build_id, n, id, n);
	m->build_id = id;
	m->build_id_len = (uint32_t)n;
}

/* Where the kernel lies in memory helps those who attack it, and names need only offsets. Of BPF programs
 * it tells one from the other. */
static void scrub_base(struct scrub *s, struct mapping *m)
{
	uint64_t base = m->base;

	if (m->kind == MAPPING_KERNEL && s->leftover && base)
		tell_leftover(s, "address of the kernel", (struct text){ "", 0 });
	if (s->leftover || !base)
		return;
	if (m->kind == MAPPING_KERNEL)
		m->base = 0;
	else if (m->kind == MAPPING_BPF)
		pseudonym_bytes(&s->key, &base, sizeof(base), (uint8_t *)&m->base, sizeof(m->base));
}

static bool scrub_mapping(void *ctx, struct mapping *m, struct text *path)
{
	struct scrub *s = ctx;
	bool public = is_public_mapping(s, m, *path);

	if (!public)
		scrub_build_id(s, m);
	scrub_base(s, m);
	if (m->kind == MAPPING_MODULE && public_mapping_path(*path, true)) {
		if (s->seen)
			text_set_add(s->seen, *path);
		return public;
	}
	if (path->len)
		*path = scrub_text(s, CARRY_PATH, *path);
	return public;
}

/* ---- types ---- */

static const char *probe_meaning(const char *name)
{
	static const char *const meanings[][2] = {
		{ "uprobe:", "A function was entered (or an address in it)." },
		{ "uretprobe:", "A function returned." },
		{ "usdt:", "A marker was passed." },
	};

	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (strncmp(name, meanings[i][0], strlen(meanings[i][0])) == 0)
			return meanings[i][1];
	return NULL;
}

void scrub_type(struct scrub *s, struct event_type *t, struct arena *arena)
{
	const char *meaning = probe_meaning(t->name);
	struct text name = { t->name, strlen(t->name) };

	start(s);
	if (is_kept(s, name))
		put(s, name);
	else
		put_event(s, name, true);
	t->name = arena_strndup(arena, s->out, s->n_out);
	if (meaning && s->leftover && strcmp(t->doc, meaning) != 0)
		tell_leftover(s, "meaning of an event", (struct text){ t->doc, strlen(t->doc) });
	if (meaning)
		t->doc = meaning;
}

static void change_type(void *ctx, struct event_type *t, struct arena *arena)
{
	scrub_type(ctx, t, arena);
}

/* ---- facts ---- */

static void put_number(struct scrub *s, struct text t)
{
	if (only_has(t, "0123456789,. -"))
		put(s, t);
	else
		put_pseudonym(s, PSEUDONYM_WORD, t);
}

static void put_hex(struct scrub *s, struct text t)
{
	if (t.len <= 64 && only_has(t, "0123456789abcdef"))
		put(s, t);
	else
		put_pseudonym(s, PSEUDONYM_WORD, t);
}

static void put_host(struct scrub *s, struct text t)
{
	put_pseudonym(s, PSEUDONYM_HOST, t);
}

static void put_text(struct scrub *s, struct text t)
{
	put_pseudonym(s, PSEUDONYM_TEXT, t);
}

struct fact_rule {
	const char *key; /* of a source's settings what is behind "source.NAME." */
	void (*put)(struct scrub *s, struct text value);
	enum pseudonym_class whole; /* of what would become too long */
};

static const struct fact_rule facts[] = {
	{ "machine.host", put_host, PSEUDONYM_HOST },
	{ "machine.arch", put_words, PSEUDONYM_WORD },
	{ "machine.cpu", put_words, PSEUDONYM_WORD },
	{ "machine.cpus", put_number, PSEUDONYM_WORD },
	{ "machine.memory", put_number, PSEUDONYM_WORD },
	{ "machine.virtual", put_words, PSEUDONYM_WORD },
	{ "kernel.release", put_words, PSEUDONYM_WORD },
	{ "kernel.version", put_words, PSEUDONYM_WORD },
	{ "kernel.build_id", put_hex, PSEUDONYM_WORD },
	{ "recorder.version", put_words, PSEUDONYM_WORD },
	{ "recorder.command", put_command, PSEUDONYM_ARGUMENT },
	{ "recorder.cpu_ns", put_number, PSEUDONYM_WORD },
	{ "recorder.duration_ns", put_number, PSEUDONYM_WORD },
	{ "recorder.events", put_number, PSEUDONYM_WORD },
	{ "recorder.lost", put_number, PSEUDONYM_WORD },
	{ "target.command", put_command, PSEUDONYM_ARGUMENT },
	{ "target.pids", put_number, PSEUDONYM_WORD },
	{ "target.exit_status", put_words, PSEUDONYM_WORD },
	{ "target.cgroup", put_path, PSEUDONYM_PATH },
	{ "unwind.stack_bytes", put_number, PSEUDONYM_WORD },
	{ "unwind.stacks", put_number, PSEUDONYM_WORD },
	{ "unwind.copy_ends", put_number, PSEUDONYM_WORD },
	{ "unwind.lost", put_number, PSEUDONYM_WORD },
	{ "unwind.overload", put_number, PSEUDONYM_WORD },
	{ "unwind.unread", put_number, PSEUDONYM_WORD },
	{ "unwind.copied", put_number, PSEUDONYM_WORD },
	{ "unwind.checked_same", put_number, PSEUDONYM_WORD },
	{ "unwind.checked_other", put_number, PSEUDONYM_WORD },
	{ "unwind.kernel_tables", put_number, PSEUDONYM_WORD },
	{ "unwind.kernel_bytes", put_number, PSEUDONYM_WORD },
	{ "unwind.kernel_left_out", put_number, PSEUDONYM_WORD },
	{ "unwind.tables", put_number, PSEUDONYM_WORD },
	{ "unwind.tables_bytes", put_number, PSEUDONYM_WORD },
	{ "unwind.tables_ns", put_number, PSEUDONYM_WORD },
	{ "trace.cut", put_words, PSEUDONYM_WORD },
	{ "trace.repaired", put_words, PSEUDONYM_WORD },
	{ "trace.symbolized", put_words, PSEUDONYM_WORD },
	{ "trace.scrubbed", put_words, PSEUDONYM_WORD },
};

static const struct fact_rule settings[] = {
	{ "event", put_events, PSEUDONYM_EVENT },
	{ "events", put_events, PSEUDONYM_EVENT },
	{ "note", put_text, PSEUDONYM_TEXT },
	{ "count", put_number, PSEUDONYM_WORD },
	{ "frequency", put_number, PSEUDONYM_WORD },
	{ "interval_ns", put_number, PSEUDONYM_WORD },
	{ "min_ns", put_number, PSEUDONYM_WORD },
	{ "stacks", put_number, PSEUDONYM_WORD },
	{ "sample", put_number, PSEUDONYM_WORD },
	{ "calls", put_text, PSEUDONYM_TEXT },
	{ "devices", put_text, PSEUDONYM_TEXT },
	{ "working_set", put_words, PSEUDONYM_WORD },
};

static const struct fact_rule *find_rule(const struct fact_rule *rules, size_t n, struct text key)
{
	for (size_t i = 0; i < n; i++)
		if (text_is(key, rules[i].key))
			return &rules[i];
	return NULL;
}

/* The rule for a key; NULL: not even the key is public. */
static const struct fact_rule *rule_for(struct text key)
{
	size_t start_of_name = strlen("source."), end;

	if (!begins_with(key, "source."))
		return find_rule(facts, sizeof(facts) / sizeof(facts[0]), key);
	end = until(key, start_of_name, ".");
	if (end == key.len || !public_source(part(key, start_of_name, end)))
		return NULL;
	return find_rule(settings, sizeof(settings) / sizeof(settings[0]),
		part(key, end + 1, key.len));
}

static struct text keep_result(struct scrub *s)
{
	return (struct text){ arena_strndup(&s->arena, s->out, s->n_out), s->n_out };
}

static void scrub_fact(void *ctx, struct info_pair *p)
{
	struct scrub *s = ctx;
	const struct fact_rule *rule = rule_for(p->key);
	struct text value = p->value;

	arena_reset(&s->arena);
	start(s);
	if (rule || is_kept(s, p->key))
		put(s, p->key);
	else
		put_pseudonym(s, PSEUDONYM_KEY, p->key);
	p->key = keep_result(s);
	start(s);
	if (is_kept(s, value))
		put(s, value);
	else if (value.len)
		(rule ? rule->put : put_text)(s, value);
	if (s->n_out > MAX_OUT && s->n_out > value.len) {
		start(s);
		put_pseudonym(s, rule ? rule->whole : PSEUDONYM_TEXT, value);
	}
	p->value = keep_result(s);
}

/* ---- clocks and numbers ---- */

/* The boot's number is the machine's; traces of one boot stay on one clock. */
static void scrub_clock(void *ctx, struct segment_clock *c)
{
	static const uint8_t unknown[sizeof(c->boot_id)];
	struct scrub *s = ctx;
	uint8_t id[sizeof(c->boot_id)];

	if (s->leftover || memcmp(c->boot_id, unknown, sizeof(unknown)) == 0)
		return;
	if (s->replaced)
		text_set_add(s->replaced, (struct text){ (const char *)c->boot_id, sizeof(id) });
	pseudonym_bytes(&s->key, c->boot_id, sizeof(id), id, sizeof(id));
	memcpy(c->boot_id, id, sizeof(id));
}

/* Everything is kept; but where the kernel lies is not told. */
static bool scrub_rows(void *ctx, const struct segment *segment, const struct event_type *type,
	uint64_t *const *columns, uint32_t n, bool *keep)
{
	struct scrub *s = ctx;
	int pid = event_field(type, "pid"), address = event_field(type, "address");

	(void)segment;
	(void)keep;
	if (strcmp(type->name, "process_mmap") != 0 || pid < 0 || address < 0)
		return true;
	for (uint32_t i = 0; i < n; i++) {
		if (columns[pid][i] != 0 || !columns[address][i])
			continue;
		if (s->leftover)
			tell_leftover(s, "address of the kernel", (struct text){ "", 0 });
		columns[address][i] = 0;
	}
	return true;
}

/* ---- all of it ---- */

void scrub_init(struct scrub *s, const char *const *keep, uint32_t n_keep)
{
	memset(s, 0, sizeof(*s));
	s->keep = keep;
	s->n_keep = n_keep;
	s->change = (struct carry_change){ .field = field_role,
		.text = scrub_text,
		.mapping = scrub_mapping,
		.type = change_type,
		.fact = scrub_fact,
		.clock = scrub_clock,
		.ctx = s };
}

void scrub_done(struct scrub *s)
{
	free(s->out);
	arena_done(&s->arena);
	explicit_bzero(&s->key, sizeof(s->key));
}

struct copy_options scrub_copy_options(struct scrub *s)
{
	return (struct copy_options){ .rows = scrub_rows, .ctx = s, .change = &s->change };
}
