/* Notification configurations, and the events that wait to be published. */
#include "tests/localcloud/gcs_impl.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_CONFIGS 100
#define MAX_CONFIGS_OF_EVENT 10

int gcs_event_add(struct gcs *g, const char *type, const json_t *object, int64_t other,
		  struct api_error *err)
{
	char *text = json_dumps(object, JSON_COMPACT);
	sqlite3_stmt *stmt = gcs_prepare(
		g, err,
		"INSERT INTO event(type, object, config, time, other)"
		" SELECT ?1, ?2, json_set(resource, '$.id', CAST(id AS TEXT), '$.bucket', bucket), ?4, ?5"
		" FROM notification WHERE bucket=?3",
		type, text, ju_string(object, "bucket", ""), NULL);

	if (stmt) {
		sqlite3_bind_int64(stmt, 4, gcs_now_us());
		sqlite3_bind_int64(stmt, 5, other);
	}
	free(text);
	/* Nobody can read it before the change is committed, which is before the lock is given back. */
	pthread_cond_broadcast(&g->changed);
	return gcs_finish(g, stmt, err);
}

/* The configurations of a bucket with their ids. The lock is held. */
static json_t *list(struct gcs *g, const char *bucket, struct api_error *err)
{
	sqlite3_stmt *stmt;
	json_t *all;

	if (gcs_need_bucket(g, bucket, err))
		return NULL;
	stmt = gcs_prepare(
		g, err,
		"SELECT json_set(resource, '$.id', CAST(id AS TEXT)) FROM notification WHERE bucket=? ORDER BY id",
		bucket, NULL);
	if (!stmt)
		return NULL;
	all = json_array();
	while (sqlite3_step(stmt) == SQLITE_ROW)
		json_array_append_new(all, gcs_column_json(stmt, 0, err));
	sqlite3_finalize(stmt);
	return all;
}

/* How many of the configurations are told of events of this type. */
static int count_of(const json_t *all, const char *type)
{
	const json_t *config, *one;
	int n = 0;
	size_t i, j;

	json_array_foreach(all, i, config) {
		const json_t *types = json_object_get(config, "event_types");
		bool told = json_array_size(types) == 0;

		json_array_foreach(types, j, one)
			told = told || strcmp(json_string_value(one), type) == 0;
		n += told;
	}
	return n;
}

static int check_room(const json_t *all, const json_t *config, struct api_error *err)
{
	static const char *const every[] = { "OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE",
					     "OBJECT_DELETE", "OBJECT_ARCHIVE" };
	json_t *one = json_pack("[O]", config);
	int rc = 0;

	if (json_array_size(all) >= MAX_CONFIGS)
		rc = api_fail(err, 400, "invalid",
			      "A bucket can have at most %d notification configurations.",
			      MAX_CONFIGS);
	for (size_t i = 0; rc == 0 && i < sizeof(every) / sizeof(every[0]); i++)
		if (count_of(one, every[i]) > 0 && count_of(all, every[i]) >= MAX_CONFIGS_OF_EVENT)
			rc = api_fail(
				err, 400, "invalid",
				"A bucket can have at most %d notification configurations for %s.",
				MAX_CONFIGS_OF_EVENT, every[i]);
	json_decref(one);
	return rc;
}

int gcs_notification_create(struct gcs *g, const char *bucket, json_t *resource,
			    struct api_error *err)
{
	char *text = json_dumps(resource, JSON_COMPACT);
	json_t *all;
	int rc = -1;

	pthread_mutex_lock(&g->lock);
	all = list(g, bucket, err);
	if (all)
		rc = check_room(all, resource, err);
	if (rc == 0)
		rc = gcs_finish(
			g,
			gcs_prepare(g, err,
				    "INSERT INTO notification(bucket, resource) VALUES(?,?)",
				    bucket, text, NULL),
			err);
	if (rc == 0)
		ju_set_int64(resource, "id", sqlite3_last_insert_rowid(g->db));
	pthread_mutex_unlock(&g->lock);
	json_decref(all);
	free(text);
	return rc;
}

json_t *gcs_notification_list(struct gcs *g, const char *bucket, struct api_error *err)
{
	json_t *all;

	pthread_mutex_lock(&g->lock);
	all = list(g, bucket, err);
	pthread_mutex_unlock(&g->lock);
	return all;
}

json_t *gcs_notification_get(struct gcs *g, const char *bucket, const char *id,
			     struct api_error *err)
{
	json_t *all = gcs_notification_list(g, bucket, err), *config, *found = NULL;
	size_t i;

	json_array_foreach(all, i, config)
		if (strcmp(ju_string(config, "id", ""), id) == 0)
			found = json_incref(config);
	if (all && !found)
		api_fail(err, 404, "notFound", "The requested notification was not found: %s", id);
	json_decref(all);
	return found;
}

int gcs_notification_delete(struct gcs *g, const char *bucket, const char *id,
			    struct api_error *err)
{
	json_t *found = gcs_notification_get(g, bucket, id, err);
	int rc;

	if (!found)
		return -1;
	json_decref(found);
	pthread_mutex_lock(&g->lock);
	rc = gcs_finish(g,
			gcs_prepare(g, err, "DELETE FROM notification WHERE bucket=? AND id=?",
				    bucket, id, NULL),
			err);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

/* 1 with the oldest event, 0 when there is none. The lock is held. */
static int first_event(struct gcs *g, struct gcs_event *ret, struct api_error *err)
{
	sqlite3_stmt *stmt = gcs_prepare(
		g, err,
		"SELECT id, type, config, object, time, other FROM event ORDER BY id LIMIT 1",
		NULL);
	int rc = stmt ? 0 : -1;

	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		ret->id = sqlite3_column_int64(stmt, 0);
		snprintf(ret->type, sizeof(ret->type), "%s",
			 (const char *)sqlite3_column_text(stmt, 1));
		ret->config = gcs_column_json(stmt, 2, err);
		ret->object = gcs_column_json(stmt, 3, err);
		ret->time_us = sqlite3_column_int64(stmt, 4);
		ret->other = sqlite3_column_int64(stmt, 5);
		rc = ret->config && ret->object ? 1 : -1;
	}
	sqlite3_finalize(stmt);
	return rc;
}

int gcs_event_next(struct gcs *g, struct gcs_event *ret, struct api_error *err)
{
	int rc = 0;

	*ret = (struct gcs_event){ 0 };
	pthread_mutex_lock(&g->lock);
	while (!g->stopped && (rc = first_event(g, ret, err)) == 0)
		pthread_cond_wait(&g->changed, &g->lock);
	if (g->stopped)
		rc = 0;
	pthread_mutex_unlock(&g->lock);
	return rc;
}

int gcs_event_done(struct gcs *g, const struct gcs_event *event, struct api_error *err)
{
	sqlite3_stmt *stmt;
	int rc;

	pthread_mutex_lock(&g->lock);
	stmt = gcs_prepare(g, err, "DELETE FROM event WHERE id=?", NULL);
	if (stmt)
		sqlite3_bind_int64(stmt, 1, event->id);
	rc = gcs_finish(g, stmt, err);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

void gcs_event_release(struct gcs_event *event)
{
	json_decref(event->config);
	json_decref(event->object);
}

void gcs_events_pause(struct gcs *g, int64_t ms)
{
	int64_t until = gcs_now_us() + ms * 1000;
	struct timespec end = { until / 1000000, until % 1000000 * 1000 };

	pthread_mutex_lock(&g->lock);
	if (!g->stopped)
		pthread_cond_timedwait(&g->changed, &g->lock, &end);
	pthread_mutex_unlock(&g->lock);
}

void gcs_events_stop(struct gcs *g)
{
	pthread_mutex_lock(&g->lock);
	g->stopped = true;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}
