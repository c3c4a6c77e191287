/*
 * rowwrap: make any command a proven producer or filter of rows.
 *
 * As a source it puts @begin before COMMAND's lines and @end behind them only
 * if COMMAND exits 0. As a filter it hands COMMAND the bare rows of the stream
 * on stdin, and frames what comes back again, recounted.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/command.h"
#include "lib/error.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/parse.h"
#include "lib/rowstream.h"
#include "lib/schema.h"

struct config {
	const char *schema_file, *table, *key, *rows_dropped, *rows_added;
	bool source;
};

static const struct option_def options[] = {
	{ .name = "schema",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, schema_file),
	  .argument = "FILE",
	  .help = "schema for @begin, as `bq show --schema` prints it" },
	{ .name = "table",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, table),
	  .argument = "NAME",
	  .help = "table name for @begin" },
	{ .name = "key",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, key),
	  .argument = "A,B",
	  .help = "key columns for @begin" },
	{ .name = "rows-dropped",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, rows_dropped),
	  .argument = "N|any",
	  .help = "how many rows a filter may drop (default 0)" },
	{ .name = "rows-added",
	  .kind = OPTION_STRING,
	  .offset = offsetof(struct config, rows_added),
	  .argument = "N|any",
	  .help = "how many rows a filter may add (default 0)" },
	{ .name = "source",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct config, source),
	  .help = "COMMAND is a source: do not read stdin" },
	{ 0 },
};

static const char *const usage[] = { "[options] -- COMMAND [ARGUMENT...]", NULL };

static const struct program program = {
	.name = "rowwrap",
	.summary = "make any command a proven producer or filter of rows",
	.usage = usage,
	.options = options,
	.epilog =
		"COMMAND is a source when stdin is a terminal, /dev/null or closed, or with --source;\n"
		"otherwise stdin is a row stream and COMMAND filters its rows.\n",
};

/* Feeds the rows of stdin to COMMAND while the main thread reads what comes back. */
struct feeder {
	struct rowstream_reader *reader;
	int fd;
	bool failed;
	struct error err;
};

static json_t *read_schema(const char *path, struct error *err)
{
	struct schema *schema;
	json_t *fields;

	if (schema_read_file(path, &schema, err) < 0)
		return NULL;
	fields = json_incref(schema->json);
	schema_free(schema);
	return fields;
}

static json_t *key_array(const char *list, struct error *err)
{
	json_t *array = json_array();
	char **names;
	size_t count;

	if (parse_list(list, &names, &count, err) < 0) {
		json_decref(array);
		return NULL;
	}
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_string(names[i]));
	free(names);
	if (json_array_size(array) != count) {
		json_decref(array);
		error_set(err, ERR_USAGE, "--key: not UTF-8");
		return NULL;
	}
	return array;
}

/* What the options say of @begin, over what the stream said (NULL: a source). New reference. */
static json_t *make_begin(const struct config *config, json_t *incoming, struct error *err)
{
	json_t *begin = incoming ? json_deep_copy(incoming) : json_pack("{s:s}", "scope", "full");
	json_t *value;

	if (!begin) {
		error_nomem(err);
		return NULL;
	}
	if (config->table && json_object_set_new(begin, "table", json_string(config->table)) < 0) {
		error_set(err, ERR_USAGE, "--table: not UTF-8");
		goto fail;
	}
	if (config->schema_file) {
		value = read_schema(config->schema_file, err);
		if (!value)
			goto fail;
		json_object_set_new(begin, "schema", json_pack("{s:o}", "fields", value));
	}
	if (config->key) {
		value = key_array(config->key, err);
		if (!value)
			goto fail;
		json_object_set_new(begin, "key", value);
	}
	return begin;
fail:
	json_decref(begin);
	return NULL;
}

static int feed_rows(struct feeder *f, struct rowstream_writer *out, struct error *err)
{
	const char *row;
	size_t length;
	bool reading = true;
	int rc;

	while ((rc = rowstream_next(f->reader, &row, &length, err)) > 0) {
		/* COMMAND may stop reading (head -1); the rest is still checked and counted. */
		if (reading && rowstream_write_row(out, row, length, err) < 0) {
			if (err->code != ERR_SIGNAL + SIGPIPE)
				return -1;
			reading = false;
		}
	}
	if (rc == 0 && reading && rowstream_flush(out, err) < 0 &&
	    err->code != ERR_SIGNAL + SIGPIPE)
		return -1;
	return rc;
}

static void *feed(void *argument)
{
	struct feeder *f = argument;
	struct rowstream_writer out;

	rowstream_writer_init(&out, f->fd, "COMMAND's stdin");
	f->failed = feed_rows(f, &out, &f->err) < 0;
	rowstream_writer_release(&out);
	io_close_fd(&f->fd);
	return NULL;
}

/* Signals are the main thread's: it is the one that can stop COMMAND. */
static int feeder_start(struct feeder *f, pthread_t *thread, struct error *err)
{
	sigset_t all, old;
	int number;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	number = pthread_create(thread, NULL, feed, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = number;
	return number ? error_set_errno(err, ERR_OS, "thread") : 0;
}

/* An object on one line is all that is checked: the reader of the stream checks the rest. */
static int check_line(const char *line, size_t length, uint64_t number, struct error *err)
{
	size_t first = 0, last = length;

	while (first < last && (line[first] == ' ' || line[first] == '\t'))
		first++;
	while (last > first &&
	       (line[last - 1] == ' ' || line[last - 1] == '\t' || line[last - 1] == '\r'))
		last--;
	if (rowstream_is_control(line, length))
		return error_set(
			err, ERR_DATA,
			"line %llu of COMMAND begins with {\"@, which marks control records",
			(unsigned long long)number);
	if (last - first < 2 || line[first] != '{' || line[last - 1] != '}')
		return error_set(
			err, ERR_DATA,
			"line %llu of COMMAND is not a JSON object on one line (jq needs -c)",
			(unsigned long long)number);
	return 0;
}

static int copy_lines(int fd, struct rowstream_writer *out, struct error *err)
{
	struct rowstream_reader lines;
	const char *line;
	size_t length;
	int rc = rowstream_open(&lines, fd, "COMMAND's stdout", true, err);

	while (rc == 0 && (rc = rowstream_next(&lines, &line, &length, err)) > 0) {
		rc = check_line(line, length, lines.line_number, err);
		if (rc == 0)
			rc = rowstream_write_row(out, line, length, err);
	}
	rowstream_release(&lines);
	return rc;
}

/* Its end, which a signal to us brings about at once. */
static int wait_for(const struct command *c, const char *name, struct error *err)
{
	auto_fd process = pidfd_open(c->pid, 0);
	struct pollfd watched[] = { { .fd = process, .events = POLLIN },
				    { .fd = signals_fd(), .events = POLLIN } };
	struct error ignored;

	if (process < 0)
		return error_set_errno(err, ERR_OS, "pidfd_open");
	/* COMMAND may have closed its stdout and go on: signals still end it. */
	while (!command_has_ended(c)) {
		if (poll(watched, 2, -1) < 0 && errno != EINTR)
			return error_set_errno(err, ERR_OS, "poll");
		if (signals_check(err) < 0) {
			command_stop(c);
			command_reap(c, name, &ignored);
			return -1;
		}
	}
	return command_reap(c, name, err);
}

/* The value of --rows-dropped or --rows-added: INT64_MAX for "any". */
static int parse_allowance(const char *option, const char *value, int64_t *ret, struct error *err)
{
	*ret = value && !strcmp(value, "any") ? INT64_MAX : 0;
	if (!value || *ret)
		return 0;
	return parse_int64(value, 0, INT64_MAX, ret, err) < 0 ? error_prefix(err, "--%s", option)
							      : 0;
}

/* Rows in against rows out. Dropping some and adding as many cannot be seen from outside. */
static int check_count(const struct config *config, uint64_t in, uint64_t out, struct error *err)
{
	bool dropped = in > out;
	uint64_t difference = dropped ? in - out : out - in;
	const char *option = dropped ? "rows-dropped" : "rows-added";
	int64_t allowed;

	if (parse_allowance(option, dropped ? config->rows_dropped : config->rows_added, &allowed,
			    err) < 0)
		return -1;
	if (difference <= (uint64_t)allowed)
		return 0;
	return error_set(err, ERR_DATA, "COMMAND %s %llu of %llu rows; --%s allows %lld",
			 dropped ? "dropped" : "added", (unsigned long long)difference,
			 (unsigned long long)(dropped ? in : out), option, (long long)allowed);
}

/* The lines of a running COMMAND, its end, and the proof of its input. */
static int wrap(const struct config *config, struct command *c, const char *name,
		struct rowstream_reader *in, struct rowstream_writer *out, struct error *err)
{
	struct feeder feeder = { .reader = in, .fd = c->in };
	struct error ended;
	pthread_t thread;
	int rc;

	if (in && feeder_start(&feeder, &thread, err) < 0) {
		command_stop(c);
		return -1;
	}
	rc = copy_lines(c->out, out, err);
	if (rc < 0) {
		command_stop(c);
		if (in)
			/* It may wait for a producer that has nothing to say. */
			pthread_cancel(thread);
	}
	io_close_fd(&c->out);
	if (wait_for(c, name, &ended) < 0 && rc == 0) {
		*err = ended;
		rc = -1;
	}
	if (in)
		pthread_join(thread, NULL);
	if (rc == 0)
		rc = signals_check(err);
	/* A broken input explains better why COMMAND failed as well. */
	if (in && feeder.failed) {
		*err = feeder.err;
		rc = -1;
	}
	if (rc == 0 && in)
		rc = check_count(config, in->rows, out->rows, err);
	return rc;
}

/* stdin is a stream unless it is a terminal, /dev/null or closed. */
static bool stdin_is_stream(const struct config *config)
{
	struct stat st;

	return !config->source && fstat(STDIN_FILENO, &st) == 0 && !S_ISCHR(st.st_mode);
}

/* What of the incoming @end holds for the outgoing one: all but the count, which is made anew. */
static json_t *make_end(struct rowstream_reader *in)
{
	json_t *end = in ? json_copy(in->end) : json_pack("{s:i}", "rejected", 0);

	if (in)
		json_object_del(end, "rows");
	return end;
}

static int run_wrapped(const struct config *config, char **argv, struct rowstream_reader *in,
		       struct rowstream_writer *out, struct error *err)
{
	struct command command = { .in = -1, .out = -1 };
	json_t *begin, *end;
	int rc;

	if (in && rowstream_open(in, STDIN_FILENO, "stdin", false, err) < 0)
		return -1;
	begin = make_begin(config, in ? in->begin : NULL, err);
	if (!begin)
		return -1;
	rc = command_start(&command, argv, in ? COMMAND_IN | COMMAND_OUT : COMMAND_OUT, err);
	if (rc == 0 && rowstream_write_begin(out, begin, err) < 0) {
		command_stop(&command);
		rc = -1;
	} else if (rc == 0) {
		rc = wrap(config, &command, argv[0], in, out, err);
	}
	json_decref(begin);
	if (rc < 0)
		return -1;
	end = make_end(in);
	rc = rowstream_write_end(out, end, "rows", err);
	json_decref(end);
	return rc;
}

static int run(const struct config *config, char **argv, struct error *err)
{
	struct rowstream_reader reader = { 0 };
	struct rowstream_writer writer;
	int rc;

	rowstream_writer_init(&writer, STDOUT_FILENO, "stdout");
	rc = run_wrapped(config, argv, stdin_is_stream(config) ? &reader : NULL, &writer, err);
	if (rc < 0)
		rowstream_write_abort(&writer, err);
	else
		rc = io_close(STDOUT_FILENO, "stdout", err);
	rowstream_release(&reader);
	rowstream_writer_release(&writer);
	return rc;
}

int main(int argc, char **argv)
{
	struct config config = { 0 };
	struct command_line line;
	struct error err = { 0 };
	int64_t ignored;

	if (signals_init(&err) < 0 || options_parse(&program, argc, argv, &config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (parse_allowance("rows-dropped", config.rows_dropped, &ignored, &err) < 0 ||
	    parse_allowance("rows-added", config.rows_added, &ignored, &err) < 0)
		return log_failure(&err);
	if (!line.dashes || line.operands_before_dashes || line.operand_count == 0) {
		error_set(&err, ERR_USAGE, "a command is needed: rowwrap [options] -- COMMAND");
		return log_failure(&err);
	}
	if (run(&config, line.operands, &err) < 0)
		return log_failure(&err);
	return 0;
}
