/* MySQL's numbers in the binary protocol: integers, floats, bits and decimals. */
#include "extract/mysql_encoders.h"

static const char reason_malformed[] = "malformed number";
static const char reason_digits[] = "more digits than the column is declared with";

enum { INTEGER_ROOM = 24, BIT_BYTES_MAX = 8, SCALE_MAX = 38 };

/* --- integers ---------------------------------------------------------------- */

static const char *encode_int1(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 1)
		return reason_malformed;
	*out = encode_put_integer(*out, (signed char)cell->data[0]);
	return NULL;
}

static const char *encode_int2(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 2)
		return reason_malformed;
	*out = encode_put_integer(*out, (int16_t)mysql_get16(cell->data));
	return NULL;
}

static const char *encode_int4(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 4)
		return reason_malformed;
	*out = encode_put_integer(*out, (int32_t)mysql_get32(cell->data));
	return NULL;
}

static const char *encode_int8(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 8)
		return reason_malformed;
	*out = encode_put_integer(*out, (int64_t)mysql_get64(cell->data));
	return NULL;
}

static const char *encode_uint1(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 1)
		return reason_malformed;
	*out = encode_put_unsigned(*out, (unsigned char)cell->data[0]);
	return NULL;
}

static const char *encode_uint2(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 2)
		return reason_malformed;
	*out = encode_put_unsigned(*out, mysql_get16(cell->data));
	return NULL;
}

static const char *encode_uint4(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 4)
		return reason_malformed;
	*out = encode_put_unsigned(*out, mysql_get32(cell->data));
	return NULL;
}

static char *put_numeric(char *out, uint64_t value)
{
	*out++ = '"';
	out = encode_put_unsigned(out, value);
	*out++ = '"';
	return out;
}

static const char *encode_uint8(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 8)
		return reason_malformed;
	*out = put_numeric(*out, mysql_get64(cell->data));
	return NULL;
}

static const char *put_boolean(uint64_t value, const char *reason, char **out)
{
	if (value > 1)
		return reason;
	memcpy(*out, value ? "true" : "false", value ? 4 : 5);
	*out += value ? 4 : 5;
	return NULL;
}

static const char *encode_boolean(const struct column *column, const struct cell *cell, char **out)
{
	(void)column;
	if (cell->length != 1)
		return reason_malformed;
	return put_boolean((unsigned char)cell->data[0],
			   "tinyint(1) read as BOOLEAN must be 0 or 1", out);
}

/* --- floats -------------------------------------------------------------------- */

static const char *encode_float(const struct column *column, const struct cell *cell, char **out)
{
	uint32_t bits;
	float value;

	(void)column;
	if (cell->length != 4)
		return reason_malformed;
	bits = mysql_get32(cell->data);
	memcpy(&value, &bits, sizeof value);
	*out = encode_put_float(*out, value);
	return NULL;
}

static const char *encode_float_text(const struct column *column, const struct cell *cell,
				     char **out)
{
	char *start = *out, *end = start + 1;
	const char *reason = encode_float(column, cell, &end);

	if (reason)
		return reason;
	/* What is not finite has its quotes. */
	if (start[1] == '"') {
		memmove(start, start + 1, (size_t)(end - start) - 1);
		*out = end - 1;
		return NULL;
	}
	*start = *end = '"';
	*out = end + 1;
	return NULL;
}

static const char *encode_double(const struct column *column, const struct cell *cell, char **out)
{
	double value;

	(void)column;
	if (cell->length != 8)
		return reason_malformed;
	value = mysql_get_double(cell->data);
	*out = encode_put_double(*out, value);
	return NULL;
}

/* --- bits ------------------------------------------------------------------------ */

static bool read_bits(const struct cell *cell, uint64_t *value)
{
	if (cell->length < 1 || cell->length > BIT_BYTES_MAX)
		return false;
	*value = 0;
	for (size_t i = 0; i < cell->length; i++)
		*value = *value << 8 | (unsigned char)cell->data[i];
	return true;
}

static const char *encode_bit_boolean(const struct column *column, const struct cell *cell,
				      char **out)
{
	uint64_t value;

	(void)column;
	if (!read_bits(cell, &value))
		return reason_malformed;
	return put_boolean(value, reason_malformed, out);
}

static const char *encode_bit_integer(const struct column *column, const struct cell *cell,
				      char **out)
{
	uint64_t value;

	(void)column;
	if (!read_bits(cell, &value) || value > INT64_MAX)
		return reason_malformed;
	*out = encode_put_integer(*out, (int64_t)value);
	return NULL;
}

static const char *encode_bit_numeric(const struct column *column, const struct cell *cell,
				      char **out)
{
	uint64_t value;

	(void)column;
	if (!read_bits(cell, &value))
		return reason_malformed;
	*out = put_numeric(*out, value);
	return NULL;
}

/* --- decimals ---------------------------------------------------------------------- */

struct decimal {
	const char *integer, *fraction; /* digits, without leading zeros */
	size_t integer_digits, fraction_digits;
	bool negative;
};

static size_t count_digits(const char *p, const char *end)
{
	const char *at = p;

	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return (size_t)(at - p);
}

/* False: malformed. Leading zeros come from ZEROFILL; there is no negative zero. */
static bool read_decimal(const struct cell *cell, struct decimal *d)
{
	const char *p = cell->data, *end = p + cell->length;
	size_t leading;

	d->negative = p < end && *p == '-';
	p += d->negative;
	d->integer = p;
	d->integer_digits = count_digits(p, end);
	p += d->integer_digits;
	d->fraction = p < end ? p + 1 : p;
	d->fraction_digits = count_digits(d->fraction, end);
	if ((p < end && *p != '.') || d->fraction + d->fraction_digits != end ||
	    d->integer_digits + d->fraction_digits == 0)
		return false;
	for (leading = 0; leading < d->integer_digits && d->integer[leading] == '0';)
		leading++;
	d->integer += leading;
	d->integer_digits -= leading;
	return true;
}

static bool is_zeros(const char *p, size_t n)
{
	while (n > 0 && p[n - 1] == '0')
		n--;
	return n == 0;
}

/*
 * With a precision, exactly `scale` fraction digits, as PostgreSQL's numeric
 * of the same type has them: equal values are equal texts.
 */
static const char *encode_decimal(const struct column *column, const struct cell *cell, char **ret)
{
	size_t scale;
	struct decimal d;
	char *out = *ret;

	if (!read_decimal(cell, &d))
		return "malformed decimal";
	scale = column->precision ? (size_t)column->scale : d.fraction_digits;
	if (column->precision && (d.integer_digits > (size_t)(column->precision - column->scale) ||
				  (d.fraction_digits > scale &&
				   !is_zeros(d.fraction + scale, d.fraction_digits - scale))))
		return reason_digits;
	*out++ = '"';
	if (d.negative && (d.integer_digits > 0 || !is_zeros(d.fraction, d.fraction_digits)))
		*out++ = '-';
	if (d.integer_digits == 0)
		*out++ = '0';
	memcpy(out, d.integer, d.integer_digits);
	out += d.integer_digits;
	if (scale > 0) {
		size_t kept = d.fraction_digits < scale ? d.fraction_digits : scale;

		*out++ = '.';
		memcpy(out, d.fraction, kept);
		memset(out + kept, '0', scale - kept);
		out += scale;
	}
	*out++ = '"';
	*ret = out;
	return NULL;
}

/* --- the encoders -------------------------------------------------------------------- */

static int text_bit(const struct column *column, const struct cell *cell, size_t max,
		    struct buf *out, struct error *err)
{
	(void)max;
	return encode_append_as(out, &mysql_bit_numeric, column, cell, err);
}

static int text_boolean(const struct column *column, const struct cell *cell, size_t max,
			struct buf *out, struct error *err)
{
	(void)max;
	return encode_append_as(out, &mysql_int1, column, cell, err);
}

static int text_unsigned_boolean(const struct column *column, const struct cell *cell, size_t max,
				 struct buf *out, struct error *err)
{
	(void)max;
	return encode_append_as(out, &mysql_uint1, column, cell, err);
}

/* MySQL prints what is written here, ZEROFILL apart. */
#define NUMBER(function, print, room, bytes)                                             \
	{                                                                                \
		.encode = (function), .text = (print), .fixed = (room), .width = (bytes) \
	}
#define PLAIN(function, room, bytes) NUMBER(function, encode_text_as_written, room, bytes)

const struct encoder mysql_int1 = PLAIN(encode_int1, INTEGER_ROOM, 1);
const struct encoder mysql_int2 = PLAIN(encode_int2, INTEGER_ROOM, 2);
const struct encoder mysql_int4 = PLAIN(encode_int4, INTEGER_ROOM, 4);
const struct encoder mysql_int8 = PLAIN(encode_int8, INTEGER_ROOM, 8);
const struct encoder mysql_uint1 = PLAIN(encode_uint1, INTEGER_ROOM, 1);
const struct encoder mysql_uint2 = PLAIN(encode_uint2, INTEGER_ROOM, 2);
const struct encoder mysql_uint4 = PLAIN(encode_uint4, INTEGER_ROOM, 4);
const struct encoder mysql_uint8 = PLAIN(encode_uint8, INTEGER_ROOM, 8);
const struct encoder mysql_boolean = NUMBER(encode_boolean, text_boolean, 5, 1);
const struct encoder mysql_unsigned_boolean = NUMBER(encode_boolean, text_unsigned_boolean, 5, 1);
const struct encoder mysql_float = PLAIN(encode_float, DOUBLE_TEXT_MAX, 4);
const struct encoder mysql_float_text = PLAIN(encode_float_text, DOUBLE_TEXT_MAX + 2, 4);
const struct encoder mysql_double = PLAIN(encode_double, DOUBLE_TEXT_MAX, 8);
const struct encoder mysql_bit_boolean = NUMBER(encode_bit_boolean, text_bit, 5, 0);
const struct encoder mysql_bit_integer = NUMBER(encode_bit_integer, text_bit, INTEGER_ROOM, 0);
const struct encoder mysql_bit_numeric = NUMBER(encode_bit_numeric, text_bit, INTEGER_ROOM, 0);
/* Quotes, sign, a zero before the point, the point, and the zeros that fill the scale. */
const struct encoder mysql_decimal = { .encode = encode_decimal,
				       .fixed = 5 + SCALE_MAX,
				       .expand = 1 };
