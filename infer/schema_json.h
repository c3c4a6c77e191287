/* The schema that is written, as @begin holds it. */
#ifndef SLUICE_INFER_SCHEMA_JSON_H
#define SLUICE_INFER_SCHEMA_JSON_H

#include <jansson.h>

#include "infer/record.h"

/*
 * The array of r->output, in the members fields, mode, name, type and what
 * else an existing column has. A new reference; NULL: memory is out, or a
 * name that BigQuery does not take.
 */
json_t *schema_json(const struct record *r, struct error *err);

/* begin's key and cursor under the names that the schema has. */
int schema_rename(json_t *begin, struct record *top, enum name_rule rule, struct error *err)
	__attribute__((warn_unused_result));

#endif
