/*
 * --mode compatible: the schema that generate-schema of the Python package
 * bigquery-schema-generator 1.6.1 deduces from the same data. What it does
 * with each value depends on all values before it; this follows it step by
 * step, except that values which can change nothing are recognised by a bit
 * of `unchanged` and cost no more than that.
 *
 * Its reports of disagreeing values go to the log, with line and column, once
 * the row has turned out to be valid.
 */
#ifndef SLUICE_INFER_COMPATIBLE_H
#define SLUICE_INFER_COMPATIBLE_H

#include <stddef.h>
#include <stdint.h>

#include "infer/config.h"
#include "infer/record.h"
#include "lib/buf.h"

/* What a row changed, so that a row that turns out to be no JSON can be taken back. */
struct change {
	struct field *field; /* its state before; or */
	struct state state;
	struct record *record; /* its presence before */
	uint64_t generation;
	size_t present_count;
};

struct csv_column {
	struct spelling *name;
	size_t cell; /* the last one under that name */
};

struct compatible {
	const struct config *config;
	struct record *top;
	uint64_t generation; /* the last one given to a record */
	uint64_t line;
	struct change *change; /* since the row began */
	size_t changes, change_capacity;
	struct buf reports;        /* of the row, each with a NUL behind it */
	struct csv_column *column; /* of a CSV file */
	size_t columns, cells;
	bool careful; /* the row has a name, or two of one column, twice in one object */
	struct error *err;
};

int compatible_init(struct compatible *m, const struct config *config, struct error *err)
	__attribute__((warn_unused_result));
void compatible_release(struct compatible *m);

/* An existing table's schema, as if it had been deduced. */
int compatible_seed(struct compatible *m, const struct schema *schema, struct error *err)
	__attribute__((warn_unused_result));

/* One row, as rowstream_next lends it. ERR_DATA: it is invalid, and nothing has changed. */
int compatible_row(struct compatible *m, const char *row, size_t length, uint64_t line,
		   struct error *err) __attribute__((warn_unused_result));

/* The columns of a CSV file, whose names are the cells of its first row. */
struct csv;
int compatible_csv_header(struct compatible *m, const struct csv *csv, struct error *err)
	__attribute__((warn_unused_result));
int compatible_csv_row(struct compatible *m, const struct csv *csv, struct error *err)
	__attribute__((warn_unused_result));

/* The kind of a text without quotes, its escapes decoded: TYPE_TIMESTAMP … KIND_QBOOLEAN or TYPE_STRING. */
unsigned compatible_text_kind(const char *text, size_t length, bool quoted_values_are_strings);

/* What becomes of a field at which a value comes. -1: memory is out. */
int compatible_merge(struct compatible *m, struct field *f, const struct state *value)
	__attribute__((warn_unused_result));

/* What the array of objects in f->scratch does to f, whose state has been merged. */
int compatible_merge_scratch(struct compatible *m, struct field *f)
	__attribute__((warn_unused_result));

/* BigQuery's type of two values, or KIND_NONE. */
unsigned compatible_convert(unsigned a, unsigned b);

/* Take back what the row has changed and reported so far. */
void compatible_undo(struct compatible *m);

/* A value of the row disagrees with what was there, and what that does to the column. */
int compatible_report(struct compatible *m, const struct field *f, const char *what)
	__attribute__((warn_unused_result));

/* Forget what is known of the fields of a record. -1: memory is out. */
int compatible_forget(struct compatible *m, struct record *r) __attribute__((warn_unused_result));

/* A value of this kind came. -1: memory is out. */
__attribute__((warn_unused_result)) static inline int
compatible_value(struct compatible *m, const struct spelling *s, unsigned kind)
{
	struct state value = { .spelling = s, .status = STATUS_HARD, .filled = true };

	if (__builtin_expect(s->field->unchanged & KIND_BIT(kind), 1))
		return 0;
	value.type = (uint8_t)kind;
	value.mode = MODE_NULLABLE;
	if (kind >= KIND_NULL) {
		value.status = STATUS_SOFT;
		value.filled = false;
		value.type = kind == KIND_EMPTY_RECORD ? TYPE_RECORD : TYPE_STRING;
		value.mode = kind == KIND_EMPTY_ARRAY ? MODE_REPEATED : MODE_NULLABLE;
	}
	return compatible_merge(m, s->field, &value);
}

/* The fields of the schema that comes out: field->target of all, in their order. */
int compatible_flatten(struct compatible *m, struct error *err) __attribute__((warn_unused_result));

#endif
