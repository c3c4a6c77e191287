#include "tests/localcloud/gsql_types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;   /* GoogleSQL */
	const char *legacy; /* as resources spell it */
	char letter;
	struct gsql_type type;
} scalars[] = {
	{ "NULL", "INTEGER", 'X', { .kind = GSQL_NULL } },
	{ "INT64", "INTEGER", 'I', { .kind = GSQL_INT64 } },
	{ "FLOAT64", "FLOAT", 'F', { .kind = GSQL_FLOAT64 } },
	{ "NUMERIC", "NUMERIC", 'N', { .kind = GSQL_NUMERIC } },
	{ "BIGNUMERIC", "BIGNUMERIC", 'G', { .kind = GSQL_BIGNUMERIC } },
	{ "BOOL", "BOOLEAN", 'B', { .kind = GSQL_BOOL } },
	{ "STRING", "STRING", 'S', { .kind = GSQL_STRING } },
	{ "BYTES", "BYTES", 'Y', { .kind = GSQL_BYTES } },
	{ "DATE", "DATE", 'D', { .kind = GSQL_DATE } },
	{ "DATETIME", "DATETIME", 'M', { .kind = GSQL_DATETIME } },
	{ "TIME", "TIME", 'T', { .kind = GSQL_TIME } },
	{ "TIMESTAMP", "TIMESTAMP", 'P', { .kind = GSQL_TIMESTAMP } },
	{ "JSON", "JSON", 'J', { .kind = GSQL_JSON } },
	{ "INTERVAL", "INTERVAL", 'V', { .kind = GSQL_INTERVAL } },
	{ "GEOGRAPHY", "GEOGRAPHY", 'O', { .kind = GSQL_GEOGRAPHY } },
};
enum { SCALARS = sizeof(scalars) / sizeof(scalars[0]) };

static const struct {
	const char *alias;
	enum gsql_kind kind;
} aliases[] = { { "INT", GSQL_INT64 },       { "SMALLINT", GSQL_INT64 },
		{ "INTEGER", GSQL_INT64 },   { "BIGINT", GSQL_INT64 },
		{ "TINYINT", GSQL_INT64 },   { "BYTEINT", GSQL_INT64 },
		{ "DECIMAL", GSQL_NUMERIC }, { "BIGDECIMAL", GSQL_BIGNUMERIC },
		{ "BOOLEAN", GSQL_BOOL } };

const struct gsql_type *gsql_type(enum gsql_kind kind)
{
	return &scalars[kind].type;
}

char gsql_type_letter(enum gsql_kind kind)
{
	return (int)kind < SCALARS ? scalars[kind].letter : 'A';
}

enum gsql_kind gsql_kind_of_letter(char letter)
{
	for (size_t i = 0; i < SCALARS; i++)
		if (scalars[i].letter == letter)
			return scalars[i].type.kind;
	return GSQL_NULL;
}

bool gsql_is_number(enum gsql_kind kind)
{
	return kind >= GSQL_INT64 && kind <= GSQL_BIGNUMERIC;
}

const struct gsql_type *gsql_type_by_name(const char *name)
{
	for (size_t i = 1; i < SCALARS; i++)
		if (gsql_same(scalars[i].name, name))
			return &scalars[i].type;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (gsql_same(aliases[i].alias, name))
			return gsql_type(aliases[i].kind);
	return NULL;
}

const struct gsql_type *gsql_array_of(struct gsql *g, const struct gsql_type *element)
{
	struct gsql_type *t = gsql_alloc(g, sizeof(*t));
	t->kind = GSQL_ARRAY;
	t->element = element;
	return t;
}

const struct gsql_type *gsql_struct_of(struct gsql *g, const struct gsql_field *fields, size_t n)
{
	struct gsql_type *t = gsql_alloc(g, sizeof(*t));
	t->kind = GSQL_STRUCT;
	t->fields = fields;
	t->field_count = n;
	return t;
}

bool gsql_type_equal(const struct gsql_type *a, const struct gsql_type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind)
		return false;
	if (a->kind == GSQL_ARRAY)
		return gsql_type_equal(a->element, b->element);
	if (a->kind != GSQL_STRUCT)
		return true;
	if (a->field_count != b->field_count)
		return false;
	for (size_t i = 0; i < a->field_count; i++)
		if (!gsql_type_equal(a->fields[i].type, b->fields[i].type))
			return false;
	return true;
}

const char *gsql_type_name(struct gsql *g, const struct gsql_type *t)
{
	if (t->kind == GSQL_ARRAY)
		return gsql_printf(g, "ARRAY<%s>", gsql_type_name(g, t->element));
	if (t->kind != GSQL_STRUCT)
		return scalars[t->kind].name;
	struct gsql_text s = { 0 };
	gsql_add(g, &s, "STRUCT<");
	for (size_t i = 0; i < t->field_count; i++)
		gsql_add(g, &s, "%s%s%s%s", i > 0 ? ", " : "", t->fields[i].name,
			 t->fields[i].name[0] != '\0' ? " " : "",
			 gsql_type_name(g, t->fields[i].type));
	gsql_add(g, &s, ">");
	return s.s;
}

static void set_parameters(json_t *json, const struct gsql_type *t)
{
	char text[32];
	if (t->length > 0)
		json_object_set_new(json, "maxLength", json_sprintf("%" PRId64, t->length));
	if (t->precision > 0) {
		snprintf(text, sizeof(text), "%d", t->precision);
		json_object_set_new(json, "precision", json_string(text));
	}
	if (t->scale > 0) {
		snprintf(text, sizeof(text), "%d", t->scale);
		json_object_set_new(json, "scale", json_string(text));
	}
}

json_t *gsql_field_json(struct gsql *g, const struct gsql_field *field)
{
	const struct gsql_type *t = field->type;
	const char *mode = field->required ? "REQUIRED" : "NULLABLE";
	if (t->kind == GSQL_ARRAY) {
		mode = "REPEATED";
		t = t->element;
	}
	json_t *json = json_object();
	json_object_set_new(json, "name", json_string(field->name));
	json_object_set_new(json, "type",
			    json_string(t->kind == GSQL_STRUCT ? "RECORD"
							       : scalars[t->kind].legacy));
	json_object_set_new(json, "mode", json_string(mode));
	if (t->kind == GSQL_STRUCT) {
		json_t *fields = json_array();
		for (size_t i = 0; i < t->field_count; i++)
			json_array_append_new(fields, gsql_field_json(g, &t->fields[i]));
		json_object_set_new(json, "fields", fields);
	}
	set_parameters(json, t);
	if (field->description != NULL)
		json_object_set_new(json, "description", json_string(field->description));
	return json;
}

/* precision, scale and maxLength are strings in resources; a client may have written numbers. */
static int64_t parameter(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);
	int64_t n = 0;
	if (json_is_integer(value))
		n = json_integer_value(value);
	else if (json_is_string(value) &&
		 !gsql_parse_int(json_string_value(value), json_string_length(value), &n))
		n = 0;
	return n;
}

struct gsql_field gsql_field_from_json(struct gsql *g, const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *type = json_string_value(json_object_get(json, "type"));
	const char *mode = json_string_value(json_object_get(json, "mode"));
	struct gsql_type *t = gsql_alloc(g, sizeof(*t));
	t->kind = GSQL_STRING;
	for (size_t i = 1; i < SCALARS && type != NULL; i++)
		if (gsql_same(scalars[i].legacy, type) || gsql_same(scalars[i].name, type))
			t->kind = scalars[i].type.kind;
	if (type != NULL && (gsql_same(type, "RECORD") || gsql_same(type, "STRUCT"))) {
		struct gsql_field *fields = NULL;
		size_t n = 0;
		size_t i;
		json_t *sub;
		json_array_foreach(json_object_get(json, "fields"), i, sub)
			GSQL_PUSH(g, fields, n, gsql_field_from_json(g, sub));
		t->kind = GSQL_STRUCT;
		t->fields = fields;
		t->field_count = n;
	}
	t->precision = (int)parameter(json, "precision");
	t->scale = (int)parameter(json, "scale");
	t->length = parameter(json, "maxLength");
	struct gsql_field field = { .type = t };
	field.name = name == NULL ? "" : gsql_strndup(g, name, strlen(name));
	field.required = mode != NULL && gsql_same(mode, "REQUIRED");
	if (mode != NULL && gsql_same(mode, "REPEATED"))
		field.type = gsql_array_of(g, t);
	return field;
}
