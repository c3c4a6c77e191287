/* Query jobs without running them. */
#ifndef LOCALCLOUD_JOBS_QUERY_H
#define LOCALCLOUD_JOBS_QUERY_H

#include "tests/localcloud/store.h"

/* Checks the query of a described job and completes the resource as a DONE dry run; takes the store's lock itself. */
int jobs_query_dry_run(struct store *store, json_t *job, struct api_error *err);

#endif
