/* What stands in @begin: the schema in BigQuery's own JSON, the key, the scope. */
#ifndef SLUICE_EXTRACT_BEGIN_H
#define SLUICE_EXTRACT_BEGIN_H

#include <jansson.h>

#include "extract/cursor.h"
#include "extract/select.h"

/* The TableFieldSchema array, a new reference; NULL: out of memory, in err. */
json_t *begin_schema(const struct selection *s, struct error *err);

/* @begin's inner object, a new reference. table is NULL for a query, cursor without --cursor. */
json_t *begin_record(const struct selection *s, const char *source, const char *table, bool partial,
		     const struct cursor *cursor, struct error *err);

/* A JSON string of text that should be UTF-8, with '?' for what is not. NULL: out of memory. */
json_t *begin_text(const char *text);

#endif
