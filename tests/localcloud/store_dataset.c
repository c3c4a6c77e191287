/* Datasets of the store. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/store.h"
#include "tests/localcloud/store_impl.h"

#include <stdlib.h>
#include <string.h>

json_t *store_dataset_get(struct store *s, const char *project, const char *dataset,
			  struct api_error *err)
{
	sqlite3_stmt *stmt =
		store_prepare(s, err,
			      "SELECT resource FROM catalog_dataset WHERE project=? AND dataset=?",
			      project, dataset, NULL);
	json_t *resource = NULL;

	if (!stmt)
		return NULL;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		resource = store_column_json(stmt, 0, err);
	else
		api_fail(err, 404, "notFound", "Not found: Dataset %s:%s", project, dataset);
	sqlite3_finalize(stmt);
	return resource;
}

static int save(struct store *s, const char *project, const char *dataset, const json_t *resource,
		struct api_error *err)
{
	char *text = store_dump(resource);
	sqlite3_stmt *stmt =
		store_prepare(s, err, "INSERT OR REPLACE INTO catalog_dataset VALUES(?,?,?)",
			      project, dataset, text, NULL);

	free(text);
	return stmt ? store_finish(s, stmt, err) : -1;
}

/* The members that the server decides. */
static json_t *complete(const char *project, const char *dataset, const json_t *given)
{
	json_t *resource = json_deep_copy(given);

	json_object_set_new(resource, "kind", json_string("bigquery#dataset"));
	json_object_set_new(resource, "id", json_sprintf("%s:%s", project, dataset));
	json_object_set_new(resource, "datasetReference",
			    json_pack("{s:s, s:s}", "datasetId", dataset, "projectId", project));
	if (!ju_string(resource, "location", "")[0])
		json_object_set_new(resource, "location", json_string("US"));
	json_object_set_new(resource, "type", json_string("DEFAULT"));
	store_stamp(resource);
	return resource;
}

static void default_access(json_t *resource)
{
	json_t *access = json_object_get(resource, "access");

	if (json_array_size(access) == 0)
		json_object_set_new(resource, "access",
				    json_pack("[{s:s, s:s}]", "role", "OWNER", "specialGroup",
					      "projectOwners"));
}

int store_dataset_create(struct store *s, const char *project, const char *dataset, json_t *given,
			 struct api_error *err)
{
	json_t *existing, *resource;
	int rc;

	if (ident_check_project(project, err) || ident_check_dataset(dataset, err))
		return -1;
	existing = store_dataset_get(s, project, dataset, err);
	if (existing) {
		json_decref(existing);
		return api_fail(err, 409, "duplicate", "Already Exists: Dataset %s:%s", project,
				dataset);
	}
	if (err->status != 404)
		return -1;
	resource = complete(project, dataset, given);
	default_access(resource);
	ju_set_int64(resource, "creationTime", store_now_ms());
	rc = save(s, project, dataset, resource, err);
	json_decref(resource);
	return rc;
}

int store_dataset_update(struct store *s, const char *project, const char *dataset, json_t *given,
			 struct api_error *err)
{
	json_t *resource = complete(project, dataset, given);
	int rc;

	default_access(resource);
	rc = save(s, project, dataset, resource, err);
	json_decref(resource);
	return rc;
}

static int delete_contents(struct store *s, const char *project, const char *dataset,
			   const json_t *tables, struct api_error *err)
{
	size_t i;
	json_t *table;

	json_array_foreach(tables, i, table)
		if (store_table_delete(s, project, dataset,
				       ju_string(ju_path(table, "tableReference"), "tableId", ""),
				       err))
			return -1;
	return 0;
}

int store_dataset_delete(struct store *s, const char *project, const char *dataset, bool contents,
			 struct api_error *err)
{
	json_t *resource = store_dataset_get(s, project, dataset, err), *tables;
	sqlite3_stmt *stmt;
	int rc = -1;

	if (!resource)
		return -1;
	json_decref(resource);
	tables = store_table_list(s, project, dataset, err);
	if (!tables)
		return -1;
	if (json_array_size(tables) > 0 && !contents)
		api_fail(err, 400, "resourceInUse", "Dataset %s:%s is still in use", project,
			 dataset);
	else
		rc = delete_contents(s, project, dataset, tables, err);
	json_decref(tables);
	if (rc)
		return -1;
	stmt = store_prepare(s, err, "DELETE FROM catalog_dataset WHERE project=? AND dataset=?",
			     project, dataset, NULL);
	return stmt ? store_finish(s, stmt, err) : -1;
}

json_t *store_dataset_list(struct store *s, const char *project, struct api_error *err)
{
	sqlite3_stmt *stmt = store_prepare(
		s, err, "SELECT resource FROM catalog_dataset WHERE project=? ORDER BY dataset",
		project, NULL);
	json_t *list, *resource = NULL;

	if (!stmt)
		return NULL;
	list = json_array();
	while (sqlite3_step(stmt) == SQLITE_ROW && (resource = store_column_json(stmt, 0, err)))
		json_array_append_new(list, resource);
	sqlite3_finalize(stmt);
	return list;
}
