#include "analyze/out.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdio(const char *path)
{
	return !path || strcmp(path, "-") == 0;
}

const char *out_ending(const char *path)
{
	return path ? strrchr(basename(path), '.') : NULL;
}

bool out_is_folder(const char *path)
{
	size_t len = path ? strlen(path) : 0;
	struct stat st;

	return len && (path[len - 1] == '/' || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)));
}

int out_make_folder(const char *path, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0777) == 0 ||
		(errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	return err_errno(err, errno, "folder '%s'", path);
}

int out_check(const char *path, const char *const *inputs, uint32_t n, struct err *err)
{
	struct stat out, in;

	if (is_stdio(path) || stat(path, &out) || !S_ISREG(out.st_mode))
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		int rc = is_stdio(inputs[i]) ? fstat(STDIN_FILENO, &in) : stat(inputs[i], &in);

		if (!rc && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
			return err_set(err, EINVAL,
				"'%s' is the trace itself: name another file (-o)", path);
	}
	return 0;
}

/* A new file beside the one that it is to replace, with the rights that a new file gets. */
static FILE *open_temporary(struct out *o)
{
	mode_t mask = umask(0);
	FILE *f = NULL;
	int fd;

	umask(mask);
	if (asprintf(&o->temporary, "%s.XXXXXX", o->name) < 0)
		abort();
	fd = mkostemp(o->temporary, O_CLOEXEC);
	if (fd >= 0 && fchmod(fd, 0666 & ~mask) == 0)
		f = fdopen(fd, "w");
	if (f)
		return f;
	if (fd >= 0) {
		close(fd);
		unlink(o->temporary);
	}
	free(o->temporary);
	o->temporary = NULL;
	return NULL;
}

int out_open(struct out *o, const char *path, struct err *err)
{
	struct stat st;

	signal(SIGPIPE, SIG_IGN);
	*o = (struct out){ .f = stdout };
	if (is_stdio(path))
		return 0;
	o->name = path;
	o->f = lstat(path, &st) != 0 || S_ISREG(st.st_mode) ? open_temporary(o) : NULL;
	if (!o->f) /* no regular file, or a folder in which nothing can be made */
		o->f = fopen(path, "we");
	if (!o->f)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

static void forget(struct out *o)
{
	if (o->temporary)
		unlink(o->temporary);
	free(o->temporary);
	o->temporary = NULL;
}

/* A write that failed long ago has left no errno behind, but a pipe without a reader can be seen. */
static bool reader_is_gone(FILE *f)
{
	struct pollfd p = { .fd = fileno(f) };

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

int out_close(struct out *o, struct err *err)
{
	int failed, code;

	errno = 0;
	failed = ferror(o->f) | fflush(o->f);
	code = errno ? errno : reader_is_gone(o->f) ? EPIPE : EIO;
	if (o->f != stdout && fclose(o->f) && !failed) {
		failed = 1;
		code = errno;
	}
	if (!failed && o->temporary && rename(o->temporary, o->name)) {
		failed = 1;
		code = errno;
	}
	if (!failed) {
		free(o->temporary);
		return 0;
	}
	forget(o);
	if (code == EPIPE)
		return 0;
	return err_errno(err, code, "writing '%s'", o->name ? o->name : "standard output");
}

void out_discard(struct out *o)
{
	if (o->f != stdout)
		fclose(o->f);
	forget(o);
}
