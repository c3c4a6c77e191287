/* --type: dates, times and intervals, from the text forms that databases and ISO 8601 have. */
#include "extract/convert.h"

static const int64_t microseconds_a_second = 1000000, microseconds_a_day = INT64_C(86400000000);

static const char reason_zone[] = "a time zone, which only TIMESTAMP takes";
static const char reason_fraction[] = "fractions of a second below a microsecond";
static const char reason_years[] = "outside of BigQuery's years 0001 to 9999";

struct scan {
	const char *p, *end;
};

/* What a text says; what it does not say is 0. */
struct moment {
	int64_t days; /* since 1970-01-01 */
	int64_t time; /* microseconds of the day */
	int64_t offset_seconds;
	bool has_zone, too_fine;
};

static bool take(struct scan *s, char c)
{
	bool found = s->p < s->end && *s->p == c;

	s->p += found;
	return found;
}

/* From min to max digits. */
static bool take_digits(struct scan *s, int min, int max, int64_t *ret)
{
	int count = 0;

	for (*ret = 0; count < max && s->p < s->end && *s->p >= '0' && *s->p <= '9'; count++)
		*ret = *ret * 10 + (*s->p++ - '0');
	return count >= min;
}

/* Howard Hinnant's days_from_civil: years that begin on 1 March. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	int64_t era, of_era, of_year;

	year -= month <= 2;
	era = year / 400;
	of_era = year - era * 400;
	of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool take_date(struct scan *s, int64_t *days)
{
	static const char lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t year, month, day;
	bool leap;

	if (!take_digits(s, 4, 4, &year) || !take(s, '-') || !take_digits(s, 2, 2, &month) ||
	    !take(s, '-') || !take_digits(s, 2, 2, &day))
		return false;
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (year < 1 || month < 1 || month > 12 || day < 1 ||
	    day > lengths[month - 1] + (month == 2 && leap))
		return false;
	*days = days_from_civil(year, month, day);
	return true;
}

/* Up to 6 digits count; further ones must be 0, which *too_fine says otherwise. */
static bool take_fraction(struct scan *s, int64_t *microseconds, bool *too_fine)
{
	int64_t unit = 100000;
	const char *start = s->p;

	for (*microseconds = 0; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
		*microseconds += (*s->p - '0') * unit;
		if (unit == 0 && *s->p != '0')
			*too_fine = true;
		unit /= 10;
	}
	return s->p > start;
}

/* HH:MM[:SS[.F]] */
static bool take_time(struct scan *s, int64_t *ret, bool *too_fine)
{
	int64_t hours, minutes, seconds = 0, fraction = 0;

	if (!take_digits(s, 2, 2, &hours) || !take(s, ':') || !take_digits(s, 2, 2, &minutes))
		return false;
	if (take(s, ':')) {
		if (!take_digits(s, 2, 2, &seconds))
			return false;
		if (take(s, '.') && !take_fraction(s, &fraction, too_fine))
			return false;
	}
	if (hours > 23 || minutes > 59 || seconds > 59)
		return false;
	*ret = (hours * 3600 + minutes * 60 + seconds) * microseconds_a_second + fraction;
	return true;
}

/* "Z", " UTC", "+01", "-03:30", "+0530". */
static bool take_zone(struct scan *s, struct moment *m)
{
	int64_t hours, minutes = 0;
	int sign = s->p < s->end && *s->p == '-' ? -1 : 1;

	m->has_zone = true;
	if (take(s, 'Z') || take(s, 'z'))
		return true;
	if (s->end - s->p == 4 && !memcmp(s->p, " UTC", 4)) {
		s->p += 4;
		return true;
	}
	if (!take(s, '+') && !take(s, '-'))
		return false;
	if (!take_digits(s, 2, 2, &hours))
		return false;
	if (s->p < s->end) {
		take(s, ':');
		if (!take_digits(s, 2, 2, &minutes))
			return false;
	}
	if (hours > 23 || minutes > 59)
		return false;
	m->offset_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* DATE[(T| )TIME[ZONE]] */
static bool read_moment(const char *p, size_t n, struct moment *m)
{
	struct scan s = { p, p + n };

	*m = (struct moment){ 0 };
	if (!take_date(&s, &m->days))
		return false;
	if (s.p == s.end)
		return true;
	if (!take(&s, 'T') && !take(&s, ' ') && !take(&s, 't'))
		return false;
	if (!take_time(&s, &m->time, &m->too_fine))
		return false;
	return s.p == s.end || (take_zone(&s, m) && s.p == s.end);
}

/* A moment in the column's own time: what is TIMESTAMP there stands in UTC. */
static const char *read_local(const struct conversion *c, const char *p, size_t n, struct moment *m)
{
	if (!read_moment(p, n, m))
		return "not a date as YYYY-MM-DD, or with a time as YYYY-MM-DD HH:MM:SS";
	if (m->too_fine)
		return reason_fraction;
	return m->has_zone && strcmp(c->inner.type, "TIMESTAMP") != 0 ? reason_zone : NULL;
}

const char *convert_put_date(const struct conversion *c, const char *p, size_t n, char **out)
{
	struct moment m;
	const char *reason = read_local(c, p, n, &m);

	if (reason)
		return reason;
	if (m.time)
		return "a time of day, which DATE has not";
	*(*out)++ = '"';
	encode_put_date(out, m.days);
	*(*out)++ = '"';
	return NULL;
}

const char *convert_put_datetime(const struct conversion *c, const char *p, size_t n, char **out)
{
	struct moment m;
	const char *reason = read_local(c, p, n, &m);

	if (reason)
		return reason;
	*(*out)++ = '"';
	encode_put_datetime(out, m.days * microseconds_a_day + m.time);
	*(*out)++ = '"';
	return NULL;
}

const char *convert_put_timestamp(const struct conversion *c, const char *p, size_t n, char **out)
{
	struct moment m;
	int64_t at;

	(void)c;
	if (!read_moment(p, n, &m))
		return "not a date and time as YYYY-MM-DD HH:MM:SS, with or without a zone such as +01:00";
	if (m.too_fine)
		return reason_fraction;
	at = m.days * microseconds_a_day + m.time - m.offset_seconds * microseconds_a_second;
	*(*out)++ = '"';
	if (!encode_put_datetime(out, at))
		return reason_years;
	*(*out)++ = 'Z';
	*(*out)++ = '"';
	return NULL;
}

const char *convert_put_time(const struct conversion *c, const char *p, size_t n, char **out)
{
	struct scan s = { p, p + n };
	bool too_fine = false;
	int64_t time;

	(void)c;
	if (!take_time(&s, &time, &too_fine) || s.p != s.end)
		return "not a time of day as HH:MM:SS";
	if (too_fine)
		return reason_fraction;
	*(*out)++ = '"';
	*out = encode_put_time(*out, time);
	*(*out)++ = '"';
	return NULL;
}

/* "[-]Y-M [-]D [-]H:M:S[.F]", and BigQuery's bounds: 10,000 years, 3,660,000 days, 87,840,000 hours. */
static bool is_interval(struct scan *s, bool *too_fine)
{
	int64_t years, months, days, hours, minutes, seconds, fraction = 0;

	take(s, '-');
	if (!take_digits(s, 1, 5, &years) || !take(s, '-') || !take_digits(s, 1, 2, &months) ||
	    !take(s, ' '))
		return false;
	take(s, '-');
	if (!take_digits(s, 1, 7, &days) || !take(s, ' '))
		return false;
	take(s, '-');
	if (!take_digits(s, 1, 8, &hours) || !take(s, ':') || !take_digits(s, 1, 2, &minutes) ||
	    !take(s, ':') || !take_digits(s, 1, 2, &seconds))
		return false;
	if (take(s, '.') && !take_fraction(s, &fraction, too_fine))
		return false;
	return s->p == s->end && months < 12 && years * 12 + months <= 120000 && days <= 3660000 &&
	       minutes < 60 && seconds < 60 &&
	       ((hours * 60 + minutes) * 60 + seconds) * microseconds_a_second + fraction <=
		       INT64_C(87840000) * 3600 * microseconds_a_second;
}

const char *convert_put_interval(const struct conversion *c, const char *p, size_t n, char **out)
{
	struct scan s = { p, p + n };
	bool too_fine = false;

	(void)c;
	if (!is_interval(&s, &too_fine))
		return "not an interval as Y-M D H:M:S within BigQuery's bounds";
	if (too_fine)
		return reason_fraction;
	return encode_put_string(p, n, out);
}
