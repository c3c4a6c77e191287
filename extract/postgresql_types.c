/*
 * Encoders for PostgreSQL's binary formats, which are those of each type's
 * send function (src/backend/utils/adt): big-endian, dates counted from
 * 2000-01-01, numeric in base 10,000.
 */
#include "extract/postgresql_types.h"

#include <math.h>

#include "lib/double.h"

static const int64_t microseconds_a_day = INT64_C(86400000000);
enum { EPOCH_DAYS = 10957 }; /* 2000-01-01 in days since 1970-01-01 */

/* --- bool, integers, floats ---------------------------------------------- */

static const char *encode_bool(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->data[0]) {
		memcpy(*out, "true", 4);
		*out += 4;
	} else {
		memcpy(*out, "false", 5);
		*out += 5;
	}
	return NULL;
}

static const char *encode_int2(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_integer(*out, (int16_t)postgresql_get16(cell->data));
	return NULL;
}

static const char *encode_int4(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_integer(*out, (int32_t)postgresql_get32(cell->data));
	return NULL;
}

static const char *encode_int8(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_integer(*out, (int64_t)postgresql_get64(cell->data));
	return NULL;
}

static char *put_not_finite(char *out, bool nan, bool negative)
{
	const char *text = nan ? "\"NaN\"" : negative ? "\"-Infinity\"" : "\"Infinity\"";
	size_t n = strlen(text);

	memcpy(out, text, n);
	return out + n;
}

static const char *encode_float4(const struct column *column, const struct cell *cell, char **out)
{
	uint32_t bits = postgresql_get32(cell->data);
	float value;

	(void)column;
	memcpy(&value, &bits, sizeof value);
	*out = isfinite(value) ? double_write_float(*out, value)
			       : put_not_finite(*out, isnan(value), value < 0);
	return NULL;
}

static const char *encode_float8(const struct column *column, const struct cell *cell, char **out)
{
	uint64_t bits = postgresql_get64(cell->data);
	double value;

	(void)column;
	memcpy(&value, &bits, sizeof value);
	*out = isfinite(value) ? double_write(*out, value)
			       : put_not_finite(*out, isnan(value), value < 0);
	return NULL;
}

/* --- text, bytes, uuid, jsonb ---------------------------------------------- */

static const char *encode_text(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	return encode_put_string(cell->data, cell->length, out);
}

static const char *encode_bytea(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	*out = encode_put_base64(*out, cell->data, cell->length);
	return NULL;
}

static size_t measure_bytea(const struct column *column, const struct cell *cell)
{
	(void)column;
	return (cell->length + 2) / 3 * 4;
}

static int text_bytea(const struct column *column, const struct cell *cell, size_t max,
		      struct buf *out, struct error *err)
{
	size_t n = cell->length < max / 2 ? cell->length : max / 2;

	(void)column;
	if (buf_append_str(out, "\\x", err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (buf_appendf(out, err, "%02x", (unsigned char)cell->data[i]) < 0)
			return -1;
	return 0;
}

static const char *encode_uuid(const struct column *column, const struct cell *cell, char **ret)
{
	static const char hex[] = "0123456789abcdef";
	char *out = *ret;

	(void)column;
	*out++ = '"';
	for (int i = 0; i < 16; i++) {
		unsigned char byte = (unsigned char)cell->data[i];

		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex[byte >> 4];
		*out++ = hex[byte & 15];
	}
	*out++ = '"';
	*ret = out;
	return NULL;
}

/* jsonb_send: a version byte, then the text of jsonb_out, which is one line. */
static const char *encode_jsonb(const struct column *column, const struct cell *cell, char **out)
{
	if (cell->length < 2 || cell->data[0] != 1)
		return "jsonb of a version that is not known";
	/* BigQuery reads a top-level null as SQL NULL. */
	if (column->required && cell->length == 5 && !memcmp(cell->data + 1, "null", 4))
		return "JSON null would be NULL in a column that is NOT NULL";
	return encode_put_json(cell->data + 1, cell->length - 1, out);
}

static int text_jsonb(const struct column *column, const struct cell *cell, size_t max,
		      struct buf *out, struct error *err)
{
	size_t n = cell->length ? cell->length - 1 : 0;

	(void)column;
	return buf_append(out, cell->data + 1, n < max + 8 ? n : max + 8, err);
}

/* --- dates and times ------------------------------------------------------------ */

static const char reason_infinity[] = "BigQuery has no infinite dates";
static const char reason_years[] = "outside of BigQuery's years 0001 to 9999";

static const char *encode_date(const struct column *column, const struct cell *cell, char **out)
{
	int32_t days = (int32_t)postgresql_get32(cell->data);

	(void)column;
	if (days == INT32_MAX || days == INT32_MIN)
		return reason_infinity;
	*(*out)++ = '"';
	if (!encode_put_date(out, (int64_t)days + EPOCH_DAYS))
		return reason_years;
	*(*out)++ = '"';
	return NULL;
}

static const char *encode_time(const struct column *column, const struct cell *cell, char **out)
{
	int64_t microseconds = (int64_t)postgresql_get64(cell->data);

	(void)column;
	if (microseconds < 0 || microseconds > microseconds_a_day)
		return "malformed time";
	if (microseconds == microseconds_a_day)
		return "BigQuery's TIME ends before 24:00:00";
	*(*out)++ = '"';
	*out = encode_put_time(*out, microseconds);
	*(*out)++ = '"';
	return NULL;
}

static inline const char *put_timestamp(const struct cell *cell, const char *zone, char **out)
{
	int64_t at = (int64_t)postgresql_get64(cell->data);

	if (at == INT64_MAX || at == INT64_MIN)
		return reason_infinity;
	/* Far from what overflows below; the calendar has the exact bounds. */
	if (at > INT64_MAX / 2 || at < INT64_MIN / 2)
		return reason_years;
	*(*out)++ = '"';
	if (!encode_put_datetime(out, at + EPOCH_DAYS * microseconds_a_day))
		return reason_years;
	while (*zone)
		*(*out)++ = *zone++;
	*(*out)++ = '"';
	return NULL;
}

static const char *encode_timestamp(const struct column *column, const struct cell *cell,
				    char **out)
{
	(void)column;
	return put_timestamp(cell, "", out);
}

static const char *encode_timestamptz(const struct column *column, const struct cell *cell,
				      char **out)
{
	(void)column;
	return put_timestamp(cell, "Z", out);
}

static int text_date(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	int32_t days = (int32_t)postgresql_get32(cell->data);
	char text[32];
	bool bc;
	char *end;

	(void)column;
	(void)max;
	if (days == INT32_MAX || days == INT32_MIN)
		return buf_append_str(out, days < 0 ? "-infinity" : "infinity", err);
	end = encode_put_any_date(text, (int64_t)days + EPOCH_DAYS, &bc);
	if (buf_append(out, text, (size_t)(end - text), err) < 0)
		return -1;
	return bc ? buf_append_str(out, " BC", err) : 0;
}

static int text_time(const struct column *column, const struct cell *cell, size_t max,
		     struct buf *out, struct error *err)
{
	int64_t microseconds = (int64_t)postgresql_get64(cell->data);
	char text[24], *end;

	(void)column;
	(void)max;
	/* 24:00:00 is a time of PostgreSQL's; nothing else beyond the day has digits to show. */
	if (microseconds < 0 || microseconds > microseconds_a_day)
		return 0;
	end = encode_put_time(text, microseconds);
	return buf_append(out, text, (size_t)(end - text), err);
}

static int text_timestamp(const struct column *column, const struct cell *cell, size_t max,
			  struct buf *out, struct error *err)
{
	int64_t at = (int64_t)postgresql_get64(cell->data), days, time;
	char text[64];
	bool bc;
	char *end;

	(void)column;
	(void)max;
	if (at == INT64_MAX || at == INT64_MIN)
		return buf_append_str(out, at < 0 ? "-infinity" : "infinity", err);
	days = at / microseconds_a_day;
	time = at % microseconds_a_day;
	if (time < 0) {
		time += microseconds_a_day;
		days--;
	}
	end = encode_put_any_date(text, days + EPOCH_DAYS, &bc);
	*end++ = ' ';
	end = encode_put_time(end, time);
	if (buf_append(out, text, (size_t)(end - text), err) < 0 ||
	    (!strcmp(column->type, "TIMESTAMP") && buf_append_str(out, "+00", err) < 0))
		return -1;
	return bc ? buf_append_str(out, " BC", err) : 0;
}

/* --- the table ------------------------------------------------------------------------ */

static const struct encoder encoder_bool = { .encode = encode_bool, .fixed = 5, .width = 1 };
static const struct encoder encoder_int2 = { .encode = encode_int2, .fixed = 24, .width = 2 };
static const struct encoder encoder_int4 = { .encode = encode_int4, .fixed = 24, .width = 4 };
static const struct encoder encoder_int8 = { .encode = encode_int8, .fixed = 24, .width = 8 };
static const struct encoder encoder_float4 = { .encode = encode_float4,
					       .fixed = DOUBLE_TEXT_MAX,
					       .width = 4 };
static const struct encoder encoder_float8 = { .encode = encode_float8,
					       .fixed = DOUBLE_TEXT_MAX,
					       .width = 8 };
static const struct encoder encoder_text = { .encode = encode_text,
					     .fixed = 18,
					     .expand = 6,
					     .measure = encode_measure_string,
					     .measure_above = ENCODE_LONG_CELL };
static const struct encoder encoder_bytea = { .encode = encode_bytea,
					      .text = text_bytea,
					      .fixed = 8,
					      .expand = 2,
					      .measure = measure_bytea,
					      .measure_above = ENCODE_LONG_CELL };
static const struct encoder encoder_uuid = { .encode = encode_uuid, .fixed = 38, .width = 16 };
static const struct encoder encoder_jsonb = { .encode = encode_jsonb,
					      .text = text_jsonb,
					      .expand = 1 };
static const struct encoder encoder_date = {
	.encode = encode_date, .text = text_date, .fixed = 12, .width = 4
};
static const struct encoder encoder_time = {
	.encode = encode_time, .text = text_time, .fixed = 17, .width = 8
};
static const struct encoder encoder_timestamp = {
	.encode = encode_timestamp, .text = text_timestamp, .fixed = 28, .width = 8
};
static const struct encoder encoder_timestamptz = {
	.encode = encode_timestamptz, .text = text_timestamp, .fixed = 29, .width = 8
};

/* OIDs of built-in types never change: src/include/catalog/pg_type.dat. */
enum { NUMERIC_OID = 1700 };

static const struct {
	uint32_t oid;
	const char *type;
	const struct encoder *encoder;
} types[] = {
	{ 16, "BOOLEAN", &encoder_bool },
	{ 17, "BYTES", &encoder_bytea },
	{ 20, "INTEGER", &encoder_int8 },
	{ 21, "INTEGER", &encoder_int2 },
	{ 23, "INTEGER", &encoder_int4 },
	{ 25, "STRING", &encoder_text },
	{ 700, "FLOAT", &encoder_float4 },
	{ 701, "FLOAT", &encoder_float8 },
	{ 1043, "STRING", &encoder_text },
	{ 1082, "DATE", &encoder_date },
	{ 1083, "TIME", &encoder_time },
	{ 1114, "DATETIME", &encoder_timestamp },
	{ 1184, "TIMESTAMP", &encoder_timestamptz },
	{ 2950, "STRING", &encoder_uuid },
	{ 3802, "JSON", &encoder_jsonb },
};

void postgresql_set_type(struct column *column, uint32_t type_oid, int32_t modifier)
{
	if (type_oid == NUMERIC_OID) {
		postgresql_set_numeric(column, modifier);
		return;
	}
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].oid == type_oid) {
			column->type = types[i].type;
			column->encoder = types[i].encoder;
			return;
		}
}
