/* The command line and the environment of dtstrigger. */
#ifndef SLUICE_TRIGGER_DTSTRIGGER_OPTIONS_H
#define SLUICE_TRIGGER_DTSTRIGGER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/options.h"

struct config {
	const char *config, *suffix, *datasets_text;
	const char *project, *location, *credentials;
	const char *lock, *lock_project, *lock_database;
	const char *run_time, *range;
	struct option_values endpoints;
	int64_t lease_ms, every_ms, timeout_ms, retry_initial_ms, retry_for_ms;
	bool wait, dry_run;

	char **datasets;    /* of datasets_text, NULL-terminated; NULL: all. One allocation */
	char *default_lock; /* what lock points to where nobody has said it */
	bool manual;        /* --run-time or --range: nothing is read */
	bool range_given;
	int64_t from_ns, before_ns; /* of these */
	bool now;                   /* --run-time now */
};

extern const struct program dtstrigger_program;

/* *c: with its defaults. done: as of options_parse. */
int config_read(struct config *c, int argc, char **argv, bool *done, struct error *err)
	__attribute__((warn_unused_result));
void config_release(struct config *c);

/* For api_open. */
struct api_options config_api(const struct config *c, enum endpoint_service service);

#endif
