/*
 * What the parts of one run share: load.c opens and reports, load_rows.c
 * sends rows, load_merge.c goes by way of a temporary table, load_ledger.c
 * says to the ledger what is about to happen and what has happened.
 */
#ifndef SLUICE_LOAD_LOAD_IMPL_H
#define SLUICE_LOAD_LOAD_IMPL_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/google/stage.h"
#include "load/load.h"
#include "load/loadjob.h"
#include "load/sender.h"

/* How it ended. */
struct load_outcome {
	json_t *job; /* NULL: there was nothing to do */
	bool adopted;
};

/* l->api, also anew after it was cancelled and closed. */
int load_open_api(struct load *l, struct error *err) __attribute__((warn_unused_result));

/*
 * Widen the columns that the plan wants wider. Once it is sure that rows will
 * be loaded, and before the job that loads them is started. Has an api of its
 * own: l->api may be a sender's.
 */
int load_widen(struct load *l, struct error *err) __attribute__((warn_unused_result));

/* What this load will do, now that it is known that it is ours to do. */
int load_make_plan(struct load *l, struct error *err) __attribute__((warn_unused_result));

/* Read all rows, checked, into one of the two; both NULL: only check. */
int load_read_rows(struct load *l, struct sender *sender, struct stage *stage, struct error *err)
	__attribute__((warn_unused_result));

/* The rows of this run need not be read again: they may be others by now. */
int load_discard_rows(struct load *l, struct error *err) __attribute__((warn_unused_result));

/* Send the rows as that job, if there are any: else ret->job stays NULL. */
int load_send_rows(struct load *l, struct loadjob *job, json_t *configuration,
		   struct load_outcome *ret, struct error *err) __attribute__((warn_unused_result));

/* Of the job that takes the rows; borrowed. */
const json_t *load_labels(const struct load *l);

/* Emptying that TRUNCATE TABLE cannot do is done by a load of no bytes. */
bool load_needs_empty(const struct load *l);

/* --- with --stage (load_staged.c) ---------------------------------------------------------------- */

/* Take the options apart; nothing is sent. ERR_USAGE. */
int load_stage_options(struct load *l, struct error *err) __attribute__((warn_unused_result));

/* Before rows are read: stage_check_bucket, and the directory of the run. */
int load_stage_check(struct load *l, struct error *err) __attribute__((warn_unused_result));

/*
 * load_send_rows by way of Cloud Storage. Objects are removed but where it is
 * not known whether the job will read them (job->unknown): l->stage then says
 * which those are.
 */
int load_send_staged(struct load *l, struct loadjob *job, json_t *configuration,
		     struct load_outcome *ret, struct error *err)
	__attribute__((warn_unused_result));

/* The rows are where they belong: nothing that the run has staged is wanted any more. */
void load_stage_remove(const struct load *l);

/* A stream of no rows: truncate empties the table; else there is nothing but to create it. */
int load_nothing(struct load *l, struct load_outcome *ret, struct error *err)
	__attribute__((warn_unused_result));

/* --write append, truncate and empty. */
int load_append(struct load *l, struct load_outcome *ret, struct error *err)
	__attribute__((warn_unused_result));

/* --write merge. */
int load_merge(struct load *l, struct load_outcome *ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Open and read the ledger, if there is one: what other runs of this table
 * left unfinished is settled. l->known is set where this run is done already.
 * ERR_PROTOCOL: it has ended in a mismatch.
 */
int load_begin(struct load *l, struct error *err) __attribute__((warn_unused_result));

/*
 * The job is announced, under that id of an entry: wait for other runs of the
 * table that are, or give way to them (ERR_TEMP).
 */
int load_check_rivals(struct load *l, const char *own_id, struct error *err)
	__attribute__((warn_unused_result));

/* An appended increment begins where the ledger says that the table ends: else ERR_DATA. */
int load_check_increment(const struct load *l, struct error *err)
	__attribute__((warn_unused_result));

/* The job was submitted by another process: what it holds is what that one said of it. */
int load_hold_submission(struct load *l, const json_t *job, struct error *err)
	__attribute__((warn_unused_result));

/* Rows submitted must be rows counted by the job, which is done: else ERR_PROTOCOL, also to the ledger. */
int load_prove(struct load *l, const struct loadjob *j, const json_t *job, struct error *err)
	__attribute__((warn_unused_result));

/* The end of a run that went well, or was adopted: prove it, and write it down. */
int load_settle(struct load *l, const struct load_outcome *o, struct error *err)
	__attribute__((warn_unused_result));

/* The end of a run that failed: written down if it is sure that nothing was loaded. */
void load_fail(struct load *l, const struct load_outcome *o, const struct error *why);

#endif
