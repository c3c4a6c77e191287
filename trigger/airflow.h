/*
 * Airflow's stable REST API, what is needed of it: v1 of Airflow 2 (its
 * openapi/v1.yaml), v2 of Airflow 3. A DAG run has the id that we give it,
 * so to trigger it again is a conflict, not a second run.
 *
 * Functions have three results: 1 yes, 0 the answer that callers must expect
 * (named at each function), -1 an error. Objects handed out are the caller's
 * to json_decref, and are Airflow's resources of either version.
 */
#ifndef SLUICE_TRIGGER_AIRFLOW_H
#define SLUICE_TRIGGER_AIRFLOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

enum airflow_version {
	AIRFLOW_AUTO, /* v2 where the server has it */
	AIRFLOW_V1,
	AIRFLOW_V2,
};

enum airflow_auth {
	AIRFLOW_AUTH_DEFAULT, /* by what is given: token, password, Composer's Google, none */
	AIRFLOW_AUTH_NONE,
	AIRFLOW_AUTH_BASIC, /* of v2: exchanged for a token at /auth/token */
	AIRFLOW_AUTH_TOKEN,
	AIRFLOW_AUTH_GOOGLE, /* an access token of the Google credentials */
};

/* Borrowed, and for as long as it is open. */
struct airflow_options {
	const char *url;      /* of the web server, or NULL */
	const char *composer; /* the environment that has it, or NULL */
	const char *project;  /* of an environment without one: --project, or NULL */
	enum airflow_version version;
	enum airflow_auth auth;
	const char *user, *password_file; /* the password: of the file, else AIRFLOW_PASSWORD */
	const char *token_file;           /* else AIRFLOW_TOKEN */
	const struct api_options *google; /* credentials, endpoints, retries */
};

struct airflow;

/*
 * Finds the address, reads the secrets and asks for the version.
 * ERR_USAGE: a bad name of an environment. ERR_CONFIG: secrets that are
 * missing, cannot be read or would travel in clear text.
 */
int airflow_open(const struct airflow_options *options, struct airflow **ret, struct error *err)
	__attribute__((warn_unused_result));
/* NULL is harmless. */
void airflow_close(struct airflow *a);

/* The address, for messages. */
const char *airflow_url(const struct airflow *a);

/* 0: there is no such DAG, or we may not see it. */
int airflow_dag_get(struct airflow *a, const char *dag, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Have the DAG run under that id, with conf. 1: this call has triggered it
 * (or one before it whose answer was lost). 0: it was there already. Either
 * way *ret is the run. ERR_REMOTE: no such DAG, one with import errors …
 */
int airflow_trigger(struct airflow *a, const char *dag, const char *run_id, const json_t *conf,
		    json_t **ret, struct error *err) __attribute__((warn_unused_result));

/* 0: there is no such run. */
int airflow_run_get(struct airflow *a, const char *dag, const char *run_id, json_t **ret,
		    struct error *err) __attribute__((warn_unused_result));

/*
 * Look every so often until the run has ended. ERR_REMOTE: it is gone;
 * ERR_TEMP: the program's timeout.
 */
int airflow_run_wait(struct airflow *a, const char *dag, const char *run_id, int64_t every_ms,
		     json_t **ret, struct error *err) __attribute__((warn_unused_result));

/* "queued", "running", "success", "failed"; "" where the run says none. Borrowed from it. */
const char *airflow_run_state(const json_t *run);

#endif
