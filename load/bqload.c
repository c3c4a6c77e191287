/*
 * bqload: load a row stream into a BigQuery table, atomically.
 *
 * One load job per run is the commit point. Its last chunk, which starts it,
 * is sent only after the stream has proven that it is whole.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/bigquery.h"
#include "lib/google/crypto.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/parse.h"
#include "lib/progress.h"
#include "lib/rowstream.h"
#include "lib/schema.h"
#include "load/destination.h"
#include "load/loadjob.h"
#include "load/plan.h"
#include "load/report.h"
#include "load/rowcheck.h"
#include "load/sender.h"

struct config {
	int write; /* enum write_mode */
	const char *schema_file, *project, *location, *run_id, *credentials, *evolve;
	bool bare, no_create, replace_schema, allow_lossy, dry_run;
	struct layout layout;
	struct option_values labels, endpoints;
	int64_t max_bad_records, timeout_ms, retry_initial_ms, retry_for_ms;
};

static const char *const write_modes[] = { "append", "truncate", "empty", NULL };

#define FIELD(member) .offset = offsetof(struct config, member)
static const struct option_def options[] = {
	{ .name = "write",
	  .kind = OPTION_CHOICE,
	  FIELD(write),
	  .choices = write_modes,
	  .argument = "MODE",
	  .help = "append (default), truncate or empty" },
	{ .name = "schema",
	  .kind = OPTION_STRING,
	  FIELD(schema_file),
	  .argument = "FILE",
	  .help = "the rows' schema, as `bq show --schema` prints it" },
	{ .name = "bare",
	  .kind = OPTION_FLAG,
	  FIELD(bare),
	  .help = "stdin is plain NDJSON, whose end proves nothing" },
	{ .name = "no-create",
	  .kind = OPTION_FLAG,
	  FIELD(no_create),
	  .help = "the table must exist" },
	{ .name = "replace-schema",
	  .kind = OPTION_FLAG,
	  FIELD(replace_schema),
	  .help = "with --write truncate: the stream's schema replaces the table's" },
	{ .name = "evolve",
	  .kind = OPTION_STRING,
	  FIELD(evolve),
	  .argument = "LIST",
	  .help = "how the schema may change: none, or a list of add,relax (default both)" },
	{ .name = "allow-lossy",
	  .kind = OPTION_FLAG,
	  FIELD(allow_lossy),
	  .help = "NUMERIC may go into FLOAT columns" },
	{ .name = "partition-by",
	  .kind = OPTION_STRING,
	  FIELD(layout.partition_by),
	  .argument = "COL[:UNIT]",
	  .help = "of a new table: by DAY, HOUR, MONTH, YEAR or :START:END:STEP" },
	{ .name = "partition-expiration",
	  .kind = OPTION_DURATION,
	  FIELD(layout.partition_expiration_ms),
	  .argument = "D",
	  .help = "drop partitions this old" },
	{ .name = "require-partition-filter",
	  .kind = OPTION_FLAG,
	  FIELD(layout.require_partition_filter),
	  .help = "queries must name partitions" },
	{ .name = "cluster-by",
	  .kind = OPTION_STRING,
	  FIELD(layout.cluster_by),
	  .argument = "A,B",
	  .help = "cluster a new table by up to four columns" },
	{ .name = "max-bad-records",
	  .kind = OPTION_INT,
	  FIELD(max_bad_records),
	  .argument = "N",
	  .help = "rows whose values BigQuery may refuse (default 0)",
	  .max = INT32_MAX },
	{ .name = "label",
	  .kind = OPTION_REPEAT,
	  FIELD(labels),
	  .argument = "K=V",
	  .help = "label of the job; may be repeated" },
	{ .name = "run-id",
	  .kind = OPTION_STRING,
	  FIELD(run_id),
	  .argument = "ID",
	  .help = "names the load: under one id it happens once" },
	{ .name = "dry-run",
	  .kind = OPTION_FLAG,
	  FIELD(dry_run),
	  .help = "read and check everything, write nothing" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "ID",
	  .help = "project that runs the job (GOOGLE_CLOUD_PROJECT)" },
	{ .name = "location",
	  .kind = OPTION_STRING,
	  FIELD(location),
	  .argument = "LOC",
	  .help = "of the job (default: the dataset's)" },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  FIELD(timeout_ms),
	  .argument = "D",
	  .help = "give up after this long, exit status 75" },
	{ .name = "credentials",
	  .kind = OPTION_STRING,
	  FIELD(credentials),
	  .argument = "FILE",
	  .help = "key file (GOOGLE_APPLICATION_CREDENTIALS)" },
	{ .name = "endpoint",
	  .kind = OPTION_REPEAT,
	  FIELD(endpoints),
	  .argument = "SERVICE=URL",
	  .help = "another server for bigquery; authentication stays on" },
	{ .name = "retry-initial",
	  .kind = OPTION_DURATION,
	  FIELD(retry_initial_ms),
	  .argument = "D",
	  .help = "first delay before a request is repeated (default 1s)" },
	{ .name = "retry-for",
	  .kind = OPTION_DURATION,
	  FIELD(retry_for_ms),
	  .argument = "D",
	  .help = "repeat failing requests this long (default 10m)" },
	{ 0 },
};
#undef FIELD

static const char *const usage[] = { "[options] [PROJECT:]DATASET.TABLE < STREAM", NULL };

static const struct program program = {
	.name = "bqload",
	.summary = "load a row stream into a BigQuery table, atomically",
	.usage = usage,
	.options = options,
};

/* Everything of one run; owned here, released by load_release. */
struct load {
	const struct config *config;
	struct destination destination;
	struct api api;
	char *project; /* that runs the job */
	const char *run_id;
	char generated[40]; /* the run id when none is given */
	char *location;     /* of the dataset */
	struct plan_options plan_options;
	struct plan plan;
	struct rowstream_reader in;
	struct rowstream_writer out;
	struct rowcheck *check;
	struct loadjob job;
	struct progress progress;
};

/* How it ended. */
struct outcome {
	json_t *job; /* NULL: there was nothing to do */
	bool adopted;
};

static int parse_evolve(const char *list, struct schema_rules *rules, struct error *err)
{
	char **word;
	size_t count;

	if (!list) {
		rules->add = rules->relax = true;
		return 0;
	}
	if (!strcmp(list, "none"))
		return 0;
	if (parse_list(list, &word, &count, err) < 0)
		return error_prefix(err, "--evolve");
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(word[i], "add")) {
			rules->add = true;
		} else if (!strcmp(word[i], "relax")) {
			rules->relax = true;
		} else {
			error_set(err, ERR_USAGE, "--evolve: '%s' is not none, add or relax",
				  word[i]);
			free(word);
			return -1;
		}
	}
	free(word);
	return 0;
}

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

static int open_destination(struct load *l, struct error *err)
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
	if (api_open(&l->api, &api, err) < 0)
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
	return loadjob_init(&l->job, &l->api, &l->destination, l->project,
			    c->location ? c->location : l->location, l->run_id, err);
}

/* What this load will do, now that it is known that it is ours to do. */
static int make_plan(struct load *l, struct error *err)
{
	struct schema *stream;
	int rc;

	if (stream_schema(l, &stream, err) < 0)
		return -1;
	rc = plan_make(&l->api, &l->destination, &l->plan_options, stream, &l->plan, err);
	schema_free(stream);
	return rc < 0 ? -1 : rowcheck_new(l->plan.schema, &l->check, err);
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
static int commit(struct load *l, struct sender *sender, struct outcome *ret, struct error *err)
{
	struct error sent;
	int rc = sender_finish(sender, &sent);

	if (rc == 0)
		log_info("%llu rows sent in %.2f s; job %s", (unsigned long long)l->in.rows,
			 progress_seconds(&l->progress), l->job.id);
	/* After a failed last put the outcome is unknown: the job may have been started. */
	if (loadjob_settle(&l->job, rc == 0, &ret->job, &ret->adopted, err) == 0)
		return 0;
	if (rc < 0)
		*err = sent;
	return -1;
}

/* A query job under the run's id: zero rows are loaded once, as rows are. */
static int truncate_table(struct load *l, struct outcome *ret, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const struct bigquery_job ref = { l->project, l->job.location, l->job.id };
	json_t *query, *resource;
	int rc = -1;

	if (buf_appendf(&sql, err, "TRUNCATE TABLE `%s.%s.%s`", l->destination.project,
			l->destination.dataset, l->destination.table) < 0)
		return -1;
	query = json_pack("{s:s%,s:b}", "query", sql.data, sql.length, "useLegacySql", 0);
	resource = loadjob_resource(&l->job, "query", query, l->plan.labels, err);
	if (resource)
		rc = bigquery_job_insert(&l->api, &ref, json_object_get(resource, "configuration"),
					 NULL, err);
	json_decref(query);
	json_decref(resource);
	/* 0, it exists, is settled like our own. */
	return rc < 0 ? -1 : loadjob_settle(&l->job, true, &ret->job, &ret->adopted, err);
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

static int send_rows(struct load *l, struct outcome *ret, struct error *err)
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
	resource = upload.path
			   ? loadjob_resource(&l->job, "load", l->plan.load, l->plan.labels, err)
			   : NULL;
	if (!resource)
		return -1;
	upload.metadata = resource;
	rc = sender_init(&sender, &l->api, &upload, err);
	if (rc == 0) {
		rc = read_rows(l, &sender, err);
		if (rc == 0 && (l->in.rows > 0 || needs_empty_load(l)))
			rc = commit(l, &sender, ret, err);
		sender_release(&sender);
	}
	json_decref(resource);
	if (rc == 0 && !ret->job)
		rc = load_nothing(l, ret, err);
	return rc;
}

static int print_loaded(struct load *l, const struct outcome *o, struct error *err)
{
	const struct load_report report = {
		.destination = &l->destination,
		.run_id = l->run_id,
		.write = write_modes[l->config->write],
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
	if (rc > 0) {
		o->adopted = true;
		log_info("%s: run %s is loaded already by job %s; the input is read and discarded",
			 l->progress.what, l->run_id, l->job.id);
		rc = rowstream_drain(&l->in, err);
		l->progress.rows = l->in.rows;
		l->progress.bytes = l->in.bytes;
		return rc;
	}
	if (make_plan(l, err) < 0)
		return -1;
	return send_rows(l, o, err);
}

static int load_table(struct load *l, struct error *err)
{
	struct outcome o = { 0 };
	int rc;

	rc = run_load(l, &o, err);
	if (rc == 0 && o.job && !o.adopted && l->in.rows > 0)
		rc = report_prove_count(o.job, l->job.id, l->in.rows, err);
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

static int run(struct load *l, const char *operand, struct error *err)
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

static void load_release(struct load *l)
{
	rowcheck_free(l->check);
	plan_release(&l->plan);
	api_close(&l->api);
	free(l->project);
	free(l->location);
	destination_release(&l->destination);
	rowstream_release(&l->in);
	rowstream_writer_release(&l->out);
}

static int check_config(const struct config *c, const struct command_line *line,
			struct plan_options *plan, struct error *err)
{
	if (line->operand_count != 1)
		return error_set(err, ERR_USAGE,
				 "one destination is needed: [PROJECT:]DATASET.TABLE");
	if (c->replace_schema && c->write != WRITE_TRUNCATE)
		return error_set(err, ERR_USAGE, "--replace-schema needs --write truncate");
	if (c->run_id && (!*c->run_id || strchr(c->run_id, '\n')))
		return error_set(err, ERR_USAGE, "--run-id: empty, or with a line end in it");
	*plan = (struct plan_options){
		.write = (enum write_mode)c->write,
		.no_create = c->no_create,
		.replace_schema = c->replace_schema,
		.rules = { .allow_lossy = c->allow_lossy },
		.layout = c->layout,
		.labels = &c->labels,
		.max_bad_records = c->max_bad_records,
	};
	return parse_evolve(c->evolve, &plan->rules, err);
}

int main(int argc, char **argv)
{
	struct config config = { 0 };
	struct command_line line;
	struct load load = { .config = &config };
	struct error err = { 0 };
	int rc;

	if (signals_init(&err) < 0 || options_parse(&program, argc, argv, &config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (check_config(&config, &line, &load.plan_options, &err) < 0)
		return log_failure(&err);
	rowstream_writer_init(&load.out, STDOUT_FILENO, "stdout");
	rc = config.timeout_ms ? signals_set_timeout(config.timeout_ms, &err) : 0;
	if (rc == 0)
		rc = run(&load, line.operands[0], &err);
	/* Under a new id, appended rows would be doubled. */
	if (rc < 0 && err.code == ERR_TEMP && load.run_id == load.generated)
		error_append(&err, "; repeat it with --run-id %s", load.run_id);
	if (rc < 0)
		rowstream_write_abort(&load.out, &err);
	load_release(&load);
	return rc < 0 ? log_failure(&err) : 0;
}
