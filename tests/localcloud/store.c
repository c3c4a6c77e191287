#include "tests/localcloud/store.h"

#include "tests/localcloud/gnum.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/store_impl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * synchronous=OFF: a killed process loses nothing, and a stand-in need not survive a power cut. Temporary tables (the
 * source of a MERGE) may be large: they stay in memory only as far as the cache goes.
 */
static const char setup[] =
	"PRAGMA page_size=16384;"
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=OFF;"
	"PRAGMA cache_size=-32768;"
	"PRAGMA journal_size_limit=67108864;"
	"PRAGMA temp_store=FILE;"
	"PRAGMA busy_timeout=60000;"
	"CREATE TABLE IF NOT EXISTS catalog_dataset(project TEXT, dataset TEXT, resource TEXT NOT NULL,"
	" PRIMARY KEY(project, dataset)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_table(project TEXT, dataset TEXT, name TEXT, resource TEXT NOT NULL,"
	" num_rows INTEGER NOT NULL DEFAULT 0, num_bytes INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(project, dataset, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS catalog_job_done(job TEXT PRIMARY KEY, resource TEXT NOT NULL) WITHOUT ROWID;";

int64_t store_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

sqlite3 *store_db(struct store *s)
{
	return s->db;
}

int store_sqlite_error(struct store *s, struct api_error *err)
{
	return api_fail(err, 500, "internalError", "localcloud's database failed: %s",
			sqlite3_errmsg(s->db));
}

static struct store *open_handle(const char *path, struct store_writer *writer,
				 struct api_error *err)
{
	struct store *s = calloc(1, sizeof(*s));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	s->path = strdup(path);
	s->writer = writer;
	pthread_mutex_init(&s->lock, NULL);
	writer->handles++;
	if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK ||
	    gnum_register(s->db) != SQLITE_OK ||
	    sqlite3_exec(s->db, setup, NULL, NULL, NULL) != SQLITE_OK) {
		store_sqlite_error(s, err);
		store_close(s);
		return NULL;
	}
	return s;
}

int store_open(const char *dir, struct store **ret, struct api_error *err)
{
	char path[STORE_NAME_MAX];
	struct store_writer *writer;
	struct store *s;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return api_fail(err, 500, "internalError", "cannot create %s: %s", dir,
				strerror(errno));
	snprintf(path, sizeof(path), "%s/bigquery.sqlite", dir);
	writer = calloc(1, sizeof(*writer));
	pthread_mutex_init(&writer->lock, NULL);
	s = open_handle(path, writer, err);
	if (!s)
		return -1;
	*ret = s;
	return 0;
}

int store_open_again(struct store *first, struct store **ret, struct api_error *err)
{
	struct store *s = open_handle(first->path, first->writer, err);

	if (!s)
		return -1;
	*ret = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	if (--s->writer->handles == 0) {
		pthread_mutex_destroy(&s->writer->lock);
		free(s->writer);
	}
	free(s->path);
	free(s);
}

void store_read_begin(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	/* A deferred transaction: all that is read until the end comes from one snapshot. */
	sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL);
}

void store_read_end(struct store *s)
{
	sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	pthread_mutex_unlock(&s->lock);
}

int store_write_begin(struct store *s, struct api_error *err)
{
	pthread_mutex_lock(&s->writer->lock);
	pthread_mutex_lock(&s->lock);
	if (store_exec(s, err, "BEGIN IMMEDIATE") == 0)
		return 0;
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->writer->lock);
	return -1;
}

int store_write_end(struct store *s, bool commit, struct api_error *err)
{
	int rc = commit ? store_exec(s, err, "COMMIT") : 0;

	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_unlock(&s->writer->lock);
	return rc;
}

int store_exec(struct store *s, struct api_error *err, const char *fmt, ...)
{
	va_list args;
	char *sql;
	int rc;

	va_start(args, fmt);
	sql = sqlite3_vmprintf(fmt, args);
	va_end(args);
	rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	sqlite3_free(sql);
	return rc == SQLITE_OK ? 0 : store_sqlite_error(s, err);
}

sqlite3_stmt *store_prepare(struct store *s, struct api_error *err, const char *sql, ...)
{
	sqlite3_stmt *stmt;
	const char *text;
	va_list args;
	int i = 1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		store_sqlite_error(s, err);
		return NULL;
	}
	va_start(args, sql);
	while ((text = va_arg(args, const char *)))
		sqlite3_bind_text(stmt, i++, text, -1, SQLITE_TRANSIENT);
	va_end(args);
	return stmt;
}

int store_finish(struct store *s, sqlite3_stmt *stmt, struct api_error *err)
{
	int rc = sqlite3_step(stmt) == SQLITE_DONE ? 0 : store_sqlite_error(s, err);

	sqlite3_finalize(stmt);
	return rc;
}

void store_stamp(json_t *resource)
{
	char etag[25];

	ident_random_hex(etag, sizeof(etag) - 2);
	memcpy(etag + sizeof(etag) - 3, "==", 3);
	json_object_set_new(resource, "etag", json_string(etag));
	ju_set_int64(resource, "lastModifiedTime", store_now_ms());
}

json_t *store_column_json(sqlite3_stmt *stmt, int column, struct api_error *err)
{
	json_t *value = json_loads((const char *)sqlite3_column_text(stmt, column), 0, NULL);

	if (!value)
		api_fail(err, 500, "internalError",
			 "a resource in localcloud's database is damaged");
	return value;
}

char *store_dump(const json_t *resource)
{
	return json_dumps(resource, JSON_COMPACT);
}

int store_data_table(char *buf, size_t size, const char *project, const char *dataset,
		     const char *table)
{
	const char *parts[] = { project, ":", dataset, ".", table };
	size_t n = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (const char *p = parts[i]; *p; p++) {
			if (n + 3 > size)
				return -1;
			if (*p >= 'A' && *p <= 'Z') {
				buf[n++] = '^';
				buf[n++] = (char)(*p - 'A' + 'a');
			} else {
				buf[n++] = *p;
			}
		}
	}
	buf[n] = '\0';
	return 0;
}
