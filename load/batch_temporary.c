/*
 * A batch of several load jobs. Each has an id of its own, a digest of what
 * it loads, so that a rerun finds it; the temporary table counts only rows
 * of jobs that were made after it, and is made anew when it has others.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/buf.h"
#include "lib/google/crypto.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "lib/schema.h"
#include "load/batch_load.h"
#include "load/report.h"

enum { LIFE_S = 7 * 24 * 3600 };

struct temporary {
	struct batch_load *load;
	char name[LOADJOB_ID_SIZE];
	json_t *schema; /* that a job has to name, or NULL: the table's, or found out */
	int64_t made_ms;
	int64_t rows, bad; /* of the jobs that loaded into it */
};

static struct bigquery_table target(const struct batch_load *l)
{
	const struct destination *d = &l->batch->destination;

	return (struct bigquery_table){ d->project, d->dataset, d->table };
}

static struct bigquery_table reference(const struct temporary *t)
{
	struct bigquery_table table = target(t->load);

	table.table = t->name;
	return table;
}

static int64_t number(const json_t *resource, const char *name)
{
	const char *digits = json_string_value(json_object_get(resource, name));
	struct error ignored;
	int64_t n;

	return digits && parse_int64(digits, 0, INT64_MAX, &n, &ignored) == 0 ? n : -1;
}

static json_t *fields_of(const json_t *table)
{
	return json_object_get(json_object_get(table, "schema"), "fields");
}

/* --- the table ------------------------------------------------------------------------------- */

/* The rows' schema: the record's, else that of the destination; NULL where there is neither. */
static int find_schema(struct temporary *t, struct error *err)
{
	const struct bigquery_table ref = target(t->load);
	json_t *schema = json_object_get(t->load->batch->load, "schema"), *table = NULL;
	int rc;

	if (schema) {
		t->schema = json_incref(schema);
		return 0;
	}
	rc = bigquery_table_get(t->load->api, &ref, &table, err);
	if (rc > 0 && json_array_size(fields_of(table)) > 0)
		t->schema = json_pack("{s:O}", "fields", fields_of(table));
	json_decref(table);
	return rc < 0 ? -1 : 0;
}

static int make_table(struct temporary *t, struct error *err)
{
	const struct bigquery_table ref = reference(t);
	json_t *table = NULL;
	json_t *resource =
		json_pack("{s:o,s:s}", "expirationTime",
			  json_sprintf("%" PRId64 "000", (int64_t)time(NULL) + LIFE_S),
			  "description",
			  "Rows on their way into another table; made and dropped by bqload");
	int rc = resource && (!t->schema || json_object_set(resource, "schema", t->schema) == 0)
			 ? bigquery_table_insert(t->load->api, &ref, resource, NULL, err)
			 : error_nomem(err);

	json_decref(resource);
	if (rc >= 0)
		rc = bigquery_table_get(t->load->api, &ref, &table, err);
	if (rc == 0)
		rc = error_set(err, ERR_TEMP, "temporary table %s was made, but is not there",
			       t->name);
	if (rc > 0)
		t->made_ms = number(table, "creationTime");
	json_decref(table);
	return rc < 0 ? -1 : 0;
}

static void drop_table(const struct temporary *t)
{
	const struct bigquery_table ref = reference(t);
	struct error err;

	if (bigquery_table_delete(t->load->api, &ref, &err) < 0)
		log_warn("%s; the temporary table expires by itself", err.message);
}

/* --- the jobs -------------------------------------------------------------------------------- */

/* The id is made of what is loaded: other objects are another job. */
static int open_job(const struct temporary *t, const json_t *uris, struct loadjob *ret,
		    struct error *err)
{
	const struct batch_load *l = t->load;
	char digest[SHA256_HEX_SIZE], step[SHA256_HEX_SIZE + 8];
	auto_buf text = BUF_INIT;
	json_t *uri;
	size_t i;

	json_array_foreach((json_t *)uris, i, uri)
		if (buf_appendf(&text, err, "%s\n", json_string_value(uri)) < 0)
			return -1;
	if (crypto_sha256_hex(text.data, text.length, digest, err) < 0)
		return -1;
	snprintf(step, sizeof step, "stage %s", digest);
	return loadjob_init(ret, l->api, &l->batch->destination, l->project, l->location,
			    l->batch->id, step, err);
}

static int count_job(struct temporary *t, const json_t *job, const char *id, const json_t *uris,
		     struct error *err)
{
	if (batch_prove(job, id, (int64_t)json_array_size(uris), err) < 0)
		return -1;
	t->rows += report_rows(job);
	t->bad += report_bad(job);
	return 0;
}

/* Those that have loaded into this very table. 1: that one; 0: none, and job->id is ours. */
static int find_job(const struct temporary *t, struct loadjob *job, json_t **done,
		    struct error *err)
{
	int rc;

	while ((rc = loadjob_find(job, done, err)) > 0) {
		if (t->made_ms >= 0 &&
		    number(json_object_get(*done, "statistics"), "creationTime") >= t->made_ms)
			return 1;
		json_decref(*done);
		*done = NULL;
		loadjob_pass(job);
	}
	return rc;
}

/* The same table still, with rows counted after its jobs have ended. */
static int holds_rows(const struct temporary *t, struct error *err)
{
	const struct bigquery_table ref = reference(t);
	json_t *table = NULL;
	int rc = bigquery_table_get(t->load->api, &ref, &table, err);

	if (rc > 0)
		rc = t->made_ms >= 0 && number(table, "creationTime") == t->made_ms &&
		     number(table, "numRows") == t->rows;
	json_decref(table);
	return rc;
}

/* 1: the table is there, and holds what the jobs say that were made after it. */
static int is_usable(struct temporary *t, struct error *err)
{
	const struct bigquery_table ref = reference(t);
	json_t *table = NULL, *uris;
	size_t i;
	int rc = bigquery_table_get(t->load->api, &ref, &table, err);

	if (rc <= 0)
		return rc;
	t->made_ms = number(table, "creationTime");
	t->rows = t->bad = 0;
	json_array_foreach(t->load->files.jobs, i, uris) {
		json_t *done = NULL;
		struct loadjob job;

		rc = open_job(t, uris, &job, err) < 0 ? -1 : find_job(t, &job, &done, err);
		if (rc > 0)
			rc = count_job(t, done, job.id, uris, err);
		json_decref(done);
		if (rc < 0)
			break;
	}
	if (rc == 0)
		rc = holds_rows(t, err);
	t->rows = t->bad = 0;
	json_decref(table);
	return rc;
}

/* The record's configuration, but for what is the destination's alone. */
static json_t *configuration(const struct temporary *t, json_t *uris)
{
	static const char *const members[] = {
		"timePartitioning",    "rangePartitioning",          "clustering",
		"schemaUpdateOptions", "destinationTableProperties", "createDisposition",
	};
	const struct bigquery_table ref = reference(t);
	json_t *load = json_deep_copy(t->load->batch->load);

	for (size_t i = 0; load && i < sizeof members / sizeof *members; i++)
		json_object_del(load, members[i]);
	if (json_object_update_new(load, json_pack("{s:{s:s,s:s,s:s},s:O,s:s}", "destinationTable",
						   "projectId", ref.project, "datasetId",
						   ref.dataset, "tableId", ref.table, "sourceUris",
						   uris, "writeDisposition", "WRITE_APPEND")) < 0 ||
	    (t->schema && json_object_set(load, "schema", t->schema) < 0)) {
		json_decref(load);
		return NULL;
	}
	return load;
}

static int run_job(struct temporary *t, json_t *uris, struct error *err)
{
	json_t *done = NULL, *load = NULL;
	struct loadjob job;
	bool adopted;
	int rc;

	if (open_job(t, uris, &job, err) < 0)
		return -1;
	rc = find_job(t, &job, &done, err);
	if (rc == 0) {
		load = configuration(t, uris);
		rc = load ? loadjob_run(&job, "load", load, t->load->labels, &done, &adopted, err)
			  : error_nomem(err);
	}
	if (rc >= 0)
		rc = count_job(t, done, job.id, uris, err);
	json_decref(load);
	json_decref(done);
	return rc;
}

static int fill(struct temporary *t, struct error *err)
{
	json_t *uris;
	size_t i;
	int rc = is_usable(t, err);

	if (rc == 0) {
		drop_table(t);
		rc = make_table(t, err);
	}
	if (rc < 0)
		return -1;
	json_array_foreach(t->load->files.jobs, i, uris) {
		if (run_job(t, uris, err) < 0)
			return -1;
		log_info("%s: %zu of %zu jobs done, %" PRId64 " rows", t->load->batch->id, i + 1,
			 json_array_size(t->load->files.jobs), t->rows);
	}
	return 0;
}

/* --- the statement --------------------------------------------------------------------------- */

static int create_target(struct temporary *t, const json_t *rows, struct error *err)
{
	static const char *const members[] = { "timePartitioning", "rangePartitioning",
					       "clustering" };
	const json_t *load = t->load->batch->load;
	const char *create = json_string_value(json_object_get(load, "createDisposition"));
	const struct bigquery_table ref = target(t->load);
	json_t *resource, *member;
	int rc;

	if (create && !strcmp(create, "CREATE_NEVER"))
		return error_set(err, ERR_REMOTE, "no such table: %s", t->load->batch->table);
	resource = json_pack("{s:{s:O}}", "schema", "fields", fields_of(rows));
	for (size_t i = 0; resource && i < sizeof members / sizeof *members; i++)
		if ((member = json_object_get(load, members[i])))
			json_object_set(resource, members[i], member);
	rc = resource ? bigquery_table_insert(t->load->api, &ref, resource, NULL, err)
		      : error_nomem(err);
	json_decref(resource);
	return rc < 0 ? -1 : 0;
}

static int open_target(struct temporary *t, const json_t *rows, struct error *err)
{
	const struct bigquery_table ref = target(t->load);
	json_t *table = NULL;
	int rc = bigquery_table_get(t->load->api, &ref, &table, err);

	if (rc == 0)
		rc = create_target(t, rows, err);
	else if (rc > 0 && !strcmp(batch_write(t->load->batch), "empty") &&
		 number(table, "numRows") != 0)
		rc = error_set(err, ERR_REMOTE, "%s is not empty", t->load->batch->table);
	json_decref(table);
	return rc < 0 ? -1 : 0;
}

static int append_columns(struct buf *sql, const struct schema *s, const char *alias,
			  struct error *err)
{
	for (size_t i = 0; i < s->count; i++)
		if (buf_appendf(sql, err, "%s%s%s`%s`", i ? ", " : "", alias, *alias ? "." : "",
				s->field[i].name) < 0)
			return -1;
	return 0;
}

static int append_insert(const struct temporary *t, const struct schema *s, struct buf *sql,
			 struct error *err)
{
	const struct bigquery_table to = target(t->load), from = reference(t);

	if (buf_appendf(sql, err, "INSERT INTO `%s.%s.%s` (", to.project, to.dataset, to.table) <
		    0 ||
	    append_columns(sql, s, "", err) < 0 || buf_append_str(sql, ") SELECT ", err) < 0 ||
	    append_columns(sql, s, "", err) < 0)
		return -1;
	return buf_appendf(sql, err, " FROM `%s.%s.%s`", from.project, from.dataset, from.table);
}

/*
 * A MERGE that matches nothing: one statement, which is atomic and counts what it inserts, as a transaction of two does
 * not.
 */
static int append_replace(const struct temporary *t, const struct schema *s, struct buf *sql,
			  struct error *err)
{
	const struct bigquery_table to = target(t->load), from = reference(t);
	char alias[304] = "S"; /* longer than any column's name */
	size_t n = 1;

	/* Not the name of a column: S.x would then be the field x of column S. */
	while (schema_find(s, alias, n) && n + 1 < sizeof alias)
		alias[n++] = '_';
	if (buf_appendf(sql, err,
			"MERGE `%s.%s.%s` USING `%s.%s.%s` AS %s ON FALSE "
			"WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED THEN INSERT (",
			to.project, to.dataset, to.table, from.project, from.dataset, from.table,
			alias) < 0 ||
	    append_columns(sql, s, "", err) < 0 || buf_append_str(sql, ") VALUES (", err) < 0 ||
	    append_columns(sql, s, alias, err) < 0)
		return -1;
	return buf_append_str(sql, ")", err);
}

static int append_statement(const struct temporary *t, const struct schema *s, struct buf *sql,
			    struct error *err)
{
	return strcmp(batch_write(t->load->batch), "truncate") ? append_insert(t, s, sql, err)
							       : append_replace(t, s, sql, err);
}

static json_t *make_labels(const struct temporary *t)
{
	json_t *labels = json_deep_copy(t->load->labels);

	json_object_set_new(labels, REPORT_ROWS_LABEL, json_sprintf("%" PRId64, t->rows));
	json_object_set_new(labels, REPORT_BAD_LABEL, json_sprintf("%" PRId64, t->bad));
	return labels;
}

static int bring_over(struct temporary *t, json_t **done, bool *adopted, struct error *err)
{
	const struct bigquery_table ref = reference(t);
	json_t *rows = NULL, *labels = NULL;
	struct schema *schema = NULL;
	auto_buf sql = BUF_INIT;
	const char *text;
	int rc = bigquery_table_get(t->load->api, &ref, &rows, err);

	if (rc == 0 || (rc > 0 && number(rows, "numRows") != t->rows))
		rc = error_set(err, ERR_TEMP,
			       "temporary table %s does not hold the rows that were loaded into it",
			       t->name);
	if (rc < 0 || open_target(t, rows, err) < 0 ||
	    schema_parse(fields_of(rows), &schema, err) < 0 ||
	    append_statement(t, schema, &sql, err) < 0 || !(text = buf_cstr(&sql, err))) {
		rc = -1;
	} else {
		labels = make_labels(t);
		rc = loadjob_query(&t->load->job, text, labels, done, adopted, err);
	}
	if (rc == 0 && !*adopted)
		rc = report_prove_brought(*done, t->load->job.id, err);
	schema_free(schema);
	json_decref(labels);
	json_decref(rows);
	return rc;
}

int batch_temporary_load(struct batch_load *l, json_t **done, bool *adopted, struct error *err)
{
	struct temporary t = { .load = l, .made_ms = -1 };
	int rc;

	if (l->batch->destination.decorator)
		return error_set(err, ERR_REMOTE,
				 "more objects than one job takes cannot go into one partition: %s",
				 l->batch->table);
	snprintf(t.name, sizeof t.name, "%.40s_rows", l->job.base);
	rc = find_schema(&t, err);
	if (rc == 0)
		rc = fill(&t, err);
	if (rc == 0)
		rc = bring_over(&t, done, adopted, err);
	/* What a rerun can use stays, and expires. */
	if (rc == 0 || (err->code != ERR_TEMP && err->code < ERR_SIGNAL))
		drop_table(&t);
	json_decref(t.schema);
	return rc;
}
