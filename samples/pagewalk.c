/* Touches a known number of pages in a known order, in a child whose every page fault counts.
 *
 *	pagewalk [anonymous|file|served|drop FILE]
 *
 * anonymous  4,999 pages of fresh memory, each once, in steps of 1,009 pages: 0, 1009, 2018...
 * file       the same of a file that is in the page cache, shared, for writing
 * served     997 pages which the program supplies itself through userfaultfd, each after 1 ms at least
 * drop FILE  97 pages of FILE, 1 MiB apart, after the page cache has been told to forget it
 *
 * Prints where the memory is and what getrusage counted: of the pages alone, of the child's whole life, and
 * of both kinds since it is called "walker". */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 4999, STEP = 1009, SERVED = 997, DROPPED = 97, DELAY_NS = 1000000 };

/* What the child tells its parent; shared memory. */
struct result {
	pid_t pid;
	char *memory;
	long minor, major, all_minor, all_major, before_name;
};

static long page;
static struct result *result;

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(1);
	}
}

static char *map(size_t bytes, int fd, int prot, int flags)
{
	char *p = mmap(NULL, bytes, prot, flags, fd, 0);

	must(p != MAP_FAILED, "mmap");
	madvise(p, bytes, MADV_NOHUGEPAGE);
	madvise(p, bytes, MADV_RANDOM); /* no pages around the one that was touched */
	return p;
}

static char *map_writable(size_t bytes, int fd, int flags)
{
	return map(bytes, fd, PROT_READ | PROT_WRITE, flags);
}

static void touch_write(char *p)
{
	*(volatile char *)p = 1;
}

static void touch_read(char *p)
{
	(void)*(volatile char *)p;
}

static void walk(char *p, long pages, long step, void (*touch)(char *))
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	for (long i = 0; i < pages; i++)
		touch(p + i * step % pages * page);
	getrusage(RUSAGE_SELF, &after);
	result->memory = p;
	result->minor = after.ru_minflt - before.ru_minflt;
	result->major = after.ru_majflt - before.ru_majflt;
}

static void anonymous(const char *unused)
{
	(void)unused;
	walk(map_writable(PAGES * page, -1, MAP_PRIVATE | MAP_ANONYMOUS), PAGES, STEP, touch_write);
}

/* For writing: of pages that are only read the kernel maps those around as well. */
static void file(const char *unused)
{
	char *zeros = calloc(1, page);
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);

	(void)unused;
	must(fd >= 0 && zeros, "O_TMPFILE");
	for (long i = 0; i < PAGES; i++)
		must(write(fd, zeros, page) == page, "write");
	walk(map_writable(PAGES * page, fd, MAP_SHARED), PAGES, STEP, touch_write);
}

/* ---- user space supplies the pages ---- */

static void wait_ns(long ns)
{
	struct timespec t = { 0, ns };

	while (nanosleep(&t, &t))
		;
}

static void *serve(void *arg)
{
	int fd = *(int *)arg;
	static char content[65536] __attribute__((aligned(65536)));
	struct uffd_msg m;

	memset(content, 1, sizeof(content));
	while (read(fd, &m, sizeof(m)) == sizeof(m)) {
		struct uffdio_copy copy = { .dst = m.arg.pagefault.address & ~(uint64_t)(page - 1),
			.src = (uintptr_t)content,
			.len = page };

		wait_ns(DELAY_NS);
		must(!ioctl(fd, UFFDIO_COPY, &copy), "UFFDIO_COPY");
	}
	return NULL;
}

static void served(const char *unused)
{
	char *p = map_writable(SERVED * page, -1, MAP_PRIVATE | MAP_ANONYMOUS);
	struct uffdio_register range = { .range = { (uintptr_t)p, SERVED * page },
		.mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	static int fd;
	pthread_t server;

	(void)unused;
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	must(fd >= 0, "userfaultfd");
	must(!ioctl(fd, UFFDIO_API, &api), "UFFDIO_API");
	must(!ioctl(fd, UFFDIO_REGISTER, &range), "UFFDIO_REGISTER");
	must(!pthread_create(&server, NULL, serve, &fd), "pthread_create");
	walk(p, SERVED, 1, touch_write);
}

static void drop(const char *path)
{
	int fd = open(path, O_RDONLY);

	must(fd >= 0, path);
	must(!fsync(fd) && !posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "dropping the file");
	page *= 256; /* further apart than what is read ahead */
	walk(map(DROPPED * page, fd, PROT_READ, MAP_SHARED), DROPPED, 1, touch_read);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *);
	} kinds[] = { { "anonymous", anonymous }, { "file", file }, { "served", served },
		{ "drop", drop } };
	const char *kind = argc > 1 ? argv[1] : "anonymous";
	struct rusage all;
	int status = 1;

	page = sysconf(_SC_PAGESIZE);
	result = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(result != MAP_FAILED, "mmap");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) != 0 || fork())
			continue;
		result->pid = getpid();
		getrusage(RUSAGE_SELF, &all); /* so that the next one faults no more */
		prctl(PR_SET_NAME, "walker");
		getrusage(RUSAGE_SELF, &all);
		result->before_name = all.ru_minflt + all.ru_majflt;
		kinds[i].run(argc > 2 ? argv[2] : "");
		getrusage(RUSAGE_SELF, &all);
		result->all_minor = all.ru_minflt;
		result->all_major = all.ru_majflt;
		_exit(0);
	}
	if (wait(&status) < 0 || status)
		return 1;
	printf("pid %d memory 0x%lx minor %ld major %ld all_minor %ld all_major %ld named %ld\n",
		result->pid, (unsigned long)result->memory, result->minor, result->major,
		result->all_minor, result->all_major,
		result->all_minor + result->all_major - result->before_name);
	return 0;
}
