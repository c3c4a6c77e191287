/*
 * The escapes of JSON strings.
 */
#ifndef SLUICE_LIB_ESCAPE_H
#define SLUICE_LIB_ESCAPE_H

#include <stddef.h>

/* The value of the four hex digits of \uXXXX; returns what is behind them, NULL when they are none. */
const char *escape_hex(const char *p, unsigned *ret);

/*
 * The text that a string without its quotes means, as UTF-8. Its escapes must be valid; half of a surrogate pair
 * becomes the three bytes that UTF-8 would have for it. Returns the length, at most max: a text that fills `out`
 * may have been cut.
 */
size_t escape_decode(const char *p, size_t n, char *out, size_t max);

#endif
