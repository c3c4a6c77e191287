#include "tests/localcloud/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c, bool url)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == (url ? '-' : '+') ? 62 : c == (url ? '_' : '/') ? 63 : -1;
}

int base64_decode(const char *s, size_t n, bool url, struct buf *out)
{
	struct error error;
	uint32_t bits = 0;
	int have = 0;

	if (!url) {
		if (n % 4)
			return -1;
		for (int i = 0; i < 2 && n > 0 && s[n - 1] == '='; i++)
			n--;
	}
	if (n % 4 == 1 || buf_reserve(out, n / 4 * 3 + 3, &error))
		return -1;
	for (size_t i = 0; i < n; i++) {
		int value = value_of(s[i], url);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_put_byte(out, (char)(bits >> have & 0xff));
		}
	}
	return 0;
}

int base64_encode(const void *data, size_t n, struct buf *out)
{
	const unsigned char *p = data;
	struct error error;

	if (buf_reserve(out, n / 3 * 4 + 4, &error))
		return -1;
	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
				(i + 2 < n ? p[i + 2] : 0);

		buf_put_byte(out, alphabet[bits >> 18]);
		buf_put_byte(out, alphabet[bits >> 12 & 63]);
		buf_put_byte(out, i + 1 < n ? alphabet[bits >> 6 & 63] : '=');
		buf_put_byte(out, i + 2 < n ? alphabet[bits & 63] : '=');
	}
	return 0;
}

int base64_encode_url(const void *data, size_t n, struct buf *out)
{
	size_t begin = out->length;

	if (base64_encode(data, n, out))
		return -1;
	while (out->length > begin && out->data[out->length - 1] == '=')
		out->length--;
	for (char *p = out->data + begin; p < out->data + out->length; p++)
		*p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
	return 0;
}
