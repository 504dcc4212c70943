#include "tests/unit/built.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/support.h"

static char dir[] = "/tmp/test-built-XXXXXX";
static bool have;

const char *built_folder(void)
{
	static bool made;

	if (!made)
		assert_non_null(mkdtemp(dir));
	made = true;
	return dir;
}

const char *in_dir(const char *name)
{
	static char path[4][256];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", built_folder(), name);
	return path[turn];
}

__attribute__((format(printf, 1, 0))) static int run(const char *fmt, va_list ap)
{
	char command[2048], in_folder[2200];

	vsnprintf(command, sizeof(command), fmt, ap);
	snprintf(in_folder, sizeof(in_folder), "cd %s && { %s; } >>log 2>&1", built_folder(),
		command);
	return system(in_folder);
}

int sh(const char *fmt, ...)
{
	va_list ap;
	int status;

	va_start(ap, fmt);
	status = run(fmt, ap);
	va_end(ap);
	return status;
}

void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

bool built(const char *what, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	have = run(fmt, ap) == 0;
	va_end(ap);
	if (!have)
		print_message("no %s could be made (gcc and binutils needed), see %s/log\n", what,
			built_folder());
	return have;
}

void need_compiler(void)
{
	if (!have)
		skip();
}

int remove_built(void **state)
{
	(void)state;
	return have ? sh("rm -rf %s", built_folder()) : 0;
}
