/* A run without the service, for development: its tables are loaded by jobs of our own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/google/bigquery.h"
#include "lib/google/crypto.h"
#include "lib/log.h"
#include "trigger/serve_run.h"
#include "trigger/serve_staging.h"

enum { NONCE_BYTES = 8, NONCE_SIZE = 2 * NONCE_BYTES + 1 };

/* The load configuration that the service would make of it; NULL: out of memory, or err is set. */
static json_t *load_of(const json_t *info, const char *project, const char *dataset,
		       struct error *err)
{
	const json_t *definition = json_array_get(json_object_get(info, "tableDefs"), 0);
	const char *id = json_string_value(json_object_get(info, "destinationTableId"));
	const json_t *max_bad = json_object_get(definition, "maxBadRecords");
	json_t *fields, *load;

	if (serve_bigquery_fields(json_object_get(json_object_get(definition, "schema"), "fields"),
				  &fields, err) < 0)
		return NULL;
	load = json_pack("{s:{s:s,s:s,s:s},s:O,s:{s:o},s:s,s:O,s:I,s:b}", "destinationTable",
			 "projectId", project, "datasetId", dataset, "tableId", id, "sourceUris",
			 json_object_get(definition, "sourceUris"), "schema", "fields", fields,
			 "sourceFormat", "NEWLINE_DELIMITED_JSON", "writeDisposition",
			 json_object_get(info, "writeDisposition"), "maxBadRecords",
			 json_integer_value(max_bad), "ignoreUnknownValues",
			 json_is_true(json_object_get(definition, "ignoreUnknownValues")));
	/* As the service has it: a table of which a partition is named is partitioned by the time of ingestion. */
	if (load && strchr(id, '$'))
		json_object_set_new(load, "timePartitioning", json_pack("{s:s}", "type", "DAY"));
	if (!load)
		error_nomem(err);
	return load;
}

static int load_table(struct api *api, const struct bigquery_job *job, const json_t *load,
		      const char *table, struct error *err)
{
	json_t *configuration = json_pack("{s:O}", "load", load), *done = NULL;
	int rc = bigquery_job_insert(api, job, configuration, NULL, err);

	json_decref(configuration);
	/* 0: our own, of which the answer got lost. */
	if (rc < 0 || bigquery_job_wait(api, job, 0, &done, err) < 0)
		return -1;
	rc = 0;
	if (bigquery_job_outcome(done) != JOB_DONE)
		rc = bigquery_job_failure(done, table, err);
	else
		log_info("table %s: %lld rows are loaded", table,
			 (long long)bigquery_job_statistic(done, "load", "outputRows"));
	json_decref(done);
	return rc;
}

static int load_tables(struct api *api, const char *project, const struct staging *t,
		       const struct request *r, struct error *err)
{
	json_t *info;
	char nonce[NONCE_SIZE];
	size_t i;

	if (crypto_random_hex(nonce, NONCE_BYTES, err) < 0)
		return -1;
	json_array_foreach(json_object_get(t->request, "importedData"), i, info) {
		char id[128];
		const struct bigquery_job job = { .project = project, .id = id };
		json_t *load = load_of(info, project, r->dataset, err);
		int rc;

		snprintf(id, sizeof id, "dtsserve_%s_%zu", nonce, i);
		rc = load ? load_table(api, &job, load, t->destination[i], err) : -1;
		json_decref(load);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int stage_and_load(const struct serving *s, struct request *r, struct api *api,
			  struct run_log *log, struct error *err)
{
	struct staging staging = { 0 };
	char *project = NULL;
	int rc = api_project(api, s->options->project, &project, err);

	if (rc == 0)
		rc = run_check_request(s, r, err);
	if (rc == 0)
		rc = staging_prepare(&staging, s, r, err);
	if (rc == 0)
		rc = staging_fill(&staging, s, r, log,
				  monotonic_ms() + s->options->max_run_s * 1000, err);
	if (rc == 0)
		rc = load_tables(api, project, &staging, r, err);
	staging_remove(&staging);
	staging_release(&staging);
	free(project);
	return rc;
}

int run_directly(const struct serving *s, struct request *r, struct error *err)
{
	const struct api_options options = serve_api_options(s->options, SERVICE_BIGQUERY);
	struct run_log log;
	struct api api;
	int rc;

	if (run_log_start(&log, NULL, r->name, r->run_id, 0, err) < 0 ||
	    api_open(&api, &options, err) < 0)
		return -1;
	rc = stage_and_load(s, r, &api, &log, err);
	run_log_stop(&log);
	api_close(&api);
	return rc;
}
