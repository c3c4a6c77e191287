/*
 * Rows of cells on their way into a physical table: they are kept in memory, counted and held to the partition that a
 * `$decorator` named, without any lock; rows_write then inserts what was kept, inside the caller's transaction.
 *
 * To add a row: rows_begin, fill cells (texts in the input or in scratch), rows_keep, which copies what lies in the
 * input. Whoever keeps rows writes them when rows_full says so: that bounds the memory.
 */
#ifndef LOCALCLOUD_ROWS_H
#define LOCALCLOUD_ROWS_H

#include "tests/localcloud/partition.h"
#include "tests/localcloud/store.h"
#include "tests/localcloud/value.h"

struct rows {
	struct column *columns; /* compiled from the table's schema; owned */
	size_t n_columns;
	struct cell *cells;   /* of the row being read, one per column */
	struct buf scratch;   /* of the kept rows' cells, then of the row being read */
	size_t scratch_start; /* where the latter begins */
	struct cell *kept;    /* n_columns a row */
	size_t kept_rows, kept_room;
	const struct partition *partition; /* borrowed, or NULL */
	long partition_column;             /* index, or -1 */
	bool ingestion_time;               /* the table has _PARTITIONTIME */
	int64_t ingested_us;               /* its value for these rows */
	int64_t count, bytes;              /* of all rows so far, written or not */
};

int rows_open(struct rows *r, const json_t *table, const struct partition *partition,
	      struct api_error *err);
void rows_close(struct rows *r);
/* Forgets a row that was begun and not kept. */
void rows_begin(struct rows *r);
int rows_keep(struct rows *r, struct api_error *err);
bool rows_full(const struct rows *r);
/* Inserts the kept rows and forgets them. */
int rows_write(struct rows *r, struct store *store, const char *physical, struct api_error *err);

#endif
