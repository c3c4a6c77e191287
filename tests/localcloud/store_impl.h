/* What the files of the store share among themselves; nobody else includes this. */
#ifndef LOCALCLOUD_STORE_IMPL_H
#define LOCALCLOUD_STORE_IMPL_H

#include "tests/localcloud/store.h"

#include <pthread.h>

/* Shared by the handles on one database: only one of them writes at a time. */
struct store_writer {
	pthread_mutex_t lock;
	int handles;
};

struct store {
	sqlite3 *db;
	char *path;
	pthread_mutex_t lock; /* guards db; taken after the writer's lock */
	struct store_writer *writer;
};

/*
 * Prepares sql and binds texts (NULL-terminated list of const char *); the caller finalizes. NULL with err filled.
 */
sqlite3_stmt *store_prepare(struct store *s, struct api_error *err, const char *sql, ...)
	__attribute__((sentinel));
/* Steps a statement that returns no rows and finalizes it. */
int store_finish(struct store *s, sqlite3_stmt *stmt, struct api_error *err);

/* A fresh etag and lastModifiedTime. */
void store_stamp(json_t *resource);
/* Reads the JSON text in a column; NULL with err filled when it is damaged. */
json_t *store_column_json(sqlite3_stmt *stmt, int column, struct api_error *err);
/* Text of a resource, to be freed by the caller. */
char *store_dump(const json_t *resource);

/* Physical side, in store_physical.c. */
int store_physical_create(struct store *s, const char *name, const json_t *resource,
			  struct api_error *err);
int store_physical_change(struct store *s, const char *name, const json_t *old,
			  const json_t *resource, struct api_error *err);
int store_physical_count(struct store *s, const char *name, const json_t *resource, int64_t *rows,
			 int64_t *bytes, struct api_error *err);

#endif
