#include "trigger/serve_connector.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/command.h"
#include "lib/io.h"
#include "lib/rowcheck.h"
#include "lib/rowstream.h"
#include "trigger/serve_environment.h"

enum {
	READ_BYTES = 64 * 1024,
	/* A command whose stream breaks off is about to say why, with its exit status. */
	LAST_WORDS_MS = 2000,
};

/* --- what watches it ------------------------------------------------------------------------- */

/* A thread reads stderr, and ends the command when its time is over or a signal comes. */
enum watch_end { WATCH_CALM, WATCH_TIMEOUT, WATCH_SIGNAL };

struct watch {
	struct connector *connector;
	struct command *command;
	pthread_t thread;
	int stop;    /* an eventfd: the command has ended */
	int give_up; /* likewise: it was ended, and nobody waits for what others may write */
	struct buf line;
	enum watch_end fired;
	struct error signal;
};

/* "WARNING: text", "[ERROR] text": the level, and where the text begins. */
static enum log_level level_of(const char *line, size_t n, size_t *from)
{
	static const struct {
		const char *word;
		enum log_level level;
	} words[] = { { "ERROR", LOG_ERROR },  { "CRITICAL", LOG_ERROR }, { "FATAL", LOG_ERROR },
		      { "WARNING", LOG_WARN }, { "WARN", LOG_WARN },      { "INFO", LOG_INFO },
		      { "DEBUG", LOG_INFO },   { "NOTICE", LOG_INFO } };
	size_t bracket = n > 0 && line[0] == '[';

	*from = 0;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t length = strlen(words[i].word), end = bracket + length;

		if (end >= n || strncasecmp(line + bracket, words[i].word, length) != 0 ||
		    line[end] != (bracket ? ']' : ':'))
			continue;
		for (end++; end < n && line[end] == ' '; end++)
			;
		*from = end;
		return words[i].level;
	}
	return LOG_INFO;
}

static void log_line(struct watch *w)
{
	size_t n = w->line.length, from;
	enum log_level level;

	while (n > 0 && w->line.data[n - 1] == '\r')
		n--;
	level = level_of(w->line.data, n, &from);
	if (n > from)
		run_log_add(w->connector->log, level, w->line.data + from, n - from);
	buf_clear(&w->line);
}

/* What came of stderr, in lines; one that is too long becomes several. */
static void take_bytes(struct watch *w, const char *p, size_t n)
{
	struct error ignored;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n')
			log_line(w);
		else if (w->line.length == RUN_LOG_TEXT_MAX)
			log_line(w);
		if (p[i] != '\n' && buf_append(&w->line, p + i, 1, &ignored) < 0)
			return;
	}
}

/* False at the end of stderr. */
static bool read_stderr(struct watch *w)
{
	char bytes[READ_BYTES];
	ssize_t n = read(w->command->err, bytes, sizeof bytes);

	if (n > 0)
		take_bytes(w, bytes, (size_t)n);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void end_command(struct watch *w, enum watch_end why)
{
	if (w->fired == WATCH_CALM)
		w->fired = why;
	command_stop(w->command);
	/* Children with a process group of their own live on, and hold its stdout. */
	eventfd_write(w->give_up, 1);
}

/* Its children may hold stderr for ever: what is there is read, no more. */
static void read_rest(struct watch *w)
{
	char bytes[READ_BYTES];
	int left = 0;
	ssize_t n = 0;

	if (ioctl(w->command->err, FIONREAD, &left) < 0)
		return;
	for (; left > 0; left -= (int)n) {
		n = read(w->command->err, bytes,
			 (size_t)left < sizeof bytes ? (size_t)left : sizeof bytes);
		if (n <= 0)
			return;
		take_bytes(w, bytes, (size_t)n);
	}
}

/* The next thing that happens. False: the command has ended, and nobody waits for the rest. */
static bool watch_once(struct watch *w, bool *open)
{
	bool calm = w->fired == WATCH_CALM;
	int64_t left = w->connector->deadline_ms - monotonic_ms();
	struct pollfd watched[] = { { .fd = *open ? w->command->err : -1, .events = POLLIN },
				    { .fd = w->stop, .events = POLLIN },
				    { .fd = calm ? signals_fd() : -1, .events = POLLIN } };

	if (calm && left <= 0) {
		end_command(w, WATCH_TIMEOUT);
		return true;
	}
	if (poll(watched, 3, calm ? (int)(left < INT32_MAX ? left : INT32_MAX) : -1) < 0)
		return true;
	if (watched[0].revents)
		*open = read_stderr(w);
	if (watched[2].revents && signals_check(&w->signal) < 0)
		end_command(w, WATCH_SIGNAL);
	if (watched[1].revents && *open)
		read_rest(w);
	return !watched[1].revents;
}

static void *watch(void *argument)
{
	struct watch *w = argument;
	bool open = true;

	while (watch_once(w, &open))
		;
	if (w->line.length > 0)
		log_line(w);
	return NULL;
}

static int watch_start(struct watch *w, struct error *err)
{
	sigset_t all, old;

	w->stop = eventfd(0, EFD_CLOEXEC);
	w->give_up = eventfd(0, EFD_CLOEXEC);
	if (w->stop < 0 || w->give_up < 0 || fcntl(w->command->err, F_SETFL, O_NONBLOCK) < 0)
		return error_set_errno(err, ERR_OS, "eventfd");
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = pthread_create(&w->thread, NULL, watch, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return errno ? error_set_errno(err, ERR_OS, "thread") : 0;
}

static void watch_stop(struct watch *w)
{
	eventfd_write(w->stop, 1);
	pthread_join(w->thread, NULL);
	io_close_fd(&w->stop);
	io_close_fd(&w->give_up);
	buf_release(&w->line);
}

/* --- its rows -------------------------------------------------------------------------------- */

/* The schema by which rows are checked, and the fields that the load gets. */
static int find_schema(struct connector *c, const struct rowstream_reader *in,
		       struct schema **from_stream, const struct schema **ret, struct error *err)
{
	const json_t *definition = json_array_get(json_object_get(c->table->info, "tableDefs"), 0);
	const json_t *fields = json_object_get(json_object_get(in->begin, "schema"), "fields");

	*ret = c->table->schema;
	if (*ret) {
		c->fields = json_incref(
			json_object_get(json_object_get(definition, "schema"), "fields"));
		return 0;
	}
	if (!fields)
		return error_set(err, ERR_CONFIG,
				 "there is no schema, neither in table_defs nor in a row stream");
	if (schema_parse(fields, from_stream, err) < 0)
		return -1;
	*ret = *from_stream;
	return serve_fields_of((*from_stream)->json, &c->fields, err);
}

static int stage_rows(struct connector *c, struct rowstream_reader *in, struct rowcheck *check,
		      struct error *err)
{
	const char *row;
	size_t length;
	int rc;

	while ((rc = rowstream_next(in, &row, &length, err)) > 0) {
		if (c->table->check_rows &&
		    rowcheck_row(check, row, length, in->line_number, err) < 0)
			return -1;
		/* The line end stands behind the row. */
		if (stage_append(c->stage, row, length + 1, err) < 0) {
			c->own_failure = true;
			return -1;
		}
		c->rows++;
	}
	return rc;
}

/* Once stop is readable, no more is read. */
static int take_rows(struct connector *c, int fd, int stop, struct error *err)
{
	struct rowstream_reader in = { 0 };
	struct rowcheck *check = NULL;
	struct schema *from_stream = NULL;
	const struct schema *schema;
	int rc = rowstream_open_either_until(&in, fd, stop, "its output", err);

	if (rc == 0)
		rc = find_schema(c, &in, &from_stream, &schema, err);
	if (rc == 0)
		rc = rowcheck_new(schema, &check, err);
	if (rc == 0)
		rc = stage_rows(c, &in, check, err);
	c->at_end = in.at_eof;
	rowcheck_free(check);
	schema_free(from_stream);
	rowstream_release(&in);
	return rc;
}

/* --- its end --------------------------------------------------------------------------------- */

/* False when that time was not enough; -1: for ever, because the watch ends it. */
static bool wait_for_end(const struct command *c, int process, int64_t timeout_ms)
{
	struct pollfd watched = { .fd = process, .events = POLLIN };

	while (!command_has_ended(c)) {
		if (poll(&watched, 1, (int)timeout_ms) == 0)
			return false;
	}
	return true;
}

/* The whole of what is known makes the reason. rows: how take_rows ended, with its error in err. */
static int conclude(struct connector *c, const struct watch *w, int rows, int ended,
		    const struct error *end, struct error *err)
{
	if (w->fired == WATCH_SIGNAL) {
		c->own_failure = true;
		*err = w->signal;
		return -1;
	}
	if (w->fired == WATCH_TIMEOUT)
		return error_set(err, ERR_TEMP,
				 "the run is not done in the time of --max-transfer-run-secs");
	if (rows < 0 && c->own_failure)
		return -1;
	/* Why it broke off, it says itself, unless we broke it off. */
	if (ended < 0 && (rows == 0 || c->at_end)) {
		*err = *end;
		return -1;
	}
	return rows;
}

/* The command runs and is watched. */
static int run_watched(struct connector *c, struct watch *w, struct error *err)
{
	struct command *command = w->command;
	auto_fd process = pidfd_open(command->pid, 0);
	struct error end;
	int rows, ended;

	rows = process < 0 ? error_set_errno(err, ERR_OS, "pidfd_open")
			   : take_rows(c, command->out, w->give_up, err);
	io_close_fd(&command->out);
	if (rows < 0 &&
	    (process < 0 || c->own_failure || !wait_for_end(command, process, LAST_WORDS_MS)))
		command_stop(command);
	if (process >= 0)
		wait_for_end(command, process, -1);
	watch_stop(w);
	ended = command_reap(command, c->table->argv[0], &end);
	return conclude(c, w, rows, ended, &end, err);
}

static int run_with(struct connector *c, char *const *environment, struct error *err)
{
	struct command command = { .environment = environment };
	struct watch w = { .connector = c, .command = &command };
	struct error ignored;
	int rc;

	if (command_start(&command, c->table->argv, COMMAND_OUT | COMMAND_ERR, err) < 0) {
		c->own_failure = err->code == ERR_OS;
		return -1;
	}
	if (watch_start(&w, err) < 0) {
		c->own_failure = true;
		command_stop(&command);
		command_reap(&command, c->table->argv[0], &ignored);
		io_close_fd(&w.stop);
		io_close_fd(&w.give_up);
		rc = -1;
	} else {
		rc = run_watched(c, &w, err);
	}
	io_close_fd(&command.out);
	io_close_fd(&command.err);
	return rc;
}

int connector_run(struct connector *c, struct error *err)
{
	struct environment environment;
	int rc;

	c->rows = 0;
	c->own_failure = false;
	if (environment_make(&environment, c->request, c->table->name, c->destination, err) < 0) {
		c->own_failure = true;
		return -1;
	}
	rc = run_with(c, environment.variables, err);
	environment_release(&environment);
	return rc < 0 ? error_prefix(err, "table %s", c->table->name) : 0;
}
