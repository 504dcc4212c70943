/* perf_event is in the unified hierarchy (version 2) unless a version 1 hierarchy was made for it. */
#include "record/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MAX_DEPTH = 64 };

/* The mount point of the hierarchy that perf_event is in. */
static bool find_mount(char *place, size_t size)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;
	bool found = false, v1;

	while (f && (m = getmntent(f))) {
		v1 = strcmp(m->mnt_type, "cgroup") == 0 && hasmntopt(m, "perf_event");
		if (!v1 && (found || strcmp(m->mnt_type, "cgroup2") != 0))
			continue;
		snprintf(place, size, "%s", m->mnt_dir);
		found = true;
		if (v1)
			break;
	}
	if (f)
		endmntent(f);
	return found;
}

static bool is_cgroup(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s) == 0 &&
		(s.f_type == CGROUP2_SUPER_MAGIC || s.f_type == CGROUP_SUPER_MAGIC);
}

static int open_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !is_cgroup(fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* A machine may have several; each has a device number of its own. */
static bool in_hierarchy(int fd, const char *mount)
{
	struct stat a, b;

	return fstat(fd, &a) || stat(mount, &b) || a.st_dev == b.st_dev;
}

int cgroup_open(const char *path, struct err *err)
{
	char mount[1024], full[4096];
	int fd = open_folder(path);
	bool mounted = find_mount(mount, sizeof(mount));

	if (fd >= 0 && mounted && !in_hierarchy(fd, mount)) {
		close(fd);
		return err_set(err, EINVAL,
			"%s is in another hierarchy of cgroups than perf_event, which is at %s: give a "
			"group there (/proc/PID/cgroup tells a process's)",
			path, mount);
	}
	if (fd >= 0)
		return fd;
	if (!mounted)
		return err_set(err, ENOENT,
			"no cgroup file system is mounted: mount -t cgroup2 none /sys/fs/cgroup");
	snprintf(full, sizeof(full), "%s/%s", mount, path);
	fd = open_folder(full);
	if (fd < 0)
		return err_set(err, ENOENT, "there is no cgroup '%s' (nor %s)", path, full);
	return fd;
}

/* A list of numbers in a group, and whom to call for each. */
struct listing {
	const char *file;
	void (*call)(void *ctx, uint32_t number);
	void *ctx;
};

static void each_here(int fd, const struct listing *l)
{
	int list = openat(fd, l->file, O_RDONLY | O_CLOEXEC);
	FILE *f = list >= 0 ? fdopen(list, "r") : NULL;
	unsigned number;

	while (f && fscanf(f, "%u", &number) == 1)
		if (number) /* 0: of another pid namespace, which cannot be seen from here */
			l->call(l->ctx, number);
	if (f)
		fclose(f);
	else if (list >= 0)
		close(list);
}

static void each_below(int fd, unsigned depth, const struct listing *l)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *e;

	each_here(fd, l);
	while (d && depth < MAX_DEPTH && (e = readdir(d))) {
		int child;

		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		child = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (child < 0)
			continue;
		each_below(child, depth + 1, l);
		close(child);
	}
	if (d)
		closedir(d);
	else if (copy >= 0)
		close(copy);
}

/* Processes are listed in both versions. */
void cgroup_each_process(int fd, void (*call)(void *ctx, uint32_t pid), void *ctx)
{
	each_below(fd, 0, &(struct listing){ "cgroup.procs", call, ctx });
}

void cgroup_each_thread(int fd, void (*call)(void *ctx, uint32_t tid), void *ctx)
{
	each_below(fd, 0,
		&(struct listing){ cgroup_is_v1(fd) ? "tasks" : "cgroup.threads", call, ctx });
}

bool cgroup_is_gone(int fd)
{
	return faccessat(fd, "cgroup.procs", F_OK, 0) != 0;
}

bool cgroup_is_v1(int fd)
{
	struct statfs s;

	return fstatfs(fd, &s) == 0 && s.f_type == CGROUP_SUPER_MAGIC;
}

uint32_t cgroup_level(int fd)
{
	int at = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC), up;
	uint32_t level = 0;

	while (at >= 0 && is_cgroup(at) && level < MAX_DEPTH) {
		level++;
		up = openat(at, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = up;
	}
	if (at >= 0)
		close(at);
	return level;
}
