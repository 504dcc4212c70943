/* Places to look, each proved by the build id. */
#include "format/symbols/debug_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/symbols/debuginfod.h"
#include "format/symbols/target_file.h"

static int check_build_id(int fd, const struct build_id *id, struct err *err)
{
	char hex[BUILD_ID_HEX], wanted[BUILD_ID_HEX];
	struct build_id found;
	int rc = build_id_of_file(fd, &found, err);

	if (rc || build_id_equal(&found, id))
		return rc;
	return err_set(err, ESTALE, "build id is %s, not %s", build_id_hex(&found, hex),
		build_id_hex(id, wanted));
}

int debug_file_open(const char *root, const struct build_id *id, struct err *err)
{
	char hex[BUILD_ID_HEX], path[128];
	int fd, rc;

	if (id->len < 2)
		return err_set(err, ENOENT, "a build id of %u bytes has no debug file", id->len);
	build_id_hex(id, hex);
	snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%.2s/%s.debug", hex, hex + 2);
	fd = target_file_open(root, path, true, err);
	if (fd < 0)
		return fd;
	rc = check_build_id(fd, id, err);
	if (rc == 0)
		return fd;
	close(fd);
	return err_step(err, rc, "debug file '%s%s'", root, path);
}

/* The name in .gnu_debuglink; false if there is none, or one that leads elsewhere. */
static bool link_name(const struct elf_image *code, char name[SYMBOL_NAME_MAX + 1])
{
	for (uint32_t i = 1; i < code->n_sections; i++) {
		GElf_Shdr text = code->sections[i];

		if (text.sh_type != SHT_PROGBITS ||
			!elf_image_section_is(code, &text, ".gnu_debuglink"))
			continue;
		text.sh_type = SHT_STRTAB;
		return elf_image_text(code, &text, 0, name) && !strchr(name, '/');
	}
	return false;
}

/* A file of that name where gdb looks for it too: beside the binary, in .debug there, and in its folder
 * below /usr/lib/debug. */
static int open_linked(const struct elf_image *code, const struct build_id *id)
{
	static const char *const places[][2] = { { "", "/" }, { "", "/.debug/" },
		{ "/usr/lib/debug", "/" } };
	char name[SYMBOL_NAME_MAX + 1], self[64], folder[PATH_MAX], path[2 * PATH_MAX + 64];
	ssize_t len;

	if (code->fd < 0 || !link_name(code, name))
		return -ENOENT;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", code->fd);
	len = readlink(self, folder, sizeof(folder) - 1);
	if (len <= 0 || folder[0] != '/')
		return -ENOENT;
	folder[len] = '\0';
	*strrchr(folder, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s%s%s%s", places[i][0], folder, places[i][1], name);
		fd = target_file_open("", path, true, NULL);
		if (fd >= 0 && check_build_id(fd, id, NULL) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

/* From a server, if the user wants that and the file itself says no more than its symbols. */
static int download(const struct elf_image *code, const struct build_id *id)
{
	int fd = elf_image_has_dwarf(code) ? -ENOENT : debuginfod_open(id, NULL);

	if (fd < 0 || check_build_id(fd, id, NULL) == 0)
		return fd;
	close(fd);
	return -ESTALE;
}

const struct elf_image *debug_image_open(struct debug_image *d, const struct elf_image *code)
{
	struct build_id id;

	d->fd = -1;
	if (build_id_of_image(code, &id, NULL))
		return NULL;
	d->fd = debug_file_open("", &id, NULL);
	if (d->fd < 0)
		d->fd = open_linked(code, &id);
	if (d->fd < 0)
		d->fd = download(code, &id);
	if (d->fd >= 0 && elf_image_open(&d->elf, d->fd, NULL)) {
		close(d->fd);
		d->fd = -1;
	}
	return d->fd >= 0 ? &d->elf : NULL;
}

void debug_image_close(struct debug_image *d)
{
	if (d->fd < 0)
		return;
	elf_image_done(&d->elf);
	close(d->fd);
	d->fd = -1;
}
