/*
 * Runs of the same table under other run ids, on other hosts perhaps: of two
 * that would replace the table, merge into it or move its cursor at once, only
 * one commits.
 *
 * Each announces its job in the ledger, then looks who else has. Entries are
 * seen by everybody once written, so of two at least the later one sees the
 * other. Who sees that another has come first gives way. Who sees another
 * announced gives way if its own entry's id is larger; else it waits for the
 * other's job. Giving way takes the own job's id away, so that who waits for
 * it sees that at once.
 */
#include <string.h>

#include "lib/google/bigquery.h"
#include "lib/log.h"
#include "load/connect.h"
#include "load/load_impl.h"
#include "load/state.h"

static bool is_of_other(const struct load *l, const json_t *entry)
{
	const char *run = ledger_text(entry, "run");

	return run && strcmp(run, l->run_id) != 0;
}

/* Rows that are just added are nobody's concern; rows up to a cursor are added once. */
static bool has_rivals(const struct load *l)
{
	return l->config->write == WRITE_TRUNCATE || l->config->write == WRITE_MERGE ||
	       json_object_get(l->in.begin, "cursor") || l->cursor;
}

static bool is_known(const json_t *entries, const json_t *entry)
{
	const char *id = ledger_text(entry, "id"), *other;
	json_t *known;
	size_t i;

	json_array_foreach((json_t *)entries, i, known) {
		other = ledger_text(known, "id");
		if (id && other && !strcmp(id, other))
			return true;
	}
	return false;
}

/* A load of another run that was done since this one has begun; or NULL. */
static const json_t *find_done(const struct load *l, const json_t *now)
{
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)now, i, entry)
		if (ledger_is(entry, "load", "done") && is_of_other(l, entry) &&
		    !is_known(l->entries, entry))
			return entry;
	return NULL;
}

/* The one to which this run, whose submission has that id, gives way; or NULL. */
static const json_t *find_first(const struct load *l, const json_t *now, const char *own_id)
{
	const json_t *entry;

	for (size_t i = 0; i < json_array_size(now); i++) {
		entry = json_array_get(now, i);
		if (is_of_other(l, entry) && state_is_open(now, i) &&
		    strcmp(ledger_text(entry, "id"), own_id) < 0)
			return entry;
	}
	return NULL;
}

static int give_way(struct load *l, struct api *api, const json_t *rival, const char *what,
		    struct error *err)
{
	const struct bigquery_job ref = { l->job.project, l->job.location, l->job.id };
	json_t *job = NULL;
	bool started;

	if (loadjob_fence(api, &ref, &job, err) < 0)
		return error_prefix(err, "cannot give way to run %s", ledger_text(rival, "run"));
	started = loadjob_is_done(job);
	json_decref(job);
	if (started)
		return error_set(err, ERR_TEMP, "another process has just loaded run %s",
				 l->run_id);
	/* The ledger says so of the job. */
	l->job.failed = true;
	l->gave_way = true;
	return error_set(err, ERR_TEMP, "%s: run %s %s; nothing was loaded", l->progress.what,
			 ledger_text(rival, "run"), what);
}

/* 1: no rival is left. 0: look again. */
static int look(struct load *l, struct api *api, const char *own_id, struct error *err)
{
	const struct api_options storage = connect_options(l->config, SERVICE_STORAGE);
	const json_t *rival;
	json_t *now;
	int rc;

	if (ledger_read(l->ledger, l->table_name, l->run_id, &now, err) < 0)
		return -1;
	if ((rival = find_done(l, now)))
		rc = give_way(l, api, rival, "was loaded meanwhile", err);
	else if ((rival = find_first(l, now, own_id)))
		rc = give_way(l, api, rival, "is about to be loaded", err);
	else if (state_is_open_but(now, l->run_id))
		rc = state_settle(l->ledger, api, &storage, now, l->run_id, err);
	else
		rc = 1;
	json_decref(now);
	return rc;
}

int load_check_rivals(struct load *l, const char *own_id, struct error *err)
{
	const struct api_options options = connect_options(l->config, SERVICE_BIGQUERY);
	struct api api;
	int rc = 0;

	if (!has_rivals(l))
		return 0;
	/* l->api may be a sender's. */
	if (api_open(&api, &options, err) < 0)
		return -1;
	while (rc == 0)
		rc = look(l, &api, own_id, err);
	api_close(&api);
	return rc < 0 ? -1 : 0;
}

int load_check_increment(const struct load *l, struct error *err)
{
	const json_t *cursor = json_object_get(l->in.begin, "cursor");
	const json_t *done = state_last_done(l->entries, l->table_name);
	const json_t *loaded = json_object_get(done, "cursor");
	const char *after = ledger_text(cursor, "after"), *last = ledger_text(loaded, "last");
	const char *column = ledger_text(cursor, "column"), *of = ledger_text(loaded, "column");

	if (l->config->write != WRITE_APPEND || !after || !last || !column || !of ||
	    strcmp(column, of) != 0 || !strcmp(after, last))
		return 0;
	return error_set(
		err, ERR_DATA,
		"the rows begin after %s '%s', but run %s has loaded up to '%s': appended, "
		"rows between would be missing or there twice; read again from there",
		column, after, ledger_text(done, "run"), last);
}
