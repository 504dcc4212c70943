/* Traces, and what belongs to them, out of archives: .tar (with gzip, zstd, xz, bzip2 or without), .zip, and single
 * compressed files.
 *
 * An archive comes from anyone. Nothing of it ever gets a name on this machine: what is wanted is unpacked into
 * files without one, which are gone with their descriptors, however the program ends. There are limits to what
 * it may unpack to, in itself and compared to its size; only two simple formats are understood, each
 * compressed once at the most, and archives in archives are not opened. The rest is libarchive's, which was made
 * for such files. */
#ifndef ANALYZE_ARCHIVE_H
#define ANALYZE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/err.h"

enum {
	ARCHIVE_HEAD = 16, /* bytes of a member that decide what it is */
	ARCHIVE_MAX_MEMBERS = 1 << 16,
	ARCHIVE_RATIO = 200,      /* may unpack to so many times its size... */
	ARCHIVE_SPARE = 64 << 20, /* ...and so many bytes, */
	ARCHIVE_MAX_GIB = 64,     /* but never to more than this; nor is more taken out of a pipe */
};

/* Whether it is one, by its first bytes. Leaves the file's position alone. */
bool archive_is(int fd);

/* The same for standard input and the like, at their start. An archive that comes through a pipe or a socket, which
 * cannot be read twice, is put into a file without a name that takes the descriptor's place: all of it has come
 * then. What is none is not touched. 1 if it is an archive, 0 if not; or a negative errno, with a sentence. Waits for
 * the first bytes. */
int archive_settle(int fd, struct err *err);

/* Whether a member begins as an archive does. */
bool archive_is_head(const void *head, size_t n);

struct archive_member {
	const char *name; /* in the archive; "" if it has none, as of a single compressed file */
	uint8_t head[ARCHIVE_HEAD];
	size_t n_head;
};

struct archive_visitor {
	/* Whether it is to be unpacked. */
	bool (*wants)(void *ctx, const struct archive_member *m);
	/* Here it is, from its start; the descriptor is the visitor's now. Not 0 ends the visit. */
	int (*take)(void *ctx, const struct archive_member *m, int fd, struct err *err);
	void *ctx;
	/* Bytes that may be decompressed to find out what else there is; 0: any number. */
	uint64_t most_unwanted;
};

/* As many open files as the system lets us have: each that is unpacked is one. */
void archive_allow_files(void);

/* Shows all regular files of an archive, in its order. fd is a regular file; its position moves not. 0, what `take`
 * ended it with, or -EBADMSG and what is wrong: damaged, encrypted, a member's name leads out of it, it is too large
 * unpacked; -ECANCELED if more than most_unwanted bytes are of no use. Other errors are of the files
 * that are unpacked to (TMPDIR, else /var/tmp). */
int archive_visit(int fd, const struct archive_visitor *v, struct err *err);

#endif
