/* Shared by the files of jobs only. */
#ifndef LOCALCLOUD_JOBS_IMPL_H
#define LOCALCLOUD_JOBS_IMPL_H

#include "tests/localcloud/jobs.h"

#include <pthread.h>
#include <stdatomic.h>

struct queued {
	struct queued *next;
	char *key;
	int64_t not_before_ms; /* a job that is held RUNNING on request */
	bool query;
};

/* One of the threads that run jobs. Each has its own handle on the store. */
struct worker {
	struct jobs *jobs;
	struct store *store;
	bool queries_only; /* so that a query need not wait for long loads */
	pthread_t thread;
	bool started;
	char *running; /* key of its job, or NULL; owned by the queue's entry */
	atomic_bool cancel;
	char *marked; /* key of the last job that it marked in catalog_job_done; owned */
};

#define JOBS_WORKERS 4
/* Results of that many queries are kept. */
#define JOBS_RESULTS 256

struct jobs {
	sqlite3 *db;
	pthread_mutex_t lock; /* guards db, the queue and running */
	pthread_cond_t changed;
	struct store *store;
	struct gcs *gcs;
	struct faults *faults;
	char dir[STORE_NAME_MAX];
	struct queued *queue;
	bool stopping;
	struct worker workers[JOBS_WORKERS];
	char results[JOBS_RESULTS][64]; /* a ring of result tables, "" where there is none */
	size_t next_result;
};

/* How a job ended. */
struct outcome {
	json_t *statistics; /* what goes under statistics: {"load":…} or {"query":…}; owned */
	json_t *errors;     /* status.errors, or NULL; owned */
	bool failed;
	struct api_error error;
	char result_table[64];
	json_t *result_fields; /* owned, or NULL */
};

/* jobs_run.c: the threads. */
void *jobs_thread(void *worker);
/* Runs the job in the worker's store; the final resource is kept in catalog_job_done. */
void jobs_run_load(struct worker *w, const char *key, json_t *job, const char *spool,
		   struct outcome *o);
void jobs_run_query(struct worker *w, const char *key, json_t *job, struct outcome *o);
int jobs_mark_done(struct worker *w, const char *key, json_t *job, struct outcome *o,
		   struct api_error *err);
void jobs_finish_resource(json_t *job, struct outcome *o);
void outcome_release(struct outcome *o);

/* jobs_db.c: rows of jobs.sqlite; the caller holds the lock. Keys are "project:location.id", location in lower case. */
struct job_row {
	json_t *resource;
	char *spool; /* or NULL */
	char result_table[64];
	json_t *result_fields;
};
int jobs_db_open(struct jobs *j, struct api_error *err);
char *jobs_key(const char *project, const char *location, const char *id);
char *jobs_key_of(const json_t *job);
/* 1 found, 0 not, -1 failed. */
int jobs_db_get(struct jobs *j, const char *key, struct job_row *ret, struct api_error *err);
void job_row_release(struct job_row *row);
int jobs_db_insert(struct jobs *j, const char *key, const json_t *job, const char *spool,
		   struct api_error *err);
int jobs_db_update(struct jobs *j, const char *key, const json_t *job, const struct outcome *o,
		   struct api_error *err);
/* Settles or queues again what a killed process left. */
int jobs_db_recover(struct jobs *j, struct api_error *err);

void jobs_enqueue(struct jobs *j, const char *key, const json_t *job, int64_t not_before_ms);

#endif
