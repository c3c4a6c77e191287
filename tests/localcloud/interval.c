#include "tests/localcloud/interval.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MICROS_MAX (INT64_C(87840000) * INT64_C(3600000000))

/* The three parts of an interval, which never carry into one another. */
struct interval {
	int64_t months, days, micros;
};

struct reader {
	const char *p, *end;
};

/* [+-]digits[.digits] as a whole number and millionths. */
static int number(struct reader *in, int64_t *whole, int64_t *micros, bool *negative)
{
	int64_t value = 0, fraction = 0, unit = 100000;
	const char *from;

	*negative = false;
	if (in->p < in->end && (*in->p == '-' || *in->p == '+'))
		*negative = *in->p++ == '-';
	for (from = in->p; in->p < in->end && *in->p >= '0' && *in->p <= '9'; in->p++)
		if (value < INT64_C(1000000000000)) /* beyond every range */
			value = value * 10 + (*in->p - '0');
	if (in->p == from)
		return -1;
	if (in->p < in->end && *in->p == '.') {
		for (in->p++; in->p < in->end && *in->p >= '0' && *in->p <= '9';
		     in->p++, unit /= 10) {
			if (unit == 0)
				return -1;
			fraction += (*in->p - '0') * unit;
		}
	}
	*whole = *negative ? -value : value;
	*micros = *negative ? -fraction : fraction;
	return 0;
}

/* *total += n * unit; -1 when that overflows. */
static int add(int64_t *total, int64_t n, int64_t unit)
{
	int64_t product;

	return __builtin_mul_overflow(n, unit, &product) ||
			       __builtin_add_overflow(*total, product, total)
		       ? -1
		       : 0;
}

/* One "5Y" of a duration. */
static int add_part(struct interval *v, char letter, bool in_time, int64_t n, int64_t micros)
{
	if (micros != 0 && letter != 'S')
		return -1;
	if (!in_time && letter == 'Y')
		return add(&v->months, n, 12);
	if (!in_time && letter == 'M')
		return add(&v->months, n, 1);
	if (!in_time && letter == 'W')
		return add(&v->days, n, 7);
	if (!in_time && letter == 'D')
		return add(&v->days, n, 1);
	if (in_time && letter == 'H')
		return add(&v->micros, n, INT64_C(3600000000));
	if (in_time && letter == 'M')
		return add(&v->micros, n, 60000000);
	if (in_time && letter == 'S')
		return add(&v->micros, n, 1000000) || add(&v->micros, micros, 1) ? -1 : 0;
	return -1;
}

static int parse_iso(struct reader in, struct interval *v)
{
	bool in_time = false, negative;
	int parts = 0;

	for (in.p++; in.p < in.end; parts++) {
		int64_t n, micros;

		if (*in.p == 'T' && !in_time) {
			in_time = true;
			in.p++;
		}
		if (number(&in, &n, &micros, &negative) || in.p == in.end ||
		    add_part(v, *in.p++, in_time, n, micros))
			return -1;
	}
	return parts > 0 ? 0 : -1;
}

static bool take(struct reader *in, char c)
{
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

/* A part of the canonical form: no fraction, and a sign only where negative is asked for. */
static int whole(struct reader *in, int64_t *ret, bool *negative)
{
	bool minus, sign = in->p < in->end && (*in->p == '-' || *in->p == '+');
	int64_t micros;

	if ((sign && !negative) || number(in, ret, &micros, &minus) || in->p[-1] == '.' || micros)
		return -1;
	if (negative)
		*negative = minus;
	return 0;
}

/* [-]Y-M [-]D [-]H:M:S[.F] */
static int parse_canonical(struct reader in, struct interval *v)
{
	int64_t years, months, hours, minutes, seconds, micros;
	bool minus_years, minus_days, minus_hours, minus;
	int sign;

	if (whole(&in, &years, &minus_years) || !take(&in, '-') || whole(&in, &months, NULL) ||
	    !take(&in, ' ') || whole(&in, &v->days, &minus_days) || !take(&in, ' ') ||
	    whole(&in, &hours, &minus_hours) || !take(&in, ':') || whole(&in, &minutes, NULL) ||
	    !take(&in, ':') || in.p == in.end || *in.p == '-' || *in.p == '+' ||
	    number(&in, &seconds, &micros, &minus) || in.p != in.end)
		return -1;
	sign = minus_hours ? -1 : 1;
	return add(&v->months, years, 12) || add(&v->months, months, minus_years ? -1 : 1) ||
			       add(&v->micros, hours, INT64_C(3600000000)) ||
			       add(&v->micros, minutes, sign * INT64_C(60000000)) ||
			       add(&v->micros, seconds, sign * INT64_C(1000000)) ||
			       add(&v->micros, micros, sign)
		       ? -1
		       : 0;
}

static bool in_range(const struct interval *v)
{
	return v->months >= -120000 && v->months <= 120000 && v->days >= -3660000 &&
	       v->days <= 3660000 && v->micros >= -MICROS_MAX && v->micros <= MICROS_MAX;
}

/* Writes v in canonical form, or refuses what is out of range. */
static int format(const struct interval *v, char out[INTERVAL_TEXT_MAX])
{
	int64_t micros = llabs(v->micros), fraction = micros % 1000000;
	int length;

	if (!in_range(v))
		return -1;
	length =
		snprintf(out, INTERVAL_TEXT_MAX,
			 "%s%" PRId64 "-%" PRId64 " %" PRId64 " %s%" PRId64 ":%" PRId64 ":%" PRId64,
			 v->months < 0 ? "-" : "", (int64_t)llabs(v->months) / 12,
			 (int64_t)llabs(v->months) % 12, v->days, v->micros < 0 ? "-" : "",
			 micros / INT64_C(3600000000), micros / 60000000 % 60,
			 micros / 1000000 % 60);
	if (fraction % 1000)
		snprintf(out + length, (size_t)(INTERVAL_TEXT_MAX - length), ".%06" PRId64,
			 fraction);
	else if (fraction)
		snprintf(out + length, (size_t)(INTERVAL_TEXT_MAX - length), ".%03" PRId64,
			 fraction / 1000);
	return 0;
}

static int parse(const char *s, size_t n, struct interval *v)
{
	struct reader in = { s, s + n };

	*v = (struct interval){ 0, 0, 0 };
	return n == 0 ? -1 : *s == 'P' ? parse_iso(in, v) : parse_canonical(in, v);
}

int interval_parse(const char *s, size_t n, char out[INTERVAL_TEXT_MAX])
{
	struct interval v;

	return parse(s, n, &v) ? -1 : format(&v, out);
}

int interval_of(int64_t n, const char *unit, char out[INTERVAL_TEXT_MAX])
{
	static const struct {
		const char *unit;
		int64_t months, days, micros;
	} units[] = { { "YEAR", 12, 0, 0 },         { "QUARTER", 3, 0, 0 },
		      { "MONTH", 1, 0, 0 },         { "WEEK", 0, 7, 0 },
		      { "DAY", 0, 1, 0 },           { "HOUR", 0, 0, INT64_C(3600000000) },
		      { "MINUTE", 0, 0, 60000000 }, { "SECOND", 0, 0, 1000000 } };
	struct interval v;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].unit, unit) == 0)
			return __builtin_mul_overflow(n, units[i].months, &v.months) ||
					       __builtin_mul_overflow(n, units[i].days, &v.days) ||
					       __builtin_mul_overflow(n, units[i].micros, &v.micros)
				       ? -1
				       : format(&v, out);
	return -1;
}

int interval_parse_range(const char *s, size_t n, const char *from, const char *to,
			 char out[INTERVAL_TEXT_MAX])
{
	/* The parts that the text leaves out, around its sign and behind it. */
	static const struct {
		const char *unit, *before_sign, *behind_sign, *behind;
	} parts[] = { { "YEAR", "", "", "" },
		      { "MONTH", "", "0-", " 0 0:0:0" },
		      { "DAY", "0-0 ", "", " 0:0:0" },
		      { "HOUR", "0-0 0 ", "", ":0:0" },
		      { "MINUTE", "0-0 0 ", "0:", ":0" },
		      { "SECOND", "", "", "" } };
	const size_t count = sizeof(parts) / sizeof(parts[0]);
	char text[INTERVAL_TEXT_MAX * 2];
	size_t first = 0, last = 0, sign = n > 0 && (*s == '-' || *s == '+');

	while (first < count && strcmp(parts[first].unit, from) != 0)
		first++;
	while (last < count && strcmp(parts[last].unit, to) != 0)
		last++;
	if (first >= last || last == count || n > INTERVAL_TEXT_MAX)
		return -1;
	snprintf(text, sizeof(text), "%s%.*s%s%.*s%s", parts[first].before_sign, (int)sign, s,
		 parts[first].behind_sign, (int)(n - sign), s + sign, parts[last].behind);
	return interval_parse(text, strlen(text), out);
}

int64_t interval_key(const char *s, size_t n)
{
	struct interval v;

	if (parse(s, n, &v))
		return 0;
	return (v.months * 30 + v.days) * INT64_C(86400000000) + v.micros;
}
