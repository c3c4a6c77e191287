#include "notify/hive.h"

#include <string.h>

/* How much of the URI stands before its first directory KEY=VALUE, without the slash; 0: it has none. */
static size_t prefix_length(const char *uri)
{
	const char *part = strchr(uri + strlen("gs://"), '/'), *end;

	for (; part && (end = strchr(part + 1, '/')); part = end) {
		const char *equals = memchr(part + 1, '=', (size_t)(end - part - 1));

		if (equals && equals > part + 1)
			return (size_t)(part - uri);
	}
	return 0;
}

static int find_prefix(const json_t *uris, json_t **ret, struct error *err)
{
	const char *first = json_string_value(json_array_get(uris, 0));
	size_t length = prefix_length(first), i;
	json_t *uri;

	json_array_foreach((json_t *)uris, i, uri) {
		const char *text = json_string_value(uri);

		if (!prefix_length(text))
			return error_set(err, ERR_DATA,
					 "hivePartitioningOptions: %s is in no directory KEY=VALUE",
					 text);
		if (prefix_length(text) != length || strncmp(text, first, length) != 0)
			return error_set(err, ERR_DATA,
					 "hivePartitioningOptions: %s and %s differ before their "
					 "directories KEY=VALUE",
					 first, text);
	}
	*ret = json_stringn(first, length);
	return *ret ? 0 : error_nomem(err);
}

int hive_fill(json_t *configuration, const json_t *uris, struct error *err)
{
	json_t *options = json_object_get(configuration, "hivePartitioningOptions"), *prefix = NULL;

	if (!options)
		return 0;
	if (!json_is_object(options))
		return error_set(err, ERR_DATA, "hivePartitioningOptions is no object");
	if (!json_object_get(options, "mode") &&
	    json_object_set_new(options, "mode", json_string("AUTO")) < 0)
		return error_nomem(err);
	if (json_object_get(options, "sourceUriPrefix"))
		return 0;
	if (find_prefix(uris, &prefix, err) < 0)
		return -1;
	return json_object_set_new(options, "sourceUriPrefix", prefix) < 0 ? error_nomem(err) : 0;
}
