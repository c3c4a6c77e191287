#include "load/state_report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/google/destination.h"
#include "lib/google/ledger.h"
#include "lib/io.h"
#include "load/connect.h"
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
	const struct api_options storage = connect_options(r->config, SERVICE_STORAGE);

	if (!state_is_unsettled(r->entries, NULL))
		return 0;
	if (!r->api.client && api_open(&r->api, &api, err) < 0)
		return -1;
	if (state_settle(r->ledger, &r->api, &storage, r->entries, NULL, err) < 0)
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

/* New reference; NULL when the table has no run that went wrong since. */
static json_t *failure_of(const json_t *entries, const char *table, const json_t *done)
{
	int64_t count;
	const json_t *bad = state_failure(entries, table, done, &count);

	if (!bad)
		return NULL;
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:I}", "run", member(bad, "run"), "state",
			 member(bad, "state"), "exit", member(bad, "exit"), "error",
			 member(bad, "error"), "at", member(bad, "at"), "count", (json_int_t)count);
}

/* The same of a run that has no outcome yet. */
static json_t *unfinished_of(const json_t *entries, const char *table)
{
	const json_t *open = state_unfinished(entries, table);

	return open ? json_pack("{s:o,s:o,s:o}", "run", member(open, "run"), "job",
				member(open, "job"), "at", member(open, "at"))
		    : NULL;
}

/* always: also of a table with no load that was done. */
static int print(const json_t *entries, const char *table, bool always,
		 struct rowstream_writer *out, struct error *err)
{
	const json_t *done = state_last_done(entries, table);
	const json_t *reconciled = state_last_reconciled(entries, table);
	json_t *record;
	int rc;

	if (!done && !always)
		return 0;
	record = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:O*,s:o*,s:o*}", "table", table, "run",
			   member(done, "run"), "state", member(done, "state"), "job",
			   member(done, "job"), "rows", member(done, "rows"), "cursor",
			   member(done, "cursor"), "at", member(done, "ended"), "reconciled",
			   json_object_get(reconciled, "ended"), "failure",
			   failure_of(entries, table, done), "unfinished",
			   unfinished_of(entries, table));
	rc = record ? rowstream_write_record(out, "@state", record, err) : error_nomem(err);
	json_decref(record);
	return rc;
}

/* Each table once, in the order in which they come up. */
static int print_all(const json_t *entries, struct rowstream_writer *out, struct error *err)
{
	json_t *tables = json_object(), *entry, *own;
	const char *table;
	size_t i;
	int rc = 0;

	json_array_foreach((json_t *)entries, i, entry) {
		table = ledger_text(entry, "table");
		if (table && !json_object_get(tables, table))
			json_object_set_new(tables, table, json_array());
		if (table)
			json_array_append(json_object_get(tables, table), entry);
	}
	json_object_foreach(tables, table, own)
		if (rc == 0)
			rc = print(own, table, true, out, err);
	json_decref(tables);
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
		rc = operand ? print(r.entries, r.table, false, out, err)
			     : print_all(r.entries, out, err);
	if (rc == 0)
		rc = rowstream_write_end(out, NULL, "records", err);
	if (rc == 0)
		rc = io_close(STDOUT_FILENO, "stdout", err);
	release(&r);
	return rc;
}
