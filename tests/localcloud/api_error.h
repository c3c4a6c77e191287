/*
 * An error as a Google API reports it: HTTP status, BigQuery reason, location and message.
 *
 * A function that can fail takes a `struct api_error *` as its last parameter and fills it only when it fails. The
 * struct is plain data with fixed room: nothing to free. A message longer than the room is cut.
 */
#ifndef LOCALCLOUD_API_ERROR_H
#define LOCALCLOUD_API_ERROR_H

#include <jansson.h>
#include <stdarg.h>

struct api_error {
	int status;      /* HTTP status, e.g. 404 */
	char reason[32]; /* errors[0].reason, e.g. "notFound" */
	char location
		[1152]; /* errors[0].location: a field, a header, "query" or a URI; may be empty */
	char message[2560];
};

/* Fills err and returns -1, so that `return api_fail(...)` ends a function. */
int api_fail(struct api_error *err, int status, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same, naming the place of the error. */
int api_fail_at(struct api_error *err, int status, const char *reason, const char *location,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The google.rpc.Code name that goes with an HTTP status ("NOT_FOUND"). */
const char *api_status_name(int status);

/* New reference: {"error":{"code","message","status","errors":[…]}}. */
json_t *api_error_envelope(const struct api_error *err);

/* New reference: {"reason","location","message"}, the ErrorProto of job statuses. */
json_t *api_error_proto(const struct api_error *err);

#endif
