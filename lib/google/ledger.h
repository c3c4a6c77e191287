/*
 * What was loaded, when, and up to where: a log of entries that only grows,
 * in a BigQuery table or in a file.
 *
 * An entry is a JSON object; its members are the table's columns, and absent
 * where they are NULL (docs/ledger.md):
 *   id       a digest of table, run, step, state and what it is about: the
 *            same thing is said once, whoever says it and how often
 *   at       when it was written, RFC 3339 in UTC
 *   table    "project.dataset.table[$partition]"
 *   run      the run id
 *   step     "load", or "stage": rows on their way into a temporary table
 *   state    "submitted", "done", "failed", "mismatch"
 *   job      "project:location.id"
 *   nonce    of the submission, as in the job's label
 *   write    append, truncate, empty, merge; reconcile: only the keys were
 *            read, for what is gone at the source
 *   rows     of the stream; of done, what the job loaded
 *   bad      rows that it refused
 *   counted  of mismatch: the rows that the job counts
 *   cursor   the object of @end
 *   objects  of a staged load: where its objects are
 *   error, exit   of failed and mismatch
 *   ended    of done: the end of the job; where there was none, the moment
 *            elapsed_ms before `at`: an entry for ledger_write has that member
 *            instead
 *
 * An entry is durable and seen by every reader once ledger_write has
 * returned. After a failure it may have been written or not; to write it
 * again does no harm.
 */
#ifndef SLUICE_LIB_GOOGLE_LEDGER_H
#define SLUICE_LIB_GOOGLE_LEDGER_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/google/api.h"

struct ledger;

/* Borrowed, and for as long as the ledger is open. */
struct ledger_options {
	const char *name;    /* [PROJECT.]DATASET.TABLE, PROJECT:DATASET.TABLE, or file:PATH */
	const char *project; /* runs the jobs, and has the dataset of a name without one */
	bool create;         /* what is missing of dataset, table and views, at the first reading */
	const char *location; /* of a new dataset, or NULL */
	const struct api_options *api;
};

/* The name is that of a file: no project is needed. */
bool ledger_is_file(const char *name);

/* ERR_USAGE: the name is none. Nothing is read or written yet. */
int ledger_open(const struct ledger_options *options, struct ledger **ret, struct error *err)
	__attribute__((warn_unused_result));
/* NULL is harmless. */
void ledger_close(struct ledger *l);

/* For messages. */
const char *ledger_name(const struct ledger *l);

/*
 * The entries of that table (NULL: of every table), oldest first, at least
 * these: all of the run (NULL: of none), submissions without outcome, those of
 * objects whose run has said no job's end since, the last done one of each way
 * of writing, the last failed one and mismatch, the last one. Each has two
 * further members: age_ms, and failures, how many of its table's entries up to
 * it are failed or mismatch.
 * ERR_DATA: a file that was damaged; ERR_PERM, ERR_TEMP … as BigQuery says.
 */
int ledger_read(struct ledger *l, const char *table, const char *run, json_t **ret,
		struct error *err) __attribute__((warn_unused_result));

/*
 * The run ids that are done, of that table and of all its partitions, as the
 * members of a new object.
 */
int ledger_read_done(struct ledger *l, const char *table, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * What is known of the ends of those runs of those tables (both arrays of
 * strings): their entries done, failed and mismatch, oldest first, each with
 * age_ms. One question for all of them; what is too much for one is the
 * caller's to divide.
 */
int ledger_read_outcomes(struct ledger *l, const json_t *tables, const json_t *runs, json_t **ret,
			 struct error *err) __attribute__((warn_unused_result));

/*
 * Write it, once; id and at are put into it. ERR_IO: the file cannot be
 * written. Otherwise as ledger_read.
 */
int ledger_write(struct ledger *l, json_t *entry, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Write both at once, `next` as the later one. It must be one that nobody else
 * writes (a submission: its nonce is this process's). After a failure each may
 * have been written or not.
 */
int ledger_write_both(struct ledger *l, json_t *entry, json_t *next, struct error *err)
	__attribute__((warn_unused_result));

/* A new entry; what is NULL is left out. NULL when memory is out. */
json_t *ledger_entry(const char *table, const char *run, const char *step, const char *state,
		     const char *job, const char *nonce);

/* A member that is a string; NULL when it has none. */
const char *ledger_text(const json_t *entry, const char *member);

/* The entry has that state and is of the load, or that of the temporary table. */
bool ledger_is(const json_t *entry, const char *step, const char *state);

#endif
