#include "tests/localcloud/jscan.h"

#include <stdint.h>
#include <string.h>

static int scan(const char **p, const char *end, struct jtoken *ret, int depth);

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

bool jscan_blank(const char *p, const char *end)
{
	return skip_space(p, end) == end;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* The first quote, backslash or control character; eight bytes at a time, since most of a row is text. */
static const char *plain_end(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;

	while (end - p >= 8) {
		uint64_t word, quote, backslash;

		memcpy(&word, p, sizeof(word));
		quote = word ^ ones * '"';
		backslash = word ^ ones * '\\';
		/* A top bit stays where a byte was below what is taken away from it. */
		if (((word - ones * 0x20) & ~word & tops) | ((quote - ones) & ~quote & tops) |
		    ((backslash - ones) & ~backslash & tops))
			break;
		p += 8;
	}
	while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		p++;
	return p;
}

/* *p stands behind the opening quote. */
static int scan_string(const char **at, const char *end, struct jtoken *ret)
{
	const char *p = *at;

	ret->kind = JSON_K_STRING;
	ret->p = p;
	ret->escaped = false;
	for (p = plain_end(p, end); p < end && *p != '"'; p = plain_end(p + 1, end)) {
		if (*p != '\\')
			return -1;
		ret->escaped = true;
		if (++p == end || !strchr("\"\\/bfnrtu", *p))
			return -1;
		if (*p == 'u') {
			if (end - p < 5 || !is_hex(p[1]) || !is_hex(p[2]) || !is_hex(p[3]) ||
			    !is_hex(p[4]))
				return -1;
			p += 4;
		}
	}
	if (p == end)
		return -1;
	ret->n = (size_t)(p - ret->p);
	*at = p + 1;
	return 0;
}

static const char *digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

static int scan_number(const char **at, const char *end, struct jtoken *ret)
{
	const char *p = *at + (**at == '-'), *from = p;

	ret->kind = JSON_K_NUMBER;
	ret->p = *at;
	p = digits(p, end);
	if (p == from || (*from == '0' && p - from > 1))
		return -1;
	if (p < end && *p == '.') {
		from = ++p;
		p = digits(p, end);
		if (p == from)
			return -1;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		from = p;
		p = digits(p, end);
		if (p == from)
			return -1;
	}
	ret->n = (size_t)(p - ret->p);
	*at = p;
	return 0;
}

static int scan_word(const char **at, const char *end, const char *word, enum json_kind kind,
		     struct jtoken *ret)
{
	size_t n = strlen(word);

	if ((size_t)(end - *at) < n || memcmp(*at, word, n) != 0)
		return -1;
	*ret = (struct jtoken){ kind, *at, n, false };
	*at += n;
	return 0;
}

/* The comma and white space before the next item. 1: an item follows, 0: the bracket closed. */
static int next_item(struct jiter *it, char close)
{
	it->p = skip_space(it->p, it->end);
	if (it->p == it->end)
		return -1;
	if (*it->p == close) {
		it->p++;
		return 0;
	}
	if (it->started) {
		if (*it->p != ',')
			return -1;
		it->p = skip_space(it->p + 1, it->end);
	}
	it->started = true;
	return 1;
}

static int member(struct jiter *it, struct jtoken *key, struct jtoken *value, int depth)
{
	int more = next_item(it, '}');

	if (more <= 0)
		return more;
	if (it->p == it->end || *it->p != '"')
		return -1;
	it->p++;
	if (scan_string(&it->p, it->end, key))
		return -1;
	it->p = skip_space(it->p, it->end);
	if (it->p == it->end || *it->p != ':')
		return -1;
	it->p++;
	return scan(&it->p, it->end, value, depth) ? -1 : 1;
}

static int element(struct jiter *it, struct jtoken *value, int depth)
{
	int more = next_item(it, ']');

	if (more <= 0)
		return more;
	return scan(&it->p, it->end, value, depth) ? -1 : 1;
}

static int scan_nested(const char **at, const char *end, struct jtoken *ret, int depth)
{
	struct jiter it = { *at + 1, end, false };
	struct jtoken key, value;
	bool object = **at == '{';
	int more;

	if (depth > JSCAN_MAX_DEPTH)
		return -1;
	do
		more = object ? member(&it, &key, &value, depth) : element(&it, &value, depth);
	while (more > 0);
	if (more < 0)
		return -1;
	*ret = (struct jtoken){ object ? JSON_K_OBJECT : JSON_K_ARRAY, *at, (size_t)(it.p - *at),
				false };
	*at = it.p;
	return 0;
}

static int scan(const char **at, const char *end, struct jtoken *ret, int depth)
{
	*at = skip_space(*at, end);
	if (*at == end)
		return -1;
	switch (**at) {
	case '"':
		++*at;
		return scan_string(at, end, ret);
	case '{':
	case '[':
		return scan_nested(at, end, ret, depth + 1);
	case 't':
		return scan_word(at, end, "true", JSON_K_TRUE, ret);
	case 'f':
		return scan_word(at, end, "false", JSON_K_FALSE, ret);
	case 'n':
		return scan_word(at, end, "null", JSON_K_NULL, ret);
	default:
		return scan_number(at, end, ret);
	}
}

int jscan_value(const char **p, const char *end, struct jtoken *ret)
{
	return scan(p, end, ret, 0);
}

int jiter_open(struct jiter *it, char bracket, const char *p, const char *end)
{
	p = skip_space(p, end);
	if (p == end || *p != bracket)
		return -1;
	*it = (struct jiter){ p + 1, end, false };
	return 0;
}

int jiter_member(struct jiter *it, struct jtoken *key, struct jtoken *value)
{
	return member(it, key, value, 0);
}

int jiter_element(struct jiter *it, struct jtoken *value)
{
	return element(it, value, 0);
}

static unsigned hex4(const char *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++)
		value = value * 16 + (unsigned)(p[i] <= '9' ? p[i] - '0' : (p[i] | 32) - 'a' + 10);
	return value;
}

static size_t put_utf8(char *out, unsigned code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

/* *p stands on the 'u' of \uXXXX. */
static int unicode_escape(const char **at, const char *end, struct buf *out)
{
	const char *p = *at + 1;
	unsigned code = hex4(p);

	p += 4;
	if (code >= 0xd800 && code < 0xe000) {
		unsigned low;

		if (code >= 0xdc00 || end - p < 6 || p[0] != '\\' || p[1] != 'u')
			return -1;
		low = hex4(p + 2);
		if (low < 0xdc00 || low > 0xdfff)
			return -1;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	out->length += put_utf8(out->data + out->length, code);
	*at = p;
	return 0;
}

int jscan_unescape(const struct jtoken *string, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = string->p, *end = p + string->n;
	struct error error;

	/* Decoding never makes a string longer. */
	if (buf_reserve(out, string->n + 1, &error))
		return -1;
	while (p < end) {
		if (*p != '\\') {
			buf_put_byte(out, *p++);
		} else if (*++p == 'u') {
			if (unicode_escape(&p, end, out))
				return -1;
		} else {
			buf_put_byte(out, to[strchr(from, *p++) - from]);
		}
	}
	return 0;
}

int jscan_quote(const char *s, size_t n, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	struct error error;

	if (buf_reserve(out, n * 6 + 2, &error))
		return -1;
	buf_put_byte(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\') {
			buf_put_byte(out, '\\');
			buf_put_byte(out, s[i]);
		} else if (c >= 0x20) {
			buf_put_byte(out, s[i]);
		} else if (c == '\n') {
			buf_put(out, "\\n", 2);
		} else {
			buf_put(out, "\\u00", 4);
			buf_put_byte(out, hex[c >> 4]);
			buf_put_byte(out, hex[c & 15]);
		}
	}
	buf_put_byte(out, '"');
	return 0;
}
