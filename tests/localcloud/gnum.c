#include "tests/localcloud/gnum.h"

#include <string.h>

/* What a decimal literal consists of, before its digits are put in place. */
struct literal {
	bool negative;
	const char *digits; /* integer and fraction digits, with at most one '.' among them */
	size_t length;
	long exponent;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int split_exponent(const char *s, size_t n, long *exponent)
{
	size_t i = 0;
	bool negative = false;
	long value = 0;

	if (i < n && (s[i] == '+' || s[i] == '-'))
		negative = s[i++] == '-';
	if (i == n)
		return -1;
	for (; i < n; i++) {
		if (!is_digit(s[i]))
			return -1;
		if (value < 100000)
			value = value * 10 + (s[i] - '0');
	}
	*exponent = negative ? -value : value;
	return 0;
}

static int split(const char *s, size_t n, struct literal *lit)
{
	size_t i = 0, digits = 0, points = 0;

	memset(lit, 0, sizeof(*lit));
	if (i < n && (s[i] == '+' || s[i] == '-'))
		lit->negative = s[i++] == '-';
	lit->digits = s + i;
	for (; i < n && s[i] != 'e' && s[i] != 'E'; i++) {
		if (s[i] == '.' && points == 0)
			points++;
		else if (is_digit(s[i]))
			digits++;
		else
			return -1;
	}
	if (digits == 0)
		return -1;
	lit->length = (size_t)(s + i - lit->digits);
	return i < n ? split_exponent(s + i + 1, n - i - 1, &lit->exponent) : 0;
}

/* Strips the point and the leading zeros; *point_at becomes the place of the point counted from the first digit. */
static size_t significant(const struct literal *lit, char *out, size_t room, long *point_at)
{
	size_t n = 0;
	long point = -1, position = 0, skipped = 0;

	for (size_t i = 0; i < lit->length; i++) {
		if (lit->digits[i] == '.') {
			point = position;
			continue;
		}
		position++;
		if (n == 0 && lit->digits[i] == '0') {
			skipped++;
			continue;
		}
		if (n == room)
			return room + 1;
		out[n++] = lit->digits[i];
	}
	*point_at = (point < 0 ? position : point) - skipped + lit->exponent;
	while (n > 0 && out[n - 1] == '0')
		n--;
	return n;
}

/* Writes count digits from a string of n digits, zeros where the index falls outside of it. */
static char *put_digits(char *out, const char *digits, long n, long from, long count)
{
	for (long i = from; i < from + count; i++)
		*out++ = i >= 0 && i < n ? digits[i] : '0';
	return out;
}

int gnum_canonical(const char *s, size_t n, char out[GNUM_MAX], struct gnum_shape *shape)
{
	char digits[GNUM_MAX];
	struct literal lit;
	long point, whole, fraction;
	size_t count;
	char *end = out;

	if (split(s, n, &lit))
		return -1;
	count = significant(&lit, digits, sizeof(digits) - 8, &point);
	if (count > sizeof(digits) - 8)
		return -1;
	if (count == 0)
		point = 0;
	whole = point > 0 ? point : 0;
	fraction = (long)count > point ? (long)count - point : 0;
	if (whole + fraction > GNUM_MAX - 8)
		return -1;
	if (lit.negative && count > 0)
		*end++ = '-';
	if (whole == 0)
		*end++ = '0';
	end = put_digits(end, digits, (long)count, 0, whole);
	if (fraction > 0) {
		*end++ = '.';
		end = put_digits(end, digits, (long)count, point, fraction);
	}
	*end = '\0';
	shape->integer_digits = (int)whole;
	shape->scale = (int)fraction;
	return 0;
}

bool gnum_fits(const char *canonical, const struct gnum_shape *shape, bool big, int precision,
	       int scale)
{
	/* 2^255-1 and -2^255, as 10^-38ths (BigQuery's BIGNUMERIC range). */
	static const char max[] =
		"578960446186580977117854925043439539266.34992332820282019728792003956564819967";
	static const char min[] =
		"-578960446186580977117854925043439539266.34992332820282019728792003956564819968";

	if (precision > 0)
		return shape->integer_digits <= precision - scale && shape->scale <= scale;
	if (!big)
		return shape->integer_digits <= 29 && shape->scale <= 9;
	return shape->scale <= 38 &&
	       gnum_compare(canonical, strlen(canonical), max, sizeof(max) - 1) <= 0 &&
	       gnum_compare(canonical, strlen(canonical), min, sizeof(min) - 1) >= 0;
}

static int compare_magnitude(const char *a, size_t an, const char *b, size_t bn)
{
	const char *ap = memchr(a, '.', an), *bp = memchr(b, '.', bn);
	size_t aw = ap ? (size_t)(ap - a) : an, bw = bp ? (size_t)(bp - b) : bn;
	size_t shorter = an < bn ? an : bn;
	int order;

	if (aw != bw)
		return aw < bw ? -1 : 1;
	/* Equally long integer parts: the points stand at the same place, so bytes decide, then the longer fraction. */
	order = memcmp(a, b, shorter);
	if (order)
		return order;
	return an < bn ? -1 : an > bn;
}

int gnum_compare(const char *a, size_t an, const char *b, size_t bn)
{
	bool a_negative = an > 0 && a[0] == '-', b_negative = bn > 0 && b[0] == '-';

	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	if (a_negative)
		return compare_magnitude(b + 1, bn - 1, a + 1, an - 1);
	return compare_magnitude(a, an, b, bn);
}

static int collate(void *unused, int an, const void *a, int bn, const void *b)
{
	(void)unused;
	return gnum_compare(a, (size_t)an, b, (size_t)bn);
}

int gnum_register(sqlite3 *db)
{
	return sqlite3_create_collation(db, "gnum", SQLITE_UTF8, NULL, collate);
}
