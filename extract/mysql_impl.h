/*
 * What the files of the MySQL and MariaDB driver share; nothing else includes
 * this, nor <mysql.h> (but mysql_types.h).
 *
 *   mysql.c          the ops: transaction, the prepared SELECT and its rows
 *   mysql_uri.c      SOURCE
 *   mysql_connect.c  option files, TLS; connecting, cancelling, closing
 *   mysql_exec.c     statements that a signal can interrupt; errors
 *   mysql_catalog.c  what information_schema knows of tables
 *   mysql_cursor.c   incremental reads
 *
 * libmariadb neither returns on a signal nor looks at stdout, so all that may
 * block goes through its non-blocking calls: X_start, then, while that says
 * which events it waits for, mysql_await and X_cont. After a failed
 * mysql_await the call is left suspended, and only cancel and close may follow.
 */
#ifndef SLUICE_EXTRACT_MYSQL_IMPL_H
#define SLUICE_EXTRACT_MYSQL_IMPL_H

#include <mysql.h>
#include <stdbool.h>

#include "extract/driver.h"

enum { MYSQL_KEPT_RESULTS = 4, MYSQL_STATEMENTS = 4 };

/* Tells servers apart, even where one address leads to several of them. */
#define MYSQL_SQL_INSTANCE "SELECT CONCAT_WS(':', @@hostname, @@port, @@server_id)"

enum mysql_sslmode {
	MYSQL_SSL_UNSET, /* what the option files say; else prefer */
	MYSQL_SSL_DISABLE,
	MYSQL_SSL_ALLOW,
	MYSQL_SSL_PREFER,
	MYSQL_SSL_REQUIRE,
	MYSQL_SSL_VERIFY_CA,
	MYSQL_SSL_VERIFY_FULL,
};

/* SOURCE, decoded; strings are owned, NULL where it says nothing. */
struct mysql_uri {
	char *user, *host, *database;
	char *socket, *ssl_ca, *ssl_cert, *ssl_key;
	unsigned port; /* 0: not given */
	enum mysql_sslmode sslmode;
};

struct connection {
	MYSQL *mysql;
	MYSQL_STMT *stmt; /* the one that was prepared last */
	struct wait *wait;
	struct mysql_uri uri;
	int64_t read_timeout_ms;
	bool mariadb;    /* else MySQL */
	bool busy;       /* the server may be working for us */
	bool suspended;  /* inside a call of the library that was not finished */
	bool user_sql;   /* --where or --query: errors in SQL are the user's */
	bool secrets;    /* what the server says of values must not show */
	bool described;  /* the definition was read, and is locked */
	unsigned failed; /* the server's number of the last failure, 0 without one */
	char *label;
	char *instance; /* what tells this server from others behind the same address */
	struct column *columns;
	size_t column_count;
	char **key;
	/* The strings of columns and keys live in these; a statement's metadata live in it. */
	MYSQL_STMT *statements[MYSQL_STATEMENTS];
	size_t statement_count;
	MYSQL_RES *kept[MYSQL_KEPT_RESULTS];
	size_t kept_count;
	/* The rows in progress. */
	const struct column *selected;
	size_t selected_count;
	unsigned long *lengths; /* of each value of the row */
	uint64_t fetches;
	bool *prefixed; /* the value has its length in front */
};

/* --- mysql_uri.c --------------------------------------------------------------- */

/* ERR_USAGE: not a URI of ours; a password in it is refused. */
int mysql_parse_uri(const char *uri, struct mysql_uri *ret, struct error *err)
	__attribute__((warn_unused_result));
void mysql_release_uri(struct mysql_uri *uri);

/* --- mysql_connect.c --------------------------------------------------------- */

int mysql_connect_to(struct connection *c, int64_t timeout_ms, struct error *err)
	__attribute__((warn_unused_result));

/* Stop what the server does for us, over a second connection, in a bounded time. */
void mysql_cancel_query(struct connection *c);

/* Close the connection, whatever state it is in. */
void mysql_disconnect(struct connection *c);

/* --- mysql_exec.c -------------------------------------------------------------- */

/*
 * Wait for what a suspended call wants (MYSQL_WAIT_...). Returns what it may
 * be continued with, or -1: a signal, a reader that is gone, a timeout.
 */
int mysql_await(struct connection *c, int wanted, struct error *err);

/* Run one statement, whose result does not matter. */
int mysql_run(struct connection *c, const char *sql, struct error *err)
	__attribute__((warn_unused_result));

/* Run one statement and return all its rows; mysql_free_result them. */
MYSQL_RES *mysql_ask(struct connection *c, const char *sql, struct error *err);

/* Prepare this SELECT as c->stmt. Earlier ones are kept. */
int mysql_prepare(struct connection *c, const char *sql, struct error *err)
	__attribute__((warn_unused_result));

/* Start it. */
int mysql_execute(struct connection *c, struct error *err) __attribute__((warn_unused_result));

/* 1: the next row is in c->stmt's binds. 0: the server said that it was the last. */
int mysql_fetch(struct connection *c, struct error *err) __attribute__((warn_unused_result));

/* What the library or the server says has failed, as an error. -1. */
int mysql_fail(struct connection *c, struct error *err);

/* "MariaDB" or "MySQL". */
const char *mysql_product(const struct connection *c);

/* The result's strings are needed until close. */
int mysql_keep(struct connection *c, MYSQL_RES *result, struct error *err)
	__attribute__((warn_unused_result));

/* Append text as a string literal, whatever the session's sql_mode. */
int mysql_append_literal(struct connection *c, struct buf *sql, const char *text, struct error *err)
	__attribute__((warn_unused_result));

/* --- mysql.c ---------------------------------------------------------------------- */

/*
 * Append FROM and WHERE: what request reads, where its --where is true and so
 * is the condition, NULL or SQL of ours.
 */
int mysql_append_from(struct buf *sql, const struct request *request, const char *condition,
		      struct error *err) __attribute__((warn_unused_result));

/*
 * Some values the server replaces by NULL or cuts, and only warns of it: after
 * the last row, ERR_DATA where it did so. say: log the last of other warnings.
 */
int mysql_check_warnings(struct connection *c, bool say, struct error *err)
	__attribute__((warn_unused_result));

/* --- mysql_cursor.c ----------------------------------------------------------------- */

int mysql_cursor(struct connection *c, const struct request *request, struct cursor *cursor,
		 struct error *err) __attribute__((warn_unused_result));

/* --- mysql_catalog.c ------------------------------------------------------------ */

/* Append the table, quoted, with its schema if that was given. */
int mysql_append_table(struct buf *sql, const struct table_name *table, struct error *err)
	__attribute__((warn_unused_result));

int mysql_describe_table(struct connection *c, const struct request *request, struct relation *ret,
			 struct error *err) __attribute__((warn_unused_result));
/* --query is one SELECT without parameters: else ERR_USAGE, about the text as the user wrote it. */
int mysql_check_query(struct connection *c, const struct request *request, struct error *err)
	__attribute__((warn_unused_result));
int mysql_describe_query(struct connection *c, const struct request *request, struct relation *ret,
			 struct error *err) __attribute__((warn_unused_result));

/* After a statement failed: where the table is what is missing, or is none, say so. -1. */
int mysql_explain_missing(struct connection *c, const struct request *request, struct error *err);

int mysql_list(struct connection *c,
	       int (*one)(void *, const char *schema, const char *table, const char *kind,
			  int64_t rows, struct error *),
	       void *argument, struct error *err) __attribute__((warn_unused_result));

#endif
