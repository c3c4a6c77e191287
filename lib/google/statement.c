#include "lib/google/statement.h"

#include <stdbool.h>
#include <stdio.h>

#include "lib/google/backoff.h"
#include "lib/google/bigquery.h"

enum {
	ATTEMPTS_MAX = 1000, /* an INSERT gives way to others at most this often */
	JOB_ID_SIZE = 64,
	PAGE_ROWS = 10000,
};

/* --- writing ---------------------------------------------------------------------------------------- */

/*
 * 1: done, and *ret is the job. 0: it has failed, another attempt may do better; *ours: not for another process,
 * long ago. -1.
 */
static int run_attempt(const struct statement_runner *r, const char *id,
		       const json_t *configuration, bool *ours, json_t **ret, struct error *err)
{
	const struct bigquery_job ref = { r->project, r->location, id };
	enum bigquery_job_outcome outcome;
	json_t *job = NULL;
	int rc = bigquery_job_insert(r->api, &ref, configuration, NULL, err);

	*ours = rc > 0;
	if (rc < 0 || bigquery_job_wait(r->api, &ref, 0, &job, err) < 0)
		return -1;
	outcome = bigquery_job_outcome(job);
	if (outcome == JOB_DONE) {
		*ret = job;
		return 1;
	}
	bigquery_job_failure(job, id, err);
	json_decref(job);
	return outcome == JOB_RERUN || !*ours ? 0 : -1;
}

int statement_run_job(const struct statement_runner *r, const char *id, const json_t *query,
		      const json_t *labels, json_t **ret, struct error *err)
{
	json_t *configuration = json_pack("{s:O,s:O*}", "query", query, "labels", labels);
	struct backoff backoff;
	char job[JOB_ID_SIZE];
	int rc = configuration ? 0 : error_nomem(err);

	backoff_init(&backoff, &r->api->retry);
	for (unsigned attempt = 1; rc == 0; attempt++) {
		bool ours;

		snprintf(job, sizeof job, "%.40s_%u", id, attempt);
		rc = run_attempt(r, job, configuration, &ours, ret, err);
		if (rc == 0 &&
		    (attempt == ATTEMPTS_MAX || (ours && api_wait(r->api, &backoff, 0, err) <= 0)))
			rc = -1;
	}
	json_decref(configuration);
	return rc < 0 ? -1 : 0;
}

int statement_run(const struct statement_runner *r, const char *id, const json_t *query,
		  struct error *err)
{
	json_t *job = NULL;
	int rc = statement_run_job(r, id, query, NULL, &job, err);

	json_decref(job);
	return rc;
}

/* --- reading ---------------------------------------------------------------------------------------- */

static int take_rows(const json_t *page, statement_take *take, void *into, struct error *err)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(page, "rows"), i, row) {
		if (take(row, into, err) < 0)
			return -1;
	}
	return 0;
}

/* The first page of a query that still ran when jobs.query answered. */
static int first_page(const struct statement_runner *r, const struct bigquery_job *id, json_t **ret,
		      struct error *err)
{
	json_t *job = NULL;
	int rc = id->id ? bigquery_job_wait(r->api, id, 0, &job, err)
			: error_set(err, ERR_PROTOCOL, "a query without an id");

	if (rc == 0 && bigquery_job_outcome(job) != JOB_DONE)
		rc = bigquery_job_failure(job, id->id, err);
	json_decref(job);
	return rc < 0 ? -1 : bigquery_query_results(r->api, id, PAGE_ROWS, NULL, ret, err);
}

/* The rows of all pages; the first may be one that only says that the query runs on. */
static int read_pages(const struct statement_runner *r, json_t *answer, statement_take *take,
		      void *into, struct error *err)
{
	const json_t *ref = json_object_get(answer, "jobReference");
	const struct bigquery_job id = {
		r->project,
		json_string_value(json_object_get(ref, "location")),
		json_string_value(json_object_get(ref, "jobId")),
	};
	json_t *page = NULL;
	int rc = 0;

	if (json_is_true(json_object_get(answer, "jobComplete")))
		page = json_incref(answer);
	else
		rc = first_page(r, &id, &page, err);
	while (rc == 0) {
		const char *token = json_string_value(json_object_get(page, "pageToken"));
		json_t *next = NULL;

		rc = take_rows(page, take, into, err);
		if (rc < 0 || !token)
			break;
		rc = bigquery_query_results(r->api, &id, PAGE_ROWS, token, &next, err);
		json_decref(page);
		page = next;
	}
	json_decref(page);
	return rc;
}

int statement_read(const struct statement_runner *r, const json_t *body, statement_take *take,
		   void *into, struct error *err)
{
	json_t *answer = NULL;
	int rc = bigquery_query(r->api, r->project, body, &answer, err);

	if (rc <= 0)
		return rc;
	rc = read_pages(r, answer, take, into, err);
	json_decref(answer);
	return rc < 0 ? -1 : 1;
}

int statement_parameter(json_t *parameters, const char *name, const char *type, json_t *value,
			struct error *err)
{
	json_t *p = json_pack("{s:s,s:{s:s},s:{s:o}}", "name", name, "parameterType", "type", type,
			      "parameterValue", "value", value);

	if (!p || json_array_append_new(parameters, p) < 0)
		return error_nomem(err);
	return 0;
}
