/*
 * Reading JSON where it stands, 16 bytes at a time: the parts that the row
 * parsers share. Nothing is copied, nothing allocated.
 *
 * The text is one line as rowstream_next lends it: '\n' behind it and
 * ROWSTREAM_PADDING more readable bytes. The functions take a position and
 * return the new one, NULL after an error. They need no test for the end of
 * the line: the line feed that stands there is part of no JSON.
 */
#ifndef SLUICE_LIB_JSON_SCAN_H
#define SLUICE_LIB_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/error.h"

/* BigQuery's limit for a JSON value, its own brackets counted alone; records of a schema end at 15. */
enum { JSON_DEPTH_MAX = 500 };

/* One row while it is read. */
struct json_cursor {
	const char *start, *end;
	uint64_t line;
	unsigned high;        /* not 0: there may be bytes above 127 */
	bool not_finite;      /* NaN, Infinity and -Infinity are numbers */
	bool half_surrogates; /* half of a surrogate pair may stand alone */
	struct error *err;
};

/* ERR_DATA: the line, the byte, and what. NULL. */
const char *json_syntax(struct json_cursor *c, const char *p, const char *what);

/* Behind a backslash. */
const char *json_escape(struct json_cursor *c, const char *p);

/* Over any value; space before it. */
const char *json_value(struct json_cursor *c, const char *p, int depth)
	__attribute__((warn_unused_result));

/* json_number, or one of the three words that Python writes and JSON does not have. */
const char *json_lenient_number(struct json_cursor *c, const char *p);

/* The line is valid UTF-8; asks only where there may be more than ASCII. ERR_DATA. */
int json_check_utf8(struct json_cursor *c) __attribute__((warn_unused_result));

#ifdef __SSE2__

/* To the next byte that means something inside a string: '"', '\\' or a control character. */
static inline const char *json_skip_plain(struct json_cursor *c, const char *p)
{
	const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);

	for (;; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* min(v, 0x1f) == v: unsigned v <= 0x1f */
		__m128i stop = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote),
							 _mm_cmpeq_epi8(v, backslash)),
					    _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
		unsigned stops = (unsigned)_mm_movemask_epi8(stop);

		/* May count bytes behind the string: they are of this buffer, and it is only a hint. */
		c->high |= (unsigned)_mm_movemask_epi8(v);
		if (stops)
			return p + __builtin_ctz(stops);
	}
}

static inline const char *json_skip_digits(const char *p)
{
	const __m128i zero = _mm_set1_epi8('0'), nine = _mm_set1_epi8(9);

	for (;; p += 16) {
		__m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), zero);
		unsigned digits =
			(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, nine), v));

		if (digits != 0xffff)
			return p + __builtin_ctz(~digits);
	}
}

/* prefix is not empty and can be read up to a multiple of 16 bytes. */
static inline bool json_has_prefix(const char *p, const char *prefix, size_t length)
{
	for (size_t done = 0;; done += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + done));
		__m128i w = _mm_loadu_si128((const __m128i *)(const void *)(prefix + done));
		unsigned differ = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, w));
		size_t left = length - done;

		if (left <= 16)
			return (differ & ((1u << left) - 1)) == 0;
		if (differ & 0xffff)
			return false;
	}
}

#else

static inline const char *json_skip_plain(struct json_cursor *c, const char *p)
{
	while (*p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
		c->high |= (unsigned char)*p++ & 0x80;
	return p;
}

static inline const char *json_skip_digits(const char *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

static inline bool json_has_prefix(const char *p, const char *prefix, size_t length)
{
	return !strncmp(p, prefix, length);
}

#endif

static inline const char *json_skip_space(const char *p)
{
	while (*p == ' ' || *p == '\t' || *p == '\r')
		p++;
	return p;
}

/* Behind the opening quote; ends behind the closing one. */
static inline const char *json_string_end(struct json_cursor *c, const char *p)
{
	for (;;) {
		p = json_skip_plain(c, p);
		if (__builtin_expect(*p == '"', 1))
			return p + 1;
		if (p >= c->end)
			return json_syntax(c, p, "a string is not closed");
		if (*p != '\\')
			return json_syntax(c, p,
					   "control character in a string (it must be escaped)");
		p = json_escape(c, p + 1);
		if (!p)
			return NULL;
	}
}

/* *whole: it has neither a point nor an exponent. */
static inline const char *json_number(struct json_cursor *c, const char *p, bool *whole)
{
	const char *digits;

	*whole = true;
	p += *p == '-';
	digits = p;
	p = json_skip_digits(p);
	if (p == digits)
		return json_syntax(c, p, "not a JSON value");
	if (*digits == '0' && p > digits + 1)
		return json_syntax(c, digits, "a number with a leading zero");
	if (*p == '.') {
		*whole = false;
		digits = p + 1;
		p = json_skip_digits(digits);
		if (p == digits)
			return json_syntax(c, p, "a number needs digits behind its point");
	}
	if ((*p | 0x20) == 'e') {
		*whole = false;
		digits = p + 1 + (p[1] == '+' || p[1] == '-');
		p = json_skip_digits(digits);
		if (p == digits)
			return json_syntax(c, p, "a number needs digits in its exponent");
	}
	return p;
}

/* The padding behind the row may be compared too. */
static inline const char *json_word(struct json_cursor *c, const char *p, const char *text,
				    size_t length)
{
	return !memcmp(p, text, length) ? p + length : json_syntax(c, p, "not a JSON value");
}

/* Over a value that is neither object nor array. */
static inline const char *json_scalar(struct json_cursor *c, const char *p)
{
	bool whole;

	switch (*p) {
	case '"':
		return json_string_end(c, p + 1);
	case 't':
		return json_word(c, p, "true", 4);
	case 'f':
		return json_word(c, p, "false", 5);
	case 'n':
		return json_word(c, p, "null", 4);
	default:
		return c->not_finite ? json_lenient_number(c, p) : json_number(c, p, &whole);
	}
}

#endif
