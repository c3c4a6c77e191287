/* Where the Airflow of a Cloud Composer environment is: composer.googleapis.com v1. */
#ifndef SLUICE_TRIGGER_AIRFLOW_COMPOSER_H
#define SLUICE_TRIGGER_AIRFLOW_COMPOSER_H

#include "lib/error.h"
#include "lib/google/api.h"

/*
 * environment: projects/P/locations/L/environments/E, or L/E of the project.
 * *ret is its config.airflowUri, the caller's to free. ERR_USAGE: that is no
 * such name. ERR_REMOTE: there is no such environment. ERR_TEMP: it has no
 * Airflow yet, or while it changes.
 */
int airflow_composer_uri(const char *environment, const char *project,
			 const struct api_options *google, char **ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
