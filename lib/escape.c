#include "lib/escape.h"

#include <string.h>

#include "lib/utf8.h"

const char *escape_hex(const char *p, unsigned *ret)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++, p++) {
		unsigned char ch = (unsigned char)*p;

		if (ch >= '0' && ch <= '9')
			value = value * 16 + ch - '0';
		else if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f')
			value = value * 16 + (ch | 0x20) - 'a' + 10;
		else
			return NULL;
	}
	*ret = value;
	return p;
}

/* Behind "\u"; two of them for what lies beyond the first 65,536 characters. */
static const char *unicode(const char *p, const char *end, unsigned *ret)
{
	const char *behind;
	unsigned second = 0;

	p = escape_hex(p, ret);
	if (!p || *ret < 0xd800 || *ret > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return p;
	behind = escape_hex(p + 2, &second);
	if (!behind || second < 0xdc00 || second > 0xdfff)
		return p;
	*ret = 0x10000 + ((*ret - 0xd800) << 10) + (second - 0xdc00);
	return behind;
}

size_t escape_decode(const char *p, size_t n, char *out, size_t max)
{
	static const char letters[] = "bfnrt", means[] = "\b\f\n\r\t";
	const char *end = p + n, *letter;
	size_t length = 0;

	while (p < end && length < max) {
		char bytes[4] = { *p };
		size_t count = 1;
		unsigned c;

		if (*p++ == '\\') {
			if (*p == 'u') {
				p = unicode(p + 1, end, &c);
				if (!p)
					break;
				count = (size_t)(utf8_put(bytes, c) - bytes);
			} else {
				letter = strchr(letters, *p);
				bytes[0] = letter ? means[letter - letters] : *p;
				p++;
			}
		}
		if (count > max - length)
			return max;
		memcpy(out + length, bytes, count);
		length += count;
	}
	return length;
}
