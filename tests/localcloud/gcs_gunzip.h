/*
 * Decompressive transcoding: an object with the content encoding gzip comes decompressed to who does not accept gzip.
 * See cloud.google.com/storage/docs/transcoding.
 */
#ifndef LOCALCLOUD_GCS_GUNZIP_H
#define LOCALCLOUD_GCS_GUNZIP_H

#include "tests/localcloud/gcs_api.h"

/* Whether this request gets the object decompressed. */
bool gcs_gunzip_wanted(const struct exchange *ex, const struct gcs_object *o);
/* A new file without a name has what fd has, decompressed; what is no gzip stays as it is. */
int gcs_gunzip(struct exchange *ex, int fd, int *plain, int64_t *size, struct api_error *err);

#endif
