/*
 * The normal form of a value in a JSON column: no white space, members sorted by the bytes of their names, of equal
 * names the first, strings with as few escapes as possible, numbers as BigQuery holds them (INT64, UINT64, FLOAT64).
 */
#ifndef LOCALCLOUD_JSON_NORMAL_H
#define LOCALCLOUD_JSON_NORMAL_H

#include "tests/localcloud/jscan.h"

/* BigQuery's limit of nesting in a JSON value. */
#define JSON_NORMAL_MAX_DEPTH 500

/*
 * Appends the normal form. -1 when a number does not survive as FLOAT64, a string holds a lone surrogate, or the value
 * is nested too deeply.
 */
int json_normal(const struct jtoken *value, struct buf *out);

/* Shortest JSON number that reads back as the same double: "1.0", "-0.0", "1e+20". d is finite. */
size_t json_format_double(double d, char *out, size_t size);

#endif
