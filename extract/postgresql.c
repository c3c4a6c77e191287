#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "extract/postgresql_impl.h"
#include "extract/postgresql_types.h"
#include "lib/log.h"

enum {
	SERVER_VERSION_MIN = 120000,
	RESTARTS_MAX = 5,
	LOCK_TIMEOUT_MS = 30000,
	CANCEL_SECONDS = 2,
};

/* --- connecting ---------------------------------------------------------------- */

static void on_notice(void *argument, const char *message)
{
	(void)argument;
	log_debug("PostgreSQL: %.*s", (int)strcspn(message, "\n"), message);
}

/* The URI's own password, however it is spelled: percent-encoding hides it from source.c. */
static int check_uri(const char *uri, struct error *err)
{
	char *problem = NULL;
	PQconninfoOption *options = PQconninfoParse(uri, &problem);
	bool secret = false;

	if (!options) {
		error_set(err, ERR_USAGE, "SOURCE: %.*s",
			  problem ? (int)strcspn(problem, "\n") : 13,
			  problem ? problem : "out of memory");
		PQfreemem(problem);
		return -1;
	}
	for (PQconninfoOption *o = options; o->keyword; o++)
		secret |= o->val &&
			  (!strcmp(o->keyword, "password") || !strcmp(o->keyword, "sslpassword"));
	PQconninfoFree(options);
	if (secret)
		return error_set(
			err, ERR_USAGE,
			"SOURCE holds a password: use PGPASSFILE (~/.pgpass) or PGPASSWORD");
	return 0;
}

/* libpq's connect_timeout works only in its blocking call, which no signal ends. */
static int await_connection(struct connection *c, int64_t timeout_ms, struct error *err)
{
	int64_t until = timeout_ms > 0 ? wait_now_ms() + timeout_ms : 0;
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK) {
		int ready;

		if (state == PGRES_POLLING_FAILED)
			return postgresql_fail_connect(c->pg, err);
		ready = wait_for(c->wait, PQsocket(c->pg),
				 state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until, err);
		if (ready < 0)
			return -1;
		if (ready == 0)
			return error_set(
				err, ERR_TEMP,
				"PostgreSQL: no connection to %s within --connect-timeout (%.1f s)",
				PQhost(c->pg) ? PQhost(c->pg) : "the server",
				(double)timeout_ms / 1000);
		state = PQconnectPoll(c->pg);
	}
	return 0;
}

static int connect_to(struct connection *c, const struct request *request, struct error *err)
{
	const char *const names[] = { "dbname", "fallback_application_name", NULL };
	const char *const values[] = { request->uri, "sqlextract", NULL };

	c->pg = PQconnectStartParams(names, values, 1);
	if (!c->pg)
		return error_nomem(err);
	/* So that a refused connection says its SQLSTATE. */
	PQsetErrorVerbosity(c->pg, PQERRORS_VERBOSE);
	PQsetNoticeProcessor(c->pg, on_notice, NULL);
	if (PQstatus(c->pg) == CONNECTION_BAD)
		return postgresql_fail_connect(c->pg, err);
	if (await_connection(c, request->connect_timeout_ms, err) < 0)
		return -1;
	PQsetErrorVerbosity(c->pg, PQERRORS_DEFAULT);
	if (PQserverVersion(c->pg) < SERVER_VERSION_MIN)
		return error_set(err, ERR_REMOTE,
				 "PostgreSQL %s is too old: 12 is the oldest that is read",
				 PQparameterStatus(c->pg, "server_version"));
	return 0;
}

static void postgresql_close(struct connection *c)
{
	if (!c)
		return;
	PQfreemem(c->row);
	for (size_t i = 0; i < c->kept_count; i++)
		PQclear(c->kept[i]);
	PQfinish(c->pg);
	free(c->label);
	free(c->columns);
	free(c->key);
	free(c);
}

static int postgresql_open(const struct request *request, struct wait *wait,
			   struct connection **ret, struct error *err)
{
	struct connection *c = calloc(1, sizeof *c);

	if (!c)
		return error_nomem(err);
	c->wait = wait;
	c->user_sql = request->query || request->where;
	if (check_uri(request->uri, err) < 0 || connect_to(c, request, err) < 0) {
		postgresql_close(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* --- the transaction -------------------------------------------------------------- */

/*
 * None of these statements takes a snapshot: the first query after them does.
 * An idle limit of the server's must be off, because a stalled reader of stdout
 * makes us look idle once the server has sent its last row. A SQL_ASCII
 * database would fail as a whole on the first bad byte if it had to convert.
 * With row_security off, a policy that would hide rows is an error.
 */
static int begin(struct connection *c, const struct request *request, struct error *err)
{
	const char *server = PQparameterStatus(c->pg, "server_encoding");
	bool unconverted = server && !strcmp(server, "SQL_ASCII");
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_appendf(&sql, err,
			"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
			"SET LOCAL client_encoding = '%s';"
			"SET LOCAL statement_timeout = %lld;"
			"SET LOCAL lock_timeout = %d;"
			"SET LOCAL row_security = %s;"
			"SET LOCAL idle_in_transaction_session_timeout = 0",
			unconverted ? "SQL_ASCII" : "UTF8",
			(long long)(request->timeout_ms < INT32_MAX ? request->timeout_ms
								    : INT32_MAX),
			LOCK_TIMEOUT_MS, request->row_security ? "on" : "off") < 0)
		return -1;
	text = buf_cstr(&sql, err);
	return text ? postgresql_run(c, text, err) : -1;
}

/*
 * 1: locked. 0: this cannot be locked (materialized views, foreign tables), or
 * not by us (a grant on some columns is not enough); no transaction is open.
 */
static int lock_table(struct connection *c, const struct request *request, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_append_str(&sql, "LOCK TABLE ", err) < 0 ||
	    postgresql_quote_table(&sql, &request->table, err) < 0 ||
	    buf_append_str(&sql, " IN ACCESS SHARE MODE", err) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	if (!text)
		return -1;
	if (postgresql_run(c, text, err) == 0)
		return 1;
	if (strcmp(c->state, "42809") != 0 && strcmp(c->state, "42501") != 0)
		return -1;
	log_debug("%s: not locked: %s", request->table.table, err->message);
	c->state[0] = '\0'; /* it was no failure of the run */
	return postgresql_run(c, "ROLLBACK", err);
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
		rc = lock_table(c, request, err);
		if (rc < 0)
			return -1;
		*lockable = rc > 0;
		if (!*lockable && begin(c, request, err) < 0)
			return -1;
	}
	if (lock_by_planning(c, request, err) < 0)
		return -1;
	rc = postgresql_changed(c, &name, err);
	if (rc <= 0)
		return rc < 0 ? -1 : 1;
	log_info("%s was truncated or replaced at this moment: starting over", name);
	free(name);
	return postgresql_run(c, "ROLLBACK", err);
}

static int postgresql_describe(struct connection *c, const struct request *request,
			       struct relation *ret, struct error *err)
{
	bool lockable = request->query == NULL;
	int rc = 0;

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

/* --- reading ------------------------------------------------------------------------ */

/* "FROM …", with the line ends that keep a comment at the user's end from swallowing ours. */
static int append_from(struct buf *sql, const struct request *request, struct error *err)
{
	if (buf_append_str(sql, " FROM ", err) < 0)
		return -1;
	if (request->query)
		return buf_appendf(sql, err, "(%s\n) AS query", request->query);
	return postgresql_quote_table(sql, &request->table, err);
}

static int copy_statement(struct buf *sql, const struct request *request,
			  const struct column *columns, size_t count, struct error *err)
{
	if (buf_append_str(sql, "COPY (SELECT", err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (buf_append_str(sql, i ? ", " : " ", err) < 0 ||
		    names_quote(sql, columns[i].source_name, '"', err) < 0)
			return -1;
	if (append_from(sql, request, err) < 0)
		return -1;
	if (request->where && buf_appendf(sql, err, " WHERE (%s\n)", request->where) < 0)
		return -1;
	if (request->limit >= 0 &&
	    buf_appendf(sql, err, " LIMIT %lld", (long long)request->limit) < 0)
		return -1;
	return buf_append_str(sql, ") TO STDOUT (FORMAT binary)", err);
}

static int postgresql_query(struct connection *c, const struct request *request,
			    const struct column *columns, size_t count, struct error *err)
{
	auto_buf sql = BUF_INIT;
	PGresult *result;
	const char *text;

	if (copy_statement(&sql, request, columns, count, err) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	if (!text)
		return -1;
	log_debug("%s", text);
	/* The extended protocol takes one statement only, whatever --where holds. */
	result = postgresql_exec(c, text, NULL, 0, PGRES_COPY_OUT, err);
	if (!result)
		return -1;
	PQclear(result);
	c->busy = true;
	c->selected = columns;
	c->selected_count = count;
	return 0;
}

/* All rows came: the statement's end, its count, and COMMIT must agree. */
static int finish(struct connection *c, struct error *err)
{
	PGresult *result = postgresql_result(c, PGRES_COMMAND_OK, err);
	unsigned long long rows = c->rows;
	char *name = NULL, expected[40];
	bool complete;

	if (!result)
		return -1;
	snprintf(expected, sizeof expected, "COPY %llu", rows);
	complete = c->trailer_seen && !strcmp(PQcmdStatus(result), expected);
	PQclear(result);
	if (!complete)
		return error_set(err, ERR_PROTOCOL,
				 "PostgreSQL: the end of the rows was not as announced");
	switch (postgresql_changed(c, &name, err)) {
	case 0:
		break;
	case 1:
		error_set(err, ERR_TEMP, "%s was truncated or replaced while the read began", name);
		free(name);
		return -1;
	default:
		return -1;
	}
	result = postgresql_exec(c, "COMMIT", NULL, 0, PGRES_COMMAND_OK, err);
	if (!result)
		return -1;
	complete = !strcmp(PQcmdStatus(result), "COMMIT");
	PQclear(result);
	return complete ? 0
			: error_set(err, ERR_PROTOCOL,
				    "PostgreSQL: COMMIT was answered with a rollback");
}

/* The next CopyData, after which nothing of the last one is valid. 0: the end of the copy. */
static int next_message(struct connection *c, int *length, struct error *err)
{
	int n;

	PQfreemem(c->row);
	c->row = NULL;
	while ((n = PQgetCopyData(c->pg, &c->row, 1)) == 0) {
		if (wait_check(c->wait, err) < 0)
			return -1;
		/* Reading costs less than asking whether there is something to read. */
		if (!PQconsumeInput(c->pg))
			return postgresql_fail(c, NULL, err);
		n = PQgetCopyData(c->pg, &c->row, 1);
		if (n != 0)
			break;
		if (wait_for(c->wait, PQsocket(c->pg), POLLIN, 0, err) < 0)
			return -1;
	}
	if (n == -2)
		return postgresql_fail(c, NULL, err);
	*length = n;
	return n > 0;
}

static int malformed(struct error *err)
{
	return error_set(err, ERR_PROTOCOL,
			 "PostgreSQL: a row that is not in COPY's binary format");
}

/* COPY's file header: 11 bytes of signature, flags, and an extension of a length. */
static int skip_header(const char **p, const char *end, struct error *err)
{
	static const char signature[11] = "PGCOPY\n\377\r\n";
	uint32_t extension;

	if (end - *p < 19 || memcmp(*p, signature, sizeof signature) != 0)
		return malformed(err);
	extension = postgresql_get32(*p + 15);
	if ((size_t)(end - *p) - 19 < extension)
		return malformed(err);
	*p += 19 + extension;
	return 0;
}

static int split_row(const struct connection *c, const char *p, const char *end, struct cell *cells,
		     struct error *err)
{
	for (size_t i = 0; i < c->selected_count; i++) {
		unsigned width = c->selected[i].encoder->width;
		int32_t length;

		if (end - p < 4)
			return malformed(err);
		length = (int32_t)postgresql_get32(p);
		p += 4;
		if (length == -1) {
			cells[i] = (struct cell){ .null = true };
			continue;
		}
		if (length < 0 || end - p < length || (width && (unsigned)length != width))
			return malformed(err);
		cells[i] = (struct cell){ .data = p, .length = (size_t)length };
		p += length;
	}
	return p == end ? 0 : malformed(err);
}

static int postgresql_next(struct connection *c, struct cell *cells, struct error *err)
{
	for (;;) {
		const char *p, *end;
		int length = 0, rc = next_message(c, &length, err);
		int16_t count;

		if (rc < 0)
			return -1;
		if (rc == 0)
			return finish(c, err);
		p = c->row;
		end = p + length;
		if (!c->header_seen) {
			if (skip_header(&p, end, err) < 0)
				return -1;
			c->header_seen = true;
			if (p == end)
				continue;
		}
		if (end - p < 2 || c->trailer_seen)
			return malformed(err);
		count = (int16_t)postgresql_get16(p);
		p += 2;
		if (count == -1) {
			c->trailer_seen = true;
			continue;
		}
		if (count < 0 || (size_t)count != c->selected_count)
			return malformed(err);
		c->rows++;
		return split_row(c, p, end, cells, err) < 0 ? -1 : 1;
	}
}

/* --- stopping ------------------------------------------------------------------------- */

static void *cancel_thread(void *argument)
{
	char problem[256];

	if (!PQcancel(argument, problem, sizeof problem))
		log_debug("PostgreSQL: %.*s", (int)strcspn(problem, "\n"), problem);
	PQfreeCancel(argument);
	return NULL;
}

/*
 * Two steps: the cancel request over a second connection, because closing does
 * not stop a query that computes; then the close, because the request does not
 * stop a COPY whose reader stalls. PQcancel blocks without a limit, so a
 * thread does it; where the network swallows it, the process ends with it.
 */
static void postgresql_cancel(struct connection *c)
{
	PGcancel *handle = c->busy && PQstatus(c->pg) == CONNECTION_OK ? PQgetCancel(c->pg) : NULL;
	struct timespec until;
	pthread_t thread;

	if (!handle)
		return;
	c->busy = false;
	if (pthread_create(&thread, NULL, cancel_thread, handle) != 0) {
		PQfreeCancel(handle);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += CANCEL_SECONDS;
	if (pthread_timedjoin_np(thread, NULL, &until) != 0)
		pthread_detach(thread);
}

static const char *const schemes[] = { "postgresql", "postgres", NULL };

const struct driver postgresql_driver = {
	.name = "postgresql",
	.schemes = schemes,
	.quote = '"',
	.open = postgresql_open,
	.list = postgresql_list,
	.describe = postgresql_describe,
	.query = postgresql_query,
	.next = postgresql_next,
	.cancel = postgresql_cancel,
	.close = postgresql_close,
};
