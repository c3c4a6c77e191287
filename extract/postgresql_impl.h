/*
 * What the files of the PostgreSQL driver share; nothing else includes this,
 * nor <libpq-fe.h>.
 *
 *   postgresql.c          the ops: connect, COPY, cancel
 *   postgresql_exec.c     statements that a signal can interrupt; errors
 *   postgresql_begin.c    the transaction: locks, snapshots
 *   postgresql_catalog.c  what the catalog knows of tables and queries
 *   postgresql_resolve.c  and of types
 *   postgresql_cursor.c   incremental reads
 *   postgresql_running.c  the transactions that may still commit older rows
 */
#ifndef SLUICE_EXTRACT_POSTGRESQL_IMPL_H
#define SLUICE_EXTRACT_POSTGRESQL_IMPL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "extract/driver.h"

enum { KEPT_RESULTS = 6 };

/* "2026-01-31 10:00:00.000000" */
enum { POSTGRESQL_MOMENT_SIZE = 48 };

/*
 * What ran before the snapshot. Rows that are stamped with the start of their
 * transaction are all visible to it below that of the oldest one.
 */
struct postgresql_running {
	const char *unknown;                 /* why it is not known, or NULL */
	char oldest[POSTGRESQL_MOMENT_SIZE]; /* its start, in UTC */
	char local[POSTGRESQL_MOMENT_SIZE];  /* in the zone that is furthest behind */
	char gid[64];                        /* a transaction that is prepared, or "" */
	char source[256];                    /* what unknown says of a relation */
};

struct connection {
	PGconn *pg;
	struct wait *wait;
	const struct type_options *options;
	int64_t read_timeout_ms;
	bool busy;      /* the server may be working for us */
	bool user_sql;  /* --where or --query: errors in SQL are the user's */
	bool secrets;   /* what the server says of values must not show */
	char state[6];  /* SQLSTATE of the last failure, "" without one */
	bool described; /* the definition was read, under a lock where there is one */
	struct postgresql_running running;
	char *label;
	struct column *columns;
	struct column *inner; /* of columns that are arrays, by the same index */
	char **key;
	/* The strings of columns and keys live in these. */
	PGresult *kept[KEPT_RESULTS];
	size_t kept_count;
	/* The COPY in progress. */
	char *row; /* libpq's buffer of the row that is lent */
	const struct column *selected;
	size_t selected_count;
	uint64_t rows;
	bool header_seen, trailer_seen;
};

/* --- postgresql_exec.c ------------------------------------------------------ */

/*
 * Run one statement with text parameters and return its result, which has
 * status `want`. Interruptible. PQclear it.
 */
PGresult *postgresql_exec(struct connection *c, const char *sql, const char *const *values,
			  int count, ExecStatusType want, struct error *err);

/* As above, with the types of the parameters, which otherwise the statement says. */
PGresult *postgresql_exec_typed(struct connection *c, const char *sql, const Oid *types,
				const char *const *values, int count, ExecStatusType want,
				struct error *err);

/* As above, for statements whose result does not matter (several may stand in sql). */
int postgresql_run(struct connection *c, const char *sql, struct error *err)
	__attribute__((warn_unused_result));

/* Wait for the result of what was sent, and for the NULL behind it. `want` is its status. */
PGresult *postgresql_result(struct connection *c, ExecStatusType want, struct error *err);

/* Wait until the server says something, at most read_timeout_ms. */
int postgresql_wait(struct connection *c, struct error *err) __attribute__((warn_unused_result));

/* A failed result (or NULL: the connection) as an error, with its state in c->state. -1. */
int postgresql_fail(struct connection *c, const PGresult *result, struct error *err);

/* A failed connection attempt as an error; begun with PQERRORS_VERBOSE. -1. */
int postgresql_fail_connect(const PGconn *pg, struct error *err);

/* The result's strings are needed until close. */
int postgresql_keep(struct connection *c, PGresult *result, struct error *err)
	__attribute__((warn_unused_result));

/* --- postgresql.c -------------------------------------------------------------- */

/*
 * Append FROM and WHERE: what request reads, where its --where is true and so
 * are the conditions, each NULL or SQL of ours.
 */
int postgresql_append_from(struct buf *sql, const struct request *request, const char *condition,
			   const char *another, struct error *err)
	__attribute__((warn_unused_result));

/* --- postgresql_cursor.c -------------------------------------------------------- */

int postgresql_cursor(struct connection *c, const struct request *request, struct cursor *cursor,
		      struct error *err) __attribute__((warn_unused_result));

/* --- postgresql_running.c -------------------------------------------------------- */

/* Set c->running; outside of a transaction, before the one that takes the snapshot begins. */
int postgresql_look_at_running(struct connection *c, const struct request *request,
			       struct error *err) __attribute__((warn_unused_result));

/* Set c->running.unknown where what this transaction reads is not written by transactions here. */
int postgresql_look_at_sources(struct connection *c, struct error *err)
	__attribute__((warn_unused_result));

/* --- postgresql_begin.c ------------------------------------------------------- */

int postgresql_describe(struct connection *c, const struct request *request, struct relation *ret,
			struct error *err) __attribute__((warn_unused_result));
int postgresql_hold(struct connection *c, const struct request *request,
		    const struct table_name *tables, size_t count, const char **snapshot,
		    struct error *err) __attribute__((warn_unused_result));

/* --- postgresql_resolve.c ------------------------------------------------------ */

/*
 * Set the types of c->columns[0..count) from their OIDs and modifiers, given
 * as texts "{25,1700" that lack the closing brace.
 */
int postgresql_resolve_types(struct connection *c, size_t count, struct buf *oids,
			     struct buf *modifiers, struct error *err)
	__attribute__((warn_unused_result));

/* --- postgresql_catalog.c ---------------------------------------------------- */

int postgresql_describe_table(struct connection *c, const struct request *request,
			      struct relation *ret, struct error *err)
	__attribute__((warn_unused_result));
int postgresql_describe_query(struct connection *c, const struct request *request,
			      struct relation *ret, struct error *err)
	__attribute__((warn_unused_result));
/*
 * After a statement failed: where the table is what is missing, or is none,
 * say so in our words. Ends the transaction then. -1.
 */
int postgresql_explain_missing(struct connection *c, const struct request *request,
			       struct error *err);

int postgresql_list(struct connection *c,
		    int (*one)(void *, const char *schema, const char *table, const char *kind,
			       int64_t rows, struct error *),
		    void *argument, struct error *err) __attribute__((warn_unused_result));

/* Append the table, quoted, with its schema if that was given. */
int postgresql_quote_table(struct buf *out, const struct table_name *table, struct error *err)
	__attribute__((warn_unused_result));

/*
 * 1 when a relation that this transaction has locked was truncated, rewritten
 * or replaced between its snapshot and the lock; its name is in *name (free).
 */
int postgresql_changed(struct connection *c, char **name, struct error *err)
	__attribute__((warn_unused_result));

#endif
