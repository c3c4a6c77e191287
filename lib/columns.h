/*
 * The columns of a record, prepared for looking them up by the names in rows:
 * the next one of the schema by its bytes, any other by a hash without case.
 * Borrows the schema; owns the rest.
 */
#ifndef SLUICE_LIB_COLUMNS_H
#define SLUICE_LIB_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/schema.h"

/* `"name":` as it stands in most rows, padded so that it is compared 16 bytes at a time. */
enum { PREFIX_MAX = 48 };

struct prefix {
	char text[PREFIX_MAX];
	uint8_t length; /* 0: too long, the slow way always */
};

/* Of one record; those of RECORD columns hang below it. */
struct columns {
	const struct schema *schema;
	struct prefix *prefix;   /* per field */
	struct columns **nested; /* per field; NULL unless a RECORD */
	uint32_t *slots;         /* open addressing by lower-cased name: field + 1, 0 is empty */
	uint32_t mask;
	uint64_t *seen;  /* per field: the number of the object in which it came last */
	uint64_t object; /* number of the object being read */
	size_t required;
};

/* NULL when memory is out. */
struct columns *columns_new(const struct schema *schema);
void columns_free(struct columns *c);

/* The index of the field of that name, or SIZE_MAX. */
size_t columns_find(const struct columns *c, const char *name, size_t length);

#endif
