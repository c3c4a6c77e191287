/*
 * Incremental reads of PostgreSQL. Every value goes to the server as a
 * parameter of the column's type, or as a literal beside the column; the
 * largest one is asked for by ORDER BY … LIMIT 1, which uses an index as max()
 * does, and of types that have no max().
 */
#include <stdlib.h>
#include <string.h>

#include "extract/cursor.h"
#include "extract/postgresql_impl.h"
#include "lib/log.h"
#include "lib/parse.h"

enum kind {
	KIND_INTEGER,
	KIND_NUMERIC,
	KIND_FLOAT,
	KIND_DATE,
	KIND_TIMESTAMP,
	KIND_TIMESTAMPTZ,
	KIND_OTHER
};

enum { MILLISECONDS_A_DAY = 86400000, FRACTION_DIGITS_MAX = 6 };

/*
 * Types of a total order, whose text reads back as the same value. OIDs of
 * built-in types never change. cast: as the literal of a lag's sum has it; a
 * float4 is read as one before it is widened.
 */
static const struct type {
	Oid oid;
	enum kind kind;
	const char *cast;
} types[] = {
	{ 20, KIND_INTEGER, "::pg_catalog.int8" }, /* int8 */
	{ 21, KIND_INTEGER, "::pg_catalog.int8" }, /* int2 */
	{ 23, KIND_INTEGER, "::pg_catalog.int8" }, /* int4 */
	{ 1700, KIND_NUMERIC, "::pg_catalog.numeric" },
	{ 700, KIND_FLOAT, "::pg_catalog.float4::pg_catalog.float8" },
	{ 701, KIND_FLOAT, "::pg_catalog.float8" },
	{ 1082, KIND_DATE, "::pg_catalog.date" },
	{ 1114, KIND_TIMESTAMP, "::pg_catalog.timestamp" },
	{ 1184, KIND_TIMESTAMPTZ, "::pg_catalog.timestamptz" },
	{ 17, KIND_OTHER, NULL },   /* bytea */
	{ 25, KIND_OTHER, NULL },   /* text */
	{ 650, KIND_OTHER, NULL },  /* cidr */
	{ 774, KIND_OTHER, NULL },  /* macaddr8 */
	{ 829, KIND_OTHER, NULL },  /* macaddr */
	{ 869, KIND_OTHER, NULL },  /* inet */
	{ 1042, KIND_OTHER, NULL }, /* char(n) */
	{ 1043, KIND_OTHER, NULL }, /* varchar */
	{ 1083, KIND_OTHER, NULL }, /* time */
	{ 2950, KIND_OTHER, NULL }, /* uuid */
	{ 3220, KIND_OTHER, NULL }, /* pg_lsn */
	{ 5069, KIND_OTHER, NULL }, /* xid8 */
};

static const struct type enumeration = { 0, KIND_OTHER, NULL };

static bool is_moment(enum kind kind)
{
	return kind == KIND_DATE || kind == KIND_TIMESTAMP || kind == KIND_TIMESTAMPTZ;
}

/* Types of users are told by the catalog. NULL: none that can be a cursor, or an error. */
static const struct type *find_type(struct connection *c, const struct cursor *cursor,
				    struct error *err)
{
	const Oid oid_type = 26;
	char oid[12], *end = encode_put_unsigned(oid, cursor->column->type_id);
	const char *value = oid;
	const struct type *found = NULL;
	PGresult *result;

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].oid == cursor->column->type_id)
			return &types[i];
	*end = '\0';
	result = postgresql_exec_typed(
		c, "SELECT FROM pg_catalog.pg_type WHERE oid = $1 AND typtype = 'e'", &oid_type,
		&value, 1, PGRES_TUPLES_OK, err);
	if (!result)
		return NULL;
	if (PQntuples(result) > 0)
		found = &enumeration;
	else
		cursor_refuse_type(cursor, err);
	PQclear(result);
	return found;
}

/* --- SQL --------------------------------------------------------------------------- */

static int append_literal(struct connection *c, struct buf *sql, const char *text,
			  struct error *err)
{
	char *literal = PQescapeLiteral(c->pg, text, strlen(text));
	int rc;

	if (!literal)
		return error_nomem(err);
	rc = buf_append_str(sql, literal, err);
	PQfreemem(literal);
	return rc;
}

/* `"column" >= 'text'`: beside the column the literal is of the column's type. */
static int append_compare(struct connection *c, struct buf *sql, const struct cursor *cursor,
			  const char *operator, const char * text, struct error *err)
{
	if (names_quote(sql, cursor->source_name, '"', err) < 0 ||
	    buf_appendf(sql, err, " OPERATOR(pg_catalog.%s) ", operator) < 0)
		return -1;
	return append_literal(c, sql, text, err);
}

/* What is subtracted from the value; a lag in days is rounded up. */
static int append_lag(struct buf *sql, const struct cursor *cursor, const struct type *type,
		      struct error *err)
{
	int64_t ms = 0;

	if (is_moment(type->kind) && cursor_lag_ms(cursor, &ms, err) < 0)
		return -1;
	switch (type->kind) {
	case KIND_INTEGER:
	case KIND_NUMERIC:
	case KIND_FLOAT:
		return buf_append_str(sql, cursor->lag, err);
	case KIND_DATE:
		return buf_appendf(
			sql, err, "%lld",
			(long long)(ms / MILLISECONDS_A_DAY + (ms % MILLISECONDS_A_DAY > 0)));
	default:
		return buf_appendf(sql, err, "'%lld milliseconds'::pg_catalog.interval",
				   (long long)ms);
	}
}

/* The lower bound. Without a lag it is exclusive. */
static int append_lower(struct connection *c, struct buf *sql, const struct cursor *cursor,
			const struct type *type, struct error *err)
{
	if (!cursor->lag)
		return append_compare(c, sql, cursor, ">", cursor->after, err);
	if (names_quote(sql, cursor->source_name, '"', err) < 0 ||
	    buf_append_str(sql, " OPERATOR(pg_catalog.>=) (", err) < 0 ||
	    append_literal(c, sql, cursor->after, err) < 0 ||
	    buf_appendf(sql, err, "%s OPERATOR(pg_catalog.-) ", type->cast) < 0 ||
	    append_lag(sql, cursor, type, err) < 0)
		return -1;
	return buf_append_str(sql, ")", err);
}

static int make_condition(struct connection *c, struct cursor *cursor, const struct type *type,
			  struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (!cursor->upto) {
		if (buf_append_str(&sql, "FALSE", err) < 0)
			return -1;
	} else if ((cursor->after && (append_lower(c, &sql, cursor, type, err) < 0 ||
				      buf_append_str(&sql, " AND ", err) < 0)) ||
		   append_compare(c, &sql, cursor, "<=", cursor->upto, err) < 0) {
		return -1;
	}
	if (cursor->null_rows > 0 && cursor_reads_nulls(cursor) &&
	    (buf_append_str(&sql, " OR ", err) < 0 ||
	     names_quote(&sql, cursor->source_name, '"', err) < 0 ||
	     buf_append_str(&sql, " IS NULL", err) < 0))
		return -1;
	text = buf_cstr(&sql, err);
	cursor->condition = text ? strdup(text) : NULL;
	return cursor->condition ? 0 : text ? error_nomem(err) : -1;
}

/* --- values ------------------------------------------------------------------------- */

/* NaN and the infinities: above or below everything that may still come. */
static bool is_endless(enum kind kind, const char *text)
{
	if (kind == KIND_INTEGER || kind == KIND_OTHER)
		return false;
	text += *text == '-';
	return !strcmp(text, "NaN") || !strcmp(text, "infinity") || !strcmp(text, "Infinity");
}

/* --after as the server prints it. */
static int read_after(struct connection *c, struct cursor *cursor, const struct type *type,
		      struct error *err)
{
	const Oid oid = cursor->column->type_id;
	PGresult *result;
	const char *text;
	int rc = 0;

	if (!cursor->given)
		return 0;
	result = postgresql_exec_typed(c, "SELECT $1::pg_catalog.text", &oid, &cursor->given, 1,
				       PGRES_TUPLES_OK, err);
	/* Class 22 is what input functions raise. */
	if (!result)
		return strncmp(c->state, "22", 2) ? -1 : cursor_refuse_after(cursor, err);
	text = PQgetvalue(result, 0, 0);
	if (is_endless(type->kind, text)) {
		rc = cursor_refuse_after(cursor, err);
	} else {
		cursor->after = strdup(text);
		if (!cursor->after)
			rc = error_nomem(err);
	}
	PQclear(result);
	return rc;
}

/*
 * The start of the oldest transaction, as a value of the column that no row
 * below it can still get: rounding to fewer digits of a second may lower it.
 */
static int append_limit(struct connection *c, struct buf *sql, const struct cursor *cursor,
			const struct type *type, struct error *err)
{
	static const char *const precision[] = { "1", "0.1", "0.01", "0.001", "0.0001", "0.00001" };
	bool zone = type->kind == KIND_TIMESTAMPTZ;
	int digits = cursor->column->scale;

	if (buf_appendf(sql, err, "('%s%s'%s", zone ? c->running.oldest : c->running.local,
			zone ? "+00" : "", type->cast) < 0)
		return -1;
	if (digits >= 0 && digits < FRACTION_DIGITS_MAX &&
	    buf_appendf(sql, err, " OPERATOR(pg_catalog.-) '%s s'::pg_catalog.interval",
			precision[digits]) < 0)
		return -1;
	return buf_append_str(sql, ")", err);
}

/*
 * The largest value: its text; whether it is below --after, at or above the
 * limit (where there is one), in the future (where that can be told).
 */
static PGresult *ask_largest(struct connection *c, const struct request *request,
			     const struct cursor *cursor, const struct type *type,
			     const char *limit, const char *below, struct error *err)
{
	auto_buf sql = BUF_INIT, column = BUF_INIT;
	const char *name, *text;

	if (names_quote(&column, cursor->source_name, '"', err) < 0 ||
	    buf_append_str(&sql, "SELECT m.v::pg_catalog.text, ", err) < 0)
		return NULL;
	if (cursor->after && (buf_append_str(&sql, "m.v OPERATOR(pg_catalog.<) ", err) < 0 ||
			      append_literal(c, &sql, cursor->after, err) < 0))
		return NULL;
	if (buf_appendf(&sql, err, "%s, ", cursor->after ? "" : "FALSE") < 0 ||
	    buf_appendf(&sql, err, limit ? "m.v OPERATOR(pg_catalog.>=) %s, " : "FALSE, ", limit) <
		    0 ||
	    buf_append_str(
		    &sql,
		    is_moment(type->kind)
			    ? "m.v OPERATOR(pg_catalog.>) ((pg_catalog.now() AT TIME ZONE 'UTC')"
			      " OPERATOR(pg_catalog.+) '1 day'::pg_catalog.interval)"
			    : "FALSE",
		    err) < 0)
		return NULL;
	name = buf_cstr(&column, err);
	if (!name || buf_appendf(&sql, err, " FROM (SELECT %s AS v", name) < 0 ||
	    buf_append_str(&column, " IS NOT NULL", err) < 0)
		return NULL;
	name = buf_cstr(&column, err);
	if (!name || postgresql_append_from(&sql, request, name, below, err) < 0 ||
	    buf_append_str(&sql, " ORDER BY 1 DESC LIMIT 1) AS m", err) < 0)
		return NULL;
	text = buf_cstr(&sql, err);
	if (!text)
		return NULL;
	log_debug("%s", text);
	return postgresql_exec(c, text, NULL, 0, PGRES_TUPLES_OK, err);
}

enum { LARGEST_TEXT, LARGEST_BACKWARDS, LARGEST_LATE, LARGEST_FUTURE };

static bool is_true(const PGresult *result, int field)
{
	return PQgetvalue(result, 0, field)[0] == 't';
}

/* From the row of ask_largest, where there is one. */
static int set_upto(struct cursor *cursor, const PGresult *result, const struct type *type,
		    struct error *err)
{
	const char *text;

	free(cursor->upto);
	cursor->upto = NULL;
	cursor->backwards = false;
	if (PQntuples(result) == 0)
		return 0;
	text = PQgetvalue(result, 0, LARGEST_TEXT);
	if (is_endless(type->kind, text))
		return cursor_refuse_upto(cursor, text, err);
	cursor->backwards = is_true(result, LARGEST_BACKWARDS);
	return cursor_set_upto(cursor, text, (size_t)PQgetlength(result, 0, LARGEST_TEXT), err);
}

/* There are rows that a transaction which still runs may precede. */
static int read_below(struct connection *c, const struct request *request, struct cursor *cursor,
		      const struct type *type, const char *limit, struct error *err)
{
	auto_buf below = BUF_INIT;
	PGresult *result;
	const char *text;
	int rc;

	if (names_quote(&below, cursor->source_name, '"', err) < 0 ||
	    buf_appendf(&below, err, " OPERATOR(pg_catalog.<) %s", limit) < 0)
		return -1;
	text = buf_cstr(&below, err);
	log_info("%s: rows whose \"%s\" is %s or later are left to a later run: a transaction that "
		 "began then may still commit",
		 c->label, cursor->source_name,
		 type->kind == KIND_TIMESTAMPTZ ? c->running.oldest : c->running.local);
	result = text ? ask_largest(c, request, cursor, type, limit, text, err) : NULL;
	if (!result)
		return -1;
	cursor->capped = true;
	rc = set_upto(cursor, result, type, err);
	PQclear(result);
	return rc;
}

static int read_upto(struct connection *c, const struct request *request, struct cursor *cursor,
		     const struct type *type, struct error *err)
{
	bool limited = !c->running.unknown &&
		       (type->kind == KIND_TIMESTAMP || type->kind == KIND_TIMESTAMPTZ);
	auto_buf sql = BUF_INIT;
	const char *limit = NULL;
	bool late = false;
	PGresult *result;
	int rc;

	if (limited) {
		if (append_limit(c, &sql, cursor, type, err) < 0 || !(limit = buf_cstr(&sql, err)))
			return -1;
		if (*c->running.gid && !cursor->lag)
			log_warn("%s: when the prepared transaction '%s' began is not known: rows "
				 "that it stamped with a time before it was prepared may be lost "
				 "without --lag",
				 c->label, c->running.gid);
	} else {
		cursor_warn_unsafe(cursor, c->label,
				   c->running.unknown && is_moment(type->kind)
					   ? c->running.unknown
					   : "values are not given in the order of commits");
	}
	result = ask_largest(c, request, cursor, type, limit, NULL, err);
	if (!result)
		return -1;
	rc = set_upto(cursor, result, type, err);
	if (rc == 0 && cursor->upto) {
		late = is_true(result, LARGEST_LATE);
		if (!limited && is_true(result, LARGEST_FUTURE))
			cursor_warn_future(cursor, c->label);
	}
	PQclear(result);
	return late ? read_below(c, request, cursor, type, limit, err) : rc;
}

static int count_nulls(struct connection *c, const struct request *request, struct cursor *cursor,
		       struct error *err)
{
	auto_buf sql = BUF_INIT, condition = BUF_INIT;
	PGresult *result;
	const char *text;
	int rc;

	if (cursor->column->required)
		return 0;
	if (names_quote(&condition, cursor->source_name, '"', err) < 0 ||
	    buf_append_str(&condition, " IS NULL", err) < 0 ||
	    !(text = buf_cstr(&condition, err)) ||
	    buf_append_str(&sql, "SELECT pg_catalog.count(*)", err) < 0 ||
	    postgresql_append_from(&sql, request, text, NULL, err) < 0 ||
	    !(text = buf_cstr(&sql, err)))
		return -1;
	log_debug("%s", text);
	result = postgresql_exec(c, text, NULL, 0, PGRES_TUPLES_OK, err);
	if (!result)
		return -1;
	rc = parse_int64(PQgetvalue(result, 0, 0), 0, INT64_MAX, &cursor->null_rows, err);
	PQclear(result);
	return rc;
}

/* Before anything is read. */
static int check_lag(const struct cursor *cursor, const struct type *type, struct error *err)
{
	int64_t ms;

	if (!cursor->lag)
		return 0;
	if (type->kind == KIND_OTHER)
		return cursor_refuse_lag(cursor, err);
	return is_moment(type->kind)
		       ? cursor_lag_ms(cursor, &ms, err)
		       : cursor_check_lag_number(cursor, type->kind == KIND_INTEGER, err);
}

int postgresql_cursor(struct connection *c, const struct request *request, struct cursor *cursor,
		      struct error *err)
{
	const struct type *type = find_type(c, cursor, err);

	if (!type || check_lag(cursor, type, err) < 0 || read_after(c, cursor, type, err) < 0 ||
	    postgresql_look_at_sources(c, err) < 0 ||
	    read_upto(c, request, cursor, type, err) < 0 ||
	    count_nulls(c, request, cursor, err) < 0)
		return -1;
	return make_condition(c, cursor, type, err);
}
