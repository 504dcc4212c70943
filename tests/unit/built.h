/* Binaries that a test has compiled, in a folder of its own. Tests of them are skipped where there is no compiler. */
#ifndef TESTS_UNIT_BUILT_H
#define TESTS_UNIT_BUILT_H

#include <stdbool.h>

/* Makes the folder, whose name stays the same from then on. */
const char *built_folder(void);

/* A path in the folder; holds until four others have been asked for. */
const char *in_dir(const char *name);

/* In the folder, with what it says in a file `log`; the command's status. */
__attribute__((format(printf, 1, 2))) int sh(const char *fmt, ...);

void write_file(const char *path, const char *text);

/* Compiles by the command, in the folder; says that `what` could not be made if it fails. Whether it was. */
__attribute__((format(printf, 2, 3))) bool built(const char *what, const char *fmt, ...);

/* Skips the test if it was not. */
void need_compiler(void);

/* Takes the folder away; a teardown of a group. */
int remove_built(void **state);

#endif
