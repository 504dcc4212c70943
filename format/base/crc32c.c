/* The instruction works on eight bytes in three cycles but can start one each cycle, so long
 * input is cut into three lanes whose CRCs are joined by multiplying with a constant power of x
 * (Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", 2011).
 * The joining tables are computed once, as is the portable slicing table. */
#include "format/base/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

enum { LANE = 1024 };

static uint32_t slices[8][256];
static uint32_t shift_lane[4][256]; /* the effect of LANE zero bytes, for each byte of a CRC */
static bool hardware;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t crc_bytewise(uint32_t c, const uint8_t *p, size_t len)
{
	while (len--)
		c = slices[0][(c ^ *p++) & 255] ^ c >> 8;
	return c;
}

static void init_slices(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
		slices[0][i] = c;
	}
	for (int s = 1; s < 8; s++)
		for (int i = 0; i < 256; i++)
			slices[s][i] = slices[0][slices[s - 1][i] & 255] ^ slices[s - 1][i] >> 8;
}

static void init(void)
{
	static const uint8_t zeros[LANE];

	init_slices();
	for (int b = 0; b < 4; b++)
		for (uint32_t i = 0; i < 256; i++)
			shift_lane[b][i] = crc_bytewise(i << 8 * b, zeros, LANE);
#ifdef __x86_64__
	hardware = __builtin_cpu_supports("sse4.2");
#endif
}

static uint32_t crc_sliced(uint32_t c, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		v ^= c;
		c = slices[7][v & 255] ^ slices[6][v >> 8 & 255] ^ slices[5][v >> 16 & 255] ^
			slices[4][v >> 24 & 255] ^ slices[3][v >> 32 & 255] ^
			slices[2][v >> 40 & 255] ^ slices[1][v >> 48 & 255] ^ slices[0][v >> 56];
	}
	return crc_bytewise(c, p, len);
}

#ifdef __x86_64__
static uint32_t skip_lane(uint32_t c)
{
	return shift_lane[0][c & 255] ^ shift_lane[1][c >> 8 & 255] ^ shift_lane[2][c >> 16 & 255] ^
		shift_lane[3][c >> 24];
}

static inline uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

__attribute__((target("sse4.2"))) static uint32_t crc_hardware(uint32_t crc, const uint8_t *p,
	size_t len)
{
	uint64_t c = crc;

	for (; len >= (size_t)LANE * 3; p += (size_t)LANE * 3, len -= (size_t)LANE * 3) {
		uint64_t c1 = 0, c2 = 0;

		for (size_t i = 0; i < LANE; i += 8) {
			c = __builtin_ia32_crc32di(c, load(p + i));
			c1 = __builtin_ia32_crc32di(c1, load(p + LANE + i));
			c2 = __builtin_ia32_crc32di(c2, load(p + (size_t)LANE * 2 + i));
		}
		c = skip_lane((uint32_t)c) ^ c1;
		c = skip_lane((uint32_t)c) ^ c2;
	}
	for (; len >= 8; p += 8, len -= 8)
		c = __builtin_ia32_crc32di(c, load(p));
	while (len--)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
	return (uint32_t)c;
}
#endif

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	pthread_once(&once, init);
	return ~crc_sliced(~crc, data, len);
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
	pthread_once(&once, init);
#ifdef __x86_64__
	if (hardware)
		return ~crc_hardware(~crc, data, len);
#endif
	return ~crc_sliced(~crc, data, len);
}
