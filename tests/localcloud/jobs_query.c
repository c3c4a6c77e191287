/* Query jobs: the SQL translator does the work; this file puts its result into a job and a destination table. */
#include "tests/localcloud/jobs_query.h"
#include "tests/localcloud/external.h"
#include "tests/localcloud/gsql.h"
#include "tests/localcloud/jobs_impl.h"
#include "tests/localcloud/json_util.h"

#include <stdio.h>
#include <string.h>

static struct gsql_request request_of(const json_t *job, const struct externals *x, bool dry_run)
{
	const json_t *query = ju_path(job, "configuration.query");
	const json_t *dataset = json_object_get(query, "defaultDataset");

	return (struct gsql_request){
		.sql = ju_string(query, "query", ""),
		.default_project = ju_string(ju_path(job, "jobReference"), "projectId", ""),
		.default_dataset = ju_string(dataset, "datasetId", NULL),
		.default_dataset_project = ju_string(dataset, "projectId", NULL),
		.maximum_bytes_billed = ju_int64(query, "maximumBytesBilled", 0),
		.externals = x->list,
		.external_count = x->count,
		.query_parameters = json_object_get(query, "queryParameters"),
		.dry_run = dry_run,
	};
}

static bool is_dml(const struct gsql_result *r)
{
	static const char *const types[] = { "INSERT", "UPDATE",         "DELETE",
					     "MERGE",  "TRUNCATE_TABLE", NULL };

	return r->dml_target || ju_in(r->statement_type ? r->statement_type : "", types);
}

static json_t *statistics_of(const struct gsql_result *r, bool dry_run)
{
	json_t *query = json_pack("{s:s, s:b, s:s}", "statementType",
				  r->statement_type ? r->statement_type : "SELECT", "cacheHit", 0,
				  "totalSlotMs", "1");

	ju_set_int64(query, "totalBytesProcessed", r->bytes_processed);
	ju_set_int64(query, "totalBytesBilled", dry_run ? 0 : r->bytes_billed);
	if (is_dml(r) && !dry_run) {
		json_t *dml = json_object();

		ju_set_int64(dml, "insertedRowCount", r->inserted);
		ju_set_int64(dml, "updatedRowCount", r->updated);
		ju_set_int64(dml, "deletedRowCount", r->deleted);
		json_object_set_new(query, "dmlStats", dml);
		ju_set_int64(query, "numDmlAffectedRows", r->inserted + r->updated + r->deleted);
	}
	if (r->ddl_operation)
		json_object_set_new(query, "ddlOperationPerformed", json_string(r->ddl_operation));
	if (r->ddl_target)
		json_object_set(query, "ddlTargetTable", r->ddl_target);
	if (json_array_size(r->referenced_tables) > 0)
		json_object_set(query, "referencedTables", r->referenced_tables);
	if (dry_run && r->fields)
		json_object_set_new(query, "schema", json_pack("{s:O}", "fields", r->fields));
	return json_pack("{s:O, s:o}", "totalBytesProcessed",
			 json_object_get(query, "totalBytesProcessed"), "query", query);
}

/* What a dispositon says about a destination that exists: 1 append, 0 make or replace, -1 refused. */
static int judge_destination(const json_t *query, const json_t *table, const char *label,
			     struct api_error *err)
{
	const char *write = ju_string(query, "writeDisposition", "WRITE_EMPTY");

	if (!table) {
		if (strcmp(ju_string(query, "createDisposition", ""), "CREATE_NEVER") == 0)
			return api_fail(err, 404, "notFound", "Not found: Table %s", label);
		return 0;
	}
	if (strcmp(write, "WRITE_TRUNCATE") == 0 || strcmp(write, "WRITE_TRUNCATE_DATA") == 0)
		return 0;
	if (strcmp(write, "WRITE_APPEND") == 0 || ju_int64(table, "numRows", 0) == 0)
		return 1;
	return api_fail(err, 409, "duplicate", "Already Exists: Table %s", label);
}

static int copy_rows(struct store *s, const char *physical, const char *from, const json_t *fields,
		     struct api_error *err)
{
	sqlite3_str *names = sqlite3_str_new(store_db(s));
	const json_t *field;
	char *list;
	size_t i;
	int rc;

	json_array_foreach(fields, i, field)
		sqlite3_str_appendf(names, "%s\"%w\"", i ? "," : "", ju_string(field, "name", ""));
	list = sqlite3_str_finish(names);
	rc = store_exec(s, err, "INSERT INTO \"%w\"(%s) SELECT %s FROM \"%w\" ORDER BY rowid",
			physical, list, list, from);
	sqlite3_free(list);
	return rc;
}

static int write_destination(struct store *s, const json_t *query, const struct gsql_result *r,
			     struct api_error *err)
{
	const json_t *reference = json_object_get(query, "destinationTable");
	const char *project = ju_string(reference, "projectId", ""),
		   *dataset = ju_string(reference, "datasetId", "");
	const char *id = ju_string(reference, "tableId", "");
	char physical[STORE_NAME_MAX], label[STORE_NAME_MAX];
	json_t *table, *resource;
	int append, rc;

	snprintf(label, sizeof(label), "%s:%s.%s", project, dataset, id);
	table = store_table_get(s, project, dataset, id, err);
	if (!table && (err->status != 404 || strstr(err->message, "Dataset")))
		return -1;
	append = judge_destination(query, table, label, err);
	resource = json_pack("{s:{s:O}}", "schema", "fields", r->fields);
	if (append < 0)
		rc = -1;
	else if (!table)
		rc = store_table_create(s, project, dataset, id, resource, err);
	else
		rc = append ? 0 : store_table_replace(s, project, dataset, id, resource, err);
	json_decref(resource);
	json_decref(table);
	if (rc || store_data_table(physical, sizeof(physical), project, dataset, id) ||
	    copy_rows(s, physical, r->result_table, r->fields, err))
		return -1;
	return store_table_touch(s, project, dataset, id, err);
}

/* Old results make room: every table of the database costs each connection time. */
static int remember_result(struct worker *w, const char *table, struct api_error *err)
{
	struct jobs *j = w->jobs;
	char old[64];

	pthread_mutex_lock(&j->lock);
	memcpy(old, j->results[j->next_result], sizeof(old));
	snprintf(j->results[j->next_result], sizeof(old), "%s", table);
	j->next_result = (j->next_result + 1) % JOBS_RESULTS;
	pthread_mutex_unlock(&j->lock);
	return old[0] ? store_exec(w->store, err, "DROP TABLE IF EXISTS \"%w\"", old) : 0;
}

static int run(struct worker *w, const json_t *job, const struct externals *x, struct outcome *o)
{
	const json_t *query = ju_path(job, "configuration.query");
	struct gsql_request request = request_of(job, x, false);
	struct gsql_result result = { 0 };
	int rc = gsql_run(w->store, &request, &result, &o->error);

	if (rc)
		return -1;
	if (result.fields && json_is_object(json_object_get(query, "destinationTable")))
		rc = write_destination(w->store, query, &result, &o->error);
	if (rc == 0 && result.result_table[0])
		rc = remember_result(w, result.result_table, &o->error);
	o->statistics = statistics_of(&result, false);
	o->result_fields = json_incref(result.fields);
	snprintf(o->result_table, sizeof(o->result_table), "%s", result.result_table);
	gsql_result_release(&result);
	return rc;
}

void jobs_run_query(struct worker *w, const char *key, json_t *job, struct outcome *o)
{
	struct externals x = { 0 };
	struct api_error late;

	o->failed = true;
	if (external_read(w->store, w->jobs->gcs,
			  ju_path(job, "configuration.query.tableDefinitions"),
			  ju_string(ju_path(job, "jobReference"), "location", ""), &w->cancel, &x,
			  &o->errors, &o->error) ||
	    store_write_begin(w->store, &o->error)) {
		external_close(&x);
		return;
	}
	o->failed = run(w, job, &x, o) != 0;
	/* A script that failed keeps what it did before, so this commits either way. */
	if (jobs_mark_done(w, key, job, o, &late) | store_write_end(w->store, true, &late)) {
		o->failed = true;
		o->error = late;
		json_object_set_new(job, "status", json_pack("{s:s}", "state", "RUNNING"));
	}
	external_close(&x);
}

int jobs_query_dry_run(struct store *store, json_t *job, struct api_error *err)
{
	struct externals x = { 0 };
	struct gsql_request request;
	struct gsql_result result = { 0 };
	struct outcome o = { 0 };
	struct api_error ignored;
	int rc = external_describe(ju_path(job, "configuration.query.tableDefinitions"), &x, err);

	if (rc || store_write_begin(store, err)) {
		external_close(&x);
		return -1;
	}
	request = request_of(job, &x, true);
	rc = gsql_run(store, &request, &result, err);
	store_write_end(store, false, &ignored);
	external_close(&x);
	if (rc)
		return -1;
	o.statistics = statistics_of(&result, true);
	json_object_set_new(job, "statistics", json_object());
	ju_set_int64(json_object_get(job, "statistics"), "creationTime", store_now_ms());
	jobs_finish_resource(job, &o);
	outcome_release(&o);
	gsql_result_release(&result);
	return 0;
}
