/*
 * `table$20240101`, `table$__NULL__`: which rows belong to the partition that a decorator names. Plain data, nothing
 * owned.
 */
#ifndef LOCALCLOUD_PARTITION_H
#define LOCALCLOUD_PARTITION_H

#include "tests/localcloud/civil.h"
#include "tests/localcloud/store.h"
#include "tests/localcloud/value.h"

struct partition {
	char id[16];      /* the decorator */
	bool null;        /* the rows whose column is NULL; the bounds then mean nothing */
	char field[1204]; /* partitioning column; empty: ingestion time */
	int64_t from_us, to_us;
	char from_text[CIVIL_TEXT_MAX],
		to_text[CIVIL_TEXT_MAX]; /* the same bounds for DATE and DATETIME cells */
};

/* Checks the decorator against the table's timePartitioning. */
int partition_parse(const char *decorator, const json_t *table, struct partition *ret,
		    struct api_error *err);
bool partition_holds(const struct partition *p, const struct cell *cell, const struct buf *scratch);
/* Deletes the rows of the partition. */
int partition_clear(const struct partition *p, struct store *store, const char *physical,
		    struct api_error *err);

/* Start of the partition that the instant lies in, for ingestion time; type is DAY, HOUR, MONTH or YEAR. */
int64_t partition_floor(const char *type, int64_t us);

#endif
