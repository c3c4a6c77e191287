/*
 * What bqload's command line says; the strings are borrowed from it. Filled
 * and judged in bqload.c, read by the others.
 */
#ifndef SLUICE_LOAD_CONFIG_H
#define SLUICE_LOAD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/options.h"
#include "load/destination.h"

struct config {
	int write; /* enum write_mode */
	const char *schema_file, *project, *location, *run_id, *credentials, *evolve;
	const char *key;                /* A,B of --key, or NULL */
	const char *cursor, *immutable; /* column names, or NULL */
	bool bare, no_create, replace_schema, allow_lossy, dry_run;
	struct layout layout;
	struct option_values labels, endpoints;
	int64_t max_bad_records, timeout_ms, retry_initial_ms, retry_for_ms;
};

#endif
