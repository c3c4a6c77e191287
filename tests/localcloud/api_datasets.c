#include "tests/localcloud/api.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/resource.h"
#include "tests/localcloud/store.h"

#include <string.h>
#include <strings.h>

int api_precondition(struct exchange *ex, const json_t *resource, struct api_error *err)
{
	const char *etag = ju_string(resource, "etag", ""), *match = ex_header(ex, "If-Match");
	const char *none = ex_header(ex, "If-None-Match");

	if (match && strcmp(match, "*") != 0 && strcmp(match, etag) != 0)
		return api_fail_at(err, 412, "conditionNotMet", "If-Match",
				   "Precondition check failed.");
	if (none && (strcmp(none, etag) == 0 || strcmp(none, "*") == 0)) {
		if (strcmp(ex->method, "GET") != 0)
			return api_fail_at(err, 412, "conditionNotMet", "If-None-Match",
					   "Precondition check failed.");
		ex_set_header(ex, "ETag", "%s", etag);
		ex_answer(ex, 304, NULL);
		return 1;
	}
	return 0;
}

void api_merge_patch(json_t *resource, const json_t *patch)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)patch, key, value) {
		json_t *old = json_object_get(resource, key);

		if (json_is_null(value))
			json_object_del(resource, key);
		else if (strcmp(key, "labels") == 0 && json_is_object(old) && json_is_object(value))
			api_merge_patch(old, value);
		else
			json_object_set(resource, key, value);
	}
}

int api_paginate(const struct exchange *ex, json_t *items, const char *key, json_t *answer,
		 struct api_error *err)
{
	int64_t start, limit, n = (int64_t)json_array_size(items);
	json_t *page;

	if (ex_query_int64(ex, "pageToken", 0, &start, err) ||
	    ex_query_int64(ex, "maxResults", 1000, &limit, err))
		return -1;
	if (start < 0 || limit < 0)
		return api_fail(err, 400, "invalid", "maxResults must not be negative");
	page = json_array();
	for (int64_t i = start; i < n && i < start + limit; i++)
		json_array_append(page, json_array_get(items, (size_t)i));
	if (start + limit < n && limit > 0)
		json_object_set_new(answer, "nextPageToken",
				    json_sprintf("%lld", (long long)(start + limit)));
	json_object_set_new(answer, key, page);
	return 0;
}

static json_t *short_form(const json_t *dataset)
{
	static const char *const keys[] = { "kind",   "id",       "datasetReference",
					    "labels", "location", "friendlyName" };
	json_t *item = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(dataset, keys[i]))
			json_object_set(item, keys[i], json_object_get(dataset, keys[i]));
	return item;
}

int api_datasets_list(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *list, *items = json_array(), *dataset,
		      *answer = json_pack("{s:s}", "kind", "bigquery#datasetList");
	size_t i;
	int rc;

	store_read_begin(s);
	list = store_dataset_list(s, ex->param[0], err);
	store_read_end(s);
	json_array_foreach(list, i, dataset)
		json_array_append_new(items, short_form(dataset));
	rc = list ? api_paginate(ex, items, "datasets", answer, err) : -1;
	json_decref(list);
	json_decref(items);
	if (rc)
		json_decref(answer);
	else
		ex_answer(ex, 200, answer);
	return rc;
}

/* Answers with the dataset as it stands in the store. */
static int answer_stored(struct exchange *ex, const char *id, struct api_error *err)
{
	json_t *dataset = store_dataset_get(ex->server->store, ex->param[0], id, err);

	if (!dataset)
		return -1;
	resource_link_dataset(ex, dataset);
	ex_answer(ex, 200, dataset);
	return 0;
}

int api_datasets_insert(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *body = ex_json(ex, err);
	const char *id = ju_string(json_object_get(body, "datasetReference"), "datasetId", "");
	struct api_error late;
	int rc = -1;

	if (!body || store_write_begin(s, err)) {
		json_decref(body);
		return -1;
	}
	if (store_dataset_create(s, ex->param[0], id, body, err) == 0)
		rc = answer_stored(ex, id, err);
	if (store_write_end(s, rc == 0, &late)) {
		*err = late;
		rc = -1;
	}
	json_decref(body);
	return rc;
}

int api_datasets_get(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *dataset;
	int rc;

	store_read_begin(s);
	dataset = store_dataset_get(s, ex->param[0], ex->param[1], err);
	store_read_end(s);
	if (!dataset)
		return -1;
	rc = api_precondition(ex, dataset, err);
	if (rc) {
		json_decref(dataset);
		return rc < 0 ? -1 : 0;
	}
	resource_link_dataset(ex, dataset);
	ex_answer(ex, 200, dataset);
	return 0;
}

static int patch(struct exchange *ex, json_t *body, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *dataset = store_dataset_get(s, ex->param[0], ex->param[1], err);
	const char *location = ju_string(body, "location", NULL);
	int rc = -1;

	if (!dataset)
		return -1;
	if (location && strcasecmp(location, ju_string(dataset, "location", "")) != 0)
		api_fail(err, 400, "invalid", "Cannot change the location of a dataset");
	else
		rc = api_precondition(ex, dataset, err);
	if (rc == 0) {
		api_merge_patch(dataset, body);
		rc = store_dataset_update(s, ex->param[0], ex->param[1], dataset, err);
	}
	json_decref(dataset);
	return rc ? -1 : answer_stored(ex, ex->param[1], err);
}

int api_datasets_patch(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	json_t *body = ex_json(ex, err);
	struct api_error late;
	int rc;

	if (!body || store_write_begin(s, err)) {
		json_decref(body);
		return -1;
	}
	rc = patch(ex, body, err);
	if (store_write_end(s, rc == 0, &late)) {
		*err = late;
		rc = -1;
	}
	json_decref(body);
	return rc;
}

int api_datasets_delete(struct exchange *ex, struct api_error *err)
{
	struct store *s = ex->server->store;
	const char *contents = ex_query(ex, "deleteContents");
	struct api_error late;
	int rc;

	if (store_write_begin(s, err))
		return -1;
	rc = store_dataset_delete(s, ex->param[0], ex->param[1],
				  contents && strcasecmp(contents, "true") == 0, err);
	if (store_write_end(s, rc == 0, &late)) {
		*err = late;
		rc = -1;
	}
	if (rc == 0)
		ex_answer(ex, 204, NULL);
	return rc;
}
