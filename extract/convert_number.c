/* --type: numbers and booleans, from their decimal text. No arithmetic touches a digit. */
#include <stdlib.h>
#include <strings.h>

#include "extract/convert.h"
#include "lib/double.h"

enum {
	NUMERIC_INTEGERS = 29,
	NUMERIC_SCALE = 9,
	BIGNUMERIC_INTEGERS = 39, /* of its largest value */
	BIGNUMERIC_SCALE = 38,
	INTEGER_DIGITS = 19,
	FAR_OUT = 1000000, /* an exponent that nothing fits */
};

static const char reason_number[] = "not a number in plain decimal form";

/*
 * A decimal as it stands in its text: digit i of all, the point left out, is
 * worth 10^(integers - 1 - i + exponent).
 */
struct decimal {
	const char *digits;
	long integers, fraction; /* digits before and behind the point */
	long exponent;
	long high, low; /* powers of the first and last digit that is not 0 */
	bool negative, zero;
};

static char digit_at(const struct decimal *d, long i)
{
	return d->digits[i + (i >= d->integers)];
}

static long read_exponent(const char *p, const char *end)
{
	bool negative = *p == '-';
	long value = 0;

	for (p += *p == '-' || *p == '+'; p < end; p++)
		if (value < FAR_OUT)
			value = value * 10 + (*p - '0');
	return negative ? -value : value;
}

/* JSON's form of numbers, which is what databases print too. */
static bool read_decimal(const char *p, size_t n, struct decimal *d)
{
	const char *end = p + n, *at;
	long count;

	if (encode_skip_json_number(p, end) != end || n == 0 || n > FAR_OUT)
		return false;
	*d = (struct decimal){ .negative = *p == '-', .zero = true };
	at = d->digits = p + d->negative;
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	d->integers = at - d->digits;
	if (at < end && *at == '.') {
		for (at++; at < end && *at >= '0' && *at <= '9';)
			at++;
		d->fraction = at - d->digits - d->integers - 1;
	}
	if (at < end)
		d->exponent = read_exponent(at + 1, end);
	count = d->integers + d->fraction;
	for (long i = 0; i < count; i++) {
		if (digit_at(d, i) == '0')
			continue;
		d->low = d->integers - 1 - i + d->exponent;
		if (d->zero)
			d->high = d->low;
		d->zero = false;
	}
	return true;
}

/* The digit that is worth 10^power. */
static char digit_of_power(const struct decimal *d, long power)
{
	long i = d->integers - 1 + d->exponent - power;

	return i >= 0 && i < d->integers + d->fraction ? digit_at(d, i) : '0';
}

/* "-12.50": all digits down to 10^-scale; high and scale must be known to be small. */
static char *put_decimal(char *out, const struct decimal *d, long scale)
{
	if (d->negative && !d->zero)
		*out++ = '-';
	for (long power = !d->zero && d->high > 0 ? d->high : 0; power >= -scale; power--) {
		if (power == -1)
			*out++ = '.';
		*out++ = digit_of_power(d, power);
	}
	return out;
}

/* Digits behind the point: those that count, and the zeros that the text has, if there is room. */
static long shown_scale(const struct decimal *d, long max)
{
	long needed = d->zero || d->low > 0 ? 0 : -d->low;
	long written = d->exponent == 0 && d->fraction <= max ? d->fraction : 0;

	return written > needed ? written : needed;
}

static bool read_integer(const char *p, size_t n, int64_t *ret, const char **reason)
{
	struct decimal d;
	int64_t value = 0;

	*reason = reason_number;
	if (!read_decimal(p, n, &d))
		return false;
	*reason = "a fraction, which INTEGER has not";
	if (!d.zero && d.low < 0)
		return false;
	*reason = "outside of INTEGER's range";
	if (!d.zero && d.high >= INTEGER_DIGITS)
		return false;
	/* Negative all the way: -2^63 has no positive counterpart. */
	for (long power = d.zero ? -1 : d.high; power >= 0; power--)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, digit_of_power(&d, power) - '0', &value))
			return false;
	if (!d.negative && value == INT64_MIN)
		return false;
	*ret = d.negative ? value : -value;
	return true;
}

const char *convert_put_integer(const struct conversion *c, const char *p, size_t n, char **out)
{
	const char *reason;
	int64_t value;

	(void)c;
	if (!read_integer(p, n, &value, &reason))
		return reason;
	*out = encode_put_integer(*out, value);
	return NULL;
}

const char *convert_put_float(const struct conversion *c, const char *p, size_t n, char **out)
{
	static const char *const words[] = { "NaN", "Infinity", "-Infinity" };
	struct decimal d;

	(void)c;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (n == strlen(words[i]) && !memcmp(p, words[i], n))
			return encode_put_string(p, n, out);
	if (!read_decimal(p, n, &d))
		return reason_number;
	if (!encode_survives_double(p, p + n))
		return "FLOAT does not hold all digits";
	if (d.zero) {
		*out = double_write(*out, d.negative ? -0.0 : 0.0);
		return NULL;
	}
	memcpy(*out, p, n);
	*out += n;
	return NULL;
}

/* Whether 39 digits before the point are beyond ±2^255 / 10^38, BigQuery's bounds. */
static bool exceeds_bignumeric(const struct decimal *d)
{
	static const char limit[] = "578960446186580977117854925043439539266"
				    "34992332820282019728792003956564819967";

	for (long i = 0; limit[i]; i++) {
		char digit = digit_of_power(d, BIGNUMERIC_INTEGERS - 1 - i);
		/* The negative side reaches one further in the last place. */
		char most = (char)(limit[i] + (d->negative && !limit[i + 1]));

		if (digit != most)
			return digit > most;
	}
	return false;
}

static const char *put_fixed(const struct conversion *c, const char *p, size_t n, long integers,
			     long scale, char **out)
{
	struct decimal d;

	if (!read_decimal(p, n, &d))
		return reason_number;
	if (c->precision) {
		scale = c->scale;
		integers = c->precision - c->scale;
	}
	if (!d.zero && d.low < -scale)
		return "more digits behind the point than the type has";
	if (!d.zero &&
	    (d.high >= integers || (d.high == BIGNUMERIC_INTEGERS - 1 && exceeds_bignumeric(&d))))
		return "more digits before the point than the type has";
	*(*out)++ = '"';
	*out = put_decimal(*out, &d, shown_scale(&d, scale));
	*(*out)++ = '"';
	return NULL;
}

const char *convert_put_numeric(const struct conversion *c, const char *p, size_t n, char **out)
{
	return put_fixed(c, p, n, NUMERIC_INTEGERS, NUMERIC_SCALE, out);
}

const char *convert_put_bignumeric(const struct conversion *c, const char *p, size_t n, char **out)
{
	return put_fixed(c, p, n, BIGNUMERIC_INTEGERS, BIGNUMERIC_SCALE, out);
}

const char *convert_put_boolean(const struct conversion *c, const char *p, size_t n, char **out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = { { "true", true }, { "false", false }, { "t", true }, { "f", false } };
	int64_t number = 2;
	const char *ignored;

	(void)c;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (n == strlen(words[i].word) && !strncasecmp(p, words[i].word, n))
			number = words[i].value;
	if (number > 1 && (!read_integer(p, n, &number, &ignored) || number < 0 || number > 1))
		return "neither true, false, t, f, 1 nor 0";
	memcpy(*out, number ? "true" : "false", number ? 4 : 5);
	*out += number ? 4 : 5;
	return NULL;
}
