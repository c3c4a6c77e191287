/*
 * Dates and times in texts, by the calendar and the clock: what is found can
 * be written in the one form that rowstream(5) has, and nothing is lost.
 *
 *   YYYY-MM-DD                              DATE
 *   HH:MM:SS[.fraction]                     TIME
 *   date(T|t|space)time                     DATETIME
 *   the same and Z, z, UTC, +HH, +HHMM, +HH:MM, spaces before it   TIMESTAMP
 *
 * Years are 0001 to 9999, also in UTC; digits behind the microseconds zeros.
 */
#ifndef SLUICE_INFER_TEMPORAL_H
#define SLUICE_INFER_TEMPORAL_H

#include <stddef.h>

#include "lib/schema.h"

struct temporal {
	enum schema_type
		type; /* TYPE_DATE, TYPE_TIME, TYPE_DATETIME or TYPE_TIMESTAMP; TYPE_STRING: none */
	int year, month, day, hour, minute, second, microsecond; /* of TYPE_TIMESTAMP in UTC */
};

struct temporal temporal_parse(const char *text, size_t length);

enum { TEMPORAL_TEXT_MAX = 32 };

/* Write at out, which has TEMPORAL_TEXT_MAX bytes; returns the end. No NUL. */
char *temporal_write(char *out, const struct temporal *t);

#endif
