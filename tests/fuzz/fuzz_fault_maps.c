/* A line of /proc/PID/maps, in which a process chooses the file's name, and the text of smaps_rollup. A path
 * that is found begins with a slash and has no newline. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record/fault_mapping.h"
#include "record/fault_spaces.h"
#include "record/memory_watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(const char *text, size_t size, uint64_t address)
{
	char *line = strndup(text, size);
	const char *path = fault_mapping_path(line, address,
		"a-name-of-more-than-thirty-nine-bytes-i");

	if (path && (path[0] != '/' || strchr(path, '\n')))
		abort();
	free(line);
	line = strndup(text, size);
	path = fault_mapping_path(line, address, "libc.so.6");
	if (path && (path[0] != '/' || strchr(path, '\n')))
		abort();
	free(line);
}

static void check_area(const char *text, size_t size)
{
	char *line = strndup(text, size);
	struct fault_area_known a;
	const char *name;

	if (fault_spaces_parse(line, &a, &name) && strchr(name, '\n'))
		abort();
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	uint64_t referenced = 0;

	check_path((const char *)data, size, 0x1000);
	check_path((const char *)data, size, UINT64_MAX);
	check_area((const char *)data, size);
	if (memory_watch_parse(text, &referenced) && referenced % 1024)
		abort();
	free(text);
	return 0;
}
