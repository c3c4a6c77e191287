/*
 * --write merge: the rows go into a temporary table beside the destination,
 * by one load job, and one MERGE brings them over by their key. The MERGE is
 * the commit point: until it has ended nothing shows, but columns that were
 * added or relaxed.
 *
 * A stream that is all of its source also tells what is missing there; see
 * merge_missing.h.
 *
 * Both jobs have ids of their own, found again by a rerun. The temporary
 * table bears the name of its load job and expires by itself. A rerun takes
 * it as it is; where it is gone, it loads again.
 */
#ifndef SLUICE_LOAD_MERGE_H
#define SLUICE_LOAD_MERGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/destination.h"
#include "lib/schema.h"
#include "load/config.h"
#include "load/loadjob.h"
#include "load/merge_sql.h"
#include "load/plan.h"

/* The attempt of the stage job, on the MERGE. */
#define MERGE_STAGE_LABEL "sluice_stage"

struct merge {
	const struct destination *destination; /* borrowed */
	struct loadjob stage;                  /* loads the temporary table; its name too */
	struct loadjob *widen;                 /* makes columns wider; borrowed */
	char **key;                            /* owned, with its names; NULL-terminated */
	size_t key_count;
	const char *cursor, *immutable; /* or NULL; borrowed */
	enum merge_missing missing;
	const char *mark;      /* the column that says which rows are deleted, or NULL; borrowed */
	bool keys_only;        /* the rows are keys, and only tell what is missing */
	int64_t read_ms;       /* since 1970: when the source was read; -1: not known */
	struct schema *schema; /* that the rows must have */
	struct schema *staged; /* of the temporary table, once it holds them */
	json_t *load;          /* configuration.load of the stage job */
	json_t *labels;        /* of the stage job, without the nonce */
	bool created;          /* there is a temporary table to be dropped */
};

/*
 * What the rows are merged by: --key, else the key of @begin; --cursor, else
 * the column of its cursor. begin stays the caller's and must live as long.
 * ERR_USAGE: no key, a name twice, a partition as destination.
 */
int merge_init(struct merge *m, const struct config *config, const struct destination *d,
	       const json_t *begin, struct error *err) __attribute__((warn_unused_result));
void merge_release(struct merge *m);

/*
 * Are the rows of this run in a temporary table already? 1: *job loaded them,
 * m->staged is the table's schema. 0: m->stage is ours to use.
 */
int merge_find_staged(struct merge *m, json_t **job, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Does the temporary table hold the rows of that job? m->staged is then its
 * schema. ERR_TEMP: no; a rerun loads them again.
 */
int merge_check_staged(struct merge *m, const json_t *job, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The schema that the rows must have and the load job, from the plan for the
 * destination. stream: as plan_make had it. ERR_DATA: a key, cursor or
 * immutable column that is not there, or whose type cannot be compared.
 */
int merge_plan(struct merge *m, const struct plan *plan, const struct schema *stream,
	       int64_t max_bad_records, struct error *err) __attribute__((warn_unused_result));

/* Make the temporary table: sender's `before`, context is the merge. */
int merge_create_temporary(void *context, struct error *err) __attribute__((warn_unused_result));

/*
 * Bring the rows over: the destination is created or its schema evolved, the
 * rows are checked, then comes the MERGE under the id of `commit`, which is
 * left in *done. staged is the job that loaded the rows.
 */
int merge_run(struct merge *m, struct loadjob *commit, const struct plan_options *options,
	      const struct plan *plan, const json_t *staged, json_t **done, bool *adopted,
	      struct error *err) __attribute__((warn_unused_result));

/*
 * As merge_run, for a stream of no rows, which tells that all rows are
 * missing. Makes no job, and leaves *done alone, where the destination has
 * none either way.
 */
int merge_run_empty(struct merge *m, struct loadjob *commit, const struct plan_options *options,
		    const struct plan *plan, json_t **done, bool *adopted, struct error *err)
	__attribute__((warn_unused_result));

/* There was a temporary table of ours, and somebody has dropped it: another process of the run. */
bool merge_is_gone(const struct merge *m);

/* Drop the temporary table. Fails with a warning only: it expires by itself. */
void merge_drop(struct merge *m);

/* As merge_drop, after a MERGE that another process made. */
void merge_drop_of(struct merge *m, const json_t *done);

/* ERR_PROTOCOL when the MERGE changed more rows of the table than it had, where that can be told. */
int merge_prove_count(const json_t *done, const char *job_id, struct error *err)
	__attribute__((warn_unused_result));

#endif
