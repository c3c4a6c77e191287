/* The calls that serve a run: announced, logged, its load jobs started and watched, finished. */
#include "tests/localcloud/base64.h"
#include "tests/localcloud/dts_api.h"
#include "tests/localcloud/dts_impl.h"
#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/jobs.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/partner_impl.h"
#include "tests/localcloud/pubsub.h"

#include "lib/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 1000

/* --- announcing ----------------------------------------------------------------------------------------------- */

static json_t *message_of(const json_t *run)
{
	auto_buf binary = BUF_INIT, text = BUF_INIT;
	struct error err;

	if (partner_message(run, &binary, &err) < 0 ||
	    base64_encode(binary.data, binary.length, &text))
		return NULL;
	return json_pack("[{s:s%}]", "data", text.data, text.length);
}

/* The location of "projects/P/locations/L/…". */
static void location_of(const char *name, char *out, size_t size)
{
	const char *p = strstr(name, "/locations/");

	p = p ? p + strlen("/locations/") : "";
	snprintf(out, size, "%.*s", (int)strcspn(p, "/"), p);
}

void partner_announce(struct server *server, const json_t *runs)
{
	json_t *run;
	size_t i;

	json_array_foreach((json_t *)runs, i, run) {
		char project[PARTNER_NAME_MAX], location[64], topic[PARTNER_NAME_MAX * 2];
		const char *id = ju_string(run, "dataSourceId", "");
		json_t *message = message_of(run), *ids = NULL;
		struct api_error err;

		location_of(ju_string(run, "name", ""), location, sizeof(location));
		if (!partner_find_source(server->partner, id, project))
			snprintf(project, sizeof(project), "none");
		snprintf(topic, sizeof(topic), "projects/%s/topics/bigquerydatatransfer.%s.%s.run",
			 project, id, location);
		if (!message || pubsub_publish(server->pubsub, topic, message, &ids, &err))
			log_warn("run %s is not announced on %s: %s", ju_string(run, "name", ""),
				 topic, message ? err.message : "out of memory");
		json_decref(ids);
		json_decref(message);
	}
}

/* --- logs ----------------------------------------------------------------------------------------------------- */

static int add_log(struct dts *d, const struct dts_name *name, int64_t time_us,
		   const char *severity, const char *text, struct api_error *err)
{
	int64_t run;
	int rc = dts_begin(d, err);

	if (rc)
		return rc;
	rc = dts_run_find(d, name, &run, err);
	if (rc == 0)
		rc = dts_log(d, run, time_us, severity, text, err);
	return dts_end(d, rc, err);
}

static int log_messages(struct exchange *ex, const struct dts_name *name, const json_t *body,
			struct api_error *err)
{
	static const char *const severities[] = { "INFO", "WARNING", "ERROR", NULL };
	json_t *message, *run = dts_run_get(ex->server->dts, name, err);
	size_t i;

	if (!run)
		return -1;
	json_decref(run);
	json_array_foreach(json_object_get(body, "transferMessages"), i, message) {
		const char *severity = ju_string(message, "severity", "");
		int64_t us;

		if (!ju_in(severity, severities))
			return api_fail(
				err, 400, "INVALID_ARGUMENT",
				"Invalid value at 'transfer_messages[%zu].severity', \"%s\"", i,
				severity);
		if (dts_time_parse(ju_string(message, "messageTime", ""), &us))
			return api_fail(err, 400, "INVALID_ARGUMENT",
					"Invalid value at 'transfer_messages[%zu].message_time'",
					i);
		if (add_log(ex->server->dts, name, us, severity,
			    ju_string(message, "messageText", ""), err))
			return -1;
	}
	return 0;
}

/* --- load jobs ------------------------------------------------------------------------------------------------ */

static json_t *schema_fields(const json_t *fields, struct api_error *err);

/* A FieldSchema of the partner API as a TableFieldSchema of BigQuery; NULL and 400. */
static json_t *schema_field(const json_t *field, struct api_error *err)
{
	static const char *const types[] = { "STRING",  "INTEGER",   "FLOAT", "RECORD", "BYTES",
					     "BOOLEAN", "TIMESTAMP", "DATE",  "TIME",   "DATETIME",
					     "NUMERIC", "GEOGRAPHY", NULL };
	const char *type = ju_string(field, "type", ""), *name = ju_string(field, "fieldName", "");
	json_t *made, *inner;

	if (!*name || !ju_in(type, types)) {
		api_fail(err, 400, "INVALID_ARGUMENT", "Invalid schema: field '%s' of type '%s'.",
			 name, type);
		return NULL;
	}
	made = json_pack("{s:s,s:s,s:s}", "name", name, "type", type, "mode",
			 ju_bool(field, "isRepeated", false) ? "REPEATED" : "NULLABLE");
	if (*ju_string(field, "description", ""))
		json_object_set(made, "description", json_object_get(field, "description"));
	if (strcmp(type, "RECORD") != 0)
		return made;
	inner = schema_fields(ju_path(field, "schema.fields"), err);
	if (!inner || json_object_set_new(made, "fields", inner)) {
		json_decref(made);
		return NULL;
	}
	return made;
}

static json_t *schema_fields(const json_t *fields, struct api_error *err)
{
	json_t *made = json_array(), *field;
	size_t i;

	json_array_foreach((json_t *)fields, i, field) {
		json_t *one = schema_field(field, err);

		if (!one) {
			json_decref(made);
			return NULL;
		}
		json_array_append_new(made, one);
	}
	return made;
}

/* The load configuration of one ImportedDataInfo; NULL and 400. */
static json_t *load_of(const json_t *info, const char *project, const char *dataset,
		       struct api_error *err)
{
	const json_t *tables = json_object_get(info, "tableDefs"),
		     *table = json_array_get(tables, 0);
	const char *id = ju_string(info, "destinationTableId", "");
	const char *disposition = ju_string(info, "writeDisposition", "");
	const char *format = ju_string(table, "format", "");
	json_t *fields, *load;

	if (*ju_string(info, "sql", "")) {
		api_fail(err, 501, "UNIMPLEMENTED", "localcloud does not do sql.");
		return NULL;
	}
	if (!*id || json_array_size(tables) != 1 ||
	    json_array_size(json_object_get(table, "sourceUris")) == 0 ||
	    (strcmp(disposition, "WRITE_TRUNCATE") != 0 &&
	     strcmp(disposition, "WRITE_APPEND") != 0) ||
	    (strcmp(format, "JSON") != 0 && strcmp(format, "CSV") != 0)) {
		api_fail(err, 400, "INVALID_ARGUMENT", "Invalid imported data of table '%s'.", id);
		return NULL;
	}
	fields = schema_fields(ju_path(table, "schema.fields"), err);
	if (!fields)
		return NULL;
	load = json_pack("{s:{s:s,s:s,s:s},s:O,s:{s:o},s:s,s:s,s:I,s:b}", "destinationTable",
			 "projectId", project, "datasetId", dataset, "tableId", id, "sourceUris",
			 json_object_get(table, "sourceUris"), "schema", "fields", fields,
			 "sourceFormat",
			 strcmp(format, "JSON") == 0 ? "NEWLINE_DELIMITED_JSON" : "CSV",
			 "writeDisposition", disposition, "maxBadRecords",
			 (json_int_t)ju_int64(table, "maxBadRecords", 0), "ignoreUnknownValues",
			 ju_bool(table, "ignoreUnknownValues", false));
	/* Its tables are partitioned by the time of ingestion where a run names a partition. */
	if (load && strchr(id, '$'))
		json_object_set_new(load, "timePartitioning", json_pack("{s:s}", "type", "DAY"));
	return load;
}

/* A described job for each of the imported data; NULL with err, and nothing has begun. */
static json_t *describe_jobs(struct server *server, const json_t *data, const char *project,
			     const char *dataset, struct api_error *err)
{
	json_t *jobs = json_array(), *info;
	size_t i;

	json_array_foreach((json_t *)data, i, info) {
		json_t *load = load_of(info, project, dataset, err), *job = NULL;
		char id[DTS_ID_MAX];

		dts_new_id(id);
		if (load)
			job = json_pack("{s:{s:s,s:o},s:{s:o}}", "jobReference", "projectId",
					project, "jobId", json_sprintf("bqts_%s", id),
					"configuration", "load", load);
		if (!job || jobs_describe(server->jobs, project, job, err)) {
			json_decref(job);
			json_decref(jobs);
			return NULL;
		}
		json_array_append_new(jobs, job);
	}
	return jobs;
}

static const char *table_of(const json_t *job)
{
	return ju_string(ju_path(job, "configuration.load.destinationTable"), "tableId", "");
}

static int insert_jobs(struct exchange *ex, const struct dts_name *name, const json_t *jobs,
		       struct api_error *err)
{
	json_t *job;
	size_t i;

	json_array_foreach((json_t *)jobs, i, job) {
		char text[1024];

		if (jobs_insert(ex->server->jobs, job, NULL, NULL, err))
			return -1;
		snprintf(text, sizeof(text), "Job %s (table %s) started.",
			 ju_string(json_object_get(job, "jobReference"), "jobId", ""),
			 table_of(job));
		if (add_log(ex->server->dts, name, dts_now_us(), "INFO", text, err))
			return -1;
	}
	return 0;
}

static int start_jobs(struct exchange *ex, const struct dts_name *name, const json_t *run,
		      const json_t *body, struct api_error *err)
{
	struct partner *p = ex->server->partner;
	char *project = dts_config_project(ex->server->dts, name, err);
	json_t *jobs;
	int rc;

	if (!project)
		return -1;
	jobs = describe_jobs(ex->server, json_object_get(body, "importedData"), project,
			     ju_string(run, "destinationDatasetId", ""), err);
	free(project);
	if (!jobs)
		return -1;
	rc = insert_jobs(ex, name, jobs, err);
	if (rc == 0) {
		pthread_mutex_lock(&p->lock);
		json_array_extend(json_object_get(partner_run_state(p, ju_string(run, "name", "")),
						  "jobs"),
				  jobs);
		pthread_mutex_unlock(&p->lock);
	}
	json_decref(jobs);
	return rc;
}

/* --- the end -------------------------------------------------------------------------------------------------- */

struct ending {
	struct server *server;
	struct dts_name name;
	json_t *jobs;
};

/* Waits for the job; its failure, or an empty text. */
static void watch_job(struct ending *e, const json_t *job, char *failure, size_t size)
{
	const json_t *reference = json_object_get(job, "jobReference");
	const char *id = ju_string(reference, "jobId", "");
	json_t *found = NULL;
	struct api_error err;
	char text[4096];

	do {
		json_decref(found);
		found = jobs_wait(e->server->jobs, ju_string(reference, "projectId", ""),
				  ju_string(reference, "location", "US"), id, WAIT_MS, &err);
	} while (found && strcmp(ju_string(ju_path(found, "status"), "state", ""), "DONE") != 0 &&
		 !partner_is_ending(e->server->partner));
	snprintf(failure, size, "%s",
		 found ? ju_string(ju_path(found, "status.errorResult"), "message", "")
		       : err.message);
	if (*failure)
		snprintf(text, sizeof(text), "Job %s (table %s) failed with error: %s", id,
			 table_of(job), failure);
	else
		snprintf(text, sizeof(text),
			 "Job %s (table %s) completed successfully. Number of records: %" PRId64
			 ", with errors: %" PRId64 ".",
			 id, table_of(job),
			 ju_int64(ju_path(found, "statistics.load"), "outputRows", 0),
			 ju_int64(ju_path(found, "statistics.load"), "badRecords", 0));
	json_decref(found);
	(void)add_log(e->server->dts, &e->name, dts_now_us(), *failure ? "ERROR" : "INFO", text,
		      &err);
}

static void *end_run(void *argument)
{
	struct ending *e = argument;
	char failure[2560], first[2560] = "", text[256];
	size_t failed = 0, i;
	struct api_error err;
	json_t *job, *status;

	json_array_foreach(e->jobs, i, job) {
		watch_job(e, job, failure, sizeof(failure));
		if (*failure && failed++ == 0)
			snprintf(first, sizeof(first), "%s", failure);
	}
	snprintf(text, sizeof(text), "Summary: succeeded %zu jobs, failed %zu jobs.",
		 json_array_size(e->jobs) - failed, failed);
	(void)add_log(e->server->dts, &e->name, dts_now_us(), failed ? "ERROR" : "INFO", text,
		      &err);
	status = failed ? json_pack("{s:i,s:s}", "code", 3, "message", first) : json_object();
	if (!partner_is_ending(e->server->partner))
		(void)dts_run_patch(e->server->dts, &e->name, failed ? "FAILED" : "SUCCEEDED",
				    status, &err);
	json_decref(status);
	json_decref(e->jobs);
	free(e);
	return NULL;
}

static int finish(struct exchange *ex, const struct dts_name *name, const json_t *run,
		  struct api_error *err)
{
	struct partner *p = ex->server->partner;
	struct ending *e = calloc(1, sizeof(*e));
	int rc = -1;

	pthread_mutex_lock(&p->lock);
	if (e && p->threads < PARTNER_THREADS) {
		json_t *state = partner_run_state(p, ju_string(run, "name", ""));

		*e = (struct ending){ .server = ex->server,
				      .name = *name,
				      .jobs = json_deep_copy(json_object_get(state, "jobs")) };
		if (pthread_create(&p->thread[p->threads], NULL, end_run, e) == 0) {
			json_object_set_new(state, "finished", json_true());
			p->threads++;
			e = NULL;
			rc = 0;
		}
	}
	pthread_mutex_unlock(&p->lock);
	if (e)
		json_decref(e->jobs);
	free(e);
	return rc ? api_fail(err, 500, "INTERNAL", "too many runs") : 0;
}

/* --- the methods ---------------------------------------------------------------------------------------------- */

static bool is_finished(struct partner *p, const json_t *run)
{
	bool finished;

	pthread_mutex_lock(&p->lock);
	finished = json_is_true(
		json_object_get(partner_run_state(p, ju_string(run, "name", "")), "finished"));
	pthread_mutex_unlock(&p->lock);
	return finished;
}

/* startBigQueryJobs and finishRun: only while the run is RUNNING and not finished by the source. */
static int advance(struct exchange *ex, const struct dts_name *name, bool start, const json_t *body,
		   struct api_error *err)
{
	json_t *run = dts_run_get(ex->server->dts, name, err);
	int rc;

	if (!run)
		return -1;
	if (strcmp(ju_string(run, "state", ""), "RUNNING") != 0 ||
	    is_finished(ex->server->partner, run))
		rc = api_fail(err, 400, "FAILED_PRECONDITION",
			      "Transfer run is in state %s and takes no more requests.",
			      is_finished(ex->server->partner, run) ? "FINISHED"
								    : ju_string(run, "state", ""));
	else
		rc = start ? start_jobs(ex, name, run, body, err) : finish(ex, name, run, err);
	json_decref(run);
	return rc;
}

int partner_runs_post(struct exchange *ex, struct api_error *err)
{
	const char *last = dts_last_piece(ex), *verb = last + strcspn(last, ":");
	struct dts_name name;
	json_t *body;
	int rc;

	if (dts_parse_name(ex, &name, err))
		return -1;
	body = ex_json(ex, err);
	if (!body)
		return -1;
	if (strcmp(verb, ":logMessages") == 0)
		rc = log_messages(ex, &name, body, err);
	else if (strcmp(verb, ":startBigQueryJobs") == 0)
		rc = advance(ex, &name, true, body, err);
	else if (strcmp(verb, ":finishRun") == 0)
		rc = advance(ex, &name, false, body, err);
	else
		rc = api_fail(err, 404, "NOT_FOUND", "Not Found: localcloud does not serve %s %s",
			      ex->method, ex->path);
	json_decref(body);
	if (rc == 0)
		ex_answer(ex, 200, json_object());
	return rc;
}
