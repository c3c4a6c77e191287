/*
 * `bqload` without a destination: loads the batches that standard input
 * names, one after the other.
 */
#ifndef SLUICE_LOAD_BATCH_LOAD_H
#define SLUICE_LOAD_BATCH_LOAD_H

#include <jansson.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/rowstream.h"
#include "load/batch.h"
#include "load/batch_files.h"
#include "load/config.h"
#include "load/loadjob.h"

/*
 * Read all batches, then load each, and say so on out, up to @end. A batch
 * that fails is logged, and the next one has its turn; in the end there is
 * one error for all of them, of the code that is worst.
 */
int batch_load_all(const struct config *config, struct rowstream_writer *out, struct error *err)
	__attribute__((warn_unused_result));

/* --- objects that are too many for one job (batch_temporary.c) ---------------------------------- */

/* One load; everything is borrowed. */
struct batch_load {
	struct api *api; /* of BigQuery */
	const struct batch *batch;
	struct batch_files files;
	const char *project, *location; /* that runs jobs */
	json_t *labels;
	struct loadjob job;     /* that commits */
	struct billing billing; /* of it, where it is a query */
};

/*
 * Several jobs load them into a temporary table beside the destination, and
 * one statement, which is atomic, brings all rows over, as the job that
 * commits. A rerun goes on where the last one ended. The results are
 * loadjob_settle's; the count of rows is proven.
 */
int batch_temporary_load(struct batch_load *l, json_t **done, bool *adopted, struct error *err)
	__attribute__((warn_unused_result));

/*
 * What a load job says must be there, and of that many objects. ERR_PROTOCOL
 * when it counts others, or no rows.
 */
int batch_prove(const json_t *job, const char *id, int64_t objects, struct error *err)
	__attribute__((warn_unused_result));

#endif
