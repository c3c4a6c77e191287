/*
 * Calendar values: the text forms of DATE, TIME, DATETIME and TIMESTAMP that BigQuery reads, and the physical forms
 * that store.h fixes. Proleptic Gregorian calendar, years 0001 to 9999, microseconds. No memory is owned.
 */
#ifndef LOCALCLOUD_CIVIL_H
#define LOCALCLOUD_CIVIL_H

#include <stddef.h>
#include <stdint.h>

/* Room for the longest text that a civil_format_* function writes, with NUL. */
#define CIVIL_TEXT_MAX 40

/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z in microseconds since 1970. */
#define CIVIL_TIMESTAMP_MIN INT64_C(-62135596800000000)
#define CIVIL_TIMESTAMP_MAX INT64_C(253402300799999999)

#define CIVIL_DAY_US INT64_C(86400000000)

struct civil {
	int year, month, day, hour, minute, second, micros;
};

int64_t civil_days(int year, int month, int day); /* days since 1970-01-01 */
void civil_from_micros(int64_t micros, struct civil *ret);
int64_t civil_to_micros(const struct civil *c);

/* Each parses all of s[0..n) and returns 0, or -1 and leaves *ret alone. */
int civil_parse_date(const char *s, size_t n,
		     struct civil *ret); /* YYYY-M-D; the time becomes midnight */
int civil_parse_time(const char *s, size_t n,
		     struct civil *ret); /* H:M:S[.ffffff]; the date becomes 1970-01-01 */
int civil_parse_datetime(const char *s, size_t n, struct civil *ret); /* DATE[(T| )TIME] */
/* DATE[(T| )H:M[:S[.ffffff]]][Z| UTC|±H[:MM]], or seconds since 1970 as a decimal; no zone means UTC. */
int civil_parse_timestamp(const char *s, size_t n, int64_t *micros);

/* The physical texts of store.h; each returns the length. */
size_t civil_format_date(const struct civil *c, char out[CIVIL_TEXT_MAX]);
size_t civil_format_time(const struct civil *c, char out[CIVIL_TEXT_MAX]);
size_t civil_format_datetime(const struct civil *c, char out[CIVIL_TEXT_MAX]);

#endif
