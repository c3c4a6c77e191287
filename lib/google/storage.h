/*
 * Cloud Storage's JSON API, as thin as it can be, for objects that are made
 * once: every upload is create-only (ifGenerationMatch=0).
 *
 * Three results as in bigquery.h: 1 yes, 0 the answer that callers must
 * expect (named at each function), -1 an error. Objects handed out are the
 * caller's to json_decref; *ret is untouched unless 1 is returned.
 */
#ifndef SLUICE_LIB_GOOGLE_STORAGE_H
#define SLUICE_LIB_GOOGLE_STORAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/resumable.h"

/* "gs://BUCKET/NAME" taken apart. Both strings are owned; name may be "". */
struct storage_uri {
	char *bucket, *name;
};

/*
 * The name is taken as it stands (no percent signs are undone). ERR_USAGE:
 * not gs://, a bucket that cannot be, a name with a line end or of more than
 * 1,024 bytes.
 */
int storage_uri_parse(const char *text, struct storage_uri *ret, struct error *err)
	__attribute__((warn_unused_result));
void storage_uri_release(struct storage_uri *u);

/* 0: no such bucket. */
int storage_bucket_get(struct api *a, const char *bucket, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* The metadata. 0: no such object. */
int storage_object_get(struct api *a, const char *bucket, const char *name, json_t **ret,
		       struct error *err) __attribute__((warn_unused_result));

/*
 * The whole content, appended to out, whose max limits it; ERR_DATA beyond. For
 * small objects: repeated as a whole. 0: no such object.
 */
int storage_object_read(struct api *a, const char *bucket, const char *name, struct buf *out,
			struct error *err) __attribute__((warn_unused_result));

/* 0: it was not there. */
int storage_object_delete(struct api *a, const char *bucket, const char *name, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Write a small object at once, if its generation is still that (0: if there is
 * none). Repeated where an answer is lost: 0 may then be our own doing. 1: *ret
 * is its metadata. 0: it is another generation.
 */
int storage_object_replace(struct api *a, const char *bucket, const char *name, int64_t generation,
			   const json_t *content, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* Delete that generation of it. 0: it is another one, or gone. */
int storage_object_delete_generation(struct api *a, const char *bucket, const char *name,
				     int64_t generation, struct error *err)
	__attribute__((warn_unused_result));

struct storage_list {
	const char *prefix;
	const char *delimiter; /* "/": what lies deeper comes as prefixes; or NULL */
	const char *fields; /* of the answer, "items(name,size),nextPageToken"; or NULL for all */
	const char *page_token; /* NULL: the first page */
};

/* One page: items, prefixes, nextPageToken, each where there are any. 0: no such bucket. */
int storage_objects_list(struct api *a, const char *bucket, const struct storage_list *list,
			 json_t **ret, struct error *err) __attribute__((warn_unused_result));

/*
 * Open an upload session for a new object; chunks then go by resumable_put.
 * r->state CONFLICT, at once or at the end: there is such an object already.
 */
int storage_upload_start(struct resumable *r, struct api *a, const char *bucket, const char *name,
			 const char *content_type, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Is that object what was sent? ERR_TEMP when its size or CRC-32C is another.
 * ERR_PROTOCOL when the resource lacks them.
 */
int storage_object_verify(const json_t *object, uint64_t size, uint32_t crc, struct error *err)
	__attribute__((warn_unused_result));

#endif
