#include "trigger/execution.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/bigquery.h"
#include "lib/google/crypto.h"
#include "lib/google/destination.h"
#include "lib/google/statement.h"
#include "lib/log.h"
#include "trigger/execution_sql.h"

#define SOURCE_CLOUD "cloud"

enum { JOB_ID_SIZE = 64 };

struct executions {
	struct api api;
	struct destination table;
	char *project;  /* that runs the statements */
	char *name;     /* "project.dataset.table" */
	char *location; /* or NULL */
};

/* --- ids ------------------------------------------------------------------------------------ */

static int64_t first_63_bits(const char *hex)
{
	uint64_t value = 0;

	for (int i = 0; i < 16; i++)
		value = value << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
	return (int64_t)(value & INT64_MAX);
}

int execution_identify(struct execution *e, const char *message_id, const char *dag_id,
		       struct error *err)
{
	char digest[SHA256_HEX_SIZE];
	auto_buf text = BUF_INIT;

	if (crypto_sha256_hex(message_id, strlen(message_id), digest, err) < 0)
		return -1;
	e->id = first_63_bits(digest);
	/* A topic may have subscriptions for several DAGs. */
	if (buf_appendf(&text, err, "execution:%s\n%s", dag_id, message_id) < 0 ||
	    crypto_sha256_hex(text.data, text.length, digest, err) < 0)
		return -1;
	snprintf(e->run_id, sizeof e->run_id, "replicate_%.32s", digest);
	e->dag_id = dag_id;
	return 0;
}

/* --- opening -------------------------------------------------------------------------------- */

static struct statement_runner runner(struct executions *l)
{
	return (struct statement_runner){ &l->api, l->project, l->location };
}

void executions_close(struct executions *l)
{
	if (!l)
		return;
	api_close(&l->api);
	destination_release(&l->table);
	free(l->project);
	free(l->name);
	free(l->location);
	free(l);
}

static int set_names(struct executions *l, const struct executions_options *o, struct error *err)
{
	if (destination_parse(o->name, &l->table, err) < 0)
		return -1;
	if (l->table.decorator)
		return error_set(err, ERR_USAGE, "'%s': a table, not a partition of it", o->name);
	if (api_open(&l->api, o->api, err) < 0 ||
	    api_project(&l->api, o->project, &l->project, err) < 0)
		return -1;
	if (!l->table.project)
		l->table.project = strdup(l->project);
	l->name = l->table.project ? destination_name(&l->table) : NULL;
	return l->name ? 0 : error_nomem(err);
}

static int set_location(struct executions *l, const json_t *resource, struct error *err)
{
	const char *location = json_string_value(json_object_get(resource, "location"));

	l->location = location ? strdup(location) : NULL;
	return location && !l->location ? error_nomem(err) : 0;
}

/* The dataset, made where it is missing. */
static int need_dataset(struct executions *l, const char *location, struct error *err)
{
	json_t *dataset = NULL, *resource;
	int rc = bigquery_dataset_get(&l->api, l->table.project, l->table.dataset, &dataset, err);

	if (rc == 0) {
		resource = json_pack("{s:s*,s:s}", "location", location, "description",
				     "Executions of on-premise jobs; made by dagtrigger");
		rc = resource ? bigquery_dataset_insert(&l->api, l->table.project, l->table.dataset,
							resource, err)
			      : error_nomem(err);
		json_decref(resource);
		if (rc >= 0)
			rc = bigquery_dataset_get(&l->api, l->table.project, l->table.dataset,
						  &dataset, err);
		if (rc == 0)
			rc = error_set(err, ERR_TEMP, "its dataset was created, but is not there");
	}
	if (rc > 0)
		rc = set_location(l, dataset, err);
	json_decref(dataset);
	return rc;
}

/* Statements that do nothing where what they make is there. */
static int run_script(struct executions *l, struct buf *sql, struct error *err)
{
	const struct statement_runner r = runner(l);
	const char *script = buf_cstr(sql, err);
	char random[17], id[JOB_ID_SIZE];
	json_t *query;
	int rc;

	if (!script || crypto_random_hex(random, 8, err) < 0)
		return -1;
	snprintf(id, sizeof id, "sluice_executions_%s", random);
	query = json_pack("{s:s,s:b}", "query", script, "useLegacySql", 0);
	rc = query ? statement_run(&r, id, query, err) : error_nomem(err);
	json_decref(query);
	return rc;
}

static int create(struct executions *l, const char *location, struct error *err)
{
	auto_buf sql = BUF_INIT;

	if (need_dataset(l, location, err) < 0 || execution_sql_create(l->name, &sql, err) < 0 ||
	    run_script(l, &sql, err) < 0)
		return -1;
	log_info("ledger %s created, with its view %s_latest", l->name, l->name);
	return 0;
}

/* The view of a table that was there, made where it is missing. */
static int need_view(struct executions *l, struct error *err)
{
	auto_buf sql = BUF_INIT, name = BUF_INIT;
	struct bigquery_table ref = { l->table.project, l->table.dataset, NULL };
	json_t *view = NULL;
	int rc;

	if (buf_appendf(&name, err, "%s_latest", l->table.table) < 0 ||
	    !(ref.table = buf_cstr(&name, err)))
		return -1;
	rc = bigquery_table_get(&l->api, &ref, &view, err);
	json_decref(view);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (execution_sql_create_view(l->name, &sql, err) < 0 || run_script(l, &sql, err) < 0)
		return -1;
	log_info("view %s_latest created", l->name);
	return 0;
}

static int find_or_create(struct executions *l, const struct executions_options *o, bool may_create,
			  struct error *err)
{
	const struct bigquery_table ref = { l->table.project, l->table.dataset, l->table.table };
	json_t *resource = NULL;
	int rc = bigquery_table_get(&l->api, &ref, &resource, err);

	if (rc > 0) {
		rc = execution_sql_check(resource, err);
		if (rc == 0)
			rc = set_location(l, resource, err);
		json_decref(resource);
		return rc == 0 && may_create ? need_view(l, err) : rc;
	}
	if (rc == 0 && !may_create)
		return error_set(err, ERR_NOINPUT, "there is no such table");
	return rc < 0 ? -1 : create(l, o->location, err);
}

int executions_open(const struct executions_options *options, bool may_create,
		    struct executions **ret, struct error *err)
{
	struct executions *l = calloc(1, sizeof *l);

	if (!l)
		return error_nomem(err);
	if (set_names(l, options, err) < 0) {
		executions_close(l);
		return error_prefix(err, "--ledger");
	}
	if (find_or_create(l, options, may_create, err) < 0) {
		error_prefix(err, "ledger %s", l->name);
		executions_close(l);
		return -1;
	}
	*ret = l;
	return 0;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Write the row, once: what it says is run, status and, of an end, how many rows stood before it. */
static int write_row(struct executions *l, const json_t *row, size_t before, struct error *err)
{
	const struct statement_runner r = runner(l);
	char digest[SHA256_HEX_SIZE], id[JOB_ID_SIZE];
	auto_buf text = BUF_INIT;
	json_t *query = NULL;
	int rc;

	if (buf_appendf(&text, err, "execution:%s\n%s\n%s\n%zu", l->name,
			json_string_value(json_object_get(row, "run_id")),
			json_string_value(json_object_get(row, "status")), before) < 0 ||
	    crypto_sha256_hex(text.data, text.length, digest, err) < 0)
		return -1;
	snprintf(id, sizeof id, "sluice_%.32s", digest);
	rc = execution_sql_insert(l->name, row, &query, err);
	if (rc == 0)
		rc = statement_run(&r, id, query, err);
	json_decref(query);
	return rc < 0 ? error_prefix(err, "ledger %s", l->name) : 0;
}

static int write_event(struct executions *l, const struct execution *e, const char *status,
		       const char *source, const char *dag_run_id, struct error *err)
{
	json_t *row =
		json_pack("{s:I,s:s,s:s*,s:s,s:s,s:s,s:s,s:s*,s:s,s:s}", "id", (json_int_t)e->id,
			  "command", e->command, "timestamp", e->timestamp, "source", source,
			  "status", status, "run_id", e->run_id, "dag_id", e->dag_id, "dag_run_id",
			  dag_run_id, "database", e->database, "table", e->table);
	int rc = row ? write_row(l, row, 0, err) : error_nomem(err);

	json_decref(row);
	return rc;
}

int executions_received(struct executions *l, const struct execution *e, struct error *err)
{
	return write_event(l, e, "received", e->source, NULL, err);
}

int executions_triggered(struct executions *l, const struct execution *e, struct error *err)
{
	return write_event(l, e, "triggered", SOURCE_CLOUD, e->run_id, err);
}

/* --- ending --------------------------------------------------------------------------------- */

static int take_row(const json_t *row, void *into, struct error *err)
{
	json_t *object;

	if (execution_sql_row(row, &object, err) < 0)
		return -1;
	return json_array_append_new(into, object) < 0 ? error_nomem(err) : 0;
}

/* All rows of the run, oldest first; the caller's. */
static int read_run(struct executions *l, const char *run_id, json_t **ret, struct error *err)
{
	const struct statement_runner r = runner(l);
	json_t *rows = json_array(), *body = NULL;
	int rc = rows ? execution_sql_select(l->name, run_id, l->location, &body, err)
		      : error_nomem(err);

	if (rc == 0)
		rc = statement_read(&r, body, take_row, rows, err);
	if (rc >= 0 && json_array_size(rows) == 0)
		rc = error_set(err, ERR_NOINPUT, "there is no run '%s'", run_id);
	json_decref(body);
	if (rc < 0) {
		json_decref(rows);
		return error_prefix(err, "ledger %s", l->name);
	}
	*ret = rows;
	return 0;
}

static const char *text(const json_t *row, const char *column)
{
	const char *value = json_string_value(json_object_get(row, column));

	return value ? value : "";
}

/* The state that an end has given the run, or "". */
static const char *last_end(const json_t *rows)
{
	const char *end = "", *status;
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		status = text(row, "status");
		if (strcmp(status, "received") != 0 && strcmp(status, "triggered") != 0)
			end = status;
	}
	return end;
}

/* The end of the run, with what its first row says of it. */
static json_t *end_row(const json_t *rows, const char *status)
{
	json_t *row = json_deep_copy(json_array_get(rows, 0));

	if (json_object_del(row, "updated") < 0 ||
	    json_object_set_new(row, "status", json_string(status)) < 0 ||
	    json_object_set_new(row, "source", json_string(SOURCE_CLOUD)) < 0 ||
	    json_object_set(row, "dag_run_id", json_object_get(row, "run_id")) < 0) {
		json_decref(row);
		return NULL;
	}
	return row;
}

int executions_complete(struct executions *l, const char *run_id, const char *status, char **dag_id,
			struct error *err)
{
	json_t *rows = NULL, *row = NULL;
	int rc;

	if (read_run(l, run_id, &rows, err) < 0)
		return -1;
	rc = strcmp(last_end(rows), status) != 0;
	if (rc > 0) {
		row = end_row(rows, status);
		if (!row)
			rc = error_nomem(err);
		else if (write_row(l, row, json_array_size(rows), err) < 0)
			rc = -1;
	}
	if (rc >= 0 && dag_id) {
		*dag_id = strdup(text(json_array_get(rows, 0), "dag_id"));
		if (!*dag_id)
			rc = error_nomem(err);
	}
	json_decref(row);
	json_decref(rows);
	return rc;
}
