/* The one place where an error's words are put together. */
#include "format/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_write(struct err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

void err_write_errno(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	snprintf(err->text + n, sizeof(err->text) - n, ": %s", strerror(code));
}

void err_write_step(struct err *err, const char *fmt, ...)
{
	char step[sizeof(err->text)];
	va_list ap;
	size_t n, rest;

	if (!err)
		return;
	va_start(ap, fmt);
	vsnprintf(step, sizeof(step) - 2, fmt, ap);
	va_end(ap);
	n = strlen(step);
	memcpy(step + n, ": ", 2);
	n += 2;
	rest = strnlen(err->text, sizeof(err->text) - 1 - n);
	memmove(err->text + n, err->text, rest);
	memcpy(err->text, step, n);
	err->text[n + rest] = '\0';
}
