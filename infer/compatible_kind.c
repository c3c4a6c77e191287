/* The regular expressions of generate-schema, by hand. */
#include <string.h>

#include "infer/compatible.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Between min and max digits at p; NULL when there are less. */
static const char *digits(const char *p, const char *end, int min, int max)
{
	int n = 0;

	while (p < end && n < max && is_digit(*p)) {
		p++;
		n++;
	}
	return n < min ? NULL : p;
}

static const char *byte(const char *p, const char *end, char c)
{
	return p && p < end && *p == c ? p + 1 : NULL;
}

/* \d{1,2}:\d{1,2}:\d{1,2}(\.\d{1,6})? */
static const char *time_of_day(const char *p, const char *end)
{
	for (int i = 0; i < 3; i++) {
		if (i && !(p = byte(p, end, ':')))
			return NULL;
		p = digits(p, end, 1, 2);
		if (!p)
			return NULL;
	}
	return p < end && *p == '.' ? digits(p + 1, end, 1, 6) : p;
}

/* ([+-]\d{1,2}(:\d{1,2})?)|Z|UTC, or nothing */
static bool zone(const char *p, const char *end)
{
	if (p == end || (end - p == 1 && *p == 'Z') || (end - p == 3 && !memcmp(p, "UTC", 3)))
		return true;
	if (*p != '+' && *p != '-')
		return false;
	p = digits(p + 1, end, 1, 2);
	if (p && p < end)
		p = *p == ':' ? digits(p + 1, end, 1, 2) : NULL;
	return p == end;
}

/* [1-9]|0[1-9]|1[012] for months, and the like for days; a number to max. */
static const char *calendar_part(const char *p, const char *end, int max, int *value)
{
	const char *stop = digits(p, end, 1, 2);

	if (!stop)
		return NULL;
	*value = *p - '0';
	if (stop - p == 2)
		*value = *value * 10 + p[1] - '0';
	return *value >= 1 && *value <= max ? stop : NULL;
}

/* A date, or a date and a time; KIND_NONE otherwise. */
static unsigned date_kind(const char *p, const char *end)
{
	const char *day = p + 5, *q;
	int month, number;

	/* \d{4}-\d{1,2}-\d{1,2} */
	q = digits(day, end, 1, 2);
	q = byte(q, end, '-');
	q = q ? digits(q, end, 1, 2) : NULL;
	if (!q)
		return KIND_NONE;
	if (q < end && (*q == 'T' || *q == ' ')) {
		q = time_of_day(q + 1, end);
		while (q && q < end && *q == ' ')
			q++;
		return q && zone(q, end) ? TYPE_TIMESTAMP : KIND_NONE;
	}
	q = calendar_part(day, end, 12, &month);
	q = byte(q, end, '-');
	q = q ? calendar_part(q, end, 31, &number) : NULL;
	return q == end ? TYPE_DATE : KIND_NONE;
}

/* [-+]?\d+ within INT64 */
static bool fits_int64(const char *p, const char *end)
{
	bool negative = *p == '-';
	const char *limit = negative ? "9223372036854775808" : "9223372036854775807";

	p += *p == '-' || *p == '+';
	while (p < end && *p == '0')
		p++;
	return end - p < 19 || (end - p == 19 && memcmp(p, limit, 19) <= 0);
}

/* [-+]?\d+, or [-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)? */
static unsigned number_kind(const char *text, const char *end)
{
	const char *p = text + (*text == '-' || *text == '+'), *whole = p;

	while (p < end && is_digit(*p))
		p++;
	if (p == end && p > whole)
		return fits_int64(text, end) ? KIND_QINTEGER : KIND_QFLOAT;
	if (p < end && *p == '.') {
		const char *fraction = ++p;

		while (p < end && is_digit(*p))
			p++;
		if (p == fraction && fraction - 1 == whole)
			return KIND_NONE;
	} else if (p == whole) {
		return KIND_NONE;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		p += p < end && (*p == '-' || *p == '+');
		whole = p;
		while (p < end && is_digit(*p))
			p++;
		if (p == whole)
			return KIND_NONE;
	}
	return p == end ? KIND_QFLOAT : KIND_NONE;
}

static bool is_boolean(const char *text, size_t length)
{
	return (length == 4 && !strncasecmp(text, "true", 4)) ||
	       (length == 5 && !strncasecmp(text, "false", 5));
}

unsigned compatible_text_kind(const char *text, size_t length, bool quoted_values_are_strings)
{
	const char *end = text + length;
	unsigned kind = KIND_NONE;

	if (!length)
		return TYPE_STRING;
	if (*text > '9') {
		if (quoted_values_are_strings || !is_boolean(text, length))
			return TYPE_STRING;
		return KIND_QBOOLEAN;
	}
	if (*text < '+')
		return TYPE_STRING;
	/* Python's '$' also matches before a line feed that ends the text. */
	if (end[-1] == '\n')
		end--;
	if (end - text > 5 && text[4] == '-' && digits(text, end, 4, 4))
		kind = date_kind(text, end);
	else if (is_digit(*text) && time_of_day(text, end) == end)
		kind = TYPE_TIME;
	if (kind == KIND_NONE && !quoted_values_are_strings && end > text)
		kind = number_kind(text, end);
	return kind == KIND_NONE ? TYPE_STRING : kind;
}
