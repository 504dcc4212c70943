/* Disks and their partitions, by name and by number, as /sys/class/block tells. */
#ifndef RECORD_DISKS_H
#define RECORD_DISKS_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/err.h"

/* A device number as the kernel has it inside: 12 bits major, 20 bits minor. */
static inline uint32_t disk_number(uint32_t major, uint32_t minor)
{
	return major << 20 | minor;
}

struct disk {
	uint32_t number;
	char name[32];
	bool has_requests; /* or hands everything on to others: zram, dm, md */
};

/* A disk or partition: "vda1", "/dev/disk/by-label/data", "254:1". -ENODEV with the names that there are. */
int disk_find(const char *text, struct disk *d, struct err *err);

/* The name of a device, "254:1" if it has none; `name` has 32 bytes. */
void disk_name(uint32_t number, char *name);

/* Where a device lies: the number of its disk, and its sectors there, [from, to); a disk is all of itself. */
struct disk_extent {
	uint32_t disk;
	uint64_t from, to;
};
struct disk_extent disk_extent(uint32_t number);

/* How many requests a disk has that are not complete. */
uint64_t disk_inflight(uint32_t number);

#endif
