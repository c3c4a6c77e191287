/*
 * The catalog (datasets, tables, views) and the rows, in one SQLite database DIR/bigquery.sqlite (WAL).
 *
 * Locking. SQLite has one writer, and a job may write for seconds while others read. So there are several handles on
 * the same database: the request handle (store_open) and those of the job threads (store_open_again); each has one
 * connection and one mutex, and all share a writer lock. Reading: store_read_begin … store_read_end. Changing:
 * store_write_begin … store_write_end, which is one SQLite transaction. EVERY OTHER FUNCTION HERE, and gsql_run, is
 * called between such a pair and takes no lock itself; code inside uses savepoints, never BEGIN or COMMIT.
 *
 * Resources are kept as BigQuery resource JSON text. What a getter returns is a new reference that the caller owns.
 *
 * Physical tables. store_data_table() names the SQLite table of a BigQuery table; put it in double quotes. BigQuery
 * table names are case-sensitive and SQLite's are not, so a capital letter is written as '^' and the small letter.
 * The first column of each is "@rowid" INTEGER PRIMARY KEY (an alias of rowid that no column can shadow); the others
 * carry the field names. A table partitioned by ingestion time has also "_PARTITIONTIME".
 *
 * Physical cells. Columns have no declared type, so SQLite converts nothing; NUMERIC and BIGNUMERIC have COLLATE gnum
 * (exact decimal order). NULL is NULL, and:
 *   INTEGER integer · FLOAT real, or text 'NaN' 'Infinity' '-Infinity' · BOOLEAN integer 0/1 · STRING text · BYTES blob
 *   NUMERIC, BIGNUMERIC text, canonical: "12.5", "-0.001", "0" (no trailing zeros, no exponent, no "-0", no "+")
 *   DATE 'YYYY-MM-DD' · DATETIME 'YYYY-MM-DDTHH:MM:SS.ffffff' · TIME 'HH:MM:SS.ffffff' (always six digits)
 *   TIMESTAMP integer, microseconds since 1970-01-01 UTC · JSON normalised text · INTERVAL, GEOGRAPHY text
 *   RECORD JSON object text, REPEATED JSON array text; inside these a cell is a JSON number or string of the same
 *   form (BYTES base64, BOOLEAN true/false). A REPEATED column is never NULL: no elements is '[]'.
 */
#ifndef LOCALCLOUD_STORE_H
#define LOCALCLOUD_STORE_H

#include "tests/localcloud/api_error.h"

#include <jansson.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for any physical table name, with the terminating NUL. */
#define STORE_NAME_MAX 4096

struct store;

int store_open(const char *dir, struct store **ret, struct api_error *err);
/* Another handle on the same database, for a job thread; it shares the writer lock. */
int store_open_again(struct store *first, struct store **ret, struct api_error *err);
/* Close the other handles before the first. */
void store_close(struct store *s);

void store_read_begin(struct store *s);
void store_read_end(struct store *s);
int store_write_begin(struct store *s, struct api_error *err);
/* Commits, or rolls back when commit is false. A failing commit rolls back and returns -1. */
int store_write_end(struct store *s, bool commit, struct api_error *err);

sqlite3 *store_db(struct store *s);

/* Runs SQL that returns no rows; fmt is of sqlite3_mprintf (%q %Q %w). A failure becomes 500 internalError. */
int store_exec(struct store *s, struct api_error *err, const char *fmt, ...);
/* Turns SQLite's last error into err (500 internalError) and returns -1. */
int store_sqlite_error(struct store *s, struct api_error *err);

/* Milliseconds since 1970, as creationTime and its like count. */
int64_t store_now_ms(void);

/* Datasets. A resource handed in is borrowed and must be a JSON object; the stored one has etag, id, kind, … set. */
json_t *store_dataset_get(struct store *s, const char *project, const char *dataset,
			  struct api_error *err);
int store_dataset_create(struct store *s, const char *project, const char *dataset,
			 json_t *resource, struct api_error *err);
int store_dataset_update(struct store *s, const char *project, const char *dataset,
			 json_t *resource, struct api_error *err);
/* Refuses a dataset with tables (400 resourceInUse) unless contents is true. */
int store_dataset_delete(struct store *s, const char *project, const char *dataset, bool contents,
			 struct api_error *err);
/* New array of resources in order of their id; NULL on error. */
json_t *store_dataset_list(struct store *s, const char *project, struct api_error *err);

/*
 * Tables and views. The resource has "type": "TABLE" or "VIEW", "schema":{"fields":[…]} with type names normalised to
 * the legacy spelling (INTEGER, FLOAT, BOOLEAN, RECORD) and mode always present, "view":{"query"}, "numRows", …
 */
json_t *store_table_get(struct store *s, const char *project, const char *dataset,
			const char *table, struct api_error *err);
/* Validates the resource (409 duplicate when it exists, 404 without the dataset) and creates the physical table. */
int store_table_create(struct store *s, const char *project, const char *dataset, const char *table,
		       json_t *resource, struct api_error *err);
/*
 * Replaces the resource. The physical table follows: a column of the new schema that it lacks is added, a column that
 * the schema lacks is dropped, and one whose type was widened (INTEGER to NUMERIC, BIGNUMERIC or FLOAT; NUMERIC to
 * BIGNUMERIC or FLOAT) is converted. To rename a column, rename the physical one first. It does not judge whether
 * BigQuery would allow the change: callers do (schema_merge in schema.h).
 */
int store_table_update(struct store *s, const char *project, const char *dataset, const char *table,
		       json_t *resource, struct api_error *err);
/* The same with another schema altogether: the physical table is made anew, without rows. */
int store_table_replace(struct store *s, const char *project, const char *dataset,
			const char *table, json_t *resource, struct api_error *err);
int store_table_delete(struct store *s, const char *project, const char *dataset, const char *table,
		       struct api_error *err);
json_t *store_table_list(struct store *s, const char *project, const char *dataset,
			 struct api_error *err);
/*
 * To be called after the rows of a table have changed (DML, TRUNCATE, CREATE TABLE AS): counts numRows and numBytes
 * anew and sets lastModifiedTime and etag.
 */
int store_table_touch(struct store *s, const char *project, const char *dataset, const char *table,
		      struct api_error *err);

/* After rows were only added: their number and size are added to the counts, without reading the table. */
int store_table_grow(struct store *s, const char *project, const char *dataset, const char *table,
		     int64_t rows, int64_t bytes, struct api_error *err);
/* For a caller that knows the new counts itself. */
int store_table_set_counts(struct store *s, const char *project, const char *dataset,
			   const char *table, int64_t rows, int64_t bytes, struct api_error *err);

/*
 * Staging tables hold rows that no table has yet; the catalog does not know them. Made for a resource's schema, then
 * filled by the caller; the name that is given is unquoted. Moving takes them away.
 */
#define STORE_STAGING_MAX 48
int store_staging_create(struct store *s, const json_t *resource, char name[STORE_STAGING_MAX],
			 struct api_error *err);
/* Adds its rows to a physical table of the same columns: at once when that is empty, else by copying. */
int store_staging_move(struct store *s, const char *name, const char *physical,
		       struct api_error *err);
/* Not inside a transaction; one that is gone is fine. */
void store_staging_drop(struct store *s, const char *name);
/* What a killed process left. */
int store_staging_drop_all(struct store *s, struct api_error *err);

/* The physical table's name, unquoted; -1 when it does not fit. */
int store_data_table(char *buf, size_t size, const char *project, const char *dataset,
		     const char *table);

#endif
