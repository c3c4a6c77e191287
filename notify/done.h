/*
 * Which batches have been loaded, as bqload's ledger knows: by the batch's id,
 * which is the run id there.
 */
#ifndef SLUICE_NOTIFY_DONE_H
#define SLUICE_NOTIFY_DONE_H

#include "lib/error.h"
#include "lib/google/api.h"

struct done;

/*
 * ledger: its name, as bqload's --ledger; project: runs its queries, or NULL.
 * Both are borrowed; bigquery for this call.
 */
int done_new(const char *ledger, const char *project, const struct api_options *bigquery,
	     struct done **ret, struct error *err) __attribute__((warn_unused_result));
void done_free(struct done *d);

/*
 * 1: the batch has been loaded into the table, or into a partition of it; 0: it
 * has not. The ledger is asked once for each table, until done_forget.
 */
int done_has(struct done *d, const char *table, const char *id, struct error *err)
	__attribute__((warn_unused_result));

void done_forget(struct done *d);

#endif
