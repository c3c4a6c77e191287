/* Objects: one row and one file each. */
#include "tests/localcloud/gcs_impl.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void gcs_object_release(struct gcs_object *o)
{
	json_decref(o->resource);
	o->resource = NULL;
}

/* 1 found, 0 not, -1 failed. The lock is held. */
static int find(struct gcs *g, const char *bucket, const char *name, struct gcs_object *ret,
		struct api_error *err)
{
	sqlite3_stmt *stmt =
		gcs_prepare(g, err,
			    "SELECT resource, generation, metageneration, size, file FROM object"
			    " WHERE bucket=? AND name=?",
			    bucket, name, NULL);
	int found = -1;

	memset(ret, 0, sizeof(*ret));
	if (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
		ret->resource = gcs_column_json(stmt, 0, err);
		ret->generation = sqlite3_column_int64(stmt, 1);
		ret->metageneration = sqlite3_column_int64(stmt, 2);
		ret->size = sqlite3_column_int64(stmt, 3);
		gcs_file_path(g, (const char *)sqlite3_column_text(stmt, 4), ret->path);
		found = ret->resource ? 1 : -1;
	} else if (stmt) {
		found = gcs_need_bucket(g, bucket, err);
	}
	sqlite3_finalize(stmt);
	return found;
}

static int no_such_object(struct api_error *err, const char *bucket, const char *name)
{
	return api_fail(err, 404, "notFound", "No such object: %s/%s", bucket, name);
}

/* As gcs_object_get, with the lock held. */
static int need(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		struct gcs_object *ret, struct api_error *err)
{
	int found = find(g, bucket, name, ret, err);

	if (found < 0)
		return -1;
	if (found > 0 && (generation < 0 || generation == ret->generation))
		return 0;
	gcs_object_release(ret);
	return no_such_object(err, bucket, name);
}

int gcs_object_get(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		   struct gcs_object *ret, struct api_error *err)
{
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = need(g, bucket, name, generation, ret, err);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

int gcs_object_open(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		    struct gcs_object *ret, int *fd, struct api_error *err)
{
	int rc;

	/* Under the lock: nobody replaces the object between the look and the opening. */
	pthread_mutex_lock(&g->lock);
	rc = need(g, bucket, name, generation, ret, err);
	if (rc == 0) {
		*fd = open(ret->path, O_RDONLY | O_CLOEXEC);
		if (*fd < 0) {
			gcs_object_release(ret);
			rc = api_fail(err, 500, "backendError", "localcloud cannot read %s/%s: %s",
				      bucket, name, strerror(errno));
		}
	}
	pthread_mutex_unlock(&g->lock);
	return rc;
}

int gcs_conditions_judge(const struct gcs_conditions *c, const struct gcs_object *current,
			 bool reading, struct api_error *err)
{
	bool met = (c->generation < 0 || c->generation == current->generation) &&
		   (c->metageneration < 0 ||
		    (current->generation > 0 && c->metageneration == current->metageneration));
	bool differs =
		(c->not_generation < 0 || c->not_generation != current->generation) &&
		(c->not_metageneration < 0 || c->not_metageneration != current->metageneration);

	if (met && differs)
		return 0;
	if (met && reading)
		return 1;
	return api_fail_at(err, 412, "conditionNotMet", met ? "If-None-Match" : "If-Match",
			   "At least one of the pre-conditions you specified did not hold.");
}

/* The object as it is before a change, or none (generation 0), held against the conditions. The lock is held. */
static int judge_current(struct gcs *g, const char *bucket, const char *name,
			 const struct gcs_conditions *c, struct gcs_object *current,
			 struct api_error *err)
{
	if (find(g, bucket, name, current, err) < 0)
		return -1;
	if (gcs_conditions_judge(c, current, false, err) == 0)
		return 0;
	gcs_object_release(current);
	return -1;
}

int gcs_object_probe(struct gcs *g, const char *bucket, const char *name,
		     const struct gcs_conditions *c, struct api_error *err)
{
	struct gcs_object current;
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = judge_current(g, bucket, name, c, &current, err);
	pthread_mutex_unlock(&g->lock);
	if (rc == 0)
		gcs_object_release(&current);
	return rc;
}

int gcs_file_create(struct gcs *g, char **path, struct api_error *err)
{
	char random[33];
	int fd;

	ident_random_hex(random, sizeof(random));
	if (asprintf(path, "%s/%s", g->dir, random) < 0)
		return api_fail(err, 500, "internalError", "out of memory");
	fd = open(*path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	free(*path);
	*path = NULL;
	return api_fail(err, 503, "backendError", "localcloud cannot store the object: %s",
			strerror(errno));
}

static int write_row(struct gcs *g, const char *bucket, const char *name, const char *file,
		     const json_t *resource, struct api_error *err)
{
	char *text = json_dumps(resource, JSON_COMPACT);
	sqlite3_stmt *stmt = gcs_prepare(
		g, err,
		"INSERT OR REPLACE INTO object(bucket, name, file, resource, generation, metageneration, size)"
		" VALUES(?,?,?,?,?,?,?)",
		bucket, name, file, text, NULL);
	static const char *const numbers[] = { "generation", "metageneration", "size" };

	for (int i = 0; stmt && i < 3; i++)
		sqlite3_bind_int64(stmt, 5 + i, ju_int64(resource, numbers[i], 0));
	free(text);
	return gcs_finish(g, stmt, err);
}

/* The new row, and the events of it. The lock is held. */
static int replace(struct gcs *g, const struct gcs_object *before, const char *file,
		   const json_t *resource, struct api_error *err)
{
	int rc = gcs_begin(g, err);

	if (rc)
		return -1;
	rc = write_row(g, ju_string(resource, "bucket", ""), ju_string(resource, "name", ""), file,
		       resource, err);
	if (rc == 0 && before->generation > 0)
		rc = gcs_event_add(g, "OBJECT_DELETE", before->resource,
				   ju_int64(resource, "generation", 0), err);
	if (rc == 0)
		rc = gcs_event_add(g, "OBJECT_FINALIZE", resource, before->generation, err);
	return gcs_end(g, rc, err);
}

int gcs_object_put(struct gcs *g, const char *bucket, const char *name,
		   const struct gcs_conditions *c, const char *path, json_t *resource,
		   struct api_error *err)
{
	int64_t now = gcs_now_us();
	json_t *time = gcs_time(now);
	struct gcs_object before;
	int rc;

	json_object_set(resource, "timeCreated", time);
	json_object_set(resource, "updated", time);
	json_object_set(resource, "timeStorageClassUpdated", time);
	json_object_set_new(resource, "timeFinalized", time);
	json_object_set_new(resource, "bucket", json_string(bucket));
	json_object_set_new(resource, "name", json_string(name));
	ju_set_int64(resource, "metageneration", 1);
	pthread_mutex_lock(&g->lock);
	rc = judge_current(g, bucket, name, c, &before, err);
	if (rc == 0) {
		g->last_generation = now > g->last_generation ? now : g->last_generation + 1;
		ju_set_int64(resource, "generation", g->last_generation);
		rc = replace(g, &before, strrchr(path, '/') + 1, resource, err);
		if (rc == 0 && before.generation > 0)
			unlink(before.path);
		gcs_object_release(&before);
	}
	pthread_mutex_unlock(&g->lock);
	return rc;
}

/* The row as the patch has made it, and the event of it. The lock is held. */
static int update(struct gcs *g, const struct gcs_object *o, struct api_error *err)
{
	int rc = gcs_begin(g, err);

	if (rc)
		return -1;
	rc = write_row(g, ju_string(o->resource, "bucket", ""), ju_string(o->resource, "name", ""),
		       strrchr(o->path, '/') + 1, o->resource, err);
	if (rc == 0)
		rc = gcs_event_add(g, "OBJECT_METADATA_UPDATE", o->resource, 0, err);
	return gcs_end(g, rc, err);
}

/* The lock is held. */
static int remove_row(struct gcs *g, const struct gcs_object *o, struct api_error *err)
{
	int rc = gcs_begin(g, err);

	if (rc)
		return -1;
	rc = gcs_finish(g,
			gcs_prepare(g, err, "DELETE FROM object WHERE bucket=? AND name=?",
				    ju_string(o->resource, "bucket", ""),
				    ju_string(o->resource, "name", ""), NULL),
			err);
	if (rc == 0)
		rc = gcs_event_add(g, "OBJECT_DELETE", o->resource, 0, err);
	return gcs_end(g, rc, err);
}

/* null takes a member away, objects merge, all else replaces. */
static void merge(json_t *resource, const json_t *patch)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)patch, key, value) {
		json_t *old = json_object_get(resource, key);

		if (json_is_null(value))
			json_object_del(resource, key);
		else if (json_is_object(old) && json_is_object(value))
			merge(old, value);
		else
			json_object_set(resource, key, value);
	}
}

int gcs_object_patch(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		     const struct gcs_conditions *c, const json_t *patch, json_t **ret,
		     struct api_error *err)
{
	struct gcs_object o;
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = need(g, bucket, name, generation, &o, err);
	if (rc == 0) {
		rc = gcs_conditions_judge(c, &o, false, err);
		if (rc == 0) {
			merge(o.resource, patch);
			ju_set_int64(o.resource, "metageneration", o.metageneration + 1);
			json_object_set_new(o.resource, "updated", gcs_time(gcs_now_us()));
			rc = update(g, &o, err);
		}
		if (rc == 0)
			*ret = json_incref(o.resource);
		gcs_object_release(&o);
	}
	pthread_mutex_unlock(&g->lock);
	return rc;
}

int gcs_object_delete(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		      const struct gcs_conditions *c, struct api_error *err)
{
	struct gcs_object o;
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = need(g, bucket, name, generation, &o, err);
	if (rc == 0) {
		rc = gcs_conditions_judge(c, &o, false, err);
		if (rc == 0)
			rc = remove_row(g, &o, err);
		if (rc == 0)
			unlink(o.path);
		gcs_object_release(&o);
	}
	pthread_mutex_unlock(&g->lock);
	return rc;
}
