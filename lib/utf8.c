#include "lib/utf8.h"

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The index of the first byte >= 0x80 in [i, n), or n. Most text is ASCII. */
static inline size_t skip_ascii(const unsigned char *s, size_t i, size_t n)
{
#ifdef __SSE2__
	for (; n - i >= 16; i += 16) {
		int high =
			_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(const void *)(s + i)));

		if (high)
			return i + (size_t)__builtin_ctz((unsigned)high);
	}
#else
	for (; n - i >= 8; i += 8) {
		uint64_t word;

		memcpy(&word, s + i, 8);
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
#endif
	while (i < n && s[i] < 0x80)
		i++;
	return i;
}

/*
 * The length of the multi-byte character at s, or 0 when it is invalid or cut
 * off. Only the second byte's range depends on the first (table 3-7 of the
 * Unicode standard); that is where overlongs, surrogates and the ceiling lie.
 */
static inline size_t character(const unsigned char *s, size_t left)
{
	unsigned char lead = s[0], low = 0x80, high = 0xBF;
	size_t length;

	if (lead < 0xC2 || lead > 0xF4)
		return 0;
	length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	if (length > left)
		return 0;
	if (lead == 0xE0)
		low = 0xA0;
	else if (lead == 0xED)
		high = 0x9F;
	else if (lead == 0xF0)
		low = 0x90;
	else if (lead == 0xF4)
		high = 0x8F;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	return length;
}

size_t utf8_valid_prefix(const char *p, size_t n)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t i = 0, length;

	for (;;) {
		i = skip_ascii(s, i, n);
		/* Text in other scripts comes in runs: stay here while it lasts. */
		do {
			if (i == n)
				return n;
			length = character(s + i, n - i);
			if (!length)
				return i;
			i += length;
		} while (i < n && s[i] >= 0x80);
	}
}

size_t utf8_cut(const char *p, size_t n, size_t max)
{
	if (n <= max)
		return n;
	while (max > 0 && ((unsigned char)p[max] & 0xC0) == 0x80)
		max--;
	return max;
}

char *utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xC0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		*out++ = (char)(0xE0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3F));
		*out++ = (char)(0x80 | (c & 0x3F));
	} else {
		*out++ = (char)(0xF0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3F));
		*out++ = (char)(0x80 | (c >> 6 & 0x3F));
		*out++ = (char)(0x80 | (c & 0x3F));
	}
	return out;
}
