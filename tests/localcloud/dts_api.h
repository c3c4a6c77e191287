/*
 * Handlers of the Data Transfer Service, v1. Each serves two paths: projects/P/locations/L/…, and projects/P/…, which
 * means the location "us". ex->param has the pieces in the order of the path.
 */
#ifndef LOCALCLOUD_DTS_API_H
#define LOCALCLOUD_DTS_API_H

#include "tests/localcloud/dts.h"
#include "tests/localcloud/http.h"

int dts_configs_list(struct exchange *ex, struct api_error *err);
int dts_configs_create(struct exchange *ex, struct api_error *err);
int dts_configs_get(struct exchange *ex, struct api_error *err);
int dts_configs_patch(struct exchange *ex, struct api_error *err);
int dts_configs_delete(struct exchange *ex, struct api_error *err);
/* :startManualRuns and :scheduleRuns. */
int dts_configs_post(struct exchange *ex, struct api_error *err);

int dts_runs_list(struct exchange *ex, struct api_error *err);
int dts_runs_get(struct exchange *ex, struct api_error *err);
/* Of the partner API: state and errorStatus. */
int dts_runs_patch(struct exchange *ex, struct api_error *err);
int dts_runs_delete(struct exchange *ex, struct api_error *err);
int dts_logs_list(struct exchange *ex, struct api_error *err);

/* What handlers share. config and run are empty where the path has none; a verb is cut off. 400 for a bad name. */
int dts_parse_name(const struct exchange *ex, struct dts_name *name, struct api_error *err);
/* The piece of the path behind the last '/', with its verb; borrowed. */
const char *dts_last_piece(const struct exchange *ex);
/* pageSize and pageToken. */
int dts_parse_page(const struct exchange *ex, struct dts_page *page, struct api_error *err);
/* New array of all values of a query parameter that may be repeated; NULL when it is not there. */
json_t *dts_query_values(const struct exchange *ex, const char *name);
/* Takes items. */
void dts_answer_list(struct exchange *ex, const char *key, json_t *items,
		     const struct dts_page *page);

#endif
