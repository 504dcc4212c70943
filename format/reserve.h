/* Room on the disk that a file has before it is written, so that a recording whose disk fills up learns of it
 * while there is room for what is still on its way, mostly for all of that, and always for its end.
 *
 * File systems that cannot do so, and what is no file, have no reserve. */
#ifndef FORMAT_RESERVE_H
#define FORMAT_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

enum { RESERVE_BYTES = 2 << 20 }; /* what a file has ahead of it at the least when it begins */

struct reserve {
	int fd;         /* borrowed; -1: there is none */
	uint64_t until; /* so long the file can become */
	uint64_t limit; /* and no longer should, but for its end; UINT64_MAX: there is no limit */
	uint64_t
		ahead; /* how much room is wanted; grows with the rate of writing. 0: none, or no longer */
	uint64_t most; /* more is never wanted */
	uint64_t last_ns;
};

/* A file that has none. */
struct reserve reserve_none(void);

/* Takes RESERVE_BYTES, or `limit` if that is less (0: no limit), for a file that is empty. 0, also where there
 * can be no reserve; -ENOSPC or -EDQUOT. */
int reserve_begin(struct reserve *r, int fd, uint64_t limit);

/* The file will soon have so many bytes: takes more room where less than half of what is wanted is ahead of it. Up to
 * the limit, beyond it only for a file that needs it.
 * -ENOSPC or -EDQUOT: there is no more, what was taken before is left; otherwise 0. */
int reserve_keep(struct reserve *r, uint64_t bytes);

/* From now on no more is wanted ahead than what a file begins with. False: that is so already. */
bool reserve_modestly(struct reserve *r);

/* How long the file can become; UINT64_MAX: that is not known. */
uint64_t reserve_until(const struct reserve *r);

/* Gives back what is behind the file's end. */
void reserve_end(struct reserve *r);

/* Takes room for a file of that size, which is empty. As reserve_begin. */
int reserve_whole(int fd, uint64_t bytes);

#endif
