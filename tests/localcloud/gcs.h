/*
 * The buckets and objects of Cloud Storage: rows in DIR/storage.sqlite, and one file an object in DIR/objects.
 *
 * A file is written whole before a row names it and never changes after that, so an object is there at once or not at
 * all, and who has a file open reads that generation to its end. A file that no row names is what a killed process
 * left; it is removed at the next start. There are no noncurrent versions: what is replaced or deleted is gone.
 *
 * All functions are thread-safe and take names that gcs_names.h has found valid. Resources are new references and hold
 * what is stored; gcs_resource.h adds what depends on the request (links, id, etag).
 */
#ifndef LOCALCLOUD_GCS_H
#define LOCALCLOUD_GCS_H

#include "tests/localcloud/api_error.h"
#include "tests/localcloud/store.h"

#include <stdbool.h>
#include <stdint.h>

struct gcs;

int gcs_open(const char *dir, struct gcs **ret, struct api_error *err);
void gcs_close(struct gcs *g);

/* ifGenerationMatch and its like; -1: not asked for. Generation 0 means "there is none". */
struct gcs_conditions {
	int64_t generation, not_generation, metageneration, not_metageneration;
};
#define GCS_UNCONDITIONAL       \
	(struct gcs_conditions) \
	{                       \
		-1, -1, -1, -1  \
	}

struct gcs_object {
	json_t *resource;
	int64_t generation, metageneration, size;
	char path[STORE_NAME_MAX]; /* of its file */
};

/* 409 conflict when the name is taken. The resource handed in gets what the service adds. */
int gcs_bucket_create(struct gcs *g, const char *project, const char *name, json_t *resource,
		      struct api_error *err);
json_t *gcs_bucket_get(struct gcs *g, const char *name, struct api_error *err);
/* 409 conflict while there are objects in it. */
int gcs_bucket_delete(struct gcs *g, const char *name, struct api_error *err);
/* New array, by name. */
json_t *gcs_bucket_list(struct gcs *g, const char *project, struct api_error *err);

/* 404 without bucket or object, or when the current generation is another one (-1: any). */
int gcs_object_get(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		   struct gcs_object *ret, struct api_error *err);
/* The same, with its file opened for reading. */
int gcs_object_open(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		    struct gcs_object *ret, int *fd, struct api_error *err);
void gcs_object_release(struct gcs_object *o);

/* Do the conditions hold? 0; 1 when a "not" condition of a read makes it 304; -1 with 412. */
int gcs_conditions_judge(const struct gcs_conditions *c, const struct gcs_object *current,
			 bool reading, struct api_error *err);
/* Whether an upload with these conditions could be made now: 404 without the bucket, 412. */
int gcs_object_probe(struct gcs *g, const char *bucket, const char *name,
		     const struct gcs_conditions *c, struct api_error *err);

/* A new file in DIR/objects, open for reading and writing; its path is the caller's to free. -1 on error. */
int gcs_file_create(struct gcs *g, char **path, struct api_error *err);
/*
 * Makes the file the object's content, with the next generation. resource has size, crc32c and whatever was given; it
 * is changed. The file is the store's then, and stays the caller's on failure.
 */
int gcs_object_put(struct gcs *g, const char *bucket, const char *name,
		   const struct gcs_conditions *c, const char *path, json_t *resource,
		   struct api_error *err);
/* Merges a patch into the resource, with the next metageneration; *ret is what it has become. */
int gcs_object_patch(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		     const struct gcs_conditions *c, const json_t *patch, json_t **ret,
		     struct api_error *err);
int gcs_object_delete(struct gcs *g, const char *bucket, const char *name, int64_t generation,
		      const struct gcs_conditions *c, struct api_error *err);

/*
 * Names in a bucket in byte order. From start on (inclusive; "" for the first) to end (exclusive; "" for the last),
 * those that begin with prefix; with a delimiter ("" for none) names that have it behind the prefix are rolled up into
 * one common prefix. At most limit of both. next becomes the start of the next page, NULL when this is the last; it is the caller's to free.
 */
struct gcs_listing {
	const char *prefix, *delimiter, *start, *end;
	int64_t limit;
};
int gcs_object_list(struct gcs *g, const char *bucket, const struct gcs_listing *asked,
		    json_t *items, json_t *prefixes, char **next, struct api_error *err);

/*
 * Notification configurations of a bucket, and the events that they are to be told of: these are written down together
 * with the change and stay until gcs_event_done, so that each is published at least once.
 */
/* 400 past the limits. The resource gets its id. */
int gcs_notification_create(struct gcs *g, const char *bucket, json_t *resource,
			    struct api_error *err);
json_t *gcs_notification_get(struct gcs *g, const char *bucket, const char *id,
			     struct api_error *err);
int gcs_notification_delete(struct gcs *g, const char *bucket, const char *id,
			    struct api_error *err);
/* New array. */
json_t *gcs_notification_list(struct gcs *g, const char *bucket, struct api_error *err);

struct gcs_event {
	int64_t id, time_us;
	char type[32];           /* OBJECT_FINALIZE and its like */
	json_t *config, *object; /* the configuration and the object as they were then */
	int64_t other;           /* the generation replaced, or that replaced this one; 0: none */
};

/* Waits for the oldest event: 1 with it, 0 when gcs_events_stop was called, -1 with err. */
int gcs_event_next(struct gcs *g, struct gcs_event *ret, struct api_error *err);
int gcs_event_done(struct gcs *g, const struct gcs_event *event, struct api_error *err);
void gcs_event_release(struct gcs_event *event);
/* Waits for ms, or until gcs_events_stop. */
void gcs_events_pause(struct gcs *g, int64_t ms);
void gcs_events_stop(struct gcs *g);

/* Calls back for every object of the bucket whose name begins with prefix, in byte order, until it returns not 0. */
typedef int gcs_visit(void *closure, const char *name, const char *path, int64_t size);
int gcs_object_each(struct gcs *g, const char *bucket, const char *prefix, gcs_visit *visit,
		    void *closure, struct api_error *err);

#endif
