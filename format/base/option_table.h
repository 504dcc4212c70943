/* The options of a program as lines that scripts read: manuals, completion and tests are made from
 * what the program itself takes, and from nothing else. */
#ifndef BASE_OPTION_TABLE_H
#define BASE_OPTION_TABLE_H

#include <argp.h>
#include <stdio.h>

/* Writes what --help would show, with tabs between the fields and "-" for an empty one:
 *
 *	about TEXT                       what it is for
 *	args TEXT                        what follows the options
 *	group TEXT                       the options behind it belong together
 *	option SHORT LONG ARG DOC        hidden ones are left out
 *	list TEXT                        a line of what stands behind the options
 *
 * An ARG of words with | between them, "fp|none", is all that the option takes. */
void option_table_print(FILE *out, const struct argp *argp);

/* The place of a word among such words, or -1. */
int option_word(const char *words, const char *word);

#endif
