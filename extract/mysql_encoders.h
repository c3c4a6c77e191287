/*
 * The encoders of MySQL's binary protocol, for mysql_types.c, which chooses
 * among them. Nothing here needs libmariadb.
 *
 * No cell is believed to be well formed: a length that does not fit is a
 * reject, never a read beyond it.
 */
#ifndef SLUICE_EXTRACT_MYSQL_ENCODERS_H
#define SLUICE_EXTRACT_MYSQL_ENCODERS_H

#include "extract/encode.h"

/* mysql_number.c. Signed and unsigned by their width in bytes; mediumint comes as 4 bytes. */
extern const struct encoder mysql_int1, mysql_int2, mysql_int4, mysql_int8;
extern const struct encoder mysql_uint1, mysql_uint2, mysql_uint4;
extern const struct encoder mysql_uint8;                           /* NUMERIC, quoted */
extern const struct encoder mysql_boolean, mysql_unsigned_boolean; /* tinyint(1) */
extern const struct encoder mysql_float, mysql_double;
extern const struct encoder mysql_float_text; /* STRING: the same digits */
/* bit(1), bit(2..63), bit(64): big-endian, as many bytes as the bits need. */
extern const struct encoder mysql_bit_boolean, mysql_bit_integer, mysql_bit_numeric;
/* Decimal text, checked against precision and scale unless precision is 0. */
extern const struct encoder mysql_decimal;

/*
 * mysql_datetime.c. column->scale is the number of fraction digits that MySQL
 * prints. The `_or_null` ones write null for zero and partial dates, and for
 * days that no calendar has.
 */
extern const struct encoder mysql_date, mysql_date_or_null;
extern const struct encoder mysql_time;
extern const struct encoder mysql_datetime, mysql_datetime_or_null;   /* without a zone */
extern const struct encoder mysql_timestamp, mysql_timestamp_or_null; /* UTC */

/* mysql_bytes.c; a geometry becomes WKT. */
extern const struct encoder mysql_bytes, mysql_geometry;

/* The wire is little-endian; this code runs on little-endian machines and others. */
static inline uint16_t mysql_get16(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;

	return (uint16_t)(s[1] << 8 | s[0]);
}

static inline uint32_t mysql_get32(const char *p)
{
	return (uint32_t)mysql_get16(p + 2) << 16 | mysql_get16(p);
}

static inline uint64_t mysql_get64(const char *p)
{
	return (uint64_t)mysql_get32(p + 4) << 32 | mysql_get32(p);
}

static inline double mysql_get_double(const char *p)
{
	uint64_t bits = mysql_get64(p);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

#endif
