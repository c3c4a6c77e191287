/* Points in time as Google's APIs write them, RFC 3339, compared to the nanosecond. */
#ifndef SLUICE_TRIGGER_DTS_TIME_H
#define SLUICE_TRIGGER_DTS_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DTS_TIME_SIZE = 40 };

/* "2026-01-31T10:00:00.123456789Z", or with an offset: nanoseconds since 1970. False: it is none. */
bool dts_time_parse(const char *text, int64_t *ret_ns) __attribute__((warn_unused_result));

/* The same, or a date, which is its midnight in UTC. */
bool dts_time_parse_day(const char *text, int64_t *ret_ns) __attribute__((warn_unused_result));

/* In UTC; as many digits behind the point as it needs: none, 3, 6 or 9. */
void dts_time_format(int64_t ns, char ret[DTS_TIME_SIZE]);

/* The wall clock's. */
int64_t dts_time_now_ns(void);

#endif
