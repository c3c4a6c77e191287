/*
 * Small readers of jansson values for API requests, where int64 stands as a string or a number and absent, null and
 * wrongly typed members all mean "not given". Strings returned are borrowed from the value.
 */
#ifndef LOCALCLOUD_JSON_UTIL_H
#define LOCALCLOUD_JSON_UTIL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

const char *ju_string(const json_t *object, const char *key, const char *fallback);
int64_t ju_int64(const json_t *object, const char *key, int64_t fallback);
/* true, "true"; anything else than these and false, "false" gives the fallback. */
bool ju_bool(const json_t *object, const char *key, bool fallback);
/* Follows "a.b.c" through objects; borrowed, NULL when a step is missing. */
json_t *ju_path(const json_t *object, const char *path);

/* An integer, or a string of one: -1 when it is neither. */
int ju_to_int64(const json_t *value, int64_t *ret);
/* Strict decimal int64 with optional '-'. */
int ju_parse_int64(const char *s, size_t n, int64_t *ret);

void ju_set_int64(json_t *object, const char *key,
		  int64_t value); /* as a string, as the API writes int64 */

bool ju_in(const char *s, const char *const *list); /* list ends with NULL */
void ju_upper(const char *s, char *out, size_t size);

#endif
