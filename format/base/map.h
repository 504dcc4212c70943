/* A hash map from 64-bit keys to 32-bit values, for interning and counting by number.
 *
 * Open addressing with linear probing, a power of two of slots, at most 3/4 full. Key and value
 * are free to be anything. A map may be given all its memory at the start (map_init_reserved), so
 * that the recording loop never allocates; a part that is not used costs no pages. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	uint64_t key;
	uint32_t value;
	uint32_t used; /* equals the map's generation when the slot holds something */
};

struct map {
	struct map_slot *slots;  /* a power of two of them */
	struct map_slot *memory; /* owned; slots lie in it */
	uint32_t mask;           /* slots - 1 */
	uint32_t count;
	uint32_t generation;
	uint32_t reserved; /* slots that memory has room for when it was reserved, or 0 */
};

/* Room for n entries before it grows. */
void map_init(struct map *m, uint32_t n);

/* Memory for n entries, taken now; small at first all the same, as a small table is in the cache. It
 * must not get more than n entries. */
void map_init_reserved(struct map *m, uint32_t n);
void map_done(struct map *m);

/* Forgets all entries in constant time. */
void map_clear(struct map *m);

/* The value's place, or NULL. Valid until the next map_put. */
uint32_t *map_get(const struct map *m, uint64_t key);

/* The value's place, made with value 0 if it was not there; *is_new tells (may be NULL). */
uint32_t *map_put(struct map *m, uint64_t key, bool *is_new);

/* Mixes all bits of x into all bits of the result (the finalizer of MurmurHash3). */
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ x >> 33;
}

/* A 64-bit hash of bytes, eight at a time. Not against an adversary who picks collisions: who
 * stores by it must compare the bytes themselves. */
uint64_t hash_bytes(const void *data, size_t len);

#endif
