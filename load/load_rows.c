/*
 * From the rows of the stream to the end of the job that takes them: --write
 * append, truncate and empty, and the first half of a merge.
 */
#include <stdio.h>

#include "lib/buf.h"
#include "lib/google/resumable.h"
#include "lib/log.h"
#include "load/load_impl.h"
#include "load/merge_missing.h"
#include "load/sender.h"

/* Behind the last row: does its producer stand for it that there are no more? */
static int check_whole(const struct load *l, struct error *err)
{
	if (!json_is_false(json_object_get(l->in.end, "whole")) || l->config->bare)
		return 0;
	return error_set(err, ERR_DATA,
			 "the rows come from input whose end proves nothing (\"whole\":false); "
			 "--bare takes them nevertheless");
}

int load_read_rows(struct load *l, struct sender *sender, struct stage *stage, struct error *err)
{
	const char *row;
	size_t length;
	int rc;

	while ((rc = rowstream_next(&l->in, &row, &length, err)) > 0) {
		if (rowcheck_row(l->check, row, length, l->in.line_number, err) < 0)
			return -1;
		length++; /* with the line feed that stands behind every row */
		if (l->metadata.fields && metadata_add(&l->metadata, &row, &length, err) < 0)
			return -1;
		if (sender && sender_append(sender, row, length, err) < 0)
			return -1;
		if (stage && stage_append(stage, row, length, err) < 0)
			return -1;
		progress_tick(&l->progress, l->in.rows, l->in.bytes);
	}
	l->progress.rows = l->in.rows;
	l->progress.bytes = l->in.bytes;
	if (rc < 0 || check_whole(l, err) < 0)
		return -1;
	return merge_missing_check_end(&l->merge, l->in.end, err);
}

int load_discard_rows(struct load *l, struct error *err)
{
	int rc = rowstream_drain(&l->in, err);

	l->progress.rows = l->in.rows;
	l->progress.bytes = l->in.bytes;
	return rc;
}

/* The last chunk, and what becomes of the job. */
static int commit(struct load *l, struct loadjob *job, struct sender *sender,
		  struct load_outcome *ret, struct error *err)
{
	struct error sent;
	int rc;

	if (load_widen(l, err) < 0 || loadjob_announce(job, err) < 0)
		return -1;
	rc = sender_finish(sender, &sent);
	if (rc == 0)
		log_info("%llu rows sent in %.2f s; job %s", (unsigned long long)l->in.rows,
			 progress_seconds(&l->progress), job->id);
	/* After a failed last put the outcome is unknown: the job may have been started. */
	if (loadjob_settle(job, rc == 0, &ret->job, &ret->adopted, err) == 0)
		return 0;
	if (rc < 0)
		*err = sent;
	return -1;
}

/* A query job under the run's id: zero rows are loaded once, as rows are. */
static int truncate_table(struct load *l, struct load_outcome *ret, struct error *err)
{
	auto_buf sql = BUF_INIT;
	const char *text;

	if (buf_appendf(&sql, err, "TRUNCATE TABLE `%s.%s.%s`", l->destination.project,
			l->destination.dataset, l->destination.table) < 0 ||
	    !(text = buf_cstr(&sql, err)))
		return -1;
	return loadjob_query(&l->job, text, l->plan.labels, &ret->job, &ret->adopted, err);
}

int load_nothing(struct load *l, struct load_outcome *ret, struct error *err)
{
	if (l->config->bare && l->config->write == WRITE_TRUNCATE)
		return error_set(
			err, ERR_DATA,
			"--bare and no rows: whether the source is empty or died is not known, "
			"so the table is not truncated");
	if (!l->plan.table_exists)
		return plan_create_table(&l->api, &l->destination, &l->plan, err);
	return l->config->write == WRITE_TRUNCATE ? truncate_table(l, ret, err) : 0;
}

/* One partition, or together with a change of the schema. */
bool load_needs_empty(const struct load *l)
{
	return l->config->write == WRITE_TRUNCATE && l->plan.table_exists && !l->config->bare &&
	       (l->destination.decorator || l->config->replace_schema || l->plan.widens ||
		json_object_get(l->plan.load, "schemaUpdateOptions"));
}

const json_t *load_labels(const struct load *l)
{
	return l->merge.labels ? l->merge.labels : l->plan.labels;
}

int load_send_rows(struct load *l, struct loadjob *job, json_t *configuration,
		   struct load_outcome *ret, struct error *err)
{
	struct sender sender;
	char what[256];
	auto_buf path = BUF_INIT;
	struct resumable_options upload = { .what = what,
					    .content_type = "application/octet-stream" };
	json_t *resource;
	int rc;

	if (l->config->stage)
		return load_send_staged(l, job, configuration, ret, err);
	snprintf(what, sizeof what, "load into %.200s", l->progress.what);
	if (buf_appendf(&path, err, "/projects/%s/jobs?uploadType=resumable", l->project) < 0)
		return -1;
	upload.path = buf_cstr(&path, err);
	resource = upload.path ? loadjob_resource(job, "load", configuration, load_labels(l), err)
			       : NULL;
	if (!resource)
		return -1;
	upload.metadata = resource;
	rc = sender_init(&sender, &l->api, &upload, err);
	if (rc == 0) {
		if (l->config->write == WRITE_MERGE) {
			sender.before = merge_create_temporary;
			sender.context = &l->merge;
		}
		rc = load_read_rows(l, &sender, NULL, err);
		if (rc == 0 && (l->in.rows > 0 || load_needs_empty(l)))
			rc = commit(l, job, &sender, ret, err);
		sender_release(&sender);
	}
	json_decref(resource);
	return rc;
}

int load_append(struct load *l, struct load_outcome *o, struct error *err)
{
	if (load_make_plan(l, err) < 0 || load_send_rows(l, &l->job, l->plan.load, o, err) < 0)
		return -1;
	return o->job ? 0 : load_nothing(l, o, err);
}
