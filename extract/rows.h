/*
 * The row loop, the same for every database: cells from the driver become JSON
 * lines in the stream's buffer. Nothing in it allocates per row, knows a type,
 * or formats through the C library.
 */
#ifndef SLUICE_EXTRACT_ROWS_H
#define SLUICE_EXTRACT_ROWS_H

#include "extract/driver.h"
#include "extract/reject.h"
#include "lib/progress.h"
#include "lib/rowstream.h"

struct rows {
	const struct driver *driver;
	struct connection *connection;
	const struct column *columns;
	size_t count;
	const size_t *key; /* indexes into columns */
	size_t key_count;
	struct wait *wait;
	struct rowstream_writer *writer;
	struct rejects *rejects;
	struct progress progress;
};

/* From the first row to the server's word that it was the last; flushed. */
int rows_copy(struct rows *r, struct error *err) __attribute__((warn_unused_result));

#endif
