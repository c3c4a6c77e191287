/*
 * gcswatch: from notifications of Cloud Storage to @batch records. A _SUCCESS
 * object says that its directory is complete; all that is in it is one load.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/backoff.h"
#include "lib/google/crypto.h"
#include "lib/google/storage.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/options.h"
#include "lib/rowstream.h"
#include "notify/done.h"
#include "notify/event.h"
#include "notify/watch.h"

enum { EVERY_MS = 60 * 1000, LOCK_WAIT_MS = 30 * 1000 };

struct config {
	const char *success, *backfill_name, *pattern, *storage_project, *project, *ledger;
	const char *poll, *backfill, *replay, *credentials;
	struct option_values endpoints;
	int64_t max_batch_bytes, every_ms, lock_wait_ms, retry_initial_ms, retry_for_ms;
	bool ordered;
};

#define FIELD(name) .offset = offsetof(struct config, name)
static const struct option_def options[] = {
	{ .name = "backfill",
	  .kind = OPTION_STRING,
	  FIELD(backfill),
	  .argument = "gs://BUCKET/PREFIX",
	  .help = "read no events: all below it that the ledger does not have as done" },
	{ .name = "poll",
	  .kind = OPTION_STRING,
	  FIELD(poll),
	  .argument = "gs://BUCKET/PREFIX",
	  .help = "as --backfill, but wait until there is something" },
	{ .name = "every",
	  .kind = OPTION_DURATION,
	  FIELD(every_ms),
	  .argument = "D",
	  .help = "with --poll: how often to look (default 1m)" },
	{ .name = "replay",
	  .kind = OPTION_STRING,
	  FIELD(replay),
	  .argument = "gs://BUCKET/NAME",
	  .help = "read no events: load this directory again" },
	{ .name = "ledger",
	  .kind = OPTION_STRING,
	  FIELD(ledger),
	  .argument = "NAME",
	  .env = "BQ_LOAD_STATE_TABLE",
	  .help = "of bqload: DATASET.TABLE or file:PATH" },
	{ .name = "ordered",
	  .kind = OPTION_FLAG,
	  FIELD(ordered),
	  .env = "ORDER_PER_TABLE",
	  .help = "the directories of every table in order, ORDERME or not" },
	{ .name = "lock-wait",
	  .kind = OPTION_DURATION,
	  FIELD(lock_wait_ms),
	  .argument = "D",
	  .help = "wait so long for those who load ordered tables (default 30s)" },
	{ .name = "destination-regex",
	  .kind = OPTION_STRING,
	  FIELD(pattern),
	  .argument = "RE",
	  .env = "DESTINATION_REGEX",
	  .help = "how an object's name says its table" },
	{ .name = "success",
	  .kind = OPTION_STRING,
	  FIELD(success),
	  .argument = "NAME",
	  .env = "SUCCESS_FILENAME",
	  .help = "what a complete directory has (default _SUCCESS)" },
	{ .name = "backfill-name",
	  .kind = OPTION_STRING,
	  FIELD(backfill_name),
	  .argument = "NAME",
	  .env = "START_BACKFILL_FILENAME",
	  .help = "an object that asks for a --backfill of its directory" },
	{ .name = "max-batch-bytes",
	  .kind = OPTION_INT,
	  FIELD(max_batch_bytes),
	  .argument = "N",
	  .env = "MAX_BATCH_BYTES",
	  .help = "refuse larger directories" },
	{ .name = "storage-project",
	  .kind = OPTION_STRING,
	  FIELD(storage_project),
	  .argument = "P",
	  .env = "BQ_STORAGE_PROJECT",
	  .help = "of tables whose name says no project" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "P",
	  .env = "BQ_PROJECT",
	  .help = "runs the ledger's queries" },
	{ .name = "credentials",
	  .kind = OPTION_STRING,
	  FIELD(credentials),
	  .argument = "FILE",
	  .help = "key or token file, in place of GOOGLE_APPLICATION_CREDENTIALS" },
	{ .name = "endpoint",
	  .kind = OPTION_REPEAT,
	  FIELD(endpoints),
	  .argument = "SERVICE=URL",
	  .help = "another server for bigquery or storage; authentication stays on" },
	{ .name = "retry-initial",
	  .kind = OPTION_DURATION,
	  FIELD(retry_initial_ms),
	  .argument = "D",
	  .help = "first delay before a request is repeated (default 1s)" },
	{ .name = "retry-for",
	  .kind = OPTION_DURATION,
	  FIELD(retry_for_ms),
	  .argument = "D",
	  .help = "repeat failing requests this long (default 10m)" },
	{ 0 },
};
#undef FIELD

static const char *const usage[] = { "[options] < EVENTS",
				     "[options] --backfill|--poll|--replay gs://BUCKET/NAME",
				     NULL };

static const struct program program = {
	.name = "gcswatch",
	.summary = "turn notifications of complete directories in Cloud Storage into batches",
	.usage = usage,
	.options = options,
	.epilog =
		"EVENTS: lines of pubsubrun, bodies of Pub/Sub push requests, or objects, one a line.\n"
		"The batches are for bqload without a destination.\n",
};

/* --- events --------------------------------------------------------------------------------- */

static int handle_line(struct watch *w, const char *text, size_t length, struct error *err)
{
	struct event e = { .made = false };
	json_error_t why;
	json_t *line = json_loadb(text, length, 0, &why);
	int rc;

	if (!line)
		return error_set(err, ERR_DATA, "not a JSON object: %s", why.text);
	rc = event_parse(line, &e, err);
	if (rc == 0 && e.made)
		rc = watch_event(w, &e, err);
	event_release(&e);
	json_decref(line);
	return rc;
}

static int handle_events(struct watch *w, struct error *err)
{
	char *text = NULL;
	size_t room = 0;
	unsigned long long number = 0, failed = 0;
	ssize_t length;
	int rc = 0, code = 0;

	while ((length = getline(&text, &room, stdin)) > 0) {
		struct error why;

		number++;
		if (handle_line(w, text, (size_t)length, &why) < 0) {
			/* It does not keep the others from being handled. */
			log_error("line %llu: %s", number, why.message);
			code = failed++ ? code : why.code;
		}
		if (signals_check(err) < 0) {
			rc = -1;
			break;
		}
	}
	if (ferror(stdin))
		rc = signals_check(err) < 0 ? -1 : error_set_errno(err, ERR_IO, "stdin");
	free(text);
	if (rc == 0 && failed)
		rc = error_set(err, code, "%llu of %llu events could not be handled", failed,
			       number);
	return rc;
}

/* --- without events -------------------------------------------------------------------------- */

static int handle_prefix(struct watch *w, const struct config *c, struct error *err)
{
	const char *option = c->poll ? "--poll" : "--backfill";
	struct storage_uri at;
	size_t found;
	int rc;

	if (storage_uri_parse(c->poll ? c->poll : c->backfill, &at, err) < 0)
		return error_prefix(err, "%s", option);
	rc = watch_prefix(w, at.bucket, at.name, &found, err);
	while (rc == 0 && c->poll && w->out->rows == 0) {
		rc = backoff_sleep(c->every_ms, -1, err);
		if (rc == 0)
			rc = watch_again(w, err);
		if (rc == 0)
			rc = watch_prefix(w, at.bucket, at.name, &found, err);
	}
	if (rc == 0 && found == 0)
		log_warn("gs://%s/%s: there is no complete directory", at.bucket, at.name);
	storage_uri_release(&at);
	return rc;
}

/* Under another id, so that it is another load. */
static int handle_replay(struct watch *w, const struct config *c, struct error *err)
{
	struct storage_uri at;
	char random[17], *object;
	size_t length, success = strlen(c->success);
	int rc;

	if (storage_uri_parse(c->replay, &at, err) < 0)
		return error_prefix(err, "--replay");
	if (crypto_random_hex(random, 8, err) < 0) {
		storage_uri_release(&at);
		return -1;
	}
	w->replay = random;
	length = strlen(at.name);
	while (length > 0 && at.name[length - 1] == '/')
		length--;
	/* The directory, or what makes it complete. */
	if (length > success && at.name[length - success - 1] == '/' &&
	    !strncmp(at.name + length - success, c->success, success))
		length -= success + 1;
	rc = asprintf(&object, "%.*s%s%s", (int)length, at.name, length ? "/" : "", c->success);
	if (rc < 0) {
		rc = error_nomem(err);
	} else {
		const struct event e = { .made = true, .bucket = at.bucket, .object = object };

		rc = watch_event(w, &e, err);
		free(object);
	}
	storage_uri_release(&at);
	w->replay = NULL;
	return rc;
}

/* --- the whole ------------------------------------------------------------------------------ */

static struct api_options connection(const struct config *c, enum endpoint_service service)
{
	struct api_options o = { .service = service,
				 .endpoints = &c->endpoints,
				 .credentials_file = c->credentials,
				 .retry = RETRY_POLICY_DEFAULT };

	if (c->retry_initial_ms)
		o.retry.initial_ms = c->retry_initial_ms;
	if (c->retry_for_ms)
		o.retry.budget_ms = c->retry_for_ms;
	return o;
}

static int handle(struct watch *w, const struct config *c, struct error *err)
{
	if (c->replay)
		return handle_replay(w, c, err);
	if (c->poll || c->backfill)
		return handle_prefix(w, c, err);
	return handle_events(w, err);
}

/* What has been written is whole even where something else has failed: @end says so, the exit status the rest. */
static int run(const struct config *c, struct rowstream_writer *out, struct error *err)
{
	const struct watch_options what = {
		.names = { c->success, c->backfill_name },
		.pattern = c->pattern,
		.project = c->storage_project,
		.max_bytes = c->max_batch_bytes,
		.ordered = c->ordered,
		.lock_wait_ms = c->lock_wait_ms,
	};
	const struct api_options storage = connection(c, SERVICE_STORAGE);
	const struct api_options bigquery = connection(c, SERVICE_BIGQUERY);
	struct done *done = NULL;
	struct error broken;
	struct watch w = { 0 };
	struct api api = { 0 };
	int rc = api_open(&api, &storage, err);

	if (rc == 0 && c->ledger && *c->ledger)
		rc = done_new(c->ledger, c->project, &bigquery, &done, err);
	if (rc == 0)
		rc = watch_init(&w, &what, &api, done, out, err);
	if (rc == 0)
		rc = rowstream_write_begin(out, NULL, err);
	if (rc == 0) {
		rc = handle(&w, c, err);
		if (!signals_pending() && !(rc < 0 && err->code == ERR_IO) &&
		    (rowstream_write_end(out, NULL, "records", &broken) < 0 ||
		     io_close(STDOUT_FILENO, "stdout", &broken) < 0)) {
			*err = broken;
			rc = -1;
		}
	}
	watch_release(&w);
	done_free(done);
	api_close(&api);
	return rc;
}

static int check(const struct config *c, const struct command_line *line, struct error *err)
{
	if (line->operand_count)
		return error_set(err, ERR_USAGE, "unexpected operand '%s'", line->operands[0]);
	if (!!c->poll + !!c->backfill + !!c->replay > 1)
		return error_set(err, ERR_USAGE, "only one of --poll, --backfill, --replay");
	if (c->poll && !(c->ledger && *c->ledger))
		return error_set(err, ERR_USAGE,
				 "--poll needs --ledger: else the same is found each time");
	if (!*c->success || strchr(c->success, '/') || !*c->backfill_name ||
	    strchr(c->backfill_name, '/'))
		return error_set(err, ERR_USAGE, "'%s' is no name of a signal: it has a slash",
				 strchr(c->success, '/') ? c->success : c->backfill_name);
	return 0;
}

int main(int argc, char **argv)
{
	struct config config = { .success = "_SUCCESS",
				 .backfill_name = "START_BACKFILL",
				 .pattern = target_default_pattern,
				 .every_ms = EVERY_MS,
				 .lock_wait_ms = LOCK_WAIT_MS };
	struct rowstream_writer out;
	struct command_line line;
	struct error err = { 0 };
	int rc;

	if (signals_init(&err) < 0 || options_parse(&program, argc, argv, &config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (check(&config, &line, &err) < 0)
		return log_failure(&err);
	rowstream_writer_init(&out, STDOUT_FILENO, "stdout");
	rc = run(&config, &out, &err);
	if (rc < 0)
		rowstream_write_abort(&out, &err);
	rowstream_writer_release(&out);
	return rc < 0 ? log_failure(&err) : 0;
}
