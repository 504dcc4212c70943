#include "analyze/frames.h"

#include <string.h>

static enum frame_kind kind_of(const struct mapping *m)
{
	switch (m->kind) {
	case MAPPING_KERNEL:
	case MAPPING_MODULE:
	case MAPPING_BPF: return FRAME_KERNEL;
	case MAPPING_JIT: return FRAME_JIT;
	default: return FRAME_USER;
	}
}

struct text frames_file_name(struct text path)
{
	for (size_t i = path.len; i > 0; i--)
		if (path.s[i - 1] == '/' && i < path.len)
			return (struct text){ path.s + i, path.len - i };
	return path;
}

/* "libc.so.6" for /usr/lib/libc.so.6, "kernel" for [kernel]. */
static const char *module_of(const struct segment *s, const struct mapping *m,
	struct arena *scratch)
{
	struct text base = frames_file_name(segment_string(s, m->path));

	if (m->kind == MAPPING_JIT)
		return "";
	if (base.len > 2 && base.s[0] == '[' && base.s[base.len - 1] == ']')
		base = (struct text){ base.s + 1, base.len - 2 };
	return arena_strndup(scratch, base.s, base.len);
}

/* "[libc.so.6]", "[kernel]"; "[unknown]" for nothing. */
static struct frame_name made_up(const struct mapping *m, const char *module, struct arena *scratch)
{
	const char *name = m->kind == MAPPING_JIT ? "[jit]"
		: module[0]                       ? arena_printf(scratch, "[%s]", module)
						  : "[unknown]";

	return (struct frame_name){ .s = name,
		.len = strlen(name),
		.kind = FRAME_UNKNOWN,
		.module = module };
}

unsigned frames_name(const struct segment *s, uint32_t frame, struct arena *scratch,
	struct frame_name *names)
{
	const struct symbol *y = segment_symbol(s, frame);
	uint64_t address;
	struct mapping m = segment_mapping(s, segment_frame(s, frame, &address));
	const char *module = module_of(s, &m, scratch);
	unsigned n = 0;

	for (; y && n < FRAME_NAMES; y = segment_symbol_next(s, y)) {
		struct text t = segment_string(s, y->name);

		if (t.len)
			names[n++] = (struct frame_name){ .s = t.s,
				.len = t.len,
				.kind = y->depth ? FRAME_INLINED : kind_of(&m),
				.module = module,
				.file = segment_string(s, y->file),
				.line = y->line };
	}
	if (!n)
		names[n++] = made_up(&m, module, scratch);
	return n;
}

bool frames_is_named(const struct segment *s, uint32_t frame)
{
	const struct symbol *y = segment_symbol(s, frame);

	return y && segment_string(s, y->name).len;
}
