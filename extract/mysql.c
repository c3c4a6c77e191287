#include <stdlib.h>
#include <string.h>

#include "extract/cursor.h"
#include "extract/mysql_impl.h"
#include "extract/mysql_types.h"
#include "lib/log.h"
#include "lib/parse.h"

enum { LOCK_TIMEOUT_SECONDS = 30, DAY_SECONDS = 86400, SYNTAX_ERROR = 1064 };

/* --- the session ----------------------------------------------------------------- */

/*
 * What an administrator or an account may have set otherwise, and what would
 * change the rows, cut the read short, or end it because stdout's reader
 * stalls. sql_mode stays the server's, as the user's SQL was written for it;
 * but char values must not come padded. Results come in each column's own
 * character set: the server's conversion puts question marks without a word,
 * CONVERT() in the SELECT warns.
 */
static int set_session(struct connection *c, const struct request *request, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (mysql_run(c, "SET NAMES utf8mb4", err) < 0 ||
	    mysql_run(c, "SET SESSION character_set_results = NULL", err) < 0 ||
	    mysql_run(c, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", err) < 0 ||
	    buf_appendf(
		    &sql, err,
		    "SET SESSION time_zone = '+00:00', net_read_timeout = %d, net_write_timeout = %d,"
		    " wait_timeout = %d, lock_wait_timeout = %d, completion_type = 0,"
		    " sql_mode = REPLACE(@@sql_mode, 'PAD_CHAR_TO_FULL_LENGTH', ''),"
		    " sql_select_limit = 18446744073709551615, sql_big_selects = 1, sql_auto_is_null = 0,"
		    " group_concat_max_len = 1073741824, max_error_count = 65535",
		    DAY_SECONDS, DAY_SECONDS, DAY_SECONDS, LOCK_TIMEOUT_SECONDS) < 0)
		return -1;
	if (c->mariadb
		    ? buf_appendf(&sql, err,
				  ", max_statement_time = %.3f, idle_transaction_timeout = 0,"
				  " idle_readonly_transaction_timeout = 0",
				  (double)request->timeout_ms / 1000) < 0
		    : buf_appendf(&sql, err, ", max_execution_time = %lld",
				  (long long)(request->timeout_ms < UINT32_MAX ? request->timeout_ms
									       : UINT32_MAX)) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	return text ? mysql_run(c, text, err) : -1;
}

static int identify_server(struct connection *c, struct error *err)
{
	MYSQL_RES *result = mysql_ask(c, MYSQL_SQL_INSTANCE, err);
	MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;

	if (!result)
		return -1;
	if (row && row[0])
		c->instance = strdup(row[0]);
	mysql_free_result(result);
	return c->instance ? 0 : error_nomem(err);
}

static void driver_close(struct connection *c)
{
	if (!c)
		return;
	mysql_disconnect(c);
	for (size_t i = 0; i < c->kept_count; i++)
		mysql_free_result(c->kept[i]);
	mysql_release_uri(&c->uri);
	free(c->instance);
	free(c->label);
	free(c->columns);
	free(c->key);
	free(c->lengths);
	free(c->prefixed);
	free(c);
}

static int driver_open(const struct request *request, struct wait *wait, struct connection **ret,
		       struct error *err)
{
	struct connection *c;

	if (request->snapshot)
		return error_set(err, ERR_USAGE,
				 "--snapshot is for PostgreSQL: MySQL has no exported snapshots "
				 "(see --hold-snapshot)");
	c = calloc(1, sizeof *c);
	if (!c)
		return error_nomem(err);
	c->wait = wait;
	c->read_timeout_ms = request->read_timeout_ms;
	c->user_sql = request->query || request->where;
	c->secrets = request->secrets && !c->user_sql;
	if (mysql_parse_uri(request->uri, &c->uri, err) < 0 ||
	    mysql_connect_to(c, request->connect_timeout_ms, err) < 0 ||
	    identify_server(c, err) < 0 || set_session(c, request, err) < 0) {
		mysql_cancel_query(c);
		driver_close(c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* --- the transaction ---------------------------------------------------------------- */

/*
 * A statement that opens what will be read, and reads nothing: it takes the
 * metadata locks, which the transaction keeps. TRUNCATE and ALTER wait for
 * them, so no snapshot taken afterwards can be older than a table is.
 */
static int lock_tables(struct connection *c, const struct request *request, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	/* The star needs a privilege on each column: none is left out because it may not be seen. */
	if (request->query
		    ? buf_appendf(&sql, err, "SELECT 1 FROM DUAL WHERE 1 = 0 AND EXISTS (%s\n)",
				  request->query) < 0
		    : buf_appendf(&sql, err, "SELECT %s FROM ", request->some_columns ? "1" : "*") <
				      0 ||
			      mysql_append_table(&sql, &request->table, err) < 0 ||
			      buf_append_str(&sql, " WHERE 1 = 0", err) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	return text ? mysql_run(c, text, err) : -1;
}

/*
 * Without --snapshot-ready the first read takes the snapshot, under the locks.
 * With it the snapshot comes first, at a moment that somebody waits for and
 * during which --hold-snapshot keeps all tables still; a table that is newer
 * than the snapshot all the same is an error of the server's, 1412.
 */
static int driver_describe(struct connection *c, const struct request *request,
			   struct relation *ret, struct error *err)
{
	int rc;

	if (mysql_run(c,
		      request->snapshot_first
			      ? "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
			      : "START TRANSACTION READ ONLY",
		      err) < 0)
		return -1;
	if (request->query && mysql_check_query(c, request, err) < 0)
		return -1;
	if (lock_tables(c, request, err) < 0)
		return mysql_explain_missing(c, request, err);
	rc = request->query ? mysql_describe_query(c, request, ret, err)
			    : mysql_describe_table(c, request, ret, err);
	c->described = rc == 0;
	return rc;
}

/*
 * Nothing is written and no table changes until close: the runs that start
 * meanwhile read one state.
 */
static int driver_hold(struct connection *c, const struct request *request,
		       const struct table_name *tables, size_t count, const char **snapshot,
		       struct error *err)
{
	(void)request;
	(void)tables;
	(void)count;
	*snapshot = NULL;
	return mysql_run(c, "FLUSH TABLES WITH READ LOCK", err);
}

/* A lock that ended before its time, with the connection, has held nothing. */
static int driver_held(struct connection *c, struct error *err)
{
	return mysql_run(c, "UNLOCK TABLES", err);
}

/* --- reading ------------------------------------------------------------------------- */

/* The line ends keep a comment at the user's end from swallowing ours. */
int mysql_append_from(struct buf *sql, const struct request *request, const char *condition,
		      struct error *err)
{
	const char *const conditions[] = { request->where, condition };
	const char *word = " WHERE";

	if (request->query ? buf_appendf(sql, err, " FROM (%s\n) AS query", request->query) < 0
			   : buf_append_str(sql, " FROM ", err) < 0 ||
				     mysql_append_table(sql, &request->table, err) < 0)
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

/*
 * In a derived table the server ignores ORDER BY unless a LIMIT there needs
 * it, so the limit of a query goes inside, where that is possible.
 */
static int prepare_select(struct connection *c, const struct request *request,
			  const struct column *columns, size_t count, bool limit_inside,
			  struct error *err)
{
	const char *condition = request->cursor ? request->cursor->condition : NULL;
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_append_str(&sql, "SELECT", err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (buf_append_str(&sql, i ? ", " : " ", err) < 0 ||
		    mysql_append_select(&sql, &columns[i], err) < 0)
			return -1;
	if (limit_inside ? buf_appendf(&sql, err, " FROM ((%s\n) LIMIT %lld) AS query",
				       request->query, (long long)request->limit) < 0
			 : mysql_append_from(&sql, request, condition, err) < 0)
		return -1;
	if (request->limit >= 0 && !limit_inside &&
	    buf_appendf(&sql, err, " LIMIT %lld", (long long)request->limit) < 0)
		return -1;
	text = buf_cstr(&sql, err);
	return text ? mysql_prepare(c, text, err) : -1;
}

/* Integers and floats come without a length in front; 0 for the rest. */
static bool has_length(enum enum_field_types type)
{
	switch (type) {
	case MYSQL_TYPE_TINY:
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_YEAR:
	case MYSQL_TYPE_INT24:
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_LONGLONG:
	case MYSQL_TYPE_FLOAT:
	case MYSQL_TYPE_DOUBLE:
	case MYSQL_TYPE_NULL:
		return false;
	default:
		return true;
	}
}

/* The library leaves the values where they are in its packet, and says where that is. */
static int bind_row(struct connection *c, size_t count, struct error *err)
{
	MYSQL_BIND *binds = calloc(count, sizeof *binds);
	int rc = 0;

	c->lengths = calloc(count, sizeof *c->lengths);
	c->prefixed = calloc(count, sizeof *c->prefixed);
	if (!binds || !c->lengths || !c->prefixed) {
		free(binds);
		return error_nomem(err);
	}
	for (size_t i = 0; i < count; i++) {
		binds[i].buffer_type = MYSQL_TYPE_STRING;
		binds[i].flags = MADB_BIND_DUMMY;
		binds[i].length = &c->lengths[i];
		c->prefixed[i] = has_length(c->stmt->fields[i].type);
	}
	if (mysql_stmt_bind_result(c->stmt, binds))
		rc = mysql_fail(c, err);
	free(binds);
	return rc;
}

static int driver_query(struct connection *c, const struct request *request,
			const struct column *columns, size_t count, struct error *err)
{
	bool limit_inside = request->query && request->limit >= 0 && !request->where;
	int rc = prepare_select(c, request, columns, count, limit_inside, err);

	/* MariaDB does not take a WITH there. */
	if (rc < 0 && limit_inside && c->failed == SYNTAX_ERROR)
		rc = prepare_select(c, request, columns, count, false, err);
	if (rc < 0)
		return -1;
	if (mysql_stmt_param_count(c->stmt) > 0)
		return error_set(err, ERR_USAGE,
				 "--where: a ? in it is a parameter that nobody supplies");
	if (mysql_execute(c, err) < 0)
		return -1;
	if (mysql_stmt_field_count(c->stmt) != count)
		return error_set(err, ERR_PROTOCOL, "%s: %u columns where %zu were asked for",
				 mysql_product(c), mysql_stmt_field_count(c->stmt), count);
	c->selected = columns;
	c->selected_count = count;
	return bind_row(c, count, err);
}

static bool is_loss(int64_t warning)
{
	enum {
		CUT_BY_GROUP_CONCAT = 1260,
		INVALID_CHARACTER_STRING = 1300,
		PACKET_TOO_LARGE = 1301,
		CANNOT_CONVERT_CHARACTER = 1977, /* MariaDB */
		CANNOT_CONVERT_STRING = 3854,    /* MySQL */
	};

	return warning == CUT_BY_GROUP_CONCAT || warning == INVALID_CHARACTER_STRING ||
	       warning == PACKET_TOO_LARGE || warning == CANNOT_CONVERT_CHARACTER ||
	       warning == CANNOT_CONVERT_STRING;
}

/*
 * The server keeps max_error_count warnings, of which 65,535 is the maximum;
 * among those that it dropped, one may be of a loss.
 */
static int check_all_listed(struct connection *c, unsigned long long listed, struct error *err)
{
	MYSQL_RES *result = mysql_ask(c, "SHOW COUNT(*) WARNINGS", err);
	MYSQL_ROW row = result ? mysql_fetch_row(result) : NULL;
	int64_t total = 0;
	int rc = 0;

	if (!result)
		return -1;
	if (row && row[0])
		rc = parse_int64(row[0], 0, INT64_MAX, &total, err);
	mysql_free_result(result);
	if (rc == 0 && (unsigned long long)total > listed)
		rc = error_set(err, ERR_DATA,
			       "%s: the read made %lld warnings, of which the server lists only "
			       "%llu: whether a value was lost cannot be known; mend the SQL that "
			       "warns (--where, --query, or the view's)",
			       mysql_product(c), (long long)total, listed);
	return rc;
}

int mysql_check_warnings(struct connection *c, bool say, struct error *err)
{
	MYSQL_RES *result = mysql_ask(c, "SHOW WARNINGS", err);
	unsigned long long count;
	MYSQL_ROW row;
	int rc = 0;

	if (!result)
		return -1;
	count = mysql_num_rows(result);
	while (rc == 0 && (row = mysql_fetch_row(result))) {
		int64_t number;

		rc = parse_int64(row[1], 0, INT32_MAX, &number, err);
		if (rc == 0 && is_loss(number))
			rc = error_set(err, ERR_DATA, "%s: a value was lost: %s (warning %s)",
				       mysql_product(c), c->secrets ? SECRETS_HIDDEN : row[2],
				       row[1]);
		else if (rc == 0 && say && mysql_row_tell(result) == NULL)
			log_warn("%s: %s (warning %s, the last of %llu)", mysql_product(c), row[2],
				 row[1], count);
	}
	mysql_free_result(result);
	return rc < 0 ? -1 : check_all_listed(c, count, err);
}

static int finish(struct connection *c, struct error *err)
{
	if (mysql_check_warnings(c, c->user_sql, err) < 0)
		return -1;
	return mysql_run(c, "COMMIT", err);
}

/* How long the length in front of a value is, by its first byte. */
static inline size_t prefix_length(unsigned char first)
{
	if (first < 251)
		return 1;
	return first == 252 ? 3 : first == 253 ? 4 : 9;
}

static int driver_next(struct connection *c, struct cell *cells, struct error *err)
{
	const MYSQL_BIND *binds = c->stmt->bind;
	int rc = mysql_fetch(c, err);

	if (rc <= 0)
		return rc < 0 ? -1 : finish(c, err);
	for (size_t i = 0; i < c->selected_count; i++) {
		const unsigned char *p = binds[i].u.row_ptr;
		unsigned width = c->selected[i].encoder->width;

		if (!p) {
			cells[i] = (struct cell){ .null = true };
			continue;
		}
		if (c->prefixed[i])
			p += prefix_length(*p);
		cells[i] = (struct cell){ .data = (const char *)p, .length = c->lengths[i] };
		if (__builtin_expect(width && cells[i].length != width, 0))
			return error_set(err, ERR_PROTOCOL, "%s: \"%s\": %zu bytes instead of %u",
					 mysql_product(c), c->selected[i].source_name,
					 cells[i].length, width);
	}
	return 1;
}

static const char *const schemes[] = { "mysql", "mariadb", NULL };

const struct driver mysql_driver = {
	.name = "mysql",
	.schemes = schemes,
	.quote = '`',
	.open = driver_open,
	.list = mysql_list,
	.describe = driver_describe,
	.as_text = mysql_as_text,
	.hold = driver_hold,
	.held = driver_held,
	.cursor = mysql_cursor,
	.query = driver_query,
	.next = driver_next,
	.cancel = mysql_cancel_query,
	.close = driver_close,
};
