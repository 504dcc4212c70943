#include "analyze/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NAMES_SHOWN = 3 };

/* ---- folders ---- */

static int is_trace_name(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 4 && strcmp(e->d_name + len - 4, ".rec") == 0;
}

/* Not alphasort: the order must not depend on the user's language. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void add_file(struct file_list *list, const char *path)
{
	list->files = xrealloc(list->files, list->n + 1, sizeof(*list->files));
	list->files[list->n++] = path;
}

static int add_folder(struct file_list *list, const char *folder, struct arena *a, struct err *err)
{
	uint32_t before = list->n;
	struct dirent **names;
	int n = scandir(folder, &names, is_trace_name, by_name);

	if (n < 0)
		return err_errno(err, errno, "folder '%s'", folder);
	for (int i = 0; i < n; i++) {
		const char *path = arena_printf(a, "%s/%s", folder, names[i]->d_name);

		if (!is_folder(path))
			add_file(list, path);
		free(names[i]);
	}
	free(names);
	if (list->n == before)
		return err_set(err, ENOENT, "'%s' is a directory without traces (*.rec)", folder);
	return 0;
}

int inputs_list(struct file_list *list, const char *const *words, uint32_t n, struct arena *a,
	struct err *err)
{
	*list = (struct file_list){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		int rc = 0;

		if (strcmp(words[i], "-") != 0 && is_folder(words[i]))
			rc = add_folder(list, words[i], a, err);
		else
			add_file(list, words[i]);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- opening ---- */

static int open_files(struct inputs *in, const struct file_list *list, struct err *err)
{
	in->readers = xcalloc(list->n, sizeof(struct reader *));
	for (in->n = 0; in->n < list->n; in->n++) {
		in->readers[in->n] = reader_open(list->files[in->n], err);
		if (!in->readers[in->n])
			return -EIO;
	}
	return 0;
}

int inputs_open(struct inputs *in, const char *const *words, uint32_t n, struct err *err)
{
	struct arena a = { 0 };
	struct file_list list;
	int rc = inputs_list(&list, words, n, &a, err);

	if (!rc)
		rc = open_files(in, &list, err);
	free(list.files);
	arena_done(&a);
	return rc;
}

void inputs_close(struct inputs *in)
{
	for (uint32_t i = 0; i < in->n; i++)
		reader_close(in->readers[i]);
	free(in->readers);
	memset(in, 0, sizeof(*in));
}

int inputs_start(struct inputs *in, uint64_t *start_ns, struct err *err)
{
	for (uint32_t i = 0; i < in->n; i++) {
		int rc = reader_begin(in->readers[i], err);

		if (rc)
			return rc;
	}
	readers_align(in->readers, in->n);
	*start_ns = readers_start(in->readers, in->n);
	return 0;
}

bool inputs_several_machines(const struct inputs *in)
{
	const struct segment_clock *first = reader_clock(in->readers[0], 0);

	for (uint32_t i = 0; i < in->n; i++)
		for (uint32_t k = 0; k < reader_n_segments(in->readers[i]); k++)
			if (!segment_same_boot(first, reader_clock(in->readers[i], k)))
				return true;
	return false;
}

const char *inputs_names(const struct inputs *in, struct arena *a)
{
	const char *names = "";

	for (uint32_t i = 0; i < in->n && i < NAMES_SHOWN; i++)
		names = arena_printf(a, "%s%s%s", names, i ? ", " : "",
			basename(reader_name(in->readers[i])));
	if (in->n > NAMES_SHOWN)
		names = arena_printf(a, "%s and %u more", names, in->n - NAMES_SHOWN);
	return names;
}

const char *inputs_subtitle(const struct inputs *in, struct arena *a)
{
	const struct segment *s = reader_declarations(in->readers[0], 0);
	struct text host = segment_info(s, "machine.host");
	struct text command = segment_info(s, "target.command");
	const char *text = inputs_names(in, a);

	if (command.len)
		text = arena_printf(a, "%s: %.*s", text, (int)command.len, command.s);
	if (host.len)
		text = arena_printf(a, "%s, on %.*s", text, (int)host.len, host.s);
	return text;
}
