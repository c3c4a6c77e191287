/* INT64, FLOAT64 and NUMERIC arithmetic. */
#include "tests/localcloud/gsql_decimal.h"
#include "tests/localcloud/gsql_func.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double gsql_double(sqlite3_value *v)
{
	if (sqlite3_value_type(v) != SQLITE_TEXT)
		return sqlite3_value_double(v);
	const char *s = gsql_text_of(v);
	return s[0] == 'N' ? (double)NAN : s[0] == '-' ? -(double)INFINITY : (double)INFINITY;
}

void gsql_result_double(sqlite3_context *c, double d)
{
	if (isnan(d))
		sqlite3_result_text(c, "NaN", -1, SQLITE_STATIC);
	else if (isinf(d))
		sqlite3_result_text(c, d > 0 ? "Infinity" : "-Infinity", -1, SQLITE_STATIC);
	else
		sqlite3_result_double(c, d);
}

size_t gsql_format_double(double d, char out[40])
{
	if (isnan(d))
		return (size_t)snprintf(out, 40, "NaN");
	if (isinf(d))
		return (size_t)snprintf(out, 40, d > 0 ? "Infinity" : "-Infinity");
	for (int digits = 15; digits <= 17; digits++) {
		int n = snprintf(out, 40, "%.*g", digits, d);
		if (digits == 17 || strtod(out, NULL) == d)
			return (size_t)n;
	}
	return 0;
}

void gsql_double_key(double d, unsigned char key[8])
{
	uint64_t bits = 0;
	if (d == 0)
		d = 0; /* -0 and 0 are equal */
	memcpy(&bits, &d, sizeof(bits));
	bits = (bits >> 63) != 0 ? ~bits : bits | (UINT64_C(1) << 63);
	if (isnan(d))
		bits = 0; /* the least of all */
	for (int i = 0; i < 8; i++)
		key[i] = (unsigned char)(bits >> (56 - 8 * i));
}

static void int_operator(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	char op = gsql_text_of(v[0])[0];
	int64_t a = sqlite3_value_int64(v[1]);
	int64_t b = sqlite3_value_int64(v[2]);
	int64_t r = 0;
	bool overflow = false;
	if ((op == '/' || op == '%') && b == 0) {
		gsql_func_fail(c, "division by zero: %lld %c %lld", (long long)a, op, (long long)b);
		return;
	}
	if ((op == '<' || op == '>') && b < 0) {
		gsql_func_fail(c, "Bitwise shift by negative offset: %lld", (long long)b);
		return;
	}
	switch (op) {
	case '+':
		overflow = __builtin_add_overflow(a, b, &r);
		break;
	case '-':
		overflow = __builtin_sub_overflow(a, b, &r);
		break;
	case '*':
		overflow = __builtin_mul_overflow(a, b, &r);
		break;
	case '/':
		overflow = a == INT64_MIN && b == -1;
		r = overflow ? 0 : a / b;
		break;
	case '%':
		r = b == -1 ? 0 : a % b;
		break;
	case '<':
		r = b >= 64 ? 0 : (int64_t)((uint64_t)a << b);
		break;
	default:
		r = b >= 64 ? 0 : (int64_t)((uint64_t)a >> b);
		break;
	}
	if (overflow)
		gsql_func_fail(c, "int64 overflow: %lld %c %lld", (long long)a, op, (long long)b);
	else
		sqlite3_result_int64(c, r);
}

static void float_operator(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	char op = gsql_text_of(v[0])[0];
	double a = gsql_double(v[1]);
	double b = gsql_double(v[2]);
	if (op == '/' && b == 0) {
		gsql_func_fail(c, "division by zero: %g / %g", a, b);
		return;
	}
	double r = op == '+'   ? a + b
		   : op == '-' ? a - b
		   : op == '*' ? a * b
		   : op == '/' ? a / b
			       : pow(a, b);
	if (!isfinite(r) && isfinite(a) && isfinite(b))
		gsql_func_fail(c, "Floating point error in function: %g %s %g", a,
			       op == 'p' ? "POW" : gsql_text_of(v[0]), b);
	else
		gsql_result_double(c, r);
}

static void float_compare(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	const char *op = gsql_text_of(v[0]);
	double a = gsql_double(v[1]);
	double b = gsql_double(v[2]);
	bool less = op[0] == '<' && op[1] != '>' && a < b;
	bool greater = op[0] == '>' && a > b;
	bool equal = (op[0] == '=' || op[1] == '=') && a == b;
	bool unequal = op[0] == '<' && op[1] == '>' && !(a == b);
	sqlite3_result_int(c, less || greater || equal || unequal);
}

static void float_math(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	const char *name = gsql_text_of(v[0]);
	double d = gsql_double(v[1]);
	double r = strcmp(name, "abs") == 0     ? fabs(d)
		   : strcmp(name, "floor") == 0 ? floor(d)
		   : strcmp(name, "ceil") == 0  ? ceil(d)
		   : strcmp(name, "trunc") == 0 ? trunc(d)
		   : strcmp(name, "sign") == 0  ? (double)((d > 0) - (d < 0))
		   : strcmp(name, "exp") == 0   ? exp(d)
		   : strcmp(name, "sqrt") == 0  ? sqrt(d)
						: log(d);
	if (!isfinite(r) && isfinite(d))
		gsql_func_fail(c, "Floating point error in function: %s(%g)", name, d);
	else
		gsql_result_double(c, r);
}

static void float_round(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	double d = gsql_double(v[0]);
	int64_t digits = sqlite3_value_int64(v[1]);
	double factor = pow(10, (double)(digits > 300 ? 300 : digits < -300 ? -300 : digits));
	double r = digits == 0 ? round(d) : round(d * factor) / factor;
	gsql_result_double(c, isfinite(r) ? r : d);
}

static void float_key(sqlite3_context *c, int n, sqlite3_value **v)
{
	unsigned char key[8];
	(void)n;
	gsql_double_key(gsql_double(v[0]), key);
	sqlite3_result_blob(c, key, sizeof(key), SQLITE_TRANSIENT);
}

static void float_from_key(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *key = sqlite3_value_blob(v[0]);
	uint64_t bits = 0;
	double d;
	(void)n;
	for (int i = 0; i < 8; i++)
		bits = bits << 8 | key[i];
	uint64_t plain = (bits >> 63) != 0 ? bits & ~(UINT64_C(1) << 63) : ~bits;
	memcpy(&d, &plain, sizeof(d));
	gsql_result_double(c, bits == 0 ? (double)NAN : d);
}

static void float_cell(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	gsql_result_double(c, gsql_double(v[0]));
}

static bool decimal_of(sqlite3_value *v, struct gsql_decimal *d)
{
	const char *s = gsql_text_of(v);
	return gsql_decimal_parse(s, strlen(s), d);
}

static void result_decimal(sqlite3_context *c, struct gsql_decimal *d, bool big, const char *what)
{
	char text[GSQL_DECIMAL_TEXT];
	if (gsql_decimal_fit(d, big, text))
		sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
	else
		gsql_func_fail(c, "%s overflow: %s", big ? "BIGNUMERIC" : "numeric", what);
}

static void decimal_operator(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct gsql_decimal a, b, r;
	(void)n;
	char op = gsql_text_of(v[0])[0];
	bool big = gsql_text_of(v[3])[0] == 'G';
	char what[200];
	snprintf(what, sizeof(what), "%s %c %s", gsql_text_of(v[1]), op, gsql_text_of(v[2]));
	if (!decimal_of(v[1], &a) || !decimal_of(v[2], &b)) {
		gsql_func_fail(c, "Invalid NUMERIC value: %s", what);
		return;
	}
	if ((op == '/' || op == '%') && gsql_decimal_is_zero(&b)) {
		gsql_func_fail(c, "division by zero: %s", what);
		return;
	}
	if (op == '-')
		b.negative = !b.negative;
	if (op == '*') {
		gsql_decimal_multiply(&a, &b, &r);
	} else if (op == '/') {
		gsql_decimal_divide(&a, &b, big ? 38 : 9, &r);
	} else if (op == '%') {
		struct gsql_decimal quotient, product;
		gsql_decimal_divide(&a, &b, 38, &quotient);
		gsql_decimal_round(&quotient, 0, GSQL_ROUND_TRUNCATE);
		gsql_decimal_multiply(&quotient, &b, &product);
		product.negative = !product.negative;
		gsql_decimal_add(&a, &product, &r);
	} else {
		gsql_decimal_add(&a, &b, &r);
	}
	result_decimal(c, &r, big, what);
}

static void decimal_abs(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	const char *s = gsql_text_of(v[0]);
	sqlite3_result_text(c, s[0] == '-' ? s + 1 : s, -1, SQLITE_TRANSIENT);
}

static void decimal_round(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct gsql_decimal d;
	(void)n;
	char how = gsql_text_of(v[2])[0];
	int64_t scale = sqlite3_value_int64(v[1]);
	if (!decimal_of(v[0], &d)) {
		gsql_func_fail(c, "Invalid NUMERIC value: %s", gsql_text_of(v[0]));
		return;
	}
	gsql_decimal_round(&d,
			   (int)(scale > 38    ? 38
				 : scale < -80 ? -80
					       : scale),
			   how == 'R'   ? GSQL_ROUND_HALF
			   : how == 'T' ? GSQL_ROUND_TRUNCATE
			   : how == 'F' ? GSQL_ROUND_FLOOR
					: GSQL_ROUND_CEILING);
	result_decimal(c, &d, true, gsql_text_of(v[0]));
}

const struct gsql_func gsql_func_numbers[] = {
	{ "g_iop", 3, int_operator, false },     { "g_fop", 3, float_operator, false },
	{ "g_fcmp", 3, float_compare, false },   { "g_fmath", 2, float_math, false },
	{ "g_fround", 2, float_round, false },   { "g_fkey", 1, float_key, false },
	{ "g_unkey", 1, float_from_key, false }, { "g_real", 1, float_cell, false },
	{ "g_nop", 4, decimal_operator, false }, { "g_nabs", 1, decimal_abs, false },
	{ "g_nround", 3, decimal_round, false }, { 0 }
};
