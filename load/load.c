#include "load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/google/bigquery.h"
#include "lib/google/crypto.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/schema.h"
#include "load/report.h"
#include "load/sender.h"

/* How it ended. */
struct outcome {
	json_t *job; /* NULL: there was nothing to do */
	bool adopted;
};

/* What the rows are said to be: --schema, else the stream's own; NULL when neither. */
static int stream_schema(const struct load *l, struct schema **ret, struct error *err)
{
	const json_t *fields = json_object_get(json_object_get(l->in.begin, "schema"), "fields");

	*ret = NULL;
	if (l->config->schema_file)
		return schema_read_file(l->config->schema_file, ret, err);
	if (!fields)
		return 0;
	return schema_parse(fields, ret, err) < 0 ? error_prefix(err, "the stream's schema") : 0;
}

/* Swapping an increment, or nothing that was proven, in for a table would lose its rows. */
static int check_scope(const struct load *l, struct error *err)
{
	const char *scope = json_string_value(json_object_get(l->in.begin, "scope"));
	const json_t *cursor = json_object_get(l->in.begin, "cursor");
	const json_t *after = json_object_get(cursor, "after");

	if (l->config->write == WRITE_TRUNCATE && after && !json_is_null(after))
		return error_set(err, ERR_DATA,
				 "--write truncate: the stream is an increment "
				 "(its cursor begins after a value)");
	/* A chosen part may be what is wanted, so it is only said. */
	if (l->config->write == WRITE_TRUNCATE && scope && !strcmp(scope, "partial"))
		log_warn("the stream is a part of its source: the table will hold nothing else");
	return 0;
}

static int open_api(struct load *l, struct error *err)
{
	const struct config *c = l->config;
	struct api_options api = {
		.service = SERVICE_BIGQUERY,
		.endpoints = &c->endpoints,
		.credentials_file = c->credentials,
		.retry = RETRY_POLICY_DEFAULT,
	};

	if (c->retry_initial_ms)
		api.retry.initial_ms = c->retry_initial_ms;
	if (c->retry_for_ms)
		api.retry.budget_ms = c->retry_for_ms;
	return api_open(&l->api, &api, err);
}

static int open_jobs(struct load *l, struct error *err)
{
	const struct config *c = l->config;
	const char *location = c->location ? c->location : l->location;

	if (loadjob_init(&l->job, &l->api, &l->destination, l->project, location, l->run_id, "load",
			 err) < 0)
		return -1;
	if (c->write != WRITE_MERGE)
		return 0;
	if (merge_init(&l->merge, c, &l->destination, l->in.begin, err) < 0)
		return -1;
	return loadjob_init(&l->merge.stage, &l->api, &l->destination, l->project, location,
			    l->run_id, "stage", err);
}

static int open_destination(struct load *l, struct error *err)
{
	const struct config *c = l->config;

	if (open_api(l, err) < 0)
		return -1;
	/* The job runs where --project says, else where we are at home, else beside the table. */
	if (api_project(&l->api, c->project, &l->project, err) < 0) {
		if (err->code != ERR_CONFIG || !l->destination.project)
			return -1;
		l->project = strdup(l->destination.project);
	}
	if (!l->destination.project)
		l->destination.project = strdup(l->project);
	if (!l->project || !l->destination.project)
		return error_nomem(err);
	if (plan_find_location(&l->api, &l->destination, &l->location, err) < 0)
		return -1;
	return open_jobs(l, err);
}

/* What this load will do, now that it is known that it is ours to do. */
static int make_plan(struct load *l, struct error *err)
{
	struct schema *stream = NULL;
	int rc;

	/* Rows that wait in a temporary table are what counts, not those of the input. */
	if (!l->merge.staged && stream_schema(l, &stream, err) < 0)
		return -1;
	rc = plan_make(&l->api, &l->destination, &l->plan_options,
		       stream ? stream : l->merge.staged, &l->plan, err);
	if (rc == 0 && l->config->write == WRITE_MERGE)
		rc = merge_plan(&l->merge, &l->plan, stream, l->config->max_bad_records, err);
	schema_free(stream);
	if (rc < 0)
		return -1;
	return rowcheck_new(l->merge.schema ? l->merge.schema : l->plan.schema, &l->check, err);
}

/* Read all rows, checked; sender NULL: only check. */
static int read_rows(struct load *l, struct sender *sender, struct error *err)
{
	const char *row;
	size_t length;
	int rc;

	while ((rc = rowstream_next(&l->in, &row, &length, err)) > 0) {
		if (rowcheck_row(l->check, row, length, l->in.line_number, err) < 0)
			return -1;
		/* With the line feed that stands behind every row. */
		if (sender && sender_append(sender, row, length + 1, err) < 0)
			return -1;
		progress_tick(&l->progress, l->in.rows, l->in.bytes);
	}
	l->progress.rows = l->in.rows;
	l->progress.bytes = l->in.bytes;
	return rc;
}

/* The last chunk, and what becomes of the job. */
static int commit(struct load *l, struct loadjob *job, struct sender *sender, struct outcome *ret,
		  struct error *err)
{
	struct error sent;
	int rc = sender_finish(sender, &sent);

	if (rc == 0)
		log_info("%llu rows sent in %.2f s; job %s", (unsigned long long)l->in.rows,
			 progress_seconds(&l->progress), job->id);
	/* After a failed last put the outcome is unknown: the job may have been started. */
	if (loadjob_settle(job, rc == 0, &ret->job, &ret->adopted, err) == 0)
		return 0;
	if (rc < 0)
		*err = sent;
	return -1;
}

/* A query job under the run's id: zero rows are loaded once, as rows are. */
static int truncate_table(struct load *l, struct outcome *ret, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_appendf(&sql, err, "TRUNCATE TABLE `%s.%s.%s`", l->destination.project,
			l->destination.dataset, l->destination.table) < 0 ||
	    !(text = buf_cstr(&sql, err)))
		return -1;
	return loadjob_query(&l->job, text, l->plan.labels, &ret->job, &ret->adopted, err);
}

/* A stream of no rows: truncate empties the table; else there is nothing but to create it. */
static int load_nothing(struct load *l, struct outcome *ret, struct error *err)
{
	if (l->config->bare && l->config->write == WRITE_TRUNCATE)
		return error_set(
			err, ERR_DATA,
			"--bare and no rows: whether the source is empty or died is not known, "
			"so the table is not truncated");
	if (!l->plan.table_exists)
		return plan_create_table(&l->api, &l->destination, &l->plan, err);
	return l->config->write == WRITE_TRUNCATE ? truncate_table(l, ret, err) : 0;
}

/*
 * Emptying that TRUNCATE TABLE cannot do: one partition, or together with a
 * change of the schema. A load of no bytes does it.
 */
static bool needs_empty_load(const struct load *l)
{
	return l->config->write == WRITE_TRUNCATE && l->plan.table_exists && !l->config->bare &&
	       (l->destination.decorator || l->config->replace_schema ||
		json_object_get(l->plan.load, "schemaUpdateOptions"));
}

/* Send the rows as that job, if there are any. */
static int send_rows(struct load *l, struct loadjob *job, json_t *configuration,
		     struct outcome *ret, struct error *err)
{
	struct sender sender;
	char what[256];
	auto_buf path = BUF_INIT;
	struct resumable_options upload = { .what = what,
					    .content_type = "application/octet-stream" };
	json_t *resource;
	int rc;

	snprintf(what, sizeof what, "load into %.200s", l->progress.what);
	if (buf_appendf(&path, err, "/projects/%s/jobs?uploadType=resumable", l->project) < 0)
		return -1;
	upload.path = buf_cstr(&path, err);
	resource = upload.path ? loadjob_resource(job, "load", configuration, l->plan.labels, err)
			       : NULL;
	if (!resource)
		return -1;
	upload.metadata = resource;
	rc = sender_init(&sender, &l->api, &upload, err);
	if (rc == 0) {
		if (l->config->write == WRITE_MERGE) {
			sender.before = merge_create_temporary;
			sender.context = &l->merge;
		}
		rc = read_rows(l, &sender, err);
		if (rc == 0 && (l->in.rows > 0 || needs_empty_load(l)))
			rc = commit(l, job, &sender, ret, err);
		sender_release(&sender);
	}
	json_decref(resource);
	return rc;
}

/* The rows of this run need not be read again: they may be others by now. */
static int discard_rows(struct load *l, struct error *err)
{
	int rc = rowstream_drain(&l->in, err);

	l->progress.rows = l->in.rows;
	l->progress.bytes = l->in.bytes;
	return rc;
}

static int append_rows(struct load *l, struct outcome *o, struct error *err)
{
	if (make_plan(l, err) < 0 || send_rows(l, &l->job, l->plan.load, o, err) < 0)
		return -1;
	if (!o->job)
		return load_nothing(l, o, err);
	if (o->adopted || l->in.rows == 0)
		return 0;
	return report_prove_count(o->job, l->job.id, l->in.rows, err);
}

/* Into the temporary table; staged->job stays NULL where there are no rows. */
static int stage_rows(struct load *l, struct outcome *staged, struct error *err)
{
	int rc = merge_find_staged(&l->merge, &staged->job, err);

	if (rc < 0 || make_plan(l, err) < 0)
		return -1;
	if (rc > 0) {
		staged->adopted = true;
		log_info("%s: the rows of run %s are there already, from job %s; the input is read "
			 "and discarded",
			 l->progress.what, l->run_id, l->merge.stage.id);
		return discard_rows(l, err);
	}
	if (send_rows(l, &l->merge.stage, l->merge.load, staged, err) < 0)
		return -1;
	if (!staged->job || staged->adopted)
		return 0;
	return report_prove_count(staged->job, l->merge.stage.id, l->in.rows, err);
}

/* After a failure of which a rerun could make nothing, the temporary table goes. */
static void drop_after(struct load *l, int rc, const struct error *failure)
{
	struct error err;

	if (!l->merge.created ||
	    (rc < 0 && (failure->code == ERR_TEMP || failure->code > ERR_SIGNAL)))
		return;
	/* An upload that was given up has cancelled the api. */
	if (rc < 0) {
		api_close(&l->api);
		if (open_api(l, &err) < 0) {
			log_warn("%s; the temporary table expires by itself", err.message);
			return;
		}
	}
	merge_drop(&l->merge);
}

static int merge_rows(struct load *l, struct outcome *o, struct error *err)
{
	struct outcome staged = { 0 };
	int rc = stage_rows(l, &staged, err);

	if (rc == 0 && !staged.job)
		return load_nothing(l, o, err);
	if (rc == 0)
		rc = merge_run(&l->merge, &l->job, &l->plan_options, &l->plan, staged.job, &o->job,
			       &o->adopted, err);
	drop_after(l, rc, err);
	o->adopted = o->adopted || staged.adopted;
	json_decref(staged.job);
	return rc < 0 ? -1 : merge_prove_count(o->job, l->job.id, err);
}

static int print_loaded(struct load *l, const struct outcome *o, struct error *err)
{
	const struct load_report report = {
		.destination = &l->destination,
		.run_id = l->run_id,
		.write = plan_write_names[l->config->write],
		.job = o->job,
		.adopted = o->adopted,
		.cursor = json_object_get(l->in.end, "cursor"),
	};
	json_t *record = report_record(&report);
	int rc =
		record ? rowstream_write_record(&l->out, "@loaded", record, err) : error_nomem(err);

	json_decref(record);
	if (rc == 0)
		rc = rowstream_write_end(&l->out, NULL, "records", err);
	if (rc == 0)
		rc = io_close(STDOUT_FILENO, "stdout", err);
	if (rc < 0) {
		err->code = ERR_IO;
		return error_prefix(err, "%s was loaded by job %s, but this cannot be said",
				    l->progress.what, o->job ? l->job.id : "(none)");
	}
	return 0;
}

static int run_load(struct load *l, struct outcome *o, struct error *err)
{
	int rc = loadjob_find(&l->job, &o->job, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return l->config->write == WRITE_MERGE ? merge_rows(l, o, err)
						       : append_rows(l, o, err);
	o->adopted = true;
	log_info("%s: run %s is loaded already by job %s; the input is read and discarded",
		 l->progress.what, l->run_id, l->job.id);
	if (l->config->write == WRITE_MERGE)
		merge_drop_of(&l->merge, o->job);
	return discard_rows(l, err);
}

static int load_table(struct load *l, struct error *err)
{
	struct outcome o = { 0 };
	int rc = run_load(l, &o, err);

	if (rc == 0)
		rc = print_loaded(l, &o, err);
	if (rc == 0)
		progress_finish(&l->progress, o.adopted ? "adopted; discarded" : "loaded");
	json_decref(o.job);
	return rc;
}

static int dry_run(struct load *l, struct error *err)
{
	if (make_plan(l, err) < 0 || read_rows(l, NULL, err) < 0)
		return -1;
	if (l->in.rows == 0 && l->config->bare && l->config->write == WRITE_TRUNCATE)
		return error_set(err, ERR_DATA,
				 "--bare and no rows: the table would not be truncated");
	if (rowstream_write_end(&l->out, NULL, "records", err) < 0)
		return -1;
	progress_finish(&l->progress, "checked (dry run)");
	return 0;
}

static int set_run_id(struct load *l, struct error *err)
{
	char random[17];

	l->run_id = l->config->run_id;
	if (l->run_id)
		return 0;
	if (crypto_random_hex(random, 8, err) < 0)
		return -1;
	snprintf(l->generated, sizeof l->generated, "bqload-%s", random);
	l->run_id = l->generated;
	if (!l->config->dry_run)
		log_info("run id %s: give it as --run-id to repeat this load without doubling it",
			 l->run_id);
	return 0;
}

/* Where the size of the input is known, so is the time that is left. */
static uint64_t input_size(void)
{
	struct stat st;

	return fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
}

int load_run(struct load *l, const char *operand, struct error *err)
{
	const struct config *c = l->config;

	progress_start(&l->progress, operand, input_size());
	if (set_run_id(l, err) < 0 || destination_parse(operand, &l->destination, err) < 0 ||
	    rowstream_open(&l->in, STDIN_FILENO, "stdin", c->bare, err) < 0 ||
	    check_scope(l, err) < 0 || open_destination(l, err) < 0 ||
	    rowstream_write_begin(&l->out, NULL, err) < 0)
		return -1;
	return c->dry_run ? dry_run(l, err) : load_table(l, err);
}

void load_release(struct load *l)
{
	rowcheck_free(l->check);
	merge_release(&l->merge);
	plan_release(&l->plan);
	api_close(&l->api);
	free(l->project);
	free(l->location);
	destination_release(&l->destination);
	rowstream_release(&l->in);
	rowstream_writer_release(&l->out);
}
