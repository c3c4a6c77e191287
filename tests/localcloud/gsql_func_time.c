/* DATE, DATETIME, TIME and TIMESTAMP arithmetic, all over microseconds of a civil time. */
#include "tests/localcloud/civil.h"
#include "tests/localcloud/gsql_func.h"

#include <stdio.h>
#include <string.h>

static int64_t read_micros(char type, sqlite3_value *v)
{
	struct civil t = { .year = 1970, .month = 1, .day = 1 };
	const char *s;
	size_t n;
	if (type == 'P')
		return sqlite3_value_int64(v);
	s = gsql_text_of(v);
	n = (size_t)sqlite3_value_bytes(v);
	int rc = type == 'T'   ? civil_parse_time(s, n, &t)
		 : type == 'D' ? civil_parse_date(s, n, &t)
			       : civil_parse_datetime(s, n, &t);
	return rc == 0 ? civil_to_micros(&t) : 0;
}

static void result_micros(sqlite3_context *c, char type, int64_t us, bool overflow)
{
	char text[CIVIL_TEXT_MAX];
	struct civil t;
	if (type == 'T' && !overflow)
		us = (us % CIVIL_DAY_US + CIVIL_DAY_US) % CIVIL_DAY_US;
	if (overflow || us < CIVIL_TIMESTAMP_MIN || us > CIVIL_TIMESTAMP_MAX) {
		gsql_func_fail(c, "Arithmetic produces a %s out of range",
			       type == 'D'   ? "DATE"
			       : type == 'P' ? "TIMESTAMP"
					     : "DATETIME");
		return;
	}
	if (type == 'P') {
		sqlite3_result_int64(c, us);
		return;
	}
	civil_from_micros(us, &t);
	size_t n = type == 'D'   ? civil_format_date(&t, text)
		   : type == 'T' ? civil_format_time(&t, text)
				 : civil_format_datetime(&t, text);
	sqlite3_result_text64(c, text, n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static const struct {
	const char *name;
	int64_t us;
	int months;
} parts[] = { { "MICROSECOND", 1, 0 },
	      { "MILLISECOND", 1000, 0 },
	      { "SECOND", 1000000, 0 },
	      { "MINUTE", 60000000, 0 },
	      { "HOUR", 3600000000, 0 },
	      { "DAY", CIVIL_DAY_US, 0 },
	      { "WEEK", 7 * CIVIL_DAY_US, 0 },
	      { "ISOWEEK", 7 * CIVIL_DAY_US, 0 },
	      { "MONTH", 0, 1 },
	      { "QUARTER", 0, 3 },
	      { "YEAR", 0, 12 },
	      { "ISOYEAR", 0, 12 } };

/* Index into parts; WEEK(DAY) is WEEK, its first day from 0 (Sunday) in *first. */
static size_t find_part(const char *name, int *first)
{
	static const char *const days[] = { "SUNDAY",   "MONDAY", "TUESDAY", "WEDNESDAY",
					    "THURSDAY", "FRIDAY", "SATURDAY" };
	*first = strcmp(name, "ISOWEEK") == 0;
	if (strncmp(name, "WEEK(", 5) == 0)
		for (int i = 0; i < 7; i++)
			if (strncmp(name + 5, days[i], strlen(days[i])) == 0)
				*first = i;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(parts[i].name, name) == 0)
			return i;
	return 6;
}

static int month_days(int year, int month)
{
	int next = month == 12 ? 1 : month + 1;
	return (int)(civil_days(month == 12 ? year + 1 : year, next, 1) -
		     civil_days(year, month, 1));
}

static void add(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	char type = gsql_text_of(v[0])[0];
	int64_t us = read_micros(type, v[1]);
	int64_t count = sqlite3_value_int64(v[2]);
	int64_t delta = 0;
	int first;
	size_t p = find_part(gsql_text_of(v[3]), &first);
	if (parts[p].months == 0) {
		bool overflow = __builtin_mul_overflow(count, parts[p].us, &delta) ||
				__builtin_add_overflow(us, delta, &us);
		result_micros(c, type, us, overflow);
		return;
	}
	struct civil t;
	civil_from_micros(us, &t);
	bool overflow = __builtin_mul_overflow(count, (int64_t)parts[p].months, &delta) ||
			delta > 120000 || delta < -120000;
	int64_t month = overflow ? 0 : (int64_t)t.year * 12 + t.month - 1 + delta;
	if (month < 12 || month >= 120000) {
		result_micros(c, type, 0, true);
		return;
	}
	t.year = (int)(month / 12);
	t.month = (int)(month % 12) + 1;
	if (t.day > month_days(t.year, t.month))
		t.day = month_days(t.year, t.month);
	result_micros(c, type, civil_to_micros(&t), false);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* 1970-01-01 was a Thursday: day 4 of a week that begins on Sunday. */
static int64_t week_start(int64_t day, int first)
{
	return day - (((day + 4 - first) % 7) + 7) % 7;
}

/* The first day of the ISO year in which a day lies: the Monday of the week with January 4. */
static int64_t iso_year_start(int64_t day, int *year)
{
	struct civil t;
	civil_from_micros((week_start(day, 1) + 3) * CIVIL_DAY_US,
			  &t); /* its Thursday names the year */
	*year = t.year;
	return week_start(civil_days(t.year, 1, 4), 1);
}

static int64_t truncated(int64_t us, const char *part)
{
	int first;
	int year;
	size_t p = find_part(part, &first);
	struct civil t;
	int64_t day = floor_div(us, CIVIL_DAY_US);
	if (strcmp(part, "ISOYEAR") == 0)
		return iso_year_start(day, &year) * CIVIL_DAY_US;
	if (parts[p].months == 0 && parts[p].us <= CIVIL_DAY_US)
		return floor_div(us, parts[p].us) * parts[p].us;
	if (parts[p].months == 0)
		return week_start(day, first) * CIVIL_DAY_US;
	civil_from_micros(us, &t);
	int month = parts[p].months == 1   ? t.month
		    : parts[p].months == 3 ? (t.month - 1) / 3 * 3 + 1
					   : 1;
	return civil_days(t.year, month, 1) * CIVIL_DAY_US;
}

static void truncate_to(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	char type = gsql_text_of(v[0])[0];
	result_micros(c, type, truncated(read_micros(type, v[1]), gsql_text_of(v[2])), false);
}

/* TIMESTAMP_DIFF counts whole units between; the others count the boundaries crossed. */
static void difference(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	char type = gsql_text_of(v[0])[0];
	const char *part = gsql_text_of(v[3]);
	int64_t a = read_micros(type, v[1]);
	int64_t b = read_micros(type, v[2]);
	int first;
	size_t p = find_part(part, &first);
	struct civil x, y;
	if (parts[p].months == 0 && (type == 'P' || type == 'T')) {
		sqlite3_result_int64(c, (a - b) / parts[p].us);
	} else if (parts[p].months == 0) {
		sqlite3_result_int64(c, (truncated(a, part) - truncated(b, part)) / parts[p].us);
	} else {
		civil_from_micros(a, &x);
		civil_from_micros(b, &y);
		int64_t m = parts[p].months;
		sqlite3_result_int64(c, (x.year * 12 + x.month - 1) / m -
						(y.year * 12 + y.month - 1) / m);
	}
}

static int64_t part_of(const struct civil *t, int64_t day, const char *part)
{
	int year = t->year;
	int64_t january = civil_days(t->year, 1, 1);
	int first;
	size_t p = find_part(part, &first);
	if (strcmp(part, "DAYOFWEEK") == 0)
		return day - week_start(day, 0) + 1;
	if (strcmp(part, "DAYOFYEAR") == 0)
		return day - january + 1;
	if (strcmp(part, "ISOYEAR") == 0 || strcmp(part, "ISOWEEK") == 0) {
		int64_t start = iso_year_start(day, &year);
		return part[3] == 'Y' ? year : (day - start) / 7 + 1;
	}
	if (strncmp(part, "WEEK", 4) ==
	    0) /* weeks begin on the first such day of the year; before it is week 0 */
		return (week_start(day, first) - week_start(january - 1, first)) / 7;
	if (strcmp(part, "QUARTER") == 0)
		return (t->month - 1) / 3 + 1;
	const int values[] = {
		t->micros, t->micros / 1000, t->second, t->minute, t->hour, t->day, 0,
		0,         t->month,         0,         t->year
	};
	return values[p];
}

static void extract(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	int64_t us = read_micros(gsql_text_of(v[0])[0], v[1]);
	struct civil t;
	civil_from_micros(us, &t);
	sqlite3_result_int64(c, part_of(&t, floor_div(us, CIVIL_DAY_US), gsql_text_of(v[2])));
}

static void make_date(sqlite3_context *c, int n, sqlite3_value **v)
{
	char text[CIVIL_TEXT_MAX + 40];
	struct civil t;
	(void)n;
	int len =
		snprintf(text, sizeof(text), "%04lld-%02lld-%02lld",
			 (long long)sqlite3_value_int64(v[0]), (long long)sqlite3_value_int64(v[1]),
			 (long long)sqlite3_value_int64(v[2]));
	if (civil_parse_date(text, (size_t)len, &t) != 0)
		gsql_func_fail(c, "Input calculates to invalid date: %s", text);
	else
		sqlite3_result_text(c, text, len, SQLITE_TRANSIENT);
}

static void from_units(sqlite3_context *c, int n, sqlite3_value **v)
{
	int64_t us = 0;
	(void)n;
	bool overflow =
		__builtin_mul_overflow(sqlite3_value_int64(v[0]), sqlite3_value_int64(v[1]), &us);
	result_micros(c, 'P', us, overflow);
}

static void floor_divide(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int64(c, floor_div(sqlite3_value_int64(v[0]), sqlite3_value_int64(v[1])));
}

/* FORMAT_TIMESTAMP and its like: the elements that need no locale; another one is an error. */
static void format_time(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	char type = gsql_text_of(v[0])[0];
	const char *f = gsql_text_of(v[1]);
	int64_t us = read_micros(type, v[2]);
	struct civil t;
	char out[400];
	size_t at = 0;
	civil_from_micros(us, &t);
	for (; *f != '\0' && at < sizeof(out) - 40; f++) {
		size_t room = sizeof(out) - at;
		int more = 1;
		if (*f != '%')
			out[at] = *f;
		else if (*++f == 'Y')
			more = snprintf(out + at, room, "%04d", t.year);
		else if (*f == 'F')
			more = snprintf(out + at, room, "%04d-%02d-%02d", t.year, t.month, t.day);
		else if (*f == 'T')
			more = snprintf(out + at, room, "%02d:%02d:%02d", t.hour, t.minute,
					t.second);
		else if (*f == 'm' || *f == 'd' || *f == 'H' || *f == 'M' || *f == 'S')
			more = snprintf(out + at, room, "%02d",
					*f == 'm'   ? t.month
					: *f == 'd' ? t.day
					: *f == 'H' ? t.hour
					: *f == 'M' ? t.minute
						    : t.second);
		else if (*f == 'j')
			more = snprintf(out + at, room, "%03d",
					(int)part_of(&t, floor_div(us, CIVIL_DAY_US), "DAYOFYEAR"));
		else if (*f == 'Z')
			more = snprintf(out + at, room, "UTC");
		else if (strncmp(f, "E*S", 3) == 0 || strncmp(f, "E6S", 3) == 0)
			more = snprintf(out + at, room, "%02d.%06d", t.second, t.micros), f += 2;
		else if (*f == '%')
			out[at] = '%';
		else {
			gsql_func_fail(c, "Format element %%%c is not supported", *f);
			return;
		}
		at += (size_t)more;
	}
	sqlite3_result_text64(c, out, at, SQLITE_TRANSIENT, SQLITE_UTF8);
}

const struct gsql_func gsql_func_times[] = { { "g_tadd", 4, add, false },
					     { "g_ttrunc", 3, truncate_to, false },
					     { "g_tdiff", 4, difference, false },
					     { "g_tpart", 3, extract, false },
					     { "g_date", 3, make_date, false },
					     { "g_micros", 2, from_units, false },
					     { "g_floordiv", 2, floor_divide, false },
					     { "g_format_time", 3, format_time, false },
					     { 0 } };
