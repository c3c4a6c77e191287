/*
 * The data sources that localcloud knows. They have the parameters of Google's, but move no data: a run only goes
 * through its states.
 */
#ifndef LOCALCLOUD_DTS_SOURCES_H
#define LOCALCLOUD_DTS_SOURCES_H

#include "tests/localcloud/http.h"

struct dts_source;

/* 404 when there is none. */
const struct dts_source *dts_source_find(const char *id, struct api_error *err);
/* 400 when a required parameter is missing. */
int dts_source_check(const struct dts_source *source, const json_t *params, struct api_error *err);

/* Handlers; see dts_api.h for the names of the path. */
int dts_sources_list(struct exchange *ex, struct api_error *err);
int dts_sources_get(struct exchange *ex, struct api_error *err);
int dts_sources_post(struct exchange *ex, struct api_error *err);

#endif
