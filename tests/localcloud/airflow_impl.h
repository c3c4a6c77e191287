/* Shared by the files that keep Airflow's state only. */
#ifndef LOCALCLOUD_AIRFLOW_IMPL_H
#define LOCALCLOUD_AIRFLOW_IMPL_H

#include "tests/localcloud/airflow.h"

#include <pthread.h>

struct airflow {
	pthread_mutex_t lock; /* guards all below */
	json_t *config;       /* as PUT /airflow gave it */
	json_t *tokens;       /* token -> user */
	json_t *runs;         /* DAG -> run id -> run, see airflow_runs.c */
};

#endif
