/*
 * What a source database is to sqlextract: one ops table. A driver connects,
 * says which columns a table or query has, and lends its rows cell by cell in
 * the database's own binary form; how a cell becomes JSON is the column's
 * encoder (encode.h), so that the row loop knows no database.
 *
 * One run calls open, describe, perhaps cursor, query, next until 0, close; or open, list,
 * close; or open, hold, close. After any failure: cancel, then close.
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

enum numeric_as { NUMERIC_AS_BIGNUMERIC, NUMERIC_AS_NUMERIC, NUMERIC_AS_STRING, NUMERIC_AS_FLOAT };

/*
 * How to read types for which BigQuery has no exact equal. What is false here
 * is a reject where a value does not fit.
 */
struct type_options {
	int numeric;             /* enum numeric_as: a numeric declared without precision */
	bool tinyint1_bool;      /* MySQL's tinyint(1) is BOOLEAN */
	bool time_string;        /* times of day, and MySQL's spans of hours, are STRING */
	bool zero_dates_null;    /* MySQL's 0000-00-00 and partial dates are NULL */
	bool arrays_json;        /* arrays are JSON */
	bool json_string;        /* JSON is STRING, its text unchanged */
	bool interval_string;    /* intervals are STRING */
	bool datetime_timestamp; /* date and time without a zone is TIMESTAMP, taken as UTC */
};

/* What the user asked for; strings are borrowed from the command line. */
struct request {
	const char *uri;
	struct table_name table; /* table.table is NULL with a query */
	const char *query;
	const char *where;
	int64_t limit;     /* -1: none */
	bool some_columns; /* only those that --columns names are wanted */
	bool secrets; /* values of some columns must not show, not even in the server's messages */
	bool row_security; /* rows that policies hide may be missing; else that is an error */
	struct type_options types;
	const char *snapshot;        /* PostgreSQL: an exported snapshot to read in, or NULL */
	const struct cursor *cursor; /* an incremental read, or NULL */
	bool snapshot_first; /* somebody waits for the snapshot: describe fixes it at once */
	int64_t connect_timeout_ms;
	int64_t read_timeout_ms; /* the server silent for this long is ERR_TEMP; 0: none */
	int64_t timeout_ms;      /* 0: none; the deadline itself is in wait */
};

/* What a driver finds; it owns the strings until close. */
struct relation {
	char *label;            /* "public.orders" or "query", for messages and @begin */
	struct column *columns; /* in the source's order */
	size_t count;
	char **key; /* the primary key's source column names */
	size_t key_count;
};

/* In place of the server's words, where secrets forbids them. */
#define SECRETS_HIDDEN "the read fails with words that may quote what --hash and --mask hide"

struct connection; /* each driver's own */
struct cursor;     /* cursor.h */

struct driver {
	const char *name;           /* "postgresql", @begin's source */
	const char *const *schemes; /* NULL-terminated */
	char quote;                 /* around names: '"', or MySQL's '`' */
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
	 * consistent state. With snapshot_first that state is fixed when describe
	 * returns (the caller then creates the file of --snapshot-ready); without it,
	 * it may be by the first row that is read. Every column has an encoder: a type
	 * without one of its own is read as_text.
	 */
	int (*describe)(struct connection *, const struct request *, struct relation *ret,
			struct error *);
	/*
	 * Make this column of describe's a STRING in the database's own text form,
	 * which every type has; before query.
	 */
	void (*as_text)(struct column *);
	/*
	 * Fix one state of these tables for other runs to read, and keep it while
	 * the connection lives. PostgreSQL: *snapshot (owned by the connection) is
	 * what their --snapshot names, and the tables are locked against truncation.
	 * MySQL: *snapshot is NULL; all tables stand still until the runs have
	 * created their --snapshot-ready files.
	 */
	int (*hold)(struct connection *, const struct request *, const struct table_name *tables,
		    size_t count, const char **snapshot, struct error *);
	/* After hold: 0 when that state was kept until now. NULL where the readers themselves would notice. */
	int (*held)(struct connection *, struct error *);
	/*
	 * After describe: what is read of an incremental read. Sets after, upto and
	 * what else of the cursor is the driver's; query then reads only rows for
	 * which its condition is true. ERR_USAGE: the column, --after or --lag
	 * cannot be used so; ERR_DATA: the largest value cannot.
	 */
	int (*cursor)(struct connection *, const struct request *, struct cursor *, struct error *);
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
extern const struct driver mysql_driver; /* MariaDB's too */

#endif
