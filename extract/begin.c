#include "extract/begin.h"

#include <string.h>
#include <time.h>

#include "lib/utf8.h"

enum { DESCRIPTION_MAX = 1024 }; /* characters, BigQuery's limit */

json_t *begin_text(const char *text)
{
	size_t n = strlen(text);
	auto_buf clean = BUF_INIT;
	struct error ignored;

	while (n > 0) {
		size_t valid = utf8_valid_prefix(text, n);

		if (buf_append(&clean, text, valid, &ignored) < 0)
			return NULL;
		if (valid == n)
			break;
		if (buf_append_str(&clean, "?", &ignored) < 0)
			return NULL;
		text += valid + 1;
		n -= valid + 1;
	}
	return json_stringn(clean.data ? clean.data : "", clean.length);
}

/* The first DESCRIPTION_MAX characters of a comment. */
static json_t *description(const char *comment)
{
	size_t characters = 0, n = 0;
	json_t *whole = begin_text(comment), *cut;
	const char *text = json_string_value(whole);

	if (!whole)
		return NULL;
	for (; text[n]; n++)
		/* Continuation bytes belong to the character before them. */
		if (((unsigned char)text[n] & 0xC0) != 0x80 && characters++ == DESCRIPTION_MAX)
			break;
	if (!text[n])
		return whole;
	cut = json_stringn(text, n);
	json_decref(whole);
	return cut;
}

static int set_number(json_t *field, const char *name, int value)
{
	char text[12], *end = encode_put_unsigned(text, (unsigned)value);

	return json_object_set_new(field, name, json_stringn(text, (size_t)(end - text)));
}

static json_t *schema_field(const struct column *column)
{
	json_t *field =
		json_pack("{s:s,s:s,s:s}", "name", column->name, "type", column->type, "mode",
			  column->repeated   ? "REPEATED"
			  : column->required ? "REQUIRED"
					     : "NULLABLE");
	int failed = !field;

	if (field && column->precision) {
		failed |= set_number(field, "precision", column->precision);
		failed |= set_number(field, "scale", column->scale);
	}
	if (field && column->description && *column->description)
		failed |=
			json_object_set_new(field, "description", description(column->description));
	if (!failed)
		return field;
	json_decref(field);
	return NULL;
}

json_t *begin_schema(const struct selection *s, struct error *err)
{
	json_t *fields = json_array();

	for (size_t i = 0; i < s->count; i++)
		if (json_array_append_new(fields, schema_field(&s->columns[i])) < 0) {
			json_decref(fields);
			error_nomem(err);
			return NULL;
		}
	return fields;
}

/* Now, as TIMESTAMP values are written. */
static json_t *now(void)
{
	struct timespec at;
	char text[40], *end = text;

	clock_gettime(CLOCK_REALTIME, &at);
	if (!encode_put_datetime(&end, (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000))
		return NULL;
	*end++ = 'Z';
	return json_stringn(text, (size_t)(end - text));
}

json_t *begin_record(const struct selection *s, const char *source, const char *table, bool partial,
		     const struct cursor *cursor, struct error *err)
{
	json_t *fields = begin_schema(s, err), *record = json_object(), *key = json_array();
	int failed = 0;

	if (!fields) {
		json_decref(record);
		json_decref(key);
		return NULL;
	}
	if (table)
		failed |= json_object_set_new(record, "table", begin_text(table));
	failed |= json_object_set_new(record, "source", json_string(source));
	failed |= json_object_set_new(record, "scope", json_string(partial ? "partial" : "full"));
	failed |= json_object_set_new(record, "schema", json_pack("{s:o}", "fields", fields));
	for (size_t i = 0; i < s->key_count; i++)
		failed |= json_array_append_new(key, json_string(s->columns[s->key[i]].name));
	if (s->key_count > 0)
		failed |= json_object_set(record, "key", key);
	json_decref(key);
	if (cursor)
		failed |= json_object_set_new(record, "cursor", cursor_begin(cursor));
	failed |= json_object_set_new(record, "at", now());
	if (!failed)
		return record;
	json_decref(record);
	error_nomem(err);
	return NULL;
}
