#include "extract/sqlextract_options.h"

#include "extract/cursor.h"

enum { CONNECT_TIMEOUT_MS = 30000 };

/* As enum cursor_nulls. */
static const char *const cursor_nulls_words[] = { "include", "skip", "fail", NULL };

#define FIELD(name) offsetof(struct config, name)

/* The first word is what happens without the option. */
static const char *const numeric_words[] = { "bignumeric", "numeric", "string", "float", NULL };
static const char *const tinyint1_words[] = { "integer", "bool", NULL };
static const char *const time_words[] = { "time", "string", NULL };
static const char *const zero_dates_words[] = { "reject", "null", NULL };
static const char *const arrays_words[] = { "repeated", "json", NULL };
static const char *const json_words[] = { "json", "string", NULL };
static const char *const interval_words[] = { "interval", "string", NULL };
static const char *const datetime_words[] = { "datetime", "timestamp", NULL };
static const char *const names_words[] = { "plain", "flexible", NULL };

static const struct option_def options[] = {
	{ .name = "query",
	  .kind = OPTION_STRING,
	  .offset = FIELD(query),
	  .argument = "SQL",
	  .help = "read this SELECT instead of a table" },
	{ .name = "columns",
	  .kind = OPTION_STRING,
	  .offset = FIELD(columns),
	  .argument = "A,B",
	  .help = "only these columns, in this order" },
	{ .name = "exclude",
	  .kind = OPTION_STRING,
	  .offset = FIELD(exclude),
	  .argument = "A,B",
	  .help = "all columns but these" },
	{ .name = "where",
	  .kind = OPTION_STRING,
	  .offset = FIELD(where),
	  .argument = "SQL",
	  .help = "only rows for which this condition is true" },
	{ .name = "limit",
	  .kind = OPTION_INT,
	  .offset = FIELD(limit),
	  .argument = "N",
	  .help = "at most N rows" },
	{ .name = "full",
	  .kind = OPTION_FLAG,
	  .offset = FIELD(full),
	  .help = "the rows are all that belong into the destination, in spite of --where or --query" },
	{ .name = "row-security",
	  .kind = OPTION_FLAG,
	  .offset = FIELD(row_security),
	  .help = "read only what row-level security shows, instead of failing where it hides rows" },
	{ .name = "key",
	  .kind = OPTION_STRING,
	  .offset = FIELD(key),
	  .argument = "A,B",
	  .help = "the columns that identify a row (default: the primary key)" },
	{ .name = "cursor",
	  .kind = OPTION_STRING,
	  .offset = FIELD(cursor),
	  .argument = "COL",
	  .help = "an incremental read: rows up to the largest value of this column" },
	{ .name = "after",
	  .kind = OPTION_STRING,
	  .offset = FIELD(after),
	  .argument = "VALUE",
	  .help = "only rows above this value, the last one of the run before" },
	{ .name = "lag",
	  .kind = OPTION_STRING,
	  .offset = FIELD(lag),
	  .argument = "D",
	  .help = "begin this much before --after, itself included: for merges" },
	{ .name = "cursor-nulls",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(cursor_nulls),
	  .argument = "HOW",
	  .choices = cursor_nulls_words,
	  .help = "rows without a value there: include, skip, fail" },
	{ .name = "max-rejects",
	  .kind = OPTION_INT,
	  .offset = FIELD(max_rejects),
	  .argument = "N",
	  .help = "how many rows BigQuery may be unable to hold; -1: any number (default 0)",
	  .min = -1,
	  .max = INT64_MAX },
	{ .name = "rejects",
	  .kind = OPTION_STRING,
	  .offset = FIELD(rejects),
	  .argument = "FILE",
	  .help = "write a line for each such row to FILE" },
	{ .name = "type",
	  .kind = OPTION_REPEAT,
	  .offset = FIELD(type),
	  .argument = "COL=TYPE",
	  .help = "this BigQuery type for that column, where its values fit" },
	{ .name = "numeric",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(types.numeric),
	  .argument = "T",
	  .choices = numeric_words,
	  .help = "numeric without a precision: bignumeric (default), numeric, string, float" },
	{ .name = "tinyint1",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(tinyint1),
	  .argument = "T",
	  .choices = tinyint1_words,
	  .help = "tinyint(1) of MySQL: integer (default), bool" },
	{ .name = "time",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(time),
	  .argument = "T",
	  .choices = time_words,
	  .help = "times: time (default), string" },
	{ .name = "zero-dates",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(zero_dates),
	  .argument = "T",
	  .choices = zero_dates_words,
	  .help = "zero and partial dates of MySQL: reject (default), null" },
	{ .name = "arrays",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(arrays),
	  .argument = "T",
	  .choices = arrays_words,
	  .help = "arrays: repeated (default), json" },
	{ .name = "json",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(json),
	  .argument = "T",
	  .choices = json_words,
	  .help = "JSON: json (default), string" },
	{ .name = "interval",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(interval),
	  .argument = "T",
	  .choices = interval_words,
	  .help = "intervals: interval (default), string" },
	{ .name = "datetime-as",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(datetime_as),
	  .argument = "T",
	  .choices = datetime_words,
	  .help = "date and time without a zone: datetime (default), timestamp" },
	{ .name = "names",
	  .kind = OPTION_CHOICE,
	  .offset = FIELD(names),
	  .argument = "T",
	  .choices = names_words,
	  .help = "column names: plain (default), flexible" },
	{ .name = "hash",
	  .kind = OPTION_REPEAT,
	  .offset = FIELD(hash),
	  .argument = "COL",
	  .help = "replace that column's values by their keyed SHA-256" },
	{ .name = "hash-key",
	  .kind = OPTION_STRING,
	  .offset = FIELD(hash_key),
	  .argument = "FILE",
	  .help = "the key of --hash" },
	{ .name = "mask",
	  .kind = OPTION_REPEAT,
	  .offset = FIELD(mask),
	  .argument = "COL=HOW",
	  .help = "replace that column's values: null, constant:TEXT, partial:N" },
	{ .name = "snapshot",
	  .kind = OPTION_STRING,
	  .offset = FIELD(snapshot),
	  .argument = "ID",
	  .help = "read what this exported snapshot of PostgreSQL shows" },
	{ .name = "snapshot-ready",
	  .kind = OPTION_STRING,
	  .offset = FIELD(snapshot_ready),
	  .argument = "FILE",
	  .help = "create FILE once it is fixed which state is read" },
	{ .name = "hold-snapshot",
	  .kind = OPTION_FLAG,
	  .offset = FIELD(hold_snapshot),
	  .help = "fix one state of the tables for other runs, until stdin ends" },
	{ .name = "schema-only",
	  .kind = OPTION_FLAG,
	  .offset = FIELD(schema_only),
	  .help = "print only the BigQuery schema, as JSON" },
	{ .name = "list",
	  .kind = OPTION_FLAG,
	  .offset = FIELD(list),
	  .help = "print a line for each table that can be read" },
	{ .name = "connect-timeout",
	  .kind = OPTION_DURATION,
	  .offset = FIELD(connect_timeout_ms),
	  .argument = "D",
	  .help = "give up connecting after this long (default 30s)" },
	{ .name = "read-timeout",
	  .kind = OPTION_DURATION,
	  .offset = FIELD(read_timeout_ms),
	  .argument = "D",
	  .help = "give up when the server says nothing for this long (default: never)" },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  .offset = FIELD(timeout_ms),
	  .argument = "D",
	  .help = "give up after this long (default: never)" },
	{ 0 },
};

static const char *const usage[] = {
	"[options] SOURCE TABLE",
	"[options] --query SQL SOURCE",
	"--list SOURCE",
	"--hold-snapshot SOURCE [TABLE...]",
	NULL,
};

const struct program program = {
	.name = "sqlextract",
	.summary = "print a table of a SQL database as a row stream",
	.usage = usage,
	.options = options,
	.epilog =
		"SOURCE is a URI such as postgresql://user@host/database or mysql://user@host/database,\n"
		"or env:NAME for the URI in that variable; no password goes in it (PGPASSFILE,\n"
		"PGPASSWORD, MYSQL_PWD). TABLE is [SCHEMA.]TABLE, taken literally; a part that has a\n"
		"dot goes in double quotes (backquotes for MySQL).\n",
};

const struct config config_defaults = { .limit = -1,
					.connect_timeout_ms = CONNECT_TIMEOUT_MS,
					.cursor_nulls = CURSOR_NULLS_UNSET };

static int refuse_with_list(const struct config *c, const char *name, struct error *err)
{
	if (c->query || c->columns || c->exclude || c->where || c->limit >= 0 || c->key ||
	    c->full || c->row_security || c->schema_only || c->rejects || c->max_rejects ||
	    c->type.count || c->hash.count || c->mask.count || c->hash_key || c->snapshot ||
	    c->snapshot_ready || c->cursor || c->after || c->lag ||
	    c->cursor_nulls != CURSOR_NULLS_UNSET)
		return error_set(err, ERR_USAGE, "%s goes with SOURCE and timeouts alone", name);
	return 0;
}

static int check_cursor(const struct config *c, struct error *err)
{
	if (!c->cursor && (c->after || c->lag || c->cursor_nulls != CURSOR_NULLS_UNSET))
		return error_set(err, ERR_USAGE, "%s needs --cursor COL",
				 c->after ? "--after"
				 : c->lag ? "--lag"
					  : "--cursor-nulls");
	/* Which rows a limit leaves out, no value of theirs could tell. */
	if (c->cursor && c->limit >= 0)
		return error_set(err, ERR_USAGE, "--cursor and --limit exclude each other");
	return 0;
}

int config_check(const struct config *c, const struct command_line *line, struct error *err)
{
	size_t wanted = c->query || c->list ? 1 : 2;

	if (c->list && c->hold_snapshot)
		return error_set(err, ERR_USAGE, "--list and --hold-snapshot exclude each other");
	if ((c->list && refuse_with_list(c, "--list", err) < 0) ||
	    (c->hold_snapshot && refuse_with_list(c, "--hold-snapshot", err) < 0))
		return -1;
	if (c->hold_snapshot)
		wanted = line->operand_count ? line->operand_count : 1;
	if (line->operand_count < wanted)
		return error_set(err, ERR_USAGE, "%s is missing (see --help)",
				 line->operand_count == 0 ? "SOURCE" : "TABLE, or --query SQL,");
	if (line->operand_count > wanted)
		return error_set(err, ERR_USAGE, "'%s': too many operands%s",
				 line->operands[wanted],
				 c->query ? "; --query takes the place of TABLE" : "");
	if (c->columns && c->exclude)
		return error_set(err, ERR_USAGE, "--columns and --exclude exclude each other");
	if (check_cursor(c, err) < 0)
		return -1;
	if (!c->hash_key != !c->hash.count)
		return error_set(err, ERR_USAGE,
				 c->hash_key ? "--hash-key is the key of --hash, which is missing"
					     : "--hash needs a key: --hash-key FILE");
	return 0;
}
