/*
 * bqload's command line: the option table, and what it fills. The strings are
 * borrowed from it.
 */
#ifndef SLUICE_LOAD_CONFIG_H
#define SLUICE_LOAD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/destination.h"
#include "lib/options.h"

struct config {
	int write; /* enum write_mode */
	const char *schema_file, *project, *location, *run_id, *credentials, *evolve;
	const char *key;                    /* A,B of --key, or NULL */
	const char *cursor, *immutable;     /* column names, or NULL */
	const char *soft_delete, *undelete; /* column names, or NULL */
	const char *stage;                  /* gs://BUCKET/PREFIX, or NULL */
	const char *part_size;              /* of --part-size, or NULL */
	bool delete_missing, keys_only;
	int64_t maximum_bytes_billed; /* of a query job; 0: no limit */
	bool bare, no_create, replace_schema, allow_lossy, dry_run, gzip;
	const char *ledger; /* or NULL or "": none */
	bool state;         /* say what the ledger says, and load nothing */
	struct layout layout;
	struct option_values add_columns; /* KIND[=NAME] */
	struct option_values labels, endpoints;
	int64_t parallel;     /* connections of --stage; 0: not given */
	int64_t lock_wait_ms; /* for another's lock of a batch */
	int64_t max_bad_records, timeout_ms, retry_initial_ms, retry_for_ms;
};

struct plan_options;

extern const struct program program;

/* Which options and operands go together, and what they say of the table: ERR_USAGE. */
int config_check(const struct config *c, const struct command_line *line, struct plan_options *plan,
		 struct error *err) __attribute__((warn_unused_result));

#endif
