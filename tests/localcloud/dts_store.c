/* Opening the database of transfers, and what its tables share. */
#include "tests/localcloud/dts_impl.h"

#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Numbers grow and are never used again: they are the order of lists, and a page token outlives what it points at.
 * due_start and due_end are NULL when no clock moves the run; outcome is how it ends then. topic is NULL when it has
 * been told of the end.
 */
static const char setup[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=OFF;"
	"PRAGMA busy_timeout=60000;"
	"PRAGMA foreign_keys=ON;"
	"CREATE TABLE IF NOT EXISTS config(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
	" project TEXT NOT NULL, project_id TEXT NOT NULL, location TEXT NOT NULL, source TEXT NOT NULL,"
	" resource TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS run(seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
	" config INTEGER NOT NULL REFERENCES config ON DELETE CASCADE, run_time INTEGER NOT NULL,"
	" schedule_time INTEGER NOT NULL, state TEXT NOT NULL, start_time INTEGER, end_time INTEGER,"
	" update_time INTEGER NOT NULL, due_start INTEGER, due_end INTEGER, outcome TEXT NOT NULL,"
	" planned_error TEXT NOT NULL, error TEXT NOT NULL DEFAULT '{}', topic TEXT, resource TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS run_config ON run(config, seq);"
	"CREATE INDEX IF NOT EXISTS run_pending ON run(due_start) WHERE state='PENDING';"
	"CREATE INDEX IF NOT EXISTS run_running ON run(due_end) WHERE state='RUNNING';"
	"CREATE INDEX IF NOT EXISTS run_topic ON run(end_time) WHERE topic IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS log(seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" run INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, time INTEGER NOT NULL, severity TEXT NOT NULL,"
	" text TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS log_run ON log(run, seq);";

int dts_db_error(struct dts *d, struct api_error *err)
{
	return api_fail(err, 500, "INTERNAL", "localcloud's database of transfers failed: %s",
			sqlite3_errmsg(d->db));
}

int dts_not_found(struct api_error *err)
{
	return api_fail(err, 404, "NOT_FOUND", "Requested entity was not found.");
}

int dts_open(const char *dir, const struct dts_options *options, struct dts **ret,
	     struct api_error *err)
{
	struct dts *d = calloc(1, sizeof(*d));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	char path[STORE_NAME_MAX];

	d->options = *options;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->changed, NULL);
	snprintf(path, sizeof(path), "%s/transfers.sqlite", dir);
	if (sqlite3_open_v2(path, &d->db, flags, NULL) != SQLITE_OK ||
	    sqlite3_exec(d->db, setup, NULL, NULL, NULL) != SQLITE_OK) {
		dts_db_error(d, err);
		dts_close(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void dts_close(struct dts *d)
{
	if (!d)
		return;
	sqlite3_close(d->db);
	pthread_cond_destroy(&d->changed);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static sqlite3_stmt *prepare(struct dts *d, struct api_error *err, const char *sql,
			     const char *types, va_list values)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(d->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		dts_db_error(d, err);
		return NULL;
	}
	for (int i = 0; types[i]; i++) {
		if (types[i] == 's')
			sqlite3_bind_text(stmt, i + 1, va_arg(values, const char *), -1,
					  SQLITE_TRANSIENT);
		else
			sqlite3_bind_int64(stmt, i + 1, va_arg(values, int64_t));
	}
	return stmt;
}

sqlite3_stmt *dts_prepare(struct dts *d, struct api_error *err, const char *sql, const char *types,
			  ...)
{
	sqlite3_stmt *stmt;
	va_list values;

	va_start(values, types);
	stmt = prepare(d, err, sql, types, values);
	va_end(values);
	return stmt;
}

int dts_exec(struct dts *d, int64_t *changed, struct api_error *err, const char *sql,
	     const char *types, ...)
{
	sqlite3_stmt *stmt;
	va_list values;
	int rc;

	va_start(values, types);
	stmt = prepare(d, err, sql, types, values);
	va_end(values);
	if (!stmt)
		return -1;
	rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : dts_db_error(d, err);
	sqlite3_finalize(stmt);
	if (changed)
		*changed = sqlite3_changes64(d->db);
	return rc;
}

int dts_begin(struct dts *d, struct api_error *err)
{
	pthread_mutex_lock(&d->lock);
	if (dts_exec(d, NULL, err, "BEGIN IMMEDIATE", "") == 0) {
		if (dts_settle(d, dts_now_us(), err) == 0)
			return 0;
		sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	}
	pthread_mutex_unlock(&d->lock);
	return -1;
}

int dts_end(struct dts *d, int rc, struct api_error *err)
{
	if (rc == 0)
		rc = dts_exec(d, NULL, err, "COMMIT", "");
	if (!sqlite3_get_autocommit(d->db))
		sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

json_t *dts_column_json(sqlite3_stmt *stmt, int column, struct api_error *err)
{
	json_t *value = json_loads((const char *)sqlite3_column_text(stmt, column), 0, NULL);

	if (!value)
		api_fail(err, 500, "INTERNAL",
			 "a resource in localcloud's database of transfers is damaged");
	return value;
}

json_t *dts_read_page(struct dts *d, sqlite3_stmt *stmt, struct dts_page *page, dts_maker *make,
		      struct api_error *err)
{
	json_t *items = json_array(), *item = NULL;
	int64_t last = 0;
	int step = stmt ? SQLITE_ROW : SQLITE_ERROR;

	page->next = 0;
	while (stmt && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		if ((int64_t)json_array_size(items) == page->size) {
			page->next = last;
			step = SQLITE_DONE;
			break;
		}
		last = sqlite3_column_int64(stmt, 0);
		item = make(d, stmt, err);
		if (!item)
			break;
		json_array_append_new(items, item);
	}
	if (stmt && step != SQLITE_DONE && step != SQLITE_ROW)
		dts_db_error(d, err);
	sqlite3_finalize(stmt);
	if (step == SQLITE_DONE)
		return items;
	json_decref(items);
	return NULL;
}
