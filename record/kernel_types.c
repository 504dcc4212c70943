/* Types take 6 MB to look at, names 2: which tracepoints there are is seen from the names alone, as those of
 * their types (btf_trace_NAME) are names of nothing else. */
#include "record/kernel_types.h"

#include <bpf/btf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

enum { MAX_NAMES = 64 << 20 };

struct kernel_types {
	struct btf *btf; /* owned; NULL: not read */
	char *names; /* owned; all of them, each with a NUL before and behind it; NULL: not read */
	size_t n_names; /* bytes */
};

struct kernel_types *kernel_types_new(void)
{
	return xcalloc(1, sizeof(struct kernel_types));
}

void kernel_types_rest(struct kernel_types *k)
{
	btf__free(k->btf);
	free(k->names);
	*k = (struct kernel_types){ NULL, NULL, 0 };
}

void kernel_types_free(struct kernel_types *k)
{
	if (!k)
		return;
	kernel_types_rest(k);
	free(k);
}

static bool read_at(int fd, void *to, size_t n, off_t at)
{
	ssize_t got;

	for (; n; n -= (size_t)got, at += got, to = (char *)to + got) {
		got = pread(fd, to, n, at);
		if (got <= 0)
			return false;
	}
	return true;
}

/* Documentation/bpf/btf.rst; all of it starts with a NUL, the empty name. */
static void read_names(struct kernel_types *k, int fd)
{
	struct btf_header h;

	if (!read_at(fd, &h, sizeof(h), 0) || h.magic != BTF_MAGIC || !h.str_len ||
		h.str_len > MAX_NAMES)
		return;
	k->names = xrealloc(NULL, h.str_len, 1);
	k->n_names = h.str_len;
	if (read_at(fd, k->names, h.str_len, (off_t)h.hdr_len + h.str_off))
		return;
	free(k->names);
	k->names = NULL;
}

static bool has_names(struct kernel_types *k)
{
	int fd = k->names ? -1 : open(KERNEL_BTF, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		read_names(k, fd);
		close(fd);
	}
	return k->names;
}

static bool has_types(struct kernel_types *k)
{
	if (!k->btf)
		k->btf = btf__load_vmlinux_btf();
	return k->btf;
}

bool kernel_types_has_tracepoint(struct kernel_types *k, const char *tracepoint)
{
	char name[128];
	int len = snprintf(name, sizeof(name), "%cbtf_trace_%s", 0, tracepoint);

	if ((size_t)len >= sizeof(name) || (!k->btf && !has_names(k) && !has_types(k)))
		return true;
	if (k->btf)
		return btf__find_by_name_kind(k->btf, name + 1, BTF_KIND_TYPEDEF) > 0;
	return memmem(k->names, k->n_names, name, (size_t)len + 1) != NULL;
}

int kernel_types_arguments(struct kernel_types *k, const char *tracepoint)
{
	const struct btf_type *t;
	char name[128];
	int id;

	if (!has_types(k))
		return -1;
	snprintf(name, sizeof(name), "btf_trace_%s", tracepoint);
	id = btf__find_by_name_kind(k->btf, name, BTF_KIND_TYPEDEF);
	if (id <= 0)
		return -1;
	t = btf__type_by_id(k->btf, (uint32_t)id);
	t = btf__type_by_id(k->btf, t->type); /* a pointer... */
	t = btf__type_by_id(k->btf, t->type); /* ...to a function */
	return btf_is_func_proto(t) ? btf_vlen(t) - 1 : -1;
}

int kernel_types_enum(struct kernel_types *k, const char *enumeration, const char *word)
{
	const struct btf_type *t;
	const struct btf_enum *e;
	int id;

	if (!has_types(k))
		return -1;
	id = btf__find_by_name_kind(k->btf, enumeration, BTF_KIND_ENUM);
	if (id <= 0)
		return -1;
	t = btf__type_by_id(k->btf, (uint32_t)id);
	e = btf_enum(t);
	for (int i = 0; i < btf_vlen(t); i++)
		if (strcmp(btf__name_by_offset(k->btf, e[i].name_off), word) == 0)
			return e[i].val;
	return -1;
}
