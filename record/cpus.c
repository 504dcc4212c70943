/* CPU lists as /sys writes them. */
#include "record/cpus.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/base/arena.h"

enum { MOST = 1 << 16 };

uint32_t cpus_parse(const char *list, int **cpus)
{
	uint32_t n = 0;

	*cpus = NULL;
	while (*list >= '0' && *list <= '9') {
		char *end;
		long first = strtol(list, &end, 10), last = first;

		if (*end == '-')
			last = strtol(end + 1, &end, 10);
		if (last < first || last >= MOST || n + (uint32_t)(last - first) >= MOST)
			break;
		*cpus = xrealloc(*cpus, n + (size_t)(last - first) + 1, sizeof(int));
		for (long cpu = first; cpu <= last; cpu++)
			(*cpus)[n++] = (int)cpu;
		list = *end == ',' ? end + 1 : end;
	}
	return n;
}

static uint32_t read_list(const char *path, int **cpus)
{
	char text[8192] = "";
	FILE *f = fopen(path, "re");
	uint32_t n;

	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	n = cpus_parse(text, cpus);
	if (n)
		return n;
	*cpus = xcalloc(1, sizeof(int)); /* there is one, as we are running */
	return 1;
}

uint32_t cpus_online(int **cpus)
{
	return read_list("/sys/devices/system/cpu/online", cpus);
}

uint32_t cpus_possible(void)
{
	int *cpus;
	uint32_t n = read_list("/sys/devices/system/cpu/possible", &cpus);
	uint32_t last = (uint32_t)cpus[n - 1] + 1;

	free(cpus);
	return last;
}
