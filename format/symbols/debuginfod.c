/* A few functions of libdebuginfod, by dlopen. Its own timeout is for a download that stands still; ours,
 * by its progress function, is for one that takes long. */
#include "format/symbols/debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "format/base/arena.h"

/* As in <elfutils/debuginfod.h>. */
typedef struct debuginfod_client debuginfod_client;

struct library {
	debuginfod_client *(*begin)(void);
	void (*end)(debuginfod_client *c);
	int (*find_debug)(debuginfod_client *c, const unsigned char *id, int len, char **path);
	int (*find_program)(debuginfod_client *c, const unsigned char *id, int len, char **path);
	void (*on_progress)(debuginfod_client *c, int (*call)(debuginfod_client *, long, long));
	bool complete;
};

static struct library library;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_ullong spent_ns; /* waiting, in all calls */
static _Thread_local uint64_t give_up_ns;

static void load(void)
{
	void *handle = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	struct library *l = &library;

	if (!handle)
		return;
	*(void **)&l->begin = dlsym(handle, "debuginfod_begin");
	*(void **)&l->end = dlsym(handle, "debuginfod_end");
	*(void **)&l->find_debug = dlsym(handle, "debuginfod_find_debuginfo");
	*(void **)&l->find_program = dlsym(handle, "debuginfod_find_executable");
	*(void **)&l->on_progress = dlsym(handle, "debuginfod_set_progressfn");
	l->complete = l->begin && l->end && l->find_debug && l->find_program && l->on_progress;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Not 0 ends the download. */
static int is_late(debuginfod_client *c, long done, long all)
{
	return now() >= give_up_ns;
}

static int find(const struct build_id *id, bool program, struct err *err)
{
	debuginfod_client *c = library.begin();
	uint64_t begun = now();
	char *path = NULL;
	int fd;

	if (!c)
		return err_set(err, ENOMEM, "debuginfod: no client");
	give_up_ns = begun + DEBUGINFOD_FILE_S * 1000000000ULL;
	library.on_progress(c, is_late);
	fd = (program ? library.find_program : library.find_debug)(c, id->bytes, (int)id->len,
		&path);
	free(path);
	library.end(c);
	atomic_fetch_add(&spent_ns, now() - begun);
	if (fd >= 0)
		return fd;
	if (now() >= give_up_ns)
		return err_set(err, ETIMEDOUT, "debuginfod: took longer than %d s",
			DEBUGINFOD_FILE_S);
	return err_errno(err, -fd, "debuginfod");
}

static int open_from_server(const struct build_id *id, bool program, struct err *err)
{
	const char *urls = getenv("DEBUGINFOD_URLS");

	if (!urls || !*urls)
		return err_set(err, ENOENT, "DEBUGINFOD_URLS is not set");
	if (id->len < 2)
		return err_set(err, ENOENT, "a build id of %u bytes has no debug file", id->len);
	pthread_once(&once, load);
	if (!library.complete)
		return err_set(err, ENOSYS,
			"DEBUGINFOD_URLS is set, but there is no libdebuginfod.so.1: install "
			"libdebuginfod1");
	if (atomic_load(&spent_ns) >= DEBUGINFOD_ALL_S * 1000000000ULL)
		return err_set(err, ETIMEDOUT, "debuginfod: took longer than %d s in all",
			DEBUGINFOD_ALL_S);
	return find(id, program, err);
}

int debuginfod_open(const struct build_id *id, struct err *err)
{
	return open_from_server(id, false, err);
}

int debuginfod_open_program(const struct build_id *id, struct err *err)
{
	return open_from_server(id, true, err);
}
