/* Errors as the JSON API of Cloud Storage reports them: without BigQuery's "status"; as plain text to downloads. */
#ifndef LOCALCLOUD_GCS_ERROR_H
#define LOCALCLOUD_GCS_ERROR_H

#include "tests/localcloud/http.h"

/* Paths of Cloud Storage, uploads and downloads included. */
bool gcs_is_path(const char *path);
void gcs_error_answer(struct exchange *ex, const struct api_error *err);

#endif
