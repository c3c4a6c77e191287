/* The SQLite tables that hold the rows. */
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/schema.h"
#include "tests/localcloud/store_impl.h"

#include <stdio.h>
#include <string.h>

static bool is_decimal(const json_t *field)
{
	const char *type = ju_string(field, "type", "");

	return (strcmp(type, "NUMERIC") == 0 || strcmp(type, "BIGNUMERIC") == 0) &&
	       strcmp(ju_string(field, "mode", ""), "REPEATED") != 0;
}

static bool by_ingestion_time(const json_t *resource)
{
	const json_t *partitioning = json_object_get(resource, "timePartitioning");

	return json_is_object(partitioning) && !json_object_get(partitioning, "field");
}

static const char *column_suffix(const json_t *field)
{
	if (is_decimal(field))
		return " COLLATE gnum";
	return strcmp(ju_string(field, "mode", ""), "REPEATED") == 0 ? " DEFAULT '[]'" : "";
}

int store_physical_create(struct store *s, const char *name, const json_t *resource,
			  struct api_error *err)
{
	sqlite3_str *sql = sqlite3_str_new(s->db);
	const json_t *fields = ju_path(resource, "schema.fields"), *field;
	char *text;
	size_t i;
	int rc;

	sqlite3_str_appendf(sql, "CREATE TABLE \"%w\"(\"@rowid\" INTEGER PRIMARY KEY", name);
	json_array_foreach(fields, i, field)
		sqlite3_str_appendf(sql, ", \"%w\"%s", ju_string(field, "name", ""),
				    column_suffix(field));
	sqlite3_str_appendf(sql, "%s)", by_ingestion_time(resource) ? ", \"_PARTITIONTIME\"" : "");
	text = sqlite3_str_finish(sql);
	rc = text ? store_exec(s, err, "%s", text)
		  : api_fail(err, 500, "internalError", "out of memory");
	sqlite3_free(text);
	/* SQLite's own ceiling, which is lower than BigQuery's 10,000. */
	if (rc &&
	    json_array_size(fields) + 2 > (size_t)sqlite3_limit(s->db, SQLITE_LIMIT_COLUMN, -1))
		return api_fail(err, 501, "notImplemented",
				"localcloud does not hold %zu columns in a table.",
				json_array_size(fields));
	return rc;
}

static int drop_gone(struct store *s, const char *name, const json_t *resource,
		     struct api_error *err)
{
	const json_t *fields = ju_path(resource, "schema.fields");
	sqlite3_stmt *stmt =
		store_prepare(s, err, "SELECT name FROM pragma_table_info(?)", name, NULL);
	json_t *gone = json_array(), *column;
	size_t i;
	int rc = 0;

	while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		const char *have = (const char *)sqlite3_column_text(stmt, 0);

		if (have[0] != '@' && strcmp(have, "_PARTITIONTIME") != 0 &&
		    !schema_find(fields, have))
			json_array_append_new(gone, json_string(have));
	}
	sqlite3_finalize(stmt);
	json_array_foreach(gone, i, column)
		rc = rc || store_exec(s, err, "ALTER TABLE \"%w\" DROP COLUMN \"%w\"", name,
				      json_string_value(column));
	json_decref(gone);
	return rc;
}

static bool has_column(struct store *s, const char *name, const char *column)
{
	return sqlite3_table_column_metadata(s->db, NULL, name, column, NULL, NULL, NULL, NULL,
					     NULL) == SQLITE_OK;
}

/* A changed type: only the widenings of ALTER COLUMN SET DATA TYPE. */
static int convert(struct store *s, const char *name, const json_t *old, const json_t *new,
		   struct api_error *err)
{
	const char *column = ju_string(new, "name", "");
	bool was_integer = strcmp(ju_string(old, "type", ""), "INTEGER") == 0;
	bool to_float = strcmp(ju_string(new, "type", ""), "FLOAT") == 0;

	if (is_decimal(old) && is_decimal(new))
		return 0;
	if (!((was_integer && (to_float || is_decimal(new))) || (is_decimal(old) && to_float)))
		return api_fail(err, 400, "invalid",
				"Column %s cannot change its type from %s to %s", column,
				ju_string(old, "type", ""), ju_string(new, "type", ""));
	if (store_exec(s, err, "ALTER TABLE \"%w\" ADD COLUMN \"@new\"%s", name,
		       column_suffix(new)) ||
	    store_exec(s, err, "UPDATE \"%w\" SET \"@new\" = CAST(\"%w\" AS %s)", name, column,
		       to_float ? "REAL" : "TEXT") ||
	    store_exec(s, err, "ALTER TABLE \"%w\" DROP COLUMN \"%w\"", name, column))
		return -1;
	return store_exec(s, err, "ALTER TABLE \"%w\" RENAME COLUMN \"@new\" TO \"%w\"", name,
			  column);
}

int store_physical_change(struct store *s, const char *name, const json_t *old,
			  const json_t *resource, struct api_error *err)
{
	const json_t *fields = ju_path(resource, "schema.fields"),
		     *before = ju_path(old, "schema.fields"), *field;
	size_t i;

	json_array_foreach(fields, i, field) {
		const char *column = ju_string(field, "name", "");
		const json_t *was = schema_find(before, column);

		if (!has_column(s, name, column)) {
			if (store_exec(s, err, "ALTER TABLE \"%w\" ADD COLUMN \"%w\"%s", name,
				       column, column_suffix(field)))
				return -1;
		} else if (was &&
			   strcmp(ju_string(was, "type", ""), ju_string(field, "type", "")) != 0) {
			if (convert(s, name, was, field, err))
				return -1;
		}
	}
	return drop_gone(s, name, resource, err);
}

/* BigQuery's data size of a value of each type; text and JSON of records and arrays count by their length. */
static void append_size(sqlite3_str *sql, const struct column *c)
{
	switch (c->mode == MODE_REPEATED ? TYPE_RECORD : c->type) {
	case TYPE_STRING:
	case TYPE_BYTES:
		sqlite3_str_appendf(sql, "+total(2+length(CAST(\"%w\" AS BLOB)))", c->name);
		break;
	case TYPE_BOOLEAN:
		sqlite3_str_appendf(sql, "+count(\"%w\")", c->name);
		break;
	case TYPE_NUMERIC:
	case TYPE_INTERVAL:
		sqlite3_str_appendf(sql, "+16*count(\"%w\")", c->name);
		break;
	case TYPE_BIGNUMERIC:
		sqlite3_str_appendf(sql, "+32*count(\"%w\")", c->name);
		break;
	case TYPE_RECORD:
	case TYPE_JSON:
	case TYPE_GEOGRAPHY:
		sqlite3_str_appendf(sql, "+total(length(CAST(\"%w\" AS BLOB)))", c->name);
		break;
	default:
		sqlite3_str_appendf(sql, "+8*count(\"%w\")", c->name);
	}
}

int store_physical_count(struct store *s, const char *name, const json_t *resource, int64_t *rows,
			 int64_t *bytes, struct api_error *err)
{
	size_t n;
	struct column *columns = schema_compile(ju_path(resource, "schema.fields"), &n);
	sqlite3_str *sql = sqlite3_str_new(s->db);
	sqlite3_stmt *stmt;
	char *text;
	int rc = -1;

	sqlite3_str_appendall(sql, "SELECT count(*), 0");
	for (size_t i = 0; i < n; i++)
		append_size(sql, &columns[i]);
	sqlite3_str_appendf(sql, " FROM \"%w\"", name);
	text = sqlite3_str_finish(sql);
	stmt = text ? store_prepare(s, err, text, NULL) : NULL;
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		*rows = sqlite3_column_int64(stmt, 0);
		*bytes = sqlite3_column_int64(stmt, 1);
		rc = 0;
	} else if (stmt) {
		store_sqlite_error(s, err);
	}
	sqlite3_finalize(stmt);
	sqlite3_free(text);
	schema_free(columns, n);
	return rc;
}
