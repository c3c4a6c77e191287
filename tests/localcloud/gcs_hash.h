/* The checksums that Cloud Storage keeps of an object, computed over a file while it grows. */
#ifndef LOCALCLOUD_GCS_HASH_H
#define LOCALCLOUD_GCS_HASH_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>
#include <stdint.h>

struct gcs_hash;

/* Without md5 only a CRC-32C, as of a composite object. NULL when memory is out. */
struct gcs_hash *gcs_hash_new(bool md5);
void gcs_hash_free(struct gcs_hash *h);
/* Reads the file from where the last call ended up to size. */
int gcs_hash_file(struct gcs_hash *h, int fd, int64_t size, struct api_error *err);
/* How many bytes have been read. */
int64_t gcs_hash_size(const struct gcs_hash *h);
/* Sets crc32c and, unless there is none, md5Hash, in base64. Nothing can be added after that. */
int gcs_hash_finish(struct gcs_hash *h, json_t *resource, struct api_error *err);

#endif
