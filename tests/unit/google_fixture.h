/*
 * What the tests of lib/google share: a clean environment, a fresh RSA key,
 * and a server on loopback that plays a script. Its replies go out in the
 * order of the script, one a request, whatever the request is; what came in
 * is kept for the test to look at. A script that is over answers 418.
 *
 * A fixture that cannot be set up aborts: that is no test's failure.
 */
#ifndef SLUICE_TESTS_GOOGLE_FIXTURE_H
#define SLUICE_TESTS_GOOGLE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/google/api.h"

/* No variable that lib/google looks at is set; HOME is empty; there is no metadata server. */
void fixture_clean_environment(void);

/* A 2048-bit RSA private key in PEM, made once. */
const char *fixture_rsa_key(void);

/* Whether sig is the RS256 signature of p under fixture_rsa_key. */
bool fixture_verifies(const void *sig, size_t sig_length, const void *p, size_t n);

/* Write text to a new temporary file, which is removed at exit; its path is valid until then. */
const char *fixture_file(const char *text);

/* The JSON of a service account whose token_uri is URL/token. */
const char *fixture_service_account(const char *url);

enum script_action {
	SCRIPT_ANSWER,
	SCRIPT_DROP, /* read the request whole, then close without an answer */
	SCRIPT_HANG, /* read the request whole, then stay silent until the client goes */
	SCRIPT_CUT,  /* close in the middle of the answer's body */
};

struct script_reply {
	int status;
	const char *headers; /* "Name: value\r\n…", or NULL */
	const char *body;    /* or NULL */
	enum script_action action;
	size_t pad;   /* this many spaces behind the body */
	int delay_ms; /* before the answer */
};

enum { SCRIPT_REQUESTS_MAX = 32 };

struct script_request {
	char line[512];     /* "PUT /s HTTP/1.1" */
	char headers[4096]; /* with their line ends */
	char *body;         /* NUL-terminated */
	size_t body_length;
	int connection; /* which one, from 0 */
};

struct script;

/* The replies are borrowed until script_stop. */
struct script *script_start(const struct script_reply *replies, size_t count);
void script_stop(struct script *s);

/* "http://127.0.0.1:PORT" */
const char *script_url(const struct script *s);

/* Requests that were read whole so far. */
size_t script_count(struct script *s);
/* The i-th of them; all-empty when there is none. */
const struct script_request *script_request(struct script *s, size_t i);

/* "name: value" is among the request's headers. */
bool script_has_header(const struct script_request *r, const char *header);

/* A BigQuery api at the script, without authentication, that retries after 1 ms for 2 s. */
void fixture_api(struct api *a, const struct script *s);

/* The same for Cloud Storage. */
void fixture_storage_api(struct api *a, const struct script *s);

#endif
