/*
 * What a data source needs of the Data Transfer Service, and users of
 * transfers do not: data source definitions, and the calls that serve a run.
 * Google no longer documents it in public (DataSourceService of
 * google.cloud.bigquery.datatransfer.v1); resources are jansson objects in
 * the service's own JSON.
 *
 * Names are whole ones: a parent is "projects/P/locations/L", a run
 * "projects/P/locations/L/transferConfigs/C/runs/R". Objects handed out are
 * the caller's to json_decref; *ret is untouched unless a function succeeds.
 */
#ifndef SLUICE_TRIGGER_PARTNER_H
#define SLUICE_TRIGGER_PARTNER_H

#include <jansson.h>

#include "lib/error.h"
#include "lib/google/api.h"

/* --- data source definitions ---------------------------------------------------------------- */

/* ERR_REMOTE when there is one of that id. */
int partner_source_create(struct api *a, const char *parent, const json_t *definition, json_t **ret,
			  struct error *err) __attribute__((warn_unused_result));

/* One page, page_token NULL is the first: dataSourceDefinitions, nextPageToken. page_size 0: the server's. */
int partner_source_list(struct api *a, const char *parent, int64_t page_size,
			const char *page_token, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* name: "PARENT/dataSourceDefinitions/ID". ERR_NOINPUT: there is none. */
int partner_source_get(struct api *a, const char *name, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* mask: field paths with commas between. ERR_NOINPUT: there is none. */
int partner_source_patch(struct api *a, const char *name, const json_t *definition,
			 const char *mask, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* ERR_NOINPUT: there is none. */
int partner_source_delete(struct api *a, const char *name, struct error *err)
	__attribute__((warn_unused_result));

/* --- runs ----------------------------------------------------------------------------------- */

/* Beside the results named: 0: there is no such run (any more). */

/* 1: the TransferRun. */
int partner_run_get(struct api *a, const char *run, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* state: "RUNNING" or "FAILED"; failure: what errorStatus says with FAILED, or NULL. 1. ERR_REMOTE: it has ended. */
int partner_run_patch(struct api *a, const char *run, const char *state,
		      const struct error *failure, struct error *err)
	__attribute__((warn_unused_result));

/* messages: an array of TransferMessage, at least one. 1. Resets the service's patience as a patch does. */
int partner_run_log(struct api *a, const char *run, const json_t *messages, struct error *err)
	__attribute__((warn_unused_result));

/*
 * request: {"importedData":[…]}. 1. 2: the run takes no such request any more,
 * because it has ended or was finished. It has no key that would make a second
 * call harmless; a failure with ERR_TEMP leaves it unknown whether jobs run.
 */
int partner_run_start_jobs(struct api *a, const char *run, const json_t *request, struct error *err)
	__attribute__((warn_unused_result));

/* 1; also where somebody has finished it already. */
int partner_run_finish(struct api *a, const char *run, struct error *err)
	__attribute__((warn_unused_result));

/*
 * 1, and *ret is how many load jobs the run's log tells of. That the service
 * begins a line of each with PARTNER_JOB_LINE is an observation, which no
 * document of Google promises. 0: there is no such run.
 */
int partner_run_count_jobs(struct api *a, const char *run, size_t *ret, struct error *err)
	__attribute__((warn_unused_result));

/* Text of ours in the log must not begin so. */
#define PARTNER_JOB_LINE "Job bqts_"

#endif
