/*
 * sqlextract: read one table, view or query of a SQL database and print it as
 * a row stream, rowstream(5). See sqlextract(1).
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "extract/begin.h"
#include "extract/rows.h"
#include "extract/select.h"
#include "extract/source.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/options.h"

enum { CONNECT_TIMEOUT_MS = 30000, ABORT_WAIT_MS = 500 };

struct config {
	const char *query, *columns, *exclude, *where, *key, *rejects;
	int64_t limit, max_rejects, connect_timeout_ms, timeout_ms;
	bool full, row_security, schema_only, list;
};

#define FIELD(name) offsetof(struct config, name)

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
	NULL,
};

static const struct program program = {
	.name = "sqlextract",
	.summary = "print a table of a SQL database as a row stream",
	.usage = usage,
	.options = options,
	.epilog =
		"SOURCE is a URI such as postgresql://user@host/database, or env:NAME for the URI in\n"
		"that variable; no password goes in it (PGPASSFILE, PGPASSWORD). TABLE is\n"
		"[SCHEMA.]TABLE, taken literally; a part that has a dot goes in double quotes.\n",
};

/* One run; what is open is closed in extract_release. */
struct extract {
	struct config config;
	struct request request;
	char *query; /* request.query, ours */
	struct wait wait;
	const struct driver *driver;
	struct connection *connection;
	struct relation relation;
	struct selection selection;
	struct rejects rejects;
	struct rowstream_writer writer;
};

/* The statement without what may not stand inside parentheses. */
static int trim_query(struct extract *x, struct error *err)
{
	size_t n = strlen(x->config.query);

	while (n > 0 && strchr("; \t\r\n", x->config.query[n - 1]))
		n--;
	if (n == 0)
		return error_set(err, ERR_USAGE, "--query: an empty statement");
	x->query = strndup(x->config.query, n);
	if (!x->query)
		return error_nomem(err);
	x->request.query = x->query;
	return 0;
}

static int check_usage(const struct config *c, const struct command_line *line, struct error *err)
{
	size_t wanted = c->query || c->list ? 1 : 2;

	if (c->list &&
	    (c->query || c->columns || c->exclude || c->where || c->limit >= 0 || c->key ||
	     c->full || c->row_security || c->schema_only || c->rejects || c->max_rejects))
		return error_set(err, ERR_USAGE, "--list goes with SOURCE and timeouts alone");
	if (line->operand_count < wanted)
		return error_set(err, ERR_USAGE, "%s is missing (see --help)",
				 line->operand_count == 0 ? "SOURCE" : "TABLE, or --query SQL,");
	if (line->operand_count > wanted)
		return error_set(err, ERR_USAGE, "'%s': too many operands%s",
				 line->operands[wanted],
				 c->query ? "; --query takes the place of TABLE" : "");
	if (c->columns && c->exclude)
		return error_set(err, ERR_USAGE, "--columns and --exclude exclude each other");
	return 0;
}

static int set_request(struct extract *x, const struct command_line *line, struct error *err)
{
	const struct config *c = &x->config;

	if (check_usage(c, line, err) < 0 ||
	    source_resolve(line->operands[0], &x->request.uri, &x->driver, err) < 0)
		return -1;
	x->request.where = c->where;
	x->request.limit = c->limit;
	/* A schema is the same whoever may see which rows. */
	x->request.row_security = c->row_security || c->schema_only;
	x->request.connect_timeout_ms = c->connect_timeout_ms;
	x->request.timeout_ms = c->timeout_ms;
	if (c->query)
		return trim_query(x, err);
	if (!c->list && names_parse_table(line->operands[1], &x->request.table, err) < 0)
		return error_prefix(err, "TABLE");
	return 0;
}

static int list_one(void *argument, const char *schema, const char *table, const char *kind,
		    int64_t rows, struct error *err)
{
	struct extract *x = argument;
	json_t *line = json_pack("{s:o,s:o,s:s,s:o}", "schema", begin_text(schema), "table",
				 begin_text(table), "kind", kind, "rows",
				 rows < 0 ? json_null() : json_integer(rows));
	char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	int rc = text ? buf_appendf(&x->writer.out, err, "%s\n", text) : error_nomem(err);

	free(text);
	json_decref(line);
	return rc;
}

static int print_schema(struct extract *x, struct error *err)
{
	json_t *fields = begin_schema(&x->selection, err);
	char *text = fields ? json_dumps(fields, JSON_INDENT(2)) : NULL;
	int rc = -1;

	if (text)
		rc = buf_appendf(&x->writer.out, err, "%s\n", text);
	else if (fields)
		error_nomem(err);
	free(text);
	json_decref(fields);
	return rc < 0 ? -1 : wait_write(&x->wait, x->writer.out.data, x->writer.out.length, err);
}

static int print_begin(struct extract *x, struct error *err)
{
	const struct config *c = &x->config;
	bool narrowed = c->where || c->limit >= 0 || c->query || c->row_security;
	json_t *record =
		begin_record(&x->selection, x->driver->name, c->query ? NULL : x->relation.label,
			     narrowed && !c->full, err);
	int rc = record ? rowstream_write_begin(&x->writer, record, err) : -1;

	json_decref(record);
	return rc;
}

/* Rows that went to --rejects are on disk before @end says how many they are. */
static int print_end(struct extract *x, struct error *err)
{
	json_t *end;
	int rc;

	if (rejects_close(&x->rejects, err) < 0)
		return -1;
	end = json_pack("{s:I}", "rejected", (json_int_t)x->rejects.count);
	if (!end)
		return error_nomem(err);
	rc = rowstream_write_end(&x->writer, end, "rows", err);
	json_decref(end);
	return rc;
}

static int print_rows(struct extract *x, struct error *err)
{
	const char *label = x->relation.label;
	struct rows rows = {
		.driver = x->driver,
		.connection = x->connection,
		.columns = x->selection.columns,
		.count = x->selection.count,
		.key = x->selection.key,
		.key_count = x->selection.key_count,
		.wait = &x->wait,
		.writer = &x->writer,
		.rejects = &x->rejects,
	};

	if (rejects_open(&x->rejects, x->config.rejects, x->config.max_rejects, label, err) < 0 ||
	    x->driver->query(x->connection, &x->request, rows.columns, rows.count, err) < 0 ||
	    print_begin(x, err) < 0)
		return -1;
	progress_start(&rows.progress, label, 0);
	if (rows_copy(&rows, err) < 0 || print_end(x, err) < 0)
		return -1;
	rows.progress.rows = x->writer.rows;
	rows.progress.bytes = x->writer.bytes;
	progress_finish(&rows.progress, "read");
	if (x->rejects.count > 0)
		log_warn("%s: %llu rows rejected%s%s", label, (unsigned long long)x->rejects.count,
			 x->config.rejects ? ", see " : "",
			 x->config.rejects ? x->config.rejects : "");
	return 0;
}

static int extract_run(struct extract *x, struct error *err)
{
	const struct config *c = &x->config;

	if (wait_init(&x->wait, c->timeout_ms, err) < 0 ||
	    x->driver->open(&x->request, &x->wait, &x->connection, err) < 0)
		return -1;
	if (c->list) {
		if (x->driver->list(x->connection, list_one, x, err) < 0)
			return -1;
		return wait_write(&x->wait, x->writer.out.data, x->writer.out.length, err);
	}
	if (x->driver->describe(x->connection, &x->request, &x->relation, err) < 0 ||
	    select_columns(&x->relation, c->columns, c->exclude, c->key, &x->selection, err) < 0)
		return -1;
	return c->schema_only ? print_schema(x, err) : print_rows(x, err);
}

/*
 * A run that failed says so in the stream, unless its reader does not read.
 * Rows not yet written are of no use to it.
 */
static void print_abort(struct extract *x, const struct error *failure)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

	if (x->config.list || x->config.schema_only || poll(&out, 1, ABORT_WAIT_MS) <= 0)
		return;
	buf_clear(&x->writer.out);
	x->writer.row_start = 0;
	rowstream_write_abort(&x->writer, failure);
}

static void extract_release(struct extract *x)
{
	selection_release(&x->selection);
	if (x->connection)
		x->driver->close(x->connection);
	rejects_release(&x->rejects);
	rowstream_writer_release(&x->writer);
	names_release_table(&x->request.table);
	free(x->query);
}

/* A socket must not get the number of a standard stream that is closed: we would write into it. */
static int check_standard_streams(struct error *err)
{
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		return error_set(err, ERR_IO, "stdout is closed");
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return error_set_errno(err, ERR_OS, "/dev/null");
	return 0;
}

int main(int argc, char **argv)
{
	struct extract x = {
		.config = { .limit = -1, .connect_timeout_ms = CONNECT_TIMEOUT_MS },
		.rejects = { .fd = -1 },
	};
	struct command_line line;
	struct error err;

	if (options_parse(&program, argc, argv, &x.config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (check_standard_streams(&err) < 0 || signals_init(&err) < 0)
		return log_failure(&err);
	rowstream_writer_init(&x.writer, STDOUT_FILENO, "stdout");
	if (set_request(&x, &line, &err) < 0 || extract_run(&x, &err) < 0 ||
	    io_close(STDOUT_FILENO, "stdout", &err) < 0) {
		if (x.connection)
			x.driver->cancel(x.connection);
		print_abort(&x, &err);
		extract_release(&x);
		return log_failure(&err);
	}
	extract_release(&x);
	return 0;
}
