/*
 * What a source database is to sqlextract: one ops table. A driver connects,
 * says which columns a table or query has, and lends its rows cell by cell in
 * the database's own binary form; how a cell becomes JSON is the column's
 * encoder (encode.h), so that the row loop knows no database.
 *
 * One run calls open, describe, query, next until 0, close; or open, list,
 * close. After any failure: cancel, then close.
 */
#ifndef SLUICE_EXTRACT_DRIVER_H
#define SLUICE_EXTRACT_DRIVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "extract/encode.h"
#include "extract/names.h"
#include "extract/wait.h"
#include "lib/error.h"

/* What the user asked for; strings are borrowed from the command line. */
struct request {
	const char *uri;
	struct table_name table; /* table.table is NULL with a query */
	const char *query;
	const char *where;
	int64_t limit;     /* -1: none */
	bool row_security; /* rows that policies hide may be missing; else that is an error */
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /* 0: none; the deadline itself is in wait */
};

/* What a driver finds; it owns the strings until close. */
struct relation {
	char *label;            /* "public.orders" or "query", for messages and @begin */
	struct column *columns; /* in the source's order */
	size_t count;
	char **key; /* the primary key's source column names */
	size_t key_count;
};

struct connection; /* each driver's own */

struct driver {
	const char *name;           /* "postgresql", @begin's source */
	const char *const *schemes; /* NULL-terminated */
	/*
	 * Connect. wait is kept: it is what every blocking call of the driver
	 * watches besides its socket.
	 */
	int (*open)(const struct request *, struct wait *, struct connection **ret, struct error *);
	/* Call one() for each table that can be read. kind is "table", "view"…; rows -1 if unknown. */
	int (*list)(struct connection *,
		    int (*one)(void *, const char *schema, const char *table, const char *kind,
			       int64_t rows, struct error *),
		    void *, struct error *);
	/*
	 * Begin the read: from here on what describe and query see is one
	 * consistent state. A column whose type has no encoder yet is returned
	 * with encoder NULL and its type's name.
	 */
	int (*describe)(struct connection *, const struct request *, struct relation *ret,
			struct error *);
	/* Start to read these columns (a selection of describe's). */
	int (*query)(struct connection *, const struct request *, const struct column *columns,
		     size_t count, struct error *);
	/*
	 * 1: cells[0..count) are the next row, lent until the next call.
	 * 0: the server said that all rows came, and the transaction is over.
	 */
	int (*next)(struct connection *, struct cell *cells, struct error *);
	/* Stop what the server may still be doing for us, within a bounded time. */
	void (*cancel)(struct connection *);
	void (*close)(struct connection *);
};

extern const struct driver postgresql_driver;

#endif
