#include "analyze/libarchive.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Of the interface that the headers describe. */
#define LIBARCHIVE "libarchive.so.13"

static bool load(struct libarchive *l)
{
	void *handle = dlopen(LIBARCHIVE, RTLD_LAZY | RTLD_LOCAL), *p;

	if (!handle)
		return false;
#define LIBARCHIVE_FIND(name) \
	p = dlsym(handle, #name); \
	if (!p) \
		return false; \
	memcpy(&l->name, &p, sizeof(p)); /* an object's pointer is no function's */
	LIBARCHIVE_FUNCTIONS(LIBARCHIVE_FIND)
#undef LIBARCHIVE_FIND
	return true;
}

const struct libarchive *libarchive_load(struct err *err)
{
	static struct libarchive library;
	static bool is_loaded;

	if (!is_loaded)
		is_loaded = load(&library);
	if (is_loaded)
		return &library;
	err_set(err, ENOSYS, "archives are opened by %s, which is not here: install libarchive13",
		LIBARCHIVE);
	return NULL;
}
