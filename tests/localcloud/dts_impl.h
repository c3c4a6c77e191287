/* Shared by the files that keep transfers only. */
#ifndef LOCALCLOUD_DTS_IMPL_H
#define LOCALCLOUD_DTS_IMPL_H

#include "tests/localcloud/dts.h"

#include <pthread.h>
#include <sqlite3.h>

struct dts {
	pthread_mutex_t lock; /* guards all that follows */
	pthread_cond_t changed;
	uint64_t generation; /* grows when a run's end may have come nearer */
	bool stopping;
	sqlite3 *db;
	struct dts_options options;
};

/* Takes the lock, begins a transaction and does what has fallen due; on failure the lock is not held. */
int dts_begin(struct dts *d, struct api_error *err);
/* Commits when rc is 0, else rolls back; returns rc, or -1 when that fails. */
int dts_end(struct dts *d, int rc, struct api_error *err);

int dts_db_error(struct dts *d, struct api_error *err);
/* Binds a value for each letter of types: s (const char *, NULL for NULL) or i (int64_t). NULL with err. */
sqlite3_stmt *dts_prepare(struct dts *d, struct api_error *err, const char *sql, const char *types,
			  ...);
/* For SQL that returns no rows. changed may be NULL. */
int dts_exec(struct dts *d, int64_t *changed, struct api_error *err, const char *sql,
	     const char *types, ...);
/* Of a text column with JSON; NULL with err when it is damaged. */
json_t *dts_column_json(sqlite3_stmt *stmt, int column, struct api_error *err);
int dts_not_found(struct api_error *err);

/* A new UUID. */
void dts_new_id(char id[DTS_ID_MAX]);

/* The steps below need the transaction. */
/* 0 and its row's number, or 404. */
int dts_config_find(struct dts *d, const struct dts_name *name, int64_t *seq,
		    struct api_error *err);
int dts_run_find(struct dts *d, const struct dts_name *name, int64_t *seq, struct api_error *err);
int dts_log(struct dts *d, int64_t run, int64_t time_us, const char *severity, const char *text,
	    struct api_error *err);
/* Makes runs RUNNING, and ends them, whose time has come. */
int dts_settle(struct dts *d, int64_t now_us, struct api_error *err);

/* The run's resource. */
json_t *dts_run_read(struct dts *d, int64_t seq, struct api_error *err);
/* Runs have been started, or have ended: who waits for ends looks again. */
void dts_wake(struct dts *d);

/* All rows of a list, but for the page's end; make turns a row into an item. */
typedef json_t *dts_maker(struct dts *d, sqlite3_stmt *stmt, struct api_error *err);
/* Finalizes stmt, which may be NULL. The first column is the row's number. */
json_t *dts_read_page(struct dts *d, sqlite3_stmt *stmt, struct dts_page *page, dts_maker *make,
		      struct api_error *err);

#endif
