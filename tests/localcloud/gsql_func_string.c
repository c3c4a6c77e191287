/* STRING and BYTES functions, and the registration of all functions. */
#include "tests/localcloud/gsql_func.h"

#include "lib/buf.h"
#include "tests/localcloud/base64.h"

#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

void gsql_func_fail(sqlite3_context *c, const char *fmt, ...)
{
	char message[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	sqlite3_result_error(c, message, -1);
}

int gsql_append(struct buf *b, const void *p, size_t n)
{
	struct error ignored;
	return buf_append(b, p, n, &ignored);
}

const char *gsql_text_of(sqlite3_value *v)
{
	const char *s = (const char *)sqlite3_value_text(v);
	return s == NULL ? "" : s;
}

static void result_buf(sqlite3_context *c, const struct buf *b, bool blob)
{
	const char *data = b->data == NULL ? "" : b->data;
	if (blob)
		sqlite3_result_blob64(c, data, b->length, SQLITE_TRANSIENT);
	else
		sqlite3_result_text64(c, data, b->length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* One code point at s; returns its bytes. Malformed bytes count as one each. */
static size_t decode(const unsigned char *s, size_t n, unsigned *code)
{
	size_t len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
	if (len > n)
		len = 1;
	*code = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++)
		*code = *code << 6 | (s[i] & 0x3fu);
	return len;
}

static int append_code(struct buf *b, unsigned code)
{
	char out[4];
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	out[0] = (char)(lead[n] | code);
	return gsql_append(b, out, n);
}

static void change_case(sqlite3_context *c, sqlite3_value *v, bool upper)
{
	auto_buf out = BUF_INIT;
	/* Unicode case needs a locale object; it changes nothing outside this call. */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	const unsigned char *s = sqlite3_value_text(v);
	size_t n = (size_t)sqlite3_value_bytes(v);
	int rc = utf8 == (locale_t)0 ? -1 : 0;
	for (size_t i = 0; i < n && rc == 0;) {
		unsigned code;
		i += decode(s + i, n - i, &code);
		rc = append_code(&out, (unsigned)(upper ? towupper_l(code, utf8)
							: towlower_l(code, utf8)));
	}
	if (utf8 != (locale_t)0)
		freelocale(utf8);
	if (rc != 0)
		sqlite3_result_error_nomem(c);
	else
		result_buf(c, &out, false);
}

static void lower(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	change_case(c, v[0], false);
}

static void upper(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	change_case(c, v[0], true);
}

/* LIKE with % _ and \: greedy, going back to the last % only, so that the time stays linear in the lengths' product. */
static void like(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	const unsigned char *s = sqlite3_value_blob(v[0]);
	const unsigned char *p = sqlite3_value_blob(v[1]);
	size_t sn = (size_t)sqlite3_value_bytes(v[0]);
	size_t pn = (size_t)sqlite3_value_bytes(v[1]);
	size_t i = 0, j = 0, star = SIZE_MAX, mark = 0;
	while (i < sn) {
		unsigned code;
		size_t step = decode(s + i, sn - i, &code);
		bool escaped = j + 1 < pn && p[j] == '\\';
		if (j < pn && p[j] == '%') {
			star = ++j;
			mark = i;
		} else if (j < pn && p[j] == '_') {
			j++;
			i += step;
		} else if (j < pn && p[j + escaped] == s[i]) {
			j += 1 + (size_t)escaped;
			i++;
		} else if (star != SIZE_MAX) {
			j = star;
			i = ++mark;
		} else {
			sqlite3_result_int(c, 0);
			return;
		}
	}
	while (j < pn && p[j] == '%')
		j++;
	sqlite3_result_int(c, j == pn);
}

/* SUBSTR counts from 1, negative from the end, and 0 as 1. */
static void substring(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *s = sqlite3_value_text(v[0]);
	size_t bytes = (size_t)sqlite3_value_bytes(v[0]);
	int64_t from = sqlite3_value_int64(v[1]);
	int64_t length = n > 2 ? sqlite3_value_int64(v[2]) : INT64_MAX;
	int64_t count = 0;
	unsigned code;
	if (length < 0) {
		gsql_func_fail(c, "Third argument in SUBSTR() cannot be negative");
		return;
	}
	for (size_t i = 0; i < bytes; count++)
		i += decode(s + i, bytes - i, &code);
	if (from < 0)
		from = from < -count ? 1 : count + from + 1;
	if (from == 0)
		from = 1;
	size_t begin = 0;
	for (int64_t k = 1; k < from && begin < bytes; k++)
		begin += decode(s + begin, bytes - begin, &code);
	size_t end = begin;
	for (int64_t k = 0; k < length && end < bytes; k++)
		end += decode(s + end, bytes - end, &code);
	sqlite3_result_text64(c, (const char *)s + begin, end - begin, SQLITE_TRANSIENT,
			      SQLITE_UTF8);
}

/* LENGTH of a STRING: SQLite's own stops at a NUL. */
static void count_characters(sqlite3_context *c, int n, sqlite3_value **v)
{
	const char *s = gsql_text_of(v[0]);
	int64_t count = 0;
	(void)n;
	for (int i = 0; i < sqlite3_value_bytes(v[0]); i++)
		count += ((unsigned char)s[i] & 0xc0) != 0x80;
	sqlite3_result_int64(c, count);
}

static void concat(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	for (int i = 0; i < n; i++) {
		const char *s = gsql_text_of(v[i]);
		if (gsql_append(&out, s, (size_t)sqlite3_value_bytes(v[i])) != 0) {
			sqlite3_result_error_nomem(c);
			return;
		}
	}
	result_buf(c, &out, false);
}

enum { LONGEST_MADE = 1 << 20 };

/* REPEAT(s, n). */
static void repeat(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	const char *s = gsql_text_of(v[0]);
	size_t len = (size_t)sqlite3_value_bytes(v[0]);
	int64_t times = sqlite3_value_int64(v[1]);
	(void)n;
	if (times < 0 || (len > 0 && times > LONGEST_MADE / (int64_t)len)) {
		gsql_func_fail(
			c, times < 0 ? "Second argument in REPEAT() cannot be negative"
				     : "Output of REPEAT exceeds max allowed output size of 1MB");
		return;
	}
	for (int64_t i = 0; i < times && len > 0; i++)
		if (gsql_append(&out, s, len) != 0)
			break;
	result_buf(c, &out, false);
}

static void reverse(sqlite3_context *c, int n, sqlite3_value **v)
{
	const unsigned char *s = sqlite3_value_text(v[0]);
	size_t len = (size_t)sqlite3_value_bytes(v[0]);
	char *out = sqlite3_malloc64(len + 1);
	unsigned code;
	(void)n;
	if (out == NULL) {
		sqlite3_result_error_nomem(c);
		return;
	}
	for (size_t i = 0; i < len;) {
		size_t step = decode(s + i, len - i, &code);
		memcpy(out + len - i - step, s + i, step);
		i += step;
	}
	sqlite3_result_text64(c, out, len, sqlite3_free, SQLITE_UTF8);
}

static void encode_base64(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	const void *data = sqlite3_value_blob(v[0]);
	(void)n;
	if (base64_encode(data == NULL ? "" : data, (size_t)sqlite3_value_bytes(v[0]), &out) != 0)
		sqlite3_result_error_nomem(c);
	else
		result_buf(c, &out, false);
}

static void decode_base64(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	const char *s = gsql_text_of(v[0]);
	(void)n;
	if (base64_decode(s, (size_t)sqlite3_value_bytes(v[0]), false, &out) != 0)
		gsql_func_fail(c, "Failed to decode invalid base64 string");
	else
		result_buf(c, &out, true);
}

static int hex_digit(char ch)
{
	return ch >= '0' && ch <= '9'                 ? ch - '0'
	       : (ch | 32) >= 'a' && (ch | 32) <= 'f' ? (ch | 32) - 'a' + 10
						      : -1;
}

static void decode_hex(sqlite3_context *c, int n, sqlite3_value **v)
{
	const char *s = gsql_text_of(v[0]);
	size_t len = (size_t)sqlite3_value_bytes(v[0]);
	unsigned char *out = sqlite3_malloc64(len / 2 + 1);
	size_t used = 0;
	int high = len % 2 == 0 ? -1 : 0; /* an odd string has a zero before it */
	(void)n;
	for (size_t i = 0; out != NULL && i < len; i++) {
		int digit = hex_digit(s[i]);
		if (digit < 0) {
			sqlite3_free(out);
			gsql_func_fail(c, "Failed to decode invalid hexadecimal string: %s", s);
			return;
		}
		if (high >= 0)
			out[used++] = (unsigned char)(high * 16 + digit);
		high = high >= 0 ? -1 : digit;
	}
	if (out == NULL)
		sqlite3_result_error_nomem(c);
	else
		sqlite3_result_blob64(c, out, used, sqlite3_free);
}

static void uuid(sqlite3_context *c, int n, sqlite3_value **v)
{
	unsigned char b[16];
	char text[40];
	(void)n;
	(void)v;
	sqlite3_randomness(sizeof(b), b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	size_t at = 0;
	for (int i = 0; i < 16; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%02x",
				       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

const struct gsql_func gsql_func_strings[] = { { "g_lower", 1, lower, false },
					       { "g_upper", 1, upper, false },
					       { "g_like", 2, like, false },
					       { "g_substr", 2, substring, false },
					       { "g_substr", 3, substring, false },
					       { "g_concat", -1, concat, false },
					       { "g_chars", 1, count_characters, false },
					       { "g_repeat", 2, repeat, false },
					       { "g_reverse", 1, reverse, false },
					       { "g_b64", 1, encode_base64, false },
					       { "g_unb64", 1, decode_base64, false },
					       { "g_unhex", 1, decode_hex, false },
					       { "g_uuid", 1, uuid, false },
					       { 0 } };

/* NULL in, NULL out, for the functions that say so. */
static void call(sqlite3_context *c, int n, sqlite3_value **v)
{
	const struct gsql_func *f = sqlite3_user_data(c);
	for (int i = 0; i < n && !f->nulls; i++)
		if (sqlite3_value_type(v[i]) == SQLITE_NULL)
			return;
	f->call(c, n, v);
}

int gsql_func_register(sqlite3 *db)
{
	static const struct gsql_func *const tables[] = { gsql_func_numbers, gsql_func_strings,
							  gsql_func_times,   gsql_func_json,
							  gsql_func_casts,   gsql_func_types };
	sqlite3_stmt *probe = NULL;
	if (sqlite3_prepare_v2(db, "SELECT g_iop('+',1,1)", -1, &probe, NULL) == SQLITE_OK) {
		sqlite3_finalize(probe);
		return SQLITE_OK;
	}
	int rc = gsql_func_register_aggregates(db);
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct gsql_func *f = tables[t]; f->name != NULL && rc == SQLITE_OK; f++)
			rc = sqlite3_create_function(
				db, f->name, f->args,
				SQLITE_UTF8 | (f->call == uuid ? 0 : SQLITE_DETERMINISTIC),
				(void *)(uintptr_t)f, call, NULL, NULL);
	return rc;
}
