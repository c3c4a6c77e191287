/*
 * Media uploads, of load jobs and of objects: resumable, multipart and plain. Bytes go to a file in DIR as they arrive;
 * memory does not grow with them. Sessions live as long as the process: after a restart their address answers 404.
 */
#ifndef LOCALCLOUD_UPLOAD_H
#define LOCALCLOUD_UPLOAD_H

#include "tests/localcloud/http.h"

struct uploads;

struct uploads *uploads_new(void);
void uploads_free(struct uploads *u);

bool upload_is_path(const char *path);

/* The life of one request: begin, data any number of times, then finish; or abort at any point. */
int upload_begin(struct exchange *ex, struct api_error *err);
/* Does it end the connection in the middle of the body itself, when a fault says so? */
bool upload_handles_drop(const struct exchange *ex);
/* -1: the connection is to be dropped. */
int upload_data(struct exchange *ex, const char *data, size_t n);
int upload_finish(struct exchange *ex, struct api_error *err);
void upload_abort(struct exchange *ex);

#endif
