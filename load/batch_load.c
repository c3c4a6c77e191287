#include "load/batch_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/google/ledger.h"
#include "lib/io.h"
#include "lib/log.h"
#include "load/batch_lock.h"
#include "load/connect.h"
#include "load/plan.h"
#include "load/report.h"

/* What all batches share. */
struct loader {
	const struct config *config;
	struct rowstream_writer *out;
	struct api bigquery, storage;
	json_t *labels;
	struct api_options ledger_api;
	char *project;         /* of the ledger's jobs */
	struct ledger *ledger; /* or NULL */
	struct batch_lock *lock;
	const char *locked;  /* what that is: of a batch; or NULL */
	const char *blocked; /* the lock of a batch that failed: none behind it is begun; or NULL */
	int blocked_code;    /* of that */
};

/* --- one batch ------------------------------------------------------------------------------- */

int batch_prove(const json_t *job, const char *id, int64_t objects, struct error *err)
{
	int64_t rows = bigquery_job_statistic(job, "load", "outputRows");
	int64_t read = bigquery_job_statistic(job, "load", "inputFiles");

	if (rows < 0)
		return error_set(err, ERR_PROTOCOL, "job %s is done and says no outputRows", id);
	if (objects >= 0 && read != objects)
		return error_set(err, ERR_PROTOCOL,
				 "job %s is done, but it has read %" PRId64 " objects of %" PRId64
				 ": the table must be looked at",
				 id, read, objects);
	return 0;
}

/* configuration.load as the record has it, with what bqload alone decides. */
static json_t *configuration(const struct batch *b, json_t *uris)
{
	const struct destination *d = &b->destination;
	json_t *load = json_deep_copy(b->load);
	json_t *table = json_pack("{s:s,s:s,s:o}", "projectId", d->project, "datasetId", d->dataset,
				  "tableId",
				  json_sprintf("%s%s%s", d->table, d->decorator ? "$" : "",
					       d->decorator ? d->decorator : ""));

	if (json_object_set_new(load, "destinationTable", table) < 0 ||
	    json_object_set(load, "sourceUris", uris) < 0) {
		json_decref(load);
		return NULL;
	}
	return load;
}

/*
 * A partition of a table that is there is one of the table's own making:
 * what the batch says of partitioning is for a table that is to be made.
 */
static int fit_partition(const struct batch_load *l, json_t *load, struct error *err)
{
	const struct destination *d = &l->batch->destination;
	const struct bigquery_table ref = { d->project, d->dataset, d->table };
	json_t *table = NULL;
	int rc = d->decorator ? bigquery_table_get(l->api, &ref, &table, err) : 0;

	if (rc > 0 && !json_object_get(table, "timePartitioning") &&
	    !json_object_get(table, "rangePartitioning"))
		rc = error_set(err, ERR_DATA,
			       "table %s:%s.%s is not partitioned, so it has no partition $%s",
			       d->project, d->dataset, d->table, d->decorator);
	if (rc > 0) {
		json_object_del(load, "timePartitioning");
		json_object_del(load, "rangePartitioning");
	}
	json_decref(table);
	return rc < 0 ? -1 : 0;
}

static int load_at_once(struct batch_load *l, json_t **done, bool *adopted, struct error *err)
{
	json_t *load = configuration(l->batch, json_array_get(l->files.jobs, 0));
	int rc = load ? fit_partition(l, load, err) : error_nomem(err);

	if (rc == 0)
		rc = loadjob_run(&l->job, "load", load, l->labels, done, adopted, err);
	json_decref(load);
	if (rc == 0 && !*adopted)
		rc = batch_prove(*done, l->job.id, l->files.count, err);
	return rc;
}

/* known: the ledger's entry stands for the job; or NULL. */
static int say_loaded(struct loader *s, const struct batch_load *l, const json_t *known,
		      const json_t *job, bool adopted, struct error *err)
{
	const struct batch *b = l->batch;
	const struct load_report report = {
		.table = l->table,
		.run_id = b->id,
		.write = batch_write(b),
		.job = job,
		.adopted = adopted || known,
		.bytes_billed = l->billing.bytes,
		.entry = known,
	};
	json_t *record = report_record(&report);
	int rc = record ? rowstream_write_record(s->out, "@loaded", record, err) : error_nomem(err);

	json_decref(record);
	if (adopted || known)
		log_info("%s was loaded before into %s", b->id, b->table);
	else
		log_info("%s: %" PRId64 " rows loaded into %s", b->id, report_rows(job), b->table);
	if (rc == 0)
		return 0;
	err->code = err->code > ERR_SIGNAL ? err->code : ERR_IO;
	return error_prefix(err, "%s was loaded, but this cannot be said", b->table);
}

/* The objects, and what becomes of them. *done stays NULL in a dry run. */
static int load_files(struct loader *s, struct batch_load *l, json_t **done, bool *adopted,
		      struct error *err)
{
	static const struct batch_limits limits = { BATCH_URIS_MAX, BATCH_JOB_MAX_BYTES };
	const struct batch_files *files = &l->files;
	int rc;

	if (batch_files_find(&s->storage, l->batch, &limits, &l->files, err) < 0)
		return -1;
	log_info("%s: %zu objects or wildcards, %" PRIu64 " bytes, %zu job%s, for %s", l->batch->id,
		 json_array_size(json_array_get(files->jobs, 0)), files->bytes,
		 json_array_size(files->jobs), json_array_size(files->jobs) == 1 ? "" : "s",
		 l->batch->table);
	if (l->batch->sql && json_array_size(files->jobs) != 1)
		rc = error_set(err, ERR_DATA, "an external table takes %d URIs, and these are more",
			       BATCH_URIS_MAX);
	else if (s->config->dry_run)
		rc = 0;
	else if (l->batch->sql)
		rc = batch_sql_run(l, done, adopted, err);
	else
		rc = json_array_size(files->jobs) == 1
			     ? load_at_once(l, done, adopted, err)
			     : batch_temporary_load(l, done, adopted, err);
	batch_files_release(&l->files);
	return rc;
}

/* Find the job, or make it. *known: the ledger has it as done. */
static int find_or_load(struct loader *s, struct batch_load *l, const json_t **known, json_t **done,
			bool *adopted, struct error *err)
{
	int rc = batch_ledger_begin(l, known, err);

	if (rc < 0 || *known)
		return rc;
	rc = loadjob_find(&l->job, done, err);
	*adopted = rc > 0;
	if (rc == 0)
		rc = load_files(s, l, done, adopted, err);
	if (rc < 0 && !s->config->dry_run)
		batch_ledger_failed(l, *done, err);
	else if (*done && !s->config->dry_run)
		rc = batch_ledger_done(l, *done, err);
	return rc < 0 ? -1 : 0;
}

static int open_batch(struct loader *s, struct batch *b, struct batch_load *l, struct error *err)
{
	*l = (struct batch_load){ .api = &s->bigquery,
				  .batch = b,
				  .labels = s->labels,
				  .ledger = s->config->dry_run ? NULL : s->ledger };
	if (connect_project(s->config, l->api, &b->destination, &l->project, err) < 0 ||
	    plan_find_location(l->api, &b->destination, &l->found_location, err) < 0)
		return -1;
	l->location = s->config->location ? s->config->location : l->found_location;
	l->table = destination_name(&b->destination);
	if (!l->table)
		return error_nomem(err);
	if (loadjob_init(&l->job, l->api, &b->destination, l->project, l->location, b->id, "load",
			 err) < 0)
		return -1;
	l->billing.maximum = s->config->maximum_bytes_billed;
	l->job.billing = &l->billing;
	return 0;
}

static int load_batch(struct loader *s, struct batch *b, struct error *err)
{
	struct batch_load l;
	const json_t *known = NULL;
	json_t *done = NULL;
	bool adopted = false;
	int rc = open_batch(s, b, &l, err);

	if (rc == 0)
		rc = find_or_load(s, &l, &known, &done, &adopted, err);
	if (rc == 0 && (done || known) && !s->config->dry_run)
		rc = say_loaded(s, &l, known, done, adopted, err);
	json_decref(done);
	json_decref(l.entries);
	free(l.table);
	free(l.project);
	free(l.found_location);
	return rc;
}

/* --- all of them ----------------------------------------------------------------------------- */

struct batches {
	struct batch *batch;
	size_t count, capacity;
};

static void batches_release(struct batches *all)
{
	for (size_t i = 0; i < all->count; i++)
		batch_release(&all->batch[i]);
	free(all->batch);
}

static int add_batch(struct batches *all, const json_t *inner, struct error *err)
{
	if (all->count == all->capacity) {
		size_t capacity = all->capacity ? 2 * all->capacity : 16;
		struct batch *more = reallocarray(all->batch, capacity, sizeof *more);

		if (!more)
			return error_nomem(err);
		all->batch = more;
		all->capacity = capacity;
	}
	if (batch_parse(inner, &all->batch[all->count], err) < 0)
		return -1;
	all->count++;
	return 0;
}

/* Nothing is loaded of a stream that is not whole, nor of one that holds nonsense. */
static int read_batches(struct batches *all, struct error *err)
{
	struct rowstream_reader in = { 0 };
	json_t *inner, *record;
	const char *kind;
	int rc;

	if (isatty(STDIN_FILENO))
		return error_set(
			err, ERR_USAGE,
			"one destination is needed, [PROJECT:]DATASET.TABLE, or batches on "
			"standard input");
	rc = rowstream_open_records(&in, STDIN_FILENO, "stdin", err);
	if (rc == 0 && json_object_get(in.begin, "schema"))
		rc = error_set(err, ERR_USAGE,
			       "a stream of rows needs a destination: [PROJECT:]DATASET.TABLE");
	if (rc == 0)
		rc = 1;
	while (rc > 0 && (rc = rowstream_next_record(&in, &kind, &inner, &record, err)) > 0) {
		if (strcmp(kind, "@batch") != 0)
			rc = error_set(err, ERR_DATA, "stdin line %" PRIu64 ": %s is not @batch",
				       in.line_number, kind);
		else if (add_batch(all, inner, err) < 0)
			rc = error_prefix(err, "stdin line %" PRIu64, in.line_number);
		json_decref(record);
	}
	rowstream_release(&in);
	return rc;
}

static int open_ledger(struct loader *s, struct error *err)
{
	struct ledger_options options = { .name = s->config->ledger,
					  .create = true,
					  .location = s->config->location,
					  .api = &s->ledger_api };

	s->ledger_api = connect_options(s->config, SERVICE_BIGQUERY);
	if (!options.name || !*options.name || s->config->dry_run)
		return 0;
	if (!ledger_is_file(options.name) &&
	    connect_project(s->config, &s->bigquery, NULL, &s->project, err) < 0)
		return -1;
	options.project = s->project;
	return ledger_open(&options, &s->ledger, err);
}

static int open_loader(struct loader *s, struct error *err)
{
	const struct api_options bigquery = connect_options(s->config, SERVICE_BIGQUERY);
	const struct api_options storage = connect_options(s->config, SERVICE_STORAGE);

	if (plan_labels(&s->config->labels, &s->labels, err) < 0 ||
	    api_open(&s->bigquery, &bigquery, err) < 0 || api_open(&s->storage, &storage, err) < 0)
		return -1;
	return open_ledger(s, err);
}

static void close_loader(struct loader *s)
{
	batch_lock_release(s->lock);
	ledger_close(s->ledger);
	api_close(&s->bigquery);
	api_close(&s->storage);
	json_decref(s->labels);
	free(s->project);
}

/* --- in order ---------------------------------------------------------------------------------- */

/* Batches of one lock follow each other: it is held from the first to the last of them. */
static int change_lock(struct loader *s, const struct batch *b, struct error *err)
{
	const struct api_options storage = connect_options(s->config, SERVICE_STORAGE);

	if (s->locked && b->lock && !strcmp(s->locked, b->lock))
		return batch_lock_check(s->lock, err);
	batch_lock_release(s->lock);
	s->lock = NULL;
	s->locked = NULL;
	if (!b->lock || s->config->dry_run)
		return 0;
	if (batch_lock_take(b->lock, &storage, &s->lock, err) < 0)
		return -1;
	s->locked = b->lock;
	return 0;
}

static int load_in_turn(struct loader *s, struct batch *b, struct error *err)
{
	if (b->lock && s->blocked && !strcmp(b->lock, s->blocked))
		return error_set(err, s->blocked_code,
				 "it waits for the one before, which has failed");
	if (change_lock(s, b, err) == 0 && load_batch(s, b, err) == 0)
		return 0;
	s->blocked = b->lock;
	s->blocked_code = err->code;
	return -1;
}

/* As pipelines/sync judges its tables: trying again comes first, then what is most wrong. */
static int worse(int a, int b)
{
	static const int order[] = { ERR_TEMP,   ERR_BUG,  ERR_PROTOCOL, ERR_OS,   ERR_IO,
				     ERR_CONFIG, ERR_PERM, ERR_REMOTE,   ERR_DATA, ERR_NOINPUT };

	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a ? a : b;
}

static int load_batches(struct loader *s, struct batches *all, struct error *err)
{
	struct error one;
	size_t failed = 0;
	int code = 0;

	for (size_t i = 0; i < all->count; i++) {
		if (load_in_turn(s, &all->batch[i], &one) == 0)
			continue;
		error_prefix(&one, "batch %s", all->batch[i].id);
		/* A signal ends all, and an output that is gone. */
		if (one.code > ERR_SIGNAL || one.code == ERR_IO || signals_pending()) {
			*err = one;
			return -1;
		}
		if (all->count > 1)
			log_error("%s", one.message);
		code = worse(code, one.code);
		*err = one;
		failed++;
	}
	if (all->count > 1 && failed > 0)
		return error_set(err, code, "%zu of %zu batches failed", failed, all->count);
	return failed > 0 ? -1 : 0;
}

int batch_load_all(const struct config *config, struct rowstream_writer *out, struct error *err)
{
	struct loader s = { .config = config, .out = out };
	struct batches all = { 0 };
	int rc = -1;

	if (read_batches(&all, err) == 0 && open_loader(&s, err) == 0 &&
	    rowstream_write_begin(out, NULL, err) == 0)
		rc = load_batches(&s, &all, err);
	if (rc == 0)
		rc = rowstream_write_end(out, NULL, "records", err);
	if (rc == 0)
		rc = io_close(STDOUT_FILENO, "stdout", err);
	close_loader(&s);
	batches_release(&all);
	return rc;
}
