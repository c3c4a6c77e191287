/*
 * Names: a table as the user writes it, lists of columns, SQL quoting, and
 * BigQuery's rules for column names.
 */
#ifndef SLUICE_EXTRACT_NAMES_H
#define SLUICE_EXTRACT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/error.h"

struct column;

/* [SCHEMA.]TABLE; both strings are owned, schema is NULL when it was not given. */
struct table_name {
	char *schema;
	char *table;
};

/*
 * Taken literally, case kept; a part in quotes (the driver's: '"' or '`')
 * follows SQL quoting ("a.b", "say ""hi"""). More than two parts, or an empty
 * one, is ERR_USAGE.
 */
int names_parse_table(const char *text, char quote, struct table_name *ret, struct error *err)
	__attribute__((warn_unused_result));
void names_release_table(struct table_name *name);

/*
 * A,B,C: the names literally; one with a comma or a quote in it stands in
 * double quotes, as above. A NULL-terminated vector, free with names_free_list.
 */
int names_parse_list(const char *text, char ***ret, size_t *count, struct error *err)
	__attribute__((warn_unused_result));
void names_free_list(char **list);

/*
 * COL or COL=REST, COL as in a list; the '=' is the last one (or else the
 * first one) outside of double quotes. *name is allocated; *rest is behind the
 * '=', or NULL without one.
 */
int names_parse_assignment(const char *text, bool last, char **name, const char **rest,
			   struct error *err) __attribute__((warn_unused_result));

/* "schema.table", or the table alone where schema is NULL; allocated. NULL: out of memory. */
char *names_label(const char *schema, const char *table, struct error *err);

/* ERR_NOINPUT, naming it as it was given. -1. */
int names_no_such_table(const struct table_name *table, struct error *err);

/* Append name between quote characters, those inside it doubled. */
int names_quote(struct buf *out, const char *name, char quote, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Set each column's name. A source name stays when it is
 * [A-Za-z_][A-Za-z0-9_]{0,299} and does not begin as BigQuery's own columns
 * do; otherwise it is rewritten, with a warning. flexible: names that BigQuery
 * takes as flexible column names stay too. Two names that are equal but for
 * case are ERR_DATA, and the message has both.
 */
int names_for_bigquery(struct column *columns, size_t count, bool flexible, struct error *err)
	__attribute__((warn_unused_result));

#endif
