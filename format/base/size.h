/* Sizes as people write them. */
#ifndef BASE_SIZE_H
#define BASE_SIZE_H

#include <stdint.h>

/* "100K", "64M", "1.5G", "2T", also with B or iB behind: powers of 1024. -EINVAL without a unit (seconds
 * have the same numbers), for anything else, or for more than 2^60. */
int size_parse(const char *text, uint64_t *bytes);

/* "1.2 MiB"; gives the text. */
const char *size_text(uint64_t bytes, char text[32]);

#endif
