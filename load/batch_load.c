#include "load/batch_load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/ledger.h"
#include "lib/log.h"
#include "load/batch_loader.h"
#include "load/connect.h"
#include "load/plan.h"
#include "load/report.h"

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
	json_t *partitioned = l->loader->partitioned, *table = NULL, *name;
	bool known;
	int rc;

	if (!d->decorator)
		return 0;
	name = json_sprintf("%s:%s.%s", d->project, d->dataset, d->table);
	known = json_object_get(partitioned, json_string_value(name));
	rc = known ? 1 : bigquery_table_get(l->api, &ref, &table, err);
	if (rc > 0 && !known && !json_object_get(table, "timePartitioning") &&
	    !json_object_get(table, "rangePartitioning"))
		rc = error_set(err, ERR_DATA,
			       "table %s is not partitioned, so it has no partition $%s",
			       json_string_value(name), d->decorator);
	if (rc > 0) {
		json_object_set_new(partitioned, json_string_value(name), json_true());
		json_object_del(load, "timePartitioning");
		json_object_del(load, "rangePartitioning");
	}
	json_decref(table);
	json_decref(name);
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

int batch_say(struct batch_loader *s, const struct batch *b, json_t *record, struct error *err)
{
	const json_t *rows = json_object_get(record, "rows");
	int rc = record ? rowstream_write_record(s->out, "@loaded", record, err) : error_nomem(err);

	if (json_is_true(json_object_get(record, "adopted")))
		log_info("%s was loaded before into %s", b->id, b->table);
	else
		log_info("%s: %lld rows loaded into %s", b->id, (long long)json_integer_value(rows),
			 b->table);
	json_decref(record);
	if (rc == 0)
		return 0;
	err->code = err->code > ERR_SIGNAL ? err->code : ERR_IO;
	return error_prefix(err, "%s was loaded into %s, but this cannot be said", b->id, b->table);
}

/* known: the ledger's entry stands for the job; or NULL. New reference; NULL when memory is out. */
static json_t *loaded_record(const struct batch_load *l, const json_t *known, const json_t *job,
			     bool adopted)
{
	const struct load_report report = {
		.table = l->table,
		.run_id = l->batch->id,
		.write = batch_write(l->batch),
		.job = job,
		.adopted = adopted || known,
		.bytes_billed = l->billing.bytes,
		.entry = known,
	};

	return report_record(&report);
}

/* Several jobs come before the one that commits: what is done already does not wait for them. */
static int load_in_steps(struct batch_loader *s, struct batch_load *l, json_t **done, bool *adopted,
			 struct error *err)
{
	batch_ledger_settle(s);
	return l->batch->sql ? batch_sql_run(l, done, adopted, err)
			     : batch_temporary_load(l, done, adopted, err);
}

/* The objects, and what becomes of them. *done stays NULL in a dry run. */
static int load_files(struct batch_loader *s, struct batch_load *l, json_t **done, bool *adopted,
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
	else if (json_array_size(files->jobs) == 1 && !l->batch->sql)
		rc = load_at_once(l, done, adopted, err);
	else
		rc = load_in_steps(s, l, done, adopted, err);
	batch_files_release(&l->files);
	return rc;
}

/*
 * A job that is adopted was not proven by us: where it names objects, it has read them all; where it
 * brings rows over, it has brought all of them.
 */
static int prove_adopted(const json_t *job, const char *id, struct error *err)
{
	const json_t *load = json_object_get(json_object_get(job, "configuration"), "load");
	const json_t *uris = json_object_get(load, "sourceUris");
	int64_t count = (int64_t)json_array_size(uris);
	json_t *uri;
	size_t i;

	if (count == 0)
		return report_prove_brought(job, id, err);
	json_array_foreach((json_t *)uris, i, uri)
		if (json_is_string(uri) && strchr(json_string_value(uri), '*'))
			count = -1;
	return batch_prove(job, id, count, err);
}

/* Find the job, or make it. *known: the ledger has it as done. */
static int find_or_load(struct batch_loader *s, struct batch_load *l, const json_t **known,
			json_t **done, bool *adopted, struct error *err)
{
	int rc = batch_ledger_begin(l, known, err);

	if (rc < 0 || *known)
		return rc;
	rc = loadjob_find(&l->job, done, err);
	*adopted = rc > 0;
	if (rc == 0)
		rc = load_files(s, l, done, adopted, err);
	if (rc >= 0 && *adopted)
		rc = prove_adopted(*done, l->job.id, err);
	if (rc < 0 && !s->config->dry_run)
		batch_ledger_failed(l, *done, err);
	return rc < 0 ? -1 : 0;
}

/* Where the dataset is; asked once. Borrowed. */
static int find_location(struct batch_loader *s, const struct destination *d, const char **ret,
			 struct error *err)
{
	json_t *name = json_sprintf("%s:%s", d->project, d->dataset);
	json_t *known = json_object_get(s->locations, json_string_value(name));
	char *found = NULL;
	int rc = known ? 0 : plan_find_location(&s->bigquery, d, &found, err);

	if (rc == 0 && !known) {
		known = found ? json_string(found) : json_null();
		rc = json_object_set_new(s->locations, json_string_value(name), known) < 0
			     ? error_nomem(err)
			     : 0;
	}
	if (rc == 0)
		*ret = json_string_value(known);
	free(found);
	json_decref(name);
	return rc;
}

static int open_batch(struct batch_loader *s, struct batch *b, struct batch_load *l,
		      struct error *err)
{
	const char *found = NULL;

	*l = (struct batch_load){
		.loader = s, .api = &s->bigquery, .batch = b, .labels = s->labels
	};
	if (connect_project(s->config, l->api, &b->destination, &l->project, err) < 0 ||
	    find_location(s, &b->destination, &found, err) < 0)
		return -1;
	l->location = s->config->location ? s->config->location : found;
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

/* What came before is said before. */
static int say_known(struct batch_loader *s, const struct batch_load *l, const json_t *known,
		     struct error *err)
{
	batch_ledger_settle(s);
	return batch_say(s, l->batch, loaded_record(l, known, NULL, true), err);
}

int batch_load_one(struct batch_loader *s, struct batch *b, struct error *err)
{
	struct batch_load l;
	const json_t *known = NULL;
	json_t *done = NULL;
	bool adopted = false;
	int rc = open_batch(s, b, &l, err);

	if (rc == 0)
		rc = find_or_load(s, &l, &known, &done, &adopted, err);
	if (rc == 0 && known && !s->config->dry_run)
		rc = say_known(s, &l, known, err);
	else if (rc == 0 && done && !s->config->dry_run)
		rc = batch_ledger_done(&l, done, loaded_record(&l, NULL, done, adopted), err);
	json_decref(done);
	free(l.table);
	free(l.project);
	return rc;
}
