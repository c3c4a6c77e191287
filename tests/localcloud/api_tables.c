#include "tests/localcloud/api.h"
#include "tests/localcloud/gsql.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/resource.h"
#include "tests/localcloud/schema.h"
#include "tests/localcloud/store.h"
#include "tests/localcloud/table_check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static json_t *short_form(const json_t *table)
{
	static const char *const keys[] = { "kind",
					    "id",
					    "tableReference",
					    "type",
					    "labels",
					    "creationTime",
					    "expirationTime",
					    "timePartitioning",
					    "rangePartitioning",
					    "clustering",
					    "friendlyName" };
	json_t *item = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(table, keys[i]))
			json_object_set(item, keys[i], json_object_get(table, keys[i]));
	return item;
}

static json_t *read_list(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *dataset, *list = NULL;

	store_read_begin(s);
	dataset = store_dataset_get(s, ex->param[0], ex->param[1], err);
	if (dataset)
		list = store_table_list(s, ex->param[0], ex->param[1], err);
	store_read_end(s);
	json_decref(dataset);
	return list;
}

int api_tables_list(struct exchange *ex, struct api_error *err)
{
	json_t *list = read_list(ex, err), *items, *table, *answer;
	size_t i;
	int rc;

	if (!list)
		return -1;
	items = json_array();
	json_array_foreach(list, i, table)
		json_array_append_new(items, short_form(table));
	answer = json_pack("{s:s, s:I}", "kind", "bigquery#tableList", "totalItems",
			   (json_int_t)json_array_size(list));
	rc = api_paginate(ex, items, "tables", answer, err);
	json_decref(items);
	json_decref(list);
	if (rc)
		json_decref(answer);
	else
		ex_answer(ex, 200, answer);
	return rc;
}

/* A view's query must be valid, and says what its columns are. */
static int describe_view(struct exchange *ex, json_t *table, struct api_error *err)
{
	const json_t *view = json_object_get(table, "view");
	struct gsql_request request = {
		.sql = ju_string(view, "query", ""),
		.default_project = ex->param[0],
		.dry_run = true,
	};
	struct gsql_result result = { 0 };

	if (!json_is_object(view))
		return 0;
	if (ju_bool(view, "useLegacySql", true))
		return api_fail(
			err, 501, "notImplemented",
			"localcloud does not do legacy SQL, which is the default of a view: set view.useLegacySql to false.");
	if (gsql_run(ex->server->store, &request, &result, err))
		return -1;
	if (result.fields)
		json_object_set_new(table, "schema", json_pack("{s:O}", "fields", result.fields));
	gsql_result_release(&result);
	return json_object_get(table, "schema")
		       ? 0
		       : api_fail(err, 400, "invalidQuery", "A view's query must be a SELECT");
}

static int answer_stored(struct exchange *ex, const char *id, struct api_error *err)
{
	json_t *table = store_table_get(ex->server->store, ex->param[0], ex->param[1], id, err);

	if (!table)
		return -1;
	resource_link_table(ex, table);
	ex_answer(ex, 200, table);
	return 0;
}

static int insert(struct exchange *ex, json_t *body, struct api_error *err)
{
	const char *id = ju_string(json_object_get(body, "tableReference"), "tableId", "");

	table_drop_nulls(body);
	if (describe_view(ex, body, err) ||
	    store_table_create(ex->server->store, ex->param[0], ex->param[1], id, body, err))
		return -1;
	return answer_stored(ex, id, err);
}

/* The columns that a changed table has: additions and relaxations are allowed, the rest is not. */
static int change_schema(const struct exchange *ex, const json_t *old, json_t *table,
			 struct api_error *err)
{
	const json_t *existing = ju_path(old, "schema.fields");
	json_t *provided = ju_path(table, "schema.fields"), *merged;
	char label[2400];

	if (!provided || strcmp(ju_string(old, "type", ""), "VIEW") == 0)
		return 0;
	if (schema_normalise(provided, err))
		return -1;
	if (json_array_size(existing) == 0)
		return 0;
	snprintf(label, sizeof(label), "%s:%s.%s", ex->param[0], ex->param[1], ex->param[2]);
	merged = schema_merge(existing, provided, SCHEMA_ALLOW_ADDITION | SCHEMA_ALLOW_RELAXATION,
			      label, err);
	if (!merged)
		return -1;
	json_object_set_new(json_object_get(table, "schema"), "fields", merged);
	return 0;
}

static bool same_partitioning(const json_t *old, const json_t *table)
{
	const json_t *before = json_object_get(old, "timePartitioning"),
		     *after = json_object_get(table, "timePartitioning");

	if (!before != !after || !json_object_get(old, "rangePartitioning") !=
					 !json_object_get(table, "rangePartitioning"))
		return false;
	return strcmp(ju_string(before, "type", ""), ju_string(after, "type", "")) == 0 &&
	       strcasecmp(ju_string(before, "field", ""), ju_string(after, "field", "")) == 0;
}

/* put: the body is the whole resource; otherwise it is merged into the old one. */
static int change(struct exchange *ex, const json_t *body, bool put, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *old = store_table_get(s, ex->param[0], ex->param[1], ex->param[2], err), *table;
	int rc;

	if (!old)
		return -1;
	rc = api_precondition(ex, old, err);
	if (rc) {
		json_decref(old);
		return -1;
	}
	table = put ? json_deep_copy(body) : json_deep_copy(old);
	if (!put)
		api_merge_patch(table, body);
	table_drop_nulls(table);
	/* An absent schema leaves the columns; an absent partitioning as well. */
	if (!json_object_get(table, "schema"))
		json_object_set(table, "schema", json_object_get(old, "schema"));
	if (!json_object_get(table, "timePartitioning") && json_object_get(old, "timePartitioning"))
		json_object_set(table, "timePartitioning",
				json_object_get(old, "timePartitioning"));
	if (!json_object_get(table, "rangePartitioning") &&
	    json_object_get(old, "rangePartitioning"))
		json_object_set(table, "rangePartitioning",
				json_object_get(old, "rangePartitioning"));
	rc = -1;
	if (!same_partitioning(old, table))
		api_fail(err, 400, "invalid",
			 "Cannot change the partitioning specification of a table.");
	else if (change_schema(ex, old, table, err) == 0 &&
		 (!json_object_get(body, "view") || describe_view(ex, table, err) == 0))
		rc = store_table_update(s, ex->param[0], ex->param[1], ex->param[2], table, err);
	json_decref(table);
	json_decref(old);
	return rc ? -1 : answer_stored(ex, ex->param[2], err);
}

enum action { INSERT, PATCH, PUT };

static int write_table(struct exchange *ex, enum action action, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *body = ex_json(ex, err);
	struct api_error late;
	int rc;

	if (!body || store_write_begin(s, err)) {
		json_decref(body);
		return -1;
	}
	rc = action == INSERT ? insert(ex, body, err) : change(ex, body, action == PUT, err);
	if (store_write_end(s, rc == 0, &late)) {
		*err = late;
		rc = -1;
	}
	json_decref(body);
	return rc;
}

int api_tables_insert(struct exchange *ex, struct api_error *err)
{
	return write_table(ex, INSERT, err);
}

int api_tables_patch(struct exchange *ex, struct api_error *err)
{
	return write_table(ex, PATCH, err);
}

int api_tables_update(struct exchange *ex, struct api_error *err)
{
	return write_table(ex, PUT, err);
}

int api_tables_get(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *table;
	int rc;

	store_read_begin(s);
	table = store_table_get(s, ex->param[0], ex->param[1], ex->param[2], err);
	store_read_end(s);
	if (!table)
		return -1;
	rc = api_precondition(ex, table, err);
	if (rc) {
		json_decref(table);
		return rc < 0 ? -1 : 0;
	}
	resource_link_table(ex, table);
	ex_answer(ex, 200, table);
	return 0;
}

int api_tables_delete(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	struct api_error late;
	json_t *table;
	int rc = -1;

	if (store_write_begin(s, err))
		return -1;
	table = store_table_get(s, ex->param[0], ex->param[1], ex->param[2], err);
	if (table && api_precondition(ex, table, err) == 0)
		rc = store_table_delete(s, ex->param[0], ex->param[1], ex->param[2], err);
	json_decref(table);
	if (store_write_end(s, rc == 0, &late)) {
		*err = late;
		rc = -1;
	}
	if (rc == 0)
		ex_answer(ex, 204, NULL);
	return rc;
}
