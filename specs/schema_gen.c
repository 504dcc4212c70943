/* Makes the C table of event types from the type information of an object that mentions them.
 *
 *	schema_gen events.bpf.o events.h events.c
 *
 * Reads BTF and its declaration tags (see specs/events/event.h). A build tool: it stops with one
 * line at the first thing that an event must not have. */
#include <bpf/btf.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "specs/layout.h"

static const struct btf *btf;
static FILE *header, *table;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("schema_gen: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static const char *name_of(__u32 offset)
{
	return btf__name_by_offset(btf, offset);
}

/* The text of the tag "key:..." on a member of a struct (-1: on the struct), or NULL. */
static const char *tag(__u32 id, int member, const char *key)
{
	size_t len = strlen(key);

	for (__u32 i = 1; i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		const char *text = name_of(t->name_off);

		if (btf_is_decl_tag(t) && t->type == id &&
			btf_decl_tag(t)->component_idx == member && strncmp(text, key, len) == 0 &&
			text[len] == ':')
			return text + len + 1;
	}
	return NULL;
}

static void put_quoted(const char *s)
{
	fputc('"', table);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', table);
		fputc(*s, table);
	}
	fputc('"', table);
}

static __u32 without_names(__u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (btf_is_typedef(t) || btf_is_mod(t)) {
		id = t->type;
		t = btf__type_by_id(btf, id);
	}
	return id;
}

/* Length of the part that all names of an enum begin with, up to and with an underscore. */
static size_t common_prefix(const struct btf_type *t)
{
	const char *first = name_of(btf_enum(t)[0].name_off);
	size_t len = strlen(first);

	for (int i = 1; i < btf_vlen(t); i++) {
		const char *s = name_of(btf_enum(t)[i].name_off);
		size_t n = 0;

		while (n < len && s[n] == first[n])
			n++;
		len = n;
	}
	while (len && first[len - 1] != '_')
		len--;
	return len;
}

static void put_enum(const struct btf_type *t)
{
	size_t skip = btf_vlen(t) > 1 ? common_prefix(t) : 0;

	fprintf(table, "static const struct enum_value values_%s[] = {\n", name_of(t->name_off));
	for (int i = 0; i < btf_vlen(t); i++) {
		fprintf(table, "\t{ %d, \"", btf_enum(t)[i].val);
		for (const char *s = name_of(btf_enum(t)[i].name_off) + skip; *s; s++)
			fputc(tolower((unsigned char)*s), table);
		fprintf(table, "\" },\n");
	}
	fprintf(table,
		"};\nstatic const struct enumeration enum_%s = { \"%s\", values_%s, %d };\n\n",
		name_of(t->name_off), name_of(t->name_off), name_of(t->name_off), btf_vlen(t));
}

static void put_enums(void)
{
	for (__u32 i = 1; i < btf__type_cnt(btf); i++)
		if (btf_is_enum(btf__type_by_id(btf, i)))
			put_enum(btf__type_by_id(btf, i));
}

static const char *int_type(const char *where, const struct btf_type *t)
{
	static const char *const names[2][9] = {
		{ "", "FIELD_U8", "FIELD_U16", "", "FIELD_U32", "", "", "", "FIELD_U64" },
		{ "", "FIELD_S8", "FIELD_S16", "", "FIELD_S32", "", "", "", "FIELD_S64" },
	};
	int is_signed = btf_int_encoding(t) & BTF_INT_SIGNED ? 1 : 0;

	if (t->size > 8 || !*names[is_signed][t->size])
		fail("%s: integers have 1, 2, 4 or 8 bytes", where);
	return names[is_signed][t->size];
}

struct place {
	const char *event;
	const char *prefix; /* of the name, for members of nested structs and arrays */
	__u32 offset;       /* bytes */
	__u32 owner;        /* type that bears the tags... */
	int member;         /* ...at this member */
};

static void put_field(const struct place *at, const char *name, const char *type, const char *show,
	const char *enumeration, __u32 size, int chars)
{
	const char *doc = tag(at->owner, at->member, "doc"),
		   *unit = tag(at->owner, at->member, "unit");

	if (!doc)
		fail("%s.%s%s: no DOC", at->event, at->prefix, name);
	fprintf(table, "\t{ \"%s%s\", ", at->prefix, name);
	put_quoted(doc);
	fputs(", ", table);
	put_quoted(unit ? unit : "");
	fprintf(table, ", %s%s, %s, %s, %u, %u, %d },\n", enumeration ? "&enum_" : "",
		enumeration ? enumeration : "NULL", type, show, at->offset, size, chars);
}

static void put_int(const struct place *at, const char *name, const struct btf_type *t)
{
	const char *is = tag(at->owner, at->member, "is"),
		   *show = tag(at->owner, at->member, "show");
	const char *type = int_type(name, t);

	if (is) {
		if (t->size != 4)
			fail("%s.%s: a number of a dictionary is a __u32", at->event, name);
		type = strcmp(is, "string") == 0     ? "FIELD_STRING"
			: strcmp(is, "stack") == 0   ? "FIELD_STACK"
			: strcmp(is, "mapping") == 0 ? "FIELD_MAPPING"
						     : NULL;
		if (!type)
			fail("%s.%s: IS(\"%s\") is not string, stack or mapping", at->event, name,
				is);
	}
	if (show && strcmp(show, "hex") != 0)
		fail("%s.%s: SHOW(\"%s\") does not fit an integer", at->event, name, show);
	put_field(at, name, type, show ? "SHOW_HEX" : "SHOW_PLAIN", NULL, t->size, 0);
}

static void put_members(const struct place *at, __u32 id);

static void put_array(struct place at, const char *name, __u32 id);

static void put_value(const struct place *at, const char *name, __u32 id)
{
	const struct btf_type *t;
	const char *show = tag(at->owner, at->member, "show");

	id = without_names(id);
	t = btf__type_by_id(btf, id);
	if (btf_is_int(t)) {
		put_int(at, name, t);
	} else if (btf_is_enum(t)) {
		put_field(at, name, "FIELD_S32",
			show && strcmp(show, "flags") == 0 ? "SHOW_FLAGS" : "SHOW_ENUM",
			name_of(t->name_off), t->size, 0);
	} else if (btf_is_array(t)) {
		put_array(*at, name, id);
	} else if (btf_is_struct(t)) {
		char prefix[256];
		struct place inner = *at;

		snprintf(prefix, sizeof(prefix), "%s%s.", at->prefix, name);
		inner.prefix = prefix;
		put_members(&inner, id);
	} else {
		fail("%s.%s: an event holds integers, enums, arrays and structs", at->event, name);
	}
}

static void put_array(struct place at, const char *name, __u32 id)
{
	const struct btf_array *a = btf_array(btf__type_by_id(btf, id));
	const struct btf_type *item = btf__type_by_id(btf, without_names(a->type));
	char numbered[256];

	if (btf_is_int(item) && item->size == 1 && strcmp(name_of(item->name_off), "char") == 0) {
		put_field(&at, name, "FIELD_STRING", "SHOW_PLAIN", NULL, a->nelems, 1);
		return;
	}
	for (__u32 i = 0; i < a->nelems; i++) {
		snprintf(numbered, sizeof(numbered), "%s%u", name, i);
		put_value(&at, numbered, a->type);
		at.offset += item->size;
	}
}

static void put_members(const struct place *at, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	for (int i = 0; i < btf_vlen(t); i++) {
		const struct btf_member *m = btf_members(t) + i;
		struct place member = *at;

		if (btf_member_bitfield_size(t, i))
			fail("%s: bit fields are not for events", at->event);
		member.offset = at->offset + btf_member_bit_offset(t, i) / 8;
		member.owner = id;
		member.member = i;
		put_value(&member, name_of(m->name_off), m->type);
	}
}

static void put_event(const char *name, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const char *doc = tag(id, -1, "event");
	struct place at = { name, "", 0, id, 0 };

	if (!doc)
		fail("%s: no EVENT(\"...\") behind the struct", name);
	if (!btf_vlen(t) || strcmp(name_of(btf_members(t)->name_off), "time") != 0)
		fail("%s: the first field of an event is time", name);
	fprintf(header, "extern const struct event_type event_%s;\n", name);
	fprintf(table, "static const struct field fields_%s[] = {\n", name);
	put_members(&at, id);
	fprintf(table, "};\nconst struct event_type event_%s = {\n\t\"%s\", ", name, name);
	put_quoted(doc);
	fprintf(table, ",\n\tfields_%s, sizeof(fields_%s) / sizeof(fields_%s[0]), %u\n};\n\n", name,
		name, name, t->size);
}

/* Calls for each event: the struct that a variable event_NAME points to. */
static int each_event(void (*call)(const char *name, __u32 id))
{
	int n = 0;

	for (__u32 i = 1; i < btf__type_cnt(btf); i++) {
		const struct btf_type *t = btf__type_by_id(btf, i);
		__u32 id;

		if (!btf_is_var(t) || strncmp(name_of(t->name_off), "event_", 6) != 0)
			continue;
		id = without_names(btf__type_by_id(btf, t->type)->type);
		if (!btf_is_struct(btf__type_by_id(btf, id)))
			fail("%s does not point to a struct", name_of(t->name_off));
		call(name_of(btf__type_by_id(btf, id)->name_off), id);
		n++;
	}
	return n;
}

static void put_entry(const char *name, __u32 id)
{
	(void)id;
	fprintf(table, "\t&event_%s,\n", name);
}

int main(int argc, char **argv)
{
	int n;

	if (argc != 4)
		fail("usage: schema_gen OBJECT HEADER TABLE");
	btf = btf__parse(argv[1], NULL);
	if (!btf)
		fail("%s: no type information: %s", argv[1], strerror(errno));
	header = fopen(argv[2], "w");
	table = fopen(argv[3], "w");
	if (!header || !table)
		fail("cannot write %s or %s: %s", argv[2], argv[3], strerror(errno));
	fputs("/* Made from specs/events/ by specs/schema_gen.c. */\n"
	      "#ifndef GEN_EVENTS_H\n#define GEN_EVENTS_H\n\n#include \"format/schema.h\"\n\n",
		header);
	fputs("/* Made from specs/events/ by specs/schema_gen.c. */\n#include \"gen/events.h\"\n\n",
		table);
	put_enums();
	each_event(put_event);
	fputs("const struct event_type *const all_events[] = {\n", table);
	n = each_event(put_entry);
	fprintf(table, "};\nconst unsigned int n_all_events = %d;\n", n);
	fputs("\nextern const struct event_type *const all_events[];\n"
	      "extern const unsigned int n_all_events;\n\n#endif\n",
		header);
	if (fclose(header) || fclose(table))
		fail("cannot write %s or %s: %s", argv[2], argv[3], strerror(errno));
	return 0;
}
