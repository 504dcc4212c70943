/* Whose page a fault was about, as a mapping of the trace.
 *
 * The kernel's program tells a file by device, inode and the last part of its name; the whole path is in the
 * maps of the process, if that is still there when its first fault on the file is handled. */
#ifndef RECORD_FAULT_MAPPING_H
#define RECORD_FAULT_MAPPING_H

#include "record/image.h"
#include "specs/ring_fault.h"

struct fault_mappings;

/* images, borrowed, may know a file that processes execute by its path when the process is gone. */
struct fault_mappings *fault_mappings_new(struct writer *w, const struct images *images);
void fault_mappings_free(struct fault_mappings *m);

/* The mapping's number in the writer's present segment; 0: not known. */
uint32_t fault_mapping(struct fault_mappings *m, const struct fault_record *r);

/* Finds the path of the file that a line of /proc/PID/maps tells of, if the line is about this address and
 * its file is called `name`, which may be cut; NULL otherwise. The line is changed. */
const char *fault_mapping_path(char *line, uint64_t address, const char *name);

#endif
