/* INTERVAL, GEOGRAPHY, digests, and arrays joined to text. */
#include "tests/localcloud/base64.h"
#include "tests/localcloud/geography.h"
#include "tests/localcloud/gsql_func.h"
#include "tests/localcloud/interval.h"
#include "tests/localcloud/jscan.h"

#include <openssl/evp.h>
#include <string.h>

/* g_interval(n, unit) */
static void make_interval(sqlite3_context *c, int n, sqlite3_value **v)
{
	char text[INTERVAL_TEXT_MAX];
	(void)n;
	if (interval_of(sqlite3_value_int64(v[0]), gsql_text_of(v[1]), text) != 0)
		gsql_func_fail(c, "Interval value is out of allowed range: %lld %s",
			       (long long)sqlite3_value_int64(v[0]), gsql_text_of(v[1]));
	else
		sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

/* g_interval_range(text, from, to) */
static void read_interval(sqlite3_context *c, int n, sqlite3_value **v)
{
	char text[INTERVAL_TEXT_MAX];
	(void)n;
	if (interval_parse_range(gsql_text_of(v[0]), (size_t)sqlite3_value_bytes(v[0]),
				 gsql_text_of(v[1]), gsql_text_of(v[2]), text) != 0)
		gsql_func_fail(c, "Invalid INTERVAL value '%s'", gsql_text_of(v[0]));
	else
		sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

/* g_ikey(interval): the integer that intervals are compared by */
static void interval_order(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	sqlite3_result_int64(c,
			     interval_key(gsql_text_of(v[0]), (size_t)sqlite3_value_bytes(v[0])));
}

/* g_geog(text) */
static void read_geography(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	(void)n;
	if (geography_normal(gsql_text_of(v[0]), (size_t)sqlite3_value_bytes(v[0]), &out) != 0)
		gsql_func_fail(c, "Invalid geography value: %.200s", gsql_text_of(v[0]));
	else
		sqlite3_result_text64(c, out.data, out.length, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* g_digest(name, value): of a STRING's UTF-8 or of BYTES */
static void digest(sqlite3_context *c, int n, sqlite3_value **v)
{
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	const void *data = sqlite3_value_blob(v[1]);
	const EVP_MD *md = EVP_get_digestbyname(gsql_text_of(v[0]));
	(void)n;
	if (md == NULL || EVP_Digest(data == NULL ? "" : data, (size_t)sqlite3_value_bytes(v[1]),
				     out, &length, md, NULL) != 1)
		gsql_func_fail(c, "%s is not available", gsql_text_of(v[0]));
	else
		sqlite3_result_blob(c, out, (int)length, SQLITE_TRANSIENT);
}

/* One element of an ARRAY<STRING> or, in Base64, of an ARRAY<BYTES>. */
static int append_element(struct buf *out, const struct jtoken *element, bool bytes)
{
	return bytes ? base64_decode(element->p, element->n, false, out)
		     : jscan_unescape(element, out);
}

/* g_join(array, bytes, separator, text for NULL): NULL as the last leaves NULL elements out */
static void join(sqlite3_context *c, int n, sqlite3_value **v)
{
	auto_buf out = BUF_INIT;
	struct jiter it;
	struct jtoken element;
	const char *s = gsql_text_of(v[0]);
	bool bytes = sqlite3_value_int(v[1]) != 0;
	bool skips = sqlite3_value_type(v[3]) == SQLITE_NULL;
	bool first = true;
	int rc = 0;
	(void)n;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL || sqlite3_value_type(v[2]) == SQLITE_NULL ||
	    jiter_open(&it, '[', s, s + sqlite3_value_bytes(v[0])) != 0)
		return;
	while (rc == 0 && jiter_element(&it, &element) == 1) {
		bool null = element.kind == JSON_K_NULL;
		if (null && skips)
			continue;
		if (!first)
			rc = gsql_append(&out, gsql_text_of(v[2]),
					 (size_t)sqlite3_value_bytes(v[2]));
		first = false;
		if (rc == 0)
			rc = null ? gsql_append(&out, gsql_text_of(v[3]),
						(size_t)sqlite3_value_bytes(v[3]))
				  : append_element(&out, &element, bytes);
	}
	if (rc != 0)
		sqlite3_result_error_nomem(c);
	else if (bytes)
		sqlite3_result_blob64(c, out.data == NULL ? "" : out.data, out.length,
				      SQLITE_TRANSIENT);
	else
		sqlite3_result_text64(c, out.data == NULL ? "" : out.data, out.length,
				      SQLITE_TRANSIENT, SQLITE_UTF8);
}

const struct gsql_func gsql_func_types[] = { { "g_interval", 2, make_interval, false },
					     { "g_interval_range", 3, read_interval, false },
					     { "g_ikey", 1, interval_order, false },
					     { "g_geog", 1, read_geography, false },
					     { "g_digest", 2, digest, false },
					     { "g_join", 4, join, true },
					     { 0 } };
