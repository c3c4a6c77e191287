/*
 * Inserts rows of cells into a physical table with one prepared statement, counts them and their bytes, and holds
 * every row to the partition that a `$decorator` named. Used inside the caller's transaction.
 */
#ifndef LOCALCLOUD_ROWS_H
#define LOCALCLOUD_ROWS_H

#include "tests/localcloud/partition.h"
#include "tests/localcloud/store.h"
#include "tests/localcloud/value.h"

struct rows {
	struct store *store;
	sqlite3_stmt *insert;
	struct column *columns; /* compiled from the table's schema; owned */
	size_t n_columns;
	struct cell *cells;                /* one per column, to be filled before rows_put */
	struct buf scratch;                /* of the cells; cleared by rows_put */
	const struct partition *partition; /* borrowed, or NULL */
	long partition_column;             /* index, or -1 */
	bool ingestion_time;               /* the table has _PARTITIONTIME */
	int64_t ingested_us;               /* its value for these rows */
	int64_t count, bytes;
};

int rows_open(struct rows *r, struct store *store, const char *physical, const json_t *table,
	      const struct partition *partition, struct api_error *err);
void rows_close(struct rows *r);
int rows_put(struct rows *r, struct api_error *err);

#endif
