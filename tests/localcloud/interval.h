/*
 * INTERVAL: reads ISO 8601 durations and BigQuery's own form, writes the latter ("1-2 3 4:5:6.500": a fraction has
 * three or six digits). Owns nothing.
 */
#ifndef LOCALCLOUD_INTERVAL_H
#define LOCALCLOUD_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERVAL_TEXT_MAX 80

/* -1 when it is no interval or lies outside ±10000 years, ±3660000 days, ±87840000 hours. */
int interval_parse(const char *s, size_t n, char out[INTERVAL_TEXT_MAX]);

/* One part as INTERVAL 5 DAY makes it; unit is YEAR QUARTER MONTH WEEK DAY HOUR MINUTE or SECOND. -1 out of range. */
int interval_of(int64_t n, const char *unit, char out[INTERVAL_TEXT_MAX]);
/* "1-2 3" of INTERVAL '1-2 3' YEAR TO DAY: the parts of the canonical form from the first unit to the last. */
int interval_parse_range(const char *s, size_t n, const char *from, const char *to,
			 char out[INTERVAL_TEXT_MAX]);
/* Microseconds by which intervals compare: a month is 30 days, a day 24 hours. The text is canonical. */
int64_t interval_key(const char *s, size_t n);

#endif
