/*
 * Encodes what a client sent for a column (a JSON value or the text of a CSV field) into the physical cell of store.h,
 * with the checks that BigQuery makes. A cell's bytes lie in the input or in the scratch buffer of the caller, which
 * may move while it grows: cell_bytes() finds them when the row is complete.
 */
#ifndef LOCALCLOUD_VALUE_H
#define LOCALCLOUD_VALUE_H

#include "lib/buf.h"
#include "tests/localcloud/jscan.h"
#include "tests/localcloud/schema.h"

#include <sqlite3.h>
#include <stdint.h>

enum cell_kind { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BLOB };

struct cell {
	enum cell_kind kind;
	bool in_scratch; /* offset counts; otherwise p */
	int64_t i;
	double d;
	const char *p;
	size_t offset, n;
};

struct value_options {
	bool ignore_unknown;    /* members of records that the schema lacks */
	bool json_from_strings; /* insertAll: a string in a JSON column holds JSON text */
};

/* What is wrong with a value: "Could not convert value to integer", the field's path, the value (cut). */
struct value_error {
	char what[96];
	char path[512];
	char value[96];
};

int value_encode(const struct column *c, const struct jtoken *v,
		 const struct value_options *options, struct buf *scratch, struct cell *out,
		 struct value_error *err);
/* For CSV; the text is UTF-8 already. RECORD and REPEATED are refused. */
int value_encode_text(const struct column *c, const char *s, size_t n, struct buf *scratch,
		      struct cell *out, struct value_error *err);

/* NULL for a column that the row does not name: an error when it is REQUIRED, '[]' when it is REPEATED. */
int value_absent(const struct column *c, struct cell *out, struct value_error *err);

const char *cell_bytes(const struct cell *cell, const struct buf *scratch);
/* Binds without copying: input and scratch stay until the statement has run. */
int cell_bind(sqlite3_stmt *stmt, int index, const struct cell *cell, const struct buf *scratch);
/* BigQuery's data size of the cell. */
int64_t cell_size(const struct column *c, const struct cell *cell);

#endif
