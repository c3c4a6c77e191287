/* The settings of dagtrigger: its option table, and what is wrong with a combination of them. */
#ifndef SLUICE_TRIGGER_DAGTRIGGER_CONFIG_H
#define SLUICE_TRIGGER_DAGTRIGGER_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/options.h"
#include "trigger/airflow.h"
#include "trigger/execution.h"

struct dagtrigger_config {
	const char *dag, *airflow, *composer, *user, *password_file, *token_file;
	int version, auth; /* enum airflow_version, airflow_auth */
	struct option_values conf;
	const char *allow, *script, *source, *ledger, *location, *project, *credentials;
	const char *complete, *status;
	struct option_values endpoints;
	int64_t every_ms, timeout_ms, retry_initial_ms, retry_for_ms;
	bool wait, dry_run;
};

extern const struct program dagtrigger_program;
extern const struct dagtrigger_config dagtrigger_defaults;

/* ERR_USAGE. */
int dagtrigger_check(const struct dagtrigger_config *c, const struct command_line *line,
		     struct error *err) __attribute__((warn_unused_result));

/* --airflow; NULL: Composer is asked, also where AIRFLOW_URL is exported. */
const char *dagtrigger_airflow(const struct dagtrigger_config *c);

/* The members that --conf adds to every run's; a new object. ERR_USAGE. */
int dagtrigger_conf(const struct dagtrigger_config *c, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* Which server, who we are to it, and how often requests are repeated. */
struct api_options dagtrigger_api(const struct dagtrigger_config *c, enum endpoint_service service);

#endif
