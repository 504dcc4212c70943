#include "format/base/option_table.h"

#include <stdbool.h>
#include <string.h>

/* What libc's argp adds by itself and keeps where nobody can read it. */
static const struct argp_option built_in[] = {
	{ "help", '?', NULL, 0, "Give this help list", 0 },
	{ "usage", 0, NULL, 0, "Give a short usage message", 0 },
	{ "version", 'V', NULL, 0, "Print program version", 0 },
	{ 0 },
};

static bool is_end(const struct argp_option *o)
{
	return !o->name && !o->key && !o->doc && !o->group;
}

static bool is_group(const struct argp_option *o)
{
	return !o->name && !o->key;
}

/* Keys that no one can type stand for options without a letter. */
static void print_option(FILE *out, const struct argp_option *o)
{
	char letter[3] = "-";

	if (o->key > ' ' && o->key < 127)
		snprintf(letter, sizeof(letter), "-%c", o->key);
	fprintf(out, "option\t%s\t%s%s\t%s\t%s\n", letter, o->name ? "--" : "-",
		o->name ? o->name : "", o->arg ? o->arg : "-", o->doc);
}

static void print_options(FILE *out, const struct argp_option *o)
{
	for (; !is_end(o); o++) {
		if (is_group(o))
			fprintf(out, "group\t%s\n", o->doc);
		else if (!(o->flags & OPTION_HIDDEN))
			print_option(out, o);
	}
}

static void print_list(FILE *out, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, "\n");

		if (strspn(text, " ") < (size_t)len)
			fprintf(out, "list\t%.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

void option_table_print(FILE *out, const struct argp *argp)
{
	int len = (int)strcspn(argp->doc, "\v");

	fprintf(out, "about\t%.*s\n", len, argp->doc);
	fprintf(out, "args\t%s\n", argp->args_doc);
	print_options(out, argp->options);
	fprintf(out, "group\tHelp\n");
	print_options(out, built_in);
	if (argp->doc[len])
		print_list(out, argp->doc + len + 1);
}

int option_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (int i = 0;; i++) {
		size_t n = strcspn(words, "|");

		if (n == len && strncmp(words, word, n) == 0)
			return i;
		if (!words[n])
			return -1;
		words += n + 1;
	}
}
