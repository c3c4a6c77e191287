/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum that Cloud Storage keeps of every object: there it stands
 * in base64, big-endian. Uses the processor's instruction where there is one.
 */
#ifndef SLUICE_LIB_CRC32C_H
#define SLUICE_LIB_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what came before, 0 at the start, continued over n bytes more. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);

/* The same by tables alone: what crc32c does on a processor without the instruction. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t n);

#endif
