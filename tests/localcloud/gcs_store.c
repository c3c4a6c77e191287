/* Opening the database of Cloud Storage, and its buckets. */
#include "tests/localcloud/gcs_impl.h"
#include "tests/localcloud/json_util.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char setup[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=OFF;"
	"PRAGMA busy_timeout=60000;"
	"CREATE TABLE IF NOT EXISTS bucket(name TEXT PRIMARY KEY, project TEXT NOT NULL, resource TEXT NOT NULL)"
	" WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS object(bucket TEXT, name TEXT, generation INTEGER NOT NULL,"
	" metageneration INTEGER NOT NULL, size INTEGER NOT NULL, file TEXT NOT NULL, resource TEXT NOT NULL,"
	" PRIMARY KEY(bucket, name)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS object_file ON object(file);"
	"CREATE TABLE IF NOT EXISTS notification(id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL,"
	" resource TEXT NOT NULL);"
	"CREATE TABLE IF NOT EXISTS event(id INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL,"
	" config TEXT NOT NULL, object TEXT NOT NULL, time INTEGER NOT NULL, other INTEGER NOT NULL);";

int64_t gcs_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

json_t *gcs_time(int64_t us)
{
	time_t seconds = us / 1000000;
	struct tm tm;
	char text[32];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%03dZ", text, (int)(us / 1000 % 1000));
}

int gcs_db_error(struct gcs *g, struct api_error *err)
{
	return api_fail(err, 500, "internalError", "localcloud's storage database failed: %s",
			sqlite3_errmsg(g->db));
}

sqlite3_stmt *gcs_prepare(struct gcs *g, struct api_error *err, const char *sql, ...)
{
	sqlite3_stmt *stmt;
	const char *text;
	va_list args;
	int i = 1;

	if (sqlite3_prepare_v2(g->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		gcs_db_error(g, err);
		return NULL;
	}
	va_start(args, sql);
	while ((text = va_arg(args, const char *)))
		sqlite3_bind_text(stmt, i++, text, -1, SQLITE_TRANSIENT);
	va_end(args);
	return stmt;
}

int gcs_finish(struct gcs *g, sqlite3_stmt *stmt, struct api_error *err)
{
	int rc = stmt && sqlite3_step(stmt) == SQLITE_DONE ? 0 : -1;

	if (stmt && rc)
		gcs_db_error(g, err);
	sqlite3_finalize(stmt);
	return rc;
}

json_t *gcs_column_json(sqlite3_stmt *stmt, int column, struct api_error *err)
{
	json_t *value = json_loads((const char *)sqlite3_column_text(stmt, column), 0, NULL);

	if (!value)
		api_fail(err, 500, "internalError",
			 "a resource in localcloud's storage database is damaged");
	return value;
}

void gcs_file_path(const struct gcs *g, const char *file, char path[STORE_NAME_MAX])
{
	snprintf(path, STORE_NAME_MAX, "%s/%s", g->dir, file);
}

/* Files that no object has: uploads that a killed process left. */
static int remove_orphans(struct gcs *g, struct api_error *err)
{
	DIR *dir = opendir(g->dir);
	const struct dirent *entry;
	char path[STORE_NAME_MAX];
	int rc = 0;

	if (!dir)
		return api_fail(err, 500, "internalError", "cannot read %s: %s", g->dir,
				strerror(errno));
	while (rc == 0 && (entry = readdir(dir))) {
		sqlite3_stmt *stmt;

		if (entry->d_name[0] == '.')
			continue;
		stmt = gcs_prepare(g, err, "SELECT 1 FROM object WHERE file=?", entry->d_name,
				   NULL);
		if (!stmt) {
			rc = -1;
			break;
		}
		gcs_file_path(g, entry->d_name, path);
		if (sqlite3_step(stmt) == SQLITE_DONE)
			unlink(path);
		sqlite3_finalize(stmt);
	}
	closedir(dir);
	return rc;
}

static int read_last_generation(struct gcs *g, struct api_error *err)
{
	sqlite3_stmt *stmt = gcs_prepare(g, err, "SELECT max(generation) FROM object", NULL);

	if (!stmt)
		return -1;
	if (sqlite3_step(stmt) == SQLITE_ROW)
		g->last_generation = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return 0;
}

int gcs_open(const char *dir, struct gcs **ret, struct api_error *err)
{
	struct gcs *g = calloc(1, sizeof(*g));
	char path[STORE_NAME_MAX];
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->changed, NULL);
	*ret = g;
	snprintf(g->dir, sizeof(g->dir), "%s/objects", dir);
	if (mkdir(g->dir, 0777) && errno != EEXIST)
		return api_fail(err, 500, "internalError", "cannot create %s: %s", g->dir,
				strerror(errno));
	snprintf(path, sizeof(path), "%s/storage.sqlite", dir);
	if (sqlite3_open_v2(path, &g->db, flags, NULL) != SQLITE_OK ||
	    sqlite3_exec(g->db, setup, NULL, NULL, NULL) != SQLITE_OK)
		return gcs_db_error(g, err);
	return read_last_generation(g, err) || remove_orphans(g, err) ? -1 : 0;
}

void gcs_close(struct gcs *g)
{
	if (!g)
		return;
	sqlite3_close(g->db);
	pthread_cond_destroy(&g->changed);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static int run(struct gcs *g, const char *sql, struct api_error *err)
{
	return sqlite3_exec(g->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : gcs_db_error(g, err);
}

int gcs_begin(struct gcs *g, struct api_error *err)
{
	return run(g, "BEGIN IMMEDIATE", err);
}

int gcs_end(struct gcs *g, int rc, struct api_error *err)
{
	if (rc == 0 && run(g, "COMMIT", err) == 0)
		return 0;
	if (!sqlite3_get_autocommit(g->db))
		sqlite3_exec(g->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

int gcs_need_bucket(struct gcs *g, const char *bucket, struct api_error *err)
{
	sqlite3_stmt *stmt = gcs_prepare(g, err, "SELECT 1 FROM bucket WHERE name=?", bucket, NULL);
	bool there = stmt && sqlite3_step(stmt) == SQLITE_ROW;

	sqlite3_finalize(stmt);
	if (there)
		return 0;
	return stmt ? api_fail(err, 404, "notFound", "The specified bucket does not exist.") : -1;
}

int gcs_bucket_create(struct gcs *g, const char *project, const char *name, json_t *resource,
		      struct api_error *err)
{
	json_t *now = gcs_time(gcs_now_us());
	sqlite3_stmt *stmt;
	char *text;
	int rc;

	json_object_set(resource, "timeCreated", now);
	json_object_set_new(resource, "updated", now);
	json_object_set_new(resource, "name", json_string(name));
	ju_set_int64(resource, "metageneration", 1);
	text = json_dumps(resource, JSON_COMPACT);
	pthread_mutex_lock(&g->lock);
	stmt = gcs_prepare(g, err, "INSERT INTO bucket VALUES(?,?,?)", name, project, text, NULL);
	rc = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
	if (rc == SQLITE_CONSTRAINT)
		api_fail(
			err, 409, "conflict",
			"Your previous request to create the named bucket succeeded and you already own it.");
	else if (stmt && rc != SQLITE_DONE)
		gcs_db_error(g, err);
	sqlite3_finalize(stmt);
	pthread_mutex_unlock(&g->lock);
	free(text);
	return rc == SQLITE_DONE ? 0 : -1;
}

json_t *gcs_bucket_get(struct gcs *g, const char *name, struct api_error *err)
{
	json_t *resource = NULL;
	sqlite3_stmt *stmt;

	pthread_mutex_lock(&g->lock);
	if (gcs_need_bucket(g, name, err) == 0) {
		stmt = gcs_prepare(g, err, "SELECT resource FROM bucket WHERE name=?", name, NULL);
		if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
			resource = gcs_column_json(stmt, 0, err);
		sqlite3_finalize(stmt);
	}
	pthread_mutex_unlock(&g->lock);
	return resource;
}

int gcs_bucket_delete(struct gcs *g, const char *name, struct api_error *err)
{
	sqlite3_stmt *stmt;
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = gcs_need_bucket(g, name, err);
	stmt = rc == 0 ? gcs_prepare(g, err, "SELECT 1 FROM object WHERE bucket=? LIMIT 1", name,
				     NULL)
		       : NULL;
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		rc = api_fail(err, 409, "conflict", "The bucket you tried to delete is not empty.");
	sqlite3_finalize(stmt);
	if (rc == 0)
		rc = gcs_finish(g,
				gcs_prepare(g, err, "DELETE FROM notification WHERE bucket=?", name,
					    NULL),
				err);
	if (rc == 0)
		rc = gcs_finish(
			g, gcs_prepare(g, err, "DELETE FROM bucket WHERE name=?", name, NULL), err);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

json_t *gcs_bucket_list(struct gcs *g, const char *project, struct api_error *err)
{
	json_t *list = NULL;
	sqlite3_stmt *stmt;

	pthread_mutex_lock(&g->lock);
	stmt = gcs_prepare(g, err, "SELECT resource FROM bucket WHERE project=? ORDER BY name",
			   project, NULL);
	if (stmt) {
		list = json_array();
		while (sqlite3_step(stmt) == SQLITE_ROW)
			json_array_append_new(list, gcs_column_json(stmt, 0, err));
	}
	sqlite3_finalize(stmt);
	pthread_mutex_unlock(&g->lock);
	return list;
}
