/*
 * What bqload checks of every row while it reads: one JSON object of valid
 * syntax and UTF-8, only columns of the schema, each once, no REQUIRED one
 * missing or null. BigQuery reports five errors at most and names no row;
 * this names line and column. Whether a value fits its column's type is
 * BigQuery's to judge.
 *
 * A checker owns its tables and borrows the schema. Rows allocate nothing.
 */
#ifndef SLUICE_LIB_ROWCHECK_H
#define SLUICE_LIB_ROWCHECK_H

#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/schema.h"

struct rowcheck;

int rowcheck_new(const struct schema *schema, struct rowcheck **ret, struct error *err)
	__attribute__((warn_unused_result));
void rowcheck_free(struct rowcheck *c);

/*
 * row[length] is '\n', and ROWSTREAM_PADDING more bytes can be read, as
 * rowstream_next lends rows. ERR_DATA names line_number, the column where
 * there is one, and the byte.
 */
int rowcheck_row(struct rowcheck *c, const char *row, size_t length, uint64_t line_number,
		 struct error *err) __attribute__((warn_unused_result));

#endif
