#include "tests/localcloud/gsql_core.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHUNK_SIZE = 64 * 1024, ALIGN = 16 };

struct gsql_chunk {
	struct gsql_chunk *next;
	size_t used;
	size_t size;
	_Alignas(ALIGN) unsigned char data[];
};

struct gsql_owned {
	struct gsql_owned *next;
	json_t *json;
	sqlite3_stmt *stmt;
};

void gsql_raise(struct gsql *g)
{
	longjmp(g->fail, 1);
}

void gsql_fail(struct gsql *g, struct gsql_pos pos, const char *fmt, ...)
{
	char message[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	if (pos.line > 0)
		api_fail_at(g->err, 400, "invalidQuery", "query", "%s at [%u:%u]", message,
			    pos.line, pos.column);
	else
		api_fail_at(g->err, 400, "invalidQuery", "query", "%s", message);
	gsql_raise(g);
}

void gsql_fail_status(struct gsql *g, int status, const char *reason, const char *fmt, ...)
{
	char message[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	api_fail(g->err, status, reason, "%s", message);
	gsql_raise(g);
}

void *gsql_alloc(struct gsql *g, size_t size)
{
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	struct gsql_chunk *c = g->chunks;
	if (c == NULL || c->size - c->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		c = malloc(sizeof(*c) + room);
		if (c == NULL)
			gsql_fail_status(g, 500, "internalError", "out of memory");
		c->used = 0;
		c->size = room;
		c->next = g->chunks;
		g->chunks = c;
	}
	void *p = c->data + c->used;
	c->used += size;
	memset(p, 0, size);
	return p;
}

char *gsql_strndup(struct gsql *g, const char *s, size_t n)
{
	char *copy = gsql_alloc(g, n + 1);
	if (n > 0)
		memcpy(copy, s, n);
	return copy;
}

static char *format(struct gsql *g, const char *fmt, va_list ap, size_t *len)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	char *s = n < 0 ? NULL : gsql_alloc(g, (size_t)n + 1);
	if (s != NULL)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	if (s == NULL)
		gsql_fail_status(g, 500, "internalError", "a text cannot be formatted");
	*len = (size_t)n;
	return s;
}

char *gsql_printf(struct gsql *g, const char *fmt, ...)
{
	va_list ap;
	size_t len = 0;
	va_start(ap, fmt);
	char *s = format(g, fmt, ap, &len);
	va_end(ap);
	return s;
}

void gsql_add(struct gsql *g, struct gsql_text *t, const char *fmt, ...)
{
	va_list ap;
	size_t len = 0;
	va_start(ap, fmt);
	const char *s = format(g, fmt, ap, &len);
	va_end(ap);
	if (t->size - t->len < len + 1 || t->s == NULL) {
		size_t size = (t->len + len + 1) * 2;
		char *bigger = gsql_alloc(g, size);
		if (t->s != NULL)
			memcpy(bigger, t->s, t->len);
		t->s = bigger;
		t->size = size;
	}
	memcpy(t->s + t->len, s, len + 1);
	t->len += len;
}

void *gsql_grow(struct gsql *g, void *array, size_t n, size_t element_size)
{
	/* Room doubles at each power of two, so that the length alone tells when an array is full. */
	if (n != 0 && (n & (n - 1)) != 0)
		return array;
	void *bigger = gsql_alloc(g, (n == 0 ? 1 : n * 2) * element_size);
	if (n > 0)
		memcpy(bigger, array, n * element_size);
	return bigger;
}

static const char *quoted(struct gsql *g, const char *s, size_t n, char quote)
{
	char *out = gsql_alloc(g, n * 2 + 3);
	size_t len = 0;
	out[len++] = quote;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == quote)
			out[len++] = quote;
		out[len++] = s[i];
	}
	out[len++] = quote;
	return out;
}

const char *gsql_quote(struct gsql *g, const char *s, size_t n)
{
	if (n == 0 || memchr(s, '\0', n) == NULL)
		return quoted(g, s, n, '\'');
	struct gsql_text hex = { 0 };
	for (size_t i = 0; i < n; i++)
		gsql_add(g, &hex, "%02x", (unsigned char)s[i]);
	return gsql_printf(g, "CAST(x'%s' AS TEXT)", hex.s);
}

const char *gsql_ident(struct gsql *g, const char *name)
{
	return quoted(g, name, strlen(name), '"');
}

static struct gsql_owned *own(struct gsql *g)
{
	struct gsql_owned *o = gsql_alloc(g, sizeof(*o));
	o->next = g->owned;
	g->owned = o;
	return o;
}

json_t *gsql_own_json(struct gsql *g, json_t *json)
{
	if (json == NULL)
		gsql_raise(g);
	own(g)->json = json;
	return json;
}

sqlite3_stmt *gsql_own_stmt(struct gsql *g, sqlite3_stmt *stmt)
{
	own(g)->stmt = stmt;
	return stmt;
}

void gsql_free_all(struct gsql *g)
{
	for (struct gsql_owned *o = g->owned; o != NULL; o = o->next) {
		json_decref(o->json);
		sqlite3_finalize(o->stmt);
	}
	while (g->chunks != NULL) {
		struct gsql_chunk *next = g->chunks->next;
		free(g->chunks);
		g->chunks = next;
	}
	g->owned = NULL;
}

static _Noreturn void fail_sqlite(struct gsql *g, int rc, bool running)
{
	const char *message = sqlite3_errmsg(g->db);
	struct gsql_pos nowhere = { 0 };
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		gsql_fail(g, nowhere,
			  "UPDATE/MERGE must match at most one source row for each target row");
	if (running && rc == SQLITE_ERROR && strcmp(message, "integer overflow") == 0)
		gsql_fail(g, nowhere, "int64 overflow in aggregate function");
	if (running && rc == SQLITE_ERROR)
		gsql_fail(g, nowhere, "%s", message);
	if (rc == SQLITE_TOOBIG || strstr(message, "too large") != NULL ||
	    strstr(message, "too many") != NULL)
		gsql_fail(g, nowhere, "Resources exceeded during query execution: %s", message);
	gsql_fail_status(g, 500, "internalError", "SQLite: %s", message);
}

static sqlite3_stmt *prepare(struct gsql *g, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(g->db, sql, -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		fail_sqlite(g, rc, false);
	return stmt;
}

int64_t gsql_exec(struct gsql *g, const char *sql)
{
	sqlite3_stmt *stmt = prepare(g, sql);
	int rc;
	do
		rc = sqlite3_step(stmt);
	while (rc == SQLITE_ROW);
	rc = sqlite3_finalize(stmt);
	if (rc != SQLITE_OK)
		fail_sqlite(g, rc, true);
	return sqlite3_changes64(g->db);
}

int64_t gsql_query_int(struct gsql *g, const char *sql)
{
	sqlite3_stmt *stmt = prepare(g, sql);
	int64_t n = 0;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int64(stmt, 0);
	int rc = sqlite3_finalize(stmt);
	if (rc != SQLITE_OK)
		fail_sqlite(g, rc, true);
	return n;
}

bool gsql_same(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0;
}

bool gsql_parse_int(const char *s, size_t n, int64_t *ret)
{
	size_t i = 0;
	bool negative = n > 0 && s[0] == '-';
	uint64_t limit = negative ? UINT64_C(1) << 63 : (uint64_t)INT64_MAX;
	uint64_t value = 0;
	if (n > 0 && (s[0] == '-' || s[0] == '+'))
		i++;
	unsigned base = n - i > 2 && s[i] == '0' && (s[i + 1] | 32) == 'x' ? 16 : 10;
	if (base == 16)
		i += 2;
	if (i >= n)
		return false;
	for (; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		if (!(base == 16 ? isxdigit(c) : isdigit(c)))
			return false;
		unsigned digit = isdigit(c) ? (unsigned)c - 48 : (unsigned)(c | 32) - 'a' + 10;
		if (value > (limit - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret = (int64_t)(negative ? 0 - value : value);
	return true;
}
