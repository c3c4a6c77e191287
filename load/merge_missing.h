/*
 * --delete-missing, --soft-delete and --keys-only: what a merge may conclude
 * from the keys that a stream lacks. A row is deleted only when a stream that
 * has proven that it is whole, and that it left no row out, does not have it.
 */
#ifndef SLUICE_LOAD_MERGE_MISSING_H
#define SLUICE_LOAD_MERGE_MISSING_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/schema.h"
#include "load/config.h"
#include "load/merge.h"

/* Fill missing, mark and keys_only of m. ERR_DATA: @begin does not say that the stream is full, … */
int merge_missing_init(struct merge *m, const struct config *config, const json_t *begin,
		       struct error *err) __attribute__((warn_unused_result));

/* ERR_DATA: rows were left out of the stream. Before anything of it is committed. */
int merge_missing_check_end(const struct merge *m, const json_t *end, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The labels of the stage job: those, and what a rerun must know of the
 * stream that is staged. New reference; NULL when memory is out.
 */
json_t *merge_missing_labels(const struct merge *m, const json_t *labels);

/* Do the rows of that stage job tell what is missing, as m needs it? */
bool merge_missing_is_told(const struct merge *m, const json_t *job);

/*
 * --keys-only: the destination must not have been written to since the keys
 * were read; rows that came in between would be taken for missing. staged: the
 * stage job, or NULL when there were no rows. ERR_TEMP: they must be read again.
 */
int merge_missing_check_age(const struct merge *m, const json_t *table, const json_t *staged,
			    struct error *err) __attribute__((warn_unused_result));

/*
 * The mark's column in the destination's schema. 1: it is there and *type is
 * its. 0: it is not, and field (for a patch) is appended to fields. ERR_DATA:
 * it is of another type, or may not be added.
 */
int merge_missing_mark(const struct merge *m, const struct schema *table, bool may_add,
		       json_t *fields, enum schema_type *type, struct error *err)
	__attribute__((warn_unused_result));

#endif
