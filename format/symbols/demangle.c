/* libiberty's demanglers, which are as in binutils and gdb, behind guards: they were not made for
 * names from an enemy. Each guard is against something that was seen to run for ever (libiberty of
 * January 2023, Debian 12), as it does in other tools; names that are refused stay as they are.
 *
 * Output: the demanglers write piece by piece into a callback. When that has enough it leaves them
 * by longjmp, as they cannot be told to stop and repeated substitutions make them write without
 * end. They hold no memory of their own then: C++ is parsed first, into memory that we hold, and
 * printed from there; Rust holds some only while it writes a word in Punycode, the only text with
 * bytes above 127, which is therefore let pass (print_ident in rust-demangle.c). */
#include "format/symbols/demangle.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libiberty declares an allocator under the name of ours, with other parameters. Its demanglers for
 * C++ and Rust do not use it; cplus_demangle() does and would not even link with ours. */
#define xrealloc libiberty_xrealloc
#include <libiberty/demangle.h>
#undef xrealloc

#include "format/base/map.h"

enum {
	MAX_PATHS = 1 << 14,  /* of all names in libLLVM, node and libjvm none has so many */
	MAX_CONVERSIONS = 10, /* that take up to 2^10 times as long */
};

struct output {
	char text[DEMANGLED_MAX];
	size_t len;
	const char *original, *given; /* the stem, and the copy that the demangler works on */
	size_t given_len;
	jmp_buf full;
};

/* ---- suffixes ---- */

/* Behind the "17h", 16 digits and "E" that end a legacy Rust name, or NULL. */
static const char *rust_legacy_end(const char *name)
{
	for (const char *p = strstr(name, "17h"); p; p = strstr(p + 1, "17h"))
		if (strspn(p + 3, "0123456789abcdef") == 16 && p[19] == 'E' &&
			(!p[20] || p[20] == '.' || p[20] == '@'))
			return p + 20;
	return NULL;
}

/* How much of the name is mangled. Only legacy Rust has dots in it. */
static size_t stem_length(const char *name)
{
	const char *end = strncmp(name, "_ZN", 3) == 0 ? rust_legacy_end(name) : NULL;

	return end ? (size_t)(end - name) : strcspn(name, ".@");
}

/* One suffix: a dot, a word, numbers with dots (".constprop.0", ".part.1.2", ".cold"). */
static size_t clone_length(const char *s)
{
	size_t n = 1 + strcspn(s + 1, ".@");

	while (s[n] == '.' && isdigit((unsigned char)s[n + 1]))
		n += 1 + strcspn(s + n + 1, ".@");
	return n;
}

/* Everything behind the stem, in readable form. */
static const char *readable_suffix(struct arena *a, const char *s)
{
	/* The worst is ".", which becomes " [clone .]". */
	char *text = arena_alloc(a, 10 * strlen(s) + 1), *p = text;

	while (*s == '.') {
		size_t n = clone_length(s);

		if (strncmp(s, ".llvm.", 6) != 0)
			p += sprintf(p, " [clone %.*s]", (int)n, s);
		s += n;
	}
	strcpy(p, s);
	return text;
}

/* ---- stems ---- */

static void take_piece(const char *piece, size_t len, void *to)
{
	struct output *o = to;
	size_t room = sizeof(o->text) - o->len;
	uintptr_t at = (uintptr_t)piece - (uintptr_t)o->given;

	if (!len)
		return;
	if (len < room) {
		if (at < o->given_len && len <= o->given_len - at)
			piece = o->original + at;
		memcpy(o->text + o->len, piece, len);
		o->len += len;
		return;
	}
	o->len = sizeof(o->text);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)piece[i] > 127)
			return;
	longjmp(o->full, 1);
}

/* `fn(..)` and `dyn ..` of Rust v0 begin with a count of lifetimes, G..._, for which libiberty
 * counts even where it does not print (GCC 12): one of 2^60 would never end. No code has more than
 * 62, which is one digit; longer ones get a letter that stands for nothing. If that hits a word
 * that only looks so (`CFG11push_back`), take_piece shows it as it was. */
static const char *defused(struct arena *a, const char *stem)
{
	char *copy = arena_strdup(a, stem);

	for (char *p = strchr(copy, 'G'); p; p = strchr(p + 1, 'G')) {
		size_t n = 1;

		while (isalnum((unsigned char)p[n]))
			n++;
		if (p > copy && (p[-1] == 'F' || p[-1] == 'D') && n > 2 && p[n] == '_')
			*p = 'g';
	}
	return copy;
}

static bool run_rust(struct output *o)
{
	o->len = 0;
	if (setjmp(o->full))
		return false;
	return rust_demangle_callback(o->given, DMGL_NO_OPTS, take_piece, o) &&
		o->len < sizeof(o->text);
}

/* ---- C++ ---- */

/* In the type that an operator converts to, a template parameter with arguments is parsed twice,
 * and so are those in its arguments: n of them can take 2^n steps (cplus_demangle_type, case 'T').
 * A name of 300 bytes would take for ever. */
static bool parses_quickly(const char *stem)
{
	int n = 0;

	for (const char *p = strstr(stem, "_I"); p; p = strstr(p + 1, "_I")) {
		/* T_I, T0_I.. */
		for (const char *q = p; q > stem && isalnum((unsigned char)q[-1]); q--) {
			if (q[-1] != 'T')
				continue;
			n++;
			break;
		}
	}
	return n <= MAX_CONVERSIONS || !strstr(stem, "cv");
}

static bool is_leaf(const struct demangle_component *c)
{
	switch (c->type) {
	case DEMANGLE_COMPONENT_NAME:
	case DEMANGLE_COMPONENT_OPERATOR:
	case DEMANGLE_COMPONENT_BUILTIN_TYPE:
	case DEMANGLE_COMPONENT_EXTENDED_BUILTIN_TYPE:
	case DEMANGLE_COMPONENT_SUB_STD:
	case DEMANGLE_COMPONENT_TEMPLATE_PARAM:
	case DEMANGLE_COMPONENT_FUNCTION_PARAM:
	case DEMANGLE_COMPONENT_CHARACTER:
	case DEMANGLE_COMPONENT_NUMBER:
	case DEMANGLE_COMPONENT_UNNAMED_TYPE: return true;
	default: return false;
	}
}

/* How many steps it takes to go down every path of the parsed name, which is a graph: `S0_` points
 * to a part again, `x++` to x twice. libiberty does so when it looks for parameter packs
 * (d_find_pack), where the limit on output cannot stop it. */
static uint32_t n_paths(struct map *known, const struct demangle_component *c)
{
	uint32_t n, *place;
	bool is_new;

	if (!c || is_leaf(c))
		return 1;
	if (c->type == DEMANGLE_COMPONENT_CTOR)
		return n_paths(known, c->u.s_ctor.name);
	if (c->type == DEMANGLE_COMPONENT_DTOR)
		return n_paths(known, c->u.s_dtor.name);
	if (c->type == DEMANGLE_COMPONENT_EXTENDED_OPERATOR)
		return n_paths(known, c->u.s_extended_operator.name);
	if (c->type == DEMANGLE_COMPONENT_LAMBDA || c->type == DEMANGLE_COMPONENT_DEFAULT_ARG)
		return n_paths(known, c->u.s_unary_num.sub);
	/* Made by older versions only, where the same function takes half of it for a pointer. */
	if (c->type == DEMANGLE_COMPONENT_FIXED_TYPE)
		return MAX_PATHS;
	place = map_put(known, (uintptr_t)c, &is_new);
	if (!is_new)
		return *place;
	n = n_paths(known, c->u.s_binary.left) + n_paths(known, c->u.s_binary.right);
	n = n < MAX_PATHS ? n : MAX_PATHS;
	*map_put(known, (uintptr_t)c, NULL) = n;
	return n;
}

static bool prints_quickly(const struct demangle_component *c)
{
	struct map known;
	bool quickly;

	map_init(&known, 64);
	quickly = n_paths(&known, c) < MAX_PATHS;
	map_done(&known);
	return quickly;
}

static bool print_cpp(struct demangle_component *c, struct output *o)
{
	o->len = 0;
	if (setjmp(o->full))
		return false;
	return cplus_demangle_print_callback(DMGL_NO_OPTS, c, take_piece, o) &&
		o->len < sizeof(o->text);
}

static bool run_cpp(struct output *o)
{
	struct demangle_component *c;
	void *memory = NULL;
	bool done = false;

	if (o->given_len > MANGLED_CPP_MAX || !parses_quickly(o->given))
		return false;
	c = cplus_demangle_v3_components(o->given, DMGL_NO_OPTS, &memory);
	if (c && prints_quickly(c))
		done = print_cpp(c, o);
	free(memory);
	return done;
}

/* What looks nearly like legacy Rust was taken for C++ and kept its hash. */
static size_t without_hash(const char *text)
{
	size_t len = strlen(text);

	if (len <= 19 || strncmp(text + len - 19, "::h", 3) != 0 ||
		strspn(text + len - 16, "0123456789abcdef") < 16)
		return len;
	return len - 19;
}

static const char *demangle_stem(struct arena *a, const char *stem)
{
	bool is_v0 = strncmp(stem, "_R", 2) == 0;
	struct output o;

	o.original = stem;
	o.given = is_v0 ? defused(a, stem) : stem;
	o.given_len = strlen(stem);
	if (!run_rust(&o) && (is_v0 || !run_cpp(&o)))
		return NULL;
	o.text[o.len] = '\0';
	return o.len ? arena_strndup(a, o.text, without_hash(o.text)) : NULL;
}

const char *demangle(struct arena *a, const char *name)
{
	struct arena scratch = { 0 };
	const char *text, *result = NULL;
	size_t stem;

	if ((strncmp(name, "_Z", 2) != 0 && strncmp(name, "_R", 2) != 0) ||
		strnlen(name, MANGLED_MAX + 1) > MANGLED_MAX)
		return NULL;
	stem = stem_length(name);
	text = demangle_stem(&scratch, arena_strndup(&scratch, name, stem));
	if (text)
		result = arena_printf(a, "%s%s", text, readable_suffix(&scratch, name + stem));
	arena_done(&scratch);
	return result;
}
