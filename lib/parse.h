/*
 * Strict parsing of what users type: the whole string, no surrounding space,
 * no overflow, no locale. Errors are ERR_USAGE and quote the text; the caller
 * adds the name of the option or variable with error_prefix.
 */
#ifndef SLUICE_LIB_PARSE_H
#define SLUICE_LIB_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

/* A decimal integer with optional '-' in [min, max]. */
int parse_int64(const char *s, int64_t min, int64_t max, int64_t *ret, struct error *err)
	__attribute__((warn_unused_result));

/* As Go writes them, "300ms", "1h30m", "1.5s", "2d"; a bare number is seconds. Milliseconds. */
int parse_duration_ms(const char *s, int64_t *ret_ms, struct error *err)
	__attribute__((warn_unused_result));

/* "4096", "256KiB", "64M", "1GiB": K, M, G, T are powers of 1,024. At least 1. */
int parse_bytes(const char *s, int64_t *ret, struct error *err) __attribute__((warn_unused_result));

/* true/1/yes/on and false/0/no/off, in any case. */
int parse_bool(const char *s, bool *ret, struct error *err) __attribute__((warn_unused_result));

/*
 * Split "a,b,c" at commas into a NULL-terminated vector whose strings and
 * spine are one allocation (free() it). An empty element is an error.
 */
int parse_list(const char *s, char ***ret, size_t *count, struct error *err)
	__attribute__((warn_unused_result));

#endif
