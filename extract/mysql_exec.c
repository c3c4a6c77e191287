#include <errmsg.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "extract/mysql_impl.h"
#include "lib/clock.h"
#include "lib/log.h"

enum { CHECK_ROWS = 64 };

/* --- errors ----------------------------------------------------------------- */

const char *mysql_product(const struct connection *c)
{
	return c->mariadb ? "MariaDB" : "MySQL";
}

/* The server's numbers (MySQL's error reference, MariaDB's beyond 1900) and the library's, from 2000. */
static const struct {
	unsigned number;
	int code;
} codes[] = {
	{ 1044, ERR_PERM },    /* no access to the database */
	{ 1045, ERR_PERM },    /* user or password */
	{ 1130, ERR_PERM },    /* this host may not connect */
	{ 1142, ERR_PERM },    /* no privilege on the table */
	{ 1143, ERR_PERM },    /* on the column */
	{ 1227, ERR_PERM },    /* a privilege such as RELOAD */
	{ 1251, ERR_PERM },    /* the client does not know the way to authenticate */
	{ 1370, ERR_PERM },    /* no EXECUTE on a function */
	{ 1449, ERR_PERM },    /* a view's definer does not exist */
	{ 1698, ERR_PERM },    /* no password, but one is needed */
	{ 1820, ERR_PERM },    /* the password must be changed */
	{ 1862, ERR_PERM },    /* the password has expired */
	{ 1524, ERR_PERM },    /* the plugin of the account is not loaded */
	{ 3118, ERR_PERM },    /* the account is locked */
	{ 3159, ERR_PERM },    /* the server insists on TLS */
	{ 4151, ERR_PERM },    /* MariaDB: the account is locked */
	{ 1049, ERR_NOINPUT }, /* no such database */
	{ 1046, ERR_USAGE },   /* neither SOURCE nor TABLE names a database */
	{ 1051, ERR_NOINPUT },
	{ 1054, ERR_NOINPUT },
	{ 1109, ERR_NOINPUT },
	{ 1146, ERR_NOINPUT },
	{ 1040, ERR_TEMP }, /* too many connections */
	{ 1041, ERR_TEMP }, /* out of memory */
	{ 1053, ERR_TEMP }, /* shutting down */
	{ 1077, ERR_TEMP }, /* the same */
	{ 1079, ERR_TEMP }, /* the same */
	{ 1105, ERR_TEMP }, /* unknown, which is what an unforeseen state is called */
	{ 1129, ERR_TEMP }, /* blocked after many errors */
	{ 1135, ERR_TEMP }, /* no thread for us */
	{ 1159, ERR_TEMP }, /* a timeout reading from the network */
	{ 1161, ERR_TEMP }, /* a timeout writing to it */
	{ 1203, ERR_TEMP }, /* too many connections of this user */
	{ 1205, ERR_TEMP }, /* a lock that does not come */
	{ 1206, ERR_TEMP }, /* too many locks */
	{ 1213, ERR_TEMP }, /* deadlock */
	{ 1226, ERR_TEMP }, /* a limit of the account's per hour */
	{ 1317, ERR_TEMP }, /* KILL QUERY */
	{ 1412, ERR_TEMP }, /* the definition is newer than our snapshot */
	{ 1615, ERR_TEMP }, /* prepared statement needs to be re-prepared */
	{ 1637, ERR_TEMP }, /* too many transactions */
	{ 1927, ERR_TEMP }, /* KILL */
	{ 1969, ERR_TEMP }, /* MariaDB: max_statement_time */
	{ 3024, ERR_TEMP }, /* MySQL: max_execution_time */
	{ 3169, ERR_TEMP }, /* MySQL: KILL */
	{ 4031, ERR_TEMP }, /* MySQL: disconnected by the server because of inactivity */
	{ 1028, ERR_TEMP }, /* filesort aborted, which KILL does too */
	{ 1021, ERR_TEMP }, /* disk full */
	{ 1114, ERR_TEMP }, /* a temporary table is full */
	{ 1037, ERR_TEMP },
	{ 1038, ERR_TEMP }, /* memory for sorting */
	{ 1060, ERR_DATA }, /* two columns of --query have one name */
	{ 1292, ERR_DATA },
	{ 1365, ERR_DATA },
	{ 1690, ERR_DATA },
	{ CR_UNKNOWN_ERROR, ERR_TEMP },
	{ CR_SOCKET_CREATE_ERROR, ERR_TEMP },
	{ CR_CONNECTION_ERROR, ERR_TEMP },
	{ CR_CONN_HOST_ERROR, ERR_TEMP },
	{ CR_UNKNOWN_HOST, ERR_TEMP },
	{ CR_SERVER_GONE_ERROR, ERR_TEMP },
	{ CR_SERVER_LOST, ERR_TEMP },
	{ CR_SERVER_LOST_EXTENDED, ERR_TEMP },
	{ CR_OUT_OF_MEMORY, ERR_OS },
	{ CR_SSL_CONNECTION_ERROR, ERR_PERM },
	{ CR_AUTH_PLUGIN_CANNOT_LOAD, ERR_PERM },
	{ CR_VERSION_ERROR, ERR_PROTOCOL },
	{ CR_MALFORMED_PACKET, ERR_PROTOCOL },
	{ CR_COMMANDS_OUT_OF_SYNC, ERR_BUG },
	{ CR_SERVER_HANDSHAKE_ERR, ERR_TEMP },
};

/* The numbers that say that what was described is no longer so. */
static bool definition_is_gone(unsigned number)
{
	return number == 1054 || number == 1146 || number == 1356 || number == 1051;
}

static int exit_code(const struct connection *c, unsigned number, const char *state)
{
	if (c->described && !c->user_sql && definition_is_gone(number))
		return ERR_TEMP;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].number == number)
			return codes[i].code;
	if (!strncmp(state, "08", 2) || !strncmp(state, "40", 2))
		return ERR_TEMP;
	if (!strncmp(state, "28", 2))
		return ERR_PERM;
	if (!strncmp(state, "22", 2))
		return ERR_DATA;
	/* The rest of what can be wrong with a statement is wrong with the user's. */
	return c->user_sql && number < CR_MIN_ERROR ? ERR_USAGE : ERR_REMOTE;
}

/*
 * A view, or a function behind it, may fail at a value and quote it. What is
 * temporary or not allowed is said of no value.
 */
static bool may_quote_secrets(const struct connection *c, int code)
{
	return c->secrets && c->described && code != ERR_TEMP && code != ERR_PERM;
}

int mysql_fail(struct connection *c, struct error *err)
{
	unsigned number = mysql_errno(c->mysql);
	const char *text = mysql_error(c->mysql), *state = mysql_sqlstate(c->mysql);

	/* What a prepared statement's own checks say stands only there. */
	if (number == 0 && c->stmt && mysql_stmt_errno(c->stmt)) {
		number = mysql_stmt_errno(c->stmt);
		text = mysql_stmt_error(c->stmt);
		state = mysql_stmt_sqlstate(c->stmt);
	}
	c->failed = number;
	/* The statement has ended with it, whichever way. */
	c->busy = false;
	if (number == 0)
		return error_set(err, ERR_PROTOCOL, "%s: failed without saying why",
				 mysql_product(c));
	if (may_quote_secrets(c, exit_code(c, number, state)))
		return error_set(err, exit_code(c, number, state),
				 "%s: " SECRETS_HIDDEN " (error %u)", mysql_product(c), number);
	error_set(err, exit_code(c, number, state), "%s: %s%s (error %u)", mysql_product(c),
		  c->described && !c->user_sql && (definition_is_gone(number) || number == 1412)
			  ? "the definition changed during the read: "
			  : "",
		  text, number);
	for (char *p = err->message; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	return -1;
}

/* --- waiting ------------------------------------------------------------------- */

int mysql_await(struct connection *c, int wanted, struct error *err)
{
	int64_t until = c->read_timeout_ms > 0 ? monotonic_ms() + c->read_timeout_ms : 0;
	short events = 0;
	int ready;

	if (wanted & MYSQL_WAIT_READ)
		events |= POLLIN;
	if (wanted & MYSQL_WAIT_WRITE)
		events |= POLLOUT;
	ready = wait_for(c->wait, mysql_get_socket(c->mysql), events, until, err);
	if (ready > 0)
		return wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
	c->suspended = true;
	if (ready == 0)
		error_set(err, ERR_TEMP, "%s: the server said nothing for %.1f s (--read-timeout)",
			  mysql_product(c), (double)c->read_timeout_ms / 1000);
	return -1;
}

/* --- statements ------------------------------------------------------------------- */

/* All rows of the statement that was sent. */
static MYSQL_RES *take_result(struct connection *c, struct error *err)
{
	MYSQL_RES *result = NULL;
	int wanted = mysql_store_result_start(&result, c->mysql);

	while (wanted) {
		int ready = mysql_await(c, wanted, err);

		if (ready < 0)
			return NULL;
		wanted = mysql_store_result_cont(&result, c->mysql, ready);
	}
	if (!result)
		mysql_fail(c, err);
	c->busy = false;
	return result;
}

static int send_query(struct connection *c, const char *sql, struct error *err)
{
	int rc = 0, wanted;

	c->busy = true;
	wanted = mysql_real_query_start(&rc, c->mysql, sql, strlen(sql));
	while (wanted) {
		int ready = mysql_await(c, wanted, err);

		if (ready < 0)
			return -1;
		wanted = mysql_real_query_cont(&rc, c->mysql, ready);
	}
	return rc ? mysql_fail(c, err) : 0;
}

int mysql_run(struct connection *c, const char *sql, struct error *err)
{
	MYSQL_RES *result;

	if (send_query(c, sql, err) < 0)
		return -1;
	if (mysql_field_count(c->mysql) == 0) {
		c->busy = false;
		return 0;
	}
	result = take_result(c, err);
	mysql_free_result(result);
	return result ? 0 : -1;
}

MYSQL_RES *mysql_ask(struct connection *c, const char *sql, struct error *err)
{
	if (send_query(c, sql, err) < 0)
		return NULL;
	return take_result(c, err);
}

int mysql_prepare(struct connection *c, const char *sql, struct error *err)
{
	int rc = 0, wanted;

	log_debug("%s", sql);
	if (c->statement_count == MYSQL_STATEMENTS)
		return error_set(err, ERR_BUG, "too many statements are prepared");
	c->stmt = mysql_stmt_init(c->mysql);
	if (!c->stmt)
		return error_nomem(err);
	c->statements[c->statement_count++] = c->stmt;
	c->busy = true;
	wanted = mysql_stmt_prepare_start(&rc, c->stmt, sql, strlen(sql));
	while (wanted) {
		int ready = mysql_await(c, wanted, err);

		if (ready < 0)
			return -1;
		wanted = mysql_stmt_prepare_cont(&rc, c->stmt, ready);
	}
	if (rc)
		return mysql_fail(c, err);
	c->busy = false;
	return 0;
}

int mysql_execute(struct connection *c, struct error *err)
{
	int rc = 0, wanted;

	c->busy = true;
	wanted = mysql_stmt_execute_start(&rc, c->stmt);
	while (wanted) {
		int ready = mysql_await(c, wanted, err);

		if (ready < 0)
			return -1;
		wanted = mysql_stmt_execute_cont(&rc, c->stmt, ready);
	}
	return rc ? mysql_fail(c, err) : 0;
}

int mysql_fetch(struct connection *c, struct error *err)
{
	int rc = 0, wanted;

	/* Nothing is waited for while the server is the faster one. */
	if (++c->fetches % CHECK_ROWS == 0 && wait_check(c->wait, err) < 0)
		return -1;
	wanted = mysql_stmt_fetch_start(&rc, c->stmt);
	while (wanted) {
		int ready = mysql_await(c, wanted, err);

		if (ready < 0)
			return -1;
		wanted = mysql_stmt_fetch_cont(&rc, c->stmt, ready);
	}
	if (rc == 0)
		return 1;
	/* Whatever else it is, it is not the end: mysql_stmt_errno is 0 after KILL or a lost server. */
	if (rc != MYSQL_NO_DATA)
		return mysql_fail(c, err);
	c->busy = false;
	return 0;
}

int mysql_keep(struct connection *c, MYSQL_RES *result, struct error *err)
{
	if (c->kept_count == MYSQL_KEPT_RESULTS) {
		mysql_free_result(result);
		return error_set(err, ERR_BUG, "too many results are kept");
	}
	c->kept[c->kept_count++] = result;
	return 0;
}

int mysql_append_literal(struct connection *c, struct buf *sql, const char *text, struct error *err)
{
	size_t n = strlen(text);
	char *escaped = malloc(2 * n + 1);
	int rc = -1;

	if (!escaped)
		return error_nomem(err);
	/* It asks the connection whether a backslash means something there. */
	mysql_real_escape_string(c->mysql, escaped, text, n);
	if (buf_append_str(sql, "'", err) == 0 && buf_append_str(sql, escaped, err) == 0)
		rc = buf_append_str(sql, "'", err);
	free(escaped);
	return rc;
}
