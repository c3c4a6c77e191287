/*
 * Handlers of Airflow's REST API below /airflow: v1 of Airflow 2, v2 of Airflow 3, as its version says; and of Composer's
 * environments.get. ex->param holds the API's version, then DAG and run; of Composer project, location, environment.
 */
#ifndef LOCALCLOUD_AIRFLOW_API_H
#define LOCALCLOUD_AIRFLOW_API_H

#include "tests/localcloud/http.h"

int airflow_control_put(struct exchange *ex, struct api_error *err);
int airflow_control_get(struct exchange *ex, struct api_error *err);

int airflow_token_post(struct exchange *ex, struct api_error *err);
int airflow_version_get(struct exchange *ex, struct api_error *err);
int airflow_dags_get(struct exchange *ex, struct api_error *err);
int airflow_dags_patch(struct exchange *ex, struct api_error *err);
int airflow_runs_list(struct exchange *ex, struct api_error *err);
int airflow_runs_post(struct exchange *ex, struct api_error *err);
int airflow_runs_get(struct exchange *ex, struct api_error *err);

int composer_environments_get(struct exchange *ex, struct api_error *err);

bool airflow_is_path(const char *path);
/* Errors as Airflow has them: problem details (RFC 9457) of v1, FastAPI's "detail" of v2. */
void airflow_error_answer(struct exchange *ex, const struct api_error *err);

#endif
