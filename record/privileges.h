/* Giving up rights that a recording no longer needs once everything is open. */
#ifndef RECORD_PRIVILEGES_H
#define RECORD_PRIVILEGES_H

#include <stdbool.h>
#include <stdint.h>

/* Capabilities that the headers of older systems lack: since Linux 5.8 and 5.9. */
enum {
	PRIVILEGE_PERFMON = 38,
	PRIVILEGE_BPF = 39,
	PRIVILEGE_CHECKPOINT_RESTORE = 40, /* /proc/PID/map_files */
};

/* Keeps of what the calling thread is allowed only what reading other processes' mappings and files and
 * opening further events take (and, with `signals`, ending the command whoever it has become; with
 * `files`, making further files wherever the first could be made, and writing other users' files); no program it may
 * start gets more. Threads started later have the same rights. Does nothing for ordinary users. */
void privileges_drop(bool signals, bool files);

/* Whether the calling thread has a capability (CAP_..., PRIVILEGE_...) now. */
bool privileges_has(unsigned capability);

#endif
