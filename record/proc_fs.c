/* Small readers of small files. Processes may vanish between any two lines. */
#include "record/proc_fs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "format/base/map.h"

int proc_comm(uint32_t pid, uint32_t tid, char comm[16])
{
	char path[64], text[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n <= 0)
		return -ESRCH;
	if (text[n - 1] == '\n') /* the name itself may contain newlines */
		n--;
	memset(comm, 0, 16);
	memcpy(comm, text, n < 16 ? (size_t)n : 16);
	return 0;
}

enum mapping_kind proc_mapping_kind(const char *name)
{
	if (strcmp(name, "[vdso]") == 0)
		return MAPPING_VDSO;
	/* Code in memory that is no file: a JIT compiler's. perf calls nameless memory "//anon". */
	if (name[0] != '/' || strcmp(name, "//anon") == 0 || strncmp(name, "/memfd:", 7) == 0 ||
		strncmp(name, "/dev/zero", 9) == 0 || strncmp(name, "/SYSV", 5) == 0 ||
		strncmp(name, "/anon_hugepage", 14) == 0)
		return MAPPING_JIT;
	return MAPPING_FILE;
}

void proc_strip_deleted(char *name)
{
	static const char mark[] = " (deleted)";
	size_t n = strlen(name), m = sizeof(mark) - 1;

	if (n > m && strcmp(name + n - m, mark) == 0)
		name[n - m] = '\0';
}

/* "start-end perms offset major:minor inode   name" */
static bool parse_map(char *line, struct image *image, uint64_t *offset)
{
	unsigned major_number, minor_number;
	char perms[5];
	int at = 0;
	char *name;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n",
		    &image->start, &image->end, perms, offset, &major_number, &minor_number,
		    &image->inode, &at) < 7 ||
		perms[2] != 'x')
		return false;
	name = line + at;
	name[strcspn(name, "\n")] = '\0';
	proc_strip_deleted(name);
	image->dev = makedev(major_number, minor_number);
	image->path = name[0] ? name : "//anon";
	image->kind = proc_mapping_kind(image->path);
	return strcmp(name, "[vsyscall]") != 0;
}

int proc_each_map(uint32_t pid, void (*call)(void *ctx, const struct image *image, uint64_t offset),
	void *ctx)
{
	char path[64], *line = NULL;
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	while (getline(&line, &cap, f) > 0) {
		struct image image = { .pid = pid };
		uint64_t offset;

		if (parse_map(line, &image, &offset))
			call(ctx, &image, offset);
	}
	free(line);
	fclose(f);
	return 0;
}

static int each_number(const char *path, void (*call)(void *ctx, uint32_t number), void *ctx)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return -ESRCH;
	while ((e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]))
			call(ctx, (uint32_t)strtoul(e->d_name, NULL, 10));
	closedir(d);
	return 0;
}

int proc_each_thread(uint32_t pid, void (*call)(void *ctx, uint32_t tid), void *ctx)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	return each_number(path, call, ctx);
}

struct all_threads {
	int (*call)(void *ctx, uint32_t tid);
	void *ctx;
	struct map seen;
	uint32_t n_new;
	int rc;
};

static void look_at_thread(void *ctx, uint32_t tid)
{
	struct all_threads *a = ctx;
	bool is_new;
	int rc;

	map_put(&a->seen, tid, &is_new);
	if (!is_new || a->rc)
		return;
	a->n_new++;
	rc = a->call(a->ctx, tid);
	a->rc = rc == -ESRCH ? 0 : rc;
}

int proc_all_threads(uint32_t pid, int (*call)(void *ctx, uint32_t tid), void *ctx)
{
	struct all_threads a = { .call = call, .ctx = ctx };
	int gone;

	map_init(&a.seen, 64);
	do {
		a.n_new = 0;
		gone = proc_each_thread(pid, look_at_thread, &a);
	} while (a.n_new && !a.rc && !gone);
	map_done(&a.seen);
	return a.rc ? a.rc : gone;
}

int proc_each_process(void (*call)(void *ctx, uint32_t pid), void *ctx)
{
	return each_number("/proc", call, ctx);
}

bool proc_is_kernel_thread(uint32_t pid)
{
	char path[64], target[8];

	/* A kernel thread has no executable: readlink says ENOENT even to root. */
	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	return readlink(path, target, sizeof(target)) < 0 && errno == ENOENT;
}

/* The last number of a line of /proc/PID/status, such as "Tgid:"; 0 if there is none. */
static uint32_t status_number(uint32_t pid, const char *key)
{
	char path[64], line[256];
	unsigned number = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		const char *last = strrchr(line, '\t');

		if (strncmp(line, key, strlen(key)) != 0 || !last)
			continue;
		number = (unsigned)strtoul(last + 1, NULL, 10);
		break;
	}
	if (f)
		fclose(f);
	return number;
}

uint32_t proc_process_of(uint32_t tid)
{
	uint32_t pid = status_number(tid, "Tgid:");

	return pid ? pid : tid;
}

/* The link of a pid namespace, such as "pid:[4026531836]". */
static bool namespace_of(const char *who, char link[64])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/ns/pid", who);
	n = readlink(path, link, 63);
	link[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Our own, which we never leave. Empty if it cannot be known. */
static const char *our_namespace(void)
{
	static char ours[64];

	if (!ours[0])
		namespace_of("self", ours);
	return ours;
}

bool proc_in_first_namespace(void)
{
	const char *ours = our_namespace();

	return !ours[0] || strcmp(ours, "pid:[4026531836]") == 0; /* PROC_PID_INIT_INO */
}

uint32_t proc_inner_pid(uint32_t pid)
{
	const char *ours = our_namespace();
	char number[16], its[64];

	snprintf(number, sizeof(number), "%u", pid);
	if (!ours[0] || !namespace_of(number, its) || strcmp(ours, its) == 0)
		return 0;
	return status_number(pid, "NSpid:"); /* from the outermost namespace inwards */
}
