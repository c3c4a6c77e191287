#include "tests/localcloud/table_check.h"

#include "tests/localcloud/json_util.h"
#include "tests/localcloud/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_CLUSTERING 4

void table_drop_nulls(json_t *resource)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(resource, next, key, value) if (json_is_null(value))
		json_object_del(resource, key);
}

/* Partitioning and clustering columns are top-level and not repeated. */
static int top_level(const json_t *fields, const char *name, const char *what, const json_t **ret,
		     struct api_error *err)
{
	const json_t *field = schema_find(fields, name);

	if (!field)
		return api_fail(err, 400, "invalid",
				"The field specified for %s cannot be found in the schema: %s",
				what, name);
	if (strcmp(ju_string(field, "mode", ""), "REPEATED") == 0)
		return api_fail(err, 400, "invalid",
				"The field specified for %s must not be repeated: %s", what, name);
	*ret = field;
	return 0;
}

static int text_int64(json_t *object, const char *key, int64_t min, struct api_error *err)
{
	json_t *value = json_object_get(object, key);
	int64_t number;

	if (!value)
		return 0;
	if (json_is_null(value))
		return json_object_del(object, key);
	if (ju_to_int64(value, &number) || number < min)
		return api_fail(err, 400, "invalid", "Invalid value for %s", key);
	ju_set_int64(object, key, number);
	return 0;
}

static int check_time_partitioning(json_t *partitioning, const json_t *fields,
				   struct api_error *err)
{
	static const char *const types[] = { "DAY", "HOUR", "MONTH", "YEAR", NULL };
	static const char *const columns[] = { "DATE", "TIMESTAMP", "DATETIME", NULL };
	const char *type = ju_string(partitioning, "type", ""), *name;
	const json_t *field = NULL;

	if (!json_is_object(partitioning))
		return api_fail(err, 400, "invalid", "timePartitioning must be an object");
	table_drop_nulls(partitioning);
	if (!ju_in(type, types))
		return api_fail(
			err, 400, "invalid",
			"Invalid value for timePartitioning.type: '%s' is not one of DAY, HOUR, MONTH, YEAR",
			type);
	if (text_int64(partitioning, "expirationMs", 1, err))
		return -1;
	name = ju_string(partitioning, "field", NULL);
	if (!name)
		return 0;
	if (top_level(fields, name, "time partitioning", &field, err))
		return -1;
	if (!ju_in(ju_string(field, "type", ""), columns))
		return api_fail(
			err, 400, "invalid",
			"The field specified for time partitioning can only be of type TIMESTAMP, DATE or DATETIME. The type found "
			"is: %s.",
			ju_string(field, "type", ""));
	if (strcmp(type, "HOUR") == 0 && strcmp(ju_string(field, "type", ""), "DATE") == 0)
		return api_fail(
			err, 400, "invalid",
			"Hourly partitioning needs a TIMESTAMP or DATETIME field, not DATE %s",
			name);
	return 0;
}

static int check_range_partitioning(json_t *partitioning, const json_t *fields,
				    struct api_error *err)
{
	json_t *range = json_object_get(partitioning, "range");
	const json_t *field = NULL;
	int64_t start, end, interval;

	if (top_level(fields, ju_string(partitioning, "field", ""), "range partitioning", &field,
		      err))
		return -1;
	if (strcmp(ju_string(field, "type", ""), "INTEGER") != 0)
		return api_fail(
			err, 400, "invalid",
			"The field specified for range partitioning can only be of type INTEGER. The type found is: %s.",
			ju_string(field, "type", ""));
	if (ju_to_int64(json_object_get(range, "start"), &start) ||
	    ju_to_int64(json_object_get(range, "end"), &end) ||
	    ju_to_int64(json_object_get(range, "interval"), &interval) || interval <= 0 ||
	    end <= start)
		return api_fail(
			err, 400, "invalid",
			"Invalid range for rangePartitioning: it needs start < end, interval > 0");
	ju_set_int64(range, "start", start);
	ju_set_int64(range, "end", end);
	ju_set_int64(range, "interval", interval);
	return 0;
}

static int check_clustering(const json_t *clustering, const json_t *fields, struct api_error *err)
{
	static const char *const refused[] = { "FLOAT",  "BYTES",    "TIME", "JSON",
					       "RECORD", "INTERVAL", NULL };
	const json_t *names = json_object_get(clustering, "fields"), *name, *field = NULL;
	size_t i;

	if (json_array_size(names) == 0)
		return api_fail(err, 400, "invalid", "Clustering must name at least one field.");
	if (json_array_size(names) > MAX_CLUSTERING)
		return api_fail(err, 400, "invalid",
				"Too many fields specified for clustering: at most %d are allowed.",
				MAX_CLUSTERING);
	json_array_foreach(names, i, name) {
		if (!json_is_string(name))
			return api_fail(err, 400, "invalid", "clustering.fields must be strings");
		if (top_level(fields, json_string_value(name), "clustering", &field, err))
			return -1;
		if (ju_in(ju_string(field, "type", ""), refused))
			return api_fail(
				err, 400, "invalid",
				"The field specified for clustering: %s has type %s, which clustering does not take.",
				json_string_value(name), ju_string(field, "type", ""));
	}
	return 0;
}

static int check_labels(const json_t *labels, struct api_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)labels, key, value) {
		const char *text = json_string_value(value);

		if (!text || strlen(key) > 63 || strlen(text) > 63 || !key[0])
			return api_fail(err, 400, "invalid", "Invalid label %s", key);
		for (const char *p = key; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				return api_fail(err, 400, "invalid",
						"Label keys must be in lower case: %s", key);
	}
	return 0;
}

static int check_kind(const json_t *resource, struct api_error *err)
{
	static const char *const beyond[] = { "externalDataConfiguration", "materializedView",
					      "snapshotDefinition",        "cloneDefinition",
					      "biglakeConfiguration",      "tableReplicationInfo",
					      "tableConstraints",          NULL };

	for (size_t i = 0; beyond[i]; i++)
		if (json_object_get(resource, beyond[i]))
			return api_fail(err, 501, "notImplemented", "localcloud does not do %s.",
					beyond[i]);
	if (json_object_get(resource, "view")) {
		if (!ju_string(ju_path(resource, "view"), "query", "")[0])
			return api_fail(err, 400, "invalid", "A view needs a query.");
		if (json_object_get(resource, "timePartitioning") ||
		    json_object_get(resource, "clustering"))
			return api_fail(err, 400, "invalid",
					"A view cannot be partitioned or clustered.");
	}
	if (json_object_get(resource, "timePartitioning") &&
	    json_object_get(resource, "rangePartitioning"))
		return api_fail(err, 400, "invalid",
				"A table has either timePartitioning or rangePartitioning.");
	return 0;
}

int table_check(json_t *resource, struct api_error *err)
{
	json_t *schema, *fields, *part;

	table_drop_nulls(resource);
	schema = json_object_get(resource, "schema");
	if (!json_is_object(schema)) {
		schema = json_object();
		json_object_set_new(resource, "schema", schema);
	}
	if (!json_object_get(schema, "fields"))
		json_object_set_new(schema, "fields", json_array());
	fields = json_object_get(schema, "fields");
	if (schema_normalise(fields, err) || check_kind(resource, err) ||
	    text_int64(resource, "expirationTime", 0, err) ||
	    check_labels(json_object_get(resource, "labels"), err))
		return -1;
	part = json_object_get(resource, "timePartitioning");
	if (part && check_time_partitioning(part, fields, err))
		return -1;
	part = json_object_get(resource, "rangePartitioning");
	if (part && check_range_partitioning(part, fields, err))
		return -1;
	part = json_object_get(resource, "clustering");
	return part ? check_clustering(part, fields, err) : 0;
}
