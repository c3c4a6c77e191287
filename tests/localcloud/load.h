/*
 * Load jobs: the checks of a configuration, and the run of one over a spooled upload.
 *
 * load_check works at jobs.insert, before any byte of data; load_run works in the job thread, inside the caller's
 * write transaction: when it fails the caller rolls back, and nothing of the job is visible.
 */
#ifndef LOCALCLOUD_LOAD_H
#define LOCALCLOUD_LOAD_H

#include "tests/localcloud/rows.h"
#include "tests/localcloud/store.h"

#include <stdatomic.h>

/* Checks configuration.load and rewrites its schema in the normal form. project: default of destinationTable. */
int load_check(json_t *load, const char *project, struct api_error *err);

struct load_result {
	int64_t input_bytes, output_rows, output_bytes, bad_records;
	json_t *errors; /* at most 5 ErrorProtos; owned by the caller, also after a failure */
};

/* path NULL: no data (a dry run checks the table only). cancel is watched while rows are read. */
int load_run(struct store *s, const json_t *load, const char *path, const atomic_bool *cancel,
	     struct load_result *ret, struct api_error *err);

#endif
