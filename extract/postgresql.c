#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "extract/cursor.h"
#include "extract/postgresql_encoders.h"
#include "extract/postgresql_impl.h"
#include "extract/postgresql_types.h"
#include "lib/clock.h"
#include "lib/log.h"

enum {
	SERVER_VERSION_MIN = 120000,
	CANCEL_SECONDS = 2,
};

/* --- connecting ---------------------------------------------------------------- */

static void on_notice(void *argument, const char *message)
{
	const struct connection *c = argument;

	/* What a function of a view raises may quote values. */
	if (c->secrets)
		return;
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
	int64_t until = timeout_ms > 0 ? monotonic_ms() + timeout_ms : 0;
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
	PQsetNoticeProcessor(c->pg, on_notice, c);
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
	free(c->inner);
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
	c->options = &request->types;
	c->read_timeout_ms = request->read_timeout_ms;
	c->user_sql = request->query || request->where;
	c->secrets = request->secrets && !c->user_sql;
	if (check_uri(request->uri, err) < 0 || connect_to(c, request, err) < 0) {
		postgresql_close(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* --- reading ------------------------------------------------------------------------ */

/* The line ends keep a comment at the user's end from swallowing ours. */
int postgresql_append_from(struct buf *sql, const struct request *request, const char *condition,
			   const char *another, struct error *err)
{
	const char *const conditions[] = { request->where, condition, another };
	const char *word = " WHERE";

	if (request->query ? buf_appendf(sql, err, " FROM (%s\n) AS query", request->query) < 0
			   : buf_append_str(sql, " FROM ", err) < 0 ||
				     postgresql_quote_table(sql, &request->table, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
		if (!conditions[i])
			continue;
		if (buf_appendf(sql, err, "%s (%s\n)", word, conditions[i]) < 0)
			return -1;
		word = " AND";
	}
	return 0;
}

static int copy_statement(struct buf *sql, const struct request *request,
			  const struct column *columns, size_t count, struct error *err)
{
	const char *condition = request->cursor ? request->cursor->condition : NULL;

	if (buf_append_str(sql, "COPY (SELECT", err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (buf_append_str(sql, i ? ", " : " ", err) < 0 ||
		    postgresql_append_select(sql, &columns[i], err) < 0)
			return -1;
	if (postgresql_append_from(sql, request, condition, NULL, err) < 0)
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
		if (postgresql_wait(c, err) < 0)
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
	.as_text = postgresql_as_text,
	.hold = postgresql_hold,
	.cursor = postgresql_cursor,
	.query = postgresql_query,
	.next = postgresql_next,
	.cancel = postgresql_cancel,
	.close = postgresql_close,
};
