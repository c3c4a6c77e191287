/* CAST between scalar types, and the checks of a value that goes into a column. */
#include "tests/localcloud/civil.h"
#include "tests/localcloud/gnum.h"
#include "tests/localcloud/gsql_core.h"
#include "tests/localcloud/gsql_decimal.h"
#include "tests/localcloud/gsql_func.h"
#include "tests/localcloud/interval.h"

#include "lib/utf8.h"
#include "tests/localcloud/jscan.h"
#include "tests/localcloud/json_normal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void put(sqlite3_context *c, const char *s)
{
	sqlite3_result_text(c, s, -1, SQLITE_TRANSIENT);
}

static bool to_int(sqlite3_context *c, char from, sqlite3_value *v)
{
	int64_t i = 0;
	struct gsql_decimal d;
	char text[GSQL_DECIMAL_TEXT];
	const char *s = gsql_text_of(v);
	if (from == 'F') {
		double f = round(gsql_double(v));
		if (!(f >= -9223372036854775808.0 && f < 9223372036854775808.0))
			return false;
		sqlite3_result_int64(c, (int64_t)f);
		return true;
	}
	if (from == 'N' || from == 'G') {
		if (!gsql_decimal_parse(s, strlen(s), &d))
			return false;
		gsql_decimal_round(&d, 0, GSQL_ROUND_HALF);
		gsql_decimal_format(&d, text);
		s = text;
	} else {
		while (isspace((unsigned char)*s))
			s++;
	}
	size_t n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		n--;
	if (!gsql_parse_int(s, n, &i))
		return false;
	sqlite3_result_int64(c, i);
	return true;
}

static bool to_float(sqlite3_context *c, char from, sqlite3_value *v)
{
	const char *s = gsql_text_of(v);
	char *end = NULL;
	const char *digits = s + (*s == '-' || *s == '+');
	if (from == 'I') {
		sqlite3_result_double(c, (double)sqlite3_value_int64(v));
		return true;
	}
	/* strtod also reads hexadecimal floats and nan(…), which BigQuery does not. */
	bool special = strcasecmp(digits, "inf") == 0 || strcasecmp(digits, "infinity") == 0 ||
		       strcasecmp(digits, "nan") == 0;
	double d = strtod(s, &end);
	if (*s == '\0' || *end != '\0' ||
	    (!special && strspn(digits, "0123456789.eE+-") != strlen(digits)))
		return false;
	if (isinf(d) && !special)
		return false;
	gsql_result_double(c, d);
	return true;
}

static bool to_decimal(sqlite3_context *c, char from, char to, sqlite3_value *v)
{
	struct gsql_decimal d;
	char text[GSQL_DECIMAL_TEXT];
	const char *s = gsql_text_of(v);
	if (from == 'F') {
		double f = gsql_double(v);
		if (!isfinite(f) || fabs(f) > 1e40)
			return false;
		gsql_format_double(f, text);
		s = text;
	}
	if (!gsql_decimal_parse(s, strlen(s), &d) || !gsql_decimal_fit(&d, to == 'G', text))
		return false;
	put(c, text);
	return true;
}

static bool to_bool(sqlite3_context *c, char from, sqlite3_value *v)
{
	if (from == 'I') {
		sqlite3_result_int(c, sqlite3_value_int64(v) != 0);
		return true;
	}
	const char *s = gsql_text_of(v);
	if (strcasecmp(s, "true") != 0 && strcasecmp(s, "false") != 0)
		return false;
	sqlite3_result_int(c, (*s | 32) == 't');
	return true;
}

/* "2024-01-02 03:04:05[.678[901]]" */
static void put_civil_string(sqlite3_context *c, char from, const struct civil *t)
{
	char text[CIVIL_TEXT_MAX + 8];
	size_t n = gsql_format_civil(from, t, text);
	if (from != 'D' && from != 'T')
		text[10] = ' ';
	snprintf(text + n, sizeof(text) - n, "%s", from == 'P' ? "+00" : "");
	put(c, text);
}

size_t gsql_format_civil(char type, const struct civil *t, char *out)
{
	size_t n = type == 'D'   ? civil_format_date(t, out)
		   : type == 'T' ? civil_format_time(t, out)
				 : civil_format_datetime(t, out);
	if (type != 'D')
		n -= t->micros == 0 ? 7 : t->micros % 1000 == 0 ? 3 : 0;
	out[n] = '\0';
	return n;
}

static int read_civil(char from, char to, sqlite3_value *v, struct civil *t)
{
	const char *s = gsql_text_of(v);
	size_t n = (size_t)sqlite3_value_bytes(v);
	int64_t us = 0;
	if (from == 'P') {
		civil_from_micros(sqlite3_value_int64(v), t);
		return 0;
	}
	char form = from == 'S' ? to : from;
	if (form == 'D')
		return civil_parse_date(s, n, t);
	if (form == 'T')
		return civil_parse_time(s, n, t);
	if (form == 'M')
		return civil_parse_datetime(s, n, t);
	/* A bare number is a TIMESTAMP for a load job, not for a CAST. */
	if (memchr(s, '-', n) == NULL || civil_parse_timestamp(s, n, &us) != 0)
		return -1;
	civil_from_micros(us, t);
	return 0;
}

static bool to_civil(sqlite3_context *c, char from, char to, sqlite3_value *v)
{
	char text[CIVIL_TEXT_MAX];
	struct civil t = { 0 };
	if (read_civil(from, to, v, &t) != 0)
		return false;
	if (to == 'P')
		sqlite3_result_int64(c, civil_to_micros(&t));
	else if (to == 'S')
		put_civil_string(c, from, &t);
	else {
		(void)(to == 'D'   ? civil_format_date(&t, text)
		       : to == 'T' ? civil_format_time(&t, text)
				   : civil_format_datetime(&t, text));
		put(c, text);
	}
	return true;
}

static bool to_string(sqlite3_context *c, char from, sqlite3_value *v)
{
	char text[40];
	if (strchr("DMTP", from) != NULL)
		return to_civil(c, from, 'S', v);
	if (from == 'F') {
		double d = gsql_double(v);
		gsql_format_double(d, text);
		put(c, isnan(d) ? "nan" : isinf(d) ? (d > 0 ? "inf" : "-inf") : text);
	} else if (from == 'B') {
		put(c, sqlite3_value_int(v) != 0 ? "true" : "false");
	} else if (from == 'Y') {
		const char *s = gsql_text_of(v);
		size_t n = (size_t)sqlite3_value_bytes(v);
		if (utf8_valid_prefix(s, n) != n)
			return false;
		sqlite3_result_text64(c, s, n, SQLITE_TRANSIENT, SQLITE_UTF8);
	} else {
		put(c, gsql_text_of(v));
	}
	return true;
}

static bool to_interval(sqlite3_context *c, sqlite3_value *v)
{
	char text[INTERVAL_TEXT_MAX];
	if (interval_parse(gsql_text_of(v), (size_t)sqlite3_value_bytes(v), text) != 0)
		return false;
	put(c, text);
	return true;
}

static bool to_json(sqlite3_context *c, sqlite3_value *v)
{
	auto_buf out = BUF_INIT;
	struct jtoken token;
	const char *p = gsql_text_of(v);
	const char *end = p + sqlite3_value_bytes(v);
	if (jscan_value(&p, end, &token) != 0 || !jscan_blank(p, end) ||
	    json_normal(&token, &out) != 0)
		return false;
	sqlite3_result_text64(c, out.data, out.length, SQLITE_TRANSIENT, SQLITE_UTF8);
	return true;
}

static void fail_cast(sqlite3_context *c, char from, char to, sqlite3_value *v)
{
	static const struct {
		char to;
		const char *format;
	} messages[] = { { 'I', "Bad int64 value: %s" },
			 { 'F', "Bad double value: %s" },
			 { 'N', "Invalid NUMERIC value: %s" },
			 { 'G', "Invalid BIGNUMERIC value: %s" },
			 { 'B', "Bad bool value: %s" },
			 { 'D', "Invalid date: '%s'" },
			 { 'M', "Invalid datetime string \"%s\"" },
			 { 'T', "Invalid time string \"%s\"" },
			 { 'P', "Invalid timestamp: '%s'" },
			 { 'J', "Invalid JSON: %s" },
			 { 'V', "Invalid INTERVAL value '%s'" } };
	const char *prefix = from == 'Y' ? "Invalid cast of bytes to UTF8 string" : "";
	char message[300] = "";
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (messages[i].to != to)
			continue;
		size_t n = strcspn(messages[i].format, "%");
		snprintf(message, sizeof(message), "%.*s%.200s%s", (int)n, messages[i].format,
			 gsql_text_of(v), messages[i].format + n + 2);
	}
	gsql_func_fail(c, "%s%s", prefix, message);
}

/* g_cast(value, from, to, safe) */
static void cast(sqlite3_context *c, int n, sqlite3_value **v)
{
	char from = gsql_text_of(v[1])[0];
	char to = gsql_text_of(v[2])[0];
	bool good = true;
	(void)n;
	if (to == 'I' && from == 'B')
		sqlite3_result_int(c, sqlite3_value_int(v[0]));
	else if (to == 'I')
		good = to_int(c, from, v[0]);
	else if (to == 'F')
		good = to_float(c, from, v[0]);
	else if (to == 'N' || to == 'G')
		good = to_decimal(c, from, to, v[0]);
	else if (to == 'B')
		good = to_bool(c, from, v[0]);
	else if (to == 'S')
		good = to_string(c, from, v[0]);
	else if (to == 'Y')
		sqlite3_result_blob64(c, gsql_text_of(v[0]),
				      (sqlite3_uint64)sqlite3_value_bytes(v[0]), SQLITE_TRANSIENT);
	else if (to == 'J')
		good = to_json(c, v[0]);
	else if (to == 'V')
		good = to_interval(c, v[0]);
	else
		good = to_civil(c, from, to, v[0]);
	if (!good && sqlite3_value_int(v[3]) != 0)
		sqlite3_result_null(c);
	else if (!good)
		fail_cast(c, from, to, v[0]);
}

/* g_round_to(value, precision, scale, type, safe): NUMERIC(P,S) rounds to S and refuses what needs more than P. */
static void round_to(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct gsql_decimal d;
	char text[GSQL_DECIMAL_TEXT];
	char canonical[GNUM_MAX];
	struct gnum_shape shape;
	(void)n;
	const char *s = gsql_text_of(v[0]);
	int precision = sqlite3_value_int(v[1]);
	int scale = sqlite3_value_int(v[2]);
	bool big = gsql_text_of(v[3])[0] == 'G';
	bool good = gsql_decimal_parse(s, strlen(s), &d);
	if (good) {
		gsql_decimal_round(&d, scale, GSQL_ROUND_HALF);
		size_t len = gsql_decimal_format(&d, text);
		good = gnum_canonical(text, len, canonical, &shape) == 0 &&
		       gnum_fits(canonical, &shape, big, precision, scale);
	}
	if (good)
		put(c, text);
	else if (sqlite3_value_int(v[4]) == 0)
		gsql_func_fail(c, "Value %.200s is out of range for %s(%d,%d)", s,
			       big ? "BIGNUMERIC" : "NUMERIC", precision, scale);
}

/* g_length(value, limit, column): STRING(L) and BYTES(L). */
static void check_length(sqlite3_context *c, int n, sqlite3_value **v)
{
	bool blob = sqlite3_value_type(v[0]) == SQLITE_BLOB;
	const char *s = gsql_text_of(v[0]);
	int64_t length = 0;
	(void)n;
	for (int i = 0; i < sqlite3_value_bytes(v[0]); i++)
		length += blob || ((unsigned char)s[i] & 0xc0) != 0x80;
	if (length > sqlite3_value_int64(v[1]))
		gsql_func_fail(
			c,
			"Field %s: %s value is too long: maximum length %lld, actual length %lld",
			gsql_text_of(v[2]), blob ? "BYTES" : "STRING",
			(long long)sqlite3_value_int64(v[1]), (long long)length);
	else
		sqlite3_result_value(c, v[0]);
}

/* g_required(value, column) */
static void required(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		gsql_func_fail(c, "Required field %s cannot be null", gsql_text_of(v[1]));
	else
		sqlite3_result_value(c, v[0]);
}

/* g_no_nulls(array, column): an array that is stored holds no NULL. */
static void no_nulls(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct jiter it;
	struct jtoken element;
	const char *s = gsql_text_of(v[0]);
	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL) {
		sqlite3_result_text(c, "[]", -1, SQLITE_STATIC);
		return;
	}
	if (jiter_open(&it, '[', s, s + sqlite3_value_bytes(v[0])) == 0)
		while (jiter_element(&it, &element) == 1)
			if (element.kind == JSON_K_NULL) {
				gsql_func_fail(
					c,
					"Array cannot have a null element; error in writing field %s",
					gsql_text_of(v[1]));
				return;
			}
	sqlite3_result_value(c, v[0]);
}

const struct gsql_func gsql_func_casts[] = {
	{ "g_cast", 4, cast, false },           { "g_round_to", 5, round_to, false },
	{ "g_length", 3, check_length, false }, { "g_required", 2, required, true },
	{ "g_no_nulls", 2, no_nulls, true },    { 0 }
};
