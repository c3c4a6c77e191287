/*
 * Load jobs: the checks of a configuration, and the run of one over its files.
 *
 * load_check works at jobs.insert, before any byte of data. Then, in a job thread: load_read reads and checks all rows
 * without the writer's lock but for short whiles, since a load may take long and others must get on. Few rows stay in
 * memory; many go, batch by batch, into a staging table of their own. load_apply, inside the caller's transaction, makes
 * them the table's: when that fails the caller rolls back, and nothing of the job is visible.
 */
#ifndef LOCALCLOUD_LOAD_H
#define LOCALCLOUD_LOAD_H

#include "tests/localcloud/load_files.h"
#include "tests/localcloud/rows.h"
#include "tests/localcloud/store.h"

#include <stdatomic.h>

/* Checks configuration.load and rewrites its schema in the normal form. project: default of destinationTable. */
int load_check(json_t *load, const char *project, struct api_error *err);
/* The same of what says how files are read, without a destination. */
int load_check_source(json_t *load, struct api_error *err);

struct load_result {
	int64_t output_rows, output_bytes, bad_records;
	json_t *errors; /* at most 5 ErrorProtos; owned by the caller, also after a failure */
};

struct load_work;

/* cancel is watched while rows are read. ret is to be ended also after a failure, unless it is NULL. */
int load_read(struct store *s, const json_t *load, const struct load_files *files,
	      const atomic_bool *cancel, struct load_result *result, struct load_work **ret,
	      struct api_error *err);
/*
 * Reads them into a table that nothing else knows, until load_end: resource is as of a table that is to be created.
 * load_staging: its physical name, unquoted.
 */
int load_read_apart(struct store *s, const json_t *load, json_t *resource,
		    const struct load_files *files, const atomic_bool *cancel,
		    struct load_result *result, struct load_work **ret, struct api_error *err);
const char *load_staging(const struct load_work *w);
/* *stale: the table changed since load_read judged it; roll back, end the work, and read again. */
int load_apply(struct load_work *w, bool *stale, struct api_error *err);
/* Drops what is left of the staging table; not inside a transaction. */
void load_end(struct load_work *w);

#endif
