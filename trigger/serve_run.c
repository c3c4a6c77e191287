#include "trigger/serve_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/google/backoff.h"
#include "lib/google/crypto.h"
#include "lib/io.h"
#include "lib/log.h"
#include "trigger/partner.h"
#include "trigger/serve_definition.h"
#include "trigger/serve_params.h"
#include "trigger/serve_staging.h"

enum {
	MARK_MAX = 16 * 1024 * 1024,
	LOOK_MS = 1000, /* between looks at what another process does */
	NONCE_BYTES = 8,
	NONCE_SIZE = 2 * NONCE_BYTES + 1,
};

/* One run while it is served. */
struct run {
	const struct serving *s;
	struct request *request;
	struct api dts, storage;
	struct run_log log;
	char *mark; /* name of the object _started */
	struct staging staging;
	bool marked;  /* the mark may name what we have staged: it must stay */
	bool started; /* somebody has, or may have, asked for the load */
	bool refused; /* the service will not load what it was asked to */
	struct run_result *result;
};

/* --- how it stands --------------------------------------------------------------------------- */

static void set_state(struct run *run, const char *state)
{
	snprintf(run->result->state, sizeof run->result->state, "%s", state);
}

/* 1: it has ended, or is gone; result->state says so. 0: it goes on. */
static int look(struct run *run, struct error *err)
{
	json_t *resource = NULL;
	const char *state;
	int rc = partner_run_get(&run->dts, run->request->name, &resource, err);

	if (rc < 0)
		return -1;
	state = rc == 0 ? "DELETED" : json_string_value(json_object_get(resource, "state"));
	set_state(run, state ? state : "");
	json_decref(resource);
	return strcmp(run->result->state, "PENDING") != 0 &&
	       strcmp(run->result->state, "RUNNING") != 0;
}

/* The service says no: 0 when the run has ended meanwhile, which is no failure then; else -1. */
static int look_after_refusal(struct run *run)
{
	struct error ignored;

	return look(run, &ignored) > 0 ? 0 : -1;
}

/* --- the mark -------------------------------------------------------------------------------- */

/* What another process has written, a new reference; 0: there is none. */
static int read_mark(struct run *run, json_t **ret, struct error *err)
{
	auto_buf text = BUF_INIT_MAX(MARK_MAX);
	const char *bucket = run->s->at.bucket;
	const char *of;
	int rc = storage_object_read(&run->storage, bucket, run->mark, &text, err);

	if (rc <= 0)
		return rc;
	*ret = json_loadb(text.data ? text.data : "", text.length, 0, NULL);
	of = json_string_value(json_object_get(*ret, "run"));
	if (!of || strcmp(of, run->request->name) != 0 ||
	    !json_is_object(json_object_get(*ret, "request"))) {
		json_decref(*ret);
		*ret = NULL;
		return error_set(err, ERR_DATA, "gs://%s/%s is none of ours", bucket, run->mark);
	}
	return 1;
}

/* 1: ours. 0: another process has been here, *other is its mark. */
static int make_mark(struct run *run, json_t **other, struct error *err)
{
	char nonce[NONCE_SIZE];
	json_t *content, *made = NULL;
	const char *theirs;
	int rc;

	if (crypto_random_hex(nonce, NONCE_BYTES, err) < 0)
		return -1;
	content = json_pack("{s:s,s:s,s:O}", "run", run->request->name, "by", nonce, "request",
			    run->staging.request);
	rc = storage_object_replace(&run->storage, run->s->at.bucket, run->mark, 0, content, &made,
				    err);
	json_decref(content);
	json_decref(made);
	if (rc != 0)
		return rc;
	rc = read_mark(run, other, err);
	if (rc == 0)
		return error_set(err, ERR_TEMP, "gs://%s/%s comes and goes", run->s->at.bucket,
				 run->mark);
	if (rc < 0)
		return -1;
	/* The answer to ours may have got lost. */
	theirs = json_string_value(json_object_get(*other, "by"));
	if (!theirs || strcmp(theirs, nonce) != 0)
		return 0;
	json_decref(*other);
	return 1;
}

/* --- loading --------------------------------------------------------------------------------- */

/* 0: the run is gone, or has ended. 1: done, by us or by another process that went on with the run. */
static int start_jobs(struct run *run, const json_t *request, struct error *err)
{
	int rc;

	run->started = true;
	rc = partner_run_start_jobs(&run->dts, run->request->name, request, err);
	if (rc == 0)
		set_state(run, "DELETED");
	if (rc == 2) {
		rc = look(run, err);
		return rc < 0 ? -1 : rc == 0;
	}
	if (rc >= 0)
		return rc;
	run->refused = err->code == ERR_REMOTE || err->code == ERR_PERM;
	return run->refused ? look_after_refusal(run) : -1;
}

static int finish(struct run *run, struct error *err)
{
	int rc;

	/* The log comes before the end, after which the service may take no more. */
	run_log_stop(&run->log);
	rc = partner_run_finish(&run->dts, run->request->name, err);
	if (rc < 0)
		return err->code == ERR_TEMP ? -1 : look_after_refusal(run);
	return look(run, err) < 0 ? -1 : 0;
}

/* Wait whether the process that made the mark has `wanted` jobs started. 1: so many are there. 0: not. 2: the run has ended. */
static int await_other(struct run *run, size_t wanted, struct error *err)
{
	int64_t until_ms = monotonic_ms() + run->s->options->takeover_ms;

	for (;;) {
		size_t jobs = 0;
		int rc = look(run, err);

		if (rc != 0)
			return rc < 0 ? -1 : 2;
		if (partner_run_count_jobs(&run->dts, run->request->name, &jobs, err) < 0)
			return -1;
		if (jobs >= wanted || monotonic_ms() >= until_ms)
			return jobs >= wanted;
		if (backoff_sleep(LOOK_MS, -1, err) < 0)
			return -1;
	}
}

/* Another process has made the mark; it may have died at any time since. */
static int take_over(struct run *run, const json_t *mark, struct error *err)
{
	const json_t *request = json_object_get(mark, "request");
	static const char words[] = "the load was asked for before; nothing is staged again";
	int rc;

	run->started = true;
	run_log_add(&run->log, LOG_INFO, words, strlen(words));
	rc = await_other(run, json_array_size(json_object_get(request, "importedData")), err);
	if (rc < 0 || rc == 2)
		return rc < 0 ? -1 : 0;
	if (rc == 0)
		rc = start_jobs(run, request, err);
	return rc <= 0 ? rc : finish(run, err);
}

/* What is staged becomes the run's. */
static int load(struct run *run, struct error *err)
{
	json_t *other = NULL;
	int rc;

	/* Where its answer is lost, it may be there all the same. */
	run->marked = true;
	rc = make_mark(run, &other, err);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		run->marked = false;
		staging_remove(&run->staging);
		rc = take_over(run, other, err);
		json_decref(other);
		return rc;
	}
	rc = start_jobs(run, run->staging.request, err);
	return rc <= 0 ? rc : finish(run, err);
}

/* --- the whole ------------------------------------------------------------------------------- */

static int begin(struct run *run, struct error *err)
{
	int rc;

	if (!strcmp(run->result->state, "RUNNING"))
		return 1;
	rc = partner_run_patch(&run->dts, run->request->name, "RUNNING", NULL, err);
	if (rc < 0)
		return err->code == ERR_TEMP ? -1 : look_after_refusal(run);
	if (rc == 0)
		set_state(run, "DELETED");
	return rc;
}

int run_check_request(const struct serving *s, struct request *r, struct error *err)
{
	const char *id = definition_id(s->config->definition);

	if (strcmp(r->source, id) != 0)
		return error_set(err, ERR_DATA, "the run is of the data source %s, not of %s",
				 r->source, id);
	return params_check(s->config->definition, r, err);
}

/* Rows, mark, load. */
static int produce(struct run *run, int64_t deadline_ms, struct error *err)
{
	if (run_check_request(run->s, run->request, err) < 0 ||
	    staging_prepare(&run->staging, run->s, run->request, err) < 0 ||
	    staging_fill(&run->staging, run->s, run->request, &run->log, deadline_ms, err) < 0)
		return -1;
	return load(run, err);
}

/* May another attempt do better? Of a run whose load may be under way, only the service's no is the end. */
static bool comes_again(const struct run *run, const struct error *err)
{
	if (run->started)
		return !run->refused;
	if (!run->staging.own_failure)
		return false;
	return err->code > ERR_SIGNAL || err->code == ERR_TEMP || err->code == ERR_OS ||
	       err->code == ERR_IO;
}

/* Say that it failed; why stands in result. */
static int fail(struct run *run, struct error *err)
{
	struct error failure = *err;
	int rc;

	log_error("%s: %s", run->request->run_id, failure.message);
	run_log_stop(&run->log);
	rc = partner_run_patch(&run->dts, run->request->name, "FAILED", &failure, err);
	if (rc < 0 && (err->code == ERR_TEMP || look_after_refusal(run) < 0))
		return -1;
	if (rc > 0) {
		run->result->failure = failure;
		set_state(run, "FAILED");
	} else if (rc == 0) {
		set_state(run, "DELETED");
	}
	return 0;
}

/* Our own attempt has failed; where another process has asked for the load by now, that is what counts. */
static int settle(struct run *run, struct error *err)
{
	struct error failure = *err, unread;
	json_t *mark = NULL;
	int rc = run->started ? 0 : read_mark(run, &mark, &unread);

	if (rc < 0 && (unread.code > ERR_SIGNAL || unread.code == ERR_TEMP)) {
		*err = unread;
		return -1;
	}
	if (rc > 0) {
		log_warn("%s: %s; another process is at work on it", run->request->run_id,
			 failure.message);
		rc = take_over(run, mark, err);
		json_decref(mark);
		if (rc >= 0 || !run->refused)
			return rc;
	}
	return fail(run, err);
}

static int serve(struct run *run, struct error *err)
{
	int64_t deadline_ms = monotonic_ms() + run->s->options->max_run_s * 1000;
	const struct api_options dts = serve_api_options(run->s->options, SERVICE_DATATRANSFER);
	json_t *mark = NULL;
	int rc = look(run, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	rc = begin(run, err);
	if (rc <= 0)
		return rc;
	if (run_log_start(&run->log, &dts, run->request->name, run->request->run_id,
			  run->s->options->log_flush_s * 1000, err) < 0)
		return -1;
	run->staging.own_failure = true;
	rc = read_mark(run, &mark, err);
	if (rc > 0)
		rc = take_over(run, mark, err);
	else if (rc == 0) {
		run->staging.own_failure = false;
		rc = produce(run, deadline_ms, err);
	}
	json_decref(mark);
	if (rc < 0 && !run->started && !run->marked)
		staging_remove(&run->staging);
	return rc < 0 && !comes_again(run, err) ? settle(run, err) : rc;
}

int run_serve(const struct serving *s, struct request *r, struct run_result *ret, struct error *err)
{
	const struct api_options dts = serve_api_options(s->options, SERVICE_DATATRANSFER);
	const struct api_options storage = serve_api_options(s->options, SERVICE_STORAGE);
	struct run run = { .s = s, .request = r, .result = ret };
	int rc;

	*ret = (struct run_result){ 0 };
	if (staging_name(s, r, "_started", true, &run.mark, err) < 0)
		return -1;
	rc = api_open(&run.dts, &dts, err);
	if (rc == 0)
		rc = api_open(&run.storage, &storage, err);
	if (rc == 0)
		rc = serve(&run, err);
	run_log_stop(&run.log);
	staging_release(&run.staging);
	api_close(&run.storage);
	api_close(&run.dts);
	free(run.mark);
	return rc < 0 ? -1 : 0;
}
