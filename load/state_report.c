#include "load/state_report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"
#include "load/connect.h"
#include "load/destination.h"
#include "load/ledger.h"
#include "load/state.h"

struct report {
	const struct config *config;
	struct destination destination;
	struct api api;
	char *project;
	char *table; /* NULL: every one */
	struct ledger *ledger;
	json_t *entries;
};

static void release(struct report *r)
{
	json_decref(r->entries);
	ledger_close(r->ledger);
	api_close(&r->api);
	free(r->project);
	free(r->table);
	destination_release(&r->destination);
}

/* Nothing is asked of Google but what the ledger's place and the names need. */
static int open_report(struct report *r, const char *operand, struct error *err)
{
	const struct config *c = r->config;
	const struct api_options api = connect_options(c, SERVICE_BIGQUERY);
	struct ledger_options options = { .name = c->ledger, .api = &api };

	if (operand && destination_parse(operand, &r->destination, err) < 0)
		return -1;
	if (!ledger_is_file(c->ledger) || (operand && !r->destination.project)) {
		if (api_open(&r->api, &api, err) < 0 ||
		    connect_project(c, &r->api, operand ? &r->destination : NULL, &r->project,
				    err) < 0)
			return -1;
		options.project = r->project;
	}
	if (operand && !(r->table = destination_name(&r->destination)))
		return error_nomem(err);
	return ledger_open(&options, &r->ledger, err);
}

static int settle(struct report *r, struct error *err)
{
	const struct api_options api = connect_options(r->config, SERVICE_BIGQUERY);

	if (!state_is_unsettled(r->entries, NULL))
		return 0;
	if (!r->api.client && api_open(&r->api, &api, err) < 0)
		return -1;
	if (state_settle(r->ledger, &r->api, r->entries, NULL, r->api.retry.budget_ms, err) < 0)
		return -1;
	json_decref(r->entries);
	r->entries = NULL;
	return ledger_read(r->ledger, r->table, NULL, &r->entries, err);
}

/* A new reference to the member; null where there is none. */
static json_t *member(const json_t *entry, const char *name)
{
	json_t *value = json_object_get(entry, name);

	return value ? json_incref(value) : json_null();
}

/* The table's last entry, if it says that a later run went wrong; or NULL. */
static const json_t *failure_after(const json_t *entries, const char *table, const json_t *done)
{
	const json_t *last = NULL;
	const char *state;
	json_t *entry;
	size_t i;

	json_array_foreach((json_t *)entries, i, entry) {
		const char *of = ledger_text(entry, "table");

		if (of && !strcmp(of, table))
			last = entry;
	}
	state = ledger_text(last, "state");
	if (last == done || !state ||
	    (strcmp(state, "failed") != 0 && strcmp(state, "mismatch") != 0))
		return NULL;
	return last;
}

static int print(const struct report *r, const char *table, struct rowstream_writer *out,
		 struct error *err)
{
	const json_t *done = state_last_done(r->entries, table);
	const json_t *bad = failure_after(r->entries, table, done);
	const json_t *reconciled = state_last_reconciled(r->entries, table);
	json_t *failure = NULL, *record;
	int rc;

	if (!done && (r->table || !bad))
		return 0;
	if (bad)
		failure = json_pack("{s:o,s:o,s:o,s:o,s:o}", "run", member(bad, "run"), "state",
				    member(bad, "state"), "exit", member(bad, "exit"), "error",
				    member(bad, "error"), "at", member(bad, "at"));
	record = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:O*,s:o*}", "table", table, "run",
			   member(done, "run"), "state", member(done, "state"), "job",
			   member(done, "job"), "rows", member(done, "rows"), "cursor",
			   member(done, "cursor"), "at", member(done, "ended"), "reconciled",
			   json_object_get(reconciled, "ended"), "failure", failure);
	rc = record ? rowstream_write_record(out, "@state", record, err) : error_nomem(err);
	json_decref(record);
	return rc;
}

/* Each table once, in the order in which they come up. */
static int print_all(const struct report *r, struct rowstream_writer *out, struct error *err)
{
	json_t *seen = json_object(), *entry;
	size_t i;
	int rc = 0;

	json_array_foreach(r->entries, i, entry) {
		const char *table = ledger_text(entry, "table");

		if (rc < 0 || !table || json_object_get(seen, table))
			continue;
		rc = json_object_set_new(seen, table, json_true()) < 0 ? error_nomem(err)
								       : print(r, table, out, err);
	}
	json_decref(seen);
	return rc;
}

int state_report(const struct config *config, const char *operand, struct rowstream_writer *out,
		 struct error *err)
{
	struct report r = { .config = config };
	int rc = open_report(&r, operand, err);

	if (rc == 0)
		rc = ledger_read(r.ledger, r.table, NULL, &r.entries, err);
	if (rc == 0 && operand)
		rc = settle(&r, err);
	if (rc == 0)
		rc = rowstream_write_begin(out, NULL, err);
	if (rc == 0)
		rc = operand ? print(&r, r.table, out, err) : print_all(&r, out, err);
	if (rc == 0)
		rc = rowstream_write_end(out, NULL, "records", err);
	if (rc == 0)
		rc = io_close(STDOUT_FILENO, "stdout", err);
	release(&r);
	return rc;
}
