/*
 * DAGs, users and DAG runs of an Airflow, in memory, and the environments of Cloud Composer that have it. What real
 * installations have in files and databases comes in by PUT /airflow (README.md).
 *
 * All functions are thread-safe. Objects handed out are new references. A run is queued for queuedMs, then running for
 * durationMs, then what outcome says, by the DAG as it was when the run was made; while the DAG is paused, its runs
 * stay queued.
 */
#ifndef LOCALCLOUD_AIRFLOW_H
#define LOCALCLOUD_AIRFLOW_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>
#include <stdint.h>

struct airflow;

struct airflow *airflow_new(void);
void airflow_free(struct airflow *a);

/* Members "version", "users", "dags", "environments"; of the objects each member replaces one of that name. 400. */
int airflow_configure(struct airflow *a, const json_t *config, struct api_error *err);
json_t *airflow_config(struct airflow *a);

/* 2 or 3. */
int airflow_major(struct airflow *a);
/* "2.10.5" */
void airflow_version(struct airflow *a, char *out, size_t size);

/* --- who asks ------------------------------------------------------------------------------------------------ */

enum airflow_role { AIRFLOW_NOBODY, AIRFLOW_PUBLIC, AIRFLOW_VIEWER, AIRFLOW_OP };

enum airflow_role airflow_role_of_password(struct airflow *a, const char *user,
					   const char *password);
enum airflow_role airflow_role_of_token(struct airflow *a, const char *token);
/* For the user, whose password has been checked. New string. */
char *airflow_token_new(struct airflow *a, const char *user);
void airflow_expire_tokens(struct airflow *a);

/* --- DAGs and runs ------------------------------------------------------------------------------------------- */

/* What is said of a DAG, of a run: api version 1 or 2. 404. */
json_t *airflow_dag(struct airflow *a, int api, const char *dag, struct api_error *err);
int airflow_dag_pause(struct airflow *a, const char *dag, bool paused, struct api_error *err);
json_t *airflow_run(struct airflow *a, int api, const char *dag, const char *run,
		    struct api_error *err);
json_t *airflow_runs(struct airflow *a, int api, const char *dag, struct api_error *err);
/* body: dag_run_id, conf, logical_date, note as they came, of the right types. 400, 404, 409. */
json_t *airflow_run_new(struct airflow *a, int api, const char *dag, const json_t *body,
			struct api_error *err);

/* The environment's "state", or "" where there is none of that name. */
void airflow_environment(struct airflow *a, const char *name, char *state, size_t size);

#endif
