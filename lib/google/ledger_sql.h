/*
 * The GoogleSQL of a ledger that is a table. Values go in as parameters,
 * never as text. Names are checked by destination_parse: no backquote, no
 * backslash, no line end is in them.
 */
#ifndef SLUICE_LIB_GOOGLE_LEDGER_SQL_H
#define SLUICE_LIB_GOOGLE_LEDGER_SQL_H

#include <jansson.h>

#include "lib/buf.h"
#include "lib/error.h"

/* name is "project.dataset.table" everywhere. */

/* A script: the table, and the views NAME_runs and NAME_tables, where they are missing. */
int ledger_sql_create(const char *name, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Why statements on the table, whose resource that is, must fail: it is not
 * of this shape. ERR_CONFIG. 0: that is not the reason.
 */
int ledger_sql_check(const char *name, const json_t *resource, struct error *err)
	__attribute__((warn_unused_result));

/* configuration.query of the statement that adds the entries, of an array, in their order. */
int ledger_sql_insert(const char *name, const json_t *entries, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* The body of a jobs.query for what ledger_read promises; its rows are for ledger_sql_entry. */
int ledger_sql_select(const char *name, const char *table, const char *run, const char *location,
		      json_t **ret, struct error *err) __attribute__((warn_unused_result));

/* As ledger_sql_select, for ledger_read_done: one column, the run. */
int ledger_sql_select_done(const char *name, const char *table, const char *location, json_t **ret,
			   struct error *err) __attribute__((warn_unused_result));

/* As ledger_sql_select, for ledger_read_outcomes. */
int ledger_sql_select_outcomes(const char *name, const json_t *tables, const json_t *runs,
			       const char *location, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* An entry from a row of the two queries for entries, as jobs.query and getQueryResults give it. ERR_PROTOCOL. */
int ledger_sql_entry(const json_t *row, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
