#include "tests/localcloud/load.h"

#include "tests/localcloud/json_util.h"
#include "tests/localcloud/load_impl.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_ERRORS 5

bool load_cancelled(const struct load_reader *r, struct api_error *err)
{
	if (!r->cancel || !atomic_load_explicit(r->cancel, memory_order_relaxed))
		return false;
	api_fail(err, 200, "stopped", "Job execution was cancelled: User requested cancellation");
	return true;
}

/* BigQuery names the file behind the message, and as the place of the error. */
static void name_file(const struct load_reader *r, struct api_error *err)
{
	size_t n = strlen(err->message);

	if (!r->uri || strcmp(err->reason, "invalid") != 0 || err->location[0])
		return;
	snprintf(err->location, sizeof(err->location), "%s", r->uri);
	snprintf(err->message + n, sizeof(err->message) - n, " File: %s", r->uri);
}

int load_bad_row(struct load_reader *r, const char *message, struct api_error *err)
{
	struct api_error detail;
	bool csv = strcmp(ju_string(r->load, "sourceFormat", "CSV"), "CSV") == 0;

	r->bad++;
	api_fail(&detail, 400, "invalid", "Error while reading data, error message: %s", message);
	name_file(r, &detail);
	if (json_array_size(r->errors) < MAX_ERRORS)
		json_array_append_new(r->errors, api_error_proto(&detail));
	if (r->bad <= r->max_bad)
		return 0;
	return api_fail(
		err, 400, "invalid",
		"Error while reading data, error message: %s table encountered too many errors, giving up. Rows: %" PRId64
		"; errors: %" PRId64 ". Please look into the errors[] collection for more details.",
		csv ? "CSV" : "JSON", r->rows->count + r->bad, r->bad);
}

static int read_file(struct load_reader *r, const struct load_file *file, struct api_error *err)
{
	bool csv = strcmp(ju_string(r->load, "sourceFormat", "CSV"), "CSV") == 0;

	/* An object that was there when the job began may have been deleted meanwhile. */
	if (file->uri && access(file->path, R_OK))
		return api_fail(err, 404, "notFound", "Not found: URI %s", file->uri);
	return csv ? load_csv(r, file->path, err) : load_ndjson(r, file->path, err);
}

static int read_rows(struct load_reader *r, const struct load_files *files, struct api_error *err)
{
	for (size_t i = 0; i < files->count; i++) {
		r->uri = files->list[i].uri;
		if (read_file(r, &files->list[i], err)) {
			name_file(r, err);
			return -1;
		}
	}
	return 0;
}

struct load_work {
	struct store *store;
	const json_t *load;
	struct load_target target; /* as planned */
	struct rows rows;
	bool rows_opened, staged;
	struct load_result *result;
	char staging[STORE_STAGING_MAX];
};

/* Writes the kept rows to the staging table, in a transaction of its own. */
static int stage(struct load_work *w, struct api_error *err)
{
	struct api_error late;
	int rc;

	if (store_write_begin(w->store, err))
		return -1;
	rc = w->staged ? 0 : store_staging_create(w->store, w->target.resource, w->staging, err);
	if (rc == 0)
		rc = rows_write(&w->rows, w->store, w->staging, err);
	if (store_write_end(w->store, rc == 0, &late) && rc == 0) {
		*err = late;
		rc = -1;
	}
	w->staged = w->staged || rc == 0;
	return rc;
}

int load_keep_row(struct load_reader *r, struct api_error *err)
{
	if (rows_keep(r->rows, err))
		return -1;
	return rows_full(r->rows) ? stage(r->work, err) : 0;
}

/* resource: of the table apart, or NULL. */
static int plan(struct load_work *w, json_t *resource, struct api_error *err)
{
	int rc = 0;

	if (resource) {
		w->target.resource = json_incref(resource);
	} else {
		store_read_begin(w->store);
		rc = load_prepare_table(w->store, w->load, true, &w->target, err);
		store_read_end(w->store);
	}
	if (rc)
		return -1;
	if (rows_open(&w->rows, w->target.resource,
		      w->target.has_partition ? &w->target.partition : NULL, err))
		return -1;
	w->rows_opened = true;
	return 0;
}

static int read_into(struct store *s, const json_t *load, json_t *resource,
		     const struct load_files *files, const atomic_bool *cancel,
		     struct load_result *result, struct load_work **ret, struct api_error *err)
{
	struct load_work *w = calloc(1, sizeof(*w));
	struct load_reader reader = {
		.load = load,
		.cancel = cancel,
		.max_bad = ju_int64(load, "maxBadRecords", 0),
		.ignore_unknown = ju_bool(load, "ignoreUnknownValues", false),
	};
	int rc;

	memset(result, 0, sizeof(*result));
	result->errors = json_array();
	*ret = w;
	if (!w)
		return api_fail(err, 500, "internalError", "out of memory");
	w->store = s;
	w->load = load;
	w->result = result;
	if (plan(w, resource, err))
		return -1;
	reader.rows = &w->rows;
	reader.work = w;
	reader.errors = result->errors;
	rc = read_rows(&reader, files, err);
	result->output_rows = w->rows.count;
	result->output_bytes = w->rows.bytes;
	result->bad_records = reader.bad;
	return rc;
}

int load_read(struct store *s, const json_t *load, const struct load_files *files,
	      const atomic_bool *cancel, struct load_result *result, struct load_work **ret,
	      struct api_error *err)
{
	return read_into(s, load, NULL, files, cancel, result, ret, err);
}

int load_read_apart(struct store *s, const json_t *load, json_t *resource,
		    const struct load_files *files, const atomic_bool *cancel,
		    struct load_result *result, struct load_work **ret, struct api_error *err)
{
	int rc = read_into(s, load, resource, files, cancel, result, ret, err);

	/* The rows that are kept in memory, too; a table without rows is a table. */
	return rc || !*ret ? -1 : stage(*ret, err);
}

const char *load_staging(const struct load_work *w)
{
	return w->staging;
}

/* Is the table what the rows were read for? */
static bool as_planned(const struct load_work *w, const struct load_target *now)
{
	static const char *const keys[] = { "schema", "timePartitioning" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *a = json_object_get(w->target.resource, keys[i]),
			     *b = json_object_get(now->resource, keys[i]);

		if (a != b && !json_equal(a, b))
			return false;
	}
	return true;
}

static int apply_to(struct load_work *w, const struct load_target *t, struct api_error *err)
{
	int rc;

	if (w->staged)
		rc = rows_write(&w->rows, w->store, w->staging, err) ||
				     store_staging_move(w->store, w->staging, t->physical, err)
			     ? -1
			     : 0;
	else
		rc = rows_write(&w->rows, w->store, t->physical, err);
	if (rc)
		return -1;
	if (t->recount)
		return store_table_touch(w->store, t->project, t->dataset, t->table, err);
	return store_table_grow(w->store, t->project, t->dataset, t->table, w->result->output_rows,
				w->result->output_bytes, err);
}

int load_apply(struct load_work *w, bool *stale, struct api_error *err)
{
	struct load_target now;
	int rc = load_prepare_table(w->store, w->load, false, &now, err);

	*stale = rc == 0 && !as_planned(w, &now);
	if (rc == 0 && !*stale)
		rc = apply_to(w, &now, err);
	load_target_release(&now);
	return rc;
}

void load_end(struct load_work *w)
{
	if (!w)
		return;
	if (w->staged)
		store_staging_drop(w->store, w->staging);
	if (w->rows_opened)
		rows_close(&w->rows);
	load_target_release(&w->target);
	free(w);
}
