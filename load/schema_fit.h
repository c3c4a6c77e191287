/*
 * Does a stream's schema fit an existing table, and what must the load job
 * say about it? No network.
 *
 * Loaded into existing columns unchanged: the same type; DATETIME into
 * TIMESTAMP (read as UTC); INTEGER into NUMERIC, BIGNUMERIC or FLOAT; NUMERIC
 * into BIGNUMERIC; and, with allow_lossy, NUMERIC and BIGNUMERIC into FLOAT or
 * into a column of fewer digits behind the point. REPEATED likewise, element
 * by element.
 * A column that the stream lacks keeps its place and gets NULL. With widen, a
 * column that is too narrow for the stream's type gets a wider one.
 */
#ifndef SLUICE_LOAD_SCHEMA_FIT_H
#define SLUICE_LOAD_SCHEMA_FIT_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/schema.h"

struct schema_rules {
	bool add;   /* new columns may be added (NULLABLE) */
	bool relax; /* REQUIRED may become NULLABLE */
	bool widen; /* types may become wider, see schema_widen.h */
	bool allow_lossy;
	bool keys_only; /* nothing is written but into rows that are there: nothing changes */
};

struct schema_fit {
	json_t *fields; /* for the job: the existing columns, changed where needed, then the new ones */
	bool adds;      /* needs ALLOW_FIELD_ADDITION */
	bool relaxes;   /* needs ALLOW_FIELD_RELAXATION */
	json_t *widens; /* the columns that must be wider before: {"name": "NUMERIC"}; NULL: none */
};

/* ERR_DATA: a diff, a line per column that does not fit. ret->fields and ret->widens are the caller's. */
int schema_fit(const struct schema *stream, const struct schema *table,
	       const struct schema_rules *rules, struct schema_fit *ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
