/* JSON, arrays, and functions over any type. */
#include "tests/localcloud/base64.h"
#include "tests/localcloud/civil.h"
#include "tests/localcloud/gnum.h"
#include "tests/localcloud/gsql_decimal.h"
#include "tests/localcloud/gsql_func.h"
#include "tests/localcloud/interval.h"
#include "tests/localcloud/jscan.h"
#include "tests/localcloud/json_normal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void result_buf(sqlite3_context *c, int rc, const struct buf *b)
{
	if (rc != 0)
		sqlite3_result_error_nomem(c);
	else
		sqlite3_result_text64(c, b->data == NULL ? "" : b->data, b->length,
				      SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* FLOAT64 as a JSON value: NaN and infinities are strings. */
static void put_float(sqlite3_context *c, double d, bool cell)
{
	char text[44];
	char number[40];
	if (cell && isfinite(d))
		json_format_double(d, number, sizeof(number));
	else
		gsql_format_double(d, number);
	snprintf(text, sizeof(text), isfinite(d) ? "%s" : "\"%s\"", number);
	sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

/* g_jnum(value): as it stands in a STRUCT's or ARRAY's cell. */
static void json_number(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	put_float(c, gsql_double(v[0]), true);
}

/* NUMERIC and BIGNUMERIC are numbers where every reader keeps them: whole and within 2^53. */
static bool plain_decimal(const char *s)
{
	static const char limit[] = "9007199254740992";
	const char *digits = s + (*s == '-');
	return strchr(s, '.') == NULL &&
	       gnum_compare(digits, strlen(digits), limit, sizeof(limit) - 1) <= 0;
}

/* TIME, DATETIME and TIMESTAMP as TO_JSON_STRING writes them. */
static void json_civil(sqlite3_context *c, char type, sqlite3_value *v)
{
	char text[CIVIL_TEXT_MAX + 8];
	char quoted[CIVIL_TEXT_MAX + 16];
	struct civil t = { 0 };
	const char *s = gsql_text_of(v);
	size_t n = (size_t)sqlite3_value_bytes(v);
	if (type == 'P')
		civil_from_micros(sqlite3_value_int64(v), &t);
	else if (type == 'T' ? civil_parse_time(s, n, &t) : civil_parse_datetime(s, n, &t))
		return;
	gsql_format_civil(type, &t, text);
	snprintf(quoted, sizeof(quoted), "\"%s%s\"", text, type == 'P' ? "Z" : "");
	sqlite3_result_text(c, quoted, -1, SQLITE_TRANSIENT);
}

static void json_string(sqlite3_context *c, char type, sqlite3_value *v)
{
	auto_buf out = BUF_INIT;
	const char *s = gsql_text_of(v);
	size_t n = (size_t)sqlite3_value_bytes(v);
	int rc = 0;
	if (type != 'Y')
		rc = jscan_quote(s, n, &out);
	else if (gsql_append(&out, "\"", 1) || base64_encode(s, n, &out) ||
		 gsql_append(&out, "\"", 1))
		rc = -1;
	result_buf(c, rc, &out);
}

/* g_jtext(value, type): a cell as TO_JSON_STRING writes it. */
static void json_text(sqlite3_context *c, int n, sqlite3_value **v)
{
	char type = gsql_text_of(v[1])[0];
	int64_t i = sqlite3_value_int64(v[0]);
	bool plain = type == 'J' ||
		     (type == 'I' && i <= INT64_C(9007199254740992) &&
		      i >= -INT64_C(9007199254740992)) ||
		     ((type == 'N' || type == 'G') && plain_decimal(gsql_text_of(v[0])));
	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		sqlite3_result_text(c, "null", -1, SQLITE_STATIC);
	else if (plain)
		sqlite3_result_text(c, gsql_text_of(v[0]), -1, SQLITE_TRANSIENT);
	else if (type == 'F')
		put_float(c, gsql_double(v[0]), false);
	else if (type == 'P' || type == 'T' || type == 'M')
		json_civil(c, type, v[0]);
	else
		json_string(c, type, v[0]);
}

static int scan(sqlite3_value *v, struct jtoken *token)
{
	const char *p = gsql_text_of(v);
	return jscan_value(&p, p + sqlite3_value_bytes(v), token);
}

/* The text of a JSON scalar; NULL for null, objects and arrays. */
static void json_scalar(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	struct jtoken token;
	(void)n;
	if (scan(v[0], &token) != 0 || token.kind == JSON_K_NULL || token.kind >= JSON_K_OBJECT)
		return;
	if (token.kind == JSON_K_STRING) {
		int rc = jscan_unescape(&token, &out);
		result_buf(c, rc, &out);
	} else {
		sqlite3_result_value(c, v[0]);
	}
}

static void json_type(sqlite3_context *c, int n, sqlite3_value **v)
{
	static const char *const names[] = { "null",   "boolean", "boolean", "number",
					     "string", "object",  "array" };
	struct jtoken token;
	(void)n;
	if (scan(v[0], &token) == 0)
		sqlite3_result_text(c, names[token.kind], -1, SQLITE_STATIC);
}

static size_t element_count(sqlite3_value *v)
{
	struct jiter it;
	struct jtoken element;
	size_t count = 0;
	const char *s = gsql_text_of(v);
	if (jiter_open(&it, '[', s, s + sqlite3_value_bytes(v)) == 0)
		while (jiter_element(&it, &element) == 1)
			count++;
	return count;
}

/* g_index(array, index, ordinal, safe): SQLite's path to the element. */
static void array_index(sqlite3_context *c, int n, sqlite3_value **v)
{
	char path[40];
	int64_t i = sqlite3_value_int64(v[1]) - sqlite3_value_int(v[2]);
	(void)n;
	if (i >= 0 && (uint64_t)i < element_count(v[0])) {
		snprintf(path, sizeof(path), "$[%lld]", (long long)i);
		sqlite3_result_text(c, path, -1, SQLITE_TRANSIENT);
	} else if (sqlite3_value_int(v[3]) == 0) {
		gsql_func_fail(c, "Array index %lld is out of bounds",
			       (long long)sqlite3_value_int64(v[1]));
	}
}

static void split(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	const char *s = gsql_text_of(v[0]);
	const char *by = gsql_text_of(v[1]);
	size_t step = strlen(by);
	(void)n;
	if (step == 0) {
		gsql_func_fail(c, "SPLIT with an empty delimiter is not supported");
		return;
	}
	int rc = gsql_append(&out, "[", 1);
	for (bool more = true; more && rc == 0;) {
		const char *end = strstr(s, by);
		more = end != NULL;
		rc = jscan_quote(s, more ? (size_t)(end - s) : strlen(s), &out);
		if (rc == 0 && more)
			rc = gsql_append(&out, ",", 1);
		s = more ? end + step : s;
	}
	if (rc == 0)
		rc = gsql_append(&out, "]", 1);
	result_buf(c, rc, &out);
}

/* Order of two cells of one type. */
static int compare(char type, sqlite3_value *a, sqlite3_value *b)
{
	if (type == 'N' || type == 'G')
		return gnum_compare(gsql_text_of(a), strlen(gsql_text_of(a)), gsql_text_of(b),
				    strlen(gsql_text_of(b)));
	if (type == 'F') {
		double x = gsql_double(a);
		double y = gsql_double(b);
		return (x > y) - (x < y);
	}
	bool integers = sqlite3_value_type(a) == SQLITE_INTEGER;
	size_t an = (size_t)sqlite3_value_bytes(a);
	size_t bn = (size_t)sqlite3_value_bytes(b);
	if (integers || type == 'V') {
		int64_t x = integers ? sqlite3_value_int64(a) : interval_key(gsql_text_of(a), an);
		int64_t y = integers ? sqlite3_value_int64(b) : interval_key(gsql_text_of(b), bn);
		return (x > y) - (x < y);
	}
	int order = memcmp(gsql_text_of(a), gsql_text_of(b), an < bn ? an : bn);
	return order != 0 ? order : (an > bn) - (an < bn);
}

/* g_extreme(greatest, type, value…); NULL when any is NULL. */
static void extreme(sqlite3_context *c, int n, sqlite3_value **v)
{
	bool greatest = sqlite3_value_int(v[0]) != 0;
	char type = gsql_text_of(v[1])[0];
	int best = 2;
	for (int i = 2; i < n; i++) {
		if (type == 'F' && isnan(gsql_double(v[i]))) {
			best = i;
			break;
		}
		int order = compare(type, v[i], v[best]);
		if (greatest ? order > 0 : order < 0)
			best = i;
	}
	sqlite3_result_value(c, v[best]);
}

const struct gsql_func gsql_func_json[] = {
	{ "g_jnum", 1, json_number, false },    { "g_jtext", 2, json_text, true },
	{ "g_jscalar", 1, json_scalar, false }, { "g_jtype", 1, json_type, false },
	{ "g_index", 4, array_index, false },   { "g_split", 2, split, false },
	{ "g_extreme", -1, extreme, false },    { 0 }
};
