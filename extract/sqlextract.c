/*
 * sqlextract: read one table, view or query of a SQL database and print it as
 * a row stream, rowstream(5). See sqlextract(1).
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "extract/begin.h"
#include "extract/mask.h"
#include "extract/rows.h"
#include "extract/select.h"
#include "extract/source.h"
#include "extract/sqlextract_options.h"
#include "lib/io.h"
#include "lib/log.h"

enum { ABORT_WAIT_MS = 500 };

/* One run; what is open is closed in extract_release. */
struct extract {
	struct config config;
	struct request request;
	char *query;             /* request.query, ours */
	struct table_name *held; /* the tables of --hold-snapshot */
	size_t held_count;
	struct wait wait;
	const struct driver *driver;
	struct connection *connection;
	struct relation relation;
	struct selection selection;
	struct cursor cursor;
	struct crypto_hmac *hmac; /* the key of --hash */
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

static int parse_held(struct extract *x, char **operands, size_t count, struct error *err)
{
	x->held = calloc(count + 1, sizeof *x->held);
	if (!x->held)
		return error_nomem(err);
	for (; x->held_count < count; x->held_count++)
		if (names_parse_table(operands[x->held_count], x->driver->quote,
				      &x->held[x->held_count], err) < 0)
			return error_prefix(err, "TABLE");
	return 0;
}

static int set_request(struct extract *x, const struct command_line *line, struct error *err)
{
	const struct config *c = &x->config;

	if (config_check(c, line, err) < 0 ||
	    source_resolve(line->operands[0], &x->request.uri, &x->driver, err) < 0)
		return -1;
	if (c->hash_key && mask_read_key(c->hash_key, &x->hmac, err) < 0)
		return -1;
	x->request.where = c->where;
	x->request.limit = c->limit;
	x->request.some_columns = c->columns != NULL;
	x->request.secrets = c->hash.count > 0 || c->mask.count > 0;
	/* A schema is the same whoever may see which rows. */
	x->request.row_security = c->row_security || c->schema_only;
	x->request.types = (struct type_options){
		.numeric = c->types.numeric,
		.tinyint1_bool = c->tinyint1,
		.time_string = c->time,
		.zero_dates_null = c->zero_dates,
		.arrays_json = c->arrays,
		.json_string = c->json,
		.interval_string = c->interval,
		.datetime_timestamp = c->datetime_as,
	};
	x->cursor = (struct cursor){
		.source_name = c->cursor,
		.given = c->after,
		.lag = c->lag,
		.nulls = (enum cursor_nulls)c->cursor_nulls,
	};
	x->request.cursor = c->cursor ? &x->cursor : NULL;
	x->request.snapshot = c->snapshot;
	x->request.snapshot_first = c->snapshot_ready != NULL;
	x->request.read_timeout_ms = c->read_timeout_ms;
	x->request.connect_timeout_ms = c->connect_timeout_ms;
	x->request.timeout_ms = c->timeout_ms;
	if (c->query)
		return trim_query(x, err);
	if (c->hold_snapshot)
		return parse_held(x, line->operands + 1, line->operand_count - 1, err);
	if (!c->list &&
	    names_parse_table(line->operands[1], x->driver->quote, &x->request.table, err) < 0)
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
	const struct cursor *cursor = x->request.cursor;
	bool narrowed = c->where || c->limit >= 0 || c->query || c->row_security;
	/* An increment is a part, whatever --full says of the rest. */
	bool partial = (narrowed && !c->full) || (cursor && cursor_narrows(cursor));
	json_t *record = begin_record(&x->selection, x->driver->name,
				      c->query ? NULL : x->relation.label, partial, cursor, err);
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
	if (!end || (x->request.cursor &&
		     json_object_set_new(end, "cursor", cursor_end(x->request.cursor)) < 0)) {
		json_decref(end);
		return error_nomem(err);
	}
	rc = rowstream_write_end(&x->writer, end, "rows", err);
	json_decref(end);
	return rc;
}

/* From where, and up to where, an incremental read goes. */
static int find_bounds(struct extract *x, struct error *err)
{
	if (x->driver->cursor(x->connection, &x->request, &x->cursor, err) < 0)
		return -1;
	return cursor_check_nulls(&x->cursor, x->relation.label, err);
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
	    (x->request.cursor && find_bounds(x, err) < 0) ||
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

/* {"snapshot":"ID"} once it stands; it is kept until stdin ends. */
static int hold_snapshot(struct extract *x, struct error *err)
{
	const char *snapshot = NULL;
	char byte;
	ssize_t n = 1;

	if (x->driver->hold(x->connection, &x->request, x->held, x->held_count, &snapshot, err) <
		    0 ||
	    buf_appendf(&x->writer.out, err, "{\"snapshot\":%s%s%s}\n", snapshot ? "\"" : "",
			snapshot ? snapshot : "null", snapshot ? "\"" : "") < 0 ||
	    wait_write(&x->wait, x->writer.out.data, x->writer.out.length, err) < 0)
		return -1;
	while (n > 0) {
		if (wait_for(&x->wait, STDIN_FILENO, POLLIN, 0, err) < 0)
			return -1;
		n = io_read(STDIN_FILENO, &byte, 1, "stdin", err);
	}
	if (n < 0)
		return -1;
	return x->driver->held ? x->driver->held(x->connection, err) : 0;
}

/* Whoever waits for the file may go on: what we read is fixed. */
static int say_ready(const char *path, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "--snapshot-ready: %s", path);
	return io_close(fd, path, err) < 0 ? error_prefix(err, "--snapshot-ready") : 0;
}

static int extract_run(struct extract *x, struct error *err)
{
	const struct config *c = &x->config;
	const struct selection_options selected = {
		.columns = c->columns,
		.exclude = c->exclude,
		.key = c->key,
		.flexible_names = c->names,
		.type = &c->type,
		.hash = &c->hash,
		.mask = &c->mask,
		.hmac = x->hmac,
	};

	if (wait_init(&x->wait, c->timeout_ms, err) < 0 ||
	    x->driver->open(&x->request, &x->wait, &x->connection, err) < 0)
		return -1;
	if (c->hold_snapshot)
		return hold_snapshot(x, err);
	if (c->list) {
		if (x->driver->list(x->connection, list_one, x, err) < 0)
			return -1;
		return wait_write(&x->wait, x->writer.out.data, x->writer.out.length, err);
	}
	if (x->driver->describe(x->connection, &x->request, &x->relation, err) < 0 ||
	    (c->snapshot_ready && say_ready(c->snapshot_ready, err) < 0) ||
	    select_columns(x->driver, &x->relation, &selected, &x->selection, err) < 0)
		return -1;
	if (c->cursor && cursor_init(&x->cursor, &x->relation, &x->selection, err) < 0)
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

	if (x->config.list || x->config.schema_only || x->config.hold_snapshot ||
	    poll(&out, 1, ABORT_WAIT_MS) <= 0)
		return;
	buf_clear(&x->writer.out);
	x->writer.row_start = 0;
	rowstream_write_abort(&x->writer, failure);
}

static void extract_release(struct extract *x)
{
	selection_release(&x->selection);
	cursor_release(&x->cursor);
	crypto_hmac_free(x->hmac);
	if (x->connection)
		x->driver->close(x->connection);
	rejects_release(&x->rejects);
	rowstream_writer_release(&x->writer);
	names_release_table(&x->request.table);
	for (size_t i = 0; i < x->held_count; i++)
		names_release_table(&x->held[i]);
	free(x->held);
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
		.config = config_defaults,
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
