/* Uploads that become load jobs of BigQuery. */
#include "tests/localcloud/jobs.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/resource.h"
#include "tests/localcloud/upload_impl.h"

static json_t *describe(struct exchange *ex, json_t *metadata, const char *type,
			struct api_error *err)
{
	(void)type;
	if (jobs_describe(ex->server->jobs, ex->upload->owner, metadata, err))
		return NULL;
	if (json_array_size(ju_path(metadata, "configuration.load.sourceUris")) == 0)
		return json_incref(metadata);
	api_fail(err, 400, "invalid", "A load job takes an upload or sourceUris, not both.");
	return NULL;
}

static int create(struct exchange *ex, char **path, struct api_error *err)
{
	return spool_create(ex->server->dir, path, err);
}

static void answer_job(struct exchange *ex, json_t *job)
{
	resource_link_job(ex, job);
	ex_answer(ex, 200, job);
}

static int commit(struct exchange *ex, json_t *what, const char *path, struct gcs_hash *hash,
		  json_t **kept, struct api_error *err)
{
	json_t *job = NULL;

	(void)hash;
	if (jobs_insert(ex->server->jobs, what, path, &job, err))
		return -1;
	*kept = json_deep_copy(json_object_get(what, "jobReference"));
	answer_job(ex, job);
	return 0;
}

static int repeat(struct exchange *ex, const json_t *kept, struct api_error *err)
{
	json_t *job = jobs_get(ex->server->jobs, ju_string(kept, "projectId", ""),
			       ju_string(kept, "location", ""), ju_string(kept, "jobId", ""), err);

	if (!job)
		return -1;
	answer_job(ex, job);
	return 0;
}

const struct upload_sink upload_job_sink = {
	.before = "/upload/bigquery/v2/projects/",
	.after = "/jobs",
	.describe = describe,
	.create = create,
	.commit = commit,
	.repeat = repeat,
};
