/*
 * A BigQuery table schema, read from TableFieldSchema JSON as `bq show
 * --schema` prints it. Immutable once parsed; owns everything it points to.
 */
#ifndef SLUICE_LIB_SCHEMA_H
#define SLUICE_LIB_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"

enum schema_type {
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
	TYPE_INTERVAL,
	TYPE_GEOGRAPHY,
	TYPE_JSON,
	TYPE_RANGE,
	TYPE_RECORD,
};

enum schema_mode { MODE_NULLABLE, MODE_REQUIRED, MODE_REPEATED };

struct schema_field {
	const char *name; /* NUL-terminated */
	size_t name_length;
	enum schema_type type;
	enum schema_mode mode;
	int precision;         /* of NUMERIC(P,S) and BIGNUMERIC(P,S); 0: the type's whole range */
	int scale;             /* of NUMERIC and BIGNUMERIC: digits behind the point */
	int64_t max_length;    /* of STRING(L) and BYTES(L), in characters or bytes; 0: none */
	struct schema *fields; /* of a RECORD, else NULL */
};

struct schema {
	struct schema_field *field;
	size_t count;
	json_t *json; /* the array it was read from, with types and modes in canonical words */
};

/*
 * `fields` is the array; not kept. Legacy and GoogleSQL type words are both
 * taken (INT64 is INTEGER …). ERR_DATA names the column: no or unknown type,
 * bad mode, precision, scale or length, bad or reserved name, two names equal but for
 * case, more than 10,000 columns or 15 levels.
 *
 * Names may be BigQuery's flexible ones, of up to 300 characters; none of
 * them needs an escape in JSON or within backquotes.
 */
int schema_parse(const json_t *fields, struct schema **ret, struct error *err)
	__attribute__((warn_unused_result));

/* From a file of that JSON, or of the object {"fields":[...]} around it, as --schema names it. ERR_NOINPUT when it cannot be opened. */
int schema_read_file(const char *path, struct schema **ret, struct error *err)
	__attribute__((warn_unused_result));
void schema_free(struct schema *s);

/* The field of that name (BigQuery compares without case), or NULL. */
const struct schema_field *schema_find(const struct schema *s, const char *name, size_t length);

/* Whether it can be a column's, flexible or plain; UTF-8 is taken for granted. ERR_DATA. */
int schema_check_name(const char *name, struct error *err) __attribute__((warn_unused_result));

/* The prefix that BigQuery keeps for itself, if the name begins with one; or NULL. */
const char *schema_reserved_prefix(const char *name);

/* The canonical word, "INTEGER". */
const char *schema_type_name(enum schema_type type);

#endif
