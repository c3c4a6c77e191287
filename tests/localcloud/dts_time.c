#include "tests/localcloud/dts_time.h"

#include "tests/localcloud/civil.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define MINUTE_US INT64_C(60000000)

int64_t dts_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

json_t *dts_time_text(int64_t us)
{
	struct civil c;
	char seconds[CIVIL_TEXT_MAX];

	civil_from_micros(us, &c);
	snprintf(seconds, sizeof(seconds), "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day,
		 c.hour, c.minute, c.second);
	if (c.micros == 0)
		return json_sprintf("%sZ", seconds);
	if (c.micros % 1000 == 0)
		return json_sprintf("%s.%03dZ", seconds, c.micros / 1000);
	return json_sprintf("%s.%06dZ", seconds, c.micros);
}

/* Do the first bytes look like the pattern, in which 0 stands for a digit? */
static int has_shape(const char *s, const char *pattern)
{
	for (; *pattern; s++, pattern++)
		if (*pattern == '0' ? *s < '0' || *s > '9' : *s != *pattern)
			return 0;
	return 1;
}

/* "Z" or an offset, and nothing behind it. */
static int is_zone(const char *s)
{
	if (*s == '+' || *s == '-')
		return has_shape(s + 1, "00:00") && !s[6];
	return strcmp(s, "Z") == 0;
}

int dts_time_parse(const char *text, int64_t *us)
{
	static const char seconds[] = "0000-00-00T00:00:00";
	char plain[CIVIL_TEXT_MAX];
	size_t digits = 0;
	const char *rest;

	if (!has_shape(text, seconds))
		return -1;
	rest = text + strlen(seconds);
	if (*rest == '.') {
		digits = strspn(++rest, "0123456789");
		if (digits < 1 || digits > 9)
			return -1;
	}
	if (!is_zone(rest + digits))
		return -1;
	snprintf(plain, sizeof(plain), "%.19s%s%.*s%s", text, digits ? "." : "",
		 (int)(digits > 6 ? 6 : digits), rest, rest + digits);
	return civil_parse_timestamp(plain, strlen(plain), us);
}

/* "HH:MM" in microseconds of the day; an empty text is midnight. */
static int parse_of_day(const char *s, int64_t *us)
{
	struct civil c = { 0 };
	char text[16];

	*us = 0;
	if (!*s)
		return 0;
	if (strlen(s) != 5 || !has_shape(s, "00:00"))
		return -1;
	snprintf(text, sizeof(text), "%s:00", s);
	if (civil_parse_time(text, strlen(text), &c))
		return -1;
	*us = (c.hour * 60 + c.minute) * MINUTE_US;
	return 0;
}

struct every {
	int64_t step_us;
	int64_t of_day_us; /* -1: counted from the range's start */
};

/* Behind "every ": "[N ]UNIT[ HH:MM]". */
static int parse_every(const char *s, struct every *ret)
{
	static const struct {
		const char *word;
		int64_t us;
		int of_day;
	} units[] = {
		{ "minutes", MINUTE_US, 0 },   { "mins", MINUTE_US, 0 },
		{ "minute", MINUTE_US, 0 },    { "hours", 60 * MINUTE_US, 0 },
		{ "hour", 60 * MINUTE_US, 0 }, { "days", CIVIL_DAY_US, 1 },
		{ "day", CIVIL_DAY_US, 1 },
	};
	size_t digits = strspn(s, "0123456789"), n;
	int64_t count = 1;

	if (digits > 0 &&
	    (s[digits] != ' ' || ju_parse_int64(s, digits, &count) || count < 1 || count > 100000))
		return -1;
	s += digits > 0 ? digits + 1 : 0;
	n = strcspn(s, " ");
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].word) != n || strncasecmp(s, units[i].word, n) != 0)
			continue;
		s += s[n] ? n + 1 : n;
		ret->step_us = count * units[i].us;
		ret->of_day_us = -1;
		return units[i].of_day ? parse_of_day(s, &ret->of_day_us) : *s ? -1 : 0;
	}
	return -1;
}

int dts_schedule_times(const char *schedule, int64_t from, int64_t to, int64_t *times, size_t *n,
		       struct api_error *err)
{
	struct every every;
	int64_t at = from;
	size_t count = 0;

	if (strncasecmp(schedule, "every ", 6) != 0 || parse_every(schedule + 6, &every))
		return api_fail(err, 501, "UNIMPLEMENTED",
				"localcloud cannot tell the times of the schedule \"%s\"",
				schedule);
	if (every.of_day_us >= 0) {
		int64_t of_day = (from % CIVIL_DAY_US + CIVIL_DAY_US) % CIVIL_DAY_US;

		at = from - of_day + every.of_day_us;
		if (at < from)
			at += CIVIL_DAY_US;
	}
	for (; at < to; at += every.step_us) {
		if (count == DTS_RUNS_MAX)
			return api_fail(err, 501, "UNIMPLEMENTED",
					"localcloud starts at most %d runs at a request",
					DTS_RUNS_MAX);
		times[count++] = at;
	}
	*n = count;
	return 0;
}
