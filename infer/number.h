/*
 * Numbers as texts, digit by digit: nothing here goes through a double but
 * the question whether one would keep the number.
 */
#ifndef SLUICE_INFER_NUMBER_H
#define SLUICE_INFER_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than BIGNUMERIC's 77 digits. */
enum { NUMBER_DIGITS_MAX = 80 };

/*
 * 0.DIGITS times ten to the power of `exponent`: no zeros at either end, none
 * at all for 0. A number with more digits than there is room for keeps the
 * first ones, and `count` tells.
 */
struct number {
	bool negative, whole; /* whole: the text has neither point nor exponent */
	char digits[NUMBER_DIGITS_MAX];
	size_t count;
	int64_t exponent;
};

/*
 * [-+] digits [. digits] [e[-+]digits], of which either digits may be missing,
 * all of the text. False: it is something else.
 */
bool number_parse(const char *text, size_t length, struct number *ret);

/* Digits before and behind the point, as NUMERIC counts them; a million for more than that. */
uint32_t number_before(const struct number *n);
uint32_t number_after(const struct number *n);

bool number_fits_int64(const struct number *n);
bool number_fits_uint64(const struct number *n);

/* The double nearest to it is written as this number. */
bool number_fits_double(const struct number *n);

enum { NUMBER_TEXT_MAX = 2 * NUMBER_DIGITS_MAX };

/*
 * All digits, without exponent, at out, which has NUMBER_TEXT_MAX bytes; for
 * numbers with at most 76 digits before and behind the point. Returns the end.
 */
char *number_write(char *out, const struct number *n);

#endif
