#include "tests/localcloud/json_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *ju_string(const json_t *object, const char *key, const char *fallback)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : fallback;
}

int ju_parse_int64(const char *s, size_t n, int64_t *ret)
{
	bool negative = n > 0 && s[0] == '-';
	size_t i = negative;
	int64_t value = 0;

	if (i == n)
		return -1;
	/* Counted downwards: the negative range is the larger one. */
	for (; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, s[i] - '0', &value))
			return -1;
	}
	if (!negative && value == INT64_MIN)
		return -1;
	*ret = negative ? value : -value;
	return 0;
}

int ju_to_int64(const json_t *value, int64_t *ret)
{
	if (json_is_integer(value)) {
		*ret = json_integer_value(value);
		return 0;
	}
	if (json_is_string(value))
		return ju_parse_int64(json_string_value(value), json_string_length(value), ret);
	return -1;
}

int64_t ju_int64(const json_t *object, const char *key, int64_t fallback)
{
	int64_t value;

	return ju_to_int64(json_object_get(object, key), &value) ? fallback : value;
}

bool ju_bool(const json_t *object, const char *key, bool fallback)
{
	const json_t *value = json_object_get(object, key);

	if (json_is_boolean(value))
		return json_is_true(value);
	if (!json_is_string(value))
		return fallback;
	if (strcasecmp(json_string_value(value), "true") == 0)
		return true;
	return strcasecmp(json_string_value(value), "false") == 0 ? false : fallback;
}

json_t *ju_path(const json_t *object, const char *path)
{
	json_t *at = (json_t *)object;
	char key[64];

	while (at && *path) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		at = json_object_get(at, key);
		path += n + (path[n] == '.');
	}
	return at;
}

void ju_set_int64(json_t *object, const char *key, int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	json_object_set_new(object, key, json_string(text));
}

bool ju_in(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

void ju_upper(const char *s, char *out, size_t size)
{
	size_t n = 0;

	for (; s[n] && n + 1 < size; n++)
		out[n] = (char)(s[n] >= 'a' && s[n] <= 'z' ? s[n] - 'a' + 'A' : s[n]);
	out[n] = '\0';
}
