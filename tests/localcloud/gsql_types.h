/*
 * The types of GoogleSQL: structure, names, and the way to and from BigQuery's TableFieldSchema.
 *
 * Types are immutable and live in the arena or are static; compare them with gsql_type_equal.
 */
#ifndef LOCALCLOUD_GSQL_TYPES_H
#define LOCALCLOUD_GSQL_TYPES_H

#include "tests/localcloud/gsql_core.h"

enum gsql_kind {
	GSQL_NULL, /* a bare NULL: it becomes whatever is wanted, INT64 in the end */
	GSQL_INT64,
	GSQL_FLOAT64,
	GSQL_NUMERIC,
	GSQL_BIGNUMERIC,
	GSQL_BOOL,
	GSQL_STRING,
	GSQL_BYTES,
	GSQL_DATE,
	GSQL_DATETIME,
	GSQL_TIME,
	GSQL_TIMESTAMP,
	GSQL_JSON,
	GSQL_INTERVAL,
	GSQL_GEOGRAPHY,
	GSQL_ARRAY,
	GSQL_STRUCT,
};

struct gsql_type;

struct gsql_field {
	const char *name; /* "" when the field has none */
	const struct gsql_type *type;
	bool required; /* only in a column's declaration */
	const char *description;
};

struct gsql_type {
	enum gsql_kind kind;
	const struct gsql_type *element; /* of an ARRAY */
	const struct gsql_field *fields; /* of a STRUCT */
	size_t field_count;
	/* Parameters of a column's type, 0 for none: STRING(L), BYTES(L), NUMERIC(P,S), BIGNUMERIC(P,S). */
	int64_t length;
	int precision;
	int scale;
};

/* The static type of a kind that has no parts. */
const struct gsql_type *gsql_type(enum gsql_kind kind);
const struct gsql_type *gsql_array_of(struct gsql *g, const struct gsql_type *element);
const struct gsql_type *gsql_struct_of(struct gsql *g, const struct gsql_field *fields, size_t n);

/* Parameters are not part of a value's type and are not compared. */
bool gsql_type_equal(const struct gsql_type *a, const struct gsql_type *b);
/* "INT64", "ARRAY<STRUCT<a INT64>>": as error messages print a type. */
const char *gsql_type_name(struct gsql *g, const struct gsql_type *t);
/* A scalar type by its GoogleSQL name or alias ("INTEGER", "DECIMAL"); NULL when there is none. */
const struct gsql_type *gsql_type_by_name(const char *name);
/* The one-letter code of a scalar type that the SQLite functions take. */
char gsql_type_letter(enum gsql_kind kind);
enum gsql_kind gsql_kind_of_letter(char letter);
bool gsql_is_number(enum gsql_kind kind);

/* A column's declaration as a TableFieldSchema (new reference), and back. */
json_t *gsql_field_json(struct gsql *g, const struct gsql_field *field);
struct gsql_field gsql_field_from_json(struct gsql *g, const json_t *json);

#endif
