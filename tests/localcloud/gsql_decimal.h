/*
 * Exact decimal arithmetic for NUMERIC and BIGNUMERIC, on the canonical texts of gnum.h.
 *
 * A gsql_decimal is plain data: sign, scale and decimal digits, the least significant first. Its room holds every
 * product and quotient of two BIGNUMERICs; results are rounded half away from zero and checked against the type by
 * gsql_decimal_fit. Nothing allocates.
 */
#ifndef LOCALCLOUD_GSQL_DECIMAL_H
#define LOCALCLOUD_GSQL_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

enum { GSQL_DECIMAL_DIGITS = 480, GSQL_DECIMAL_TEXT = GSQL_DECIMAL_DIGITS + 8 };

struct gsql_decimal {
	bool negative;
	int count; /* digits in use */
	int scale; /* how many of them are behind the point */
	signed char digit[GSQL_DECIMAL_DIGITS];
};

enum gsql_rounding { GSQL_ROUND_HALF, GSQL_ROUND_TRUNCATE, GSQL_ROUND_FLOOR, GSQL_ROUND_CEILING };

/* Any number that gnum_canonical reads; false when it is none or too long. */
bool gsql_decimal_parse(const char *s, size_t n, struct gsql_decimal *ret);
void gsql_decimal_add(const struct gsql_decimal *a, const struct gsql_decimal *b,
		      struct gsql_decimal *ret);
void gsql_decimal_multiply(const struct gsql_decimal *a, const struct gsql_decimal *b,
			   struct gsql_decimal *ret);
/* The quotient with `scale` digits behind the point; b is not zero. */
void gsql_decimal_divide(const struct gsql_decimal *a, const struct gsql_decimal *b, int scale,
			 struct gsql_decimal *ret);
/* scale may be negative: -2 rounds to hundreds. */
void gsql_decimal_round(struct gsql_decimal *d, int scale, enum gsql_rounding how);
bool gsql_decimal_is_zero(const struct gsql_decimal *d);
/* Canonical text. */
size_t gsql_decimal_format(const struct gsql_decimal *d, char out[GSQL_DECIMAL_TEXT]);
/* Rounds to the type's scale (9, or 38 when big) and writes canonical text; false when the type does not hold it. */
bool gsql_decimal_fit(struct gsql_decimal *d, bool big, char out[GSQL_DECIMAL_TEXT]);

#endif
