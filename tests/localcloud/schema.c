#include "tests/localcloud/schema.h"

#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum field_type type;
} type_names[] = {
	/* The first name of a type is the one that answers carry. */
	{ "STRING", TYPE_STRING },       { "BYTES", TYPE_BYTES },
	{ "INTEGER", TYPE_INTEGER },     { "INT64", TYPE_INTEGER },
	{ "FLOAT", TYPE_FLOAT },         { "FLOAT64", TYPE_FLOAT },
	{ "NUMERIC", TYPE_NUMERIC },     { "BIGNUMERIC", TYPE_BIGNUMERIC },
	{ "BOOLEAN", TYPE_BOOLEAN },     { "BOOL", TYPE_BOOLEAN },
	{ "TIMESTAMP", TYPE_TIMESTAMP }, { "DATE", TYPE_DATE },
	{ "TIME", TYPE_TIME },           { "DATETIME", TYPE_DATETIME },
	{ "GEOGRAPHY", TYPE_GEOGRAPHY }, { "JSON", TYPE_JSON },
	{ "INTERVAL", TYPE_INTERVAL },   { "RECORD", TYPE_RECORD },
	{ "STRUCT", TYPE_RECORD },
};

int schema_type(const char *name, enum field_type *ret)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++) {
		if (strcasecmp(name, type_names[i].name) == 0) {
			*ret = type_names[i].type;
			return 0;
		}
	}
	return -1;
}

const char *schema_type_name(enum field_type type)
{
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		if (type_names[i].type == type)
			return type_names[i].name;
	return "";
}

json_t *schema_find(const json_t *fields, const char *name)
{
	size_t i;
	json_t *field;

	json_array_foreach(fields, i, field)
		if (strcasecmp(ju_string(field, "name", ""), name) == 0)
			return field;
	return NULL;
}

static int copy_column(const json_t *field, struct column *c)
{
	const char *mode = ju_string(field, "mode", "NULLABLE");

	if (schema_type(ju_string(field, "type", ""), &c->type))
		return -1;
	c->name = strdup(ju_string(field, "name", ""));
	c->name_length = strlen(c->name);
	c->mode = strcmp(mode, "REQUIRED") == 0   ? MODE_REQUIRED
		  : strcmp(mode, "REPEATED") == 0 ? MODE_REPEATED
						  : MODE_NULLABLE;
	c->precision = (int)ju_int64(field, "precision", 0);
	c->scale = (int)ju_int64(field, "scale", 0);
	c->max_length = (long)ju_int64(field, "maxLength", 0);
	if (c->type == TYPE_RECORD)
		c->fields = schema_compile(json_object_get(field, "fields"), &c->n_fields);
	return 0;
}

struct column *schema_compile(const json_t *fields, size_t *n)
{
	size_t i, count = 0;
	json_t *field;
	struct column *columns = calloc(json_array_size(fields) + 1, sizeof(*columns));

	json_array_foreach(fields, i, field)
		if (copy_column(field, &columns[count]) == 0)
			count++;
	*n = count;
	return columns;
}

void schema_free(struct column *columns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(columns[i].name);
		schema_free(columns[i].fields, columns[i].n_fields);
	}
	free(columns);
}

/* "NUMERIC(10, 2)" as BigQuery writes a type in messages. */
static const char *describe(const json_t *field, char *buf, size_t size)
{
	const char *type = ju_string(field, "type", "");
	const char *precision = ju_string(field, "precision", NULL),
		   *scale = ju_string(field, "scale", NULL);

	if (precision)
		snprintf(buf, size, "%s(%s%s%s)", type, precision, scale ? ", " : "",
			 scale ? scale : "");
	else if (ju_string(field, "maxLength", NULL))
		snprintf(buf, size, "%s(%s)", type, ju_string(field, "maxLength", ""));
	else
		snprintf(buf, size, "%s", type);
	return buf;
}

/* State of one comparison: where in the record tree it stands, and what is allowed. */
struct merge {
	int allow;
	const char *label;
	char path[512];
};

static int refuse_field(struct merge *m, struct api_error *err, const char *what, const char *name)
{
	return api_fail(err, 400, "invalid",
			"Provided Schema does not match Table %s. %s (field: %s%s%s)", m->label,
			what, m->path, m->path[0] ? "." : "", name);
}

static json_t *merge_fields(struct merge *m, const json_t *existing, const json_t *provided,
			    struct api_error *err);

static int merge_mode(struct merge *m, json_t *merged, const json_t *provided,
		      struct api_error *err)
{
	const char *old = ju_string(merged, "mode", "NULLABLE"),
		   *new = ju_string(provided, "mode", "NULLABLE");

	if (strcmp(old, new) == 0)
		return 0;
	if (strcmp(old, "REQUIRED") == 0 && strcmp(new, "NULLABLE") == 0 &&
	    m->allow & SCHEMA_ALLOW_RELAXATION) {
		json_object_set_new(merged, "mode", json_string("NULLABLE"));
		return 0;
	}
	return api_fail(
		err, 400, "invalid",
		"Provided Schema does not match Table %s. Field %s%s%s has changed mode from %s to %s",
		m->label, m->path, m->path[0] ? "." : "", ju_string(merged, "name", ""), old, new);
}

/* Absent parameters in what is provided leave those of the table alone. */
static bool same_type(const json_t *old, const json_t *new)
{
	static const char *const parameters[] = { "precision", "scale", "maxLength" };

	if (strcmp(ju_string(old, "type", ""), ju_string(new, "type", "")) != 0)
		return false;
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		const char *value = ju_string(new, parameters[i], NULL);

		if (value && strcmp(ju_string(old, parameters[i], "0"), value) != 0)
			return false;
	}
	return true;
}

static int merge_record(struct merge *m, json_t *merged, const json_t *provided,
			struct api_error *err)
{
	size_t length = strlen(m->path);
	json_t *fields;

	snprintf(m->path + length, sizeof(m->path) - length, "%s%s", length ? "." : "",
		 ju_string(merged, "name", ""));
	fields = merge_fields(m, json_object_get(merged, "fields"),
			      json_object_get(provided, "fields"), err);
	m->path[length] = '\0';
	if (!fields)
		return -1;
	return json_object_set_new(merged, "fields", fields);
}

static json_t *merge_field(struct merge *m, const json_t *existing, const json_t *provided,
			   struct api_error *err)
{
	json_t *merged = json_deep_copy(existing);
	const char *description = ju_string(provided, "description", NULL);
	char from[64], to[64];

	if (!same_type(existing, provided)) {
		api_fail(
			err, 400, "invalid",
			"Provided Schema does not match Table %s. Field %s%s%s has changed type from %s to %s",
			m->label, m->path, m->path[0] ? "." : "", ju_string(existing, "name", ""),
			describe(existing, from, sizeof(from)), describe(provided, to, sizeof(to)));
		goto fail;
	}
	if (merge_mode(m, merged, provided, err))
		goto fail;
	if (strcmp(ju_string(existing, "type", ""), "RECORD") == 0 &&
	    merge_record(m, merged, provided, err))
		goto fail;
	if (description)
		json_object_set_new(merged, "description", json_string(description));
	return merged;
fail:
	json_decref(merged);
	return NULL;
}

static int add_field(struct merge *m, json_t *merged, const json_t *field, struct api_error *err)
{
	const char *name = ju_string(field, "name", "");

	if (!(m->allow & SCHEMA_ALLOW_ADDITION))
		return refuse_field(m, err, "Cannot add fields", name);
	if (strcmp(ju_string(field, "mode", ""), "REQUIRED") == 0)
		return refuse_field(m, err, "Cannot add required fields to an existing schema.",
				    name);
	return json_array_append_new(merged, json_deep_copy(field));
}

static json_t *merge_fields(struct merge *m, const json_t *existing, const json_t *provided,
			    struct api_error *err)
{
	json_t *merged = json_array(), *field;
	size_t i;

	json_array_foreach(existing, i, field) {
		const char *name = ju_string(field, "name", "");
		const json_t *other = schema_find(provided, name);
		json_t *result;

		if (!other) {
			api_fail(
				err, 400, "invalid",
				"Provided Schema does not match Table %s. Field %s%s%s is missing in new schema",
				m->label, m->path, m->path[0] ? "." : "", name);
			goto fail;
		}
		result = merge_field(m, field, other, err);
		if (!result)
			goto fail;
		json_array_append_new(merged, result);
	}
	json_array_foreach(provided, i, field)
		if (!schema_find(existing, ju_string(field, "name", "")) &&
		    add_field(m, merged, field, err))
			goto fail;
	return merged;
fail:
	json_decref(merged);
	return NULL;
}

json_t *schema_merge(const json_t *existing, const json_t *provided, int allow, const char *label,
		     struct api_error *err)
{
	struct merge m = { .allow = allow, .label = label, .path = "" };

	return merge_fields(&m, existing, provided, err);
}
