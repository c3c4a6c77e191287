/*
 * A batch that is not loaded but read by statements, as an external table
 * that only they see.
 */
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "load/batch_load.h"
#include "load/report.h"

/* The table's name in the statements. */
#define EXTERNAL_NAME "temp_ext"

/* Quoted only where it must be, so that a statement can make another name of it, or quote it itself. */
static int append_name(struct buf *out, const char *name, struct error *err)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	const char *quote =
		strspn(name, plain) == strlen(name) && !strchr("0123456789", *name) ? "" : "`";

	return buf_appendf(out, err, "%s%s%s", quote, name, quote);
}

/* The text with what stands for the destination put in. */
static int fill_in(const struct destination *d, const char *text, struct buf *out,
		   struct error *err)
{
	static const char dataset[] = "{dest_dataset}", table[] = "{dest_table}";

	while (*text) {
		int rc;

		if (!strncmp(text, dataset, sizeof dataset - 1)) {
			rc = buf_appendf(out, err, "`%s`.", d->project);
			if (rc == 0)
				rc = append_name(out, d->dataset, err);
			text += sizeof dataset - 1;
		} else if (!strncmp(text, table, sizeof table - 1)) {
			rc = append_name(out, d->table, err);
			text += sizeof table - 1;
		} else {
			rc = buf_append(out, text++, 1, err);
		}
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* configuration.query. New reference. */
static json_t *configuration(const struct batch_load *l, const char *text, struct error *err)
{
	auto_buf sql = BUF_INIT;
	json_t *external, *query;
	const char *filled;

	if (fill_in(&l->batch->destination, text, &sql, err) < 0 || !(filled = buf_cstr(&sql, err)))
		return NULL;
	external = json_deep_copy(l->batch->external);
	if (json_object_set(external, "sourceUris", json_array_get(l->files.jobs, 0)) < 0) {
		json_decref(external);
		error_nomem(err);
		return NULL;
	}
	query = json_pack("{s:s,s:b,s:{s:o}}", "query", filled, "useLegacySql", 0,
			  "tableDefinitions", EXTERNAL_NAME, external);
	if (!query)
		error_nomem(err);
	else if (loadjob_limit(&l->job, query, err) < 0) {
		json_decref(query);
		return NULL;
	}
	return query;
}

static int run(struct batch_load *l, struct loadjob *job, const char *text, json_t **done,
	       bool *adopted, struct error *err)
{
	json_t *query = configuration(l, text, err), *labels = NULL;
	int rc = query ? 0 : -1;

	if (rc == 0) {
		labels = json_deep_copy(l->labels);
		if (json_object_set_new(labels, REPORT_SQL_LABEL, json_string("1")) < 0)
			rc = error_nomem(err);
	}
	if (rc == 0)
		rc = loadjob_run(job, "query", query, labels, done, adopted, err);
	json_decref(labels);
	json_decref(query);
	if (rc == 0 && !*adopted)
		loadjob_bill(job, *done);
	return rc;
}

/* One before the last: once, too. */
static int run_before(struct batch_load *l, size_t index, const char *text, struct error *err)
{
	char step[32];
	struct loadjob job;
	json_t *done = NULL;
	bool adopted;
	int rc;

	snprintf(step, sizeof step, "sql%zu", index + 1);
	if (loadjob_init(&job, l->api, &l->batch->destination, l->project, l->location,
			 l->batch->id, step, err) < 0)
		return -1;
	job.billing = &l->billing;
	rc = loadjob_find(&job, &done, err);
	if (rc == 0)
		rc = run(l, &job, text, &done, &adopted, err);
	json_decref(done);
	/* What a ledger is told must not claim an end that was not seen. */
	l->job.unknown = job.unknown;
	return rc < 0 ? error_prefix(err, "statement %zu", index + 1) : 0;
}

int batch_sql_run(struct batch_load *l, json_t **done, bool *adopted, struct error *err)
{
	const json_t *sql = l->batch->sql;
	size_t count = json_array_size(sql);

	for (size_t i = 0; i + 1 < count; i++)
		if (run_before(l, i, json_string_value(json_array_get(sql, i)), err) < 0)
			return -1;
	return run(l, &l->job, json_string_value(json_array_get(sql, count - 1)), done, adopted,
		   err);
}
