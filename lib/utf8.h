/*
 * Strict UTF-8, as RFC 3629 defines it: overlong forms, surrogates, and what
 * lies above U+10FFFF are invalid. No state, no memory, no locale.
 */
#ifndef SLUICE_LIB_UTF8_H
#define SLUICE_LIB_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * The length of the longest prefix that is whole, valid characters: n when
 * all of it is valid. A character cut off at the end is not part of it, so
 * the caller that reads in pieces keeps the rest for the next one.
 */
size_t utf8_valid_prefix(const char *p, size_t n);

/* How many of the first max bytes of a valid text can stay so that no character is cut. */
size_t utf8_cut(const char *p, size_t n, size_t max);

/* Write a character's 1 to 4 bytes and return the end. It is for the caller to know that it is one. */
char *utf8_put(char *out, uint32_t character);

#endif
