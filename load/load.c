#include "load/load_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/google/crypto.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/schema.h"
#include "load/connect.h"
#include "load/evolve.h"
#include "load/report.h"

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

/* Swapping an increment in for a table would lose its rows; adding one that overlaps would double them. */
static int check_scope(const struct load *l, struct error *err)
{
	const char *scope = json_string_value(json_object_get(l->in.begin, "scope"));
	const json_t *cursor = json_object_get(l->in.begin, "cursor");
	const json_t *after = json_object_get(cursor, "after");
	const char *bound = json_string_value(json_object_get(cursor, "bound"));
	bool increment = after && !json_is_null(after);

	if (l->config->write == WRITE_TRUNCATE && increment)
		return error_set(err, ERR_DATA,
				 "--write truncate: the stream is an increment "
				 "(its cursor begins after a value)");
	if (l->config->write != WRITE_MERGE && increment && bound && !strcmp(bound, "inclusive"))
		return error_set(err, ERR_DATA,
				 "--write %s: the stream is an increment that has rows of the last "
				 "one again (--lag); only a merge takes them once",
				 plan_write_names[l->config->write]);
	/* A chosen part may be what is wanted, so it is only said. */
	if (l->config->write == WRITE_TRUNCATE && scope && !strcmp(scope, "partial"))
		log_warn("the stream is a part of its source: the table will hold nothing else");
	return 0;
}

int load_open_api(struct load *l, struct error *err)
{
	const struct api_options options = connect_options(l->config, SERVICE_BIGQUERY);

	return api_open(&l->api, &options, err);
}

int load_widen(struct load *l, struct error *err)
{
	const struct api_options options = connect_options(l->config, SERVICE_BIGQUERY);
	struct api api;
	int rc;

	/* A merge does it when its rows have been looked at. */
	if (!l->plan.widens || l->config->write == WRITE_MERGE)
		return 0;
	if (api_open(&api, &options, err) < 0)
		return -1;
	l->widen.api = &api;
	rc = evolve_widen(&l->widen, &l->destination, l->plan.widens, l->plan.labels, err);
	l->widen.api = &l->api;
	api_close(&api);
	return rc;
}

static int open_jobs(struct load *l, struct error *err)
{
	const struct config *c = l->config;
	const char *location = c->location ? c->location : l->location;

	if (loadjob_init(&l->job, &l->api, &l->destination, l->project, location, l->run_id, "load",
			 err) < 0 ||
	    loadjob_init(&l->widen, &l->api, &l->destination, l->project, location, l->run_id,
			 "widen", err) < 0)
		return -1;
	l->billing.maximum = c->maximum_bytes_billed;
	l->job.billing = l->widen.billing = &l->billing;
	if (c->write != WRITE_MERGE)
		return 0;
	if (merge_init(&l->merge, c, &l->destination, l->in.begin, err) < 0)
		return -1;
	l->merge.widen = &l->widen;
	if (loadjob_init(&l->merge.stage, &l->api, &l->destination, l->project, location, l->run_id,
			 "stage", err) < 0)
		return -1;
	l->merge.stage.billing = &l->billing;
	return 0;
}

static int open_destination(struct load *l, struct error *err)
{
	const struct config *c = l->config;

	if (load_open_api(l, err) < 0)
		return -1;
	if (connect_project(c, &l->api, &l->destination, &l->project, err) < 0)
		return -1;
	l->table_name = destination_name(&l->destination);
	if (!l->table_name)
		return error_nomem(err);
	if (plan_find_location(&l->api, &l->destination, &l->location, err) < 0)
		return -1;
	return open_jobs(l, err);
}

/* The rows' schema with what is added to them; *ret is NULL when the table's is theirs, or they are staged. */
static int row_schema(struct load *l, struct schema **ret, struct error *err)
{
	const struct metadata_source source = {
		.begin = l->in.begin,
		.run_id = l->run_id,
		.batch_id = l->config->write == WRITE_MERGE ? l->merge.stage.id : l->job.id,
	};

	*ret = NULL;
	/* Rows that wait in a temporary table are what counts, not those of the input. */
	if (l->merge.staged)
		return 0;
	if (metadata_init(&l->metadata, &l->config->add_columns, &source, err) < 0 ||
	    stream_schema(l, ret, err) < 0)
		return -1;
	l->plan_options.added = l->metadata.fields;
	return *ret && l->metadata.fields ? metadata_extend(&l->metadata, ret, err) : 0;
}

int load_make_plan(struct load *l, struct error *err)
{
	struct schema *stream = NULL;
	const struct schema *own;
	int rc;

	if (row_schema(l, &stream, err) < 0) {
		schema_free(stream);
		return -1;
	}
	rc = plan_make(&l->api, &l->destination, &l->plan_options,
		       stream ? stream : l->merge.staged, &l->plan, err);
	if (rc == 0 && l->config->write == WRITE_MERGE)
		rc = merge_plan(&l->merge, &l->plan, stream, l->config->max_bad_records, err);
	schema_free(stream);
	if (rc < 0)
		return -1;
	if (metadata_own_schema(&l->metadata, l->merge.schema ? l->merge.schema : l->plan.schema,
				&own, err) < 0)
		return -1;
	return rowcheck_new(own, &l->check, err);
}

static int print_loaded(struct load *l, const struct load_outcome *o, struct error *err)
{
	const struct load_report report = {
		.table = l->table_name,
		.run_id = l->run_id,
		.write = plan_write_names[l->config->write],
		.job = o->job,
		.adopted = o->adopted,
		.cursor = l->cursor,
		.entry = l->known,
		.bytes_billed = l->billing.bytes,
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

static int say_adopted(struct load *l, const char *job, struct error *err)
{
	log_info("%s: run %s is loaded already by job %s; the input is read and discarded",
		 l->progress.what, l->run_id, job);
	return load_discard_rows(l, err);
}

static int run_load(struct load *l, struct load_outcome *o, struct error *err)
{
	int rc = loadjob_find(&l->job, &o->job, err);

	if (rc < 0)
		return -1;
	if (rc == 0) {
		rc = l->config->write == WRITE_MERGE ? load_merge(l, o, err)
						     : load_append(l, o, err);
		return rc < 0 ? -1 : load_settle(l, o, err);
	}
	o->adopted = true;
	loadjob_bill(&l->job, o->job);
	if (l->config->write == WRITE_MERGE)
		merge_drop_of(&l->merge, o->job);
	load_stage_remove(l);
	/* That it is done is so whatever becomes of the input. */
	if (load_settle(l, o, err) < 0)
		return -1;
	return say_adopted(l, l->job.id, err);
}

static int load_table(struct load *l, struct error *err)
{
	struct load_outcome o = { 0 };
	int rc = load_begin(l, err);

	if (rc == 0 && l->known) {
		const char *job = ledger_text(l->known, "job");

		o.adopted = true;
		rc = say_adopted(l, job ? job : "(none)", err);
	} else if (rc == 0) {
		rc = run_load(l, &o, err);
		if (rc < 0)
			load_fail(l, &o, err);
	}
	if (rc == 0)
		rc = print_loaded(l, &o, err);
	if (rc == 0)
		progress_finish(&l->progress, o.adopted ? "adopted; discarded" : "loaded");
	json_decref(o.job);
	return rc;
}

static int dry_run(struct load *l, struct error *err)
{
	if (load_make_plan(l, err) < 0 || load_read_rows(l, NULL, NULL, err) < 0)
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

static int open_stream(struct load *l, struct error *err)
{
	/* What passed schemainfer has frames, and is bare input all the same. */
	if (l->config->bare)
		return rowstream_open_either(&l->in, STDIN_FILENO, "stdin", err);
	return rowstream_open(&l->in, STDIN_FILENO, "stdin", false, err);
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
	if (load_stage_options(l, err) < 0 || set_run_id(l, err) < 0 ||
	    destination_parse(operand, &l->destination, err) < 0 || open_stream(l, err) < 0 ||
	    check_scope(l, err) < 0 || open_destination(l, err) < 0 ||
	    load_stage_check(l, err) < 0 || rowstream_write_begin(&l->out, NULL, err) < 0)
		return -1;
	return c->dry_run ? dry_run(l, err) : load_table(l, err);
}

void load_release(struct load *l)
{
	rowcheck_free(l->check);
	metadata_release(&l->metadata);
	stage_free(l->stage);
	storage_uri_release(&l->stage_at);
	merge_release(&l->merge);
	plan_release(&l->plan);
	api_close(&l->api);
	free(l->project);
	free(l->location);
	free(l->table_name);
	ledger_close(l->ledger);
	json_decref(l->entries);
	json_decref(l->cursor);
	destination_release(&l->destination);
	rowstream_release(&l->in);
	rowstream_writer_release(&l->out);
}
