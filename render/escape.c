/* One loop for all outputs: the way an output escapes is a table of strings, one per ASCII
 * character, so that what is safe is copied in runs and the rest is looked up. */
#include "render/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 24 }; /* bytes that one character can become: four times `\\x00` */

/* JSON goes into pages, where "</script>", "<!--" and "]]>" must never appear. */
static const char *const replacement[ESCAPE_N][128] = {
	[ESCAPE_XML] = { ['&'] = "&amp;",
		['<'] = "&lt;",
		['>'] = "&gt;",
		['"'] = "&quot;",
		['\''] = "&#39;" },
	[ESCAPE_JSON] = { ['"'] = "\\\"",
		['\\'] = "\\\\",
		['<'] = "\\u003c",
		['>'] = "\\u003e",
		['&'] = "\\u0026" },
	[ESCAPE_CSV] = { ['"'] = "\"\"" },
	[ESCAPE_FOLDED] = { [';'] = ":" },
	[ESCAPE_CSV_FOLDED] = { [';'] = ":", ['"'] = "\"\"" },
};

/* Characters that have no shape, or change that of others. */
static const struct range {
	uint32_t first, last;
} hidden[] = {
	{ 0x80, 0x9f },        /* C1 controls */
	{ 0xad, 0xad },        /* soft hyphen */
	{ 0x61c, 0x61c },      /* Arabic letter mark */
	{ 0x180e, 0x180e },    /* Mongolian vowel separator */
	{ 0x200b, 0x200b },    /* zero width space */
	{ 0x200e, 0x200f },    /* left-to-right and right-to-left marks */
	{ 0x2028, 0x202e },    /* line and paragraph separators; embeddings and overrides */
	{ 0x2060, 0x206f },    /* word joiner, invisible operators, isolates, deprecated controls */
	{ 0xe000, 0xf8ff },    /* private use: every font has its own idea */
	{ 0xfdd0, 0xfdef },    /* noncharacters */
	{ 0xfeff, 0xfeff },    /* byte order mark */
	{ 0xfff9, 0xfffb },    /* interlinear annotation */
	{ 0xe0000, 0xe0fff },  /* tags and variation selectors */
	{ 0xf0000, 0x10ffff }, /* private use planes */
};

static bool in_ranges(uint32_t c, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n && c >= r[i].first; i++)
		if (c <= r[i].last)
			return true;
	return false;
}

static bool is_hidden(uint32_t c)
{
	/* The last two code points of each plane are noncharacters. */
	return (c & 0xfffe) == 0xfffe || in_ranges(c, hidden, sizeof(hidden) / sizeof(*hidden));
}

/* Decodes the character at s, which is not ASCII. Its length in bytes, or 0 if it is not UTF-8
 * (RFC 3629: shortest form, no surrogates, nothing above U+10FFFF). The zero byte at the end of s
 * is no continuation byte, so nothing behind it is read. */
static size_t decode(const uint8_t *s, uint32_t *c)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;

	if (*s < 0xc2 || *s > 0xf4)
		return 0;
	*c = *s & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (s[i] & 0x3f);
	}
	if (*c < smallest[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

/* The bytes at s that belong together, and whether they may be shown as they are. */
static size_t next_character(const uint8_t *s, bool *fine)
{
	uint32_t c;
	size_t len;

	if (*s < 0x80) {
		*fine = *s >= ' ' && *s != 0x7f;
		return 1;
	}
	len = decode(s, &c);
	*fine = len && !is_hidden(c);
	return len ? len : 1;
}

static char *put_ascii(char *dst, char c, const char *const *replace)
{
	const char *r = replace[(unsigned char)c];

	if (!r) {
		*dst = c;
		return dst + 1;
	}
	return stpcpy(dst, r);
}

static char *put_hex(char *dst, uint8_t byte, const char *const *replace)
{
	static const char digits[] = "0123456789abcdef";

	dst = put_ascii(dst, '\\', replace);
	*dst++ = 'x';
	*dst++ = digits[byte >> 4];
	*dst++ = digits[byte & 15];
	return dst;
}

/* Converts from *s while there is room; leaves *s where it stopped. Returns the end of dst. */
static char *convert(const char **s, char *dst, const char *limit, const char *const *replace)
{
	const uint8_t *p = (const uint8_t *)*s;

	while (*p && limit - dst >= LONGEST) {
		bool fine;
		size_t len = next_character(p, &fine);

		if (fine && len == 1)
			dst = put_ascii(dst, (char)*p, replace);
		else if (fine)
			dst = mempcpy(dst, p, len);
		else
			for (size_t i = 0; i < len; i++)
				dst = put_hex(dst, p[i], replace);
		p += len;
	}
	*s = (const char *)p;
	return dst;
}

void escape_put(FILE *out, enum escape_for how, const char *s)
{
	char piece[1024];

	while (*s) {
		char *end = convert(&s, piece, piece + sizeof(piece), replacement[how]);

		fwrite_unlocked(piece, 1, (size_t)(end - piece), out);
	}
}

char *escape_copy(struct arena *a, enum escape_for how, const char *s)
{
	/* No byte becomes more than six: `&quot;`, `\\u003c`; a hidden one at most five. */
	size_t room = strlen(s) * 6 + LONGEST;
	char *text = arena_alloc(a, room);

	convert(&s, text, text + room, replacement[how]);
	return text;
}

/* ---- columns of a terminal ---- */

/* East Asian wide characters and most emoji (Unicode 15, EastAsianWidth.txt, in large strokes). */
static const struct range wide[] = {
	{ 0x1100, 0x115f },
	{ 0x2e80, 0x303e },
	{ 0x3041, 0xa4cf },
	{ 0xa960, 0xa97f },
	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },
	{ 0xff00, 0xff60 },
	{ 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff },
	{ 0x1f900, 0x1faff },
	{ 0x20000, 0x3fffd },
};

/* Marks that sit on the character before them. */
static const struct range combining[] = {
	{ 0x300, 0x36f },
	{ 0x483, 0x489 },
	{ 0x591, 0x5bd },
	{ 0x610, 0x61a },
	{ 0x64b, 0x65f },
	{ 0x1ab0, 0x1aff },
	{ 0x1dc0, 0x1dff },
	{ 0x200c, 0x200d },
	{ 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f },
};

static size_t columns_of(const char *s, size_t *len)
{
	uint32_t c = 0;

	*len = 1;
	if ((uint8_t)*s < 0x80)
		return 1;
	*len = decode((const uint8_t *)s, &c);
	if (!*len)
		*len = 1;
	if (in_ranges(c, combining, sizeof(combining) / sizeof(*combining)))
		return 0;
	return in_ranges(c, wide, sizeof(wide) / sizeof(*wide)) ? 2 : 1;
}

size_t visible_width(const char *s)
{
	size_t columns = 0, len;

	for (; *s; s += len)
		columns += columns_of(s, &len);
	return columns;
}

size_t visible_fit(const char *s, size_t columns)
{
	const char *p = s;
	size_t used = 0, len;

	for (; *p; p += len) {
		used += columns_of(p, &len);
		if (used > columns)
			break;
	}
	return (size_t)(p - s);
}
