#include "record/tracefs.h"

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT_MAX = 1 << 20 };

int tracefs_find(const char *mounts, char *path, size_t size, struct err *err)
{
	FILE *f = setmntent(mounts ? mounts : "/proc/self/mounts", "re");
	struct mntent *m = NULL;

	while (f && (m = getmntent(f)))
		if (strcmp(m->mnt_type, "tracefs") == 0 && strlen(m->mnt_dir) < size)
			break;
	if (m)
		snprintf(path, size, "%s", m->mnt_dir);
	if (f)
		endmntent(f);
	return m ? 0
		 : err_set(err, ENOENT,
			   "tracefs, which lists the tracepoints, is not mounted: "
			   "sudo " TRACEFS_MOUNT);
}

static int explain(const char *tracefs, int code, const char *what, struct err *err)
{
	if (code == EACCES || code == EPERM)
		return err_set(err, code,
			"only root may read %s: run `rec` with sudo, or let your group read it: "
			"sudo " TRACEFS_SHARE,
			tracefs, tracefs);
	return err_errno(err, code, "cannot read %s", what);
}

int tracefs_each(const char *tracefs, void (*call)(void *ctx, const char *name), void *ctx,
	struct err *err)
{
	char path[512], *line = NULL;
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/available_events", tracefs);
	f = fopen(path, "re");
	if (!f)
		return explain(tracefs, errno, path, err);
	while (getline(&line, &cap, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		call(ctx, line);
	}
	free(line);
	fclose(f);
	return 0;
}

int tracefs_format(const char *tracefs, const char *name, struct arena *a, const char **text,
	size_t *len, struct err *err)
{
	size_t system = strcspn(name, ":"), n = 0, got = 0, cap = 8192;
	char path[512], *buffer = xcalloc(1, cap);
	FILE *f;

	snprintf(path, sizeof(path), "%s/events/%.*s/%s/format", tracefs, (int)system, name,
		name[system] ? name + system + 1 : "");
	f = fopen(path, "re");
	if (!f) {
		free(buffer);
		return explain(tracefs, errno, path, err);
	}
	while (n < FORMAT_MAX && (got = fread(buffer + n, 1, cap - n, f)) > 0) {
		n += got;
		if (n == cap)
			buffer = xrealloc(buffer, cap *= 2, 1);
	}
	fclose(f);
	*text = arena_strndup(a, buffer, n);
	*len = n;
	free(buffer);
	return 0;
}
