#include "lib/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/io.h"
#include "lib/parse.h"

enum {
	COLUMNS_MAX = 10000,
	NESTING_MAX = 15,
	NAME_MAX_CHARACTERS = 300,
	FILE_MAX = 16 * 1024 * 1024
};

static const char *const type_names[] = {
	[TYPE_STRING] = "STRING",       [TYPE_BYTES] = "BYTES",
	[TYPE_INTEGER] = "INTEGER",     [TYPE_FLOAT] = "FLOAT",
	[TYPE_NUMERIC] = "NUMERIC",     [TYPE_BIGNUMERIC] = "BIGNUMERIC",
	[TYPE_BOOLEAN] = "BOOLEAN",     [TYPE_TIMESTAMP] = "TIMESTAMP",
	[TYPE_DATE] = "DATE",           [TYPE_TIME] = "TIME",
	[TYPE_DATETIME] = "DATETIME",   [TYPE_INTERVAL] = "INTERVAL",
	[TYPE_GEOGRAPHY] = "GEOGRAPHY", [TYPE_JSON] = "JSON",
	[TYPE_RANGE] = "RANGE",         [TYPE_RECORD] = "RECORD",
};

/* GoogleSQL's words, which the API takes too. */
static const struct {
	const char *name;
	enum schema_type type;
} type_aliases[] = {
	{ "INT64", TYPE_INTEGER }, { "FLOAT64", TYPE_FLOAT },   { "BOOL", TYPE_BOOLEAN },
	{ "STRUCT", TYPE_RECORD }, { "DECIMAL", TYPE_NUMERIC }, { "BIGDECIMAL", TYPE_BIGNUMERIC },
};

static const char *const mode_names[] = { "NULLABLE", "REQUIRED", "REPEATED" };

/* BigQuery refuses these at the start of a column name, in any case. */
static const char *const reserved_prefixes[] = {
	"_TABLE_",  "_FILE_",         "_PARTITION", "_ROW_TIMESTAMP",
	"__ROOT__", "_COLIDENTIFIER", "_CHANGE_",
};

const char *schema_type_name(enum schema_type type)
{
	return type_names[type];
}

static int find_type(const char *word, enum schema_type *ret)
{
	for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++)
		if (!strcasecmp(word, type_names[i])) {
			*ret = (enum schema_type)i;
			return 0;
		}
	for (size_t i = 0; i < sizeof type_aliases / sizeof *type_aliases; i++)
		if (!strcasecmp(word, type_aliases[i].name)) {
			*ret = type_aliases[i].type;
			return 0;
		}
	return -1;
}

static size_t count_characters(const char *name)
{
	size_t n = 0;

	for (; *name; name++)
		n += ((unsigned char)*name & 0xc0) != 0x80;
	return n;
}

/* https://cloud.google.com/bigquery/docs/schemas; which characters beyond ASCII are letters is left to BigQuery. */
static int check_characters(const char *name, struct error *err)
{
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return error_set(err, ERR_DATA,
					 "a column has the control character 0x%02x in its name",
					 *p);
		else if (strchr("!\"$()*,./;?@[\\]^`{}~", *p))
			return error_set(err, ERR_DATA,
					 "column %.200s: BigQuery takes no %c in a name", name, *p);
	return 0;
}

const char *schema_reserved_prefix(const char *name)
{
	for (size_t i = 0; i < sizeof reserved_prefixes / sizeof *reserved_prefixes; i++)
		if (!strncasecmp(name, reserved_prefixes[i], strlen(reserved_prefixes[i])))
			return reserved_prefixes[i];
	return NULL;
}

int schema_check_name(const char *name, struct error *err)
{
	const char *prefix = schema_reserved_prefix(name);

	if (!*name)
		return error_set(err, ERR_DATA, "a column has an empty name");
	if (count_characters(name) > NAME_MAX_CHARACTERS)
		return error_set(err, ERR_DATA, "column %.40s...: name over %d characters", name,
				 NAME_MAX_CHARACTERS);
	if (check_characters(name, err) < 0)
		return -1;
	if (prefix)
		return error_set(err, ERR_DATA, "column %s: prefix %s is reserved", name, prefix);
	return 0;
}

/* An int64 of the API: digits in a string, or a number. */
static int get_digits(const json_t *json, const char *name, int *ret, struct error *err)
{
	const json_t *value = json_object_get(json, name);
	int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;

	if (json_is_string(value) && parse_int64(json_string_value(value), 0, 100, &n, err) < 0)
		return error_prefix(err, "%s", name);
	if (value && (n < 0 || n > 100))
		return error_set(err, ERR_DATA, "%s is not a number of digits", name);
	*ret = value ? (int)n : 0;
	return 0;
}

static int parse_length(const json_t *json, struct schema_field *field, struct error *err)
{
	const json_t *value = json_object_get(json, "maxLength");
	int64_t n = json_is_integer(value) ? json_integer_value(value) : 0;

	if (!value)
		return 0;
	if (field->type != TYPE_STRING && field->type != TYPE_BYTES)
		return error_set(err, ERR_DATA, "maxLength of a %s", type_names[field->type]);
	if ((json_is_string(value) &&
	     parse_int64(json_string_value(value), 1, INT64_MAX, &n, err) < 0) ||
	    n < 1)
		return error_set(err, ERR_DATA, "maxLength is not a number above 0");
	field->max_length = n;
	return 0;
}

/* BigQuery: 0 <= S <= 9 (38), max(1, S) <= P <= S + 29 (38). */
static int parse_decimal(const json_t *json, struct schema_field *field, struct error *err)
{
	bool big = field->type == TYPE_BIGNUMERIC;
	int scale_max = big ? 38 : 9, whole_max = big ? 38 : 29;

	if (get_digits(json, "precision", &field->precision, err) < 0 ||
	    get_digits(json, "scale", &field->scale, err) < 0) {
		err->code = ERR_DATA;
		return -1;
	}
	if (!json_object_get(json, "precision")) {
		if (json_object_get(json, "scale"))
			return error_set(err, ERR_DATA, "scale without precision");
		field->scale = scale_max;
		return 0;
	}
	if (field->precision < 1 || field->precision < field->scale || field->scale > scale_max ||
	    field->precision > field->scale + whole_max)
		return error_set(err, ERR_DATA, "BigQuery has no %s(%d,%d)",
				 schema_type_name(field->type), field->precision, field->scale);
	return 0;
}

static int parse_array(const json_t *fields, int depth, struct schema **ret, struct error *err);

static int parse_field(const json_t *json, int depth, struct schema_field *field, struct error *err)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *type = json_string_value(json_object_get(json, "type"));
	const char *mode = json_string_value(json_object_get(json, "mode"));
	json_t *fields = json_object_get(json, "fields");
	int m = 0;

	if (!name)
		return error_set(err, ERR_DATA, "a column has no name");
	if (schema_check_name(name, err) < 0)
		return -1;
	if (!type || find_type(type, &field->type) < 0)
		return error_set(err, ERR_DATA, "column %s: type %s is not BigQuery's", name,
				 type ? type : "(none)");
	while (mode && m < 3 && strcasecmp(mode, mode_names[m]))
		m++;
	if (m == 3)
		return error_set(err, ERR_DATA, "column %s: mode %s is not BigQuery's", name, mode);
	if ((field->type == TYPE_NUMERIC || field->type == TYPE_BIGNUMERIC) &&
	    parse_decimal(json, field, err) < 0)
		return error_prefix(err, "column %s", name);
	if (parse_length(json, field, err) < 0)
		return error_prefix(err, "column %s", name);
	field->name = name;
	field->name_length = strlen(name);
	field->mode = (enum schema_mode)m;
	if ((field->type == TYPE_RECORD) != (json_array_size(fields) > 0))
		return error_set(err, ERR_DATA, "column %s: %s", name,
				 fields ? "only a RECORD has fields" : "a RECORD needs fields");
	if (field->type == TYPE_RECORD && parse_array(fields, depth + 1, &field->fields, err) < 0)
		return error_prefix(err, "column %s", name);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_duplicates(const struct schema *s, struct error *err)
{
	const char **names = malloc((s->count + 1) * sizeof *names);
	int rc = 0;

	if (!names)
		return error_nomem(err);
	for (size_t i = 0; i < s->count; i++)
		names[i] = s->field[i].name;
	qsort(names, s->count, sizeof *names, compare_names);
	for (size_t i = 1; i < s->count && rc == 0; i++)
		if (!strcasecmp(names[i - 1], names[i]))
			rc = error_set(err, ERR_DATA,
				       "columns %s and %s: BigQuery compares names without case",
				       names[i - 1], names[i]);
	free(names);
	return rc;
}

/* The words as the API prints them, so that two schemas compare as text. */
static int canonical(const struct schema *s, json_t *copy, struct error *err)
{
	for (size_t i = 0; i < s->count; i++) {
		json_t *field = json_array_get(copy, i);

		if (json_object_set_new(field, "type", json_string(type_names[s->field[i].type])) <
			    0 ||
		    json_object_set_new(field, "mode", json_string(mode_names[s->field[i].mode])) <
			    0)
			return error_nomem(err);
		if (s->field[i].fields &&
		    json_object_set(field, "fields", s->field[i].fields->json) < 0)
			return error_nomem(err);
	}
	return 0;
}

static int parse_array(const json_t *fields, int depth, struct schema **ret, struct error *err)
{
	size_t count = json_array_size(fields);
	struct schema *s;

	if (!json_is_array(fields) || count == 0)
		return error_set(err, ERR_DATA, "a schema is a non-empty array of columns");
	if (count > COLUMNS_MAX)
		return error_set(err, ERR_DATA, "%zu columns; BigQuery takes %d", count,
				 COLUMNS_MAX);
	if (depth > NESTING_MAX)
		return error_set(err, ERR_DATA, "records nest deeper than %d", NESTING_MAX);
	s = calloc(1, sizeof *s);
	if (!s)
		return error_nomem(err);
	/* Names are borrowed from the copy, which therefore comes first. */
	s->json = json_deep_copy(fields);
	s->field = calloc(count, sizeof *s->field);
	if (!s->json || !s->field) {
		schema_free(s);
		return error_nomem(err);
	}
	for (; s->count < count; s->count++)
		if (parse_field(json_array_get(s->json, s->count), depth, &s->field[s->count],
				err) < 0)
			goto fail;
	if (check_duplicates(s, err) < 0 || canonical(s, s->json, err) < 0)
		goto fail;
	*ret = s;
	return 0;
fail:
	schema_free(s);
	return -1;
}

int schema_parse(const json_t *fields, struct schema **ret, struct error *err)
{
	return parse_array(fields, 1, ret, err);
}

int schema_read_file(const char *path, struct schema **ret, struct error *err)
{
	auto_buf text = BUF_INIT;
	json_error_t problem;
	json_t *json, *fields;
	int rc;

	if (io_read_file(path, FILE_MAX, &text, err) < 0)
		return -1;
	json = json_loadb(text.data, text.length, 0, &problem);
	if (!json)
		return error_set(err, ERR_DATA, "%s line %d: %s", path, problem.line, problem.text);
	fields = json_object_get(json, "fields");
	rc = schema_parse(fields ? fields : json, ret, err);
	json_decref(json);
	return rc < 0 ? error_prefix(err, "%s", path) : 0;
}

void schema_free(struct schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->field && i < s->count; i++)
		schema_free(s->field[i].fields);
	free(s->field);
	json_decref(s->json);
	free(s);
}

const struct schema_field *schema_find(const struct schema *s, const char *name, size_t length)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->field[i].name_length == length &&
		    !strncasecmp(s->field[i].name, name, length))
			return &s->field[i];
	return NULL;
}
