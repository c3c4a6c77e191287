/* What a batch says to the ledger, as load_ledger.c does for a stream of rows. */
#include <stdlib.h>
#include <string.h>

#include "lib/io.h"
#include "lib/log.h"
#include "load/batch_load.h"
#include "load/batch_loader.h"
#include "load/connect.h"
#include "load/report.h"
#include "load/state.h"

/* --- what it knows ------------------------------------------------------------------------------ */

/* No name of a table has a line end. */
static json_t *key(const char *table, const char *id)
{
	return json_sprintf("%s\n%s", table, id);
}

const json_t *batch_ledger_known(const struct batch_loader *s, const char *table, const char *id)
{
	json_t *name = key(table, id);
	const json_t *entries = json_object_get(s->outcomes, json_string_value(name));

	json_decref(name);
	return entries;
}

/* Its table and its id, into arrays. */
static int add_question(struct batch_loader *s, struct batch *b, json_t *tables, json_t *runs,
			struct error *err)
{
	char *project = NULL, *table;
	int rc = connect_project(s->config, &s->bigquery, &b->destination, &project, err);

	free(project);
	if (rc < 0)
		return -1;
	table = destination_name(&b->destination);
	if (!table || json_object_set_new(tables, table, json_true()) < 0 ||
	    json_array_append_new(runs, json_string(b->id)) < 0)
		rc = error_nomem(err);
	free(table);
	return rc;
}

static int keep_answers(struct batch_loader *s, const json_t *entries, struct error *err)
{
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry) {
		const char *table = ledger_text(entry, "table"), *run = ledger_text(entry, "run");
		json_t *name = key(table ? table : "", run ? run : "");
		json_t *found = json_object_get(s->outcomes, json_string_value(name));

		if (!found && json_object_set_new(s->outcomes, json_string_value(name),
						  found = json_array()) < 0)
			found = NULL;
		json_decref(name);
		if (!found || json_array_append(found, entry) < 0)
			return error_nomem(err);
	}
	return 0;
}

int batch_ledger_ask(struct batch_loader *s, struct batch *batches, size_t count, struct error *err)
{
	json_t *tables = json_object(), *names = json_array(), *runs = json_array();
	json_t *entries = NULL, *ignored;
	const char *table;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_question(s, &batches[i], tables, runs, err);
	json_object_foreach(tables, table, ignored)
		json_array_append_new(names, json_string(table));
	if (rc == 0)
		rc = ledger_read_outcomes(s->ledger, names, runs, &entries, err);
	json_object_clear(s->outcomes);
	if (rc == 0)
		rc = keep_answers(s, entries, err);
	json_decref(entries);
	json_decref(tables);
	json_decref(names);
	json_decref(runs);
	return rc;
}

/* --- what was not said yet ---------------------------------------------------------------------- */

/* The entry of the batch that is not done with is written. */
static int say_now(struct batch_loader *s, struct error *err)
{
	const struct batch *b = s->unsaid;
	json_t *record = s->record;

	json_decref(s->entry);
	s->unsaid = NULL;
	s->entry = s->record = NULL;
	return batch_say(s, b, record, err);
}

void batch_ledger_settle(struct batch_loader *s)
{
	const struct batch *b = s->unsaid;
	struct error err;

	if (!b)
		return;
	if (ledger_write(s->ledger, s->entry, &err) == 0) {
		if (say_now(s, &err) < 0)
			batch_failed(s, b, &err);
		return;
	}
	json_decref(s->entry);
	json_decref(s->record);
	s->unsaid = NULL;
	s->entry = s->record = NULL;
	/* Whatever it was: the rows are there, and a rerun says so. */
	err.code = err.code == ERR_IO || err.code >= ERR_SIGNAL ? err.code : ERR_TEMP;
	error_append(&err, "; %s was loaded: the same batch has only this left to do", b->table);
	batch_failed(s, b, &err);
}

/* --- one batch ---------------------------------------------------------------------------------- */

static int write_submitted(struct batch_loader *s, json_t *entry, struct error *err)
{
	int rc = s->unsaid ? ledger_write_both(s->ledger, s->entry, entry, err)
			   : ledger_write(s->ledger, entry, err);

	if (rc < 0)
		return error_append(err, "; nothing was loaded");
	return s->unsaid ? say_now(s, err) : 0;
}

/* loadjob's `before`; context is the batch_load. How many rows there are nobody knows yet. */
static int announce(void *context, const struct loadjob *j, struct error *err)
{
	struct batch_load *l = context;
	json_t *name = loadjob_own_name(j);
	json_t *entry = ledger_entry(l->table, l->batch->id, "load", "submitted",
				     json_string_value(name), j->nonce);
	int rc = entry && json_object_set_new(entry, "write", json_string(batch_write(l->batch))) ==
					 0
			 ? write_submitted(l->loader, entry, err)
			 : error_nomem(err);

	json_decref(name);
	json_decref(entry);
	return rc;
}

enum { FAILED_LONGEST_S = 600 };

/*
 * Every message of an ordered table begins with the one directory that all wait for. So that they do not use up the
 * table's load jobs of a day, its failure stands for a while: 2 s, doubling with each, up to 10 min.
 */
static int check_failed(const struct batch_load *l, const json_t *entries, struct error *err)
{
	const json_t *last = NULL;
	int64_t delay = 1, age;
	json_t *entry;
	size_t i;
	int code;

	if (!l->batch->lock)
		return 0;
	json_array_foreach((json_t *)entries, i, entry) {
		if (!ledger_is(entry, "load", "failed") || !ledger_text(entry, "job"))
			continue;
		last = entry;
		delay = 2 * delay < FAILED_LONGEST_S ? 2 * delay : FAILED_LONGEST_S;
	}
	age = json_integer_value(json_object_get(last, "age_ms")) / 1000;
	if (!last || age >= delay)
		return 0;
	code = (int)json_integer_value(json_object_get(last, "exit"));
	return error_set(err, code > 0 ? code : ERR_TEMP,
			 "it failed %lld s ago and is not tried again for %lld s: %s",
			 (long long)age, (long long)(delay - age),
			 ledger_text(last, "error") ? ledger_text(last, "error") : "unknown");
}

int batch_ledger_begin(struct batch_load *l, const json_t **known, struct error *err)
{
	const char *id = l->batch->id;
	const json_t *entries, *mismatch;

	*known = NULL;
	if (!l->loader->ledger)
		return 0;
	entries = batch_ledger_known(l->loader, l->table, id);
	mismatch = state_of_run(entries, id, "mismatch");
	if (mismatch)
		return error_set(err, ERR_PROTOCOL,
				 "it ended in a mismatch and is not loaded again: %s",
				 ledger_text(mismatch, "error"));
	*known = state_of_run(entries, id, "done");
	if (!*known && check_failed(l, entries, err) < 0)
		return -1;
	l->job.before = announce;
	l->job.context = l;
	return 0;
}

static struct state_end end_of(const struct batch_load *l, const char *job)
{
	return (struct state_end){
		.table = l->table,
		.run = l->batch->id,
		.step = "load",
		.write = batch_write(l->batch),
		.job = job,
	};
}

int batch_ledger_done(struct batch_load *l, const json_t *job, json_t *record, struct error *err)
{
	struct batch_loader *s = l->loader;
	json_t *name, *entry;
	struct state_end end;

	/* They are said in their order. */
	batch_ledger_settle(s);
	if (!s->ledger)
		return batch_say(s, l->batch, record, err);
	name = loadjob_name(job);
	end = end_of(l, json_string_value(name));
	end.resource = job;
	entry = state_done_entry(&end);
	json_decref(name);
	if (!entry) {
		json_decref(record);
		return error_nomem(err);
	}
	s->unsaid = l->batch;
	s->entry = entry;
	s->record = record;
	return 0;
}

void batch_ledger_failed(struct batch_load *l, const json_t *job, const struct error *why)
{
	struct batch_loader *s = l->loader;
	json_t *name = job ? loadjob_name(job) : l->job.failed ? loadjob_own_name(&l->job) : NULL;
	struct state_end end;
	struct error err;
	int rc = 0;

	/* What came before this comes before it there, too. */
	batch_ledger_settle(s);
	end = end_of(l, json_string_value(name));
	end.resource = job;
	/* Of a job whose end was not seen there is nothing to say yet. */
	if (s->ledger && !signals_pending() && !l->job.unknown)
		rc = job ? state_write_mismatch(s->ledger, &end, -1, why, &err)
			 : state_write_failed(s->ledger, &end, l->job.nonce, why, &err);
	if (rc < 0)
		log_warn("%s", err.message);
	json_decref(name);
}
