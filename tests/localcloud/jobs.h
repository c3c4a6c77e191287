/*
 * Jobs: their resources, in DIR/jobs.sqlite, and the threads that run them, some at once. The rows of a query's result
 * stay in the store until some hundred queries later.
 *
 * A job's effect and the fact that it is done cannot be in one transaction, since the two databases are apart (a job
 * must be insertable while a load holds the writer lock of the store). So the job's final resource goes into the
 * store's catalog_job_done in the same transaction as its rows, and is copied to jobs.sqlite afterwards; jobs found
 * unfinished at start-up are settled from there, or run again from their spool file. Either way once.
 *
 * All functions are thread-safe. Resources returned are new references.
 */
#ifndef LOCALCLOUD_JOBS_H
#define LOCALCLOUD_JOBS_H

#include "tests/localcloud/faults.h"
#include "tests/localcloud/gcs.h"
#include "tests/localcloud/store.h"

struct jobs;

/* store: the request handle; each job thread opens another. Load jobs read their sourceUris from gcs. */
int jobs_open(const char *dir, struct store *store, struct gcs *gcs, struct faults *faults,
	      struct jobs **ret, struct api_error *err);
/* Waits for the running jobs, then stops. */
void jobs_close(struct jobs *j);

/*
 * Completes a job that a client described (id, location, jobType) and checks its configuration: 400, or 409 duplicate
 * when the id is taken. The resource is changed in place. Nothing is stored yet.
 */
int jobs_describe(struct jobs *j, const char *project, json_t *job, struct api_error *err);

/*
 * Stores a described job and queues it; spool is the uploaded file, which the job then owns, or NULL. Again 409 when
 * the id has been taken meanwhile: the file is the caller's then. ret gets the resource as it stands.
 */
int jobs_insert(struct jobs *j, json_t *job, const char *spool, json_t **ret,
		struct api_error *err);

/* location may be NULL: US and EU are looked at, as BigQuery does. 404 otherwise. */
json_t *jobs_get(struct jobs *j, const char *project, const char *location, const char *id,
		 struct api_error *err);
/* Newest first; state_filter may be NULL ("pending", "running", "done"). */
json_t *jobs_list(struct jobs *j, const char *project, const char *state_filter,
		  struct api_error *err);
int jobs_cancel(struct jobs *j, const char *project, const char *location, const char *id,
		struct api_error *err);
/* Waits until the job is DONE or the time is over, then as jobs_get. */
json_t *jobs_wait(struct jobs *j, const char *project, const char *location, const char *id,
		  int64_t timeout_ms, struct api_error *err);

/* The result of a done query: its table in the store, and its fields (new reference, NULL when it has no rows). */
json_t *jobs_result(struct jobs *j, const json_t *job, char table[64], struct api_error *err);

#endif
