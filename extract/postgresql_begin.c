/*
 * The transaction that a read is: one consistent state, locked against what
 * MVCC does not show (TRUNCATE, rewrites), in settings that make text the same
 * everywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "extract/postgresql_impl.h"
#include "lib/log.h"

enum { RESTARTS_MAX = 5, LOCK_TIMEOUT_MS = 30000 };

/* SET TRANSACTION SNAPSHOT takes a literal alone, and comes before any query. */
static int import_snapshot(struct connection *c, const char *id, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	/* pg_export_snapshot makes "00000003-0000001B-1". */
	if (!*id || strspn(id, "0123456789ABCDEF-") != strlen(id))
		return error_set(err, ERR_USAGE,
				 "--snapshot: '%s' is no snapshot of pg_export_snapshot", id);
	if (buf_appendf(&sql, err, "SET TRANSACTION SNAPSHOT '%s'", id) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	if (!text)
		return -1;
	if (postgresql_run(c, text, err) == 0)
		return 0;
	/* Unknown (in PostgreSQL's two ways), of another database, of a session that ended just now. */
	if (!strcmp(c->state, "22023") || !strcmp(c->state, "42704") ||
	    !strcmp(c->state, "0A000") || !strcmp(c->state, "55000")) {
		err->code = ERR_NOINPUT;
		return error_prefix(err, "--snapshot: the session that exported it is gone, or "
					 "reads another database");
	}
	return -1;
}

/*
 * None of these statements takes a snapshot: the first query after them does.
 * An idle limit of the server's must be off, because a stalled reader of stdout
 * makes us look idle once the server has sent its last row. A SQL_ASCII
 * database would fail as a whole on the first bad byte if it had to convert.
 * With row_security off, a policy that would hide rows is an error. What is
 * cast to text must look the same whatever the role or database has set;
 * lc_monetary stays, because money's scale is its.
 */
static int begin(struct connection *c, const struct request *request, struct error *err)
{
	const char *server = PQparameterStatus(c->pg, "server_encoding");
	bool unconverted = server && !strcmp(server, "SQL_ASCII");
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_appendf(
		    &sql, err,
		    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
		    "SET LOCAL client_encoding = '%s';"
		    "SET LOCAL statement_timeout = %lld;"
		    "SET LOCAL lock_timeout = %d;"
		    "SET LOCAL row_security = %s;"
		    "SET LOCAL idle_in_transaction_session_timeout = 0;"
		    "SET LOCAL DateStyle = 'ISO'; SET LOCAL IntervalStyle = 'postgres';"
		    "SET LOCAL TimeZone = 'UTC'; SET LOCAL extra_float_digits = 1;"
		    "SET LOCAL bytea_output = 'hex'; SET LOCAL xmlbinary = 'base64'%s",
		    unconverted ? "SQL_ASCII" : "UTF8",
		    (long long)(request->timeout_ms < INT32_MAX ? request->timeout_ms : INT32_MAX),
		    LOCK_TIMEOUT_MS, request->row_security ? "on" : "off",
		    PQserverVersion(c->pg) >= 170000 ? ";SET LOCAL transaction_timeout = 0" : "") <
	    0)
		return -1;
	text = buf_cstr(&sql, err);
	if (!text || postgresql_run(c, text, err) < 0)
		return -1;
	return request->snapshot ? import_snapshot(c, request->snapshot, err) : 0;
}

/*
 * 1: locked. 0: this cannot be locked (materialized views, foreign tables), or
 * not by us (a grant on some columns is not enough); the transaction failed.
 */
static int lock_table(struct connection *c, const struct table_name *table, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_append_str(&sql, "LOCK TABLE ", err) < 0 ||
	    postgresql_quote_table(&sql, table, err) < 0 ||
	    buf_append_str(&sql, " IN ACCESS SHARE MODE", err) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	if (!text)
		return -1;
	if (postgresql_run(c, text, err) == 0)
		return 1;
	if (strcmp(c->state, "42809") != 0 && strcmp(c->state, "42501") != 0)
		return -1;
	log_debug("%s: not locked: %s", table->table, err->message);
	c->state[0] = '\0'; /* it was no failure of the run */
	return 0;
}

/* Planning takes the locks that reading will take, on everything that is read. */
static int lock_by_planning(struct connection *c, const struct request *request, struct error *err)
{
	auto_buf sql = BUF_INIT;
	PGresult *plan;
	const char *text;

	if (buf_append_str(&sql, "EXPLAIN ", err) < 0)
		return -1;
	if (request->query) {
		if (buf_append_str(&sql, request->query, err) < 0)
			return -1;
	} else if (buf_append_str(&sql, "SELECT 1 FROM ", err) < 0 ||
		   postgresql_quote_table(&sql, &request->table, err) < 0) {
		return -1;
	}
	text = buf_cstr(&sql, err);
	plan = text ? postgresql_exec(c, text, NULL, 0, PGRES_TUPLES_OK, err) : NULL;
	if (!plan)
		return -1;
	PQclear(plan);
	return 0;
}

/* 1: the transaction stands on one consistent state. 0: it does not; it was rolled back. */
static int try_begin(struct connection *c, const struct request *request, bool *lockable,
		     struct error *err)
{
	char *name = NULL;
	int rc;

	if (begin(c, request, err) < 0)
		return -1;
	if (*lockable) {
		rc = lock_table(c, &request->table, err);
		if (rc < 0)
			return -1;
		*lockable = rc > 0;
		if (!*lockable &&
		    (postgresql_run(c, "ROLLBACK", err) < 0 || begin(c, request, err) < 0))
			return -1;
	}
	if (lock_by_planning(c, request, err) < 0)
		return -1;
	rc = postgresql_changed(c, &name, err);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	if (request->snapshot) {
		error_set(err, ERR_TEMP, "%s was made, truncated or replaced since snapshot %s",
			  name, request->snapshot);
		free(name);
		return -1;
	}
	log_info("%s was truncated or replaced at this moment: starting over", name);
	free(name);
	return postgresql_run(c, "ROLLBACK", err);
}

int postgresql_describe(struct connection *c, const struct request *request, struct relation *ret,
			struct error *err)
{
	bool lockable = request->query == NULL;
	int rc = 0;

	if (request->cursor && postgresql_look_at_running(c, request, err) < 0)
		return -1;
	for (int i = 0; i < RESTARTS_MAX && rc == 0; i++)
		rc = try_begin(c, request, &lockable, err);
	if (rc < 0)
		return postgresql_explain_missing(c, request, err);
	if (rc == 0)
		return error_set(err, ERR_TEMP,
				 "what is read changes faster than it can be read: "
				 "truncated or replaced %d times",
				 RESTARTS_MAX);
	rc = request->query ? postgresql_describe_query(c, request, ret, err)
			    : postgresql_describe_table(c, request, ret, err);
	c->described = rc == 0;
	return rc;
}

/* --- one state for several runs ---------------------------------------------------- */

/* Lock one of several tables, so that one that cannot be locked costs no other lock. */
static int hold_table(struct connection *c, const struct request *request,
		      const struct table_name *table, struct error *err)
{
	struct request one = *request;
	int rc;

	one.table = *table;
	if (postgresql_run(c, "SAVEPOINT held", err) < 0)
		return -1;
	rc = lock_table(c, table, err);
	if (rc < 0)
		return postgresql_explain_missing(c, &one, err);
	if (rc > 0)
		return postgresql_run(c, "RELEASE SAVEPOINT held", err);
	log_warn("%s cannot be locked: if it is truncated or replaced meanwhile, reading it fails",
		 table->table);
	return postgresql_run(c, "ROLLBACK TO SAVEPOINT held; RELEASE SAVEPOINT held", err);
}

/* The locks stand before the snapshot does: nothing can be truncated in between. */
int postgresql_hold(struct connection *c, const struct request *request,
		    const struct table_name *tables, size_t count, const char **snapshot,
		    struct error *err)
{
	PGresult *result;

	if (begin(c, request, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (hold_table(c, request, &tables[i], err) < 0)
			return -1;
	if (count == 0)
		log_warn("no table is named, so none is locked: "
			 "reading one that is truncated meanwhile fails");
	result = postgresql_exec(c, "SELECT pg_catalog.pg_export_snapshot()", NULL, 0,
				 PGRES_TUPLES_OK, err);
	if (!result || postgresql_keep(c, result, err) < 0)
		return -1;
	*snapshot = PQgetvalue(result, 0, 0);
	return 0;
}
