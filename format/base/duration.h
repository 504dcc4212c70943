/* Durations as people write them. */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdint.h>

/* "10", "1.5s", "200ms", "3us", "7ns", "2m", "1h", "1d"; a bare number means seconds. -EINVAL if it
 * is none of these, is negative or longer than 30 years. */
int duration_parse(const char *text, uint64_t *ns);

#endif
