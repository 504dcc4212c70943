#include "record/disks.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CLASS "/sys/class/block/"

/* The first line of a file of a device; "" if it cannot be read. */
static void read_line(const char *name, const char *file, char *line, int size)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), CLASS "%s/%s", name, file);
	f = fopen(path, "re");
	if (!f || !fgets(line, size, f))
		line[0] = '\0';
	if (f)
		fclose(f);
}

static bool read_number(const char *name, uint32_t *number)
{
	unsigned maj, min;
	char line[32];

	read_line(name, "dev", line, sizeof(line));
	if (sscanf(line, "%u:%u", &maj, &min) != 2)
		return false;
	*number = disk_number(maj, min);
	return true;
}

void disk_name(uint32_t number, char *name)
{
	char path[64], target[PATH_MAX];
	const char *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", number >> 20, number & 0xfffff);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	slash = strrchr(target, '/');
	if (slash)
		snprintf(name, 32, "%.31s", slash + 1);
	else
		snprintf(name, 32, "%u:%u", number >> 20, number & 0xfffff);
}

static uint64_t read_size(const char *name, const char *file)
{
	char line[32];

	read_line(name, file, line, sizeof(line));
	return strtoull(line, NULL, 10);
}

struct disk_extent disk_extent(uint32_t number)
{
	struct disk_extent e = { number, 0, UINT64_MAX };
	char name[32], above[48];

	disk_name(number, name);
	if (!read_size(name, "partition"))
		return e;
	e.from = read_size(name, "start");
	e.to = e.from + read_size(name, "size");
	snprintf(above, sizeof(above), "%s/..", name);
	read_number(above, &e.disk);
	return e;
}

uint64_t disk_inflight(uint32_t number)
{
	unsigned long long reads = 0, writes = 0;
	char path[64], line[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/inflight", number >> 20,
		number & 0xfffff);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f))
		sscanf(line, "%llu %llu", &reads, &writes);
	if (f)
		fclose(f);
	return reads + writes;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

/* Those that have a size: a machine has loop devices for which there is no file yet. */
static int is_in_use(const struct dirent *e)
{
	char size[32];

	if (e->d_name[0] == '.')
		return 0;
	read_line(e->d_name, "size", size, sizeof(size));
	return strtoull(size, NULL, 10) > 0;
}

static int unknown(const char *text, struct err *err)
{
	struct dirent **found;
	char names[160] = "";
	size_t len = 0;
	int n = scandir(CLASS, &found, is_in_use, by_name);

	for (int i = 0; i < n; i++) {
		if (len < sizeof(names) - 40)
			len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%.32s",
				len ? ", " : "", found[i]->d_name);
		free(found[i]);
	}
	if (n >= 0)
		free(found);
	return err_set(err, ENODEV, "there is no block device '%.64s'; there are: %s", text,
		len ? names : "none");
}

static bool has_requests(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), CLASS "%s/mq", name);
	if (!access(path, F_OK))
		return true;
	snprintf(path, sizeof(path), CLASS "%s/../mq", name); /* the disk of a partition */
	return !access(path, F_OK);
}

/* A path such as /dev/disk/by-label/data, or numbers. */
static bool parse_number(const char *text, uint32_t *number)
{
	unsigned maj, min;
	struct stat st;
	char end;

	if (text[0] == '/') {
		if (stat(text, &st) || !S_ISBLK(st.st_mode))
			return false;
		*number = disk_number(major(st.st_rdev), minor(st.st_rdev));
		return true;
	}
	if (sscanf(text, "%u:%u%c", &maj, &min, &end) != 2)
		return false;
	*number = disk_number(maj, min);
	return true;
}

int disk_find(const char *text, struct disk *d, struct err *err)
{
	char name[32];

	if (parse_number(text, &d->number))
		disk_name(d->number, name);
	else
		snprintf(name, sizeof(name), "%.31s", text);
	if (!name[0] || strchr(name, '/') || name[0] == '.' || !read_number(name, &d->number))
		return unknown(text, err);
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->has_requests = has_requests(name);
	return 0;
}
