/*
 * A client of the BigQuery Data Transfer Service: configs and their runs.
 * https://cloud.google.com/bigquery/docs/reference/datatransfer/rest
 */
#ifndef SLUICE_TRIGGER_DTS_H
#define SLUICE_TRIGGER_DTS_H

#include <jansson.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

/* All configs of "projects/P/locations/L", an array of TransferConfig. New reference. */
int dts_configs(struct api *api, const char *location, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* config: "projects/P/locations/L/transferConfigs/ID". 1: there. 0: there is none. New reference. */
int dts_config(struct api *api, const char *config, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The runs of a config that are PENDING, RUNNING or SUCCEEDED, a page at a
 * time: *page is NULL before the first, and becomes NULL behind the last. The
 * caller frees it where it stops earlier. New reference: an array of
 * TransferRun.
 */
int dts_runs(struct api *api, const char *config, char **page, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* A run by its name. New reference. */
int dts_run(struct api *api, const char *run, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* What is known of a request to start runs that has not been answered with runs. */
enum dts_start {
	DTS_STARTED,
	DTS_REFUSED, /* nothing was started, nor would be */
	DTS_LATER,   /* nothing was started, there were too many requests; it may work later */
	DTS_UNKNOWN, /* no answer, or a 5xx: a run may have been started, or be started yet */
};

/*
 * One request, never repeated: when: a StartManualTransferRunsRequest. On
 * DTS_STARTED *ret is an array of TransferRun, a new reference; otherwise err
 * is filled, and *wait_ms is what the server wants us to wait, or 0.
 */
enum dts_start dts_start(struct api *api, const char *config, const json_t *when,
			 int64_t timeout_ms, json_t **ret, int64_t *wait_ms, struct error *err)
	__attribute__((warn_unused_result));

#endif
