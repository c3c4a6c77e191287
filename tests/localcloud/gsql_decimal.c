#include "tests/localcloud/gsql_decimal.h"

#include "tests/localcloud/gnum.h"

#include <string.h>

bool gsql_decimal_parse(const char *s, size_t n, struct gsql_decimal *ret)
{
	char text[GNUM_MAX];
	struct gnum_shape shape;
	if (gnum_canonical(s, n, text, &shape) != 0 || shape.integer_digits + shape.scale > 120)
		return false;
	*ret = (struct gsql_decimal){ .scale = shape.scale };
	for (size_t i = strlen(text); i > 0; i--) {
		char c = text[i - 1];
		if (c == '-')
			ret->negative = true;
		else if (c != '.')
			ret->digit[ret->count++] = (signed char)(c - '0');
	}
	return true;
}

static void trim(struct gsql_decimal *d)
{
	while (d->count > 0 && d->digit[d->count - 1] == 0)
		d->count--;
	if (d->count == 0)
		d->negative = false;
}

/* Multiplies by 10^n without changing the value: more digits behind the point. */
static void shift(struct gsql_decimal *d, int n)
{
	memmove(d->digit + n, d->digit, (size_t)d->count);
	memset(d->digit, 0, (size_t)n);
	d->count += n;
	d->scale += n;
}

static int compare_magnitude(const struct gsql_decimal *a, const struct gsql_decimal *b)
{
	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	for (int i = a->count - 1; i >= 0; i--)
		if (a->digit[i] != b->digit[i])
			return a->digit[i] < b->digit[i] ? -1 : 1;
	return 0;
}

/* d += sign * b on magnitudes of the same scale; |d| >= |b| when sign is -1. */
static void accumulate(struct gsql_decimal *d, const struct gsql_decimal *b, int sign)
{
	int carry = 0;
	int n = d->count > b->count ? d->count : b->count;
	for (int i = 0; i < n || carry != 0; i++) {
		int sum = (i < d->count ? d->digit[i] : 0) + carry +
			  sign * (i < b->count ? b->digit[i] : 0);
		carry = sum < 0 ? -1 : sum / 10;
		d->digit[i] = (signed char)(sum - 10 * carry);
		if (i >= d->count)
			d->count = i + 1;
	}
	trim(d);
}

void gsql_decimal_add(const struct gsql_decimal *a, const struct gsql_decimal *b,
		      struct gsql_decimal *ret)
{
	struct gsql_decimal x = *a;
	struct gsql_decimal y = *b;
	if (x.scale < y.scale)
		shift(&x, y.scale - x.scale);
	else
		shift(&y, x.scale - y.scale);
	trim(&x);
	trim(&y);
	if (x.negative == y.negative) {
		accumulate(&x, &y, 1);
		*ret = x;
	} else if (compare_magnitude(&x, &y) >= 0) {
		accumulate(&x, &y, -1);
		*ret = x;
	} else {
		accumulate(&y, &x, -1);
		*ret = y;
	}
}

void gsql_decimal_multiply(const struct gsql_decimal *a, const struct gsql_decimal *b,
			   struct gsql_decimal *ret)
{
	struct gsql_decimal p = { .negative = a->negative != b->negative,
				  .scale = a->scale + b->scale };
	for (int i = 0; i < a->count; i++) {
		int carry = 0;
		for (int j = 0; j < b->count || carry != 0; j++) {
			int v = p.digit[i + j] + carry +
				(j < b->count ? a->digit[i] * b->digit[j] : 0);
			p.digit[i + j] = (signed char)(v % 10);
			carry = v / 10;
		}
	}
	p.count = a->count + b->count;
	trim(&p);
	*ret = p;
}

void gsql_decimal_divide(const struct gsql_decimal *a, const struct gsql_decimal *b, int scale,
			 struct gsql_decimal *ret)
{
	/* One digit more than wanted decides the rounding: half away from zero needs no other. */
	struct gsql_decimal n = *a;
	struct gsql_decimal divisor = *b;
	struct gsql_decimal rest = { 0 };
	struct gsql_decimal q = { .negative = a->negative != b->negative, .scale = scale + 1 };
	int more = scale + 1 + b->scale - a->scale;
	if (more > 0)
		shift(&n, more);
	trim(&divisor);
	divisor.negative = false;
	q.scale += more > 0 ? 0 : -more;
	q.count = n.count;
	for (int i = n.count - 1; i >= 0; i--) {
		shift(&rest, 1);
		rest.digit[0] = n.digit[i];
		trim(&rest);
		while (compare_magnitude(&rest, &divisor) >= 0) {
			accumulate(&rest, &divisor, -1);
			q.digit[i]++;
		}
	}
	trim(&q);
	gsql_decimal_round(&q, scale, GSQL_ROUND_HALF);
	*ret = q;
}

void gsql_decimal_round(struct gsql_decimal *d, int scale, enum gsql_rounding how)
{
	int drop = d->scale - scale;
	if (drop <= 0)
		return;
	bool rest = false;
	for (int i = 0; i < drop && i < d->count; i++)
		rest = rest || d->digit[i] != 0;
	bool up = how == GSQL_ROUND_HALF      ? drop <= d->count && d->digit[drop - 1] >= 5
		  : how == GSQL_ROUND_FLOOR   ? rest && d->negative
		  : how == GSQL_ROUND_CEILING ? rest && !d->negative
					      : false;
	int kept = d->count > drop ? d->count - drop : 0;
	memmove(d->digit, d->digit + drop, (size_t)kept);
	memset(d->digit + kept, 0, sizeof(d->digit) - (size_t)kept);
	d->count = kept;
	d->scale = scale;
	if (up) {
		struct gsql_decimal one = { .count = 1, .digit = { 1 } };
		accumulate(d, &one, 1);
	}
	if (scale < 0) {
		shift(d, -scale);
		d->scale = 0;
	}
	trim(d);
}

bool gsql_decimal_is_zero(const struct gsql_decimal *d)
{
	for (int i = 0; i < d->count; i++)
		if (d->digit[i] != 0)
			return false;
	return true;
}

size_t gsql_decimal_format(const struct gsql_decimal *d, char out[GSQL_DECIMAL_TEXT])
{
	size_t n = 0;
	int last = 0;
	while (last < d->scale && (last >= d->count || d->digit[last] == 0))
		last++;
	int top = d->count > d->scale ? d->count : d->scale + 1;
	while (top > d->scale + 1 && d->digit[top - 1] == 0)
		top--;
	if (d->negative && !gsql_decimal_is_zero(d))
		out[n++] = '-';
	for (int i = top - 1; i >= last || i >= d->scale; i--) {
		out[n++] = (char)('0' + (i < d->count ? d->digit[i] : 0));
		if (i == d->scale && last < d->scale)
			out[n++] = '.';
	}
	out[n] = '\0';
	return n;
}

bool gsql_decimal_fit(struct gsql_decimal *d, bool big, char out[GSQL_DECIMAL_TEXT])
{
	char canonical[GNUM_MAX];
	struct gnum_shape shape;
	gsql_decimal_round(d, big ? 38 : 9, GSQL_ROUND_HALF);
	size_t n = gsql_decimal_format(d, out);
	return gnum_canonical(out, n, canonical, &shape) == 0 &&
	       gnum_fits(canonical, &shape, big, 0, 0);
}
