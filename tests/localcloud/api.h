/* Handlers of the BigQuery v2 methods; ex->param holds project, dataset, table or job in the order of the path. */
#ifndef LOCALCLOUD_API_H
#define LOCALCLOUD_API_H

#include "tests/localcloud/http.h"

int api_datasets_list(struct exchange *ex, struct api_error *err);
int api_datasets_insert(struct exchange *ex, struct api_error *err);
int api_datasets_get(struct exchange *ex, struct api_error *err);
int api_datasets_patch(struct exchange *ex, struct api_error *err);
int api_datasets_delete(struct exchange *ex, struct api_error *err);

int api_tables_list(struct exchange *ex, struct api_error *err);
int api_tables_insert(struct exchange *ex, struct api_error *err);
int api_tables_get(struct exchange *ex, struct api_error *err);
int api_tables_patch(struct exchange *ex, struct api_error *err);
int api_tables_update(struct exchange *ex, struct api_error *err);
int api_tables_delete(struct exchange *ex, struct api_error *err);

int api_data_list(struct exchange *ex, struct api_error *err);
int api_data_insert_all(struct exchange *ex, struct api_error *err);

int api_jobs_list(struct exchange *ex, struct api_error *err);
int api_jobs_insert(struct exchange *ex, struct api_error *err);
int api_jobs_get(struct exchange *ex, struct api_error *err);
int api_jobs_cancel(struct exchange *ex, struct api_error *err);
int api_queries_query(struct exchange *ex, struct api_error *err);
int api_queries_get(struct exchange *ex, struct api_error *err);

int discovery_get(struct exchange *ex, struct api_error *err);

/*
 * Preconditions on a resource. 0: go on; 1: answered with 304; -1: 412 in err.
 */
int api_precondition(struct exchange *ex, const json_t *resource, struct api_error *err);
/* Merges a PATCH body into a resource: null removes a member, objects of labels merge, all else replaces. */
void api_merge_patch(json_t *resource, const json_t *patch);
/* maxResults and pageToken over an array: moves one page of it into answer[key], with nextPageToken. */
int api_paginate(const struct exchange *ex, json_t *items, const char *key, json_t *answer,
		 struct api_error *err);

#endif
