/*
 * The objects of a batch as Cloud Storage has them, and how one load job, or
 * several, can name them all: BigQuery takes 10,000 URIs and 15 TB a job.
 *
 * Objects are listed one by one where they fit. Where they do not, those of
 * one directory are named by one wildcard, behind what their names have in
 * common, if that matches no other object; this is looked up, not assumed.
 * Where that does not do either, there are several jobs.
 */
#ifndef SLUICE_LOAD_BATCH_FILES_H
#define SLUICE_LOAD_BATCH_FILES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "load/batch.h"

enum { BATCH_URIS_MAX = 10000 };
#define BATCH_JOB_MAX_BYTES ((uint64_t)15 << 40)

struct batch_files {
	json_t *jobs;   /* an array of sourceUris for each job */
	int64_t count;  /* of objects; -1: not known, the batch has wildcards of its own */
	uint64_t bytes; /* of them all; 0 when not known */
};

/* How much one job may take; for tests, as otherwise the two above. */
struct batch_limits {
	size_t uris;
	uint64_t bytes;
};

/*
 * Look the objects up (api: of Cloud Storage) and divide them. Fills ret in a
 * way that depends on nothing but the objects. ERR_REMOTE: one is not there,
 * or wildcards of the batch's own are too many for one job.
 */
int batch_files_find(struct api *api, const struct batch *b, const struct batch_limits *limits,
		     struct batch_files *ret, struct error *err)
	__attribute__((warn_unused_result));
void batch_files_release(struct batch_files *f);

#endif
