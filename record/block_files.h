/* What the files are called that requests to disks are for. The kernel's programs tell the names once for a file;
 * where they may not read them (a kernel that is locked down) the descriptors of who asks are looked at. */
#ifndef RECORD_BLOCK_FILES_H
#define RECORD_BLOCK_FILES_H

#include "format/writer.h"
#include "record/mounts.h"
#include "specs/ring_block.h"

enum { BLOCK_FILE_PATH = 4096 };

struct block_files;

/* Subvolumes of btrfs share the device, and numbers of inodes, of which the generation differs (but for snapshots:
 * those have it of what they were made of). */
struct block_file {
	uint32_t device, generation;
	uint64_t inode;
};

/* The writer is borrowed. */
struct block_files *block_files_new(struct writer *w);
void block_files_free(struct block_files *f);

/* What a program told, of which nothing is believed. True if so many are known that all were forgotten but
 * this one: then the programs should tell all once more. */
bool block_files_learn(struct block_files *f, const struct ring_block_file *told);

/* The path as a string of the present segment; 0: not known. With a pid, that process's descriptors are looked
 * at, once for a file. */
uint32_t block_files_string(struct block_files *f, const struct block_file *id, uint32_t pid);

/* The path that was told: of a file system that is mounted, "/srv/data/file"; ".../data/file" if the names are
 * not all there. `to` has BLOCK_FILE_PATH bytes; its length, 0 if there is none. */
size_t block_file_path(const struct ring_block_file *told, struct mounts *m, char *to);

#endif
