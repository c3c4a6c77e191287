/*
 * PostgreSQL's numeric: base 10,000 digits, which are written as decimal text
 * without any arithmetic on the value, so that every digit stays.
 */
#include "extract/postgresql_types.h"

enum {
	NUMERIC_NEGATIVE = 0x4000,
	NUMERIC_SPECIAL = 0xC000, /* NaN, and with lower bits the infinities */
	NUMERIC_PINF = 0xD000,
	NUMERIC_NINF = 0xF000,
	DIGIT_MAX = 9999,
	/* A declared numeric has a precision of at most 1000, and a scale from -1000 to 1000. */
	DECLARED_SCALE_MAX = 1000,
	DECLARED_INTEGER_DIGITS = 2000, /* precision - scale */
	BIGNUMERIC_SCALE = 38,
	BIGNUMERIC_INTEGER_DIGITS = 39, /* of its largest value */
};

static const char reason_special[] = "BigQuery's NUMERIC has no NaN and no infinity";

/* Value = sum of digit[i] * 10000^(weight - i); scale digits are shown behind the point. */
struct numeric {
	const char *digits; /* big-endian int16 each */
	int count, weight, scale;
	uint16_t sign;
};

/* False: malformed. All digits are in range then, as encode_put4 needs them. */
static inline bool read_numeric(const struct cell *cell, struct numeric *n)
{
	if (cell->length < 8)
		return false;
	n->count = (int16_t)postgresql_get16(cell->data);
	n->weight = (int16_t)postgresql_get16(cell->data + 2);
	n->sign = postgresql_get16(cell->data + 4);
	n->scale = (int16_t)postgresql_get16(cell->data + 6);
	n->digits = cell->data + 8;
	if (n->count < 0 || n->scale < 0 || cell->length != 8 + 2 * (size_t)n->count)
		return false;
	for (int i = 0; i < n->count; i++)
		if (postgresql_get16(n->digits + 2 * i) > DIGIT_MAX)
			return false;
	return true;
}

static inline unsigned digit_at(const struct numeric *n, int i)
{
	return i >= 0 && i < n->count ? postgresql_get16(n->digits + 2 * i) : 0;
}

static inline char *put_integer_part(char *out, const struct numeric *n)
{
	unsigned first = digit_at(n, 0);

	if (n->weight < 0) {
		*out++ = '0';
		return out;
	}
	out = encode_put_unsigned(out, first);
	for (int i = 1; i <= n->weight; i++)
		out = encode_put4(out, digit_at(n, i));
	return out;
}

/* Exactly `scale` digits; false when any beyond them is not zero. */
static inline bool put_fraction(char **ret, const struct numeric *n, int scale)
{
	char *out = *ret, *start = out;
	int i = n->weight + 1;

	for (; out - start < scale; i++)
		out = encode_put4(out, digit_at(n, i));
	while (out - start > scale)
		if (*--out != '0')
			return false;
	for (; i < n->count; i++)
		if (digit_at(n, i))
			return false;
	*ret = out;
	return true;
}

/* Whether an integer part of 39 digits is beyond ±2^255 / 10^38, BigQuery's bounds. */
static bool exceeds_bignumeric(const char *integer, const char *fraction, size_t scale,
			       bool negative)
{
	static const char limit[] = "578960446186580977117854925043439539266";
	char padded[BIGNUMERIC_SCALE];
	int order = memcmp(integer, limit, BIGNUMERIC_INTEGER_DIGITS);

	if (order != 0)
		return order > 0;
	memset(padded, '0', sizeof padded);
	memcpy(padded, fraction, scale);
	return memcmp(padded,
		      negative ? "34992332820282019728792003956564819968"
			       : "34992332820282019728792003956564819967",
		      sizeof padded) > 0;
}

static const char *encode_numeric(const struct column *column, const struct cell *cell, char **ret)
{
	char *out = *ret, *integer, *fraction;
	struct numeric n;
	int scale;

	(void)column;
	if (!read_numeric(cell, &n))
		return "malformed numeric";
	if ((n.sign & NUMERIC_SPECIAL) == NUMERIC_SPECIAL)
		return reason_special;
	if (n.weight > BIGNUMERIC_INTEGER_DIGITS / 4)
		return "too large for BIGNUMERIC";
	*out++ = '"';
	if (n.sign == NUMERIC_NEGATIVE)
		*out++ = '-';
	integer = out;
	out = put_integer_part(out, &n);
	fraction = out + 1;
	scale = n.scale < BIGNUMERIC_SCALE ? n.scale : BIGNUMERIC_SCALE;
	if (out - integer > BIGNUMERIC_INTEGER_DIGITS)
		return "too large for BIGNUMERIC";
	if (n.scale > 0) {
		*out++ = '.';
		if (!put_fraction(&out, &n, scale))
			return "more than the 38 fraction digits of BIGNUMERIC";
	}
	if (fraction - 1 - integer == BIGNUMERIC_INTEGER_DIGITS &&
	    exceeds_bignumeric(integer, fraction, (size_t)scale, n.sign == NUMERIC_NEGATIVE))
		return "too large for BIGNUMERIC";
	*out++ = '"';
	*ret = out;
	return NULL;
}

static const char *encode_numeric_string(const struct column *column, const struct cell *cell,
					 char **ret)
{
	char *out = *ret;
	struct numeric n;

	(void)column;
	if (!read_numeric(cell, &n))
		return "malformed numeric";
	if ((n.sign & NUMERIC_SPECIAL) == NUMERIC_SPECIAL)
		return reason_special;
	if (n.scale > DECLARED_SCALE_MAX || n.weight >= DECLARED_INTEGER_DIGITS / 4)
		return "malformed numeric";
	*out++ = '"';
	if (n.sign == NUMERIC_NEGATIVE)
		*out++ = '-';
	out = put_integer_part(out, &n);
	if (n.scale > 0) {
		*out++ = '.';
		if (!put_fraction(&out, &n, n.scale))
			return "malformed numeric";
	}
	*out++ = '"';
	*ret = out;
	return NULL;
}

/* As PostgreSQL prints it; of very long ones the beginning. */
static int text_numeric(const struct column *column, const struct cell *cell, size_t max,
			struct buf *out, struct error *err)
{
	struct numeric n;

	(void)column;
	if (!read_numeric(cell, &n))
		return 0;
	if ((n.sign & NUMERIC_SPECIAL) == NUMERIC_SPECIAL)
		return buf_append_str(out,
				      n.sign == NUMERIC_PINF   ? "Infinity"
				      : n.sign == NUMERIC_NINF ? "-Infinity"
							       : "NaN",
				      err);
	if (buf_appendf(out, err, "%s%u", n.sign == NUMERIC_NEGATIVE ? "-" : "",
			n.weight < 0 ? 0 : digit_at(&n, 0)) < 0)
		return -1;
	for (int i = 1; i <= n.weight && out->length <= max; i++)
		if (buf_appendf(out, err, "%04u", digit_at(&n, i)) < 0)
			return -1;
	if (n.scale > 0 && buf_append_str(out, ".", err) < 0)
		return -1;
	for (int left = n.scale, i = n.weight + 1; left > 0 && out->length <= max; left -= 4, i++)
		if (buf_appendf(out, err, "%04u", digit_at(&n, i)) < 0)
			return -1;
		else if (left < 4)
			out->length -= (size_t)(4 - left);
	return 0;
}

static const struct encoder encoder_numeric = { .encode = encode_numeric,
						.text = text_numeric,
						.fixed = 128 };
static const struct encoder encoder_numeric_string = {
	.encode = encode_numeric_string,
	.text = text_numeric,
	.fixed = DECLARED_INTEGER_DIGITS + DECLARED_SCALE_MAX + 64,
};

/* numeric(p,s): BigQuery's NUMERIC has 29 digits before the point and 9 behind, BIGNUMERIC 38 and 38. */
void postgresql_set_numeric(struct column *column, int32_t modifier)
{
	int precision = (modifier - 4) >> 16 & 0xFFFF;
	int scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024;

	column->type = "BIGNUMERIC";
	column->encoder = &encoder_numeric;
	if (modifier < 4)
		return;
	/* numeric(3,-2) holds 99900, numeric(2,4) holds 0.0099. */
	if (scale < 0) {
		precision -= scale;
		scale = 0;
	} else if (scale > precision) {
		precision = scale;
	}
	if (scale > BIGNUMERIC_SCALE || precision - scale > 38) {
		column->type = "STRING";
		column->encoder = &encoder_numeric_string;
		return;
	}
	if (scale <= 9 && precision - scale <= 29)
		column->type = "NUMERIC";
	column->precision = precision;
	column->scale = scale;
}
