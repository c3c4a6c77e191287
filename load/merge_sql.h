/*
 * The statements of --write merge, as text; no network.
 *
 * Names go into them in backquotes, whatever they are: reserved words, BigQuery's flexible names, the table's own name.
 */
#ifndef SLUICE_LOAD_MERGE_SQL_H
#define SLUICE_LOAD_MERGE_SQL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/google/bigquery.h"
#include "lib/schema.h"

/* A range of the target's partitions, as BigQuery's CAST AS STRING writes its ends. Borrowed. */
struct merge_partition {
	const char *column;
	enum schema_type type;       /* DATE, DATETIME, TIMESTAMP or INTEGER */
	const char *least, *largest; /* both NULL: the source has only NULL */
	bool nulls;                  /* the source has NULL too */
	bool whole;                  /* all of it: the target wants a filter, and gets one */
};

/* What becomes of the target's rows whose key the source lacks. */
enum merge_missing { MISSING_STAY, MISSING_DELETE, MISSING_MARK };

/* Everything is borrowed. */
struct merge_sql {
	struct bigquery_table target, source;
	const struct schema *table;   /* of the target */
	const struct schema *columns; /* of the source: those that are written */
	char *const *key;
	size_t key_count;
	const char *cursor;                      /* or NULL */
	const struct merge_partition *partition; /* read only this part of the target; or NULL */
	enum merge_missing missing;
	const char *mark; /* the target's column that says which rows are deleted; or NULL */
	enum schema_type mark_type; /* BOOLEAN: true; TIMESTAMP: when */
	bool keys_only;             /* nothing is inserted, and nothing but the mark updated */
};

/* The MERGE itself. */
int merge_sql_statement(const struct merge_sql *m, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* As a MERGE with a source of no rows, MISSING_MARK: every row of the target is marked. */
int merge_sql_mark_all(const struct merge_sql *m, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* One row, of the key's values as text and how often they are there, when a key is there twice. */
int merge_sql_duplicates(const struct merge_sql *m, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

/* One row: the least and the largest value of a column of the source as text, and the count of NULLs. */
int merge_sql_bounds(const struct merge_sql *m, const char *column, struct buf *out,
		     struct error *err) __attribute__((warn_unused_result));

#endif
