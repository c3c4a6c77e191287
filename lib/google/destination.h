/*
 * The table that a load goes to, and how it is to be partitioned if it has
 * to be created. Parsing only; no network.
 */
#ifndef SLUICE_LIB_GOOGLE_DESTINATION_H
#define SLUICE_LIB_GOOGLE_DESTINATION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/schema.h"

/* Strings are owned. */
struct destination {
	char *project; /* NULL until known: the operand may leave it out */
	char *dataset;
	char *table;     /* without a decorator */
	char *decorator; /* "20240131" of t$20240131, "__NULL__" of t$__NULL__, or NULL */
};

/* [PROJECT:]DATASET.TABLE[$PARTITION], or PROJECT.DATASET.TABLE. ERR_USAGE. */
int destination_parse(const char *text, struct destination *ret, struct error *err)
	__attribute__((warn_unused_result));
void destination_release(struct destination *d);

/* "project.dataset.table[$partition]"; the caller's to free. NULL when memory is out. */
char *destination_name(const struct destination *d);

/* How a new table is laid out; the strings are borrowed from the options. */
struct layout {
	const char *partition_by; /* COL[:DAY|HOUR|MONTH|YEAR] or COL:START:END:STEP, or NULL */
	const char *cluster_by;   /* A,B, or NULL */
	int64_t partition_expiration_ms; /* 0: none */
	bool require_partition_filter;
};

/*
 * Put timePartitioning or rangePartitioning, and clustering, into a load
 * configuration. ERR_USAGE for a malformed value or a combination that
 * BigQuery does not have, ERR_DATA for a column that is not in the schema or
 * whose type does not allow it.
 */
int layout_apply(const struct layout *l, const struct schema *schema, json_t *load,
		 struct error *err) __attribute__((warn_unused_result));

/*
 * An existing table cannot be laid out anew: ERR_DATA, naming both, when what
 * layout_apply put into `load` is not what the table has.
 */
int layout_check(const json_t *load, const json_t *table, struct error *err)
	__attribute__((warn_unused_result));

#endif
