/*
 * JSON values that stay what they are in BigQuery, which stores a number as
 * INT64, UINT64 or FLOAT64 and prints a FLOAT64 as its shortest text. A number
 * that would come back as another one is the reason to reject.
 */
#include <stdlib.h>

#include "extract/encode.h"
#include "lib/double.h"
#include "lib/utf8.h"

enum { DIGITS_MAX = 17 }; /* of the longest shortest double */

/* A number as significant digits (no zeros at either end) and a power of ten. */
struct number {
	char digits[DIGITS_MAX + 1];
	size_t count; /* more than DIGITS_MAX: the rest is not kept */
	long exponent;
	bool negative, integer;
};

static const char *skip_number(const char *p, const char *end)
{
	while (p < end && ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == '.' ||
			   *p == 'e' || *p == 'E'))
		p++;
	return p;
}

/* The exponent behind 'e'; huge ones saturate where they are out of range anyway. */
static long read_exponent(const char *p, const char *end)
{
	bool negative = p < end && *p == '-';
	long value = 0;

	if (p < end && (*p == '-' || *p == '+'))
		p++;
	for (; p < end && value < 100000; p++)
		value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

static void read_number(const char *p, const char *end, struct number *n)
{
	long zeros = 0;
	bool fraction = false;

	*n = (struct number){ .integer = true };
	if (p < end && *p == '-') {
		n->negative = true;
		p++;
	}
	for (; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			fraction = true;
			n->integer = false;
			continue;
		}
		if (fraction)
			n->exponent--;
		/* Zeros count only once a digit follows them. */
		if (*p == '0') {
			zeros += n->count > 0;
			continue;
		}
		for (; zeros > 0; zeros--)
			if (n->count++ < DIGITS_MAX)
				n->digits[n->count - 1] = '0';
		if (n->count++ < DIGITS_MAX)
			n->digits[n->count - 1] = *p;
	}
	n->exponent += zeros;
	if (p < end) {
		n->integer = false;
		n->exponent += read_exponent(p + 1, end);
	}
}

/* In [-2^63, 2^64), leading zeros being impossible in JSON. */
static bool fits_integer(const char *p, const char *end)
{
	const char *limit = *p == '-' ? "9223372036854775808" : "18446744073709551615";
	size_t length;

	p += *p == '-';
	length = (size_t)(end - p);
	return length < strlen(limit) || (length == strlen(limit) && memcmp(p, limit, length) <= 0);
}

static bool survives_double(const struct number *n)
{
	char text[DIGITS_MAX + 40], shortest[DOUBLE_TEXT_MAX];
	struct number back;
	double value;
	char *at = text;

	if (n->count == 0)
		return true;
	if (n->count > DIGITS_MAX || n->exponent > 400 || n->exponent < -400)
		return false;
	/* 15 digits always survive within the range of normal doubles. */
	if (n->count <= 15 && n->exponent > -300 && n->exponent < 290)
		return true;
	memcpy(at, n->digits, n->count);
	at += n->count;
	*at++ = 'e';
	if (n->exponent < 0)
		*at++ = '-';
	at = encode_put_unsigned(at, (uint64_t)labs(n->exponent));
	*at = '\0';
	/* No locale is ever set, so the point is a point. */
	value = strtod(text, NULL);
	if (value == 0 || value > 1.7976931348623157e308)
		return false;
	read_number(shortest, double_write(shortest, value), &back);
	return back.count == n->count && back.exponent == n->exponent &&
	       !memcmp(back.digits, n->digits, n->count);
}

bool encode_survives_double(const char *p, const char *end)
{
	struct number n;

	read_number(p, end, &n);
	return survives_double(&n);
}

/* Inline: a call for each number of a jsonb would show. */
static inline const char *check_number(const char *p, const char *end)
{
	struct number n;

	/* Nearly all numbers are short integers. */
	if (end - p <= 15 && !memchr(p, 'e', (size_t)(end - p)) &&
	    !memchr(p, 'E', (size_t)(end - p)))
		return NULL;
	read_number(p, end, &n);
	if ((n.integer && fits_integer(p, end)) || survives_double(&n))
		return NULL;
	return "a number in the JSON value does not fit INT64, UINT64 or FLOAT64 unchanged";
}

const char *encode_check_json_number(const char *p, const char *end)
{
	return check_number(p, end);
}

/* Behind the closing quote of the string that begins at p. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

const char *encode_put_json(const char *p, size_t n, char **out)
{
	const char *end = p + n;
	int depth = 0;

	if (utf8_valid_prefix(p, n) < n)
		return "the JSON text is not valid UTF-8";
	for (const char *at = p; at < end;) {
		const char *next, *reason;

		switch (*at) {
		case '"':
			at = skip_string(at, end);
			break;
		case '{':
		case '[':
			if (++depth > ENCODE_JSON_DEPTH_MAX)
				return "the JSON value is nested deeper than 500 levels";
			at++;
			break;
		case '}':
		case ']':
			depth--;
			at++;
			break;
		case '-':
		case '0' ... '9':
			next = skip_number(at, end);
			reason = check_number(at, next);
			if (reason)
				return reason;
			at = next;
			break;
		default:
			at++;
		}
	}
	memcpy(*out, p, n);
	*out += n;
	return NULL;
}
