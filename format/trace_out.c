#include "format/trace_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CREATE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
};

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

void trace_out_folder(const char *name, char folder[TRACE_OUT_FOLDER])
{
	const char *slash = strrchr(name, '/');
	int len = slash == name ? 1 : slash ? (int)(slash - name) : 0;

	snprintf(folder, TRACE_OUT_FOLDER, "%.*s", len ? len : 1, len ? name : ".");
}

int trace_out_check(const char *name, struct err *err)
{
	char folder[TRACE_OUT_FOLDER];
	struct stat st;

	if (strcmp(name, "-") == 0)
		return check_stdout(err);
	if (lstat(name, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return err_set(err, EISDIR, "'%s' is a directory: name a file in it (-o)",
				name);
		return S_ISREG(st.st_mode) || S_ISLNK(st.st_mode) ? explain(name, EEXIST, err) : 0;
	}
	trace_out_folder(name, folder);
	return access(folder, W_OK | X_OK) ? explain(name, errno, err) : 0;
}

int trace_out_open_beside(struct trace_out *o, const char *name, struct err *err)
{
	char folder[TRACE_OUT_FOLDER];
	struct stat st;
	int rc;

	if (strcmp(name, "-") == 0 || lstat(name, &st) == 0)
		return trace_out_open(o, name, err);
	memset(o, 0, sizeof(*o));
	o->fd = -1;
	rc = trace_out_check(name, err);
	if (rc)
		return rc;
	if (strlen(name) >= sizeof(o->name))
		return explain(name, ENAMETOOLONG, err);
	snprintf(o->name, sizeof(o->name), "%s", name);
	trace_out_folder(name, folder);
	o->fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	o->nameless = o->fd >= 0;
	if (o->fd < 0) { /* a file system that has no such files */
		snprintf(o->beside, sizeof(o->beside), "%s.XXXXXX", name);
		o->fd = mkostemp(o->beside, O_CLOEXEC);
	}
	if (o->fd < 0)
		return explain(name, errno, err);
	o->own = true;
	return 0;
}

/* Gives a file that was written beside its name the name, in no case that of another file: not every file system
 * can rename so. The file is still open. */
static int give_name(const struct trace_out *o, struct err *err)
{
	char self[64];
	int code = 0;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", o->fd);
	if (o->nameless)
		code = linkat(AT_FDCWD, self, AT_FDCWD, o->name, AT_SYMLINK_FOLLOW) ? errno : 0;
	else if (renameat2(AT_FDCWD, o->beside, AT_FDCWD, o->name, RENAME_NOREPLACE))
		code = errno;
	if (!o->nameless && (code == EINVAL || code == ENOSYS)) {
		code = link(o->beside, o->name) ? errno : 0;
		if (!code)
			unlink(o->beside);
	}
	return code ? explain(o->name, code, err) : 0;
}

int trace_out_close(struct trace_out *o, bool discard, struct err *err)
{
	bool waits = o->nameless || o->beside[0]; /* for its name */
	int rc = 0;

	if (waits && !discard)
		rc = give_name(o, err);
	if (o->fd >= 0 && close(o->fd))
		rc = err_errno(err, errno, "closing '%s'", o->name);
	o->fd = -1;
	if (o->beside[0] && (discard || rc))
		unlink(o->beside);
	else if (discard && o->own && !waits)
		unlink(o->name);
	return rc;
}
