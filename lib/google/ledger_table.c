/*
 * A ledger in a BigQuery table. An entry, or two at once, is one INSERT job
 * whose id is the first entry's: seen by every query after it, once, and with
 * no limit a day, which neither streaming nor load jobs have. Reading is one
 * query.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/bigquery.h"
#include "lib/google/crypto.h"
#include "lib/google/ledger_impl.h"
#include "lib/google/ledger_sql.h"
#include "lib/google/statement.h"
#include "lib/log.h"

enum { JOB_ID_SIZE = 64 };

/* Of an INSERT of two entries: the id of the second. */
#define WITH_LABEL "sluice_with"

static int table_open(struct ledger *l, struct error *err)
{
	struct destination *t = &l->table;
	auto_buf name = BUF_INIT;
	const char *text;

	if (destination_parse(l->options.name, t, err) < 0)
		return -1;
	if (t->decorator)
		return error_set(err, ERR_USAGE, "'%s': a table, not a partition of it",
				 l->options.name);
	if (!t->project)
		t->project = strdup(l->options.project);
	if (!t->project ||
	    buf_appendf(&name, err, "%s.%s.%s", t->project, t->dataset, t->table) < 0 ||
	    !(text = buf_cstr(&name, err)) || !(l->name = strdup(text)))
		return error_nomem(err);
	/* A connection of its own: while rows are sent the load's is busy. */
	return api_open(&l->api, l->options.api, err);
}

static void table_close(struct ledger *l)
{
	api_close(&l->api);
	destination_release(&l->table);
	free(l->location);
}

/* Whoever runs the ledger's statements; the location is known once there is a dataset. */
static struct statement_runner runner(struct ledger *l)
{
	return (struct statement_runner){ &l->api, l->options.project, l->location };
}

/* --- making it ------------------------------------------------------------------------------------ */

/* 1: the dataset is there, and l->location is where. 0: it is not. */
static int find_dataset(struct ledger *l, struct error *err)
{
	json_t *dataset = NULL;
	const char *location;
	int rc = bigquery_dataset_get(&l->api, l->table.project, l->table.dataset, &dataset, err);

	if (rc <= 0)
		return rc;
	location = json_string_value(json_object_get(dataset, "location"));
	free(l->location);
	l->location = location ? strdup(location) : NULL;
	json_decref(dataset);
	return location && !l->location ? error_nomem(err) : 1;
}

static int create_dataset(struct ledger *l, struct error *err)
{
	json_t *resource = json_pack("{s:s*,s:s}", "location", l->options.location, "description",
				     "What was loaded, when, and up to where; made by bqload");
	int rc = resource ? bigquery_dataset_insert(&l->api, l->table.project, l->table.dataset,
						    resource, err)
			  : error_nomem(err);

	json_decref(resource);
	if (rc < 0)
		return -1;
	log_info("dataset %s:%s created, for the ledger", l->table.project, l->table.dataset);
	rc = find_dataset(l, err);
	return rc == 0  ? error_set(err, ERR_TEMP, "its dataset was created, but is not there")
	       : rc < 0 ? -1
			: 0;
}

static int create_table(struct ledger *l, struct error *err)
{
	char random[17], base[JOB_ID_SIZE];
	auto_buf sql = BUF_INIT;
	const char *text;
	const struct statement_runner r = runner(l);
	json_t *query;
	int rc;

	if (crypto_random_hex(random, 8, err) < 0 || ledger_sql_create(l->name, &sql, err) < 0 ||
	    !(text = buf_cstr(&sql, err)))
		return -1;
	snprintf(base, sizeof base, "sluice_ledger_%s", random);
	query = json_pack("{s:s,s:b}", "query", text, "useLegacySql", 0);
	rc = query ? statement_run(&r, base, query, err) : error_nomem(err);
	json_decref(query);
	if (rc == 0)
		log_info("ledger %s created, with its views", l->name);
	return rc;
}

/* --- reading -------------------------------------------------------------------------------------- */

/* What becomes of a row: it goes into an array of entries, or into an object of runs. */
static int take_row(const json_t *row, void *closure, struct error *err)
{
	json_t *into = closure, *entry;
	const char *run;

	if (json_is_array(into)) {
		if (ledger_sql_entry(row, &entry, err) < 0)
			return -1;
		return json_array_append_new(into, entry) < 0 ? error_nomem(err) : 0;
	}
	run = json_string_value(json_object_get(json_array_get(json_object_get(row, "f"), 0), "v"));
	if (!run)
		return error_set(err, ERR_PROTOCOL, "a run without an id");
	return json_object_set_new(into, run, json_true()) < 0 ? error_nomem(err) : 0;
}

/* Takes the body. 1 / 0: there is no such table. */
static int query(struct ledger *l, json_t *body, json_t *into, struct error *err)
{
	const struct statement_runner r = runner(l);
	int rc = statement_read(&r, body, take_row, into, err);

	json_decref(body);
	return rc;
}

/* A statement has failed: is it because the table is something else? Then that is the error; else it stays. */
static void explain(struct ledger *l, struct error *err)
{
	const struct bigquery_table ref = { l->table.project, l->table.dataset, l->table.table };
	json_t *resource = NULL;
	struct error why;
	int rc;

	if (err->code != ERR_REMOTE && err->code != ERR_DATA)
		return;
	rc = bigquery_table_get(&l->api, &ref, &resource, &why);
	if (rc > 0 && ledger_sql_check(l->name, resource, &why) < 0)
		*err = why;
	json_decref(resource);
}

/* 1: the dataset is there. 0: it is not, and is not wanted. */
static int need_dataset(struct ledger *l, struct error *err)
{
	int rc = l->location ? 1 : find_dataset(l, err);

	if (rc != 0 || !l->options.create)
		return rc;
	return create_dataset(l, err) < 0 ? -1 : 1;
}

/* What may be looked for: entries as ledger_read has them, or (runs) as ledger_read_outcomes has. */
struct wanted {
	const char *table, *run;
	const json_t *tables, *runs;
};

static int make_body(const struct ledger *l, const struct wanted *w, json_t **ret,
		     struct error *err)
{
	if (w->runs)
		return ledger_sql_select_outcomes(l->name, w->tables, w->runs, l->location, ret,
						  err);
	return ledger_sql_select(l->name, w->table, w->run, l->location, ret, err);
}

static int read_entries(struct ledger *l, const struct wanted *w, json_t **ret, struct error *err)
{
	json_t *entries = json_array(), *body;
	int rc = need_dataset(l, err);

	if (rc > 0)
		rc = make_body(l, w, &body, err) < 0 ? -1 : query(l, body, entries, err);
	if (rc == 0 && l->options.create)
		rc = create_table(l, err);
	if (rc < 0) {
		explain(l, err);
		json_decref(entries);
		return -1;
	}
	*ret = entries;
	return 0;
}

static int table_read(struct ledger *l, const char *table, const char *run, json_t **ret,
		      struct error *err)
{
	const struct wanted w = { .table = table, .run = run };

	return read_entries(l, &w, ret, err);
}

static int table_read_outcomes(struct ledger *l, const json_t *tables, const json_t *runs,
			       json_t **ret, struct error *err)
{
	const struct wanted w = { .tables = tables, .runs = runs };

	return read_entries(l, &w, ret, err);
}

static int table_read_done(struct ledger *l, const char *table, json_t *runs, struct error *err)
{
	json_t *body;
	int rc = need_dataset(l, err);

	if (rc > 0)
		rc = ledger_sql_select_done(l->name, table, l->location, &body, err) < 0
			     ? -1
			     : query(l, body, runs, err);
	if (rc < 0)
		explain(l, err);
	return rc < 0 ? -1 : 0;
}

/* --- adding --------------------------------------------------------------------------------------- */

/* By one statement, under the id of the first. labels: of the job, or NULL. *ret: the job that ran. */
static int insert(struct ledger *l, json_t *entries, const json_t *labels, json_t **ret,
		  struct error *err)
{
	const struct statement_runner r = runner(l);
	json_t *query = NULL;
	int rc = ledger_sql_insert(l->name, entries, &query, err);

	if (rc == 0)
		rc = statement_run_job(&r, ledger_text(json_array_get(entries, 0), "id"), query,
				       labels, ret, err);
	json_decref(query);
	if (rc < 0)
		explain(l, err);
	return rc;
}

static int table_write(struct ledger *l, json_t *entry, struct error *err)
{
	json_t *entries = json_pack("[O]", entry), *job = NULL;
	int rc = entries ? insert(l, entries, NULL, &job, err) : error_nomem(err);

	json_decref(job);
	json_decref(entries);
	return rc;
}

/*
 * The statement's id is that of the first entry, which is so written once. Where another process had written it
 * already, `next` is not there yet: the label of the job that ran says so.
 */
static int table_write_both(struct ledger *l, json_t *entry, json_t *next, struct error *err)
{
	json_t *entries = json_pack("[O,O]", entry, next), *job = NULL;
	json_t *label = json_pack("{s:s}", WITH_LABEL, ledger_text(next, "id"));
	int rc = entries && label ? insert(l, entries, label, &job, err) : error_nomem(err);
	const json_t *labels = json_object_get(json_object_get(job, "configuration"), "labels");
	const char *with = json_string_value(json_object_get(labels, WITH_LABEL));

	if (rc == 0 && !(with && !strcmp(with, ledger_text(next, "id"))))
		rc = table_write(l, next, err);
	json_decref(label);
	json_decref(job);
	json_decref(entries);
	return rc;
}

const struct ledger_backend ledger_in_table = { table_open,          table_read,  table_read_done,
						table_read_outcomes, table_write, table_write_both,
						table_close };
