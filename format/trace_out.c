#include "format/trace_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
static int open_existing(struct trace_out *o, struct err *err)
{
	struct stat st;

	if (stat(o->name, &st) || S_ISREG(st.st_mode))
		return explain(o->name, EEXIST, err);
	if (S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "'%s' is a directory: name a file in it (-o)", o->name);
	o->fd = open(o->name, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return o->fd < 0 ? err_errno(err, errno, "cannot write to '%s'", o->name) : 0;
}

static int check_stdout(struct err *err)
{
	if (!isatty(STDOUT_FILENO))
		return 0;
	return err_set(err, EINVAL, "a trace is not for a terminal: pipe it into `ana ... -`");
}

static int open_stdout(struct trace_out *o, struct err *err)
{
	int rc = check_stdout(err);

	snprintf(o->name, sizeof(o->name), "standard output");
	if (rc)
		return rc;
	o->fd = dup(STDOUT_FILENO);
	return o->fd < 0 ? err_errno(err, errno, "standard output") : 0;
}

int trace_out_make(struct trace_out *o, const char *name, struct err *err)
{
	memset(o, 0, sizeof(*o));
	o->fd = -1;
	if (strlen(name) >= sizeof(o->name))
		return explain(name, ENAMETOOLONG, err);
	snprintf(o->name, sizeof(o->name), "%s", name);
	o->fd = open(o->name, CREATE, 0600);
	if (o->fd < 0)
		return explain(o->name, errno == ELOOP ? EEXIST : errno, err);
	o->own = true;
	return 0;
}

int trace_out_open(struct trace_out *o, const char *name, struct err *err)
{
	int rc;

	if (strcmp(name, "-") == 0) {
		memset(o, 0, sizeof(*o));
		o->fd = -1;
		return open_stdout(o, err);
	}
	rc = trace_out_make(o, name, err);
	return rc == -EEXIST ? open_existing(o, err) : rc;
}

int trace_out_check(const char *name, struct err *err)
{
	const char *slash = strrchr(name, '/');
	char folder[sizeof(((struct trace_out *)0)->name)] = ".";
	struct stat st;

	if (strcmp(name, "-") == 0)
		return check_stdout(err);
	if (lstat(name, &st) == 0) {
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

int trace_out_close(struct trace_out *o, bool discard, struct err *err)
{
	int rc = 0;

	if (o->fd >= 0 && close(o->fd))
		rc = err_errno(err, errno, "closing '%s'", o->name);
	o->fd = -1;
	if (discard && o->own)
		unlink(o->name);
	return rc;
}
