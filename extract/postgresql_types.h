/*
 * PostgreSQL's types: which BigQuery type a column becomes, and its encoder.
 * Nothing here needs libpq.
 */
#ifndef SLUICE_EXTRACT_POSTGRESQL_TYPES_H
#define SLUICE_EXTRACT_POSTGRESQL_TYPES_H

#include <stdint.h>

#include "extract/encode.h"

/*
 * Sets type, encoder, precision and scale from the base type's OID and its
 * modifier (-1: none). encoder stays NULL for a type that is not read yet.
 */
void postgresql_set_type(struct column *column, uint32_t type_oid, int32_t modifier);

/* The same for numeric alone. */
void postgresql_set_numeric(struct column *column, int32_t modifier);

/* The wire is big-endian; this code runs on little-endian machines and others. */
static inline uint16_t postgresql_get16(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;

	return (uint16_t)(s[0] << 8 | s[1]);
}

static inline uint32_t postgresql_get32(const char *p)
{
	return (uint32_t)postgresql_get16(p) << 16 | postgresql_get16(p + 2);
}

static inline uint64_t postgresql_get64(const char *p)
{
	return (uint64_t)postgresql_get32(p) << 32 | postgresql_get32(p + 4);
}

#endif
