#include "record/mounts.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "record/disks.h"

enum { MAX_MOUNTS = 4096 };

struct mount {
	uint32_t device;
	char *root; /* owned; what of the file system is mounted: "/", and another folder with bind mounts */
	char *place; /* owned */
};

struct mounts {
	FILE *file;        /* owned; NULL: there is none */
	struct mount *all; /* owned */
	uint32_t n;
};

/* ---- reading ---- */

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
		s[2] <= '7';
}

/* "my\040disk" has a blank; in place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && is_octal(s + 1)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static bool parse(const char *line, struct mount *m)
{
	unsigned major, minor;

	if (sscanf(line, "%*d %*d %u:%u %ms %ms", &major, &minor, &m->root, &m->place) != 4) {
		free(m->root);
		return false;
	}
	m->device = disk_number(major, minor);
	unescape(m->root);
	unescape(m->place);
	return true;
}

static void mount_done(struct mount *m)
{
	free(m->root);
	free(m->place);
}

static void add(struct mounts *m, struct mount one)
{
	if (m->n == MAX_MOUNTS) {
		mount_done(&one);
		return;
	}
	m->all = xgrow(m->all, m->n, sizeof(*m->all));
	m->all[m->n++] = one;
}

static bool has_device(const struct mounts *m, uint32_t n, uint32_t device)
{
	for (uint32_t i = 0; i < n; i++)
		if (m->all[i].device == device)
			return true;
	return false;
}

/* What is not mounted any more stays known by where it was. */
static void read_all(struct mounts *m)
{
	struct mounts old = *m;
	uint32_t n_new;
	char *line = NULL;
	size_t cap = 0;

	m->all = NULL;
	m->n = 0;
	rewind(m->file);
	while (getline(&line, &cap, m->file) > 0) {
		struct mount one = { 0 };

		if (parse(line, &one))
			add(m, one);
	}
	free(line);
	n_new = m->n;
	for (uint32_t i = 0; i < old.n; i++) {
		if (has_device(m, n_new, old.all[i].device))
			mount_done(&old.all[i]);
		else
			add(m, old.all[i]);
	}
	free(old.all);
}

/* ---- looking up ---- */

struct mounts *mounts_new(const char *file)
{
	struct mounts *m = xcalloc(1, sizeof(*m));

	m->file = fopen(file, "re");
	if (m->file)
		read_all(m);
	return m;
}

void mounts_free(struct mounts *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->n; i++)
		mount_done(&m->all[i]);
	free(m->all);
	if (m->file)
		fclose(m->file);
	free(m);
}

static bool has_changed(const struct mounts *m)
{
	struct pollfd p = { .fd = fileno(m->file), .events = POLLPRI };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLPRI | POLLERR);
}

/* What of the path is below the folder, beginning with a slash; NULL: it is elsewhere. */
static const char *below(const char *path, const char *folder)
{
	size_t len = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/' ? path + len : NULL;
}

size_t mounts_path(struct mounts *m, uint32_t device, const char *path, char *to, size_t size)
{
	const struct mount *best = NULL;
	const char *rest = path;
	int n;

	if (m->file && has_changed(m))
		read_all(m);
	for (uint32_t i = 0; i < m->n; i++) {
		const struct mount *one = &m->all[i];

		if (one->device == device && below(path, one->root) &&
			(!best || strlen(one->root) < strlen(best->root)))
			best = one;
	}
	if (best)
		rest = below(path, best->root);
	n = snprintf(to, size, "%s%s", best && strcmp(best->place, "/") != 0 ? best->place : "",
		rest);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}
