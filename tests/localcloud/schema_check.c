/* Validity of a schema that a client sends: names, types, modes, parameters, nesting. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/schema.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_COLUMNS 10000
#define MAX_NESTING 15

static int check_key(const char *key, const char *name, struct api_error *err)
{
	static const char *const known[] = { "name",   "type",       "mode",       "description",
					     "fields", "policyTags", "maxLength",  "precision",
					     "scale",  "collation",  "categories", NULL };
	static const char *const beyond[] = { "defaultValueExpression", "roundingMode",
					      "rangeElementType",       "foreignTypeDefinition",
					      "timestampPrecision",     "dataPolicies",
					      "generatedColumn",        NULL };

	if (ju_in(key, known))
		return 0;
	if (ju_in(key, beyond))
		return api_fail(err, 501, "notImplemented", "localcloud does not do %s (field %s).",
				key, name);
	return api_fail(
		err, 400, "invalid",
		"Invalid JSON payload received. Unknown name \"%s\" at 'schema.fields': Cannot find field.",
		key);
}

/* An int64 parameter that may stand as a string or a number; stored as a string. 0 when absent. */
static int parameter(json_t *field, const char *key, int64_t *ret, struct api_error *err)
{
	json_t *value = json_object_get(field, key);
	char text[32];

	*ret = 0;
	if (!value || json_is_null(value)) {
		json_object_del(field, key);
		return 0;
	}
	if (ju_to_int64(value, ret) || *ret < 0)
		return api_fail(err, 400, "invalid", "Invalid value for %s of field %s", key,
				ju_string(field, "name", ""));
	snprintf(text, sizeof(text), "%" PRId64, *ret);
	json_object_set_new(field, key, json_string(text));
	return 0;
}

static int check_decimal(enum field_type type, int64_t precision, int64_t scale, const char *name,
			 struct api_error *err)
{
	int64_t max_whole = type == TYPE_NUMERIC ? 29 : 38,
		max_scale = type == TYPE_NUMERIC ? 9 : 38;

	if (scale > 0 && precision == 0)
		return api_fail(err, 400, "invalid", "Field %s: scale needs a precision", name);
	if (precision == 0)
		return 0;
	if (scale > max_scale)
		return api_fail(err, 400, "invalid",
				"Invalid scale %" PRId64 " of field %s: at most %" PRId64, scale,
				name, max_scale);
	if (precision < scale || precision - scale > max_whole || precision < 1)
		return api_fail(err, 400, "invalid",
				"Invalid precision %" PRId64 " of field %s: must be from %" PRId64
				" to %" PRId64,
				precision, name, scale > 1 ? scale : 1, scale + max_whole);
	return 0;
}

static int check_parameters(json_t *field, enum field_type type, struct api_error *err)
{
	const char *name = ju_string(field, "name", "");
	int64_t precision, scale, max_length;

	if (parameter(field, "precision", &precision, err) ||
	    parameter(field, "scale", &scale, err) ||
	    parameter(field, "maxLength", &max_length, err))
		return -1;
	if (type == TYPE_NUMERIC || type == TYPE_BIGNUMERIC) {
		if (check_decimal(type, precision, scale, name, err))
			return -1;
	} else if (json_object_get(field, "precision") || json_object_get(field, "scale")) {
		return api_fail(err, 400, "invalid",
				"Precision or scale is not allowed for field %s of type %s", name,
				schema_type_name(type));
	}
	if (!json_object_get(field, "maxLength"))
		return 0;
	if ((type != TYPE_STRING && type != TYPE_BYTES) || max_length == 0)
		return api_fail(err, 400, "invalid", "Invalid maxLength of field %s of type %s",
				name, schema_type_name(type));
	return 0;
}

static int check_mode(json_t *field, struct api_error *err)
{
	static const char *const modes[] = { "NULLABLE", "REQUIRED", "REPEATED", NULL };
	char mode[16];
	const char *given = ju_string(field, "mode", "");

	ju_upper(given[0] ? given : "NULLABLE", mode, sizeof(mode));
	if (!ju_in(mode, modes))
		return api_fail(err, 400, "invalid",
				"Invalid value for mode: %s is not a valid value", given);
	json_object_set_new(field, "mode", json_string(mode));
	return 0;
}

static int check_fields(json_t *fields, int depth, size_t *total, struct api_error *err);

static int check_type(json_t *field, enum field_type type, int depth, size_t *total,
		      struct api_error *err)
{
	json_t *fields = json_object_get(field, "fields");

	json_object_set_new(field, "type", json_string(schema_type_name(type)));
	if (type == TYPE_RECORD) {
		if (json_array_size(fields) == 0)
			return api_fail(err, 400, "invalid",
					"Field %s is type RECORD but has no schema",
					ju_string(field, "name", ""));
		return check_fields(fields, depth + 1, total, err);
	}
	if (json_array_size(fields) > 0)
		return api_fail(err, 400, "invalid", "Field %s of type %s cannot have fields",
				ju_string(field, "name", ""), schema_type_name(type));
	json_object_del(field, "fields");
	return 0;
}

static int check_field(json_t *field, int depth, size_t *total, struct api_error *err)
{
	const char *name, *type_name, *key;
	enum field_type type;
	json_t *value;
	void *next;

	if (!json_is_object(field))
		return api_fail(err, 400, "invalid", "A schema's fields must be objects");
	name = ju_string(field, "name", "");
	if (ident_check_column(name, err))
		return -1;
	json_object_foreach_safe(field, next, key, value) if (check_key(key, name, err)) return -1;
	if (ju_string(field, "collation", "")[0])
		return api_fail(err, 501, "notImplemented",
				"localcloud does not do collation (field %s).", name);
	type_name = ju_string(field, "type", "");
	if (!type_name[0])
		return api_fail(err, 400, "invalid", "Field %s has no type", name);
	if (strcasecmp(type_name, "RANGE") == 0)
		return api_fail(err, 501, "notImplemented",
				"localcloud does not do RANGE (field %s).", name);
	if (schema_type(type_name, &type))
		return api_fail(err, 400, "invalid",
				"Invalid value for type: %s is not a valid value", type_name);
	if (check_mode(field, err) || check_parameters(field, type, err))
		return -1;
	if (++*total > MAX_COLUMNS)
		return api_fail(err, 400, "invalid", "Too many fields: the maximum is %d",
				MAX_COLUMNS);
	return check_type(field, type, depth, total, err);
}

static int check_fields(json_t *fields, int depth, size_t *total, struct api_error *err)
{
	size_t i;
	json_t *field;

	if (!json_is_array(fields))
		return api_fail(err, 400, "invalid", "Schema fields must be an array");
	if (depth > MAX_NESTING)
		return api_fail(err, 400, "invalid", "Fields are nested more than %d levels deep",
				MAX_NESTING);
	json_array_foreach(fields, i, field) {
		if (check_field(field, depth, total, err))
			return -1;
		if (schema_find(fields, ju_string(field, "name", "")) != field)
			return api_fail(err, 400, "invalid", "Field %s already exists in schema",
					ju_string(field, "name", ""));
	}
	return 0;
}

int schema_normalise(json_t *fields, struct api_error *err)
{
	size_t total = 0;

	return check_fields(fields, 0, &total, err);
}
