/* dtsserve's command line: the option table, and what it fills. The strings are borrowed from it. */
#ifndef SLUICE_TRIGGER_SERVE_OPTIONS_H
#define SLUICE_TRIGGER_SERVE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/google/api.h"
#include "lib/options.h"

struct serve_options {
	const char *project, *location, *credentials;
	struct option_values endpoints;
	int64_t retry_initial_ms, retry_for_ms;
	/* run */
	const char *stage;        /* gs://BUCKET/PREFIX */
	const char *transfer_run; /* FILE: one run, loaded directly; or NULL */
	int64_t max_run_s, log_flush_s, parallel, connections;
	int64_t takeover_ms; /* how long another process has that has made the mark */
	bool gzip;
	/* source */
	const char *update_mask; /* or NULL */
	int64_t page_size;       /* 0: the server's */
};

extern const struct program program;

/* For api_open. */
struct api_options serve_api_options(const struct serve_options *o, enum endpoint_service service);

#endif
