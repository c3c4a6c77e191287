/* What the Data Transfer Service accepts in requests about transfer configurations. */
#ifndef LOCALCLOUD_DTS_CHECK_H
#define LOCALCLOUD_DTS_CHECK_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>

/*
 * New reference: the body's members under their JSON names (the service takes proto names, display_name, as well),
 * without those that only the service sets. 400 for unknown members and wrong types.
 */
json_t *dts_check_config(const json_t *body, struct api_error *err);

/*
 * Of a configuration about to be created: data source, its required parameters, and schedule. The schedule is
 * completed: scheduleOptionsV2 stands beside the older fields, and schedule beside it. partner: its data source is a
 * partner's, whose parameters are not looked at here.
 */
int dts_check_new_config(json_t *config, bool partner, struct api_error *err);

/* New reference: the members of config that updateMask names, null for those it lacks; see dts_config_patch. */
json_t *dts_check_mask(const char *mask, const json_t *config, struct api_error *err);

/* {"requestedRunTime"} or {"requestedTimeRange"} of config: times has room for DTS_RUNS_MAX. */
int dts_check_manual_runs(const json_t *config, const json_t *body, int64_t now_us, int64_t *times,
			  size_t *n, struct api_error *err);
/* {"startTime","endTime"} of the deprecated scheduleRuns, whose range has its end in it. */
int dts_check_scheduled_runs(const json_t *config, const json_t *body, int64_t *times, size_t *n,
			     struct api_error *err);

#endif
