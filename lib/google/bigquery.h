/*
 * BigQuery's REST API, as thin as it can be: a function per method, resources
 * as jansson objects in BigQuery's own shape.
 *
 * Most functions have three results: 1 yes, 0 the answer that callers must
 * expect (named at each function), -1 an error. Objects handed out are the
 * caller's to json_decref; *ret is untouched unless 1 is returned.
 */
#ifndef SLUICE_LIB_GOOGLE_BIGQUERY_H
#define SLUICE_LIB_GOOGLE_BIGQUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

struct bigquery_table {
	const char *project, *dataset, *table;
};

struct bigquery_job {
	const char *project;
	const char *location; /* NULL: US, EU or a single-region guess of BigQuery's */
	const char *id;
};

/* 0: no such dataset (or project). */
int bigquery_dataset_get(struct api *a, const char *project, const char *dataset, json_t **ret,
			 struct error *err) __attribute__((warn_unused_result));

/* resource: the Dataset without datasetReference, which is added. 0: it exists already. */
int bigquery_dataset_insert(struct api *a, const char *project, const char *dataset,
			    const json_t *resource, struct error *err)
	__attribute__((warn_unused_result));

/* The table, with its "etag". 0: no such table or dataset. */
int bigquery_table_get(struct api *a, const struct bigquery_table *t, json_t **ret,
		       struct error *err) __attribute__((warn_unused_result));

/*
 * resource: the Table without tableReference, which is added. 0: it exists
 * already (after a lost answer, perhaps as ours). ret may be NULL.
 */
int bigquery_table_insert(struct api *a, const struct bigquery_table *t, const json_t *resource,
			  json_t **ret, struct error *err) __attribute__((warn_unused_result));

/* etag (or NULL) becomes If-Match. 0: somebody else changed the table: get it again. ret may be NULL. */
int bigquery_table_patch(struct api *a, const struct bigquery_table *t, const json_t *patch,
			 const char *etag, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* 0: it was not there. */
int bigquery_table_delete(struct api *a, const struct bigquery_table *t, struct error *err)
	__attribute__((warn_unused_result));

/* 0: no such job (there). */
int bigquery_job_get(struct api *a, const struct bigquery_job *job, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * configuration is put beside a jobReference made of `job`; NULL location is
 * left out. 0: the id exists already: look it up. ret, which may be NULL, is
 * the job.
 */
int bigquery_job_insert(struct api *a, const struct bigquery_job *job, const json_t *configuration,
			json_t **ret, struct error *err) __attribute__((warn_unused_result));

/* The job resource that jobs.insert and an upload session want; NULL when memory is out. */
json_t *bigquery_job_resource(const struct bigquery_job *job, const json_t *configuration,
			      struct error *err) __attribute__((warn_unused_result));

/*
 * Poll, 10 ms growing to 5 s (small statements end soon, and three of them are
 * behind each other in every batch), until the job is DONE (well or not). A 404
 * in the first 10 s is taken for a job that is not visible yet. deadline_ms is
 * monotonic_ms' time, 0 none: past it ERR_TEMP, the job runs on. 0 / -1.
 */
int bigquery_job_wait(struct api *a, const struct bigquery_job *job, int64_t deadline_ms,
		      json_t **ret, struct error *err) __attribute__((warn_unused_result));

enum bigquery_job_outcome {
	JOB_RUNNING, /* not DONE yet */
	JOB_DONE,    /* well; status.errors may still name bad rows */
	JOB_RERUN, /* failed by BigQuery's own fault, or gave way to other DML: run it again under a new id */
	JOB_QUOTA,  /* quotaExceeded: ten minutes or more */
	JOB_FAILED, /* failed for good */
};

enum bigquery_job_outcome bigquery_job_outcome(const json_t *job);

/* The location that BigQuery gave the job, lent; NULL when it says none. */
const char *bigquery_job_location(const json_t *job);

/*
 * The failure of a job that did not end well: ERR_TEMP for RERUN, QUOTA and
 * stopped; ERR_PERM accessDenied; ERR_DATA for a load job's invalid (rows
 * that do not fit); ERR_REMOTE the rest. All of status.errors (at most five)
 * are in the message. Returns -1.
 */
int bigquery_job_failure(const json_t *job, const char *what, struct error *err);

/* An int64 of statistics, which comes as a string ("load", "outputRows"); -1 when it is not there. */
int64_t bigquery_job_statistic(const json_t *job, const char *section, const char *name);

/* configuration of a GoogleSQL query job; further members are the caller's to add. */
json_t *bigquery_query_configuration(const char *sql, struct error *err)
	__attribute__((warn_unused_result));

/*
 * A query that only reads, at once: body is that of jobs.query. *ret is its
 * answer, with the first page of rows where jobComplete is true; where it is
 * false the job of jobReference runs on. 0: a table or dataset is not there.
 */
int bigquery_query(struct api *a, const char *project, const json_t *body, json_t **ret,
		   struct error *err) __attribute__((warn_unused_result));

/*
 * One page of the rows of a DONE query job, as getQueryResults answers;
 * page_token NULL is the first. 0 / -1.
 */
int bigquery_query_results(struct api *a, const struct bigquery_job *job, int64_t max_results,
			   const char *page_token, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
