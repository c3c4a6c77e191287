/*
 * Validity of a Table resource: schema, partitioning, clustering, view. table_check rewrites the resource in its
 * normal form (see schema.h; absent schema becomes {"fields":[]}; int64 members become strings; nulls go away).
 */
#ifndef LOCALCLOUD_TABLE_CHECK_H
#define LOCALCLOUD_TABLE_CHECK_H

#include "tests/localcloud/api_error.h"

#include <stdint.h>

int table_check(json_t *resource, struct api_error *err);

/* Removes members that are null, at the top level. */
void table_drop_nulls(json_t *resource);

#endif
