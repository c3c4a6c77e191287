#include "tests/localcloud/cell_json.h"

#include "lib/buf.h"
#include "tests/localcloud/base64.h"
#include "tests/localcloud/json_normal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static json_t *nested(const struct column *c, const json_t *value, bool int64_timestamps);

/* Seconds as Java prints a double, but with every digit: "0.0", "1.5", "1.7040672E9". */
static json_t *float_seconds(int64_t micros)
{
	char digits[32], text[64];
	uint64_t magnitude = micros < 0 ? -(uint64_t)micros : (uint64_t)micros;
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, magnitude), exponent = n - 7, keep = n;
	const char *sign = micros < 0 ? "-" : "";

	if (magnitude == 0)
		return json_string("0.0");
	while (keep > 1 && digits[keep - 1] == '0')
		keep--;
	if (exponent >= 7 || exponent < -3) {
		snprintf(text, sizeof(text), "%s%c.%.*sE%d", sign, digits[0],
			 keep > 1 ? keep - 1 : 1, keep > 1 ? digits + 1 : "0", exponent);
		return json_string(text);
	}
	snprintf(text, sizeof(text), "%s%" PRIu64 ".%06" PRIu64, sign, magnitude / 1000000,
		 magnitude % 1000000);
	for (size_t end = strlen(text); text[end - 1] == '0' && text[end - 2] != '.'; end--)
		text[end - 1] = '\0';
	return json_string(text);
}

/* As Java prints a double, which is what BigQuery's API does: "1.0", "1.0E20", "1.5E-7". */
static json_t *float_text(double d)
{
	char text[48], *e;
	int exponent = 0;

	json_format_double(d, text, sizeof(text));
	e = strchr(text, 'e');
	if (!e)
		return json_string(text);
	for (const char *p = e + 2; *p; p++)
		exponent = exponent * 10 + (*p - '0');
	*e = '\0';
	return json_sprintf("%s%sE%d", text, strchr(text, '.') ? "" : ".0",
			    e[1] == '-' ? -exponent : exponent);
}

static json_t *integer_text(int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return json_string(text);
}

static json_t *from_integer(const struct column *c, int64_t value, bool int64_timestamps)
{
	if (c->type == TYPE_BOOLEAN)
		return json_string(value ? "true" : "false");
	if (c->type == TYPE_TIMESTAMP && !int64_timestamps)
		return float_seconds(value);
	return c->type == TYPE_FLOAT ? float_text((double)value) : integer_text(value);
}

/* A fraction of nothing but zeros is left out. */
static json_t *from_text(const struct column *c, const char *text, size_t n)
{
	if ((c->type == TYPE_DATETIME || c->type == TYPE_TIME) && n > 7 &&
	    memcmp(text + n - 7, ".000000", 7) == 0)
		n -= 7;
	return json_stringn_nocheck(text, n);
}

static json_t *wrap(json_t *value)
{
	return json_pack("{s:o}", "v", value);
}

static json_t *nested_record(const struct column *c, const json_t *value, bool int64_timestamps)
{
	json_t *list = json_array();

	for (size_t i = 0; i < c->n_fields; i++)
		json_array_append_new(list, wrap(nested(&c->fields[i],
							json_object_get(value, c->fields[i].name),
							int64_timestamps)));
	return json_pack("{s:o}", "f", list);
}

static json_t *nested_single(const struct column *c, const json_t *value, bool int64_timestamps)
{
	if (!value || json_is_null(value))
		return json_null();
	if (c->type == TYPE_RECORD)
		return nested_record(c, value, int64_timestamps);
	if (json_is_boolean(value))
		return json_string(json_is_true(value) ? "true" : "false");
	if (json_is_integer(value))
		return from_integer(c, json_integer_value(value), int64_timestamps);
	if (json_is_real(value))
		return float_text(json_real_value(value));
	return from_text(c, json_string_value(value), json_string_length(value));
}

static json_t *nested(const struct column *c, const json_t *value, bool int64_timestamps)
{
	struct column element = *c;
	json_t *list, *item;
	size_t i;

	if (c->mode != MODE_REPEATED)
		return nested_single(c, value, int64_timestamps);
	element.mode = MODE_NULLABLE;
	list = json_array();
	json_array_foreach(value, i, item)
		json_array_append_new(list, wrap(nested_single(&element, item, int64_timestamps)));
	return list;
}

static json_t *from_json(const struct column *c, sqlite3_stmt *stmt, int column,
			 bool int64_timestamps)
{
	json_t *value = json_loadb((const char *)sqlite3_column_text(stmt, column),
				   (size_t)sqlite3_column_bytes(stmt, column),
				   JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	json_t *ret = nested(c, value, int64_timestamps);

	json_decref(value);
	return ret;
}

static json_t *from_blob(sqlite3_stmt *stmt, int column)
{
	auto_buf text = BUF_INIT;

	if (base64_encode(sqlite3_column_blob(stmt, column),
			  (size_t)sqlite3_column_bytes(stmt, column), &text))
		return json_null();
	return json_stringn(text.length ? text.data : "", text.length);
}

static json_t *cell(const struct column *c, sqlite3_stmt *stmt, int column, bool int64_timestamps)
{
	switch (sqlite3_column_type(stmt, column)) {
	case SQLITE_NULL:
		return c->mode == MODE_REPEATED ? json_array() : json_null();
	case SQLITE_INTEGER:
		return from_integer(c, sqlite3_column_int64(stmt, column), int64_timestamps);
	case SQLITE_FLOAT:
		return float_text(sqlite3_column_double(stmt, column));
	case SQLITE_BLOB:
		return from_blob(stmt, column);
	default:
		if (c->mode == MODE_REPEATED || c->type == TYPE_RECORD)
			return from_json(c, stmt, column, int64_timestamps);
		return from_text(c, (const char *)sqlite3_column_text(stmt, column),
				 (size_t)sqlite3_column_bytes(stmt, column));
	}
}

json_t *cell_json_row(sqlite3_stmt *stmt, int first, const struct column *columns, size_t n,
		      bool int64_timestamps)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(
			list, wrap(cell(&columns[i], stmt, first + (int)i, int64_timestamps)));
	return json_pack("{s:o}", "f", list);
}
