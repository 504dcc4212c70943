/* Names for recordings that were given none, and for the files of a series. */
#include "record/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "format/base/size.h"
#include "record/source.h"

enum {
	ATTEMPTS = 100,
	NAME_MAX_BYTES = 4096,
	STEM_MAX = NAME_MAX_BYTES - 16, /* room for "-100000.rec" */
};

void output_stem(char *stem, size_t size, const struct options *options)
{
	time_t now = time(NULL);
	struct tm tm;
	size_t n = 0;

	if (options->output) {
		n = strlen(options->output);
		if (n > 4 && strcmp(options->output + n - 4, ".rec") == 0)
			n -= 4;
		snprintf(stem, size, "%.*s", (int)n, options->output);
		return;
	}
	for (unsigned i = 0; i < options->n_sources && n < size; i++)
		n += (size_t)snprintf(stem + n, size - n, "%s%s", i ? "," : "",
			options->sources[i]->name);
	localtime_r(&now, &tm);
	if (n < size)
		strftime(stem + n, size - n, "-%Y%m%d-%H%M%S", &tm);
}

/* cpu-20260131-154500.rec, cpu-20260131-154500-2.rec... */
static int open_new(struct trace_out *o, const struct options *options, struct err *err)
{
	char stem[STEM_MAX], name[NAME_MAX_BYTES];
	int rc = -EEXIST;

	output_stem(stem, sizeof(stem), options);
	for (unsigned attempt = 1; attempt <= ATTEMPTS && rc == -EEXIST; attempt++) {
		if (attempt == 1)
			snprintf(name, sizeof(name), "%s.rec", stem);
		else
			snprintf(name, sizeof(name), "%s-%u.rec", stem, attempt);
		rc = trace_out_make(o, name, err);
	}
	return rc;
}

int output_open(struct trace_out *o, const struct options *options, struct err *err)
{
	return options->output ? trace_out_open(o, options->output, err)
			       : open_new(o, options, err);
}

int output_open_numbered(struct trace_out *o, const char *stem, unsigned number, struct err *err)
{
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "%.*s-%04u.rec", STEM_MAX, stem, number);
	return trace_out_make(o, name, err);
}

static int explain_room(const char *name, int code, uint64_t bytes, struct err *err)
{
	char folder[TRACE_OUT_FOLDER], size[32];

	trace_out_folder(name, folder);
	return err_errno(err, code,
		"no room for a recording, which needs %s to begin with, in the folder '%s': free some, or "
		"choose another folder (-o)",
		size_text(bytes, size), folder);
}

int output_reserve(struct trace_out *o, struct reserve *r, uint64_t max_bytes, struct err *err)
{
	uint64_t bytes = max_bytes && max_bytes < RESERVE_BYTES ? max_bytes : RESERVE_BYTES;
	int rc;

	*r = reserve_none();
	if (!o->own)
		return 0;
	rc = reserve_begin(r, o->fd, max_bytes);
	if (!rc)
		return 0;
	trace_out_close(o, true, NULL);
	return explain_room(o->name, -rc, bytes, err);
}

/* Whether RESERVE_BYTES could be had in the folder: 0, -ENOSPC or -EDQUOT. Blocks that are kept for root are room
 * for root only, and quotas are nobody's but the file system's to know: it is tried. */
static int try_room(const char *folder)
{
	struct statvfs fs;
	int rc, fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	if (fd >= 0) {
		rc = reserve_whole(fd, RESERVE_BYTES);
		close(fd);
		return rc;
	}
	/* Not every file system has files without names. Some that are no disks say 0 of everything. */
	if (statvfs(folder, &fs) || !fs.f_blocks || fs.f_bavail * fs.f_frsize >= RESERVE_BYTES)
		return 0;
	return -ENOSPC;
}

int output_check(const struct options *options, struct err *err)
{
	const char *name = options->output ? options->output : "new.rec";
	char folder[TRACE_OUT_FOLDER];
	struct stat st;
	int rc = trace_out_check(name, err);

	if (rc || strcmp(name, "-") == 0 || stat(name, &st) == 0)
		return rc;
	trace_out_folder(name, folder);
	rc = try_room(folder);
	return rc ? explain_room(name, -rc, RESERVE_BYTES, err) : 0;
}
