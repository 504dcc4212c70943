/* Debug files from the servers in DEBUGINFOD_URLS, for binaries that have none here. Without that variable
 * nothing is asked of anybody. elfutils' library does it and keeps what it got below
 * ~/.cache/debuginfod_client; it is loaded when first needed, so nobody who does not want it depends on it
 * (https://sourceware.org/elfutils/Debuginfod.html). */
#ifndef SYMBOLS_DEBUGINFOD_H
#define SYMBOLS_DEBUGINFOD_H

#include "format/symbols/build_id.h"

/* Opens the debug file of a build id; the caller checks that it is that. Blocks, DEBUGINFOD_FILE_S seconds at
 * the most, in all calls together DEBUGINFOD_ALL_S. -ENOENT when nobody is to be asked or has it, -ENOSYS
 * without the library, -ETIMEDOUT, others from the network. */
enum { DEBUGINFOD_FILE_S = 20, DEBUGINFOD_ALL_S = 60 };
int debuginfod_open(const struct build_id *id, struct err *err);

/* The same for the program or library itself. */
int debuginfod_open_program(const struct build_id *id, struct err *err);

#endif
