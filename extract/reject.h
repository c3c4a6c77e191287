/*
 * Rows that BigQuery could not hold: counted, said, and written to --rejects
 * as {"@reject":{"table","key":{…},"column","value","reason"}} lines.
 */
#ifndef SLUICE_EXTRACT_REJECT_H
#define SLUICE_EXTRACT_REJECT_H

#include <stddef.h>
#include <stdint.h>

#include "extract/encode.h"
#include "lib/buf.h"
#include "lib/error.h"

enum { REJECT_VALUE_MAX = 1024 };

struct rejects {
	const char *path; /* NULL: none */
	int fd;
	int64_t max; /* -1: any number */
	uint64_t count;
	const char *table;
	struct buf line;
};

/* Opens the file, emptied, so that a bad path is found before the first row. */
int rejects_open(struct rejects *r, const char *path, int64_t max, const char *table,
		 struct error *err) __attribute__((warn_unused_result));

/*
 * One row that is not sent. column is NULL when the row as a whole is the
 * reason. key[0..key_count) are indexes into columns and cells. ERR_DATA once
 * there are more than max, naming table, key, column and reason.
 */
int rejects_add(struct rejects *r, const struct column *columns, const struct cell *cells,
		const size_t *key, size_t key_count, const struct column *column,
		const char *reason, struct error *err) __attribute__((warn_unused_result));

/* fsync and close; must have succeeded before @end is written. */
int rejects_close(struct rejects *r, struct error *err) __attribute__((warn_unused_result));

/* Close without a word, after another failure. */
void rejects_release(struct rejects *r);

#endif
