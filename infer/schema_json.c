#include "infer/schema_json.h"

#include <string.h>

static const char *const mode_names[] = { "NULLABLE", "REQUIRED", "REPEATED" };

/* What BigQuery keeps of the column beside these four: its description, its policy tags … */
static int add_existing(json_t *json, const struct field *f)
{
	bool same_type = f->existing && f->target.type == f->existing->type;
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)f->existing_json, name, value) {
		bool of_type = !strcmp(name, "precision") || !strcmp(name, "scale") ||
			       !strcmp(name, "rangeElementType");

		if (!json_object_get(json, name) && strcmp(name, "fields") != 0 &&
		    (same_type || !of_type) && json_object_set(json, name, value) < 0)
			return -1;
	}
	return 0;
}

static json_t *field_json(const struct field *f, struct error *err)
{
	json_t *json = json_object(), *fields;

	if (f->target.type == TYPE_RECORD) {
		fields = schema_json(f->children, err);
		if (!fields || json_object_set_new(json, "fields", fields) < 0) {
			json_decref(json);
			return NULL;
		}
	}
	if (json_object_set_new(json, "mode", json_string(mode_names[f->target.mode])) < 0 ||
	    json_object_set_new(json, "name", json_stringn(f->target.name, f->target.name_length)) <
		    0 ||
	    json_object_set_new(json, "type", json_string(schema_type_name(f->target.type))) < 0 ||
	    add_existing(json, f) < 0) {
		json_decref(json);
		error_set(err, ERR_DATA, "column %.300s: no name for BigQuery", f->target.name);
		return NULL;
	}
	return json;
}

json_t *schema_json(const struct record *r, struct error *err)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < r->output_count; i++) {
		json_t *field = field_json(r->output[i], err);

		if (!field || json_array_append_new(array, field) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	if (!array)
		error_nomem(err);
	return array;
}

/* The name that a column of the stream has in the schema. */
static int rename_string(json_t *name, struct record *top, enum name_rule rule, struct error *err)
{
	struct spelling *s =
		record_spell(top, json_string_value(name), json_string_length(name), rule, err);

	if (!s)
		return error_prefix(err, "the stream's key or cursor");
	if (s->field->target.included)
		json_string_setn(name, s->field->target.name, s->field->target.name_length);
	return 0;
}

int schema_rename(json_t *begin, struct record *top, enum name_rule rule, struct error *err)
{
	json_t *column = json_object_get(json_object_get(begin, "cursor"), "column");
	json_t *name;
	size_t i;

	json_array_foreach(json_object_get(begin, "key"), i, name)
		if (json_is_string(name) && rename_string(name, top, rule, err) < 0)
			return -1;
	return json_is_string(column) ? rename_string(column, top, rule, err) : 0;
}
