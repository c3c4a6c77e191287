#include "trigger/dts_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DATE_LENGTH = 10, SECONDS_LENGTH = 19, MONTHS = 12, NANO_DIGITS = 9 };
static const int64_t second_ns = 1000 * 1000 * 1000;

/* n digits at s, which are a number from min to max. */
static bool number(const char *s, int n, int min, int max, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = value * 10 + s[i] - '0';
	}
	*ret = value;
	return value >= min && value <= max;
}

/* tm of "YYYY-MM-DD"; years that nanoseconds in 64 bits can count. */
static bool parse_date(const char *s, struct tm *tm)
{
	static const int days[MONTHS] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;

	if (!number(s, 4, 1970, 2261, &year) || s[4] != '-' ||
	    !number(s + 5, 2, 1, MONTHS, &month) || s[7] != '-' || !number(s + 8, 2, 1, 31, &day))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return day <= days[month - 1] ||
	       (month == 2 && day == 29 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

/* Digits behind a point; *end: behind them. */
static bool parse_fraction(const char *s, int64_t *ret_ns, const char **end)
{
	size_t n = strspn(s, "0123456789");
	int64_t ns = 0;

	if (n == 0 || n > NANO_DIGITS)
		return false;
	for (size_t i = 0; i < NANO_DIGITS; i++)
		ns = ns * 10 + (i < n ? s[i] - '0' : 0);
	*ret_ns = ns;
	*end = s + n;
	return true;
}

/* "Z", "+01:00": seconds east of UTC; nothing may follow. */
static bool parse_zone(const char *s, int *ret_s)
{
	int hours, minutes;

	*ret_s = 0;
	if (!strcmp(s, "Z") || !strcmp(s, "z"))
		return true;
	if ((*s != '+' && *s != '-') || strlen(s) != 6 || s[3] != ':' ||
	    !number(s + 1, 2, 0, 23, &hours) || !number(s + 4, 2, 0, 59, &minutes))
		return false;
	*ret_s = (hours * 60 + minutes) * 60 * (*s == '-' ? -1 : 1);
	return true;
}

bool dts_time_parse(const char *text, int64_t *ret_ns)
{
	struct tm tm = { 0 };
	int64_t fraction = 0;
	const char *rest;
	int zone;

	if (strlen(text) <= SECONDS_LENGTH || !parse_date(text, &tm) ||
	    (text[DATE_LENGTH] != 'T' && text[DATE_LENGTH] != 't') ||
	    !number(text + 11, 2, 0, 23, &tm.tm_hour) || text[13] != ':' ||
	    !number(text + 14, 2, 0, 59, &tm.tm_min) || text[16] != ':' ||
	    !number(text + 17, 2, 0, 60, &tm.tm_sec))
		return false;
	rest = text + SECONDS_LENGTH;
	if (*rest == '.' && !parse_fraction(rest + 1, &fraction, &rest))
		return false;
	if (!parse_zone(rest, &zone))
		return false;
	*ret_ns = ((int64_t)timegm(&tm) - zone) * second_ns + fraction;
	return true;
}

bool dts_time_parse_day(const char *text, int64_t *ret_ns)
{
	struct tm tm = { 0 };

	if (strlen(text) != DATE_LENGTH)
		return dts_time_parse(text, ret_ns);
	if (!parse_date(text, &tm))
		return false;
	*ret_ns = (int64_t)timegm(&tm) * second_ns;
	return true;
}

void dts_time_format(int64_t ns, char ret[DTS_TIME_SIZE])
{
	time_t seconds = ns / second_ns;
	int64_t fraction = ns % second_ns;
	int digits = NANO_DIGITS;
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(ret, DTS_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	while (digits > 0 && fraction % 1000 == 0) {
		fraction /= 1000;
		digits -= 3;
	}
	if (digits > 0)
		n += (size_t)snprintf(ret + n, DTS_TIME_SIZE - n, ".%0*lld", digits,
				      (long long)fraction);
	memcpy(ret + n, "Z", sizeof "Z");
}

int64_t dts_time_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * second_ns + now.tv_nsec;
}
