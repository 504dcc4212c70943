#include "analyze/out.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int out_open(struct out *o, const char *path, struct err *err)
{
	struct stat st;

	signal(SIGPIPE, SIG_IGN);
	*o = (struct out){ .f = stdout };
	if (!path || strcmp(path, "-") == 0)
		return 0;
	o->name = path;
	o->made = stat(path, &st) != 0 || S_ISREG(st.st_mode);
	o->f = fopen(path, "we");
	if (!o->f)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
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
	if (!failed || code == EPIPE)
		return 0;
	if (o->made)
		unlink(o->name);
	return err_errno(err, code, "writing '%s'", o->name ? o->name : "standard output");
}

void out_discard(struct out *o)
{
	if (o->f != stdout)
		fclose(o->f);
	if (o->made)
		unlink(o->name);
}
