/*
 * Encoders for PostgreSQL's binary formats, which are those of each type's
 * send function (src/backend/utils/adt): big-endian, dates counted from
 * 2000-01-01, numeric in base 10,000. Which type gets which one is
 * postgresql_types.c's business. Nothing here needs libpq.
 *
 *   postgresql_scalars.c   bool, numbers but numeric, bytea, uuid, inet, JSON
 *   postgresql_numeric.c   numeric
 *   postgresql_times.c     dates, times, intervals
 *   postgresql_array.c     arrays of what has an encoder
 *   postgresql_geometry.c  PostGIS
 *
 * All bytes come from outside: a malformed value is a reason to reject.
 */
#ifndef SLUICE_EXTRACT_POSTGRESQL_ENCODERS_H
#define SLUICE_EXTRACT_POSTGRESQL_ENCODERS_H

#include <stdint.h>

#include "extract/encode.h"

extern const struct encoder postgresql_bool, postgresql_int2, postgresql_int4, postgresql_int8,
	postgresql_oid, postgresql_float4, postgresql_float8;
/* column->scale digits behind the point. */
extern const struct encoder postgresql_money;
extern const struct encoder postgresql_bytea, postgresql_uuid, postgresql_inet;
/* to_json's array may have odd bounds; jsonb has its version before it. */
extern const struct encoder postgresql_json_array, postgresql_json_array_text, postgresql_jsonb,
	postgresql_jsonb_text;

extern const struct encoder postgresql_bignumeric, postgresql_numeric, postgresql_numeric_string,
	postgresql_numeric_float;

extern const struct encoder postgresql_date, postgresql_time, postgresql_timestamp,
	postgresql_timestamptz, postgresql_interval;
/* A timestamp without a zone, taken as UTC. */
extern const struct encoder postgresql_timestamp_utc;

/* Of column->inner; a vector's subscripts begin at 0. */
extern const struct encoder postgresql_array, postgresql_vector;
/* Arrays of composites and hstores, of which to_json has made JSON. */
extern const struct encoder postgresql_objects;

extern const struct encoder postgresql_geography, postgresql_ewkt;

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
