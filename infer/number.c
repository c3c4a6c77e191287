#include "infer/number.h"

#include <stdlib.h>
#include <string.h>

#include "lib/double.h"

enum { FAR = 1000000 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void add_digit(struct number *n, char digit)
{
	if (n->count < NUMBER_DIGITS_MAX)
		n->digits[n->count] = digit;
	n->count++;
}

/* Behind the 'e'. An exponent that is too large to matter stays at a million. */
static const char *exponent(const char *p, const char *end, int64_t *ret)
{
	bool negative = p < end && *p == '-';
	int64_t value = 0;

	p += p < end && (*p == '-' || *p == '+');
	if (p == end)
		return NULL;
	for (; p < end && is_digit(*p); p++)
		if (value < FAR)
			value = value * 10 + *p - '0';
	*ret = negative ? -value : value;
	return p;
}

/* The zeros at the end count no more; those beyond the room were never seen as zeros. */
static void strip_zeros(struct number *n)
{
	while (n->count && n->count <= NUMBER_DIGITS_MAX && n->digits[n->count - 1] == '0')
		n->count--;
	if (!n->count)
		n->exponent = 0;
}

bool number_parse(const char *text, size_t length, struct number *ret)
{
	const char *p = text, *end = text + length;
	struct number n = { .whole = true };
	size_t zeros = 0; /* seen, but not yet known to be inside */
	bool any = false, behind = false;
	int64_t power = 0;

	n.negative = p < end && *p == '-';
	p += p < end && (*p == '-' || *p == '+');
	for (; p < end && (is_digit(*p) || (*p == '.' && !behind)); p++) {
		if (*p == '.') {
			behind = true;
			continue;
		}
		any = true;
		if (*p == '0') {
			/* Zeros in front only move the point. */
			if (n.count)
				zeros++;
			else
				n.exponent -= behind;
		} else {
			for (; zeros; zeros--)
				add_digit(&n, '0');
			add_digit(&n, *p);
		}
		n.exponent += !behind && (n.count || zeros);
	}
	if (!any)
		return false;
	n.whole = !behind;
	if (p < end && (*p | 0x20) == 'e') {
		n.whole = false;
		p = exponent(p + 1, end, &power);
		if (!p || !is_digit(p[-1]))
			return false;
	}
	if (p != end)
		return false;
	n.exponent += power;
	strip_zeros(&n);
	*ret = n;
	return true;
}

uint32_t number_before(const struct number *n)
{
	return n->exponent <= 0 ? 0 : n->exponent > FAR ? FAR : (uint32_t)n->exponent;
}

uint32_t number_after(const struct number *n)
{
	int64_t after = (int64_t)n->count - n->exponent;

	return after <= 0 || !n->count ? 0 : after > FAR ? FAR : (uint32_t)after;
}

/* Whole, and not more than the limit, which has as many digits as any. */
static bool fits(const struct number *n, const char *limit)
{
	int64_t length = (int64_t)strlen(limit);
	char padded[24];

	if ((int64_t)n->count > n->exponent && n->count)
		return false;
	if (n->exponent != length)
		return n->exponent < length;
	memset(padded, '0', sizeof padded);
	memcpy(padded, n->digits, n->count);
	return memcmp(padded, limit, (size_t)length) <= 0;
}

bool number_fits_int64(const struct number *n)
{
	return fits(n, n->negative ? "9223372036854775808" : "9223372036854775807");
}

bool number_fits_uint64(const struct number *n)
{
	return (!n->negative || !n->count) && fits(n, "18446744073709551615");
}

bool number_fits_double(const struct number *n)
{
	char text[48];
	struct number back;
	size_t length;
	double value;

	if (n->count <= 15 && n->exponent > -290 && n->exponent < 300)
		return true;
	/* A double is written with 17 digits at most. */
	if (n->count > 17 || n->exponent < -400 || n->exponent > 400)
		return false;
	memcpy(text, "0.", 2);
	memcpy(text + 2, n->digits, n->count);
	length = n->count + 2;
	text[length++] = 'e';
	if (n->exponent < 0)
		text[length++] = '-';
	for (int64_t rest = n->exponent < 0 ? -n->exponent : n->exponent, unit = 100; unit;
	     unit /= 10)
		text[length++] = (char)('0' + rest / unit % 10);
	text[length] = '\0';
	value = strtod(text, NULL);
	if (value == 0 || value - value != 0)
		return false;
	length = (size_t)(double_write(text, value) - text);
	return number_parse(text, length, &back) && back.exponent == n->exponent &&
	       back.count == n->count && !memcmp(back.digits, n->digits, n->count);
}

char *number_write(char *out, const struct number *n)
{
	int64_t i;

	if (n->negative && n->count)
		*out++ = '-';
	if (n->exponent <= 0)
		*out++ = '0';
	for (i = 0; i < n->exponent; i++)
		*out++ = i < (int64_t)n->count ? n->digits[i] : '0';
	if ((int64_t)n->count <= n->exponent || !n->count)
		return out;
	*out++ = '.';
	for (i = n->exponent; i < 0; i++)
		*out++ = '0';
	for (; i < (int64_t)n->count; i++)
		*out++ = n->digits[i];
	return out;
}
