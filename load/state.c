#include "load/state.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/google/backoff.h"
#include "lib/google/bigquery.h"
#include "lib/google/stage.h"
#include "lib/log.h"
#include "lib/rowstream.h"
#include "load/loadjob.h"
#include "load/report.h"

/* --- what the entries say ------------------------------------------------------------------------- */

static bool is(const json_t *entry, const char *member, const char *text)
{
	const char *found = ledger_text(entry, member);

	return found && !strcmp(found, text);
}

const json_t *state_of_run(const json_t *entries, const char *run, const char *state)
{
	for (size_t i = json_array_size(entries); i > 0; i--) {
		const json_t *entry = json_array_get(entries, i - 1);

		if (is(entry, "run", run) && is(entry, "state", state))
			return entry;
	}
	return NULL;
}

const json_t *state_submission(const json_t *entries, const char *nonce)
{
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry)
		if (nonce && is(entry, "state", "submitted") && is(entry, "nonce", nonce))
			return entry;
	return NULL;
}

static bool brings_rows(const json_t *entry)
{
	return !is(entry, "write", STATE_RECONCILE);
}

static bool replaces_all(const json_t *entry)
{
	return is(entry, "write", STATE_RECONCILE) || is(entry, "write", "truncate") ||
	       is(entry, "write", "empty");
}

static const json_t *last_done(const json_t *entries, const char *table,
			       bool (*counts)(const json_t *entry))
{
	const json_t *last = NULL;
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry) {
		const char *ended = ledger_text(entry, "ended");

		if (!is(entry, "table", table) || !is(entry, "state", "done") || !ended ||
		    !counts(entry))
			continue;
		/* Of one format, so that they sort as texts. */
		if (!last || strcmp(ended, ledger_text(last, "ended")) >= 0)
			last = entry;
	}
	return last;
}

const json_t *state_last_done(const json_t *entries, const char *table)
{
	return last_done(entries, table, brings_rows);
}

const json_t *state_last_reconciled(const json_t *entries, const char *table)
{
	return last_done(entries, table, replaces_all);
}

static int64_t failures(const json_t *entry)
{
	return json_integer_value(json_object_get(entry, "failures"));
}

const json_t *state_failure(const json_t *entries, const char *table, const json_t *done,
			    int64_t *count)
{
	for (size_t i = json_array_size(entries); i > 0; i--) {
		const json_t *entry = json_array_get(entries, i - 1);

		if (entry == done)
			break;
		if (!is(entry, "table", table) ||
		    (!is(entry, "state", "failed") && !is(entry, "state", "mismatch")))
			continue;
		*count = failures(entry) - failures(done);
		return entry;
	}
	return NULL;
}

bool state_is_open(const json_t *entries, size_t index)
{
	const json_t *submission = json_array_get(entries, index);
	const char *run = ledger_text(submission, "run"), *job = ledger_text(submission, "job");
	const char *table = ledger_text(submission, "table");
	json_t *entry;
	size_t i;

	if (!ledger_is(submission, "load", "submitted") || !table || !run || !job)
		return false;
	json_array_foreach((json_t *)entries, i, entry)
		if ((i < index || !is(entry, "state", "submitted")) && is(entry, "job", job) &&
		    is(entry, "run", run) && is(entry, "table", table))
			return false;
	return true;
}

const json_t *state_unfinished(const json_t *entries, const char *table)
{
	for (size_t i = json_array_size(entries); i > 0; i--)
		if (is(json_array_get(entries, i - 1), "table", table) &&
		    state_is_open(entries, i - 1))
			return json_array_get(entries, i - 1);
	return NULL;
}

/* The outcome says that jobs of its run have ended, not just that a process did. */
static bool is_final(const json_t *entry)
{
	return is(entry, "state", "done") || is(entry, "state", "mismatch") ||
	       (is(entry, "state", "failed") && ledger_text(entry, "job"));
}

/* Staged for the temporary table of a merge, and the run came no further. */
static bool has_left_objects(const json_t *entries, size_t index)
{
	const json_t *submission = json_array_get(entries, index), *entry;
	const char *run = ledger_text(submission, "run");

	if (!ledger_is(submission, "stage", "submitted") || !run ||
	    !ledger_text(submission, "job") || !ledger_text(submission, "objects"))
		return false;
	/* A later submission stands for this one too. */
	for (size_t i = index + 1; i < json_array_size(entries); i++) {
		entry = json_array_get(entries, i);
		if (is(entry, "run", run) && (is(entry, "state", "submitted") || is_final(entry)))
			return false;
	}
	return true;
}

static bool is_to_settle(const json_t *entries, size_t index, const char *but_run)
{
	return (state_is_open(entries, index) || has_left_objects(entries, index)) &&
	       !(but_run && is(json_array_get(entries, index), "run", but_run));
}

bool state_is_open_but(const json_t *entries, const char *run)
{
	for (size_t i = 0; i < json_array_size(entries); i++)
		if (state_is_open(entries, i) && !is(json_array_get(entries, i), "run", run))
			return true;
	return false;
}

bool state_is_unsettled(const json_t *entries, const char *but_run)
{
	for (size_t i = 0; i < json_array_size(entries); i++)
		if (is_to_settle(entries, i, but_run))
			return true;
	return false;
}

void state_remove_objects(const json_t *entries, const char *run, const struct api_options *storage)
{
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry) {
		const char *objects = ledger_text(entry, "objects");

		if (objects && is(entry, "run", run))
			stage_remove_attempt(storage, objects);
	}
}

/* --- writing outcomes ----------------------------------------------------------------------------- */

static json_t *new_entry(const struct state_end *end, const char *state, const char *nonce)
{
	json_t *entry = ledger_entry(end->table, end->run, end->step, state, end->job, nonce);

	if (entry && end->write &&
	    json_object_set_new(entry, "write", json_string(end->write)) < 0) {
		json_decref(entry);
		return NULL;
	}
	return entry;
}

/* Takes the entry; members is NULL when memory is out. */
static int write_with(struct ledger *l, json_t *entry, json_t *members, struct error *err)
{
	int rc = entry && members && json_object_update(entry, members) == 0
			 ? ledger_write(l, entry, err)
			 : error_nomem(err);

	json_decref(entry);
	json_decref(members);
	return rc;
}

json_t *state_done_entry(const struct state_end *end)
{
	json_t *entry = new_entry(end, "done", end->resource ? loadjob_nonce(end->resource) : NULL);
	json_t *ended = end->resource ? loadjob_end_time(end->resource) : NULL;
	json_t *members =
		json_pack("{s:I,s:I,s:O*}", "rows", (json_int_t)report_rows(end->resource), "bad",
			  (json_int_t)report_bad(end->resource), "cursor", end->cursor);

	if (members && json_is_string(ended))
		json_object_set(members, "ended", ended);
	if (members && !end->resource)
		json_object_set_new(members, "elapsed_ms", json_integer(end->elapsed_ms));
	if (!entry || !members || json_object_update(entry, members) < 0) {
		json_decref(entry);
		entry = NULL;
	}
	json_decref(ended);
	json_decref(members);
	return entry;
}

int state_write_done(struct ledger *l, const struct state_end *end, struct error *err)
{
	json_t *entry = state_done_entry(end);
	int rc = entry ? ledger_write(l, entry, err) : error_nomem(err);

	json_decref(entry);
	return rc;
}

int state_write_mismatch(struct ledger *l, const struct state_end *end, int64_t sent,
			 const struct error *why, struct error *err)
{
	return write_with(l, new_entry(end, "mismatch", loadjob_nonce(end->resource)),
			  json_pack("{s:o*,s:I,s:I,s:o,s:i}", "rows",
				    sent >= 0 ? json_integer(sent) : NULL, "counted",
				    (json_int_t)report_rows(end->resource), "bad",
				    (json_int_t)report_bad(end->resource), "error",
				    rowstream_reason(why->message), "exit", why->code),
			  err);
}

int state_write_failed(struct ledger *l, const struct state_end *end, const char *nonce,
		       const struct error *why, struct error *err)
{
	return write_with(l, new_entry(end, "failed", nonce),
			  json_pack("{s:o,s:i}", "error", rowstream_reason(why->message), "exit",
				    why->code),
			  err);
}

/* --- settling ------------------------------------------------------------------------------------- */

/* For how long a process that has announced a job may not have started it yet. */
enum { PATIENCE_MS = 60000 };

struct settling {
	struct ledger *ledger;
	struct api *api;
	const struct api_options *storage;
	const json_t *entries;
	int64_t patience_ms, begun_ms;
};

/* "project:location.id" taken apart: ret points into text. */
static int parse_job(char *text, struct bigquery_job *ret)
{
	char *colon = strrchr(text, ':'), *dot = colon ? strrchr(colon, '.') : NULL;

	if (!colon)
		return -1;
	*colon = '\0';
	if (dot)
		*dot = '\0';
	*ret = (struct bigquery_job){ text, dot ? colon + 1 : NULL, dot ? dot + 1 : colon + 1 };
	return 0;
}

/* The job of the submission, ended; a fence in its place when it never came. */
static int find_job(const struct settling *s, const struct bigquery_job *ref, int64_t age_ms,
		    json_t **job, struct error *err)
{
	enum { FIRST_MS = 200, LONGEST_MS = 2000 };
	int64_t delay = FIRST_MS;

	for (;;) {
		int64_t left = s->patience_ms - age_ms - (monotonic_ms() - s->begun_ms);
		int rc = bigquery_job_get(s->api, ref, job, err);

		if (rc < 0)
			return -1;
		if (rc > 0 && bigquery_job_outcome(*job) != JOB_RUNNING)
			return 0;
		if (rc > 0) {
			json_decref(*job);
			*job = NULL;
			return bigquery_job_wait(s->api, ref, 0, job, err);
		}
		if (left <= 0)
			return loadjob_fence(s->api, ref, job, err);
		if (backoff_sleep(delay < left ? delay : left, -1, err) < 0)
			return -1;
		delay = delay * 2 < LONGEST_MS ? delay * 2 : LONGEST_MS;
	}
}

static int write_outcome(const struct settling *s, const json_t *submission, const char *id,
			 const json_t *job, struct error *err)
{
	/* Several processes of one run may have announced the job: one of them has started it. */
	const json_t *winner = state_submission(s->entries, loadjob_nonce(job));
	const json_t *sent = json_object_get(winner, "rows");
	const struct state_end end = {
		.table = ledger_text(submission, "table"),
		.run = ledger_text(submission, "run"),
		.step = ledger_text(submission, "step"),
		.write = ledger_text(winner ? winner : submission, "write"),
		.job = ledger_text(submission, "job"),
		.resource = job,
		.cursor = json_object_get(winner, "cursor"),
	};
	struct error why;

	if (bigquery_job_outcome(job) == JOB_DONE && !loadjob_is_done(job)) {
		error_set(&why, ERR_TEMP, "job %s was announced and never started", id);
		return state_write_failed(s->ledger, &end, NULL, &why, err);
	}
	if (!loadjob_is_done(job)) {
		bigquery_job_failure(job, id, &why);
		return state_write_failed(s->ledger, &end, NULL, &why, err);
	}
	if (is(submission, "step", "stage")) {
		error_set(&why, ERR_TEMP, "the run ended before its rows were merged");
		return state_write_failed(s->ledger, &end, NULL, &why, err);
	}
	if (sent ? report_prove(job, id, json_integer_value(sent), &why) < 0
		 : report_prove_brought(job, id, &why) < 0) {
		log_warn("run %s: %s", end.run, why.message);
		return state_write_mismatch(s->ledger, &end, sent ? json_integer_value(sent) : -1,
					    &why, err);
	}
	return state_write_done(s->ledger, &end, err);
}

static int settle_one(const struct settling *s, const json_t *submission, struct error *err)
{
	const json_t *age = json_object_get(submission, "age_ms");
	char *text = strdup(ledger_text(submission, "job"));
	struct bigquery_job ref = { 0 };
	json_t *job = NULL;
	int rc = 0;

	if (!text)
		return error_nomem(err);
	log_info("run %s of %s has no outcome yet: looking for job %s",
		 ledger_text(submission, "run"), ledger_text(submission, "table"),
		 ledger_text(submission, "job"));
	if (parse_job(text, &ref) < 0)
		rc = error_set(err, ERR_DATA, "ledger %s: '%s' is no job", ledger_name(s->ledger),
			       ledger_text(submission, "job"));
	if (rc == 0)
		rc = find_job(s, &ref, json_integer_value(age), &job, err);
	/* Before it is settled: only what is not settled is found again. */
	if (rc == 0)
		state_remove_objects(s->entries, ledger_text(submission, "run"), s->storage);
	if (rc == 0)
		rc = write_outcome(s, submission, ref.id, job, err);
	json_decref(job);
	free(text);
	if (rc < 0)
		return error_prefix(err, "run %s cannot be settled",
				    ledger_text(submission, "run"));
	return 0;
}

int state_settle(struct ledger *l, struct api *api, const struct api_options *storage,
		 const json_t *entries, const char *but_run, struct error *err)
{
	const struct settling s = {
		.ledger = l,
		.api = api,
		.storage = storage,
		.entries = entries,
		.patience_ms =
			api->retry.budget_ms < PATIENCE_MS ? api->retry.budget_ms : PATIENCE_MS,
		.begun_ms = monotonic_ms(),
	};

	for (size_t i = 0; i < json_array_size(entries); i++)
		if (is_to_settle(entries, i, but_run) &&
		    settle_one(&s, json_array_get(entries, i), err) < 0)
			return -1;
	return 0;
}
