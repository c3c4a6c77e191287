/*
 * The Data Transfer Service's side for data sources (DataSourceService): handlers of data source definitions.
 * ex->param holds project, location and id, in the order of the path. Definitions are in memory and end with the
 * process, as topics do.
 */
#ifndef LOCALCLOUD_PARTNER_H
#define LOCALCLOUD_PARTNER_H

#include "tests/localcloud/http.h"

struct partner;

struct partner *partner_new(void);
void partner_free(struct partner *p);

int partner_sources_create(struct exchange *ex, struct api_error *err);
int partner_sources_list(struct exchange *ex, struct api_error *err);
int partner_sources_get(struct exchange *ex, struct api_error *err);
int partner_sources_patch(struct exchange *ex, struct api_error *err);
int partner_sources_delete(struct exchange *ex, struct api_error *err);

#endif
