/* Finding one note among notes. */
#include "format/symbols/build_id.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/base/bytes.h"
#include "specs/layout.h"

static_assert(sizeof(((struct build_id *)0)->bytes) == BUILD_ID_MAX, "what a trace can hold");

enum {
	MAX_NOTES = 64 << 10, /* bytes of one section or segment that are looked at */
	MAX_PARTS = 64,       /* sections or segments of notes; programs have about four */
};

/* ---- notes ---- */

static uint32_t note_u32(struct cursor *c, bool swapped)
{
	uint32_t v = (uint32_t)cursor_uint(c, 4);

	return swapped ? __builtin_bswap32(v) : v;
}

/* Content and the zeros behind it, which make `before` and it a multiple of align. */
static const uint8_t *note_part(struct cursor *c, size_t before, uint32_t len, size_t align)
{
	const uint8_t *p = cursor_take(c, len);
	size_t pad = (align - (before + len) % align) % align;

	/* The last note may end without them. */
	cursor_take(c, pad < cursor_left(c) ? pad : cursor_left(c));
	return p;
}

/* Notes are aligned to 4 bytes, some to 8 (gABI; .note.gnu.property). */
static bool find_note(struct cursor c, size_t align, bool swapped, struct build_id *id)
{
	while (!c.bad && cursor_left(&c) >= 12) {
		uint32_t name_len = note_u32(&c, swapped), len = note_u32(&c, swapped);
		uint32_t type = note_u32(&c, swapped);
		const uint8_t *name = note_part(&c, 12, name_len, align);
		const uint8_t *bytes = note_part(&c, 0, len, align);

		if (!name || !bytes || type != NT_GNU_BUILD_ID || name_len != 4 ||
			memcmp(name, "GNU", 4) != 0 || !len || len > sizeof(id->bytes))
			continue;
		*id = (struct build_id){ .len = len };
		memcpy(id->bytes, bytes, len);
		return true;
	}
	return false;
}

int build_id_of_notes(const void *notes, size_t len, struct build_id *id, struct err *err)
{
	if (find_note(cursor_of(notes, len), 4, false, id))
		return 0;
	return err_set(err, ENOENT, "no build id among the notes");
}

/* ---- where they are ---- */

static bool find_in_image(const struct elf_image *e, uint64_t offset, uint64_t size, uint64_t align,
	struct build_id *id)
{
	size_t len = size < MAX_NOTES ? size : MAX_NOTES;
	uint8_t *notes = xrealloc(NULL, len, 1);
	bool found;

	len = elf_image_read(e, offset, notes, len);
	found = find_note(cursor_of(notes, len), align == 8 ? 8 : 4, e->encoding == ELFDATA2MSB,
		id);
	free(notes);
	return found;
}

/* Sections first: in a separate debug file the segments may describe the original. */
int build_id_of_image(const struct elf_image *e, struct build_id *id, struct err *err)
{
	int parts = 0;

	for (uint32_t i = 1; i < e->n_sections && parts < MAX_PARTS; i++) {
		const GElf_Shdr *s = &e->sections[i];

		if (s->sh_type == SHT_NOTE && ++parts &&
			find_in_image(e, s->sh_offset, s->sh_size, s->sh_addralign, id))
			return 0;
	}
	parts = 0;
	for (uint32_t i = 0; i < e->n_segments && parts < MAX_PARTS; i++) {
		const GElf_Phdr *p = &e->segments[i];

		if (p->p_type == PT_NOTE && ++parts &&
			find_in_image(e, p->p_offset, p->p_filesz, p->p_align, id))
			return 0;
	}
	return err_set(err, ENOENT, "no build id (linked without --build-id)");
}

int build_id_of_file(int fd, struct build_id *id, struct err *err)
{
	struct elf_image e;
	int rc = elf_image_open(&e, fd, err);

	if (rc == 0)
		rc = build_id_of_image(&e, id, err);
	elf_image_done(&e);
	return rc;
}

int build_id_of_notes_file(const char *path, struct build_id *id, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
	uint8_t notes[4096];
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return err_errno(err, errno, "open '%s'", path);
	while (n > 0 && len < sizeof(notes)) {
		n = read(fd, notes + len, sizeof(notes) - len);
		len += n > 0 ? (size_t)n : 0;
	}
	rc = n < 0 ? err_errno(err, errno, "read") : build_id_of_notes(notes, len, id, err);
	close(fd);
	return rc ? err_step(err, rc, "'%s'", path) : 0;
}

int build_id_of_module(const char *sysfs, const char *name, struct build_id *id, struct err *err)
{
	char path[512];

	if (!*name || strchr(name, '/') || name[0] == '.')
		return err_set(err, EINVAL, "'%s' is not the name of a module", name);
	if (snprintf(path, sizeof(path), "%s/module/%s/notes/.note.gnu.build-id", sysfs, name) >=
		(int)sizeof(path))
		return err_set(err, ENAMETOOLONG, "path of module '%s'", name);
	return build_id_of_notes_file(path, id, err);
}

/* ---- uses ---- */

bool build_id_equal(const struct build_id *a, const struct build_id *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

const char *build_id_hex(const struct build_id *id, char hex[BUILD_ID_HEX])
{
	hex[0] = '\0';
	for (uint32_t i = 0; i < id->len && i < sizeof(id->bytes); i++)
		snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
	return hex;
}
