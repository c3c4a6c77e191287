/* Shared by the files that keep buckets and objects only. */
#ifndef LOCALCLOUD_GCS_IMPL_H
#define LOCALCLOUD_GCS_IMPL_H

#include "tests/localcloud/gcs.h"

#include <pthread.h>

struct gcs {
	sqlite3 *db;
	pthread_mutex_t lock;           /* guards db and last_generation */
	char dir[STORE_NAME_MAX - 300]; /* DIR/objects */
	int64_t last_generation;
	pthread_cond_t changed; /* there are events, or they stop */
	bool stopped;
};

/* A statement with its texts bound, the last argument NULL; NULL on error. The caller holds the lock. */
sqlite3_stmt *gcs_prepare(struct gcs *g, struct api_error *err, const char *sql, ...);
/* Runs to the end and finalizes. */
int gcs_finish(struct gcs *g, sqlite3_stmt *stmt, struct api_error *err);
int gcs_db_error(struct gcs *g, struct api_error *err);
json_t *gcs_column_json(sqlite3_stmt *stmt, int column, struct api_error *err);
/* 0, or 404; the caller holds the lock. */
int gcs_need_bucket(struct gcs *g, const char *bucket, struct api_error *err);
/* A change of several statements; the caller holds the lock. gcs_end rolls back unless rc is 0, and returns -1 then. */
int gcs_begin(struct gcs *g, struct api_error *err);
int gcs_end(struct gcs *g, int rc, struct api_error *err);
/* For every configuration of the bucket; inside such a change. */
int gcs_event_add(struct gcs *g, const char *type, const json_t *object, int64_t other,
		  struct api_error *err);
/* "2026-01-31T10:00:00.123Z" of microseconds since 1970. */
json_t *gcs_time(int64_t us);
int64_t gcs_now_us(void);
void gcs_file_path(const struct gcs *g, const char *file, char path[STORE_NAME_MAX]);

#endif
