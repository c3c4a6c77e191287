/* sqlextract's command line: the option table, and what it fills. */
#ifndef SLUICE_EXTRACT_SQLEXTRACT_OPTIONS_H
#define SLUICE_EXTRACT_SQLEXTRACT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "extract/driver.h"
#include "lib/options.h"

struct config {
	const char *query, *columns, *exclude, *where, *key, *rejects;
	const char *snapshot, *snapshot_ready, *hash_key;
	const char *cursor, *after, *lag;
	struct option_values type, hash, mask;
	struct type_options types; /* numeric as NUMERIC_AS_...; the rest from the choices below */
	int tinyint1, time, zero_dates, arrays, json, interval, datetime_as, names, cursor_nulls;
	int64_t limit, max_rejects, connect_timeout_ms, read_timeout_ms, timeout_ms;
	bool full, row_security, schema_only, list, hold_snapshot;
};

/* What stands in a config before the command line. */
extern const struct config config_defaults;

extern const struct program program;

/* Which options and operands go together: ERR_USAGE. */
int config_check(const struct config *c, const struct command_line *line, struct error *err)
	__attribute__((warn_unused_result));

#endif
