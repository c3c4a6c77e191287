/*
 * One transfer run, from the request to its end.
 *
 * Its tables are staged below PREFIX/SOURCE/CONFIG/RUN/TABLE/ATTEMPT/, where
 * ATTEMPT is random: no process sees another's files. Before the service is
 * asked to load them, what it will be asked is written to the object
 * PREFIX/SOURCE/CONFIG/RUN/_started, which only one process can create. Who
 * finds it there stages nothing, and asks for the load only where the service
 * tells of no load job; then for that one, with the files of that process.
 */
#ifndef SLUICE_TRIGGER_SERVE_RUN_H
#define SLUICE_TRIGGER_SERVE_RUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/storage.h"
#include "trigger/serve_config.h"
#include "trigger/serve_options.h"
#include "trigger/serve_request.h"

/* What all runs share. */
struct serving {
	const struct serve_options *options;
	const struct serve_config *config;
	struct storage_uri at; /* of --stage */
};

struct run_result {
	char state[32];       /* of the run, as the service has it now */
	struct error failure; /* why it FAILED; code 0: it has not, or nobody knows why */
};

/*
 * Serve the run. 0: it needs nothing more, ret says how it stands. -1: it does,
 * and the request should come again: ERR_TEMP, or 128 + n for a signal.
 */
int run_serve(const struct serving *s, struct request *r, struct run_result *ret, struct error *err)
	__attribute__((warn_unused_result));

/* The same without the service: the tables are loaded into the dataset of the project by jobs of our own. */
int run_directly(const struct serving *s, struct request *r, struct error *err)
	__attribute__((warn_unused_result));

/* Is it of our data source, and do its parameters fit? ERR_DATA. */
int run_check_request(const struct serving *s, struct request *r, struct error *err)
	__attribute__((warn_unused_result));

#endif
