/*
 * What a run says to the ledger: `submitted` before its job can begin, the
 * outcome once the job has ended. Without a ledger nothing is written, and
 * what rows and cursor an adopted job holds is not known.
 */
#include <string.h>

#include "lib/clock.h"
#include "lib/google/bigquery.h"
#include "lib/io.h"
#include "lib/log.h"
#include "load/connect.h"
#include "load/load_impl.h"
#include "load/report.h"
#include "load/state.h"

/* --- what the run's job holds --------------------------------------------------------------------- */

static void hold(struct load *l, int64_t rows, const json_t *cursor)
{
	json_decref(l->cursor);
	l->rows = rows;
	l->cursor = json_incref((json_t *)cursor);
	l->held = true;
}

/* The input, once it has ended; unless it was given up for rows that were there already. */
static void hold_input(struct load *l)
{
	if (!l->held)
		hold(l, (int64_t)l->in.rows, json_object_get(l->in.end, "cursor"));
}

int load_hold_submission(struct load *l, const json_t *job, struct error *err)
{
	const char *nonce = loadjob_nonce(job);
	const json_t *submission = state_submission(l->entries, nonce), *rows;

	/* It may be younger than our look at the ledger; it is older than its job. */
	if (l->ledger && !submission) {
		json_t *entries;

		if (ledger_read(l->ledger, l->table_name, l->run_id, &entries, err) < 0)
			return -1;
		json_decref(l->entries);
		l->entries = entries;
		submission = state_submission(entries, nonce);
	}
	rows = json_object_get(submission, "rows");
	hold(l, rows ? json_integer_value(rows) : report_rows(job) + report_bad(job),
	     json_object_get(submission, "cursor"));
	return 0;
}

/* --- submitted ------------------------------------------------------------------------------------ */

static const char *write_of(const struct load *l)
{
	return l->config->keys_only ? STATE_RECONCILE : plan_write_names[l->config->write];
}

static struct state_end end_of(const struct load *l, const char *step, const char *job)
{
	return (struct state_end){
		.table = l->table_name,
		.run = l->run_id,
		.step = step,
		.write = write_of(l),
		.job = job,
		.cursor = l->cursor,
	};
}

/* loadjob's `before`; context is the load. */
static int announce(void *context, const struct loadjob *j, struct error *err)
{
	struct load *l = context;
	bool commits = j == &l->job;
	json_t *name = loadjob_own_name(j), *members, *entry;
	auto_buf objects = BUF_INIT;
	int rc;

	hold_input(l);
	if (l->stage && !(commits && l->config->write == WRITE_MERGE) &&
	    stage_append_prefix(l->stage, &objects, err) < 0) {
		json_decref(name);
		return -1;
	}
	entry = ledger_entry(l->table_name, l->run_id, commits ? "load" : "stage", "submitted",
			     json_string_value(name), j->nonce);
	members = json_pack("{s:s,s:I,s:O*,s:o*}", "write", write_of(l), "rows",
			    (json_int_t)l->rows, "cursor", l->cursor, "objects",
			    objects.length ? json_stringn(objects.data, objects.length) : NULL);
	rc = entry && members && json_object_update(entry, members) == 0
		     ? ledger_write(l->ledger, entry, err)
		     : error_nomem(err);
	if (rc < 0)
		error_append(err, "; nothing was loaded");
	else if (commits)
		rc = load_check_rivals(l, ledger_text(entry, "id"), err);
	json_decref(name);
	json_decref(entry);
	json_decref(members);
	if (rc < 0)
		return -1;
	l->announced = l->announced || commits;
	return 0;
}

/* --- before the input is read --------------------------------------------------------------------- */

static int read_entries(struct load *l, struct error *err)
{
	json_t *entries;

	if (ledger_read(l->ledger, l->table_name, l->run_id, &entries, err) < 0)
		return -1;
	json_decref(l->entries);
	l->entries = entries;
	return 0;
}

static int open_ledger(struct load *l, struct error *err)
{
	const struct api_options api = connect_options(l->config, SERVICE_BIGQUERY);
	const struct ledger_options options = {
		.name = l->config->ledger,
		.project = l->project,
		.create = true,
		.location = l->location,
		.api = &api,
	};

	l->begun_ms = monotonic_ms();
	if (ledger_open(&options, &l->ledger, err) < 0 || read_entries(l, err) < 0)
		return -1;
	l->job.before = l->merge.stage.before = announce;
	l->job.context = l->merge.stage.context = l;
	return 0;
}

static int settle_but(struct load *l, const char *run, struct error *err)
{
	const struct api_options storage = connect_options(l->config, SERVICE_STORAGE);

	return state_settle(l->ledger, &l->api, &storage, l->entries, run, err);
}

/* What earlier processes of this run have staged, also when this one stages nothing, or elsewhere. */
static void remove_objects(const struct load *l)
{
	const struct api_options storage = connect_options(l->config, SERVICE_STORAGE);

	state_remove_objects(l->entries, l->run_id, &storage);
}

int load_begin(struct load *l, struct error *err)
{
	const json_t *mismatch;

	if (!l->config->ledger || !*l->config->ledger)
		return 0;
	if (open_ledger(l, err) < 0)
		return -1;
	mismatch = state_of_run(l->entries, l->run_id, "mismatch");
	if (mismatch)
		return error_set(err, ERR_PROTOCOL,
				 "run %s ended in a mismatch and is not loaded again: %s",
				 l->run_id, ledger_text(mismatch, "error"));
	l->known = state_of_run(l->entries, l->run_id, "done");
	if (l->known)
		return 0;
	/* What another run turns out to have loaded is older than this one. */
	if (state_is_unsettled(l->entries, l->run_id) &&
	    (settle_but(l, l->run_id, err) < 0 || read_entries(l, err) < 0))
		return -1;
	return load_check_increment(l, err);
}

/* --- the end -------------------------------------------------------------------------------------- */

int load_prove(struct load *l, const struct loadjob *j, const json_t *job, struct error *err)
{
	json_t *name;
	struct state_end end;
	struct error failure;

	hold_input(l);
	if (report_prove(job, j->id, l->rows, err) == 0)
		return 0;
	if (!l->ledger)
		return -1;
	name = loadjob_own_name(j);
	end = end_of(l, j == &l->job ? "load" : "stage", json_string_value(name));
	end.resource = job;
	/* A rerun finds the submission, and comes here again. */
	if (state_write_mismatch(l->ledger, &end, l->rows, err, &failure) < 0)
		log_warn("%s", failure.message);
	json_decref(name);
	return -1;
}

/* Under the run id there may be the submission of another process, which had rows. */
static int settle_own(struct load *l, struct error *err)
{
	json_t *entries = NULL;
	int rc = 0;

	if (!state_is_unsettled(l->entries, NULL))
		return 0;
	rc = settle_but(l, NULL, err);
	if (rc == 0)
		rc = ledger_read(l->ledger, l->table_name, l->run_id, &entries, err);
	if (rc == 0 && state_of_run(entries, l->run_id, "done"))
		rc = error_set(err, ERR_TEMP, "another process has just finished run %s",
			       l->run_id);
	json_decref(entries);
	return rc;
}

int load_settle(struct load *l, const struct load_outcome *o, struct error *err)
{
	json_t *name = o->job ? loadjob_own_name(&l->job) : NULL;
	struct state_end end;
	int rc = 0;

	if (o->job && !loadjob_is_ours(&l->job, o->job))
		rc = load_hold_submission(l, o->job, err);
	else
		hold_input(l);
	if (rc == 0 && o->job)
		rc = load_prove(l, &l->job, o->job, err);
	if (rc < 0 || !l->ledger)
		goto out;
	end = end_of(l, "load", json_string_value(name));
	end.resource = o->job;
	end.elapsed_ms = monotonic_ms() - l->begun_ms;
	if (!o->job)
		rc = settle_own(l, err);
	if (rc == 0) {
		remove_objects(l);
		rc = state_write_done(l->ledger, &end, err);
	}
	if (rc < 0 && o->job) {
		/* Whatever it was: the rows are there, and a rerun says so. */
		err->code = err->code == ERR_IO || err->code >= ERR_SIGNAL ? err->code : ERR_TEMP;
		error_append(err,
			     "; %s was loaded by job %s: the same run id has only this left to do",
			     l->progress.what, l->job.id);
	}
out:
	json_decref(name);
	return rc;
}

void load_fail(struct load *l, const struct load_outcome *o, const struct error *why)
{
	const struct loadjob *failed = l->job.failed           ? &l->job
				       : l->merge.stage.failed ? &l->merge.stage
							       : NULL;
	json_t *name;
	struct state_end end;
	struct error err;

	/* The job is done; or was announced, and what became of it is not known. */
	if (!l->ledger || o->job || (l->announced && !l->job.failed) || signals_pending())
		return;
	name = failed ? loadjob_own_name(failed) : NULL;
	end = end_of(l, failed == &l->merge.stage ? "stage" : "load", json_string_value(name));
	if (failed)
		remove_objects(l);
	if (state_write_failed(l->ledger, &end, l->job.nonce, why, &err) < 0)
		log_warn("%s", err.message);
	json_decref(name);
}
