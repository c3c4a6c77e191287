#include "tests/property/values.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t dice_bits(struct dice *d)
{
	uint64_t z = d->state += 0x9E3779B97F4A7C15;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
	z = (z ^ z >> 27) * 0x94D049BB133111EB;
	return z ^ z >> 31;
}

uint64_t dice_below(struct dice *d, uint64_t n)
{
	return dice_bits(d) % n;
}

int64_t dice_between(struct dice *d, int64_t least, int64_t most)
{
	uint64_t span = (uint64_t)most - (uint64_t)least;

	return (int64_t)((uint64_t)least +
			 (span == UINT64_MAX ? dice_bits(d) : dice_below(d, span + 1)));
}

bool dice_percent(struct dice *d, unsigned percent)
{
	return dice_below(d, 100) < percent;
}

void put(char *text, const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	if (n + (size_t)vsnprintf(text + n, VALUE_MAX - n, format, args) >= VALUE_MAX)
		abort();
	va_end(args);
}

int64_t make_integer(struct dice *d, int64_t least, int64_t most)
{
	switch (dice_below(d, 6)) {
	case 0:
		return least;
	case 1:
		return most;
	case 2:
		return least <= 0 && most >= 1 ? dice_between(d, least < 0 ? -1 : 0, 1) : least;
	case 3:
		return dice_between(d, least / 1000000, most / 1000000);
	default:
		return dice_between(d, least, most);
	}
}

void make_decimal(struct dice *d, int precision, int scale, char *text)
{
	int integers = precision - scale, kind = (int)dice_below(d, 8), from = 0;

	*text = '\0';
	if (kind != 1 && dice_percent(d, 40))
		put(text, "-");
	/* All nines; zero; only some digits; every digit. */
	if (kind == 2 && integers > 1)
		from = (int)dice_below(d, (uint64_t)integers);
	for (int i = from; i < integers; i++)
		put(text, "%d", kind == 0 ? 9 : kind == 1 ? 0 : (int)dice_below(d, 10));
	if (integers == from)
		put(text, "0");
	if (scale > 0)
		put(text, ".");
	for (int i = 0; i < scale; i++)
		put(text, "%d",
		    kind == 0                ? 9
		    : kind == 1 || kind == 3 ? 0
		    : kind == 4              ? i == scale - 1
					     : (int)dice_below(d, 10));
}

void canonical_decimal(const char *text, char *ret)
{
	bool negative = *text == '-';
	char digits[VALUE_MAX];
	size_t n;

	text += negative;
	while (*text == '0' && text[1] && text[1] != '.')
		text++;
	snprintf(digits, sizeof digits, "%s", text);
	n = strlen(digits);
	if (strchr(digits, '.')) {
		while (digits[n - 1] == '0')
			n--;
		n -= digits[n - 1] == '.';
		digits[n] = '\0';
	}
	*ret = '\0';
	put(ret, "%s%s", negative && strcmp(digits, "0") != 0 ? "-" : "", digits);
}

static void put_character(char *text, uint32_t c)
{
	char bytes[5] = { 0 };

	if (c < 0x80) {
		bytes[0] = (char)c;
	} else if (c < 0x800) {
		bytes[0] = (char)(0xC0 | c >> 6);
		bytes[1] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		bytes[0] = (char)(0xE0 | c >> 12);
		bytes[1] = (char)(0x80 | (c >> 6 & 63));
		bytes[2] = (char)(0x80 | (c & 63));
	} else {
		bytes[0] = (char)(0xF0 | c >> 18);
		bytes[1] = (char)(0x80 | (c >> 12 & 63));
		bytes[2] = (char)(0x80 | (c >> 6 & 63));
		bytes[3] = (char)(0x80 | (c & 63));
	}
	put(text, "%s", bytes);
}

static uint32_t make_character(struct dice *d, uint32_t limit)
{
	static const uint32_t odd[] = { '"', '\\', '\n', '\t', '\'', 1, 0x7F, '/', '{', '@', ',' };
	uint32_t c;

	if (dice_percent(d, 20))
		return odd[dice_below(d, sizeof odd / sizeof *odd)];
	if (limit <= 0x80 || dice_percent(d, 50))
		return (uint32_t)dice_between(d, ' ', '~');
	if (limit <= 0x100)
		return (uint32_t)dice_between(d, 0xA0, 0xFF);
	do
		c = (uint32_t)dice_between(d, 0xA0, dice_percent(d, 50) ? 0xFFFF : limit - 1);
	while (c >= limit || (c >= 0xD800 && c < 0xE000));
	return c;
}

void make_text(struct dice *d, int characters, uint32_t limit, char *ret)
{
	int n = dice_percent(d, 10) ? 0 : (int)dice_between(d, 0, characters);

	*ret = '\0';
	for (int i = 0; i < n; i++)
		put_character(ret, make_character(d, limit));
}

void put_hex(char *text, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		put(text, "%02x", ((const unsigned char *)p)[i]);
}

double make_double(struct dice *d)
{
	static const double odd[] = { 0,
				      1,
				      -1,
				      0.1,
				      1e15,
				      1e21,
				      123456789012345680,
				      5e-324,
				      2.2250738585072014e-308,
				      1.7976931348623157e308,
				      -1.7976931348623157e308 };
	double value;

	if (dice_percent(d, 25))
		return odd[dice_below(d, sizeof odd / sizeof *odd)];
	if (dice_percent(d, 30))
		return (double)dice_between(d, -1000000, 1000000) / 100;
	do {
		uint64_t bits = dice_bits(d);

		memcpy(&value, &bits, sizeof value);
	} while (!isfinite(value));
	return value;
}

float make_float(struct dice *d)
{
	static const float odd[] = {
		0, 1, -1, 0.1F, 16777216, 1e-45F, 3.4028235e38F, -3.4028235e38F
	};
	float value;

	if (dice_percent(d, 25))
		return odd[dice_below(d, sizeof odd / sizeof *odd)];
	do {
		uint32_t bits = (uint32_t)dice_bits(d);

		memcpy(&value, &bits, sizeof value);
	} while (!isfinite(value));
	return value;
}

void put_float(char *text, float value)
{
	char digits[40];

	for (int n = 1; n <= 9; n++) {
		snprintf(digits, sizeof digits, "%.*g", n, (double)value);
		if (strtof(digits, NULL) == value)
			break;
	}
	put(text, "%s", digits);
}

void put_datetime(char *text, int64_t microseconds)
{
	int64_t fraction = microseconds % 1000000;
	time_t seconds = microseconds / 1000000;
	struct tm at;

	if (fraction < 0) {
		fraction += 1000000;
		seconds--;
	}
	if (!gmtime_r(&seconds, &at))
		abort();
	put(text, "%04d-%02d-%02d %02d:%02d:%02d.%06d", at.tm_year + 1900, at.tm_mon + 1,
	    at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, (int)fraction);
}

int64_t make_microseconds(struct dice *d, int first_year, int last_year, int digits)
{
	struct tm first = { .tm_year = first_year - 1900, .tm_mday = 1 };
	struct tm behind = { .tm_year = last_year + 1 - 1900, .tm_mday = 1 };
	int64_t unit = 1, value;

	for (int i = digits; i < 6; i++)
		unit *= 10;
	value = make_integer(d, timegm(&first) * INT64_C(1000000),
			     timegm(&behind) * INT64_C(1000000) - 1);
	/* Down to a multiple of the unit: the last moment stays in its year. */
	return value - ((value % unit) + unit) % unit;
}

static void put_json(struct dice *d, int depth, char *ret)
{
	char text[VALUE_MAX];
	int n;

	switch (dice_below(d, depth > 2 ? 6 : 8)) {
	case 0:
		put(ret, "null");
		return;
	case 1:
		put(ret, dice_percent(d, 50) ? "true" : "false");
		return;
	case 2:
		put(ret, "%lld", (long long)make_integer(d, INT64_MIN, INT64_MAX));
		return;
	case 3:
		put(ret, "%d.%d", (int)dice_between(d, -1000, 1000), (int)dice_between(d, 1, 9));
		return;
	case 4:
	case 5:
		*text = '\0';
		for (n = (int)dice_below(d, 8); n > 0; n--)
			put_character(text, (uint32_t)dice_between(d, 'a', 'z'));
		put(ret, "\"%s%s\"", text,
		    dice_percent(d, 20) ? "\\\"\\\\\xC3\xA4\xF0\x9F\x98\x80" : "");
		return;
	case 6:
		put(ret, "[");
		for (n = (int)dice_below(d, 4); n > 0; n--) {
			put_json(d, depth + 1, ret);
			put(ret, n > 1 ? "," : "");
		}
		put(ret, "]");
		return;
	default:
		put(ret, "{");
		for (n = (int)dice_below(d, 4); n > 0; n--) {
			put(ret, "\"k%d\":", n);
			put_json(d, depth + 1, ret);
			put(ret, n > 1 ? "," : "");
		}
		put(ret, "}");
	}
}

void make_json(struct dice *d, char *ret)
{
	*ret = '\0';
	put(ret, "{\"id\":");
	put_json(d, 0, ret);
	put(ret, ",\"more\":");
	put_json(d, 0, ret);
	put(ret, "}");
}

void printed_decimal(const char *text, char *ret)
{
	const char *digits = text + (*text == '-');
	bool zero = strspn(digits, "0.") == strlen(digits);

	while (*digits == '0' && digits[1] && digits[1] != '.')
		digits++;
	put(ret, "%s%s", *text == '-' && !zero ? "-" : "", digits);
}

void put_uuid(char *text, uint64_t first, uint64_t second)
{
	put(text, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(first >> 32),
	    (unsigned)(first >> 16 & 0xFFFF), (unsigned)(first & 0xFFFF), (unsigned)(second >> 48),
	    (unsigned long long)(second & 0xFFFFFFFFFFFF));
}

void make_date(struct dice *d, const int p[2], struct value *v)
{
	(void)p;
	put_datetime(v->text, make_microseconds(d, 1, 9999, 0));
	v->text[10] = '\0';
	put(v->sql, "'%s'", v->text);
}

void make_time(struct dice *d, const int p[2], struct value *v)
{
	char text[VALUE_MAX] = "";

	put_datetime(text, make_microseconds(d, 1970, 1970, p[0]));
	put(v->text, "%s", text + 11);
	put(v->sql, "'%s'", v->text);
}

void make_datetime(struct dice *d, const int p[2], struct value *v)
{
	put_datetime(v->text, make_microseconds(d, 1, 9999, p[0]));
	put(v->sql, "'%s'", v->text);
}
