/*
 * Table schemas: validity, the compiled form that readers of rows use, and which changes BigQuery allows.
 *
 * A schema in JSON is the array of TableFieldSchema. schema_normalise gives it the spelling that the rest relies on:
 * legacy type names in capitals, "mode" always present, precision, scale and maxLength as strings.
 */
#ifndef LOCALCLOUD_SCHEMA_H
#define LOCALCLOUD_SCHEMA_H

#include "tests/localcloud/api_error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum field_type {
	TYPE_STRING,
	TYPE_BYTES,
	TYPE_INTEGER,
	TYPE_FLOAT,
	TYPE_NUMERIC,
	TYPE_BIGNUMERIC,
	TYPE_BOOLEAN,
	TYPE_TIMESTAMP,
	TYPE_DATE,
	TYPE_TIME,
	TYPE_DATETIME,
	TYPE_GEOGRAPHY,
	TYPE_JSON,
	TYPE_INTERVAL,
	TYPE_RECORD,
};

enum field_mode { MODE_NULLABLE, MODE_REQUIRED, MODE_REPEATED };

struct column {
	char *name;
	size_t name_length;
	enum field_type type;
	enum field_mode mode;
	int precision, scale;  /* 0, 0: not parameterised */
	long max_length;       /* 0: none */
	struct column *fields; /* of a RECORD */
	size_t n_fields;
};

/* -1 when it is no type of BigQuery's. Both spellings (INTEGER, INT64), any case. */
int schema_type(const char *name, enum field_type *ret);
const char *schema_type_name(enum field_type type);

/* Checks an array of fields as BigQuery does and rewrites it in place. */
int schema_normalise(json_t *fields, struct api_error *err);

/* Compiles a normalised array; the result is freed with schema_free. */
struct column *schema_compile(const json_t *fields, size_t *n);
void schema_free(struct column *columns, size_t n);

/* The field of that name in any case of its ASCII letters, borrowed; NULL if there is none. */
json_t *schema_find(const json_t *fields, const char *name);

enum { SCHEMA_ALLOW_ADDITION = 1, SCHEMA_ALLOW_RELAXATION = 2 };

/*
 * Existing columns and the ones a request or job provides -> the array the table should have: existing order, relaxed
 * modes, the provided descriptions, then what is new. label is "project:dataset.table", for messages. NULL on error.
 */
json_t *schema_merge(const json_t *existing, const json_t *provided, int allow, const char *label,
		     struct api_error *err);

#endif
