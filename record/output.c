/* A trace holds what a process list and a debugger would show, so it is for its owner only. */
#include "record/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record/source.h"

enum { CREATE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC };

static int explain(const char *name, int code, struct err *err)
{
	switch (code) {
	case EEXIST:
		return err_set(err, code, "'%s' exists: remove it or choose another name (-o)",
			name);
	case EACCES:
	case EPERM:
	case EROFS:
		return err_errno(err, code, "cannot make '%s' here, choose another folder (-o)",
			name);
	default: return err_errno(err, code, "cannot make '%s'", name);
	}
}

/* A pipe, terminal or device that is there is opened as it is. */
static int open_existing(struct output *o, struct err *err)
{
	struct stat st;

	if (stat(o->name, &st) || S_ISREG(st.st_mode))
		return explain(o->name, EEXIST, err);
	if (S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "'%s' is a directory: name a file in it (-o)", o->name);
	o->fd = open(o->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return o->fd < 0 ? err_errno(err, errno, "cannot write to '%s'", o->name) : 0;
}

static int open_named(struct output *o, const char *name, struct err *err)
{
	snprintf(o->name, sizeof(o->name), "%s", name);
	o->fd = open(o->name, CREATE, 0600);
	if (o->fd < 0 && (errno == EEXIST || errno == ELOOP))
		return open_existing(o, err);
	if (o->fd < 0)
		return explain(o->name, errno, err);
	o->own = true;
	return 0;
}

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

/* Room for "-100000.rec" is left behind the stem. */
enum { STEM_MAX = sizeof(((struct output *)0)->name) - 16 };

static int open_new(struct output *o, const struct options *options, struct err *err)
{
	char stem[STEM_MAX];

	output_stem(stem, sizeof(stem), options);
	for (unsigned attempt = 1; attempt <= 100; attempt++) {
		if (attempt == 1)
			snprintf(o->name, sizeof(o->name), "%s.rec", stem);
		else
			snprintf(o->name, sizeof(o->name), "%s-%u.rec", stem, attempt);
		o->fd = open(o->name, CREATE, 0600);
		if (o->fd >= 0 || errno != EEXIST)
			break;
	}
	if (o->fd < 0)
		return explain(o->name, errno, err);
	o->own = true;
	return 0;
}

int output_open(struct output *o, const struct options *options, struct err *err)
{
	memset(o, 0, sizeof(*o));
	o->fd = -1;
	if (!options->output)
		return open_new(o, options, err);
	if (strcmp(options->output, "-") != 0)
		return open_named(o, options->output, err);
	snprintf(o->name, sizeof(o->name), "standard output");
	if (isatty(STDOUT_FILENO))
		return err_set(err, EINVAL,
			"a trace is not for a terminal: pipe it into `ana ... -`");
	o->fd = dup(STDOUT_FILENO);
	return o->fd < 0 ? err_errno(err, errno, "standard output") : 0;
}

int output_open_numbered(struct output *o, const char *stem, unsigned number, struct err *err)
{
	memset(o, 0, sizeof(*o));
	snprintf(o->name, sizeof(o->name), "%.*s-%04u.rec", STEM_MAX, stem, number);
	o->fd = open(o->name, CREATE, 0600);
	if (o->fd < 0)
		return explain(o->name, errno, err);
	o->own = true;
	return 0;
}

int output_check(const struct options *options, struct err *err)
{
	const char *name = options->output ? options->output : ".";
	const char *slash = strrchr(name, '/');
	char folder[4096] = ".";
	struct stat st;

	if (strcmp(name, "-") == 0)
		return isatty(STDOUT_FILENO)
			? err_set(err, EINVAL,
				  "a trace is not for a terminal: pipe it into `ana ... -`")
			: 0;
	if (options->output && lstat(name, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return err_set(err, EISDIR, "'%s' is a directory: name a file in it (-o)",
				name);
		return S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) ? explain(name, EEXIST, err) : 0;
	}
	if (slash)
		snprintf(folder, sizeof(folder), "%.*s", slash == name ? 1 : (int)(slash - name),
			name);
	return access(folder, W_OK | X_OK) ? explain(name, errno, err) : 0;
}

int output_close(struct output *o, bool discard, struct err *err)
{
	int rc = 0;

	if (o->fd >= 0 && close(o->fd))
		rc = err_errno(err, errno, "closing '%s'", o->name);
	o->fd = -1;
	if (discard && o->own)
		unlink(o->name);
	return rc;
}
