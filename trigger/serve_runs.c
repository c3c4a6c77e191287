#include "trigger/serve_runs.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"
#include "lib/log.h"
#include "lib/rowstream.h"
#include "trigger/serve_document.h"
#include "trigger/serve_run.h"

enum { REQUESTS_MAX = 1000 };

/* The runs of one input. */
struct runs {
	struct serving serving;
	struct request *request;
	size_t count;
	atomic_size_t next;
	pthread_mutex_t lock;
	/* Under the lock: */
	struct rowstream_writer out;
	struct error failure; /* the one that decides the exit status; code 0: none */
};

/* --- what became of them --------------------------------------------------------------------- */

/* A retry is always worth it; else a bug, a configuration, a permission tell more than data do. */
static int weight(int code)
{
	return code > ERR_SIGNAL ? 1000 + code : code == ERR_TEMP ? 1000 : code;
}

static void note_failure(struct runs *runs, const struct error *err)
{
	if (weight(err->code) > weight(runs->failure.code))
		runs->failure = *err;
}

/* An @run line of it. */
static void report(struct runs *runs, const struct request *r, const char *state,
		   const struct error *why)
{
	json_t *record =
		json_pack("{s:s,s:s,s:s}", "config", r->config, "run", r->name, "state", state);
	struct error err;

	if (why)
		json_object_set_new(record, "reason", rowstream_reason(why->message));
	pthread_mutex_lock(&runs->lock);
	if ((record ? rowstream_write_record(&runs->out, "@run", record, &err)
		    : error_nomem(&err)) < 0)
		note_failure(runs, &err);
	pthread_mutex_unlock(&runs->lock);
	json_decref(record);
}

static void serve_one(struct runs *runs, struct request *r)
{
	struct run_result result;
	struct error err;

	if (run_serve(&runs->serving, r, &result, &err) == 0) {
		report(runs, r, result.state, result.failure.code ? &result.failure : NULL);
		return;
	}
	log_warn("%s: %s; it should come again", r->run_id, err.message);
	pthread_mutex_lock(&runs->lock);
	/* Whatever it is, the request is not done with: only a retry can tell. */
	if (err.code < ERR_SIGNAL)
		err.code = ERR_TEMP;
	note_failure(runs, &err);
	pthread_mutex_unlock(&runs->lock);
}

/* --- at once --------------------------------------------------------------------------------- */

static void *work(void *argument)
{
	struct runs *runs = argument;
	size_t i;

	while (!signals_pending() && (i = atomic_fetch_add(&runs->next, 1)) < runs->count)
		serve_one(runs, &runs->request[i]);
	return NULL;
}

/* Signals are the main thread's: the others look at signals_pending themselves. */
static void work_together(struct runs *runs)
{
	size_t wanted = (size_t)runs->serving.options->parallel, started = 0;
	pthread_t *thread = calloc(wanted, sizeof *thread);
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (thread && started + 1 < wanted && started + 1 < runs->count &&
	       pthread_create(&thread[started], NULL, work, runs) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	work(runs);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	free(thread);
}

/* --- input ----------------------------------------------------------------------------------- */

static int take_line(struct runs *runs, const char *line, size_t n, uint64_t number,
		     struct error *err)
{
	struct request *more = realloc(runs->request, (runs->count + 1) * sizeof *more);

	if (!more)
		return error_nomem(err);
	runs->request = more;
	more[runs->count] = (struct request){ 0 };
	if (runs->count == REQUESTS_MAX)
		return error_set(err, ERR_DATA, "stdin: more than %d requests", REQUESTS_MAX);
	if (request_from_line(line, n, &more[runs->count], err) < 0)
		return error_prefix(err, "stdin: line %llu", (unsigned long long)number);
	/* A message may come twice in one batch; two at work on one run would be in each other's way. */
	for (size_t i = 0; i < runs->count; i++) {
		if (!strcmp(more[i].name, more[runs->count].name)) {
			request_release(&more[runs->count]);
			return 0;
		}
	}
	runs->count++;
	return 0;
}

static int read_requests(struct runs *runs, struct error *err)
{
	struct rowstream_reader in;
	const char *line;
	size_t n;
	int rc = rowstream_open(&in, STDIN_FILENO, "stdin", true, err);

	while (rc == 0 && (rc = rowstream_next(&in, &line, &n, err)) > 0)
		rc = take_line(runs, line, n, in.line_number, err);
	rowstream_release(&in);
	if (rc == 0 && runs->count == 0)
		rc = error_set(err, ERR_DATA, "stdin: no requests");
	return rc;
}

static int serve_input(struct runs *runs, struct error *err)
{
	if (read_requests(runs, err) < 0)
		return -1;
	work_together(runs);
	/* In the time to clean up with, signals_check is silent; the requests that nobody began come again. */
	if (runs->failure.code == 0 && runs->next < runs->count)
		return error_set(err, ERR_SIGNAL + signals_pending(),
				 "ended by a signal before all requests were served");
	if (runs->failure.code == 0)
		return signals_check(err);
	*err = runs->failure;
	return -1;
}

/* --transfer-run */
static int serve_file(struct runs *runs, struct error *err)
{
	const char *path = runs->serving.options->transfer_run;
	struct request r = { 0 };
	json_t *document;
	int rc;

	if (document_read_file(path, ERR_DATA, &document, err) < 0)
		return -1;
	rc = request_from_json(document, &r, err);
	json_decref(document);
	if (rc < 0)
		return error_prefix(err, "%s", path);
	rc = run_directly(&runs->serving, &r, err);
	report(runs, &r, rc < 0 ? "FAILED" : "SUCCEEDED", rc < 0 ? err : NULL);
	request_release(&r);
	return rc;
}

/* --- the whole ------------------------------------------------------------------------------- */

static int serve(struct runs *runs, struct error *err)
{
	int rc;

	rowstream_writer_init(&runs->out, STDOUT_FILENO, "stdout");
	rc = runs->serving.options->transfer_run ? serve_file(runs, err) : serve_input(runs, err);
	if (rc == 0)
		rc = rowstream_write_end(&runs->out, NULL, "records", err);
	if (rc == 0)
		rc = io_close(STDOUT_FILENO, "stdout", err);
	else
		rowstream_write_abort(&runs->out, err);
	rowstream_writer_release(&runs->out);
	return rc;
}

int serve_runs(const struct serve_options *o, const struct command_line *line, struct error *err)
{
	struct runs runs = { .serving.options = o, .lock = PTHREAD_MUTEX_INITIALIZER };
	struct serve_config config = { 0 };
	int rc;

	if (line->operand_count != 2)
		return error_set(err, ERR_USAGE, "usage: dtsserve run CONFIG --stage gs://…");
	if (!o->stage)
		return error_set(err, ERR_USAGE, "--stage gs://BUCKET/PREFIX is needed");
	if (storage_uri_parse(o->stage, &runs.serving.at, err) < 0)
		return error_prefix(err, "--stage");
	rc = serve_config_read(line->operands[1], &config, err);
	runs.serving.config = &config;
	if (rc == 0)
		rc = serve(&runs, err);
	for (size_t i = 0; i < runs.count; i++)
		request_release(&runs.request[i]);
	free(runs.request);
	serve_config_release(&config);
	storage_uri_release(&runs.serving.at);
	return rc;
}
