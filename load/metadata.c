#include "load/metadata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum kind { LOADED_AT, EXTRACTED_AT, RUN_ID, BATCH_ID, SOURCE_TABLE, KINDS };

static const struct {
	const char *word, *column, *type, *description;
} kinds[KINDS] = {
	[LOADED_AT] = { "loaded_at", "_loaded_at", "TIMESTAMP", "When the row was loaded" },
	[EXTRACTED_AT] = { "extracted_at", "_extracted_at", "TIMESTAMP",
			   "When the row was read from its source" },
	[RUN_ID] = { "run_id", "_run_id", "STRING", "The run that loaded the row" },
	[BATCH_ID] = { "batch_id", "_batch_id", "STRING", "The job that loaded the row" },
	[SOURCE_TABLE] = { "source_table", "_source_table", "STRING",
			   "The table that the row was read from" },
};

/* KIND[=NAME]; *name is the column's. */
static int parse(const char *text, enum kind *kind, const char **name, struct error *err)
{
	const char *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : strlen(text);

	for (size_t i = 0; i < KINDS; i++) {
		if (strlen(kinds[i].word) != n || memcmp(kinds[i].word, text, n) != 0)
			continue;
		*kind = (enum kind)i;
		*name = equals ? equals + 1 : kinds[i].column;
		if (schema_check_name(*name, err) == 0)
			return 0;
		err->code = ERR_USAGE;
		return error_prefix(err, "--add-column %s", text);
	}
	return error_set(err, ERR_USAGE,
			 "--add-column: '%.*s' is not loaded_at, extracted_at, run_id, batch_id or "
			 "source_table",
			 (int)n, text);
}

int metadata_check(const struct option_values *columns, struct error *err)
{
	const char *name[OPTION_VALUES_MAX];
	enum kind kind;

	for (size_t i = 0; i < columns->count; i++) {
		if (parse(columns->value[i], &kind, &name[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (!strcasecmp(name[i], name[j]))
				return error_set(err, ERR_USAGE,
						 "--add-column: two columns are named %s", name[i]);
	}
	return 0;
}

static json_t *now(void)
{
	struct timespec t;
	struct tm utc;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &t);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&t.tv_sec, &utc));
	return json_sprintf("%s.%06ldZ", text, t.tv_nsec / 1000);
}

/* New reference, or NULL with err. */
static json_t *value_of(enum kind kind, const struct metadata_source *s, struct error *err)
{
	const char *member = kind == EXTRACTED_AT ? "at" : "table";
	json_t *value = NULL;

	switch (kind) {
	case LOADED_AT:
		value = now();
		break;
	case RUN_ID:
		value = json_string(s->run_id);
		break;
	case BATCH_ID:
		value = json_string(s->batch_id);
		break;
	default:
		value = json_object_get(s->begin, member);
		if (!json_is_string(value)) {
			error_set(err, ERR_DATA, "--add-column %s: @begin has no \"%s\"",
				  kinds[kind].word, member);
			return NULL;
		}
		json_incref(value);
	}
	if (!value)
		error_nomem(err);
	return value;
}

static int add_column(struct metadata *m, const char *text, const struct metadata_source *s,
		      struct error *err)
{
	enum kind kind = LOADED_AT;
	const char *name = NULL;
	json_t *value, *field;
	char *json;
	int rc;

	if (parse(text, &kind, &name, err) < 0)
		return -1;
	value = value_of(kind, s, err);
	if (!value)
		return -1;
	json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	json_decref(value);
	/* A column's name needs no escape. */
	rc = json ? buf_appendf(&m->suffix, err, "%s\"%s\":%s", m->suffix.length ? "," : "", name,
				json)
		  : error_nomem(err);
	free(json);
	if (rc < 0)
		return -1;
	field = json_pack("{s:s,s:s,s:s,s:s}", "name", name, "type", kinds[kind].type, "mode",
			  "NULLABLE", "description", kinds[kind].description);
	return json_array_append_new(m->fields, field) < 0 ? error_nomem(err) : 0;
}

int metadata_init(struct metadata *m, const struct option_values *columns,
		  const struct metadata_source *source, struct error *err)
{
	*m = (struct metadata){ 0 };
	if (columns->count == 0)
		return 0;
	m->fields = json_array();
	if (!m->fields)
		return error_nomem(err);
	for (size_t i = 0; i < columns->count; i++)
		if (add_column(m, columns->value[i], source, err) < 0)
			return -1;
	return buf_append_str(&m->suffix, "}\n", err);
}

void metadata_release(struct metadata *m)
{
	json_decref(m->fields);
	buf_release(&m->suffix);
	buf_release(&m->row);
	schema_free(m->own);
	*m = (struct metadata){ 0 };
}

int metadata_extend(const struct metadata *m, struct schema **stream, struct error *err)
{
	struct schema *extended;
	json_t *fields, *field;
	size_t i;
	int rc;

	json_array_foreach(m->fields, i, field) {
		const char *name = json_string_value(json_object_get(field, "name"));

		if (schema_find(*stream, name, strlen(name)))
			return error_set(err, ERR_DATA,
					 "--add-column: the stream has a column %s; give another "
					 "name (KIND=NAME)",
					 name);
	}
	fields = json_deep_copy((*stream)->json);
	if (!fields || json_array_extend(fields, m->fields) < 0) {
		json_decref(fields);
		return error_nomem(err);
	}
	rc = schema_parse(fields, &extended, err);
	json_decref(fields);
	if (rc < 0)
		return -1;
	schema_free(*stream);
	*stream = extended;
	return 0;
}

static int is_added(const struct metadata *m, const char *name)
{
	const json_t *field;
	size_t i;

	json_array_foreach(m->fields, i, field)
		if (!strcasecmp(json_string_value(json_object_get(field, "name")), name))
			return 1;
	return 0;
}

int metadata_own_schema(struct metadata *m, const struct schema *loaded, const struct schema **ret,
			struct error *err)
{
	json_t *fields;
	int rc = 0;

	*ret = loaded;
	if (!m->fields)
		return 0;
	fields = json_array();
	for (size_t i = 0; i < loaded->count && rc == 0; i++)
		if (!is_added(m, loaded->field[i].name))
			rc = json_array_append(fields, json_array_get(loaded->json, i));
	rc = rc < 0 ? error_nomem(err) : schema_parse(fields, &m->own, err);
	json_decref(fields);
	*ret = m->own;
	return rc;
}

int metadata_add(struct metadata *m, const char **row, size_t *length, struct error *err)
{
	size_t n = *length, before;

	/* To the brace that ends the object, and to what stands before it. */
	while (n > 0 && (*row)[n - 1] != '}')
		n--;
	before = --n;
	while (before > 0 && strchr(" \t\r", (*row)[before - 1]))
		before--;
	buf_clear(&m->row);
	if (buf_append(&m->row, *row, n, err) < 0 ||
	    ((*row)[before - 1] != '{' && buf_append(&m->row, ",", 1, err) < 0) ||
	    buf_append(&m->row, m->suffix.data, m->suffix.length, err) < 0)
		return -1;
	*row = m->row.data;
	*length = m->row.length;
	return 0;
}
