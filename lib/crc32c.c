#include "lib/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

/* The polynomial 0x1EDC6F41 with its bits reversed. */
#define POLYNOMIAL 0x82f63b78u

/* tables[k][b]: the remainder of byte b with k zero bytes behind it, so that eight bytes need no chain of look-ups. */
static uint32_t tables[8][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t crc = b;

		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][b] = crc;
	}
	for (size_t k = 1; k < 8; k++)
		for (size_t b = 0; b < 256; b++)
			tables[k][b] = (tables[k - 1][b] >> 8) ^ tables[0][tables[k - 1][b] & 0xff];
}

uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t n)
{
	const unsigned char *p = data;

	pthread_once(&tables_once, make_tables);
	crc = ~crc;
	for (; n >= 8; n -= 8, p += 8)
		crc = tables[7][(crc ^ p[0]) & 0xff] ^ tables[6][(crc >> 8 ^ p[1]) & 0xff] ^
		      tables[5][(crc >> 16 ^ p[2]) & 0xff] ^ tables[4][(crc >> 24 ^ p[3]) & 0xff] ^
		      tables[3][p[4]] ^ tables[2][p[5]] ^ tables[1][p[6]] ^ tables[0][p[7]];
	for (; n > 0; n--, p++)
		crc = (crc >> 8) ^ tables[0][(crc ^ *p) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *data,
								 size_t n)
{
	const unsigned char *p = data;
	uint64_t wide = ~crc;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, sizeof(word));
		wide = __builtin_ia32_crc32di(wide, word);
	}
	crc = (uint32_t)wide;
	for (; n > 0; n--, p++)
		crc = __builtin_ia32_crc32qi(crc, *p);
	return ~crc;
}

static bool has_instruction(void)
{
	return __builtin_cpu_supports("sse4.2");
}

#else

static uint32_t by_instruction(uint32_t crc, const void *data, size_t n)
{
	return crc32c_by_table(crc, data, n);
}

static bool has_instruction(void)
{
	return false;
}

#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t n)
{
	return has_instruction() ? by_instruction(crc, data, n) : crc32c_by_table(crc, data, n);
}
