#include "tests/localcloud/jobs.h"

#include "tests/localcloud/external.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/jobs_impl.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int open_workers(struct jobs *j, struct api_error *err)
{
	for (size_t i = 0; i < JOBS_WORKERS; i++) {
		j->workers[i].jobs = j;
		j->workers[i].queries_only = i == 0;
		if (store_open_again(j->store, &j->workers[i].store, err))
			return -1;
	}
	return 0;
}

static int start_workers(struct jobs *j, struct api_error *err)
{
	for (size_t i = 0; i < JOBS_WORKERS; i++) {
		struct worker *w = &j->workers[i];

		if (pthread_create(&w->thread, NULL, jobs_thread, w))
			return api_fail(err, 500, "internalError", "cannot start a job thread");
		w->started = true;
	}
	return 0;
}

int jobs_open(const char *dir, struct store *store, struct gcs *gcs, struct faults *faults,
	      struct jobs **ret, struct api_error *err)
{
	struct jobs *j = calloc(1, sizeof(*j));
	pthread_condattr_t attributes;

	pthread_mutex_init(&j->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&j->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	j->store = store;
	j->gcs = gcs;
	j->faults = faults;
	snprintf(j->dir, sizeof(j->dir), "%s", dir);
	if (open_workers(j, err) || jobs_db_open(j, err) || jobs_db_recover(j, err) ||
	    start_workers(j, err)) {
		jobs_close(j);
		return -1;
	}
	*ret = j;
	return 0;
}

void jobs_close(struct jobs *j)
{
	pthread_mutex_lock(&j->lock);
	j->stopping = true;
	pthread_cond_broadcast(&j->changed);
	pthread_mutex_unlock(&j->lock);
	for (size_t i = 0; i < JOBS_WORKERS; i++) {
		if (j->workers[i].started)
			pthread_join(j->workers[i].thread, NULL);
		store_close(j->workers[i].store);
		free(j->workers[i].marked);
	}
	while (j->queue) {
		struct queued *q = j->queue;

		j->queue = q->next;
		free(q->key);
		free(q);
	}
	sqlite3_close(j->db);
	pthread_cond_destroy(&j->changed);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

void jobs_enqueue(struct jobs *j, const char *key, const json_t *job, int64_t not_before_ms)
{
	struct queued *q = calloc(1, sizeof(*q)), **end;

	q->key = strdup(key);
	q->not_before_ms = not_before_ms;
	q->query = ju_path(job, "configuration.query") != NULL;
	for (end = &j->queue; *end; end = &(*end)->next)
		;
	*end = q;
	pthread_cond_broadcast(&j->changed);
}

/* Where the job runs: as asked for, else where the dataset that it names lies, else US. */
static void choose_location(struct jobs *j, const char *project, const json_t *configuration,
			    json_t *reference)
{
	static const char *const names[] = { "load.destinationTable", "query.destinationTable",
					     "query.defaultDataset" };
	struct api_error ignored;

	if (ju_string(reference, "location", "")[0])
		return;
	json_object_set_new(reference, "location", json_string("US"));
	store_read_begin(j->store);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *named = ju_path(configuration, names[i]);
		json_t *dataset =
			named ? store_dataset_get(j->store, ju_string(named, "projectId", project),
						  ju_string(named, "datasetId", ""), &ignored)
			      : NULL;

		if (dataset) {
			json_object_set(reference, "location",
					json_object_get(dataset, "location"));
			json_decref(dataset);
			break;
		}
	}
	store_read_end(j->store);
}

static int check_query(json_t *query, struct api_error *err)
{
	if (!ju_string(query, "query", NULL))
		return api_fail(err, 400, "required", "Required parameter is missing: query");
	/* Absent means true: that is BigQuery's default. */
	if (ju_bool(query, "useLegacySql", true))
		return api_fail(
			err, 501, "notImplemented",
			"localcloud does not do legacy SQL, which is the default of the API: set useLegacySql to false.");
	return external_check(json_object_get(query, "tableDefinitions"), err);
}

static int check_configuration(const char *project, json_t *configuration, struct api_error *err)
{
	static const char *const types[] = { "load", "query", "copy", "extract" };
	size_t given = 0;

	if (!json_is_object(configuration))
		return api_fail(err, 400, "required",
				"Required parameter is missing: configuration");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		given += json_is_object(json_object_get(configuration, types[i]));
	if (given != 1)
		return api_fail(
			err, 400, "invalid",
			"Job configuration must contain exactly one job-specific configuration "
			"object (e.g., query, load, extract, spreadsheetExtract), but there were %zu",
			given);
	if (json_object_get(configuration, "load")) {
		json_object_set_new(configuration, "jobType", json_string("LOAD"));
		return load_check(json_object_get(configuration, "load"), project, err);
	}
	if (json_object_get(configuration, "query")) {
		json_object_set_new(configuration, "jobType", json_string("QUERY"));
		return check_query(json_object_get(configuration, "query"), err);
	}
	return api_fail(err, 501, "notImplemented",
			"localcloud does not do copy and extract jobs.");
}

static int describe_reference(const char *project, json_t *job, json_t **ret, struct api_error *err)
{
	json_t *reference = json_object_get(job, "jobReference");
	char id[40];

	if (!json_is_object(reference)) {
		reference = json_object();
		json_object_set_new(job, "jobReference", reference);
	}
	if (strcmp(ju_string(reference, "projectId", project), project) != 0)
		return api_fail(err, 400, "invalid",
				"Job's project %s differs from the request's, %s",
				ju_string(reference, "projectId", ""), project);
	json_object_set_new(reference, "projectId", json_string(project));
	if (!ju_string(reference, "jobId", NULL)) {
		ident_random_hex(id, 29);
		json_object_set_new(reference, "jobId", json_sprintf("job_%s", id));
	}
	*ret = reference;
	return ident_check_job(ju_string(reference, "jobId", ""), err);
}

int jobs_describe(struct jobs *j, const char *project, json_t *job, struct api_error *err)
{
	json_t *configuration = json_object_get(job, "configuration"), *reference = NULL;
	struct job_row row;
	char *key;
	int found;

	if (!json_is_object(job))
		return api_fail(err, 400, "parseError", "Parse Error");
	if (ident_check_project(project, err) || check_configuration(project, configuration, err) ||
	    describe_reference(project, job, &reference, err))
		return -1;
	choose_location(j, project, configuration, reference);
	json_object_set_new(job, "kind", json_string("bigquery#job"));
	json_object_set_new(job, "id",
			    json_sprintf("%s:%s.%s", project, ju_string(reference, "location", ""),
					 ju_string(reference, "jobId", "")));
	json_object_set_new(job, "user_email", json_string("localcloud@example.com"));
	key = jobs_key_of(job);
	pthread_mutex_lock(&j->lock);
	found = jobs_db_get(j, key, &row, err);
	pthread_mutex_unlock(&j->lock);
	free(key);
	if (found > 0) {
		job_row_release(&row);
		return api_fail(err, 409, "duplicate", "Already Exists: Job %s",
				ju_string(job, "id", ""));
	}
	return found;
}

int jobs_insert(struct jobs *j, json_t *job, const char *spool, json_t **ret, struct api_error *err)
{
	int64_t delay_ms = faults_job_delay(j->faults);
	json_t *statistics = json_object();
	char *key = jobs_key_of(job);
	int rc;

	ju_set_int64(statistics, "creationTime", store_now_ms());
	if (delay_ms > 0)
		ju_set_int64(statistics, "startTime", store_now_ms());
	json_object_set_new(job, "statistics", statistics);
	json_object_set_new(job, "status",
			    json_pack("{s:s}", "state", delay_ms > 0 ? "RUNNING" : "PENDING"));
	pthread_mutex_lock(&j->lock);
	rc = jobs_db_insert(j, key, job, spool, err);
	if (rc == 0)
		jobs_enqueue(j, key, job, delay_ms > 0 ? store_now_ms() + delay_ms : 0);
	pthread_mutex_unlock(&j->lock);
	free(key);
	if (rc == 0 && ret)
		*ret = json_incref(job);
	return rc;
}

/* As jobs_get with the lock held; the row is the caller's to release. */
static int find(struct jobs *j, const char *project, const char *location, const char *id,
		struct job_row *row, char **ret_key, struct api_error *err)
{
	const char *const tried[] = { location ? location : "US", location ? NULL : "EU" };

	for (size_t i = 0; i < 2 && tried[i]; i++) {
		char *key = jobs_key(project, tried[i], id);
		int found = jobs_db_get(j, key, row, err);

		if (found > 0 && ret_key)
			*ret_key = key;
		else
			free(key);
		if (found)
			return found > 0 ? 0 : -1;
	}
	if (location)
		return api_fail(err, 404, "notFound", "Not found: Job %s:%s.%s", project, location,
				id);
	return api_fail(err, 404, "notFound", "Not found: Job %s:%s", project, id);
}

json_t *jobs_get(struct jobs *j, const char *project, const char *location, const char *id,
		 struct api_error *err)
{
	return jobs_wait(j, project, location, id, 0, err);
}

json_t *jobs_wait(struct jobs *j, const char *project, const char *location, const char *id,
		  int64_t timeout_ms, struct api_error *err)
{
	struct timespec until;
	json_t *resource = NULL;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&j->lock);
	for (bool late = timeout_ms <= 0;;) {
		struct job_row row;

		if (find(j, project, location, id, &row, NULL, err))
			break;
		resource = json_incref(row.resource);
		job_row_release(&row);
		if (late ||
		    strcmp(ju_string(ju_path(resource, "status"), "state", ""), "DONE") == 0)
			break;
		json_decref(resource);
		resource = NULL;
		late = pthread_cond_timedwait(&j->changed, &j->lock, &until) != 0;
	}
	pthread_mutex_unlock(&j->lock);
	return resource;
}

json_t *jobs_list(struct jobs *j, const char *project, const char *state_filter,
		  struct api_error *err)
{
	json_t *list = NULL;
	sqlite3_stmt *stmt;

	pthread_mutex_lock(&j->lock);
	if (sqlite3_prepare_v2(
		    j->db,
		    "SELECT resource FROM job WHERE project=?1 AND (?2 IS NULL OR state=upper(?2)) ORDER BY seq DESC",
		    -1, &stmt, NULL) == SQLITE_OK) {
		list = json_array();
		sqlite3_bind_text(stmt, 1, project, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, state_filter, -1, SQLITE_STATIC);
		while (sqlite3_step(stmt) == SQLITE_ROW)
			json_array_append_new(list,
					      json_loads((const char *)sqlite3_column_text(stmt, 0),
							 0, NULL));
		sqlite3_finalize(stmt);
	} else {
		api_fail(err, 500, "internalError", "localcloud's job database failed: %s",
			 sqlite3_errmsg(j->db));
	}
	pthread_mutex_unlock(&j->lock);
	return list;
}

int jobs_cancel(struct jobs *j, const char *project, const char *location, const char *id,
		struct api_error *err)
{
	struct job_row row;
	char *key = NULL;
	int rc;

	pthread_mutex_lock(&j->lock);
	rc = find(j, project, location, id, &row, &key, err);
	if (rc == 0 && key) {
		struct queued *q = j->queue;

		for (size_t i = 0; i < JOBS_WORKERS; i++)
			if (j->workers[i].running && strcmp(j->workers[i].running, key) == 0)
				atomic_store(&j->workers[i].cancel, true);
		while (q && strcmp(q->key, key) != 0)
			q = q->next;
		/* A queued job ends as soon as a thread comes to it. */
		if (q) {
			q->not_before_ms = 0;
			json_object_set_new(json_object_get(row.resource, "status"),
					    "cancelRequested", json_true());
			rc = jobs_db_update(j, key, row.resource, NULL, err);
		}
		pthread_cond_broadcast(&j->changed);
		job_row_release(&row);
		free(key);
	}
	pthread_mutex_unlock(&j->lock);
	return rc;
}

json_t *jobs_result(struct jobs *j, const json_t *job, char table[64], struct api_error *err)
{
	char *key = jobs_key_of(job);
	struct job_row row = { 0 };
	json_t *fields;

	pthread_mutex_lock(&j->lock);
	jobs_db_get(j, key, &row, err);
	pthread_mutex_unlock(&j->lock);
	free(key);
	fields = json_incref(row.result_fields);
	memcpy(table, row.result_table, 64);
	job_row_release(&row);
	return fields;
}
