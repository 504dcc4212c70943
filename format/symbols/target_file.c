/* First a handle that touches nothing (O_PATH), then a look at what it is, then the opening. */
#include "format/symbols/target_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A handle of the file. Relative paths are needed: an absolute one would ignore the directory. */
static int find_below(int dir, const char *path, int flags)
{
	struct open_how how = { .flags = (uint64_t)flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd;

	while (*path == '/')
		path++;
	fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
	/* EPERM: filters of old container runtimes say so for system calls they do not know. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dir, path, flags);
	return fd;
}

static int check_kind(int handle, const char *root, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(handle, &st))
		return err_errno(err, errno, "fstat '%s%s'", root, path);
	if (S_ISLNK(st.st_mode))
		return err_set(err, ELOOP, "'%s%s' is a symbolic link", root, path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "'%s%s' is not a regular file", root, path);
	return 0;
}

/* The file behind a handle, for reading. */
static int open_handle(int handle, const char *root, const char *path, struct err *err)
{
	char self[64];
	int fd;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", handle);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 ? fd : err_errno(err, errno, "open '%s%s'", root, path);
}

int target_file_open(const char *root, const char *path, bool follow_link, struct err *err)
{
	int dir = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int handle, rc;

	if (dir < 0)
		return err_errno(err, errno, "open '%s'", root);
	handle = find_below(dir, path, O_PATH | O_CLOEXEC | (follow_link ? 0 : O_NOFOLLOW));
	rc = handle >= 0 ? 0 : err_errno(err, errno, "open '%s%s'", root, path);
	close(dir);
	if (handle < 0)
		return rc;
	rc = check_kind(handle, root, path, err);
	if (rc == 0)
		rc = open_handle(handle, root, path, err);
	close(handle);
	return rc;
}
