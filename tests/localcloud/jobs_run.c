/* A job thread: takes queued jobs one at a time and records how they ended. */
#include "tests/localcloud/ident.h"
#include "tests/localcloud/jobs_impl.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

void outcome_release(struct outcome *o)
{
	json_decref(o->statistics);
	json_decref(o->errors);
	json_decref(o->result_fields);
}

/* The first queued job for this thread whose time has come, taken out; NULL with the time of the earliest (0: none). */
static struct queued *take(const struct worker *w, int64_t *earliest_ms)
{
	struct jobs *j = w->jobs;
	int64_t now = store_now_ms();

	*earliest_ms = 0;
	for (struct queued **at = &j->queue; *at; at = &(*at)->next) {
		struct queued *q = *at;

		if (w->queries_only && !q->query)
			continue;
		if (q->not_before_ms <= now) {
			*at = q->next;
			return q;
		}
		if (*earliest_ms == 0 || q->not_before_ms < *earliest_ms)
			*earliest_ms = q->not_before_ms;
	}
	return NULL;
}

static void wait_for_work(struct jobs *j, int64_t earliest_ms)
{
	struct timespec until;
	int64_t ms = earliest_ms ? earliest_ms - store_now_ms() : 0;

	if (!earliest_ms) {
		pthread_cond_wait(&j->changed, &j->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &until);
	ms = ms > 1 ? ms : 1;
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&j->changed, &j->lock, &until);
}

void jobs_finish_resource(json_t *job, struct outcome *o)
{
	json_t *statistics = json_object_get(job, "statistics"), *status = json_object();

	ju_set_int64(statistics, "endTime", store_now_ms());
	ju_set_int64(statistics, "totalSlotMs", 1);
	if (o->statistics)
		json_object_update(statistics, o->statistics);
	json_object_set_new(statistics, "completionRatio", json_integer(1));
	json_object_set_new(status, "state", json_string("DONE"));
	if (o->failed) {
		if (!o->errors)
			o->errors = json_array();
		json_object_set_new(status, "errorResult", api_error_proto(&o->error));
		json_array_insert_new(o->errors, 0, api_error_proto(&o->error));
		while (json_array_size(o->errors) > 5)
			json_array_remove(o->errors, 5);
	}
	if (json_array_size(o->errors) > 0)
		json_object_set(status, "errors", o->errors);
	json_object_set_new(job, "status", status);
}

int jobs_mark_done(struct worker *w, const char *key, json_t *job, struct outcome *o,
		   struct api_error *err)
{
	sqlite3_stmt *stmt;
	json_t *mark;
	char *text;
	int rc;

	jobs_finish_resource(job, o);
	mark = json_pack("{s:O, s:s, s:O?}", "resource", job, "table", o->result_table, "fields",
			 o->result_fields);
	text = json_dumps(mark, JSON_COMPACT);
	json_decref(mark);
	/* The mark of this thread's job before is not needed any more: it was copied before this job began. */
	rc = w->marked ? store_exec(w->store, err, "DELETE FROM catalog_job_done WHERE job=%Q",
				    w->marked)
		       : 0;
	if (rc == 0 && sqlite3_prepare_v2(store_db(w->store),
					  "INSERT OR REPLACE INTO catalog_job_done VALUES(?,?)", -1,
					  &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, text, -1, SQLITE_STATIC);
		rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : store_sqlite_error(w->store, err);
		sqlite3_finalize(stmt);
	}
	if (rc == 0) {
		free(w->marked);
		w->marked = strdup(key);
	}
	free(text);
	return rc;
}

static void run(struct worker *w, const char *key, struct job_row *row, struct outcome *o)
{
	struct jobs *j = w->jobs;
	const json_t *configuration = json_object_get(row->resource, "configuration");

	if (ju_bool(ju_path(row->resource, "status"), "cancelRequested", false)) {
		o->failed = true;
		api_fail(&o->error, 400, "stopped",
			 "Job execution was cancelled: User requested cancellation");
	} else if (faults_job_error(j->faults, !json_object_get(configuration, "load"),
				    &o->error)) {
		o->failed = true;
	} else if (json_object_get(configuration, "load")) {
		jobs_run_load(w, key, row->resource, row->spool, o);
	} else {
		jobs_run_query(w, key, row->resource, o);
	}
	if (strcmp(ju_string(ju_path(row->resource, "status"), "state", ""), "DONE") != 0)
		jobs_finish_resource(row->resource, o);
}

/* Runs one job; the lock is held on entry and on return. */
static void run_queued(struct worker *w, struct queued *q)
{
	struct jobs *j = w->jobs;
	struct job_row row;
	struct outcome o = { 0 };
	struct api_error err;

	if (jobs_db_get(j, q->key, &row, &err) <= 0)
		return;
	json_object_set_new(json_object_get(row.resource, "status"), "state",
			    json_string("RUNNING"));
	if (!json_object_get(json_object_get(row.resource, "statistics"), "startTime"))
		ju_set_int64(json_object_get(row.resource, "statistics"), "startTime",
			     store_now_ms());
	jobs_db_update(j, q->key, row.resource, NULL, &err);
	w->running = q->key;
	atomic_store(&w->cancel, false);
	pthread_mutex_unlock(&j->lock);
	run(w, q->key, &row, &o);
	pthread_mutex_lock(&j->lock);
	w->running = NULL;
	jobs_db_update(j, q->key, row.resource, &o, &err);
	if (row.spool)
		unlink(row.spool);
	outcome_release(&o);
	job_row_release(&row);
	pthread_cond_broadcast(&j->changed);
}

void *jobs_thread(void *arg)
{
	struct worker *w = arg;
	struct jobs *j = w->jobs;
	int64_t earliest_ms;

	pthread_mutex_lock(&j->lock);
	while (!j->stopping) {
		struct queued *q = take(w, &earliest_ms);

		if (!q) {
			wait_for_work(j, earliest_ms);
			continue;
		}
		run_queued(w, q);
		free(q->key);
		free(q);
	}
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* A job runs where its data lie: another location does not see the dataset. */
static int check_location(struct store *s, const json_t *job, const json_t *load,
			  struct api_error *err)
{
	const char *location = ju_string(ju_path(job, "jobReference"), "location", "");
	const json_t *table = json_object_get(load, "destinationTable");
	const char *project = ju_string(table, "projectId", ""),
		   *id = ju_string(table, "datasetId", "");
	json_t *dataset = store_dataset_get(s, project, id, err);
	bool same;

	if (!dataset)
		return -1;
	same = strcasecmp(ju_string(dataset, "location", ""), location) == 0;
	json_decref(dataset);
	if (same)
		return 0;
	return api_fail(err, 404, "notFound",
			"Not found: Dataset %s:%s was not found in location %s", project, id,
			location);
}

static json_t *load_statistics(struct faults *faults, const struct load_files *files,
			       const struct load_result *r)
{
	json_t *load = json_object();

	ju_set_int64(load, "inputFiles", (int64_t)files->count + faults_job_misread(faults));
	ju_set_int64(load, "inputFileBytes", files->bytes);
	ju_set_int64(load, "outputRows", r->output_rows + faults_job_miscount(faults));
	ju_set_int64(load, "outputBytes", r->output_bytes);
	ju_set_int64(load, "badRecords", r->bad_records);
	return json_pack("{s:o}", "load", load);
}

/* Reads the rows, then makes them the table's and the job done in one transaction. *stale as load_apply says. */
static int load_once(struct worker *w, const char *key, json_t *job, const struct load_files *files,
		     bool *stale, struct outcome *o)
{
	const json_t *load = ju_path(job, "configuration.load");
	struct load_result result = { 0 };
	struct load_work *work = NULL;
	struct api_error late;
	int rc;

	*stale = false;
	store_read_begin(w->store);
	rc = check_location(w->store, job, load, &o->error);
	store_read_end(w->store);
	if (rc == 0)
		rc = load_read(w->store, load, files, &w->cancel, &result, &work, &o->error);
	json_decref(o->errors);
	o->errors = result.errors;
	if (rc == 0)
		rc = store_write_begin(w->store, &o->error);
	if (rc == 0) {
		rc = load_apply(work, stale, &o->error);
		if (rc == 0 && !*stale) {
			o->statistics = load_statistics(w->jobs->faults, files, &result);
			o->failed = false;
			rc = jobs_mark_done(w, key, job, o, &o->error);
		}
		if (store_write_end(w->store, rc == 0 && !*stale, &late) && rc == 0) {
			o->error = late;
			rc = -1;
		}
	}
	load_end(work);
	return rc;
}

static int find_files(const struct worker *w, const json_t *job, const char *spool,
		      struct load_files *files, struct api_error *err)
{
	const json_t *uris = ju_path(job, "configuration.load.sourceUris");

	if (json_array_size(uris) == 0)
		return load_files_upload(files, spool ? spool : "", err);
	return load_files_find(files, w->jobs->gcs, uris,
			       ju_string(ju_path(job, "jobReference"), "location", ""), err);
}

void jobs_run_load(struct worker *w, const char *key, json_t *job, const char *spool,
		   struct outcome *o)
{
	struct load_files files = { 0 };
	bool stale = false;
	int rc = find_files(w, job, spool, &files, &o->error);

	o->failed = true;
	if (rc == 0)
		do
			rc = load_once(w, key, job, &files, &stale, o);
		while (rc == 0 && stale);
	load_files_release(&files);
	if (rc == 0)
		return;
	/* What the mark said did not happen. */
	o->failed = true;
	json_decref(o->statistics);
	o->statistics = NULL;
	json_object_set_new(job, "status", json_pack("{s:s}", "state", "RUNNING"));
}
