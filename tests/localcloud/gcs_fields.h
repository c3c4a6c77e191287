/*
 * Partial answers: the query parameter "fields" of Google's APIs, such as "nextPageToken,items(name,size),prefixes" or
 * "items/name". Names that no resource has select nothing.
 */
#ifndef LOCALCLOUD_GCS_FIELDS_H
#define LOCALCLOUD_GCS_FIELDS_H

#include "tests/localcloud/api_error.h"

/* 400 for a text that is no selection: to be said before a request takes effect. */
int gcs_fields_check(const char *fields, struct api_error *err);
/* New reference: what fields selects of value; NULL when it is no selection. */
json_t *gcs_fields_select(const json_t *value, const char *fields);

#endif
