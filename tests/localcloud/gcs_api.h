/*
 * Handlers of Cloud Storage's JSON API; ex->param holds bucket and object in the order of the path. What several of
 * them share: names, preconditions, the form of resources.
 */
#ifndef LOCALCLOUD_GCS_API_H
#define LOCALCLOUD_GCS_API_H

#include "tests/localcloud/gcs.h"
#include "tests/localcloud/http.h"

int gcs_buckets_list(struct exchange *ex, struct api_error *err);
int gcs_buckets_insert(struct exchange *ex, struct api_error *err);
int gcs_buckets_get(struct exchange *ex, struct api_error *err);
int gcs_buckets_delete(struct exchange *ex, struct api_error *err);
int gcs_buckets_layout(struct exchange *ex, struct api_error *err);
int gcs_buckets_managed_folders(struct exchange *ex, struct api_error *err);

int gcs_objects_list(struct exchange *ex, struct api_error *err);
int gcs_objects_get(struct exchange *ex, struct api_error *err); /* alt=media: the data */
int gcs_objects_patch(struct exchange *ex, struct api_error *err);
int gcs_objects_delete(struct exchange *ex, struct api_error *err);
int gcs_objects_compose(struct exchange *ex, struct api_error *err);
int gcs_objects_rewrite(struct exchange *ex, struct api_error *err);
int gcs_objects_copy(struct exchange *ex, struct api_error *err);

int gcs_notifications_insert(struct exchange *ex, struct api_error *err);
int gcs_notifications_list(struct exchange *ex, struct api_error *err);
int gcs_notifications_get(struct exchange *ex, struct api_error *err);
int gcs_notifications_delete(struct exchange *ex, struct api_error *err);

/* The names that Cloud Storage accepts: 400 otherwise. */
int gcs_check_bucket(const char *name, struct api_error *err);
int gcs_check_object(const char *name, struct api_error *err);

/* ifGenerationMatch and its like; prefix is "if" or "ifSource". */
int gcs_read_conditions(const struct exchange *ex, const char *prefix, struct gcs_conditions *ret,
			struct api_error *err);

/*
 * What of an object's resource a client may set, as a new reference: contentType, metadata and their like. 400 for a
 * wrong type, 501 for what localcloud does not keep; what only the service sets is left out.
 */
json_t *gcs_writable(const json_t *body, struct api_error *err);

/* Adds kind, id, selfLink, mediaLink and etag; root is "http://HOST". */
void gcs_link(const char *root, json_t *resource);
/* The same, with the host that the client used. */
void gcs_link_object(const struct exchange *ex, json_t *resource);
/* Answers with the object's resource; takes the reference. */
void gcs_answer_object(struct exchange *ex, json_t *resource);
/* The etag of a resource: base64 of its generation and metageneration. */
json_t *gcs_etag(int64_t generation, int64_t metageneration);
/* The data, or the part of it that the Range header names. Takes o and fd. */
int gcs_answer_media(struct exchange *ex, struct gcs_object *o, int fd, struct api_error *err);

#endif
