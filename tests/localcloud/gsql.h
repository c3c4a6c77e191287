/*
 * GoogleSQL on the store: parses a documented subset (SQL.md), checks its types as BigQuery does, translates it to
 * SQLite and runs it on the store's connection.
 *
 * gsql_run is called inside store_write_begin … store_write_end (a SELECT writes its result table) and uses only
 * savepoints. A statement that fails changes nothing. A script is several statements, and there BigQuery's rule holds:
 * what finished before the failing statement stays unless a transaction of the script held it, so the caller commits
 * even when gsql_run fails.
 *
 * What lies outside the subset answers 400 invalidQuery, naming the construct and its line and column.
 */
#ifndef LOCALCLOUD_GSQL_H
#define LOCALCLOUD_GSQL_H

#include "tests/localcloud/api_error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

/* A table that only this query knows, and only reads, by an unqualified name. */
struct gsql_external {
	const char *name;
	const json_t *resource; /* schema and numBytes, as of a table */
	const char *physical;   /* unquoted; NULL on a dry run */
};

struct gsql_request {
	const char *sql;
	const char *default_project;         /* never NULL: the project of the request */
	const char *default_dataset;         /* NULL: a table name needs its dataset */
	const char *default_dataset_project; /* NULL: default_project */
	const json_t *
		query_parameters; /* array of QueryParameter, or NULL; named and positional alike */
	int64_t maximum_bytes_billed; /* 0: none; a statement that costs more fails before it changes anything */
	const struct gsql_external *externals;
	size_t external_count;
	bool dry_run; /* parse and check only: no result table, no change */
};

struct gsql_result {
	/* Of the last statement that returns rows: TableFieldSchema array with legacy type names; NULL if none did. */
	json_t *fields;
	/*
	 * SQLite table (unquoted) in the main database with the result rows in order of rowid, one column per field,
	 * named as the field, in the store's physical encoding. Empty when fields is NULL or on a dry run. The caller
	 * drops it.
	 */
	char result_table[64];
	/* statistics.query.statementType of the statement, "SCRIPT" when there are several. Static storage. */
	const char *statement_type;
	int64_t rows;     /* rows of the result table */
	int64_t inserted; /* DML statistics, added up over a script */
	int64_t updated;
	int64_t deleted;
	int64_t bytes_processed; /* of the tables that were read, all of their bytes */
	int64_t bytes_billed;    /* each of them rounded up, 10 MiB at least */
	json_t *dml_target;      /* TableReference of the last DML statement, or NULL */
	json_t *ddl_target; /* TableReference of the last DDL statement on a table or view, or NULL */
	const char *
		ddl_operation; /* "CREATE" "REPLACE" "SKIP" "DROP" "ALTER", or NULL. Static storage. */
	json_t *referenced_tables; /* array of TableReference */
};

/* 0, or -1 with err filled and ret holding nothing to release. */
int gsql_run(struct store *store, const struct gsql_request *request, struct gsql_result *ret,
	     struct api_error *err) __attribute__((warn_unused_result));

/* Frees the JSON members; the result table stays. */
void gsql_result_release(struct gsql_result *result);

#endif
