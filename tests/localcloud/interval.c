#include "tests/localcloud/interval.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

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
		if (value < INT64_C(1000000000000))
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

/* One "5Y" of a duration. */
static int add_part(struct interval *v, char unit, bool in_time, int64_t n, int64_t micros)
{
	if (micros != 0 && unit != 'S')
		return -1;
	if (!in_time && unit == 'Y')
		v->months += n * 12;
	else if (!in_time && unit == 'M')
		v->months += n;
	else if (!in_time && unit == 'W')
		v->days += n * 7;
	else if (!in_time && unit == 'D')
		v->days += n;
	else if (in_time && unit == 'H')
		v->micros += n * INT64_C(3600000000);
	else if (in_time && unit == 'M')
		v->micros += n * INT64_C(60000000);
	else if (in_time && unit == 'S')
		v->micros += n * 1000000 + micros;
	else
		return -1;
	return 0;
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
		    llabs(n) > INT64_C(400000000000) || add_part(v, *in.p++, in_time, n, micros))
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

/* [-]Y-M [-]D [-]H:M:S[.F] */
static int parse_canonical(struct reader in, struct interval *v)
{
	int64_t years, months, hours, minutes, seconds, micros, none;
	bool negative, ignored;
	int sign;

	if (number(&in, &years, &none, &negative) || !take(&in, '-') ||
	    number(&in, &months, &none, &ignored) || !take(&in, ' '))
		return -1;
	v->months = years * 12 + (negative ? -months : months);
	if (number(&in, &v->days, &none, &ignored) || !take(&in, ' ') ||
	    number(&in, &hours, &none, &negative) || !take(&in, ':') ||
	    number(&in, &minutes, &none, &ignored) || !take(&in, ':') ||
	    number(&in, &seconds, &micros, &ignored) || in.p != in.end || llabs(hours) > 87840000)
		return -1;
	sign = negative ? -1 : 1;
	v->micros = hours * INT64_C(3600000000) +
		    sign * (minutes * INT64_C(60000000) + seconds * 1000000 + micros);
	return 0;
}

static bool in_range(const struct interval *v)
{
	return llabs(v->months) <= 120000 && llabs(v->days) <= 3660000 &&
	       llabs(v->micros) <= INT64_C(87840000) * INT64_C(3600000000);
}

int interval_parse(const char *s, size_t n, char out[INTERVAL_TEXT_MAX])
{
	struct reader in = { s, s + n };
	struct interval v = { 0, 0, 0 };
	int64_t micros;
	int length;

	if (n == 0 || (*s == 'P' ? parse_iso(in, &v) : parse_canonical(in, &v)) || !in_range(&v))
		return -1;
	micros = llabs(v.micros);
	length =
		snprintf(out, INTERVAL_TEXT_MAX,
			 "%s%" PRId64 "-%" PRId64 " %" PRId64 " %s%" PRId64 ":%" PRId64 ":%" PRId64,
			 v.months < 0 ? "-" : "", (int64_t)llabs(v.months) / 12,
			 (int64_t)llabs(v.months) % 12, v.days, v.micros < 0 ? "-" : "",
			 micros / INT64_C(3600000000), micros / 60000000 % 60,
			 micros / 1000000 % 60);
	if (micros % 1000000) {
		length += snprintf(out + length, (size_t)(INTERVAL_TEXT_MAX - length),
				   ".%06" PRId64, micros % 1000000);
		while (out[length - 1] == '0')
			out[--length] = '\0';
	}
	return 0;
}
