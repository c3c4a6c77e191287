#include "infer/schemainfer_options.h"

#include <stddef.h>

#include "infer/config.h"

static const char *const modes[] = { "auto", "exact", "compatible", NULL };
static const char *const formats[] = { "json", "csv", NULL };

#define FIELD(member) .offset = offsetof(struct config, member)
static const struct option_def options[] = {
	{ .name = "schema-only",
	  .kind = OPTION_FLAG,
	  FIELD(schema_only),
	  .help = "print the schema as JSON and nothing else" },
	{ .name = "mode",
	  .kind = OPTION_CHOICE,
	  FIELD(mode),
	  .choices = modes,
	  .argument = "MODE",
	  .help = "exact, compatible (with generate-schema); default by --schema-only" },
	{ .name = "bare",
	  .kind = OPTION_FLAG,
	  FIELD(bare),
	  .help = "the input is plain NDJSON, whose end proves nothing" },
	{ .name = "input-format",
	  .kind = OPTION_CHOICE,
	  FIELD(input_format),
	  .choices = formats,
	  .argument = "FORMAT",
	  .help = "json (default) or csv" },
	{ .name = "table",
	  .kind = OPTION_STRING,
	  FIELD(table),
	  .argument = "NAME",
	  .help = "table name for @begin" },
	{ .name = "existing",
	  .kind = OPTION_STRING,
	  FIELD(existing),
	  .argument = "FILE",
	  .help = "the table's schema so far, as `bq show --schema` prints it" },
	{ .name = "existing-schema-path",
	  .kind = OPTION_STRING,
	  FIELD(existing),
	  .argument = "FILE",
	  .help = "the same" },
	{ .name = "keep-nulls",
	  .kind = OPTION_FLAG,
	  FIELD(keep_nulls),
	  .help = "keep columns that have only null, [] or {}" },
	{ .name = "quoted-values-are-strings",
	  .kind = OPTION_FLAG,
	  FIELD(quoted_values_are_strings),
	  .help = "numbers and booleans in quotes are strings" },
	{ .name = "infer-mode",
	  .kind = OPTION_FLAG,
	  FIELD(infer_mode),
	  .help = "CSV columns without gaps are REQUIRED, those of --existing may relax" },
	{ .name = "sanitize-names",
	  .kind = OPTION_FLAG,
	  FIELD(sanitize_names),
	  .help = "--mode compatible: names of [A-Za-z0-9_], at most 127 characters" },
	{ .name = "ignore-invalid-lines",
	  .kind = OPTION_FLAG,
	  FIELD(ignore_invalid_lines),
	  .help = "leave out lines that are no rows, with a warning" },
	{ .name = "preserve-input-sort-order",
	  .kind = OPTION_FLAG,
	  FIELD(preserve_input_sort_order),
	  .help = "columns in the order of the data (CSV: always)" },
	{ .name = "debugging-interval",
	  .kind = OPTION_INT,
	  FIELD(debugging_interval),
	  .argument = "N",
	  .help = "log a line every N rows" },
	{ .name = "debugging-map",
	  .kind = OPTION_FLAG,
	  FIELD(debugging_map),
	  .help = "print what --mode compatible knows, not the schema" },
	{ 0 },
};

static const char *const usage[] = { "[options] [FILE]", NULL };

const struct program schemainfer_program = {
	.name = "schemainfer",
	.summary = "infer a BigQuery schema from rows",
	.usage = usage,
	.options = options,
	.epilog =
		"Reads FILE, or stdin: a row stream, with --bare plain NDJSON. With --schema-only it may be\n"
		"either. A FILE is read twice; stdin is kept in an unlinked file in TMPDIR meanwhile.\n",
};

int schemainfer_options_parse(int argc, char **argv, struct config *config,
			      struct command_line *line, struct error *err)
{
	if (options_parse(&schemainfer_program, argc, argv, config, line, err) < 0)
		return -1;
	if (line->done)
		return 0;
	if (line->operand_count > 1)
		return error_set(err, ERR_USAGE, "one FILE at most, not %zu", line->operand_count);
	config->file = line->operand_count ? line->operands[0] : NULL;
	if (config->mode == INFER_AUTO)
		config->mode = config->schema_only || config->debugging_map ? INFER_COMPATIBLE
									    : INFER_EXACT;
	if (config->debugging_map) {
		if (config->mode != INFER_COMPATIBLE)
			return error_set(err, ERR_USAGE,
					 "--debugging-map is for --mode compatible");
		config->schema_only = true;
	}
	return 0;
}
