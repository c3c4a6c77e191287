/* Buckets. */
#include "tests/localcloud/api.h"
#include "tests/localcloud/gcs_api.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <string.h>

static void link_bucket(const struct exchange *ex, json_t *bucket)
{
	const char *name = ju_string(bucket, "name", "");
	char root[300];

	json_object_set_new(bucket, "kind", json_string("storage#bucket"));
	json_object_set_new(bucket, "id", json_string(name));
	json_object_set_new(bucket, "selfLink",
			    json_sprintf("%s/storage/v1/b/%s", ex_root(ex, root, sizeof(root)),
					 name));
	json_object_set_new(bucket, "etag", json_string("CAE="));
}

static void answer_bucket(struct exchange *ex, json_t *bucket)
{
	link_bucket(ex, bucket);
	ex_answer(ex, 200, bucket);
}

int gcs_buckets_list(struct exchange *ex, struct api_error *err)
{
	const char *project = ex_query(ex, "project");
	json_t *list, *answer, *bucket;
	size_t i;
	int rc;

	if (!project || !project[0])
		return api_fail_at(err, 400, "required", "project", "Required parameter: project");
	list = gcs_bucket_list(ex->server->gcs, project, err);
	if (!list)
		return -1;
	json_array_foreach(list, i, bucket)
		link_bucket(ex, bucket);
	answer = json_pack("{s:s}", "kind", "storage#buckets");
	rc = api_paginate(ex, list, "items", answer, err);
	if (json_array_size(json_object_get(answer, "items")) == 0)
		json_object_del(answer, "items");
	json_decref(list);
	if (rc)
		json_decref(answer);
	else
		ex_answer(ex, 200, answer);
	return rc;
}

/* What localcloud keeps of a bucket that a client describes. */
static json_t *new_bucket(const json_t *body)
{
	static const char *const multi[] = { "US", "EU", "ASIA", NULL };
	char location[64];

	ju_upper(ju_string(body, "location", "US"), location, sizeof(location));
	return json_pack("{s:s, s:s, s:s, s:s, s:O*}", "projectNumber", "1", "location", location,
			 "locationType", ju_in(location, multi) ? "multi-region" : "region",
			 "storageClass", ju_string(body, "storageClass", "STANDARD"), "labels",
			 json_object_get(body, "labels"));
}

int gcs_buckets_insert(struct exchange *ex, struct api_error *err)
{
	const char *project = ex_query(ex, "project"), *name;
	json_t *body = ex_json(ex, err), *bucket;
	int rc;

	if (!body)
		return -1;
	name = ju_string(body, "name", "");
	if (!project || !project[0])
		rc = api_fail_at(err, 400, "required", "project", "Required parameter: project");
	else if (!name[0])
		rc = api_fail_at(err, 400, "required", "name", "Required");
	else if (ju_bool(json_object_get(body, "versioning"), "enabled", false))
		rc = api_fail(err, 501, "notImplemented",
			      "localcloud does not keep noncurrent versions.");
	else
		rc = ident_check_project(project, err) || gcs_check_bucket(name, err) ? -1 : 0;
	if (rc == 0) {
		bucket = new_bucket(body);
		rc = gcs_bucket_create(ex->server->gcs, project, name, bucket, err);
		if (rc == 0)
			answer_bucket(ex, bucket);
		else
			json_decref(bucket);
	}
	json_decref(body);
	return rc;
}

static json_t *named(struct exchange *ex, struct api_error *err)
{
	if (gcs_check_bucket(ex->param[0], err))
		return NULL;
	return gcs_bucket_get(ex->server->gcs, ex->param[0], err);
}

int gcs_buckets_get(struct exchange *ex, struct api_error *err)
{
	json_t *bucket = named(ex, err);

	if (!bucket)
		return -1;
	answer_bucket(ex, bucket);
	return 0;
}

int gcs_buckets_delete(struct exchange *ex, struct api_error *err)
{
	if (gcs_check_bucket(ex->param[0], err) ||
	    gcs_bucket_delete(ex->server->gcs, ex->param[0], err))
		return -1;
	ex->status = 204;
	return 0;
}

int gcs_buckets_layout(struct exchange *ex, struct api_error *err)
{
	json_t *bucket = named(ex, err);

	if (!bucket)
		return -1;
	ex_answer(ex, 200,
		  json_pack("{s:s, s:s, s:O, s:O, s:{s:b}}", "kind", "storage#storageLayout",
			    "bucket", ex->param[0], "location", json_object_get(bucket, "location"),
			    "locationType", json_object_get(bucket, "locationType"),
			    "hierarchicalNamespace", "enabled", 0));
	json_decref(bucket);
	return 0;
}

/* localcloud makes no managed folders: a list of none is what a client that removes a bucket asks for. */
int gcs_buckets_managed_folders(struct exchange *ex, struct api_error *err)
{
	json_t *bucket = named(ex, err);

	if (!bucket)
		return -1;
	json_decref(bucket);
	ex_answer(ex, 200, json_pack("{s:s}", "kind", "storage#managedFolders"));
	return 0;
}
