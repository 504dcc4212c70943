/* Places to look, each proved by the build id. */
#include "format/symbols/debug_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "format/symbols/debuginfod.h"
#include "format/symbols/same_code.h"
#include "format/symbols/section_text.h"
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

bool alternate_link_of(const struct elf_image *dwarf, struct alternate_link *link)
{
	const GElf_Shdr *s = section_find(dwarf, ".gnu_debugaltlink");
	char bytes[sizeof(link->path) + sizeof(link->id.bytes)];
	size_t n = s ? section_read(dwarf, s, 0, bytes, sizeof(bytes)) : 0, len;

	len = strnlen(bytes, n);
	if (!len || len >= n || len >= sizeof(link->path) || n - len - 1 > sizeof(link->id.bytes))
		return false;
	memcpy(link->path, bytes, len + 1);
	link->id.len = (uint32_t)(n - len - 1);
	memcpy(link->id.bytes, bytes + len + 1, link->id.len);
	return link->id.len > 0;
}

/* A file of this build, or a negative errno. */
static int open_if(const char *path, const struct build_id *id)
{
	int fd = target_file_open("", path, true, NULL), rc = fd;

	if (fd >= 0)
		rc = check_build_id(fd, id, NULL);
	if (fd < 0 || rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* The folder of an open file, with room for `more` behind it; NULL if it has none. */
static char *folder_of(int fd, char *path, size_t size, size_t more)
{
	char self[64];
	ssize_t len;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	len = fd < 0 ? -1 : readlink(self, path, size - 1);
	if (len <= 0 || path[0] != '/')
		return NULL;
	path[len] = '\0';
	strrchr(path, '/')[1] = '\0';
	return strlen(path) + more < size ? path : NULL;
}

int alternate_file_open(const char *root, const struct elf_image *dwarf, struct err *err)
{
	struct alternate_link link;
	char path[PATH_MAX];
	int fd = -ENOENT;

	if (!alternate_link_of(dwarf, &link))
		return err_set(err, ENOENT, "no alternate file is named");
	if (*root)
		fd = debug_file_open(root, &link.id, NULL);
	if (fd < 0)
		fd = debug_file_open("", &link.id, NULL);
	if (fd >= 0)
		return fd;
	if (link.path[0] == '/')
		fd = open_if(link.path, &link.id);
	else if (folder_of(dwarf->fd, path, sizeof(path), strlen(link.path)))
		fd = open_if(strcat(path, link.path), &link.id);
	return fd >= 0 ? fd : err_set(err, ENOENT, "alternate file '%s' is not here", link.path);
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
	static const char *const places[][2] = { { "", "" }, { "", ".debug/" },
		{ "/usr/lib/debug", "" } };
	char name[SYMBOL_NAME_MAX + 1], folder[PATH_MAX], path[2 * PATH_MAX + 64];

	if (!link_name(code, name) || !folder_of(code->fd, folder, sizeof(folder), 0))
		return -ENOENT;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s%s%s%s", places[i][0], folder, places[i][1], name);
		fd = open_if(path, id);
		if (fd >= 0)
			return fd;
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

/* Takes the descriptor if it is the code's; closes it otherwise. */
static bool take(struct debug_image *d, const struct elf_image *code, int fd)
{
	if (fd < 0)
		return false;
	if (elf_image_open(&d->elf, fd, NULL) == 0) {
		if (same_code(code, &d->elf)) {
			d->fd = fd;
			return true;
		}
		d->other_code = true;
		elf_image_done(&d->elf);
	}
	close(fd);
	return false;
}

const struct elf_image *debug_image_open(struct debug_image *d, const struct elf_image *code)
{
	struct build_id id;

	d->fd = -1;
	d->other_code = false;
	if (build_id_of_image(code, &id, NULL))
		return NULL;
	return take(d, code, debug_file_open("", &id, NULL)) ||
			take(d, code, open_linked(code, &id)) || take(d, code, download(code, &id))
		? &d->elf
		: NULL;
}

void debug_image_close(struct debug_image *d)
{
	if (d->fd < 0)
		return;
	elf_image_done(&d->elf);
	close(d->fd);
	d->fd = -1;
}
