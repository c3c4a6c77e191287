/* Jobs, and queries as jobs. */
#include "tests/localcloud/api.h"
#include "tests/localcloud/jobs.h"
#include "tests/localcloud/jobs_query.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/page.h"
#include "tests/localcloud/resource.h"

#include <string.h>

#define QUERY_TIMEOUT_MS 10000
#define MAX_TIMEOUT_MS 200000

int api_jobs_list(struct exchange *ex, struct api_error *err)
{
	json_t *list = jobs_list(ex->server->jobs, ex->param[0], ex_query(ex, "stateFilter"), err),
	       *job, *answer;
	size_t i;
	int rc;

	if (!list)
		return -1;
	json_array_foreach(list, i, job) {
		json_object_set(job, "state",
				json_object_get(json_object_get(job, "status"), "state"));
		if (ju_path(job, "status.errorResult"))
			json_object_set(job, "errorResult", ju_path(job, "status.errorResult"));
	}
	answer = json_pack("{s:s}", "kind", "bigquery#jobList");
	rc = api_paginate(ex, list, "jobs", answer, err);
	json_decref(list);
	if (rc)
		json_decref(answer);
	else
		ex_answer(ex, 200, answer);
	return rc;
}

static void answer_job(struct exchange *ex, json_t *job)
{
	resource_link_job(ex, job);
	ex_answer(ex, 200, job);
}

/* A dry run answers at once and leaves nothing behind. */
static int dry_run(struct exchange *ex, json_t *job, struct api_error *err)
{
	if (ju_path(job, "configuration.query"))
		return jobs_query_dry_run(ex->server->store, job, err);
	json_object_set_new(job, "status", json_pack("{s:s}", "state", "DONE"));
	return 0;
}

int api_jobs_insert(struct exchange *ex, struct api_error *err)
{
	json_t *body = ex_json(ex, err), *job = NULL;
	int rc;

	if (!body)
		return -1;
	rc = jobs_describe(ex->server->jobs, ex->param[0], body, err);
	if (rc == 0 && ju_bool(json_object_get(body, "configuration"), "dryRun", false)) {
		rc = dry_run(ex, body, err);
		job = rc == 0 ? json_incref(body) : NULL;
	} else if (rc == 0 && ju_path(body, "configuration.load") &&
		   json_array_size(ju_path(body, "configuration.load.sourceUris")) == 0) {
		rc = api_fail(
			err, 400, "required",
			"A load job without sourceUris needs its data: use the upload endpoint.");
	} else if (rc == 0) {
		rc = jobs_insert(ex->server->jobs, body, NULL, &job, err);
	}
	json_decref(body);
	if (rc == 0)
		answer_job(ex, job);
	return rc;
}

int api_jobs_get(struct exchange *ex, struct api_error *err)
{
	json_t *job = jobs_get(ex->server->jobs, ex->param[0], ex_query(ex, "location"),
			       ex->param[1], err);

	if (!job)
		return -1;
	answer_job(ex, job);
	return 0;
}

int api_jobs_cancel(struct exchange *ex, struct api_error *err)
{
	const char *location = ex_query(ex, "location");
	json_t *job;

	if (jobs_cancel(ex->server->jobs, ex->param[0], location, ex->param[1], err))
		return -1;
	job = jobs_get(ex->server->jobs, ex->param[0], location, ex->param[1], err);
	if (!job)
		return -1;
	resource_link_job(ex, job);
	ex_answer(ex, 200,
		  json_pack("{s:s, s:o}", "kind", "bigquery#jobCancelResponse", "job", job));
	return 0;
}

/* A failed job surfaces as an HTTP error where results are asked for. */
static int job_error(const json_t *job, struct api_error *err)
{
	static const struct {
		const char *reason;
		int status;
	} statuses[] = { { "notFound", 404 },          { "duplicate", 409 },
			 { "accessDenied", 403 },      { "quotaExceeded", 403 },
			 { "rateLimitExceeded", 403 }, { "backendError", 503 },
			 { "internalError", 500 },     { "notImplemented", 501 } };
	const json_t *error = ju_path(job, "status.errorResult");
	const char *reason = ju_string(error, "reason", "invalid");
	int status = 400;

	if (!error)
		return 0;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (strcmp(statuses[i].reason, reason) == 0)
			status = statuses[i].status;
	return api_fail_at(err, status, reason, ju_string(error, "location", ""), "%s",
			   ju_string(error, "message", ""));
}

/* What jobs.query and getQueryResults answer about a job, but for the rows. */
static json_t *describe_results(const json_t *job, const char *kind)
{
	static const char *const copied[] = { "dmlStats", "numDmlAffectedRows" };
	const json_t *statistics = ju_path(job, "statistics.query");
	bool done = strcmp(ju_string(ju_path(job, "status"), "state", ""), "DONE") == 0;
	json_t *answer = json_pack("{s:s, s:O, s:b}", "kind", kind, "jobReference",
				   json_object_get(job, "jobReference"), "jobComplete", done);

	if (!done)
		return answer;
	json_object_set(answer, "totalBytesProcessed",
			json_object_get(statistics, "totalBytesProcessed"));
	json_object_set_new(answer, "cacheHit", json_false());
	for (size_t i = 0; i < 2; i++)
		if (json_object_get(statistics, copied[i]))
			json_object_set(answer, copied[i], json_object_get(statistics, copied[i]));
	if (json_object_get(statistics, "schema"))
		json_object_set(answer, "schema", json_object_get(statistics, "schema"));
	return answer;
}

/* Puts schema and one page of rows into an answer about a done job; body is jobs.query's, or NULL. */
static int add_results(struct exchange *ex, const json_t *job, const json_t *body, json_t *answer,
		       struct api_error *err)
{
	struct store *s = ex->server->store;
	const json_t *format = json_object_get(body, "formatOptions");
	char table[64];
	json_t *fields = jobs_result(ex->server->jobs, job, table, err);
	int rc;

	if (!fields || !table[0]) {
		json_decref(fields);
		return 0;
	}
	json_object_set_new(answer, "schema", json_pack("{s:O}", "fields", fields));
	store_read_begin(s);
	if (body)
		rc = page_read_first(s, table, fields, ju_int64(body, "maxResults", -1),
				     ju_bool(format, "useInt64Timestamp", false), answer, err);
	else
		rc = page_read(ex, s, table, fields, answer, err);
	store_read_end(s);
	json_decref(fields);
	return rc;
}

static int answer_results(struct exchange *ex, const json_t *job, const json_t *body,
			  struct api_error *err)
{
	json_t *answer;

	if (job_error(job, err))
		return -1;
	answer = describe_results(job, body ? "bigquery#queryResponse"
					    : "bigquery#getQueryResultsResponse");
	if (json_is_true(json_object_get(answer, "jobComplete")) &&
	    add_results(ex, job, body, answer, err)) {
		json_decref(answer);
		return -1;
	}
	ex_answer(ex, 200, answer);
	return 0;
}

int api_queries_get(struct exchange *ex, struct api_error *err)
{
	int64_t timeout_ms;
	json_t *job;
	int rc;

	if (ex_query_int64(ex, "timeoutMs", QUERY_TIMEOUT_MS, &timeout_ms, err))
		return -1;
	job = jobs_wait(ex->server->jobs, ex->param[0], ex_query(ex, "location"), ex->param[1],
			timeout_ms > MAX_TIMEOUT_MS ? MAX_TIMEOUT_MS : timeout_ms, err);
	if (!job)
		return -1;
	if (!ju_path(job, "configuration.query"))
		rc = api_fail(err, 400, "invalid", "Job %s is not a query job",
			      ju_string(job, "id", ""));
	else
		rc = answer_results(ex, job, NULL, err);
	json_decref(job);
	return rc;
}

/* jobs.query's body as a job. A requestId names the job, so that the request can be repeated. */
static json_t *job_of_query(const json_t *body)
{
	static const char *const keys[] = {
		"query",         "useLegacySql",  "defaultDataset",    "queryParameters",
		"parameterMode", "useQueryCache", "maximumBytesBilled"
	};
	const char *request_id = ju_string(body, "requestId", ""),
		   *location = ju_string(body, "location", "");
	json_t *query = json_object(), *reference = json_object();

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_object_get(body, keys[i]))
			json_object_set(query, keys[i], json_object_get(body, keys[i]));
	if (request_id[0])
		json_object_set_new(reference, "jobId", json_sprintf("request_%s", request_id));
	if (location[0])
		json_object_set_new(reference, "location", json_string(location));
	return json_pack("{s:{s:o, s:b}, s:o}", "configuration", "query", query, "dryRun",
			 ju_bool(body, "dryRun", false), "jobReference", reference);
}

/* Starts the query, or finds it under the same requestId. New reference to the job as it stands. */
static json_t *start_query(struct exchange *ex, const json_t *body, json_t *job,
			   struct api_error *err)
{
	json_t *started = NULL;
	int rc = jobs_describe(ex->server->jobs, ex->param[0], job, err);

	if (rc == 0 && ju_bool(body, "dryRun", false))
		return jobs_query_dry_run(ex->server->store, job, err) ? NULL : json_incref(job);
	if (rc == 0)
		rc = jobs_insert(ex->server->jobs, job, NULL, &started, err);
	if (rc && (err->status != 409 || !ju_string(body, "requestId", "")[0]))
		return NULL;
	json_decref(started);
	return jobs_wait(ex->server->jobs, ex->param[0],
			 ju_string(ju_path(job, "jobReference"), "location", NULL),
			 ju_string(ju_path(job, "jobReference"), "jobId", ""),
			 ju_int64(body, "timeoutMs", QUERY_TIMEOUT_MS), err);
}

int api_queries_query(struct exchange *ex, struct api_error *err)
{
	json_t *body = ex_json(ex, err), *job, *state;
	int rc;

	if (!body)
		return -1;
	job = job_of_query(body);
	state = start_query(ex, body, job, err);
	rc = state ? answer_results(ex, state, body, err) : -1;
	json_decref(state);
	json_decref(job);
	json_decref(body);
	return rc;
}
