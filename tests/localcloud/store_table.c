/* Tables and views of the store: their resources. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/store.h"
#include "tests/localcloud/store_impl.h"
#include "tests/localcloud/table_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* BigQuery deletes a table at its expirationTime; here it is gone from then on, and its room is taken on demand. */
static bool expired(const json_t *resource)
{
	int64_t at = ju_int64(resource, "expirationTime", 0);

	return at > 0 && at <= store_now_ms();
}

static json_t *not_found(const char *project, const char *dataset, const char *table,
			 struct api_error *err)
{
	api_fail(err, 404, "notFound", "Not found: Table %s:%s.%s", project, dataset, table);
	return NULL;
}

/* The row as it stands, expired or not; NULL and 404 when there is none. */
static json_t *fetch(struct store *s, const char *project, const char *dataset, const char *table,
		     struct api_error *err)
{
	sqlite3_stmt *stmt = store_prepare(
		s, err,
		"SELECT resource, num_rows, num_bytes FROM catalog_table WHERE project=? AND dataset=? AND name=?",
		project, dataset, table, NULL);
	json_t *resource = NULL;

	if (!stmt)
		return NULL;
	if (sqlite3_step(stmt) != SQLITE_ROW)
		not_found(project, dataset, table, err);
	else
		resource = store_column_json(stmt, 0, err);
	if (resource) {
		ju_set_int64(resource, "numRows", sqlite3_column_int64(stmt, 1));
		ju_set_int64(resource, "numBytes", sqlite3_column_int64(stmt, 2));
		ju_set_int64(resource, "numLongTermBytes", 0);
	}
	sqlite3_finalize(stmt);
	return resource;
}

json_t *store_table_get(struct store *s, const char *project, const char *dataset,
			const char *table, struct api_error *err)
{
	json_t *owner = store_dataset_get(s, project, dataset, err), *resource;

	if (!owner)
		return NULL;
	json_decref(owner);
	resource = fetch(s, project, dataset, table, err);
	if (resource && expired(resource)) {
		json_decref(resource);
		return not_found(project, dataset, table, err);
	}
	return resource;
}

static int save(struct store *s, const char *project, const char *dataset, const char *table,
		json_t *resource, struct api_error *err)
{
	char *text;
	sqlite3_stmt *stmt;

	json_object_del(resource, "numRows");
	json_object_del(resource, "numBytes");
	json_object_del(resource, "numLongTermBytes");
	text = store_dump(resource);
	stmt = store_prepare(
		s, err,
		"INSERT INTO catalog_table(project, dataset, name, resource) VALUES(?,?,?,?)"
		" ON CONFLICT DO UPDATE SET resource=excluded.resource",
		project, dataset, table, text, NULL);
	free(text);
	return stmt ? store_finish(s, stmt, err) : -1;
}

static void complete(json_t *resource, const char *project, const char *dataset, const char *table)
{
	json_object_set_new(resource, "kind", json_string("bigquery#table"));
	json_object_set_new(resource, "id", json_sprintf("%s:%s.%s", project, dataset, table));
	json_object_set_new(resource, "tableReference",
			    json_pack("{s:s, s:s, s:s}", "projectId", project, "datasetId", dataset,
				      "tableId", table));
	json_object_set_new(resource, "type",
			    json_string(json_object_get(resource, "view") ? "VIEW" : "TABLE"));
	store_stamp(resource);
}

/* 0 when the name is free, having cleared away an expired table. */
static int make_room(struct store *s, const char *project, const char *dataset, const char *table,
		     struct api_error *err)
{
	json_t *existing = fetch(s, project, dataset, table, err);
	bool gone;

	if (!existing)
		return err->status == 404 ? 0 : -1;
	gone = expired(existing);
	json_decref(existing);
	if (gone)
		return store_table_delete(s, project, dataset, table, err);
	return api_fail(err, 409, "duplicate", "Already Exists: Table %s:%s.%s", project, dataset,
			table);
}

static int create_in(struct store *s, const json_t *owner, const char *project, const char *dataset,
		     const char *table, json_t *resource, struct api_error *err)
{
	char name[STORE_NAME_MAX];
	int64_t expiry = ju_int64(owner, "defaultTableExpirationMs", 0);

	if (table_check(resource, err) || make_room(s, project, dataset, table, err))
		return -1;
	if (store_data_table(name, sizeof(name), project, dataset, table))
		return api_fail(err, 400, "invalid", "The name of table %s is too long.", table);
	if (expiry > 0 && !json_object_get(resource, "expirationTime"))
		ju_set_int64(resource, "expirationTime", store_now_ms() + expiry);
	complete(resource, project, dataset, table);
	json_object_set(resource, "location", json_object_get(owner, "location"));
	ju_set_int64(resource, "creationTime", store_now_ms());
	if (!json_object_get(resource, "view") && store_physical_create(s, name, resource, err))
		return -1;
	return save(s, project, dataset, table, resource, err);
}

int store_table_create(struct store *s, const char *project, const char *dataset, const char *table,
		       json_t *given, struct api_error *err)
{
	json_t *owner, *resource;
	int rc;

	if (ident_check_table(table, err))
		return -1;
	owner = store_dataset_get(s, project, dataset, err);
	if (!owner)
		return -1;
	resource = json_deep_copy(given);
	rc = create_in(s, owner, project, dataset, table, resource, err);
	json_decref(resource);
	json_decref(owner);
	return rc;
}

/* How the physical table follows a changed resource. */
static int change_physical(struct store *s, const char *name, const json_t *old,
			   const json_t *resource, bool anew, struct api_error *err)
{
	if (json_object_get(resource, "view"))
		return 0;
	if (!anew)
		return store_physical_change(s, name, old, resource, err);
	return store_exec(s, err, "DROP TABLE IF EXISTS \"%w\"", name) ||
			       store_physical_create(s, name, resource, err)
		       ? -1
		       : 0;
}

static int update(struct store *s, const char *project, const char *dataset, const char *table,
		  const json_t *given, bool anew, struct api_error *err)
{
	json_t *old = store_table_get(s, project, dataset, table, err), *resource;
	char name[STORE_NAME_MAX];
	int rc = -1;

	if (!old)
		return -1;
	resource = json_deep_copy(given);
	json_object_set(resource, "creationTime", json_object_get(old, "creationTime"));
	json_object_set(resource, "location", json_object_get(old, "location"));
	if (table_check(resource, err) ||
	    store_data_table(name, sizeof(name), project, dataset, table))
		goto out;
	complete(resource, project, dataset, table);
	if (change_physical(s, name, old, resource, anew, err))
		goto out;
	rc = save(s, project, dataset, table, resource, err);
	if (rc == 0 && anew)
		rc = store_table_set_counts(s, project, dataset, table, 0, 0, err);
out:
	json_decref(resource);
	json_decref(old);
	return rc;
}

int store_table_update(struct store *s, const char *project, const char *dataset, const char *table,
		       json_t *resource, struct api_error *err)
{
	return update(s, project, dataset, table, resource, false, err);
}

int store_table_replace(struct store *s, const char *project, const char *dataset,
			const char *table, json_t *resource, struct api_error *err)
{
	return update(s, project, dataset, table, resource, true, err);
}

int store_table_delete(struct store *s, const char *project, const char *dataset, const char *table,
		       struct api_error *err)
{
	char name[STORE_NAME_MAX];
	json_t *existing = fetch(s, project, dataset, table, err);
	sqlite3_stmt *stmt;

	if (!existing)
		return -1;
	json_decref(existing);
	if (store_data_table(name, sizeof(name), project, dataset, table) ||
	    store_exec(s, err, "DROP TABLE IF EXISTS \"%w\"", name))
		return -1;
	stmt = store_prepare(s, err,
			     "DELETE FROM catalog_table WHERE project=? AND dataset=? AND name=?",
			     project, dataset, table, NULL);
	return stmt ? store_finish(s, stmt, err) : -1;
}

json_t *store_table_list(struct store *s, const char *project, const char *dataset,
			 struct api_error *err)
{
	sqlite3_stmt *stmt = store_prepare(
		s, err,
		"SELECT resource FROM catalog_table WHERE project=? AND dataset=? ORDER BY name",
		project, dataset, NULL);
	json_t *list, *resource;

	if (!stmt)
		return NULL;
	list = json_array();
	while (sqlite3_step(stmt) == SQLITE_ROW && (resource = store_column_json(stmt, 0, err))) {
		if (!expired(resource))
			json_array_append(list, resource);
		json_decref(resource);
	}
	sqlite3_finalize(stmt);
	return list;
}

int store_table_touch(struct store *s, const char *project, const char *dataset, const char *table,
		      struct api_error *err)
{
	json_t *resource = store_table_get(s, project, dataset, table, err);
	char name[STORE_NAME_MAX];
	int64_t rows, bytes;
	int rc = -1;

	if (!resource)
		return -1;
	if (store_data_table(name, sizeof(name), project, dataset, table) ||
	    store_physical_count(s, name, resource, &rows, &bytes, err))
		goto out;
	store_stamp(resource);
	if (save(s, project, dataset, table, resource, err))
		goto out;
	rc = store_table_set_counts(s, project, dataset, table, rows, bytes, err);
out:
	json_decref(resource);
	return rc;
}

int store_table_grow(struct store *s, const char *project, const char *dataset, const char *table,
		     int64_t rows, int64_t bytes, struct api_error *err)
{
	json_t *resource = store_table_get(s, project, dataset, table, err);
	int rc;

	if (!resource)
		return -1;
	rows += ju_int64(resource, "numRows", 0);
	bytes += ju_int64(resource, "numBytes", 0);
	store_stamp(resource);
	rc = save(s, project, dataset, table, resource, err);
	if (rc == 0)
		rc = store_table_set_counts(s, project, dataset, table, rows, bytes, err);
	json_decref(resource);
	return rc;
}

int store_table_set_counts(struct store *s, const char *project, const char *dataset,
			   const char *table, int64_t rows, int64_t bytes, struct api_error *err)
{
	char numbers[2][32];
	sqlite3_stmt *stmt;

	snprintf(numbers[0], sizeof(numbers[0]), "%" PRId64, rows);
	snprintf(numbers[1], sizeof(numbers[1]), "%" PRId64, bytes);
	stmt = store_prepare(
		s, err,
		"UPDATE catalog_table SET num_rows=CAST(? AS INTEGER), num_bytes=CAST(? AS INTEGER)"
		" WHERE project=? AND dataset=? AND name=?",
		numbers[0], numbers[1], project, dataset, table, NULL);
	return stmt ? store_finish(s, stmt, err) : -1;
}
