/*
 * What the batches of one bqload share: connections, the ledger, and what has
 * been found out once for all of them.
 *
 * With a ledger a batch that is loaded is not done with at once: its entry
 * `done` is written in one statement with the entry `submitted` of the next
 * batch, and only then it is said on stdout. In between nothing is lost: who
 * comes next finds the job by its id. batch_ledger_settle writes it by itself.
 */
#ifndef SLUICE_LOAD_BATCH_LOADER_H
#define SLUICE_LOAD_BATCH_LOADER_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/ledger.h"
#include "lib/google/storage_lock.h"
#include "lib/rowstream.h"
#include "load/batch.h"
#include "load/config.h"

struct batch_loader {
	const struct config *config;
	struct rowstream_writer *out;
	struct api bigquery, storage;
	json_t *labels;
	struct api_options ledger_api;
	char *project;         /* of the ledger's jobs */
	struct ledger *ledger; /* or NULL: there is none, or it is a dry run */
	json_t *outcomes;      /* arrays of the ledger's entries, by batch_ledger_key */
	json_t *locations;     /* of datasets, by "PROJECT:DATASET"; null: it does not say */
	json_t *partitioned;   /* the tables that are, by "PROJECT:DATASET.TABLE" */
	/* The batch that is loaded and not done with (NULL: none), its entry, and its @loaded. */
	const struct batch *unsaid;
	json_t *entry, *record;
	/* The lock that is held, and whose it is, of a batch; or NULL. */
	struct storage_lock *lock;
	const char *locked;
	json_t *blocked; /* exit statuses, by the lock of a batch that failed: none behind it is begun */
	/* Of all batches: how many there are, and how many have failed. */
	size_t all, failed;
	struct error error; /* the last one's, with the code that is worst */
	bool fatal;         /* that ends all: nothing more can be done */
};

/* Load one, once (batch_load.c). */
int batch_load_one(struct batch_loader *s, struct batch *b, struct error *err)
	__attribute__((warn_unused_result));

/* Count it and say it (batch_run.c). */
void batch_failed(struct batch_loader *s, const struct batch *b, struct error *why);

/* --- the ledger (batch_ledger.c) ---------------------------------------------------------------- */

/* Ask once what it knows of the ends of these; nothing else of it is read. */
int batch_ledger_ask(struct batch_loader *s, struct batch *batches, size_t count, struct error *err)
	__attribute__((warn_unused_result));

/* The batch's entries in s->outcomes; NULL: none. */
const json_t *batch_ledger_known(const struct batch_loader *s, const char *table, const char *id);

/* Finish with the batch that is not done with, if there is one; what fails is batch_failed. */
void batch_ledger_settle(struct batch_loader *s);

#endif
