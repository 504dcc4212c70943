/* CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 appendix B.4), the checksum of
 * iSCSI, ext4 and of every trace block. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of data that follows bytes whose CRC is `crc` (0 for none). Uses the processor's
 * instruction where there is one. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same without special instructions; the tests hold the two against each other. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
