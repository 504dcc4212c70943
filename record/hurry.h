/* Signals while a recording that has ended is written.
 *
 * The first signal ended it. The next one, of whatever kind, asks not to wait any longer, neither for names nor for
 * the command: the trace gets its index and rec dies of the signal. One more ends it at once, as when the disk does
 * not take what is written. */
#ifndef RECORD_HURRY_H
#define RECORD_HURRY_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP are taken so, unless they are ignored. Before that they are blocked. */
void hurry_watch(void);

/* Whether one has come. */
bool hurry_asked(void);

/* The trace is whole: dies of the signal that has come; from now on, any other ends the program at once. */
void hurry_end(void);

#endif
