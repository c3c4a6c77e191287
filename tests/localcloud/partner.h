/*
 * The Data Transfer Service's side for data sources (DataSourceService): handlers of data source definitions, and of
 * the calls that serve a run. ex->param holds project, location and id, in the order of the path. Definitions, and
 * what a source has asked for a run, are in memory and end with the process, as topics do.
 */
#ifndef LOCALCLOUD_PARTNER_H
#define LOCALCLOUD_PARTNER_H

#include "lib/buf.h"
#include "tests/localcloud/http.h"

struct partner;

struct partner *partner_new(void);
/* Waits for what end of runs is being watched, without letting it come. */
void partner_free(struct partner *p);

/* Whether this data source is a partner's. */
bool partner_has_source(struct partner *p, const char *id);
/* Tells the partner of the new runs, on the topic of source and location; a warning where there is none. */
void partner_announce(struct server *server, const json_t *runs);
/* The TransferRun as binary protobuf, appended. */
int partner_message(const json_t *run, struct buf *out, struct error *err);

int partner_sources_create(struct exchange *ex, struct api_error *err);
int partner_sources_list(struct exchange *ex, struct api_error *err);
int partner_sources_get(struct exchange *ex, struct api_error *err);
int partner_sources_patch(struct exchange *ex, struct api_error *err);
int partner_sources_delete(struct exchange *ex, struct api_error *err);
/* :logMessages, :startBigQueryJobs, :finishRun. */
int partner_runs_post(struct exchange *ex, struct api_error *err);

#endif
