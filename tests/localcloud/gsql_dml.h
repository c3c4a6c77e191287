/*
 * Statements that change something. Each takes a parsed statement, translates it, runs it unless the request is a dry
 * run, and adds to g->result. An error leaves through gsql_fail; gsql_run then goes back to its savepoint.
 */
#ifndef LOCALCLOUD_GSQL_DML_H
#define LOCALCLOUD_GSQL_DML_H

#include "tests/localcloud/gsql_emit.h"

void gsql_run_dml(struct gsql *g, const struct gsql_statement *s);
void gsql_run_merge(struct gsql *g, const struct gsql_statement *s, struct gsql_table *t);
void gsql_run_ddl(struct gsql *g, const struct gsql_statement *s);
void gsql_run_alter(struct gsql *g, const struct gsql_statement *s);
/* OPTIONS(…) of a table, view or dataset into its resource. */
void gsql_set_options(struct gsql *g, json_t *resource, const struct gsql_options *options);
/* New reference: the TableFieldSchema of a column as it is declared. */
json_t *gsql_column_json(struct gsql *g, const struct gsql_column_def *c);

/* gsql_exec unless this is a dry run, which gives 0. */
int64_t gsql_change(struct gsql *g, const char *sql);
/* The SQL of a value for a column: converted as an assignment, with the checks of the column's type and mode. */
const char *gsql_assign(struct gsql *g, struct gsql_value v, const struct gsql_field *f,
			struct gsql_pos pos);
/* The same for an expression, which may be DEFAULT. */
const char *gsql_assign_expr(struct gsql *g, struct gsql_scope *scope, const struct gsql_expr *e,
			     const struct gsql_field *f);
/* Index of a column; an unknown name is an error. */
size_t gsql_column_index(struct gsql *g, const struct gsql_table *t, const char *name,
			 struct gsql_pos pos);
/* For each column of the table the SQL that INSERT puts there, from values for the listed columns (NULL: all). */
const char *gsql_insert_list(struct gsql *g, const struct gsql_table *t,
			     const struct gsql_insert *insert, const struct gsql_value *values,
			     const struct gsql_expr *const *exprs, size_t n, struct gsql_pos pos);
/* ("a","b",…) of all columns, with _PARTITIONTIME where the table has it. */
const char *gsql_all_columns(struct gsql *g, const struct gsql_table *t);
/* The target of a DML statement as a FROM item. */
struct gsql_from *gsql_target(struct gsql *g, const struct gsql_statement *s);
/* "c" = temp."@name"."@1", … for UPDATE … FROM. */
const char *gsql_set_list(struct gsql *g, const struct gsql_assignment *set, size_t n,
			  const char *from);
/* Of the target t of statement s. */
void gsql_check_assignments(struct gsql *g, const struct gsql_statement *s,
			    const struct gsql_table *t, const struct gsql_assignment *set,
			    size_t n);

#endif
