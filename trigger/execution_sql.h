/*
 * The GoogleSQL of the table of executions. Values go in as parameters, never
 * as text; names are checked by destination_parse. A row is a JSON object
 * whose members are columns, absent where they are NULL.
 */
#ifndef SLUICE_TRIGGER_EXECUTION_SQL_H
#define SLUICE_TRIGGER_EXECUTION_SQL_H

#include <jansson.h>

#include "lib/buf.h"
#include "lib/error.h"

/* name is "project.dataset.table" everywhere. */

/* A script: the table and its view, where they are missing. */
int execution_sql_create(const char *name, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* The view alone. */
int execution_sql_create_view(const char *name, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* ERR_CONFIG, naming the columns: the table of that resource has not these. */
int execution_sql_check(const json_t *resource, struct error *err)
	__attribute__((warn_unused_result));

/* configuration.query of the statement that adds the row; "updated" is the server's time. */
int execution_sql_insert(const char *name, const json_t *row, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* The body of a jobs.query for the rows of that run, oldest first. */
int execution_sql_select(const char *name, const char *run_id, const char *location, json_t **ret,
			 struct error *err) __attribute__((warn_unused_result));

/* A row of that query. ERR_PROTOCOL. */
int execution_sql_row(const json_t *row, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
