/*
 * The second half of a merge: from the temporary table into the destination.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/google/bigquery.h"
#include "lib/log.h"
#include "lib/parse.h"
#include "load/evolve.h"
#include "load/merge.h"
#include "load/merge_missing.h"
#include "load/merge_sql.h"
#include "load/report.h"

/* So often may somebody else change the destination's schema between our look at it and our change. */
enum { EVOLVE_ATTEMPTS = 10 };

/* What one merge_run holds. */
struct commit {
	struct merge *merge;
	const struct plan_options *options;
	const struct plan *plan;
	struct bigquery_table target;
	const json_t *staged;  /* the job that loaded the rows; NULL: there are none */
	json_t *table;         /* the destination's resource */
	bool created;          /* … which is of this run */
	struct schema *schema; /* … and its schema */
	json_t *bounds;        /* the row of merge_sql_bounds, or NULL */
	struct merge_partition partition;
	struct merge_sql sql;
};

static void release(struct commit *c)
{
	json_decref(c->table);
	json_decref(c->bounds);
	schema_free(c->schema);
}

/* --- the destination ------------------------------------------------------------------------- */

/* The destination as it is now, created when it is not there. */
static int get_target(struct commit *c, struct error *err)
{
	struct api *api = c->merge->stage.api;
	int rc;

	json_decref(c->table);
	c->table = NULL;
	rc = bigquery_table_get(api, &c->target, &c->table, err);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (c->options->no_create || c->merge->keys_only)
		return error_set(err, ERR_REMOTE, "no such table, and %s is given",
				 c->options->no_create ? "--no-create" : "--keys-only");
	c->created = true;
	if (plan_create_table(api, c->merge->destination, c->plan, err) < 0)
		return -1;
	rc = bigquery_table_get(api, &c->target, &c->table, err);
	return rc == 0  ? error_set(err, ERR_TEMP, "was created, but is not there")
	       : rc < 0 ? -1
			: 0;
}

/* The rows' columns, and the one that marks deleted rows. fit->fields is the caller's on success. */
static int fit_target(struct commit *c, struct schema_fit *fit, struct error *err)
{
	const struct merge *m = c->merge;
	const struct schema *rows = m->staged ? m->staged : m->schema;
	json_t *fields = json_object_get(json_object_get(c->table, "schema"), "fields");
	int rc;

	schema_free(c->schema);
	c->schema = NULL;
	if (!json_array_size(fields) && !m->keys_only) {
		/* A table made without a schema takes the rows'. */
		fit->adds = true;
		fit->fields = json_deep_copy(rows->json);
	} else if (schema_parse(fields, &c->schema, err) < 0 ||
		   schema_fit(rows, c->schema, &c->options->rules, fit, err) < 0) {
		return -1;
	}
	if (!m->mark)
		return 0;
	rc = merge_missing_mark(m, c->schema, c->options->rules.add || c->created, fit->fields,
				&c->sql.mark_type, err);
	if (rc < 0) {
		json_decref(fit->fields);
		json_decref(fit->widens);
	}
	if (rc == 0)
		fit->adds = true;
	return rc < 0 ? -1 : 0;
}

/* 1: the schema fits now. 0: it was changed meanwhile, look again. */
static int evolve_once(struct commit *c, struct error *err)
{
	struct schema_fit fit = { 0 };
	json_t *patch;
	int rc;

	if (fit_target(c, &fit, err) < 0)
		return -1;
	if (fit.widens) {
		rc = evolve_widen(c->merge->widen, c->merge->destination, fit.widens,
				  c->plan->labels, err);
		json_decref(fit.fields);
		json_decref(fit.widens);
		/* Then comes what else is wanted. */
		return rc;
	}
	if (!fit.adds && !fit.relaxes) {
		json_decref(fit.fields);
		return 1;
	}
	patch = json_pack("{s:{s:o}}", "schema", "fields", fit.fields);
	if (!patch)
		return error_nomem(err);
	rc = bigquery_table_patch(c->merge->stage.api, &c->target, patch,
				  json_string_value(json_object_get(c->table, "etag")), NULL, err);
	json_decref(patch);
	/* Looked at once more either way: the statement wants the schema as it has become. */
	return rc < 0 ? -1 : 0;
}

static int check_age(struct commit *c, struct error *err)
{
	if (merge_missing_check_age(c->merge, c->table, c->staged, err) == 0)
		return 0;
	/* A rerun must not take them for fresh ones. */
	merge_drop(c->merge);
	return -1;
}

static int evolve(struct commit *c, struct error *err)
{
	for (int i = 0; i < EVOLVE_ATTEMPTS; i++) {
		int rc = get_target(c, err);

		/* Only before our own change of it. */
		if (rc == 0 && i == 0)
			rc = check_age(c, err);
		if (rc == 0)
			rc = evolve_once(c, err);
		if (rc != 0)
			return rc < 0 ? -1 : 0;
	}
	return error_set(err, ERR_TEMP, "others keep changing the table's schema");
}

/* --- looking at the rows --------------------------------------------------------------------- */

/* The first row of a query as an array of texts and nulls; *row NULL when there is none. */
static int query_row(struct commit *c, const char *sql, const char *what, json_t **row,
		     struct error *err)
{
	const struct loadjob *stage = &c->merge->stage;
	char id[LOADJOB_ID_SIZE * 2];
	const struct bigquery_job ref = { stage->project, stage->location, id };
	json_t *configuration, *job = NULL, *page = NULL, *cells, *cell;
	size_t i;
	int rc = -1;

	*row = NULL;
	/* Nothing is changed by it, so that no rerun needs to find it. */
	snprintf(id, sizeof id, "sluice_%s_%s", what, stage->nonce);
	configuration = bigquery_query_configuration(sql, err);
	if (!configuration ||
	    loadjob_limit(stage, json_object_get(configuration, "query"), err) < 0 ||
	    bigquery_job_insert(stage->api, &ref, configuration, NULL, err) < 0 ||
	    bigquery_job_wait(stage->api, &ref, 0, &job, err) < 0)
		goto out;
	if (bigquery_job_outcome(job) != JOB_DONE) {
		bigquery_job_failure(job, id, err);
		goto out;
	}
	loadjob_bill(stage, job);
	if (bigquery_query_results(stage->api, &ref, 1, NULL, &page, err) < 0)
		goto out;
	rc = 0;
	cells = json_object_get(json_array_get(json_object_get(page, "rows"), 0), "f");
	if (!cells)
		goto out;
	*row = json_array();
	json_array_foreach(cells, i, cell)
		if (json_array_append(*row, json_object_get(cell, "v")) < 0) {
			json_decref(*row);
			*row = NULL;
			rc = error_nomem(err);
			break;
		}
out:
	json_decref(configuration);
	json_decref(job);
	json_decref(page);
	return rc;
}

static int say_duplicate(const struct commit *c, const json_t *row, struct error *err)
{
	auto_buf text = BUF_INIT;
	const char *count;

	for (size_t i = 0; i < c->sql.key_count; i++) {
		const char *value = json_string_value(json_array_get(row, i));

		if (buf_appendf(&text, err, "%s%s=%.200s", i ? ", " : "", c->sql.key[i],
				value ? value : "NULL") < 0)
			return -1;
	}
	count = json_string_value(json_array_get(row, c->sql.key_count));
	return error_set(err, ERR_DATA,
			 "%s rows of the stream have the key %.*s, and without a cursor none of "
			 "them is the newest",
			 count ? count : "several", (int)text.length, text.data);
}

/* With a cursor the MERGE itself takes the newest row of each key. */
static int check_duplicates(struct commit *c, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;
	json_t *row;
	int rc;

	if (c->sql.cursor)
		return 0;
	if (merge_sql_duplicates(&c->sql, &sql, err) < 0 || !(text = buf_cstr(&sql, err)) ||
	    query_row(c, text, "duplicates", &row, err) < 0)
		return -1;
	rc = row ? say_duplicate(c, row, err) : 0;
	json_decref(row);
	return rc;
}

/* --- partitions ------------------------------------------------------------------------------ */

static const char *partition_column(const json_t *table)
{
	const json_t *p = json_object_get(table, "timePartitioning");

	if (!p)
		p = json_object_get(table, "rangePartitioning");
	return json_string_value(json_object_get(p, "field"));
}

/* Rows of one key cannot be in different partitions by this column. */
static bool is_fixed(const struct merge *m, const char *name)
{
	if (m->immutable && !strcasecmp(m->immutable, name))
		return true;
	for (size_t i = 0; i < m->key_count; i++)
		if (!strcasecmp(m->key[i], name))
			return true;
	return false;
}

static bool wants_filter(const json_t *table)
{
	return json_is_true(json_object_get(table, "requirePartitionFilter")) ||
	       json_is_true(json_object_get(json_object_get(table, "timePartitioning"),
					    "requirePartitionFilter"));
}

/* Read only those partitions of the destination into which the rows may fall. */
static int choose_partitions(struct commit *c, struct error *err)
{
	const char *name = partition_column(c->table), *nulls, *text;
	const struct schema_field *f;
	auto_buf sql = BUF_INIT;

	/* What is missing may be in any of them. */
	if (c->sql.missing != MISSING_STAY) {
		c->partition = (struct merge_partition){ .column = name ? name : "_PARTITIONTIME",
							 .whole = true };
		if (wants_filter(c->table))
			c->sql.partition = &c->partition;
		return 0;
	}
	if (!name || !is_fixed(c->merge, name)) {
		if (!wants_filter(c->table))
			return 0;
		return error_set(
			err, ERR_REMOTE,
			"wants a filter by its partitions; to be merged, %s must be in the "
			"key or declared --immutable",
			name ? name : "a column");
	}
	f = schema_find(c->schema, name, strlen(name));
	if (!f)
		return error_set(err, ERR_PROTOCOL, "is partitioned by %s, which it lacks", name);
	if (merge_sql_bounds(&c->sql, name, &sql, err) < 0 || !(text = buf_cstr(&sql, err)) ||
	    query_row(c, text, "bounds", &c->bounds, err) < 0)
		return -1;
	nulls = json_string_value(json_array_get(c->bounds, 2));
	c->partition = (struct merge_partition){
		.column = name,
		.type = f->type,
		.least = json_string_value(json_array_get(c->bounds, 0)),
		.largest = json_string_value(json_array_get(c->bounds, 1)),
		.nulls = !nulls || strcmp(nulls, "0") != 0,
	};
	c->sql.partition = &c->partition;
	return 0;
}

/* --- the MERGE ------------------------------------------------------------------------------- */

/* What became of rows that the stream lacks, on the MERGE: its count is judged by it. */
#define MISSING_LABEL "sluice_missing"

static const char *const missing_words[] = {
	[MISSING_STAY] = "stay", [MISSING_MARK] = "mark", [MISSING_DELETE] = "delete"
};

static json_t *make_labels(const struct commit *c)
{
	const json_t *staged = c->staged;
	json_t *labels = json_deep_copy(c->plan->labels);

	if (json_object_set_new(labels, REPORT_ROWS_LABEL,
				json_sprintf("%lld", (long long)report_rows(staged))) == 0 &&
	    json_object_set_new(labels, REPORT_BAD_LABEL,
				json_sprintf("%lld", (long long)report_bad(staged))) == 0 &&
	    json_object_set_new(labels, MERGE_STAGE_LABEL,
				json_sprintf("%u", c->merge->stage.attempt)) == 0 &&
	    json_object_set_new(labels, MISSING_LABEL,
				json_string(missing_words[c->merge->missing])) == 0)
		return labels;
	json_decref(labels);
	return NULL;
}

static int submit(struct commit *c, struct loadjob *job, struct buf *sql, json_t **done,
		  bool *adopted, struct error *err)
{
	const char *text = buf_cstr(sql, err);
	json_t *labels;
	int rc;

	if (!text)
		return -1;
	log_debug("%s", text);
	labels = make_labels(c);
	if (!labels)
		return error_nomem(err);
	rc = loadjob_query(job, text, labels, done, adopted, err);
	json_decref(labels);
	return rc;
}

static void begin(struct commit *c, struct merge *m, const struct plan_options *options,
		  const struct plan *plan)
{
	const struct destination *d = m->destination;

	*c = (struct commit){ .merge = m,
			      .options = options,
			      .plan = plan,
			      .target = { d->project, d->dataset, d->table } };
	c->sql = (struct merge_sql){
		.target = c->target,
		.source = { c->target.project, c->target.dataset, m->stage.id },
		.key = m->key,
		.key_count = m->key_count,
		.cursor = m->cursor,
		.missing = m->missing,
		.mark = m->mark,
		.keys_only = m->keys_only,
	};
}

/* All but the MERGE. What only looks comes first: rows that cannot be merged change nothing. */
static int prepare(struct commit *c, struct error *err)
{
	struct merge *m = c->merge;

	if (c->staged && merge_check_staged(m, c->staged, err) < 0)
		return -1;
	c->sql.columns = m->staged ? m->staged : m->schema;
	if (c->staged && check_duplicates(c, err) < 0)
		return -1;
	if (evolve(c, err) < 0 || choose_partitions(c, err) < 0)
		return error_prefix(err, "%s:%s.%s", c->target.project, c->target.dataset,
				    c->target.table);
	c->sql.table = c->schema;
	return 0;
}

static void say_counts(const json_t *done)
{
	const json_t *query = json_object_get(json_object_get(done, "statistics"), "query");
	const json_t *counts = json_object_get(query, "dmlStats");
	const char *inserted = json_string_value(json_object_get(counts, "insertedRowCount"));
	const char *updated = json_string_value(json_object_get(counts, "updatedRowCount"));
	const char *deleted = json_string_value(json_object_get(counts, "deletedRowCount"));

	log_info("%s rows inserted, %s updated, %s deleted", inserted ? inserted : "0",
		 updated ? updated : "0", deleted ? deleted : "0");
}

int merge_run(struct merge *m, struct loadjob *job, const struct plan_options *options,
	      const struct plan *plan, const json_t *staged, json_t **done, bool *adopted,
	      struct error *err)
{
	auto_buf sql = BUF_INIT;
	struct commit c;
	int rc;

	begin(&c, m, options, plan);
	c.staged = staged;
	rc = prepare(&c, err);
	if (rc == 0)
		rc = merge_sql_statement(&c.sql, &sql, err);
	if (rc == 0)
		rc = submit(&c, job, &sql, done, adopted, err);
	if (rc == 0)
		say_counts(*done);
	release(&c);
	return rc;
}

static int empty_statement(const struct commit *c, struct buf *sql, struct error *err)
{
	const struct bigquery_table *t = &c->target;

	if (c->sql.missing == MISSING_MARK)
		return merge_sql_mark_all(&c->sql, sql, err);
	return buf_appendf(sql, err, "TRUNCATE TABLE `%s.%s.%s`", t->project, t->dataset, t->table);
}

int merge_run_empty(struct merge *m, struct loadjob *job, const struct plan_options *options,
		    const struct plan *plan, json_t **done, bool *adopted, struct error *err)
{
	auto_buf sql = BUF_INIT;
	struct commit c;
	int rc;

	begin(&c, m, options, plan);
	rc = prepare(&c, err);
	if (rc == 0 && !c.created) {
		rc = empty_statement(&c, &sql, err);
		if (rc == 0)
			rc = submit(&c, job, &sql, done, adopted, err);
		if (rc == 0)
			say_counts(*done);
	}
	release(&c);
	return rc;
}

static int64_t deleted_rows(const json_t *done)
{
	const json_t *query = json_object_get(json_object_get(done, "statistics"), "query");
	const char *digits = json_string_value(
		json_object_get(json_object_get(query, "dmlStats"), "deletedRowCount"));
	struct error ignored;
	int64_t n;

	return digits && parse_int64(digits, 0, INT64_MAX, &n, &ignored) == 0 ? n : 0;
}

static bool missing_were(const json_t *done, enum merge_missing missing)
{
	const char *word = loadjob_label(done, MISSING_LABEL);

	return word && !strcmp(word, missing_words[missing]);
}

int merge_prove_count(const json_t *done, const char *job_id, struct error *err)
{
	int64_t affected = bigquery_job_statistic(done, "query", "numDmlAffectedRows");
	int64_t rows = report_rows(done);

	/* TRUNCATE TABLE, for a stream of no rows, need not count. */
	if (affected < 0 && rows == 0)
		return 0;
	if (affected < 0)
		return error_set(err, ERR_PROTOCOL,
				 "job %s is done and says not how many rows it changed", job_id);
	/* Rows that came can be told from rows that are gone only where the latter are deleted. */
	if (missing_were(done, MISSING_MARK))
		return 0;
	if (missing_were(done, MISSING_DELETE))
		affected -= deleted_rows(done);
	if (affected > rows)
		return error_set(err, ERR_PROTOCOL,
				 "job %s is done, but changed %lld rows of the table for %lld that "
				 "came: the table holds several rows of one key",
				 job_id, (long long)affected, (long long)rows);
	return 0;
}
