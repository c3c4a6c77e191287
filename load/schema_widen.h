/*
 * Which wider type a column may be given, so that it takes a stream's values
 * unchanged beside those it has. Only what ALTER COLUMN SET DATA TYPE does to
 * a top-level column that is no array:
 * https://cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language#alter_column_set_data_type_statement
 * INT64 becomes NUMERIC, BIGNUMERIC or FLOAT64, NUMERIC becomes BIGNUMERIC or
 * FLOAT64, BIGNUMERIC becomes FLOAT64, and decimals, STRING and BYTES get more
 * digits or bytes, or lose their limit. No network.
 */
#ifndef SLUICE_LOAD_SCHEMA_WIDEN_H
#define SLUICE_LOAD_SCHEMA_WIDEN_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/schema.h"

/* The narrowest type for both; false when none is wider than the table's, or BigQuery does not go there. */
bool schema_widen(const struct schema_field *stream, const struct schema_field *table,
		  struct schema_field *ret);

/* Give the type of f to a column's JSON. */
int schema_widen_json(const struct schema_field *f, json_t *json, struct error *err)
	__attribute__((warn_unused_result));

/* As GoogleSQL writes it, "NUMERIC(12,2)". New reference; NULL when memory is out. */
json_t *schema_widen_sql(const struct schema_field *f);

#endif
