#include "infer/temporal.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* count digits at *p, which moves behind them; -1 when they are not there. */
static int take(const char **p, const char *end, int count)
{
	int value = 0;

	if (end - *p < count)
		return -1;
	for (int i = 0; i < count; i++, ++*p) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + **p - '0';
	}
	return value;
}

static bool take_byte(const char **p, const char *end, char c)
{
	if (*p == end || **p != c)
		return false;
	++*p;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

static bool take_date(const char **p, const char *end, struct temporal *t)
{
	t->year = take(p, end, 4);
	if (t->year < 1 || !take_byte(p, end, '-'))
		return false;
	t->month = take(p, end, 2);
	if (t->month < 1 || t->month > 12 || !take_byte(p, end, '-'))
		return false;
	t->day = take(p, end, 2);
	return t->day >= 1 && t->day <= days_in_month(t->year, t->month);
}

/* Up to six digits count; what is behind them must be zeros. */
static bool take_fraction(const char **p, const char *end, struct temporal *t)
{
	int unit = 100000;

	if (*p == end || **p < '0' || **p > '9')
		return false;
	for (; *p < end && **p >= '0' && **p <= '9'; ++*p, unit /= 10) {
		if (!unit && **p != '0')
			return false;
		t->microsecond += unit * (**p - '0');
	}
	return true;
}

static bool take_time(const char **p, const char *end, struct temporal *t)
{
	t->hour = take(p, end, 2);
	if (t->hour < 0 || t->hour > 23 || !take_byte(p, end, ':'))
		return false;
	t->minute = take(p, end, 2);
	if (t->minute < 0 || t->minute > 59 || !take_byte(p, end, ':'))
		return false;
	t->second = take(p, end, 2);
	if (t->second < 0 || t->second > 59)
		return false;
	return !take_byte(p, end, '.') || take_fraction(p, end, t);
}

/* Minutes east of UTC. */
static bool take_zone(const char **p, const char *end, int *minutes)
{
	bool west;
	int hours, rest = 0;

	*minutes = 0;
	while (take_byte(p, end, ' '))
		;
	if (take_byte(p, end, 'Z') || take_byte(p, end, 'z'))
		return true;
	if (end - *p == 3 && !memcmp(*p, "UTC", 3)) {
		*p = end;
		return true;
	}
	west = *p < end && **p == '-';
	if (!west && !(*p < end && **p == '+'))
		return false;
	++*p;
	hours = take(p, end, 2);
	if (*p < end) {
		take_byte(p, end, ':');
		rest = take(p, end, 2);
	}
	if (hours < 0 || hours > 18 || rest < 0 || rest > 59)
		return false;
	*minutes = (west ? -1 : 1) * (hours * 60 + rest);
	return true;
}

/* The day before or after: no zone is further away. */
static bool step_day(struct temporal *t, int step)
{
	t->day += step;
	if (t->day < 1) {
		if (--t->month < 1) {
			t->month = 12;
			t->year--;
		}
		t->day = days_in_month(t->year, t->month);
	} else if (t->day > days_in_month(t->year, t->month)) {
		t->day = 1;
		if (++t->month > 12) {
			t->month = 1;
			t->year++;
		}
	}
	return t->year >= 1 && t->year <= 9999;
}

static bool to_utc(struct temporal *t, int east)
{
	int minutes = t->hour * 60 + t->minute - east;
	bool fits = true;

	if (minutes < 0) {
		minutes += 24 * 60;
		fits = step_day(t, -1);
	} else if (minutes >= 24 * 60) {
		minutes -= 24 * 60;
		fits = step_day(t, 1);
	}
	t->hour = minutes / 60;
	t->minute = minutes % 60;
	return fits;
}

struct temporal temporal_parse(const char *text, size_t length)
{
	static const struct temporal none = { .type = TYPE_STRING };
	struct temporal t = { .type = TYPE_TIME };
	const char *p = text, *end = text + length;
	int east;

	if (length < 8 || *p < '0' || *p > '9')
		return none;
	if (text[2] == ':')
		return take_time(&p, end, &t) && p == end ? t : none;
	if (!take_date(&p, end, &t))
		return none;
	t.type = TYPE_DATE;
	if (p == end)
		return t;
	if (!take_byte(&p, end, 'T') && !take_byte(&p, end, ' ') && !take_byte(&p, end, 't'))
		return none;
	if (!take_time(&p, end, &t))
		return none;
	t.type = TYPE_DATETIME;
	if (p == end)
		return t;
	t.type = TYPE_TIMESTAMP;
	return take_zone(&p, end, &east) && p == end && to_utc(&t, east) ? t : none;
}

/* --- writing ------------------------------------------------------------- */

static char *put(char *out, int value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
	return out + digits;
}

char *temporal_write(char *out, const struct temporal *t)
{
	if (t->type != TYPE_TIME) {
		out = put(out, t->year, 4);
		*out++ = '-';
		out = put(out, t->month, 2);
		*out++ = '-';
		out = put(out, t->day, 2);
		if (t->type == TYPE_DATE)
			return out;
		*out++ = 'T';
	}
	out = put(out, t->hour, 2);
	*out++ = ':';
	out = put(out, t->minute, 2);
	*out++ = ':';
	out = put(out, t->second, 2);
	*out++ = '.';
	out = put(out, t->microsecond, 6);
	if (t->type == TYPE_TIMESTAMP)
		*out++ = 'Z';
	return out;
}
