/* Transfer configurations: rows of the table config. */
#include "tests/localcloud/dts_impl.h"
#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The columns that make_config() reads. */
#define CONFIG_COLUMNS                                                               \
	"SELECT seq, resource, (SELECT state FROM run WHERE run.config = config.seq" \
	" ORDER BY update_time DESC, seq DESC LIMIT 1) FROM config"

void dts_new_id(char id[DTS_ID_MAX])
{
	char hex[33];

	ident_random_hex(hex, sizeof(hex));
	snprintf(id, DTS_ID_MAX, "%.8s-%.4s-4%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17,
		 hex + 20);
}

/* A configuration with time-based runs to come is PENDING before the first; one without a run has no state. */
static json_t *make_config(struct dts *d, sqlite3_stmt *stmt, struct api_error *err)
{
	json_t *resource = dts_column_json(stmt, 1, err);

	(void)d;
	if (resource && sqlite3_column_type(stmt, 2) == SQLITE_TEXT)
		json_object_set_new(resource, "state",
				    json_string((const char *)sqlite3_column_text(stmt, 2)));
	return resource;
}

int dts_config_find(struct dts *d, const struct dts_name *name, int64_t *seq, struct api_error *err)
{
	sqlite3_stmt *stmt =
		dts_prepare(d, err,
			    "SELECT seq FROM config WHERE id=? AND project=?"
			    " AND location=CASE ? WHEN '-' THEN location ELSE ? END",
			    "ssss", name->config, name->project, name->location, name->location);
	int step;

	if (!stmt)
		return -1;
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW)
		*seq = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	if (step == SQLITE_ROW)
		return 0;
	return step == SQLITE_DONE ? dts_not_found(err) : dts_db_error(d, err);
}

int dts_config_insert(struct dts *d, const struct dts_name *parent, const char *project_id,
		      json_t *resource, struct api_error *err)
{
	char id[DTS_ID_MAX], *text;
	int rc;

	dts_new_id(id);
	json_object_set_new(resource, "name",
			    json_sprintf("projects/%s/locations/%s/transferConfigs/%s",
					 parent->project, parent->location, id));
	json_object_set_new(resource, "datasetRegion", json_string(parent->location));
	json_object_set_new(resource, "updateTime", dts_time_text(dts_now_us()));
	text = json_dumps(resource, JSON_COMPACT);
	rc = dts_begin(d, err);
	if (rc == 0) {
		rc = dts_exec(
			d, NULL, err,
			"INSERT INTO config(id, project, project_id, location, source, resource)"
			" VALUES(?,?,?,?,?,?)",
			"ssssss", id, parent->project, project_id, parent->location,
			ju_string(resource, "dataSourceId", ""), text);
		rc = dts_end(d, rc, err);
	}
	free(text);
	return rc;
}

/* The row with the transaction. */
static json_t *read_config(struct dts *d, const struct dts_name *name, struct api_error *err)
{
	sqlite3_stmt *stmt;
	json_t *resource = NULL;
	int64_t seq = 0;

	if (dts_config_find(d, name, &seq, err))
		return NULL;
	stmt = dts_prepare(d, err, CONFIG_COLUMNS " WHERE seq=?", "i", seq);
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
		resource = make_config(d, stmt, err);
	else if (stmt)
		dts_db_error(d, err);
	sqlite3_finalize(stmt);
	return resource;
}

json_t *dts_config_get(struct dts *d, const struct dts_name *name, struct api_error *err)
{
	json_t *resource;

	if (dts_begin(d, err))
		return NULL;
	resource = read_config(d, name, err);
	if (dts_end(d, resource ? 0 : -1, err) == 0)
		return resource;
	json_decref(resource);
	return NULL;
}

char *dts_config_project(struct dts *d, const struct dts_name *name, struct api_error *err)
{
	sqlite3_stmt *stmt;
	char *project = NULL;
	int64_t seq = 0;

	if (dts_begin(d, err))
		return NULL;
	if (dts_config_find(d, name, &seq, err) == 0) {
		stmt = dts_prepare(d, err, "SELECT project_id FROM config WHERE seq=?", "i", seq);
		if (stmt && sqlite3_step(stmt) == SQLITE_ROW)
			project = strdup((const char *)sqlite3_column_text(stmt, 0));
		else if (stmt)
			dts_db_error(d, err);
		sqlite3_finalize(stmt);
	}
	if (dts_end(d, project ? 0 : -1, err) == 0)
		return project;
	free(project);
	return NULL;
}

static int write_config(struct dts *d, int64_t seq, const json_t *resource, struct api_error *err)
{
	char *text = json_dumps(resource, JSON_COMPACT);
	int rc =
		dts_exec(d, NULL, err, "UPDATE config SET resource=? WHERE seq=?", "si", text, seq);

	free(text);
	return rc;
}

int dts_config_patch(struct dts *d, const struct dts_name *name, const json_t *changes,
		     struct api_error *err)
{
	json_t *resource, *value;
	const char *key;
	int64_t seq = 0;
	int rc;

	if (dts_begin(d, err))
		return -1;
	rc = dts_config_find(d, name, &seq, err);
	resource = rc == 0 ? read_config(d, name, err) : NULL;
	if (resource) {
		json_object_foreach((json_t *)changes, key, value) {
			if (json_is_null(value))
				json_object_del(resource, key);
			else
				json_object_set(resource, key, value);
		}
		json_object_del(resource, "state");
		json_object_set_new(resource, "updateTime", dts_time_text(dts_now_us()));
		rc = write_config(d, seq, resource, err);
	} else {
		rc = -1;
	}
	json_decref(resource);
	return dts_end(d, rc, err);
}

int dts_config_delete(struct dts *d, const struct dts_name *name, struct api_error *err)
{
	int64_t seq = 0;
	int rc;

	if (dts_begin(d, err))
		return -1;
	rc = dts_config_find(d, name, &seq, err);
	if (rc == 0)
		rc = dts_exec(d, NULL, err, "DELETE FROM config WHERE seq=?", "i", seq);
	return dts_end(d, rc, err);
}

json_t *dts_config_list(struct dts *d, const struct dts_name *parent, const json_t *sources,
			struct dts_page *page, struct api_error *err)
{
	char *wanted = sources ? json_dumps(sources, JSON_COMPACT) : NULL;
	json_t *items = NULL;

	if (dts_begin(d, err) == 0) {
		sqlite3_stmt *stmt = dts_prepare(
			d, err,
			CONFIG_COLUMNS
			" WHERE project=?1 AND (?2 = '-' OR location = ?2) AND seq > ?3"
			" AND (?4 IS NULL OR source IN (SELECT value FROM json_each(?4)))"
			" ORDER BY seq",
			"ssis", parent->project, parent->location, page->after, wanted);

		items = dts_read_page(d, stmt, page, make_config, err);
		if (dts_end(d, items ? 0 : -1, err)) {
			json_decref(items);
			items = NULL;
		}
	}
	free(wanted);
	return items;
}
