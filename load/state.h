/*
 * What the ledger says of a table: how runs ended, and which did not. Entries
 * are ledger_read's; what is handed out of them is lent.
 *
 * A submission without outcome is a run that died, or is about to commit: its
 * job is looked up, waited for, and its outcome written. A job that is not
 * there gets some time to come; then its id is taken away (loadjob_fence),
 * so that a process that still lives cannot start it behind our back.
 *
 * The same is done where the rows of a merge went through Cloud Storage on
 * their way into its temporary table, and the run said nothing more: only so
 * is it known that nobody reads the objects any more.
 */
#ifndef SLUICE_LOAD_STATE_H
#define SLUICE_LOAD_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/ledger.h"

/* The run's newest entry of that state, of any step; NULL when there is none. */
const json_t *state_of_run(const json_t *entries, const char *run, const char *state);

/* The submission with that nonce, or NULL. */
const json_t *state_submission(const json_t *entries, const char *nonce);

/* How the ledger calls a load of keys alone (--keys-only): it brings no rows, so it moves no cursor. */
#define STATE_RECONCILE "reconcile"

/* The table's load of rows that was done last, or NULL. */
const json_t *state_last_done(const json_t *entries, const char *table);

/* The load that was done last of those that left nothing in the table but what was at the source; or NULL. */
const json_t *state_last_reconciled(const json_t *entries, const char *table);

/*
 * The table's newest entry that says that a run went wrong, if it came after
 * the last that was done (NULL: none was); or NULL. *count: how many did.
 */
const json_t *state_failure(const json_t *entries, const char *table, const json_t *done,
			    int64_t *count);

/* The index-th entry is a submission without outcome, and no earlier one names its job. */
bool state_is_open(const json_t *entries, size_t index);

/* Is there one of another run than that? */
bool state_is_open_but(const json_t *entries, const char *run);

/* The table's newest submission without outcome, or NULL. */
const json_t *state_unfinished(const json_t *entries, const char *table);

/* Is there anything for state_settle to do, but of that run (which may be NULL)? */
bool state_is_unsettled(const json_t *entries, const char *but_run);

/* The end of a load; all of it is borrowed. */
struct state_end {
	const char *table, *run, *step, *write;
	const char *job;        /* "project:location.id", or NULL */
	const json_t *resource; /* of that job, or NULL */
	const json_t *cursor;   /* of the rows that it holds, or NULL */
	int64_t elapsed_ms;     /* without a resource: how long ago the run began */
};

/* The entry that says that it is done. New reference; NULL when memory is out. */
json_t *state_done_entry(const struct state_end *end);

int state_write_done(struct ledger *l, const struct state_end *end, struct error *err)
	__attribute__((warn_unused_result));

/* sent: rows of the stream, -1 where nobody knows; why has the message and the exit status. */
int state_write_mismatch(struct ledger *l, const struct state_end *end, int64_t sent,
			 const struct error *why, struct error *err)
	__attribute__((warn_unused_result));

/* nonce tells the failures of one run apart where there is no job. */
int state_write_failed(struct ledger *l, const struct state_end *end, const char *nonce,
		       const struct error *why, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Settle all submissions without outcome but those of that run (or NULL), and
 * remove the objects that their runs have staged (storage: for that). A
 * process gets as long to start a job that it has announced as api repeats
 * requests; at most a minute.
 */
int state_settle(struct ledger *l, struct api *api, const struct api_options *storage,
		 const json_t *entries, const char *but_run, struct error *err)
	__attribute__((warn_unused_result));

/* Remove the objects that submissions of the run name: its jobs have ended. Fails with a warning. */
void state_remove_objects(const json_t *entries, const char *run,
			  const struct api_options *storage);

#endif
