/*
 * Exact decimals as text: the canonical form of NUMERIC and BIGNUMERIC cells, their limits, and their order.
 *
 * Canonical: optional '-', integer digits without leading zeros (at least "0"), and if there is a fraction a '.' and
 * digits that do not end in zero. Zero is "0". The caller owns every buffer.
 */
#ifndef LOCALCLOUD_GNUM_H
#define LOCALCLOUD_GNUM_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

/* Longest canonical text that gnum_canonical accepts, with NUL: far more digits than BIGNUMERIC has. */
#define GNUM_MAX 512

struct gnum_shape {
	int integer_digits; /* 0 when the integer part is zero */
	int scale;          /* digits of the fraction */
};

/*
 * Parses [+-]digits[.digits][e[+-]digits] into out. -1 when it is no such number, or needs more than GNUM_MAX bytes.
 */
int gnum_canonical(const char *s, size_t n, char out[GNUM_MAX], struct gnum_shape *shape);

/*
 * True when a canonical number fits the type. Precision 0 means unparameterised: 29 integer digits and 9 of scale for
 * NUMERIC; below 2^255 / 10^38 in magnitude and 38 of scale for BIGNUMERIC.
 */
bool gnum_fits(const char *canonical, const struct gnum_shape *shape, bool big, int precision,
	       int scale);

/* Order of two canonical texts: <0, 0, >0. */
int gnum_compare(const char *a, size_t an, const char *b, size_t bn);

/* Registers COLLATE gnum on a connection; returns SQLite's code. */
int gnum_register(sqlite3 *db);

#endif
