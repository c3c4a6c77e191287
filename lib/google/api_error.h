/*
 * What a Google API says when it says no: the error envelope, what kind of no
 * it is, and which exit status follows. No network.
 */
#ifndef SLUICE_LIB_GOOGLE_API_ERROR_H
#define SLUICE_LIB_GOOGLE_API_ERROR_H

#include <stdint.h>

#include "lib/error.h"
#include "lib/google/http.h"

struct api_error_info {
	int status;             /* HTTP */
	char reason[64];        /* errors[0].reason of BigQuery and Storage, else "" */
	char grpc_status[64];   /* "NOT_FOUND" …, else "" */
	char location[128];     /* errors[0].location: a field or "query", else "" */
	char message[1024];     /* never "": the status' own words where the server has none */
	int64_t retry_after_ms; /* Retry-After or RetryInfo.retryDelay, the longer one; 0: none */
};

enum api_error_class {
	API_ERROR_RETRYABLE,  /* 408, 429, 5xx, rateLimitExceeded, backendError, UNAVAILABLE … */
	API_ERROR_QUOTA,      /* 403 quotaExceeded: ten minutes or more */
	API_ERROR_AUTH,       /* 401 */
	API_ERROR_PERMISSION, /* 403 */
	API_ERROR_NOT_FOUND,  /* 404, 410 */
	API_ERROR_CONFLICT,   /* 409: it exists already */
	API_ERROR_PRECONDITION, /* 412 */
	API_ERROR_INVALID,      /* any other 4xx */
	API_ERROR_UNEXPECTED,   /* no 4xx or 5xx at all: a redirect */
};

/* Read the envelope of an answer; any body will do (a proxy's HTML, none). Never fails. */
void api_error_parse(const struct http_response *response, struct api_error_info *ret);

enum api_error_class api_error_classify(const struct api_error_info *info);

/*
 * Fill err: ERR_PERM for AUTH and PERMISSION; ERR_TEMP for RETRYABLE and
 * QUOTA (which says how long to wait); ERR_PROTOCOL for UNEXPECTED;
 * ERR_REMOTE for the rest, which callers who know better set anew. "what:
 * message (reason)". Returns -1.
 */
int api_error_set(const struct api_error_info *info, const char *what, struct error *err);

#endif
