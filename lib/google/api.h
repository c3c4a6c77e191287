/*
 * One call of a Google REST API: endpoint, token, retries, error envelope.
 *
 * Retried with backoff: network failures and API_ERROR_RETRYABLE; a request
 * that is not idempotent only where the server cannot have acted on it. A
 * 401 gets one new token and one more attempt.
 *
 * An api belongs to one thread at a time, except for api_cancel. It owns its
 * connection, credentials and token; threads that call at once open one each.
 */
#ifndef SLUICE_LIB_GOOGLE_API_H
#define SLUICE_LIB_GOOGLE_API_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api_error.h"
#include "lib/google/backoff.h"
#include "lib/google/credentials.h"
#include "lib/google/endpoint.h"
#include "lib/google/http.h"
#include "lib/google/token.h"
#include "lib/options.h"

/* Everything is borrowed, and only for api_open. */
struct api_options {
	enum endpoint_service service;
	const struct option_values *endpoints; /* --endpoint, or NULL */
	const char *credentials_file;          /* --credentials, or NULL */
	struct retry_policy retry;
};

struct api {
	struct endpoint endpoint;
	struct credentials credentials; /* CREDENTIALS_NONE when authentication is off */
	struct http_client *client;
	struct token token; /* points to the two above: the struct must not move */
	struct retry_policy retry;
	int64_t timeout_ms; /* of one attempt, where a request says none; 0: 5 min */
};

/* Nothing is sent yet, but the metadata server may be asked whether it is there. */
int api_open(struct api *a, const struct api_options *options, struct error *err)
	__attribute__((warn_unused_result));
/*
 * The same for another server (endpoint_at): authenticate says whether with
 * Google's tokens; service and endpoints of the options have no meaning.
 */
int api_open_at(struct api *a, const struct endpoint *endpoint, bool authenticate,
		const struct api_options *options, struct error *err)
	__attribute__((warn_unused_result));
/* Harmless on a zeroed struct. */
void api_close(struct api *a);

/* See http_client_cancel. */
void api_cancel(struct api *a);

/* credentials_project of this api. */
int api_project(struct api *a, const char *option, char **ret, struct error *err)
	__attribute__((warn_unused_result));

enum { API_EXPECTED_MAX = 4 };

struct api_request {
	const char *what; /* for messages and logs: "table p:d.t" */
	const char *method;
	const char *path;     /* behind the API's base, "/projects/p/jobs?x=y", or a whole URL */
	bool upload;          /* the path stands behind the upload base */
	const json_t *body;   /* or NULL; borrowed */
	const char *if_match; /* an etag, or NULL */
	const struct http_header *headers;
	size_t header_count;
	bool once; /* not idempotent: retried only if the server cannot have acted */
	int expected[API_EXPECTED_MAX]; /* HTTP statuses >= 400 that are an answer, not a failure */
	int64_t timeout_ms;             /* of one attempt; 0: the api's */
	struct buf *content; /* of an answer that is no JSON: appended here; NULL: it is JSON */
};

struct api_response {
	int status;
	json_t *json; /* owned; NULL for an empty body or an expected error status */
	char location[4096];
	char etag[256]; /* of the header */
	bool repeated;  /* an earlier attempt may have had its effect: a 409 may be our own */
	struct api_error_info error; /* filled when status >= 400 */
};

#define API_RESPONSE_INIT   \
	{                   \
		.status = 0 \
	}
#define auto_api_response __attribute__((cleanup(api_response_release))) struct api_response

void api_response_release(struct api_response *r);

/*
 * 0 for 2xx and the expected statuses. ret must be released or fresh; it is
 * untouched on failure. Beside api_error_set's codes: ERR_PROTOCOL for an
 * answer of 2xx that is no JSON.
 */
int api_call(struct api *a, const struct api_request *request, struct api_response *ret,
	     struct error *err) __attribute__((warn_unused_result));

/*
 * One attempt with the token: for protocols with retries of their own
 * (resumable.h). 401 is answered with one new token and one more attempt;
 * every other status is the caller's. request->bearer and the
 * x-goog-user-project header are set here.
 */
int api_attempt(struct api *a, const struct http_request *request, struct http_response *ret,
		struct error *err) __attribute__((warn_unused_result));

/*
 * Log the failure and wait before the next attempt. 1: go on. 0: the budget
 * is used up, the failure stands. -1: interrupted, which `failure` now says.
 */
int api_wait(struct api *a, struct backoff *backoff, int64_t at_least_ms, struct error *failure)
	__attribute__((warn_unused_result));

#endif
