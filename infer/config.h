/* What the command line of schemainfer says. */
#ifndef SLUICE_INFER_CONFIG_H
#define SLUICE_INFER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum mode { INFER_AUTO, INFER_EXACT, INFER_COMPATIBLE };
enum input_format { FORMAT_JSON, FORMAT_CSV };

struct config {
	const char *file; /* NULL: stdin */
	const char *existing;
	const char *table;
	int mode;         /* enum mode; INFER_AUTO is gone once the command line is read */
	int input_format; /* enum input_format */
	bool schema_only, bare, keep_nulls, infer_mode, sanitize_names, quoted_values_are_strings,
		ignore_invalid_lines, preserve_input_sort_order, debugging_map;
	int64_t debugging_interval;
};

#endif
