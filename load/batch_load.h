/*
 * `bqload` without a destination: loads the batches that standard input
 * names, one after the other.
 */
#ifndef SLUICE_LOAD_BATCH_LOAD_H
#define SLUICE_LOAD_BATCH_LOAD_H

#include <jansson.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/ledger.h"
#include "lib/rowstream.h"
#include "load/batch.h"
#include "load/batch_files.h"
#include "load/batch_loader.h"
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
	struct batch_loader *loader;
	struct api *api; /* of BigQuery */
	const struct batch *batch;
	struct batch_files files;
	char *project;        /* that runs jobs */
	const char *location; /* where they run; or NULL */
	char *found_location; /* the dataset's */
	json_t *labels;
	struct loadjob job;     /* that commits */
	struct billing billing; /* of it, where it is a query */
	char *table;            /* destination_name */
};

/*
 * Several jobs load them into a temporary table beside the destination, and
 * one statement, which is atomic, brings all rows over, as the job that
 * commits. A rerun goes on where the last one ended. The results are
 * loadjob_settle's; the count of rows is proven.
 */
int batch_temporary_load(struct batch_load *l, json_t **done, bool *adopted, struct error *err)
	__attribute__((warn_unused_result));

/* --- statements in place of a load (batch_sql.c) ----------------------------------------------- */

/*
 * Run the statements one after the other, each once; the last one is the job
 * that commits. In each, {dest_dataset} and {dest_table} stand for the
 * destination. l->files are of one job. The results are loadjob_settle's.
 */
int batch_sql_run(struct batch_load *l, json_t **done, bool *adopted, struct error *err)
	__attribute__((warn_unused_result));

/* --- the ledger (batch_ledger.c); where there is none, nothing is written ---------------------------- */

/*
 * Have the job that commits announced there. *known: that the batch is done,
 * borrowed of the loader; else NULL. ERR_PROTOCOL: it has ended in a mismatch.
 */
int batch_ledger_begin(struct batch_load *l, const json_t **known, struct error *err)
	__attribute__((warn_unused_result));

/*
 * It is loaded: say so there and, by record (taken), on stdout; now, or with what
 * comes next.
 */
int batch_ledger_done(struct batch_load *l, const json_t *job, json_t *record, struct error *err)
	__attribute__((warn_unused_result));

/* It failed: written down where it is sure that nothing was loaded, or that something was which should not. */
void batch_ledger_failed(struct batch_load *l, const json_t *job, const struct error *why);

/* Write @loaded, which is taken. */
int batch_say(struct batch_loader *s, const struct batch *b, json_t *record, struct error *err)
	__attribute__((warn_unused_result));

/*
 * What a load job says must be there, and of that many objects. ERR_PROTOCOL
 * when it counts others, or no rows.
 */
int batch_prove(const json_t *job, const char *id, int64_t objects, struct error *err)
	__attribute__((warn_unused_result));

#endif
