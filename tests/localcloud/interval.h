/* INTERVAL: reads ISO 8601 durations and BigQuery's own form, writes the latter ("1-2 3 4:5:6.5"). Owns nothing. */
#ifndef LOCALCLOUD_INTERVAL_H
#define LOCALCLOUD_INTERVAL_H

#include <stddef.h>

#define INTERVAL_TEXT_MAX 80

/* -1 when it is no interval or lies outside ±10000 years, ±3660000 days, ±87840000 hours. */
int interval_parse(const char *s, size_t n, char out[INTERVAL_TEXT_MAX]);

#endif
