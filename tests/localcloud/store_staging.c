/* Staging tables: where a load job's rows wait until the job is done. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/store_impl.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "@staging:";

int store_staging_create(struct store *s, const json_t *resource, char name[STORE_STAGING_MAX],
			 struct api_error *err)
{
	char random[17];

	ident_random_hex(random, sizeof(random));
	snprintf(name, STORE_STAGING_MAX, "%s%s", prefix, random);
	return store_physical_create(s, name, resource, err);
}

/* The columns but the first, which numbers the rows anew. */
static char *columns_of(struct store *s, const char *name, struct api_error *err)
{
	sqlite3_stmt *stmt = store_prepare(
		s, err, "SELECT name FROM pragma_table_info(?) WHERE cid > 0", name, NULL);
	sqlite3_str *list = sqlite3_str_new(s->db);

	while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		sqlite3_str_appendf(list, "%s\"%w\"", sqlite3_str_length(list) ? "," : "",
				    (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return sqlite3_str_finish(list);
}

static int is_empty(struct store *s, const char *physical, bool *ret, struct api_error *err)
{
	char *sql = sqlite3_mprintf("SELECT 1 FROM \"%w\" LIMIT 1", physical);
	sqlite3_stmt *stmt = store_prepare(s, err, sql, NULL);

	sqlite3_free(sql);
	*ret = stmt && sqlite3_step(stmt) == SQLITE_DONE;
	sqlite3_finalize(stmt);
	return stmt ? 0 : -1;
}

int store_staging_move(struct store *s, const char *name, const char *physical,
		       struct api_error *err)
{
	bool empty;
	char *columns;
	int rc;

	if (is_empty(s, physical, &empty, err))
		return -1;
	if (empty)
		return store_exec(s, err, "DROP TABLE \"%w\"", physical) ||
				       store_exec(s, err, "ALTER TABLE \"%w\" RENAME TO \"%w\"",
						  name, physical)
			       ? -1
			       : 0;
	columns = columns_of(s, name, err);
	rc = !columns ||
			     store_exec(
				     s, err,
				     "INSERT INTO \"%w\"(%s) SELECT %s FROM \"%w\" ORDER BY \"@rowid\"",
				     physical, columns, columns, name) ||
			     store_exec(s, err, "DROP TABLE \"%w\"", name)
		     ? -1
		     : 0;
	sqlite3_free(columns);
	return rc;
}

void store_staging_drop(struct store *s, const char *name)
{
	struct api_error ignored;

	/* What stays behind in the worst case is dropped at the next start. */
	if (store_write_begin(s, &ignored))
		return;
	store_write_end(s, store_exec(s, &ignored, "DROP TABLE IF EXISTS \"%w\"", name) == 0,
			&ignored);
}

int store_staging_drop_all(struct store *s, struct api_error *err)
{
	sqlite3_stmt *stmt =
		store_prepare(s, err,
			      "SELECT name FROM sqlite_schema WHERE type='table' AND name GLOB ?",
			      "@staging:*", NULL);
	json_t *names = json_array(), *name;
	size_t i;
	int rc = stmt ? 0 : -1;

	while (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		json_array_append_new(names,
				      json_string((const char *)sqlite3_column_text(stmt, 0)));
	sqlite3_finalize(stmt);
	json_array_foreach(names, i, name)
		rc = rc || store_exec(s, err, "DROP TABLE \"%w\"", json_string_value(name));
	json_decref(names);
	return rc;
}
