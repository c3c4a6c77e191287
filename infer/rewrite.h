/*
 * The rows again, made to fit the schema: names, types, and what BigQuery
 * takes of null and arrays. A value that has no place in its column is
 * ERR_DATA, with line and column.
 */
#ifndef SLUICE_INFER_REWRITE_H
#define SLUICE_INFER_REWRITE_H

#include <stddef.h>
#include <stdint.h>

#include "infer/config.h"
#include "infer/record.h"
#include "lib/buf.h"

struct rewrite {
	const struct config *config;
	struct record *top;
	enum name_rule rule;
	struct buf *out; /* borrowed: a row is appended to it, without its line end */
};

/* One row, as rowstream_next lends it. On failure out may have a part of it. */
int rewrite_row(struct rewrite *w, const char *row, size_t length, uint64_t line, struct error *err)
	__attribute__((warn_unused_result));

struct csv;

/* One row of CSV; column[i] is the field of its i-th cell, NULL for one that is left out. */
int rewrite_csv_row(struct rewrite *w, const struct csv *csv, struct field *const *column,
		    size_t columns, struct error *err) __attribute__((warn_unused_result));

/*
 * A text as a scalar of a type, appended to out. 1: it is none. -1: memory is
 * out. quoted: where the type is STRING or BigQuery's own business it is
 * written in quotes.
 */
int fit_text(struct buf *out, enum schema_type type, const char *text, size_t length,
	     struct error *err) __attribute__((warn_unused_result));

/* The text in quotes, escaped where JSON needs it. */
int fit_string(struct buf *out, const char *text, size_t length, struct error *err)
	__attribute__((warn_unused_result));

#endif
