#include "tests/localcloud/jobs_impl.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char setup[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=NORMAL;"
	"CREATE TABLE IF NOT EXISTS job(key TEXT PRIMARY KEY, project TEXT NOT NULL, seq INTEGER, state TEXT NOT NULL,"
	" resource TEXT NOT NULL, spool TEXT, result_table TEXT, result_fields TEXT);"
	"CREATE INDEX IF NOT EXISTS job_by_state ON job(state, seq);";

static int db_error(struct jobs *j, struct api_error *err)
{
	return api_fail(err, 500, "internalError", "localcloud's job database failed: %s",
			sqlite3_errmsg(j->db));
}

int jobs_db_open(struct jobs *j, struct api_error *err)
{
	char path[STORE_NAME_MAX + 16];

	snprintf(path, sizeof(path), "%s/jobs.sqlite", j->dir);
	if (sqlite3_open(path, &j->db) != SQLITE_OK ||
	    sqlite3_exec(j->db, setup, NULL, NULL, NULL) != SQLITE_OK)
		return db_error(j, err);
	return 0;
}

char *jobs_key(const char *project, const char *location, const char *id)
{
	char *key;

	if (asprintf(&key, "%s:%s.%s", project, location, id) < 0)
		abort();
	for (char *p = key + strlen(project); p < key + strlen(key) - strlen(id); p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return key;
}

char *jobs_key_of(const json_t *job)
{
	const json_t *reference = json_object_get(job, "jobReference");

	return jobs_key(ju_string(reference, "projectId", ""), ju_string(reference, "location", ""),
			ju_string(reference, "jobId", ""));
}

void job_row_release(struct job_row *row)
{
	json_decref(row->resource);
	json_decref(row->result_fields);
	free(row->spool);
}

static const char *text_at(sqlite3_stmt *stmt, int column)
{
	const char *text = (const char *)sqlite3_column_text(stmt, column);

	return text ? text : "";
}

int jobs_db_get(struct jobs *j, const char *key, struct job_row *ret, struct api_error *err)
{
	sqlite3_stmt *stmt;
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	if (sqlite3_prepare_v2(
		    j->db,
		    "SELECT resource, spool, result_table, result_fields FROM job WHERE key=?", -1,
		    &stmt, NULL) != SQLITE_OK)
		return db_error(j, err);
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		ret->resource = json_loads(text_at(stmt, 0), 0, NULL);
		ret->spool = text_at(stmt, 1)[0] ? strdup(text_at(stmt, 1)) : NULL;
		snprintf(ret->result_table, sizeof(ret->result_table), "%s", text_at(stmt, 2));
		ret->result_fields = json_loads(text_at(stmt, 3), 0, NULL);
		rc = 1;
	}
	sqlite3_finalize(stmt);
	return rc;
}

int jobs_db_insert(struct jobs *j, const char *key, const json_t *job, const char *spool,
		   struct api_error *err)
{
	static const char sql[] =
		"INSERT INTO job(key, project, seq, state, resource, spool)"
		" VALUES(?, ?, (SELECT coalesce(max(seq),0)+1 FROM job), 'PENDING', ?, ?)";
	char *text = json_dumps(job, JSON_COMPACT);
	sqlite3_stmt *stmt;
	int rc;

	if (sqlite3_prepare_v2(j->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
		free(text);
		return db_error(j, err);
	}
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 2, ju_string(ju_path(job, "jobReference"), "projectId", ""), -1,
			  SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, text, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, spool, -1, SQLITE_STATIC);
	rc = sqlite3_step(stmt);
	sqlite3_finalize(stmt);
	free(text);
	if (rc == SQLITE_CONSTRAINT)
		return api_fail(err, 409, "duplicate", "Already Exists: Job %s",
				ju_string(job, "id", ""));
	return rc == SQLITE_DONE ? 0 : db_error(j, err);
}

int jobs_db_update(struct jobs *j, const char *key, const json_t *job, const struct outcome *o,
		   struct api_error *err)
{
	char *text = json_dumps(job, JSON_COMPACT);
	char *fields = o && o->result_fields ? json_dumps(o->result_fields, JSON_COMPACT) : NULL;
	sqlite3_stmt *stmt;
	int rc = SQLITE_ERROR;

	if (sqlite3_prepare_v2(
		    j->db,
		    "UPDATE job SET resource=?2, state=?3, result_table=?4, result_fields=?5 WHERE key=?1",
		    -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 2, text, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 3, ju_string(ju_path(job, "status"), "state", ""), -1,
				  SQLITE_STATIC);
		sqlite3_bind_text(stmt, 4, o ? o->result_table : NULL, -1, SQLITE_STATIC);
		sqlite3_bind_text(stmt, 5, fields, -1, SQLITE_STATIC);
		rc = sqlite3_step(stmt);
		sqlite3_finalize(stmt);
	}
	free(fields);
	free(text);
	return rc == SQLITE_DONE ? 0 : db_error(j, err);
}

/* The final resource that a committed transaction of the store left behind; NULL when there is none. */
static json_t *committed(struct jobs *j, const char *key)
{
	sqlite3_stmt *stmt;
	json_t *resource = NULL;

	if (sqlite3_prepare_v2(store_db(j->store),
			       "SELECT resource FROM catalog_job_done WHERE job=?", -1, &stmt,
			       NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		resource = json_loads(text_at(stmt, 0), 0, NULL);
	sqlite3_finalize(stmt);
	return resource;
}

static int recover_one(struct jobs *j, const char *key, struct api_error *err)
{
	json_t *left = committed(j, key), *resource = json_object_get(left, "resource");
	struct outcome o = { .result_fields = json_incref(json_object_get(left, "fields")) };
	struct job_row row;
	int rc;

	snprintf(o.result_table, sizeof(o.result_table), "%s", ju_string(left, "table", ""));
	if (resource) {
		rc = jobs_db_update(j, key, resource, &o, err);
	} else {
		rc = jobs_db_get(j, key, &row, err) < 0 ? -1 : 0;
		jobs_enqueue(j, key, row.resource, 0);
		job_row_release(&row);
	}
	outcome_release(&o);
	json_decref(left);
	return rc;
}

int jobs_db_recover(struct jobs *j, struct api_error *err)
{
	sqlite3_stmt *stmt;
	json_t *keys = json_array(), *key;
	size_t i;
	int rc = 0;

	if (sqlite3_prepare_v2(j->db, "SELECT key FROM job WHERE state<>'DONE' ORDER BY seq", -1,
			       &stmt, NULL) != SQLITE_OK) {
		json_decref(keys);
		return db_error(j, err);
	}
	while (sqlite3_step(stmt) == SQLITE_ROW)
		json_array_append_new(keys, json_string(text_at(stmt, 0)));
	sqlite3_finalize(stmt);
	json_array_foreach(keys, i, key)
		rc = rc || recover_one(j, json_string_value(key), err);
	json_decref(keys);
	return rc || store_exec(j->store, err, "DELETE FROM catalog_job_done") ||
			       store_staging_drop_all(j->store, err)
		       ? -1
		       : 0;
}
