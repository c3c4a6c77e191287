/* Times of the Data Transfer Service: microseconds since 1970, as RFC 3339 text, and those of a schedule. */
#ifndef LOCALCLOUD_DTS_TIME_H
#define LOCALCLOUD_DTS_TIME_H

#include "tests/localcloud/api_error.h"

#include <stddef.h>
#include <stdint.h>

int64_t dts_now_us(void);

/* As protobuf's JSON writes a Timestamp: UTC, with 0, 3 or 6 digits behind the second. New reference. */
json_t *dts_time_text(int64_t us);
/* RFC 3339 with a zone; digits behind the microsecond are dropped. 0, or -1 when it is none. */
int dts_time_parse(const char *text, int64_t *us);

/* Runs that one request may ask for. */
#define DTS_RUNS_MAX 1000

/*
 * The times in [from, to) at which the schedule has runs: "every N minutes" and "every N hours" counted from `from`,
 * "every day [HH:MM]" and "every N days [HH:MM]" at that time of day. times has room for DTS_RUNS_MAX. 501 for
 * other schedules, which localcloud cannot read.
 */
int dts_schedule_times(const char *schedule, int64_t from, int64_t to, int64_t *times, size_t *n,
		       struct api_error *err);

#endif
