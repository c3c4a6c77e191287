#include "tests/localcloud/civil.h"

#include "tests/localcloud/gnum.h"

#include <stdbool.h>
#include <string.h>

/* A place in the text being parsed. */
struct cursor {
	const char *p, *end;
};

int64_t civil_days(int year, int month, int day)
{
	/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": March is the year's first month. */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	       day_of_year - 719468;
}

void civil_from_micros(int64_t micros, struct civil *ret)
{
	int64_t days = micros / CIVIL_DAY_US - (micros % CIVIL_DAY_US < 0);
	int64_t rest = micros - days * CIVIL_DAY_US;
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	ret->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	ret->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	ret->year = (int)(yoe + era * 400 + (ret->month <= 2));
	ret->micros = (int)(rest % 1000000);
	rest /= 1000000;
	ret->second = (int)(rest % 60);
	ret->minute = (int)(rest / 60 % 60);
	ret->hour = (int)(rest / 3600);
}

int64_t civil_to_micros(const struct civil *c)
{
	int64_t seconds = civil_days(c->year, c->month, c->day) * 86400 + c->hour * 3600 +
			  c->minute * 60 + c->second;

	return seconds * 1000000 + c->micros;
}

/* Reads min..max digits. */
static int number(struct cursor *in, int min, int max, int *ret)
{
	int n = 0, value = 0;

	while (n < max && in->p < in->end && *in->p >= '0' && *in->p <= '9') {
		value = value * 10 + (*in->p++ - '0');
		n++;
	}
	if (n < min)
		return -1;
	*ret = value;
	return n;
}

static bool take(struct cursor *in, char c)
{
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

static int month_length(int year, int month)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : lengths[month - 1];
}

static int read_date(struct cursor *in, struct civil *c)
{
	if (number(in, 4, 4, &c->year) < 0 || !take(in, '-') || number(in, 1, 2, &c->month) < 0 ||
	    !take(in, '-') || number(in, 1, 2, &c->day) < 0)
		return -1;
	if (c->year < 1 || c->month < 1 || c->month > 12 || c->day < 1 ||
	    c->day > month_length(c->year, c->month))
		return -1;
	return 0;
}

static int read_time(struct cursor *in, bool seconds_required, struct civil *c)
{
	int digits;

	if (number(in, 1, 2, &c->hour) < 0 || !take(in, ':') || number(in, 1, 2, &c->minute) < 0)
		return -1;
	if (c->hour > 23 || c->minute > 59)
		return -1;
	if (!take(in, ':'))
		return seconds_required ? -1 : 0;
	if (number(in, 1, 2, &c->second) < 0 || c->second > 59)
		return -1;
	if (!take(in, '.'))
		return 0;
	digits = number(in, 0, 6, &c->micros);
	for (; digits < 6; digits++)
		c->micros *= 10;
	return 0;
}

static struct civil epoch(void)
{
	return (struct civil){ .year = 1970, .month = 1, .day = 1 };
}

int civil_parse_date(const char *s, size_t n, struct civil *ret)
{
	struct cursor in = { s, s + n };
	struct civil c = epoch();

	if (read_date(&in, &c) || in.p != in.end)
		return -1;
	*ret = c;
	return 0;
}

int civil_parse_time(const char *s, size_t n, struct civil *ret)
{
	struct cursor in = { s, s + n };
	struct civil c = epoch();

	if (read_time(&in, true, &c) || in.p != in.end)
		return -1;
	*ret = c;
	return 0;
}

int civil_parse_datetime(const char *s, size_t n, struct civil *ret)
{
	struct cursor in = { s, s + n };
	struct civil c = epoch();

	if (read_date(&in, &c))
		return -1;
	if (in.p != in.end) {
		if (!take(&in, 'T') && !take(&in, ' ') && !take(&in, 't'))
			return -1;
		if (read_time(&in, true, &c) || in.p != in.end)
			return -1;
	}
	*ret = c;
	return 0;
}

/* Reads what may follow the time: nothing, Z, UTC, ±H[H][:MM]. */
static int read_zone(struct cursor *in, int *offset_minutes)
{
	int hours = 0, minutes = 0, sign;

	*offset_minutes = 0;
	take(in, ' ');
	if (in->p == in->end || take(in, 'Z') || take(in, 'z'))
		return 0;
	if (in->end - in->p == 3 && memcmp(in->p, "UTC", 3) == 0) {
		in->p = in->end;
		return 0;
	}
	if (*in->p != '+' && *in->p != '-')
		return -1;
	sign = *in->p++ == '-' ? -1 : 1;
	if (number(in, 1, 2, &hours) < 0)
		return -1;
	if (in->p != in->end && (!take(in, ':') || number(in, 2, 2, &minutes) < 0))
		return -1;
	if (hours > 14 || minutes > 59)
		return -1;
	*offset_minutes = sign * (hours * 60 + minutes);
	return 0;
}

/* Seconds since 1970 as a decimal text; digits below the microsecond are refused. */
static int epoch_seconds(const char *s, size_t n, int64_t *micros)
{
	char canonical[GNUM_MAX];
	struct gnum_shape shape;
	struct cursor in;
	int64_t value = 0;
	bool negative;
	int scale = 6;

	if (gnum_canonical(s, n, canonical, &shape) || shape.integer_digits > 12 || shape.scale > 6)
		return -1;
	in = (struct cursor){ canonical, canonical + strlen(canonical) };
	negative = take(&in, '-');
	for (; in.p < in.end; in.p++)
		if (*in.p != '.')
			value = value * 10 + (*in.p - '0');
	for (scale -= shape.scale; scale > 0; scale--)
		value *= 10;
	*micros = negative ? -value : value;
	return 0;
}

int civil_parse_timestamp(const char *s, size_t n, int64_t *micros)
{
	struct cursor in = { s, s + n };
	struct civil c = epoch();
	int offset_minutes;
	int64_t value;

	if (read_date(&in, &c)) {
		if (epoch_seconds(s, n, &value))
			return -1;
	} else {
		const char *mark = in.p;

		if (take(&in, 'T') || take(&in, ' ') || take(&in, 't')) {
			if (in.p < in.end && *in.p >= '0' && *in.p <= '9') {
				if (read_time(&in, false, &c))
					return -1;
			} else {
				in.p = mark;
			}
		}
		if (read_zone(&in, &offset_minutes) || in.p != in.end)
			return -1;
		value = civil_to_micros(&c) - offset_minutes * INT64_C(60000000);
	}
	if (value < CIVIL_TIMESTAMP_MIN || value > CIVIL_TIMESTAMP_MAX)
		return -1;
	*micros = value;
	return 0;
}

static char *put(char *out, int value, int width)
{
	for (int i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

static char *put_date(char *p, const struct civil *c)
{
	p = put(p, c->year, 4);
	*p++ = '-';
	p = put(p, c->month, 2);
	*p++ = '-';
	return put(p, c->day, 2);
}

static char *put_time(char *p, const struct civil *c)
{
	p = put(p, c->hour, 2);
	*p++ = ':';
	p = put(p, c->minute, 2);
	*p++ = ':';
	p = put(p, c->second, 2);
	*p++ = '.';
	return put(p, c->micros, 6);
}

size_t civil_format_date(const struct civil *c, char out[CIVIL_TEXT_MAX])
{
	char *end = put_date(out, c);

	*end = '\0';
	return (size_t)(end - out);
}

size_t civil_format_time(const struct civil *c, char out[CIVIL_TEXT_MAX])
{
	char *end = put_time(out, c);

	*end = '\0';
	return (size_t)(end - out);
}

size_t civil_format_datetime(const struct civil *c, char out[CIVIL_TEXT_MAX])
{
	char *end = put_date(out, c);

	*end++ = 'T';
	end = put_time(end, c);
	*end = '\0';
	return (size_t)(end - out);
}
