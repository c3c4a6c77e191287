#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "extract/postgresql_impl.h"
#include "lib/clock.h"

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

/* --- errors ----------------------------------------------------------------- */

/* SQLSTATEs are classes of two characters: PostgreSQL's appendix A. */
static int exit_code(const struct connection *c, const char *state)
{
	static const struct {
		const char *state;
		int code;
	} map[] = {
		{ "08", ERR_TEMP },       { "28", ERR_PERM },       { "42501", ERR_PERM },
		{ "3D000", ERR_NOINPUT }, { "3F000", ERR_NOINPUT }, { "42P01", ERR_NOINPUT },
		{ "42703", ERR_NOINPUT }, { "40", ERR_TEMP },       { "57014", ERR_TEMP },
		{ "57P", ERR_TEMP },      { "55P03", ERR_TEMP },    { "53", ERR_TEMP },
		{ "25P0", ERR_TEMP },     { "58", ERR_TEMP },       { "72", ERR_TEMP },
		{ "22", ERR_DATA },       { "42", ERR_USAGE },      { "25006", ERR_USAGE },
		{ "0A000", ERR_USAGE },
	};

	/* The definition was read a moment ago, and the user wrote no SQL: it has changed since. */
	if (c->described && !c->user_sql &&
	    (has_prefix(state, "42P01") || has_prefix(state, "42703") ||
	     has_prefix(state, "0A000")))
		return ERR_TEMP;
	/* Without SQL of the user's, only the name can be of the wrong kind. */
	if (!c->user_sql && has_prefix(state, "42809"))
		return ERR_NOINPUT;
	/* A $1 in it is a parameter that nobody supplies. */
	if (has_prefix(state, "08P01"))
		return c->user_sql ? ERR_USAGE : ERR_PROTOCOL;
	for (size_t i = 0; i < sizeof map / sizeof *map; i++)
		if (has_prefix(state, map[i].state))
			return map[i].code;
	return ERR_REMOTE;
}

/* libpq ends its messages with a line end, and puts several into one. */
static void one_line(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		text[--n] = '\0';
	for (char *p = text; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
}

/* Its SQLSTATE is that of any missing permission, and its words may be translated. */
static bool hidden_by_policies(const PGresult *result, const char *state)
{
	const char *function = PQresultErrorField(result, PG_DIAG_SOURCE_FUNCTION);

	return has_prefix(state, "42501") && function && !strcmp(function, "check_enable_rls");
}

/*
 * A view, or a function behind it, may fail at a value and quote it. What is
 * temporary or not allowed is said of no value.
 */
static bool may_quote_secrets(const struct connection *c, int code)
{
	return c->secrets && c->described && code != ERR_TEMP && code != ERR_PERM;
}

int postgresql_fail(struct connection *c, const PGresult *result, struct error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *detail, *hint;
	bool changed;

	snprintf(c->state, sizeof c->state, "%s", state ? state : "");
	if (!state) {
		bool lost = PQstatus(c->pg) == CONNECTION_BAD;

		error_set(err, lost ? ERR_TEMP : ERR_PROTOCOL, "PostgreSQL: %s",
			  lost || !result ? PQerrorMessage(c->pg)
					  : "an answer that was not expected");
		one_line(err->message);
		c->busy = !lost;
		return -1;
	}
	if (may_quote_secrets(c, exit_code(c, state)))
		return error_set(err, exit_code(c, state),
				 "PostgreSQL: " SECRETS_HIDDEN " (SQLSTATE %s)", state);
	detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
	hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
	changed = c->described && !c->user_sql && has_prefix(state, "42");
	error_set(err, exit_code(c, state), "PostgreSQL: %s%s%s%s%s%s%s (SQLSTATE %s)%s",
		  changed && has_prefix(state, "42P01") ? "the definition changed during the read: "
							: "",
		  PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), detail ? " (" : "",
		  detail ? detail : "", detail ? ")" : "", hint ? "; hint: " : "", hint ? hint : "",
		  state,
		  hidden_by_policies(result, state)
			  ? ": row-level security would hide rows; read as a role with "
			    "BYPASSRLS, or accept its policies with --row-security"
			  : "");
	one_line(err->message);
	return -1;
}

/*
 * Before a connection stands there is no PGresult; but a verbose message has
 * the state: "FATAL:  28P01: password authentication failed". The words may
 * be in the server's language. "" without one.
 */
static void find_state(const char *message, char state[6])
{
	state[0] = '\0';
	for (const char *p = strstr(message, ":  "); p; p = strstr(p + 1, ":  ")) {
		const char *at = p + 3;

		if (strspn(at, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 &&
		    has_prefix(at + 5, ": ")) {
			memcpy(state, at, 5);
			state[5] = '\0';
		}
	}
}

/* Drop the "LOCATION:  auth_failed, auth.c:335" lines that come with the state. */
static void drop_locations(char *text)
{
	char *out = text;

	for (char *line = text; *line;) {
		size_t n = strcspn(line, "\n");

		n += line[n] == '\n';
		if (!has_prefix(line, "LOCATION:")) {
			memmove(out, line, n);
			out += n;
		}
		line += n;
	}
	*out = '\0';
}

int postgresql_fail_connect(const PGconn *pg, struct error *err)
{
	/* libpq's own words, which are never translated here: no locale is set. */
	static const struct {
		const char *words;
		int code;
	} own[] = {
		{ "no password supplied", ERR_PERM },
		{ "certificate", ERR_PERM },
		{ "does not support SSL", ERR_PERM },
		{ "invalid port number", ERR_USAGE },
		{ "invalid integer value", ERR_USAGE },
		{ "invalid sslmode value", ERR_USAGE },
		{ "invalid channel_binding value", ERR_USAGE },
		{ "invalid target_session_attrs value", ERR_USAGE },
		{ "channel binding is required", ERR_PERM },
	};
	const struct connection none = { 0 };
	const char *message = PQerrorMessage(pg);
	int code = ERR_TEMP;
	char state[6];

	find_state(message, state);
	if (*state)
		code = exit_code(&none, state);
	else
		for (size_t i = 0; i < sizeof own / sizeof *own; i++)
			if (strstr(message, own[i].words))
				code = own[i].code;
	error_set(err, code, "PostgreSQL: %s", message);
	drop_locations(err->message);
	one_line(err->message);
	return -1;
}

/* --- statements ------------------------------------------------------------------- */

int postgresql_wait(struct connection *c, struct error *err)
{
	int64_t until = c->read_timeout_ms > 0 ? monotonic_ms() + c->read_timeout_ms : 0;
	int ready = wait_for(c->wait, PQsocket(c->pg), POLLIN, until, err);

	if (ready == 0)
		return error_set(
			err, ERR_TEMP,
			"PostgreSQL: the server said nothing within --read-timeout (%.1f s)",
			(double)c->read_timeout_ms / 1000);
	return ready < 0 ? -1 : 0;
}

/* Wait until PQgetResult would not block. */
static int await_result(struct connection *c, struct error *err)
{
	while (PQisBusy(c->pg)) {
		if (postgresql_wait(c, err) < 0)
			return -1;
		if (!PQconsumeInput(c->pg))
			return postgresql_fail(c, NULL, err);
	}
	return 0;
}

PGresult *postgresql_result(struct connection *c, ExecStatusType want, struct error *err)
{
	PGresult *last = NULL, *next;
	int failed = 0;

	for (;;) {
		if (await_result(c, err) < 0) {
			PQclear(last);
			return NULL;
		}
		next = PQgetResult(c->pg);
		if (!next)
			break;
		PQclear(last);
		last = next;
		failed |= PQresultStatus(last) != want;
		/* The NULL comes only after the copied data. */
		if (PQresultStatus(last) == PGRES_COPY_OUT && want == PGRES_COPY_OUT)
			return last;
		if (failed)
			break;
	}
	if (last && !failed) {
		c->busy = false;
		return last;
	}
	postgresql_fail(c, last, err);
	PQclear(last);
	/* An error ends the statement; what else may come is without interest. */
	while (PQtransactionStatus(c->pg) != PQTRANS_UNKNOWN && PQstatus(c->pg) == CONNECTION_OK) {
		struct error ignored;

		if (await_result(c, &ignored) < 0)
			return NULL;
		next = PQgetResult(c->pg);
		if (!next) {
			c->busy = false;
			break;
		}
		PQclear(next);
	}
	return NULL;
}

PGresult *postgresql_exec(struct connection *c, const char *sql, const char *const *values,
			  int count, ExecStatusType want, struct error *err)
{
	return postgresql_exec_typed(c, sql, NULL, values, count, want, err);
}

PGresult *postgresql_exec_typed(struct connection *c, const char *sql, const Oid *types,
				const char *const *values, int count, ExecStatusType want,
				struct error *err)
{
	c->busy = true;
	if (!PQsendQueryParams(c->pg, sql, count, types, values, NULL, NULL, 0)) {
		postgresql_fail(c, NULL, err);
		return NULL;
	}
	return postgresql_result(c, want, err);
}

int postgresql_run(struct connection *c, const char *sql, struct error *err)
{
	PGresult *result;

	c->busy = true;
	if (!PQsendQuery(c->pg, sql))
		return postgresql_fail(c, NULL, err);
	result = postgresql_result(c, PGRES_COMMAND_OK, err);
	if (!result)
		return -1;
	PQclear(result);
	return 0;
}

int postgresql_keep(struct connection *c, PGresult *result, struct error *err)
{
	if (c->kept_count == KEPT_RESULTS) {
		PQclear(result);
		return error_set(err, ERR_BUG, "too many results are kept");
	}
	c->kept[c->kept_count++] = result;
	return 0;
}
