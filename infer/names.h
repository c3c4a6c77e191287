/*
 * Names: from those in the data to those of a schema, and to the key by which
 * BigQuery tells columns apart.
 */
#ifndef SLUICE_INFER_NAMES_H
#define SLUICE_INFER_NAMES_H

#include <stddef.h>

#include "infer/record.h"

/* The name that a rule makes of a text; allocated, NUL-terminated. NULL: memory is out. */
char *names_apply(enum name_rule rule, const char *text, size_t length, size_t *ret_length);

/* The name in lower case, by Unicode's simple mapping; allocated. NULL: memory is out. */
char *names_key(const char *name, size_t length, size_t *ret_length);

#endif
