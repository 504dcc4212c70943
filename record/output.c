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

static void make_name(struct output *o, const struct options *options, unsigned attempt)
{
	time_t now = time(NULL);
	struct tm tm;
	size_t n = 0;

	for (unsigned i = 0; i < options->n_sources; i++)
		n += (size_t)snprintf(o->name + n, sizeof(o->name) - n, "%s%s", i ? "," : "",
			options->sources[i]->name);
	localtime_r(&now, &tm);
	n += strftime(o->name + n, sizeof(o->name) - n, "-%Y%m%d-%H%M%S", &tm);
	if (attempt)
		n += (size_t)snprintf(o->name + n, sizeof(o->name) - n, "-%u", attempt + 1);
	snprintf(o->name + n, sizeof(o->name) - n, ".rec");
}

static int open_new(struct output *o, const struct options *options, struct err *err)
{
	for (unsigned attempt = 0; attempt < 100; attempt++) {
		make_name(o, options, attempt);
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
