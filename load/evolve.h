/*
 * Columns that must be wider before a load: what jobs of other kinds do to a
 * schema (adding, relaxing), a load job does itself.
 */
#ifndef SLUICE_LOAD_EVOLVE_H
#define SLUICE_LOAD_EVOLVE_H

#include <jansson.h>

#include "lib/error.h"
#include "lib/google/destination.h"
#include "load/loadjob.h"

/*
 * Whether the table can have its columns widened like that: not those that
 * partition or cluster it. widens as in struct schema_fit, or NULL. ERR_DATA.
 */
int evolve_check(const json_t *table, const json_t *widens, struct error *err)
	__attribute__((warn_unused_result));

/* ALTER TABLE as the next attempt of job. widens as in struct schema_fit, or NULL: nothing to do. */
int evolve_widen(struct loadjob *job, const struct destination *d, const json_t *widens,
		 const json_t *labels, struct error *err) __attribute__((warn_unused_result));

#endif
